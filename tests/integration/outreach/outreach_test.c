/* The main job: from events to one stored decision, and never a second message for the same cart, round and step. */
#include "integration/outreach/outreach_spec.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "domain/shop/money.h"
#include "outreach/outreach_metrics.h"
#include "store/products.h"
#include "support/spec.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static void an_abandoned_cart_gets_one_message_and_asking_again_gets_the_same_bytes(void **state)
{
    (void)state;
    did("ann", "cart_item_added", 90, A_SHOE);
    struct answer first = ask("ann");
    struct answer second = ask("ann");

    assert_text_contains(first.text, "Your cart is still waiting for you");
    assert_string_equal(first.text, second.text);
    expect(first, OUTREACH_NEW, "send", "risk");
    expect(second, OUTREACH_BEFORE, "send", "risk");
    assert_int_equal(
        count_of(&bench, "SELECT count(*) FROM cartwright.outreach WHERE key = 'c:ann'"), 1);
    assert_int_equal(released_count("ann"), 1);
    expect(ask_as((struct outreach_request){.customer_id = "ann", .dry_run = true}), OUTREACH_DRY,
           "silence", "already_contacted");
}

static void a_purchase_a_moment_ago_is_seen_before_any_consumer_has_folded_it(void **state)
{
    (void)state;
    did("bob", "cart_item_added", 90, A_SHOE);
    did("bob", "purchase", 0, A_SHOE);
    expect(ask("bob"), OUTREACH_DRY, "silence", "buyer");
}

static void a_silence_may_be_decided_again_under_the_same_id(void **state)
{
    (void)state;
    did("cyd", "cart_item_added", 30, A_SHOE);
    struct answer early = ask("cyd");
    const char *id = member(&early, "outreach_id");

    expect(early, OUTREACH_NEW, "silence", "too_early");
    bench.config.abandoned_after = MINUTES(20);
    struct answer later = ask("cyd");
    bench.config.abandoned_after = MINUTES(60);
    assert_string_equal(member(&later, "outreach_id"), id);
    expect(later, OUTREACH_NEW, "send", "risk");
}

static void a_second_round_may_be_contacted_again(void **state)
{
    (void)state;
    did("dan", "cart_item_added", 300, A_SHOE);
    struct answer first = ask("dan");
    did("dan", "purchase", 0, A_SHOE); /* after the message */
    did("dan", "cart_item_added", 0, A_SHOE);
    bench.config.idle_after = 0;
    bench.config.abandoned_after = 0;
    struct answer soon = ask("dan");
    assert_text_contains(soon.text, "contacted 0m ago, pause 24h00m");
    assert_string_not_equal("", json_string_value(json_object_get(
                                    json_object_get(soon.json, "risk"), "look_again_at")));
    expect(soon, OUTREACH_NEW, "silence", "recently_contacted");
    bench.config.contact_pause = 0;
    struct answer second = ask("dan");
    bench.config.contact_pause = DAYS(1);
    bench.config.idle_after = MINUTES(5);
    bench.config.abandoned_after = MINUTES(60);

    assert_int_equal(json_integer_value(json_object_get(second.json, "round")), 2);
    assert_string_not_equal(member(&first, "outreach_id"), member(&second, "outreach_id"));
    expect(first, OUTREACH_NEW, "send", "risk");
    expect(second, OUTREACH_NEW, "send", "risk");
}

/* One request for one of the two carts, on a thread of its own. */
struct asker {
    const char *cart;
    enum outreach_outcome outcome;
    bool done;
    bool sent;
};

static void *ask_about(void *of)
{
    CLEANUP(arena_free) struct arena arena = {0};
    CLEANUP(buf_free) struct buf text = buf_make(1 << 20);
    struct asker *k = of;
    const struct outreach_means means = {pool, live, &bench.config};
    const struct outreach_request request = {.cart_id = k->cart};
    struct err err = {0};

    k->done = outreach_ask(&means, &request, &arena, &text, &k->outcome, &err);
    k->sent = k->done && strstr(buf_text(&text), "\"decision\":\"send\"") != NULL;
    return NULL;
}

/* However close together they are asked about: the second sees the first's message under the lock, and waits. */
static void two_open_carts_of_one_customer_get_one_message(void **state)
{
    enum { PAIRS = 12 };
    (void)state;

    for (int i = 0; i < PAIRS; i++) {
        const char *who = arena_printf(&bench.arena, "two-%d", i);
        struct asker askers[2] = {{.cart = arena_printf(&bench.arena, "first-%d", i)},
                                  {.cart = arena_printf(&bench.arena, "second-%d", i)}};
        pthread_t threads[2];
        for (int k = 0; k < 2; k++) {
            did(who, "cart_item_added", 300 - k,
                arena_printf(&bench.arena, A_SHOE ",\"cart_id\":\"%s\"", askers[k].cart));
        }
        fold_to_end(&bench);
        for (int k = 0; k < 2; k++) {
            assert_int_equal(pthread_create(&threads[k], NULL, ask_about, &askers[k]), 0);
        }
        for (int k = 0; k < 2; k++) {
            assert_int_equal(pthread_join(threads[k], NULL), 0);
        }
        assert_true(askers[0].done && askers[1].done);
        assert_int_equal(askers[0].sent + askers[1].sent, 1);
        assert_int_equal(released_count(who), 1);
    }
}

