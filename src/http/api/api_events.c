/* POST /v1/events: every event is decoded by domain/shop/event.h, and answered after its COMMIT. */
#include "base/clock.h"
#include "base/metric.h"
#include "domain/shop/event.h"
#include "domain/shop/event_hints.h"
#include "domain/shop/event_salvage.h"
#include "domain/shop/event_tree.h"
#include "domain/shop/event_warnings.h"
#include "domain/shop/placeholder.h"
#include "eventlog/intake.h"
#include "eventlog/refused.h"
#include "http/api/elements.h"
#include "http/api/router.h"
#include "http/wire/respond.h"

#include <string.h>

struct decoding {
    struct arena *arena;
    const char *ids_allowed;
    size_t bytes_max; /* of an event beside its items */
    struct event_sent sent;
    struct event_row *rows;
    bool *opt_out; /* of rows */
    const char **
        left; /* of rows: the body of one that was taken without what is wrong, or with ids that were numbers; NULL: as sent */
    size_t *element; /* rows[i] came from this element */
    struct warned {
        struct event_warning *all;
        size_t count;
    } * warned;     /* of rows */
    size_t count;   /* of rows */
    size_t refused; /* counted by their types */
};

static void prepare(void *ctx, size_t count, struct arena *a)
{
    struct decoding *d = ctx;

    d->arena = a;
    d->rows = arena_array(a, count, sizeof *d->rows);
    d->element = arena_array(a, count, sizeof *d->element);
    d->opt_out = arena_array(a, count, sizeof *d->opt_out);
    d->left = arena_array(a, count, sizeof(const char *));
    d->warned = arena_array(a, count, sizeof *d->warned);
}

/* Kept only where there are any: nearly all events are without. */
static struct warned warned_copy(const struct event_warning *all, size_t count, struct arena *a)
{
    struct warned w = {.count = count};

    if (count > 0) {
        w.all = arena_array(a, count, sizeof *w.all);
        memcpy(w.all, all, count * sizeof *w.all);
    }
    return w;
}

static struct warned warned_of(const struct event *event, struct jval doc, struct arena *a)
{
    struct event_warning all[EVENT_WARNINGS_MAX];

    return warned_copy(all, event_warnings(event, doc, a, all), a);
}

/* Only good elements become rows. The body follows later, when every element has its NUL. */
static void add_row(struct decoding *d, size_t index, const struct event *event)
{
    d->element[d->count] = index;
    d->opt_out[d->count] = event->opt_out;
    d->rows[d->count++] = (struct event_row){.event_id = event->event_id,
                                             .key = event_key(event, d->arena),
                                             .type = event->type_name,
                                             .occurred_us = event->occurred_us};
}

static bool read_whole(void *ctx, struct jval doc, struct event *out, struct err *err)
{
    struct decoding *d = ctx;

    return placeholders_refuse(doc, d->ids_allowed, d->arena, err) &&
           event_decode(doc, ORIGIN_API, d->sent, d->arena, out, err);
}

/* What is too long is so by what its sender attached: the longer of its free-form objects is at fault. */
CAN_FAIL static bool check_length(const struct decoding *d, const json_t *doc, struct err *err)
{
    const json_t *context = json_object_get(doc, "context");
    const json_t *properties = json_object_get(doc, "properties");
    const size_t context_len = json_dumpb(context, NULL, 0, JSON_COMPACT);
    const bool longer = context_len > json_dumpb(properties, NULL, 0, JSON_COMPACT);

    if (element_len(doc, "items") <= d->bytes_max) {
        return true;
    }
    return FAIL_AT(err, ERR_INVALID, longer ? "/context" : "/properties",
                   "makes the event longer than %zu bytes beside items", d->bytes_max);
}

static bool read_short(void *ctx, struct jval doc, struct event *out, struct err *err)
{
    return check_length(ctx, doc.tree, err) && read_whole(ctx, doc, out, err);
}

static bool decode_what_is_left(struct decoding *d, size_t index, struct jval doc,
                                event_read_fn *read)
{
    struct salvaged kept;

    if (!event_salvage(doc, read, d, d->sent.received_us, d->arena, &kept)) {
        const char *type = jval_text(jval_get(doc, "type"), d->arena);
        refused_count(type);
        d->refused++;
        return false;
    }
    d->left[d->count] = kept.body;
    d->warned[d->count] = warned_copy(kept.warnings, kept.warning_count, d->arena);
    kept.event.event_id = kept.row_id;
    add_row(d, index, &kept.event);
    return true;
}

static bool decode(void *ctx, size_t index, struct jval doc, struct err *err)
{
    struct decoding *d = ctx;
    struct event event;

    /* both, whatever the first finds: the sender learns of all at once */
    bool real_ids = placeholders_refuse(doc, d->ids_allowed, d->arena, err);
    if (!event_decode(doc, ORIGIN_API, d->sent, d->arena, &event, err) || !real_ids) {
        return decode_what_is_left(d, index, doc, read_whole);
    }
    d->warned[d->count] = warned_of(&event, doc, d->arena);
    if (event.id_as_number) {
        d->left[d->count] = event_body_of_ids(doc, d->arena);
    }
    add_row(d, index, &event);
    return true;
}

