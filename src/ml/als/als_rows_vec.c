/* The row solver of als_rows.c in vectors, compiled for AVX2 and for AVX-512 (ml/linear/vec.h). The
 * steps are those of solve_plain there; additions are grouped by lane, so that results differ from
 * it by rounding. */
#include "ml/als/als_rows_internal.h"

#include "ml/als/als.h"
#include "ml/linear/vec.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#if CPU_HAS_X86

enum {
    LANES = VEC_LANES,
    /* Entries whose products with a vector are summed up together (vec_sum4). */
    GROUP = 4,
    /* Fetched ahead of where a pass is, in floats: a fraction of the nearest cache (32 KiB), so
     * that nothing is driven out before it is read. */
    FETCH_FLOATS = 8192,
    FETCH_PASSES = 3, /* share in fetching */
    /* Registers for a vector that stays in them. Three such (v, to, h of four entries) fill the 32
     * of AVX-512; AVX2 has 16. */
    HELD = 4,
    HELD_FLOATS = HELD * 16,
};

/* What the compiler makes a function of its own for. */
struct shape {
    size_t parts; /* vectors of the processor in one of ours: ld / LANES */
    bool packed;
};

/* ---- the entries of a row ---- */

/* Part j of the other side's vector of a column. */
VEC_INLINE vec part_of(const struct als_system *s, int32_t column, size_t j, bool packed)
{
    const size_t at = (size_t)column * (size_t)s->ld + j * LANES;
    return packed ? vec_load_half(s->packed + at) : vec_load(s->others + at);
}

VEC_INLINE void fetch(const struct als_system *s, int32_t column, bool packed)
{
    const size_t size = packed ? sizeof *s->packed : sizeof *s->others;
    const char *from = packed ? (const char *)s->packed : (const char *)s->others;
    const size_t bytes = size * (size_t)s->ld;
    /* line by line: a prefetch brings 64 bytes */
    for (size_t line = 0; line < bytes; line += 64) {
        _mm_prefetch(from + (size_t)column * bytes + line, _MM_HINT_T0);
    }
}

/* Every pass over a row fetches a share of the vectors that will be needed `distance` entries
 * later, so that memory works while we compute: the first pass two of a group, the second and the
 * third one each. All in one pass would be more requests than the processor keeps open, and it
 * would wait. The look ahead may leave the row for the next ones, as far as the caller says that
 * there are any. */
VEC_INLINE void fetch_ahead(const struct als_system *s, const struct als_row *row, int64_t e,
                            int pass, bool packed)
{
    const int64_t distance = FETCH_FLOATS / s->ld;
    const int first = pass == 0 ? 0 : pass + 1;
    const int end = pass == 0 ? 2 : pass + 2;
    if (pass < FETCH_PASSES && e + distance + GROUP <= row->count + row->after) {
        for (int q = first; q < end; q++) {
            fetch(s, row->column[e + distance + q], packed);
        }
    }
}

/* A group's columns and weights. */
struct group {
    int32_t column[GROUP];
    __m128 weight;
};

/* Where the row has fewer entries left, its first one stands in with weight 0: it adds nothing, and
 * no loop needs an end of its own. */
VEC_INLINE struct group group_of(const struct als_row *row, int64_t e)
{
    struct group g;
    if (e + GROUP <= row->count) {
        memcpy(g.column, row->column + e, sizeof g.column);
        g.weight = _mm_loadu_ps(row->weight + e);
        return g;
    }
    float weight[GROUP] = {0};
    for (int q = 0; q < GROUP; q++) {
        const bool there = e + q < row->count;
        g.column[q] = row->column[there ? e + q : 0];
        weight[q] = there ? row->weight[e + q] : 0;
    }
    g.weight = _mm_loadu_ps(weight);
    return g;
}

/* What a group's stored vectors p are multiplied by. h = unit p, so c (one - h.v) h = [c unit (one
 * - unit p.v)] p: the unit is applied to four numbers here and not to every float of a vector. It
 * is a power of two, so that it rounds nothing. */
VEC_INLINE __m128 factors_of(const struct als_system *s, __m128 weight, float one, __m128 dots)
{
    const __m128 miss = _mm_fnmadd_ps(_mm_set1_ps(s->unit), dots, _mm_set1_ps(one));
    return _mm_mul_ps(_mm_mul_ps(weight, _mm_set1_ps(s->unit)), miss);
}

