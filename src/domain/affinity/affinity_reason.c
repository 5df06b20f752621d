/* Why a pick is shown: nothing is claimed that the data do not carry. Which sources found the product decides what is shown, not what is said. */
#include "base/mem.h"
#include "domain/affinity/affinity_internal.h"

#include <math.h>
#include <stdlib.h>

/* Products of one category are alike where one maker made them, or neither costs more than so many times the other. */
static const double ALIKE_RATIO = 2;
/* What goes with a product costs at most so many times as much: a camera bag goes with a camera, and whoever has chosen a bag has their camera. */
static const double GOES_WITH_RATIO = 2;
/* The best fifth of a category is what is popular in it; of fewer than five products none is. */
enum { BEST_SHARE = 5 };

const char *pick_relation_name(enum pick_relation r)
{
    static const char *const names[] = {
        [RELATION_NONE] = NULL,
        [RELATION_TASTE] = "fits",
        [RELATION_POPULAR] = "popular",
        [RELATION_POPULAR_IN] = "popular_in",
        [RELATION_VIEWED] = "viewed",
        [RELATION_SIMILAR] = "similar_to",
        [RELATION_NEXT] = "looked_at_next",
        [RELATION_GOES_WITH] = "goes_with",
        [RELATION_ALTERNATIVE] = "alternative_to",
    };
    return names[r];
}

/* ---- what the model file says of pairs ---- */

static bool lists_check(const struct affinity *m, const struct pair_lists *l, uint64_t pairs,
                        struct err *err)
{
    bool ok = l->start[0] == 0 && l->start[m->trained] == (int64_t)pairs;
    /* the borders first: the second loop follows them */
    for (int i = 0; ok && i < m->trained; i++) {
        ok = l->start[i] <= l->start[i + 1];
    }
    for (int i = 0; ok && i < m->trained; i++) {
        int32_t last = -1;
        for (int64_t p = l->start[i]; ok && p < l->start[i + 1]; p++) {
            /* ascending, since they are searched by halves; and no product has to do with itself */
            ok = l->target[p] > last && l->target[p] < m->trained && l->target[p] != i;
            last = l->target[p];
        }
    }
    return ok || FAIL(err, ERR_INVALID, "the affinity model's pairs of products are out of order");
}

/* A file without the sections is fine: nothing is claimed then. */
static bool lists_load(const struct affinity *m, const char *start, const char *target,
                       struct pair_lists *out, struct err *err)
{
    uint64_t pairs = 0;
    if (!model_file_has(&m->file, start)) {
        return true;
    }
    return model_file_count(&m->file, target, MODEL_I32, &pairs, err) &&
           model_file_i64(&m->file, start, (uint64_t)m->trained + 1, &out->start, err) &&
           model_file_i32(&m->file, target, pairs, &out->target, err) &&
           lists_check(m, out, pairs, err);
}

bool reason_load(struct affinity *m, struct err *err)
{
    return lists_load(m, "together_start", "together_target", &m->together, err) &&
           lists_load(m, "next_start", "next_target", &m->next, err);
}

static int by_number(const void *a, const void *b)
{
    const int32_t *x = a;
    const int32_t *y = b;
    return (*x > *y) - (*x < *y);
}

static bool lists_have(const struct affinity *m, const struct pair_lists *l, int32_t from,
                       int32_t to)
{
    if (!l->start || from >= m->trained || l->start[from] == l->start[from + 1]) {
        return false;
    }
    return bsearch(&to, l->target + l->start[from], (size_t)(l->start[from + 1] - l->start[from]),
                   sizeof to, by_number) != NULL;
}

/* ---- two products ---- */

/* As far as their prices are known. */
static bool are_about_as_dear(const struct affinity *m, int a, int b)
{
    if (m->price[a] <= 0 || m->price[b] <= 0) {
        return true;
    }
    const double ratio = (double)m->price[a] / (double)m->price[b];
    return ratio <= ALIKE_RATIO && ratio >= 1 / ALIKE_RATIO;
}

/* As far as their prices are known. */
static bool dwarfs(const struct affinity *m, int a, int b)
{
    return m->price[a] > 0 && m->price[b] > 0 &&
           (double)m->price[a] > GOES_WITH_RATIO * (double)m->price[b];
}

static bool are_alike(const struct affinity *m, int a, int b)
{
    return m->category[a] != 0 && m->category[a] == m->category[b] &&
           ((m->brand[a] != 0 && m->brand[a] == m->brand[b]) || are_about_as_dear(m, a, b));
}

bool affinity_replaces(const struct affinity *m, int a, int b)
{
    /* a camera bag is no travel bag that costs three times as much, but a second mattress is one at any price */
    return affinity_same_kind(m, a, b) &&
           (affinity_same_sort(m, a, b) || are_about_as_dear(m, a, b));
}