static void stop_in_a_chat_is_heard(void **state)
{
    (void)state;
    did("sue", "cart_item_added", 300, A_SHOE);
    did("sue", "chat_message", 200, ",\"properties\":{\"text\":\"Stop, which one is it?\"}");
    struct answer before = ask_as((struct outreach_request){.customer_id = "sue", .dry_run = true});
    expect(before, OUTREACH_DRY, "send", "risk");
    did("sue", "chat_message", 100, ",\"properties\":{\"text\":\"STOP\"}");
    expect(ask("sue"), OUTREACH_NEW, "silence", "opted_out");
}

static void withdrawn_consent_blocks_and_given_again_does_not(void **state)
{
    (void)state;
    did("eve", "cart_item_added", 90, A_SHOE);
    did("eve", "consent_withdrawn", 80, "");
    expect(ask("eve"), OUTREACH_NEW, "silence", "opted_out");
    did("eve", "consent_given", 70, "");
    expect(ask("eve"), OUTREACH_NEW, "send", "risk");
}

static void a_dry_run_stores_nothing_and_sees_the_past_as_it_was(void **state)
{
    (void)state;
    did("fay", "cart_item_added", 300, A_SHOE);
    did("fay", "purchase", 10, A_SHOE);
    int64_t rows = count_of(&bench, "SELECT count(*) FROM cartwright.outreach") +
                   count_of(&bench, "SELECT count(*) FROM cartwright.event");

    expect(ask_as((struct outreach_request){
               .customer_id = "fay", .dry_run = true, .at_us = clock_now_us() - MINUTES(20)}),
           OUTREACH_DRY, "send", "risk");
    expect(ask_as((struct outreach_request){
               .customer_id = "fay", .dry_run = true, .at_us = clock_now_us() - MINUTES(280)}),
           OUTREACH_DRY, "silence", "too_early");
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.outreach") +
                         count_of(&bench, "SELECT count(*) FROM cartwright.event"),
                     rows);
}

static void a_cart_is_found_by_its_id_alone(void **state)
{
    (void)state;
    did("gus", "cart_item_added", 90, A_SHOE ",\"cart_id\":\"basket-7\"");
    fold_to_end(&bench);
    struct answer found = ask_as((struct outreach_request){.cart_id = "basket-7"});

    assert_string_equal(member(&found, "customer_id"), "gus");
    expect(found, OUTREACH_NEW, "send", "risk");
    struct answer unknown = ask_as((struct outreach_request){.cart_id = "basket-8"});
    assert_int_equal(unknown.outcome, OUTREACH_UNKNOWN);
    json_decref(unknown.json);
}

/* Every cart of the shop is called "cart": neighbours of one lane have nothing of each other. */
static void shoppers_of_one_lane_with_one_cart_id_each_get_their_own_message(void **state)
{
    (void)state;
    enum { NEIGHBOURS = 8 };
    const char *names[NEIGHBOURS];
    const char *first[NEIGHBOURS];
    const int lane = event_lane("c:same-0");

    for (int n = 0, i = 0; n < NEIGHBOURS; i++) {
        const char *name = arena_printf(&bench.arena, "same-%d", i);
        if (event_lane(arena_printf(&bench.arena, "c:%s", name)) == lane) {
            names[n] = name;
            did(name, "cart_item_added", 90 + n,
                arena_printf(&bench.arena,
                             ",\"cart_id\":\"cart\",\"items\":[{\"product_id\":\"of-%s\"}]", name));
            n++;
        }
    }
    for (int n = 0; n < NEIGHBOURS; n++) {
        struct answer a = ask(names[n]);
        assert_text_contains(a.text, arena_printf(&bench.arena, "\"of-%s\"", names[n]));
        first[n] = a.text;
        expect(a, OUTREACH_NEW, "send", "risk");
    }
    fold_to_end(&bench);
    for (int n = 0; n < NEIGHBOURS; n++) {
        struct answer a = ask(names[n]);
        assert_string_equal(a.text, first[n]);
        expect(a, OUTREACH_BEFORE, "send", "risk");
    }
}

static void a_message_that_was_decided_is_held_back_once_consent_is_withdrawn(void **state)
{
    (void)state;
    did("ida", "cart_item_added", 90, A_SHOE);
    struct answer first = ask("ida");
    did("ida", "consent_withdrawn", 0, "");
    struct answer second = ask("ida");

    assert_string_equal(member(&first, "outreach_id"), member(&second, "outreach_id"));
    expect(first, OUTREACH_NEW, "send", "risk");
    expect(second, OUTREACH_BEFORE, "silence", "opted_out");
}

