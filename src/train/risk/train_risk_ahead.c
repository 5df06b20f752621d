/* When the purchase comes: rows of the time ahead, the learner that is trained on them, and how its
 * curve does. */
#include "train/risk/train_risk_ahead.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "ml/judge/calib.h"

#include <math.h>

enum { ROWS_MIN = 100 };                        /* of each outcome */
static const double BOUGHT_SHARE_MAX = 1.0 / 3; /* of the rows: purchases are few, and tell most */

/* ---- rows ---- */

/* What is kept of each outcome; the odds among the rows are the true ones times bought / other. */
struct shares {
    double bought, other;
};

struct ahead_rows {
    const struct moments *moments;
    int64_t as_of_us;
    struct shares keep;
    int64_t bought, other;     /* rows that were kept */
    union learner_cell *cells; /* (rows, RISK_AHEAD_COLUMNS) NULL: they are only counted */
    uint8_t *label;
    uint64_t *group;
};

static void ahead_rows_free(struct ahead_rows *r)
{
    mem_free(&r->cells);
    mem_free(&r->label);
    mem_free(&r->group);
}

/* The same rows in every run, and of every moment some. */
static bool is_kept(const struct moment *m, int interval, double share)
{
    /* A hash in place of a random number: which rows are kept depends on nothing but the row, so
     * that neither the order of the log nor the number of threads changes a byte of the model.
     * Multiplied, folded and multiplied again, with constants of splitmix64 (Steele, Lea, Flood,
     * OOPSLA 2014): times and intervals differ in low bits, and the high ones decide. */
    uint64_t h =
        (m->key_hash ^ ((uint64_t)m->at_us + (uint64_t)interval)) * UINT64_C(0x9E3779B97F4A7C15);
    h = (h ^ (h >> 29)) * UINT64_C(0xBF58476D1CE4E5B9);
    /* 53 bits: as many as a double holds exactly. */
    return (double)(h >> 11) < share * 0x1p53;
}

static void add_row(struct ahead_rows *r, const struct moment *m, int interval, bool bought)
{
    const int64_t row = r->bought + r->other;
    if (!is_kept(m, interval, bought ? r->keep.bought : r->keep.other)) {
        return;
    }
    if (r->cells) {
        union learner_cell *cells = r->cells + (size_t)row * RISK_AHEAD_COLUMNS;
        risk_ahead_row(&m->x, interval, cells);
        /* Up to as many rows as there are intervals tell of one purchase of one product: */
        risk_hide_products(cells, row); /* it would be learnt by heart */
        r->label[row] = bought;
        r->group[row] = m->key_hash;
    }
    *(bought ? &r->bought : &r->other) += 1;
}

/* An interval that was not over when the log ended says nothing, though a purchase may have been
 * seen in it: those without one cannot be. */
static void add_rows(struct ahead_rows *r)
{
    const int64_t *ends = risk_ahead_ends();
    r->bought = 0;
    r->other = 0;
    for (int k = 0; k < r->moments->count; k++) {
        const struct moment *m = r->moments->all[k];
        bool bought = false;
        /* A hazard in discrete time: one row for every interval that the moment has lived
         * through, none after the purchase, so that a moment whose horizon the log cuts off still
         * tells of the intervals before (Singer and Willett, It's About Time, J. Educational
         * Statistics 1993). */
        for (int i = 0; i < RISK_AHEAD_INTERVALS && !bought && ends[i] <= r->as_of_us - m->at_us;
             i++) {
            bought = !moment_is_lost(m, ends[i]);
            add_row(r, m, i, bought);
        }
    }
}

static struct ahead_rows rows_of(const struct moments *moments, int64_t as_of_us, int rows_max)
{
    const double bought_max = BOUGHT_SHARE_MAX * rows_max;
    /* One rule in three passes: all rows are counted, then those that are kept, then these are
     * written. No array has to grow, and nothing is kept that was not counted. */
    struct ahead_rows r = {.moments = moments, .as_of_us = as_of_us, .keep = {1, 1}};
    add_rows(&r);
    /* Purchases are rare and carry the information, so of them the larger share is kept
     * (case-control sampling: King and Zeng, Logistic Regression in Rare Events Data, 2001). */
    r.keep.bought = (double)r.bought > bought_max ? bought_max / (double)r.bought : 1;
    const double room = rows_max - r.keep.bought * (double)r.bought;
    r.keep.other = (double)r.other > room ? room / (double)r.other : 1;
    add_rows(&r);
    const size_t rows = (size_t)(r.bought + r.other) + 1;
    r.cells = mem_array(rows * RISK_AHEAD_COLUMNS, sizeof *r.cells);
    r.label = mem_array(rows, 1);
    r.group = mem_array(rows, sizeof *r.group);
    add_rows(&r);
    return r;
}

/* ---- the learner ---- */

