#include "base/json/jdec.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/json/jdoc.h"
#include "support/spec.h"

#include <stdio.h>
#include <string.h>

enum { MEMBER_BYTES = 8 };

static const char *const colours[] = {"red", "green", "blue"};

/* Every test runs on documents of either reader. */
static bool is_tree;
static struct jdoc doc;
static struct arena arena;

/* The root of the document of this test, or a later one of it; fails the test if it does not parse. */
static struct jdec a_root(const char *json, struct err *err)
{
    struct err why = {0};

    jdoc_free(&doc);
    if (!(is_tree ? jdoc_parse(&doc, json, strlen(json), &why)
                  : jdoc_read(&doc, json, strlen(json), &arena, &why))) {
        fail_msg("%s: %s", json, why.text);
    }
    assert_true((doc.root.tree != NULL) == is_tree);
    return jdec_root_of(doc.root, &arena, err);
}

static int in_one_pass(void **state)
{
    (void)state;
    is_tree = false;
    return 0;
}

static int by_the_tree(void **state)
{
    (void)state;
    is_tree = true;
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    jdoc_free(&doc);
    arena_free(&arena);
    return 0;
}

/* Reads the one member "m" in some way. */
typedef void read_member(struct jdec *d);

/* The verdict on a part; the whole's own jdec_end gives it again. */
static void finish(struct jdec *part)
{
    bool ok = jdec_end(part);
    assert_true(ok != jdec_failed(part));
}

static void as_i64(struct jdec *d)
{
    (void)jdec_i64(d, "m", 1, 999);
}
static void as_i64_opt(struct jdec *d)
{
    (void)jdec_i64_opt(d, "m", 1, 999, NULL);
}
static void as_f64(struct jdec *d)
{
    (void)jdec_f64(d, "m", 0, 1.5);
}
static void as_f64_opt(struct jdec *d)
{
    (void)jdec_f64_opt(d, "m", 0, 1.5, NULL);
}
static void as_bool(struct jdec *d)
{
    (void)jdec_bool(d, "m");
}
static void as_bool_opt(struct jdec *d)
{
    (void)jdec_bool_opt(d, "m", NULL);
}
static void as_str(struct jdec *d)
{
    (void)jdec_str(d, "m", MEMBER_BYTES);
}
static void as_str_opt(struct jdec *d)
{
    (void)jdec_str_opt(d, "m", MEMBER_BYTES);
}
static void as_text(struct jdec *d)
{
    (void)jdec_text(d, "m", MEMBER_BYTES);
}
static void as_text_opt(struct jdec *d)
{
    (void)jdec_text_opt(d, "m", MEMBER_BYTES);
}
static void as_id(struct jdec *d)
{
    (void)jdec_id(d, "m", MEMBER_BYTES, &arena);
}
static void as_id_opt(struct jdec *d)
{
    (void)jdec_id_opt(d, "m", MEMBER_BYTES, &arena);
}
static void as_anything(struct jdec *d)
{
    jdec_pass(d, "m");
}
static void as_enum(struct jdec *d)
{
    (void)jdec_enum(d, "m", colours, COUNT_OF(colours));
}
static void as_enum_opt(struct jdec *d)
{
    (void)jdec_enum_opt(d, "m", colours, COUNT_OF(colours), NULL);
}
static void as_time(struct jdec *d)
{
    (void)jdec_time(d, "m");
}
static void as_time_opt(struct jdec *d)
{
    (void)jdec_time_opt(d, "m", NULL);
}
static void as_tree_opt(struct jdec *d)
{
    if (is_tree) {
        (void)jdec_tree_opt(d, "m");
    } else { /* which has none */
        struct jdec child;
        (void)jdec_object_opt(d, "m", &child);
    }
}
static void as_object(struct jdec *d)
{
    struct jdec child = jdec_object(d, "m");
    finish(&child);
}
static void as_object_opt(struct jdec *d)
{
    struct jdec child;
    if (jdec_object_opt(d, "m", &child)) {
        finish(&child);
    }
}
static void as_array(struct jdec *d)
{
    (void)jdec_array(d, "m", 2);
}
static void as_array_opt(struct jdec *d)
{
    (void)jdec_array_opt(d, "m", 2);
}
static void as_texts(struct jdec *d)
{
    size_t count = jdec_array(d, "m", 3);
    for (size_t i = 0; i < count; i++) {
        (void)jdec_element_text(d, "m", i, MEMBER_BYTES);
    }
}
static void as_objects(struct jdec *d)
{
    size_t count = jdec_array(d, "m", 3);
    for (size_t i = 0; i < count; i++) {
        struct jdec child = jdec_element(d, "m", i);
        (void)jdec_i64(&child, "n", 0, 9);
        finish(&child);
    }
}

