/* ./dev eval risk_sim: the risk model on a simulated shop whose true hazard is known (sim/sim_life.h). The shop's events go through import, fold and training
 * as any shop's; moments after the training's log are scored and compared with what happened and with the truth. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "domain/risk/risk_ahead.h"
#include "domain/risk/risk_file.h"
#include "import/import.h"
#include "ml/judge/calib.h"
#include "sim/sim_life.h"
#include "sim/sim_post.h"
#include "store/models.h"
#include "support/pg_fixture.h"
#include "train/risk/risk_check.h"
#include "train/risk/train_moments.h"
#include "train/train.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { IDLE_MAX = 16, DECILES = 10, LINE_BYTES = 1 << 16 };

/* The window that judges starts after this share of the days. */
static const double LEARN_SHARE = 0.7;

struct options {
    int64_t shoppers, days, seed, forks;
};

struct scored {
    struct life_moment truth;
    double p; /* of the model; < 0: not scored */
    int64_t bought_us;
    float within[RISK_AHEAD_INTERVALS]; /* P(no purchase within), as trained; 0 without intervals */
};

struct sim {
    struct options o;
    struct sim_world world;
    struct life_options life;
    int64_t cut_us;
    FILE *events;
    struct buf line;
    int64_t event_count;
    int64_t carts;
    bool has_ahead;     /* the model says when the purchase would come */
    struct scored *all; /* shopper by shopper, by time; only what judges */
    size_t count, cap;
    size_t *first; /* (shoppers + 1) */
};

static void die(const char *what, const struct err *err)
{
    (void)fprintf(stderr, "eval_risk_sim: %s: %s\n", what, err->text);
    exit(1);
}

/* ---- the shop ---- */

static void take_event(void *ctx, const struct sim_event *e)
{
    struct sim *s = ctx;
    struct jenc j = jenc_begin(&s->line);
    buf_reset(&s->line);
    sim_event_write(&j, &s->world, e, s->o.seed);
    (void)fprintf(s->events, "%s\n", buf_text(&s->line));
    s->event_count++;
}

static void take_moment(void *ctx, const struct life_moment *m)
{
    struct sim *s = ctx;
    if (!m->known || m->at_us <= s->cut_us) {
        return;
    }
    if (s->count == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 1 << 16;
        s->all = mem_grow(s->all, s->cap, sizeof *s->all);
    }
    s->all[s->count++] = (struct scored){.truth = *m, .p = -1};
}

static void simulate(struct sim *s, const char *path)
{
    const struct life_sink sink = {s, take_event, take_moment};
    const int64_t until_us = INT64_C(1772409600000000); /* 2026-03-02 */
    s->life = (struct life_options){.from_us = until_us - DAYS(s->o.days),
                                    .until_us = until_us,
                                    .horizon_us = HOURS(24),
                                    .forks = (int)s->o.forks};
    s->cut_us = s->life.from_us + (int64_t)(LEARN_SHARE * (double)DAYS(s->o.days));
    s->line = buf_make(LINE_BYTES);
    s->events = fopen(path, "we");
    if (s->events == NULL) {
        die("events", &(struct err){.text = "cannot be written"});
    }
    sim_world_make(&s->world, (uint64_t)s->o.seed, (int)s->o.shoppers);
    s->first = mem_array((size_t)s->o.shoppers + 1, sizeof *s->first);
    for (int i = 0; i < s->o.shoppers; i++) {
        s->first[i] = s->count;
        s->carts += sim_life(&s->world, i, &s->life, &sink);
    }
    s->first[s->o.shoppers] = s->count;
    (void)fclose(s->events);
}

/* ---- import, training ---- */

static void import(const struct database *database, const struct config *config, const char *path)
{
    const char *files[] = {path};
    const struct import_options options = {
        .format = "ndjson", .files = files, .file_count = 1, .quiet = true, .json = true};
    struct import_result result;
    struct err err = {0};
    if (!import_run(database, config, &options, stderr, stderr, &result, &err)) {
        die("import", &err);
    }
}

