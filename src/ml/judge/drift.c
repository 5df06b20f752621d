/* Population stability index over quantile bins, or over names. */
#include "ml/judge/drift.h"

#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BINS_MAX = DRIFT_CATEGORIES + 2 };

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double *sorted_copy(const double *values, int count)
{
    double *sorted = mem_array((size_t)count + 1, sizeof *sorted);
    memcpy(sorted, values, (size_t)count * sizeof *sorted);
    qsort(sorted, (size_t)count, sizeof *sorted, ascending);
    return sorted;
}

static double psi_of(const int64_t *before, const int64_t *after, int bins)
{
    double sum = 0;
    double n = 0;
    double m = 0;
    for (int i = 0; i < bins; i++) {
        n += (double)before[i];
        m += (double)after[i];
    }
    for (int i = 0; i < bins && n > 0 && m > 0; i++) {
        /* half a case in each bin: an empty one would make the logarithm infinite */
        double p = ((double)before[i] + 0.5) / (n + 0.5 * bins);
        double q = ((double)after[i] + 0.5) / (m + 0.5 * bins);
        /* the divergences of Kullback and Leibler in both directions,
         * added: no sample is the reference */
        sum += (q - p) * log(q / p);
    }
    return sum;
}

/* ---- numbers ---- */

/* Borders between bins, ascending, above the smallest value; at most DRIFT_BINS - 1. */
static int borders_of(const double *values, int count, double missing, double *out)
{
    double *sorted = sorted_copy(values, count);
    int known = 0;
    int borders = 0;
    for (int i = 0; i < count; i++) {
        /* missing is no small number: it has a bin of its own */
        if (sorted[i] != missing) {
            sorted[known++] = sorted[i];
        }
    }
    for (int i = 1; i < DRIFT_BINS && known > 0; i++) {
        double border = sorted[(int64_t)known * i / DRIFT_BINS];
        /* A value with more than a tenth of the rows would be a border twice; a bin
         * between equal borders is empty. */
        if (border > (borders > 0 ? out[borders - 1] : sorted[0])) {
            out[borders++] = border;
        }
    }
    free(sorted);
    return borders;
}

struct binning {
    double borders[DRIFT_BINS];
    int count;
    double missing;
};

static void count_numbers(const struct binning *b, const double *values, int count, int64_t *out)
{
    for (int i = 0; i < count; i++) {
        int bin = 0;
        /* a border belongs to the bin above it */
        while (bin < b->count && b->borders[bin] <= values[i]) {
            bin++;
        }
        out[values[i] == b->missing ? b->count + 1 : bin]++;
    }
}

double drift_psi(const double *before, int before_count, const double *after, int after_count,
                 double missing)
{
    assert(before_count >= 0 && after_count >= 0);
    int64_t counts[2][BINS_MAX] = {{0}};
    struct binning b = {.missing = missing};
    b.count = borders_of(before, before_count, missing, b.borders);
    count_numbers(&b, before, before_count, counts[0]);
    count_numbers(&b, after, after_count, counts[1]);
    /* a bin that neither sample uses would count among the bins and dilute the rest */
    bool gaps = counts[0][b.count + 1] + counts[1][b.count + 1] > 0;
    return psi_of(counts[0], counts[1], b.count + (gaps ? 2 : 1));
}

/* ---- names ---- */

struct name_count {
    double name;
    int64_t count;
};

static int most_frequent_first(const void *a, const void *b)
{
    const struct name_count *x = a;
    const struct name_count *y = b;
    if (x->count != y->count) {
        return x->count < y->count ? 1 : -1;
    }
    return (x->name > y->name) - (x->name < y->name);
}

static int frequent_names(const double *values, int count, double *out)
{
    double *sorted = sorted_copy(values, count);
    struct name_count *names = mem_array((size_t)count + 1, sizeof *names);
    int distinct = 0;
    for (int i = 0; i < count; i++) {
        if (i == 0 || sorted[i] != sorted[i - 1]) {
            names[distinct++].name = sorted[i];
        }
        names[distinct - 1].count++;
    }
    /* by count, then by name: which of equal ones is a bin of its own must not depend on qsort */
    qsort(names, (size_t)distinct, sizeof *names, most_frequent_first);
    int kept = distinct < DRIFT_CATEGORIES ? distinct : DRIFT_CATEGORIES;
    for (int i = 0; i < kept; i++) {
        out[i] = names[i].name;
    }
    free(sorted);
    free(names);
    return kept;
}

static void count_names(const double *names, int kept, const double *values, int count,
                        int64_t *out)
{
    for (int i = 0; i < count; i++) {
        int bin = 0;
        /* what is not found ends at `kept`, the bin of all others */
        while (bin < kept && names[bin] != values[i]) {
            bin++;
        }
        out[bin]++;
    }
}

double drift_psi_names(const double *before, int before_count, const double *after, int after_count)
{
    assert(before_count >= 0 && after_count >= 0);
    int64_t counts[2][BINS_MAX] = {{0}};
    double names[DRIFT_CATEGORIES];
    int kept = frequent_names(before, before_count, names);
    count_names(names, kept, before, before_count, counts[0]);
    count_names(names, kept, after, after_count, counts[1]);
    bool others = counts[0][kept] + counts[1][kept] > 0;
    return psi_of(counts[0], counts[1], kept + others);
}
