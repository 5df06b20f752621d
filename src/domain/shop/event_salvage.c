/* What is left of an event that has to count though something in it is wrong. What is wrong the decoder says; which member goes for it
 * is judged here. */
#include "domain/shop/event_salvage.h"

#include "base/cleanup.h"
#include "base/json/jdec.h"
#include "domain/shop/event_pack.h"
#include "domain/shop/event_tree.h"
#include "domain/shop/placeholder.h"
#include "domain/shop/said_no.h"

#include <inttypes.h>
#include <stdio.h>
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
    bool hurt;           /* more of its lines is gone than what they cost */
    int64_t received_us; /* stands in for a time that cannot be read; 0: nothing does */
    bool untimed;        /* it does so */
    struct arena *arena;
    struct salvaged *out;
};

/* ---- what may be salvaged ---- */

static enum event_type type_of(const json_t *event)
{
    const char *name = json_string_value(json_object_get(event, "type"));

    return name == NULL ? EVENT_UNKNOWN : event_type_of(name);
}

/* An order, a withdrawal, and what says no where that is heard: of these, whether it does. */
static bool may_count(enum event_type type)
{
    return type == EVENT_PURCHASE || type == EVENT_CONSENT_WITHDRAWN || no_is_heard_in(type);
}

static bool counts(const struct event *e)
{
    return event_withdraws(e) || !no_is_heard_in(e->type);
}

static bool says_no(const struct salvage *s, enum event_type type)
{
    const struct jval event = jval_of_tree(s->event);
    const struct jval properties = jval_get(event, "properties");
    const bool chat = type == EVENT_CHAT_MESSAGE;

    return no_is_said(event, s->arena) || no_is_said(properties, s->arena) ||
           (chat && (no_is_written(event, s->arena) || no_is_written(properties, s->arena)));
}

static bool is_refused(const struct salvage *s)
{
    const struct jval event = jval_of_tree(s->event);

    return consent_is_refused(event, s->arena) ||
           consent_is_refused(jval_get(event, "properties"), s->arena);
}

/* Wherever it stands, it must not go with the member that says it. */
static void keep_no(struct salvage *s)
{
    const enum event_type type = type_of(s->event);

    if (no_is_heard_in(type) && says_no(s, type)) {
        (void)json_object_set_new(s->event, "opt_out", json_true());
    }
    if (type == EVENT_CONSENT_GIVEN && is_refused(s)) {
        (void)json_object_set_new(s->event, "type", json_string("consent_withdrawn"));
    }
}

static bool is_a_no(const json_t *event)
{
    const enum event_type type = type_of(event);
    const char *name = json_string_value(json_object_get(event, "type"));

    return type == EVENT_CONSENT_WITHDRAWN || json_is_true(json_object_get(event, "opt_out")) ||
           (type == EVENT_UNKNOWN && name != NULL && no_is_named(name));
}

/* ---- whose it is ---- */

/* "undefined" is nobody, and so is an empty text: the browser is all there is, as in an event without customer. */
static bool names_nobody(const json_t *id)
{
    char digits[24];
    const char *text = json_string_value(id);

    if (json_is_integer(id)) {
        (void)snprintf(digits, sizeof digits, "%" PRId64, (int64_t)json_integer_value(id));
        text = digits;
    }
    return text != NULL && (text[0] == '\0' || placeholder_is(text, ID_OF_SHOPPER, NULL));
}

/* Without the customer that it names and that cannot be read, an order would fall on whoever was logged in in that browser before. A no counts for the
 * browser all the same: one too many costs a message. Without its browser it is still that customer's. */
static bool goes_without(const struct salvage *s, const char *name)
{
    return strcmp(name, "customer_id") != 0 || is_a_no(s->event) ||
           names_nobody(json_object_get(s->event, name));
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
    return strcmp(name, "event_id") == 0 || strcmp(name, "type") == 0;
}

static bool is_of_price(const char *name)
{
    return strcmp(name, "currency") == 0 || strcmp(name, "price_minor") == 0;
}

/* What it costs goes with its currency: neither says anything alone. False: the line has no such member, or is not one without it. */
static bool leave_out_of_line(json_t *line, const char *name)
{
    if (strcmp(name, "product_id") == 0) {
        return false;
    }
    if (is_of_price(name)) {
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
        s->hurt = true;
        *out_where = "/items";
        return json_object_del(s->event, "items") == 0;
    }
    const size_t at = (size_t)strtoul(number, NULL, 10);
    json_t *line = json_array_get(items, at);
    const size_t sent_at = at + s->lines_gone;
    if (json_is_object(line) && next_name(&rest, name) && leave_out_of_line(line, name)) {
        s->hurt = s->hurt || !is_of_price(name);
        *out_where = arena_printf(s->arena, "/items/%zu/%s", sent_at, name);
        return true;
    }
    *out_where = arena_printf(s->arena, "/items/%zu", sent_at);
    s->hurt = true;
    s->lines_gone++;
    return json_array_remove(items, at) == 0;
}

/* The member that the pointer leads to, or the last on the way that is one of an object. */
static bool leave_out_member(struct salvage *s, const char *pointer)
{
    json_t *in = s->event;
    char name[ERR_PATH_MAX];

    if (!next_name(&pointer, name) || is_essential(name) || !goes_without(s, name)) {
        return false;
    }
    for (json_t *deeper = json_object_get(in, name); json_is_object(deeper) && *pointer == '/';
         deeper = json_object_get(in, name)) {
        in = deeper;
        (void)next_name(&pointer, name);
    }
    return json_object_del(in, name) == 0;
}

