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

bool log_event_open(const struct log_cells *cells, struct arena *a, struct log_event *e,
                    struct err *err)
{
    const struct event_packed packed = {.id = cells->id,
                                        .id_len = cells->id_len,
                                        .type = cells->type,
                                        .body = cells->body,
                                        .body_len = cells->body_len};
    struct event_form sent = {.key = e->key, .occurred_us = e->occurred_us};

    event_unpack(&packed, a, &sent);
    e->event_id = sent.event_id;
    e->type = sent.type;
    e->body_len = sent.body_len;
    /* A plain body is still where the row is. */
    e->body = sent.body == cells->body ? arena_strndup(a, sent.body, sent.body_len) : sent.body;
    return origin_of(cells->origin, &e->origin, err);
}

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
