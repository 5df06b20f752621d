/* Group commit of the event log, the requests' side. Each request is copied once, split by lane, and queued; a writer
 * (intake_writer.c) commits whatever waits for its lanes in one statement and wakes the requests. The
 * copy is what lets a request leave at its deadline while a writer is still stuck in the database with
 * the rows. One leaf mutex guards queues, counts and answers; rows and statuses are touched outside of
 * it, by the one writer that took the part. */
#include "eventlog/intake.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/metric.h"
#include "eventlog/intake_internal.h"

#include <assert.h>
#include <string.h>

enum { PART_ROWS_ALONE = 1 << 30 }; /* intake_batch 1: a request is one part, whatever its size */

/* ---- submissions ---- */

void submission_let_go(struct submission *s)
{
    size_t held = atomic_fetch_sub(&s->holders, 1);

    assert(held > 0);
    if (held == 1) {
        struct arena arena = s->arena; /* it lies in there itself */
        arena_free(&arena);
    }
}

/* Parts of one lane's rows, none larger than a commit may be. */
static void parts_add(struct submission *s, int lane, size_t first, size_t count, size_t part_max)
{
    for (size_t done = 0; done < count; done += part_max) {
        size_t left = count - done;
        s->parts[s->part_count++] = (struct part){.owner = s,
                                                  .first = first + done,
                                                  .count = left < part_max ? left : part_max,
                                                  .lane = lane};
    }
}

/* Where each lane's rows begin: by writer, so that two writers never want the same lane's row (they would only wait for each other), then by
 * lane. first[LANES] is no lane's. */
static void lanes_lay_out(const struct intake *in, const int *lane_of, size_t count,
                          size_t first[LANES], size_t rows[LANES])
{
    size_t filled = 0;

    memset(rows, 0, LANES * sizeof *rows);
    for (size_t i = 0; i < count; i++) {
        rows[lane_of[i]]++;
    }
    for (int w = 0; w < in->writer_count; w++) {
        for (int lane = w; lane < LANES; lane += in->writer_count) {
            first[lane] = filled;
            filled += rows[lane];
        }
    }
    assert(filled == count);
}

static struct event_row row_copy(const struct event_row *row, struct arena *a)
{
    return (struct event_row){.event_id = arena_strdup(a, row->event_id),
                              .key = arena_strdup(a, row->key),
                              .type = arena_strdup(a, row->type),
                              .occurred_us = row->occurred_us,
                              .body = arena_strdup(a, row->body)};
}

static struct submission *submission_make(const struct intake *in, const struct event_row *rows,
                                          size_t count)
{
    struct arena arena = {0};
    struct submission *s = arena_alloc(&arena, sizeof *s);
    int *lane_of = arena_array(&arena, count, sizeof *lane_of);
    size_t part_max = in->batch == 1 ? PART_ROWS_ALONE : in->batch;
    size_t first[LANES];
    size_t rows_of[LANES];

    s->count = count;
    s->rows = arena_array(&arena, count, sizeof *s->rows);
    s->origin = arena_array(&arena, count, sizeof *s->origin);
    s->status = arena_array(&arena, count, sizeof *s->status);
    /* whole parts, and one that is not for each lane there is */
    s->parts =
        arena_array(&arena, count / part_max + (count < LANES ? count : LANES), sizeof *s->parts);
    for (size_t i = 0; i < count; i++) {
        lane_of[i] = event_lane(rows[i].key);
    }
    lanes_lay_out(in, lane_of, count, first, rows_of);
    for (size_t i = 0; i < count; i++) {
        size_t at = first[lane_of[i]]++;
        s->rows[at] = row_copy(&rows[i], &arena);
        s->origin[at] = i;
    }
    for (int lane = 0; lane < LANES; lane++) { /* first has become the end */
        parts_add(s, lane, first[lane] - rows_of[lane], rows_of[lane], part_max);
    }
    s->waiting = s->part_count;
    /* + 1: the caller, who may leave at its deadline while a writer reads the rows */
    atomic_init(&s->holders, s->part_count + 1);
    s->arena = arena; /* from here on nothing more is allocated in it */
    return s;
}

/* Under the lock. Of many small requests the first writer commits all: two would only commit half as much each time. */
static struct writer *writer_of(struct intake *in, int lane)
{
    return &in->writers[in->spread ? lane % in->writer_count : 0];
}

/* Under the lock. */
static void queue_put(struct intake *in, struct submission *s)
{
    /* Nothing that moves was waiting: a stall is counted from here on. */
    in->progress_us = in->queued == in->held.total ? clock_monotonic_us() : in->progress_us;
    latch_make(&s->answered, writer_of(in, s->parts[0].lane)->door);
    for (size_t i = 0; i < s->part_count; i++) {
        queue_add(writer_of(in, s->parts[i].lane), &s->parts[i]);
    }
    in->queued += s->count;
    metric_add(METRIC_intake_queue, s->count);
}

static bool submission_enter(struct intake *in, struct submission *s, struct err *err)
{
    (void)pthread_mutex_lock(&in->lock);
    bool closing = in->closing;
    /* A request larger than the whole queue is let in when nothing else waits. What waits for a held lane fills nobody else's
     * queue, and has a bound of its own. */
    size_t moving = in->queued - in->held.total;
    bool full = moving > 0 && moving + s->count > in->queue_max;
    bool held = held_is_full(in, s);
    size_t waiting = held ? in->held.total : in->queue_max;
    if (!closing && !full && !held) {
        queue_put(in, s);
        in->inside++;
    }
    (void)pthread_mutex_unlock(&in->lock);
    if (closing) {
        return FAIL(err, ERR_BUSY, "is shutting down, nothing was stored");
    }
    if (full || held) {
        return FAIL(err, ERR_BUSY, "%zu events wait already%s, nothing was stored", waiting,
                    held ? " for a lane that another transaction holds" : "");
    }
    return true;
}

