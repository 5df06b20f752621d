/* Measures of an evaluation, and their JSON. */
#include "bench/risk_score.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "ml/judge/calib.h"
#include "ml/linear/logistic.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

struct risk_score risk_score(const double *margins, const uint8_t *labels, int count)
{
    CLEANUP(mem_free) double *p = mem_array((size_t)count + 1, sizeof *p);
    double positives = 0;
    for (int i = 0; i < count; i++) {
        p[i] = logistic(margins[i]);
        positives += labels[i];
    }
    double rate = count > 0 ? positives / count : 0;
    struct risk_score s = {
        .auc = calib_auc(margins, labels, count),
        .ap = calib_average_precision(margins, labels, count),
        .log_loss = calib_log_loss(p, labels, count),
        .brier = calib_brier(p, labels, count),
        .ece = calib_ece(p, labels, count),
    };
    s.brier_skill = rate > 0 && rate < 1 ? 1 - s.brier / (rate * (1 - rate)) : 0;
    return s;
}

/* Six digits are more than any table's noise. */
static double rounded(double x)
{
    return round(x * 1e6) / 1e6;
}

void risk_score_members(struct jenc *j, const struct risk_score *s)
{
    jenc_f64(j, "auc", rounded(s->auc));
    jenc_f64(j, "ap", rounded(s->ap));
    jenc_f64(j, "logloss", rounded(s->log_loss));
    jenc_f64(j, "brier", rounded(s->brier));
    jenc_f64(j, "ece", rounded(s->ece));
    jenc_f64(j, "brier_skill", rounded(s->brier_skill));
}

static int by_value(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return (*x > *y) - (*x < *y);
}

double risk_median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, by_value);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

double risk_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}
