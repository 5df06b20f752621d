/* Inner loops of the factorization machine of tables: plain C, AVX2, AVX-512. Elementwise, so that
 * they differ by rounding only. */
#include "ml/learner/fm_field_internal.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#if CPU_HAS_X86
#include <immintrin.h>
#endif

/* ---- plain ---- */

static void sums_plain(const struct fm_gather *g, float *restrict sums, float *restrict squares)
{
    memset(sums, 0, (size_t)g->lanes * sizeof *sums);
    if (squares) {
        memset(squares, 0, (size_t)g->lanes * sizeof *squares);
    }
    for (int e = 0; e < g->count; e++) {
        const float *w = g->base + (size_t)g->index[e] * (size_t)g->stride;
        float x = g->value ? g->value[e] : 1;
        for (int l = 0; l < g->lanes; l++) {
            float product = w[l] * x;
            sums[l] += product;
            if (squares) {
                squares[l] += product * product;
            }
        }
    }
}

static void step_plain(const struct fm_step *s)
{
    for (int e = 0; e < s->count; e++) {
        float *w = s->base + (size_t)s->index[e] * (size_t)s->stride;
        float *total = w + s->lanes;
        float x = s->value[e];
        for (int l = 0; l < s->lanes; l++) {
            float gradient =
                s->error * x * (s->target[l] - w[l] * x * s->mask[l]) + s->decay[l] * w[l];
            total[l] += gradient * gradient;
            w[l] -= s->rate * gradient / sqrtf(total[l]);
        }
    }
}

#if CPU_HAS_X86

/* ---- AVX2 ---- */

__attribute__((target(CPU_TARGET_AVX2))) static void
sums_avx2(const struct fm_gather *g, float *restrict sums, float *restrict squares)
{
    for (int l = 0; l < g->lanes; l += 8) {
        __m256 sum = _mm256_setzero_ps();
        __m256 square = _mm256_setzero_ps();
        for (int e = 0; e < g->count; e++) {
            __m256 x = _mm256_set1_ps(g->value ? g->value[e] : 1);
            const float *w = g->base + (size_t)g->index[e] * (size_t)g->stride + l;
            __m256 product = _mm256_mul_ps(_mm256_loadu_ps(w), x);
            sum = _mm256_add_ps(sum, product);
            square = _mm256_fmadd_ps(product, product, square);
        }
        _mm256_storeu_ps(sums + l, sum);
        if (squares) {
            _mm256_storeu_ps(squares + l, square);
        }
    }
}

/* 1 / sqrt(a): the estimate's 12 bits, and one step of Newton. */
__attribute__((target(CPU_TARGET_AVX2))) static inline __m256 rsqrt_avx2(__m256 a)
{
    __m256 y = _mm256_rsqrt_ps(a);
    __m256 half = _mm256_mul_ps(_mm256_mul_ps(a, _mm256_set1_ps(0.5F)), _mm256_mul_ps(y, y));
    return _mm256_mul_ps(y, _mm256_sub_ps(_mm256_set1_ps(1.5F), half));
}

__attribute__((target(CPU_TARGET_AVX2))) static void step_avx2(const struct fm_step *s)
{
    for (int l = 0; l < s->lanes; l += 8) {
        __m256 target = _mm256_loadu_ps(s->target + l);
        __m256 mask = _mm256_loadu_ps(s->mask + l);
        __m256 decay = _mm256_loadu_ps(s->decay + l);
        __m256 rate = _mm256_set1_ps(s->rate);
        for (int e = 0; e < s->count; e++) {
            float *at = s->base + (size_t)s->index[e] * (size_t)s->stride + l;
            __m256 w = _mm256_load_ps(at);
            __m256 pull = _mm256_set1_ps(s->error * s->value[e]);
            __m256 own = _mm256_mul_ps(mask, _mm256_set1_ps(s->value[e]));
            __m256 gradient = _mm256_mul_ps(pull, _mm256_fnmadd_ps(w, own, target));
            gradient = _mm256_fmadd_ps(decay, w, gradient);
            __m256 total = _mm256_load_ps(at + s->lanes);
            total = _mm256_fmadd_ps(gradient, gradient, total);
            __m256 move = _mm256_mul_ps(_mm256_mul_ps(rate, gradient), rsqrt_avx2(total));
            _mm256_store_ps(at + s->lanes, total);
            _mm256_store_ps(at, _mm256_sub_ps(w, move));
        }
    }
}