/* The deadline has passed: writers that have not begun with a part may drop it. True if the last answer came all the same. */
static bool submission_late(struct intake *in, struct submission *s)
{
    (void)pthread_mutex_lock(&in->lock);
    s->left = true;
    bool answered = s->waiting == 0;
    (void)pthread_mutex_unlock(&in->lock);
    return answered;
}

/* Waits for the answer of every part, or for the deadline. */
static bool submission_wait(struct intake *in, struct submission *s, struct err *err)
{
    if (!latch_wait_until(&s->answered, clock_monotonic_us() + in->deadline_us) &&
        !submission_late(in, s)) {
        return FAIL(
            err, ERR_BUSY,
            "no commit within %lld ms, events may or may not be stored: retry with the same ids",
            (long long)(in->deadline_us / 1000));
    }
    if (s->failed) {
        *err = s->err;
        return false;
    }
    return true;
}

/* The last that a caller does with intake, which may be gone from then on. */
static void caller_leaves(struct intake *in)
{
    (void)pthread_mutex_lock(&in->lock);
    if (--in->inside == 0) {
        (void)pthread_cond_signal(&in->empty);
    }
    (void)pthread_mutex_unlock(&in->lock);
}

bool intake_submit(struct intake *intake, const struct event_row *rows, size_t count,
                   enum append_status *out_status, struct err *err)
{
    if (count == 0) {
        return true;
    }
    struct submission *s = submission_make(intake, rows, count);
    if (!submission_enter(intake, s, err)) {
        atomic_store(&s->holders, 1); /* no part has begun to wait */
        submission_let_go(s);
        return false;
    }
    bool ok = submission_wait(intake, s, err);
    /* Statuses are read without the lock: the latch was opened after the last of them was written. */
    for (size_t i = 0; ok && i < count; i++) {
        out_status[s->origin[i]] = s->status[i];
    }
    submission_let_go(s);
    caller_leaves(intake);
    return ok;
}

/* ---- life ---- */

static bool writer_start(struct writer *w, struct err *err)
{
    struct intake *in = w->intake;

    if (!database_connect(in->database, &w->db, err)) {
        return false;
    }
    in->working += w == &in->patient ? 0 : 1; /* the patient one waits for them, not for itself */
    w->running = pthread_create(&w->thread, NULL, writer_main, w) == 0;
    if (!w->running) {
        in->working -= w == &in->patient ? 0 : 1;
        db_close(&w->db);
        return FAIL(err, ERR_INTERNAL, "could not start a writer thread");
    }
    return true;
}

bool intake_open(const struct database *database, const struct config *config, struct intake **out,
                 struct err *err)
{
    struct intake *in = mem_alloc(sizeof *in);

    in->database = database;
    in->batch = (size_t)config->intake_batch;
    in->queue_max = (size_t)config->intake_queue;
    in->deadline_us = config->http_deadline;
    in->gather_us = in->batch > 1 ? config->intake_gather : 0;
    in->writer_count = (int)config->intake_writers;
    in->spread = in->batch == 1;
    assert(in->writer_count >= 1 && in->writer_count <= WRITERS_MAX);
    (void)pthread_mutex_init(&in->lock, NULL);
    cond_init(&in->empty);
    for (int i = 0; i < in->writer_count; i++) {
        writer_make(in, &in->writers[i]);
        in->writers[i].door = (unsigned)i;
    }
    writer_make(in, &in->patient);
    bool ok = writer_start(&in->patient, err);
    for (int i = 0; i < in->writer_count && ok; i++) {
        ok = writer_start(&in->writers[i], err);
        in->started += ok ? 1 : 0;
    }
    if (!ok) {
        intake_close(&in);
        return false;
    }
    *out = in;
    return true;
}

void intake_refuse(struct intake *intake)
{
    (void)pthread_mutex_lock(&intake->lock);
    intake->closing_us = intake->closing ? intake->closing_us : clock_monotonic_us();
    intake->closing = true;
    (void)pthread_cond_broadcast(&intake->patient.work);
    for (int i = 0; i < intake->writer_count; i++) {
        (void)pthread_cond_broadcast(&intake->writers[i].work);
    }
    (void)pthread_mutex_unlock(&intake->lock);
}

void intake_close(struct intake **intake)
{
    struct intake *in = *intake;

    if (in == NULL) {
        return;
    }
    intake_refuse(in);
    for (int i = 0; i < in->started; i++) {
        (void)pthread_join(in->writers[i].thread, NULL);
    }
    /* After the others, which may hand it something until they end. */
    if (in->patient.running) {
        (void)pthread_join(in->patient.thread, NULL);
    }
    /* Everybody has been answered; the last ones may still be on their way out. */
    (void)pthread_mutex_lock(&in->lock);
    while (in->inside > 0) {
        (void)pthread_cond_wait(&in->empty, &in->lock);
    }
    (void)pthread_mutex_unlock(&in->lock);
    for (int i = 0; i < in->writer_count; i++) {
        (void)pthread_cond_destroy(&in->writers[i].work);
    }
    (void)pthread_cond_destroy(&in->patient.work);
    (void)pthread_cond_destroy(&in->empty);
    (void)pthread_mutex_destroy(&in->lock);
    mem_free(&in);
    *intake = NULL;
}
