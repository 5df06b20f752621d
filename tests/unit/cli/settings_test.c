/* Settings that only the domain can judge: refused by name, with what is allowed. */
#include "cli/settings.h"

#include "base/clock.h"
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

static void times(int64_t idle, int64_t abandoned, int64_t expired, bool chosen, const char *path,
                  const char *words)
{
    static struct config config;
    struct err err = {0};

    (void)snprintf(config.locale, sizeof config.locale, "en");
    config.idle_after = idle;
    config.abandoned_after = abandoned;
    config.expired_after = expired;
    config.source[CONFIG_ID_idle_after] = chosen ? CONFIG_FILE : CONFIG_DEFAULT;
    assert_int_equal(settings_check(&config, &err), path == NULL);
    if (path != NULL) {
        assert_string_equal(err.path, path);
        assert_text_contains(err.text, words);
    }
}

static void a_cart_is_idle_before_it_is_abandoned_and_that_before_it_is_expired(void **state)
{
    (void)state;
    times(MINUTES(5), MINUTES(60), HOURS(24), true, NULL, "");
    times(MINUTES(60), MINUTES(60), MINUTES(60), true, NULL, "");
    times(MINUTES(61), MINUTES(60), HOURS(24), true, "idle_after",
          "must not be longer than abandoned_after (1h), not 61m");
    times(MINUTES(5), MINUTES(1), HOURS(24), false, NULL, ""); /* README's --abandoned-after 1m */
    times(MINUTES(5), HOURS(25), HOURS(24), true, "abandoned_after", "expired_after");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_language_is_a_tag_that_messages_are_written_in),
        cmocka_unit_test(the_address_of_the_shop_has_a_scheme),
        cmocka_unit_test(a_cart_is_idle_before_it_is_abandoned_and_that_before_it_is_expired),
    };
    return cmocka_run_group_tests_name("settings of the domain", tests, NULL, NULL);
}
