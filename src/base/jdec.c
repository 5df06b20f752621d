/* Reads a parsed JSON object member by member. Does not parse (jdec_parse.c) and knows no message
 * of any kind: what a member may be is the caller's to say. */
#include "base/jdec.h"

#include "base/clock.h"
#include "base/jdec_fail.h"
#include "base/spell.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define EXACT_BELOW 9007199254740992.0 /* 2^53: every integer up to here is a double */

bool jdec_whole(const json_t *value, int64_t *out)
{
    double real = json_real_value(value); /* 0 for an integer */

    if (json_is_integer(value)) {
        *out = json_integer_value(value);
        return true;
    }
    if (!json_is_real(value) || real <= -EXACT_BELOW || real >= EXACT_BELOW ||
        real != (double)(int64_t)real) {
        return false;
    }
    *out = (int64_t)real;
    return true;
}

enum wanted { WANT_OBJECT, WANT_ARRAY, WANT_STRING, WANT_INTEGER, WANT_NUMBER, WANT_BOOLEAN };

static const char *const wanted_names[] = {"an object",  "an array", "a string",
                                           "an integer", "a number", "true or false"};

static bool is_wanted(const json_t *value, enum wanted wanted)
{
    switch (wanted) {
    case WANT_OBJECT:
        return json_is_object(value);
    case WANT_ARRAY:
        return json_is_array(value);
    case WANT_STRING:
        return json_is_string(value);
    case WANT_INTEGER:
        return jdec_whole(value, &(int64_t){0});
    case WANT_NUMBER:
        return json_is_number(value);
    case WANT_BOOLEAN:
        return json_is_boolean(value);
    }
    return false;
}

static const char *type_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
        return "an integer";
    case JSON_REAL:
        /* 1e300 has no fraction, and is no integer that could be told exactly either */
        return "a number with a fraction";
    case JSON_TRUE:
        return "true";
    case JSON_FALSE:
        return "false";
    case JSON_NULL:
        return "null";
    }
    return "something else";
}

/* The member if it is there and of the wanted type; NULL if absent (which is a failure when
 * required) or after a failure. Remembers that it was asked for. */
static json_t *member(struct jdec *d, const char *key, enum wanted wanted, bool required)
{
    if (d->object == NULL || jdec_stopped(d)) {
        return NULL;
    }
    /* by code, never by the input: the decoders ask for a fixed list */
    assert(d->asked_count < JDEC_MEMBERS_MAX);
    /* also where it turns out absent or wrong: jdec_end refuses only what nobody asked for */
    d->asked[d->asked_count++] = key;
    json_t *value = json_object_get(d->object, key);
    if (value == NULL) {
        if (required) {
            jdec_refuse(d, key, "is required");
        }
        return NULL;
    }
    if (!is_wanted(value, wanted)) {
        jdec_refuse(d, key, "must be %s, not %s", wanted_names[wanted], type_name(value));
        return NULL;
    }
    return value;
}

static void set_present(bool *out_present, const json_t *value)
{
    if (out_present != NULL) {
        *out_present = value != NULL;
    }
}

