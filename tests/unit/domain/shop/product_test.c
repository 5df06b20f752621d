#include "domain/shop/product.h"

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

static struct product decoded(const char *json, const char *id_in_path)
{
    struct err err = {0};
    struct product p = {0};
    CLEANUP(jdec_free) json_t *doc = jdec_parse(json, strlen(json), &err);

    if (doc == NULL || !product_decode(doc, id_in_path, &arena, &p, &err)) {
        fail_msg("%s: %s: %s", json, err.path, err.text);
    }
    return p;
}

static void a_full_product_is_read_whole(void **state)
{
    (void)state;
    struct product p = decoded(
        "{\"product_id\":\"p1\",\"title\":\"Red shoe\",\"url\":\"https://shop.example/p1\","
        "\"image_url\":\"HTTP://img.example/1.jpg\",\"price_minor\":4999,\"currency\":\"EUR\","
        "\"category\":\"Shoes > Red\",\"brand\":\"Foot\",\"stock\":0,"
        "\"attributes\":{\"z\":1,\"a\":[2]}}",
        NULL);

    assert_string_equal(p.product_id, "p1");
    assert_string_equal(p.title, "Red shoe");
    assert_int_equal(p.price_minor, 4999);
    assert_string_equal(p.currency, "EUR");
    assert_string_equal(p.category, "Shoes > Red");
    assert_int_equal(p.stock, 0);
    assert_string_equal(p.attributes, "{\"a\":[2],\"z\":1}");
}

static void an_id_alone_is_a_product(void **state)
{
    (void)state;
    struct product p = decoded("{}", "p9");

    assert_string_equal(p.product_id, "p9");
    assert_null(p.title);
    assert_int_equal(p.price_minor, MONEY_UNKNOWN);
    assert_int_equal(p.stock, -1);
    assert_string_equal(p.attributes, "{}");
}

static void a_price_in_no_currency_is_none(void **state)
{
    (void)state;
    struct product p = decoded("{\"price_minor\":499,\"currency\":\"XXX\"}", "p9");

    assert_int_equal(p.price_minor, MONEY_UNKNOWN);
    assert_string_equal(p.currency, "");
}

static void levels_of_a_category_may_come_one_by_one(void **state)
{
    (void)state;
    assert_string_equal(decoded("{\"category\":[\"Shoes\",\"Red\"]}", "p").category, "Shoes > Red");
    assert_null(decoded("{\"category\":[]}", "p").category);
}

static const struct {
    const char *json;
    const char *path;
    const char *text;
} refusals[] = {
    {"[]", "", "must be an object, not an array"},
    {"{\"colour\":1}", "/colour", "is not a known member"},
    {"{\"product_id\":\"other\"}", "/product_id", "must be the one in the path"},
    {"{\"title\":\"\",\"titel\":\"Cup\"}", "/titel", "is not a known member"}, /* it is there */
    {"{\"titel\":\"Cup\"}", "/titel", "is not a known member; did you mean title?"},
    {"{\"id\":\"cup\"}", "/id", "is not a known member; did you mean product_id?"},
    {"{\"name\":\"Cup\"}", "/name", "is not a known member; did you mean title?"},
    {"{\"url\":\"https://a\\nb\"}", "/url", "must not contain control characters"},
    {"{\"url\":\"javascript:alert(1)\"}", "/url", "must be an http or https address"},
    {"{\"url\":\"https://\"}", "/url", "must be an http or https address"},
    {"{\"url\":\"https://a b\"}", "/url", "must be an http or https address"},
    {"{\"image_url\":\"ftp://x\"}", "/image_url", "must be an http or https address"},
    {"{\"price_minor\":1}", "/currency", "is required with price_minor"},
    {"{\"currency\":\"EUR\"}", "/price_minor", "is required with currency"},
    {"{\"price_minor\":1,\"currency\":\"e\"}", "/currency", "must be three upper-case letters"},
    {"{\"price_minor\":-1,\"currency\":\"EUR\"}", "/price_minor",
     "must be between 0 and 1000000000000"},
    {"{\"stock\":-1}", "/stock", "must be between 0 and 1000000000"},
    {"{\"category\":7}", "/category", "must be a string, not an integer"},
    {"{\"category\":[\"a\",\"\"]}", "/category/1", "must have 1 to 500 bytes, not 0"},
    {"{\"attributes\":[]}", "/attributes", "must be an object, not an array"},
    {"{\"attributes\":{\"x\":-1e19}}", "/attributes", "must not hold numbers of 9.2e18 or more"},
    {"{\"attributes\":{\"a\":[[[[[[[[[[1]]]]]]]]]]}}", "/attributes",
     "must not be nested deeper than 10 levels"},
};

static void what_could_not_be_shown_or_stored_is_refused_with_a_pointer(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        struct err err = {0};
        struct product p = {.stock = 77};
        CLEANUP(jdec_free)
        json_t *doc = jdec_parse(refusals[i].json, strlen(refusals[i].json), &err);
        assert_non_null(doc);
        assert_false(product_decode(doc, "p", &arena, &p, &err));
        assert_string_equal(err.path, refusals[i].path);
        assert_string_equal(err.text, refusals[i].text);
        assert_int_equal(p.stock, 77);
    }
}

