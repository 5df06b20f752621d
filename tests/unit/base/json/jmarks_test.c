/* The one pass takes what jansson takes, byte for byte, and makes the same values of it; json_fuzz goes on from here. */
#include "base/json/jmarks.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/json/jdec.h"
#include "base/json/jdoc.h"
#include "support/spec.h"

#include <stdio.h>
#include <stdlib.h>

static bool takes(const char *text, size_t len)
{
    struct arena arena = {0};
    struct jmarks marks;
    bool taken = jmarks_read(&marks, text, len, &arena);

    jmarks_free(&marks);
    arena_free(&arena);
    return taken;
}

/* Fails the test where the two readers differ; text is in a block of its own, so that a sanitizer sees a step behind it. */
static bool both_take(const char *bytes, size_t len)
{
    char *text = malloc(len + (len == 0));
    struct err err = {0};

    assert_non_null(text);
    memcpy(text, bytes, len);
    json_t *tree = jdec_parse(text, len, &err);
    bool taken = tree != NULL;
    if (takes(text, len) != taken) {
        (void)fwrite(text, 1, len, stderr);
        fail_msg("\n%s by jansson: %s", taken ? "taken" : "refused", err.text);
    }
    jdec_free(&tree);
    free(text);
    return taken;
}

static const char sample[] =
    " {\"a\":[1,-20.5e+3,\"x\\u00e9\\n\"], \"b\" : {\"\":true},\"c\xc3\xa9\":null,\"d\":"
    "0.5,\"e\":\"\\ud83d\\ude00 and more\"} ";

static void any_byte_in_any_place_is_taken_by_both_or_by_none(void **state)
{
    char text[sizeof sample + 1];
    const size_t len = sizeof sample - 1;
    size_t taken = 0;
    (void)state;

    assert_true(both_take(sample, len));
    for (size_t at = 0; at < len; at++) {
        for (int byte = 0; byte < 256; byte++) {
            memcpy(text, sample, len);
            text[at] = (char)byte;
            taken += both_take(text, len);
            memcpy(text + at + 1, sample + at, len - at); /* before what stands there */
            taken += both_take(text, len + 1);
        }
        assert_true(both_take(sample, at) == (at == len - 1)); /* all but the blank behind it */
    }
    assert_in_range(taken, 1000, 40000);
}

static void a_nul_byte_is_refused_wherever_it_stands(void **state)
{
    static const char behind_a_number[] = "{\"a\":1\0}";
    struct err err = {0};
    (void)state;

    /* jansson alone passes over this one, and whoever takes the text for a C text misses its end */
    json_t *tree = json_loadb(behind_a_number, sizeof behind_a_number - 1, 0, NULL);
    assert_non_null(tree);
    json_decref(tree);
    assert_null(jdec_parse(behind_a_number, sizeof behind_a_number - 1, &err));
    assert_string_equal(err.text, "line 1 column 7: a NUL byte");
    assert_false(both_take("{\"a\":true\0}", 11));
    assert_false(both_take("\0{}", 3));
    assert_false(both_take("{}\0", 3));
    assert_false(both_take("{\"a\0\":1}", 8));
}

static void numbers_are_taken_up_to_the_same_limits(void **state)
{
    static const char *const numbers[] = {"0",
                                          "-0",
                                          "-",
                                          "00",
                                          "01",
                                          "-01",
                                          "1.",
                                          "1.0",
                                          ".1",
                                          "1.e1",
                                          "1e1",
                                          "1E+1",
                                          "1e-",
                                          "1e",
                                          "1ee1",
                                          "+1",
                                          "0x10",
                                          "1e307",
                                          "1e308",
                                          "1e-307",
                                          "1e-308",
                                          "NaN",
                                          "Infinity",
                                          "1.5E-3",
                                          "1_0",
                                          "9223372036854775807",
                                          "9223372036854775808",
                                          "-9223372036854775808",
                                          "-9223372036854775809",
                                          "18446744073709551616",
                                          "100000000000000000000",
                                          "1000000000000000000",
                                          "0000000000000000000000",
                                          "123456789012345678901234567890.5",
                                          "1e00000000307",
                                          "1e+00000000308",
                                          "0e99999999999999999999",
                                          "-1.5e-20"};
    char text[80];
    (void)state;

    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        int len = snprintf(text, sizeof text, "[%s]", numbers[i]);
        (void)both_take(text, (size_t)len);
        len = snprintf(text, sizeof text, "{\"a\": %s ,\"b\":0}", numbers[i]);
        (void)both_take(text, (size_t)len);
    }
}

