/* Finds what openapi.json says of an answer; schema.c compares. */
#include "api/described.h"

#include "api/schema.h"

#include <stdio.h>
#include <string.h>

static bool wrong(char *why, const char *what)
{
    (void)snprintf(why, WHY_MAX, "not as described: the answer %s", what);
    return false;
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

static bool body_fits(json_t *openapi, json_t *response, const struct seen *seen, char *why)
{
    char type[100] = "";
    json_error_t error;

    (void)snprintf(type, sizeof type, "%.*s",
                   (int)strcspn(seen->content_type ? seen->content_type : "", "; "),
                   seen->content_type ? seen->content_type : "");
    json_t *media = json_object_get(json_object_get(response, "content"), type);
    if (media == NULL) {
        return wrong(why, "comes with another Content-Type");
    }
    if (seen->head || strstr(type, "json") == NULL) {
        return true;
    }
    json_t *body = json_loads(seen->body, 0, &error);
    bool good = body != NULL && schema_fits(openapi, json_object_get(media, "schema"), body, why);
    json_decref(body);
    return good;
}

bool is_described(json_t *openapi, const struct seen *seen, char why[WHY_MAX])
{
    json_t *item = item_of(openapi, seen->target);
    json_t *operation = operation_of(item, seen->method);
    char status[12];

    why[0] = '\0';
    if (item == NULL) {
        return seen->status == 404 || seen->status == 400 || wrong(why, "is a path that is not");
    }
    if (operation == NULL) {
        return seen->status == 405 || seen->status == 400 || wrong(why, "is a method that is not");
    }
    (void)snprintf(status, sizeof status, "%d", seen->status);
    json_t *response =
        schema_resolve(openapi, json_object_get(json_object_get(operation, "responses"), status));
    return response != NULL ? body_fits(openapi, response, seen, why)
                            : wrong(why, "has a status that is not");
}