static struct train_result train(const struct database *database, const struct config *config,
                                 enum train_kind kind, int64_t as_of_us, uint64_t seed)
{
    struct train_result affinity = {0};
    struct train_result risk = {0};
    struct err err = {0};
    const struct train_options options = {
        .kind = kind, .as_of_us = as_of_us, .seed = seed, .horizon_us = HOURS(24), .out = stderr};
    if (!train_run(database, config, &options, &affinity, &risk, &err)) {
        die("train", &err);
    }
    return risk;
}

/* ---- scoring ---- */

struct scoring {
    struct sim *s;
    struct moment_set set;
    const struct risk *model;
    int64_t *times;
    int64_t scored, contradicted;
};

/* The shopper of a key: its number stands at the end of the id, from 1. */
static int shopper_of(const char *key)
{
    const char *dash = strrchr(key, '-');
    return dash ? (int)strtol(dash + 1, NULL, 10) - 1 : -1;
}

static bool score_key(void *ctx, const struct train_key *k, struct err *err)
{
    struct scoring *g = ctx;
    int shopper = shopper_of(k->key);
    (void)err;
    if (shopper < 0 || shopper >= g->s->o.shoppers) {
        return true;
    }
    struct scored *mine = g->s->all + g->s->first[shopper];
    size_t count = g->s->first[shopper + 1] - g->s->first[shopper];
    for (size_t i = 0; i < count; i++) {
        g->times[i] = mine[i].truth.at_us;
    }
    g->set.count = 0;
    moment_set_take_at(&g->set, k, g->times, count);
    size_t m = 0;
    for (size_t i = 0; i < count && m < g->set.count; i++) {
        const struct moment *moment = &g->set.all[m];
        if (moment->at_us == mine[i].truth.at_us) {
            bool lost = moment_is_lost(moment, g->s->life.horizon_us);
            mine[i].p = risk_probability_of(g->model, &moment->x);
            mine[i].bought_us = moment->bought_us;
            for (int h = 0; h < RISK_AHEAD_INTERVALS && risk_has_ahead(g->model); h++) {
                mine[i].within[h] =
                    (float)risk_no_purchase_within(g->model, &moment->x, risk_ahead_ends()[h]);
            }
            g->contradicted += lost != mine[i].truth.lost;
            g->scored++;
            m++;
        }
    }
    return true;
}

static struct risk *model_of(struct db *db, const char *version, void **out_bytes)
{
    struct err err = {0};
    struct model_file file = {0};
    struct risk *model = NULL;
    size_t len = 0;
    if (!store_model_file(db, version, out_bytes, &len, &err) ||
        !model_file_view(*out_bytes, len, &file, &err) ||
        !risk_load(&file, version, &model, &err)) {
        die(version, &err);
    }
    return model;
}

static void score_all(struct sim *s, const struct database *database, const struct config *config,
                      const char *version)
{
    CLEANUP(db_close) struct db *db = NULL;
    CLEANUP(db_close) struct db *reader = NULL;
    CLEANUP(risk_free) struct risk *model = NULL;
    CLEANUP(mem_free) void *bytes = NULL;
    struct train_context context = {0};
    struct train_log log;
    struct err err = {0};
    const struct train_options options = {.as_of_us = INT64_MAX};
    if (!database_connect(database, &db, &err) || !database_connect(database, &reader, &err)) {
        die("database", &err);
    }
    const struct training t = {.config = config, .options = &options, .db = reader, .store = db};
    if (!train_context_open(&t, &context, &err)) {
        die("context", &err);
    }
    model = model_of(db, version, &bytes);
    s->has_ahead = risk_has_ahead(model);
    struct scoring g = {.s = s,
                        .model = model,
                        .set.context = &context,
                        .times = mem_array(s->count + 1, sizeof *g.times)};
    if (!train_log_read(reader, INT64_MAX, score_key, &g, &log, &err)) {
        die("log", &err);
    }
    (void)fprintf(
        stderr, "%" PRId64 " of %zu moments scored, %" PRId64 " labels contradict the simulation\n",
        g.scored, s->count, g.contradicted);
    moment_set_free(&g.set);
    train_context_free(&context);
    mem_free(&g.times);
}

/* ---- the daily correction ---- */

