#ifndef DOMAIN_RISK_FEATURES_H
#define DOMAIN_RISK_FEATURES_H

#include "domain/affinity/affinity.h"
#include "domain/shop/shop_days.h"
#include "domain/shopper/shopper.h"

#include <stddef.h>
#include <stdint.h>

/* THE feature extractor: training replays the log through the fold and calls this; serving calls it
 * on the live shopper. Same state, time and context, same features, bit for bit. Each row of
 * feature_table.inc: id, name, unit, kind (numeric, flag, id), group, known, meaning. */
enum feature_id {
#define FEATURE(id, name, unit, kind, group, known, meaning) FEATURE_##id,
#include "domain/risk/feature_table.inc"
#undef FEATURE
    FEATURE_COUNT
};
enum feature_kind { FEATURE_NUMERIC, FEATURE_FLAG, FEATURE_ID };

/* What a feature is about: reasons are told by group. */
enum feature_group {
    GROUP_TIME,
    GROUP_CART,
    GROUP_PRICE,
    GROUP_INTEREST,
    GROUP_PACE,
    GROUP_CHECKOUT,
    GROUP_SHIPPING,
    GROUP_PAYMENT,
    GROUP_COUPON,
    GROUP_DOUBT,
    GROUP_CONTACT,
    GROUP_SHOPPER,
    GROUP_CONTEXT,
    GROUP_CALENDAR,
    GROUP_TASTE,
    GROUP_SHOP,
    GROUP_COUNT
};

/* From what a value is computed; see feature_table.inc. */
enum feature_known { KNOWN_STATE, KNOWN_CLOCK, KNOWN_MODEL, KNOWN_SHOP };

struct feature_def {
    const char *name;
    const char *unit;
    enum feature_kind kind;
    enum feature_group group;
    enum feature_known known;
    const char *meaning;
};
const struct feature_def *feature_def(enum feature_id id);
const char *feature_group_name(enum feature_group group); /* "shipping" */

struct features {
    double values[FEATURE_COUNT]; /* numbers: NaN missing; flags: 0 or 1; ids: 0 */
    const char
        *ids[FEATURE_COUNT]; /* ids only; NULL missing; borrowed from the shopper or constant */
    char currency[4];        /* of the amounts; "" unknown. No feature: only for words */
};

/* What a score may know besides the shopper. Borrowed; {0} knows nothing, and its features are then
 * missing. Nothing of it is used before its time: an affinity model whose log ended after the moment
 * counts as none, and days count from a day after their end (shop_days_rates). So training, which
 * hands over the model that served at the moment, sees what serving saw. */
struct feature_context {
    const struct affinity *affinity;
    const struct shop_days *days;
};

/* Features of the shopper's cart at now_us (>= its last event; an earlier time counts as that
 * event's). Pure. */
void features_of(const struct shopper *s, const struct cart *c, int64_t now_us,
                 const struct feature_context *context, struct features *out);

#endif
