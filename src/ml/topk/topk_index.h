#ifndef ML_TOPK_TOPK_INDEX_H
#define ML_TOPK_TOPK_INDEX_H

#include "ml/linear/mat.h"
#include "ml/topk/topk.h"

#include <stddef.h>

/* Exact top-K by inner product (MIPS) without reading every item's floats: a quarter of the bytes is scanned as 8-bit integers, and only the rows
 * that could enter the answer are scored in full. The answers are those of topk_search, bit for bit: same ids, same scores, same order.
 *
 * How. Items are sorted by length (Euclidean norm), longest first, and cut into tiles of 32. A row x is stored as x = s y + e with a float
 * scale s = max|x_j| / 127 and integers y_j in -127 .. 127; a query q likewise as q = t z + d. The scan computes the integer I = y.z, which
 * says x.q up to the two errors. The threshold h is a score that k items are known to reach: the k-th best full score, or the k-th best of
 * what the integers prove (I less the errors), whichever is larger. An item that provably stays below h is left out; the others are remembered
 * and, if they still may enter at the end, scored in full (mat_dot). The scan ends where no row to come can reach h by its length alone
 * (Cauchy-Schwarz).
 *
 * Why nothing is missed. u = 2^-24, k columns, |.| the Euclidean norm.
 *   (1) x.q - s t I  =  s y.d + e.q,  so  |x.q - s t I| <= |s y| |d| + |e| |q|.
 *   (2) The float score differs from x.q by at most g0 |x| |q|, g0 = m u / (1 - m u), m = k / 16 + 18: mat_dot adds products in sixteen lanes,
 *       each term passes k / 16 + 1 roundings there and 5 more where lanes meet, one of the tail at most 17 (Higham, Accuracy and Stability
 *       of Numerical Algorithms, 2002, section 3.1; a fused multiply-add only has fewer).
 *   (3) I is an integer below 127^2 * 1024 < 2^24, thus exact as a float; computing s t I rounds twice: at most 3 u |s y| |t z|
 *       <= 12 u |x| |q|, as |y_j s| <= 2 |x_j| and |z_j t| <= 2 |q_j|.
 *   So with a >= |e| + g |x| and b >= |s y|, g = (k / 16 + 32) 2^-23 (more than twice what (2) and (3) ask, which pays for the roundings of
 *   the lines below), and with Q >= |q|, D >= |d|:   score >= h  implies  fl(s t I) >= h - (a Q + b D).
 *   In the same way score >= fl(s t I) - (a Q + b D), lowered likewise: what h is learnt from.
 *   a, b are kept for every four tiles (largest of their rows), computed in double and rounded up by 1 + 2^-20; e and d are measured, not estimated,
 *   so it does not matter how the quotients x_j / s were rounded. The right side is lowered by its own rounding, 2^-21 of its size, and
 *   FLT_MIN, which covers every underflow (products of less than 2^-126 lose at most k 2^-149 in all).
 *   (4) In integers: if h - (a Q + b D) = r > 0, then I >= r / (S t) with S the largest s of the four tiles; the scan compares with
 *       floor(r / (S t) (1 - 2^-19)) - 1. For r <= 0 it lets everything through.
 *   (5) No row from a tile on scores more than L Q, L >= |x| (1 + g) for the longest of them.
 *   Rows and queries whose largest number is below 2^-100 are not quantised: s = 0, e = x. Where the largest |x| times |q| is above 2^120, or
 *   anything is not finite, floats may overflow and none of this holds: then topk_search answers.
 *   Equal scores: an item that equals h may still win by its id, so only "below h" is ever left out.
 *
 * Immutable; used by many threads at once. */
struct topk_index;

/* Builds on `threads` threads (the result does not depend on them). Borrows items, whose rows (n, k) must stay unchanged as long as the index
 * lives; k is 1 .. 1024. Memory: n (k' + 4) bytes with k' = k rounded up to 4, and 4 n for the order. Owned by the caller. */
struct topk_index *topk_index_make(const struct mat *items, int threads);
void topk_index_free(struct topk_index **index);

int topk_index_columns(const struct topk_index *index);
size_t topk_index_bytes(const struct topk_index *index); /* memory of its own */

/* What a search had to do; for benchmarks. */
struct topk_work {
    long scanned;  /* items whose integers were multiplied */
    long rescored; /* items scored in full */
};

/* topk_search(items, query, k, filter, out), sooner. work may be NULL. */
int topk_index_search(const struct topk_index *index, const float *query, int k,
                      const struct topk_filter *filter, struct topk_hit *out,
                      struct topk_work *work);

/* topk_batch(items, queries, k, filters, out, out_counts), sooner: a block of items is scanned for TOPK_PASS queries while it is in the cache,
 * eight at a time in registers. */
enum { TOPK_PASS = 64 };
struct topk_queries {
    const struct mat *rows;            /* (q, k) */
    const struct topk_filter *filters; /* (q); NULL: none */
    int k;
    int threads;
};
void topk_index_batch(const struct topk_index *index, const struct topk_queries *queries,
                      struct topk_hit *out, int *out_counts, struct topk_work *work);

#endif
