#include "integration/store/store_spec.h"

#include "base/rng.h"
#include "store/gather.h"

#include <pthread.h>
#include <stdatomic.h>

/* ---- what an append answers ---- */

static void an_event_is_stored_once_and_its_retry_is_a_duplicate(void **state)
{
    (void)state;
    assert_int_equal(append(an_event()), APPEND_STORED);
    assert_int_equal(append(an_event()), APPEND_DUPLICATE);
    assert_int_equal(sql_number("SELECT count(*) FROM cartwright.event"), 1);
}

static void the_same_id_with_another_body_is_a_conflict_and_changes_nothing(void **state)
{
    (void)state;
    assert_int_equal(append(an_event(.body = "{\"page\": \"home\"}")), APPEND_STORED);
    assert_int_equal(append(an_event(.body = "{\"page\": \"cart\"}")), APPEND_CONFLICT);
    assert_string_equal(sql_text("SELECT body ->> 'page' FROM cartwright.event"), "home");
}

static void received_at_order_and_spacing_do_not_make_another_body(void **state)
{
    (void)state;
    assert_int_equal(append(an_event(.body = "{\"a\": 1, \"b\": 2, \"received_at\": \"then\"}")),
                     APPEND_STORED);
    assert_int_equal(append(an_event(.body = "{\"b\":2,\"a\":1,\"received_at\":\"now\"}")),
                     APPEND_DUPLICATE);
}

static void one_id_may_be_used_in_two_lanes(void **state)
{
    (void)state;
    assert_int_equal(append(an_event(.key = "c:ann")), APPEND_STORED);
    assert_int_equal(append(an_event(.key = "c:bob")), APPEND_STORED);
}

static void within_one_batch_the_first_is_stored_and_the_rest_answer_for_themselves(void **state)
{
    (void)state;
    const struct event_row rows[] = {
        an_event(.event_id = "e1"), an_event(.event_id = "e2"),
        an_event(.event_id = "e1"), an_event(.event_id = "e2", .body = "{\"page\": \"other\"}"),
        an_event(.event_id = "e3"),
    };
    static const enum append_status expected[] = {APPEND_STORED, APPEND_STORED, APPEND_DUPLICATE,
                                                  APPEND_CONFLICT, APPEND_STORED};
    enum append_status got[COUNT_OF(rows)];

    assert_ok(
        store_events_append(spec.db, rows, COUNT_OF(rows), ORIGIN_API, NOW_US, got, &spec.err));

    assert_memory_equal(got, expected, sizeof expected);
}

static void a_batch_against_what_is_stored_answers_for_each_event(void **state)
{
    (void)state;
    (void)append(an_event(.event_id = "old"));
    (void)append(an_event(.event_id = "changed"));
    const struct event_row rows[] = {an_event(.event_id = "new"), an_event(.event_id = "old"),
                                     an_event(.event_id = "changed", .body = "{}"),
                                     an_event(.event_id = "newer"),
                                     an_event(.event_id = "changed", .body = "{}")};
    static const enum append_status expected[] = {APPEND_STORED, APPEND_DUPLICATE, APPEND_CONFLICT,
                                                  APPEND_STORED, APPEND_CONFLICT};
    enum append_status got[COUNT_OF(rows)];

    assert_ok(
        store_events_append(spec.db, rows, COUNT_OF(rows), ORIGIN_API, NOW_US, got, &spec.err));

    assert_memory_equal(got, expected, sizeof expected);
    assert_int_equal(sql_number("SELECT count(*) FROM cartwright.event"), 4);
}

static void an_empty_batch_is_no_query_at_all(void **state)
{
    (void)state;
    assert_ok(store_events_append(spec.db, NULL, 0, ORIGIN_API, NOW_US, NULL, &spec.err));
}

/* ---- order ---- */

