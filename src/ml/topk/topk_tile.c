/* Products of a tile of items with queries, in plain C, AVX2 and AVX-512 VNNI. */
#include "ml/topk/topk_tile.h"

#include "ml/linear/cpu.h"

#include <stddef.h>
#include <string.h>

#if CPU_HAS_X86
#include <immintrin.h>
#endif

/* ---- plain C ---- */

static uint32_t scan_plain(const uint8_t *tile, int quads, const struct tile_queries *queries,
                           struct tile_hits *out, int width)
{
    uint32_t any = 0;
    for (int q = 0; q < width; q++) {
        int32_t *dots = out->dots[q];
        for (int i = 0; i < TILE_ITEMS; i++) {
            /* Integers: any order of summation gives the same bits. */
            dots[i] = queries->offset[q];
        }
        for (int quad = 0; quad < quads; quad++) {
            const uint8_t *items = tile + (size_t)quad * TILE_QUAD_BYTES;
            const int8_t *n = queries->numbers + ((size_t)quad * (size_t)width + (size_t)q) * 4;
            for (int i = 0; i < TILE_ITEMS; i++) {
                const uint8_t *item = items + (ptrdiff_t)4 * i;
                dots[i] += item[0] * n[0] + item[1] * n[1] + item[2] * n[2] + item[3] * n[3];
            }
        }
        uint32_t mask = 0;
        for (int i = 0; i < TILE_ITEMS; i++) {
            mask |= (uint32_t)(dots[i] >= queries->floor[q]) << i;
        }
        out->mask[q] = mask;
        any |= mask;
    }
    return any;
}

static uint32_t one_plain(const uint8_t *tile, int quads, const struct tile_queries *queries,
                          struct tile_hits *out)
{
    return scan_plain(tile, quads, queries, out, 1);
}

static uint32_t many_plain(const uint8_t *tile, int quads, const struct tile_queries *queries,
                           struct tile_hits *out)
{
    return scan_plain(tile, quads, queries, out, TILE_QUERIES);
}

#if CPU_HAS_X86

/* Four numbers of a query as one lane. */
static inline int32_t four(const int8_t *numbers, int at)
{
    int32_t packed;
    memcpy(&packed, numbers + (ptrdiff_t)4 * at, sizeof packed);
    return packed;
}

/* ---- AVX2: |query| times item with the query's sign; pairs stay within 2 * 127 * 127
 * < 2^15 ---- */

enum { YMMS = 4 }; /* 8 items each */

#define AVX2 __attribute__((target(CPU_TARGET_AVX2)))

AVX2 static uint32_t mask_avx2(const __m256i sums[YMMS], const struct tile_queries *queries, int q,
                               struct tile_hits *out)
{
    const __m256i floor = _mm256_set1_epi32(queries->floor[q]);
    uint32_t below = 0;
    for (int y = 0; y < YMMS; y++) {
        /* AVX2 has no "at least": those below are found, and the others taken. */
        const __m256i less = _mm256_cmpgt_epi32(floor, sums[y]);
        below |= (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(less)) << (8 * y);
    }
    if (~below) { /* rarely: a tile that nobody reaches leaves no store behind */
        for (int y = 0; y < YMMS; y++) {
            _mm256_store_si256((__m256i *)(void *)&out->dots[q][(size_t)8 * (size_t)y], sums[y]);
        }
    }
    out->mask[q] = ~below;
    return ~below;
}

AVX2 static inline void add_quad_avx2(const uint8_t *items, __m256i query, __m256i sums[YMMS])
{
    const __m256i ones = _mm256_set1_epi16(1);
    const __m256i offset = _mm256_set1_epi8(-128);
    const __m256i size = _mm256_abs_epi8(query);
    for (int y = 0; y < YMMS; y++) {
        const __m256i raw =
            _mm256_loadu_si256((const __m256i *)(const void *)(items + (ptrdiff_t)32 * y));
        /* The flipped top bit takes the 128 out; no number is -128, whose sign could
         * not be turned. */
        const __m256i item = _mm256_sign_epi8(_mm256_xor_si256(raw, offset), query);
        /* maddubs takes one unsigned operand and saturates at 2^15: |query| is that operand, its
         * sign moves to the item */
        const __m256i pairs = _mm256_maddubs_epi16(size, item);
        sums[y] = _mm256_add_epi32(sums[y], _mm256_madd_epi16(pairs, ones));
    }
}

AVX2 static uint32_t scan_avx2(const uint8_t *tile, int quads, const struct tile_queries *queries,
                               struct tile_hits *out, int width)
{
    uint32_t any = 0;
    for (int q = 0; q < width; q++) {
        __m256i sums[YMMS];
        for (int y = 0; y < YMMS; y++) {
            sums[y] = _mm256_setzero_si256(); /* items lose their 128 here, so no offset */
        }
        const int8_t *numbers = queries->numbers;
        for (int quad = 0; quad < quads; quad++, numbers += (ptrdiff_t)4 * width) {
            add_quad_avx2(tile + (size_t)quad * TILE_QUAD_BYTES,
                          _mm256_set1_epi32(four(numbers, q)), sums);
        }
        any |= mask_avx2(sums, queries, q, out);
    }
    return any;
}

