/* The plain way to an exact top-K: OpenBLAS scores everything, a threshold and a heap select. */
#ifndef BENCH_TOPK_PEERS_H
#define BENCH_TOPK_PEERS_H

#include "ml/linear/mat.h"
#include "ml/topk/topk.h"

/* sgemv over blocks of items, each selected from while it is in the cache. Returns how many hits. */
int gemv_select(const struct mat *items, const float *query, int k, struct topk_hit *out);

/* sgemm over blocks of 64 queries and 1,024 items, likewise; out (q, k). */
void gemm_select(const struct mat *items, const struct mat *queries, int k, struct topk_hit *out);

#endif
