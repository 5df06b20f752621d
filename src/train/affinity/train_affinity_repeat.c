/* What the same people buy again, and after how long; and what they do not: told of each category
 * by its purchases. */
#include "train/affinity/train_affinity_repeat.h"

#include "base/clock.h"
#include "base/mem.h"
#include "domain/affinity/affinity.h"

#include <stdlib.h>
#include <string.h>

enum {
    REPEATS_MIN = 20, /* of a category, to say after how long */
    WATCHED_MIN = 150 /* first purchases, long enough ago, to say that there are none */
};
/* So many second and later purchases for each first one. */
static const double REPEATED_SHARE = 0.2;
/* A quarter have bought again by then: about when it begins to be wanted. */
static const double EARLY = 0.25;
/* So few that they are gifts and second homes. */
static const double NEVER_SHARE = 0.02;
/* A first purchase tells that none followed only if one could have been seen for so long. */
#define WATCHED_US DAYS(60)
/* Rows of one order, and an order told twice, are no second purchase. */
#define REPEAT_MIN_US HOURS(12)

/* One purchase of a shopper's. */
struct bought {
    const char *category;
    int32_t shopper;
    int32_t item;
    int64_t at_us;
    int64_t gap_us; /* since the purchase of the same product before it; 0 it is the first */
};

static int by_product(const void *a, const void *b)
{
    const struct bought *x = a;
    const struct bought *y = b;
    if (x->shopper != y->shopper) {
        return x->shopper < y->shopper ? -1 : 1;
    }
    if (x->item != y->item) {
        return x->item < y->item ? -1 : 1;
    }
    return (x->at_us > y->at_us) - (x->at_us < y->at_us);
}

/* As if a category were one product. */
static int by_kind(const void *a, const void *b)
{
    const struct bought *x = a;
    const struct bought *y = b;
    if (x->shopper != y->shopper) {
        return x->shopper < y->shopper ? -1 : 1;
    }
    const int order = strcmp(x->category, y->category);
    return order != 0 ? order : (x->at_us > y->at_us) - (x->at_us < y->at_us);
}

static int by_category(const void *a, const void *b)
{
    const struct bought *x = a;
    const struct bought *y = b;
    const int order = strcmp(x->category, y->category);
    return order != 0 ? order : (x->gap_us > y->gap_us) - (x->gap_us < y->gap_us);
}

static size_t purchases_of(const struct affinity_training *a, int64_t until_us, struct bought *out)
{
    size_t count = 0;
    for (size_t i = 0; i < a->count; i++) {
        const struct interaction *in = &a->all[i];
        const char *category = in->item < a->facts_count ? a->facts[in->item].category : NULL;
        if (in->bought && in->at_us < until_us && category && *category) {
            out[count++] = (struct bought){category, in->shopper, in->item, in->at_us, 0};
        }
    }
    return count;
}

/* Sorted by what counts as one thing; drops what is no purchase of its own. Returns
 * how many stay. */
static size_t set_gaps(struct bought *all, size_t count, bool of_kinds)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        const struct bought *last = kept > 0 ? &all[kept - 1] : NULL;
        struct bought b = all[i];
        const bool same =
            last && last->shopper == b.shopper &&
            (of_kinds ? strcmp(last->category, b.category) == 0 : last->item == b.item);
        b.gap_us = 0;
        if (same) {
            b.gap_us = b.at_us - last->at_us;
            /* by what was kept last: of an order that is told in three parts the first counts */
            if (b.gap_us < REPEAT_MIN_US) {
                continue;
            }
        }
        all[kept++] = b;
    }
    return kept;
}

/* Of one category, first purchases before the others, these by their gap. */
static int64_t interval_of(const struct bought *all, size_t count, int64_t until_us)
{
    size_t first = 0;
    size_t watched = 0;
    for (; first < count && all[first].gap_us == 0; first++) {
        watched += all[first].at_us <= until_us - WATCHED_US;
    }
    const size_t repeats = count - first;
    /* before the repeats are asked for their number: that there are hardly any is
     * the answer here */
    if (watched >= WATCHED_MIN && (double)repeats <= NEVER_SHARE * (double)watched) {
        return AFFINITY_NEVER_US;
    }
    if (repeats < REPEATS_MIN || (double)repeats < REPEATED_SHARE * (double)first) {
        return 0;
    }
    return all[first + (size_t)(EARLY * (double)repeats)].gap_us;
}

typedef void tell_interval(struct affinity_repeats *r, int32_t item, int64_t interval_us);

static void tell_product(struct affinity_repeats *r, int32_t item, int64_t interval_us)
{
    r->after_us[item] = interval_us;
}

static void tell_kind(struct affinity_repeats *r, int32_t item, int64_t interval_us)
{
    r->once[item] = interval_us == AFFINITY_NEVER_US;
}

/* all: with their gaps. */
static void tell_all(const struct affinity_training *a, int64_t until_us, struct bought *all,
                     size_t count, tell_interval *tell, struct affinity_repeats *out)
{
    qsort(all, count, sizeof *all, by_category);
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && strcmp(all[end].category, all[i].category) == 0; end++) {
        }
        const int64_t interval_us = interval_of(all + i, end - i, until_us);
        for (int32_t item = 0; interval_us > 0 && item < a->facts_count; item++) {
            const char *category = a->facts[item].category;
            if (category && strcmp(category, all[i].category) == 0) {
                tell(out, item, interval_us);
            }
        }
    }
}

struct affinity_repeats affinity_repeats(const struct affinity_training *a, int64_t until_us)
{
    const size_t items = (size_t)a->items.count + 1;
    struct affinity_repeats out = {.after_us = mem_array(items, sizeof *out.after_us),
                                   .once = mem_array(items, sizeof *out.once)};
    struct bought *all = mem_array(a->count + 1, sizeof *all);
    const size_t count = purchases_of(a, until_us, all);
    qsort(all, count, sizeof *all, by_product);
    size_t kept = set_gaps(all, count, false);
    tell_all(a, until_us, all, kept, tell_product, &out);
    /* Read again: set_gaps has closed the list up, and dropped what was no second purchase
     * of a product. */
    (void)purchases_of(a, until_us, all);
    qsort(all, count, sizeof *all, by_kind);
    kept = set_gaps(all, count, true);
    tell_all(a, until_us, all, kept, tell_kind, &out);
    free(all);
    return out;
}

void affinity_repeats_free(struct affinity_repeats *r)
{
    free(r->after_us);
    free(r->once);
}