static int64_t i64_of(struct jdec *d, const char *key, const json_t *value, int64_t min,
                      int64_t max)
{
    if (value == NULL) {
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
    json_t *value = member(d, key, WANT_INTEGER, false);

    set_present(out_present, value);
    return i64_of(d, key, value, min, max);
}

static double f64_of(struct jdec *d, const char *key, const json_t *value, double min, double max)
{
    if (value == NULL) {
        return 0;
    }
    double v = json_number_value(value);
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
    json_t *value = member(d, key, WANT_NUMBER, false);

    set_present(out_present, value);
    return f64_of(d, key, value, min, max);
}

int64_t jdec_milli_opt(struct jdec *d, const char *key, int64_t min, int64_t max, bool *out_present)
{
    json_t *value = member(d, key, WANT_NUMBER, false);
    double number = json_number_value(value);

    set_present(out_present, value);
    if (value == NULL) {
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
    return json_is_true(member(d, key, WANT_BOOLEAN, true));
}

bool jdec_bool_opt(struct jdec *d, const char *key, bool *out_present)
{
    json_t *value = member(d, key, WANT_BOOLEAN, false);

    set_present(out_present, value);
    return json_is_true(value);
}

/* value's bytes if there are min to max of them, else NULL and a failure. */
static const char *str_of(struct jdec *d, const char *key, const json_t *value, size_t min,
                          size_t max)
{
    if (value == NULL) {
        return NULL;
    }
    /* The NUL ends it, too: the parser refuses \u0000, so that callers may treat it as C text. */
    size_t len = json_string_length(value);
    if (len < min) {
        jdec_refuse(d, key, "must not be empty");
        return NULL;
    }
    if (len > max) {
        jdec_refuse(d, key, "must be at most %zu bytes, not %zu", max, len);
        return NULL;
    }
    return json_string_value(value);
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

static size_t enum_of(struct jdec *d, const char *key, const json_t *value,
                      const char *const *names, size_t count)
{
    char allowed[200];
    size_t len = 0;

    if (value == NULL) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(json_string_value(value), names[i]) == 0) {
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
    json_t *value = member(d, key, WANT_STRING, false);

    set_present(out_present, value);
    return enum_of(d, key, value, names, count);
}

static int64_t time_of(struct jdec *d, const char *key, const json_t *value)
{
    /* its own: written into d->err it would pass for a first failure, and jdec_refuse keep still */
    struct err why = {0};
    int64_t us = 0;

    if (value != NULL && !clock_parse_rfc3339(json_string_value(value), &us, &why)) {
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
    json_t *value = member(d, key, WANT_STRING, false);

    set_present(out_present, value);
    return time_of(d, key, value);
}

json_t *jdec_tree(struct jdec *d, const char *key)
{
    return member(d, key, WANT_OBJECT, true);
}

json_t *jdec_tree_opt(struct jdec *d, const char *key)
{
    return member(d, key, WANT_OBJECT, false);
}

static struct jdec child_of(const struct jdec *d, const char *key, json_t *object)
{
    return (struct jdec){
        .object = object, .parent = d, .key = key, .index = -1, .hint = d->hint, .err = d->err};
}

struct jdec jdec_object(struct jdec *d, const char *key)
{
    return child_of(d, key, member(d, key, WANT_OBJECT, true));
}

bool jdec_object_opt(struct jdec *d, const char *key, struct jdec *out_child)
{
    *out_child = child_of(d, key, member(d, key, WANT_OBJECT, false));
    return out_child->object != NULL;
}

static size_t count_of(struct jdec *d, const char *key, const json_t *value, size_t count_max)
{
    /* 0 for NULL, an array that is absent or was refused */
    size_t count = json_array_size(value);

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

/* Element index of an array that jdec_array has accepted; NULL, after a failure or with one, if not
 * as wanted. */
static json_t *element(struct jdec *d, const char *key, size_t index, enum wanted wanted)
{
    if (d->object == NULL || jdec_stopped(d)) {
        return NULL;
    }
    json_t *value = json_array_get(json_object_get(d->object, key), index);
    assert(value != NULL);
    if (!is_wanted(value, wanted)) {
        jdec_refuse_element(d, key, index, "must be %s, not %s", wanted_names[wanted],
                            type_name(value));
        return NULL;
    }
    return value;
}

struct jdec jdec_element(struct jdec *d, const char *key, size_t index)
{
    struct jdec child = child_of(d, key, element(d, key, index, WANT_OBJECT));

    child.index = (ssize_t)index;
    return child;
}

const char *jdec_element_text(struct jdec *d, const char *key, size_t index, size_t bytes_max)
{
    const json_t *value = element(d, key, index, WANT_STRING);

    if (value == NULL) {
        return "";
    }
    size_t len = json_string_length(value);
    if (len == 0 || len > bytes_max) {
        jdec_refuse_element(d, key, index, "must have 1 to %zu bytes, not %zu", bytes_max, len);
        return "";
    }
    return json_string_value(value);
}

static struct jdec root_of(json_t *document, ssize_t index, struct err *err)
{
    struct jdec d = {.object = document, .index = index, .err = err};

    if (!json_is_object(document)) {
        jdec_refuse(&d, NULL, "must be an object, not %s",
                    document == NULL ? "nothing" : type_name(document));
        d.object = NULL;
    }
    return d;
}

struct jdec jdec_root(json_t *document, struct err *err)
{
    return root_of(document, -1, err);
}

struct jdec jdec_root_at(json_t *document, size_t index, struct err *err)
{
    return root_of(document, (ssize_t)index, err);
}

static bool was_asked(const struct jdec *d, const char *key)
{
    for (size_t i = 0; i < d->asked_count; i++) {
        if (strcmp(d->asked[i], key) == 0) {
            return true;
        }
    }
    return false;
}

/* What the unknown member was probably meant to be: a name that was asked for and is not there. */
static const char *meant(const struct jdec *d, const char *unknown)
{
    const char *name = d->hint != NULL ? d->hint(unknown) : NULL;

    /* the hint is of the document as a whole: this object may have no such member */
    if (name == NULL || !was_asked(d, name)) {
        name = spell_nearest(unknown, d->asked, d->asked_count);
    }
    return name != NULL && json_object_get(d->object, name) == NULL ? name : NULL;
}

static void refuse_unknown(struct jdec *d, const char *key)
{
    const char *name = meant(d, key);

    if (name != NULL) {
        jdec_refuse(d, key, "is not a known member; did you mean %s?", name);
    } else {
        jdec_refuse(d, key, "is not a known member");
    }
}

bool jdec_end(struct jdec *d)
{
    const char *key;
    json_t *value;

    if (d->object != NULL && !jdec_stopped(d)) {
        /* A misspelt name is refused rather than ignored: the sender believes it was heard. */
        json_object_foreach (d->object, key, value) {
            if (!was_asked(d, key)) {
                refuse_unknown(d, key);
            }
            if (jdec_stopped(d)) {
                break;
            }
        }
    }
    return !jdec_failed(d);
}
