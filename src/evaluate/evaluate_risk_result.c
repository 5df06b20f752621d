/* Names and places of what the evaluation of risk tells apart. */
#include "evaluate/evaluate_risk_result.h"

#include <assert.h>
#include <math.h>

/* ---- bands of idle time: around those that training takes moments at (train/risk/train_moments.h); the closest share one ---- */

/* The middle of "at once" stands for 0, which has no place on a logarithmic axis. */
static const struct {
    double until; /* minutes, included */
    double middle;
    const char *name;
} bands[IDLE_BANDS] = {
    {0, 0.2, "at once"},           {1, 0.5, "up to 1 min"},      {3, 1.5, "1 to 3 min"},
    {9, 4.5, "3 to 9 min"},        {27, 13.5, "9 to 27 min"},    {80, 40.5, "27 to 80 min"},
    {240, 121.5, "80 min to 4 h"}, {720, 360, "4 to 12 h"},      {2160, 1080, "12 to 36 h"},
    {6480, 3240, "1.5 to 4.5 d"},  {16000, 9720, "4.5 to 11 d"}, {INFINITY, 20160, "over 11 d"},
};

int idle_band_of(double minutes)
{
    int band = 0;
    while (band < IDLE_BANDS - 1 && minutes > bands[band].until) {
        band++;
    }
    return band;
}

const char *idle_band_name(int band)
{
    assert(band >= 0 && band < IDLE_BANDS);
    return bands[band].name;
}

double idle_band_middle(int band)
{
    assert(band >= 0 && band < IDLE_BANDS);
    return bands[band].middle;
}

enum risk_contender risk_main_contender(const struct risk_evaluation *e)
{
    return e->scored[RISK_SERVING].took_part ? RISK_SERVING : RISK_TRAINED;
}

int risk_horizons_filled(const struct risk_evaluation *e)
{
    int count = 0;
    for (int i = 0; i < RISK_AHEAD_INTERVALS; i++) {
        count += e->ahead[i].rows > 0;
    }
    return count;
}

int risk_features_drifted(const struct risk_evaluation *e)
{
    int count = 0;
    /* drift is sorted, largest first. */
    while (count < FEATURE_COUNT && e->drift[count].psi > RISK_DRIFT_ALARM) {
        count++;
    }
    return count;
}
