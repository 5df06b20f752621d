/* The small parts of an import: ids of repeated rows, words, categories, the catalogue. */
#include "base/cleanup.h"
#include "domain/shop/money.h"
#include "foreign/repeat.h"
#include "foreign/words.h"
#include "import/catalogue.h"
#include "import/categories.h"

#include "support/spec.h"

#include <stdio.h>
#include <string.h>

/* ---- event ids ---- */

static void the_id_of_a_row_is_the_hash_of_format_row_and_repetition(void **state)
{
    (void)state;
    CLEANUP(repeat_close) struct repeat_table *t = repeat_open();
    char first[SHA256_HEX];
    char second[SHA256_HEX];
    repeat_event_id(t, "taobao", "1,2,3,pv,4", 10, first);
    repeat_event_id(t, "taobao", "1,2,3,pv,4", 10, second);
    /* printf 'taobao\0001,2,3,pv,4\0\0\0\0\0' | sha256sum, and with \1 at the end */
    assert_string_equal(first, "cbc31974a95b388329b7f14d9de7d8d6ea3a45321029a9d22c178f99382c3a7b");
    assert_string_equal(second, "1c5dc5cd32ab278d361943b0ac80958ff29a42ac953044572e644d6239139873");
}

static void a_second_table_gives_the_same_ids(void **state)
{
    (void)state;
    CLEANUP(repeat_close) struct repeat_table *a = repeat_open();
    CLEANUP(repeat_close) struct repeat_table *b = repeat_open();
    char one[SHA256_HEX];
    char other[SHA256_HEX];
    for (int i = 0; i < 50000; i++) { /* past several growths */
        char row[32];
        int len = snprintf(row, sizeof row, "%d", i / 2);
        repeat_event_id(a, "f", row, (size_t)len, one);
        repeat_event_id(b, "f", row, (size_t)len, other);
        assert_string_equal(one, other);
    }
    /* counts survive growing: the third "0" is not the first */
    CLEANUP(repeat_close) struct repeat_table *fresh = repeat_open();
    repeat_event_id(a, "f", "0", 1, one);
    repeat_event_id(fresh, "f", "0", 1, other);
    assert_string_not_equal(one, other);
    repeat_event_id(fresh, "f", "0", 1, other);
    repeat_event_id(fresh, "f", "0", 1, other);
    assert_string_equal(one, other);
}

static void formats_do_not_share_ids(void **state)
{
    (void)state;
    CLEANUP(repeat_close) struct repeat_table *t = repeat_open();
    char one[SHA256_HEX];
    char other[SHA256_HEX];
    repeat_event_id(t, "ab", "c", 1, one);
    repeat_event_id(t, "a", "bc", 2, other);
    assert_string_not_equal(one, other);
}

/* ---- words ---- */

