/* openapi.json against itself and against the tables in C: examples that fit, enums that name what there is, and nothing that is left
 * untyped. That answers are as it says is for the transcripts (tests/api). */
#include "api/schema.h"

#include "domain/affinity/affinity.h"
#include "domain/risk/features.h"
#include "domain/shop/event.h"
#include "domain/shopper/shopper.h"
#include "domain/speak/policy.h"

#include "support/spec.h"

#include <stdio.h>
#include <stdlib.h>

static json_t *doc;

static int load(void **state)
{
    char path[1000];

    (void)state;
    (void)snprintf(path, sizeof path, "%s/src/http/openapi.json", getenv("CARTWRIGHT_SOURCE"));
    doc = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    return doc == NULL ? -1 : 0;
}

static int unload(void **state)
{
    (void)state;
    json_decref(doc);
    return 0;
}

static json_t *schema(const char *name)
{
    json_t *found =
        json_object_get(json_object_get(json_object_get(doc, "components"), "schemas"), name);
    assert_non_null(found);
    return found;
}

/* ---- examples ---- */

struct walk {
    const char *place; /* the path that was entered last */
    int examples;
    int failures;
};

static void check_example(struct walk *w, json_t *of, json_t *value)
{
    char why[WHY_MAX] = "";

    w->examples++;
    if (!schema_fits(doc, of, value, why)) {
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        print_error("%s: %s: %s\n", w->place, why, text);
        free(text);
        w->failures++;
    }
}

/* Beside a schema: one example, or several by name. In a schema: an array of them. */
static void check_examples(struct walk *w, json_t *node)
{
    json_t *beside = json_object_get(node, "schema");
    json_t *examples = json_object_get(node, "examples");
    json_t *one = json_object_get(node, "example");
    const char *name;
    json_t *value;
    size_t i;

    if (beside != NULL && one != NULL) {
        check_example(w, beside, one);
    }
    if (beside != NULL) {
        json_object_foreach (examples, name, value) {
            check_example(w, beside, json_object_get(value, "value"));
        }
    }
    json_array_foreach (examples, i, value) {
        check_example(w, node, value);
    }
}

static void walk_examples(struct walk *w, json_t *node)
{
    const char *name;
    json_t *child;
    size_t i;

    check_examples(w, node);
    json_object_foreach (node, name, child) {
        w->place = name[0] == '/' ? name : w->place;
        /* what stands in an example is a value, and no description */
        if (strcmp(name, "example") != 0 && strcmp(name, "examples") != 0) {
            walk_examples(w, child);
        }
    }
    json_array_foreach (node, i, child) {
        walk_examples(w, child);
    }
}

static void every_example_is_what_its_schema_says(void **state)
{
    struct walk w = {.place = ""};
    (void)state;

    walk_examples(&w, doc);
    assert_int_equal(w.failures, 0);
    assert_true(w.examples > 40);
}

static bool lacks_example(const char *path, const char *type, json_t *media)
{
    return strcmp(type, "application/json") == 0 && strcmp(path, "/openapi.json") != 0 &&
           json_object_get(media, "example") == NULL && json_object_get(media, "examples") == NULL;
}

static void check_response(const char *path, const char *method, json_t *response)
{
    const char *type;
    json_t *media;

    json_object_foreach (json_object_get(response, "content"), type, media) {
        if (lacks_example(path, type, media)) {
            fail_msg("%s %s: an answer has no example", method, path);
        }
    }
}

static void check_examples_of(const char *path, const char *method, json_t *operation)
{
    const char *status;
    json_t *response;

    json_object_foreach (json_object_get(operation, "responses"), status, response) {
        check_response(path, method, response);
    }
}

static void an_answer_of_200_or_201_has_an_example(void **state)
{
    const char *path;
    const char *method;
    json_t *item;
    json_t *operation;
    (void)state;

    json_object_foreach (json_object_get(doc, "paths"), path, item) {
        json_object_foreach (item, method, operation) {
            check_examples_of(path, method, operation);
        }
    }
}

/* ---- types ---- */

static bool is_typed(json_t *s)
{
    static const char *const says[] = {"type", "enum", "oneOf", "anyOf", "$ref"};

    for (size_t i = 0; i < COUNT_OF(says); i++) {
        if (json_object_get(s, says[i]) != NULL) {
            return true;
        }
    }
    return false;
}

static bool is_object(json_t *s)
{
    json_t *type = json_object_get(s, "type");

    return json_is_string(type)
               ? strcmp(json_string_value(type), "object") == 0
               : json_array_size(type) > 0 &&
                     strcmp(json_string_value(json_array_get(type, 0)), "object") == 0;
}

/* An object lists its members, or says what others there may be: clients are made from it. */
static void check_typed(const char *name, json_t *s)
{
    const char *member;
    json_t *sub;

    if (!is_typed(s)) {
        fail_msg("%s has no type", name);
    }
    if (is_object(s) && json_object_get(s, "properties") == NULL &&
        json_object_get(s, "additionalProperties") == NULL) {
        fail_msg("%s is an object of anything", name);
    }
    json_object_foreach (json_object_get(s, "properties"), member, sub) {
        check_typed(member, sub);
    }
    if (json_object_get(s, "items") != NULL) {
        check_typed(name, json_object_get(s, "items"));
    }
}