/* Ends in a 503 as long as nothing folds, and in silence once something has. */
static void a_purchase_in_the_browser_before_the_login_is_waited_for(void **state)
{
    (void)state;
    struct err err = {0};
    struct answer none;

    did("jon", "cart_item_added", 90, A_SHOE);
    did("jon", "identify", 80, ",\"anonymous_id\":\"browser-9\"");
    fold_to_end(&bench);
    did_with(bench.db, (struct deed){.anonymous = "browser-9", .type = "purchase"});
    assert_false(try_ask((struct outreach_request){.customer_id = "jon"}, &none, &err));
    assert_int_equal(err.kind, ERR_BUSY);
    fold_to_end(&bench);
    expect(ask("jon"), OUTREACH_DRY, "silence", "buyer");
}

/* All that the decision was computed from. */
static void assert_explained(const char *why)
{
    static const char *const members[] = {"at",       "lane",          "log_offset", "tzdata",
                                          "features", "contributions", "risk",       "rules"};
    json_t *told = json_loads(why, 0, NULL);

    for (size_t i = 0; i < COUNT_OF(members); i++) {
        if (json_object_get(told, members[i]) == NULL) {
            fail_msg("nothing is said of %s: %s", members[i], why);
        }
    }
    assert_true(json_is_object(json_object_get(told, "features")));
    assert_text_contains(why, "\"model\":\"risk-base_rate-1\"");
    json_decref(told);
}

static void the_decision_can_be_read_and_explained(void **state)
{
    (void)state;
    struct err err = {0};
    CLEANUP(buf_free) struct buf out = buf_make(1 << 20);
    CLEANUP(buf_free) struct buf why = buf_make(1 << 20);
    const struct outreach_means means = {pool, live, &bench.config};
    bool found;
    did("hal", "cart_item_added", 90, A_SHOE);
    struct answer a = ask("hal");
    const char *id = member(&a, "outreach_id");

    ok(outreach_read(&means, id, false, &bench.arena, &out, &found, &err), &err);
    assert_true(found);
    assert_string_equal(buf_text(&out), a.text);
    ok(outreach_read(&means, id, true, &bench.arena, &why, &found, &err), &err);
    assert_text_contains(buf_text(&why), "\"rule\":\"already_contacted\"");
    assert_explained(buf_text(&why));
    ok(outreach_read(&means, "out_00000000000000000000000000", false, &bench.arena, &out, &found,
                     &err),
       &err);
    assert_false(found);
    expect(a, OUTREACH_NEW, "send", "risk");
}

/* ---- what was decided before, and who must never be spoken to ---- */

static void a_message_that_was_decided_is_held_back_from_a_bot(void **state)
{
    (void)state;
    did("lou", "cart_item_added", 90, A_SHOE);
    struct answer first = ask("lou");
    for (int i = 0; i < 121; i++) {
        did("lou", "page_viewed", 85, "");
    }
    struct answer second = ask("lou");

    assert_string_equal(member(&first, "outreach_id"), member(&second, "outreach_id"));
    assert_true(json_is_null(json_object_get(second.json, "message")));
    expect(first, OUTREACH_NEW, "send", "risk");
    expect(second, OUTREACH_BEFORE, "silence", "bot");
    assert_string_equal(
        text_of(&bench, "SELECT decision FROM cartwright.outreach WHERE key = 'c:lou'"), "send");
}

/* Anything but what protects for ever: the message was decided, so it is the answer. */
static void a_message_that_was_decided_stays_the_answer_while_the_shopper_looks_around(void **state)
{
    (void)state;
    did("meg", "cart_item_added", 90, A_SHOE);
    struct answer first = ask("meg");
    did("meg", "page_viewed", 0, ""); /* too early again, by itself */
    struct answer second = ask("meg");

    assert_string_equal(first.text, second.text);
    expect(first, OUTREACH_NEW, "send", "risk");
    expect(second, OUTREACH_BEFORE, "send", "risk");
    fold_to_end(&bench);
    expect(ask("meg"), OUTREACH_BEFORE, "send", "risk");
}

/* How often it was decided so. */
static long decided(const char *decision, const char *reason)
{
    struct buf all = buf_make(1 << 16);
    char row[200];

    (void)snprintf(row, sizeof row, "{decision=\"%s\",reason=\"%s\"} ", decision, reason);
    outreach_metrics_render(&all);
    const char *at = strstr(buf_text(&all), row);
    assert_non_null(at);
    long n = strtol(at + strlen(row), NULL, 10);
    buf_free(&all);
    return n;
}

