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
    const char *words; /* "{}": the value; after '|': what to say when it is missing or off */
};
const struct feature_def *feature_def(enum feature_id id);

struct features {
    double values[FEATURE_COUNT]; /* numbers: NaN missing; flags: 0 or 1; ids: 0 */
    const char
        *ids[FEATURE_COUNT]; /* ids only; NULL missing; borrowed from the shopper or constant */
    char currency[4];        /* of the amounts; "" unknown. No feature: only for words */
};

/* Features of the shopper's cart at now_us (>= its last event; an earlier time counts as that
 * event's). Pure. */
void features_of(const struct shopper *s, const struct cart *c, int64_t now_us,
                 struct features *out);

/* One value as a person would say it ("12 minutes", "$9.90", "Tuesday"); the words of the table
 * around it. Returns out. */
enum { FEATURE_TEXT_MAX = 120 };
char *feature_words(const struct features *x, enum feature_id id, const char *locale,
                    char out[FEATURE_TEXT_MAX]);

#endif