static void a_lane_keeps_the_order_of_the_batch(void **state)
{
    (void)state;
    const struct event_row rows[] = {an_event(.event_id = "z"),
                                     an_event(.event_id = "x", .key = "c:bob"),
                                     an_event(.event_id = "a"), an_event(.event_id = "m")};
    enum append_status got[COUNT_OF(rows)];

    assert_ok(
        store_events_append(spec.db, rows, COUNT_OF(rows), ORIGIN_API, NOW_US, got, &spec.err));

    assert_string_equal(
        sql_text(
            "SELECT string_agg(event_id || ':' || off, ' ' ORDER BY off) FROM cartwright.event WHERE key = 'c:ann'"),
        "z:1 a:2 m:3");
}

static void the_lane_in_sql_is_the_lane_in_c(void **state)
{
    (void)state;
    static const char *const keys[] = {"c:ann", "a:0", "c:käthe", "a:日本"};
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        (void)append(an_event(.event_id = keys[i], .key = keys[i]));
        const char *query = arena_printf(
            &spec.arena, "SELECT lane FROM cartwright.event WHERE key = '%s'", keys[i]);
        assert_int_equal(sql_number(query), event_lane(keys[i]));
    }
}

static void an_append_joins_the_transaction_that_is_open(void **state)
{
    (void)state;
    assert_ok(db_begin(spec.db, &spec.err));
    assert_int_equal(append(an_event()), APPEND_STORED);
    db_rollback(spec.db);
    assert_int_equal(sql_number("SELECT count(*) FROM cartwright.event"), 0);
}

static void an_append_refuses_a_transaction_with_an_old_snapshot(void **state)
{
    (void)state;
    enum append_status status;
    struct event_row row = an_event();
    sql("BEGIN ISOLATION LEVEL REPEATABLE READ");
    assert_fails(store_events_append(spec.db, &row, 1, ORIGIN_API, NOW_US, &status, &spec.err),
                 ERR_INTERNAL);
    assert_text_contains(spec.err.text, "READ COMMITTED");
}

/* ---- reading ---- */

static void an_event_reads_back_as_it_was_stored(void **state)
{
    (void)state;
    struct shopper_rows got;
    (void)append(
        an_event(.event_id = "e9", .occurred_us = NOW_US - 123457, .body = "{\"page\": \"café\"}"));

    assert_ok(
        store_gather(spec.db, &(struct shopper_ask){.key = "c:ann"}, &spec.arena, &got, &spec.err));

    const struct log_event *events = got.events.events;
    assert_int_equal(got.events.count, 1);
    assert_string_equal(events[0].event_id, "e9");
    assert_string_equal(events[0].key, "c:ann");
    size_t len;
    const char *body = log_event_body(&events[0], &spec.arena, &len);
    assert_string_equal(body, "{\"page\": \"café\"}");
    assert_int_equal(len, strlen(body));
    assert_int_equal(events[0].origin, ORIGIN_API);
    assert_int_equal(events[0].occurred_us, NOW_US - 123457);
    assert_int_equal(events[0].received_us, NOW_US);
}

/* 40 events of ann, 3 of bob, none of the rest. */
static struct lane_lease *two_busy_lanes(void)
{
    char id[16];
    for (int i = 0; i < 43; i++) {
        (void)snprintf(id, sizeof id, "e%d", i);
        (void)append(an_event(.event_id = id, .key = i < 40 ? "c:ann" : "c:bob"));
    }
    struct lane_lease *lanes = arena_array(&spec.arena, LANES, sizeof *lanes);
    for (int i = 0; i < LANES; i++) {
        lanes[i].lane = i;
    }
    return lanes;
}

static size_t events_of(const struct log_event *events, size_t count, const char *key)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        n += strcmp(events[i].key, key) == 0;
    }
    return n;
}

static struct events_most most(int64_t events)
{
    return (struct events_most){.events = events, .bytes = INT64_MAX};
}

static void a_busy_lane_leaves_room_for_the_others(void **state)
{
    (void)state;
    struct log_event *events;
    size_t count;
    const struct lane_lease *lanes = two_busy_lanes();

    assert_ok(store_events_after(spec.db, lanes, LANES, most(10), &spec.arena, &events, &count,
                                 &spec.err));

    assert_int_equal(events_of(events, count, "c:ann"), 5);
    assert_int_equal(events_of(events, count, "c:bob"), 3);
    for (size_t i = 1; i < count; i++) {
        assert_true(events[i].lane > events[i - 1].lane || events[i].off == events[i - 1].off + 1);
    }
}

