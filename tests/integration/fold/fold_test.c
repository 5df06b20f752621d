/* The consumer: exactly-once effect, whoever dies, whoever comes back from the dead. */
#include "base/clock.h"
#include "base/metric.h"
#include "base/stop.h"
#include "fold/fold.h"
#include "integration/flow_spec.h"
#include "support/pg_fixture.h"
#include "support/spec.h"

#include <stdio.h>
#include <unistd.h>

static struct flow_bench bench;

static int setup(void **state)
{
    (void)state;
    flow_open(&bench, "fold");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    flow_close(&bench);
    return 0;
}

static struct folder *a_folder(const char *owner)
{
    struct err err = {0};
    struct folder *f = NULL;
    if (!folder_open(&bench.database, &bench.config, NULL, owner, LANES, &f, &err)) {
        fail_msg("folder %s: %s", owner, err.text);
    }
    return f;
}

static int64_t step(struct folder *f)
{
    struct err err = {0};
    int64_t folded = 0;
    if (!folder_step(f, &folded, &err)) {
        fail_msg("step: %s", err.text);
    }
    return folded;
}

/* Some shoppers in different lanes, three events each. */
static void tell_of_shoppers(int from, int to)
{
    for (int i = from; i < to; i++) {
        char ids[3][32];
        char customer[32];
        (void)snprintf(customer, sizeof customer, "customer-%d", i);
        for (int e = 0; e < 3; e++) {
            (void)snprintf(ids[e], sizeof ids[e], "e-%d-%d", i, e);
        }
        const struct told events[] = {
            {.id = ids[0],
             .type = "product_viewed",
             .customer = customer,
             .product = "shoe",
             .at_s = 1},
            {.id = ids[1],
             .type = "cart_item_added",
             .customer = customer,
             .product = "shoe",
             .at_s = 2},
            {.id = ids[2],
             .type = "cart_item_added",
             .customer = customer,
             .product = "hat",
             .at_s = 3},
        };
        tell_all(&bench, events, COUNT_OF(events));
    }
}

static void every_event_is_folded_once_into_its_cart(void **state)
{
    (void)state;
    tell_of_shoppers(0, 20);
    fold_to_end(&bench);
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.cart WHERE lines = 2"), 20);
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.shopper"), 20);
    assert_replay_is_clean(&bench);
}

static void an_undecodable_event_becomes_a_dead_letter_and_blocks_nobody(void **state)
{
    const uint64_t refolds = metric_value(METRIC_fold_refolds);
    (void)state;
    run_sql(&bench, "SELECT * FROM cartwright.append_events('[{\"event_id\": \"bad\", \"type\": "
                    "\"cart_item_added\", \"customer_id\": \"y\", \"occurred_at\": "
                    "\"2026-01-01T00:00:01Z\", \"items\": [{\"product_id\": \"p\", \"quantity\": "
                    "-3}]}]')");
    TELL(&bench, .id = "good", .type = "cart_item_added", .customer = "y", .product = "p",
         .at_s = 2);
    fold_to_end(&bench);
    assert_string_equal(
        text_of(&bench, "SELECT event_id || ' ' || pointer FROM cartwright.dead_letter"),
        "bad /items/0/quantity");
    assert_int_equal(count_of(&bench, "SELECT units FROM cartwright.cart WHERE key = 'c:y'"), 1);
    assert_int_equal(metric_value(METRIC_fold_refolds),
                     refolds); /* it is not out of order either */
    assert_replay_is_clean(&bench);
}