/* to += sum of c (one - h.v) h, for vectors of at most HELD parts: v, the sum and the group's
 * vectors stay in registers, each of which is then loaded (and unpacked) once. */
VEC_INLINE void add_held(const struct als_system *s, const struct als_row *row, float one,
                         const float *v, float *to, struct shape shape, int pass)
{
    vec held_v[HELD];
    vec held_to[HELD];
    for (size_t j = 0; j < shape.parts; j++) {
        held_v[j] = vec_load(v + j * LANES);
        held_to[j] = vec_load(to + j * LANES);
    }
    for (int64_t e = 0; e < row->count; e += GROUP) {
        const struct group g = group_of(row, e);
        vec h[GROUP][HELD];
        vec dot[GROUP];
        /* before the arithmetic, so that memory works meanwhile */
        fetch_ahead(s, row, e, pass, shape.packed);
        for (int q = 0; q < GROUP; q++) {
            h[q][0] = part_of(s, g.column[q], 0, shape.packed);
            /* the first part by a product, which saves setting sums to zero */
            dot[q] = vec_mul(h[q][0], held_v[0]);
            for (size_t j = 1; j < shape.parts; j++) {
                h[q][j] = part_of(s, g.column[q], j, shape.packed);
                dot[q] = vec_fma(h[q][j], held_v[j], dot[q]);
            }
        }
        float by[GROUP];
        /* through memory: four lanes to four broadcasts */
        _mm_storeu_ps(by, factors_of(s, g.weight, one, vec_sum4(dot[0], dot[1], dot[2], dot[3])));
        for (int q = 0; q < GROUP; q++) {
            for (size_t j = 0; j < shape.parts; j++) {
                held_to[j] = vec_fma(vec_set(by[q]), h[q][j], held_to[j]);
            }
        }
    }
    for (size_t j = 0; j < shape.parts; j++) {
        vec_store(to + j * LANES, held_to[j]);
    }
}

/* h.v of a group in units of the stored vectors, part by part: longer vectors stay in the nearest
 * cache instead. */
VEC_INLINE __m128 dots_of(const struct als_system *s, const struct group *g, const float *v,
                          struct shape shape)
{
    vec dot[GROUP] = {vec_zero(), vec_zero(), vec_zero(), vec_zero()};
    for (size_t j = 0; j < shape.parts; j++) {
        const vec vj = vec_load(v + j * LANES);
        for (int q = 0; q < GROUP; q++) {
            dot[q] = vec_fma(part_of(s, g->column[q], j, shape.packed), vj, dot[q]);
        }
    }
    return vec_sum4(dot[0], dot[1], dot[2], dot[3]);
}

VEC_INLINE void add_long(const struct als_system *s, const struct als_row *row, float one,
                         const float *v, float *to, struct shape shape, int pass)
{
    for (int64_t e = 0; e < row->count; e += GROUP) {
        const struct group g = group_of(row, e);
        fetch_ahead(s, row, e, pass, shape.packed);
        float by[GROUP];
        _mm_storeu_ps(by, factors_of(s, g.weight, one, dots_of(s, &g, v, shape)));
        for (size_t j = 0; j < shape.parts; j++) {
            vec sum = vec_load(to + j * LANES);
            for (int q = 0; q < GROUP; q++) {
                /* loaded a second time: four vectors of this length do not fit the registers */
                sum = vec_fma(vec_set(by[q]), part_of(s, g.column[q], j, shape.packed), sum);
            }
            vec_store(to + j * LANES, sum);
        }
    }
}

VEC_INLINE void add_entries(const struct als_system *s, const struct als_row *row, float one,
                            const float *v, float *to, struct shape shape, int pass)
{
    if (LANES == 16 && shape.parts * LANES <= HELD_FLOATS) {
        add_held(s, row, one, v, to, shape, pass);
    } else {
        add_long(s, row, one, v, to, shape, pass);
    }
}

/* Sum of c (h.v)^2: what the entries add to v'Av. */
VEC_INLINE float entries_curve(const struct als_system *s, const struct als_row *row,
                               const float *v, struct shape shape, int pass)
{
    __m128 sum = _mm_setzero_ps();
    for (int64_t e = 0; e < row->count; e += GROUP) {
        const struct group g = group_of(row, e);
        fetch_ahead(s, row, e, pass, shape.packed);
        const __m128 dots = dots_of(s, &g, v, shape);
        sum = _mm_fmadd_ps(_mm_mul_ps(g.weight, dots), dots, sum);
    }
    const __m128 two = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
    /* both factors of the square are in units */
    return s->unit * s->unit * _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}

