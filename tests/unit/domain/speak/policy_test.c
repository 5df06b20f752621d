/* The rules as a table: one situation, what each rule that matters says, and what is decided. */
#include "domain/speak/policy.h"

#include "base/clock.h"
#include "support/spec.h"

#include <math.h>

#define NOW DAYS(20000)

static const struct policy shop = {
    .clock = {MINUTES(5), MINUTES(60), DAYS(7)},
    .age_max_us = DAYS(7),
    .risk_threshold = 0.5,
};

/* A shopper who put one thing into a cart two hours ago and left. */
struct situation {
    const char *name;
    int64_t idle_us;
    int64_t changed_ago_us;
    int64_t bought_ago_us;    /* 0: never */
    int64_t contacted_ago_us; /* 0: never */
    double risk;
    bool no_cart, no_lines, bot, imported, dry_run, cart_changed, withdrawn, given_again;
    bool send;
    enum rule_id reason;
};

#define a_cart_left_behind(...)                                                                    \
    {                                                                                              \
        .idle_us = HOURS(2), .changed_ago_us = HOURS(2), .risk = 0.9, .reason = RULE_RISK,         \
        __VA_ARGS__                                                                                \
    }

static const struct situation situations[] = {
    a_cart_left_behind(.name = "at risk and left for two hours", .send = true),
    a_cart_left_behind(.name = "exactly at the threshold", .risk = 0.5, .send = true),
    a_cart_left_behind(.name = "below the threshold", .risk = 0.49),
    a_cart_left_behind(.name = "no model has been trained", .risk = (double)NAN),
    a_cart_left_behind(.name = "no cart", .no_cart = true, .reason = RULE_EMPTY),
    a_cart_left_behind(.name = "a cart without lines", .no_lines = true, .reason = RULE_EMPTY),
    a_cart_left_behind(.name = "bought after the cart changed", .bought_ago_us = HOURS(1),
                       .reason = RULE_BUYER),
    a_cart_left_behind(.name = "bought long before this cart", .bought_ago_us = DAYS(30),
                       .send = true),
    a_cart_left_behind(.name = "bought, and contacted: the buyer rule is named first",
                       .bought_ago_us = HOURS(1), .contacted_ago_us = HOURS(1),
                       .reason = RULE_BUYER),
    a_cart_left_behind(.name = "consent withdrawn", .withdrawn = true, .reason = RULE_OPTED_OUT),
    a_cart_left_behind(.name = "consent withdrawn and given again", .withdrawn = true,
                       .given_again = true, .send = true),
    a_cart_left_behind(.name = "a bot", .bot = true, .reason = RULE_BOT),
    a_cart_left_behind(.name = "imported history", .imported = true, .reason = RULE_IMPORT),
    a_cart_left_behind(.name = "a dry run over imported history", .imported = true, .dry_run = true,
                       .send = true),
    a_cart_left_behind(.name = "still active", .idle_us = MINUTES(1), .reason = RULE_TOO_EARLY),
    a_cart_left_behind(.name = "idle, one microsecond short of abandoned",
                       .idle_us = MINUTES(60) - 1, .reason = RULE_TOO_EARLY),
    a_cart_left_behind(.name = "abandoned to the microsecond", .idle_us = MINUTES(60),
                       .send = true),
    a_cart_left_behind(.name = "expired", .idle_us = DAYS(7), .changed_ago_us = DAYS(7),
                       .reason = RULE_EXPIRED),
    a_cart_left_behind(.name = "looking around, but the cart is old", .changed_ago_us = DAYS(8),
                       .reason = RULE_TOO_OLD),
    a_cart_left_behind(.name = "another cart was looked at", .cart_changed = true,
                       .reason = RULE_CART_CHANGED),
    a_cart_left_behind(.name = "contacted in this round", .contacted_ago_us = HOURS(1),
                       .reason = RULE_ALREADY_CONTACTED),
};

static struct decision decide(const struct situation *t)
{
    char product[] = "p1";
    char cart_id[] = "c1";
    char channel[] = "all";
    struct cart_line line = {.product_id = product, .quantity = 1, .price_minor = 999};
    struct cart cart = {
        .id = cart_id,
        .round = 1,
        .status = CART_OPEN,
        .lines = &line,
        .line_count = t->no_lines ? 0 : 1,
        .opened_us = NOW - t->changed_ago_us,
        .changed_us = NOW - t->changed_ago_us,
        .released = {t->contacted_ago_us != 0 ? NOW - t->contacted_ago_us : 0},
        .imported = t->imported,
    };
    struct shopper shopper = {
        .last_us = NOW - t->idle_us,
        .last_order_us = t->bought_ago_us != 0 ? NOW - t->bought_ago_us : 0,
        .consents = {{.channel = channel, .given = t->given_again, .at_us = NOW - HOURS(3)}},
        .consent_count = t->withdrawn ? 1 : 0,
        .bot = t->bot,
    };
    return policy_decide(&shop, &(struct policy_input){.shopper = &shopper,
                                                       .cart = t->no_cart ? NULL : &cart,
                                                       .step = 1,
                                                       .risk = t->risk,
                                                       .now_us = NOW,
                                                       .dry_run = t->dry_run,
                                                       .cart_changed = t->cart_changed});
}

static void each_situation_is_decided_by_its_first_blocking_rule(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(situations); i++) {
        struct decision d = decide(&situations[i]);

        if (d.send != situations[i].send || d.reason != situations[i].reason) {
            fail_msg("%s: %s because of %s, expected %s because of %s", situations[i].name,
                     d.send ? "send" : "silence", rule_name(d.reason),
                     situations[i].send ? "send" : "silence", rule_name(situations[i].reason));
        }
    }
}

static void every_rule_is_evaluated_even_after_one_has_blocked(void **state)
{
    (void)state;
    struct situation bought = a_cart_left_behind(.bought_ago_us = HOURS(1), .bot = true);
    struct decision d = decide(&bought);

    assert_int_equal(d.reason, RULE_BUYER);
    assert_int_equal(d.rules[RULE_BOT].outcome, RULE_BLOCK);
    assert_int_equal(d.rules[RULE_RISK].outcome, RULE_PASS);
    for (int i = 0; i < RULE_COUNT; i++) {
        assert_true(d.rules[i].detail[0] != '\0');
    }
}

static void a_dry_run_says_that_the_import_rule_was_not_applied(void **state)
{
    (void)state;
    struct situation imported = a_cart_left_behind(.imported = true, .dry_run = true);
    struct decision d = decide(&imported);

    assert_int_equal(d.rules[RULE_IMPORT].outcome, RULE_NOT_APPLIED);
    assert_string_equal(rule_outcome_name(RULE_NOT_APPLIED), "not_applied");
}

static void the_detail_carries_the_numbers_that_decided(void **state)
{
    (void)state;
    struct situation early = a_cart_left_behind(.idle_us = MINUTES(12));
    struct situation calm = a_cart_left_behind(.risk = 0.2);

    assert_string_equal(decide(&early).rules[RULE_TOO_EARLY].detail,
                        "idle for 12m, abandoned after 1h00m");
    assert_string_equal(decide(&calm).rules[RULE_RISK].detail, "risk 0.200, threshold 0.500");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_situation_is_decided_by_its_first_blocking_rule),
        cmocka_unit_test(every_rule_is_evaluated_even_after_one_has_blocked),
        cmocka_unit_test(a_dry_run_says_that_the_import_rule_was_not_applied),
        cmocka_unit_test(the_detail_carries_the_numbers_that_decided),
    };
    return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