enum pick_relation affinity_relation(const struct affinity *m, int own, int item)
{
    /* Two of one category replace each other, even where some buy both. */
    const bool across =
        m->category[own] != 0 && m->category[item] != 0 && m->category[own] != m->category[item];
    if (own == item) {
        return RELATION_NONE;
    }
    if (across && !dwarfs(m, item, own) && lists_have(m, &m->together, own, item)) {
        return RELATION_GOES_WITH;
    }
    if (are_alike(m, own, item)) {
        return RELATION_SIMILAR;
    }
    return lists_have(m, &m->next, own, item) ? RELATION_NEXT : RELATION_NONE;
}

/* ---- popularity ---- */

static bool is_popular(const struct affinity *m, int item)
{
    return m->popularity[item] > 0 && m->popularity[item] >= m->mean_popularity;
}

static bool is_popular_in_category(const struct affinity *m, int item)
{
    const int category = m->category[item];
    return category != 0 && m->popularity[item] > 0 &&
           m->popularity[item] >= m->category_popularity[category];
}

/* What is popular in a category of `count` products, by_category from `first` on, has at least so much, and no less than their mean: one of the best
 * fifth. Who stands level with the first behind these is not among them: where all are level none is popular. */
static float popular_from(const struct affinity *m, int32_t first, int32_t count, double mean)
{
    const int32_t best = count / BEST_SHARE;
    if (best == 0) {
        return INFINITY;
    }
    return fmaxf((float)mean, nextafterf(m->popularity[m->by_category[first + best]], INFINITY));
}

/* Popular is what is so above the mean of all, or among the best of its category. */
void reason_index(struct affinity *m)
{
    double all = 0;
    m->category_popularity = mem_array((size_t)m->categories, sizeof *m->category_popularity);
    for (int c = 0; c < m->categories; c++) {
        const int32_t first = m->category_first[c];
        const int32_t count = m->category_first[c + 1] - first;
        double sum = 0;
        for (int32_t i = 0; i < count; i++) {
            sum += (double)m->popularity[m->by_category[first + i]];
        }
        all += sum;
        m->category_popularity[c] = popular_from(m, first, count, sum / (count > 0 ? count : 1));
    }
    m->mean_popularity = (float)(all / m->count);
}

/* ---- the reason of a pick ---- */

/* Whether the own product is a pick that is due to the item, by way of other picks perhaps. Ends, since reasons so far go in no circle. */
static bool is_due_to(const struct ranking *r, int own, int item)
{
    for (int i = 0; i < r->out->count; i++) {
        if (r->picked[i] == own) {
            own = r->due_to[i];
            if (own == item) {
                return true;
            }
            i = -1; /* whether that is a pick as well */
        }
    }
    return false;
}

static enum pick_tie tie_of(const struct own_item *own)
{
    /* what lies in the cart is said first, whatever else was done with it */
    return own->in_cart ? TIE_CART : own->bought ? TIE_BOUGHT : TIE_VIEWED;
}

/* Beside a cart what was only looked at is no reason of what others chose with it, nor is what was bought of what is like it: who is still choosing is not
 * told what they have. */
static bool is_of_this_cart(const struct ranking *r, enum pick_relation relation, enum pick_tie tie)
{
    return !ranking_is_beside_a_cart(r) || tie == TIE_CART ||
           (relation != (tie == TIE_BOUGHT ? RELATION_SIMILAR : RELATION_GOES_WITH));
}

/* An own product is no reason of what is its own reason; nor is one that was bought of what would replace it, however long ago. */
static bool due_to(const struct ranking *r, int own, int item, struct reason *out)
{
    const enum pick_relation relation = affinity_relation(r->model, own, item);
    if (relation == RELATION_NONE || is_due_to(r, own, item)) {
        return false;
    }
    *out = (struct reason){relation, affinity_item_id(r->model, own), TIE_NONE, own};
    const struct own_item *had = ranking_own_of(r, own);
    if (had != NULL) {
        out->tie = tie_of(had);
    }
    return is_of_this_cart(r, relation, out->tie) &&
           (out->tie != TIE_BOUGHT || !affinity_replaces(r->model, own, item));
}

/* The strongest that can be said of an own product, in the cart or anywhere; of equals of what weighs most. */
static bool due_to_own(const struct ranking *r, int item, bool in_cart, struct reason *out)
{
    float weight = 0;
    *out = (struct reason){.due_to = -1};
    for (int i = 0; i < r->own.count; i++) {
        const struct own_item *own = &r->own.items[i];
        struct reason reason;
        if ((own->in_cart || !in_cart) && due_to(r, own->item, item, &reason) &&
            (reason.relation > out->relation ||
             (reason.relation == out->relation && own->weight > weight))) {
            *out = reason;
            weight = own->weight;
        }
    }
    return out->relation != RELATION_NONE;
}

/* Of what lies in the cart first, since that is before the shopper's eyes; then of what the score is due to. */
static bool due_to_product(const struct ranking *r, int item, int lead, struct reason *out)
{
    return due_to_own(r, item, true, out) || (lead >= 0 && due_to(r, lead, item, out)) ||
           due_to_own(r, item, false, out);
}

