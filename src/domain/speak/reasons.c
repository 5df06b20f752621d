/* From the contributions of a hundred features to what a person would say. When each is told stands
 * in reason_table.inc, the words in reason_words.inc. */
#include "domain/speak/reasons.h"

#include "base/cleanup.h"
#include "domain/shop/money.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FEATURES_MAX = 6, CLAIMS_MAX = 4, TEXT_MAX = 400, NUMBER_MAX = 32 };

/* What moves the odds by less than a twentieth is no reason. */
static const double LEAST = 0.05;

enum way { NO_CLAIM, RAISES, LOWERS, EITHER };

struct claim {
    enum reason reason;
    enum way way; /* NO_CLAIM behind the last one */
    enum feature_id feature;
    double from, to;
};

struct subject {
    enum feature_id
        features[FEATURES_MAX]; /* FEATURE_IDLE, which is of no subject, behind the last */
    struct claim claims[CLAIMS_MAX];
};

static const struct subject subjects[] = {
#define SUBJECT(...) {__VA_ARGS__},
#define CLAIM(reason, way, feature, from, to)                                                      \
    {                                                                                              \
        REASON_##reason, way, FEATURE_##feature, from, to                                          \
    }
#include "domain/speak/reason_table.inc"
#undef CLAIM
#undef SUBJECT
};

enum { SUBJECTS = sizeof subjects / sizeof *subjects };

static double sum_of(const struct subject *s, const double contributions[FEATURE_COUNT])
{
    double sum = 0;

    for (int i = 0; i < FEATURES_MAX && s->features[i] != FEATURE_IDLE; i++) {
        sum += contributions[s->features[i]];
    }
    return sum;
}

static bool holds(const struct claim *c, const struct features *x, double sum)
{
    const double value = x->values[c->feature];
    const bool money = strcmp(feature_def(c->feature)->unit, "minor") == 0;

    /* An amount without a currency cannot be said, and NaN lies in no range. */
    if ((money && x->currency[0] == '\0') || !(value >= c->from && value <= c->to)) {
        return false;
    }
    return c->way == EITHER || (c->way == RAISES) == (sum > 0);
}

static const struct claim *claim_of(const struct subject *s, const struct features *x, double sum)
{
    for (int i = 0; i < CLAIMS_MAX && s->claims[i].way != NO_CLAIM; i++) {
        if (holds(&s->claims[i], x, sum)) {
            return &s->claims[i];
        }
    }
    return NULL;
}

static int strongest_first(const void *a, const void *b)
{
    const struct told_reason *x = a;
    const struct told_reason *y = b;
    const double dx = fabs(x->contribution);
    const double dy = fabs(y->contribution);

    if (dx != dy) {
        return dx < dy ? 1 : -1;
    }
    /* a fixed order of equals: the same cart is told the same reasons */
    return (int)x->reason - (int)y->reason;
}

int reasons_choose(const struct features *x, const double contributions[FEATURE_COUNT],
                   struct told_reason out[TOLD_REASONS_MAX])
{
    struct told_reason all[SUBJECTS];
    int count = 0;

    for (int i = 0; i < SUBJECTS; i++) {
        const double sum = sum_of(&subjects[i], contributions);
        const struct claim *claim = fabs(sum) >= LEAST ? claim_of(&subjects[i], x, sum) : NULL;
        if (claim != NULL) {
            all[count++] = (struct told_reason){claim->reason, claim->feature, sum};
        }
    }
    qsort(all, (size_t)count, sizeof *all, strongest_first);
    count = count < TOLD_REASONS_MAX ? count : TOLD_REASONS_MAX;
    memcpy(out, all, (size_t)count * sizeof *all);
    return count;
}

bool reasons_are_about_price(const struct told_reason *told, int count)
{
    bool about_price = false;

    for (int i = 0; i < count; i++) {
        about_price = about_price || told[i].reason == REASON_CHEAPER ||
                      told[i].reason == REASON_ABOVE_USUAL ||
                      told[i].reason == REASON_COUPON_DENIED;
    }
    return about_price;
}

void reason_say(const struct told_reason *told, const struct features *x,
                const struct speech *speech, struct buf *out)
{
    CLEANUP(buf_free) struct buf money = buf_make(TEXT_MAX);
    CLEANUP(buf_free) struct buf ratio = buf_make(TEXT_MAX);
    const double value = x->values[told->feature];
    char decimal[NUMBER_MAX];

    if (strcmp(feature_def(told->feature)->unit, "minor") == 0) {
        money_write((int64_t)value, x->currency, speech->intl, &money);
    }
    (void)snprintf(decimal, sizeof decimal, "%.*f", value < 10 ? 1 : 0, value);
    intl_number(speech->intl, decimal, &ratio);
    const struct slot slots[] = {{.name = "n", .number = (int64_t)value},
                                 {.name = "money", .text = buf_text(&money)},
                                 {.name = "ratio", .text = buf_text(&ratio)},
                                 {0}};
    speech_reason(speech, told->reason, slots, out);
}
