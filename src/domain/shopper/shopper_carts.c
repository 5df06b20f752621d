/* The few carts of a shopper: finding the one an event means, making room for another. What then
 * happens to it is cart.c's job. */
#include "domain/shopper/shopper_carts.h"

#include "base/hash.h"
#include "domain/shop/cart_id.h"
#include "domain/shopper/cart.h"

#include <assert.h>
#include <string.h>

enum { DEFAULT_ID_DIGITS = 24 };

static struct cart *by_id(struct shopper *s, const char *cart_id)
{
    for (size_t i = 0; i < s->cart_count; i++) {
        if (strcmp(s->carts[i].id, cart_id) == 0) {
            return &s->carts[i];
        }
    }
    return NULL;
}

struct cart *carts_find(struct shopper *s, const char *cart_id)
{
    struct cart *c = by_id(s, cart_id);

    /* A cart merges into one that was never merged itself, so the chain is short and has an end. */
    for (size_t hops = 0; c != NULL && c->into != NULL && hops < CARTS_MAX; hops++) {
        struct cart *next = by_id(s, c->into);
        if (next == NULL) {
            break; /* it had to make room: the old name stands for itself again */
        }
        c = next;
    }
    return c;
}

static bool same_side(const char *x, const char *y)
{
    return x == NULL || y == NULL ? x == y : strcmp(x, y) == 0;
}

struct cart *carts_newest_open(struct shopper *s, const char *side)
{
    struct cart *newest = NULL;

    for (size_t i = 0; i < s->cart_count; i++) {
        struct cart *c = &s->carts[i];
        if (c->status == CART_OPEN && same_side(c->via, side) &&
            (newest == NULL || c->changed_us > newest->changed_us)) {
            newest = c;
        }
    }
    return newest;
}

struct cart *carts_of_event(struct shopper *s, const struct event *e, const char *side)
{
    return e->cart_id != NULL ? carts_find(s, e->cart_id) : carts_newest_open(s, side);
}

/* ---- making carts ---- */

static bool makes_room_before(const struct cart *x, const struct cart *y)
{
    if ((x->status == CART_OPEN) != (y->status == CART_OPEN)) {
        return x->status != CART_OPEN;
    }
    return x->changed_us < y->changed_us; /* among equals the smaller id, which comes first */
}

static void forget_dropped(struct shopper *s, size_t i)
{
    memmove(&s->dropped[i], &s->dropped[i + 1], (s->dropped_count - i - 1) * sizeof s->dropped[0]);
    s->dropped_count--;
}

/* By an id that tells nothing apart nobody is known to have ordered it. */
static void note_dropped(struct shopper *s, char *id)
{
    if (!cart_id_tells_apart(id)) {
        return;
    }
    if (s->dropped_count == DROPPED_MAX) {
        forget_dropped(s, 0);
    }
    s->dropped[s->dropped_count++].id = id;
}

static void take_back(struct shopper *s, const char *id)
{
    for (size_t i = 0; i < s->dropped_count; i++) {
        if (strcmp(s->dropped[i].id, id) == 0) {
            forget_dropped(s, i);
            return;
        }
    }
}

static void forget_mentioned(struct shopper *s, const char *id)
{
    for (size_t i = 0; i < s->mentioned_count; i++) {
        if (strcmp(s->mentioned[i].id, id) == 0) {
            memmove(&s->mentioned[i], &s->mentioned[i + 1],
                    (s->mentioned_count - i - 1) * sizeof s->mentioned[0]);
            s->mentioned_count--;
            return;
        }
    }
}

static void drop_one(struct shopper *s)
{
    size_t victim = 0;

    for (size_t i = 1; i < s->cart_count; i++) {
        if (makes_room_before(&s->carts[i], &s->carts[victim])) {
            victim = i;
        }
    }
    /* Whatever cart is made from now on begins behind this round: if the dropped one comes back under its id, it must not be
     * in a round whose message was sent already. */
    if (s->carts[victim].round > s->dropped_rounds) {
        s->dropped_rounds = s->carts[victim].round;
    }
    note_dropped(s, s->carts[victim].id);
    memmove(&s->carts[victim], &s->carts[victim + 1],
            (s->cart_count - victim - 1) * sizeof s->carts[0]);
    s->cart_count--;
}

static struct cart *make(struct shopper *s, const char *cart_id, struct arena *a)
{
    size_t index = 0;

    if (s->cart_count == CARTS_MAX) {
        drop_one(s);
    }
    take_back(s, cart_id);
    forget_mentioned(s, cart_id);
    while (index < s->cart_count && strcmp(s->carts[index].id, cart_id) < 0) {
        index++;
    }
    memmove(&s->carts[index + 1], &s->carts[index], (s->cart_count - index) * sizeof s->carts[0]);
    s->cart_count++;
    s->carts[index] = (struct cart){
        .id = arena_strdup(a, cart_id), .round = s->dropped_rounds, .status = CART_EMPTIED};
    return &s->carts[index];
}

/* The id of the cart of a shopper whose events name none. */
static const char *default_id(const struct shopper *s, const char *side, struct arena *a)
{
    const char *key = side == NULL ? s->key : arena_printf(a, "a:%s", side);
    uint8_t digest[SHA256_BYTES];
    char hex[SHA256_HEX];

    /* From the key alone, so that every replica and every refold finds the same one. */
    hash_sha256(key, strlen(key), digest);
    return arena_printf(a, "cart_%.*s", DEFAULT_ID_DIGITS, hash_hex(digest, sizeof digest, hex));
}

struct cart *carts_for_items(struct shopper *s, const struct event *e, const char *side,
                             struct arena *a)
{
    struct cart *c = carts_of_event(s, e, side);

    if (c == NULL) {
        const char *id = e->cart_id != NULL ? e->cart_id : default_id(s, side, a);
        c = carts_find(s, id);
        if (c == NULL) {
            c = make(s, id, a);
        }
    }
    if (c->status !=
        CART_OPEN) { /* bought, emptied or just made: these items begin the next round */
        cart_open(c, e->occurred_us);
        c->via = side == NULL ? NULL : arena_strdup(a, side);
        c->imported = e->origin == ORIGIN_IMPORT;
    } else if (side == NULL) {
        c->via = NULL; /* the shopper's own event takes a side's cart over */
    }
    assert(c->status == CART_OPEN);
    return c;
}

/* ---- carts that are only named ---- */

static bool had_cart(struct shopper *s, const char *id)
{
    bool had = by_id(s, id) != NULL;

    for (size_t i = 0; i < s->dropped_count && !had; i++) {
        had = strcmp(s->dropped[i].id, id) == 0;
    }
    return had;
}

void carts_mention(struct shopper *s, const struct event *e, struct arena *a)
{
    const bool kept_elsewhere = e->type == EVENT_PURCHASE || event_withdraws(e);

    if (kept_elsewhere || e->origin == ORIGIN_DERIVED || !cart_id_tells_apart(e->cart_id) ||
        had_cart(s, e->cart_id)) {
        return;
    }
    forget_mentioned(s, e->cart_id);
    if (s->mentioned_count == MENTIONED_MAX) {
        forget_mentioned(s, s->mentioned[0].id);
    }
    s->mentioned[s->mentioned_count++].id = arena_strdup(a, e->cart_id);
}
