/* Carts that one shopper fills and another orders, as a shop's server does that knows the cart and the customer,
 * but not the browser. That they are one is a function of the events that name the cart, whatever is folded
 * first. */
#include "fold/fold_batch.h"

#include "domain/shop/cart_id.h"

#include <string.h>

static bool is_order(const struct event *e)
{
    return e->type == EVENT_PURCHASE || event_withdraws(e);
}

static bool names_a_cart(const struct fold_event *e)
{
    return !e->dead && e->log->origin != ORIGIN_DERIVED && cart_id_tells_apart(e->event.cart_id);
}

/* Many events of a shopper are about one cart: one use for all of them that say no more. They come as they arrived, not as they
 * happened. */
static bool adds_nothing(struct cart_use *before, const struct cart_use *u)
{
    if (strcmp(before->cart_id, u->cart_id) != 0 || u->ordered_us != INT64_MIN) {
        return false;
    }
    before->named_us = u->named_us < before->named_us ? u->named_us : before->named_us;
    return true;
}

static size_t find_uses(const struct fold_batch *b, struct cart_use *out)
{
    size_t count = 0;

    for (size_t i = 0; i < b->key_count; i++) {
        const size_t first = count;
        for (size_t n = 0; n < b->keys[i].count; n++) {
            const struct fold_event *e = &b->keys[i].events[n];
            if (!names_a_cart(e)) {
                continue;
            }
            struct cart_use u = {.cart_id = e->event.cart_id,
                                 .key = b->keys[i].key,
                                 .ordered_us =
                                     is_order(&e->event) ? e->event.occurred_us : INT64_MIN,
                                 .named_us = e->event.occurred_us};
            if (count == first || !adds_nothing(&out[count - 1], &u)) {
                u.lane = event_lane(arena_printf(b->arena, "k:%s", u.cart_id));
                out[count++] = u;
            }
        }
    }
    return count;
}

bool fold_orders_meet(const struct fold_batch *b, struct db *db, struct cart_meeting **out,
                      size_t *out_count, struct err *err)
{
    struct cart_use *uses = arena_array(b->arena, b->count, sizeof *uses);
    const size_t count = find_uses(b, uses);

    *out_count = 0;
    return count == 0 || store_cart_uses_put(db, &(struct cart_uses){uses, count, b->now_us},
                                             b->arena, out, out_count, err);
}
