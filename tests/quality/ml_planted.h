#ifndef QUALITY_ML_PLANTED_H
#define QUALITY_ML_PLANTED_H

/* Fixed synthetic shops whose truth is known: shoppers with tastes that lie in a few dimensions,
 * and carts lost for reasons that lie in pairs of features. */
#include "unit/ml/ml_spec.h"

#include <stdlib.h>

enum { SHOPPERS = 600, ITEMS = 300, TASTES = 6, SEEN = 20, HELD_OUT = 5 };

struct planted {
    struct csr seen;                  /* (SHOPPERS, ITEMS) */
    int held_out[SHOPPERS][HELD_OUT]; /* item ids, ascending */
};

static inline int by_id(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* Draws one unseen item of a shopper by softmax of taste + popularity. */
static inline int draw_item(const double *scores, const bool *taken, struct rng *rng)
{
    double total = 0;
    for (int i = 0; i < ITEMS; i++) {
        total += taken[i] ? 0 : exp(scores[i]);
    }
    double left = rng_unit(rng) * total;
    for (int i = 0; i < ITEMS; i++) {
        left -= taken[i] ? 0 : exp(scores[i]);
        if (!taken[i] && left <= 0) {
            return i;
        }
    }
    for (int i = ITEMS - 1;; i--) { /* rounding left a crumb: the last free item */
        if (!taken[i]) {
            return i;
        }
    }
}

static inline void planted_make(struct planted *p, uint64_t seed)
{
    struct rng rng = rng_seed(seed);
    struct mat tastes = random_mat(SHOPPERS, TASTES, seed + 1);
    struct mat styles = random_mat(ITEMS, TASTES, seed + 2);
    struct triple *triples = mem_array((size_t)SHOPPERS * SEEN, sizeof *triples);
    size_t count = 0;
    for (int u = 0; u < SHOPPERS; u++) {
        double scores[ITEMS];
        bool taken[ITEMS] = {0};
        for (int i = 0; i < ITEMS; i++) {
            double popularity = 1.5 * log(ITEMS / (i + 1.0)) / log(ITEMS);
            scores[i] =
                (double)mat_dot(mat_row(&tastes, u), mat_row(&styles, i), TASTES) + popularity;
        }
        for (int e = 0; e < SEEN + HELD_OUT; e++) {
            int item = draw_item(scores, taken, &rng);
            taken[item] = true;
            if (e < SEEN) {
                triples[count++] = (struct triple){u, item, 1};
            } else {
                p->held_out[u][e - SEEN] = item;
            }
        }
        qsort(p->held_out[u], HELD_OUT, sizeof(int), by_id);
    }
    struct err err = {0};
    assert_succeeds(csr_build(SHOPPERS, ITEMS, triples, count, &p->seen, &err), err);
    mem_free(&triples);
    mat_free(&tastes);
    mat_free(&styles);
}

#endif