/* ---- conjugate gradients; the letters are those of als_rows.c ---- */

/* Side by side, so that they do not compete for the same lines of the nearest cache. */
struct work {
    float *diagonal;
    float *inverse;
    float *residual;
    float *direction;
    float *product; /* -A p, then z */
};

/* r = b - A x, z = M^-1 r, p = z; returns r.z. */
VEC_INLINE float start(const struct als_system *s, const struct als_row *row, const float *right,
                       float *x, struct work *t, struct shape shape)
{
    for (size_t j = 0; j < shape.parts; j++) {
        const vec diagonal = vec_add(vec_load(s->dense + j * LANES), vec_set(row->ridge));
        vec_store(t->diagonal + j * LANES, diagonal);
        if (right) {
            vec_store(x + j * LANES, vec_zero());
            vec_store(t->residual + j * LANES, vec_load(right + j * LANES));
        } else {
            vec_store(t->residual + j * LANES,
                      vec_neg_fma(diagonal, vec_load(x + j * LANES), vec_zero()));
        }
    }
    if (!right) { /* b - A x = sum of c (1 - h.x) h - diag x: one pass over the entries for both */
        add_entries(s, row, 1, x, t->residual, shape, 0);
    }
    /* p = z = M^-1 r at the start: one vector is both */
    vec rz = vec_zero();
    for (size_t j = 0; j < shape.parts; j++) {
        const vec inverse = vec_div(vec_set(1), vec_load(t->diagonal + j * LANES));
        const vec residual = vec_load(t->residual + j * LANES);
        const vec direction = vec_mul(residual, inverse);
        vec_store(t->inverse + j * LANES, inverse);
        vec_store(t->direction + j * LANES, direction);
        rz = vec_fma(residual, direction, rz);
    }
    return vec_sum(rz);
}

/* product = -A p; returns p.product = -p'Ap. */
VEC_INLINE float multiply(const struct als_system *s, const struct als_row *row,
                          const struct work *t, struct shape shape, int pass)
{
    for (size_t j = 0; j < shape.parts; j++) {
        const vec direction = vec_load(t->direction + j * LANES);
        vec_store(t->product + j * LANES,
                  vec_neg_fma(vec_load(t->diagonal + j * LANES), direction, vec_zero()));
    }
    add_entries(s, row, 0, t->direction, t->product, shape, pass);
    /* p.(-A p) only now: the entries had to be in the product */
    vec curve = vec_zero();
    for (size_t j = 0; j < shape.parts; j++) {
        curve =
            vec_fma(vec_load(t->direction + j * LANES), vec_load(t->product + j * LANES), curve);
    }
    return vec_sum(curve);
}

/* x += alpha p, r -= alpha A p, product = z = M^-1 r, in one pass over memory; returns
 * the new r.z. */
VEC_INLINE float move(float alpha, const struct work *t, float *x, struct shape shape)
{
    vec rz = vec_zero();
    for (size_t j = 0; j < shape.parts; j++) {
        const size_t at = j * LANES;
        /* four updates while each part is in registers: apart they would read x, r and A p again */
        const vec residual =
            vec_fma(vec_set(alpha), vec_load(t->product + at), vec_load(t->residual + at));
        const vec z = vec_mul(residual, vec_load(t->inverse + at));
        vec_store(x + at, vec_fma(vec_set(alpha), vec_load(t->direction + at), vec_load(x + at)));
        vec_store(t->residual + at, residual);
        vec_store(t->product + at, z);
        rz = vec_fma(residual, z, rz);
    }
    return vec_sum(rz);
}

/* The last move. Only x is wanted of it: p'Ap comes from one dot product an entry, and A p itself,
 * half of a step's work, is never made. */
VEC_INLINE void move_last(const struct als_system *s, const struct als_row *row, float rz,
                          const struct work *t, float *x, struct shape shape)
{
    vec curve = vec_zero();
    for (size_t j = 0; j < shape.parts; j++) {
        const vec direction = vec_load(t->direction + j * LANES);
        const vec scaled = vec_mul(vec_load(t->diagonal + j * LANES), direction);
        curve = vec_fma(scaled, direction, curve);
    }
    /* p'A p = p' diag p + sum of c (h.p)^2 */
    const float alpha =
        rz / (vec_sum(curve) + entries_curve(s, row, t->direction, shape, s->steps));
    for (size_t j = 0; j < shape.parts; j++) {
        const vec direction = vec_load(t->direction + j * LANES);
        vec_store(x + j * LANES, vec_fma(vec_set(alpha), direction, vec_load(x + j * LANES)));
    }
}

