/* faiss::IndexFlatIP behind a C face, one thread; built only where the library is found (BENCH_HAS_FAISS). */
#ifndef BENCH_TOPK_FAISS_H
#define BENCH_TOPK_FAISS_H

#ifdef __cplusplus
extern "C" {
#endif

struct faiss_flat;

/* Copies items: n rows of k floats, ld apart. */
struct faiss_flat *faiss_flat_make(const float *items, int n, int k, int ld);
void faiss_flat_free(struct faiss_flat *index);

/* The `top` best of each of `count` queries laid end to end (count, k): scores and ids (count, top). */
void faiss_flat_search(const struct faiss_flat *index, const float *queries, int count, int top,
                       float *out_scores, long *out_ids);

#ifdef __cplusplus
}
#endif

#endif