/* ---- AVX-512 ---- */

__attribute__((target(CPU_TARGET_AVX512))) static void
sums_avx512(const struct fm_gather *g, float *restrict sums, float *restrict squares)
{
    for (int l = 0; l < g->lanes; l += 16) {
        __m512 sum = _mm512_setzero_ps();
        __m512 square = _mm512_setzero_ps();
        for (int e = 0; e < g->count; e++) {
            __m512 x = _mm512_set1_ps(g->value ? g->value[e] : 1);
            const float *w = g->base + (size_t)g->index[e] * (size_t)g->stride + l;
            __m512 product = _mm512_mul_ps(_mm512_loadu_ps(w), x);
            sum = _mm512_add_ps(sum, product);
            square = _mm512_fmadd_ps(product, product, square);
        }
        _mm512_storeu_ps(sums + l, sum);
        if (squares) {
            _mm512_storeu_ps(squares + l, square);
        }
    }
}

__attribute__((target(CPU_TARGET_AVX512))) static inline __m512 rsqrt_avx512(__m512 a)
{
    __m512 y = _mm512_rsqrt14_ps(a);
    __m512 half = _mm512_mul_ps(_mm512_mul_ps(a, _mm512_set1_ps(0.5F)), _mm512_mul_ps(y, y));
    return _mm512_mul_ps(y, _mm512_sub_ps(_mm512_set1_ps(1.5F), half));
}

__attribute__((target(CPU_TARGET_AVX512))) static void step_avx512(const struct fm_step *s)
{
    for (int l = 0; l < s->lanes; l += 16) {
        __m512 target = _mm512_loadu_ps(s->target + l);
        __m512 mask = _mm512_loadu_ps(s->mask + l);
        __m512 decay = _mm512_loadu_ps(s->decay + l);
        __m512 rate = _mm512_set1_ps(s->rate);
        for (int e = 0; e < s->count; e++) {
            float *at = s->base + (size_t)s->index[e] * (size_t)s->stride + l;
            __m512 w = _mm512_load_ps(at);
            __m512 pull = _mm512_set1_ps(s->error * s->value[e]);
            __m512 own = _mm512_mul_ps(mask, _mm512_set1_ps(s->value[e]));
            __m512 gradient = _mm512_mul_ps(pull, _mm512_fnmadd_ps(w, own, target));
            gradient = _mm512_fmadd_ps(decay, w, gradient);
            __m512 total = _mm512_load_ps(at + s->lanes);
            total = _mm512_fmadd_ps(gradient, gradient, total);
            __m512 move = _mm512_mul_ps(_mm512_mul_ps(rate, gradient), rsqrt_avx512(total));
            _mm512_store_ps(at + s->lanes, total);
            _mm512_store_ps(at, _mm512_sub_ps(w, move));
        }
    }
}

#endif

void fm_gather_sums(const struct fm_gather *g, float *restrict sums, float *restrict squares)
{
#if CPU_HAS_X86
    switch (cpu_level()) {
    case CPU_AVX512:
        sums_avx512(g, sums, squares);
        return;
    case CPU_AVX2:
        sums_avx2(g, sums, squares);
        return;
    case CPU_PORTABLE:
    default:
        break;
    }
#endif
    sums_plain(g, sums, squares);
}

void fm_step_run(const struct fm_step *s)
{
#if CPU_HAS_X86
    switch (cpu_level()) {
    case CPU_AVX512:
        step_avx512(s);
        return;
    case CPU_AVX2:
        step_avx2(s);
        return;
    case CPU_PORTABLE:
    default:
        break;
    }
#endif
    step_plain(s);
}
