/* An order told in whole seconds, and what the browser tells of its second: whoever bought is told nothing, in whatever order it all arrives, each
 * event with a fraction of the second or without. */
#include "integration/outreach/outreach_spec.h"

#include "base/clock.h"
#include "domain/shop/event.h"
#include "support/spec.h"

#include <string.h>

enum { EVENTS = 4, ORDERS = 24, FRACTIONS = 1 << EVENTS, BUYERS = ORDERS * FRACTIONS };

/* In the order in which it was done. */
static const struct {
    const char *type;
    const char *fraction;
    bool alone; /* by the browser, which does not say who that is */
    const char *more;
} second[EVENTS] = {
    {"cart_item_added", ".100", false,
     ",\"items\":[{\"product_id\":\"hat\",\"price_minor\":990,\"currency\":\"EUR\"}]"},
    {"payment_failed", ".200", true, ""},
    {"purchase", ".300", true, ",\"order_id\":\"o\",\"items\":[{\"product_id\":\"shoe\"}]"},
    {"logged_out", ".600", false, ""},
};

static char whole[CLOCK_TEXT_MAX]; /* the second, without its Z */

static int setup(void **state)
{
    const int64_t at_us = (clock_now_us() - HOURS(1)) / SECONDS(1) * SECONDS(1);

    assert_int_equal(outreach_setup(state), 0);
    (void)clock_format_rfc3339(at_us, whole);
    whole[strcspn(whole, ".Z")] = '\0';
    return 0;
}

static const char *buyer(int n)
{
    return arena_printf(&bench.arena, "b%d", n);
}

/* Fills the n-th order of the events. */
static void arrange(int n, int out[EVENTS])
{
    int left[EVENTS] = {0, 1, 2, 3};

    for (int i = 0; i < EVENTS; i++) {
        const int choices = EVENTS - i;
        const int choice = n % choices;
        n /= choices;
        out[i] = left[choice];
        memmove(&left[choice], &left[choice + 1], (size_t)(choices - choice - 1) * sizeof left[0]);
    }
}

/* As it would come in: decoded, and appended with the time that was read. */
static void tell(const char *body)
{
    struct err err = {0};
    struct event e = {0};
    enum append_status status;
    const int64_t now_us = clock_now_us();

    ok(event_decode_text(body, strlen(body), ORIGIN_API, now_us, &bench.arena, &e, &err), &err);
    const struct event_row row = {.event_id = e.event_id,
                                  .key = event_key(&e, &bench.arena),
                                  .type = event_type_name(e.type),
                                  .occurred_us = e.occurred_us,
                                  .body = body};
    ok(store_events_append(bench.db, &row, 1, ORIGIN_API, now_us, &status, &err), &err);
    assert_int_equal(status, APPEND_STORED);
}

/* Event i of buyer n, whose number says what has a fraction and, behind that, what comes first. */
static void tell_one(int n, int i)
{
    const char *who = buyer(n);
    const char *customer =
        second[i].alone ? "" : arena_printf(&bench.arena, "\"customer_id\":\"%s\",", who);

    tell(arena_printf(
        &bench.arena,
        "{\"event_id\":\"%s-%d\",\"type\":\"%s\",%s\"anonymous_id\":\"%s\",\"occurred_at\":\"%s%sZ\"%s}",
        who, i, second[i].type, customer, who, whole, (n & (1 << i)) != 0 ? second[i].fraction : "",
        second[i].more));
}

static bool has_bought(int n, int steps)
{
    int arrival[EVENTS];
    bool bought = false;

    arrange(n / FRACTIONS, arrival);
    for (int i = 0; i < steps; i++) {
        bought = bought || strcmp(second[arrival[i]].type, "purchase") == 0;
    }
    return bought;
}

static void expect_silence(int n)
{
    struct answer a = ask_as((struct outreach_request){.customer_id = buyer(n), .dry_run = true});

    if (strcmp(member(&a, "decision"), "silence") != 0) {
        fail_msg("%s (fractions %x, arrival %d) is told: %s", buyer(n), (unsigned)n % FRACTIONS,
                 n / FRACTIONS, a.text);
    }
    json_decref(a.json);
}

