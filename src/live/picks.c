/* From the model's ranking to products a shop can show. Must not change the order the model gave.
 */
#include "live/picks.h"

#include "domain/affinity/affinity_shelf.h"
#include "domain/shop/money.h"
#include "store/products.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

enum {
    ROUNDS_MAX = 50
}; /* of ranking again without what cannot be shown; the first is enough while the shelf is fresh */

static bool is_within(const char *category, const char *wished)
{
    static const char below[] = " > ";
    const size_t len = strlen(wished);
    /* Up to a separator: "Shoe" must not take "Shoes > Boots". The rule of affinity_rank.c, on what
     * the catalogue says now. */
    return category != NULL && strncasecmp(category, wished, len) == 0 &&
           (category[len] == '\0' || strncmp(category + len, below, strlen(below)) == 0);
}

/* A product that the catalogue does not know is judged by the model's word alone. */
static bool can_be_shown(const struct product *p, const struct pick_wish *w)
{
    const struct pick_limits limits = affinity_limits(w);

    /* -1 is a stock that nobody keeps count of: shown. */
    if (p->stock == 0 || !affinity_is_within(&limits, p->price_minor, p->currency) ||
        (p->title == NULL && affinity_shelf_has_titles(w->shelf))) {
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
    return pick_relation_is_to_product(pick->relation) ? pick->because : pick->product_id;
}

/* Products that could not be shown, in arena. */
struct turned_down {
    const char **ids;
    size_t count;
};

/* Ranks `deep` products without those turned down. */
static void rank(const struct picks_wanted *want, int deep, const struct turned_down *down,
                 struct arena *a, struct picks_asked *out)
{
    struct pick_wish wish = want->wish;

    *out = (struct picks_asked){.want = *want, .ranked = arena_alloc(a, sizeof *out->ranked)};
    if (want->model == NULL || deep == 0) {
        return;
    }
    wish.k = deep;
    wish.diverse = true;
    wish.without = down->ids;
    wish.without_count = down->count;
    affinity_recommend(want->model, &wish, out->ranked);
    const size_t count = (size_t)out->ranked->count;
    /* picks, then what they are due to: one question to the database */
    out->id_count = 2 * count;
    out->ids = arena_array(a, out->id_count + 1, sizeof *out->ids);
    for (size_t i = 0; i < count; i++) {
        out->ids[i] = out->ranked->items[i].product_id;
        out->ids[count + i] = because_id(&out->ranked->items[i]);
    }
}

static bool same_title(const struct product *a, const struct product *b)
{
    return a->title != NULL && b->title != NULL && strcasecmp(a->title, b->title) == 0;
}

/* Whether people would read the same name once more: sizes that are products of their own, say. */
static bool is_named_already(const struct product *p, const struct picks_wanted *want,
                             const struct shown_picks *shown)
{
    for (size_t i = 0; i < want->beside_count; i++) {
        if (same_title(p, &want->beside[i])) {
            return true;
        }
    }
    for (int i = 0; i < shown->picks.count; i++) {
        if (same_title(p, &shown->products[i])) {
            return true;
        }
    }
    return false;
}

/* The first k that can be shown go to *shown, what cannot is added to *down. */
static void sift(const struct picks_asked *asked, const struct product *products,
                 struct turned_down *down, struct arena *a, struct shown_picks *shown)
{
    const size_t count = (size_t)asked->ranked->count;
    /* The arena cannot grow an array in place. */
    const char **more = arena_array(a, down->count + count + 1, sizeof *more);

    assert(count == 0 || asked->ids != NULL);
    for (size_t i = 0; i < down->count; i++) {
        more[i] = down->ids[i];
    }
    down->ids = more;
    shown->picks.count = 0;
    for (size_t i = 0; i < count; i++) {
        if (!can_be_shown(&products[i], &asked->want.wish) ||
            is_named_already(&products[i], &asked->want, shown)) {
            down->ids[down->count++] = asked->ids[i];
        } else if (shown->picks.count < asked->want.wish.k) {
            shown->products[shown->picks.count] = products[i];
            shown->because[shown->picks.count] = products[count + i];
            shown->picks.items[shown->picks.count++] = asked->ranked->items[i];
        }
    }
}

void picks_wish_of_shop(const struct config *config, struct pick_wish *wish)
{
    wish->bought_memory_us = config->bought_memory;
    wish->dearest_ratio = config->picks_dearest;
    wish->substitutes = strcmp(config->picks_substitutes, "never") == 0  ? SUBSTITUTES_NEVER
                        : strcmp(config->picks_substitutes, "last") == 0 ? SUBSTITUTES_LAST
                                                                         : SUBSTITUTES_ALLOWED;
}

void picks_ask(const struct picks_wanted *want, struct arena *a, struct picks_asked *out)
{
    assert(want->wish.k >= 0 && want->wish.k <= PICKS_MAX);
    rank(want, want->wish.k, &(struct turned_down){0}, a, out);
}

static bool read_asked(struct db *db, const struct picks_asked *asked, struct arena *a,
                       const struct product **out, struct err *err)
{
    struct product *products = arena_array(a, asked->id_count + 1, sizeof *products);

    if (asked->id_count > 0 &&
        !store_products_read(db, asked->ids, asked->id_count, a, products, err)) {
        return false;
    }
    *out = products;
    return true;
}

bool picks_answer(struct db *db, const struct picks_asked *asked, const struct product *products,
                  struct arena *a, struct shown_picks *out, struct err *err)
{
    const int k = asked->want.wish.k;
    struct shown_picks *shown = arena_alloc(a, sizeof *shown);
    struct picks_asked now = *asked;
    struct turned_down down = {0};
    int deep = k;

    shown->products = arena_array(a, (size_t)k + 1, sizeof *shown->products);
    shown->because = arena_array(a, (size_t)k + 1, sizeof *shown->because);
    for (int round = 1;; round++) {
        const size_t before = down.count;
        sift(&now, products, &down, a, shown);
        /* Nothing was turned down: what is missing to k, the model does not have. */
        if (down.count == before || shown->picks.count == k || round == ROUNDS_MAX) {
            break;
        }
        /* More at a time each round: where much is out of stock, k by k would be a ranking and a
         * question a handful. */
        deep = 2 * deep < PICKS_MAX ? 2 * deep : PICKS_MAX;
        rank(&asked->want, deep, &down, a, &now);
        if (!read_asked(db, &now, a, &products, err)) {
            return false;
        }
    }
    *out = *shown;
    return true;
}

bool picks_show(struct db *db, const struct picks_wanted *want, struct arena *a,
                struct shown_picks *out, struct err *err)
{
    struct picks_asked asked;
    const struct product *products;

    picks_ask(want, a, &asked);
    return read_asked(db, &asked, a, &products, err) &&
           picks_answer(db, &asked, products, a, out, err);
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
