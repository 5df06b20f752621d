/* What is stored against what the log says. */
#include "base/clock.h"
#include "integration/flow_spec.h"
#include "support/spec.h"

static struct flow_bench bench;

static int setup(void **state)
{
    (void)state;
    static const struct told events[] = {
        {.id = "e1",
         .type = "cart_item_added",
         .customer = "y",
         .product = "shoe",
         .price_minor = 4999,
         .at_s = 1},
        {.id = "e2", .type = "cart_item_added", .anonymous = "x", .product = "hat", .at_s = 2},
        {.id = "e3", .type = "identify", .customer = "z", .anonymous = "x", .at_s = 3},
        {.id = "e4", .type = "purchase", .customer = "y", .product = "shoe", .at_s = 4},
    };
    flow_open(&bench, "replay");
    tell_all(&bench, events, COUNT_OF(events));
    fold_to_end(&bench);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    flow_close(&bench);
    return 0;
}

static struct replay_result check(void)
{
    struct err err = {0};
    struct replay_result r = {0};
    if (!replay_check(&bench.database, &bench.config, START_US, &r, &err)) {
        fail_msg("%s", err.text);
    }
    return r;
}

static void a_clean_fold_has_no_differences(void **state)
{
    (void)state;
    struct replay_result r = check();
    assert_int_equal(r.differences, 0);
    assert_string_equal(r.first, "");
    assert_int_equal(r.shoppers, 3);
    assert_int_equal(r.carts, 2);
    assert_int_equal(r.events, 7); /* the four, shopper_bound, forwarded, binding_set */
}

static const struct {
    const char *name;
    const char *damage;
    const char *shown;
} damages[] = {
    {"a document", "UPDATE cartwright.shopper SET doc = replace(doc, 'shoe', 'boot')", "boot"},
    {"a lost shopper", "DELETE FROM cartwright.shopper WHERE key = 'c:y'", "c:y"},
    {"an invented shopper",
     "INSERT INTO cartwright.shopper SELECT lane, 'c:nobody', 1, doc FROM cartwright.shopper LIMIT 1",
     "c:nobody"},
    {"a cart row", "UPDATE cartwright.cart SET units = units + 1 WHERE key = 'c:y'", "c:y"},
    {"a lost cart", "DELETE FROM cartwright.cart WHERE key = 'c:z'", "c:z"},
    {"an invented cart",
     "INSERT INTO cartwright.cart (lane, key, cart_id, round, status, lines, units, opened_at, "
     "changed_at, seen_at, bot, imported) SELECT lane, key, 'invented', round, status, lines, "
     "units, opened_at, changed_at, seen_at, bot, imported FROM cartwright.cart WHERE key = 'c:z'",
     "invented"},
    {"a vanished event", "DELETE FROM cartwright.event WHERE event_id = 'e4'", "c:y"},
};

static void every_kind_of_damage_is_found_and_the_first_is_shown(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(damages); i++) {
        (void)teardown(NULL);
        (void)setup(NULL);
        run_sql(&bench, damages[i].damage);
        struct replay_result r = check();
        if (r.differences != 1) {
            fail_msg("%s: %d differences", damages[i].name, (int)r.differences);
        }
        assert_text_contains(r.first, damages[i].shown);
    }
}

static void a_rebuild_writes_what_the_log_says_and_keeps_scores(void **state)
{
    (void)state;
    struct err err = {0};
    struct replay_result r = {0};
    const char *before = dump_of(&bench, false);
    run_sql(&bench, "UPDATE cartwright.cart SET risk = 0.5, risk_model = 'm', scored_at = now()");
    run_sql(&bench, "UPDATE cartwright.shopper SET doc = '{}' WHERE key = 'c:y'");
    run_sql(&bench, "DELETE FROM cartwright.shopper WHERE key = 'c:z'");
    run_sql(&bench, damages[2].damage);
    run_sql(&bench, damages[5].damage);
    assert_true(replay_rebuild(&bench.database, &bench.config, &r, &err));
    assert_string_equal(dump_of(&bench, false), before);
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.cart WHERE risk = 0.5"), 2);
    assert_int_equal(r.shoppers, 3);
    assert_replay_is_clean(&bench);
}

