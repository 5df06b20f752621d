/* Packs rows for topk_index.c: sorted by length, quantised, laid in tiles. What is promised about
 * errors is computed here, in double. */
#include "ml/topk/topk_pack.h"

#include "base/mem.h"
#include "ml/linear/parallel.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    NUMBER_MAX = 127,
    PART_BOUNDS = 64,
    RANK_ROWS = 1024,
    PART_ROWS = PART_BOUNDS * BOUND_TILES * TILE_ITEMS,
    HUGE_PAGE = 2 << 20
};

static const float SMALLEST =
    0x1p-100F; /* below, quotients are too coarse: the row is not quantised */

double topk_norm(const float *x, int count)
{
    /* Squares of floats neither overflow nor underflow in double, and 1024 of them lose nothing
     * that topk_up does not cover. */
    double sum = 0;
    for (int j = 0; j < count; j++) {
        sum += (double)x[j] * (double)x[j];
    }
    return sqrt(sum);
}

double topk_rounding(int columns)
{
    return (columns / 16.0 + 32) * 0x1p-23; /* of the proof, (3) */
}

float topk_up(double x)
{
    return (float)(x * (1 + 0x1p-20)); /* the cast takes back 2^-24 at most */
}

struct quantised topk_quantise(const float *x, int count, int8_t *out_numbers)
{
    float most = 0;
    double error = 0;
    double magnitude = 0;
    for (int j = 0; j < count; j++) {
        most = topk_larger(most, fabsf(x[j]));
    }
    /* s = 0, e = x: the proof's way out for rows whose quotients would be too coarse, or none. A
     * NaN may hide behind a larger number; it comes out in the error, which is then NaN too, and in
     * the norm, for which the search asks */
    if (!(most >= SMALLEST) || !isfinite(most)) {
        for (int j = 0; j < count; j++) {
            out_numbers[j] = 0;
        }
        return (struct quantised){.error = topk_norm(x, count)};
    }
    const float scale = most / NUMBER_MAX;
    const float inverse = 1 / scale;
    for (int j = 0; j < count; j++) {
        /* nearest by adding a half: cheap in vectors, and ties do not matter */
        const int n = (int)(x[j] * inverse + (x[j] < 0 ? -0.5F : 0.5F));
        /* The largest number gives 127 but for the rounding of 1 / scale, which may make it 128. */
        const int number = n > NUMBER_MAX ? NUMBER_MAX : n < -NUMBER_MAX ? -NUMBER_MAX : n;
        /* e is measured in double against what was stored, whatever the quotient was rounded to */
        const double stored = (double)scale * number;
        const double e = (double)x[j] - stored;
        out_numbers[j] = (int8_t)number;
        error += e * e;
        magnitude += stored * stored;
    }
    return (struct quantised){scale, sqrt(error), sqrt(magnitude)};
}

/* ---- order ---- */

struct ranked_row {
    float length;
    float largest; /* |x_j|: decides the scale */
    int32_t id;
};

static int falling(float a, float b)
{
    return (a < b) - (a > b);
}

static int longest_first(const void *a, const void *b)
{
    const struct ranked_row *x = a;
    const struct ranked_row *y = b;
    const int order = falling(x->length, y->length);
    /* ties by id, here and below: qsort may leave equals in any order, and another order would be
     * another index */
    return order ? order : (x->id > y->id) - (x->id < y->id);
}

static int coarsest_first(const void *a, const void *b)
{
    const struct ranked_row *x = a;
    const struct ranked_row *y = b;
    const int order = falling(x->largest, y->largest);
    return order ? order : (x->id > y->id) - (x->id < y->id);
}

struct packing {
    const struct mat *items;
    struct topk_pack *pack;
    struct ranked_row *ranked;
};

static void measure_part(void *ctx, int part, int worker)
{
    const struct packing *p = ctx;
    const int from = part * PART_ROWS;
    (void)worker;
    for (int i = from; i < p->items->rows && i < from + PART_ROWS; i++) {
        const double length = topk_norm(mat_row(p->items, i), p->items->cols);
        float largest = 0;
        for (int j = 0; j < p->items->cols; j++) {
            largest = topk_larger(largest, fabsf(mat_row(p->items, i)[j]));
        }
        /* Infinite for what is not finite: a NaN would leave the order, and with
         * it qsort, undefined. */
        p->ranked[i] = (struct ranked_row){isfinite(length) ? (float)length : INFINITY, largest, i};
    }
}

/* By length, so that a scan may end early; among rows of about the same length by scale, so that
 * what bounds a whole tile is tight. */
static void sort_rows(struct ranked_row *ranked, int count)
{
    qsort(ranked, (size_t)count, sizeof *ranked, longest_first);
    /* RANK_ROWS are eight times the rows that share a bound: few enough that L still falls from one
     * such block to the next. */
    for (int from = 0; from < count; from += RANK_ROWS) {
        const int rows = count - from < RANK_ROWS ? count - from : RANK_ROWS;
        qsort(ranked + from, (size_t)rows, sizeof *ranked, coarsest_first);
    }
}

/* ---- tiles ---- */

