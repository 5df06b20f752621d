/* Settings that only the domain can judge: refused by name, with what is allowed. */
#include "cli/settings.h"

#include "support/spec.h"

#include <stdio.h>

static void check(const char *locale, const char *shop_url, const char *form, const char *path,
                  const char *words)
{
    static struct config config;
    struct err err = {0};

    (void)snprintf(config.locale, sizeof config.locale, "%s", locale);
    (void)snprintf(config.shop_url, sizeof config.shop_url, "%s", shop_url);
    (void)snprintf(config.message_register, sizeof config.message_register, "%s", form);
    (void)snprintf(config.purchase_closes, sizeof config.purchase_closes, "cart");
    (void)snprintf(config.picks_substitutes, sizeof config.picks_substitutes, "last");
    assert_int_equal(settings_check(&config, &err), path == NULL);
    if (path != NULL) {
        assert_string_equal(err.path, path);
        assert_text_contains(err.text, words);
    }
}

static void a_language_is_a_tag_that_messages_are_written_in(void **state)
{
    (void)state;
    check("de", "", "formal", NULL, "");
    check("pt-BR", "", "formal", NULL, "");
    check("fr-CH", "", "formal", NULL, "");
    check("klingon", "", "formal", "locale", "pt-BR");
    check("sv-SE", "", "formal", "locale", "en, de, fr");
    check("den", "", "formal", "locale", "messages are written in");
    check("pt_BR", "", "formal", "locale", "BCP 47");
    check("de-", "", "formal", "locale", "BCP 47");
    check("../de", "", "formal", "locale", "BCP 47");
}

static void the_address_of_the_shop_has_a_scheme(void **state)
{
    (void)state;
    check("en", "https://shop.example", "formal", NULL, "");
    check("en", "shop.example", "formal", "shop_url", "https://");
    check("en", "javascript:alert(1)", "formal", "shop_url", "https://");
    check("en", "https://", "formal", "shop_url", "https://");
}

static void shoppers_are_spoken_to_in_one_of_two_ways(void **state)
{
    (void)state;
    check("en", "", "informal", NULL, "");
    check("en", "", "familiar", "message_register", "formal or informal");
}

static void an_order_closes_the_cart_or_its_lines(void **state)
{
    static struct config config = {.locale = "en",
                                   .message_register = "formal",
                                   .purchase_closes = "lines",
                                   .picks_substitutes = "last"};
    struct err err = {0};
    (void)state;

    assert_true(settings_check(&config, &err));
    (void)snprintf(config.purchase_closes, sizeof config.purchase_closes, "line");
    assert_false(settings_check(&config, &err));
    assert_string_equal(err.path, "purchase_closes");
    assert_string_equal(err.text, "must be cart or lines");
}

static void substitutes_come_last_never_or_as_they_are(void **state)
{
    static struct config config = {.locale = "en",
                                   .message_register = "formal",
                                   .purchase_closes = "cart",
                                   .picks_substitutes = "never"};
    struct err err = {0};
    (void)state;

    assert_true(settings_check(&config, &err));
    (void)snprintf(config.picks_substitutes, sizeof config.picks_substitutes, "first");
    assert_false(settings_check(&config, &err));
    assert_string_equal(err.path, "picks_substitutes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_language_is_a_tag_that_messages_are_written_in),
        cmocka_unit_test(the_address_of_the_shop_has_a_scheme),
        cmocka_unit_test(shoppers_are_spoken_to_in_one_of_two_ways),
        cmocka_unit_test(substitutes_come_last_never_or_as_they_are),
        cmocka_unit_test(an_order_closes_the_cart_or_its_lines),
    };
    return cmocka_run_group_tests_name("settings of the domain", tests, NULL, NULL);
}
