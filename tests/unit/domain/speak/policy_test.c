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
    int64_t bought_ago_us;        /* 0: never */
    int64_t contacted_ago_us;     /* 0: never */
    int64_t opted_out_ago_us;     /* somebody who named the cart; 0: nobody */
    int64_t ordered_ago_us;       /* somebody else, one of the shopper's carts; 0: nobody did */
    int64_t sharer_bought_ago_us; /* a customer that the shopper may be; 0: none */
    int64_t older_ago_us;         /* a second line that was put in then; 0: there is none */
    int64_t left_ago_us;          /* an order of its own left the lines over; 0: none did */
    int64_t sharer_opted_out_ago_us;
    size_t browsers;
    double risk;
    bool no_cart, no_lines, bot, imported, dry_run, cart_changed, sent_outdated, sold_out,
        withdrawn, given_again, mistaken;
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
    a_cart_left_behind(.name = "bought in the microsecond in which the cart last changed",
                       .bought_ago_us = HOURS(2), .reason = RULE_BUYER),
    a_cart_left_behind(.name = "bought a microsecond before the cart last changed",
                       .bought_ago_us = HOURS(2) + 1, .send = true),
    a_cart_left_behind(.name = "bought long before this cart", .bought_ago_us = DAYS(30),
                       .send = true),
    a_cart_left_behind(.name = "bought, and contacted: the buyer rule is named first",
                       .bought_ago_us = HOURS(1), .contacted_ago_us = HOURS(1),
                       .reason = RULE_BUYER),
    a_cart_left_behind(.name = "consent withdrawn", .withdrawn = true, .reason = RULE_OPTED_OUT),
    a_cart_left_behind(.name = "consent withdrawn and given again", .withdrawn = true,
                       .given_again = true, .send = true),
    a_cart_left_behind(.name = "consent withdrawn by somebody who named the cart",
                       .opted_out_ago_us = HOURS(1), .reason = RULE_OPTED_OUT),
    a_cart_left_behind(.name = "so, and the shopper had said yes before", .withdrawn = true,
                       .given_again = true, .opted_out_ago_us = HOURS(1), .reason = RULE_OPTED_OUT),
    a_cart_left_behind(.name = "so, and the shopper said yes in that very microsecond",
                       .withdrawn = true, .given_again = true, .opted_out_ago_us = HOURS(3),
                       .reason = RULE_OPTED_OUT),
    a_cart_left_behind(.name = "so, and the shopper said yes since", .withdrawn = true,
                       .given_again = true, .opted_out_ago_us = HOURS(4), .send = true),
    a_cart_left_behind(.name = "consent withdrawn by a customer that it may be",
                       .sharer_opted_out_ago_us = DAYS(9), .reason = RULE_OPTED_OUT),
    a_cart_left_behind(.name = "so, and the shopper has said yes since", .withdrawn = true,
                       .given_again = true, .sharer_opted_out_ago_us = HOURS(4), .send = true),
    a_cart_left_behind(.name = "bought by a customer that it may be, after the cart changed",
                       .sharer_bought_ago_us = HOURS(1), .reason = RULE_BUYER),
    a_cart_left_behind(.name = "so, in the microsecond in which the cart last changed",
                       .sharer_bought_ago_us = HOURS(2), .reason = RULE_BUYER),
    a_cart_left_behind(.name = "so, a microsecond before", .sharer_bought_ago_us = HOURS(2) + 1,
                       .send = true),
    a_cart_left_behind(.name = "so, and the shopper itself long before", .bought_ago_us = DAYS(30),
                       .sharer_bought_ago_us = HOURS(1), .reason = RULE_BUYER),
    a_cart_left_behind(.name = "so, and there is no cart", .no_cart = true,
                       .sharer_bought_ago_us = HOURS(1), .reason = RULE_EMPTY),
    a_cart_left_behind(.name = "so, and one more line came since", .older_ago_us = HOURS(5),
                       .sharer_bought_ago_us = HOURS(4), .reason = RULE_BUYER),
    a_cart_left_behind(.name = "ordered by another, and one more line came since",
                       .older_ago_us = HOURS(5), .ordered_ago_us = HOURS(5), .reason = RULE_BUYER),
    a_cart_left_behind(.name = "so, and the shopper bought something else between the two",
                       .older_ago_us = HOURS(5), .ordered_ago_us = HOURS(4),
                       .bought_ago_us = HOURS(3), .reason = RULE_BUYER),
    a_cart_left_behind(.name = "so, and that order of its own left the lines over",
                       .older_ago_us = HOURS(5), .ordered_ago_us = HOURS(4),
                       .bought_ago_us = HOURS(3), .left_ago_us = HOURS(3), .send = true),
    a_cart_left_behind(.name = "ordered by another a microsecond before the first line came",
                       .older_ago_us = HOURS(5), .ordered_ago_us = HOURS(5) + 1, .send = true),
    a_cart_left_behind(.name = "bought by itself, and one more line came since: an older round",
                       .older_ago_us = HOURS(5), .bought_ago_us = HOURS(4), .send = true),
    a_cart_left_behind(.name = "a bot", .bot = true, .reason = RULE_BOT),
    a_cart_left_behind(.name = "of as many browsers as one person may have",
                       .browsers = BROWSERS_MAX, .send = true),
    a_cart_left_behind(.name = "joined by a cart id of several", .mistaken = true,
                       .reason = RULE_MANY_BROWSERS),
    a_cart_left_behind(.name = "of one more", .browsers = BROWSERS_MAX + 1,
                       .reason = RULE_MANY_BROWSERS),
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
    a_cart_left_behind(.name = "a microsecond short of expired", .idle_us = DAYS(7) - 1,
                       .changed_ago_us = DAYS(7) - 1, .send = true),
    a_cart_left_behind(.name = "as old as it may be", .changed_ago_us = DAYS(7), .send = true),
    a_cart_left_behind(.name = "a microsecond older than it may be", .changed_ago_us = DAYS(7) + 1,
                       .reason = RULE_TOO_OLD),
    a_cart_left_behind(.name = "idle since five minutes: early as well", .idle_us = MINUTES(5),
                       .reason = RULE_TOO_EARLY),
    a_cart_left_behind(.name = "the shopper's last event is later than now", .idle_us = -HOURS(1),
                       .changed_ago_us = -HOURS(1), .reason = RULE_TOO_EARLY),
    a_cart_left_behind(.name = "looking around, but the cart is old", .changed_ago_us = DAYS(8),
                       .reason = RULE_TOO_OLD),
    a_cart_left_behind(.name = "another cart was looked at", .cart_changed = true,
                       .reason = RULE_CART_CHANGED),
    a_cart_left_behind(.name = "contacted in this round", .contacted_ago_us = HOURS(1),
                       .reason = RULE_ALREADY_CONTACTED),
    a_cart_left_behind(.name = "changed since it was spoken about: that is named before the rest",
                       .sent_outdated = true, .contacted_ago_us = HOURS(1), .idle_us = MINUTES(1),
                       .reason = RULE_CART_CHANGED),
    a_cart_left_behind(.name = "all sold out", .sold_out = true, .reason = RULE_SOLD_OUT),
    a_cart_left_behind(.name = "all sold out, and no model", .sold_out = true, .risk = (double)NAN,
                       .reason = RULE_SOLD_OUT),
    a_cart_left_behind(.name = "all sold out, and contacted", .sold_out = true,
                       .contacted_ago_us = HOURS(1), .reason = RULE_SOLD_OUT),
};

