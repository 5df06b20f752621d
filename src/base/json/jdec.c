/* Reads a JSON object member by member. Does not parse (jdoc.c, jdec_parse.c) and knows no message
 * of any kind: what a member may be is the caller's to say. */
#include "base/json/jdec.h"

#include "base/clock.h"
#include "base/json/jdec_fail.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool jdec_whole(struct jval value, int64_t *out)
{
    if (jval_is(value, JSON_INTEGER)) {
        *out = jval_integer(value);
        return true;
    }
    double real = jval_real(value);
    if (!jval_is(value, JSON_REAL) || real <= -JDEC_EXACT_BELOW || real >= JDEC_EXACT_BELOW ||
        real != (double)(int64_t)real) {
        return false;
    }
    *out = (int64_t)real;
    return true;
}

enum wanted {
    WANT_OBJECT,
    WANT_ARRAY,
    WANT_STRING,
    WANT_INTEGER,
    WANT_NUMBER,
    WANT_BOOLEAN,
    WANT_ID
};

/* An id should be a string, whatever else is taken. */
static const char *const wanted_names[] = {"an object", "an array",      "a string", "an integer",
                                           "a number",  "true or false", "a string"};

static bool is_wanted(struct jval value, enum wanted wanted)
{
    switch (wanted) {
    case WANT_OBJECT:
        return jval_is(value, JSON_OBJECT);
    case WANT_ARRAY:
        return jval_is(value, JSON_ARRAY);
    case WANT_STRING:
        return jval_is(value, JSON_STRING);
    case WANT_INTEGER:
        return jdec_whole(value, &(int64_t){0});
    case WANT_NUMBER:
        return jval_is(value, JSON_INTEGER) || jval_is(value, JSON_REAL);
    case WANT_BOOLEAN:
        return jval_is(value, JSON_TRUE) || jval_is(value, JSON_FALSE);
    case WANT_ID:
        return jval_is(value, JSON_STRING) || jval_is(value, JSON_INTEGER);
    }
    return false;
}

static const struct jval no_value;

/* also where it turns out absent or wrong: jdec_end refuses only what nobody asked for */
static void note_asked(struct jdec *d, const char *key, struct jval value)
{
    /* by code, never by the input: the decoders ask for a fixed list */
    assert(d->asked_count < JDEC_MEMBERS_MAX);
    d->asked[d->asked_count++] = key;
    if (value.mark != NULL) {
        value.mark->asked = true;
    }
}

void jdec_pass(struct jdec *d, const char *key)
{
    note_asked(d, key, jval_get(d->object, key));
}

/* The member if it is there and of the wanted type; no value if absent (which is a failure when
 * required) or after a failure. Remembers that it was asked for. */
static struct jval member(struct jdec *d, const char *key, enum wanted wanted, bool required)
{
    if (!jval_exists(d->object) || jdec_stopped(d)) {
        return no_value;
    }
    struct jval value = jval_get(d->object, key);
    note_asked(d, key, value);
    if (!jval_exists(value)) {
        if (required) {
            jdec_refuse(d, key, "is required");
        }
        return no_value;
    }
    /* What a program writes where it has nothing to say: an order is not lost for a session_id that is null. */
    if (!required && jval_is(value, JSON_NULL)) {
        return no_value;
    }
    if (!is_wanted(value, wanted)) {
        jdec_refuse(d, key, "must be %s, not %s", wanted_names[wanted], jdec_type_name(value));
        return no_value;
    }
    return value;
}

static void set_present(bool *out_present, struct jval value)
{
    if (out_present != NULL) {
        *out_present = jval_exists(value);
    }
}

static int64_t i64_of(struct jdec *d, const char *key, struct jval value, int64_t min, int64_t max)
{
    if (!jval_exists(value)) {
        return 0;
    }
    int64_t v = 0;
    (void)jdec_whole(value, &v); /* it is: member has looked */
    if (v < min || v > max) {
        jdec_refuse(d, key, "must be between %" PRId64 " and %" PRId64, min, max);
        return 0;
    }
    return v;
}

int64_t jdec_i64(struct jdec *d, const char *key, int64_t min, int64_t max)
{
    return i64_of(d, key, member(d, key, WANT_INTEGER, true), min, max);
}

int64_t jdec_i64_opt(struct jdec *d, const char *key, int64_t min, int64_t max, bool *out_present)
{
    struct jval value = member(d, key, WANT_INTEGER, false);

    set_present(out_present, value);
    return i64_of(d, key, value, min, max);
}

static double f64_of(struct jdec *d, const char *key, struct jval value, double min, double max)
{
    if (!jval_exists(value)) {
        return 0;
    }
    double v = jval_number(value);
    /* in this form, because a NaN is neither below nor above anything */
    if (!(v >= min && v <= max)) {
        jdec_refuse(d, key, "must be between %.15g and %.15g", min, max);
        return 0;
    }
    return v;
}

double jdec_f64(struct jdec *d, const char *key, double min, double max)
{
    return f64_of(d, key, member(d, key, WANT_NUMBER, true), min, max);
}

