#ifndef EVALUATE_EVALUATE_RISK_H
#define EVALUATE_EVALUATE_RISK_H

#include "evaluate/evaluate_internal.h"
#include "ml/judge/bootstrap.h"
#include "ml/judge/calib.h"
#include "train/risk/train_risk.h"

/* What evaluate_risk.c (figures) and evaluate_risk_page.c (table, JSON, page) share. */

enum risk_contender {
    RISK_TRAINED, /* by training's procedure, on what lies before the cut */
    RISK_SERVING, /* the champion, where its log ended before the cut */
    RISK_BASE_RATE,
    RISK_CONTENDERS
};

enum { RISK_ROUNDS = 200 /* of the bootstrap: each sorts all moments */ };
enum { GAIN_POINTS = 41, PR_POINTS = 50, IDLE_BANDS = 12, SCORE_BINS = 20, SEGMENTS_MAX = 20 };

struct risk_scored {
    bool took_part;
    char name[96];
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
    const struct evaluate_options *options;
    const struct risk_later *later;
    const uint8_t *lost; /* labels by moment */
    double lost_share;
    struct risk_scored scored[RISK_CONTENDERS];
    struct idle_band idle[IDLE_BANDS];
    struct risk_horizon ahead[RISK_AHEAD_INTERVALS]; /* of the main contender */
    struct risk_segment segments[SEGMENTS_MAX];
    int segment_count;
    double score_share[SCORE_BINS];            /* of RISK_TRAINED's scores */
    struct feature_drift drift[FEATURE_COUNT]; /* largest first */
    double score_psi; /* from the first half of the later window to the second */
    char serving[512];
};

/* Band of a moment's idle minutes, its name ("3 to 9 min") and its place on a logarithmic axis, in minutes. */
int idle_band_of(double minutes);
const char *idle_band_name(int band);
double idle_band_middle(int band);

/* The one to look at: what serves, where that is fair. */
enum risk_contender risk_main_contender(const struct risk_evaluation *e);

void risk_evaluation_text(const struct risk_evaluation *e, struct buf *out);
void risk_evaluation_json(const struct risk_evaluation *e, struct buf *out);
CAN_FAIL bool risk_evaluation_page(const struct risk_evaluation *e, struct buf *out,
                                   struct err *err);

#endif