static struct decision decide(const struct situation *t)
{
    char product[] = "p1";
    char cart_id[] = "c1";
    char channel[] = "all";
    const struct cart_line line = {.product_id = product,
                                   .quantity_milli = 1000,
                                   .price_minor = 999,
                                   .added_us = NOW - t->changed_ago_us};
    struct cart_line lines[] = {line, line};
    lines[1].added_us = NOW - t->older_ago_us;
    struct cart cart = {
        .id = cart_id,
        .round = 1,
        .status = CART_OPEN,
        .lines = lines,
        .line_count = t->no_lines            ? 0
                      : t->older_ago_us != 0 ? 2
                                             : 1,
        .left_us = t->left_ago_us != 0 ? NOW - t->left_ago_us : 0,
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
    return policy_decide(
        &shop,
        &(struct policy_input){
            .shopper = &shopper,
            .cart = t->no_cart ? NULL : &cart,
            .step = 1,
            .risk = t->risk,
            .now_us = NOW,
            .ordered_us = t->ordered_ago_us != 0 ? NOW - t->ordered_ago_us : 0,
            .withdrawn_us = t->opted_out_ago_us != 0 ? NOW - t->opted_out_ago_us : 0,
            .sharer_ordered_us = t->sharer_bought_ago_us != 0 ? NOW - t->sharer_bought_ago_us : 0,
            .sharer_withdrawn_us =
                t->sharer_opted_out_ago_us != 0 ? NOW - t->sharer_opted_out_ago_us : 0,
            .browsers = t->browsers,
            .mistaken = t->mistaken,
            .dry_run = t->dry_run,
            .cart_changed = t->cart_changed,
            .sent_outdated = t->sent_outdated,
            .sold_out = t->sold_out});
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

/* Two situations at once: the rule that stands first in the table is named. */
static void of_several_that_block_the_first_of_the_table_is_the_reason(void **state)
{
    (void)state;
    const struct situation all =
        a_cart_left_behind(.bought_ago_us = HOURS(1), .no_lines = true, .withdrawn = true,
                           .bot = true, .browsers = 65, .imported = true, .idle_us = DAYS(8),
                           .changed_ago_us = DAYS(8), .cart_changed = true, .sold_out = true,
                           .contacted_ago_us = HOURS(1), .risk = 0.1);
    struct decision d = decide(&all);
    static const enum rule_id blocking[] = {
        RULE_BUYER,         RULE_EMPTY,    RULE_OPTED_OUT,         RULE_BOT,
        RULE_MANY_BROWSERS, RULE_IMPORT,   RULE_CART_CHANGED,      RULE_EXPIRED,
        RULE_TOO_OLD,       RULE_SOLD_OUT, RULE_ALREADY_CONTACTED, RULE_RISK};

    for (size_t i = 0; i < COUNT_OF(blocking); i++) {
        assert_int_equal(d.rules[blocking[i]].outcome, RULE_BLOCK);
        assert_true(i == 0 || blocking[i - 1] < blocking[i]);
    }
    assert_int_equal(d.reason, RULE_BUYER);
    assert_int_equal(RULE_RISK, RULE_COUNT - 1); /* a send is said to be due to the risk */
}

/* What the program says of itself, in why. */
static void a_rule_that_blocks_says_something_else_than_one_that_passes(void **state)
{
    (void)state;
    const struct situation none = a_cart_left_behind(.risk = 0.9);
    const struct situation all =
        a_cart_left_behind(.bought_ago_us = HOURS(1), .no_lines = true, .withdrawn = true,
                           .bot = true, .browsers = 65, .imported = true, .idle_us = DAYS(8),
                           .changed_ago_us = DAYS(8), .cart_changed = true, .sold_out = true,
                           .contacted_ago_us = HOURS(1), .risk = 0.1);
    const struct decision passed = decide(&none);
    const struct decision blocked = decide(&all);
    int other = 0;

    for (int i = 0; i < RULE_COUNT; i++) {
        const bool same = passed.rules[i].outcome == blocked.rules[i].outcome;
        other += !same;
        assert_true(same || strcmp(passed.rules[i].detail, blocked.rules[i].detail) != 0);
        assert_true(passed.rules[i].detail[0] != '\0' && blocked.rules[i].detail[0] != '\0');
    }
    assert_true(other >= 12);
}

/* What was another's doing is told as that. */
static void why_says_that_the_shopper_may_be_a_customer(void **state)
{
    (void)state;
    const struct situation other =
        a_cart_left_behind(.sharer_bought_ago_us = HOURS(1), .sharer_opted_out_ago_us = HOURS(1));
    const struct situation both =
        a_cart_left_behind(.bought_ago_us = MINUTES(59), .sharer_bought_ago_us = HOURS(1));
    const struct decision d = decide(&other);

    assert_string_equal(d.rules[RULE_BUYER].detail,
                        "bought 1h00m ago by a customer who named a cart of the same id");
    assert_string_equal(d.rules[RULE_OPTED_OUT].detail,
                        "consent withdrawn by a customer who named a cart of the same id");
    assert_string_equal(decide(&both).rules[RULE_BUYER].detail, "bought 59m ago");
}

static void a_dry_run_says_that_the_import_rule_was_not_applied(void **state)
{
    (void)state;
    struct situation imported = a_cart_left_behind(.imported = true, .dry_run = true);
    struct situation live = a_cart_left_behind(.dry_run = true);
    struct decision d = decide(&imported);

    assert_int_equal(d.rules[RULE_IMPORT].outcome, RULE_NOT_APPLIED);
    assert_int_equal(decide(&live).rules[RULE_IMPORT].outcome, RULE_PASS);
}

static void without_a_cart_the_rules_about_one_do_not_apply(void **state)
{
    (void)state;
    struct situation none = a_cart_left_behind(.no_cart = true, .bot = true, .withdrawn = true);
    struct decision d = decide(&none);
    static const enum rule_id about_carts[] = {RULE_TOO_EARLY, RULE_EXPIRED, RULE_TOO_OLD,
                                               RULE_ALREADY_CONTACTED, RULE_RISK};

    for (size_t i = 0; i < COUNT_OF(about_carts); i++) {
        assert_int_equal(d.rules[about_carts[i]].outcome, RULE_NOT_APPLIED);
        assert_string_equal(d.rules[about_carts[i]].detail, "no open cart");
    }
    assert_int_equal(d.rules[RULE_BUYER].outcome, RULE_PASS);
    assert_int_equal(d.rules[RULE_IMPORT].outcome, RULE_PASS);
    assert_int_equal(d.rules[RULE_BOT].outcome, RULE_BLOCK);
    assert_int_equal(d.rules[RULE_OPTED_OUT].outcome, RULE_BLOCK);
}

/* ---- consent ---- */

static char all[] = "all";
static char email[] = "email";
static char sms[] = "sms";

/* The decision about a cart left behind by somebody with these consents. */
static struct decision with_consents(const struct consent *consents, size_t count)
{
    char product[] = "p1";
    char cart_id[] = "c1";
    struct cart_line line = {.product_id = product, .quantity_milli = 2000, .price_minor = 999};
    struct cart cart = {.id = cart_id,
                        .round = 1,
                        .status = CART_OPEN,
                        .lines = &line,
                        .line_count = 1,
                        .changed_us = NOW - HOURS(2)};
    struct shopper shopper = {.last_us = NOW - HOURS(2), .consent_count = count};