double jdec_f64_opt(struct jdec *d, const char *key, double min, double max, bool *out_present)
{
    struct jval value = member(d, key, WANT_NUMBER, false);

    set_present(out_present, value);
    return f64_of(d, key, value, min, max);
}

int64_t jdec_milli_opt(struct jdec *d, const char *key, int64_t min, int64_t max, bool *out_present)
{
    struct jval value = member(d, key, WANT_NUMBER, false);
    double number = jval_number(value);

    set_present(out_present, value);
    if (!jval_exists(value)) {
        return 0;
    }
    /* Between two thousandths the nearest: 0.1 + 0.2 is 0.30000000000000004 where it was added up.
     * In this form, because a NaN is neither below nor above anything. */
    double milli = number * 1000 + 0.5;
    if (!(milli >= (double)min && milli < (double)max + 1)) {
        jdec_refuse(d, key, "must be between %.15g and %.15g", (double)min / 1000,
                    (double)max / 1000);
        return 0;
    }
    return (int64_t)milli;
}

bool jdec_bool(struct jdec *d, const char *key)
{
    return jval_is(member(d, key, WANT_BOOLEAN, true), JSON_TRUE);
}

bool jdec_bool_opt(struct jdec *d, const char *key, bool *out_present)
{
    struct jval value = member(d, key, WANT_BOOLEAN, false);

    set_present(out_present, value);
    return jval_is(value, JSON_TRUE);
}

/* value's bytes if there are min to max of them, else NULL and a failure. */
static const char *str_of(struct jdec *d, const char *key, struct jval value, size_t min,
                          size_t max)
{
    if (!jval_exists(value)) {
        return NULL;
    }
    /* The NUL ends it, too: the parser refuses \u0000, so that callers may treat it as C text. */
    size_t len = jval_len(value);
    if (len < min) {
        jdec_refuse(d, key, "must not be empty");
        return NULL;
    }
    if (len > max) {
        jdec_refuse(d, key, "must be at most %zu bytes, not %zu", max, len);
        return NULL;
    }
    return jval_text(value, d->arena);
}

static const char *or_empty(const char *text)
{
    return text == NULL ? "" : text;
}

const char *jdec_str(struct jdec *d, const char *key, size_t bytes_max)
{
    return or_empty(str_of(d, key, member(d, key, WANT_STRING, true), 0, bytes_max));
}

const char *jdec_str_opt(struct jdec *d, const char *key, size_t bytes_max)
{
    return str_of(d, key, member(d, key, WANT_STRING, false), 0, bytes_max);
}

const char *jdec_text(struct jdec *d, const char *key, size_t bytes_max)
{
    return or_empty(str_of(d, key, member(d, key, WANT_STRING, true), 1, bytes_max));
}

const char *jdec_text_opt(struct jdec *d, const char *key, size_t bytes_max)
{
    return str_of(d, key, member(d, key, WANT_STRING, false), 1, bytes_max);
}

static const char *id_of(struct jdec *d, const char *key, struct jval value, size_t max,
                         struct arena *a)
{
    if (jval_is(value, JSON_INTEGER)) {
        d->numbered = true;
        return arena_printf(a, "%" PRId64, jval_integer(value));
    }
    return str_of(d, key, value, 1, max);
}

const char *jdec_id(struct jdec *d, const char *key, size_t bytes_max, struct arena *a)
{
    return or_empty(id_of(d, key, member(d, key, WANT_ID, true), bytes_max, a));
}

const char *jdec_id_opt(struct jdec *d, const char *key, size_t bytes_max, struct arena *a)
{
    return id_of(d, key, member(d, key, WANT_ID, false), bytes_max, a);
}

static size_t enum_of(struct jdec *d, const char *key, struct jval value, const char *const *names,
                      size_t count)
{
    char allowed[200];
    size_t len = 0;

    if (!jval_exists(value)) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (jval_says(value, names[i])) {
            return i;
        }
    }
    allowed[0] = '\0';
    /* snprintf answers what it would have written: past the end the loop stops, before the room
     * that is left wraps. */
    for (size_t i = 0; i < count && len < sizeof allowed; i++) {
        const char *between = i == 0 ? "" : i + 1 < count ? ", " : " or ";
        int n = snprintf(allowed + len, sizeof allowed - len, "%s%s", between, names[i]);
        len += n > 0 ? (size_t)n : 0;
    }
    jdec_refuse(d, key, "must be %s", allowed);
    return 0;
}

size_t jdec_enum(struct jdec *d, const char *key, const char *const *names, size_t count)
{
    return enum_of(d, key, member(d, key, WANT_STRING, true), names, count);
}

size_t jdec_enum_opt(struct jdec *d, const char *key, const char *const *names, size_t count,
                     bool *out_present)
{
    struct jval value = member(d, key, WANT_STRING, false);

    set_present(out_present, value);
    return enum_of(d, key, value, names, count);
}

static int64_t time_of(struct jdec *d, const char *key, struct jval value)
{
    /* its own: written into d->err it would pass for a first failure, and jdec_refuse keep still */
    struct err why = {0};
    int64_t us = 0;

    if (jval_exists(value) && !clock_parse_rfc3339(jval_text(value, d->arena), &us, &why)) {
        jdec_refuse(d, key, "%s", why.text);
    }
    return us;
}

