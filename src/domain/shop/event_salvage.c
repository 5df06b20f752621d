/* What is left of an event that has to count though something in it is wrong. What is wrong the decoder says; which member goes for it
 * is judged here. */
#include "domain/shop/event_salvage.h"

#include "base/cleanup.h"
#include "base/json/jdec.h"
#include "domain/shop/said_no.h"

#include <stdlib.h>
#include <string.h>

/* So often it is read, and so many faults of items are borne until all items go. */
enum { ROUNDS_MAX = 64, LINE_FAULTS_MAX = 32 };

struct salvage {
    json_t *root;
    json_t *event;  /* of it: itself, or what a forwarded one wraps */
    const char *in; /* where that is: "" or "/event" */
    size_t line_faults;
    size_t
        lines_gone; /* all in front of the next fault, since the decoder goes from the first to the last */
    struct arena *arena;
    struct salvaged *out;
};

/* ---- a copy to take apart ---- */

static json_t *tree_of(struct jval v, struct arena *a);

static json_t *tree_of_members(struct jval v, struct arena *a)
{
    const bool named = jval_is(v, JSON_OBJECT);
    json_t *tree = named ? json_object() : json_array();
    struct jwalk w = jwalk_begin(v);

    while (jwalk_next(&w)) {
        json_t *value = tree_of(w.value, a);
        (void)(named ? json_object_set_new(tree, jwalk_name(&w, a), value)
                     : json_array_append_new(tree, value));
    }
    return tree;
}

