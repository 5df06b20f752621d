/* Specification of how a body is cut into its elements. */
#include "http/wire/batch.h"

#include "support/spec.h"

#include <stdio.h>

enum { BODY_MAX = 256, SEEN_MAX = 320 };

/* The pieces, parted by a bar; or what was wrong. */
static const char *cut(const char *text, bool lines, size_t max, char seen[SEEN_MAX])
{
    char body[BODY_MAX];
    struct arena a = {0};
    struct batch b = {0};
    struct err err = {0};
    size_t n = 0;

    (void)snprintf(body, sizeof body, "%s", text);
    if (!batch_cut(body, strlen(body), lines, max, &a, &b, &err)) {
        (void)snprintf(seen, SEEN_MAX, "error: %s", err.text);
        arena_free(&a);
        return seen;
    }
    seen[0] = '\0';
    for (size_t i = 0; i < b.count; i++) {
        n += (size_t)snprintf(seen + n, SEEN_MAX - n, "%s%.*s", i > 0 ? "|" : "",
                              (int)b.pieces[i].len, b.pieces[i].text);
    }
    if (b.over) {
        (void)snprintf(seen + n, SEEN_MAX - n, "|over");
    }
    arena_free(&a);
    return seen;
}

static void an_array_is_cut_at_its_own_commas_only(void **state)
{
    char seen[SEEN_MAX];

    (void)state;
    assert_string_equal(cut("[{\"a\":[1,2]},{\"b\":\"],[\\\"\"}]", false, 9, seen),
                        "{\"a\":[1,2]}|{\"b\":\"],[\\\"\"}");
    assert_string_equal(cut(" [ 1 ,\n\"x\\\\\" , null ] ", false, 9, seen), "1|\"x\\\\\"|null");
    assert_string_equal(cut("[]", false, 9, seen), "");
    assert_string_equal(cut("[[1],[2]]", false, 9, seen), "[1]|[2]");
}

static void anything_else_is_one_element(void **state)
{
    char seen[SEEN_MAX];

    (void)state;
    assert_string_equal(cut(" {\"a\":1} ", false, 9, seen), "{\"a\":1}");
    assert_string_equal(cut("nonsense, really", false, 9, seen), "nonsense, really");
}

static void lines_are_elements_and_blank_ones_are_none(void **state)
{
    char seen[SEEN_MAX];

    (void)state;
    assert_string_equal(cut("{\"a\":1}\r\n\n  \n[2]\nbad", true, 9, seen), "{\"a\":1}|[2]|bad");
    assert_string_equal(cut("1\n2\n", true, 9, seen), "1|2");
}

static void cutting_stops_at_the_limit(void **state)
{
    char seen[SEEN_MAX];

    (void)state;
    assert_string_equal(cut("[1,2,3]", false, 3, seen), "1|2|3");
    assert_string_equal(cut("[1,2,3,4,5", false, 3, seen), "1|2|3|over");
    assert_string_equal(cut("1\n2\n3", true, 2, seen), "1|2|over");
}

static void what_is_no_array_in_the_end_is_refused_in_the_parsers_words(void **state)
{
    static const char *const bodies[] = {"[",      "[1",     "[1,",     "[1,]",   "[,1]",
                                         "[1]]",   "[1}",    "[{\"a\"", "[\"x]",  "[1] 2",
                                         "[1,,2]", "[\"x\\", "[}",      "[{},{}", "[\"\\\"]"};
    char seen[SEEN_MAX];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        assert_text_contains(cut(bodies[i], false, 9, seen), "error: line 1 column ");
    }
}

static void a_body_of_blanks_is_empty(void **state)
{
    char seen[SEEN_MAX];

    (void)state;
    assert_string_equal(cut(" \n\t", false, 9, seen), "error: the body is empty");
    assert_string_equal(cut("", true, 9, seen), "error: the body is empty");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_array_is_cut_at_its_own_commas_only),
        cmocka_unit_test(anything_else_is_one_element),
        cmocka_unit_test(lines_are_elements_and_blank_ones_are_none),
        cmocka_unit_test(cutting_stops_at_the_limit),
        cmocka_unit_test(what_is_no_array_in_the_end_is_refused_in_the_parsers_words),
        cmocka_unit_test(a_body_of_blanks_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
