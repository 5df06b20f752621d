/* What is said of shoppers of very many events while some of them wait to be folded: nothing, where they cannot be read at once. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "integration/outreach/outreach_spec.h"
#include "outreach/customer.h"
#include "support/spec.h"

#include <stdlib.h>

enum { HEAVY = 16 };

static int setup(void **state)
{
    if (outreach_setup(state) != 0) {
        return 1;
    }
    bench.config.heavy_events = HEAVY;
    bench.config.heavy_pause = 1000;
    bench.config.fold_batch = 4000;
    fold_to_end(&bench);
    return 0;
}

/* Page views of a key, one a second, the last of them ten minutes before now. */
static void view_pages(const char *key, int count)
{
    run_sql(
        &bench,
        arena_printf(
            &bench.arena,
            "SELECT cartwright.append_rows(array_agg(e.id), array_agg('%s'::text), array_agg('page_viewed'::text), 'api', array_agg(e.at), now(),"
            "  array_agg(jsonb_build_object('event_id', e.id, 'type', 'page_viewed', '%s', substr('%s', 3), 'occurred_at', e.at)))"
            "  FROM (SELECT '%s' || n AS id, now() - interval '10 minutes' - (%d - n) * interval '1 second' AS at"
            "          FROM generate_series(1, %d) n) e",
            key, key[0] == 'c' ? "customer_id" : "anonymous_id", key, key, count, count));
}

static void fold_to_cursor(void)
{
    struct err err = {0};
    struct log_lag lag = {.events = 1};
    int64_t folded;

    for (int i = 0; lag.events > 0 && i < 1000; i++) {
        ok(folder_step(bench.folder, &folded, &err) && folder_lag(bench.folder, &lag, &err), &err);
    }
}

/* Whose fold has begun is folded to its last page. */
static void fold_what_has_begun(void)
{
    struct err err = {0};
    int64_t folded;

    fold_to_cursor();
    for (int i = 0; i < 1000 && count_of(&bench, "SELECT count(*) FROM cartwright.refolding") > 0;
         i++) {
        ok(folder_step(bench.folder, &folded, &err), &err);
    }
}

/* Of who has just been folded so and rests for a while, something from far back waits. */
static void put_off(const char *customer, const char *anonymous)
{
    const char *key = customer != NULL ? arena_printf(&bench.arena, "c:%s", customer)
                                       : arena_printf(&bench.arena, "a:%s", anonymous);

    did_with(bench.db, (struct deed){customer, anonymous, "page_viewed", 5000, NULL});
    fold_what_has_begun();
    run_sql(
        &bench,
        arena_printf(
            &bench.arena,
            "INSERT INTO cartwright.stale_shopper VALUES (cartwright.lane_of('%s'), '%s', NULL, now() + interval '1 hour', 1)"
            " ON CONFLICT (lane, key) DO UPDATE SET due_at = excluded.due_at",
            key, key));
    did_with(bench.db, (struct deed){customer, anonymous, "page_viewed", 4999, NULL});
    fold_to_cursor();
    assert_int_equal(count_of(&bench, arena_printf(&bench.arena,
                                                   "SELECT count(*) FROM cartwright.stale_shopper"
                                                   " WHERE key = '%s' AND since IS NOT NULL",
                                                   key)),
                     1);
}

static void settle(void)
{
    struct err err = {0};
    int folded = 1;

    fold_to_cursor();
    for (int i = 0; folded > 0 && i < 100; i++) {
        ok(folder_settle(bench.folder, &folded, &err), &err);
        fold_to_cursor();
    }
}

/* Silence by the rule, and a time to come back at that the due time says. */
static void expect_unread(struct answer a, enum outreach_outcome outcome)
{
    char soon[CLOCK_TEXT_MAX];
    const char *again = member(&a, "look_again_at");

    assert_true(strcmp(again, clock_format_rfc3339(clock_now_us() + MINUTES(50), soon)) > 0);
    assert_text_contains(member(&a, "reason_text"), "not everything that was done is folded yet");
    expect(a, outcome, "silence", "unread");
}

