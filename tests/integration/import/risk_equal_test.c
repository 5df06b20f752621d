/* Replay-trained risk is serving-time risk, bit for bit: for moments of real and simulated carts, what training computes from its replay of the log equals what
 * an answer as of that moment computes from the shopper's state, features and score alike. */
#include "import_spec.h"

#include "support/at_length.h"
#include "support/data_file.h"
#include "support/folder.h"
#include "support/spec.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "domain/risk/risk_file.h"
#include "eventlog/view.h"
#include "live/live.h"
#include "sim/sim_offline.h"
#include "store/models.h"
#include "train/risk/train_moments.h"
#include "train/train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

enum {
    SKIPPED = 77,
    PATH_BYTES = 512,
    LONG_MOMENTS = 10000,
    SHORT_MOMENTS = SANITIZED ? 300 : 1500,
    QUIET_AHEAD_ROWS = 2000
};
static const double EARLY_SHARE = 0.15;

static const char *simulated(void)
{
    static char path[PATH_BYTES];
    struct sim_world world;
    struct sim_offline_counts counts;
    struct err err = {0};
    (void)snprintf(path, sizeof path, "%s/simulated.ndjson", folder_of_run());
    sim_world_make(&world, 3, 1000);
    const struct sim_offline s = {
        .world = &world,
        .life = {.from_us = INT64_C(1767225600000000),
                 .until_us = INT64_C(1767225600000000) + DAYS(50),
                 .horizon_us = HOURS(24)},
        .events = fopen(path, "we"),
    };
    assert_non_null(s.events);
    assert_true(sim_offline_write(&s, &counts, &err));
    assert_int_equal(fclose(s.events), 0);
    sim_world_free(&world);
    return path;
}

/* ---- both sides ---- */

struct comparison {
    struct import_bench *bench;
    struct db *db;
    const struct live_set *models;
    struct moment_set set;
    struct arena arena;
    int64_t limit;
    int64_t
        step_us; /* 0: training's own moments; else as many more, so far apart, up to an hour after the last event */
    int64_t compared;
    int64_t tastes; /* moments with a known taste */
};

static void compare(struct comparison *c, const char *key, const struct moment *trained)
{
    struct view view;
    struct features x;
    struct err err = {0};
    arena_reset(&c->arena);
    if (!view_read(c->db, key, trained->at_us, &c->arena, &view, &err)) {
        fail_msg("%s: %s", key, err.text);
    }
    const struct cart *cart = shopper_open_cart(view.shopper);
    assert_non_null(cart);
    features_of(view.shopper, cart, trained->at_us, &c->models->context, &x);
    struct risk_example served = risk_flatten(&x);
    for (int f = 0; f < FEATURE_COUNT; f++) {
        if (served.cells[f].id != trained->x.cells[f].id) { /* the bits, of numbers too */
            fail_msg("%s of %s: %.17g in serving, %.17g in training",
                     feature_def((enum feature_id)f)->name, key, served.cells[f].number,
                     trained->x.cells[f].number);
        }
    }
    double answer = risk_probability(c->models->risk, &x);
    double replayed = risk_probability_of(c->models->risk, &trained->x);
    assert_memory_equal(&answer, &replayed, sizeof answer);
    c->tastes += !isnan(x.values[FEATURE_TASTE]);
    c->compared++;
}

static void take_every_step(struct comparison *c, const struct train_key *k)
{
    int64_t from_us = k->events[0].occurred_us;
    int64_t until_us = k->final->last_us + HOURS(1);
    size_t count = (size_t)((until_us - from_us) / c->step_us) + 1;
    int64_t *times = arena_array(k->arena, count, sizeof *times);
    for (size_t i = 0; i < count; i++) {
        times[i] = from_us + (int64_t)i * c->step_us;
    }
    moment_set_take_at(&c->set, k, times, count);
}

static bool compare_key(void *ctx, const struct train_key *k, struct err *err)
{
    struct comparison *c = ctx;
    (void)err;
    c->set.count = 0;
    if (c->step_us == 0) {
        moment_set_take(&c->set, k);
    } else if (k->final->cart_count > 0) {
        take_every_step(c, k);
    }
    for (size_t i = 0; i < c->set.count && c->compared < c->limit; i++) {
        compare(c, k->key, &c->set.all[i]);
    }
    return c->compared < c->limit;
}

/* The time at which a share of the events has happened; INT64_MAX for all of them. */
static int64_t time_of_share(const struct import_bench *b, double share)
{
    char sql[256];
    (void)snprintf(sql, sizeof sql,
                   "SELECT (extract(epoch FROM percentile_disc(%.2f) WITHIN GROUP "
                   "(ORDER BY occurred_at)) * 1000000)::bigint FROM cartwright.event",
                   share);
    return share < 1 ? bench_count(b, sql) : INT64_MAX;
}

