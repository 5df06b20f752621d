/* Two models on the same rows: is one better than chance alone would make it? */
#include "ml/judge/paired.h"

#include "base/cleanup.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

static const double CHANCE_ERRORS = 1;

struct draw {
    uint64_t group;
    double off; /* the row's gain less the mean */
};

static int by_group(const void *a, const void *b)
{
    const struct draw *x = a;
    const struct draw *y = b;
    if (x->group != y->group) {
        return x->group < y->group ? -1 : 1;
    }
    return (x->off > y->off) - (x->off < y->off); /* one order of additions */
}

bool paired_beats(const double *richer, const double *plainer, const uint64_t *group, int count)
{
    CLEANUP(mem_free) struct draw *draws = mem_array((size_t)count + 1, sizeof *draws);
    double sum = 0;
    double squares = 0;
    double groups = 0;
    /* Differences row by row: how hard a row is counts for both models and drops out. */
    for (int i = 0; i < count; i++) {
        sum += plainer[i] - richer[i];
    }
    for (int i = 0; i < count; i++) {
        draws[i] =
            (struct draw){group ? group[i] : (uint64_t)i, plainer[i] - richer[i] - sum / count};
    }
    qsort(draws, (size_t)count, sizeof *draws, by_group);
    for (int i = 0, next = 0; i < count; i = next) {
        /* Summed by group first: rows of one shopper err together, and taken as draws of their own
         * they would promise more certainty than there is. */
        double off = 0;
        for (next = i; next < count && draws[next].group == draws[i].group; next++) {
            off += draws[next].off;
        }
        squares += off * off;
        groups++;
    }
    /* the variance of a sum of `groups` independent draws, with Bessel's correction */
    return groups > 1 && sum > 0 && sum > CHANCE_ERRORS * sqrt(squares * groups / (groups - 1));
}
