/* What a shopper bought, and when. Which rows count as bought is decided by shopper_orders.c. */
#include "domain/shopper/shopper_purchases.h"

#include "domain/shopper/cart.h"

#include <assert.h>
#include <string.h>

/* By time; of one time by product. */
static int compare(const struct purchase *p, const char *product_id, int64_t at_us)
{
    return p->at_us != at_us ? (p->at_us < at_us ? -1 : 1) : strcmp(p->product_id, product_id);
}

static void drop(struct shopper *s, size_t first, size_t count)
{
    s->purchase_count -= count;
    memmove(&s->purchases[first], &s->purchases[first + count],
            (s->purchase_count - first) * sizeof *s->purchases);
}

/* Dropped are always the oldest, by what is newest: what was dropped once, no other order of arrival would have kept. */
static void drop_oldest(struct shopper *s)
{
    size_t count = s->purchase_count > PURCHASES_MAX ? s->purchase_count - PURCHASES_MAX : 0;
    const int64_t newest_us = s->purchases[s->purchase_count - 1].at_us;

    while (newest_us - s->purchases[count].at_us > PURCHASES_AGE_US) {
        count++;
    }
    drop(s, 0, count);
}

static void make_room(struct shopper *s, struct arena *a)
{
    if (s->purchases != NULL && s->purchase_count < cart_lines_capacity(s->purchase_count)) {
        return;
    }
    struct purchase *grown =
        arena_array(a, cart_lines_capacity(s->purchase_count + 1), sizeof *grown);
    if (s->purchases != NULL) {
        memcpy(grown, s->purchases, s->purchase_count * sizeof *grown);
    }
    s->purchases = grown;
}

void purchases_note(struct shopper *s, const char *product_id, int64_t at_us, struct arena *a)
{
    size_t i = s->purchase_count;

    /* From the end: events come in the order of time, but for those onto a base. */
    while (i > 0 && compare(&s->purchases[i - 1], product_id, at_us) > 0) {
        i--;
    }
    if (i > 0 && compare(&s->purchases[i - 1], product_id, at_us) == 0) {
        return; /* two lines of one order: variants of it */
    }
    make_room(s, a);
    memmove(&s->purchases[i + 1], &s->purchases[i], (s->purchase_count - i) * sizeof *s->purchases);
    s->purchases[i] = (struct purchase){.product_id = arena_strdup(a, product_id), .at_us = at_us};
    s->purchase_count++;
    drop_oldest(s);
    assert(s->purchase_count >= 1 && s->purchase_count <= PURCHASES_MAX);
}

void purchases_forget(struct shopper *s, size_t index)
{
    assert(index < s->purchase_count);
    drop(s, index, 1);
}