static void an_id_is_needed_in_the_body_or_the_path(void **state)
{
    struct err err = {0};
    struct product p;
    CLEANUP(jdec_free) json_t *doc = jdec_parse("{}", 2, &err);
    (void)state;

    assert_false(product_decode(doc, NULL, &arena, &p, &err));
    assert_string_equal(err.path, "/product_id");
    err = (struct err){0};
    assert_false(product_decode(doc, "", &arena, &p, &err));
    assert_string_equal(err.path, "/product_id");
}

static void texts_that_no_catalogue_takes_are_dropped_and_the_rest_is_kept(void **state)
{
    static char title[PRODUCT_TITLE_MAX + 2];
    struct product p = {.product_id = "17",
                        .title = title,
                        .category = "Kitchen&nbsp;&gt;\tMugs",
                        .brand = "\xe2\x80\x8b ",
                        .price_minor = 5};
    (void)state;

    memset(title, 'x', PRODUCT_TITLE_MAX + 1);
    product_clean(&p, &arena);
    assert_null(p.title);
    assert_string_equal(p.category, "Kitchen > Mugs");
    assert_null(p.brand);
    assert_int_equal(p.price_minor, 5);
    title[PRODUCT_TITLE_MAX] = '\0';
    p.title = title;
    product_clean(&p, &arena);
    assert_ptr_equal(p.title, title);
}

static void names_are_read_as_people_should_and_none_is_refused_for_its_looks(void **state)
{
    static char long_title[4 * PRODUCT_TITLE_MAX];
    (void)state;
    struct product p = decoded(
        "{\"title\":\" Salt &amp;\\tPepper<br/>set\\n\",\"brand\":\"H&amp;M\",\"image_url\":\"\","
        "\"url\":\"//cdn.example/p?a=1&amp;b=2\",\"category\":[\"Home &amp; Garden\",\"Salt\"]}",
        "p");

    assert_string_equal(p.title, "Salt & Pepper set");
    assert_string_equal(p.brand, "H&M");
    assert_string_equal(p.category, "Home & Garden > Salt");
    assert_string_equal(p.url, "https://cdn.example/p?a=1&b=2");
    assert_null(p.image_url);
    assert_null(decoded("{\"title\":\"  \\u200b\"}", "p").title);
    /* the limit is that of what people read */
    for (int i = 0; i < PRODUCT_TITLE_MAX / 2; i++) {
        memcpy(long_title + (ptrdiff_t)i * 6, "&amp;x", 6);
    }
    long_title[(size_t)PRODUCT_TITLE_MAX / 2 * 6] = '\0';
    const char *json = arena_printf(&arena, "{\"title\":\"%s\"}", long_title);
    assert_int_equal(strlen(decoded(json, "p").title), PRODUCT_TITLE_MAX);
}

static void a_product_without_a_title_is_called_by_brand_and_category(void **state)
{
    struct product p = {.product_id = "17"};
    (void)state;

    assert_string_equal(product_title(&p, &arena), "17");
    p.brand = "samsung";
    assert_string_equal(product_title(&p, &arena), "samsung");
    p.category = "electronics > smartphone";
    assert_string_equal(product_title(&p, &arena), "samsung smartphone");
    p.category = "electronics.audio.headphone";
    assert_string_equal(product_title(&p, &arena), "samsung headphone");
    p.brand = NULL;
    assert_string_equal(product_title(&p, &arena), "headphone");
    p.title = "Buds";
    assert_string_equal(product_title(&p, &arena), "Buds");
}

static void a_title_that_names_nothing_is_none(void **state)
{
    static const char *const none[] = {"undefined", "NULL", "N/A", "-", " ", "sku-1", "(not set)"};
    static const char *const some[] = {"True", "Null Pointer Mug", "sku-10", "A", "Object 7", "5"};
    struct arena a = {0};
    (void)state;

    for (size_t i = 0; i < COUNT_OF(none); i++) {
        struct product p = {.product_id = "sku-1", .title = none[i]};
        assert_true(product_title_is_none(none[i], "sku-1"));
        product_clean(&p, &a);
        assert_null(p.title);
    }
    for (size_t i = 0; i < COUNT_OF(some); i++) {
        assert_false(product_title_is_none(some[i], "sku-1"));
    }
    assert_false(product_title_is_none("Tea towel 2", "Tea towel 2")); /* known by its title */
    assert_false(product_title_is_none("Mug", "Mug"));
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_product_is_read_whole),
        cmocka_unit_test(an_id_alone_is_a_product),
        cmocka_unit_test(a_price_in_no_currency_is_none),
        cmocka_unit_test(levels_of_a_category_may_come_one_by_one),
        cmocka_unit_test(what_could_not_be_shown_or_stored_is_refused_with_a_pointer),
        cmocka_unit_test(an_id_is_needed_in_the_body_or_the_path),
        cmocka_unit_test(texts_that_no_catalogue_takes_are_dropped_and_the_rest_is_kept),
        cmocka_unit_test(names_are_read_as_people_should_and_none_is_refused_for_its_looks),
        cmocka_unit_test(a_title_that_names_nothing_is_none),
        cmocka_unit_test(a_product_without_a_title_is_called_by_brand_and_category),
    };
    return cmocka_run_group_tests_name("products", tests, NULL, empty_the_arena);
}
