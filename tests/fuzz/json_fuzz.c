/* JSON in and out. A document that is taken keeps to the limits, is written by jenc as it was read, and
 * answers every reader of jdec with a value within the bounds asked for or one failure that says where. In one
 * pass it is taken as well, and only then, and holds the same values. Any bytes at all, written as a string,
 * read back: equal where they are UTF-8 without NUL. */
#include "fuzz.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/jenc.h"
#include "base/json/jdec.h"
#include "base/json/jdoc.h"
#include "base/utf8.h"

enum { TEXT_MAX = 1 << 24 };

static void write_value(struct jenc *j, const char *key, json_t *value);

static void write_members(struct jenc *j, json_t *object)
{
    const char *name;
    json_t *member;

    json_object_foreach (object, name, member) {
        write_value(j, name, member);
    }
}

static void write_value(struct jenc *j, const char *key, json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        jenc_object(j, key);
        write_members(j, value);
        jenc_object_end(j);
        break;
    case JSON_ARRAY:
        jenc_array(j, key);
        for (size_t i = 0; i < json_array_size(value); i++) {
            write_value(j, NULL, json_array_get(value, i));
        }
        jenc_array_end(j);
        break;
    case JSON_STRING:
        jenc_strn(j, key, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        jenc_i64(j, key, json_integer_value(value));
        break;
    case JSON_REAL:
        jenc_f64(j, key, json_real_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        jenc_bool(j, key, json_is_true(value));
        break;
    case JSON_NULL:
        jenc_null(j, key);
        break;
    }
}

/* As json_equal, but that 1.0 is written as 1: numbers are the same number. */
static bool same(json_t *a, json_t *b)
{
    if (json_is_number(a) && json_is_number(b)) {
        return json_number_value(a) == json_number_value(b);
    }
    if (json_typeof(a) != json_typeof(b)) {
        return false;
    }
    if (json_is_array(a)) {
        bool equal = json_array_size(a) == json_array_size(b);
        for (size_t i = 0; equal && i < json_array_size(a); i++) {
            equal = same(json_array_get(a, i), json_array_get(b, i));
        }
        return equal;
    }
    if (json_is_object(a)) {
        const char *name;
        json_t *member;
        bool equal = json_object_size(a) == json_object_size(b);
        json_object_foreach (a, name, member) {
            json_t *other = json_object_get(b, name);
            equal = equal && other != NULL && same(member, other);
        }
        return equal;
    }
    return json_equal(a, b);
}

static size_t depth_of(json_t *value)
{
    size_t deepest = 0;
    const char *name;
    json_t *member;

    if (json_is_object(value)) {
        json_object_foreach (value, name, member) {
            size_t depth = depth_of(member);
            deepest = depth > deepest ? depth : deepest;
        }
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        size_t depth = depth_of(json_array_get(value, i));
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest + (json_is_object(value) || json_is_array(value));
}

static void check_round_trip(json_t *doc)
{
    CLEANUP(buf_free) struct buf out = buf_make(TEXT_MAX);
    struct jenc j = jenc_begin(&out);
    struct err err = {0};

    write_value(&j, NULL, doc);
    DEMAND(buf_ok(&out));
    CLEANUP(jdec_free) json_t *back = jdec_parse(out.data, out.len, &err);
    DEMAND(back != NULL && same(doc, back));
}

/* Every reader, on members of few letters so that the input meets them. */
static void read_members(struct jdec *d, int level)
{
    static const char *const words[] = {"on", "off"};
    bool present = false;
    struct jdec child;

    int64_t whole = jdec_i64_opt(d, "i", -5, 1000, &present);
    DEMAND(!present || (whole >= -5 && whole <= 1000));
    double real = jdec_f64_opt(d, "f", 0, 1, &present);
    DEMAND(!present || (real >= 0 && real <= 1));
    const char *text = jdec_text_opt(d, "s", 10);
    DEMAND(text == NULL || jdec_failed(d) || (text[0] != '\0' && strlen(text) <= 10));
    DEMAND(jdec_enum_opt(d, "e", words, 2, &present) < 2);
    int64_t us = jdec_time_opt(d, "t", &present);
    DEMAND(!present || us > DAYS(-800000));
    (void)jdec_bool_opt(d, "b", &present);
    const json_t *tree = jdec_tree_opt(d, "o");
    DEMAND(tree == NULL || json_is_object(tree));
    size_t count = jdec_array_opt(d, "a", 3);
    DEMAND(count <= 3);
    for (size_t i = 0; i < count && level < 3; i++) {
        struct jdec element = jdec_element(d, "a", i);
        read_members(&element, level + 1);
        (void)!jdec_end(&element);
    }
    if (level < 3 && jdec_object_opt(d, "c", &child)) {
        read_members(&child, level + 1);
        (void)!jdec_end(&child);
    }
}

static void check_readers(json_t *doc)
{
    struct err err = {0};
    struct jdec d = jdec_root(doc, &err);

    read_members(&d, 0);
    if (jdec_end(&d)) {
        DEMAND(err.kind == ERR_NONE);
    } else {
        fuzz_refusal(&err);
        DEMAND(err.path[0] == '/' || err.path[0] == '\0');
        DEMAND(utf8_valid(err.path) && utf8_valid(err.text));
    }
}

static void check_string(const uint8_t *data, size_t size)
{
    CLEANUP(buf_free) struct buf out = buf_make(TEXT_MAX);
    struct jenc j = jenc_begin(&out);
    struct err err = {0};
    char *text = fuzz_text(data, size);

    jenc_array(&j, NULL);
    jenc_strn(&j, NULL, text, size);
    jenc_array_end(&j);
    CLEANUP(jdec_free) json_t *doc = jdec_parse(out.data, out.len, &err);
    DEMAND(doc != NULL && utf8_valid(buf_text(&out)));
    if (strlen(text) == size && utf8_valid(text)) {
        DEMAND(strcmp(json_string_value(json_array_get(doc, 0)), text) == 0);
    }
    mem_free(&text);
}

static void check_scalar(struct jval pass, struct jval tree, struct arena *a)
{
    DEMAND(jval_exists(pass) && jval_type(pass) == jval_type(tree));
    DEMAND(jval_count(pass) == jval_count(tree));
    DEMAND(jval_integer(pass) == jval_integer(tree));
    DEMAND(jval_real(pass) == jval_real(tree) && jval_number(pass) == jval_number(tree));
    DEMAND(jval_len(pass) == jval_len(tree));
    if (jval_is(tree, JSON_STRING)) {
        DEMAND(jval_says(pass, jval_text(tree, NULL)));
        DEMAND(strcmp(jval_text(pass, a), jval_text(tree, NULL)) == 0);
    }
}

/* What one pass made of a document, against the tree: every value, and nothing else. */
static void check_value(struct jval pass, struct jval tree, struct arena *a)
{
    struct jwalk p = jwalk_begin(pass);
    struct jwalk t = jwalk_begin(tree);

    check_scalar(pass, tree, a);
    while (jwalk_next(&t)) {
        DEMAND(jwalk_next(&p));
        if (jval_is(tree, JSON_OBJECT)) {
            const char *name = jwalk_name(&t, NULL);
            DEMAND(strcmp(jwalk_name(&p, a), name) == 0);
            DEMAND(jval_get(pass, name).mark == p.value.mark);
        }
        check_value(p.value, t.value, a);
    }
    DEMAND(!jwalk_next(&p));
}

static void check_one_pass(const char *text, size_t size, json_t *tree)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct jmarks marks;

    bool taken = jmarks_read(&marks, text, size, &a);
    DEMAND(taken == (tree != NULL));
    if (taken) {
        DEMAND(marks.all[0].span == marks.count);
        check_value((struct jval){.mark = marks.all}, jval_of_tree(tree), &a);
    }
    jmarks_free(&marks);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    char *text = mem_array(size > 0 ? size : 1, 1); /* no NUL behind it: parsers get a length */
    if (size > 0) {
        memcpy(text, data, size);
    }
    CLEANUP(jdec_free) json_t *doc = jdec_parse(text, size, &err);
    check_one_pass(text, size, doc);
    mem_free(&text);
    check_string(data, size);
    if (doc == NULL) {
        fuzz_refusal(&err);
        /* what a reader refuses, is told in words */
        DEMAND(strncmp(err.text, "line ", 5) == 0 && utf8_valid(err.text));
        DEMAND(strstr(err.text, "is not read as JSON here") == NULL);
        return 0;
    }
    DEMAND(err.kind == ERR_NONE);
    DEMAND(depth_of(doc) <= JDEC_DEPTH_MAX);
    check_round_trip(doc);
    check_readers(doc);
    return 0;
}
