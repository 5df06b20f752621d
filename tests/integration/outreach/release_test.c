/* What happens between a decision and its row: whatever is committed by then counts, and nothing can be committed after the last look. The libpq
 * calls that every query goes through are wrapped by the linker, so that something happens right before the query of a name is run. */
#include "integration/outreach/outreach_spec.h"
#include "support/pg_fixture.h"

#include "base/clock.h"
#include "base/stop.h"
#include "store/pg/distribute.h"
#include "support/spec.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

int __real_PQsendQueryPrepared(PGconn *conn, const char *name, int count, const char *const *values,
                               const int *lengths, const int *formats, int result_format);
int __wrap_PQsendQueryPrepared(PGconn *conn, const char *name, int count, const char *const *values,
                               const int *lengths, const int *formats, int result_format);
int __real_PQsendQuery(PGconn *conn, const char *sql);
int __wrap_PQsendQuery(PGconn *conn, const char *sql);
int __real_PQsendQueryParams(PGconn *conn, const char *sql, int count, const Oid *types,
                             const char *const *values, const int *lengths, const int *formats,
                             int result_format);
int __wrap_PQsendQueryParams(PGconn *conn, const char *sql, int count, const Oid *types,
                             const char *const *values, const int *lengths, const int *formats,
                             int result_format);
int __real_PQpipelineSync(PGconn *conn);
int __wrap_PQpipelineSync(PGconn *conn);

/* Of the thread that tests. What a hook itself asks is neither counted nor hooked. */
static struct {
    const char *query; /* NULL: none */
    void (*act)(int nth);
    int nth; /* from 1 */
    bool acting;
    int statements, round_trips;
    bool sent; /* a query is in the pipeline: a sync of prepares is the pool's, not the request's */
    int cut_at; /* the connection is cut before this round trip; 0: never */
} hook;

static void before(const char *query)
{
    if (hook.query == NULL || hook.acting || strcmp(query, hook.query) != 0) {
        return;
    }
    hook.acting = true;
    hook.act(++hook.nth);
    hook.acting = false;
}

static void a_statement(void)
{
    hook.statements += hook.acting ? 0 : 1;
}

static void a_round_trip(PGconn *conn)
{
    if (!hook.acting && ++hook.round_trips == hook.cut_at) {
        (void)shutdown(PQsocket(conn), SHUT_RDWR);
    }
}

/* A query alone is a round trip; those of a pipeline are one together, and counted with its sync. */
static void sending(PGconn *conn)
{
    a_statement();
    if (PQpipelineStatus(conn) == PQ_PIPELINE_OFF) {
        a_round_trip(conn);
    } else {
        hook.sent = true;
    }
}

int __wrap_PQsendQueryPrepared(PGconn *conn, const char *name, int count, const char *const *values,
                               const int *lengths, const int *formats, int result_format)
{
    before(name);
    sending(conn);
    return __real_PQsendQueryPrepared(conn, name, count, values, lengths, formats, result_format);
}

int __wrap_PQsendQuery(PGconn *conn, const char *sql)
{
    before(sql);
    /* what a new connection asks and settles is the pool's, not the request's */
    if (strstr(sql, "pg_backend_pid()") == NULL && strcmp(sql, DISTRIBUTED_SQL) != 0) {
        sending(conn);
    }
    return __real_PQsendQuery(conn, sql);
}

// NOLINTNEXTLINE(readability-function-size): libpq's
int __wrap_PQsendQueryParams(PGconn *conn, const char *sql, int count, const Oid *types,
                             const char *const *values, const int *lengths, const int *formats,
                             int result_format)
{
    sending(conn);
    return __real_PQsendQueryParams(conn, sql, count, types, values, lengths, formats,
                                    result_format);
}

int __wrap_PQpipelineSync(PGconn *conn)
{
    if (hook.sent) {
        a_round_trip(conn);
    }
    hook.sent = false;
    return __real_PQpipelineSync(conn);
}

static void right_before(const char *query, void (*act)(int nth))
{
    memset(&hook, 0, sizeof hook);
    hook.query = query;
    hook.act = act;
}

/* What a decision asks first about what waits, or came since. */
static const char *first_look(void)
{
    return pg_fixture_distributed() ? "joins_pending" : "joins_quiet";
}

static int unhook(void **state)
{
    (void)state;
    memset(&hook, 0, sizeof hook);
    return 0;
}

/* ---- what is committed meanwhile counts ---- */

static const char *customer; /* whom the hooks act as */
static const char *browser;
static int acts;

static void buys_once(int nth)
{
    acts = nth;
    if (nth == 1) {
        did(customer, "purchase", 0, A_SHOE);
    }
}

static void a_purchase_between_considering_and_releasing_stops_the_send(void **state)
{
    (void)state;
    customer = "amy";
    did(customer, "cart_item_added", 90, A_SHOE);
    right_before("lanes_lock", buys_once);
    expect(ask(customer), OUTREACH_DRY, "silence", "buyer");
    assert_int_equal(acts, 1);
    assert_int_equal(released_count(customer), 0);
}

static void withdraws_once(int nth)
{
    if (nth == 1) {
        did(customer, "consent_withdrawn", 0, "");
    }
}

static void a_withdrawal_between_considering_and_releasing_stops_the_send(void **state)
{
    (void)state;
    customer = "ben";
    did(customer, "cart_item_added", 90, A_SHOE);
    right_before("lanes_lock", withdraws_once);
    expect(ask(customer), OUTREACH_NEW, "silence", "opted_out");
    assert_int_equal(hook.nth, 2); /* the second look is at the second decision */
}