/* The shift of a day, from what has matured by its start (train/risk/risk_check.c does the same once a day). */
static double shift_of_day(const struct sim *s, int64_t day_us)
{
    int64_t known_us = day_us - s->life.horizon_us;
    double *margins = mem_array(s->count + 1, sizeof *margins);
    uint8_t *lost = mem_array(s->count + 1, sizeof *lost);
    int count = 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct scored *m = &s->all[i];
        int64_t age_us = known_us - m->truth.at_us;
        if (m->p >= 0 && age_us >= 0 && age_us < DAYS(RISK_CHECK_LATELY)) {
            margins[count] = log(m->p / (1 - m->p));
            lost[count++] = m->truth.lost;
        }
    }
    double shift = risk_check_shift(margins, lost, count);
    mem_free(&margins);
    mem_free(&lost);
    return shift;
}

/* Every score as a service with the daily check would have given it. */
static void correct_daily(struct sim *s)
{
    double *corrected = mem_array(s->count + 1, sizeof *corrected);
    for (int64_t day = s->cut_us / DAYS(1); DAYS(day) < s->life.until_us; day++) {
        double shift = shift_of_day(s, DAYS(day));
        for (size_t i = 0; i < s->count; i++) {
            const struct scored *m = &s->all[i];
            if (m->truth.at_us / DAYS(1) == day) {
                double margin = log(m->p / (1 - m->p)) + shift;
                corrected[i] = m->p < 0 ? -1 : 1 / (1 + exp(-margin));
            }
        }
    }
    for (size_t i = 0; i < s->count; i++) {
        s->all[i].p = corrected[i];
    }
    mem_free(&corrected);
}

/* ---- results ---- */

struct band {
    int64_t idle_us;
    double count, lost, predicted;
    double brier, seen, full; /* of the truth: without what its draws add */
    /* Of the deciles of the prediction. What happened is one draw of the truth, and moments of one shopper share it: predicted - lost is
     * (predicted - truth) + (truth - lost), and the latter is noise that no model can know. */
    double gap[DECILES];    /* mean predicted - lost */
    double bias[DECILES];   /* mean predicted - truth seen */
    double spread[DECILES]; /* standard error of the gap, each shopper one draw */
    double deviation, bias_max, noise_max, spread_max;
};

static int by_prediction(const void *a, const void *b)
{
    const struct scored *x = *(const struct scored *const *)a;
    const struct scored *y = *(const struct scored *const *)b;
    return (x->p > y->p) - (x->p < y->p);
}

static double squared(double x)
{
    return x * x;
}

/* Squared error of a mean of n draws, less the variance that the draws add on average. */
static double truth_error(double p, bool lost, int64_t forks)
{
    return squared(p - lost) - p * (1 - p) / (double)(forks - 1);
}

/* One decile of rows. */
static void decile_of(const struct scored *const *rows, size_t count, double *by_shopper,
                      struct band *b, int d)
{
    double squares = 0;
    for (size_t i = 0; i < count; i++) {
        const struct scored *m = rows[i];
        b->gap[d] += (m->p - m->truth.lost) / (double)count;
        b->bias[d] += (m->p - m->truth.seen) / (double)count;
        by_shopper[m->truth.shopper] += m->truth.seen - m->truth.lost;
    }
    for (size_t i = 0; i < count; i++) {
        squares += squared(by_shopper[rows[i]->truth.shopper]);
        by_shopper[rows[i]->truth.shopper] = 0;
    }
    b->spread[d] = sqrt(squares) / (double)count;
    b->deviation = fmax(b->deviation, fabs(b->gap[d]));
    b->bias_max = fmax(b->bias_max, fabs(b->bias[d]));
    b->noise_max = fmax(b->noise_max, fabs(b->gap[d] - b->bias[d]));
    b->spread_max = fmax(b->spread_max, b->spread[d]);
}

