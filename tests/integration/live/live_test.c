/* The models that serve: loading, swapping under readers, and what happens when a file is not whole. */
#include "integration/train_spec.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/metric.h"
#include "live/live.h"
#include "live/live_cache.h"
#include "store/models.h"
#include "support/folder.h"
#include "support/spec.h"

#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct flow_bench bench;
static char cache[sizeof bench.config.data_dir + 16];

static int open_bench(void **state)
{
    (void)state;
    flow_open(&bench, "live");
    (void)snprintf(bench.config.data_dir, sizeof bench.config.data_dir, "%s", folder_of_run());
    (void)snprintf(cache, sizeof cache, "%s/models", folder_of_run());
    bench.config.model_poll = 10000;
    open_shop(&bench, &(struct shop){
                          .shoppers = SHOPPERS_ENOUGH, .taste = true, .effect = true, .seed = 1});
    train_shop(&bench, 1);
    return 0;
}

/* Calls fn for every file of the cache; returns how many. */
static int each_cached(void (*fn)(const char *path))
{
    DIR *dir = opendir(cache);
    int count = 0;
    assert_non_null(dir);
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        if (e->d_name[0] != '.') {
            fn(arena_printf(&bench.arena, "%s/%s", cache, e->d_name));
            count++;
        }
    }
    (void)closedir(dir);
    return count;
}

static void remove_file(const char *path)
{
    assert_int_equal(unlink(path), 0);
}

static void break_file(const char *path)
{
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, 200, SEEK_SET), 0);
    assert_int_equal(fputc('!', f), '!');
    assert_int_equal(fclose(f), 0);
}

static int close_bench(void **state)
{
    (void)state;
    flow_close(&bench);
    return 0;
}

static void promote(const char *kind, const char *version)
{
    struct err err = {0};
    assert_true(
        store_model_promote(bench.db, kind, version, "promote", false, clock_now_us(), &err));
}

static struct live *opened(bool watch)
{
    struct live *live = NULL;
    struct err err = {0};
    if (!live_open(&bench.database, &bench.config, watch, &live, &err)) {
        fail_msg("live: %s", err.text);
    }
    return live;
}

static const char *serving_risk(struct live *live)
{
    const struct live_set *set = live_acquire(live);
    const char *version = set->risk ? arena_strdup(&bench.arena, risk_version(set->risk)) : "none";
    live_release(live, &set);
    return version;
}

static void champions_are_loaded_and_score(void **state)
{
    CLEANUP(live_close) struct live *live = opened(false);
    struct features x = {0};
    (void)state;
    const struct live_set *set = live_acquire(live);
    assert_string_equal(risk_version(set->risk), "risk-blend-2");
    assert_string_equal(affinity_version(set->affinity), "affinity-als-2");
    double p = risk_probability(set->risk, &x);
    assert_true(p > 0 && p < 1);
    live_release(live, &set);
    assert_null(set);
}

static void a_set_stays_whole_while_it_is_held(void **state)
{
    CLEANUP(live_close) struct live *live = opened(false);
    struct err err = {0};
    bool changed = false;
    (void)state;
    const struct live_set *old = live_acquire(live);
    const struct affinity *affinity = old->affinity;
    promote("risk", "risk-base_rate-1");
    assert_true(live_refresh(live, &changed, &err));
    assert_true(changed);
    assert_string_equal(risk_version(old->risk), "risk-blend-2");
    const struct live_set *now = live_acquire(live);
    assert_string_equal(risk_version(now->risk), "risk-base_rate-1");
    assert_ptr_equal(now->affinity, affinity); /* what did not change is shared */
    live_release(live, &old);
    live_release(live, &now);
    promote("risk", "risk-blend-2");
}

static void nothing_new_changes_nothing(void **state)
{
    CLEANUP(live_close) struct live *live = opened(false);
    struct err err = {0};
    bool changed = true;
    (void)state;
    assert_true(live_refresh(live, &changed, &err));
    assert_false(changed);
}

