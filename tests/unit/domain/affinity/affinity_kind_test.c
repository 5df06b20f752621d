/* What kind of thing a product is, told by the words of titles. */
#include "domain/affinity/affinity_kind.h"

#include "domain/shop/money.h"
#include "support/spec.h"

#include <stdlib.h>

enum { MOST = 40 };

static struct affinity_item items[MOST];
static int32_t category[MOST];
static int32_t kind[MOST];
static int32_t sort[MOST];
static int count;

static int sells(const char *title, const char *brand, int32_t of)
{
    items[count] =
        (struct affinity_item){.title = title, .brand = brand, .price_minor = MONEY_UNKNOWN};
    category[count] = of;
    return count++;
}

static void tell(void)
{
    affinity_kinds(items, category, count, kind, sort);
}

static int empty(void **state)
{
    (void)state;
    count = 0;
    return 0;
}

enum { CAMERAS = 1, BAGS, BEDDING, PHONES };

static void the_last_word_that_belongs_to_the_category_names_the_kind(void **state)
{
    (void)state;
    const int a = sells("Optima Go compact camera", "Optima", CAMERAS);
    const int b = sells("Vista Classic mirrorless Camera", "Vista", CAMERAS);
    const int duvet = sells("Cotswold Nordic duvet", "Cotswold", BEDDING);
    const int duvets = sells("Dormir Cloud duvet", "Dormir", BEDDING);
    const int cover = sells("Cotswold Cloud duvet cover", "Cotswold", BEDDING);
    const int covers = sells("Dormir Nordic duvet cover", "Dormir", BEDDING);
    const int bag = sells("Terra Slim camera bag", "Terra", BAGS);
    const int tote = sells("Marlow Slim tote bag", "Marlow", BAGS);
    tell();
    assert_int_not_equal(kind[a], 0);
    assert_int_equal(kind[a], kind[b]);
    assert_int_equal(kind[duvet], kind[duvets]);
    assert_int_equal(kind[cover], kind[covers]);
    assert_int_not_equal(kind[duvet], kind[cover]);
    assert_int_equal(kind[bag], kind[tote]);
    assert_int_not_equal(kind[bag], kind[a]);
}

/* Colours stand behind everything, sizes are numbers, and a brand makes many things. */
static void what_is_said_of_everything_names_nothing(void **state)
{
    (void)state;
    const int a = sells("iPhone 13 128GB Black", "Apple", PHONES);
    const int b = sells("Apple iPhone 12 mini Apple 64 GB black", "Apple", PHONES);
    sells("Tote black", "Terra", BAGS);
    sells("Rucksack black", "Terra", BAGS);
    sells("Duvet black", "Dormir", BEDDING);
    const int earbuds = sells("Sport earbuds Apple", "Apple", CAMERAS);
    const int camera = sells("Instant camera Apple", "Apple", CAMERAS);
    tell();
    assert_int_not_equal(kind[a], 0);
    assert_int_equal(kind[a], kind[b]);
    assert_int_equal(kind[earbuds], 0); /* the only ones: nothing to take for another */
    assert_int_equal(kind[camera], 0);
}

static void a_word_that_ends_in_a_kind_is_of_it(void **state)
{
    (void)state;
    const int smart = sells("Orbit Pro Smartphone", "Orbit", PHONES);
    const int other = sells("Lumen S smartphone", "Lumen", PHONES);
    const int compact = sells("Lumen Neo compact phone", "Lumen", PHONES);
    const int outdoor = sells("Kestrel outdoor phone", "Kestrel", PHONES);
    tell();
    assert_int_equal(kind[smart], kind[other]);
    assert_int_equal(kind[compact], kind[outdoor]);
    assert_int_equal(kind[smart], kind[compact]);
}

static void what_is_said_before_the_kind_more_than_once_names_the_sort(void **state)
{
    (void)state;
    const int tote = sells("Marlow Slim tote bag", "Marlow", BAGS);
    const int totes = sells("Terra Metro Tote Bag", "Terra", BAGS);
    const int camera = sells("Terra Slim camera bag", "Terra", BAGS);
    const int cameras = sells("Vista Day camera-bag", "Vista", BAGS);
    const int slim = sells("Marlow Slim bag", "Marlow", BAGS);
    const int other = sells("Terra bag", "Terra", BAGS);
    tell();
    assert_int_equal(sort[tote], sort[totes]);
    assert_int_equal(sort[camera], sort[cameras]);
    assert_int_not_equal(sort[tote], sort[camera]);
    assert_int_equal(kind[tote], kind[camera]);
    assert_int_equal(sort[slim], sort[other]); /* said once, and a brand */
    assert_int_equal(sort[slim], kind[slim]);
}

static void without_a_title_or_a_category_nobody_can_tell(void **state)
{
    (void)state;
    const int nameless = sells(NULL, "Orbit", PHONES);
    const int homeless = sells("Lumen smartphone", "Lumen", 0);
    sells("Fjord smartphone", "Fjord", 0);
    const int empty_one = sells("", NULL, PHONES);
    tell();
    assert_int_equal(kind[nameless], 0);
    assert_int_equal(kind[homeless], 0);
    assert_int_equal(sort[homeless], 0);
    assert_int_equal(kind[empty_one], 0);
    count = 0;
    tell(); /* of nothing */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_last_word_that_belongs_to_the_category_names_the_kind, empty),
        cmocka_unit_test_setup(what_is_said_of_everything_names_nothing, empty),
        cmocka_unit_test_setup(a_word_that_ends_in_a_kind_is_of_it, empty),
        cmocka_unit_test_setup(what_is_said_before_the_kind_more_than_once_names_the_sort, empty),
        cmocka_unit_test_setup(without_a_title_or_a_category_nobody_can_tell, empty),
    };
    return cmocka_run_group_tests_name("kinds of products", tests, NULL, NULL);
}