AVX2 static uint32_t one_avx2(const uint8_t *tile, int quads, const struct tile_queries *queries,
                              struct tile_hits *out)
{
    return scan_avx2(tile, quads, queries, out, 1);
}

AVX2 static uint32_t many_avx2(const uint8_t *tile, int quads, const struct tile_queries *queries,
                               struct tile_hits *out)
{
    return scan_avx2(tile, quads, queries, out, TILE_QUERIES);
}

/* ---- AVX-512 VNNI ---- */

#define AVX512 __attribute__((target(CPU_TARGET_AVX512)))

AVX512 static inline uint32_t reach(__m512i low, __m512i high, int32_t floor)
{
    const __m512i f = _mm512_set1_epi32(floor);
    return (uint32_t)_mm512_cmpge_epi32_mask(low, f) | (uint32_t)_mm512_cmpge_epi32_mask(high, f)
                                                           << 16;
}

AVX512 static uint32_t one_avx512(const uint8_t *tile, int quads,
                                  const struct tile_queries *queries, struct tile_hits *out)
{
    /* Items stay unsigned, as VPDPBUSD wants them; the offset takes their 128 out again. */
    __m512i low = _mm512_set1_epi32(queries->offset[0]);
    __m512i high = low;
    __m512i low_odd = _mm512_setzero_si512();
    __m512i high_odd = low_odd;
    /* two pairs of sums: an instruction has to wait for the last one on the same sum, but not for
     * one on another */
    int quad = 0;
    for (; quad + 2 <= quads; quad += 2, tile += (ptrdiff_t)2 * TILE_QUAD_BYTES) {
        const __m512i even = _mm512_set1_epi32(four(queries->numbers, quad));
        const __m512i odd = _mm512_set1_epi32(four(queries->numbers, quad + 1));
        /* Four products and their sum in 32 bits: nothing saturates, as it would in pairs of 16. */
        low = _mm512_dpbusd_epi32(low, _mm512_loadu_si512(tile), even);
        high = _mm512_dpbusd_epi32(high, _mm512_loadu_si512(tile + 64), even);
        low_odd = _mm512_dpbusd_epi32(low_odd, _mm512_loadu_si512(tile + 128), odd);
        high_odd = _mm512_dpbusd_epi32(high_odd, _mm512_loadu_si512(tile + 192), odd);
    }
    if (quad < quads) {
        const __m512i last = _mm512_set1_epi32(four(queries->numbers, quad));
        low = _mm512_dpbusd_epi32(low, _mm512_loadu_si512(tile), last);
        high = _mm512_dpbusd_epi32(high, _mm512_loadu_si512(tile + 64), last);
    }
    low = _mm512_add_epi32(low, low_odd);
    high = _mm512_add_epi32(high, high_odd);
    const uint32_t mask = reach(low, high, queries->floor[0]);
    if (mask) {
        _mm512_store_si512(&out->dots[0][0], low);
        _mm512_store_si512(&out->dots[0][16], high);
        out->mask[0] = mask;
    }
    return mask;
}

/* Sixteen sums in registers, by name: gcc 12 moves those of an array about, which costs a third of
 * the time. */
#define EACH_QUERY(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)

AVX512 static uint32_t many_avx512(const uint8_t *tile, int quads,
                                   const struct tile_queries *queries, struct tile_hits *out)
{
    const int8_t *numbers = queries->numbers;
    uint32_t any = 0;
#define START(q)                                                                                   \
    __m512i low##q = _mm512_set1_epi32(queries->offset[q]);                                        \
    __m512i high##q = low##q;
#define ADD(q)                                                                                     \
    n = _mm512_set1_epi32(four(numbers, q));                                                       \
    low##q = _mm512_dpbusd_epi32(low##q, a, n);                                                    \
    high##q = _mm512_dpbusd_epi32(high##q, b, n);
#define COMPARE(q)                                                                                 \
    out->mask[q] = reach(low##q, high##q, queries->floor[q]);                                      \
    any |= out->mask[q];
#define STORE(q)                                                                                   \
    _mm512_store_si512(&out->dots[q][0], low##q);                                                  \
    _mm512_store_si512(&out->dots[q][16], high##q);

    EACH_QUERY(START)
    for (int quad = 0; quad < quads; quad++) {
        /* loaded once for all eight queries */
        const __m512i a = _mm512_loadu_si512(tile);
        const __m512i b = _mm512_loadu_si512(tile + 64);
        __m512i n;
        EACH_QUERY(ADD)
        tile += TILE_QUAD_BYTES;
        numbers += (ptrdiff_t)4 * TILE_QUERIES;
    }
    EACH_QUERY(COMPARE)
    if (any) {
        EACH_QUERY(STORE)
    }
    return any;
#undef START
#undef ADD
#undef COMPARE
#undef STORE
}

#endif

struct tile_kernels tile_kernels(void)
{
#if CPU_HAS_X86
    const enum cpu_level level = cpu_level();
    if (level == CPU_AVX512) {
        return (struct tile_kernels){one_avx512, many_avx512};
    }
    if (level == CPU_AVX2) {
        return (struct tile_kernels){one_avx2, many_avx2};
    }
#endif
    return (struct tile_kernels){one_plain, many_plain};
}
