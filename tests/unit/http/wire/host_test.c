/* Specification of the hosts that are served without keys. */
#include "http/wire/host.h"

#include "support/spec.h"

static void the_loopback_is_local_in_all_its_spellings(void **state)
{
    static const char *const local[] = {"localhost",    "LocalHost:8080", "127.0.0.1",
                                        "127.0.0.1:80", "127.255.0.9",    "[::1]",
                                        "[::1]:8080"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(local); i++) {
        if (!host_is_local(local[i], "")) {
            fail_msg("%s", local[i]);
        }
    }
}

static void what_only_looks_like_it_is_not(void **state)
{
    static const char *const foreign[] = {"",
                                          "example.org",
                                          "127.0.0.1.example.org",
                                          "localhost.example.org",
                                          "localhostx",
                                          "xlocalhost",
                                          "localhos",
                                          "128.0.0.1",
                                          "127.1",
                                          "2130706433",
                                          "0.0.0.0",
                                          "[::]",
                                          "[::2]",
                                          "[::1",
                                          "::1",
                                          "[::1]x",
                                          "[::ffff:127.0.0.1]",
                                          "127.0.0.1x",
                                          "shop.test",
                                          ":80",
                                          "127.000000000000.0.1"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(foreign); i++) {
        if (host_is_local(foreign[i], "")) {
            fail_msg("%s", foreign[i]);
        }
    }
}

static void the_setting_names_others(void **state)
{
    (void)state;
    assert_true(host_is_local("shop.test", "shop.test"));
    assert_true(host_is_local("SHOP.test:8080", "a.test, Shop.Test"));
    assert_true(host_is_local("a.test", ",a.test  b.test"));
    assert_false(host_is_local("shop.test", "my.shop.test"));
    assert_false(host_is_local("shop.test", "shop.test.example"));
    assert_false(host_is_local("", " , "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_loopback_is_local_in_all_its_spellings),
        cmocka_unit_test(what_only_looks_like_it_is_not),
        cmocka_unit_test(the_setting_names_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
