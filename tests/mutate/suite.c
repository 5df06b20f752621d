#include "suite.h"

#include "child.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reads `ctest --show-only=json-v1`, and runs the fixtures. */

enum { FIXTURE_SECONDS_MAX = 120 };

static char **strings(struct arena *a, const json_t *list)
{
    size_t n = json_array_size(list);
    char **out = arena_array(a, n + 1, sizeof *out);
    for (size_t i = 0; i < n; i++) {
        out[i] = arena_strdup(a, json_string_value(json_array_get(list, i)));
    }
    out[n] = NULL;
    return out;
}

static bool has(const json_t *list, const char *text)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (strcmp(json_string_value(json_array_get(list, i)), text) == 0) {
            return true;
        }
    }
    return false;
}

static void read_property(struct arena *a, const json_t *property, struct test *t)
{
    const char *name = json_string_value(json_object_get(property, "name"));
    const json_t *value = json_object_get(property, "value");
    if (strcmp(name, "ENVIRONMENT") == 0) {
        t->env = strings(a, value);
    } else if (strcmp(name, "WORKING_DIRECTORY") == 0) {
        t->folder = arena_strdup(a, json_string_value(value));
    } else if (strcmp(name, "SKIP_RETURN_CODE") == 0) {
        t->skip_code = (int)json_integer_value(value);
    } else if (strcmp(name, "LABELS") == 0) {
        t->usable = !has(value, "lint") && !has(value, "fixture") && !has(value, "aside") &&
                    (!has(value, "long") || getenv("MUTATE_LONG") != NULL);
    } else if (strcmp(name, "FIXTURES_SETUP") == 0) {
        t->sets_up = strings(a, value);
    } else if (strcmp(name, "FIXTURES_CLEANUP") == 0) {
        t->cleans_up = strings(a, value);
    } else if (strcmp(name, "FIXTURES_REQUIRED") == 0) {
        t->requires = strings(a, value);
    }
}

static json_t *told_by_ctest(struct arena *a, const char *build)
{
    json_error_t error;
    FILE *f = popen(arena_printf(a, "ctest --test-dir '%s' --show-only=json-v1", build),
                    "r"); // NOLINT(cert-env33-c): a folder of ours
    json_t *all = f == NULL ? NULL : json_loadf(f, JSON_DISABLE_EOF_CHECK, &error);
    if (all == NULL || pclose(f) != 0) {
        die("ctest does not tell the tests of %s", build);
    }
    return all;
}

struct suite suite_read(struct arena *a, const char *build)
{
    json_t *all = told_by_ctest(a, build);
    const json_t *rows = json_object_get(all, "tests");
    struct suite s = {arena_array(a, json_array_size(rows) + 1, sizeof *s.tests), 0};
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        const json_t *properties = json_object_get(row, "properties");
        struct test *t = &s.tests[s.count++];
        *t = (struct test){.skip_code = -1, .folder = build, .usable = true};
        t->name = arena_strdup(a, json_string_value(json_object_get(row, "name")));
        t->argv = strings(a, json_object_get(row, "command"));
        t->env = t->sets_up = t->cleans_up = t->requires = strings(a, NULL);
        for (size_t p = 0; p < json_array_size(properties); p++) {
            read_property(a, json_array_get(properties, p), t);
        }
        t->usable =
            t->usable && t->sets_up[0] == NULL && t->cleans_up[0] == NULL && t->argv[0] != NULL;
    }
    json_decref(all);
    return s;
}

static size_t length(char *const *list)
{
    size_t n = 0;
    while (list[n] != NULL) {
        n++;
    }
    return n;
}

char **suite_env(struct arena *a, const struct test *t, const char *const *more)
{
    size_t ours = length(environ);
    size_t n = 0;
    char **out = arena_array(a, ours + length(t->env) + 8, sizeof *out);
    for (size_t i = 0; i < length(t->env); i++) { /* the first of a name counts */
        out[n++] = t->env[i];
    }
    for (; *more != NULL; more++) {
        out[n++] = arena_strdup(a, *more);
    }
    for (size_t i = 0; i < ours; i++) {
        out[n++] = environ[i];
    }
    out[n] = NULL;
    return out;
}

const char *suite_variable(const struct suite *s, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < s->count; i++) {
        for (char **e = s->tests[i].env; *e != NULL; e++) {
            if (strncmp(*e, name, len) == 0 && (*e)[len] == '=') {
                return *e + len + 1;
            }
        }
    }
    return getenv(name);
}

static void run_fixture(struct arena *a, const struct test *t, const char *output)
{
    static const char *const nothing[] = {NULL};
    struct child c = {.argv = t->argv,
                      .env = suite_env(a, t, nothing),
                      .folder = t->folder,
                      .output = output,
                      .seconds_max = FIXTURE_SECONDS_MAX};
    struct child_end end = child_run(&c);
    if (end.code != 0) {
        die("the fixture %s failed: %s", t->name, output);
    }
}

/* Whether those that are done set up this fixture. */
static bool is_up(const struct suite *s, const bool *done, const char *fixture)
{
    for (size_t i = 0; i < s->count; i++) {
        for (char **up = s->tests[i].sets_up; done[i] && *up != NULL; up++) {
            if (strcmp(*up, fixture) == 0) {
                return true;
            }
        }
    }
    return false;
}

static bool is_ready(const struct suite *s, const bool *done, const struct test *t)
{
    for (char **need = t->requires; *need != NULL; need++) {
        if (!is_up(s, done, *need)) {
            return false;
        }
    }
    return true;
}

void suite_set_up(struct arena *a, const struct suite *s, const char *output)
{
    bool *done = arena_array(a, s->count + 1, sizeof *done);
    memset(done, 0, s->count * sizeof *done);
    for (bool moved = true; moved;) {
        moved = false;
        for (size_t i = 0; i < s->count; i++) {
            const struct test *t = &s->tests[i];
            if (t->sets_up[0] != NULL && !done[i] && is_ready(s, done, t)) {
                run_fixture(a, t, output);
                done[i] = moved = true;
            }
        }
    }
}

void suite_clean_up(struct arena *a, const struct suite *s, const char *output)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->tests[i].cleans_up[0] != NULL) {
            run_fixture(a, &s->tests[i], output);
        }
    }
}
