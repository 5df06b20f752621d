/* Cells to slots and bins: the part of a score that reads raw numbers. Borders are counted by two
 * comparisons of eight, whatever the processor calls them: no branch depends on the value. */
#include "ml/learner/learner_internal.h"

#include "base/mem.h"
#include "ml/linear/cpu.h"

#include <math.h>

#if CPU_HAS_X86
#include <immintrin.h>
#endif

enum { BLOCK = 8, BLOCKS = 8, SEARCH_DOUBLES = BLOCK + BLOCK * BLOCKS };
_Static_assert(BLOCK *BLOCKS > NUMBER_BINS_MAX, "a border that is there is never the last");

/* For each column the last border of each block, then all borders; NaN, which nothing reaches,
 * where there are none. */
double *learner_search_make(const struct learner_encoder *e)
{
    double *search = mem_array((size_t)e->columns * SEARCH_DOUBLES, sizeof *search);
    for (int c = 0; c < e->columns; c++) {
        double *to = search + (size_t)c * SEARCH_DOUBLES;
        const int32_t borders = e->edge_start[c + 1] - e->edge_start[c];
        for (int i = 0; i < BLOCK * BLOCKS; i++) {
            /* NaN is at or below nothing: places without a border are never counted */
            to[BLOCK + i] = i < borders ? e->edges[e->edge_start[c] + i] : (double)NAN;
        }
        for (int b = 0; b < BLOCKS; b++) {
            /* NaN too where a block is not full: it is counted one by one then */
            to[b] = to[BLOCK + b * BLOCK + BLOCK - 1];
        }
    }
    return search;
}

/* Slot of a key; -1: not in the dictionary. */
static int32_t key_find(const struct learner_encoder *e, int64_t key)
{
    size_t mask = (size_t)e->keys - 1;
    for (size_t at = (size_t)key & mask;; at = (at + 1) & mask) {
        if (e->key[at] == key) {
            return e->key_slot[at];
        }
        /* a free place ends the search: there always is one (keys_ok of a file's) */
        if (e->key[at] == 0) {
            return -1;
        }
    }
}

static int32_t id_slot(const struct learner_encoder *e, int column, uint64_t id)
{
    if (id == 0) {
        return SLOT_MISSING;
    }
    int32_t found = e->keys > 0 ? key_find(e, learner_key(id, column)) : -1;
    /* a key that an id of another column happens to share is not this column's */
    bool own = found >= e->first[column] && found < e->first[column + 1];
    return own ? found - e->first[column] : SLOT_RARE;
}

static void put(const struct learner_encoder *e, int column, int32_t slot, int32_t *slots,
                uint8_t *bins)
{
    slots[column] = e->first[column] + slot;
    bins[column] = e->bin[slots[column]];
}

/* ---- borders at or below a number, of one column ---- */

typedef int32_t borders_fn(const double *search, double v);

static int32_t count_of(const double *borders, double v)
{
    int32_t count = 0;
    for (int i = 0; i < BLOCK; i++) {
        count += borders[i] <= v;
    }
    return count;
}

/* Borders rise, so that the blocks whose last border is at or below v lie wholly at or below it,
 * and the next block has all that is left to count. NaN is at or above nothing: such a number ends
 * at 0, and its slot is chosen elsewhere. */
static int32_t borders_plain(const double *search, double v)
{
    const int32_t block = count_of(search, v);
    return BLOCK * block + count_of(search + BLOCK + (ptrdiff_t)BLOCK * block, v);
}

#if CPU_HAS_X86

#define AVX2   __attribute__((target(CPU_TARGET_AVX2 ",popcnt")))
#define AVX512 __attribute__((target(CPU_TARGET_AVX512 ",popcnt")))

AVX2 static inline int32_t count_avx2(const double *borders, __m256d v)
{
    int low = _mm256_movemask_pd(_mm256_cmp_pd(_mm256_loadu_pd(borders), v, _CMP_LE_OQ));
    int high = _mm256_movemask_pd(_mm256_cmp_pd(_mm256_loadu_pd(borders + 4), v, _CMP_LE_OQ));
    return _mm_popcnt_u32((unsigned)(low | high << 4));
}

AVX2 static inline int32_t borders_avx2(const double *search, double number)
{
    const __m256d v = _mm256_set1_pd(number);
    const int32_t block = count_avx2(search, v);
    return BLOCK * block + count_avx2(search + BLOCK + (ptrdiff_t)BLOCK * block, v);
}

AVX512 static inline int32_t count_avx512(const double *borders, __m512d v)
{
    return _mm_popcnt_u32(_mm512_cmp_pd_mask(_mm512_loadu_pd(borders), v, _CMP_LE_OQ));
}

AVX512 static inline int32_t borders_avx512(const double *search, double number)
{
    const __m512d v = _mm512_set1_pd(number);
    const int32_t block = count_avx512(search, v);
    return BLOCK * block + count_avx512(search + BLOCK + (ptrdiff_t)BLOCK * block, v);
}

#endif

/* ---- a row ---- */

/* Made anew in each caller, where `borders` is known and therefore inlined. */
static inline __attribute__((always_inline)) void encode_with(const struct learner_encoder *e,
                                                              const union learner_cell *row,
                                                              int32_t *slots, uint8_t *bins,
                                                              borders_fn *const borders)
{
    for (int c = 0; c < e->columns; c++) {
        if (e->kind[c] == LEARNER_ID) {
            put(e, c, id_slot(e, c, row[c].id), slots, bins);
            continue;
        }
        const double v = row[c].number;
        const int32_t below = borders(e->search + (size_t)c * SEARCH_DOUBLES, v);
        /* NaN counted no border: without this it would be the lowest bin */
        put(e, c, isnan(v) ? SLOT_MISSING : 1 + below, slots, bins);
    }
}

static void encode_plain(const struct learner_encoder *e, const union learner_cell *row,
                         int32_t *slots, uint8_t *bins)
{
    encode_with(e, row, slots, bins, borders_plain);
}

#if CPU_HAS_X86
AVX2 static void encode_avx2(const struct learner_encoder *e, const union learner_cell *row,
                             int32_t *slots, uint8_t *bins)
{
    encode_with(e, row, slots, bins, borders_avx2);
}

AVX512 static void encode_avx512(const struct learner_encoder *e, const union learner_cell *row,
                                 int32_t *slots, uint8_t *bins)
{
    encode_with(e, row, slots, bins, borders_avx512);
}
#endif

void learner_encode(const struct learner_encoder *e, const union learner_cell *row, int32_t *slots,
                    uint8_t *bins)
{
#if CPU_HAS_X86
    switch (cpu_level()) {
    case CPU_AVX512:
        encode_avx512(e, row, slots, bins);
        return;
    case CPU_AVX2:
        encode_avx2(e, row, slots, bins);
        return;
    case CPU_PORTABLE:
    default:
        break;
    }
#endif
    encode_plain(e, row, slots, bins);
}
