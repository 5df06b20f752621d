/* A checker for the part of JSON Schema that openapi.json uses. Stricter than the standard in two
 * things: where a schema lists members, a value may have no others; and times must be times. */
#include "api/schema.h"

#include "base/clock.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PLACE_MAX = 300 };

struct check {
    json_t *openapi;
    char place[PLACE_MAX]; /* JSON pointer into the value */
    char *why;             /* WHY_MAX */
};

static bool fits(struct check *c, json_t *schema, json_t *value);

static bool wrong(struct check *c, const char *what)
{
    (void)snprintf(c->why, WHY_MAX, "not as described: \"%s\" %s", c->place, what);
    return false;
}

json_t *schema_resolve(json_t *openapi, json_t *node)
{
    const char *ref = json_string_value(json_object_get(node, "$ref"));
    json_t *at = openapi;

    if (ref == NULL) {
        return node;
    }
    for (const char *p = ref + 1; *p == '/' && at != NULL;) {
        size_t len = strcspn(++p, "/");
        char *name = strndup(p, len);
        at = json_object_get(at, name);
        free(name);
        p += len;
    }
    return schema_resolve(openapi, at);
}

static bool is_type(const char *type, json_t *v)
{
    return (strcmp(type, "object") == 0 && json_is_object(v)) ||
           (strcmp(type, "array") == 0 && json_is_array(v)) ||
           (strcmp(type, "string") == 0 && json_is_string(v)) ||
           (strcmp(type, "integer") == 0 && json_is_integer(v)) ||
           (strcmp(type, "number") == 0 && json_is_number(v)) ||
           (strcmp(type, "boolean") == 0 && json_is_boolean(v)) ||
           (strcmp(type, "null") == 0 && json_is_null(v));
}

static bool type_fits(json_t *type, json_t *value)
{
    size_t i;
    json_t *one;

    if (type == NULL || json_is_string(type)) {
        return type == NULL || is_type(json_string_value(type), value);
    }
    json_array_foreach (type, i, one) {
        if (is_type(json_string_value(one), value)) {
            return true;
        }
    }
    return false;
}

static bool enum_fits(json_t *allowed, json_t *value)
{
    size_t i;
    json_t *one;

    json_array_foreach (allowed, i, one) {
        if (json_equal(one, value)) {
            return true;
        }
    }
    return allowed == NULL;
}

static bool members_fit(struct check *c, json_t *schema, json_t *value)
{
    json_t *properties = json_object_get(schema, "properties");
    size_t len = strlen(c->place);
    size_t i;
    json_t *name;
    const char *key;
    json_t *member;

    json_array_foreach (json_object_get(schema, "required"), i, name) {
        if (json_object_get(value, json_string_value(name)) == NULL) {
            (void)snprintf(c->place + len, PLACE_MAX - len, "/%s", json_string_value(name));
            return wrong(c, "is missing");
        }
    }
    json_object_foreach (value, key, member) {
        json_t *sub = json_object_get(properties, key);
        (void)snprintf(c->place + len, PLACE_MAX - len, "/%s", key);
        json_t *others = json_object_get(schema, "additionalProperties");
        if (sub == NULL && json_is_object(others)) {
            sub = others;
        }
        if (properties != NULL && sub == NULL && !json_is_true(others)) {
            return wrong(c, "is not described");
        }
        if (sub != NULL && !fits(c, sub, member)) {
            return false;
        }
        c->place[len] = '\0';
    }
    return true;
}

/* How many of the schemas fit. */
static size_t fitting(struct check *c, json_t *schemas, json_t *value)
{
    char place[PLACE_MAX];
    size_t count = 0;
    size_t i;
    json_t *one;

    memcpy(place, c->place, sizeof place);
    json_array_foreach (schemas, i, one) {
        count += fits(c, one, value) ? 1 : 0;
        memcpy(c->place, place, sizeof place);
    }
    return count;
}