/* path and text are NULL where the member is fine. */
static const struct {
    read_member *read;
    const char *json;
    const char *path;
    const char *text;
} cases[] = {
    {as_i64, "{\"m\":1}", NULL, NULL},
    {as_i64, "{\"m\":999}", NULL, NULL},
    {as_i64, "{}", "/m", "is required"},
    {as_i64, "{\"m\":0}", "/m", "must be between 1 and 999"},
    {as_i64, "{\"m\":1000}", "/m", "must be between 1 and 999"},
    {as_i64, "{\"m\":1.0}", NULL, NULL},
    {as_i64, "{\"m\":9.99e2}", NULL, NULL},
    {as_i64, "{\"m\":1000.0}", "/m", "must be between 1 and 999"},
    {as_i64, "{\"m\":1.5}", "/m", "must be an integer, not a number with a fraction"},
    {as_i64, "{\"m\":1e300}", "/m",
     "must be an integer, not one beyond 2^53 that has a point or an exponent"},
    {as_i64, "{\"m\":-9007199254740992.0}", "/m",
     "must be an integer, not one beyond 2^53 that has a point or an exponent"},
    {as_i64, "{\"m\":9007199254740991.0}", "/m", "must be between 1 and 999"},
    {as_i64, "{\"m\":\"1\"}", "/m", "must be an integer, not a string"},
    {as_i64, "{\"m\":null}", "/m", "must be an integer, not null"},
    {as_i64, "{\"m\":true}", "/m", "must be an integer, not true"},
    {as_i64_opt, "{}", NULL, NULL},
    {as_i64_opt, "{\"m\":5}", NULL, NULL},
    {as_i64_opt, "{\"m\":0}", "/m", "must be between 1 and 999"},
    {as_i64_opt, "{\"m\":null}", NULL, NULL},
    {as_f64, "{\"m\":1.5}", NULL, NULL},
    {as_f64, "{\"m\":1}", NULL, NULL},
    {as_f64, "{\"m\":1.6}", "/m", "must be between 0 and 1.5"},
    {as_f64, "{\"m\":-1}", "/m", "must be between 0 and 1.5"},
    {as_f64, "{\"m\":[]}", "/m", "must be a number, not an array"},
    {as_f64_opt, "{}", NULL, NULL},
    {as_f64_opt, "{\"m\":2}", "/m", "must be between 0 and 1.5"},
    {as_bool, "{\"m\":false}", NULL, NULL},
    {as_bool, "{}", "/m", "is required"},
    {as_bool, "{\"m\":1}", "/m", "must be true or false, not an integer"},
    {as_bool_opt, "{}", NULL, NULL},
    {as_bool_opt, "{\"m\":\"no\"}", "/m", "must be true or false, not a string"},
    {as_str, "{\"m\":\"\"}", NULL, NULL},
    {as_str, "{\"m\":\"12345678\"}", NULL, NULL},
    {as_str, "{\"m\":\"123456789\"}", "/m", "must be at most 8 bytes, not 9"},
    {as_str, "{\"m\":\"1234567\xc3\xa9\"}", "/m", "must be at most 8 bytes, not 9"},
    {as_str, "{\"m\":7}", "/m", "must be a string, not an integer"},
    {as_str, "{}", "/m", "is required"},
    {as_str_opt, "{}", NULL, NULL},
    {as_str_opt, "{\"m\":\"\"}", NULL, NULL},
    {as_str_opt, "{\"m\":null}", NULL, NULL},
    {as_str, "{\"m\":null}", "/m", "must be a string, not null"},
    {as_text, "{\"m\":\"x\"}", NULL, NULL},
    {as_text, "{\"m\":\"\"}", "/m", "must not be empty"},
    {as_text, "{}", "/m", "is required"},
    {as_text_opt, "{}", NULL, NULL},
    {as_text_opt, "{\"m\":\"\"}", "/m", "must not be empty"},
    {as_id, "{\"m\":\"x\"}", NULL, NULL},
    {as_id, "{\"m\":-9223372036854775808}", NULL, NULL},
    {as_id, "{\"m\":7.0}", "/m", "must be a string, not a number with a fraction"},
    {as_id, "{\"m\":true}", "/m", "must be a string, not true"},
    {as_id, "{\"m\":\"\"}", "/m", "must not be empty"},
    {as_id, "{\"m\":\"123456789\"}", "/m", "must be at most 8 bytes, not 9"},
    {as_id, "{}", "/m", "is required"},
    {as_id_opt, "{}", NULL, NULL},
    {as_id_opt, "{\"m\":null}", NULL, NULL},
    {as_id_opt, "{\"m\":[]}", "/m", "must be a string, not an array"},
    {as_anything, "{\"m\":[{}]}", NULL, NULL},
    {as_anything, "{}", NULL, NULL},
    {as_anything, "{\"n\":1}", "/n", "is not a known member"},
    {as_enum, "{\"m\":\"blue\"}", NULL, NULL},
    {as_enum, "{\"m\":\"Blue\"}", "/m", "must be red, green or blue"},
    {as_enum, "{\"m\":2}", "/m", "must be a string, not an integer"},
    {as_enum_opt, "{}", NULL, NULL},
    {as_enum_opt, "{\"m\":\"\"}", "/m", "must be red, green or blue"},
    {as_time, "{\"m\":\"2019-10-01T04:00:00Z\"}", NULL, NULL},
    {as_time, "{\"m\":\"2019-02-29T04:00:00Z\"}", "/m", "has day 29, but 2019-02 has 28 days"},
    {as_time, "{\"m\":1569902400}", "/m", "must be a string, not an integer"},
    {as_time_opt, "{}", NULL, NULL},
    {as_time_opt, "{\"m\":\"2019-10-01\"}", "/m", "must be a time such as 2019-10-01T04:00:00Z"},
    {as_tree_opt, "{\"m\":{\"any\":[1,{}]}}", NULL, NULL},
    {as_tree_opt, "{\"m\":[]}", "/m", "must be an object, not an array"},
    {as_object, "{\"m\":{}}", NULL, NULL},
    {as_object, "{}", "/m", "is required"},
    {as_object, "{\"m\":false}", "/m", "must be an object, not false"},
    {as_object, "{\"m\":{\"x\":1}}", "/m/x", "is not a known member"},
    {as_object_opt, "{}", NULL, NULL},
    {as_object_opt, "{\"m\":{\"x\":1}}", "/m/x", "is not a known member"},
    {as_object_opt, "{\"m\":null}", NULL, NULL},
    {as_object, "{\"m\":null}", "/m", "must be an object, not null"},
    {as_array_opt, "{\"m\":null}", NULL, NULL},
    {as_tree_opt, "{\"m\":null}", NULL, NULL},
    {as_time_opt, "{\"m\":null}", NULL, NULL},
    {as_enum_opt, "{\"m\":null}", NULL, NULL},
    {as_bool_opt, "{\"m\":null}", NULL, NULL},
    {as_f64_opt, "{\"m\":null}", NULL, NULL},
    {as_array, "{\"m\":[1,2]}", NULL, NULL},
    {as_array, "{\"m\":[1,2,3]}", "/m", "must have at most 2 elements, not 3"},
    {as_array, "{\"m\":{}}", "/m", "must be an array, not an object"},
    {as_array_opt, "{}", NULL, NULL},
    {as_array_opt, "{\"m\":[1,2,3]}", "/m", "must have at most 2 elements, not 3"},
    {as_texts, "{\"m\":[\"a\",\"b\"]}", NULL, NULL},
    {as_texts, "{\"m\":[\"a\",1]}", "/m/1", "must be a string, not an integer"},
    {as_texts, "{\"m\":[\"a\",\"\"]}", "/m/1", "must have 1 to 8 bytes, not 0"},
    {as_texts, "{\"m\":[\"123456789\"]}", "/m/0", "must have 1 to 8 bytes, not 9"},
    {as_objects, "{\"m\":[{\"n\":1},{\"n\":2}]}", NULL, NULL},
    {as_objects, "{\"m\":[{\"n\":1},{\"n\":10}]}", "/m/1/n", "must be between 0 and 9"},
    {as_objects, "{\"m\":[{\"n\":1},{}]}", "/m/1/n", "is required"},
    {as_objects, "{\"m\":[{\"n\":1,\"o\":0}]}", "/m/0/o", "is not a known member"},
    {as_objects, "{\"m\":[{\"n\":1},null]}", "/m/1", "must be an object, not null"},
};

