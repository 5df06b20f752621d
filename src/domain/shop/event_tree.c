/* Copies of events as jansson's trees, and their text. What may be taken out of them is event_salvage.c's to say. */
#include "domain/shop/event_tree.h"

#include "base/cleanup.h"
#include "base/json/jdec.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the copy ---- */

static json_t *members_of(struct jval v, struct arena *a)
{
    const bool named = jval_is(v, JSON_OBJECT);
    json_t *tree = named ? json_object() : json_array();
    struct jwalk w = jwalk_begin(v);

    while (jwalk_next(&w)) {
        json_t *value = event_tree_of(w.value, a);
        (void)(named ? json_object_set_new(tree, jwalk_name(&w, a), value)
                     : json_array_append_new(tree, value));
    }
    return tree;
}

json_t *event_tree_of(struct jval v, struct arena *a)
{
    switch (jval_type(v)) {
    case JSON_OBJECT:
    case JSON_ARRAY:
        return members_of(v, a);
    case JSON_STRING:
        return json_string(jval_text(v, a));
    case JSON_INTEGER:
        return json_integer(jval_integer(v));
    case JSON_REAL:
        return json_real(jval_real(v));
    case JSON_TRUE:
        return json_true();
    case JSON_FALSE:
        return json_false();
    case JSON_NULL:
        break;
    }
    return json_null();
}

/* ---- its text ---- */

/* A number as people write it comes out as it was sent with 15 digits; 17 tell every double, and 4.9 as 4.9000000000000004. */
enum { DIGITS_WRITTEN = 15, DIGITS_EXACT = 17 };

static bool is_written_out(json_t *tree)
{
    const char *name;
    json_t *value;
    size_t i;
    char text[40];

    if (json_is_real(tree)) {
        (void)snprintf(text, sizeof text, "%.*g", DIGITS_WRITTEN, json_real_value(tree));
        return strtod(text, NULL) == json_real_value(tree);
    }
    for (i = 0; i < json_array_size(tree); i++) {
        if (!is_written_out(json_array_get(tree, i))) {
            return false;
        }
    }
    json_object_foreach (tree, name, value) {
        if (!is_written_out(value)) {
            return false;
        }
    }
    return true;
}

const char *event_tree_text(json_t *tree, struct arena *a)
{
    const size_t digits = is_written_out(tree) ? DIGITS_WRITTEN : DIGITS_EXACT;
    char *text = json_dumps(tree, JSON_COMPACT | JSON_REAL_PRECISION(digits));
    const char *kept = text == NULL ? NULL : arena_strdup(a, text);

    free(text);
    return kept;
}

/* ---- ids ---- */

static void ids_as_text(json_t *object, const char *const *names, size_t count)
{
    char digits[24];

    for (size_t i = 0; i < count; i++) {
        const json_t *id = json_object_get(object, names[i]);
        if (json_is_integer(id)) {
            (void)snprintf(digits, sizeof digits, "%" PRId64, (int64_t)json_integer_value(id));
            (void)json_object_set_new(object, names[i], json_string(digits));
        }
    }
}

void event_tree_ids_as_text(json_t *event)
{
    static const char *const ids[] = {"event_id", "customer_id", "anonymous_id",
                                      "cart_id",  "order_id",    "session_id"};
    static const char *const of_items[] = {"product_id", "variant_id", "line_id"};
    const json_t *items = json_object_get(event, "items");

    ids_as_text(event, ids, sizeof ids / sizeof ids[0]);
    for (size_t i = 0; i < json_array_size(items); i++) {
        ids_as_text(json_array_get(items, i), of_items, sizeof of_items / sizeof of_items[0]);
    }
}

const char *event_body_of_ids(struct jval doc, struct arena *a)
{
    CLEANUP(jdec_free) json_t *tree = event_tree_of(doc, a);

    event_tree_ids_as_text(tree);
    return event_tree_text(tree, a);
}
