/* From the model's ranking to products a shop can show. Must not change the order the model gave.
 */
#include "live/picks.h"

#include "domain/shop/money.h"
#include "store/products.h"

#include <assert.h>
#include <string.h>

enum {
    ROUNDS_MAX = 50
}; /* of ranking again without what cannot be shown; the first is enough while the shelf is fresh */

static bool is_within(const char *category, const char *wished)
{
    static const char below[] = " > ";
    const size_t len = strlen(wished);
    return category != NULL && strncmp(category, wished, len) == 0 &&
           (category[len] == '\0' || strncmp(category + len, below, strlen(below)) == 0);
}

/* A product that the catalogue does not know is judged by the model's word alone. */
static bool can_be_shown(const struct product *p, const struct pick_wish *w)
{
    if (p->stock == 0) {
        return false;
    }
    if (p->updated_us == 0) {
        return true;
    }
    bool priced = p->price_minor != MONEY_UNKNOWN && p->price_minor >= w->price_min &&
                  p->price_minor <= w->price_max;
    return (w->category == NULL || is_within(p->category, w->category)) && (!w->priced || priced);
}

/* The product a pick is due to; itself where that is none. */
static const char *because_id(const struct pick *pick)
{
    bool is_product = pick->source != PICK_CATEGORY && pick->source != PICK_POPULAR;
    return is_product && pick->because != NULL ? pick->because : pick->product_id;
}

/* Products that could not be shown, in arena. */
struct turned_down {
    const char **ids;
    size_t count;
};

/* Ranks `deep` products; the first k that can be shown go to *shown, what cannot is added to *down. */
static bool show_round(struct db *db, const struct picks_wanted *want, int deep,
                       struct turned_down *down, struct arena *a, struct shown_picks *shown,
                       struct err *err)
{
    struct picks *ranked = arena_alloc(a, sizeof *ranked);
    struct pick_wish wish = want->wish;
    wish.k = deep;
    wish.diverse = true;
    wish.without = down->ids;
    wish.without_count = down->count;
    affinity_recommend(want->model, &wish, ranked);
    const size_t count = (size_t)ranked->count;
    /* picks, then what they are due to: one question to the database */
    const char **ids = arena_array(a, 2 * count + 1, sizeof *ids);
    struct product *products = arena_array(a, 2 * count + 1, sizeof *products);
    const char **more = arena_array(a, down->count + count + 1, sizeof *more);
    for (size_t i = 0; i < count; i++) {
        ids[i] = ranked->items[i].product_id;
        ids[count + i] = because_id(&ranked->items[i]);
    }
    if (!store_products_read(db, ids, 2 * count, a, products, err)) {
        return false;
    }
    for (size_t i = 0; i < down->count; i++) {
        more[i] = down->ids[i];
    }
    down->ids = more;
    shown->picks.count = 0;
    for (size_t i = 0; i < count; i++) {
        if (!can_be_shown(&products[i], &want->wish)) {
            down->ids[down->count++] = ids[i];
        } else if (shown->picks.count < want->wish.k) {
            shown->products[shown->picks.count] = products[i];
            shown->because[shown->picks.count] = products[count + i];
            shown->picks.items[shown->picks.count++] = ranked->items[i];
        }
    }
    return true;
}

bool picks_show(struct db *db, const struct picks_wanted *want, struct arena *a,
                struct shown_picks *out, struct err *err)
{
    const int k = want->wish.k;
    struct shown_picks *shown = arena_alloc(a, sizeof *shown);
    struct turned_down down = {0};

    assert(k >= 0 && k <= PICKS_MAX);
    shown->products = arena_array(a, (size_t)k + 1, sizeof *shown->products);
    shown->because = arena_array(a, (size_t)k + 1, sizeof *shown->because);
    int deep = k;
    for (int round = 0; want->model != NULL && k > 0 && round < ROUNDS_MAX; round++) {
        const size_t before = down.count;
        if (!show_round(db, want, deep, &down, a, shown, err)) {
            return false;
        }
        if (down.count == before || shown->picks.count == k) {
            break;
        }
        deep = 2 * deep < PICKS_MAX ? 2 * deep : PICKS_MAX;
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