static void a_silence_is_decided_again_as_well_where_something_came(void **state)
{
    (void)state;
    customer = "bea";
    did(customer, "cart_item_added", 10, A_SHOE);
    right_before("lanes_lock", withdraws_once);
    expect(ask(customer), OUTREACH_NEW, "silence", "opted_out");
}

static void views_each_time(int nth)
{
    acts = nth;
    did(customer, "page_viewed", 90, "");
}

static void a_shopper_who_is_always_faster_is_given_up_after_forty_tries(void **state)
{
    (void)state;
    struct err err = {0};
    struct answer none;
    customer = "cat";
    did(customer, "cart_item_added", 90, A_SHOE);
    right_before("lanes_lock", views_each_time);
    assert_false(try_ask((struct outreach_request){.customer_id = customer}, &none, &err));
    assert_int_equal(err.kind, ERR_BUSY);
    assert_text_contains(err.text, "kept arriving");
    assert_int_equal(acts, 40);
    assert_int_equal(released_count(customer), 0);
}

/* A shopper's own deed while somebody else's event of the same lane does not matter. */
static void a_stranger_views(int nth)
{
    (void)nth;
    run_sql(
        &bench,
        "INSERT INTO cartwright.event (lane, off, event_id, key, type, origin, occurred_at, received_at, body)"
        " SELECT cartwright.lane_of('c:dot'), 1000, 'stranger', 'c:stranger', 'page_viewed', 'api', now(), now(), '{}'");
    hook.query = NULL;
}

static void what_others_of_the_lane_do_meanwhile_changes_nothing(void **state)
{
    (void)state;
    did("dot", "cart_item_added", 90, A_SHOE);
    right_before("lanes_lock", a_stranger_views);
    expect(ask("dot"), OUTREACH_NEW, "send", "risk");
    assert_int_equal(hook.nth, 1);
}

/* ---- nothing comes after the last look ---- */

static struct db *other;

static bool is_locked(const char *key)
{
    PGresult *res = PQexec(
        db_conn(other),
        arena_printf(
            &bench.arena,
            "SELECT 1 FROM cartwright.lane WHERE lane = cartwright.lane_of('%s') FOR UPDATE NOWAIT",
            key));
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    bool locked = state != NULL && strcmp(state, "55P03") == 0;
    PQclear(res);
    return locked;
}

static const char *probed; /* a customer, of a phone and a laptop */
static bool own_locked, told_locked, bound_locked;

static void probes(int nth)
{
    (void)nth;
    own_locked = is_locked(arena_printf(&bench.arena, "c:%s", probed));
    told_locked = is_locked(arena_printf(&bench.arena, "a:%s-phone", probed));
    bound_locked = is_locked(arena_printf(&bench.arena, "a:%s-laptop", probed));
    assert_false(is_locked("a:somebody"));
}

static void from_the_last_look_to_commit_no_lane_of_the_shopper_takes_an_event(void **state)
{
    (void)state;
    struct err err = {0};
    ok(database_connect(&bench.database, &other, &err), &err);
    did("eli", "cart_item_added", 90, A_SHOE);
    did("eli", "identify", 80, ",\"anonymous_id\":\"eli-laptop\"");
    did("eli", "alias", 70, ",\"anonymous_id\":\"eli-phone\"");
    fold_to_end(&bench);
    probed = "eli";
    right_before("outreach_put", probes);
    expect(ask("eli"), OUTREACH_NEW, "send", "risk");
    assert_int_equal(hook.nth, 1);
    assert_true(own_locked);
    assert_true(told_locked);
    assert_true(bound_locked);
    assert_false(is_locked("c:eli"));
    db_close(&other);
}

/* What a browser does could only make it a send, or another silence: nobody waits for that. */
static void a_silence_holds_no_lane_but_its_own(void **state)
{
    (void)state;
    struct err err = {0};
    ok(database_connect(&bench.database, &other, &err), &err);
    did("eve", "cart_item_added", 10, A_SHOE);
    did("eve", "identify", 80, ",\"anonymous_id\":\"eve-laptop\"");
    did("eve", "alias", 70, ",\"anonymous_id\":\"eve-phone\"");
    fold_to_end(&bench);
    probed = "eve";
    right_before("outreach_put", probes);
    expect(ask("eve"), OUTREACH_NEW, "silence", "too_early");
    assert_int_equal(hook.nth, 1);
    assert_true(own_locked);
    assert_false(told_locked);
    assert_false(bound_locked);
    db_close(&other);
}

static void note_lock(int nth)
{
    acts = nth;
}

static void named_by(const char *who, int browsers)
{
    for (int i = 0; i < browsers; i++) {
        did(who, "identify", 100 + i,
            arena_printf(&bench.arena, ",\"anonymous_id\":\"%s-%d\"", who, i));
    }
    did(who, "cart_item_added", 90, A_SHOE);
    fold_to_end(&bench);
}

static struct answer ask_dry(const char *who)
{
    return ask_as((struct outreach_request){.customer_id = who, .dry_run = true});
}

