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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_bought_in_the_second_of_a_logout_is_told_nothing),
    };
    return cmocka_run_group_tests(tests, setup, outreach_teardown);
}
