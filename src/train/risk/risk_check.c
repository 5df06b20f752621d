/* The daily check of the risk model that serves. It reads the log as training does, but only
 * shoppers who can have a moment in its weeks, and changes nothing but its own row. */
#include "train/risk/risk_check.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/jenc.h"
#include "base/mem.h"
#include "domain/risk/risk_file.h"
#include "ml/judge/calib.h"
#include "ml/judge/calib_curve.h"
#include "ml/judge/drift.h"
#include "train/common/champion.h"
#include "train/log/train_log.h"
#include "train/risk/risk_drift.h"
#include "train/risk/train_context.h"
#include "train/risk/train_moments.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PSI_JSON_MAX = 1 << 14 };

/* Standard deviation, in logit, of the normal distribution that draws the shift towards 0. */
static const double SHIFT_SPREAD = 0.5;
/* Moments of one cart repeat each other. */
static const double ROW_WEIGHT = 0.2;

double risk_check_shift(const double *margins, const uint8_t *lost, int count)
{
    const struct calib_rows rows = {count, margins, NULL, lost, ROW_WEIGHT};
    return count < RISK_CHECK_ROWS_MIN ? 0 : calib_shift_fit(&rows, SHIFT_SPREAD);
}

/* Scores of the moments of a time window. */
struct window {
    struct moments rows;
    double *p;
    double *margin;
    uint8_t *lost;
};

static void window_free(struct window *w)
{
    mem_free(&w->rows.all);
    mem_free(&w->p);
    mem_free(&w->margin);
    mem_free(&w->lost);
}

static double logit(double p)
{
    return log(p / (1 - p));
}

static int64_t later(int64_t a_us, int64_t b_us)
{
    return a_us > b_us ? a_us : b_us;
}

/* from_us < at <= until_us */
static struct window window_of(const struct moment_set *set, const struct risk *model,
                               int64_t from_us, int64_t until_us)
{
    struct window w = {0};
    w.rows.all = mem_array(set->count + 1, sizeof(void *));
    w.p = mem_array(set->count + 1, sizeof *w.p);
    w.margin = mem_array(set->count + 1, sizeof *w.margin);
    w.lost = mem_array(set->count + 1, sizeof *w.lost);
    for (size_t i = 0; i < set->count; i++) {
        const struct moment *m = &set->all[i];
        if (m->at_us > from_us && m->at_us <= until_us) {
            double p = risk_probability_of(model, &m->x);
            int row = w.rows.count++;
            w.rows.all[row] = m;
            w.p[row] = p;
            /* A score of 0 or 1 has no logit. */
            w.margin[row] = logit(fmin(fmax(p, 1e-9), 1 - 1e-9));
            w.lost[row] = moment_is_lost(m, risk_horizon_us(model));
        }
    }
    return w;
}

/* `unseen` is what of `before` the model has not learnt from: of other moments it is too sure. */
static void measure(const struct window *before, const struct window *unseen,
                    const struct window *lately, struct arena *a, struct risk_check *out)
{
    const struct risk_drift drift = risk_drift_of(&before->rows, &lately->rows);
    const int count = lately->rows.count;
    struct buf text = buf_make(PSI_JSON_MAX);
    struct jenc j = jenc_begin(&text);
    /* Only the intercept: a week has enough moments for the mean of the scores, not for their
     * slope, and the shop's drift is mostly in the mean. */
    out->shift = risk_check_shift(lately->margin, lately->lost, count);
    out->moments = count;
    out->brier = calib_brier(lately->p, lately->lost, count);
    /* Compared with days that it learnt from, every model looks worse today than before. */
    if (unseen->rows.count >= RISK_CHECK_ROWS_MIN) {
        out->brier_base = calib_brier(unseen->p, unseen->lost, unseen->rows.count);
        out->psi_score = drift_psi(unseen->p, unseen->rows.count, lately->p, count, RISK_MISSING);
    }
    out->psi_max = drift.largest;
    out->psi_alarms = drift.alarms;
    risk_drift_json(&drift, NULL, &j);
    out->psi = arena_strdup(a, buf_text(&text));
    buf_free(&text);
}

static bool take_key(void *ctx, const struct train_key *k, struct err *err)
{
    (void)err;
    moment_set_take(ctx, k);
    return true;
}

