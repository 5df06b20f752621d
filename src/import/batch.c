/* From a file's events to the log. An interrupted import leaves whole appends; importing again stores the rest. */
#include "import/batch.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json/jdoc.h"
#include "base/mem.h"
#include "base/stop.h"
#include "domain/shop/event_salvage.h"
#include "domain/shop/event_tree.h"
#include "domain/shop/placeholder.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

enum {
    BATCH_EVENTS = 10000,
    BATCH_BYTES = 8 << 20, /* of bodies: large invoices fill a batch sooner */
    WRITERS = 2,
    TRIES = 5,
};

static_assert((int)EVENT_TYPE_COUNT <= (int)IMPORT_TYPES_MAX, "import_result counts every type");
static_assert((int)CAUSES <= (int)IMPORT_CAUSES_MAX, "and every cause");

/* The rows of one writer's lanes. */
struct part {
    struct event_row *rows; /* BATCH_EVENTS */
    size_t count;
};

struct load {
    struct arena arena; /* of the rows' texts */
    struct part parts[WRITERS];
    size_t count;
    size_t bytes;
    int64_t received_us;
};

/* Between start and join only its thread touches it. */
struct writer {
    struct db *db;
    pthread_t thread;
    const struct part *part;
    int64_t received_us;
    enum append_status *status; /* BATCH_EVENTS */
    bool done;
    struct err err;
};

struct batch {
    struct import_result *result;
    const char *ids_allowed;
    struct arena decoding; /* of one event */
    struct load loads[2];  /* one is being filled, the other being written */
    struct load *filling;
    struct writer writers[WRITERS];
    int running; /* writers that were started and not yet joined */
};

bool batch_open(const struct database *database, const char *ids_allowed,
                struct import_result *result, struct batch **out, struct err *err)
{
    /* Room for all rows at once: how much an import takes must not depend on its file. */
    struct batch *b = mem_alloc(sizeof *b);
    b->result = result;
    b->ids_allowed = ids_allowed;
    b->filling = &b->loads[0];
    for (size_t w = 0; w < WRITERS; w++) {
        b->loads[0].parts[w].rows = mem_array(BATCH_EVENTS, sizeof(struct event_row));
        b->loads[1].parts[w].rows = mem_array(BATCH_EVENTS, sizeof(struct event_row));
        b->writers[w].status = mem_array(BATCH_EVENTS, sizeof(enum append_status));
        /* A connection each, or the two statements would run one after the other. */
        if (!database_connect(database, &b->writers[w].db, err)) {
            batch_close(&b);
            return false;
        }
    }
    *out = b;
    return true;
}

/* ---- writing ---- */

/* Beside a running service a lock may be waited for too long; a batch is safe to send again. */
static void *write_part(void *writer)
{
    struct writer *w = writer;
    for (int try = 1;; try++) {
        w->err = (struct err){0}; /* of this try alone */
        w->done = store_events_append(w->db, w->part->rows, w->part->count, ORIGIN_IMPORT,
                                      w->received_us, w->status, &w->err);
        /* Only what the database calls passing is tried again, a little later each time; a stop asked for
         * meanwhile ends the waiting. */
        if (w->done || try == TRIES || !db_retryable(w->db) ||
            stop_wait_us(SECONDS(1) / 10 * try)) {
            return NULL;
        }
    }
}

static void count_statuses(struct import_result *result, const struct writer *w)
{
    /* After the join, on the caller's thread: the result needs no lock. */
    for (size_t i = 0; i < w->part->count; i++) {
        result->stored += w->status[i] == APPEND_STORED;
        result->duplicate += w->status[i] == APPEND_DUPLICATE;
        result->conflict += w->status[i] == APPEND_CONFLICT;
    }
}

/* Waits for the writers and counts what they did. */
static bool join_writers(struct batch *b, struct err *err)
{
    bool done = true;
    for (int i = 0; i < b->running; i++) {
        struct writer *w = &b->writers[i];
        (void)pthread_join(w->thread, NULL);
        /* One may have committed though the other failed: what is stored is counted. */
        if (w->done) {
            count_statuses(b->result, w);
        } else {
            *err = w->err;
            done = false;
        }
    }
    b->running = 0;
    return done;
}

static bool start_writers(struct batch *b, const struct load *load, struct err *err)
{
    for (int i = 0; i < WRITERS; i++) {
        struct writer *w = &b->writers[i];
        w->part = &load->parts[i];
        w->received_us = load->received_us;
        if (pthread_create(&w->thread, NULL, write_part, w) != 0) {
            /* the ones that run are joined by batch_finish or batch_close */
            return FAIL(err, ERR_BUSY, "the system gives no more threads");
        }
        b->running++;
    }
    return true;
}

static void load_reset(struct load *load)
{
    for (int i = 0; i < WRITERS; i++) {
        load->parts[i].count = 0;
    }
    load->count = 0;
    load->bytes = 0;
    arena_reset(&load->arena);
}