int ranking_replaces(const struct ranking *r, int item)
{
    for (int i = 0; i < r->own.count; i++) {
        const struct own_item *own = &r->own.items[i];
        if (own->in_cart && affinity_same_sort(r->model, own->item, item) &&
            !ranking_is_dearer(r, item, own->item)) {
            return own->item;
        }
    }
    return -1;
}

/* Of what is in the cart and is like the item in this way, how much is there, and does the item cost too much beside all of it? */
static bool is_dearer_than_all(const struct ranking *r, int item, two_products *alike, int *count)
{
    bool dearer = true;
    *count = 0;
    for (int i = 0; i < r->own.count; i++) {
        const struct own_item *own = &r->own.items[i];
        if (own->in_cart && alike(r->model, own->item, item)) {
            dearer = dearer && ranking_is_dearer(r, item, own->item);
            ++*count;
        }
    }
    return *count > 0 && dearer;
}

bool ranking_outprices(const struct ranking *r, int item)
{
    int count = 0;
    const bool dearer = is_dearer_than_all(r, item, affinity_same_sort, &count);
    /* who has a telephone of 200 in the cart wants none of 800 beside it, of whatever sort that is */
    return count > 0 ? dearer : is_dearer_than_all(r, item, affinity_same_kind, &count);
}

static bool is_alternative(const struct ranking *r, int item, struct reason *out)
{
    const int own = ranking_replaces(r, item);
    if (own < 0) {
        return false;
    }
    *out = (struct reason){RELATION_ALTERNATIVE, affinity_item_id(r->model, own), TIE_CART, own};
    return true;
}

static struct reason popular_in(const struct affinity *m, int item)
{
    return (struct reason){RELATION_POPULAR_IN, affinity_category_name(m, m->category[item]),
                           TIE_NONE, -1};
}

static struct reason popular(const struct affinity *m, int item)
{
    return (struct reason){is_popular(m, item) ? RELATION_POPULAR : RELATION_NONE, NULL, TIE_NONE,
                           -1};
}

/* What is said of a pick that is due to no product. */
static struct reason due_to_none(const struct ranking *r, int item, const struct candidate *c)
{
    if (is_popular_in_category(r->model, item)) {
        return popular_in(r->model, item);
    }
    return ranking_suits(r, item, c) ? (struct reason){RELATION_TASTE, NULL, TIE_NONE, -1}
                                     : popular(r->model, item);
}

static bool was_viewed(const struct ranking *r, int item)
{
    const struct own_item *own = ranking_own_of(r, item);
    return own != NULL && own->viewed;
}

struct reason ranking_reason(const struct ranking *r, int item, int lead, const struct candidate *c)
{
    struct reason reason;
    if (is_alternative(r, item, &reason)) {
        return reason;
    }
    const bool due = due_to_product(r, item, lead, &reason);
    if (was_viewed(r, item) && !(due && reason.relation == RELATION_GOES_WITH)) {
        return (struct reason){RELATION_VIEWED, NULL, TIE_NONE, -1};
    }
    return due ? reason : due_to_none(r, item, c);
}

struct reason ranking_reason_popular(const struct ranking *r, int item, enum pick_source source)
{
    struct reason reason;
    if (is_alternative(r, item, &reason)) {
        return reason;
    }
    if (was_viewed(r, item)) {
        return (struct reason){RELATION_VIEWED, NULL, TIE_NONE, -1};
    }
    const bool in_category = is_popular_in_category(r->model, item);
    if (in_category && (source == PICK_CATEGORY || !is_popular(r->model, item))) {
        return popular_in(r->model, item);
    }
    /* not popular, but of a category of theirs */
    return is_popular(r->model, item) || !ranking_suits(r, item, NULL)
               ? popular(r->model, item)
               : (struct reason){RELATION_TASTE, NULL, TIE_NONE, -1};
}

/* ---- among all picks ---- */

static bool is_picked(const struct ranking *r, int item)
{
    for (int i = 0; i < r->out->count; i++) {
        if (r->picked[i] == item) {
            return true;
        }
    }
    return false;
}

/* Something of the same category that is no pick; else that category is all there is to be said. */
static struct reason like_no_pick(const struct ranking *r, int item)
{
    for (int i = 0; i < r->own.count; i++) {
        const int own = r->own.items[i].item;
        struct reason reason;
        if (!is_picked(r, own) && due_to(r, own, item, &reason) &&
            reason.relation == RELATION_SIMILAR) {
            return reason;
        }
    }
    return due_to_none(r, item, NULL);
}

void ranking_settle(struct ranking *r)
{
    for (int i = 0; i < r->out->count; i++) {
        struct pick *p = &r->out->items[i];
        /* that others chose both, or looked at one after the other, is news of two picks as well */
        if (p->relation == RELATION_SIMILAR && is_picked(r, r->due_to[i])) {
            const struct reason why = like_no_pick(r, r->picked[i]);
            p->relation = why.relation;
            p->because = why.because;
            p->tie = why.tie;
            r->due_to[i] = why.due_to;
        }
    }
}
