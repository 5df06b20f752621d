#ifndef DOMAIN_SPEAK_REASONS_H
#define DOMAIN_SPEAK_REASONS_H

#include "domain/risk/features.h"
#include "domain/speak/language.h"

/* Why a cart is likely to be lost or not, as a person would give it: few reasons, each a fact about the cart that the model's
 * contributions speak for, and no two that contradict each other (reason_table.inc). The numbers behind them, all of them, are
 * risk_contributions (domain/risk/risk.h). */
struct told_reason {
    enum reason reason;
    enum feature_id feature; /* the fact */
    double contribution; /* of all that speaks of it, in logit; positive: towards losing the cart */
};

enum { TOLD_REASONS_MAX = 3 };

/* Strongest first; those that hardly move the score are left out. Returns how many. */
int reasons_choose(const struct features *x, const double contributions[FEATURE_COUNT],
                   struct told_reason out[TOLD_REASONS_MAX]);

/* Whether one of them is that the price is too high for the shopper. */
bool reasons_are_about_price(const struct told_reason *told, int count);

/* Appends one in the words of the language. */
void reason_say(const struct told_reason *told, const struct features *x,
                const struct speech *speech, struct buf *out);

#endif