/* What was known at the moments, and the moments themselves. */
static bool read_moments(const struct training *t, struct train_context *context,
                         struct moment_set *set, struct err *err)
{
    struct train_log log;
    if (!train_context_open(t, context, err)) {
        return false;
    }
    set->context = context;
    /* A moment lies at most the longest idle time behind an event of its shopper. Who was last here
     * before that cannot have one in these weeks: a shop of years is read in the time of weeks. */
    int64_t active_us = set->from_us - moment_idle_times()[IDLE_MOMENTS - 1] - 1;
    return train_log_read_active(t->db, active_us, t->options->as_of_us, take_key, set, &log, err);
}

static bool check(const struct training *t, const struct risk *model, int64_t now_us,
                  struct arena *a, struct risk_check *out, struct err *err)
{
    CLEANUP(train_context_free) struct train_context context = {0};
    CLEANUP(moment_set_free) struct moment_set set = {0};
    /* The last moment whose horizon is over: what came after it has no outcome yet. */
    int64_t known_us = now_us - risk_horizon_us(model);
    int64_t lately_us = known_us - DAYS(RISK_CHECK_LATELY);
    int64_t before_us = lately_us - DAYS(RISK_CHECK_BEFORE);
    int64_t learnt_us = risk_as_of_us(model);
    set.from_us = before_us;
    set.until_us = known_us;
    if (!read_moments(t, &context, &set, err)) {
        return false;
    }
    /* All of those weeks, seen or not: the drift of features asks how the shop was, not what the
     * model knew. */
    CLEANUP(window_free) struct window before = window_of(&set, model, before_us, lately_us);
    /* What it has learnt from would only say that it has learnt. */
    CLEANUP(window_free)
    struct window unseen = window_of(&set, model, later(before_us, learnt_us), lately_us);
    CLEANUP(window_free)
    struct window lately = window_of(&set, model, later(lately_us, learnt_us), known_us);
    *out = (struct risk_check){.day = now_us / DAYS(1)};
    measure(&before, &unseen, &lately, a, out);
    return true;
}

bool risk_check_run(const struct database *database, const struct config *config, int64_t now_us,
                    struct arena *a, struct risk_check *out, bool *out_made, struct err *err)
{
    CLEANUP(db_close) struct db *db = NULL;
    CLEANUP(db_close) struct db *store = NULL;
    CLEANUP(champion_free) struct champion champion = {0};
    const struct train_options options = {.as_of_us = now_us};
    struct risk_check newest;
    bool found = false;
    *out_made = false;
    /* Two, as in train_run: the log is read inside of a snapshot, where nothing can be written. */
    if (!database_connect(database, &db, err) || !database_connect(database, &store, err)) {
        return false;
    }
    const struct training t = {
        .config = config, .options = &options, .db = db, .store = store, .threads = 1};
    if (!champion_load(&t, "risk", &champion, err)) {
        return false;
    }
    if (champion.risk == NULL) {
        return true;
    }
    if (!store_risk_check_newest(store, champion.version, a, &newest, &found, err)) {
        return false;
    }
    /* Replicas run the same check; the first of the day is enough. Two at once are settled by the
     * key of the row. */
    if (found && newest.day >= now_us / DAYS(1)) {
        return true;
    }
    return check(&t, champion.risk, now_us, a, out, err) &&
           store_risk_check_put(store, champion.version, out, now_us, out_made, err);
}

const char *risk_check_text(const struct risk_check *c, char out[RISK_CHECK_TEXT_MAX])
{
    if (c->moments == 0) {
        snprintf(
            out, RISK_CHECK_TEXT_MAX,
            "risk: no moment that the model has not learnt from has matured yet, nothing to measure or correct");
        return out;
    }
    char before[96] = "the model is too young for the days before to be a measure";
    if (c->brier_base > 0) {
        snprintf(before, sizeof before, "%.4f in the 28 days before, drift of the score %.3f",
                 c->brier_base, c->psi_score);
    }
    snprintf(out, RISK_CHECK_TEXT_MAX,
             "risk on %lld lately matured moments: Brier %.4f (%s), corrected by %+.3f in logit; "
             "drift of features at most %.3f, %lld above 0.2",
             (long long)c->moments, c->brier, before, c->shift, c->psi_max,
             (long long)c->psi_alarms);
    return out;
}
