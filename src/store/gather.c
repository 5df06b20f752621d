#include "store/gather.h"

#include "store/log_row.h"

#include <assert.h>

/* One shopper, whole: the parts come as tagged rows of one statement (sql/queries/gather.sql). */

enum part { PART_SHOPPER, PART_EVENT, PART_SENT, PARTS };
enum column {
    PART,
    N,
    M,
    ID,
    TYPE,
    ORIGIN,
    OCCURRED,
    RECEIVED,
    BODY,
    HEAVY,
    HELD,
    PACKED_ID,
    CODE,
    SHARED
};

static void shopper_at(const PGresult *r, int row, struct arena *a, struct shopper_rows *out)
{
    out->found = true; /* the row is there for every key, stored or not */
    /* The parts of a UNION have the same columns: what has none of its own travels in those of
     * events, the document as type, the base as origin. */
    out->folded_off = row_i64(r, row, N);
    out->lane = row_i32(r, row, M);
    out->key = row_text_copy(r, row, ID, a);
    out->doc = row_text_copy(r, row, TYPE, a);
    out->base = row_text_copy(r, row, ORIGIN, a);
    out->heavy = row_bool(r, row, HEAVY);
    out->held = row_bool(r, row, HELD);
    out->shared = row_bool(r, row, SHARED);
}

static bool event_at(const PGresult *r, int row, struct arena *a, struct shopper_rows *out,
                     struct err *err)
{
    struct log_event *e = &out->events.events[out->events.count++];
    const struct log_cells cells = log_cells_at(
        r, row,
        (struct log_columns){.id = PACKED_ID, .type = CODE, .origin = ORIGIN, .body = BODY});

    *e = (struct log_event){.lane = out->lane,
                            .key = out->key,
                            .off = row_i64(r, row, N),
                            .occurred_us = row_time(r, row, OCCURRED),
                            .received_us = row_time(r, row, RECEIVED)};
    if (!log_event_open(&cells, a, e, err)) {
        return false;
    }
    out->event_bytes += (int64_t)log_event_body_len(e);
    return true;
}

static void sent_at(const PGresult *r, int row, struct arena *a, struct shopper_rows *out)
{
    out->sent[out->sent_count++] = (struct sent){.subject = row_text_copy(r, row, TYPE, a),
                                                 .round = row_i64(r, row, N),
                                                 .step = row_i64(r, row, M),
                                                 .outreach_id = row_text_copy(r, row, ID, a),
                                                 .cart_digest = row_text_copy(r, row, ORIGIN, a),
                                                 .decided_us = row_time(r, row, OCCURRED)};
}

/* The shopper comes first: events borrow its key. */
static bool part_at(const PGresult *r, int row, struct arena *a, struct shopper_rows *out,
                    struct err *err)
{
    switch ((enum part)row_i32(r, row, PART)) {
    case PART_SHOPPER:
        shopper_at(r, row, a, out);
        return true;
    case PART_EVENT:
        /* A part of them is of no use, and must not be held twice. */
        return out->cut || event_at(r, row, a, out, err);
    case PART_SENT:
        sent_at(r, row, a, out);
        return true;
    case PARTS:
        break;
    }
    return FAIL(err, ERR_INTERNAL, "a row of an unknown part");
}

/* The arena cannot grow an array in place. Room for each part, counted before it is filled. */
static void make_room(const PGresult *r, struct arena *a, struct shopper_rows *out)
{
    size_t counts[PARTS] = {0};

    for (int row = 0; row < PQntuples(r); row++) {
        int part = row_i32(r, row, PART);
        assert(part >= 0 && part < PARTS);
        counts[part]++;
    }
    assert(counts[PART_SHOPPER] <= 1);
    out->events.events = arena_array(a, counts[PART_EVENT], sizeof *out->events.events);
    out->sent = arena_array(a, counts[PART_SENT], sizeof *out->sent);
}

/* Then one event more came than was asked for, or the one that went beyond the bytes. Those are counted as in the statement: as they lie there. */
static bool is_more(const PGresult *r, const struct shopper_ask *ask)
{
    int64_t events = 0;
    int64_t bytes = 0;

    for (int row = 0; row < PQntuples(r); row++) {
        if (row_i32(r, row, PART) == PART_EVENT) {
            events++;
            bytes += (int64_t)row_len(r, row, BODY);
        }
    }
    return ask->events_most > 0 && (events > ask->events_most || bytes > ask->bytes_most);
}

bool store_gather(struct db *db, const struct shopper_ask *ask, struct arena *a,
                  struct shopper_rows *out, struct err *err)
{
    CLEANUP(rows_clear) PGresult *rows = NULL;
    struct shopper_rows got = {.whole = ask->whole};
    struct params p = params_make(a);

    assert((ask->key != NULL) + (ask->cart_id != NULL) == 1);
    param_text(&p, ask->key);
    param_text(&p, ask->cart_id);
    param_bool(&p, ask->whole);
    param_bool(&p, ask->for_decision);
    /* one more, to see whether there are more */
    param_i64(&p, ask->events_most > 0 ? ask->events_most + 1 : INT64_MAX);
    param_i64(&p, ask->events_most > 0 ? ask->bytes_most : INT64_MAX);
    if (!db_query(db, Q_shopper_gather, &p, &rows, err)) {
        return false;
    }
    make_room(rows, a, &got);
    got.cut = is_more(rows, ask);
    for (int row = 0; row < PQntuples(rows); row++) {
        if (!part_at(rows, row, a, &got, err)) {
            return false;
        }
        /* few bytes in the log may be very many as they were sent */
        got.cut = got.cut || (ask->events_most > 0 && got.event_bytes > ask->bytes_most);
    }
    got.events.count = got.cut ? 0 : got.events.count;
    /* Who is heavy can be had from a state on the way. */
    got.held = got.held || (got.cut && got.heavy);
    got.cut = got.cut && !got.heavy;
    *out = got;
    return true;
}

bool store_cart_keepers(struct db *db, const char *cart_id, struct arena *a,
                        const char *out[KEEPERS_MAX + 1], size_t *out_count, struct err *err)
{
    CLEANUP(rows_clear) PGresult *rows = NULL;
    struct params p = params_make(a);

    param_text(&p, cart_id);
    param_i64(&p, KEEPERS_MAX + 1);
    if (!db_query(db, Q_cart_keepers, &p, &rows, err)) {
        return false;
    }
    *out_count = (size_t)PQntuples(rows);
    for (size_t i = 0; i < *out_count; i++) {
        out[i] = row_text_copy(rows, (int)i, 0, a);
    }
    return true;
}
