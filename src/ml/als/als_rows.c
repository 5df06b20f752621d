/* Conjugate gradients for one row, preconditioned by a diagonal. Plain C here; the same for AVX2 and AVX-512 from one template. */
#include "ml/als/als_rows.h"

#include "ml/als/als.h"
#include "ml/linear/cpu.h"
#include "ml/linear/mat.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Squared preconditioned residual that is nothing: dividing by it would make NaN of a solved row. */
static const float NOTHING = 1e-30F;

enum {
    GROUP = 4,           /* entries whose products are added up together */
    FETCH_FLOATS = 8192, /* fetched ahead: a fraction of the nearest cache */
    FETCH_PASSES = 3     /* share in fetching */
};

/* ---- plain ---- */

struct plain {
    float diagonal[ALS_FACTORS_MAX];
    float inverse[ALS_FACTORS_MAX];
    float residual[ALS_FACTORS_MAX];
    float direction[ALS_FACTORS_MAX];
    float product[ALS_FACTORS_MAX];
};

static void add_scaled(float *restrict to, float scale, const float *restrict from, int count)
{
    for (int i = 0; i < count; i++) {
        to[i] += scale * from[i];
    }
}

/* to += sum of c (one - h.v) h */
static void add_entries(const struct als_system *s, const struct als_row *row, float one,
                        const float *v, float *to)
{
    for (int64_t e = 0; e < row->count; e++) {
        const float *h = s->others + (size_t)row->column[e] * (size_t)s->ld;
        add_scaled(to, row->weight[e] * (one - mat_dot(h, v, s->ld)), h, s->ld);
    }
}

static void start_plain(const struct als_system *s, const struct als_row *row, const float *right,
                        float *x, struct plain *t)
{
    for (int i = 0; i < s->ld; i++) {
        t->diagonal[i] = s->dense[i] + row->ridge;
        t->inverse[i] = 1 / t->diagonal[i];
        x[i] = right ? 0 : x[i];
        t->residual[i] = right ? right[i] : -t->diagonal[i] * x[i];
    }
    if (!right) {
        add_entries(s, row, 1, x, t->residual);
    }
}

static float precondition_plain(const struct plain *t, float *out, int count)
{
    for (int i = 0; i < count; i++) {
        out[i] = t->residual[i] * t->inverse[i];
    }
    return mat_dot(t->residual, out, count);
}

static void solve_plain(const struct als_system *s, const struct als_row *row, const float *right,
                        float *x)
{
    struct plain t;
    start_plain(s, row, right, x, &t);
    float size = precondition_plain(&t, t.direction, s->ld);
    if (!(size <= FLT_MAX)) {
        x[0] = NAN;
        return;
    }
    const float enough = size * s->tolerance * s->tolerance;
    for (int step = 0; step < s->steps && size > NOTHING && size > enough; step++) {
        for (int i = 0; i < s->ld; i++) {
            t.product[i] = -t.diagonal[i] * t.direction[i];
        }
        add_entries(s, row, 0, t.direction, t.product);
        float along = size / -mat_dot(t.direction, t.product, s->ld);
        add_scaled(x, along, t.direction, s->ld);
        add_scaled(t.residual, along, t.product, s->ld);
        float next = precondition_plain(&t, t.product, s->ld);
        for (int i = 0; i < s->ld; i++) {
            t.direction[i] = t.product[i] + next / size * t.direction[i];
        }
        size = next;
    }
}

/* ---- vectors ---- */

#if CPU_HAS_X86
#include <immintrin.h>

/* What the compiler makes a function of its own for. */
struct shape {
    size_t parts; /* vectors of the processor in one of ours */
    bool packed;
};

/* Lanes 0 .. 3: the sums of a, b, c and d. */
__attribute__((target(CPU_TARGET_AVX2))) static inline __m128 sum4_avx2(__m256 a, __m256 b,
                                                                        __m256 c, __m256 d)
{
    __m256 pairs = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
    return _mm_add_ps(_mm256_castps256_ps128(pairs), _mm256_extractf128_ps(pairs, 1));
}

__attribute__((target(CPU_TARGET_AVX2))) static inline float sum_avx2(__m256 a)
{
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}

__attribute__((target(CPU_TARGET_AVX512))) static inline __m256 fold_avx512(__m512 a)
{
    return _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
}