static void a_member_is_checked_and_its_fault_told_with_its_pointer(void **state)
{
    (void)state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err err = {0};
        struct jdec d = a_root(cases[i].json, &err);
        cases[i].read(&d);
        bool ok = jdec_end(&d);
        const char *path = cases[i].path == NULL ? "" : cases[i].path;
        const char *text = cases[i].text == NULL ? "" : cases[i].text;
        if (ok != (cases[i].path == NULL) || strcmp(err.path, path) != 0 ||
            strcmp(err.text, text) != 0) {
            fail_msg("%s: \"%s\" \"%s\"", cases[i].json, err.path, err.text);
        }
        assert_int_equal(err.kind, ok ? ERR_NONE : ERR_INVALID);
    }
}

static void an_id_that_is_an_integer_is_its_digits(void **state)
{
    struct err err = {0};
    struct jdec d = a_root("{\"a\":\"17\",\"b\":17,\"c\":-0,\"d\":9223372036854775807}", &err);
    (void)state;

    assert_string_equal(jdec_id(&d, "a", 9, &arena), "17");
    assert_false(d.numbered);
    assert_string_equal(jdec_id(&d, "b", 9, &arena), "17");
    assert_true(d.numbered);
    assert_string_equal(jdec_id_opt(&d, "c", 9, &arena), "0");
    assert_string_equal(jdec_id_opt(&d, "d", 9, &arena), "9223372036854775807");
    assert_null(jdec_id_opt(&d, "e", 9, &arena));
    assert_true(jdec_end(&d));
}