/* append_events keeps what may be an order or a no; what it is the fold says. */
static void what_sql_keeps_of_an_order_or_a_no_counts(void **state)
{
    static const char *const noes[] = {
        "'consent_withdrawn', 'customer_id', true",
        "'unsub', 'customer_id', '{}'::jsonb",
        "'identify', 'customer_id', 1.5, 'properties', '{\"optOut\": true}'::jsonb",
        "'identify', 'customer_id', 'undefined', 'properties', '{\"opt_out\": \"true\"}'::jsonb",
        "'opted_out', 'sent_at', 'x'",
        "'chat_message', 'customer_id', '[]'::jsonb, 'properties', '{\"text\": \"STOP\"}'::jsonb"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(noes); i++) {
        run_sql(
            &bench,
            arena_printf(&bench.arena,
                         "SELECT cartwright.append_events(jsonb_build_object('event_id', 'n%zu', "
                         "'anonymous_id', 'x%zu', 'occurred_at', 'x', 'type', %s))",
                         i, i, noes[i]));
    }
    TELL(&bench, .id = "a", .type = "cart_item_added", .customer = "y", .product = "p", .at_s = 1);
    run_sql(
        &bench,
        "SELECT cartwright.append_events('{\"event_id\": \"o\", \"type\": \"purchase\", \"customer_id\": \"y\", "
        "\"cart_id\": {}, \"order_id\": [], \"anonymous_id\": false, \"occurred_at\": \"2026-01-01T00:00:09Z\", "
        "\"items\": [{\"product_id\": \"p\"}]}')");
    fold_to_end(&bench);
    assert_int_equal(
        count_of(
            &bench,
            "SELECT count(*) FROM cartwright.shopper WHERE key LIKE 'a:x%' AND "
            "doc::jsonb -> 'consents' -> 0 ->> 0 = 'all' AND doc::jsonb #>> '{consents,0,1}' IS NULL"),
        COUNT_OF(noes));
    assert_string_equal(text_of(&bench, "SELECT status FROM cartwright.cart WHERE key = 'c:y'"),
                        "bought");
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.dead_letter"), 0);
    assert_replay_is_clean(&bench);
}

/* What no decoder can even unpack: nobody writes such, but a hand in the log might. */
static void a_body_that_somebody_broke_is_a_dead_letter_as_it_stands(void **state)
{
    (void)state;
    TELL(&bench, .id = "broken", .type = "cart_item_added", .customer = "y", .product = "p",
         .at_s = 1);
    TELL(&bench, .id = "good", .type = "cart_item_added", .customer = "y", .product = "p",
         .at_s = 2);
    run_sql(&bench, "UPDATE cartwright.log SET body = '!' WHERE id = cartwright.id_pack('broken')");
    fold_to_end(&bench);
    assert_string_equal(
        text_of(&bench, "SELECT event_id || ' ' || body::text FROM cartwright.dead_letter"),
        "broken \"!\"");
    assert_int_equal(count_of(&bench, "SELECT units FROM cartwright.cart WHERE key = 'c:y'"), 1);
    assert_replay_is_clean(&bench);
}

static void unknown_types_are_counted_exactly_once(void **state)
{
    (void)state;
    TELL(&bench, .id = "u1", .type = "drone_landed", .anonymous = "x", .at_s = 1);
    TELL(&bench, .id = "u2", .type = "drone_landed", .anonymous = "x", .at_s = 2);
    TELL(&bench, .id = "i", .type = "identify", .customer = "y", .anonymous = "x", .at_s = 3);
    fold_to_end(&bench);
    assert_int_equal(count_of(&bench, "SELECT sum(events) FROM cartwright.unknown_type"), 2);
    assert_replay_is_clean(&bench);
}

/* What was forwarded was counted where it first lay; what cannot be decoded has no type to be unknown. */
static void metrics_count_what_was_folded_and_of_unknown_types_the_originals(void **state)
{
    (void)state;
    const uint64_t events = metric_value(METRIC_fold_events);
    const uint64_t dead = metric_value(METRIC_fold_dead);
    const uint64_t unknown = metric_value(METRIC_events_unknown_type);
    TELL(&bench, .id = "u1", .type = "drone_landed", .anonymous = "x", .at_s = 1);
    TELL(&bench, .id = "k", .type = "searched", .anonymous = "x", .at_s = 2);
    TELL(&bench, .id = "i", .type = "identify", .customer = "y", .anonymous = "x", .at_s = 3);
    run_sql(&bench, "SELECT * FROM cartwright.append_events('[{\"event_id\": \"bad\", \"type\": "
                    "\"cart_item_added\", \"customer_id\": \"y\", \"occurred_at\": "
                    "\"2026-01-01T00:00:01Z\", \"items\": 7}]')");
    fold_to_end(&bench);
    assert_int_equal(metric_value(METRIC_events_unknown_type) - unknown, 1);
    assert_int_equal(metric_value(METRIC_fold_dead) - dead, 1);
    assert_int_equal(metric_value(METRIC_fold_events) - events,
                     count_of(&bench, "SELECT count(*) FROM cartwright.event"));
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.event"), 8);
}

