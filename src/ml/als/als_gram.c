/* The Gram matrix of a tall matrix. With AVX-512 by a kernel that keeps its sums in registers, else
 * by BLAS, whose ssyrk packs what it reads and holds up other threads while it does. */
#include "ml/als/als_internal.h"

#include "ml/linear/blas.h"
#include "ml/linear/cpu.h"
#include "ml/linear/parallel.h"

enum {
    BLOCK_FLOATS = 6144, /* of rows at a time: most of the nearest cache */
    TILE_ROWS = 4,       /* of the Gram matrix, whose sums are held in registers */
    TILE_PARTS = 4,      /* of 16 columns */
    LANES = 16,
};

#if CPU_HAS_X86
#include <immintrin.h>

#define KERNEL __attribute__((target(CPU_TARGET_AVX512)))

/* Rows row .. row + 3 of gram, columns [16 at, 16 (at + parts)), += those of x'x. */
KERNEL static inline __attribute__((always_inline)) void
add_tile(const struct mat *x, struct mat *gram, int row, int at, const size_t parts)
{
    const size_t ld = (size_t)x->ld;
    float *to = mat_row(gram, row) + (size_t)at * LANES;
    __m512 sum[TILE_ROWS][TILE_PARTS];
    /* 4 x 4 sums, 4 vectors and a broadcast: 21 of 32 registers, and each vector loaded is used
     * four times */
    for (size_t r = 0; r < TILE_ROWS; r++) {
        for (size_t p = 0; p < parts; p++) {
            sum[r][p] = _mm512_load_ps(to + r * ld + p * LANES);
        }
    }
    const float *from = x->data;
    for (int i = 0; i < x->rows; i++, from += ld) {
        __m512 v[TILE_PARTS];
        for (size_t p = 0; p < parts; p++) {
            /* unaligned: the rows may be a view of memory that is not ours, the sums
             * above never are */
            v[p] = _mm512_loadu_ps(from + ((size_t)at + p) * LANES);
        }
        for (size_t r = 0; r < TILE_ROWS; r++) {
            const __m512 by = _mm512_set1_ps(from[(size_t)row + r]);
            for (size_t p = 0; p < parts; p++) {
                sum[r][p] = _mm512_fmadd_ps(by, v[p], sum[r][p]);
            }
        }
    }
    for (size_t r = 0; r < TILE_ROWS; r++) {
        for (size_t p = 0; p < parts; p++) {
            _mm512_store_ps(to + r * ld + p * LANES, sum[r][p]);
        }
    }
}

/* The lower triangle of gram += that of x'x; a part of 16 columns is whole where any of it is
 * below. gram has ld rows. */
KERNEL static void add_block(const struct mat *x, struct mat *gram)
{
    for (int row = 0; row < x->ld; row += TILE_ROWS) {
        const int parts = row / LANES + 1;
        int at = 0;
        for (; at + TILE_PARTS <= parts; at += TILE_PARTS) {
            add_tile(x, gram, row, at, TILE_PARTS);
        }
        /* constants, so that each is a function of its own with its sums in registers */
        switch (parts - at) {
        case 3:
            add_tile(x, gram, row, at, 3);
            break;
        case 2:
            add_tile(x, gram, row, at, 2);
            break;
        case 1:
            add_tile(x, gram, row, at, 1);
            break;
        default:
            break;
        }
    }
}

static void add_rows(const struct mat *rows, struct mat *gram)
{
    /* a block is read once for each tile of the result: it has to stay in the
     * nearest cache meanwhile */
    const int step = BLOCK_FLOATS / rows->ld > 16 ? BLOCK_FLOATS / rows->ld : 16;
    for (int from = 0; from < rows->rows; from += step) {
        const int count = rows->rows - from < step ? rows->rows - from : step;
        const struct mat block = mat_view(mat_row(rows, from), count, rows->cols, rows->ld);
        add_block(&block, gram);
    }
}
#endif

struct job {
    const struct mat *items;
    struct mat *partial; /* (ALS_GRAM_PARTS) of (ld, k) */
};

static void gram_part(void *ctx, int part, int worker)
{
    (void)worker;
    const struct job *job = ctx;
    /* sixteen parts whatever the threads, so that the order of additions is always the same */
    struct als_range range = als_part(job->items->rows, ALS_GRAM_PARTS, part);
    struct mat rows = mat_view(mat_row(job->items, range.begin), range.end - range.begin,
                               job->items->cols, job->items->ld);
#if CPU_HAS_X86
    if (cpu_level() >= CPU_AVX512) {
        add_rows(&rows, &job->partial[part]);
        return;
    }
#endif
    struct mat *own = &job->partial[part];
    /* ssyrk writes k rows; the room has ld, which only the kernel's whole tiles need */
    struct mat square = mat_view(own->data, own->cols, own->cols, own->ld);
    blas_syrk_add(&rows, &square);
}

struct mat als_gram(const struct mat *items, int threads)
{
    struct mat partial[ALS_GRAM_PARTS];
    for (int p = 0; p < ALS_GRAM_PARTS; p++) {
        partial[p] = mat_make(mat_ld(items->cols), items->cols);
    }
    struct job job = {.items = items, .partial = partial};
    parallel_run(threads, ALS_GRAM_PARTS, gram_part, &job);
    /* Sixteen partial sums, added in their order: the same bits on any number of threads, and a
     * float sum over n / 16 rows at a time loses less than one over n (Higham 2002, chapter 4). */
    size_t floats = (size_t)items->cols * (size_t)partial[0].ld;
    for (int p = 1; p < ALS_GRAM_PARTS; p++) {
        for (size_t i = 0; i < floats; i++) {
            partial[0].data[i] += partial[p].data[i];
        }
        mat_free(&partial[p]);
    }
    /* the rows behind k were room for the kernel's last tile */
    partial[0].rows = items->cols;
    /* both ways of making it fill the lower triangle only */
    blas_mirror(&partial[0]);
    return partial[0];
}
