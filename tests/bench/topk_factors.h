/* Factors to search in, for bench_topk: random ones, and ones that ml/als/als trained. */
#ifndef BENCH_TOPK_FACTORS_H
#define BENCH_TOPK_FACTORS_H

#include "ml/linear/mat.h"

/* Rows to search and rows to search with; owned (mat_free both). */
struct factor_set {
    struct mat items;   /* (n, k) */
    struct mat queries; /* (q, k) */
    char source[200];   /* what they are, in words */
};

/* Independent normal numbers: all rows about equally long, nothing to prune. */
struct factor_set factors_random(int items, int factors, int queries);

/* What als_train makes of the interactions in a file (lines "user item item ..."), four sweeps; file NULL: of a log with a power law that is
 * drawn here. More items than were trained: each further one is a trained row, drawn evenly, plus normal noise of a tenth of its length. Fewer:
 * the first ones. Queries are trained shoppers, drawn evenly. Ends the program on a file that cannot be read. */
struct factor_set factors_trained(const char *file, int items, int factors, int queries);

#endif