static void values_arrive_as_they_were_written(void **state)
{
    struct err err = {0};
    bool present = false;
    (void)state;
    struct jdec d = a_root("{\"i\":-5,\"f\":0.25,\"b\":true,\"s\":\"caf\xc3\xa9\",\"e\":\"green\","
                           "\"t\":\"1970-01-01T00:00:01Z\",\"o\":{\"k\":1},\"a\":[\"x\",\"y\"]}",
                           &err);

    assert_int_equal(jdec_i64(&d, "i", INT64_MIN, INT64_MAX), -5);
    assert_true(jdec_f64(&d, "f", 0, 1) == 0.25);
    assert_true(jdec_bool_opt(&d, "b", &present) && present);
    assert_string_equal(jdec_text_opt(&d, "s", 5), "caf\xc3\xa9");
    assert_int_equal(jdec_enum(&d, "e", colours, COUNT_OF(colours)), 1);
    assert_int_equal(jdec_time(&d, "t"), 1000000);
    struct jdec o = jdec_object(&d, "o");
    assert_int_equal(jdec_i64(&o, "k", 1, 1), 1);
    assert_int_equal(jdec_array(&d, "a", 9), 2);
    assert_string_equal(jdec_element_text(&d, "a", 1, 9), "y");
    assert_string_equal(jdec_element_text(&d, "a", 1, 9), "y"); /* again, and one before it */
    assert_string_equal(jdec_element_text(&d, "a", 0, 9), "x");
    assert_true(jdec_end(&d));
}

