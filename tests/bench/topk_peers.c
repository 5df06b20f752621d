#include "bench/topk_peers.h"

#include "base/mem.h"
#include "ml/linear/cpu.h"

#include <assert.h>
#include <cblas.h>
#include <math.h>

#if CPU_HAS_X86
#include <immintrin.h>
#endif

enum { GEMV_ITEMS = 4096, GEMM_ITEMS = 1024, GEMM_QUERIES = 64, STRIDE = 16 };

struct list {
    struct topk_hit *hits; /* sorted, best first */
    int count;
    int k;
};

static float threshold(const struct list *l)
{
    return l->count == l->k ? l->hits[l->k - 1].score : -INFINITY;
}

static void push(struct list *l, int id, float score)
{
    int at = l->count < l->k ? l->count++ : l->k - 1;
    for (; at > 0 && l->hits[at - 1].score < score; at--) {
        l->hits[at] = l->hits[at - 1];
    }
    l->hits[at] = (struct topk_hit){id, score};
}

#if CPU_HAS_X86
__attribute__((target(CPU_TARGET_AVX512))) static unsigned above_wide(const float *scores, float t)
{
    return _mm512_cmp_ps_mask(_mm512_loadu_ps(scores), _mm512_set1_ps(t), _CMP_GT_OQ);
}
#endif

static unsigned above_plain(const float *scores, float t)
{
    unsigned mask = 0;
    for (int i = 0; i < STRIDE; i++) {
        mask |= (unsigned)(scores[i] > t) << i;
    }
    return mask;
}

/* Which of 16 scores lie above the threshold. */
static unsigned above(const float *scores, float t, bool wide)
{
#if CPU_HAS_X86
    if (wide) {
        return above_wide(scores, t);
    }
#endif
    (void)wide;
    return above_plain(scores, t);
}

static void select_from(struct list *l, const float *scores, int count, int first)
{
    const bool wide = cpu_level() == CPU_AVX512;
    int i = 0;
    for (; i + STRIDE <= count; i += STRIDE) {
        for (unsigned m = above(scores + i, threshold(l), wide); m; m &= m - 1) {
            const int at = i + __builtin_ctz(m);
            if (scores[at] > threshold(l)) {
                push(l, first + at, scores[at]);
            }
        }
    }
    for (; i < count; i++) {
        if (scores[i] > threshold(l)) {
            push(l, first + i, scores[i]);
        }
    }
}

int gemv_select(const struct mat *items, const float *query, int k, struct topk_hit *out)
{
    float scores[GEMV_ITEMS];
    struct list l = {.hits = out, .k = k};
    for (int from = 0; from < items->rows; from += GEMV_ITEMS) {
        const int n = items->rows - from < GEMV_ITEMS ? items->rows - from : GEMV_ITEMS;
        cblas_sgemv(CblasRowMajor, CblasNoTrans, n, items->cols, 1, mat_row(items, from), items->ld,
                    query, 1, 0, scores, 1);
        select_from(&l, scores, n, from);
    }
    return l.count;
}

void gemm_select(const struct mat *items, const struct mat *queries, int k, struct topk_hit *out)
{
    float *scores = mem_array((size_t)GEMM_QUERIES * GEMM_ITEMS, sizeof *scores);
    for (int first = 0; first < queries->rows; first += GEMM_QUERIES) {
        const int m = queries->rows - first < GEMM_QUERIES ? queries->rows - first : GEMM_QUERIES;
        struct list lists[GEMM_QUERIES];
        for (int q = 0; q < m; q++) {
            lists[q] = (struct list){.hits = out + (ptrdiff_t)(first + q) * k, .k = k};
        }
        for (int from = 0; from < items->rows; from += GEMM_ITEMS) {
            const int n = items->rows - from < GEMM_ITEMS ? items->rows - from : GEMM_ITEMS;
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, items->cols, 1,
                        mat_row(queries, first), queries->ld, mat_row(items, from), items->ld, 0,
                        scores, GEMM_ITEMS);
            for (int q = 0; q < m; q++) {
                select_from(&lists[q], scores + (ptrdiff_t)q * GEMM_ITEMS, n, from);
            }
        }
    }
    mem_free(&scores);
}
