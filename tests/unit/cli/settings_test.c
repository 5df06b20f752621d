/* Settings that only the domain can judge: refused by name, with what is allowed. */
#include "cli/settings.h"

#include "support/spec.h"

#include <stdio.h>

static void check(const char *locale, const char *shop_url, const char *path, const char *words)
{
    static struct config config;
    struct err err = {0};

    (void)snprintf(config.locale, sizeof config.locale, "%s", locale);
    (void)snprintf(config.shop_url, sizeof config.shop_url, "%s", shop_url);
    assert_int_equal(settings_check(&config, &err), path == NULL);
    if (path != NULL) {
        assert_string_equal(err.path, path);
        assert_text_contains(err.text, words);
    }
}

static void a_language_is_a_tag_that_messages_are_written_in(void **state)
{
    (void)state;
    check("de", "", NULL, "");
    check("pt-BR", "", NULL, "");
    check("fr-CH", "", NULL, "");
    check("klingon", "", "locale", "pt-BR");
    check("sv-SE", "", "locale", "en, de, fr");
    check("den", "", "locale", "messages are written in");
    check("pt_BR", "", "locale", "BCP 47");
    check("de-", "", "locale", "BCP 47");
    check("../de", "", "locale", "BCP 47");
}

static void the_address_of_the_shop_has_a_scheme(void **state)
{
    (void)state;
    check("en", "https://shop.example", NULL, "");
    check("en", "shop.example", "shop_url", "https://");
    check("en", "javascript:alert(1)", "shop_url", "https://");
    check("en", "https://", "shop_url", "https://");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_language_is_a_tag_that_messages_are_written_in),
        cmocka_unit_test(the_address_of_the_shop_has_a_scheme),
    };
    return cmocka_run_group_tests_name("settings of the domain", tests, NULL, NULL);
}