static void a_lane_without_news_takes_no_share(void **state)
{
    (void)state;
    struct log_event *events;
    size_t count;
    struct lane_lease *lanes = two_busy_lanes();

    lanes[event_lane("c:bob")].off = 3; /* to its end */
    assert_ok(store_events_after(spec.db, lanes, LANES, most(10), &spec.arena, &events, &count,
                                 &spec.err));
    assert_int_equal(events_of(events, count, "c:ann"), 10);
    assert_int_equal(count, 10);
}

static void fewer_events_than_lanes_with_news_are_still_read(void **state)
{
    (void)state;
    struct log_event *events;
    size_t count;
    const struct lane_lease *lanes = two_busy_lanes();
    assert_ok(store_events_after(spec.db, lanes, LANES, most(1), &spec.arena, &events, &count,
                                 &spec.err));
    assert_int_equal(count, 1);
}

/* So many bytes of page. */
static void append_large(const char *id, const char *key, int bytes)
{
    char *page = arena_alloc(&spec.arena, (size_t)bytes + 1);

    memset(page, 'x', (size_t)bytes);
    (void)append(an_event(.event_id = id, .key = key,
                          .body = arena_printf(&spec.arena, "{\"page\": \"%s\"}", page)));
}

static size_t bytes_of(const struct log_event *events, size_t count)
{
    size_t bytes = 0;

    for (size_t i = 0; i < count; i++) {
        bytes += log_event_body_len(&events[i]);
    }
    return bytes;
}

static void lanes_of_large_events_share_the_bytes(void **state)
{
    struct log_event *events;
    size_t count;
    (void)state;

    const struct lane_lease *lanes = two_busy_lanes();
    for (int i = 0; i < 40; i++) {
        append_large(arena_printf(&spec.arena, "c%d", i), "c:carl", 10000);
        append_large(arena_printf(&spec.arena, "d%d", i), "c:dora", 10000);
    }
    for (int i = 0; i < 20; i++) { /* whatever lane comes first */
        assert_ok(store_events_after(spec.db, lanes, LANES,
                                     (struct events_most){.events = 400, .bytes = 100000},
                                     &spec.arena, &events, &count, &spec.err));
        assert_true(bytes_of(events, count) <= 100000);
        assert_int_equal(events_of(events, count, "c:ann"), 40);
        assert_int_equal(events_of(events, count, "c:bob"), 3);
        assert_in_range(events_of(events, count, "c:carl"), 2, 7);
        assert_in_range(events_of(events, count, "c:dora"), 2, 7);
    }
}

static void an_event_larger_than_all_may_be_comes_alone(void **state)
{
    struct log_event *events;
    size_t count = 1;
    size_t read = 0;
    int alone = 0;
    (void)state;

    struct lane_lease *lanes = two_busy_lanes();
    append_large("large", "c:ann", 100000);
    append_large("behind", "c:ann", 10);
    for (int i = 0; read < 45 && i < 1000; i++) {
        assert_ok(store_events_after(spec.db, lanes, LANES,
                                     (struct events_most){.events = 100, .bytes = 4000},
                                     &spec.arena, &events, &count, &spec.err));
        assert_true(count > 0);
        assert_true(count == 1 || bytes_of(events, count) <= 4000);
        alone += bytes_of(events, count) > 4000 ? 1 : 0;
        for (size_t n = 0; n < count; n++) {
            lanes[events[n].lane].off = events[n].off;
        }
        read += count;
    }
    assert_int_equal(read, 45);
    assert_int_equal(alone, 1);
}

static void nothing_is_read_past_the_end(void **state)
{
    (void)state;
    struct log_event *events;
    size_t count = 1;
    struct lane_lease *lanes = two_busy_lanes();
    lanes[event_lane("c:ann")].off = 40;
    lanes[event_lane("c:bob")].off = 3;
    assert_ok(store_events_after(spec.db, lanes, LANES, most(10), &spec.arena, &events, &count,
                                 &spec.err));
    assert_int_equal(count, 0);
}