/* The stored one stays: which of the two bodies is right, nobody here can know. But its sender may have mended it. */
static const char *conflict_detail(const struct event_row *row, const char *differ, struct arena *a)
{
    static const char detail[] = "an event with this id and another body is stored already";
    const size_t prefix = strlen(EVENT_STAND_IN_PREFIX);
    const bool stands_in = strncmp(row->event_id, EVENT_STAND_IN_PREFIX, prefix) == 0;

    return differ == NULL
               ? detail
               : arena_printf(a, "%s, and stays; they differ in %s: %s", detail, differ,
                              stands_in
                                  ? "with nothing wrong it is taken under this id"
                                  : "what was mended is sent under a new event_id (rows of one "
                                    "order_id are one order)");
}

/* Of the first conflicts of a request; NULL of the others, which are of the same kind, and where the database has no time. */
static const char **read_differences(const struct request *rq, const struct decoding *d,
                                     const enum append_status *status)
{
    enum { TOLD_MAX = 20 };
    const char **all = arena_array(d->arena, d->count, sizeof(const char *));
    CLEANUP(pool_return) struct lease lease = {.pool = rq->app->pool};
    struct err unseen = {0};
    int told = 0;

    for (size_t i = 0; i < d->count && told < TOLD_MAX; i++) {
        if (status[i] != APPEND_CONFLICT) {
            continue;
        }
        told++;
        if ((lease.db == NULL && !pool_lease(rq->app->pool, &lease, &unseen)) ||
            !store_events_differ(lease.db, &d->rows[i], d->arena, &all[i], &unseen)) {
            break;
        }
    }
    return all;
}

static void tell(struct element *e, const struct event_row *row, enum append_status status,
                 const char *differ, struct arena *a)
{
    switch (status) {
    case APPEND_STORED:
        e->status = "stored";
        break;
    case APPEND_DUPLICATE:
        /* no fault: a client that got no answer sends again, and event_id makes that idempotent */
        e->status = "duplicate";
        break;
    case APPEND_CONFLICT:
        refused_count(row->type);
        element_refuse(e, "conflict", "/event_id", conflict_detail(row, differ, a), a);
        break;
    }
}

/* A type that nobody knows is no error: shops send types of their own. But it may be a slip. */
static const char *type_warning(const char *type, struct arena *a)
{
    const char *meant = event_type_hint(type);

    return arena_printf(
        a, "is not known here: the event is kept and counted, and changes no cart%s%s%s",
        meant != NULL ? "; did you mean " : "", meant != NULL ? meant : "",
        meant != NULL ? "?" : "");
}

static void put_warnings(struct element *e, const char *type, const struct warned *w,
                         struct arena *a)
{
    const bool known = event_type_of(type) != EVENT_UNKNOWN;

    if (known && w->count == 0) {
        return;
    }
    e->warnings = arena_array(a, w->count + 1, sizeof *e->warnings);
    if (!known) {
        e->warnings[e->warning_count++] = (struct element_fault){"/type", type_warning(type, a)};
    }
    for (size_t i = 0; i < w->count; i++) {
        e->warnings[e->warning_count++] =
            (struct element_fault){w->all[i].pointer, w->all[i].detail};
    }
}

/* When the batch was sent, by the sender's clock. In the query, since beacons set no headers and a body may be lines. */
CAN_FAIL static bool read_sent(const struct request *rq, struct event_sent *out, struct err *err)
{
    const char *sent = request_param(rq, "sent_at");
    struct err why = {0};

    *out = (struct event_sent){.received_us = rq->received_us};
    return sent == NULL || clock_parse_rfc3339(sent, &out->sent_us, &why) ||
           FAIL_AT(err, ERR_INVALID, "sent_at", "%s", why.text);
}

static bool too_long(void *ctx, size_t index, struct jval doc)
{
    return decode_what_is_left(ctx, index, doc, read_short);
}

CAN_FAIL bool api_events_post(struct request *rq, struct err *err)
{
    const struct config *config = rq->app->config;
    struct decoding d = {.ids_allowed = config->ids_allowed,
                         .bytes_max = (size_t)config->event_bytes_max};
    struct element_reader reader = {.id_name = "event_id",
                                    .bytes_max = d.bytes_max,
                                    .beside = "items", /* a wholesale order has 2,000 */
                                    .too_long = too_long,
                                    .prepare = prepare,
                                    .decode = decode,
                                    .ctx = &d};
    struct elements elements;

    if (!read_sent(rq, &d.sent, err)) {
        return false;
    }
    if (!elements_read(rq, &reader, &elements)) {
        return true;
    }
    /* here, as the log never sees them; the others are counted after their commit */
    metric_add(METRIC_events_invalid, elements.count - d.count);
    metric_add(METRIC_events_refused_other, elements.count - d.count - d.refused);
    enum append_status *status = arena_array(&rq->arena, d.count, sizeof *status);
    for (size_t i = 0; i < d.count; i++) {
        const char *text = d.left[i] != NULL ? d.left[i] : elements.items[d.element[i]].text;
        d.rows[i].body = d.opt_out[i] ? event_mark_opt_out(text, &rq->arena) : text;
    }
    /* Waits for the COMMIT: a 2xx before it would be a promise that a crash can break. Where it
     * fails, the whole request is to be sent again, which stores nothing twice. */
    if (d.count > 0 && !intake_submit(rq->app->intake, d.rows, d.count, status, err)) {
        return false;
    }
    const char *const *differ = read_differences(rq, &d, status);
    for (size_t i = 0; i < d.count; i++) {
        struct element *e = &elements.items[d.element[i]];
        tell(e, &d.rows[i], status[i], differ[i], &rq->arena);
        put_warnings(e, d.rows[i].type, &d.warned[i], &rq->arena);
    }
    elements_answer(rq, &elements);
    return true;
}
