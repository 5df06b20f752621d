#ifndef ML_LINEAR_VEC_H
#define ML_LINEAR_VEC_H

#include "ml/linear/cpu.h"

#include <stdint.h>

/* A register of floats, for the files that src/CMakeLists.txt compiles once for each width: VEC_LANES is 8 there (AVX2) or 16 (AVX-512), and
 * defined nowhere else. A kernel is written once in these functions; all of them are inlined and are one or two instructions, but a debugger
 * shows their names and steps through what calls them. Only such files include this. */

#if CPU_HAS_X86
#include <immintrin.h>

#if VEC_LANES == 16
#define VEC_TARGET               CPU_TARGET_AVX512
#define VEC_EITHER(avx2, avx512) avx512
typedef __m512 vec;
#elif VEC_LANES == 8
#define VEC_TARGET               CPU_TARGET_AVX2
#define VEC_EITHER(avx2, avx512) avx2
typedef __m256 vec;
#else
#error "this file is compiled once for each width of vectors, see src/CMakeLists.txt"
#endif
/* VEC_EITHER(a, b): the name of what such a file exports, so that both stand where it is defined. */

/* A function that uses vec; and one that is made anew in each caller, so that arguments which are constants there unroll its loops. */
#define VEC_FUNCTION __attribute__((target(VEC_TARGET)))
#define VEC_INLINE   static inline __attribute__((target(VEC_TARGET), always_inline))

VEC_INLINE vec vec_zero(void)
{
    return VEC_EITHER(_mm256_setzero_ps(), _mm512_setzero_ps());
}

VEC_INLINE vec vec_set(float x)
{
    return VEC_EITHER(_mm256_set1_ps(x), _mm512_set1_ps(x));
}

VEC_INLINE vec vec_load(const float *p)
{
    return VEC_EITHER(_mm256_loadu_ps(p), _mm512_loadu_ps(p));
}

VEC_INLINE void vec_store(float *p, vec a)
{
    VEC_EITHER(_mm256_storeu_ps(p, a), _mm512_storeu_ps(p, a));
}

/* Out of half precision. */
VEC_INLINE vec vec_load_half(const uint16_t *p)
{
    const void *at = p;
    return VEC_EITHER(_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)at)),
                      _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)at)));
}

VEC_INLINE vec vec_add(vec a, vec b)
{
    return VEC_EITHER(_mm256_add_ps(a, b), _mm512_add_ps(a, b));
}

VEC_INLINE vec vec_sub(vec a, vec b)
{
    return VEC_EITHER(_mm256_sub_ps(a, b), _mm512_sub_ps(a, b));
}

VEC_INLINE vec vec_mul(vec a, vec b)
{
    return VEC_EITHER(_mm256_mul_ps(a, b), _mm512_mul_ps(a, b));
}

VEC_INLINE vec vec_div(vec a, vec b)
{
    return VEC_EITHER(_mm256_div_ps(a, b), _mm512_div_ps(a, b));
}

/* a b + c, rounded once. */
VEC_INLINE vec vec_fma(vec a, vec b, vec c)
{
    return VEC_EITHER(_mm256_fmadd_ps(a, b, c), _mm512_fmadd_ps(a, b, c));
}

/* c - a b, rounded once. */
VEC_INLINE vec vec_neg_fma(vec a, vec b, vec c)
{
    return VEC_EITHER(_mm256_fnmadd_ps(a, b, c), _mm512_fnmadd_ps(a, b, c));
}

/* 1 / sqrt(a): the processor's estimate has 12 bits (14 with AVX-512), and one step of Newton doubles them, to about a float's 24. A division
 * and a root would take three times as long. */
VEC_INLINE vec vec_rsqrt(vec a)
{
    const vec y = VEC_EITHER(_mm256_rsqrt_ps(a), _mm512_rsqrt14_ps(a));
    const vec half = vec_mul(vec_mul(a, vec_set(0.5F)), vec_mul(y, y));
    return vec_mul(y, vec_sub(vec_set(1.5F), half));
}

VEC_INLINE float vec_sum8(__m256 a)
{
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}

#if VEC_LANES == 16
VEC_INLINE __m256 vec_halves(__m512 a)
{
    return _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
}

VEC_INLINE float vec_sum(vec a)
{
    return vec_sum8(vec_halves(a));
}

/* Lanes 0 .. 3: the sums of a, b, c and d. Four together share the steps between lanes, which are the slow ones. */
VEC_INLINE __m128 vec_sum4(vec a, vec b, vec c, vec d)
{
    const __m512 ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
    const __m512 cd = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
    const __m512d low = _mm512_unpacklo_pd(_mm512_castps_pd(ab), _mm512_castps_pd(cd));
    const __m512d high = _mm512_unpackhi_pd(_mm512_castps_pd(ab), _mm512_castps_pd(cd));
    const __m256 lanes = vec_halves(_mm512_add_ps(_mm512_castpd_ps(low), _mm512_castpd_ps(high)));
    return _mm_add_ps(_mm256_castps256_ps128(lanes), _mm256_extractf128_ps(lanes, 1));
}
#else
VEC_INLINE float vec_sum(vec a)
{
    return vec_sum8(a);
}

/* Lanes 0 .. 3: the sums of a, b, c and d. Four together share the steps between lanes, which are the slow ones. */
VEC_INLINE __m128 vec_sum4(vec a, vec b, vec c, vec d)
{
    const __m256 pairs = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
    return _mm_add_ps(_mm256_castps256_ps128(pairs), _mm256_extractf128_ps(pairs, 1));
}
#endif

#endif

#endif