static void only_new_decisions_are_counted_by_the_rule_that_decided(void **state)
{
    const long sends = decided("send", "risk");
    const long early = decided("silence", "too_early");
    const long buyers = decided("silence", "buyer");

    (void)state;
    did("ned", "cart_item_added", 90, A_SHOE);
    did("oda", "cart_item_added", 10, A_SHOE);
    did("nux", "cart_item_added", 90, A_SHOE);
    did("nux", "purchase", 0, A_SHOE);

    expect(ask_as((struct outreach_request){.customer_id = "ned", .dry_run = true}), OUTREACH_DRY,
           "send", "risk");
    expect(ask("ned"), OUTREACH_NEW, "send", "risk");
    expect(ask("ned"), OUTREACH_BEFORE, "send", "risk");
    expect(ask("oda"), OUTREACH_NEW, "silence", "too_early");
    expect(ask("oda"), OUTREACH_NEW, "silence", "too_early");
    expect(ask("nux"), OUTREACH_DRY, "silence", "buyer"); /* nothing to store, and decided */
    assert_int_equal(decided("send", "risk"), sends + 1);
    assert_int_equal(decided("silence", "too_early"), early + 2);
    assert_int_equal(decided("silence", "buyer"), buyers + 1);
}

/* ---- whom a request means ---- */

static enum outreach_outcome outcome_of(struct outreach_request request)
{
    struct answer a = ask_as(request);
    json_decref(a.json);
    return a.outcome;
}

static void whom_nobody_saw_is_unknown(void **state)
{
    (void)state;
    const int64_t past_us = clock_now_us() - MINUTES(5);

    assert_int_equal(outcome_of((struct outreach_request){.customer_id = "x"}), OUTREACH_UNKNOWN);
    assert_int_equal(outcome_of((struct outreach_request){.anonymous_id = "x"}), OUTREACH_UNKNOWN);
    assert_int_equal(outcome_of((struct outreach_request){.cart_id = "x"}), OUTREACH_UNKNOWN);
    assert_int_equal(outcome_of((struct outreach_request){.customer_id = "x", .dry_run = true}),
                     OUTREACH_UNKNOWN);
    assert_int_equal(outcome_of((struct outreach_request){
                         .anonymous_id = "x", .dry_run = true, .at_us = past_us}),
                     OUTREACH_UNKNOWN);
    expect(ask_as((struct outreach_request){.customer_id = "x", .dry_run = true, .at_us = past_us}),
           OUTREACH_DRY, "silence", "empty"); /* of a past, nobody is a stranger */
}

static void a_browser_that_logged_in_is_its_customer_on_every_path(void **state)
{
    (void)state;
    did("pia", "cart_item_added", 90, A_SHOE);
    did("pia", "identify", 80, ",\"anonymous_id\":\"pias-laptop\"");
    fold_to_end(&bench);
    struct answer past = ask_as((struct outreach_request){
        .anonymous_id = "pias-laptop", .dry_run = true, .at_us = clock_now_us() - MINUTES(85)});
    struct answer now = ask_as((struct outreach_request){.anonymous_id = "pias-laptop"});

    assert_string_equal(member(&past, "customer_id"), "pia");
    assert_string_equal(member(&now, "customer_id"), "pia");
    expect(past, OUTREACH_DRY, "silence", "too_early");
    expect(now, OUTREACH_NEW, "send", "risk");
    assert_int_equal(released_count("pia"), 1);
}

static void a_browser_that_did_not_log_in_is_seen_in_its_own_past(void **state)
{
    (void)state;
    const struct deed deed = {.anonymous = "qis-laptop", .type = "cart_item_added", .more = A_SHOE};
    const int64_t times[] = {70, 200};
    struct deed added = deed;
    added.minutes_ago = 90;
    did_with(bench.db, added);

    struct outreach_request request = {.anonymous_id = "qis-laptop", .dry_run = true};
    expect(ask_as(request), OUTREACH_DRY, "send", "risk");
    request.at_us = clock_now_us() - MINUTES(times[0]);
    expect(ask_as(request), OUTREACH_DRY, "silence", "too_early");
    request.at_us = clock_now_us() - MINUTES(times[1]);
    expect(ask_as(request), OUTREACH_DRY, "silence", "empty"); /* before it was ever seen */
}

static void of_two_carts_the_one_named_is_meant_and_a_bought_one_is_no_longer(void **state)
{
    (void)state;
    did("ron", "cart_item_added", 95, A_SHOE ",\"cart_id\":\"rons-first\"");
    did("ron", "cart_item_added", 90, A_SHOE ",\"cart_id\":\"rons-second\"");
    fold_to_end(&bench);
    struct answer first = ask_as((struct outreach_request){.cart_id = "rons-first"});

    assert_string_equal(member(&first, "cart_id"), "rons-first");
    const char *id = member(&first, "outreach_id");
    expect(first, OUTREACH_NEW, "send", "risk");
    did("ron", "purchase", 80, A_SHOE ",\"cart_id\":\"rons-first\"");
    fold_to_end(&bench);
    struct answer bought = ask_as((struct outreach_request){.cart_id = "rons-first"});
    assert_string_equal(member(&bought, "outreach_id"), id);
    expect(bought, OUTREACH_BEFORE, "silence", "buyer");
}