static void tell(struct salvage *s, const char *where, const char *why, const char *what_counts)
{
    struct salvaged *out = s->out;

    if (out->warning_count < EVENT_WARNINGS_MAX) {
        out->warnings[out->warning_count++] = (struct event_warning){
            .code = "left_out",
            .pointer = arena_strdup(s->arena, where),
            .detail = arena_printf(s->arena, "%s (left out; %s)", why, what_counts)};
    }
}

/* It had happened when it came. */
static bool take_arrival(struct salvage *s, const char *why)
{
    char text[CLOCK_TEXT_MAX];

    if (s->received_us == 0 || s->untimed) {
        return false;
    }
    s->untimed = true;
    (void)event_pack_time(s->received_us, EVENT_PACK_SECONDS, text);
    (void)json_object_set_new(s->event, "occurred_at", json_string(text));
    tell(s, "/occurred_at", why, "the event counts from when it came in");
    return true;
}

/* What joins two and has only one of them joins nobody, but its no counts: as one of a chat message, which is for all channels as well. */
static bool take_for_chat(struct salvage *s, const char *pointer, const char *why)
{
    const enum event_type type = type_of(s->event);
    const char *name = pointer[0] == '/' ? pointer + 1 : "";
    const bool id = strcmp(name, "customer_id") == 0 || strcmp(name, "anonymous_id") == 0;

    if ((type != EVENT_IDENTIFY && type != EVENT_ALIAS) || !id || !is_a_no(s->event) ||
        json_object_get(s->event, name) != NULL) {
        return false;
    }
    (void)json_object_set_new(s->event, "type", json_string(event_type_name(EVENT_CHAT_MESSAGE)));
    tell(s, pointer, why, "the no of the event counts, and it joins nobody: it is a chat_message");
    return true;
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
    if (strcmp(pointer, "/occurred_at") == 0) {
        return take_arrival(s, fault->text);
    }
    if (take_for_chat(s, pointer, fault->text)) {
        return true;
    }
    const bool of_items = strncmp(pointer, items, sizeof items - 1) == 0 &&
                          (pointer[sizeof items - 1] == '/' || pointer[sizeof items - 1] == '\0');
    const char *rest = of_items ? pointer + sizeof items - 1 : pointer;
    const bool gone = of_items ? leave_out_of_items(s, rest, &where) : leave_out_member(s, pointer);
    if (gone) {
        const bool no = is_a_no(s->event) && where[0] == '/' && no_is_named(where + 1);
        tell(s, where, fault->text,
             no ? "it is taken for a no, which is called opt_out" : "the rest of the event counts");
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

static void tell_of_rest(struct salvage *s)
{
    struct salvaged *out = s->out;
    struct event_warning rest[EVENT_WARNINGS_MAX];
    const size_t count = event_warnings(&out->event, jval_of_tree(s->event), s->arena, rest);

    for (size_t i = 0; i < count && out->warning_count < EVENT_WARNINGS_MAX; i++) {
        out->warnings[out->warning_count++] = rest[i];
    }
}

/* The body to store: what was told otherwise than it is read is written as it is read, a time that the log tells alone is not there, and it has an id of
 * its own, so that the mended event finds its place free. */
static const char *body_of(struct salvage *s)
{
    struct salvaged *out = s->out;
    const char *sent_id = out->event.event_id;
    char id[EVENT_DERIVED_ID_MAX];

    out->row_id = arena_strdup(
        s->arena, event_derived_id("left", event_key(&out->event, s->arena), sent_id, id));
    (void)json_object_set_new(s->event, "event_id", json_string(out->row_id));
    (void)json_object_set_new(s->event, "stands_for", json_string(sent_id));
    if (out->event.lines_left_out) {
        (void)json_object_set_new(s->event, "lines_left_out", json_true());
    }
    event_tree_ids_as_text(s->event);
    if (s->untimed) {
        (void)json_object_del(s->event, "occurred_at");
    }
    return event_tree_text(s->root, s->arena);
}

bool event_salvage(struct jval doc, event_read_fn *read, void *ctx, int64_t received_us,
                   struct arena *a, struct salvaged *out)
{
    *out = (struct salvaged){0};
    if (!jval_is(doc, JSON_OBJECT)) {
        return false;
    }
    /* most of what is refused is of other types, and need not be copied */
    const char *name = jval_text(jval_get(doc, "type"), a);
    const enum event_type type = name == NULL ? EVENT_UNKNOWN : event_type_of(name);
    const bool wrapped = type == EVENT_DERIVED_FORWARDED;
    if (!wrapped && !may_count(type) && type != EVENT_CONSENT_GIVEN) {
        return false;
    }
    CLEANUP(jdec_free) json_t *root = event_tree_of(doc, a);
    struct salvage s = {.root = root,
                        .in = wrapped ? "/event" : "",
                        .received_us = received_us,
                        .arena = a,
                        .out = out};
    s.event = wrapped ? json_object_get(root, "event") : root;
    if (!json_is_object(s.event)) {
        return false;
    }
    keep_no(&s);
    if (!may_count(type_of(s.event))) {
        return false;
    }
    if (!read_rest(&s, read, ctx) || !counts(&out->event)) {
        return false;
    }
    if (s.untimed) {
        out->event.occurred_us = received_us; /* whatever a sent_at took off */
    }
    out->event.lines_left_out =
        out->event.lines_left_out || (s.hurt && out->event.type == EVENT_PURCHASE);
    tell_of_rest(&s);
    out->body = body_of(&s);
    return out->body != NULL;
}