static struct band band_of(const struct sim *s, int64_t idle_us)
{
    struct band b = {.idle_us = idle_us};
    const struct scored **rows = mem_array(s->count + 1, sizeof(void *));
    size_t n = 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct scored *m = &s->all[i];
        if (m->p >= 0 && (idle_us < 0 || m->truth.idle_us == idle_us)) {
            rows[n++] = m;
            b.lost += m->truth.lost;
            b.predicted += m->p;
            b.brier += squared(m->p - m->truth.lost);
            b.seen += truth_error(m->truth.seen, m->truth.lost, s->o.forks);
            b.full += truth_error(m->truth.full, m->truth.lost, s->o.forks);
        }
    }
    qsort(rows, n, sizeof(void *), by_prediction);
    double *by_shopper = mem_array((size_t)s->o.shoppers, sizeof *by_shopper);
    for (size_t d = 0; d < DECILES && n >= DECILES; d++) {
        size_t from = n * d / DECILES;
        decile_of(rows + from, n * (d + 1) / DECILES - from, by_shopper, &b, (int)d);
    }
    mem_free(&by_shopper);
    b.count = (double)n;
    mem_free(&rows);
    return b;
}

static void print_deciles(const char *what, const double by[DECILES], double largest)
{
    (void)printf("         deciles, %-18s", what);
    for (int d = 0; d < DECILES; d++) {
        (void)printf(" %+.3f", by[d]);
    }
    (void)printf("  largest %.4f\n", largest);
}

static void print_band(const struct band *b, const char *name)
{
    double n = b->count > 0 ? b->count : 1;
    double rate = b->lost / n;
    (void)printf("%-8s %8.0f  lost %.4f  predicted %.4f  decile deviation %.4f  Brier model %.5f  "
                 "truth seen %.5f  full %.5f  base rate %.5f\n",
                 name, b->count, rate, b->predicted / n, b->deviation, b->brier / n, b->seen / n,
                 b->full / n, rate * (1 - rate));
    print_deciles("predicted - lost", b->gap, b->deviation);
    print_deciles("predicted - truth", b->bias, b->bias_max);
    print_deciles("standard error", b->spread, b->spread_max);
}

static void report(const struct sim *s, const char *name)
{
    (void)printf("%s\n", name);
    int64_t idles[IDLE_MAX];
    int count = 0;
    double model = 0;
    double seen = 0;
    double deviation = 0;
    double bias = 0;
    double noise = 0;
    for (size_t i = 0; i < s->count; i++) {
        bool known = false;
        for (int k = 0; k < count; k++) {
            known = known || idles[k] == s->all[i].truth.idle_us;
        }
        if (!known && count < IDLE_MAX) {
            idles[count++] = s->all[i].truth.idle_us;
        }
    }
    for (int i = 1; i < count; i++) {
        int64_t idle = idles[i];
        int at = i;
        for (; at > 0 && idles[at - 1] > idle; at--) {
            idles[at] = idles[at - 1];
        }
        idles[at] = idle;
    }
    for (int i = 0; i < count; i++) {
        char idle[CLOCK_TEXT_MAX];
        struct band b = band_of(s, idles[i]);
        print_band(&b, idles[i] ? clock_format_duration(idles[i], idle) : "0");
        model += b.brier / b.count;
        seen += b.seen / b.count;
        deviation = fmax(deviation, b.deviation);
        bias = fmax(bias, b.bias_max);
        noise = fmax(noise, b.noise_max);
    }
    struct band all = band_of(s, -1);
    print_band(&all, "all");
    (void)printf("{\"scores\":\"%s\",\"carts\":%" PRId64
                 ",\"moments\":%.0f,\"max_decile_deviation\":%.4f,"
                 "\"max_decile_deviation_from_truth\":%.4f,\"max_decile_noise\":%.4f,"
                 "\"integrated_brier\":%.6f,\"integrated_brier_truth\":%.6f,\"ratio\":%.4f,"
                 "\"pooled_ratio\":%.4f}\n",
                 name, s->carts, all.count, deviation, bias, noise, model / count, seen / count,
                 model / seen, all.brier / all.seen);
}

/* ---- by horizon ---- */