/* One type in two lanes, another in one of them, in one batch. */
static void unknown_types_are_counted_by_lane_and_type(void **state)
{
    (void)state;
    TELL(&bench, .id = "u1", .type = "drone_landed", .anonymous = "x", .at_s = 1);
    TELL(&bench, .id = "u2", .type = "drone_landed", .anonymous = "z", .at_s = 1);
    TELL(&bench, .id = "u3", .type = "kite_landed", .anonymous = "x", .at_s = 2);
    fold_to_end(&bench);
    assert_int_equal(
        count_of(&bench,
                 "SELECT count(DISTINCT lane) FROM cartwright.event WHERE type LIKE '%_landed'"),
        2);
    assert_int_equal(
        count_of(&bench, "SELECT count(*) FROM cartwright.unknown_type WHERE events = 1"), 3);
}

static void an_event_out_of_order_is_one_refold(void **state)
{
    (void)state;
    TELL(&bench, .id = "b", .type = "cart_item_added", .customer = "y", .product = "q", .at_s = 9);
    fold_to_end(&bench);
    const uint64_t refolds = metric_value(METRIC_fold_refolds);
    TELL(&bench, .id = "c", .type = "cart_item_added", .customer = "y", .product = "q", .at_s = 10);
    fold_to_end(&bench);
    assert_int_equal(metric_value(METRIC_fold_refolds), refolds);
    TELL(&bench, .id = "a", .type = "cart_item_added", .customer = "y", .product = "p", .at_s = 1);
    fold_to_end(&bench);
    assert_int_equal(metric_value(METRIC_fold_refolds), refolds + 1);
}

static void a_zombie_that_lost_its_lanes_writes_nothing(void **state)
{
    (void)state;
    struct folder *zombie = a_folder("zombie");
    assert_int_equal(step(zombie), 0); /* has all the lanes now */
    tell_of_shoppers(0, 2);
    /* it stood still for longer than its lease, and somebody else took over */
    run_sql(&bench, "UPDATE cartwright.lane_cursor SET lease_until = '-infinity'");
    run_sql(&bench, "DELETE FROM cartwright.lane_owner");
    struct folder *heir = a_folder("heir");
    while (step(heir) > 0) {
    }
    const char *before = dump_of(&bench, false);
    tell_of_shoppers(2, 4);
    assert_int_equal(step(zombie), 0); /* fenced */
    assert_string_equal(dump_of(&bench, false), before);
    folder_close(&zombie);
    while (step(heir) > 0) {
    }
    folder_close(&heir);
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.cart WHERE lines = 2"), 4);
    assert_replay_is_clean(&bench);
}

static void a_folder_that_was_fenced_asks_the_database_where_the_cursors_are(void **state)
{
    (void)state;
    bench.config.fold_lease = MINUTES(10); /* no renewal comes to its help */
    struct folder *fenced = a_folder("fenced");
    assert_int_equal(step(fenced), 0);
    tell_of_shoppers(0, 2);
    run_sql(&bench, "UPDATE cartwright.lane_cursor SET lease_until = '-infinity'");
    run_sql(&bench, "DELETE FROM cartwright.lane_owner");
    struct folder *heir = a_folder("heir");
    while (step(heir) > 0) {
    }
    folder_close(&heir);
    tell_of_shoppers(2, 3);
    run_sql(&bench, "UPDATE cartwright.lane_cursor SET lease_until = 'infinity'"); /* no orphans */
    assert_int_equal(step(fenced), 0); /* its cursors are those of before */
    run_sql(&bench, "UPDATE cartwright.lane_cursor SET lease_until = '-infinity'");
    int64_t folded = 0;
    for (int64_t n = step(fenced); n > 0; n = step(fenced)) {
        folded += n;
    }
    assert_int_equal(folded, 3);
    folder_close(&fenced);
    assert_replay_is_clean(&bench);
}

static void a_document_of_another_version_is_made_anew_with_exactly_its_carts(void **state)
{
    (void)state;
    TELL(&bench, .id = "a", .type = "cart_item_added", .customer = "y", .product = "p", .at_s = 1);
    fold_to_end(&bench);
    /* what some other version may have left: a document nobody can read, and a cart beside the real one */
    run_sql(&bench, "UPDATE cartwright.shopper SET doc = '{\"v\": 999}' WHERE key = 'c:y'");
    run_sql(
        &bench,
        "CREATE TEMP TABLE stale ON COMMIT DROP AS SELECT * FROM cartwright.cart WHERE key = 'c:y';"
        " UPDATE stale SET cart_id = 'of-another-version';"
        " INSERT INTO cartwright.cart SELECT * FROM stale"); /* one transaction: a pooler keeps no session */
    TELL(&bench, .id = "b", .type = "cart_item_added", .customer = "y", .product = "q", .at_s = 2);
    fold_to_end(&bench);
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.cart WHERE key = 'c:y'"), 1);
    assert_int_equal(count_of(&bench, "SELECT lines FROM cartwright.cart WHERE key = 'c:y'"), 2);
    assert_replay_is_clean(&bench);
}