/* Hands what was filled to the writers and goes on with the other load. */
static bool send(struct batch *b, struct err *err)
{
    /* One load under way at most: that is what keeps a lane's events in the order of the file. */
    if (!join_writers(b, err)) {
        return false;
    }
    struct load *full = b->filling;
    b->filling = full == &b->loads[0] ? &b->loads[1] : &b->loads[0];
    load_reset(b->filling);
    return start_writers(b, full, err);
}

bool batch_finish(struct batch *b, struct err *err)
{
    return (b->filling->count == 0 || send(b, err)) && join_writers(b, err);
}

void batch_close(struct batch **b)
{
    if (*b == NULL) {
        return;
    }
    struct err unseen = {0};
    (void)!join_writers(*b, &unseen); /* on a way out that has its own failure to tell */
    for (size_t w = 0; w < WRITERS; w++) {
        db_close(&(*b)->writers[w].db);
        mem_free(&(*b)->writers[w].status);
        mem_free(&(*b)->loads[0].parts[w].rows);
        mem_free(&(*b)->loads[1].parts[w].rows);
    }
    arena_free(&(*b)->loads[0].arena);
    arena_free(&(*b)->loads[1].arena);
    arena_free(&(*b)->decoding);
    mem_free(b);
}

/* ---- filling ---- */

/* What is wrong is said by how far it gets. */
CAN_FAIL static bool decode_doc(struct batch *b, struct jval doc, struct event *out,
                                struct batch_said *said, struct err *err)
{
    struct event_sent sent = {.received_us = b->filling->received_us};
    /* both, whatever the first finds, where all faults are told */
    const bool real_ids = placeholders_refuse(doc, b->ids_allowed, &b->decoding, err);
    said->cause = real_ids ? CAUSE_BAD_EVENT : CAUSE_NO_ID;
    return (real_ids || !err_is_final(err)) &&
           event_decode(doc, ORIGIN_IMPORT, sent, &b->decoding, out, err) && real_ids;
}

static bool read_again(void *ctx, struct jval doc, struct event *out, struct err *err)
{
    struct batch_said unseen;

    return decode_doc(ctx, doc, out, &unseen, err);
}

/* *out_left: the body of what was taken without what is wrong with it, or with ids that were numbers; NULL: as it is. */
CAN_FAIL static bool decode_or_salvage(struct batch *b, struct jval doc, struct event *out,
                                       const char **out_left, struct batch_said *said,
                                       struct err *err)
{
    struct salvaged kept;

    if (decode_doc(b, doc, out, said, err)) {
        said->warning_count = event_warnings(out, doc, &b->decoding, said->warnings);
        *out_left = out->id_as_number ? event_body_of_ids(doc, &b->decoding) : NULL;
        return true;
    }
    if (!event_salvage(doc, read_again, b, 0, &b->decoding, &kept)) {
        return false;
    }
    *out = kept.event;
    out->event_id = kept.row_id;
    *out_left = kept.body;
    said->warning_count = kept.warning_count;
    memcpy(said->warnings, kept.warnings, sizeof said->warnings);
    *err = (struct err){.more = err->more};
    return true;
}

CAN_FAIL static bool decode(struct batch *b, const char *json, size_t len, struct event *out,
                            const char **out_left, struct batch_said *said, struct err *err)
{
    struct jdoc doc;
    *said = (struct batch_said){.cause = CAUSE_BAD_JSON};
    bool good = jdoc_read(&doc, json, len, &b->decoding, err) &&
                decode_or_salvage(b, doc.root, out, out_left, said, err);

    jdoc_free(&doc);
    return good;
}

bool batch_add(struct batch *b, const char *json, size_t len, struct batch_said *out_said,
               struct err *err)
{
    bool full = b->filling->count == BATCH_EVENTS || b->filling->bytes >= BATCH_BYTES;
    if (full && !send(b, err)) {
        return false;
    }
    struct load *load = b->filling;
    /* One time a load, as one append has one: an event ahead of it is judged by the same clock that the log
     * will name. */
    if (load->count == 0) {
        load->received_us = clock_now_us();
    }
    /* Decoded in an arena of its own: only the text is kept until the append. */
    struct event e;
    const char *left = NULL;
    arena_reset(&b->decoding);
    if (!decode(b, json, len, &e, &left, out_said, err)) {
        return false;
    }
    const char *body = left != NULL ? left : arena_strndup(&b->decoding, json, len);
    const char *key = event_key(&e, &load->arena);
    /* By lane, not in turn: two writers that want the same lane would wait for each other. */
    struct part *part = &load->parts[event_lane(key) % WRITERS];
    part->rows[part->count++] = (struct event_row){
        .event_id = arena_strdup(&load->arena, e.event_id),
        .key = key,
        .type = arena_strdup(&load->arena, e.type_name),
        .occurred_us = e.occurred_us,
        .body =
            e.opt_out ? event_mark_opt_out(body, &load->arena) : arena_strdup(&load->arena, body),
    };
    load->count++;
    load->bytes += len;
    b->result->by_type[e.type]++;
    return true;
}