/* ---- what is told ---- */

static void an_answer_tells_when_what_and_by_what(void **state)
{
    (void)state;
    struct err err = {0};
    CLEANUP(buf_free) struct buf why = buf_make(1 << 20);
    const struct outreach_means means = {pool, live, &bench.config};
    bool found;
    did("sol", "cart_item_added", 90, A_SHOE);
    const int64_t from_us = clock_now_us();
    struct answer a = ask("sol");
    const int64_t until_us = clock_now_us();

    const int64_t decided_us = count_of(
        &bench,
        "SELECT (extract(epoch FROM decided_at) * 1000000)::bigint FROM cartwright.outreach WHERE key = 'c:sol'");
    assert_true(decided_us >= from_us && decided_us <= until_us);
    char at[CLOCK_TEXT_MAX];
    assert_string_equal(member(&a, "decided_at"), clock_format_rfc3339(decided_us, at));
    json_t *message = json_object_get(a.json, "message");
    assert_string_equal(json_string_value(json_object_get(message, "expires_at")),
                        clock_format_rfc3339(decided_us + bench.config.message_lifetime, at));
    assert_int_equal(json_array_size(json_object_get(message, "cards")),
                     4); /* the shoe and three picks */
    assert_text_contains(a.text, "\"product_id\":\"hat\"");
    assert_text_contains(a.text, "\"model\":\"affinity-popularity-1\"");
    assert_text_contains(a.text,
                         "\"reason_text\":\"the risk of losing the cart is high enough to speak\"");
    assert_text_contains(a.text, "\"state\":\"abandoned\"");
    ok(outreach_read(&means, member(&a, "outreach_id"), true, &bench.arena, &why, &found, &err),
       &err);
    assert_text_contains(
        buf_text(&why),
        arena_printf(
            &bench.arena, "\"at\":\"%s\",\"lane\":%d,\"log_offset\":%lld,",
            clock_format_rfc3339(decided_us, at), event_lane("c:sol"),
            (long long)count_of(
                &bench,
                "SELECT max(off) FROM cartwright.event WHERE key = 'c:sol' AND type = 'cart_item_added'")));
    expect(a, OUTREACH_NEW, "send", "risk");
}

/* The promise of the README: who bought gets silence, under the id of what was sent. */
static void after_a_purchase_the_silence_has_the_id_of_what_was_sent(void **state)
{
    (void)state;
    did("rob", "cart_item_added", 90, A_SHOE);
    struct answer first = ask("rob");
    const char *id = member(&first, "outreach_id");
    expect(first, OUTREACH_NEW, "send", "risk");
    did("rob", "purchase", 0, A_SHOE);
    struct answer bought = ask("rob");
    assert_string_equal(member(&bought, "outreach_id"), id);
    assert_true(json_is_null(json_object_get(bought.json, "message")));
    expect(bought, OUTREACH_BEFORE, "silence", "buyer");
    struct answer dry = ask_as((struct outreach_request){.customer_id = "rob", .dry_run = true});
    assert_string_equal(member(&dry, "outreach_id"), "");
    expect(dry, OUTREACH_DRY, "silence", "buyer");
}

static void too_early_has_a_time_to_come_back(void **state)
{
    (void)state;
    did("roy", "cart_item_added", 10, A_SHOE);
    struct answer a = ask("roy");
    json_t *risk = json_object_get(a.json, "risk");
    char at[CLOCK_TEXT_MAX];
    const int64_t added_us = count_of(
        &bench, "SELECT (extract(epoch FROM occurred_at) * 1000000)::bigint FROM cartwright.event"
                " WHERE key = 'c:roy'");

    assert_true(json_is_true(json_object_get(risk, "too_early")));
    assert_string_equal(json_string_value(json_object_get(risk, "look_again_at")),
                        clock_format_rfc3339(added_us + bench.config.abandoned_after, at));
    expect(a, OUTREACH_NEW, "silence", "too_early");
}

static void a_silence_tells_the_rule_that_blocked_and_no_message(void **state)
{
    (void)state;
    did("tea", "cart_item_added", 10, A_SHOE);
    struct answer a = ask("tea");

    assert_text_contains(member(&a, "reason_text"), "idle for 10m");
    assert_true(json_is_null(json_object_get(a.json, "message")));
    expect(a, OUTREACH_NEW, "silence", "too_early");
}