/* The curve over the time ahead beside what happened, at all moments whose horizon was over at the end. The base rate is that of the same moments. */
static void report_horizon(const struct sim *s, int h)
{
    const int64_t within_us = risk_ahead_ends()[h];
    CLEANUP(mem_free) double *p = mem_array(s->count + 1, sizeof *p);
    CLEANUP(mem_free) uint8_t *lost = mem_array(s->count + 1, 1);
    char within[CLOCK_TEXT_MAX];
    double rate = 0;
    double predicted = 0;
    int n = 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct scored *m = &s->all[i];
        if (m->p >= 0 && m->truth.at_us + within_us <= s->life.until_us) {
            p[n] = (double)m->within[h];
            lost[n] = m->bought_us == INT64_MAX || m->bought_us - m->truth.at_us > within_us;
            predicted += p[n];
            rate += lost[n++];
        }
    }
    rate /= n > 0 ? n : 1;
    (void)printf(
        "within %-4s %8d  no purchase %.4f  predicted %.4f  ECE %.4f  Brier %.5f  base rate %.5f\n",
        clock_format_duration(within_us, within), n, rate, predicted / (n > 0 ? n : 1),
        calib_ece(p, lost, n), calib_brier(p, lost, n), rate * (1 - rate));
}

static void report_horizons(const struct sim *s)
{
    (void)printf("by horizon, as trained\n");
    for (int h = 0; h < RISK_AHEAD_INTERVALS && s->has_ahead; h++) {
        report_horizon(s, h);
    }
}

/* ---- command line ---- */

static bool read_options(int argc, char **argv, struct options *o)
{
    const struct {
        const char *name;
        int64_t *out;
    } known[] = {{"--shoppers", &o->shoppers},
                 {"--days", &o->days},
                 {"--seed", &o->seed},
                 {"--forks", &o->forks}};
    for (int i = 1; i < argc; i += 2) {
        char *end = NULL;
        size_t k = 0;
        while (k < sizeof known / sizeof known[0] && strcmp(argv[i], known[k].name) != 0) {
            k++;
        }
        if (k == sizeof known / sizeof known[0] || i + 1 == argc) {
            return false;
        }
        *known[k].out = strtoll(argv[i + 1], &end, 10);
        if (end == argv[i + 1] || *end != '\0') {
            return false;
        }
    }
    return o->shoppers >= 1 && o->days >= 1 && o->seed >= 0 && o->forks >= 2;
}

int main(int argc, char **argv)
{
    static struct sim s = {.o = {.shoppers = 24000, .days = 75, .seed = 1, .forks = 16}};
    struct config config;
    CLEANUP(database_close) struct database database = {0};
    char path[] = "/tmp/cartwright-risk-sim.XXXXXX";
    char program[] = "eval_risk_sim";
    char flag[] = "--database_url";
    struct err err = {0};
    if (!read_options(argc, argv, &s.o)) {
        (void)fputs(
            "usage: ./dev eval risk-sim [--shoppers N] [--days N] [--seed S] [--forks N, 2 at least]\n",
            stderr);
        return 2;
    }
    int file = mkstemp(path);
    if (file < 0) {
        die("events", &(struct err){.text = "no temporary file"});
    }
    (void)close(file);
    char *url = pg_fixture_database("risk_sim");
    char *settings[] = {program, flag, url, NULL};
    int setting_count = 3;
    if (!config_load(&config, &setting_count, settings, &err) ||
        !database_open(&config, &database, &err)) {
        die("settings", &err);
    }
    simulate(&s, path);
    (void)fprintf(stderr, "%" PRId64 " events, %" PRId64 " carts\n", s.event_count, s.carts);
    import(&database, &config, path);
    (void)unlink(path);
    (void)train(&database, &config, TRAIN_AFFINITY, s.life.from_us + DAYS(s.o.days / 4), 1);
    struct train_result risk = train(&database, &config, TRAIN_RISK, s.cut_us, (uint64_t)s.o.seed);
    score_all(&s, &database, &config, risk.version);
    report(&s, "as trained");
    report_horizons(&s);
    correct_daily(&s);
    report(&s, "with the daily correction");
    database_close(&database);
    pg_fixture_drop(url);
    sim_world_free(&s.world);
    buf_free(&s.line);
    mem_free(&s.all);
    mem_free(&s.first);
    return 0;
}
