/* From the model's ranking to products a shop can show. Must not change the order the model gave.
 */
#include "flow/picks.h"

#include "store/products.h"

#include <assert.h>

enum { SPARE = 20 }; /* ranked beyond k, so that products out of stock leave no hole */

static bool out_of_stock(const struct product *p)
{
    return p->stock == 0;
}

static bool read_because(struct db *db, struct shown_picks *shown, struct arena *a, struct err *err)
{
    size_t count = (size_t)shown->picks.count;
    const char **ids = arena_array(a, count + 1, sizeof *ids);

    for (size_t i = 0; i < count; i++) {
        const struct pick *pick = &shown->picks.items[i];
        bool is_product = pick->source == PICK_SESSION || pick->source == PICK_SIMILAR;
        ids[i] = is_product && pick->because != NULL ? pick->because : pick->product_id;
    }
    return store_products_read(db, ids, count, a, shown->because, err);
}

bool picks_show(struct db *db, const struct picks_wanted *want, struct arena *a,
                struct shown_picks *out, struct err *err)
{
    const int k = want->k;
    struct picks *ranked = arena_alloc(a, sizeof *ranked);
    struct shown_picks *shown = arena_alloc(a, sizeof *shown);

    assert(k >= 0 && k <= PICKS_MAX);
    if (want->model != NULL && k > 0) {
        affinity_rank(want->model, want->shopper, want->now_us,
                      k + SPARE < PICKS_MAX ? k + SPARE : PICKS_MAX, NULL, NULL, ranked);
    }
    size_t count = (size_t)ranked->count;
    const char **ids = arena_array(a, count + 1, sizeof *ids);
    struct product *products = arena_array(a, count + 1, sizeof *products);
    for (size_t i = 0; i < count; i++) {
        ids[i] = ranked->items[i].product_id;
    }
    if (!store_products_read(db, ids, count, a, products, err)) {
        return false;
    }
    shown->products = arena_array(a, (size_t)k + 1, sizeof *shown->products);
    shown->because = arena_array(a, (size_t)k + 1, sizeof *shown->because);
    for (size_t i = 0; i < count && shown->picks.count < k; i++) {
        if (!out_of_stock(&products[i])) {
            shown->products[shown->picks.count] = products[i];
            shown->picks.items[shown->picks.count++] = ranked->items[i];
        }
    }
    if (!read_because(db, shown, a, err)) {
        return false;
    }
    *out = *shown;
    return true;
}

bool cart_products_read(struct db *db, const struct cart *cart, struct arena *a,
                        struct product **out, struct err *err)
{
    size_t count = cart != NULL ? cart->line_count : 0;
    const char **ids = arena_array(a, count + 1, sizeof *ids);
    struct product *products = arena_array(a, count + 1, sizeof *products);

    for (size_t i = 0; i < count; i++) {
        ids[i] = cart->lines[i].product_id;
    }
    if (!store_products_read(db, ids, count, a, products, err)) {
        return false;
    }
    *out = products;
    return true;
}