static void a_pick_that_was_sold_out_a_moment_ago_makes_room_for_the_next(void **state)
{
    (void)state;
    struct err err = {0};
    const struct product gone = {.product_id = "scarf",
                                 .title = "Scarf",
                                 .price_minor = MONEY_UNKNOWN,
                                 .stock = 0,
                                 .attributes = "{}"};
    const struct product shoe = {.product_id = "shoe",
                                 .title = "Blue shoe",
                                 .price_minor = MONEY_UNKNOWN,
                                 .stock = -1,
                                 .attributes = "{}"};
    ok(store_products_put(bench.db, &gone, 1, clock_now_us(), NULL, &err), &err);
    ok(store_products_put(bench.db, &shoe, 1, clock_now_us(), NULL, &err), &err);
    did("ugo", "cart_item_added", 90, A_SHOE);
    struct answer a = ask("ugo");

    assert_text_contains(a.text, "You left Blue shoe in your cart");
    assert_text_contains(a.text, "\"product_id\":\"belt\"");
    assert_null(strstr(a.text, "carf"));
    assert_int_equal(json_array_size(json_object_get(json_object_get(a.json, "message"), "cards")),
                     4);
    expect(a, OUTREACH_NEW, "send", "risk");
    run_sql(&bench, "DELETE FROM cartwright.product");
}

/* ---- what became of the cart ---- */

#define A_HAT                                                                                      \
    ",\"items\":[{\"product_id\":\"hat\",\"quantity\":1,\"price_minor\":1500,\"currency\":\"EUR\"}]"

static void shelve(const char *id, const char *title, int64_t price_minor, int64_t stock)
{
    struct err err = {0};
    struct product p = {.product_id = id,
                        .title = title,
                        .price_minor = price_minor,
                        .currency = "EUR",
                        .stock = stock,
                        .attributes = "{}"};

    ok(store_products_put(bench.db, &p, 1, clock_now_us(), NULL, &err), &err);
}

static void nobody_is_spoken_to_about_a_cart_that_is_sold_out(void **state)
{
    (void)state;
    shelve("shoe", "Blue shoe", 4990, 0);
    did("uma", "cart_item_added", 90, A_SHOE);
    struct outreach_request dry = {.customer_id = "uma", .dry_run = true};

    expect(ask_as(dry), OUTREACH_DRY, "silence", "sold_out");
    struct answer a = ask("uma");
    assert_true(json_is_null(json_object_get(a.json, "message")));
    expect(a, OUTREACH_NEW, "silence", "sold_out");
    assert_int_equal(released_count("uma"), 0);
    shelve("shoe", "Blue shoe", 4990, 1); /* a silence may be decided again */
    expect(ask("uma"), OUTREACH_NEW, "send", "risk");
    run_sql(&bench, "DELETE FROM cartwright.product");
}

static void what_is_left_of_a_cart_is_spoken_about_and_what_is_gone_is_said(void **state)
{
    (void)state;
    shelve("shoe", "Blue shoe", 5990, -1); /* and dearer by now */
    shelve("hat", "Hat", 1500, 0);
    did("uri", "cart_item_added", 92, A_HAT);
    did("uri", "cart_item_added", 90, A_SHOE);
    struct answer a = ask("uri");

    assert_text_contains(a.text, "You left Blue shoe in your cart (current price: €59.90).");
    assert_text_contains(a.text, "Now sold out: Hat.");
    assert_text_contains(a.text, "was €49.90 in your cart");
    expect(a, OUTREACH_NEW, "send", "risk");
    run_sql(&bench, "DELETE FROM cartwright.product");
}

/* As large as carts may be, with ids as long as they may be, of characters that JSON has to write as two. */
static void the_largest_cart_there_can_be_is_spoken_about(void **state)
{
    (void)state;
    run_sql(
        &bench,
        "SELECT cartwright.append_events(jsonb_agg(jsonb_build_object("
        "'event_id', 'giant-' || n, 'customer_id', 'giant', 'type', 'cart_item_added', 'cart_id', 'giant-1',"
        " 'occurred_at', to_char(now() AT TIME ZONE 'UTC' - interval '3 hours' + n * interval '1 second', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),"
        " 'items', (SELECT jsonb_agg(jsonb_build_object('product_id', repeat('\"', 190) || n || '-' || i,"
        " 'variant_id', repeat('\"', 190) || i, 'line_id', repeat('\\', 190) || i, 'quantity', 1,"
        " 'price_minor', CASE WHEN n % 2 = 0 THEN 1000 ELSE -1 END, 'currency', 'EUR')) FROM generate_series(1, 20) i))))"
        " FROM generate_series(1, 200) n");
    struct answer dry = ask_as((struct outreach_request){.customer_id = "giant", .dry_run = true});
    assert_int_equal(
        json_array_size(json_object_get(json_object_get(dry.json, "message"), "cards")),
        30 + 3 /* picks */);
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(dry.json, "message"), "cards_left_out")),
        2000 - 30);
    assert_int_equal(json_array_size(json_object_get(json_object_get(dry.json, "cart"), "items")),
                     2000);
    expect(dry, OUTREACH_DRY, "send", "risk");
    expect(ask("giant"), OUTREACH_NEW, "send", "risk");
    expect(ask("giant"), OUTREACH_BEFORE, "send", "risk");
}