    for (size_t i = 0; i < count; i++) {
        shopper.consents[i] = consents[i];
    }
    return policy_decide(
        &shop, &(struct policy_input){
                   .shopper = &shopper, .cart = &cart, .step = 1, .risk = 0.9, .now_us = NOW});
}

static void a_withdrawal_on_whichever_channel_blocks(void **state)
{
    (void)state;
    const struct consent last[] = {
        {all, true, NOW - 9, NULL}, {email, true, NOW - 8, NULL}, {sms, false, NOW - 7, NULL}};
    const struct consent middle[] = {{email, true, NOW - 9, NULL}, {sms, false, NOW - 8, NULL}};
    const struct consent taken_back[] = {{email, false, NOW - 9, NULL}, {sms, true, NOW - 8, NULL}};

    assert_int_equal(with_consents(last, 3).reason, RULE_OPTED_OUT);
    assert_string_equal(with_consents(last, 3).rules[RULE_OPTED_OUT].detail,
                        "consent withdrawn for sms");
    assert_int_equal(with_consents(middle, 2).reason, RULE_OPTED_OUT);
    assert_int_equal(with_consents(taken_back, 2).reason, RULE_OPTED_OUT);
    assert_string_equal(with_consents(taken_back, 2).rules[RULE_OPTED_OUT].detail,
                        "consent withdrawn for email");
}

static void consent_for_all_given_later_covers_a_channel_and_earlier_does_not(void **state)
{
    (void)state;
    const struct consent later[] = {{all, true, NOW - 1, NULL}, {email, false, NOW - 2, NULL}};
    const struct consent earlier[] = {{all, true, NOW - 3, NULL}, {email, false, NOW - 2, NULL}};

    assert_true(with_consents(later, 2).send);
    assert_string_equal(with_consents(later, 2).rules[RULE_OPTED_OUT].detail, "consent given");
    assert_false(with_consents(earlier, 2).send);
    assert_string_equal(with_consents(NULL, 0).rules[RULE_OPTED_OUT].detail,
                        "consent unknown: nothing was withdrawn");
}

/* ---- buyers without an open cart ---- */

struct shopper_cart_row {
    enum cart_status status;
    int64_t changed_ago_us;
};

static struct rule_result buyer_with(const struct shopper_cart_row *carts, size_t count,
                                     int64_t bought_ago_us)
{
    char ids[CARTS_MAX][3] = {"c1", "c2", "c3", "c4"};
    struct shopper shopper = {.last_us = NOW,
                              .last_order_us = bought_ago_us != 0 ? NOW - bought_ago_us : 0,
                              .cart_count = count};

    for (size_t i = 0; i < CARTS_MAX;
         i++) { /* behind the last one lies what must not be looked at */
        shopper.carts[i] = (struct cart){.status = CART_BOUGHT, .changed_us = NOW};
    }
    for (size_t i = 0; i < count; i++) {
        shopper.carts[i] = (struct cart){.id = ids[i],
                                         .round = 1,
                                         .status = carts[i].status,
                                         .changed_us = NOW - carts[i].changed_ago_us};
    }
    return policy_decide(
               &shop,
               &(struct policy_input){.shopper = &shopper, .step = 1, .risk = 0.9, .now_us = NOW})
        .rules[RULE_BUYER];
}

static void without_an_open_cart_the_one_changed_last_says_whether_it_was_bought(void **state)
{
    (void)state;
    const struct shopper_cart_row bought_last[] = {
        {CART_EMPTIED, 90}, {CART_BOUGHT, 50}, {CART_EMPTIED, 70}};
    const struct shopper_cart_row emptied_last[] = {{CART_BOUGHT, 90}, {CART_EMPTIED, 50}};
    const struct shopper_cart_row emptied_first[] = {{CART_EMPTIED, 50}, {CART_BOUGHT, 90}};
    const struct shopper_cart_row merged_last[] = {{CART_BOUGHT, 90}, {CART_MERGED, 50}};
    const struct shopper_cart_row merged_first[] = {{CART_MERGED, 50}, {CART_BOUGHT, 90}};

    assert_int_equal(buyer_with(bought_last, 3, 50).outcome, RULE_BLOCK);
    assert_int_equal(buyer_with(emptied_last, 2, 90).outcome, RULE_PASS);
    assert_int_equal(buyer_with(emptied_first, 2, 90).outcome, RULE_PASS);
    assert_int_equal(buyer_with(merged_last, 2, 90).outcome, RULE_BLOCK);
    assert_int_equal(buyer_with(merged_first, 2, 90).outcome, RULE_BLOCK);
    assert_int_equal(buyer_with(bought_last, 3, 0).outcome,
                     RULE_PASS); /* the order was cancelled */
    assert_int_equal(buyer_with(NULL, 0, 50).outcome, RULE_PASS);
}

/* ---- words ---- */

static void the_detail_carries_the_numbers_that_decided(void **state)
{
    (void)state;
    struct situation early = a_cart_left_behind(.idle_us = MINUTES(12));
    struct situation calm = a_cart_left_behind(.risk = 0.2);
    struct situation known = a_cart_left_behind(.bought_ago_us = HOURS(1) + MINUTES(5),
                                                .contacted_ago_us = DAYS(3) + HOURS(4), .bot = true,
                                                .cart_changed = true, .imported = true);
    struct situation plain = a_cart_left_behind(.withdrawn = false);
    struct situation strange =
        a_cart_left_behind(.risk = (double)NAN, .no_lines = true, .idle_us = -HOURS(1),
                           .changed_ago_us = -HOURS(1));
    struct situation ahead = a_cart_left_behind(.bought_ago_us = -DAYS(30));
    struct situation dry = a_cart_left_behind(.imported = true, .dry_run = true);
    const struct {
        const struct situation *situation;
        enum rule_id rule;
        const char *detail;
    } expected[] = {
        {&early, RULE_TOO_EARLY, "idle for 12m, abandoned after 1h00m"},
        {&calm, RULE_RISK, "risk 0.200, threshold 0.500"},
        {&known, RULE_BUYER, "bought 1h05m ago"},
        {&ahead, RULE_BUYER, "bought just now"},
        {&known, RULE_ALREADY_CONTACTED, "round 1, step 1: contacted 3d4h ago"},
        {&known, RULE_BOT, "crawler agent or inhuman rate"},
        {&known, RULE_CART_CHANGED, "the cart is not the one that was looked at"},
        {&known, RULE_IMPORT, "imported history is never contacted"},
        {&dry, RULE_IMPORT, "imported history; a dry run does not apply this rule"},
        {&plain, RULE_BUYER, "no purchase since the cart last changed"},
        {&plain, RULE_EMPTY, "1 product, 1 unit"},
        {&plain, RULE_BOT, "human"},
        {&plain, RULE_IMPORT, "live events"},
        {&plain, RULE_EXPIRED, "idle for 2h00m, expired after 7d0h"},
        {&plain, RULE_TOO_OLD, "the cart changed 2h00m ago, limit 7d0h"},
        {&plain, RULE_CART_CHANGED, "the cart is as it was looked at"},
        {&plain, RULE_ALREADY_CONTACTED, "round 1, step 1: not contacted yet"},
        {&strange, RULE_EMPTY, "no open cart with items"},
        {&strange, RULE_RISK, "no risk model serves"},
        {&strange, RULE_TOO_EARLY, "idle for 0m, abandoned after 1h00m"},
        {&strange, RULE_TOO_OLD, "the cart changed 0m ago, limit 7d0h"},
    };

    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        assert_string_equal(decide(expected[i].situation).rules[expected[i].rule].detail,
                            expected[i].detail);
    }
}

/* Times are told in their two largest units. */
static void a_time_ago_is_told_in_its_two_largest_units(void **state)
{
    (void)state;
    const struct {
        int64_t idle_us;
        const char *words;
    } times[] = {
        {0, "idle for 0m,"},
        {MINUTES(1) - 1, "idle for 0m,"},
        {MINUTES(59), "idle for 59m,"},
        {MINUTES(60), "idle for 1h00m,"},
        {MINUTES(61), "idle for 1h01m,"},
        {HOURS(48) - MINUTES(1), "idle for 47h59m,"},
        {HOURS(48), "idle for 2d0h,"},
        {DAYS(6) + HOURS(23) + MINUTES(59), "idle for 6d23h,"},
    };

    for (size_t i = 0; i < COUNT_OF(times); i++) {
        struct situation t =
            a_cart_left_behind(.idle_us = times[i].idle_us, .changed_ago_us = times[i].idle_us);
        assert_text_contains(decide(&t).rules[RULE_EXPIRED].detail, times[i].words);
    }
}

/* Another step of the same round is asked about by itself. */
static void each_step_of_a_round_is_contacted_once(void **state)
{
    (void)state;
    char product[] = "p1";
    char cart_id[] = "c1";
    struct cart_line line = {.product_id = product, .quantity_milli = 1000, .price_minor = 999};
    struct cart cart = {.id = cart_id,
                        .round = 4,
                        .status = CART_OPEN,
                        .lines = &line,
                        .line_count = 1,
                        .changed_us = NOW - HOURS(2),
                        .released = {NOW - HOURS(1)}};
    struct shopper shopper = {.last_us = NOW - HOURS(2)};
    struct policy_input in = {
        .shopper = &shopper, .cart = &cart, .step = 1, .risk = 1, .now_us = NOW};

    assert_int_equal(policy_decide(&shop, &in).reason, RULE_ALREADY_CONTACTED);
    in.step = 2;
    assert_true(policy_decide(&shop, &in).send);
    in.step = STEPS_MAX;
    cart.released[STEPS_MAX - 1] = NOW - 1;
    assert_text_contains(policy_decide(&shop, &in).rules[RULE_ALREADY_CONTACTED].detail,
                         "round 4, step 8: contacted 0m ago");
}

static void rules_and_outcomes_have_the_names_of_the_api(void **state)
{
    (void)state;
    static const char *const names[] = {"unread",
                                        "buyer",
                                        "empty",
                                        "opted_out",
                                        "bot",
                                        "many_browsers",
                                        "import",
                                        "cart_changed",
                                        "too_early",
                                        "expired",
                                        "too_old",
                                        "sold_out",
                                        "already_contacted",
                                        "recently_contacted",
                                        "risk"};

    assert_int_equal(COUNT_OF(names), RULE_COUNT);
    for (int r = 0; r < RULE_COUNT; r++) {
        assert_string_equal(rule_name((enum rule_id)r), names[r]);
        assert_true(strlen(rule_words((enum rule_id)r)) > 10);
    }
    assert_string_equal(rule_words(RULE_OPTED_OUT), "the shopper withdrew consent");
    assert_string_equal(rule_outcome_name(RULE_PASS), "pass");
    assert_string_equal(rule_outcome_name(RULE_BLOCK), "block");
    assert_string_equal(rule_outcome_name(RULE_NOT_APPLIED), "not_applied");
}

/* An order that took only its own lines has left this cart to be spoken about; the next one has not. */
static void an_order_that_left_the_lines_over_is_no_purchase_of_them(void **state)
{
    (void)state;
    static char product[] = "p";
    struct cart_line line = {.product_id = product, .quantity_milli = 1000, .price_minor = 999};
    struct shopper s = {.last_us = 90, .last_order_us = 50};
    const struct cart c = {
        .round = 1, .lines = &line, .line_count = 1, .changed_us = 50, .left_us = 50};
    const struct policy p = {.clock = {1, 2, HOURS(9)}, .age_max_us = HOURS(9)};
    const struct policy_input in = {.shopper = &s, .cart = &c, .step = 1, .risk = 1, .now_us = 100};

    assert_int_equal(policy_decide(&p, &in).rules[RULE_BUYER].outcome, RULE_PASS);
    s.last_order_us = 51;
    assert_int_equal(policy_decide(&p, &in).rules[RULE_BUYER].outcome, RULE_BLOCK);
}

static void between_two_messages_to_one_shopper_there_is_a_pause(void **state)
{
    (void)state;
    static char product[] = "p";
    struct cart_line line = {.product_id = product, .quantity_milli = 1000, .price_minor = 999};
    struct shopper s = {.last_us = 90, .contacted_us = HOURS(1)};
    const struct cart c = {.round = 1, .lines = &line, .line_count = 1, .changed_us = 50};
    const struct policy p = {
        .clock = {1, 2, DAYS(9)}, .age_max_us = DAYS(9), .contact_pause_us = HOURS(24)};
    struct policy_input in = {
        .shopper = &s, .cart = &c, .step = 1, .risk = 1, .now_us = HOURS(25) - 1};

    struct decision d = policy_decide(&p, &in);
    assert_false(d.send);
    assert_int_equal(d.reason, RULE_RECENTLY_CONTACTED);
    assert_int_equal(d.look_again_us, HOURS(25));
    assert_string_equal(d.rules[RULE_RECENTLY_CONTACTED].detail,
                        "the shopper was contacted 23h59m ago, pause 24h00m");
    in.now_us = HOURS(25);
    d = policy_decide(&p, &in);
    assert_true(d.send);
    assert_int_equal(d.look_again_us, 0);
    s.contacted_us = 0;
    in.now_us = 100;
    assert_true(policy_decide(&p, &in).send);
}

/* Whatever a part of what was done says, the rest may say otherwise. */
static void who_is_not_known_to_the_end_is_not_spoken_to_before(void **state)
{
    (void)state;
    static char product[] = "p";
    struct cart_line line = {.product_id = product, .quantity_milli = 1000, .price_minor = 999};
    struct shopper s = {.last_us = 90, .last_order_us = 95, .bot = true};
    const struct cart c = {.round = 1, .lines = &line, .line_count = 1, .changed_us = 50};
    const struct policy p = {.clock = {1, 2, DAYS(9)}, .age_max_us = DAYS(9)};
    struct policy_input in = {.shopper = &s,
                              .cart = &c,
                              .step = 1,
                              .risk = 1,
                              .now_us = 100,
                              .unread_until_us = 100 + SECONDS(90)};

    struct decision d = policy_decide(&p, &in);
    assert_false(d.send);
    assert_int_equal(d.reason, RULE_UNREAD);
    assert_int_equal(d.look_again_us, 100 + SECONDS(90));
    assert_text_contains(d.rules[RULE_UNREAD].detail, "look again in 90 s");
    in.unread_until_us = 0;
    assert_int_equal(policy_decide(&p, &in).reason, RULE_BUYER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_situation_is_decided_by_its_first_blocking_rule),
        cmocka_unit_test(every_rule_is_evaluated_even_after_one_has_blocked),
        cmocka_unit_test(of_several_that_block_the_first_of_the_table_is_the_reason),
        cmocka_unit_test(a_rule_that_blocks_says_something_else_than_one_that_passes),
        cmocka_unit_test(why_says_that_the_shopper_may_be_a_customer),
        cmocka_unit_test(a_dry_run_says_that_the_import_rule_was_not_applied),
        cmocka_unit_test(without_a_cart_the_rules_about_one_do_not_apply),
        cmocka_unit_test(a_withdrawal_on_whichever_channel_blocks),
        cmocka_unit_test(consent_for_all_given_later_covers_a_channel_and_earlier_does_not),
        cmocka_unit_test(without_an_open_cart_the_one_changed_last_says_whether_it_was_bought),
        cmocka_unit_test(the_detail_carries_the_numbers_that_decided),
        cmocka_unit_test(a_time_ago_is_told_in_its_two_largest_units),
        cmocka_unit_test(each_step_of_a_round_is_contacted_once),
        cmocka_unit_test(rules_and_outcomes_have_the_names_of_the_api),
        cmocka_unit_test(an_order_that_left_the_lines_over_is_no_purchase_of_them),
        cmocka_unit_test(between_two_messages_to_one_shopper_there_is_a_pause),
        cmocka_unit_test(who_is_not_known_to_the_end_is_not_spoken_to_before),
    };
    return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