static void long_numbers_are_taken_up_to_308_digits(void **state)
{
    (void)state;
    for (size_t digits = 300; digits < 320; digits++) {
        CLEANUP(buf_free) struct buf whole = buf_make(1000);
        CLEANUP(buf_free) struct buf fraction = buf_make(1000);
        buf_add_str(&whole, "[");
        buf_add_str(&fraction, "[0.");
        for (size_t i = 0; i < digits; i++) {
            buf_add_str(&whole, "7");
            buf_add_str(&fraction, "7");
        }
        buf_add_str(&whole, ".5]");
        buf_add_str(&fraction, "]");
        assert_int_equal(both_take(whole.data, whole.len), digits < JDEC_DIGITS_MAX);
        assert_int_equal(both_take(fraction.data, fraction.len), digits < JDEC_DIGITS_MAX);
    }
}

static void levels_are_counted_alike(void **state)
{
    char text[80];
    (void)state;

    for (size_t levels = 1; levels < 20; levels++) {
        memset(text, '[', levels);
        memset(text + levels, ']', levels);
        assert_int_equal(both_take(text, 2 * levels), levels <= JDEC_DEPTH_MAX);
    }
}

/* {"m0":0,"m1":0,...}, the member at `again` named as the one at `as`. */
static void put_many(struct buf *out, size_t count, size_t again, size_t as)
{
    for (size_t i = 0; i < count; i++) {
        buf_printf(out, "%s\"m%zu\":%zu", i == 0 ? "{" : ",", i == again ? as : i, i);
    }
    buf_add_str(out, "}");
}

static void a_name_that_comes_twice_is_found_in_objects_of_any_size(void **state)
{
    static const size_t counts[] = {2, 3, 31, 32, 33, 34, 65, 200, 5000};
    (void)state;

    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        size_t count = counts[i];
        const struct {
            size_t again, as;
        } pairs[] = {{1, 0}, {count - 1, 0}, {count - 1, count - 2}, {count / 2, 0}};
        CLEANUP(buf_free) struct buf good = buf_make(1 << 20);
        put_many(&good, count, count, 0);
        assert_true(both_take(good.data, good.len));
        for (size_t k = 0; k < COUNT_OF(pairs); k++) {
            CLEANUP(buf_free) struct buf twice = buf_make(1 << 20);
            put_many(&twice, count, pairs[k].again, pairs[k].as);
            assert_false(both_take(twice.data, twice.len));
        }
    }
    assert_false(both_take("{\"ab\":1,\"\\u0061b\":2}", 20)); /* spelt in two ways */
    assert_true(both_take("{\"a\":{\"a\":1},\"b\":{\"a\":1}}", 25));
}

static void more_marks_than_there_is_room_for_at_first_are_kept(void **state)
{
    enum { MANY = 20 * JMARKS_FIRST };
    CLEANUP(buf_free) struct buf text = buf_make(1 << 20);
    struct arena arena = {0};
    struct jmarks marks;
    (void)state;

    for (int i = 0; i < MANY; i++) {
        buf_printf(&text, "%s{\"n\":%d}", i == 0 ? "[" : ",", i);
    }
    buf_add_str(&text, "]");
    assert_true(jmarks_read(&marks, text.data, text.len, &arena));
    assert_int_equal(marks.count, 1 + 2 * MANY);
    assert_int_equal(marks.all[0].len, MANY);
    assert_int_equal(marks.all[0].span, marks.count);
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(marks.all[1 + 2 * i].span, 2);
        assert_int_equal(jval_integer((struct jval){.mark = &marks.all[2 + 2 * i]}), i);
    }
    assert_null(arena.head); /* nothing was allocated for a value */
    jmarks_free(&marks);
    arena_free(&arena);
}