static void folders_share_the_lanes_and_inherit_from_the_dead(void **state)
{
    (void)state;
    struct folder *one = a_folder("one");
    struct folder *two = a_folder("two");
    (void)step(one);
    (void)step(two);
    assert_int_equal(
        count_of(&bench, "SELECT count(*) FROM cartwright.lane_cursor WHERE owner = 'one'"), 128);
    assert_int_equal(
        count_of(&bench, "SELECT count(*) FROM cartwright.lane_cursor WHERE owner = 'two'"), 128);
    /* one dies without a word */
    run_sql(&bench,
            "UPDATE cartwright.lane_cursor SET lease_until = '-infinity' WHERE owner = 'one'");
    run_sql(&bench,
            "UPDATE cartwright.lane_owner SET seen_until = '-infinity' WHERE owner = 'one'");
    assert_false(stop_wait_us(bench.config.fold_lease / 2));
    (void)step(two);
    assert_int_equal(
        count_of(&bench, "SELECT count(*) FROM cartwright.lane_cursor WHERE owner = 'two'"), 256);
    folder_close(&one);
    folder_close(&two);
}

/* Long before its own leases are to be renewed. */
static void a_folder_takes_over_as_soon_as_a_lease_runs_out(void **state)
{
    (void)state;
    bench.config.fold_lease = HOURS(1);
    const int64_t until_us = clock_monotonic_us() + SECONDS(60);
    struct folder *one = a_folder("one");
    struct folder *two = a_folder("two");
    (void)step(one);
    (void)step(two);
    run_sql(&bench,
            "UPDATE cartwright.lane_cursor SET lease_until = '-infinity' WHERE owner = 'one'");
    run_sql(&bench,
            "UPDATE cartwright.lane_owner SET seen_until = '-infinity' WHERE owner = 'one'");
    while (count_of(&bench, "SELECT count(*) FROM cartwright.lane_cursor WHERE owner = 'two'") <
           LANES) {
        assert_true(clock_monotonic_us() < until_us);
        (void)step(two);
    }
    folder_close(&one);
    folder_close(&two);
}

/* What another folder has left behind comes in parts, and each part has news of every lane: none waits for all of it. */
static void news_of_a_lane_wait_for_no_backlog_of_others(void **state)
{
    (void)state;
    enum { BACKLOG = 20000, FIRST = 1000, AIM_US = 300000, SLACK = 4 };
    bench.config.fold_batch = 10000;
    bench.config.fold_lease = HOURS(1);
    int64_t folded = 0, allowed = FIRST;
    run_sql(&bench,
            arena_printf(&bench.arena,
                         "SELECT count(*) FROM (SELECT (cartwright.append_events(jsonb_agg("
                         "jsonb_build_object('event_id', 'b' || n, 'type', 'product_viewed', "
                         "'customer_id', 'c' || n %% 5000, 'occurred_at', '2026-01-01T00:00:00Z', "
                         "'items', '[{\"product_id\": \"p\"}]'::jsonb)))).* "
                         "FROM generate_series(1, %d) n GROUP BY n / 1000) AS a",
                         BACKLOG));
    struct folder *f = a_folder("f");

    for (int64_t all = 0; all < BACKLOG; all += folded) {
        const int64_t from_us = clock_monotonic_us();
        folded = step(f);
        const int64_t took_us = clock_monotonic_us() - from_us;
        assert_in_range(folded, 1, allowed);
        allowed = SLACK * folded * AIM_US / took_us;
        const int64_t least = (int64_t)SLACK * LANES;
        allowed = allowed > least ? allowed : least;
    }
    folder_close(&f);
}

static void a_closed_folder_leaves_its_lanes_to_others_at_once(void **state)
{
    (void)state;
    struct folder *f = a_folder("gone");
    (void)step(f);
    folder_close(&f);
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.lane_cursor WHERE "
                                      "lease_until > now() OR owner IS NOT NULL"),
                     0);
}