static void nothing_is_left_untyped(void **state)
{
    const char *name;
    json_t *s;
    (void)state;

    json_object_foreach (json_object_get(json_object_get(doc, "components"), "schemas"), name, s) {
        check_typed(name, s);
    }
}

static void check_no_default(const char *of)
{
    const char *name;
    json_t *s;

    json_object_foreach (json_object_get(schema(of), "properties"), name, s) {
        if (json_object_get(s, "default") != NULL) {
            fail_msg("%s.%s has a default", of, name);
        }
    }
}

static void a_member_that_may_be_left_out_of_a_request_has_no_default(void **state)
{
    static const char *const sent[] = {"Event", "EventItem", "Product", "ProductPatch",
                                       "OutreachRequest"};
    (void)state;
    /* generators of clients take such a member for one that is always there, and ask for it */
    for (size_t i = 0; i < COUNT_OF(sent); i++) {
        check_no_default(sent[i]);
    }
}

/* ---- enums ---- */

/* Name number i of a table; NULL behind the last. */
typedef const char *name_fn(int i);

static const char *rule_at(int i)
{
    return i < RULE_COUNT ? rule_name((enum rule_id)i) : NULL;
}
static const char *outcome_at(int i)
{
    return i <= RULE_NOT_APPLIED ? rule_outcome_name((enum rule_outcome)i) : NULL;
}
static const char *source_at(int i)
{
    return i <= PICK_POPULAR ? pick_source_name((enum pick_source)i) : NULL;
}
static const char *relation_at(int i)
{
    return i + 1 <= RELATION_ALTERNATIVE ? pick_relation_name((enum pick_relation)(i + 1)) : NULL;
}
static const char *tie_at(int i)
{
    return i + 1 <= TIE_VIEWED ? pick_tie_name((enum pick_tie)(i + 1)) : NULL;
}
static const char *group_at(int i)
{
    return i < GROUP_COUNT ? feature_group_name((enum feature_group)i) : NULL;
}
static const char *feature_at(int i)
{
    return i < FEATURE_COUNT ? feature_def((enum feature_id)i)->name : NULL;
}
static const char *state_at(int i)
{
    return i <= STATE_MERGED ? cart_state_name((enum cart_state)i) : NULL;
}

static const struct {
    const char *schema;
    const char *members[5]; /* down to the enum; "[]": the elements of an array */
    name_fn *name;
} enums[] = {
    {"Rules", {"[]", "rule"}, rule_at},
    {"Rules", {"[]", "outcome"}, outcome_at},
    {"Outreach", {"reason"}, rule_at},
    {"Why", {"reason"}, rule_at},
    {"Recommendations", {"items", "[]", "source"}, source_at},
    {"Recommendations", {"items", "[]", "relation"}, relation_at},
    {"Recommendations", {"items", "[]", "because_is"}, tie_at},
    {"Message", {"cards", "[]", "source"}, source_at},
    {"Risk", {"reasons", "[]", "group"}, group_at},
    {"Risk", {"reasons", "[]", "feature"}, feature_at},
    {"Cart", {"state"}, state_at},
    {"CartRow", {"state"}, state_at},
};

static json_t *enum_at(const char *name, const char *const *members)
{
    json_t *s = schema(name);

    for (; *members != NULL; members++) {
        s = strcmp(*members, "[]") == 0
                ? json_object_get(s, "items")
                : json_object_get(json_object_get(s, "properties"), *members);
        assert_non_null(s);
    }
    return json_object_get(s, "enum");
}

static bool has(json_t *names, const char *name)
{
    size_t i;
    json_t *one;

    json_array_foreach (names, i, one) {
        if (json_is_string(one) && strcmp(json_string_value(one), name) == 0) {
            return true;
        }
    }
    return false;
}

/* How many names the table has, each of which must be in the enum. */
static int count_named(json_t *names, const char *schema_name, name_fn *name)
{
    int count = 0;

    for (; name(count) != NULL; count++) {
        if (!has(names, name(count))) {
            fail_msg("%s: %s is missing", schema_name, name(count));
        }
    }
    return count;
}

static void enums_name_what_the_tables_have_and_no_more(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(enums); i++) {
        json_t *names = enum_at(enums[i].schema, enums[i].members);
        const int count = count_named(names, enums[i].schema, enums[i].name);
        if (count != (int)json_array_size(names)) {
            fail_msg("%s/%s: %zu names, the table has %d", enums[i].schema, enums[i].members[0],
                     json_array_size(names), count);
        }
    }
}

static void every_type_of_event_is_told(void **state)
{
    json_t *type = json_object_get(json_object_get(schema("Event"), "properties"), "type");
    const char *words = json_string_value(json_object_get(type, "description"));
    (void)state;

    for (int t = EVENT_UNKNOWN + 1; t < EVENT_DERIVED_SHOPPER_BOUND; t++) {
        assert_text_contains(words, event_type_name((enum event_type)t));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_example_is_what_its_schema_says),
        cmocka_unit_test(an_answer_of_200_or_201_has_an_example),
        cmocka_unit_test(nothing_is_left_untyped),
        cmocka_unit_test(a_member_that_may_be_left_out_of_a_request_has_no_default),
        cmocka_unit_test(enums_name_what_the_tables_have_and_no_more),
        cmocka_unit_test(every_type_of_event_is_told),
    };
    return cmocka_run_group_tests_name("openapi.json", tests, load, unload);
}
