#include "base/spell.h"

#include "support/spec.h"

static const char *const names[] = {"customer_id", "cart_id", "type", "quantity", "occurred_at"};

static const struct {
    const char *word;
    const char *meant; /* NULL: nobody can say */
} slips[] = {
    {"customerId", "customer_id"},
    {"Customer-ID", "customer_id"},
    {"customerid", "customer_id"},
    {"custmer_id", "customer_id"},
    {"cutsomer_idd", "customer_id"},
    {"tpye", "type"},
    {"typ", NULL},
    {"quantiy", "quantity"},
    {"cartid", "cart_id"},
    {"colour", NULL},
    {"received_at", NULL},
    {"", NULL},
    {"occured_at", "occurred_at"},
};

static void a_misspelt_name_is_known_by_few_slips(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(slips); i++) {
        const char *meant = spell_nearest(slips[i].word, names, COUNT_OF(names));
        if (slips[i].meant == NULL ? meant != NULL
                                   : meant == NULL || strcmp(meant, slips[i].meant) != 0) {
            fail_msg("%s: %s", slips[i].word, meant == NULL ? "none" : meant);
        }
    }
}

static void of_two_that_are_as_near_neither_is_meant(void **state)
{
    static const char *const pair[] = {"order_a", "order_b"};
    (void)state;
    assert_null(spell_nearest("order_c", pair, 2));
    assert_string_equal(spell_nearest("ordera", pair, 2), "order_a");
}

static void words_of_any_length_are_answered(void **state)
{
    char word[500];
    (void)state;
    memset(word, 'c', sizeof word);
    word[sizeof word - 1] = '\0';
    assert_null(spell_nearest(word, names, COUNT_OF(names)));
    word[41] = '\0';
    assert_null(spell_nearest(word, names, COUNT_OF(names)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_misspelt_name_is_known_by_few_slips),
        cmocka_unit_test(of_two_that_are_as_near_neither_is_meant),
        cmocka_unit_test(words_of_any_length_are_answered),
    };
    return cmocka_run_group_tests_name("spelling", tests, NULL, NULL);
}
