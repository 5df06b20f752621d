/* The demo shop is one that people would believe: what its products are called and cost, and that those made for each other are taken together. */
#include "sim/sim_world.h"

#include "base/cleanup.h"
#include "support/spec.h"

#include <stdio.h>
#include <string.h>

enum { SEEDS = 20, SHOPPERS = 1500, VISITS = 3 };

/* What things cost in shops, in whole units of money. */
static const struct {
    const char *noun;
    int64_t least;
    int64_t most;
} worth[] = {
    {"espresso machine", 100, 900}, {"cast-iron pan", 20, 150},  {"string lights", 8, 60},
    {"mattress topper", 60, 400},   {"hand balm", 3, 25},        {"sunscreen", 5, 40},
    {"foldable phone", 600, 1800},  {"running shirt", 15, 80},   {"running watch", 80, 500},
    {"indoor trainer", 200, 1000},  {"bike light set", 15, 120}, {"parka", 100, 500}};

static bool ends_in(const char *title, const char *noun)
{
    const size_t a = strlen(title);
    const size_t b = strlen(noun);
    return a > b && strcmp(title + a - b, noun) == 0;
}

/* How many products of the noun there are; each costs what such things do. */
static int count_worth(const struct sim_world *w, size_t k)
{
    int count = 0;
    for (int i = 0; i < SIM_PRODUCTS; i++) {
        if (ends_in(w->products[i].title, worth[k].noun)) {
            assert_in_range(w->products[i].price_minor, 100 * worth[k].least, 100 * worth[k].most);
            count++;
        }
    }
    return count;
}

static void a_thing_costs_what_such_things_cost(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        CLEANUP(sim_world_free) struct sim_world w = {0};
        sim_world_make(&w, seed, 1);
        for (size_t k = 0; k < COUNT_OF(worth); k++) {
            assert_int_equal(count_worth(&w, k), SIM_PRODUCTS / SIM_CATEGORIES / 5);
        }
    }
}

/* "Pure Isle Pure face cream" */
static bool stammers(const char *title)
{
    char words[sizeof((struct sim_product *)NULL)->title];
    const char *met[16];
    size_t count = 0;
    char *rest = NULL;
    (void)snprintf(words, sizeof words, "%s", title);
    for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        for (size_t k = 0; k < count; k++) {
            if (strcmp(met[k], word) == 0) {
                return true;
            }
        }
        met[count++] = word;
    }
    return false;
}

static void no_name_stammers(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        CLEANUP(sim_world_free) struct sim_world w = {0};
        sim_world_make(&w, seed, 1);
        for (int i = 0; i < SIM_PRODUCTS; i++) {
            assert_false(stammers(w.products[i].title));
        }
    }
}

static void companions_are_of_another_category_and_not_shared_within_a_noun(void **state)
{
    CLEANUP(sim_world_free) struct sim_world w = {0};
    int pairs = 0;
    (void)state;
    sim_world_make(&w, 1, 1);
    for (int i = 0; i < SIM_PRODUCTS; i++) {
        const int companion = sim_companion(i);
        if (companion < 0) {
            continue;
        }
        pairs++;
        assert_int_not_equal(w.products[i].category, w.products[companion].category);
        for (int k = 0; k < i; k++) {
            assert_true(sim_companion(k) != companion ||
                        w.products[k].category != w.products[i].category);
        }
    }
    assert_true(pairs >= 50);
}

static int line_of(const struct sim_visit *v, int product)
{
    for (int i = 0; i < v->cart_count; i++) {
        if (v->cart[i] == product) {
            return i;
        }
    }
    return -1;
}

static void what_goes_with_a_product_is_taken_with_it_by_many(void **state)
{
    CLEANUP(sim_world_free) struct sim_world w = {0};
    double carts = 0;
    double with = 0;
    double alone = 0; /* the companion in carts that have not the product */
    double others = 0;
    (void)state;
    sim_world_make(&w, 1, SHOPPERS);
    for (int n = 0; n < SHOPPERS * VISITS; n++) {
        struct sim_visit v;
        sim_visit_make(&w, n / VISITS, n % VISITS, INT64_C(1767225600000000), &v);
        for (int i = 0; i < SIM_PRODUCTS && v.cart_count > 0; i++) {
            const int companion = sim_companion(i);
            if (companion < 0 || w.products[companion].stock == 0) {
                continue;
            }
            const bool both = line_of(&v, companion) >= 0;
            if (line_of(&v, i) >= 0) {
                carts++;
                with += both;
            } else {
                others++;
                alone += both;
            }
        }
    }
    assert_true(carts > 200);
    assert_true(with > .25 * carts);
    assert_true(alone < .02 * others);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thing_costs_what_such_things_cost),
        cmocka_unit_test(no_name_stammers),
        cmocka_unit_test(companions_are_of_another_category_and_not_shared_within_a_noun),
        cmocka_unit_test(what_goes_with_a_product_is_taken_with_it_by_many),
    };
    return cmocka_run_group_tests_name("the demo shop", tests, NULL, NULL);
}
