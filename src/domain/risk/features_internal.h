#ifndef DOMAIN_RISK_FEATURES_INTERNAL_H
#define DOMAIN_RISK_FEATURES_INTERNAL_H

#include "domain/risk/features.h"

#include "base/clock.h"

#include <math.h>

/* What the features*.c files share; nobody else includes this. */

/* Missing for a thing that has not happened (time 0). */
static inline double minutes_since(int64_t then_us, int64_t now_us)
{
    if (then_us == 0) {
        return (double)NAN;
    }
    return then_us >= now_us ? 0 : (double)(now_us - then_us) / (double)MINUTES(1);
}

/* Missing where there is nothing to divide by, or nothing to divide. */
static inline double ratio(double a, double b)
{
    return b > 0 ? a / b : (double)NAN;
}

/* Mean price of the lines whose price is known; NaN for none. */
double cart_mean_price(const struct cart *c);

/* The last events (features_recent.c). */
void features_recent(const struct shopper *s, const struct cart *c, int64_t now_us,
                     struct features *out);

#endif
