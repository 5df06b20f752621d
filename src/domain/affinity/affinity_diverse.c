/* Diversity of picks: no row of variants of one product, nor of one category alone, nor of what would replace the cart; and not nothing that has to do
 * with it. */
#include "domain/affinity/affinity_internal.h"
#include "domain/shop/money.h"

#include <math.h>

enum {
    VARIANTS_MAX = 2,     /* picks of one family */
    TELLING_FACTORS = 32, /* fewer factors, and whole categories point the same way */
};

/* Prices of variants differ by a tenth at most; their vectors point the same way. */
static const double PRICE_RATIO = 1.1;
static const float SAME_DIRECTION = 0.98F;

static bool prices_are_close(int64_t a, int64_t b)
{
    /* an unknown price says nothing of being near */
    if (a <= 0 || b <= 0) {
        return false;
    }
    const double ratio = (double)a / (double)b;
    return ratio <= PRICE_RATIO && ratio >= 1 / PRICE_RATIO;
}

static bool vectors_are_close(const struct affinity *m, int a, int b)
{
    if (!m->is_als || m->factors.cols < TELLING_FACTORS || a >= m->trained || b >= m->trained) {
        return false;
    }
    /* Only trained factors: placed ones of one category, brand and price band are equal by
     * construction (side_factors.h), and would all be one family. */
    const float *x = mat_row(&m->factors, a);
    const float *y = mat_row(&m->factors, b);
    const float product = mat_dot(x, y, m->factors.cols);
    /* the cosine's square against the bound's, without a root; the sign is asked apart */
    return product > 0 && product * product >= SAME_DIRECTION * SAME_DIRECTION *
                                                   mat_dot(x, x, m->factors.cols) *
                                                   mat_dot(y, y, m->factors.cols);
}

bool affinity_are_variants(const struct affinity *m, int a, int b)
{
    /* number 0 is "unknown": all such products would be of one family */
    if (m->category[a] == 0 || m->category[a] != m->category[b]) {
        return false;
    }
    const bool one_maker = m->brand[a] != 0 && m->brand[a] == m->brand[b];
    return (one_maker && prices_are_close(m->price[a], m->price[b])) || vectors_are_close(m, a, b);
}

/* Whoever has a camera in the cart is not shown three more: of several picks a third at least is from elsewhere. Where a category was
 * asked for, or nothing else is left (ranking_finish), there is no elsewhere. */
static bool category_is_full(const struct ranking *r, int item)
{
    const int category = r->model->category[item];
    const int most = r->wanted - r->wanted / 3;
    int same = 0;

    if (r->wish->category != NULL || category == 0) {
        return false;
    }
    for (int i = 0; i < r->out->count; i++) {
        same += r->model->category[r->picked[i]] == category;
    }
    return same >= most;
}

/* One that replaces what lies in the cart is a choice, three are a doubt. */
static bool alternatives_are_full(const struct ranking *r, int item)
{
    const int most = r->wanted > 3 ? r->wanted / 3 : 1;
    int alternatives = 0;

    if (r->wish->category != NULL || ranking_replaces(r, item) < 0) {
        return false;
    }
    for (int i = 0; i < r->out->count; i++) {
        alternatives += r->out->items[i].relation == RELATION_ALTERNATIVE;
    }
    return alternatives >= most;
}

bool ranking_keeps_a_place(const struct ranking *r)
{
    if (!r->for_the_cart || !ranking_is_beside_a_cart(r) || r->wanted < 3 ||
        r->out->count != r->wanted - 1) {
        return false;
    }
    for (int i = 0; i < r->out->count; i++) {
        if (ranking_is_of_cart(r, r->picked[i])) {
            return false;
        }
    }
    return true;
}

static bool leaves_out_the_cart(const struct ranking *r, int item)
{
    return ranking_keeps_a_place(r) && !ranking_is_of_cart(r, item);
}

static int picked_alike(const struct ranking *r, int item, two_products *alike)
{
    int count = 0;

    for (int i = 0; i < r->out->count; i++) {
        count += alike(r->model, r->picked[i], item);
    }
    return count;
}

/* One that replaces another is no second recommendation, but a choice. Where there is room for three, one of a kind is enough; a list has a third of
 * a sort at most. */
static bool kind_is_full(const struct ranking *r, int item)
{
    if (r->wish->category != NULL) {
        return false;
    }
    return r->wanted > 3 ? picked_alike(r, item, affinity_same_sort) >= r->wanted / 3
                         : picked_alike(r, item, affinity_same_kind) >= 1;
}

bool ranking_varies(const struct ranking *r, int item)
{
    int variants = 0;
    if (r->diverse && (category_is_full(r, item) || alternatives_are_full(r, item) ||
                       kind_is_full(r, item) || leaves_out_the_cart(r, item))) {
        return false;
    }
    for (int i = 0; r->diverse && i < r->out->count && variants < VARIANTS_MAX; i++) {
        variants += affinity_are_variants(r->model, r->picked[i], item);
    }
    return variants < VARIANTS_MAX;
}