static void a_shop_without_models_serves_what_is_built_in(void **state)
{
    struct err err = {0};
    struct picks picks;
    (void)state;
    assert_true(db_begin(bench.db, &err));
    run_sql(
        &bench,
        "CREATE TABLE cartwright.set_aside AS SELECT * FROM cartwright.model_promotion; TRUNCATE cartwright.model_promotion");
    assert_true(db_commit(bench.db, &err));
    fold_to_end(&bench);
    struct live *live = opened(false);
    const struct live_set *set = live_acquire(live);
    assert_string_equal(risk_version(set->risk), "risk-prior-0");
    assert_string_equal(affinity_version(set->affinity), "affinity-prior-0");
    /* the log is full of what people did; for scores it is nobody's taste */
    affinity_rank(set->affinity, shopper_new("c:nobody", &bench.arena), START_US, 3, NULL, NULL,
                  &picks);
    assert_int_equal(picks.count, 3);
    assert_null(set->context.affinity);
    live_release(live, &set);
    live_close(&live);
    run_sql(
        &bench,
        "INSERT INTO cartwright.model_promotion SELECT * FROM cartwright.set_aside; DROP TABLE cartwright.set_aside");
}

static void a_broken_cached_file_is_fetched_again(void **state)
{
    struct live *live = opened(false);
    (void)state;
    live_close(&live);
    assert_true(each_cached(break_file) >= 2);
    live = opened(false);
    assert_string_equal(serving_risk(live), "risk-blend-2");
    live_close(&live);
}

/* Flips a bit of the model's file in the database; again: back. */
static void flip(const char *version)
{
    run_sql(
        &bench,
        arena_printf(
            &bench.arena,
            "UPDATE cartwright.model_chunk SET data = set_byte(data, 300, get_byte(data, 300) # 1) WHERE version = '%s'",
            version));
}

static const char *serving_affinity(struct live *live)
{
    const struct live_set *set = live_acquire(live);
    const char *version =
        set->affinity ? arena_strdup(&bench.arena, affinity_version(set->affinity)) : "none";
    live_release(live, &set);
    return version;
}

static bool refresh(struct live *live)
{
    struct err err = {0};
    bool changed = false;
    if (!live_refresh(live, &changed, &err)) {
        fail_msg("refresh: %s", err.text);
    }
    return changed;
}

static void a_bad_file_in_the_database_keeps_the_old_models_serving(void **state)
{
    CLEANUP(live_close) struct live *live = opened(false);
    uint64_t failures = metric_value(METRIC_model_load_failures);
    (void)state;
    flip("risk-base_rate-1");
    (void)each_cached(remove_file);
    promote("risk", "risk-base_rate-1");
    assert_false(refresh(live));
    assert_string_equal(serving_risk(live), "risk-blend-2");
    flip("risk-base_rate-1");
    assert_false(refresh(live)); /* refused once: only another version is tried */
    assert_int_equal(metric_value(METRIC_model_load_failures) - failures, 1);
    promote("risk", "risk-blend-2");
    assert_false(refresh(live));
    promote("risk", "risk-base_rate-1");
    assert_true(refresh(live));
    assert_string_equal(serving_risk(live), "risk-base_rate-1");
    promote("risk", "risk-blend-2");
}

static void a_bad_file_of_one_kind_does_not_hold_up_the_other(void **state)
{
    CLEANUP(live_close) struct live *live = opened(false);
    (void)state;
    flip("risk-base_rate-1");
    (void)each_cached(remove_file);
    promote("risk", "risk-base_rate-1");
    promote("affinity", "affinity-popularity-1");
    assert_true(refresh(live));
    assert_string_equal(serving_risk(live), "risk-blend-2");
    assert_string_equal(serving_affinity(live), "affinity-popularity-1");
    flip("risk-base_rate-1");
    promote("risk", "risk-blend-2");
    promote("affinity", "affinity-als-2");
}

static void assert_standing(struct live *live, enum live_standing risk, enum live_standing affinity)
{
    struct live_state state;
    live_look(live, &state);
    assert_int_equal(state.risk, risk);
    assert_int_equal(state.affinity, affinity);
}

