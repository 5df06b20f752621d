/* What a trained item-item model says of a shopper. */
#include "ml/items/item_item_internal.h"

#include "base/cleanup.h"
#include "base/mem.h"

#include <assert.h>

float item_item_value(float observed, float weight_exponent)
{
    /* the weight itself, without powf's rounding */
    if (weight_exponent >= 1) {
        return observed;
    }
    /* 0: whether something was done, not how often */
    return weight_exponent > 0 ? powf(observed, weight_exponent) : 1;
}

void item_item_target_scales(const struct csr *interactions,
                             const struct item_item_options *options, float *out)
{
    /* g_jj as the training has it, from the scaled weights: apart from the training, so that many
     * exponents can be tried on one (rank_tune) */
    struct csr z = item_item_scaled(interactions, options);
    struct csr zt = csr_transpose(&z);
    CLEANUP(mem_free) double *squares = mem_array((size_t)zt.rows + 1, sizeof *squares);
    const double mean = item_item_squares(&zt, squares);
    for (int i = 0; i < zt.rows; i++) {
        out[i] = squares[i] > 0 ? (float)item_item_target_scale(options, squares[i], mean) : 1;
    }
    csr_free(&z);
    csr_free(&zt);
}

void item_item_add_scores(const struct csr *weights, float weight_exponent, int count,
                          const int32_t *items, const float *observed, float *scores)
{
    for (int i = 0; i < count; i++) {
        assert(items[i] >= 0 && items[i] < weights->rows);
        const float value = item_item_value(observed[i], weight_exponent);
        for (int64_t e = weights->start[items[i]]; e < weights->start[items[i] + 1]; e++) {
            scores[weights->column[e]] += value * weights->weight[e];
        }
    }
}

float item_item_weight(const struct csr *weights, int i, int j)
{
    /* columns ascend within a row (by_source) */
    int64_t low = weights->start[i];
    int64_t high = weights->start[i + 1];
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (weights->column[middle] < j) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < weights->start[i + 1] && weights->column[low] == j ? weights->weight[low] : 0;
}