static void absent_members_read_as_absent(void **state)
{
    struct err err = {0};
    bool present[5] = {true, true, true, true, true};
    struct jdec child;
    (void)state;
    struct jdec d = a_root("{}", &err);

    assert_int_equal(jdec_i64_opt(&d, "a", 1, 9, &present[0]), 0);
    assert_true(jdec_f64_opt(&d, "b", 1, 9, &present[1]) == 0);
    assert_false(jdec_bool_opt(&d, "c", &present[2]));
    assert_int_equal(jdec_enum_opt(&d, "d", colours, 3, &present[3]), 0);
    assert_int_equal(jdec_time_opt(&d, "e", &present[4]), 0);
    for (size_t i = 0; i < COUNT_OF(present); i++) {
        assert_false(present[i]);
    }
    assert_null(jdec_str_opt(&d, "f", 9));
    assert_null(jdec_text_opt(&d, "g", 9));
    assert_null(jdec_tree_opt(&d, "h"));
    assert_false(jdec_object_opt(&d, "i", &child));
    assert_int_equal(jdec_array_opt(&d, "j", 9), 0);
    assert_true(jdec_end(&d));
}

static void a_misspelt_member_is_refused_rather_than_ignored(void **state)
{
    struct err err = {0};
    (void)state;
    struct jdec d = a_root("{\"qty\":1,\"currenzy\":\"EUR\"}", &err);

    (void)jdec_i64(&d, "qty", 1, 9);
    (void)jdec_str_opt(&d, "currency", 3);
    assert_false(jdec_end(&d));
    assert_string_equal(err.path, "/currenzy");
    assert_string_equal(err.text, "is not a known member; did you mean currency?");
}

static const char *hinted(const char *unknown)
{
    return strcmp(unknown, "number") == 0 ? "qty" : strcmp(unknown, "other") == 0 ? "absent" : NULL;
}

static void what_another_system_calls_a_member_is_told_by_the_hints(void **state)
{
    struct err_more more = {0};
    struct err err = {.more = &more};
    (void)state;
    struct jdec d = a_root("{\"number\":1,\"other\":2,\"currency\":\"EUR\",\"Currency\":0}", &err);

    d.hint = hinted;
    (void)jdec_i64_opt(&d, "qty", 1, 9, NULL);
    (void)jdec_str_opt(&d, "currency", 3);
    assert_false(jdec_end(&d));
    assert_string_equal(err.text, "is not a known member; did you mean qty?");
    /* a name that nobody asked for, and one that is there already, are no help */
    assert_string_equal(more.all[0].text, "is not a known member");
    assert_string_equal(more.all[1].path, "/Currency");
    assert_string_equal(more.all[1].text, "is not a known member");
}

static void who_wants_more_than_the_first_failure_gets_one_a_member(void **state)
{
    struct err_more more = {0};
    struct err err = {.more = &more};
    (void)state;
    struct jdec d = a_root(
        "{\"a\":\"x\",\"list\":[{\"n\":0},{\"n\":3},7,{\"n\":9,\"u\":1}],\"u\":1,\"v\":2}", &err);

    assert_int_equal(jdec_i64(&d, "a", 1, 9), 0);
    jdec_refuse(&d, "a", "must be something else");
    (void)jdec_text(&d, "b", 9);
    size_t count = jdec_array(&d, "list", 9);
    assert_int_equal(count, 4);
    for (size_t i = 0; i < count; i++) {
        struct jdec element = jdec_element(&d, "list", i);
        (void)jdec_i64(&element, "n", 1, 5);
        assert_false(jdec_end(&element));
    }
    assert_false(jdec_end(&d));
    assert_true(jdec_failed(&d));
    assert_false(jdec_stopped(&d));
    static const char *const paths[] = {"/b",        "/list/0/n", "/list/2", "/list/3/n",
                                        "/list/3/u", "/u",        "/v"};
    assert_string_equal(err.path, "/a");
    assert_string_equal(err.text, "must be an integer, not a string");
    assert_int_equal(more.count, COUNT_OF(paths));
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        assert_string_equal(more.all[i].path, paths[i]);
    }
}

static void failures_beyond_the_room_for_them_are_left_out(void **state)
{
    struct err_more more = {0};
    struct err err = {.more = &more};
    (void)state;
    CLEANUP(buf_free) struct buf json = buf_make(4096);
    for (int i = 0; i < 40; i++) {
        buf_printf(&json, "%s\"%d\":null", i == 0 ? "{" : ",", i);
    }
    buf_add_str(&json, "}");
    struct jdec d = a_root(buf_text(&json), &err);

    assert_false(jdec_end(&d));
    assert_int_equal(more.count, ERR_MORE_MAX);
    assert_true(jdec_stopped(&d));
}