static void catching_up_reads_the_log_to_its_end_and_says_how_far_it_is(void **state)
{
    (void)state;
    struct err err = {0};
    tell_of_shoppers(0, 30);
    assert_true(fold_catch_up(&bench.database, &bench.config, NULL, NULL, &err));
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.cart WHERE lines = 2"), 30);
    assert_replay_is_clean(&bench);
}

static void note_progress(void *ctx, int64_t folded)
{
    int64_t *last = ctx;

    assert_true(folded >= *last);
    *last = folded;
}

static void a_lone_catch_up_tells_every_event_it_has_folded(void **state)
{
    (void)state;
    struct err err = {0};
    int64_t folded = -1;
    bench.config.fold_workers = 1;
    assert_true(fold_catch_up(&bench.database, &bench.config, note_progress, &folded, &err));
    assert_int_equal(folded, 0);
    tell_of_shoppers(0, 30);
    assert_true(fold_catch_up(&bench.database, &bench.config, note_progress, &folded, &err));
    assert_int_equal(folded, 90);
}

static void without_workers_nothing_is_folded_and_nothing_stalls(void **state)
{
    (void)state;
    struct err err = {0};
    struct fold_workers *workers = NULL;
    bench.config.fold_workers = 0;
    assert_true(fold_workers_start(&bench.database, &bench.config, NULL, &workers, &err));
    const int64_t started_us = clock_monotonic_us();
    assert_false(stop_wait_us(1000));
    assert_true(fold_workers_last_pass_us(workers) > started_us);
    fold_workers_stop(&workers);
    fold_workers_stop(&workers); /* there is none any more */
    assert_null(workers);
}

/* Until the metric has the value, at most 20 s. */
static void wait_for_lag(int64_t events)
{
    const int64_t until_us = clock_monotonic_us() + SECONDS(20);

    while (metric_value(METRIC_fold_lag_events) != (uint64_t)events) {
        if (clock_monotonic_us() > until_us) {
            fail_msg("the lag is told as %lld events, not %lld",
                     (long long)metric_value(METRIC_fold_lag_events), (long long)events);
        }
        assert_false(stop_wait_us(10000));
    }
}

static void the_first_worker_tells_how_far_the_fold_lags_behind(void **state)
{
    (void)state;
    struct err err = {0};
    struct fold_workers *workers = NULL;
    bench.config.fold_lease = SECONDS(5);
    struct folder *idle = a_folder("idle");
    assert_int_equal(step(idle), 0); /* has all the lanes, and does nothing with them */
    tell_of_shoppers(0, 2);
    metric_set(METRIC_fold_lag_events, 77);
    metric_set(METRIC_fold_lag_us, 77);
    assert_true(fold_workers_start(&bench.database, &bench.config, NULL, &workers, &err));
    wait_for_lag(6);
    assert_true(metric_value(METRIC_fold_lag_us) > SECONDS(1)); /* received in January */
    folder_close(&idle);
    wait_for_lag(0);
    fold_workers_stop(&workers);
    assert_int_equal(metric_value(METRIC_fold_lag_us), 0);
}

/* ---- an outage ---- */

static struct {
    int saved, file;
    char text[1 << 16];
} told; /* what was logged since tell_begin */

static void tell_begin(void)
{
    FILE *file = tmpfile();

    assert_non_null(file);
    told.file = dup(fileno(file));
    (void)fclose(file);
    told.saved = dup(STDERR_FILENO);
    assert_int_equal(dup2(told.file, STDERR_FILENO), STDERR_FILENO);
}

static void tell_end(void)
{
    assert_int_equal(dup2(told.saved, STDERR_FILENO), STDERR_FILENO);
    (void)close(told.saved);
    (void)close(told.file);
}

/* How often the event was logged by now. */
static int times_logged(const char *event)
{
    int times = 0;
    const ssize_t n = pread(told.file, told.text, sizeof told.text - 1, 0);

    told.text[n > 0 ? n : 0] = '\0';
    for (const char *at = strstr(told.text, event); at != NULL; at = strstr(at + 1, event)) {
        times++;
    }
    return times;
}

static void wait_until_logged(const char *event)
{
    const int64_t until_us = clock_monotonic_us() + SECONDS(20);

    while (times_logged(event) == 0 && clock_monotonic_us() < until_us) {
        (void)stop_wait_us(10000);
    }
}

