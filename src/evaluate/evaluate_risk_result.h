#ifndef EVALUATE_EVALUATE_RISK_RESULT_H
#define EVALUATE_EVALUATE_RISK_RESULT_H

#include "evaluate/evaluate_common.h"
#include "ml/judge/calib.h"
#include "train/risk/risk_drift.h"
#include "train/risk/risk_segments.h"
#include "train/risk/train_risk.h"
#include "train/risk/train_risk_ahead.h"

/* What the evaluation of risk found: evaluate_risk.c fills it, its table and its page read it. */

enum risk_contender {
    RISK_TRAINED, /* by training's procedure, on what lies before the cut */
    RISK_SERVING, /* the champion, where its log ended before the cut */
    RISK_BASE_RATE,
    RISK_CONTENDERS
};

enum { RISK_ROUNDS = 200 /* of the bootstrap: each sorts all moments */ };
enum { GAIN_POINTS = 41, PR_POINTS = 50, IDLE_BANDS = 12, SCORE_BINS = 20 };

struct risk_scored {
    bool took_part;
    char name[CONTENDER_NAME_MAX];
    double *p; /* by moment; owned */
    struct interval log_loss;
    struct interval brier;
    struct interval skill; /* of the Brier score, against the base rate: 1 perfect, 0 no better */
    struct interval auc;
    struct interval ap; /* average precision */
    struct interval ece;
    int bins;
    struct reliability_bin bin[CALIB_BINS];
    struct interval bin_rate[CALIB_BINS]; /* share lost, with what chance makes of it */
    double gain[GAIN_POINTS];
    int pr_points;
    double recall[PR_POINTS];
    double precision[PR_POINTS];
};

/* Moments by how long nothing had happened. */
struct idle_band {
    int moments;
    struct interval lost;
    double predicted[RISK_CONTENDERS]; /* means */
};

struct risk_segment {
    const char *name;
    int moments;
    int shoppers;
    double lost; /* share */
    struct {
        double predicted; /* mean */
        double auc;       /* NaN where all or none were lost */
        double brier;
        double log_loss;
    } of[RISK_CONTENDERS];
};

struct feature_drift {
    enum feature_id feature;
    double psi;
};

struct risk_evaluation {
    struct evaluate_heading heading;
    const struct evaluate_options *options;
    const struct risk_later *later;
    const uint8_t *lost; /* labels by moment */
    double lost_share;
    struct risk_scored scored[RISK_CONTENDERS];
    struct idle_band idle[IDLE_BANDS];
    struct risk_horizon ahead[RISK_AHEAD_INTERVALS]; /* of the main contender */
    struct risk_segment segments[RISK_SEGMENTS];
    int segment_count;
    double score_share[SCORE_BINS];            /* of RISK_TRAINED's scores */
    struct feature_drift drift[FEATURE_COUNT]; /* largest first */
    double score_psi; /* from the first half of the later window to the second */
};

/* Band of a moment's idle minutes, its name ("3 to 9 min") and its place on a logarithmic axis, in minutes. */
int idle_band_of(double minutes);
const char *idle_band_name(int band);
double idle_band_middle(int band);

/* The one to look at: what serves, where that is fair. */
enum risk_contender risk_main_contender(const struct risk_evaluation *e);

int risk_horizons_filled(const struct risk_evaluation *e);  /* 0 where the model has no intervals */
int risk_features_drifted(const struct risk_evaluation *e); /* above RISK_DRIFT_ALARM */

enum { DRIFT_SHOWN = 12 /* features, in the table and the plot */ };
_Static_assert((int)DRIFT_SHOWN <= (int)FEATURE_COUNT, "no more are shown than there are");

#endif