static void a_message_does_not_come_back_once_the_cart_has_changed(void **state)
{
    (void)state;
    did("udo", "cart_item_added", 120, A_SHOE);
    struct answer first = ask("udo");
    const char *id = arena_strdup(&bench.arena, member(&first, "outreach_id"));
    did("udo", "cart_item_added", 90, A_HAT); /* before the decision, but it comes after it */
    struct answer second = ask("udo");

    expect(first, OUTREACH_NEW, "send", "risk");
    assert_string_equal(member(&second, "outreach_id"), id);
    assert_text_contains(second.text, "the cart has changed since it was spoken about");
    assert_true(json_is_null(json_object_get(second.json, "message")));
    expect(second, OUTREACH_BEFORE, "silence", "cart_changed");
    assert_int_equal(released_count("udo"), 1);
    did("udo", "cart_item_removed", 80, A_HAT); /* as it was */
    struct answer third = ask("udo");
    assert_string_equal(third.text, first.text);
    expect(third, OUTREACH_BEFORE, "send", "risk");
}

static void of_a_send_before_digests_the_time_tells_whether_the_cart_has_changed(void **state)
{
    (void)state;
    did("una", "cart_item_added", 120, A_SHOE);
    expect(ask("una"), OUTREACH_NEW, "send", "risk");
    run_sql(&bench, "UPDATE cartwright.outreach SET cart_digest = NULL");
    expect(ask("una"), OUTREACH_BEFORE, "send", "risk");
    did("una", "cart_item_added", -1, A_HAT);
    expect(ask("una"), OUTREACH_BEFORE, "silence", "cart_changed");
}

static void a_message_does_not_come_back_once_all_of_it_is_sold_out(void **state)
{
    (void)state;
    did("uwe", "cart_item_added", 90, A_SHOE);
    expect(ask("uwe"), OUTREACH_NEW, "send", "risk");
    shelve("shoe", "Blue shoe", 4990, 0);
    struct answer second = ask("uwe");
    assert_true(json_is_null(json_object_get(second.json, "message")));
    expect(second, OUTREACH_BEFORE, "silence", "sold_out");
    shelve("shoe", "Blue shoe", 4990, 3);
    expect(ask("uwe"), OUTREACH_BEFORE, "send", "risk");
    run_sql(&bench, "DELETE FROM cartwright.product");
}

static void a_dry_run_links_to_no_outreach(void **state)
{
    (void)state;
    (void)snprintf(bench.config.shop_url, sizeof bench.config.shop_url, "https://shop.example");
    did("ute", "cart_item_added", 90, A_SHOE);
    struct answer dry = ask_as((struct outreach_request){.customer_id = "ute", .dry_run = true});
    struct answer wet = ask("ute");

    assert_null(strstr(dry.text, "?outreach="));
    assert_text_contains(dry.text, "https://shop.example/cart");
    assert_text_contains(wet.text, "https://shop.example/cart?outreach=out_");
    bench.config.shop_url[0] = '\0';
    expect(dry, OUTREACH_DRY, "send", "risk");
    expect(wet, OUTREACH_NEW, "send", "risk");
}

/* ---- retention ---- */

static void a_shopper_whose_events_retention_has_removed_is_decided_about(void **state)
{
    (void)state;
    did("val", "cart_item_added", 90, A_SHOE);
    fold_to_end(&bench);
    run_sql(
        &bench,
        "INSERT INTO cartwright.shopper_base SELECT lane, key, doc FROM cartwright.shopper WHERE key = 'c:val';"
        "DELETE FROM cartwright.event WHERE key = 'c:val'");
    expect(ask("val"), OUTREACH_NEW, "send", "risk");
    assert_int_equal(released_count("val"), 1);
}

