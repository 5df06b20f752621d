/* The main job: from events to one stored decision, and never a second message for the same cart, round and step. */
#include "integration/outreach/outreach_spec.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "support/spec.h"

#include <pthread.h>

static void an_abandoned_cart_gets_one_message_and_asking_again_gets_the_same_bytes(void **state)
{
    (void)state;
    did("ann", "cart_item_added", 90, A_SHOE);
    struct answer first = ask("ann");
    struct answer second = ask("ann");

    assert_text_contains(first.text, "You left shoe in your cart");
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
    struct answer second = ask("dan");
    bench.config.idle_after = MINUTES(5);
    bench.config.abandoned_after = MINUTES(60);

    assert_int_equal(json_integer_value(json_object_get(second.json, "round")), 2);
    assert_string_not_equal(member(&first, "outreach_id"), member(&second, "outreach_id"));
    expect(first, OUTREACH_NEW, "send", "risk");
    expect(second, OUTREACH_NEW, "send", "risk");
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
    assert_text_contains(buf_text(&why), "\"features\":{");
    assert_text_contains(buf_text(&why), "risk-base_rate-1");
    ok(outreach_read(&means, "out_00000000000000000000000000", false, &bench.arena, &out, &found,
                     &err),
       &err);
    assert_false(found);
    expect(a, OUTREACH_NEW, "send", "risk");
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
        cmocka_unit_test(withdrawn_consent_blocks_and_given_again_does_not),
        cmocka_unit_test(a_dry_run_stores_nothing_and_sees_the_past_as_it_was),
        cmocka_unit_test(a_cart_is_found_by_its_id_alone),
        cmocka_unit_test(a_message_that_was_decided_is_held_back_once_consent_is_withdrawn),
        cmocka_unit_test(a_purchase_in_the_browser_before_the_login_is_waited_for),
        cmocka_unit_test(the_decision_can_be_read_and_explained),
        cmocka_unit_test(askers_at_the_same_moment_get_one_message_between_them),
    };
    return cmocka_run_group_tests_name("decisions", tests, outreach_setup, outreach_teardown);
}