static void of_whom_not_everything_can_be_read_nothing_is_said(void **state)
{
    (void)state;
    view_pages("c:many", 6000);
    fold_to_cursor();
    did("many", "cart_item_added", 90, A_SHOE);
    settle();
    expect(ask_as((struct outreach_request){.customer_id = "many", .dry_run = true}), OUTREACH_DRY,
           "silence", "too_early"); /* it looked at pages ten minutes ago */
    put_off("many", NULL);
    expect_unread(ask("many"), OUTREACH_NEW);
    expect_unread(ask("many"), OUTREACH_NEW);
    settle();
    expect(ask("many"), OUTREACH_NEW, "silence", "too_early");
}

static void what_was_sent_is_not_said_again_meanwhile(void **state)
{
    struct answer sent;
    (void)state;

    view_pages("c:again", 6000);
    fold_to_cursor();
    run_sql(&bench, "UPDATE cartwright.event SET occurred_at = occurred_at - interval '2 hours'"
                    " WHERE key = 'c:again'");
    run_sql(&bench, "DELETE FROM cartwright.heavy_shopper; DELETE FROM cartwright.heavy_event;"
                    "DELETE FROM cartwright.heavy_checkpoint;"
                    "UPDATE cartwright.shopper SET doc = '{}' WHERE key = 'c:again'");
    did("again", "cart_item_added", 90, A_SHOE);
    fold_to_cursor();
    settle();
    sent = ask("again");
    const char *id = member(&sent, "outreach_id");
    expect(sent, OUTREACH_NEW, "send", "risk");
    fold_to_cursor();
    put_off("again", NULL);
    struct answer silent = ask("again");
    assert_string_equal(member(&silent, "outreach_id"), id);
    expect_unread(silent, OUTREACH_BEFORE);
    settle();
    expect(ask("again"), OUTREACH_BEFORE, "send", "risk");
}

/* The browser's order is in the log, and the customer's carts know nothing of it. */
static void nor_of_a_customer_while_a_browser_of_theirs_waits(void **state)
{
    (void)state;
    did_with(bench.db, (struct deed){.anonymous = "till",
                                     .type = "cart_item_added",
                                     .minutes_ago = 93,
                                     .more = A_SHOE});
    did("tina", "identify", 94, ",\"anonymous_id\":\"till\"");
    fold_to_cursor();
    for (int i = 0; i < 2 * HEAVY; i++) {
        did_with(bench.db,
                 (struct deed){.anonymous = "till", .type = "page_viewed", .minutes_ago = 92});
    }
    fold_to_cursor();
    settle();
    expect(ask_as((struct outreach_request){.customer_id = "tina", .dry_run = true}), OUTREACH_DRY,
           "send", "risk");
    /* A login of somebody else, far back, is what a browser is put off for. */
    did("uwe", "identify", 3000, ",\"anonymous_id\":\"till\"");
    fold_to_cursor();
    run_sql(&bench,
            "INSERT INTO cartwright.stale_shopper"
            " VALUES (cartwright.lane_of('a:till'), 'a:till', NULL, now() + interval '1 hour', 1)"
            " ON CONFLICT (lane, key) DO UPDATE SET due_at = excluded.due_at");
    did("uwe", "logged_out", 2990, ",\"anonymous_id\":\"till\"");
    fold_to_cursor();
    did_with(bench.db, (struct deed){.anonymous = "till",
                                     .type = "purchase",
                                     .minutes_ago = 91,
                                     .more = ",\"order_id\":\"o-till\"" A_SHOE});
    fold_to_cursor();
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.stale_shopper"
                                      " WHERE key = 'a:till' AND since IS NOT NULL"),
                     1);
    expect_unread(ask("tina"), OUTREACH_NEW);
    settle();
    expect(ask_as((struct outreach_request){.customer_id = "tina", .dry_run = true}), OUTREACH_DRY,
           "silence", "buyer");
}

static int64_t handing_count(void)
{
    return count_of(&bench, "SELECT count(*) FROM cartwright.handing_over");
}