static void whoever_bought_in_the_second_of_a_logout_is_told_nothing(void **state)
{
    (void)state;
    for (int n = 0; n < BUYERS; n++) {
        did_with(bench.db,
                 (struct deed){.customer = buyer(n),
                               .type = "cart_item_added",
                               .minutes_ago = 70,
                               .more = arena_printf(&bench.arena, ",\"anonymous_id\":\"%s\"" A_SHOE,
                                                    buyer(n))});
    }
    did("waits", "cart_item_added", 70, A_SHOE);
    for (int step = 0; step < EVENTS; step++) {
        for (int n = 0; n < BUYERS; n++) {
            int arrival[EVENTS];
            arrange(n / FRACTIONS, arrival);
            tell_one(n, arrival[step]);
        }
        fold_to_end(&bench);
        for (int n = 0; n < BUYERS; n++) {
            if (has_bought(n, step + 1)) {
                expect_silence(n);
            }
        }
    }
    expect(ask_as((struct outreach_request){.customer_id = "waits", .dry_run = true}), OUTREACH_DRY,
           "send", "risk");
    assert_int_equal(
        count_of(&bench,
                 "SELECT count(*) FROM cartwright.cart WHERE key <> 'c:waits' AND status = 'open'"),
        0);
    assert_replay_is_clean(&bench);
}

/* ---- who comes after ---- */

enum { STORIES = 2, AFTER = 3, AFTER_ORDERS = 6, SHOPS = 2 * STORIES * AFTER_ORDERS };

/* The number of a story says who leaves or comes, the order of arrival, and whether each event is folded as it comes. */
static bool somebody_logs_in(int n)
{
    return n % STORIES == 1;
}

/* What happens at browser x-n: c-n orders in whole seconds, in that second leaves or is followed by d-n, and something is put into a cart. */
static void tell_after(int n, int i)
{
    char later[CLOCK_TEXT_MAX];
    const char *x = arena_printf(&bench.arena, "\"anonymous_id\":\"x-%d\"", n);
    const char *from = arena_printf(&bench.arena, "{\"event_id\":\"s%d-%d\",%s", n, i, x);

    (void)clock_format_rfc3339(clock_now_us() - MINUTES(40), later);
    if (i == 0) {
        tell(arena_printf(&bench.arena,
                          "%s,\"type\":\"purchase\",\"customer_id\":\"c-%d\",\"order_id\":\"so%d\","
                          "\"occurred_at\":\"%sZ\",\"items\":[{\"product_id\":\"shoe\"}]}",
                          from, n, n, whole));
    } else if (i == 1 && somebody_logs_in(n)) {
        tell(arena_printf(
            &bench.arena,
            "%s,\"type\":\"identify\",\"customer_id\":\"d-%d\",\"occurred_at\":\"%s.500Z\"}", from,
            n, whole));
    } else if (i == 1) {
        tell(arena_printf(&bench.arena, "%s,\"type\":\"logged_out\",\"occurred_at\":\"%s.500Z\"}",
                          from, whole));
    } else {
        tell(arena_printf(&bench.arena,
                          "%s,\"type\":\"cart_item_added\",\"occurred_at\":\"%s\","
                          "\"items\":[{\"product_id\":\"secret\"}]}",
                          from, later));
    }
}

/* The order is at the end of its second, and who it says was logged in is so from its beginning. */
static void what_comes_after_an_order_at_its_browser_is_not_its_buyers(void **state)
{
    static const int arrivals[AFTER_ORDERS][AFTER] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                                      {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    (void)state;

    for (int n = 0; n < SHOPS; n++) {
        const int *arrival = arrivals[n / STORIES % AFTER_ORDERS];
        const bool folded = n >= SHOPS / 2;
        did_with(bench.db,
                 (struct deed){
                     .customer = arena_printf(&bench.arena, "c-%d", n),
                     .type = "cart_item_added",
                     .minutes_ago = 70,
                     .more = arena_printf(&bench.arena, ",\"anonymous_id\":\"x-%d\"" A_SHOE, n)});
        fold_to_end(&bench);
        for (int i = 0; i < AFTER; i++) {
            tell_after(n, arrival[i]);
            if (folded) {
                fold_to_end(&bench);
            }
        }
    }
    fold_to_end(&bench);
    for (int n = 0; n < SHOPS; n++) {
        const char *owner =
            arena_printf(&bench.arena, somebody_logs_in(n) ? "c:d-%d" : "a:x-%d", n);
        assert_int_equal(
            count_of(&bench, arena_printf(&bench.arena,
                                          "SELECT count(*) FROM cartwright.cart WHERE key = "
                                          "'c:c-%d' AND status = 'open'",
                                          n)),
            0);
        assert_int_equal(
            count_of(&bench, arena_printf(&bench.arena,
                                          "SELECT count(*) FROM cartwright.cart WHERE key = '%s' "
                                          "AND status = 'open' AND lines = 1",
                                          owner)),
            1);
    }
    assert_replay_is_clean(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_bought_in_the_second_of_a_logout_is_told_nothing),
        cmocka_unit_test(what_comes_after_an_order_at_its_browser_is_not_its_buyers),
    };
    return cmocka_run_group_tests(tests, setup, outreach_teardown);
}