__attribute__((target(CPU_TARGET_AVX512))) static inline __m128 sum4_avx512(__m512 a, __m512 b,
                                                                            __m512 c, __m512 d)
{
    __m512 ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
    __m512 cd = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
    __m512d low = _mm512_unpacklo_pd(_mm512_castps_pd(ab), _mm512_castps_pd(cd));
    __m512d high = _mm512_unpackhi_pd(_mm512_castps_pd(ab), _mm512_castps_pd(cd));
    __m256 lanes = fold_avx512(_mm512_add_ps(_mm512_castpd_ps(low), _mm512_castpd_ps(high)));
    return _mm_add_ps(_mm256_castps256_ps128(lanes), _mm256_extractf128_ps(lanes, 1));
}

__attribute__((target(CPU_TARGET_AVX512))) static inline float sum_avx512(__m512 a)
{
    return sum_avx2(fold_avx512(a));
}

#define NAME(stem)           stem##_avx2
#define TARGET               CPU_TARGET_AVX2
#define LANES                8
#define VEC                  __m256
#define VEC_ZERO()           _mm256_setzero_ps()
#define VEC_SET(x)           _mm256_set1_ps(x)
#define VEC_LOAD(p)          _mm256_loadu_ps(p)
#define VEC_STORE(p, v)      _mm256_storeu_ps(p, v)
#define VEC_UNPACK(p)        _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(p)))
#define VEC_ADD(a, b)        _mm256_add_ps(a, b)
#define VEC_MUL(a, b)        _mm256_mul_ps(a, b)
#define VEC_DIV(a, b)        _mm256_div_ps(a, b)
#define VEC_FMA(a, b, c)     _mm256_fmadd_ps(a, b, c)
#define VEC_NEG_FMA(a, b, c) _mm256_fnmadd_ps(a, b, c)
#include "ml/als/als_rows.inc"

#define NAME(stem)           stem##_avx512
#define TARGET               CPU_TARGET_AVX512
#define LANES                16
#define VEC                  __m512
#define VEC_ZERO()           _mm512_setzero_ps()
#define VEC_SET(x)           _mm512_set1_ps(x)
#define VEC_LOAD(p)          _mm512_loadu_ps(p)
#define VEC_STORE(p, v)      _mm512_storeu_ps(p, v)
#define VEC_UNPACK(p)        _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)(p)))
#define VEC_ADD(a, b)        _mm512_add_ps(a, b)
#define VEC_MUL(a, b)        _mm512_mul_ps(a, b)
#define VEC_DIV(a, b)        _mm512_div_ps(a, b)
#define VEC_FMA(a, b, c)     _mm512_fmadd_ps(a, b, c)
#define VEC_NEG_FMA(a, b, c) _mm512_fnmadd_ps(a, b, c)
#include "ml/als/als_rows.inc"

__attribute__((target(CPU_TARGET_AVX2))) static void pack_avx2(const float *values, size_t count,
                                                               float factor, uint16_t *packed)
{
    for (size_t i = 0; i < count; i += 8) {
        __m256 scaled = _mm256_mul_ps(_mm256_loadu_ps(values + i), _mm256_set1_ps(factor));
        _mm_storeu_si128((__m128i *)(void *)(packed + i),
                         _mm256_cvtps_ph(scaled, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
    }
}
#endif

int als_rows_can_pack(void)
{
    return cpu_level() >= CPU_AVX2;
}

void als_pack(const float *values, size_t count, float unit, uint16_t *packed)
{
    assert(als_rows_can_pack() && count % MAT_ALIGN_FLOATS == 0);
#if CPU_HAS_X86
    pack_avx2(values, count, 1 / unit, packed);
#else
    (void)values, (void)unit, (void)packed;
#endif
}

als_row_fn *als_row_kernel(const struct als_system *system)
{
    assert(system->ld % MAT_ALIGN_FLOATS == 0 && system->ld <= ALS_FACTORS_MAX);
#if CPU_HAS_X86
    if (cpu_level() >= CPU_AVX512) {
        return choose_avx512(system);
    }
    if (cpu_level() >= CPU_AVX2) {
        return choose_avx2(system);
    }
#endif
    assert(system->others);
    return solve_plain;
}
