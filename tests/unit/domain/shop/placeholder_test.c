#include "domain/shop/placeholder.h"

#include "base/json/jdoc.h"
#include "support/spec.h"

static const char *const of_nobody[] = {
    "undefined",
    "UNDEFINED",
    " null ",
    "NaN",
    "None",
    "[object Object]",
    "\\N",
    "(not set)",
    "anonymous",
    "Guest",
    "0",
    "000",
    "-1",
    "00000000-0000-0000-0000-000000000000",
    "{00000000-0000-0000-0000-000000000000}",
    "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
    "{{ customer.id }}",
    "${user_id}",
    "%%user%%",
    "   ",
    "\xe2\x80\x8b",
    "\"\"",
    "-",
};
static const char *const of_somebody[] = {
    "17",
    "x",
    "10",
    "null@example.org",
    "nullah",
    "guest-17",
    "0a",
    "anna",
    "user 1",
    "00000000-0000-0000-0000-000000000001",
    "{}x",
    "-17",
    "\xf0\x9f\x98\x80",
};

static void what_programs_write_where_they_have_no_id_is_no_shopper(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(of_nobody); i++) {
        if (!placeholder_is(of_nobody[i], ID_OF_SHOPPER, NULL)) {
            fail_msg("taken for an id: \"%s\"", of_nobody[i]);
        }
    }
    for (size_t i = 0; i < COUNT_OF(of_somebody); i++) {
        if (placeholder_is(of_somebody[i], ID_OF_SHOPPER, NULL)) {
            fail_msg("refused: \"%s\"", of_somebody[i]);
        }
    }
}

static void carts_and_orders_may_be_called_guest_and_events_be_numbered_from_0(void **state)
{
    (void)state;
    assert_false(placeholder_is("guest", ID_OF_CART, NULL));
    assert_false(placeholder_is("guest", ID_OF_ORDER, NULL));
    assert_true(placeholder_is("undefined", ID_OF_CART, NULL));
    assert_true(placeholder_is("0", ID_OF_ORDER, NULL));
    assert_false(placeholder_is("0", ID_OF_EVENT, NULL));
    assert_false(placeholder_is("-1", ID_OF_EVENT, NULL));
    assert_true(placeholder_is("null", ID_OF_EVENT, NULL));
    assert_true(placeholder_is("00000000-0000-0000-0000-000000000000", ID_OF_EVENT, NULL));
}

static void a_shop_can_have_some_of_them_back(void **state)
{
    (void)state;
    assert_false(placeholder_is("guest", ID_OF_SHOPPER, "0, Guest ,nil"));
    assert_false(placeholder_is("0", ID_OF_SHOPPER, "0, guest ,nil"));
    assert_false(placeholder_is("NIL", ID_OF_SHOPPER, "0, guest ,nil"));
    assert_true(placeholder_is("null", ID_OF_SHOPPER, "0, guest ,nil"));
    assert_true(placeholder_is("00", ID_OF_SHOPPER, "0, guest ,nil"));
    assert_true(placeholder_is("  ", ID_OF_SHOPPER, ", ,"));
}

static void every_id_of_an_event_is_refused_with_its_reason(void **state)
{
    struct err ignored = {0};
    struct err_more more = {0};
    struct err err = {.more = &more};
    const char *json =
        "{\"customer_id\":\"NaN\",\"anonymous_id\":\"{{ visitor }}\",\"cart_id\":\"guest\","
        "\"order_id\":\"null\",\"session_id\":\"null\",\"event_id\":7}";
    struct arena arena = {0};
    struct jdoc doc;
    (void)state;

    assert_true(jdoc_read(&doc, json, strlen(json), &arena, &ignored));
    assert_false(placeholders_refuse(doc.root, NULL, &arena, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_string_equal(err.path, "/customer_id");
    assert_string_equal(
        err.text, "must be an id: \"NaN\" is what programs write where there is none (where it "
                  "is one, name it in ids_allowed)");
    assert_int_equal(more.count, 2);
    assert_string_equal(more.all[0].path, "/anonymous_id");
    assert_string_equal(more.all[1].path, "/order_id");
    err = (struct err){0};
    assert_true(placeholders_refuse(doc.root, "nan,null,{{ visitor }}", &arena, &err));
    assert_int_equal(err.kind, ERR_NONE);
    jdoc_free(&doc);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_programs_write_where_they_have_no_id_is_no_shopper),
        cmocka_unit_test(carts_and_orders_may_be_called_guest_and_events_be_numbered_from_0),
        cmocka_unit_test(a_shop_can_have_some_of_them_back),
        cmocka_unit_test(every_id_of_an_event_is_refused_with_its_reason),
    };
    return cmocka_run_group_tests_name("placeholders", tests, NULL, NULL);
}