static void an_outage_is_logged_once_when_it_begins_and_once_when_it_ends(void **state)
{
    (void)state;
    struct err err = {0};
    struct fold_workers *workers = NULL;
    bench.config.fold_workers = 1;
    assert_true(fold_workers_start(&bench.database, &bench.config, NULL, &workers, &err));
    tell_begin();
    run_sql(&bench, "ALTER TABLE cartwright.lane_owner RENAME TO out_of_order");
    wait_until_logged("fold_failed");
    (void)stop_wait_us(20 * bench.config.fold_poll); /* some more passes fail */
    run_sql(&bench, "ALTER TABLE cartwright.out_of_order RENAME TO lane_owner");
    wait_until_logged("fold_recovered");
    (void)stop_wait_us(20 * bench.config.fold_poll);
    const int failed = times_logged("fold_failed");
    const int recovered = times_logged("fold_recovered");
    fold_workers_stop(&workers);
    tell_end();
    assert_int_equal(failed, 1);
    assert_int_equal(recovered, 1);
}

static void workers_fold_what_comes_in_and_stop_when_told(void **state)
{
    (void)state;
    struct err err = {0};
    struct fold_workers *workers = NULL;
    int64_t until_us = clock_monotonic_us() + SECONDS(20);
    assert_true(fold_workers_start(&bench.database, &bench.config, NULL, &workers, &err));
    assert_int_equal(
        count_of(&bench, "SELECT count(*) FROM cartwright.lane_owner"),
        bench.config.fold_workers); /* one more would keep its share of lanes for nothing */
    int64_t passed_us = fold_workers_last_pass_us(workers);
    tell_of_shoppers(0, 20);
    while (count_of(&bench, "SELECT count(*) FROM cartwright.cart WHERE lines = 2") < 20 &&
           clock_monotonic_us() < until_us) {
        assert_false(stop_wait_us(10000));
    }
    assert_true(fold_workers_last_pass_us(workers) > passed_us);
    fold_workers_stop(&workers);
    assert_null(workers);
    assert_replay_is_clean(&bench);
}

static void workers_outlive_the_loss_of_their_connections(void **state)
{
    (void)state;
    if (pg_fixture_pooled()) {
        skip(); /* the connections are the pooler's to lose, and this test's own goes with them */
    }
    struct err err = {0};
    struct fold_workers *workers = NULL;
    int64_t until_us = clock_monotonic_us() + SECONDS(30);
    assert_true(fold_workers_start(&bench.database, &bench.config, NULL, &workers, &err));
    for (int i = 0; i < 5; i++) {
        tell_of_shoppers(10 * i, 10 * i + 10);
        run_sql(&bench, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
                        "current_database() AND pid <> pg_backend_pid()");
    }
    while (count_of(&bench, "SELECT count(*) FROM cartwright.cart WHERE lines = 2") < 50 &&
           clock_monotonic_us() < until_us) {
        assert_false(stop_wait_us(10000));
    }
    fold_workers_stop(&workers);
    fold_to_end(&bench);
    assert_replay_is_clean(&bench);
}

/* ---- what another transaction holds ---- */

/* Another connection, for a transaction that is left open. */
static struct flow_bench other;

static void other_begins(const char *sql)
{
    struct err err = {0};
    other = bench;
    assert_true(database_connect(&bench.database, &other.db, &err));
    run_sql(&other, "BEGIN");
    run_sql(&other, sql);
}

static void other_ends(void)
{
    run_sql(&other, "ROLLBACK");
    db_close(&other.db);
}

/* What is not folded though it could be: of lanes other than that key's. */
static int64_t unfolded_beside(const char *key)
{
    return count_of(
        &bench,
        arena_printf(
            &bench.arena,
            "SELECT count(*) FROM cartwright.lane_cursor c JOIN cartwright.event e ON e.lane = c.lane AND "
            "e.off > c.off WHERE c.lane <> cartwright.lane_of('%s')",
            key));
}

static int64_t unfolded(void)
{
    return unfolded_beside("");
}

/* Steps until all but that lane is folded; how many it took. */
static int steps_past(struct folder *f, const char *key)
{
    int steps = 0;
    for (; unfolded_beside(key) > 0; steps++) {
        assert_in_range(steps, 0, 1000);
        (void)step(f);
    }
    return steps;
}