static int64_t told_to_ada(void)
{
    return count_of(
        &bench, "SELECT count(*) FROM cartwright.event WHERE key = 'c:ada' AND type = 'forwarded'");
}

/* A kiosk turns out to be hers, and what was done there comes a page at a time: an order may be in what is still to come. */
static void nor_of_who_is_handed_what_is_hers_until_all_of_it_is_there(void **state)
{
    struct err err = {0};
    int64_t folded;
    (void)state;

    bench.config.heavy_pause = 0;
    for (int i = 0; i < 5 * HEAVY; i++) {
        did_with(
            bench.db,
            (struct deed){.anonymous = "kiosk", .type = "page_viewed", .minutes_ago = 400 - i});
    }
    settle();
    did("ada", "cart_item_added", 91, A_SHOE);
    did("ada", "identify", 90, ",\"anonymous_id\":\"kiosk\"");
    for (int i = 0; told_to_ada() == 0 && i < 5000; i++) {
        ok(folder_step(bench.folder, &folded, &err), &err);
    }
    assert_int_equal(handing_count(), 1);
    /* which takes as long as the pages that are left, and no rest between them */
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.handing_over"
                                      " WHERE due_at < now() + interval '50 minutes'"),
                     1);
    expect(ask("ada"), OUTREACH_NEW, "silence", "unread");
    settle();
    assert_int_equal(handing_count(), 0);
    assert_int_equal(told_to_ada(), 5 * HEAVY);
    expect(ask("ada"), OUTREACH_NEW, "send", "risk");
}

static void a_customer_is_shown_as_folded_last_and_says_so(void **state)
{
    struct err err = {0};
    CLEANUP(arena_free) struct arena arena = {0};
    CLEANUP(buf_free) struct buf out = buf_make(1 << 20);
    const struct outreach_means means = {pool, live, &bench.config};
    bool found = false;
    (void)state;

    view_pages("c:show", 6000);
    fold_to_cursor();
    put_off("show", NULL);
    ok(customer_read(&means, "show", &arena, &out, &found, &err), &err);
    assert_true(found);
    assert_text_contains(buf_text(&out), "\"unread\":true");
    assert_text_contains(buf_text(&out), "\"events\":6001");
    settle();
    buf_reset(&out);
    ok(customer_read(&means, "show", &arena, &out, &found, &err), &err);
    assert_null(strstr(buf_text(&out), "\"unread\""));
    assert_text_contains(buf_text(&out), "\"events\":6002");
}

/* A cart that nobody has yet, but whose shopper waits: not unknown. */
static void a_cart_of_who_waits_is_not_unknown(void **state)
{
    struct answer a = {0};
    struct err err = {0};
    (void)state;

    bench.config.database_wait = 5000;
    bench.config.database_timeout = 5000;
    view_pages("c:carter", 6000);
    fold_to_cursor();
    put_off("carter", NULL);
    did("carter", "cart_item_added", 9, ",\"cart_id\":\"k-waits\"" A_SHOE);
    fold_to_cursor();
    const struct outreach_request request = {.cart_id = "k-waits", .dry_run = true};
    assert_false(try_ask(request, &a, &err));
    assert_int_equal(err.kind, ERR_BUSY);
    settle();
    expect(ask_as(request), OUTREACH_DRY, "silence", "too_early");
}

#define STALE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, outreach_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STALE_TEST(of_whom_not_everything_can_be_read_nothing_is_said),
        STALE_TEST(what_was_sent_is_not_said_again_meanwhile),
        STALE_TEST(nor_of_a_customer_while_a_browser_of_theirs_waits),
        STALE_TEST(nor_of_who_is_handed_what_is_hers_until_all_of_it_is_there),
        STALE_TEST(a_customer_is_shown_as_folded_last_and_says_so),
        STALE_TEST(a_cart_of_who_waits_is_not_unknown),
    };
    return cmocka_run_group_tests_name("stale shoppers", tests, NULL, NULL);
}