struct seen {
    char text[200];
};

static bool note_event(void *ctx, const struct log_event *e, struct err *err)
{
    struct seen *seen = ctx;
    size_t used = strlen(seen->text);
    const char *id = log_event_kept(e, &spec.arena).columns.event_id;
    (void)snprintf(seen->text + used, sizeof seen->text - used, "%s/%s ", e->key, id);
    return strcmp(id, "stop") != 0 || FAIL(err, ERR_INVALID, "stopped here");
}

static void the_stream_goes_shopper_by_shopper_up_to_a_time(void **state)
{
    (void)state;
    struct seen seen = {""};
    (void)append(an_event(.event_id = "1"));
    (void)append(an_event(.event_id = "2", .key = "c:bob"));
    (void)append(an_event(.event_id = "late", .occurred_us = NOW_US + 1));
    (void)append(an_event(.event_id = "3"));

    assert_ok(db_begin_snapshot(spec.db, &spec.err));
    assert_ok(store_events_stream(spec.db, NOW_US, note_event, &seen, &spec.err));
    db_rollback(spec.db);

    bool ann_first = event_lane("c:ann") < event_lane("c:bob");
    assert_string_equal(seen.text,
                        ann_first ? "c:ann/1 c:ann/3 c:bob/2 " : "c:bob/2 c:ann/1 c:ann/3 ");
}

static void a_stream_that_is_stopped_leaves_a_usable_connection(void **state)
{
    (void)state;
    struct seen seen = {""};
    (void)append(an_event(.event_id = "stop"));
    /* more than the connection holds; by the view, a row at a time, that would take the server five seconds */
    sql("INSERT INTO cartwright.log (lane, off, id, key, type, origin, occurred_at, received_at, body)"
        " SELECT 255, n, cartwright.id_pack('x' || n), 'c:x', 20, 'a', now(), now(), '{}' FROM generate_series(1, 50000) n");

    assert_ok(db_begin_snapshot(spec.db, &spec.err));
    assert_fails(store_events_stream(spec.db, INT64_MAX, note_event, &seen, &spec.err),
                 ERR_INVALID);
    db_rollback(spec.db);

    assert_string_equal(spec.err.text, "stopped here");
    assert_int_equal(append(an_event(.event_id = "after")), APPEND_STORED);
}

/* ---- of late ---- */

/* Their ids, in the order that was told. */
static const char *latest(int64_t after_us, int per_lane)
{
    struct log_event *events;
    size_t count;
    const char *text = "";
    assert_ok(
        store_events_latest(spec.db, after_us, per_lane, &spec.arena, &events, &count, &spec.err));
    for (size_t i = 0; i < count; i++) {
        text = arena_printf(&spec.arena, "%s%s ", text, events[i].event_id);
    }
    return text;
}

static void the_latest_are_the_last_folded_of_each_lane_in_order_of_time(void **state)
{
    (void)state;
    (void)append(an_event(.event_id = "a1", .occurred_us = NOW_US + 50));
    (void)append(an_event(.event_id = "a2", .occurred_us = NOW_US + 30));
    (void)append(an_event(.event_id = "a3", .occurred_us = NOW_US + 10));
    (void)append(an_event(.event_id = "a4", .occurred_us = NOW_US + 20));
    (void)append(an_event(.event_id = "b1", .key = "c:bob", .occurred_us = NOW_US + 15));
    assert_string_equal(latest(NOW_US, 9), ""); /* nothing is folded yet */
    sql("UPDATE cartwright.lane_cursor SET off = 3");
    assert_string_equal(latest(NOW_US, 9), "a3 b1 a2 a1 ");
    assert_string_equal(latest(NOW_US, 2), "a3 b1 a2 "); /* the last by offset */
    assert_string_equal(latest(NOW_US + 10, 9), "b1 a2 a1 ");
}