static void texts_are_copied_when_they_are_asked_for_and_once(void **state)
{
    static const char text[] = "{\"plain\":\"caf\xc3\xa9\",\"other\":\"\\u00e9\\\\\"}";
    struct arena arena = {0};
    struct err err = {0};
    struct jdoc doc;
    (void)state;

    assert_true(jdoc_read(&doc, text, sizeof text - 1, &arena, &err));
    struct jval plain = jval_get(doc.root, "plain");
    assert_int_equal(jval_len(plain), 5);
    assert_ptr_equal(plain.mark->text, text + 10);
    const char *asked = jval_text(plain, &arena);
    assert_string_equal(asked, "caf\xc3\xa9");
    assert_ptr_equal(jval_text(plain, &arena), asked);
    assert_string_equal(jval_text(jval_get(doc.root, "other"), &arena), "\xc3\xa9\\");
    jdoc_free(&doc);
    arena_free(&arena);
}

/* ---- members that lie elsewhere ---- */

/* Whether an object of these members, each a text, and of what else stands in rest is taken. */
static bool takes_parts(const char *const members[], size_t count, const char *rest)
{
    struct arena arena = {0};
    struct jmarks marks;
    bool taken = true;

    jmarks_begin(&marks);
    for (size_t i = 0; i < count && taken; i++) {
        taken =
            jmarks_member(&marks, members[2 * i], members[2 * i + 1], strlen(members[2 * i + 1]));
    }
    taken = taken && jmarks_rest(&marks, rest, strlen(rest), &arena);
    if (taken) {
        assert_int_equal(marks.all[0].span, marks.count);
        const struct jval a = jval_get((struct jval){.mark = marks.all}, "a");
        assert_true(jval_says(a, members[1]));
    }
    jmarks_free(&marks);
    arena_free(&arena);
    return taken;
}

static void an_object_may_have_members_that_lie_elsewhere(void **state)
{
    (void)state;
    static const char *const members[] = {"a", "one \xc3\xa9", "b", ""};

    assert_true(takes_parts(members, 2, "}"));
    assert_true(takes_parts(members, 2, "\"c\":[{\"a\":1}],\"d\":2} "));
    assert_true(takes_parts(members, 1, "\"b\":1}"));
    assert_false(takes_parts(members, 2, "\"b\":1}")); /* twice */
    assert_false(takes_parts(members, 2, "\"c\":1"));
    assert_false(takes_parts(members, 2, "\"c\":1,}"));
    assert_false(takes_parts(members, 2, "\"c\":1}}"));
    assert_false(takes_parts(members, 2, ""));
}

static void such_a_member_is_a_text_that_needs_no_escape(void **state)
{
    (void)state;
    static const char *const odd[] = {
        "\"", "\\n", "\n", "\x1f", "\xff", "\xc3", "eight by\x01te", "seventeen bytes \""};

    for (size_t i = 0; i < COUNT_OF(odd); i++) {
        const char *const members[] = {"a", odd[i]};
        assert_false(takes_parts(members, 1, "}"));
    }
    const char *const twice[] = {"a", "x", "a", "y"};
    assert_false(takes_parts(twice, 2, "}"));
}

static void many_members_are_held_against_those_that_lie_elsewhere(void **state)
{
    (void)state;
    static const char *const members[] = {"a", "x"};
    struct buf text = buf_make(1 << 16);

    for (int i = 0; i < 200; i++) {
        buf_printf(&text, "\"m%d\":%d,", i, i);
    }
    buf_add_str(&text, "\"last\":0}");
    assert_true(takes_parts(members, 1, buf_text(&text)));
    text.len -= strlen("\"last\":0}");
    buf_add_str(&text, "\"a\":0}");
    assert_false(takes_parts(members, 1, buf_text(&text)));
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_byte_in_any_place_is_taken_by_both_or_by_none),
        cmocka_unit_test(a_nul_byte_is_refused_wherever_it_stands),
        cmocka_unit_test(numbers_are_taken_up_to_the_same_limits),
        cmocka_unit_test(long_numbers_are_taken_up_to_308_digits),
        cmocka_unit_test(levels_are_counted_alike),
        cmocka_unit_test(a_name_that_comes_twice_is_found_in_objects_of_any_size),
        cmocka_unit_test(more_marks_than_there_is_room_for_at_first_are_kept),
        cmocka_unit_test(texts_are_copied_when_they_are_asked_for_and_once),
        cmocka_unit_test(an_object_may_have_members_that_lie_elsewhere),
        cmocka_unit_test(such_a_member_is_a_text_that_needs_no_escape),
        cmocka_unit_test(many_members_are_held_against_those_that_lie_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
