/* A shopper's state as a value: made, copied, asked. What changes it is the fold's job. */
#include "domain/shopper/shopper.h"

#include "base/clock.h"
#include "domain/shopper/cart.h"
#include "domain/shopper/shopper_fields.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

/* Seconds of the echo, one bit, and seconds in which an order may be undone. */
#define RULES_LINES   (INT64_C(1) << 31)
#define RULES_UNDO    (INT64_C(1) << 32)
#define RULES_DEFAULT (INT64_C(1800) + 86400 * RULES_UNDO)

static _Atomic int64_t rules_in_use = RULES_DEFAULT;

void shopper_rules_set(const struct shopper_rules *rules)
{
    int64_t echo = rules->echo_us / SECONDS(1);
    int64_t undo = rules->undo_us / SECONDS(1);

    assert(echo >= 0 && echo < RULES_LINES && undo >= 0 && rules->undo_us <= ORDER_LINES_AGE_US);
    rules_in_use = undo * RULES_UNDO + echo + (rules->closes_lines ? RULES_LINES : 0);
}

int64_t shopper_rules_stamp(void)
{
    return rules_in_use;
}

static struct shopper_rules rules_of_stamp(int64_t stamp)
{
    return (struct shopper_rules){.closes_lines = (stamp & RULES_LINES) != 0,
                                  .echo_us = (stamp & (RULES_LINES - 1)) * SECONDS(1),
                                  .undo_us = stamp / RULES_UNDO * SECONDS(1)};
}

struct shopper_rules shopper_rules_of(const struct shopper *s)
{
    return rules_of_stamp(s->rules);
}

char *shopper_rules_text(int64_t stamp, char out[SHOPPER_RULES_TEXT_MAX])
{
    const struct shopper_rules rules = rules_of_stamp(stamp);
    char echo[CLOCK_TEXT_MAX];
    char undo[CLOCK_TEXT_MAX];

    (void)snprintf(out, SHOPPER_RULES_TEXT_MAX, "purchase_closes=%s order_echo=%s order_undo=%s",
                   rules.closes_lines ? "lines" : "cart",
                   clock_format_duration(rules.echo_us, echo),
                   clock_format_duration(rules.undo_us, undo));
    return out;
}

struct shopper *shopper_new(const char *key, struct arena *a)
{
    struct shopper *s = arena_alloc(a, sizeof *s);

    s->format = SHOPPER_FORMAT;
    s->key = arena_strdup(a, key);
    s->rules = shopper_rules_stamp();
    return s;
}

/* ---- copies ---- */

static void *at_offset(void *object, size_t offset)
{
    return (char *)object + offset;
}

static void own_members(const struct field_list *list, void *object, struct arena *a);

static void own_text(char **text, struct arena *a)
{
    if (*text != NULL) {
        *text = arena_strdup(a, *text);
    }
}

static void own_list(const struct field *f, void *object, struct arena *a)
{
    const struct field_list *list = f->list;
    size_t count = *(size_t *)at_offset(object, list->count_offset);
    void *elements = at_offset(object, f->offset);

    if (list->is_pointer) {
        void *held = elements;
        /* with the room that the count stands for, as cart.c expects it */
        void *copy = count == 0 ? NULL : arena_array(a, cart_lines_capacity(count), list->size);
        memcpy(&elements, held, sizeof elements);
        if (count > 0) {
            memcpy(copy, elements, count * list->size);
        }
        memcpy(held, &copy, sizeof copy); /* none: room of the original is not ours to use */
        elements = copy;
    }
    for (size_t i = 0; i < count; i++) {
        own_members(list, at_offset(elements, i * list->size), a);
    }
}

/* Gives a copied object its own strings and lists. */
static void own_members(const struct field_list *list, void *object, struct arena *a)
{
    for (size_t i = 0; i < list->field_count; i++) {
        const struct field *f = &list->fields[i];
        if (f->kind == FIELD_TEXT) {
            own_text(at_offset(object, f->offset), a);
        } else if (f->kind == FIELD_LIST) {
            own_list(f, object, a);
        }
    }
}

struct shopper *shopper_copy(const struct shopper *s, struct arena *a)
{
    struct shopper *copy = memcpy(arena_alloc(a, sizeof *s), s, sizeof *s);

    own_members(&shopper_fields, copy, a);
    return copy;
}

/* ---- questions ---- */

int64_t shopper_bought_us(const struct shopper *s, const char *product_id)
{
    for (size_t i = s->purchase_count; i > 0; i--) {
        if (strcmp(s->purchases[i - 1].product_id, product_id) == 0) {
            return s->purchases[i - 1].at_us;
        }
    }
    return 0;
}

const struct cart *shopper_open_cart(const struct shopper *s)
{
    const struct cart *newest = NULL;

    for (size_t i = 0; i < s->cart_count; i++) {
        const struct cart *c = &s->carts[i];
        if (c->status == CART_OPEN && c->via == NULL &&
            (newest == NULL || c->changed_us > newest->changed_us)) {
            newest = c;
        }
    }
    return newest;
}

const struct cart *shopper_cart(const struct shopper *s, const char *cart_id)
{
    for (size_t i = 0; i < s->cart_count; i++) {
        if (strcmp(s->carts[i].id, cart_id) == 0) {
            return &s->carts[i];
        }
    }
    return NULL;
}

int shopper_consent(const struct shopper *s, const char *channel)
{
    const struct consent *newest = NULL;

    for (size_t i = 0; i < s->consent_count; i++) {
        const struct consent *c = &s->consents[i];
        /* "all" speaks for every channel, and whichever of the two was said last holds */
        if (strcmp(c->channel, channel) != 0 && strcmp(c->channel, "all") != 0) {
            continue;
        }
        if (newest == NULL || c->at_us > newest->at_us ||
            (c->at_us == newest->at_us && !c->given)) {
            newest = c;
        }
    }
    if (newest == NULL) {
        return 0;
    }
    return newest->given ? 1 : -1;
}
