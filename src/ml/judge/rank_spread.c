/* Coverage, novelty and concentration of what was recommended. */
#include "ml/judge/rank_spread.h"

#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

struct counted {
    int64_t known;
    int64_t shown;
    int item;
};

static int most_known_first(const void *a, const void *b)
{
    const struct counted *x = a;
    const struct counted *y = b;
    if (x->known != y->known) {
        return x->known < y->known ? 1 : -1;
    }
    return (x->item > y->item) - (x->item < y->item);
}

static int least_shown_first(const void *a, const void *b)
{
    const struct counted *x = a;
    const struct counted *y = b;
    return (x->shown > y->shown) - (x->shown < y->shown);
}

static struct counted *count_items(const int64_t *shown, const int64_t *known, int items)
{
    struct counted *c = mem_array((size_t)items, sizeof *c);
    for (int i = 0; i < items; i++) {
        assert(shown[i] >= 0 && known[i] >= 0);
        c[i] = (struct counted){known[i], shown[i], i};
    }
    return c;
}

/* Sum of shown among the first `share` of the items; the item on the border counts in part. */
static double shown_among(const struct counted *c, int items, double share)
{
    /* in parts, so that the curve does not depend on whether a tenth
     * of the items is a whole number */
    double border = share * items;
    double sum = 0;
    for (int i = 0; i < items && i < border; i++) {
        sum += (double)c[i].shown * fmin(1, border - i);
    }
    return sum;
}

void rank_concentration(const int64_t *shown, const int64_t *known, int items, int points,
                        double *out)
{
    assert(items >= 1 && points >= 2);
    struct counted *c = count_items(shown, known, items);
    /* ties by item: the curve is the same on every run */
    qsort(c, (size_t)items, sizeof *c, most_known_first);
    double total = shown_among(c, items, 1);
    for (int p = 0; p < points; p++) {
        double share = (double)p / (points - 1);
        out[p] = total > 0 ? shown_among(c, items, share) / total : 0;
    }
    free(c);
}

struct rank_spread rank_spread(const int64_t *shown, const int64_t *known, int items,
                               int64_t shoppers, int64_t lists)
{
    assert(items >= 1 && shoppers >= 0);
    struct rank_spread s = {0};
    double total = 0;
    double ranks = 0; /* sum over items, least shown first, of rank from 1 x shown */
    struct counted *c = count_items(shown, known, items);
    for (int i = 0; i < items; i++) {
        double n = (double)shown[i];
        total += n;
        s.most_shown = fmax(s.most_shown, n);
        s.coverage += n > 0;
        /* One more on either side: an item nobody knew is a surprise of finitely many bits. */
        s.novelty -= n > 0 ? n * log2(((double)known[i] + 1) / ((double)shoppers + 1)) : 0;
    }
    if (total > 0) {
        qsort(c, (size_t)items, sizeof *c, most_known_first);
        s.top_tenth = shown_among(c, items, 0.1) / total;
        /* Gini's mean of ranks wants them in order of what is measured;
         * equal counts may stand in any. */
        qsort(c, (size_t)items, sizeof *c, least_shown_first);
        for (int i = 0; i < items; i++) {
            ranks += (i + 1.0) * (double)c[i].shown;
        }
        s.coverage /= items;
        s.novelty /= total;
        s.most_shown /= (double)lists;
        s.gini = 2 * ranks / (items * total) - (items + 1.0) / items;
    }
    free(c);
    return s;
}