/* To hold all of its lanes would stop everybody else. */
static void
who_has_more_browsers_than_one_person_is_told_nothing_asked_in_earnest_or_not(void **state)
{
    (void)state;
    named_by("fay", 65);
    acts = 0;
    right_before("lanes_lock", note_lock);
    expect(ask_dry("fay"), OUTREACH_DRY, "silence", "many_browsers");
    expect(ask("fay"), OUTREACH_NEW, "silence", "many_browsers");
    assert_int_equal(acts, 1); /* for the silence, its own */
    assert_int_equal(released_count("fay"), 0);
    unhook(NULL);

    named_by("gus", 64);
    expect(ask_dry("gus"), OUTREACH_DRY, "send", "risk");
    expect(ask("gus"), OUTREACH_NEW, "send", "risk");
    did("gus", "identify", 1, ",\"anonymous_id\":\"gus-one-more\"");
    expect(ask_dry("gus"), OUTREACH_DRY, "silence", "many_browsers");
    expect(ask("gus"), OUTREACH_BEFORE, "silence", "many_browsers");
}

static void expect_pending(const char *who);

static bool recent_locked;

static void probes_the_recent(int nth)
{
    (void)nth;
    recent_locked = true;
    for (int i = 0; i < 64; i++) {
        recent_locked = recent_locked && is_locked(arena_printf(&bench.arena, "a:gwen-%d", i));
    }
}

/* Who gets a new id with each login has had hundreds of them in some years, and is one person all the same. */
static void browsers_of_long_ago_make_nobody_many_people(void **state)
{
    (void)state;
    struct err err = {0};
    ok(database_connect(&bench.database, &other, &err), &err);
    for (int i = 0; i < 20; i++) {
        did("gwen", "identify", (DAYS(30) / MINUTES(1)) + 1 + i,
            arena_printf(&bench.arena, ",\"anonymous_id\":\"before-gwen-%d\"", i));
    }
    named_by("gwen", 64);
    expect(ask_dry("gwen"), OUTREACH_DRY, "send", "risk");
    right_before("outreach_put", probes_the_recent);
    expect(ask("gwen"), OUTREACH_NEW, "send", "risk");
    assert_true(recent_locked);
    db_close(&other);
}

/* ... and where it will have to wait anyway, it does so without them. */
static void what_many_browsers_did_is_waited_for_without_their_lanes(void **state)
{
    (void)state;
    named_by("hal", 30);
    did_with(bench.db, (struct deed){.anonymous = "hal-7", .type = "page_viewed"});
    acts = 0;
    right_before("lanes_lock", note_lock);
    expect_pending("hal");
    assert_int_equal(acts, 0);
}