VEC_INLINE void solve(const struct als_system *s, const struct als_row *row, const float *right,
                      float *x, struct shape shape)
{
    enum { VECTORS = 5 };
    /* 20 KiB on the stack, and no allocation a row */
    _Alignas(64) float room[VECTORS * ALS_FACTORS_MAX];
    const size_t ld = shape.parts * LANES;
    struct work t = {room, room + ld, room + 2 * ld, room + 3 * ld, room + 4 * ld};
    float rz = start(s, row, right, x, &t, shape);
    if (!(rz <= FLT_MAX)) { /* infinite or NaN: nothing below would find an end */
        x[0] = NAN;
        return;
    }
    const float enough = rz * s->tolerance * s->tolerance;
    for (int step = 1; rz > ALS_RESIDUAL_ZERO && rz > enough; step++) {
        /* Only where steps run out: a row that is solved before ends by its residual. */
        if (step == s->steps) {
            move_last(s, row, rz, &t, x, shape);
            return;
        }
        const float alpha = rz / -multiply(s, row, &t, shape, step);
        const float next = move(alpha, &t, x, shape);
        for (size_t j = 0; j < shape.parts; j++) { /* p = z + beta p */
            vec_store(t.direction + j * LANES,
                      vec_fma(vec_set(next / rz), vec_load(t.direction + j * LANES),
                              vec_load(t.product + j * LANES)));
        }
        rz = next;
    }
}

/* ---- one function for each usual length and storage: their loops have no counter left ---- */

VEC_FUNCTION static void solve_16_half(const struct als_system *s, const struct als_row *row,
                                       const float *right, float *x)
{
    solve(s, row, right, x, (struct shape){16 / LANES, true});
}

VEC_FUNCTION static void solve_32_half(const struct als_system *s, const struct als_row *row,
                                       const float *right, float *x)
{
    solve(s, row, right, x, (struct shape){32 / LANES, true});
}

VEC_FUNCTION static void solve_64_half(const struct als_system *s, const struct als_row *row,
                                       const float *right, float *x)
{
    solve(s, row, right, x, (struct shape){64 / LANES, true});
}

VEC_FUNCTION static void solve_128_half(const struct als_system *s, const struct als_row *row,
                                        const float *right, float *x)
{
    solve(s, row, right, x, (struct shape){128 / LANES, true});
}

VEC_FUNCTION static void solve_any_half(const struct als_system *s, const struct als_row *row,
                                        const float *right, float *x)
{
    solve(s, row, right, x, (struct shape){(size_t)s->ld / LANES, true});
}

VEC_FUNCTION static void solve_16_full(const struct als_system *s, const struct als_row *row,
                                       const float *right, float *x)
{
    solve(s, row, right, x, (struct shape){16 / LANES, false});
}

VEC_FUNCTION static void solve_32_full(const struct als_system *s, const struct als_row *row,
                                       const float *right, float *x)
{
    solve(s, row, right, x, (struct shape){32 / LANES, false});
}

VEC_FUNCTION static void solve_64_full(const struct als_system *s, const struct als_row *row,
                                       const float *right, float *x)
{
    solve(s, row, right, x, (struct shape){64 / LANES, false});
}

VEC_FUNCTION static void solve_128_full(const struct als_system *s, const struct als_row *row,
                                        const float *right, float *x)
{
    solve(s, row, right, x, (struct shape){128 / LANES, false});
}

VEC_FUNCTION static void solve_any_full(const struct als_system *s, const struct als_row *row,
                                        const float *right, float *x)
{
    solve(s, row, right, x, (struct shape){(size_t)s->ld / LANES, false});
}

als_row_fn *VEC_EITHER(als_rows_choose_avx2, als_rows_choose_avx512)(const struct als_system *s)
{
    switch (s->ld) {
    case 16:
        return s->packed ? solve_16_half : solve_16_full;
    case 32:
        return s->packed ? solve_32_half : solve_32_full;
    case 64:
        return s->packed ? solve_64_half : solve_64_full;
    case 128:
        return s->packed ? solve_128_half : solve_128_full;
    default:
        return s->packed ? solve_any_half : solve_any_full;
    }
}

#endif