static void bound_widen(struct tile_bound *b, float *largest_scale, const struct quantised *row,
                        double length, double g)
{
    /* a >= |e| + g |x|, b >= |s y|, L >= |x| (1 + g): the largest over the tiles' rows is a bound
     * for each */
    b->spread = topk_larger(b->spread, topk_up(row->error + g * length));
    b->length = topk_larger(b->length, topk_up(row->magnitude));
    b->reach = isfinite(length) ? topk_larger(b->reach, topk_up(length * (1 + g))) : INFINITY;
    *largest_scale = topk_larger(*largest_scale, row->scale);
}

static void pack_tile(const struct packing *p, int tile, struct tile_bound *bound, float *largest)
{
    struct topk_pack *pack = p->pack;
    uint8_t *data = pack->data + (size_t)tile * pack->tile_bytes;
    float scales[TILE_ITEMS] = {0};
    int8_t numbers[1024];
    const double g = topk_rounding(pack->columns);
    /* The number 0: columns and places that pad add nothing. */
    memset(data, 128, (size_t)pack->quads * TILE_QUAD_BYTES);
    for (int place = 0; place < TILE_ITEMS; place++) {
        const int at = tile * TILE_ITEMS + place;
        /* A place behind the last row keeps 128s and the scale 0, and is told by its id. */
        pack->ids[at] = at < pack->items ? p->ranked[at].id : -1;
        if (at >= pack->items) {
            continue;
        }
        const float *row = mat_row(p->items, pack->ids[at]);
        const struct quantised q = topk_quantise(row, pack->columns, numbers);
        scales[place] = q.scale;
        bound_widen(bound, largest, &q, topk_norm(row, pack->columns), g);
        for (int j = 0; j < pack->columns; j++) {
            data[j / 4 * TILE_QUAD_BYTES + place * 4 + j % 4] = (uint8_t)(numbers[j] + 128);
        }
    }
    memcpy(data + (size_t)pack->quads * TILE_QUAD_BYTES, scales, sizeof scales);
}

static void pack_part(void *ctx, int part, int worker)
{
    const struct packing *p = ctx;
    struct topk_pack *pack = p->pack;
    (void)worker;
    for (int b = part * PART_BOUNDS; b < pack->bound_count && b < (part + 1) * PART_BOUNDS; b++) {
        /* S of these tiles. No other part writes to this bound. */
        float largest = 0;
        for (int t = b * BOUND_TILES; t < pack->tiles && t < (b + 1) * BOUND_TILES; t++) {
            pack_tile(p, t, &pack->bounds[b], &largest);
        }
        pack->bounds[b].inverse = largest > 0 ? (float)((1 - 0x1p-20) / (double)largest) : FLT_MAX;
    }
}

/* The longest of all tiles from each one on: where a scan may end. */
static void bound_ends(struct topk_pack *pack)
{
    /* L falls from one thousand rows to the next but not within one, where rows are
     * sorted by scale */
    float longest = 0;
    for (int b = pack->bound_count - 1; b >= 0; b--) {
        /* Backwards: (5) asks for the longest of all that is still to come. */
        longest = topk_larger(longest, pack->bounds[b].reach);
        pack->bounds[b].reach_on = longest;
    }
    /* Infinite where any row is not finite: every search is then refused (probe_init), whatever the
     * other bounds of that row say. */
    pack->longest = longest;
}

/* Large pages: a scan of 100 MB would otherwise miss the TLB 25,000 times. */
static uint8_t *large_alloc(size_t bytes)
{
    /* One page at least, and whole ones, as aligned_alloc asks. */
    const size_t rounded = (bytes + HUGE_PAGE) / HUGE_PAGE * HUGE_PAGE;
    uint8_t *data = aligned_alloc(HUGE_PAGE, rounded);
    if (!data) {
        (void)fprintf(stderr, "out of memory: an index of %zu bytes\n", rounded);
        abort();
    }
    (void)madvise(data, rounded, MADV_HUGEPAGE); /* only speed depends on it */
    return data;
}

struct topk_pack topk_pack_make(const struct mat *items, int threads)
{
    assert(items->cols >= 1 && items->cols <= 1024);
    struct topk_pack pack = {.items = items->rows,
                             .columns = items->cols,
                             .quads = (items->cols + 3) / 4,
                             .tiles = (items->rows + TILE_ITEMS - 1) / TILE_ITEMS};
    const size_t places = (size_t)pack.tiles * TILE_ITEMS;
    pack.bound_count = (pack.tiles + BOUND_TILES - 1) / BOUND_TILES;
    /* A part measures as many rows as it packs, so that one count serves both. */
    const int parts = (pack.bound_count + PART_BOUNDS - 1) / PART_BOUNDS;
    pack.tile_bytes = (size_t)pack.quads * TILE_QUAD_BYTES + TILE_ITEMS * sizeof(float);
    pack.data = large_alloc((size_t)pack.tiles * pack.tile_bytes);
    pack.bounds = mem_array((size_t)pack.bound_count + 1, sizeof *pack.bounds);
    pack.ids = mem_array(places + 1, sizeof *pack.ids);
    struct packing p = {items, &pack, mem_array(places + 1, sizeof *p.ranked)};
    parallel_run(threads, parts, measure_part, &p);
    sort_rows(p.ranked, pack.items);
    parallel_run(threads, parts, pack_part, &p);
    bound_ends(&pack);
    free(p.ranked);
    return pack;
}

void topk_pack_free(struct topk_pack *pack)
{
    free(pack->data);
    free(pack->bounds);
    free(pack->ids);
    *pack = (struct topk_pack){0};
}