static void of_one_time_the_latest_are_told_by_lane_and_offset(void **state)
{
    (void)state;
    const bool ann_first = event_lane("c:ann") < event_lane("c:bob");
    (void)append(an_event(.event_id = "a1"));
    (void)append(an_event(.event_id = "b1", .key = "c:bob"));
    (void)append(an_event(.event_id = "a2"));
    (void)append(an_event(.event_id = "b2", .key = "c:bob"));
    sql("UPDATE cartwright.lane_cursor SET off = 2");
    assert_string_equal(latest(NOW_US - 1, 9), ann_first ? "a1 a2 b1 b2 " : "b1 b2 a1 a2 ");
}

/* Who did something after a time is told whole, up to another. */
static void the_stream_of_the_active_leaves_out_who_did_nothing_since(void **state)
{
    (void)state;
    struct seen seen = {""};
    (void)append(an_event(.event_id = "1", .occurred_us = NOW_US - 9));
    (void)append(an_event(.event_id = "2", .occurred_us = NOW_US + 1));
    (void)append(an_event(.event_id = "3", .occurred_us = NOW_US + 5));
    (void)append(an_event(.event_id = "4", .key = "c:bob"));
    assert_ok(db_begin(spec.db, &spec.err));
    assert_ok(
        store_events_stream_active(spec.db, NOW_US, NOW_US + 4, note_event, &seen, &spec.err));
    assert_ok(db_commit(spec.db, &spec.err));
    assert_string_equal(seen.text, "c:ann/1 c:ann/2 ");
}

/* ---- what the fold counts ---- */

static void a_dead_letter_keeps_the_event_and_the_reason_once(void **state)
{
    (void)state;
    const struct log_event e = {.lane = 7,
                                .off = 9,
                                .event_id = "e",
                                .key = "c:x",
                                .packed = {.body = "{\"a\": 1}", .body_len = 8}};
    assert_ok(store_dead_letter(spec.db, &e, "/type", "is odd", NOW_US, &spec.err));
    assert_ok(store_dead_letter(spec.db, &e, "/type", "is odd", NOW_US, &spec.err));
    assert_string_equal(
        sql_text(
            "SELECT string_agg(concat_ws(' ', lane, off, event_id, key, pointer, detail, body), ';') "
            "FROM cartwright.dead_letter"),
        "7 9 e c:x /type is odd {\"a\": 1}");
}

static void unknown_types_add_up(void **state)
{
    (void)state;
    const int lanes[] = {1, 2, 1, 1};
    const char *const types[] = {"spin", "spin", "spin", "roll"};
    assert_ok(store_unknown_types_count(spec.db, lanes, types, 4, NOW_US, &spec.err));
    assert_ok(store_unknown_types_count(spec.db, lanes, types, 4, NOW_US, &spec.err));
    assert_string_equal(
        sql_text("SELECT string_agg(concat_ws(' ', lane, type, events), ', ' ORDER BY "
                 "lane, type) FROM cartwright.unknown_type"),
        "1 roll 2, 1 spin 4, 2 spin 2");
}

/* ---- the reason for lanes: no cursor ever skips a late commit ---- */

enum { WRITERS = 4, BATCHES = 60, BATCH = 12 };

static atomic_int writers_left;

static void *write_batches(void *arg)
{
    int writer = *(const int *)arg;
    struct db *db = NULL;
    struct err err = {0};
    struct rng rng = rng_seed((uint64_t)writer);
    bool ok = db_open(spec.url, spec.prepared, &db, &err);
    for (int b = 0; ok && b < BATCHES; b++) {
        char ids[BATCH][32];
        char keys[BATCH][16];
        struct event_row rows[BATCH];
        enum append_status status[BATCH];
        for (int i = 0; i < BATCH; i++) {
            (void)snprintf(ids[i], sizeof ids[i], "%d-%d-%d", writer, b, i);
            (void)snprintf(keys[i], sizeof keys[i], "c:%d",
                           (int)rng_below(&rng, 6)); /* few lanes: writers meet */
            rows[i] = an_event(.event_id = ids[i], .key = keys[i]);
        }
        ok = db_begin(db, &err) &&
             store_events_append(db, rows, BATCH, ORIGIN_API, NOW_US, status, &err);
        if (rng_below(&rng, 10) == 0) {
            db_rollback(db);
            b--;
        } else {
            ok = ok && db_commit(db, &err);
        }
    }
    if (!ok) {
        print_error("%s\n", err.text);
    }
    db_close(&db);
    (void)atomic_fetch_sub(&writers_left, 1);
    return NULL;
}