static void a_bad_champion_at_start_is_stood_in_for(void **state)
{
    uint64_t failures = metric_value(METRIC_model_load_failures);
    (void)state;
    flip("risk-blend-2");
    (void)each_cached(remove_file);
    struct live *live = opened(false);
    assert_string_equal(serving_risk(live), "risk-base_rate-1");
    assert_string_equal(serving_affinity(live), "affinity-als-2");
    assert_standing(live, LIVE_FALLBACK, LIVE_CHAMPION);
    assert_int_equal(metric_value(METRIC_model_load_failures) - failures, 1);
    flip("risk-blend-2");
    assert_false(refresh(live)); /* refused once */
    assert_standing(live, LIVE_FALLBACK, LIVE_CHAMPION);
    promote("risk", "risk-base_rate-1");
    assert_false(refresh(live)); /* which is what serves */
    assert_standing(live, LIVE_CHAMPION, LIVE_CHAMPION);
    promote("risk", "risk-blend-2");
    assert_true(refresh(live));
    assert_string_equal(serving_risk(live), "risk-blend-2");
    live_close(&live);
}

static void where_every_file_is_bad_what_is_built_in_serves(void **state)
{
    (void)state;
    flip("risk-blend-2");
    flip("risk-base_rate-1");
    (void)each_cached(remove_file);
    struct live *live = opened(false);
    assert_string_equal(serving_risk(live), "risk-prior-0");
    assert_string_equal(serving_affinity(live), "affinity-als-2");
    assert_standing(live, LIVE_FALLBACK, LIVE_CHAMPION);
    flip("risk-blend-2");
    flip("risk-base_rate-1");
    promote("risk", "risk-base_rate-1");
    assert_true(refresh(live));
    assert_string_equal(serving_risk(live), "risk-base_rate-1");
    live_close(&live);
    promote("risk", "risk-blend-2");
}

static void a_cache_that_cannot_be_written_is_no_reason_not_to_serve(void **state)
{
    struct config config = bench.config;
    struct live *live = NULL;
    struct err err = {0};
    char path[sizeof config.data_dir + 16];
    (void)state;
    (void)snprintf(config.data_dir, sizeof config.data_dir, "%s/full", folder_of_run());
    assert_int_equal(mkdir(config.data_dir, 0777), 0);
    (void)snprintf(path, sizeof path, "%s/models", config.data_dir);
    FILE *f = fopen(path, "w"); /* where the folder would be */
    assert_non_null(f);
    assert_int_equal(fclose(f), 0);
    assert_true(live_open(&bench.database, &config, false, &live, &err));
    assert_string_equal(serving_risk(live), "risk-blend-2");
    assert_string_equal(serving_affinity(live), "affinity-als-2");
    live_close(&live);
    (void)snprintf(config.data_dir, sizeof config.data_dir, "/proc/nowhere"); /* not even that */
    assert_true(live_open(&bench.database, &config, false, &live, &err));
    assert_string_equal(serving_risk(live), "risk-blend-2");
    live_close(&live);
}

/* In place of the linker's: a database that goes away while a model's file is read. */
static bool away;
bool __real_live_cache_open(const char *path, struct db *db, const struct model_row *row,
                            struct model_file *out, struct err *unkept, struct err *err);
bool __wrap_live_cache_open(const char *path, struct db *db, const struct model_row *row,
                            struct model_file *out, struct err *unkept, struct err *err);
bool __wrap_live_cache_open(const char *path, struct db *db, const struct model_row *row,
                            struct model_file *out, struct err *unkept, struct err *err)
{
    return away ? FAIL(err, ERR_BUSY, "the database went away")
                : __real_live_cache_open(path, db, row, out, unkept, err);
}

static void a_database_that_goes_away_while_a_model_loads_says_nothing_about_the_model(void **state)
{
    CLEANUP(live_close) struct live *live = opened(false);
    uint64_t failures = metric_value(METRIC_model_load_failures);
    struct err err = {0};
    bool changed = true;
    (void)state;
    promote("risk", "risk-base_rate-1");
    away = true;
    assert_false(live_refresh(live, &changed, &err));
    away = false;
    assert_int_equal(err.kind, ERR_BUSY);
    assert_false(changed);
    assert_string_equal(serving_risk(live), "risk-blend-2");
    assert_true(refresh(live));
    assert_string_equal(serving_risk(live), "risk-base_rate-1");
    assert_int_equal(metric_value(METRIC_model_load_failures), failures);
    promote("risk", "risk-blend-2");
}