static json_t *tree_of(struct jval v, struct arena *a)
{
    switch (jval_type(v)) {
    case JSON_OBJECT:
    case JSON_ARRAY:
        return tree_of_members(v, a);
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

/* ---- what may be salvaged ---- */

static enum event_type type_of(const json_t *event)
{
    const char *name = json_string_value(json_object_get(event, "type"));

    return name == NULL ? EVENT_UNKNOWN : event_type_of(name);
}

static bool must_count(enum event_type type)
{
    return type == EVENT_PURCHASE || type == EVENT_CONSENT_WITHDRAWN || type == EVENT_CHAT_MESSAGE;
}

/* A no beside properties, where it is not read, must not go with the member that says it. */
static void keep_no(struct salvage *s)
{
    const struct jval event = jval_of_tree(s->event);

    if (type_of(s->event) == EVENT_CHAT_MESSAGE &&
        (no_is_said(event, s->arena) || no_is_written(event, s->arena))) {
        (void)json_object_set_new(s->event, "opt_out", json_true());
    }
}

/* ---- leaving out ---- */

/* The next name of a JSON pointer; false at its end. */
static bool next_name(const char **pointer, char out[ERR_PATH_MAX])
{
    const char *p = *pointer;
    size_t len = 0;

    if (*p != '/') {
        return false;
    }
    for (p++; *p != '\0' && *p != '/' && len + 1 < ERR_PATH_MAX; p++) {
        const bool escape = p[0] == '~' && (p[1] == '0' || p[1] == '1');
        out[len] = *p;
        if (escape) {
            out[len] = p[1] == '0' ? '~' : '/';
            p++;
        }
        len++;
    }
    out[len] = '\0';
    *pointer = p;
    return true;
}

static bool is_essential(const char *name)
{
    return strcmp(name, "event_id") == 0 || strcmp(name, "type") == 0 ||
           strcmp(name, "occurred_at") == 0;
}

/* What it costs goes with its currency: neither says anything alone. False: the line has no such member, or is not one without it. */
static bool leave_out_of_line(json_t *line, const char *name)
{
    if (strcmp(name, "product_id") == 0) {
        return false;
    }
    if (strcmp(name, "currency") == 0 || strcmp(name, "price_minor") == 0) {
        const bool price = json_object_del(line, "price_minor") == 0;
        const bool currency = json_object_del(line, "currency") == 0;
        return price || currency;
    }
    return json_object_del(line, name) == 0;
}

/* rest: the pointer from the number of the line on. *out_where: of the document as it was sent. */
static bool leave_out_of_items(struct salvage *s, const char *rest, const char **out_where)
{
    json_t *items = json_object_get(s->event, "items");
    char number[ERR_PATH_MAX];
    char name[ERR_PATH_MAX];

    if (!next_name(&rest, number) || ++s->line_faults > LINE_FAULTS_MAX) {
        *out_where = "/items";
        return json_object_del(s->event, "items") == 0;
    }
    const size_t at = (size_t)strtoul(number, NULL, 10);
    json_t *line = json_array_get(items, at);
    const size_t sent_at = at + s->lines_gone;
    if (json_is_object(line) && next_name(&rest, name) && leave_out_of_line(line, name)) {
        *out_where = arena_printf(s->arena, "/items/%zu/%s", sent_at, name);
        return true;
    }
    *out_where = arena_printf(s->arena, "/items/%zu", sent_at);
    s->lines_gone++;
    return json_array_remove(items, at) == 0;
}

/* The member that the pointer leads to, or the last on the way that is one of an object. */
static bool leave_out_member(struct salvage *s, const char *pointer)
{
    json_t *in = s->event;
    char name[ERR_PATH_MAX];

    if (!next_name(&pointer, name) || is_essential(name)) {
        return false;
    }
    for (json_t *deeper = json_object_get(in, name); json_is_object(deeper) && *pointer == '/';
         deeper = json_object_get(in, name)) {
        in = deeper;
        (void)next_name(&pointer, name);
    }
    return json_object_del(in, name) == 0;
}

static void tell(struct salvage *s, const char *where, const char *why)
{
    struct salvaged *out = s->out;

    if (out->warning_count < EVENT_WARNINGS_MAX) {
        out->warnings[out->warning_count++] = (struct event_warning){
            .code = "left_out",
            .pointer = arena_strdup(s->arena, where),
            .detail = arena_printf(s->arena, "%s (left out; the rest of the event counts)", why)};
    }
}

static bool leave_out(struct salvage *s, const struct err *fault)
{
    const size_t in_len = strlen(s->in);
    const char *pointer = fault->path + in_len;
    const char *where = pointer;
    static const char items[] = "/items";

    if (strncmp(fault->path, s->in, in_len) != 0) {
        return false;
    }
    const char *rest = pointer + sizeof items - 1;
    const bool of_items =
        strncmp(pointer, items, sizeof items - 1) == 0 && (*rest == '/' || *rest == '\0');
    const bool gone = of_items ? leave_out_of_items(s, rest, &where) : leave_out_member(s, pointer);
    if (gone) {
        tell(s, where, fault->text);
    }
    return gone;
}

/* ---- the whole ---- */

static bool read_rest(struct salvage *s, event_read_fn *read, void *ctx)
{
    for (int i = 0; i < ROUNDS_MAX; i++) {
        struct err fault = {0};
        if (read(ctx, jval_of_tree(s->root), &s->out->event, &fault)) {
            return true;
        }
        if (!leave_out(s, &fault)) {
            return false;
        }
    }
    return false;
}

static const char *text_of(const json_t *tree, struct arena *a)
{
    char *text = json_dumps(tree, JSON_COMPACT | JSON_REAL_PRECISION(17));
    const char *kept = text == NULL ? NULL : arena_strdup(a, text);

    free(text);
    return kept;
}

static void tell_of_rest(struct salvage *s)
{
    struct salvaged *out = s->out;
    struct event_warning rest[EVENT_WARNINGS_MAX];
    const size_t count = event_warnings(&out->event, jval_of_tree(s->event), s->arena, rest);

    for (size_t i = 0; i < count && out->warning_count < EVENT_WARNINGS_MAX; i++) {
        out->warnings[out->warning_count++] = rest[i];
    }
}

bool event_salvage(struct jval doc, event_read_fn *read, void *ctx, struct arena *a,
                   struct salvaged *out)
{
    *out = (struct salvaged){0};
    if (!jval_is(doc, JSON_OBJECT)) {
        return false;
    }
    /* most of what is refused is of other types, and need not be copied */
    const char *name = jval_text(jval_get(doc, "type"), a);
    const enum event_type type = name == NULL ? EVENT_UNKNOWN : event_type_of(name);
    const bool wrapped = type == EVENT_DERIVED_FORWARDED;
    if (!wrapped && !must_count(type)) {
        return false;
    }
    CLEANUP(jdec_free) json_t *root = tree_of(doc, a);
    struct salvage s = {.root = root, .in = wrapped ? "/event" : "", .arena = a, .out = out};
    s.event = wrapped ? json_object_get(root, "event") : root;
    if (!json_is_object(s.event) || !must_count(type_of(s.event))) {
        return false;
    }
    keep_no(&s);
    if (!read_rest(&s, read, ctx) ||
        (out->event.type == EVENT_CHAT_MESSAGE && !event_withdraws(&out->event))) {
        return false;
    }
    out->body = text_of(root, a);
    tell_of_rest(&s);
    return out->body != NULL;
}