bool risk_fit_ahead(const struct training *t, const struct moments *moments, int64_t as_of_us,
                    int rows_max, struct learner **out, struct risk_ahead_fit *out_fit,
                    struct err *err)
{
    CLEANUP(ahead_rows_free) struct ahead_rows r = rows_of(moments, as_of_us, rows_max);
    uint8_t kinds[RISK_AHEAD_COLUMNS];
    risk_ahead_kinds(kinds);
    *out = NULL;
    *out_fit = (struct risk_ahead_fit){0};
    if (r.bought < ROWS_MIN || r.other < ROWS_MIN) {
        return true;
    }
    const struct learner_table table = {.rows = (int)(r.bought + r.other),
                                        .columns = RISK_AHEAD_COLUMNS,
                                        .kind = kinds,
                                        .cells = r.cells,
                                        .label = r.label,
                                        .group = r.group};
    struct learner_options options =
        learner_defaults(RISK_AHEAD_ROWS_MAX); /* one bag of each will do */
    options.other_depth = 0;
    options.seed = t->options->seed;
    options.threads = t->threads;
    if (!learner_train(&table, &options, out, &out_fit->learnt, err)) {
        return false;
    }
    /* The sample has more purchases than the shop. In logit that is a constant, the ratio
     * of the shares kept, and taking it off restores the true odds (prior correction, King
     * and Zeng 2001). */
    learner_shift(*out, log(r.keep.other / r.keep.bought));
    out_fit->rows = table.rows;
    out_fit->bought = (int)r.bought;
    return true;
}

/* ---- how the curve does ---- */

static double lost_share(const struct moments *m, int64_t within_us, int64_t until_us)
{
    int rows = 0;
    int lost = 0;
    for (int i = 0; i < m->count; i++) {
        if (m->all[i]->at_us + within_us <= until_us) {
            rows++;
            lost += moment_is_lost(m->all[i], within_us);
        }
    }
    /* Laplace's rule: a few rows that all went one way do not make the other impossible. */
    return (lost + 1.0) / (rows + 2);
}

static struct risk_horizon judge_one(const struct risk *model, const struct moments *after,
                                     int64_t within_us, int64_t as_of_us, double base)
{
    struct risk_horizon h = {.within_us = within_us};
    CLEANUP(mem_free) double *p = mem_array((size_t)after->count + 1, sizeof *p);
    CLEANUP(mem_free) uint8_t *lost = mem_array((size_t)after->count + 1, 1);
    for (int i = 0; i < after->count; i++) {
        const struct moment *m = after->all[i];
        /* Only where the horizon is over: of the others those that bought are known and those
         * that did not are not, so taking what is known would foretell too many purchases. */
        if (m->at_us + within_us <= as_of_us) {
            p[h.rows] = risk_no_purchase_within(model, &m->x, within_us);
            lost[h.rows] = moment_is_lost(m, within_us);
            h.predicted += p[h.rows];
            h.lost += lost[h.rows];
            h.base_brier += (base - lost[h.rows]) * (base - lost[h.rows]);
            h.rows++;
        }
    }
    const double rows = h.rows > 0 ? h.rows : 1;
    h.predicted /= rows;
    h.lost /= rows;
    h.base_brier /= rows;
    h.brier = calib_brier(p, lost, h.rows);
    h.ece = calib_ece(p, lost, h.rows);
    return h;
}

void risk_horizons_judge(const struct risk *model, const struct moments *before, int64_t cut_us,
                         const struct moments *after, int64_t as_of_us,
                         struct risk_horizon out[RISK_AHEAD_INTERVALS])
{
    for (int i = 0; i < RISK_AHEAD_INTERVALS; i++) {
        const int64_t within_us = risk_ahead_ends()[i];
        out[i] = risk_has_ahead(model) ? judge_one(model, after, within_us, as_of_us,
                                                   lost_share(before, within_us, cut_us))
                                       : (struct risk_horizon){.within_us = within_us};
    }
}

void risk_horizons_json(const struct risk_horizon horizons[RISK_AHEAD_INTERVALS], struct jenc *j)
{
    char within[CLOCK_TEXT_MAX];
    jenc_array(j, "by_horizon");
    for (int i = 0; i < RISK_AHEAD_INTERVALS; i++) {
        const struct risk_horizon *h = &horizons[i];
        if (h->rows > 0) {
            jenc_object(j, NULL);
            jenc_str(j, "within", clock_format_duration(h->within_us, within));
            jenc_i64(j, "moments", h->rows);
            jenc_f64(j, "lost", h->lost);
            jenc_f64(j, "foretold", h->predicted);
            jenc_f64(j, "calibration_error", h->ece);
            jenc_f64(j, "brier", h->brier);
            jenc_f64(j, "base_rate_brier", h->base_brier);
            jenc_object_end(j);
        }
    }
    jenc_array_end(j);
}