static void brands_are_spelt_as_people_do(void **state)
{
    (void)state;
    CLEANUP(arena_free) struct arena a = {0};
    static const char *const cases[][2] = {
        {"samsung", "Samsung"},
        {"lg", "LG"},
        {"jbl", "JBL"},
        {"tp-link", "TP-Link"},
        {"levi's", "Levi's"},
        {"3m", "3M"},
        {"la roche-posay", "La Roche-Posay"},
        {"Sony", "Sony"},
        {"kärcher", "Kärcher"},
        {"sky", "Sky"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_string_equal(words_brand(cases[i][0], &a), cases[i][1]);
    }
    assert_null(words_brand("", &a));
}

static void a_category_is_its_levels_in_words(void **state)
{
    (void)state;
    CLEANUP(arena_free) struct arena a = {0};
    const char *path = words_category("appliances.environment.water_heater", &a);
    assert_string_equal(path, "appliances > environment > water heater");
    assert_null(words_category("", &a));
}

/* ---- categories ---- */

static void grow(struct category_tree *t, const char *text)
{
    struct err err = {0};
    struct line line = {.text = text, .len = strlen(text)};
    assert_true(category_tree_line(t, &line, &err));
}

static void a_path_goes_from_root_to_leaf(void **state)
{
    (void)state;
    CLEANUP(arena_free) struct arena a = {0};
    CLEANUP(category_tree_close) struct category_tree *t = category_tree_open();
    grow(t, "250,1278");
    grow(t, "1338,");
    grow(t, "1278,1338");
    grow(t, "250,9"); /* a second word on 250 does not count */
    assert_string_equal(category_path(t, "250", &a), "1338 > 1278 > 250");
    assert_string_equal(category_path(t, "1338", &a), "1338");
    assert_string_equal(category_path(t, "77", &a), "77");
}

static void a_circle_of_categories_is_cut(void **state)
{
    (void)state;
    CLEANUP(arena_free) struct arena a = {0};
    CLEANUP(category_tree_close) struct category_tree *t = category_tree_open();
    grow(t, "1,2");
    grow(t, "2,3");
    grow(t, "3,1");
    grow(t, "4,4");
    assert_string_equal(category_path(t, "1", &a), "3 > 2 > 1");
    assert_string_equal(category_path(t, "4", &a), "4");
}

static void a_category_row_without_its_second_column_is_malformed(void **state)
{
    (void)state;
    CLEANUP(arena_free) struct arena a = {0};
    const char *item = NULL;
    const char *category = NULL;
    struct err err = {0};
    struct line line = {.text = "12", .len = 2};
    assert_false(category_item_line(&line, &a, &item, &category, &err));
    assert_string_equal(err.text, "has no second column");
    line = (struct line){.text = "12,", .len = 3};
    assert_false(category_item_line(&line, &a, &item, &category, &err));
    assert_string_equal(err.text, "category is empty");
}

/* ---- catalogue ---- */

#define facts(...)                                                                                 \
    (&(struct product){.product_id = "p",                                                          \
                       .price_minor = MONEY_UNKNOWN,                                               \
                       .currency = "EUR",                                                          \
                       .stock = -1,                                                                \
                       __VA_ARGS__})

static void the_last_price_by_time_counts_whatever_the_order_of_rows(void **state)
{
    (void)state;
    CLEANUP(catalogue_close) struct catalogue *c = catalogue_open();
    size_t n = 0;
    catalogue_add(c, facts(.price_minor = 200, .updated_us = 20));
    catalogue_add(c, facts(.price_minor = 100, .updated_us = 10));
    catalogue_add(c, facts(.updated_us = 30, .title = "A plate"));
    const struct product *e = catalogue_entries(c, &n);
    assert_int_equal(n, 1);
    assert_int_equal(e->price_minor, 200);
    assert_string_equal(e->currency, "EUR");
    assert_string_equal(e->title, "A plate");
}

static void an_older_word_fills_a_gap_and_replaces_nothing(void **state)
{
    (void)state;
    CLEANUP(catalogue_close) struct catalogue *c = catalogue_open();
    size_t n = 0;
    catalogue_add(c, facts(.title = "new", .updated_us = 20));
    catalogue_add(c, facts(.title = "old", .brand = "Aqua", .updated_us = 10));
    const struct product *e = catalogue_entries(c, &n);
    assert_string_equal(e->title, "new");
    assert_string_equal(e->brand, "Aqua");
}

static void a_full_catalogue_says_so(void **state)
{
    (void)state;
    CLEANUP(catalogue_close) struct catalogue *c = catalogue_open();
    size_t n = 0;
    for (int i = 0; !catalogue_full(c); i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "%d", i);
        catalogue_add(c, facts(.product_id = id));
        catalogue_add(c, facts(.product_id = id));
    }
    (void)catalogue_entries(c, &n);
    assert_int_equal(n, 20000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_id_of_a_row_is_the_hash_of_format_row_and_repetition),
        cmocka_unit_test(a_second_table_gives_the_same_ids),
        cmocka_unit_test(formats_do_not_share_ids),
        cmocka_unit_test(brands_are_spelt_as_people_do),
        cmocka_unit_test(a_category_is_its_levels_in_words),
        cmocka_unit_test(a_path_goes_from_root_to_leaf),
        cmocka_unit_test(a_circle_of_categories_is_cut),
        cmocka_unit_test(a_category_row_without_its_second_column_is_malformed),
        cmocka_unit_test(the_last_price_by_time_counts_whatever_the_order_of_rows),
        cmocka_unit_test(an_older_word_fills_a_gap_and_replaces_nothing),
        cmocka_unit_test(a_full_catalogue_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