static void the_first_failure_is_the_one_that_is_told(void **state)
{
    struct err err = {0};
    (void)state;
    struct jdec d = a_root("{\"o\":{\"a\":1,\"b\":2,\"u\":3},\"c\":[1]}", &err);
    struct jdec o = jdec_object(&d, "o");

    assert_string_equal(jdec_str(&o, "a", 9), ""); /* fails */
    assert_int_equal(jdec_i64(&o, "b", 0, 9), 0);  /* would be fine, reads as zero */
    assert_false(jdec_end(&o));
    assert_int_equal(jdec_array(&d, "c", 9), 0);
    struct jdec gone = jdec_object(&d, "missing");
    assert_string_equal(jdec_text(&gone, "deeper", 9), "");
    jdec_refuse(&d, "c", "comes too late");
    assert_true(jdec_failed(&d));
    assert_false(jdec_end(&d));
    assert_string_equal(err.path, "/o/a");
    assert_string_equal(err.text, "must be a string, not an integer");
}

static void a_rule_of_the_callers_is_kept_like_any_other(void **state)
{
    struct err err = {0};
    (void)state;
    struct jdec d = a_root("{\"from\":2,\"to\":1}", &err);

    jdec_refuse(&d, "to", "must not come before %d", 2);
    assert_false(jdec_end(&d));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_string_equal(err.path, "/to");
    assert_string_equal(err.text, "must not come before 2");
}

static void what_is_no_object_has_no_members(void **state)
{
    struct err err = {0};
    (void)state;
    struct jdec d = a_root("[{\"items\":[]},5]", &err);

    assert_false(jdec_end(&d));
    assert_string_equal(err.path, "");
    assert_string_equal(err.text, "must be an object, not an array");
    err = (struct err){0};
    struct jdec nothing = jdec_root(NULL, &err);
    assert_false(jdec_end(&nothing));
    assert_string_equal(err.text, "must be an object, not nothing");
}

static void slashes_and_tildes_in_names_are_escaped(void **state)
{
    struct err err = {0};
    (void)state;
    struct jdec d = a_root("{\"a/b~c\":1}", &err);

    assert_false(jdec_end(&d));
    assert_string_equal(err.path, "/a~1b~0c");
}

static void a_long_name_is_cut_at_a_whole_character(void **state)
{
    (void)state;

    for (int shift = 0; shift < 3; shift++) {
        char json[400];
        char euros[91 * 3 + 1] = "";
        for (size_t i = 0; i < 91; i++) {
            memcpy(euros + 3 * i, "\xe2\x82\xac", 4);
        }
        (void)snprintf(json, sizeof json, "{\"%.*s%s\":1}", shift, "xx", euros);
        struct err err = {0};
        struct jdec d = a_root(json, &err);
        assert_false(jdec_end(&d));
        assert_in_range(strlen(err.path), sizeof err.path - 4, sizeof err.path - 1);
        assert_int_equal((strlen(err.path) - 1 - (size_t)shift) % 3, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_member_is_checked_and_its_fault_told_with_its_pointer),
        cmocka_unit_test(an_id_that_is_an_integer_is_its_digits),
        cmocka_unit_test(values_arrive_as_they_were_written),
        cmocka_unit_test(absent_members_read_as_absent),
        cmocka_unit_test(a_misspelt_member_is_refused_rather_than_ignored),
        cmocka_unit_test(what_another_system_calls_a_member_is_told_by_the_hints),
        cmocka_unit_test(who_wants_more_than_the_first_failure_gets_one_a_member),
        cmocka_unit_test(failures_beyond_the_room_for_them_are_left_out),
        cmocka_unit_test(the_first_failure_is_the_one_that_is_told),
        cmocka_unit_test(a_rule_of_the_callers_is_kept_like_any_other),
        cmocka_unit_test(what_is_no_object_has_no_members),
        cmocka_unit_test(slashes_and_tildes_in_names_are_escaped),
        cmocka_unit_test(a_long_name_is_cut_at_a_whole_character),
    };
    int failed = cmocka_run_group_tests_name("in one pass", tests, in_one_pass, free_all);

    return failed + cmocka_run_group_tests_name("by the tree", tests, by_the_tree, free_all);
}