static bool choices_fit(struct check *c, json_t *schema, json_t *value)
{
    json_t *one_of = json_object_get(schema, "oneOf");
    json_t *any_of = json_object_get(schema, "anyOf");

    if (one_of != NULL && fitting(c, one_of, value) != 1) {
        return wrong(c, "does not fit exactly one of the schemas");
    }
    if (any_of != NULL && fitting(c, any_of, value) == 0) {
        return wrong(c, "fits none of the schemas");
    }
    return true;
}

static bool pattern_fits(const char *pattern, const char *text)
{
    regex_t regex;

    if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0) {
        return false;
    }
    bool found = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return found;
}

static bool text_fits(struct check *c, json_t *schema, json_t *value)
{
    json_t *shortest = json_object_get(schema, "minLength");
    json_t *longest = json_object_get(schema, "maxLength");
    const char *pattern = json_string_value(json_object_get(schema, "pattern"));
    const char *format = json_string_value(json_object_get(schema, "format"));
    const char *text = json_string_value(value);
    struct err err = {0};
    int64_t us = 0;

    if (text == NULL) {
        return true;
    }
    json_int_t len = (json_int_t)json_string_length(value);
    if ((shortest != NULL && len < json_integer_value(shortest)) ||
        (longest != NULL && len > json_integer_value(longest))) {
        return wrong(c, "has another length");
    }
    if (pattern != NULL && !pattern_fits(pattern, text)) {
        return wrong(c, "does not match its pattern");
    }
    if (format != NULL && strcmp(format, "date-time") == 0 &&
        !clock_parse_rfc3339(text, &us, &err)) {
        return wrong(c, "is no time");
    }
    return true;
}

static bool number_fits(struct check *c, json_t *schema, json_t *value)
{
    json_t *least = json_object_get(schema, "minimum");
    json_t *most = json_object_get(schema, "maximum");
    double x = json_number_value(value);

    if (json_is_number(value) && ((least != NULL && x < json_number_value(least)) ||
                                  (most != NULL && x > json_number_value(most)))) {
        return wrong(c, "is out of range");
    }
    return true;
}

static bool count_fits(struct check *c, json_t *schema, json_t *value)
{
    json_t *least = json_object_get(schema, "minItems");
    json_t *most = json_object_get(schema, "maxItems");
    json_int_t count = (json_int_t)json_array_size(value);

    if (json_is_array(value) && ((least != NULL && count < json_integer_value(least)) ||
                                 (most != NULL && count > json_integer_value(most)))) {
        return wrong(c, "has another number of elements");
    }
    return true;
}

static bool fits(struct check *c, json_t *schema, json_t *value)
{
    json_t *s = schema_resolve(c->openapi, schema);
    json_t *items = json_object_get(s, "items");
    size_t len = strlen(c->place);

    if (s == NULL) {
        return wrong(c, "has a schema that points nowhere");
    }
    if (!type_fits(json_object_get(s, "type"), value)) {
        return wrong(c, "has another type");
    }
    if (!enum_fits(json_object_get(s, "enum"), value)) {
        return wrong(c, "has a value that is not listed");
    }
    if (!choices_fit(c, s, value) || !text_fits(c, s, value) || !number_fits(c, s, value) ||
        !count_fits(c, s, value)) {
        return false;
    }
    for (size_t i = 0; items != NULL && i < json_array_size(value); i++) {
        (void)snprintf(c->place + len, PLACE_MAX - len, "/%zu", i);
        if (!fits(c, items, json_array_get(value, i))) {
            return false;
        }
        c->place[len] = '\0';
    }
    return !json_is_object(value) || members_fit(c, s, value);
}

bool schema_fits(json_t *openapi, json_t *schema, json_t *value, char why[WHY_MAX])
{
    struct check c = {.openapi = openapi};

    c.why = why;
    return fits(&c, schema, value);
}
