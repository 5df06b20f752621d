/* A message that is fetched by its id: as it was decided, for as long as it may be shown. */
#include "integration/outreach/outreach_spec.h"

#include "base/cleanup.h"
#include "support/spec.h"

#define A_HAT                                                                                      \
    ",\"items\":[{\"product_id\":\"hat\",\"quantity\":1,\"price_minor\":1500,\"currency\":\"EUR\"}]"

/* The outreach as GET answers it now. */
static json_t *read_now(const char *id)
{
    const struct outreach_means means = {pool, live, &bench.config};
    CLEANUP(buf_free) struct buf out = buf_make(1 << 20);
    struct err err = {0};
    bool found = false;

    ok(outreach_read(&means, id, false, &bench.arena, &out, &found, &err), &err);
    assert_true(found);
    json_t *told = json_loads(buf_text(&out), 0, NULL);
    assert_non_null(told);
    return told;
}

static const char *sent_to(const char *customer)
{
    struct answer a = ask(customer);
    const char *id = arena_strdup(&bench.arena, member(&a, "outreach_id"));

    expect(a, OUTREACH_NEW, "send", "risk");
    return id;
}

/* reason NULL: the message is there, and nothing speaks against it. */
static void check_read(const char *id, const char *reason)
{
    json_t *told = read_now(id);
    const json_t *withdrawn = json_object_get(told, "withdrawn");

    assert_string_equal(json_string_value(json_object_get(told, "outreach_id")), id);
    assert_string_equal(json_string_value(json_object_get(told, "decision")), "send");
    assert_int_equal(json_is_null(json_object_get(told, "message")), reason != NULL);
    assert_int_equal(withdrawn != NULL, reason != NULL);
    if (reason != NULL) {
        assert_string_equal(json_string_value(json_object_get(withdrawn, "reason")), reason);
        assert_true(json_string_length(json_object_get(withdrawn, "text")) > 0);
    }
    json_decref(told);
}

static void a_message_is_not_told_by_its_id_to_who_bought_or_said_no(void **state)
{
    (void)state;
    did("amy", "cart_item_added", 90, A_SHOE);
    did("ben", "cart_item_added", 90, A_SHOE);
    const char *of_amy = sent_to("amy");
    const char *of_ben = sent_to("ben");
    check_read(of_amy, NULL);
    did("amy", "purchase", 0, A_SHOE);
    did("ben", "consent_withdrawn", 0, "");
    check_read(of_amy, "buyer");
    check_read(of_ben, "opted_out");
    fold_to_end(&bench);
    check_read(of_amy, "buyer");
    check_read(of_ben, "opted_out");
}

static void a_message_is_not_told_by_its_id_once_the_cart_is_another(void **state)
{
    (void)state;
    did("cid", "cart_item_added", 120, A_SHOE);
    const char *id = sent_to("cid");
    did("cid", "cart_item_added", 90, A_HAT);
    check_read(id, "cart_changed");
    did("cid", "cart_item_removed", 80, A_HAT); /* as it was */
    check_read(id, NULL);
    did("cid", "cart_item_removed", 70, A_SHOE);
    check_read(id, "empty");
}

static void a_message_of_a_round_before_is_not_told_by_its_id(void **state)
{
    (void)state;
    did("dan", "cart_item_added", 300, A_SHOE);
    const char *id = sent_to("dan");
    did("dan", "purchase", 250, A_SHOE);
    did("dan", "cart_item_added", 90, A_SHOE);
    check_read(id, "cart_changed");
}

/* Ends in a 503 as long as nothing folds. */
static void what_waits_for_the_fold_is_waited_for(void **state)
{
    (void)state;
    const struct outreach_means means = {pool, live, &bench.config};
    CLEANUP(buf_free) struct buf out = buf_make(1 << 20);
    struct err err = {0};
    bool found = false;

    did("eva", "cart_item_added", 90, A_SHOE);
    did("eva", "identify", 80, ",\"anonymous_id\":\"browser-12\"");
    fold_to_end(&bench);
    const char *id = sent_to("eva");
    did_with(bench.db, (struct deed){.anonymous = "browser-12", .type = "purchase"});
    assert_false(outreach_read(&means, id, false, &bench.arena, &out, &found, &err));
    assert_int_equal(err.kind, ERR_BUSY);
    fold_to_end(&bench);
    check_read(id, "buyer");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_not_told_by_its_id_to_who_bought_or_said_no),
        cmocka_unit_test(a_message_is_not_told_by_its_id_once_the_cart_is_another),
        cmocka_unit_test(a_message_of_a_round_before_is_not_told_by_its_id),
        cmocka_unit_test(what_waits_for_the_fold_is_waited_for),
    };
    return cmocka_run_group_tests_name("messages by id", tests, outreach_setup, outreach_teardown);
}