/* Trains on a share of the log; what was trained serves, whether the gate liked it or not: features and scores want a model. */
static void serve(struct import_bench *b, struct db *db, enum train_kind kind, double share,
                  int64_t horizon_us)
{
    struct train_result made[2] = {0}; /* affinity, risk */
    struct err err = {0};
    const struct train_options options = {.kind = kind,
                                          .as_of_us = time_of_share(b, share),
                                          .seed = 1,
                                          .horizon_us = horizon_us,
                                          .ahead_rows_max = at_length() ? 0 : QUIET_AHEAD_ROWS,
                                          .json = true,
                                          .out = fopen("/dev/null", "we")};
    assert_non_null(options.out);
    b->config.factors = 16;
    if (!train_run(&b->database, &b->config, &options, &made[0], &made[1], &err)) {
        fail_msg("train: %s", err.text);
    }
    (void)fclose(options.out);
    const struct train_result *r = &made[kind == TRAIN_RISK];
    if (r->trained[0] != '\0' && !r->promoted &&
        !store_model_promote(db, kind == TRAIN_RISK ? "risk" : "affinity", r->trained, "promote",
                             true, clock_now_us(), &err)) {
        fail_msg("promote: %s", err.text);
    }
}

/* risk_share: of the log, for the risk model of the normal run. Which model is asked matters little to whether both sides ask it
 * the same; the whole log takes minutes. */
static void expect_equal(struct import_bench *b, int64_t horizon_us, int64_t step_us,
                         double risk_share)
{
    struct train_context context;
    struct train_log log;
    struct live *live = NULL;
    struct err err = {0};
    CLEANUP(db_close) struct db *reader = NULL;
    struct comparison c = {.bench = b, .step_us = step_us};
    c.limit = at_length() ? LONG_MOMENTS : SHORT_MOMENTS;
    assert_true(database_connect(&b->database, &c.db, &err));
    serve(b, c.db, TRAIN_AFFINITY, EARLY_SHARE, horizon_us);
    serve(b, c.db, TRAIN_RISK, at_length() ? 1 : risk_share, horizon_us);
    /* Writes the days of the whole log; a training of its beginning leaves the later ones out. */
    assert_true(database_connect(&b->database, &reader, &err));
    const struct train_options options = {.as_of_us = INT64_MAX};
    const struct training t = {
        .config = &b->config, .options = &options, .db = reader, .store = c.db};
    assert_true(train_context_open(&t, &context, &err));
    assert_true(live_open(&b->database, &b->config, false, &live, &err));
    c.models = live_acquire(live);
    assert_non_null(c.models->risk);
    c.set.context = &context;
    assert_true(train_log_read(reader, INT64_MAX, compare_key, &c, &log, &err));
    print_message("%lld moments compared (%lld with a taste), model %s\n", (long long)c.compared,
                  (long long)c.tastes, risk_version(c.models->risk));
    assert_int_equal(c.compared, c.limit);
    assert_true(c.tastes > 0);
    moment_set_free(&c.set);
    train_context_free(&context);
    live_release(live, &c.models);
    live_close(&live);
    db_close(&c.db);
    arena_free(&c.arena);
}

static void import(struct import_bench *b, const char *path, const char *format,
                   const char *currency)
{
    const char *files[] = {path};
    static struct import_outcome o;
    bench_import(b,
                 (struct import_options){.format = format,
                                         .files = files,
                                         .file_count = 1,
                                         .currency = currency,
                                         .max_errors = 10},
                 &o);
    if (!o.done) {
        fail_msg("%s: %s", path, o.err.text);
    }
    assert_int_equal(unlink(path), 0);
}

/* ---- tests ---- */

static int fresh(void **state)
{
    static struct import_bench bench;
    bench_open(&bench, "risk_equal");
    *state = &bench;
    return 0;
}

static int drop(void **state)
{
    bench_close(*state);
    return 0;
}

static void on_retailrocket_buyers(void **state)
{
    if (SANITIZED && !at_length()) {
        skip(); /* 97,000 events more through code that the other two shops go through as well */
    }
    import(*state, data_file("retailrocket_buyers_97k_events.csv"), "retailrocket", NULL);
    expect_equal(*state, HOURS(24), 0, 0.06);
}

/* Few carts and three hours: a moment every 20 seconds. */
static void on_rees46(void **state)
{
    import(*state, data_file("rees46_2019_oct_17k_events.csv"), "rees46", "USD");
    expect_equal(*state, MINUTES(30), SECONDS(20), 1);
}

static void on_the_simulated_shop(void **state)
{
    import(*state, simulated(), "ndjson", NULL);
    expect_equal(*state, HOURS(24), 0, 0.2);
}

#define spec(test) cmocka_unit_test_setup_teardown(test, fresh, drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        spec(on_retailrocket_buyers),
        spec(on_rees46),
        spec(on_the_simulated_shop),
    };
    const char *why = data_file_absent("rees46_2019_oct_17k_events.csv");
    if (why != NULL) {
        printf("skipped: %s\n", why);
        return SKIPPED;
    }
    return cmocka_run_group_tests_name("replayed and served risk are the same bits", tests, NULL,
                                       NULL);
}
