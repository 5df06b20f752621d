#include "domain/shop/product_merge.h"

#include "base/cleanup.h"
#include "base/json/jdec.h"
#include "domain/shop/money.h"
#include "support/spec.h"

static struct arena arena;

static int empty_the_arena(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static struct product mug(void)
{
    return (struct product){.product_id = "mug",
                            .title = "Blue mug",
                            .url = "https://shop.example/mug",
                            .price_minor = 950,
                            .currency = "EUR",
                            .category = "Kitchen > Mugs",
                            .stock = 3,
                            .attributes = "{\"size\":{\"h\":9,\"w\":8},\"tags\":[1,2]}"};
}

static bool merged(const struct product *have, const char *json, struct product *out,
                   struct err *err)
{
    struct err why = {0};
    CLEANUP(jdec_free) json_t *patch = jdec_parse(json, strlen(json), &why);

    assert_non_null(patch);
    return product_merge(have, patch, "mug", &arena, out, err);
}

static void what_is_not_named_stays(void **state)
{
    struct product have = mug();
    struct product p;
    struct err err = {0};
    (void)state;

    assert_true(merged(&have, "{\"stock\":4}", &p, &err));
    assert_int_equal(p.stock, 4);
    assert_string_equal(p.product_id, "mug");
    assert_string_equal(p.title, "Blue mug");
    assert_string_equal(p.url, "https://shop.example/mug");
    assert_int_equal(p.price_minor, 950);
    assert_string_equal(p.currency, "EUR");
    assert_string_equal(p.category, "Kitchen > Mugs");
    assert_string_equal(p.attributes, have.attributes);
    assert_true(merged(&have, "{}", &p, &err));
    assert_int_equal(p.stock, 3);
    assert_true(merged(&have, "{\"price_minor\":1000}", &p, &err));
    assert_int_equal(p.price_minor, 1000);
}

static void null_removes_and_objects_are_merged(void **state)
{
    struct product have = mug();
    struct product p;
    struct err err = {0};
    (void)state;

    assert_true(merged(
        &have,
        "{\"title\":null,\"stock\":null,\"brand\":null,\"price_minor\":null,\"currency\":null,"
        "\"attributes\":{\"size\":{\"w\":null,\"d\":7},\"tags\":[3],\"new\":{\"a\":null,\"b\":1}}}",
        &p, &err));
    assert_null(p.title);
    assert_int_equal(p.stock, -1);
    assert_int_equal(p.price_minor, MONEY_UNKNOWN);
    assert_string_equal(p.attributes,
                        "{\"new\":{\"b\":1},\"size\":{\"d\":7,\"h\":9},\"tags\":[3]}");
    assert_string_equal(have.title, "Blue mug");
}

static void nothing_known_is_merged_into_nothing(void **state)
{
    struct product p;
    struct err err = {0};
    (void)state;

    assert_true(merged(NULL, "{\"product_id\":\"mug\",\"title\":\"Mug\",\"url\":null}", &p, &err));
    assert_string_equal(p.title, "Mug");
    assert_null(p.url);
    assert_string_equal(p.attributes, "{}");
}

static void the_whole_is_judged_like_any_product(void **state)
{
    static const struct {
        const char *json;
        const char *path;
        const char *text;
    } cases[] = {
        {"[]", "", "must be an object"},
        {"{\"colour\":1}", "/colour", "is not a known member"},
        {"{\"currency\":null}", "/currency", "is required with price_minor"},
        {"{\"stock\":-1}", "/stock", "must be between 0 and 1000000000"},
        {"{\"product_id\":\"cup\"}", "/product_id", "must be the one in the path"},
        {"{\"attributes\":7}", "/attributes", "must be an object, not an integer"},
    };
    struct product have = mug();
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct product p = {.stock = 77};
        struct err err = {0};
        assert_false(merged(&have, cases[i].json, &p, &err));
        assert_string_equal(err.path, cases[i].path);
        assert_string_equal(err.text, cases[i].text);
        assert_int_equal(p.stock, 77);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_named_stays),
        cmocka_unit_test(null_removes_and_objects_are_merged),
        cmocka_unit_test(nothing_known_is_merged_into_nothing),
        cmocka_unit_test(the_whole_is_judged_like_any_product),
    };
    return cmocka_run_group_tests_name("product patches", tests, NULL, empty_the_arena);
}