static void *buy_while_holding_the_lane(void *slot)
{
    atomic_bool *bought = slot;
    did_with(other, (struct deed){.customer = "flo", .type = "purchase", .more = A_SHOE});
    atomic_store(bought, true);
    /* until somebody waits for the lane */
    for (int i = 0; i < 1000; i++) {
        PGresult *res =
            PQexec(db_conn(other), "SELECT pg_sleep(.01), count(*) FROM pg_stat_activity"
                                   " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                                   " AND (wait_event_type = 'Lock' OR wait_event = 'PgSleep')");
        bool waits = strcmp(PQgetvalue(res, 0, 1), "0") != 0;
        PQclear(res);
        if (waits) {
            break;
        }
    }
    PQclear(PQexec(db_conn(other), "COMMIT"));
    return NULL;
}

static void a_purchase_that_holds_the_lane_is_waited_for_and_counts(void **state)
{
    (void)state;
    struct err err = {0};
    pthread_t thread;
    atomic_bool bought = false;
    ok(database_connect(&bench.database, &other, &err), &err);
    did("flo", "cart_item_added", 90, A_SHOE);
    ok(db_begin(other, &err), &err);
    assert_int_equal(pthread_create(&thread, NULL, buy_while_holding_the_lane, &bought), 0);
    while (!atomic_load(&bought)) {
        (void)sched_yield();
    }
    expect(ask("flo"), OUTREACH_DRY, "silence", "buyer");
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(released_count("flo"), 0);
    db_close(&other);
}

/* ---- browsers that join ---- */

static void browser_buys_then_is_folded(int nth)
{
    acts = nth;
    if (nth == 1) {
        did_with(bench.db, (struct deed){.anonymous = browser, .type = "purchase"});
    } else if (nth == 2) {
        fold_to_end(&bench);
    }
}

static void a_browsers_purchase_at_the_last_moment_is_waited_for(void **state)
{
    (void)state;
    customer = "gil";
    browser = "gil-laptop";
    did(customer, "cart_item_added", 90, A_SHOE);
    did(customer, "identify", 80, ",\"anonymous_id\":\"gil-laptop\"");
    fold_to_end(&bench);
    right_before("lanes_lock", browser_buys_then_is_folded);
    expect(ask(customer), OUTREACH_DRY, "silence", "buyer");
    assert_int_equal(acts, 2);
    assert_int_equal(released_count(customer), 0);
}

static void expect_pending(const char *who)
{
    struct err err = {0};
    struct answer none;
    const int64_t from_us = clock_monotonic_us();
    assert_false(try_ask((struct outreach_request){.customer_id = who}, &none, &err));
    assert_int_equal(err.kind, ERR_BUSY);
    assert_text_contains(err.text, "before logging in");
    assert_true(clock_monotonic_us() - from_us > SECONDS(1)); /* it gave the fold time */
    assert_int_equal(released_count(who), 0);
}

/* Says that the fold is past everything of the lane, without having carried it on. */
static void pretend_folded(const char *key)
{
    run_sql(
        &bench,
        arena_printf(
            &bench.arena,
            "UPDATE cartwright.lane_cursor SET off = off + 100000 WHERE consumer = 'fold' AND lane = cartwright.lane_of('%s')",
            key));
}

static void unpretend_folded(const char *key)
{
    run_sql(
        &bench,
        arena_printf(
            &bench.arena,
            "UPDATE cartwright.lane_cursor SET off = off - 100000 WHERE consumer = 'fold' AND lane = cartwright.lane_of('%s')",
            key));
}

static void an_identify_that_is_not_folded_is_waited_for(void **state)
{
    (void)state;
    did("hug", "cart_item_added", 90, A_SHOE);
    did("hug", "identify", 80, ",\"anonymous_id\":\"hug-laptop\"");
    expect_pending("hug");
    pretend_folded("c:hug");
    expect(ask("hug"), OUTREACH_NEW, "send", "risk"); /* the browser itself did nothing */
    unpretend_folded("c:hug");
}

static void an_alias_that_is_not_folded_is_waited_for(void **state)
{
    (void)state;
    did("ivy", "cart_item_added", 90, A_SHOE);
    did("ivy", "alias", 80, ",\"anonymous_id\":\"ivy-laptop\"");
    expect_pending("ivy");
}

/* The customer's lane is folded, the browser's is not: the log knows of the two, the fold not yet. */
static void what_a_browser_did_that_the_log_is_about_to_join_is_waited_for(void **state)
{
    (void)state;
    did("jil", "cart_item_added", 90, A_SHOE);
    did("jil", "identify", 80, ",\"anonymous_id\":\"jil-laptop\"");
    did_with(bench.db, (struct deed){.anonymous = "jil-laptop", .type = "page_viewed"});
    pretend_folded("c:jil");
    expect_pending("jil");
    unpretend_folded("c:jil");
}

struct patient {
    pthread_t thread;
    const char *who;
    atomic_bool done;
};

static void *patient_main(void *arg)
{
    struct patient *p = arg;
    struct err err = {0};
    struct answer none;
    bool answered = try_ask((struct outreach_request){.customer_id = p->who}, &none, &err);
    atomic_store(&p->done, true);
    return answered ? NULL : p;
}

static void who_waits_for_a_join_keeps_nobody_from_the_only_connection(void **state)
{
    (void)state;
    struct err err = {0};
    struct pool *all = pool;
    struct patient p = {.who = "joy"};
    void *gave_up = NULL;
    int leased = 0;
    did("joy", "cart_item_added", 90, A_SHOE);
    did("joy", "identify", 80, ",\"anonymous_id\":\"joy-laptop\"");
    ok(pool_open(bench.database.conninfo, bench.database.prepared, 1, SECONDS(60), &pool, &err),
       &err);
    assert_int_equal(pthread_create(&p.thread, NULL, patient_main, &p), 0);
    while (!atomic_load(&p.done)) {
        struct lease lease = {.pool = pool};
        ok(pool_lease(pool, &lease, &err), &err);
        leased += atomic_load(&p.done) ? 0 : 1;
        pool_return(&lease);
        (void)stop_wait_us(20000);
    }
    assert_int_equal(pthread_join(p.thread, &gave_up), 0);
    assert_ptr_equal(gave_up, &p); /* it was pending all the time */
    assert_true(leased > 5);
    pool_close(&pool);
    pool = all;
}

/* Retention has removed the identify: only the binding is left. */
static void what_a_joined_browser_did_is_waited_for_though_its_identify_is_gone(void **state)
{
    (void)state;
    did("kai", "cart_item_added", 90, A_SHOE);
    did("kai", "identify", 80, ",\"anonymous_id\":\"kai-laptop\"");
    fold_to_end(&bench);
    run_sql(&bench, "DELETE FROM cartwright.event WHERE key = 'c:kai' AND type = 'identify'");
    did_with(bench.db, (struct deed){.anonymous = "kai-laptop", .type = "page_viewed"});
    expect_pending("kai");
    pretend_folded("a:kai-laptop");
    expect(ask("kai"), OUTREACH_NEW, "send", "risk");
    unpretend_folded("a:kai-laptop");
}

/* Puts the cursor of the key's lane exactly on its newest event, or (newest false) back; returns where it was. */
static int64_t put_cursor(const char *key, bool newest, int64_t back)
{
    const int64_t was = count_of(
        &bench,
        arena_printf(
            &bench.arena,
            "SELECT off FROM cartwright.lane_cursor WHERE consumer = 'fold' AND lane = cartwright.lane_of('%s')",
            key));
    run_sql(
        &bench,
        arena_printf(
            &bench.arena,
            "UPDATE cartwright.lane_cursor c SET off = CASE WHEN %s THEN (SELECT max(off) FROM cartwright.event e WHERE e.lane = c.lane)"
            " ELSE %lld END WHERE consumer = 'fold' AND lane = cartwright.lane_of('%s')",
            newest ? "true" : "false", (long long)back, key));
    return was;
}

static void what_the_fold_took_last_of_all_is_not_waited_for(void **state)
{
    (void)state;
    did("nia", "cart_item_added", 90, A_SHOE);
    did("nia", "identify", 80, ",\"anonymous_id\":\"nia-laptop\"");
    did_with(bench.db, (struct deed){.anonymous = "nia-laptop", .type = "page_viewed"});
    const int64_t own = put_cursor("c:nia", true, 0);
    const int64_t side = put_cursor("a:nia-laptop", true, 0);
    expect(ask("nia"), OUTREACH_NEW, "send", "risk");
    (void)put_cursor("a:nia-laptop", false, side);
    (void)put_cursor("c:nia", false, own);
}

static void a_silence_does_not_wait_for_what_joins(void **state)
{
    (void)state;
    did("lea", "cart_item_added", 10, A_SHOE);
    did("lea", "identify", 9, ",\"anonymous_id\":\"lea-laptop\"");
    expect(ask("lea"), OUTREACH_NEW, "silence", "too_early");
}

static void what_strangers_and_news_of_other_kinds_do_is_not_waited_for(void **state)
{
    (void)state;
    did_with(bench.db, (struct deed){.anonymous = "nobodys-laptop", .type = "purchase"});
    did("mia", "cart_item_added", 90, A_SHOE);
    did("mia", "page_viewed", 80, "");
    expect(ask("mia"), OUTREACH_NEW, "send", "risk");
}

static void told_beside(const char *id, const char *key, const char *beside, const char *type)
{
    run_sql(
        &bench,
        arena_printf(
            &bench.arena,
            "INSERT INTO cartwright.event (lane, off, event_id, key, type, origin, occurred_at, received_at, body)"
            " SELECT cartwright.lane_of('%s'), 5000, '%s', '%s', '%s', 'api', now(), now(), '{}'",
            beside, id, key, type));
}

static void what_strangers_of_the_same_lanes_do_is_not_waited_for(void **state)
{
    (void)state;
    did("moe", "cart_item_added", 90, A_SHOE);
    did("moe", "identify", 80, ",\"anonymous_id\":\"moes-laptop\"");
    fold_to_end(&bench);
    told_beside("beside-moe", "c:beside-moe", "c:moe", "identify");
    told_beside("beside-laptop", "a:beside-laptop", "a:moes-laptop", "purchase");
    expect(ask("moe"), OUTREACH_NEW, "send", "risk");
}

static void an_anonymous_shopper_is_released_under_the_own_key(void **state)
{
    (void)state;
    did_with(bench.db, (struct deed){.anonymous = "nil-laptop",
                                     .type = "cart_item_added",
                                     .minutes_ago = 90,
                                     .more = A_SHOE});
    const struct outreach_request request = {.anonymous_id = "nil-laptop"};
    struct answer first = ask_as(request);
    assert_string_equal(member(&first, "anonymous_id"), "nil-laptop");
    expect(first, OUTREACH_NEW, "send", "risk");
    assert_int_equal(count_of(&bench,
                              "SELECT count(*) FROM cartwright.event WHERE key = 'a:nil-laptop'"
                              " AND type = 'outreach_released' AND origin = 'derived'"
                              " AND body ->> 'anonymous_id' = 'nil-laptop'"),
                     1);
    expect(ask_as(request), OUTREACH_BEFORE, "send", "risk");
    fold_to_end(&bench); /* the one decoder takes the event, and marks the round */
    expect(ask_as((struct outreach_request){.anonymous_id = "nil-laptop", .dry_run = true}),
           OUTREACH_DRY, "silence", "already_contacted");
}

/* ---- the key that makes twice impossible ---- */

static void somebody_else_was_faster(int nth)
{
    acts = nth;
    run_sql(
        &bench,
        "INSERT INTO cartwright.outreach SELECT lane, 'cart:' || cart_id, round, 1, 'out_of_another', key, 'send', 'risk', now(), '{\"x\":1}', '{}', '{}'"
        "  FROM cartwright.cart WHERE key = 'c:ole'");
}

static void a_send_that_is_there_already_is_the_answer_and_nothing_is_told_twice(void **state)
{
    (void)state;
    did("ole", "cart_item_added", 90, A_SHOE);
    fold_to_end(&bench);
    right_before("outreach_put", somebody_else_was_faster);
    struct answer a = ask("ole");
    assert_string_equal(member(&a, "outreach_id"), "out_of_another");
    expect(a, OUTREACH_BEFORE, "send", "risk");
    assert_int_equal(acts, 1);
    assert_int_equal(released_count("ole"), 0);
}

static void fails_the_commit(int nth)
{
    (void)nth;
    run_sql(&bench, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND state = 'idle in transaction'");
    hook.query = NULL;
}

static void a_lost_connection_before_commit_leaves_neither_row_nor_event(void **state)
{
    (void)state;
    struct err err = {0};
    struct answer none;
    did("pat", "cart_item_added", 90, A_SHOE);
    right_before("COMMIT", fails_the_commit);
    assert_false(try_ask((struct outreach_request){.customer_id = "pat"}, &none, &err));
    assert_int_equal(err.kind, ERR_BUSY);
    assert_int_equal(
        count_of(&bench, "SELECT count(*) FROM cartwright.outreach WHERE key = 'c:pat'"), 0);
    assert_int_equal(released_count("pat"), 0);
    expect(ask("pat"), OUTREACH_NEW, "send", "risk");
    assert_int_equal(released_count("pat"), 1);
}

static void a_release_that_is_in_the_log_without_its_row_is_a_defect(void **state)
{
    (void)state;
    struct err err = {0};
    struct answer none;
    did("quy", "cart_item_added", 90, A_SHOE);
    struct answer first = ask("quy");
    run_sql(&bench, "DELETE FROM cartwright.outreach WHERE key = 'c:quy'");
    run_sql(&bench, "UPDATE cartwright.event SET body = body || '{\"type\":\"page_viewed\"}'"
                    " WHERE key = 'c:quy' AND type = 'outreach_released'");
    assert_false(try_ask((struct outreach_request){.customer_id = "quy"}, &none, &err));
    assert_int_equal(err.kind, ERR_INTERNAL);
    assert_text_contains(err.text, member(&first, "outreach_id"));
    assert_int_equal(
        count_of(&bench, "SELECT count(*) FROM cartwright.outreach WHERE key = 'c:quy'"), 0);
    json_decref(first.json);
}

/* ---- folded between reading and looking ---- */

static void is_folded_meanwhile(int nth)
{
    if (nth == 1) {
        fold_to_end(&bench);
    }
}

static void is_folded_after_the_first(int nth)
{
    if (nth == 2) {
        fold_to_end(&bench);
    }
}

/* The first time it was not known yet that she is asked about. */
static void says_no_the_second_time(int nth)
{
    acts = nth;
    if (nth == 2) {
        did(customer, "consent_withdrawn", 0, "");
    }
}

/* Whose cart eva ordered, and somebody else named: it may be hers. Between considering and releasing she says no. */
static void a_no_of_a_customer_that_a_browser_may_be_stops_the_send_at_the_last_look(void **state)
{
    (void)state;
    customer = "eva";
    did_with(bench.db, (struct deed){.anonymous = "evas-phone",
                                     .type = "cart_item_added",
                                     .minutes_ago = 95,
                                     .more = A_SHOE ",\"cart_id\":\"evas-7\""});
    did_with(bench.db, (struct deed){.anonymous = "toms-phone",
                                     .type = "page_viewed",
                                     .minutes_ago = 94,
                                     .more = ",\"cart_id\":\"evas-7\""});
    did(customer, "purchase", 93, ",\"cart_id\":\"evas-7\"" A_SHOE);
    did_with(bench.db, (struct deed){.anonymous = "evas-phone",
                                     .type = "cart_item_added",
                                     .minutes_ago = 90,
                                     .more = A_SHOE ",\"cart_id\":\"evas-8\""});
    fold_to_end(&bench);
    right_before("lanes_lock", says_no_the_second_time);
    expect(ask_as((struct outreach_request){.anonymous_id = "evas-phone"}), OUTREACH_NEW, "silence",
           "opted_out");
    assert_true(acts > 2);
}

static void a_message_is_not_said_again_to_who_is_folded_as_a_buyer_meanwhile(void **state)
{
    (void)state;
    did("aud", "cart_item_added", 90, A_SHOE);
    did("aud", "identify", 80, ",\"anonymous_id\":\"auds-laptop\"");
    fold_to_end(&bench);
    expect(ask("aud"), OUTREACH_NEW, "send", "risk");
    fold_to_end(&bench);
    did_with(bench.db, (struct deed){.anonymous = "auds-laptop", .type = "purchase"});
    right_before(first_look(), is_folded_meanwhile);
    expect(ask("aud"), OUTREACH_BEFORE, "silence", "buyer");
    assert_int_equal(hook.nth, 1);
}

static void a_dry_run_does_not_speak_to_who_is_folded_as_opted_out_meanwhile(void **state)
{
    (void)state;
    did("bob", "cart_item_added", 90, A_SHOE);
    did("bob", "identify", 80, ",\"anonymous_id\":\"bobs-laptop\"");
    fold_to_end(&bench);
    did_with(bench.db, (struct deed){.anonymous = "bobs-laptop", .type = "consent_withdrawn"});
    right_before("joins_pending", is_folded_meanwhile);
    expect(ask_as((struct outreach_request){.customer_id = "bob", .dry_run = true}), OUTREACH_DRY,
           "silence", "opted_out");
}

/* The browser was read as aya's; then it is bix's, and aya is read without it. */
static void a_browser_that_changes_hands_while_it_is_followed_is_followed_again(void **state)
{
    (void)state;
    did("aya", "cart_item_added", 90, ",\"anonymous_id\":\"ayas-tablet\"" A_SHOE);
    did("bix", "page_viewed", 90, "");
    fold_to_end(&bench);
    did("bix", "identify", 50, ",\"anonymous_id\":\"ayas-tablet\"");
    right_before("shopper_gather", is_folded_after_the_first);
    struct answer a =
        ask_as((struct outreach_request){.anonymous_id = "ayas-tablet", .dry_run = true});
    assert_string_equal(member(&a, "customer_id"), "bix");
    json_decref(a.json);
}

static void a_cart_that_is_folded_meanwhile_is_found(void **state)
{
    (void)state;
    did("cyd", "cart_item_added", 90, A_SHOE ",\"cart_id\":\"cyds-9\"");
    right_before("cart_pending", is_folded_meanwhile);
    expect(ask_as((struct outreach_request){.cart_id = "cyds-9", .dry_run = true}), OUTREACH_DRY,
           "send", "risk");
    assert_int_equal(hook.nth, 2); /* for nobody, and then for somebody else beside cyd */
}

/* ---- who had nothing yet when it was read ---- */

static void brings_a_cart_once(int nth)
{
    if (nth == 1) {
        did(customer, "cart_item_added", 90, A_SHOE);
    }
}

static void a_cart_that_comes_while_its_shopper_is_found_without_one_counts(void **state)
{
    (void)state;
    customer = "dee";
    did(customer, "page_viewed", 100, "");
    fold_to_end(&bench);
    right_before(first_look(), brings_a_cart_once);
    expect(ask(customer), OUTREACH_NEW, "send", "risk");
}

static void a_shopper_who_comes_while_nobody_is_found_is_no_stranger(void **state)
{
    (void)state;
    customer = "edd";
    right_before(first_look(), brings_a_cart_once);
    expect(ask_dry(customer), OUTREACH_DRY, "send", "risk");
    customer = "eddy";
    right_before(first_look(), brings_a_cart_once);
    expect(ask(customer), OUTREACH_NEW, "send", "risk");
}

/* Of the customer only the order is known, which names a cart that a browser keeps beside another one: what that browser has will be the
 * customer's. */
static void who_is_about_to_be_joined_by_a_cart_it_ordered_is_not_without_one(void **state)
{
    (void)state;
    did_with(bench.db, (struct deed){.anonymous = "ffis-laptop",
                                     .type = "cart_item_added",
                                     .minutes_ago = 99,
                                     .more = A_SHOE ",\"cart_id\":\"ffi-1\""});
    did_with(bench.db, (struct deed){.anonymous = "ffis-laptop",
                                     .type = "cart_item_added",
                                     .minutes_ago = 91,
                                     .more = A_SHOE ",\"cart_id\":\"ffi-2\""});
    fold_to_end(&bench);
    did("ffi", "purchase", 95, A_SHOE ",\"cart_id\":\"ffi-1\"");
    expect_pending("ffi");
    fold_to_end(&bench);
    expect(ask("ffi"), OUTREACH_NEW, "send", "risk");
}

/* ---- whichever query fails ---- */

/* Cuts the connection before the first round trip, the second, ... until the request gets through. Returns how many failed. */
static int cut_at_each_round_trip(struct outreach_request request, enum outreach_outcome outcome,
                                  const char *decision)
{
    struct answer a;
    int failed = 0;

    for (;;) {
        struct err err = {0};
        unhook(NULL);
        hook.cut_at = failed + 1;
        if (try_ask(request, &a, &err)) {
            break;
        }
        assert_int_equal(err.kind, ERR_BUSY);
        failed++;
    }
    unhook(NULL);
    assert_int_equal(a.outcome, outcome);
    assert_string_equal(member(&a, "decision"), decision);
    json_decref(a.json);
    return failed;
}

static void whichever_query_fails_the_request_fails_and_nothing_is_half_done(void **state)
{
    (void)state;
    did("xia", "cart_item_added", 90, A_SHOE ",\"cart_id\":\"xias-basket\"");
    did("xia", "identify", 80, ",\"anonymous_id\":\"xias-laptop\"");
    fold_to_end(&bench);
    const struct outreach_request request = {.customer_id = "xia"};
    struct outreach_request dry = {.anonymous_id = "xias-laptop", .dry_run = true};

    assert_int_equal(cut_at_each_round_trip(dry, OUTREACH_DRY, "send"), 3);
    dry = (struct outreach_request){
        .cart_id = "xias-basket", .dry_run = true, .at_us = clock_now_us() - MINUTES(1)};
    assert_int_equal(cut_at_each_round_trip(dry, OUTREACH_DRY, "send"), 3);
    assert_int_equal(cut_at_each_round_trip(request, OUTREACH_NEW, "send"), 4);
    assert_int_equal(released_count("xia"), 1);
    assert_int_equal(cut_at_each_round_trip(request, OUTREACH_BEFORE, "send"), 4);
    did("xia", "consent_withdrawn", 0, "");
    assert_int_equal(cut_at_each_round_trip(request, OUTREACH_BEFORE, "silence"), 2);
    did("xia", "cart_item_added", 95, A_SHOE); /* everything is folded again */
    assert_int_equal(cut_at_each_round_trip(request, OUTREACH_BEFORE, "silence"), 3);
    assert_int_equal(released_count("xia"), 1);
    assert_int_equal(
        count_of(&bench, "SELECT count(*) FROM cartwright.outreach WHERE key = 'c:xia'"), 1);
}

static void whichever_query_of_a_silence_fails_the_request_fails(void **state)
{
    (void)state;
    did("yan", "cart_item_added", 10, A_SHOE);
    assert_int_equal(cut_at_each_round_trip((struct outreach_request){.customer_id = "yan"},
                                            OUTREACH_NEW, "silence"),
                     4);
    assert_int_equal(released_count("yan"), 0);
}

/* ---- how often the database is asked ---- */

struct cost {
    const char *name;
    struct outreach_request request;
    int statements;
    int round_trips;
};

static void check_cost(const struct cost *cost)
{
    unhook(NULL);
    struct answer a = ask_as(cost->request);
    json_decref(a.json);
    if (hook.statements != cost->statements || hook.round_trips != cost->round_trips) {
        fail_msg("%s: %d statements in %d round trips instead of %d in %d", cost->name,
                 hook.statements, hook.round_trips, cost->statements, cost->round_trips);
    }
}

/* Raise a number here only with a reason that is worth a round trip to a database in another building, at every decision. */
static void a_decision_asks_the_database_this_often_and_no_more(void **state)
{
    (void)state;
    did("rex", "cart_item_added", 90, A_SHOE ",\"cart_id\":\"rexs-basket\"");
    did("rex", "identify", 80, ",\"anonymous_id\":\"rexs-laptop\"");
    did("sue", "cart_item_added", 10, A_SHOE);
    did("tom", "page_viewed", 10, "");
    did("uma", "cart_item_added", 10, A_SHOE);
    fold_to_end(&bench);
    did("uma", "cart_item_added", 95, A_SHOE); /* sorts before what is folded */
    const int64_t past_us = clock_now_us() - MINUTES(1);
    const struct cost costs[] = {
        {"a dry run", {.customer_id = "rex", .dry_run = true}, 3, 2},
        {"a dry run by cart", {.cart_id = "rexs-basket", .dry_run = true}, 4, 3},
        {"a dry run by joined browser", {.anonymous_id = "rexs-laptop", .dry_run = true}, 4, 3},
        {"a dry run in the past", {.customer_id = "rex", .dry_run = true, .at_us = past_us}, 2, 2},
        {"a send", {.customer_id = "rex"}, 8, 4},
        /* one for what has sold out since, one for who has logged in since */
        {"the same again", {.customer_id = "rex"}, 4, 4},
        {"a silence", {.customer_id = "sue"}, 8, 4},
        /* one for what came since: that there is no cart must still be so when it is said */
        {"without a cart", {.customer_id = "tom"}, 2, 2},
        {"nobody", {.customer_id = "nobody"}, 2, 2},
        {"out of order", {.customer_id = "uma"}, 9, 5},
    };
    for (size_t i = 0; i < COUNT_OF(costs); i++) {
        check_cost(&costs[i]);
    }
}

#define RELEASE_TEST(name) cmocka_unit_test_teardown(name, unhook)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RELEASE_TEST(a_purchase_between_considering_and_releasing_stops_the_send),
        RELEASE_TEST(a_withdrawal_between_considering_and_releasing_stops_the_send),
        RELEASE_TEST(a_silence_is_decided_again_as_well_where_something_came),
        RELEASE_TEST(a_shopper_who_is_always_faster_is_given_up_after_forty_tries),
        RELEASE_TEST(what_others_of_the_lane_do_meanwhile_changes_nothing),
        RELEASE_TEST(from_the_last_look_to_commit_no_lane_of_the_shopper_takes_an_event),
        RELEASE_TEST(a_purchase_that_holds_the_lane_is_waited_for_and_counts),
        RELEASE_TEST(a_browsers_purchase_at_the_last_moment_is_waited_for),
        RELEASE_TEST(a_silence_holds_no_lane_but_its_own),
        RELEASE_TEST(who_has_more_browsers_than_one_person_is_told_nothing_asked_in_earnest_or_not),
        RELEASE_TEST(browsers_of_long_ago_make_nobody_many_people),
        RELEASE_TEST(what_many_browsers_did_is_waited_for_without_their_lanes),
        RELEASE_TEST(an_identify_that_is_not_folded_is_waited_for),
        RELEASE_TEST(an_alias_that_is_not_folded_is_waited_for),
        RELEASE_TEST(what_a_browser_did_that_the_log_is_about_to_join_is_waited_for),
        RELEASE_TEST(who_waits_for_a_join_keeps_nobody_from_the_only_connection),
        RELEASE_TEST(what_a_joined_browser_did_is_waited_for_though_its_identify_is_gone),
        RELEASE_TEST(what_the_fold_took_last_of_all_is_not_waited_for),
        RELEASE_TEST(a_silence_does_not_wait_for_what_joins),
        RELEASE_TEST(what_strangers_and_news_of_other_kinds_do_is_not_waited_for),
        RELEASE_TEST(what_strangers_of_the_same_lanes_do_is_not_waited_for),
        RELEASE_TEST(an_anonymous_shopper_is_released_under_the_own_key),
        RELEASE_TEST(a_send_that_is_there_already_is_the_answer_and_nothing_is_told_twice),
        RELEASE_TEST(a_lost_connection_before_commit_leaves_neither_row_nor_event),
        RELEASE_TEST(a_release_that_is_in_the_log_without_its_row_is_a_defect),
        RELEASE_TEST(a_no_of_a_customer_that_a_browser_may_be_stops_the_send_at_the_last_look),
        RELEASE_TEST(a_message_is_not_said_again_to_who_is_folded_as_a_buyer_meanwhile),
        RELEASE_TEST(a_dry_run_does_not_speak_to_who_is_folded_as_opted_out_meanwhile),
        RELEASE_TEST(a_browser_that_changes_hands_while_it_is_followed_is_followed_again),
        RELEASE_TEST(a_cart_that_is_folded_meanwhile_is_found),
        RELEASE_TEST(a_cart_that_comes_while_its_shopper_is_found_without_one_counts),
        RELEASE_TEST(a_shopper_who_comes_while_nobody_is_found_is_no_stranger),
        RELEASE_TEST(who_is_about_to_be_joined_by_a_cart_it_ordered_is_not_without_one),
        RELEASE_TEST(whichever_query_fails_the_request_fails_and_nothing_is_half_done),
        RELEASE_TEST(whichever_query_of_a_silence_fails_the_request_fails),
        RELEASE_TEST(a_decision_asks_the_database_this_often_and_no_more),
    };
    return cmocka_run_group_tests_name("releases", tests, outreach_setup, outreach_teardown);
}
