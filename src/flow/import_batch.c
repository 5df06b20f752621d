/* From a file's events to the log. An interrupted import leaves whole batches; importing again
 * stores the rest. */
#include "flow/import_batch.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/stop.h"

#include <assert.h>
#include <string.h>

enum {
    BATCH_EVENTS = 5000,
    BATCH_BYTES = 8 << 20, /* of bodies: large invoices fill a batch sooner */
    TRIES = 5,
};

static_assert((int)EVENT_TYPE_COUNT <= (int)IMPORT_TYPES_MAX, "import_result counts every type");

struct batch {
    struct db *db;
    struct import_result *result;
    struct arena rows_arena;
    struct arena decoding; /* of one event */
    struct event_row *rows;
    enum append_status *status;
    size_t count;
    size_t bytes;
    int64_t received_us;
};

struct batch *batch_open(struct db *db, struct import_result *result)
{
    struct batch *b = mem_alloc(sizeof *b);
    b->db = db;
    b->result = result;
    b->rows = mem_array(BATCH_EVENTS, sizeof *b->rows);
    b->status = mem_array(BATCH_EVENTS, sizeof *b->status);
    return b;
}

void batch_close(struct batch **b)
{
    if (*b != NULL) {
        arena_free(&(*b)->rows_arena);
        arena_free(&(*b)->decoding);
        mem_free(&(*b)->rows);
        mem_free(&(*b)->status);
        mem_free(b);
    }
}

/* Beside a running service a lock may be waited for too long; a batch is safe to send again. */
static bool append(struct batch *b, struct err *err)
{
    for (int try = 1;; try++) {
        *err = (struct err){0};
        if (store_events_append(b->db, b->rows, b->count, ORIGIN_IMPORT, b->received_us, b->status,
                                err)) {
            return true;
        }
        if (try == TRIES || !db_retryable(b->db) || stop_wait_us(SECONDS(1) / 10 * try)) {
            return false;
        }
    }
}

bool batch_flush(struct batch *b, struct err *err)
{
    if (b->count == 0) {
        return true;
    }
    if (!append(b, err)) {
        return false;
    }
    for (size_t i = 0; i < b->count; i++) {
        b->result->stored += b->status[i] == APPEND_STORED;
        b->result->duplicate += b->status[i] == APPEND_DUPLICATE;
        b->result->conflict += b->status[i] == APPEND_CONFLICT;
    }
    b->count = 0;
    b->bytes = 0;
    arena_reset(&b->rows_arena);
    return true;
}

bool batch_add(struct batch *b, const char *json, size_t len, struct err *err)
{
    if ((b->count == BATCH_EVENTS || b->bytes >= BATCH_BYTES) && !batch_flush(b, err)) {
        return false;
    }
    if (b->count == 0) {
        b->received_us = clock_now_us();
    }
    struct event e;
    arena_reset(&b->decoding);
    if (!event_decode_text(json, len, ORIGIN_IMPORT, b->received_us, &b->decoding, &e, err)) {
        return false;
    }
    b->rows[b->count++] = (struct event_row){
        .event_id = arena_strdup(&b->rows_arena, e.event_id),
        .key = event_key(&e, &b->rows_arena),
        .type = arena_strdup(&b->rows_arena, e.type_name),
        .occurred_us = e.occurred_us,
        .body = arena_strndup(&b->rows_arena, json, len),
    };
    b->bytes += len;
    b->result->by_type[e.type]++;
    return true;
}