/* An addition of days ago, as it came in. */
struct addition {
    const char *customer;
    const char *agent;
    int days;
    enum event_origin origin;
};

static void add_to_cart(const struct addition *addition)
{
    struct arena *a = &bench.arena;
    struct err err = {0};
    enum append_status status;
    char time[CLOCK_TEXT_MAX];
    const int64_t at_us = clock_now_us() - DAYS(addition->days);
    const struct event_row row = {
        .event_id = addition->customer,
        .key = arena_printf(a, "c:%s", addition->customer),
        .type = "cart_item_added",
        .occurred_us = at_us,
        .body =
            arena_printf(a,
                         "{\"event_id\":\"%s\",\"type\":\"cart_item_added\",\"customer_id\":\"%s\","
                         "\"occurred_at\":\"%s\",\"context\":{\"user_agent\":\"%s\"},"
                         "\"items\":[{\"product_id\":\"p1\",\"quantity\":1}]}",
                         addition->customer, addition->customer, clock_format_rfc3339(at_us, time),
                         addition->agent)};

    assert_true(
        store_events_append(bench.db, &row, 1, addition->origin, clock_now_us(), &status, &err));
    assert_int_equal(status, APPEND_STORED);
}

/* What the fold thinks of its cart. */
static void assert_scored(const struct addition *addition, bool wanted)
{
    struct err err = {0};
    struct folder *f = NULL;
    int64_t folded = 1;
    CLEANUP(live_close) struct live *live = opened(false);

    add_to_cart(addition);
    assert_true(folder_open(&bench.database, &bench.config, live, "scores", LANES, &f, &err));
    /* The lanes are still leased to whoever folded for the test before, for as long as a lease lasts. */
    const int64_t until_us = clock_monotonic_us() + SECONDS(20);
    struct log_lag lag = {.events = 1};
    while (folded > 0 || lag.events > 0) {
        assert_true(clock_monotonic_us() < until_us);
        assert_true(folder_step(f, &folded, &err));
        assert_true(folder_lag(f, &lag, &err));
    }
    folder_close(&f);
    assert_int_equal(
        count_of(&bench, arena_printf(&bench.arena,
                                      "SELECT count(*) FROM cartwright.cart WHERE key = "
                                      "'c:%s' AND (risk IS NOT NULL) = %s",
                                      addition->customer, wanted ? "true" : "false")),
        1);
}

static void the_fold_scores_the_carts_of_people_and_not_of_crawlers(void **state)
{
    static const char firefox[] = "Mozilla/5.0 (X11; Linux x86_64) Firefox/120.0";
    (void)state;
    assert_scored(&(struct addition){"person", firefox, 0, ORIGIN_API}, true);
    assert_scored(
        &(struct addition){"crawler", "Mozilla/5.0 (compatible; Googlebot/2.1)", 0, ORIGIN_API},
        false);
}

static void an_imported_cart_is_scored_unless_it_is_of_long_ago(void **state)
{
    static const char firefox[] = "Mozilla/5.0 (X11; Linux x86_64) Firefox/120.0";
    (void)state;
    assert_scored(&(struct addition){"of today", firefox, 0, ORIGIN_IMPORT}, true);
    assert_scored(&(struct addition){"of then", firefox, 30, ORIGIN_IMPORT}, false);
    assert_scored(&(struct addition){"told late", firefox, 30, ORIGIN_API}, true);
}

static void the_watcher_swaps_by_itself(void **state)
{
    CLEANUP(live_close) struct live *live = opened(true);
    int64_t until_us = clock_monotonic_us() + SECONDS(20);
    (void)state;
    promote("risk", "risk-base_rate-1");
    while (strcmp(serving_risk(live), "risk-base_rate-1") != 0) {
        assert_true(clock_monotonic_us() < until_us);
        (void)sched_yield();
    }
    promote("risk", "risk-blend-2");
}

/* ---- readers under swaps ---- */