int64_t jdec_time(struct jdec *d, const char *key)
{
    return time_of(d, key, member(d, key, WANT_STRING, true));
}

int64_t jdec_time_opt(struct jdec *d, const char *key, bool *out_present)
{
    struct jval value = member(d, key, WANT_STRING, false);

    set_present(out_present, value);
    return time_of(d, key, value);
}

json_t *jdec_tree_opt(struct jdec *d, const char *key)
{
    struct jval value = member(d, key, WANT_OBJECT, false);

    assert(value.mark == NULL); /* its caller reads trees, and may take this one apart */
    return value.tree;
}

/* Not cleared as a whole, which would cost more than reading a small object: asked_count says how much of asked there
 * is, walked whether there is a walk. */
static void begin(struct jdec *d, struct jval object, struct arena *a, struct err *err)
{
    d->object = object;
    d->arena = a;
    d->parent = NULL;
    d->key = NULL;
    d->index = -1;
    d->walked = NULL;
    d->asked_count = 0;
    d->numbered = false;
    d->hint = NULL;
    d->err = err;
}

static void begin_child(struct jdec *child, const struct jdec *d, const char *key,
                        struct jval object)
{
    begin(child, object, d->arena, d->err);
    child->parent = d;
    child->key = key;
    child->hint = d->hint;
}

struct jdec jdec_object(struct jdec *d, const char *key)
{
    struct jdec child;

    begin_child(&child, d, key, member(d, key, WANT_OBJECT, true));
    return child;
}

bool jdec_object_opt(struct jdec *d, const char *key, struct jdec *out_child)
{
    struct jval object = member(d, key, WANT_OBJECT, false);

    if (!jval_exists(object)) {
        return false;
    }
    begin_child(out_child, d, key, object);
    return true;
}

static size_t count_of(struct jdec *d, const char *key, struct jval value, size_t count_max)
{
    /* 0 for an array that is absent or was refused */
    size_t count = jval_count(value);

    if (count > count_max) {
        jdec_refuse(d, key, "must have at most %zu elements, not %zu", count_max, count);
        return 0;
    }
    return count;
}

size_t jdec_array(struct jdec *d, const char *key, size_t count_max)
{
    return count_of(d, key, member(d, key, WANT_ARRAY, true), count_max);
}

size_t jdec_array_opt(struct jdec *d, const char *key, size_t count_max)
{
    return count_of(d, key, member(d, key, WANT_ARRAY, false), count_max);
}

/* Goes on from the element that was asked for last: elements are asked for in their order. */
static struct jval element_at(struct jdec *d, const char *key, size_t index)
{
    if (d->walked == NULL || strcmp(d->walked, key) != 0 || d->walk.at > index + 1) {
        d->walk = jwalk_begin(jval_get(d->object, key));
        d->walked = key;
    }
    while (d->walk.at <= index) {
        bool there = jwalk_next(&d->walk);
        assert(there); /* jdec_array has said how many there are */
    }
    return d->walk.value;
}

/* Element index of an array that jdec_array has accepted; no value, after a failure or with one, if not
 * as wanted. */
static struct jval element(struct jdec *d, const char *key, size_t index, enum wanted wanted)
{
    if (!jval_exists(d->object) || jdec_stopped(d)) {
        return no_value;
    }
    struct jval value = element_at(d, key, index);
    if (!is_wanted(value, wanted)) {
        jdec_refuse_element(d, key, index, "must be %s, not %s", wanted_names[wanted],
                            jdec_type_name(value));
        return no_value;
    }
    return value;
}

struct jdec jdec_element(struct jdec *d, const char *key, size_t index)
{
    struct jdec child;

    begin_child(&child, d, key, element(d, key, index, WANT_OBJECT));
    child.index = (ssize_t)index;
    return child;
}

const char *jdec_element_text(struct jdec *d, const char *key, size_t index, size_t bytes_max)
{
    struct jval value = element(d, key, index, WANT_STRING);

    if (!jval_exists(value)) {
        return "";
    }
    size_t len = jval_len(value);
    if (len == 0 || len > bytes_max) {
        jdec_refuse_element(d, key, index, "must have 1 to %zu bytes, not %zu", bytes_max, len);
        return "";
    }
    return jval_text(value, d->arena);
}

struct jdec jdec_root_of(struct jval document, struct arena *a, struct err *err)
{
    struct jdec d;

    begin(&d, document, a, err);
    if (!jval_is(document, JSON_OBJECT)) {
        jdec_refuse(&d, NULL, "must be an object, not %s",
                    jval_exists(document) ? jdec_type_name(document) : "nothing");
        d.object = no_value;
    }
    return d;
}

struct jdec jdec_root(json_t *document, struct err *err)
{
    return jdec_root_of(jval_of_tree(document), NULL, err);
}

const char *jdec_keep(const struct jdec *d, const char *text, struct arena *a)
{
    return d->object.mark != NULL && d->arena == a ? text : arena_strdup(a, text);
}