static void folded_when_released(struct folder *f)
{
    const int64_t until_us = clock_monotonic_us() + SECONDS(60);
    while (unfolded() > 0) {
        assert_true(clock_monotonic_us() < until_us);
        (void)step(f);
    }
    struct folder_state state;
    folder_look(f, &state);
    assert_int_equal(state.held_lanes, 0);
    assert_int_equal(metric_value(METRIC_fold_held), 0);
    assert_replay_is_clean(&bench);
}

static void held(struct folder *f, const char *key)
{
    struct folder_state state;
    (void)steps_past(f, key);
    for (int i = 0; i < 5; i++) { /* and it stays so: what comes later is folded as well */
        tell_of_shoppers(100 + 10 * i, 110 + 10 * i);
        (void)steps_past(f, key);
    }
    folder_look(f, &state);
    assert_int_equal(state.held_lanes, 1);
    assert_true(state.held_us > 0);
    assert_int_equal(metric_value(METRIC_fold_held), 1);
    assert_true(unfolded() > 0);
}

static void a_held_cursor_stops_the_fold_of_its_lane_only(void **state)
{
    (void)state;
    bench.config.fold_lease = MINUTES(10);
    struct folder *f = a_folder("f");
    assert_int_equal(step(f), 0);
    tell_of_shoppers(0, 20);
    other_begins("SELECT off FROM cartwright.lane_cursor WHERE lane = "
                 "cartwright.lane_of('c:customer-0') FOR UPDATE");
    held(f, "c:customer-0");
    other_ends();
    folded_when_released(f);
    folder_close(&f);
}

static int64_t waiting(void)
{
    return count_of(&bench, "SELECT count(*) FROM cartwright.derived_waiting");
}

static int64_t forwarded(void)
{
    return count_of(&bench, "SELECT count(*) FROM cartwright.event WHERE key = 'c:held' AND type = "
                            "'forwarded'");
}

/* Steps until everything in the log is folded. */
static void fold_the_log(struct folder *f)
{
    const int64_t until_us = clock_monotonic_us() + SECONDS(60);

    while (unfolded() > 0) {
        assert_true(clock_monotonic_us() < until_us);
        (void)step(f);
    }
}

static void told_when_released(struct folder *f)
{
    const int64_t until_us = clock_monotonic_us() + SECONDS(60);

    while (waiting() > 0) {
        assert_true(clock_monotonic_us() < until_us);
        (void)step(f);
    }
    folded_when_released(f);
    assert_int_equal(metric_value(METRIC_fold_waiting), 0);
}

/* What is to be forwarded waits; the browser's lane, and everybody in it, does not. */
static void a_lane_that_takes_no_events_stops_nobody_who_forwards_to_it(void **state)
{
    (void)state;
    bench.config.fold_lease = MINUTES(10);
    struct folder_state look;
    struct log_lag lag;
    struct err err = {0};
    struct folder *f = a_folder("f");
    TELL(&bench, .id = "i1", .type = "identify", .customer = "held", .anonymous = "dev", .at_s = 1);
    while (step(f) > 0) {
    }
    other_begins("SELECT * FROM cartwright.append_events('[{\"event_id\": \"sql\", \"type\": "
                 "\"product_viewed\", \"customer_id\": \"held\", \"occurred_at\": "
                 "\"2026-01-01T00:00:01Z\"}]')");
    for (int i = 0; i < 3; i++) {
        TELL(&bench, .id = arena_printf(&bench.arena, "d%d", i), .type = "product_viewed",
             .anonymous = "dev", .product = "p", .at_s = 50 + i);
        tell_of_shoppers(10 * i, 10 * i + 10);
        fold_the_log(f);
        assert_int_equal(waiting(), i + 1);
    }
    (void)step(f); /* which sees that the lane is held still */
    folder_look(f, &look);
    assert_int_equal(look.held_lanes, 0);
    assert_int_equal(look.waiting_lanes, 1);
    assert_true(look.held_us > 0);
    assert_int_equal(metric_value(METRIC_fold_waiting), 1);
    assert_true(folder_lag(f, &lag, &err));
    assert_int_equal(lag.events, 3);
    assert_int_equal(forwarded(), 0);
    other_ends();
    told_when_released(f);
    assert_int_equal(forwarded(), 3);
    folder_close(&f);
}

