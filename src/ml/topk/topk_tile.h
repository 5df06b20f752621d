#ifndef ML_TOPK_TOPK_TILE_H
#define ML_TOPK_TOPK_TILE_H

#include <stdint.h>

/* The integer heart of topk_index.c: inner products of one tile of items with a few queries, and which of them reach a floor. Integers all
 * through, so every kernel set gives the same bits.
 *
 * A tile is TILE_ITEMS rows of 8-bit numbers, `quads` times four columns:
 *     tile[(quad * TILE_ITEMS + item) * 4 + column % 4] = 128 + number, number -127 .. 127
 * (unsigned with an offset, as VPDPBUSD wants one operand). Queries are signed, -127 .. 127, laid the same way:
 *     numbers[(quad * width + query) * 4 + column % 4], width 1 or TILE_QUERIES
 * and carry offset = -128 * (sum of their numbers), which takes the 128 out again. */
enum { TILE_ITEMS = 32, TILE_QUERIES = 8, TILE_QUAD_BYTES = 4 * TILE_ITEMS };

struct tile_queries {
    const int8_t *numbers;
    int32_t offset[TILE_QUERIES];
    int32_t floor[TILE_QUERIES];
};

struct tile_hits {
    uint32_t mask[TILE_QUERIES]; /* bit i: item i's product >= the query's floor */
    _Alignas(64) int32_t dots
        [TILE_QUERIES]
        [TILE_ITEMS]; /* products; written where a bit is set in the query's mask, undefined elsewhere */
};

/* One query, or TILE_QUERIES of them. Returns whether any bit is set; masks are written only then. At most 256 quads, so that no sum leaves
 * 32 bits (nor 24, once the offset is out: such a product is exact as a float). */
typedef uint32_t tile_scan(const uint8_t *tile, int quads, const struct tile_queries *queries,
                           struct tile_hits *out);

struct tile_kernels {
    tile_scan *one;
    tile_scan *many;
};

/* Those of cpu_level(). */
struct tile_kernels tile_kernels(void);

#endif
