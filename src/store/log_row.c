#include "store/log_row.h"

#include "domain/shop/event_pack.h"

#include <string.h>

/* Between the events that everybody knows and the rows in which they lie. */

struct log_cells log_cells_at(const PGresult *r, int row, struct log_columns at)
{
    return (struct log_cells){.id = row_bytes(r, row, at.id),
                              .id_len = row_len(r, row, at.id),
                              .type = row_i32(r, row, at.type),
                              .origin = row_text(r, row, at.origin)[0],
                              .body = row_text(r, row, at.body),
                              .body_len = row_len(r, row, at.body)};
}

static bool origin_of(char letter, enum event_origin *out, struct err *err)
{
    for (enum event_origin o = ORIGIN_API; o <= ORIGIN_DERIVED; o++) {
        if (event_origin_name(o)[0] == letter) {
            *out = o;
            return true;
        }
    }
    return FAIL(err, ERR_INVALID, "origin \"%c\" is not known", letter);
}

bool log_event_peek(const struct log_cells *cells, struct log_event *e, struct err *err)
{
    e->packed = (struct event_packed){.id = cells->id,
                                      .id_len = cells->id_len,
                                      .type = cells->type,
                                      .body = cells->body,
                                      .body_len = cells->body_len};
    return origin_of(cells->origin, &e->origin, err);
}

bool log_event_open(const struct log_cells *cells, struct arena *a, struct log_event *e,
                    struct err *err)
{
    struct event_form sent;

    if (!log_event_peek(cells, e, err)) {
        return false;
    }
    e->packed.body = arena_strndup(a, cells->body, cells->body_len);
    event_unpack_head(&e->packed, a, &sent);
    e->event_id = sent.event_id;
    e->type = sent.type;
    e->packed.id = NULL; /* lies in the row */
    return true;
}

/* ---- what is made of it ---- */

static struct event_form columns_of(const struct log_event *e)
{
    return (struct event_form){
        .event_id = e->event_id, .key = e->key, .type = e->type, .occurred_us = e->occurred_us};
}

struct event_kept log_event_kept(const struct log_event *e, struct arena *a)
{
    struct event_kept kept = {.columns = columns_of(e),
                              .packed = e->packed,
                              .origin = e->origin,
                              .received_us = e->received_us};

    if (e->event_id == NULL) {
        event_unpack_head(&e->packed, a, &kept.columns);
    }
    return kept;
}

const char *log_event_body(const struct log_event *e, struct arena *a, size_t *out_len)
{
    struct event_form sent = columns_of(e);

    event_unpack_body(&e->packed, a, &sent);
    *out_len = sent.body_len;
    return sent.body;
}

size_t log_event_body_len(const struct log_event *e)
{
    const struct event_form sent = columns_of(e);

    return event_unpacked_len(&e->packed, &sent);
}

/* ---- writing ---- */

struct log_arrays log_arrays_make(size_t count, struct arena *a)
{
    return (struct log_arrays){.ids = arena_array(a, count, sizeof(struct blob)),
                               .types = arena_array(a, count, sizeof(int32_t)),
                               .bodies = arena_array(a, count, sizeof(const char *))};
}

void log_arrays_set(struct log_arrays *arrays, size_t i, const struct event_row *row,
                    struct arena *a)
{
    const struct event_form sent = {.event_id = row->event_id,
                                    .key = row->key,
                                    .type = row->type,
                                    .occurred_us = row->occurred_us,
                                    .body = row->body,
                                    .body_len = strlen(row->body)};
    struct event_packed packed;

    event_pack(&sent, a, &packed);
    arrays->ids[i] = (struct blob){.data = packed.id, .len = packed.id_len};
    arrays->types[i] = packed.type;
    arrays->bodies[i] = packed.body;
}