static void what_waits_for_a_lane_is_told_by_others_where_the_folder_has_died(void **state)
{
    (void)state;
    struct folder *f = a_folder("f");
    TELL(&bench, .id = "i1", .type = "identify", .customer = "held", .anonymous = "dev", .at_s = 1);
    while (step(f) > 0) {
    }
    other_begins(
        "SELECT FROM cartwright.lane WHERE lane = cartwright.lane_of('c:held') FOR UPDATE");
    TELL(&bench, .id = "d1", .type = "cart_item_added", .anonymous = "dev", .product = "p",
         .at_s = 50);
    fold_the_log(f);
    folder_close(&f);
    assert_int_equal(waiting(), 1);
    other_ends();
    struct folder *heir = a_folder("heir");
    told_when_released(heir);
    assert_int_equal(forwarded(), 1);
    assert_int_equal(count_of(&bench, "SELECT lines FROM cartwright.cart WHERE key = 'c:held'"), 1);
    folder_close(&heir);
}

static void a_row_that_somebody_locks_stops_its_lane_only(void **state)
{
    (void)state;
    bench.config.fold_lease = MINUTES(10);
    struct folder *f = a_folder("f");
    tell_of_shoppers(0, 20);
    while (step(f) > 0) {
    }
    other_begins("SELECT FROM cartwright.shopper WHERE key = 'c:customer-7' FOR UPDATE");
    TELL(&bench, .id = "more", .type = "product_viewed", .customer = "customer-7", .product = "p",
         .at_s = 50);
    held(f, "c:customer-7");
    other_ends();
    folded_when_released(f);
    folder_close(&f);
}

/* It would renew, give back and release: none of these may wait for a cursor that is held. */
static void a_folder_comes_and_goes_though_a_cursor_is_held(void **state)
{
    (void)state;
    struct folder *first = a_folder("first");
    assert_int_equal(step(first), 0);
    other_begins("SELECT off FROM cartwright.lane_cursor WHERE lane = "
                 "cartwright.lane_of('c:customer-0') FOR UPDATE");
    const int64_t from_us = clock_monotonic_us();
    struct folder *second = a_folder("second"); /* takes half of them, which the first gives back */
    tell_of_shoppers(0, 20);
    while (unfolded_beside("c:customer-0") > 0) {
        assert_true(clock_monotonic_us() - from_us < SECONDS(60));
        (void)step(first);
        (void)step(second);
    }
    folder_close(&first);
    (void)steps_past(second, "c:customer-0");
    other_ends();
    folded_when_released(second);
    folder_close(&second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_event_is_folded_once_into_its_cart, setup, teardown),
        cmocka_unit_test_setup_teardown(
            an_undecodable_event_becomes_a_dead_letter_and_blocks_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(what_sql_keeps_of_an_order_or_a_no_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(a_body_that_somebody_broke_is_a_dead_letter_as_it_stands,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(unknown_types_are_counted_exactly_once, setup, teardown),
        cmocka_unit_test_setup_teardown(
            metrics_count_what_was_folded_and_of_unknown_types_the_originals, setup, teardown),
        cmocka_unit_test_setup_teardown(unknown_types_are_counted_by_lane_and_type, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_event_out_of_order_is_one_refold, setup, teardown),
        cmocka_unit_test_setup_teardown(a_zombie_that_lost_its_lanes_writes_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            a_folder_that_was_fenced_asks_the_database_where_the_cursors_are, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_document_of_another_version_is_made_anew_with_exactly_its_carts, setup, teardown),
        cmocka_unit_test_setup_teardown(folders_share_the_lanes_and_inherit_from_the_dead, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_folder_takes_over_as_soon_as_a_lease_runs_out, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(news_of_a_lane_wait_for_no_backlog_of_others, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_closed_folder_leaves_its_lanes_to_others_at_once, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(catching_up_reads_the_log_to_its_end_and_says_how_far_it_is,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_lone_catch_up_tells_every_event_it_has_folded, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(without_workers_nothing_is_folded_and_nothing_stalls, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_first_worker_tells_how_far_the_fold_lags_behind, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            an_outage_is_logged_once_when_it_begins_and_once_when_it_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(workers_fold_what_comes_in_and_stop_when_told, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(workers_outlive_the_loss_of_their_connections, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_held_cursor_stops_the_fold_of_its_lane_only, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_lane_that_takes_no_events_stops_nobody_who_forwards_to_it,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            what_waits_for_a_lane_is_told_by_others_where_the_folder_has_died, setup, teardown),
        cmocka_unit_test_setup_teardown(a_row_that_somebody_locks_stops_its_lane_only, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_folder_comes_and_goes_though_a_cursor_is_held, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
