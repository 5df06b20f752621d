#include "base/err.h"

#include "support/spec.h"

#include <errno.h>

static void a_failure_keeps_kind_and_text_and_leaves_the_path(void **state)
{
    struct err err = {.path = "/qty"};
    (void)state;

    assert_false(FAIL(&err, ERR_BUSY, "no connection within %d ms", 30));
    assert_int_equal(err.kind, ERR_BUSY);
    assert_string_equal(err.text, "no connection within 30 ms");
    assert_string_equal(err.path, "/qty");
}

static void a_failure_somewhere_says_where(void **state)
{
    struct err err = {.path = "/qty"};
    (void)state;

    assert_false(FAIL_AT(&err, ERR_REFUSED, "listen", "must be %s", "loopback"));
    assert_int_equal(err.kind, ERR_REFUSED);
    assert_string_equal(err.path, "listen");
    assert_string_equal(err.text, "must be loopback");
}

static void long_texts_and_paths_are_cut(void **state)
{
    struct err err = {0};
    char longer[1000];
    (void)state;

    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_false(FAIL_AT(&err, ERR_INTERNAL, longer, "%s", longer));
    assert_int_equal(strlen(err.path), sizeof err.path - 1);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
}

static void an_error_of_the_system_is_told_in_words(void **state)
{
    (void)state;

    assert_text_contains(err_words(EACCES), "permission denied: give the user");
    assert_text_contains(err_words(ENOSPC), "make room");
    assert_text_contains(err_words(EROFS), "name another place");
    assert_text_contains(err_words(EMFILE), "ulimit -n");
    assert_string_equal(err_words(EISDIR), "Is a directory");
    assert_string_equal(err_words(99999), "an error without a name");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_of_the_system_is_told_in_words),
        cmocka_unit_test(a_failure_keeps_kind_and_text_and_leaves_the_path),
        cmocka_unit_test(a_failure_somewhere_says_where),
        cmocka_unit_test(long_texts_and_paths_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
