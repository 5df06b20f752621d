/* Group commit of the event log, the requests' side. Each request is copied once, split by writer, and queued; a writer
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
#include <errno.h>

enum { PART_ROWS_ALONE = 1 << 30 }; /* intake_batch 1: a request is one part, whatever its size */

/* ---- submissions ---- */

void submission_free(struct submission *s)
{
    struct arena arena = s->arena;

    (void)sem_destroy(&s->answered);
    arena_free(&arena);
}

/* Parts of one writer's rows, none larger than a commit may be. */
static void parts_add(struct submission *s, int writer, size_t first, size_t count, size_t part_max)
{
    for (size_t done = 0; done < count; done += part_max) {
        size_t left = count - done;
        s->parts[s->part_count++] = (struct part){.owner = s,
                                                  .first = first + done,
                                                  .count = left < part_max ? left : part_max,
                                                  .writer = writer};
    }
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
    int *writer_of = arena_array(&arena, count, sizeof *writer_of);
    size_t part_max = in->batch == 1 ? PART_ROWS_ALONE : in->batch;
    size_t filled = 0;

    s->count = count;
    s->rows = arena_array(&arena, count, sizeof *s->rows);
    s->origin = arena_array(&arena, count, sizeof *s->origin);
    s->status = arena_array(&arena, count, sizeof *s->status);
    s->parts = arena_array(&arena, count / part_max + (size_t)in->writer_count, sizeof *s->parts);
    for (size_t i = 0; i < count; i++) {
        /* By lane, so that two writers never want the same lane's row: they would only wait for each other. */
        writer_of[i] = event_lane(rows[i].key) % in->writer_count;
    }
    for (int w = 0; w < in->writer_count; w++) {
        size_t first = filled;
        for (size_t i = 0; i < count; i++) {
            if (writer_of[i] == w) {
                s->rows[filled] = row_copy(&rows[i], &arena);
                s->origin[filled++] = i;
            }
        }
        parts_add(s, w, first, filled - first, part_max);
    }
    assert(filled == count);
    s->waiting = s->part_count;
    s->holders = s->part_count + 1;
    (void)sem_init(&s->answered, 0, 0);
    s->arena = arena; /* from here on nothing more is allocated in it */
    return s;
}

/* Under the lock. */
static void queue_put(struct intake *in, struct submission *s)
{
    for (size_t i = 0; i < s->part_count; i++) {
        struct writer *w = &in->writers[s->parts[i].writer];
        *w->tail = &s->parts[i];
        w->tail = &s->parts[i].next;
        (void)pthread_cond_signal(&w->work);
    }
    in->queued += s->count;
    metric_add(METRIC_intake_queue, s->count);
}

bool submission_let_go(struct submission *s)
{
    assert(s->holders > 0);
    return --s->holders == 0;
}

static bool submission_enter(struct intake *in, struct submission *s, struct err *err)
{
    (void)pthread_mutex_lock(&in->lock);
    bool closing = in->closing;
    /* A request larger than the whole queue is let in when nothing else waits. */
    bool full = in->queued > 0 && in->queued + s->count > in->queue_max;
    if (!closing && !full) {
        queue_put(in, s);
        in->inside++;
    }
    (void)pthread_mutex_unlock(&in->lock);
    if (closing) {
        return FAIL(err, ERR_BUSY, "is shutting down, nothing was stored");
    }
    if (full) {
        return FAIL(err, ERR_BUSY, "%zu events wait already, nothing was stored", in->queue_max);
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

/* Waits for the answer of every part, or for the deadline. A semaphore, because hundreds of requests are woken at once: none of
 * them has to take the lock to see its answer. Its deadline goes by the wall clock, the only one ThreadSanitizer knows it by. */
static bool submission_wait(struct intake *in, struct submission *s, struct err *err)
{
    int64_t until_us = clock_now_us() + in->deadline_us;
    struct timespec at = {.tv_sec = until_us / SECONDS(1), .tv_nsec = until_us % SECONDS(1) * 1000};
    int waited;

    do {
        waited = sem_timedwait(&s->answered, &at);
    } while (waited != 0 && errno == EINTR);
    if (waited != 0 && !submission_late(in, s)) {
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

static void submission_leave(struct intake *in, struct submission *s)
{
    (void)pthread_mutex_lock(&in->lock);
    bool last = submission_let_go(s);
    if (--in->inside == 0) {
        (void)pthread_cond_signal(&in->empty);
    }
    (void)pthread_mutex_unlock(&in->lock);
    if (last) {
        submission_free(s);
    }
}

bool intake_submit(struct intake *intake, const struct event_row *rows, size_t count,
                   enum append_status *out_status, struct err *err)
{
    if (count == 0) {
        return true;
    }
    struct submission *s = submission_make(intake, rows, count);
    if (!submission_enter(intake, s, err)) {
        submission_free(s);
        return false;
    }
    bool ok = submission_wait(intake, s, err);
    /* Statuses are read without the lock: the semaphore was posted after the last of them was written. */
    for (size_t i = 0; ok && i < count; i++) {
        out_status[s->origin[i]] = s->status[i];
    }
    submission_leave(intake, s);
    return ok;
}

/* ---- life ---- */

bool intake_open(const struct database *database, const struct config *config, struct intake **out,
                 struct err *err)
{
    struct intake *in = mem_alloc(sizeof *in);

    in->database = database;
    in->batch = (size_t)config->intake_batch;
    in->queue_max = (size_t)config->intake_queue;
    in->deadline_us = config->http_deadline;
    in->writer_count = (int)config->intake_writers;
    assert(in->writer_count >= 1 && in->writer_count <= WRITERS_MAX);
    (void)pthread_mutex_init(&in->lock, NULL);
    cond_init(&in->empty);
    for (int i = 0; i < in->writer_count; i++) {
        writer_make(in, &in->writers[i]);
    }
    for (int i = 0; i < in->writer_count; i++) {
        struct writer *w = &in->writers[i];
        if (!database_connect(database, &w->db, err)) {
            intake_close(&in);
            return false;
        }
        if (pthread_create(&w->thread, NULL, writer_main, w) != 0) {
            db_close(&w->db);
            intake_close(&in);
            return FAIL(err, ERR_INTERNAL, "could not start writer thread %d", i);
        }
        in->started++;
    }
    *out = in;
    return true;
}

void intake_refuse(struct intake *intake)
{
    (void)pthread_mutex_lock(&intake->lock);
    intake->closing = true;
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
    /* Everybody has been answered; the last ones may still be on their way out. */
    (void)pthread_mutex_lock(&in->lock);
    while (in->inside > 0) {
        (void)pthread_cond_wait(&in->empty, &in->lock);
    }
    (void)pthread_mutex_unlock(&in->lock);
    for (int i = 0; i < in->writer_count; i++) {
        (void)pthread_cond_destroy(&in->writers[i].work);
    }
    (void)pthread_cond_destroy(&in->empty);
    (void)pthread_mutex_destroy(&in->lock);
    mem_free(&in);
    *intake = NULL;
}
