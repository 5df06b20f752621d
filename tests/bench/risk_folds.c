/* Folds of a cross-validation. */
#include "bench/risk_folds.h"

#include "base/mem.h"
#include "base/rng.h"

static int32_t *shuffled(int rows, struct rng *rng)
{
    int32_t *order = mem_array((size_t)rows, sizeof *order);
    for (int32_t i = 0; i < rows; i++) {
        int32_t with = (int32_t)rng_below(rng, (uint64_t)i + 1);
        order[i] = order[with];
        order[with] = i;
    }
    return order;
}

int32_t *risk_folds(const struct risk_rows *rows, int folds, uint64_t seed)
{
    struct rng rng = rng_seed(seed);
    int32_t *order = shuffled(rows->rows, &rng);
    int32_t *fold = mem_array((size_t)rows->rows, sizeof *fold);
    int dealt[2] = {0, 0};
    for (int i = 0; i < rows->rows; i++) {
        int32_t r = order[i];
        if (rows->group) {
            uint64_t h = (rows->group[r] ^ seed) * UINT64_C(0x9E3779B97F4A7C15);
            fold[r] = (int32_t)((h >> 33) % (uint64_t)folds);
        } else {
            fold[r] = dealt[rows->label[r]]++ % folds;
        }
    }
    mem_free(&order);
    return fold;
}