static void a_past_that_retention_has_removed_is_refused(void **state)
{
    (void)state;
    struct err err = {0};
    struct answer none;
    did("wes", "cart_item_added", 90, A_SHOE);
    did("wes", "page_viewed", 60, "");
    fold_to_end(&bench);
    run_sql(
        &bench,
        "INSERT INTO cartwright.shopper_base SELECT lane, key, doc FROM cartwright.shopper WHERE key = 'c:wes';"
        "DELETE FROM cartwright.event WHERE key = 'c:wes'");
    struct outreach_request request = {
        .customer_id = "wes", .dry_run = true, .at_us = clock_now_us() - MINUTES(70)};
    assert_false(try_ask(request, &none, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_string_equal(err.path, "at");
    request.at_us = clock_now_us() - MINUTES(50);
    expect(ask_as(request), OUTREACH_DRY, "silence", "too_early");
}

/* ---- many at once ---- */

enum { ASKERS = 8 };

static void *ask_zoe(void *slot)
{
    struct err err = {0};
    CLEANUP(arena_free) struct arena arena = {0};
    struct buf *out = slot;
    const struct outreach_means means = {pool, live, &bench.config};
    const struct outreach_request request = {.customer_id = "zoe"};
    enum outreach_outcome outcome;

    if (!outreach_ask(&means, &request, &arena, out, &outcome, &err)) {
        buf_add_str(out, err.text);
    }
    return NULL;
}

static void askers_at_the_same_moment_get_one_message_between_them(void **state)
{
    (void)state;
    pthread_t threads[ASKERS];
    struct buf answers[ASKERS];

    did("zoe", "cart_item_added", 90, A_SHOE);
    for (int i = 0; i < ASKERS; i++) {
        answers[i] = buf_make(1 << 20);
        assert_int_equal(pthread_create(&threads[i], NULL, ask_zoe, &answers[i]), 0);
    }
    for (int i = 0; i < ASKERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    for (int i = 0; i < ASKERS; i++) {
        assert_text_contains(buf_text(&answers[i]), "\"decision\":\"send\"");
        assert_string_equal(buf_text(&answers[i]), buf_text(&answers[0]));
    }
    for (int i = 0; i < ASKERS; i++) {
        buf_free(&answers[i]);
    }
    assert_int_equal(released_count("zoe"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_abandoned_cart_gets_one_message_and_asking_again_gets_the_same_bytes),
        cmocka_unit_test(a_purchase_a_moment_ago_is_seen_before_any_consumer_has_folded_it),
        cmocka_unit_test(a_silence_may_be_decided_again_under_the_same_id),
        cmocka_unit_test(a_second_round_may_be_contacted_again),
        cmocka_unit_test(two_open_carts_of_one_customer_get_one_message),
        cmocka_unit_test(stop_in_a_chat_is_heard),
        cmocka_unit_test(withdrawn_consent_blocks_and_given_again_does_not),
        cmocka_unit_test(a_dry_run_stores_nothing_and_sees_the_past_as_it_was),
        cmocka_unit_test(a_cart_is_found_by_its_id_alone),
        cmocka_unit_test(shoppers_of_one_lane_with_one_cart_id_each_get_their_own_message),
        cmocka_unit_test(a_message_that_was_decided_is_held_back_once_consent_is_withdrawn),
        cmocka_unit_test(a_purchase_in_the_browser_before_the_login_is_waited_for),
        cmocka_unit_test(the_decision_can_be_read_and_explained),
        cmocka_unit_test(a_message_that_was_decided_is_held_back_from_a_bot),
        cmocka_unit_test(
            a_message_that_was_decided_stays_the_answer_while_the_shopper_looks_around),
        cmocka_unit_test(only_new_decisions_are_counted_by_the_rule_that_decided),
        cmocka_unit_test(whom_nobody_saw_is_unknown),
        cmocka_unit_test(a_browser_that_logged_in_is_its_customer_on_every_path),
        cmocka_unit_test(a_browser_that_did_not_log_in_is_seen_in_its_own_past),
        cmocka_unit_test(of_two_carts_the_one_named_is_meant_and_a_bought_one_is_no_longer),
        cmocka_unit_test(an_answer_tells_when_what_and_by_what),
        cmocka_unit_test(after_a_purchase_the_silence_has_the_id_of_what_was_sent),
        cmocka_unit_test(too_early_has_a_time_to_come_back),
        cmocka_unit_test(a_silence_tells_the_rule_that_blocked_and_no_message),
        cmocka_unit_test(a_pick_that_was_sold_out_a_moment_ago_makes_room_for_the_next),
        cmocka_unit_test(nobody_is_spoken_to_about_a_cart_that_is_sold_out),
        cmocka_unit_test(what_is_left_of_a_cart_is_spoken_about_and_what_is_gone_is_said),
        cmocka_unit_test(the_largest_cart_there_can_be_is_spoken_about),
        cmocka_unit_test(a_message_does_not_come_back_once_the_cart_has_changed),
        cmocka_unit_test(of_a_send_before_digests_the_time_tells_whether_the_cart_has_changed),
        cmocka_unit_test(a_message_does_not_come_back_once_all_of_it_is_sold_out),
        cmocka_unit_test(a_dry_run_links_to_no_outreach),
        cmocka_unit_test(a_shopper_whose_events_retention_has_removed_is_decided_about),
        cmocka_unit_test(a_past_that_retention_has_removed_is_refused),
        cmocka_unit_test(askers_at_the_same_moment_get_one_message_between_them),
    };
    return cmocka_run_group_tests_name("decisions", tests, outreach_setup, outreach_teardown);
}
