#ifndef DOMAIN_FEATURES_H
#define DOMAIN_FEATURES_H

#include "domain/shopper.h"

#include <stddef.h>
#include <stdint.h>

/* THE feature extractor: training replays the log through the fold and calls this; serving calls it
 * on the live shopper. Same state and time, same features, bit for bit. Each row of
 * feature_table.inc: id, name, unit, kind (numeric, flag, id), meaning, words for reasons. */
enum feature_id {
#define FEATURE(id, name, unit, kind, meaning, words) FEATURE_##id,
#include "domain/feature_table.inc"
#undef FEATURE
    FEATURE_COUNT
};
enum feature_kind { FEATURE_NUMERIC, FEATURE_FLAG, FEATURE_ID };

struct feature_def {
    const char *name;
    const char *unit;
    enum feature_kind kind;
    const char *meaning;
    const char *words;
};
const struct feature_def *feature_def(enum feature_id id);

struct features {
    double values[FEATURE_COUNT];   /* NaN: missing. Ids: 0 */
    const char *ids[FEATURE_COUNT]; /* FEATURE_ID only; NULL missing; borrowed from the shopper */
};

/* Features of the shopper's cart at now_us (>= its last event). Pure. */
void features_of(const struct shopper *s, const struct cart *c, int64_t now_us,
                 struct features *out);

#endif