enum { READERS = 4, TELLERS = 2, SWAPS = SHOP_IS_LARGE ? 200 : 40 };

struct readers {
    struct live *live;
    atomic_bool stop;
    atomic_int scored;
    atomic_int wrong;
};

static void *read_on(void *arg)
{
    struct readers *r = arg;
    struct features x = {0};
    struct arena a = {0};
    struct picks picks;
    const struct shopper *s = shopper_new("c:nobody", &a);
    while (!atomic_load(&r->stop)) {
        const struct live_set *set = live_acquire(r->live);
        double p = set->risk ? risk_probability(set->risk, &x) : -1;
        affinity_rank(set->affinity, s, START_US, 3, NULL, NULL, &picks);
        if (!(p > 0 && p < 1) || picks.count != 3 || picks.items[0].product_id[0] != 'p') {
            atomic_fetch_add(&r->wrong, 1);
        }
        live_release(r->live, &set);
        atomic_fetch_add(&r->scored, 1);
        (void)sched_yield(); /* two cores, and the swaps need one */
    }
    arena_free(&a);
    return NULL;
}

/* As fold workers do. */
static void *tell_on(void *arg)
{
    struct readers *r = arg;
    struct event_item item = {.product_id = "p1"};
    const struct event viewed = {.type = EVENT_PRODUCT_VIEWED,
                                 .items = &item,
                                 .item_count = 1,
                                 .occurred_us = START_US + DAYS(30)};
    const struct log_event at = {.lane = 1, .off = 1, .key = "c:somebody"};
    while (!atomic_load(&r->stop)) {
        live_tell(r->live, &at, &viewed);
        (void)sched_yield();
    }
    return NULL;
}

static void many_swaps_fail_no_reader(void **state)
{
    CLEANUP(live_close) struct live *live = opened(false);
    struct readers r = {.live = live};
    pthread_t threads[READERS + TELLERS];
    uint64_t swaps = metric_value(METRIC_model_swaps);
    (void)state;
    for (int i = 0; i < READERS + TELLERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, i < READERS ? read_on : tell_on, &r), 0);
    }
    for (int i = 0; i < SWAPS; i++) {
        struct err err = {0};
        bool changed = false;
        promote("risk", i % 2 ? "risk-blend-2" : "risk-base_rate-1");
        promote("affinity", i % 2 ? "affinity-als-2" : "affinity-popularity-1");
        assert_true(live_refresh(live, &changed, &err));
        assert_true(changed);
    }
    atomic_store(&r.stop, true);
    for (int i = 0; i < READERS + TELLERS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    assert_int_equal(atomic_load(&r.wrong), 0);
    assert_true(atomic_load(&r.scored) > SWAPS);
    assert_int_equal(metric_value(METRIC_model_swaps) - swaps, SWAPS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(champions_are_loaded_and_score),
        cmocka_unit_test(a_set_stays_whole_while_it_is_held),
        cmocka_unit_test(nothing_new_changes_nothing),
        cmocka_unit_test(a_shop_without_models_serves_what_is_built_in),
        cmocka_unit_test(a_broken_cached_file_is_fetched_again),
        cmocka_unit_test(a_bad_file_in_the_database_keeps_the_old_models_serving),
        cmocka_unit_test(a_bad_file_of_one_kind_does_not_hold_up_the_other),
        cmocka_unit_test(a_bad_champion_at_start_is_stood_in_for),
        cmocka_unit_test(where_every_file_is_bad_what_is_built_in_serves),
        cmocka_unit_test(a_cache_that_cannot_be_written_is_no_reason_not_to_serve),
        cmocka_unit_test(
            a_database_that_goes_away_while_a_model_loads_says_nothing_about_the_model),
        cmocka_unit_test(the_fold_scores_the_carts_of_people_and_not_of_crawlers),
        cmocka_unit_test(an_imported_cart_is_scored_unless_it_is_of_long_ago),
        cmocka_unit_test(the_watcher_swaps_by_itself),
        cmocka_unit_test(many_swaps_fail_no_reader),
    };
    return cmocka_run_group_tests(tests, open_bench, close_bench);
}