/* Reads past the cursors and moves them, as the fold does; returns how many events came. */
static size_t follow(struct lane_lease *cursors)
{
    struct log_event *events;
    size_t count;
    assert_ok(store_events_after(spec.db, cursors, LANES, most(500), &spec.arena, &events, &count,
                                 &spec.err));
    for (size_t i = 0; i < count; i++) {
        cursors[events[i].lane].off = events[i].off;
    }
    arena_reset(&spec.arena);
    return count;
}

static void a_cursor_sees_every_event_of_writers_that_commit_and_roll_back_at_random(void **state)
{
    (void)state;
    static struct lane_lease cursors[LANES];
    static int numbers[WRITERS];
    pthread_t threads[WRITERS];
    for (int i = 0; i < LANES; i++) {
        cursors[i] = (struct lane_lease){.lane = i};
    }
    atomic_store(&writers_left, WRITERS);
    for (int i = 0; i < WRITERS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, write_batches, &numbers[i]), 0);
    }
    size_t seen = 0;
    while (atomic_load(&writers_left) > 0) {
        seen += follow(cursors);
    }
    for (size_t more = 1; more > 0; seen += more) {
        more = follow(cursors);
    }
    for (int i = 0; i < WRITERS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    assert_int_equal(sql_number("SELECT count(*) FROM cartwright.event"),
                     WRITERS * BATCHES * BATCH);
    assert_int_equal(seen, WRITERS * BATCHES * BATCH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SPEC_TEST(an_event_is_stored_once_and_its_retry_is_a_duplicate),
        SPEC_TEST(the_same_id_with_another_body_is_a_conflict_and_changes_nothing),
        SPEC_TEST(received_at_order_and_spacing_do_not_make_another_body),
        SPEC_TEST(one_id_may_be_used_in_two_lanes),
        SPEC_TEST(within_one_batch_the_first_is_stored_and_the_rest_answer_for_themselves),
        SPEC_TEST(a_batch_against_what_is_stored_answers_for_each_event),
        SPEC_TEST(an_empty_batch_is_no_query_at_all),
        SPEC_TEST(a_lane_keeps_the_order_of_the_batch),
        SPEC_TEST(the_lane_in_sql_is_the_lane_in_c),
        SPEC_TEST(an_append_joins_the_transaction_that_is_open),
        SPEC_TEST(an_append_refuses_a_transaction_with_an_old_snapshot),
        SPEC_TEST(an_event_reads_back_as_it_was_stored),
        SPEC_TEST(a_busy_lane_leaves_room_for_the_others),
        SPEC_TEST(fewer_events_than_lanes_with_news_are_still_read),
        SPEC_TEST(a_lane_without_news_takes_no_share),
        SPEC_TEST(lanes_of_large_events_share_the_bytes),
        SPEC_TEST(an_event_larger_than_all_may_be_comes_alone),
        SPEC_TEST(nothing_is_read_past_the_end),
        SPEC_TEST(the_stream_goes_shopper_by_shopper_up_to_a_time),
        SPEC_TEST(a_stream_that_is_stopped_leaves_a_usable_connection),
        SPEC_TEST(the_latest_are_the_last_folded_of_each_lane_in_order_of_time),
        SPEC_TEST(of_one_time_the_latest_are_told_by_lane_and_offset),
        SPEC_TEST(the_stream_of_the_active_leaves_out_who_did_nothing_since),
        SPEC_TEST(a_dead_letter_keeps_the_event_and_the_reason_once),
        SPEC_TEST(unknown_types_add_up),
        SPEC_TEST(a_cursor_sees_every_event_of_writers_that_commit_and_roll_back_at_random),
    };
    return RUN_BOTH_WAYS(tests);
}
