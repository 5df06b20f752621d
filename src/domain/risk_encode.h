#ifndef DOMAIN_RISK_ENCODE_H
#define DOMAIN_RISK_ENCODE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "domain/features.h"
#include "ml/fm.h"

#include <stdint.h>

/* From features to the sparse row a factorization machine reads: the ONE place where this happens,
 * for training and for serving.
 *
 * A number falls into one bin at each of RISK_RESOLUTIONS resolutions (quantiles of the training
 * window; missing is a bin of its own), so that the model may be coarse where data is thin. A flag
 * is a column. An id is hashed, together with its feature, into RISK_ID_BUCKETS shared columns. */
enum {
    RISK_RESOLUTIONS = 3,
    RISK_ID_BUCKETS = 1 << 14,
    RISK_GROUPS =
        FEATURE_COUNT * RISK_RESOLUTIONS, /* groups of edges: feature by feature, coarse to fine */
    RISK_ENTRIES_MAX = FEATURE_COUNT * RISK_RESOLUTIONS,
};

/* A flat example: numbers as they are, flags 0 or 1, ids as bucket numbers. No feature is negative,
 * so RISK_MISSING is told apart. */
#define RISK_MISSING (-1.0)
struct risk_example {
    double values[FEATURE_COUNT];
};
struct risk_example risk_flatten(const struct features *x);

/* Bin borders, ascending within a group; start (RISK_GROUPS + 1) says where each group begins. Bin
 * of v: how many borders are <= v. */
struct risk_bins {
    const double *edges;
    const int32_t *start;
};

/* Quantile borders of the examples; in arena. */
struct risk_bins risk_bins_learn(const struct risk_example *const *examples, int count,
                                 struct arena *a);

struct risk_encoder {
    struct risk_bins bins;       /* borrowed */
    int32_t column[RISK_GROUPS]; /* first column of the group; flags use their first group */
    int32_t first_id_column;
    int columns;
};
/* Fails with ERR_INVALID unless start rises from 0 to edge_count and edges rise within each group.
 */
CAN_FAIL bool risk_encoder_make(struct risk_bins bins, uint64_t edge_count,
                                struct risk_encoder *out, struct err *err);

struct risk_row {
    int count;
    int32_t index[RISK_ENTRIES_MAX]; /* distinct */
    float value[RISK_ENTRIES_MAX];
    uint8_t feature[RISK_ENTRIES_MAX]; /* enum feature_id that made the entry */
};
void risk_encode(const struct risk_encoder *e, const struct risk_example *x, struct risk_row *out);

/* What each feature adds to the machine's margin: bias + their sum = fm_score. */
void risk_contributions(const struct risk_encoder *e, const struct fm *fm,
                        const struct risk_example *x, double out[FEATURE_COUNT]);

/* SHA-256 of the feature table and of this layout: a model of another schema would read other
 * numbers. */
void risk_schema(uint8_t out[SHA256_BYTES]);

#endif
