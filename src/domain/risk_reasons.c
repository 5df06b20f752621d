/* Why a cart's risk is what it is: the machine's exact contributions, feature by feature, against
 * those of a usual cart. */
#include "domain/risk.h"
#include "domain/risk_internal.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

static int strongest_first(const void *a, const void *b)
{
    const struct risk_reason *x = a;
    const struct risk_reason *y = b;
    double dx = fabs(x->contribution);
    double dy = fabs(y->contribution);
    if (dx != dy) {
        return dx < dy ? 1 : -1;
    }
    return (int)x->feature - (int)y->feature;
}

int risk_reasons(const struct risk *r, const struct features *x, const char *locale,
                 struct risk_reason *out, int max)
{
    assert(max >= 0);
    if (!r->is_fm) {
        return 0;
    }
    struct risk_reason all[FEATURE_COUNT];
    double contributions[FEATURE_COUNT];
    struct risk_example example = risk_flatten(x);
    int count = 0;
    risk_contributions(&r->encoder, &r->fm, &example, contributions);
    for (int f = 0; f < FEATURE_COUNT; f++) {
        double moved = r->calibration.slope * (contributions[f] - r->usual[f]);
        if (moved != 0) {
            all[count++] =
                (struct risk_reason){.feature = (enum feature_id)f, .contribution = moved};
        }
    }
    qsort(all, (size_t)count, sizeof *all, strongest_first);
    count = count < max ? count : max;
    for (int i = 0; i < count; i++) {
        out[i] = all[i];
        feature_words(x, out[i].feature, locale, out[i].text);
    }
    return count;
}

double risk_usual_logit(const struct risk *r)
{
    if (!r->is_fm) {
        double rate = fmin(fmax(r->rate, 1e-9), 1 - 1e-9);
        return log(rate / (1 - rate));
    }
    double margin = (double)r->fm.bias;
    for (int f = 0; f < FEATURE_COUNT; f++) {
        margin += r->usual[f];
    }
    return r->calibration.slope * margin + r->calibration.intercept;
}
