/* Conjugate gradients for one row (Takacs, Pilaszy, Tikk: Applications of the Conjugate Gradient Method for Implicit Feedback Collaborative
 * Filtering, RecSys 2011), preconditioned by a diagonal: plain C here, in vectors in als_rows_vec.c.
 *
 * With A = diag(dense) + ridge + sum of c h h', b = the right side, M = diag(dense) + ridge (Saad, Iterative Methods for Sparse Linear
 * Systems, 2003, algorithm 9.1):
 *     r = b - A x,  z = M^-1 r,  p = z
 *     alpha = r.z / p.A p;  x += alpha p;  r -= alpha A p;  z = M^-1 r;  beta = new r.z / old r.z;  p = z + beta p
 * A differs from M by as many directions as the row has entries, so that few steps go far: as many as entries would end exactly. A p is never
 * made from a matrix: an entry costs a dot product and an addition. Its sign is turned (product = -A p), so that add_entries, which has
 * c (one - h.v) h, makes b - A x with one = 1 and -A p with one = 0. */
#include "ml/als/als_rows.h"

#include "ml/als/als.h"
#include "ml/als/als_rows_internal.h"
#include "ml/linear/cpu.h"
#include "ml/linear/mat.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>

#if CPU_HAS_X86
#include <immintrin.h>
#endif

/* ---- plain ---- */

struct plain {
    float diagonal[ALS_FACTORS_MAX]; /* M */
    float inverse[ALS_FACTORS_MAX];
    float residual[ALS_FACTORS_MAX];  /* r */
    float direction[ALS_FACTORS_MAX]; /* p */
    float product[ALS_FACTORS_MAX];   /* -A p, then z */
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
        /* For a right side of the caller's the start is zero, and r = b. Else x is the last sweep's
         * solution: two steps from there go farther than two from zero. */
        x[i] = right ? 0 : x[i];
        t->residual[i] = right ? right[i] : -t->diagonal[i] * x[i];
    }
    if (!right) {
        add_entries(s, row, 1, x, t->residual);
    }
}

/* z = M^-1 r; returns r.z, the squared residual as the stopping rule measures it. */
static float precondition_plain(const struct plain *t, float *z, int count)
{
    for (int i = 0; i < count; i++) {
        z[i] = t->residual[i] * t->inverse[i];
    }
    return mat_dot(t->residual, z, count);
}

static void solve_plain(const struct als_system *s, const struct als_row *row, const float *right,
                        float *x)
{
    struct plain t;
    start_plain(s, row, right, x, &t);
    float rz = precondition_plain(&t, t.direction, s->ld);
    if (!(rz <= FLT_MAX)) {
        /* Infinite or NaN: nothing below would find an end. Told through x, at which every caller
         * looks (note_not_finite, finish): there is no other way out of a kernel. */
        x[0] = NAN;
        return;
    }
    /* rz is a square, the tolerance is not. */
    const float enough = rz * s->tolerance * s->tolerance;
    /* With tolerance 0 `enough` is 0: then only a residual of nothing
     * ends the loop before its steps. */
    for (int step = 0; step < s->steps && rz > ALS_RESIDUAL_ZERO && rz > enough; step++) {
        for (int i = 0; i < s->ld; i++) {
            t.product[i] = -t.diagonal[i] * t.direction[i];
        }
        add_entries(s, row, 0, t.direction, t.product);
        /* product is -A p, so p.product is -p'A p: below 0, as A is positive definite */
        const float alpha = rz / -mat_dot(t.direction, t.product, s->ld);
        add_scaled(x, alpha, t.direction, s->ld);
        add_scaled(t.residual, alpha, t.product, s->ld);
        const float next = precondition_plain(&t, t.product, s->ld);
        for (int i = 0; i < s->ld; i++) {
            /* beta by Fletcher and Reeves, new r.z / old r.z: z has just been put where A p was */
            t.direction[i] = t.product[i] + next / rz * t.direction[i];
        }
        rz = next;
    }
}

/* ---- half precision ---- */

#if CPU_HAS_X86
__attribute__((target(CPU_TARGET_AVX2))) static void pack_avx2(const float *values, size_t count,
                                                               float factor, uint16_t *packed)
{
    for (size_t i = 0; i < count; i += 8) {
        /* times 1 / unit: a power of two, so that only the conversion rounds */
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
        return als_rows_choose_avx512(system);
    }
    if (cpu_level() >= CPU_AVX2) {
        return als_rows_choose_avx2(system);
    }
#endif
    /* half precision is unpacked by F16C, which plain C has not: als_rows_can_pack has said so */
    assert(system->others);
    return solve_plain;
}
