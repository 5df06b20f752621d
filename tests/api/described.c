/* A checker for the part of JSON Schema that openapi.json uses. Stricter than the standard in one
 * thing: where a schema lists members, an answer may have no others. */
#include "api/described.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PLACE_MAX = 300 };

struct check {
    json_t *openapi;
    char place[PLACE_MAX]; /* JSON pointer into the answer */
    char *why;             /* WHY_MAX */
};

static bool fits(struct check *c, json_t *schema, json_t *value);

static bool wrong(struct check *c, const char *what)
{
    (void)snprintf(c->why, WHY_MAX, "not as described: \"%s\" %s", c->place, what);
    return false;
}

/* Follows {"$ref": "#/components/schemas/X"}. */
static json_t *resolve(json_t *openapi, json_t *node)
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
    return resolve(openapi, at);
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
        if (properties != NULL && sub == NULL) {
            return wrong(c, "is not described");
        }
        if (sub != NULL && !fits(c, sub, member)) {
            return false;
        }
        c->place[len] = '\0';
    }
    return true;
}

static bool fits(struct check *c, json_t *schema, json_t *value)
{
    json_t *s = resolve(c->openapi, schema);
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
    for (size_t i = 0; items != NULL && i < json_array_size(value); i++) {
        (void)snprintf(c->place + len, PLACE_MAX - len, "/%zu", i);
        if (!fits(c, items, json_array_get(value, i))) {
            return false;
        }
        c->place[len] = '\0';
    }
    return !json_is_object(value) || members_fit(c, s, value);
}

/* The described path that the target means: "{id}" stands for one segment. */
static bool path_is(const char *pattern, const char *target)
{
    while (*pattern != '\0' && *target != '\0' && *target != '?') {
        if (strncmp(pattern, "{id}", 4) == 0) {
            pattern += 4;
            target += strcspn(target, "/?");
        } else if (*pattern++ != *target++) {
            return false;
        }
    }
    return *pattern == '\0' && (*target == '\0' || *target == '?');
}

static json_t *item_of(json_t *openapi, const char *target)
{
    const char *pattern;
    json_t *item;

    json_object_foreach (json_object_get(openapi, "paths"), pattern, item) {
        if (path_is(pattern, target)) {
            return item;
        }
    }
    return NULL;
}

static json_t *operation_of(json_t *item, const char *method)
{
    static const char *const names[][2] = {{"GET", "get"},     {"HEAD", "get"},
                                           {"POST", "post"},   {"PUT", "put"},
                                           {"PATCH", "patch"}, {"DELETE", "delete"}};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i][0], method) == 0) {
            return json_object_get(item, names[i][1]);
        }
    }
    return NULL;
}

static bool body_fits(struct check *c, json_t *response, const struct seen *seen)
{
    char type[100] = "";
    json_error_t error;

    (void)snprintf(type, sizeof type, "%.*s",
                   (int)strcspn(seen->content_type ? seen->content_type : "", "; "),
                   seen->content_type ? seen->content_type : "");
    json_t *media = json_object_get(json_object_get(response, "content"), type);
    if (media == NULL) {
        return wrong(c, "comes with another Content-Type");
    }
    if (seen->head || strstr(type, "json") == NULL) {
        return true;
    }
    json_t *body = json_loads(seen->body, 0, &error);
    bool good = body != NULL && fits(c, json_object_get(media, "schema"), body);
    json_decref(body);
    return good;
}

bool is_described(json_t *openapi, const struct seen *seen, char why[WHY_MAX])
{
    struct check c = {.openapi = openapi, .why = why};
    json_t *item = item_of(openapi, seen->target);
    json_t *operation = operation_of(item, seen->method);
    char status[12];

    why[0] = '\0';
    if (item == NULL) {
        return seen->status == 404 || seen->status == 400 || wrong(&c, "is a path that is not");
    }
    if (operation == NULL) {
        return seen->status == 405 || seen->status == 400 || wrong(&c, "is a method that is not");
    }
    (void)snprintf(status, sizeof status, "%d", seen->status);
    json_t *response =
        resolve(openapi, json_object_get(json_object_get(operation, "responses"), status));
    return response != NULL ? body_fits(&c, response, seen) : wrong(&c, "has a status that is not");
}
