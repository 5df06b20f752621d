#ifndef ML_TOPK_TOPK_PACK_H
#define ML_TOPK_TOPK_PACK_H

#include "ml/linear/mat.h"
#include "ml/topk/topk_tile.h"

#include <stdint.h>

/* The memory of a topk_index: rows as 8-bit integers in tiles, with what bounds their errors. Only ml/topk/topk_*.c and their
 * tests include this; the letters are those of the proof in topk_index.h. */

/* Of BOUND_TILES tiles in a row; every number is an upper bound over their rows, but for inverse, a lower one of 1 / S. */
enum { BOUND_TILES = 4 };
struct tile_bound {
    float spread;   /* a: |e| + g |x|, times |q| */
    float length;   /* b: |s y|, times |d| */
    float inverse;  /* 1 / S; FLT_MAX where S is 0 */
    float reach;    /* L: |x| (1 + g) */
    float reach_on; /* the largest L from these tiles on */
};

struct topk_pack {
    int items;
    int columns;
    int quads; /* columns / 4, rounded up */
    int tiles;
    size_t tile_bytes; /* numbers, then TILE_ITEMS scales */
    uint8_t *data;
    struct tile_bound *bounds; /* (bound_count) */
    int bound_count;           /* tiles / BOUND_TILES, rounded up */
    int32_t *ids;              /* (tiles * TILE_ITEMS) row of each place; -1 beyond the last */
    float longest;             /* L of the longest row; infinite where a number is not finite */
};

struct topk_pack topk_pack_make(const struct mat *items, int threads);
void topk_pack_free(struct topk_pack *pack);

static inline const float *topk_pack_scales(const struct topk_pack *pack, int tile)
{
    return (const float *)(const void *)(pack->data + (size_t)tile * pack->tile_bytes +
                                         (size_t)pack->quads * TILE_QUAD_BYTES);
}

/* Integers, scale and measured error of one vector of `count` numbers: out_numbers in -127 .. 127. */
struct quantised {
    float scale;      /* 0: not quantised, all numbers 0 */
    double error;     /* |x - s y| */
    double magnitude; /* |s y| */
};
struct quantised topk_quantise(const float *x, int count, int8_t *out_numbers);

double topk_norm(const float *x, int count); /* |x| */
double topk_rounding(int columns);           /* g */
static inline float topk_larger(float a, float b)
{
    return a > b ? a : b;
}
float topk_up(double x); /* a float >= x, within 2^-19; x >= 0 */

#endif