/* By the document alone: nobody has to remember what was in effect when it was written. */
static void what_was_folded_by_other_settings_or_before_is_folded_again(void **state)
{
    const struct shopper_rules lines = {
        .closes_lines = true, .echo_us = MINUTES(30), .undo_us = DAYS(1)};
    const struct shopper_rules usual = {.echo_us = MINUTES(30), .undo_us = DAYS(1)};
    struct replay_result rebuilt = {0};
    struct err err = {0};
    (void)state;

    shopper_rules_set(&lines);
    struct replay_result r = check();
    assert_int_equal(r.differences, 3);
    assert_int_equal(r.outdated, 3);
    assert_int_equal(r.other_settings, 3);
    char text[SHOPPER_RULES_TEXT_MAX];
    assert_string_equal(shopper_rules_text(r.settings, text),
                        "purchase_closes=cart order_echo=30m order_undo=1d");
    assert_string_equal(shopper_rules_text(shopper_rules_stamp(), text),
                        "purchase_closes=lines order_echo=30m order_undo=1d");
    /* the next event of a shopper does it for that one */
    tell_all(&bench, (struct told[]){{.id = "e5", .type = "searched", .customer = "y", .at_s = 9}},
             1);
    fold_to_end(&bench);
    assert_int_equal(check().outdated, 2);
    assert_true(replay_rebuild(&bench.database, &bench.config, &rebuilt, &err));
    assert_replay_is_clean(&bench);
    shopper_rules_set(&usual);
    assert_true(replay_rebuild(&bench.database, &bench.config, &rebuilt, &err));
    /* of a version that kept neither */
    run_sql(
        &bench,
        "UPDATE cartwright.shopper SET doc = regexp_replace(doc, '\"(format|rules)\":[0-9]+,', '', 'g')"
        " WHERE key = 'c:y'");
    r = check();
    assert_int_equal(r.differences, 1);
    assert_int_equal(r.outdated, 1);
    assert_int_equal(r.other_settings, 0);
    tell_all(&bench, (struct told[]){{.id = "e6", .type = "searched", .customer = "y", .at_s = 10}},
             1);
    fold_to_end(&bench);
    assert_replay_is_clean(&bench);
}

static void a_rebuild_and_the_fold_do_not_get_into_each_others_way(void **state)
{
    (void)state;
    struct err err = {0};
    struct replay_result r = {0};
    struct fold_workers *workers = NULL;
    assert_true(fold_workers_start(&bench.database, &bench.config, NULL, &workers, &err));
    for (int i = 0; i < 5; i++) {
        for (int n = 0; n < 20; n++) {
            TELL(&bench, .id = arena_printf(&bench.arena, "r%d-%d", i, n),
                 .type = "cart_item_added", .customer = arena_printf(&bench.arena, "c%d", n),
                 .product = "shoe", .at_s = 10 + i);
        }
        if (!replay_rebuild(&bench.database, &bench.config, &r, &err)) {
            fail_msg("%s", err.text);
        }
    }
    fold_workers_stop(&workers);
    fold_to_end(&bench);
    assert_replay_is_clean(&bench);
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.cart WHERE units = 5"), 20);
}

static void events_past_the_cursor_are_unread_and_no_difference(void **state)
{
    (void)state;
    TELL(&bench, .id = "new", .type = "cart_item_added", .customer = "y", .product = "hat",
         .at_s = 9);
    struct replay_result r = check();
    assert_int_equal(r.unread, 1);
    assert_int_equal(r.differences, 0);
}

static void the_dump_from_the_log_equals_the_stored_one(void **state)
{
    (void)state;
    const char *stored = dump_of(&bench, false);
    assert_text_contains(stored, "\"shopper\":\"a:x\"");
    assert_text_contains(stored, "\"state\":\"abandoned\"");
    assert_string_equal(dump_of(&bench, true), stored);
}

static void a_rebuild_puts_off_a_lane_that_somebody_holds_and_does_the_others(void **state)
{
    (void)state;
    struct err err = {0};
    struct replay_result r = {0};
    const char *before = dump_of(&bench, false);
    run_sql(&bench, "UPDATE cartwright.shopper SET doc = '{}'");
    run_sql(&bench, "BEGIN");
    run_sql(&bench, "SELECT off FROM cartwright.lane_cursor WHERE lane = "
                    "cartwright.lane_of('c:y') FOR UPDATE");
    assert_false(replay_rebuild(&bench.database, &bench.config, &r, &err));
    assert_int_equal(err.kind, ERR_BUSY);
    assert_text_contains(err.text, "holds 1 of 256 lanes");
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.shopper WHERE doc = '{}' "
                                      "AND lane <> cartwright.lane_of('c:y')"),
                     0);
    run_sql(&bench, "COMMIT");
    assert_true(replay_rebuild(&bench.database, &bench.config, &r, &err));
    assert_string_equal(dump_of(&bench, false), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_clean_fold_has_no_differences, setup, teardown),
        cmocka_unit_test_setup_teardown(every_kind_of_damage_is_found_and_the_first_is_shown, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_rebuild_writes_what_the_log_says_and_keeps_scores, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_was_folded_by_other_settings_or_before_is_folded_again,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_rebuild_and_the_fold_do_not_get_into_each_others_way,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(events_past_the_cursor_are_unread_and_no_difference, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_dump_from_the_log_equals_the_stored_one, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            a_rebuild_puts_off_a_lane_that_somebody_holds_and_does_the_others, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
