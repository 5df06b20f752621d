/* Group commit of the event log. Each request is copied once, split by writer, and queued; a writer
 * commits whatever waits for its lanes in one statement and wakes the requests. The copy is what
 * lets a request leave at its deadline while a writer is still stuck in the database with the rows.
 * One leaf mutex guards queues, counts and answers; rows and statuses are touched outside of it, by
 * the one writer that took the part. */
#include "flow/intake.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/rng.h"
#include "store/db.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

enum {
    WRITERS_MAX = 16,
    PART_ROWS_ALONE = 1 << 30, /* intake_batch 1: a request is one part, whatever its size */
};
#define BACKOFF_FIRST_US INT64_C(2000)
#define BACKOFF_MAX_US   INT64_C(500000)

struct submission;

/* A run of one submission's rows that one writer commits in one statement. */
struct part {
    struct part *next;
    struct submission *owner;
    size_t first;
    size_t count;
    int writer;
};

/* One request, copied. Freed by whoever lets go of it last. */
struct submission {
    struct arena arena; /* holds everything below, and this */
    pthread_cond_t answered;
    struct event_row *rows;     /* grouped by writer */
    size_t *origin;             /* rows[i] was the caller's row origin[i] */
    enum append_status *status; /* by position in rows */
    size_t count;
    struct part *parts;
    size_t part_count;
    size_t waiting; /* parts without an answer */
    size_t holders; /* the caller, and the parts */
    bool left;      /* the caller's deadline has passed */
    bool failed;
    struct err err;
};

struct writer {
    struct intake *intake;
    pthread_t thread;
    pthread_cond_t work;
    struct part *head;
    struct part **tail;
    struct db *db; /* of the writer's thread */
    struct rng rng;
    struct arena arena;
    bool failing; /* an outage was logged */
};

struct intake {
    const struct database *database; /* borrowed */
    size_t batch;
    size_t queue_max;
    int64_t deadline_us;
    int writer_count;
    int started;
    /* Guards what follows, every queue, and waiting, holders, left, failed, err of submissions. */
    pthread_mutex_t lock;
    pthread_cond_t empty; /* inside became 0 */
    size_t queued;
    size_t inside; /* callers in intake_submit */
    bool closing;
    struct writer writers[WRITERS_MAX];
};

/* ---- submissions ---- */

static void cond_make(pthread_cond_t *cond)
{
    pthread_condattr_t attr;

    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(cond, &attr);
    (void)pthread_condattr_destroy(&attr);
}

/* Waits until woken or until the monotonic time; spurious wake-ups are the caller's to bear. */
static void cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t until_us)
{
    struct timespec at = {.tv_sec = until_us / SECONDS(1), .tv_nsec = until_us % SECONDS(1) * 1000};

    (void)pthread_cond_timedwait(cond, lock, &at);
}

static void submission_free(struct submission *s)
{
    struct arena arena = s->arena;

    (void)pthread_cond_destroy(&s->answered);
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
    cond_make(&s->answered);
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

/* Under the lock; true: the caller has to free it, outside. */
static bool submission_let_go(struct submission *s)
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

/* Waits for the answer of every part, or for the deadline. */
static bool submission_wait(struct intake *in, struct submission *s, struct err *err)
{
    int64_t until_us = clock_monotonic_us() + in->deadline_us;

    (void)pthread_mutex_lock(&in->lock);
    while (s->waiting > 0 && clock_monotonic_us() < until_us) {
        cond_wait_until(&s->answered, &in->lock, until_us);
    }
    s->left = true;
    bool answered = s->waiting == 0;
    bool failed = s->failed;
    if (failed) {
        *err = s->err;
    }
    (void)pthread_mutex_unlock(&in->lock);
    if (failed) {
        return false;
    }
    if (!answered) {
        return FAIL(
            err, ERR_BUSY,
            "no commit within %lld ms, events may or may not be stored: retry with the same ids",
            (long long)(in->deadline_us / 1000));
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
    for (size_t i = 0; ok && i < count; i++) {
        out_status[s->origin[i]] = s->status[i];
    }
    submission_leave(intake, s);
    return ok;
}

/* ---- writers ---- */

/* A group of parts that one statement commits. */
struct group {
    struct part *parts;
    size_t rows;
};

/* Under the lock: takes what waits, up to a batch; parts whose caller has left are dropped into
 * *out_dropped. */
static struct group group_take(struct writer *w, struct part **out_dropped)
{
    struct group g = {0};
    struct part **end = &g.parts;
    size_t batch = w->intake->batch;

    while (w->head != NULL) {
        struct part *p = w->head;
        if (!p->owner->left && g.rows > 0 && g.rows + p->count > batch) {
            break;
        }
        w->head = p->next;
        p->next = NULL;
        if (p->owner->left) {
            p->next = *out_dropped;
            *out_dropped = p;
            continue;
        }
        *end = p;
        end = &p->next;
        g.rows += p->count;
        if (batch == 1) {
            break;
        }
    }
    if (w->head == NULL) {
        w->tail = &w->head;
    }
    return g;
}

/* Waits for work. A group without parts: closing, and nothing is left. */
static struct group group_await(struct writer *w, struct part **out_dropped)
{
    struct intake *in = w->intake;
    struct group g = {0};

    (void)pthread_mutex_lock(&in->lock);
    while (g.parts == NULL && *out_dropped == NULL && (w->head != NULL || !in->closing)) {
        if (w->head == NULL) {
            (void)pthread_cond_wait(&w->work, &in->lock);
        }
        g = group_take(w, out_dropped);
    }
    (void)pthread_mutex_unlock(&in->lock);
    return g;
}

/* Answers the parts (failure NULL: they are stored) and lets go of them. */
static void parts_answer(struct intake *in, struct part *parts, const struct err *failure)
{
    struct part *next = parts;
    struct part *free_list = NULL;

    (void)pthread_mutex_lock(&in->lock);
    while (next != NULL) {
        struct part *p = next;
        struct submission *s = p->owner;
        next = p->next;
        in->queued -= p->count;
        metric_sub(METRIC_intake_queue, p->count);
        if (failure != NULL && !s->failed) {
            s->failed = true;
            s->err = *failure;
        }
        if (--s->waiting == 0) {
            (void)pthread_cond_signal(&s->answered);
        }
        if (submission_let_go(s)) {
            p->next = free_list;
            free_list = p;
        }
    }
    (void)pthread_mutex_unlock(&in->lock);
    while (free_list != NULL) {
        struct submission *s = free_list->owner;
        free_list = free_list->next;
        submission_free(s);
    }
}

/* Some caller of these still waits. */
static bool parts_wanted(struct intake *in, const struct part *parts)
{
    bool wanted = false;

    (void)pthread_mutex_lock(&in->lock);
    for (const struct part *p = parts; p != NULL && !wanted; p = p->next) {
        wanted = !p->owner->left;
    }
    (void)pthread_mutex_unlock(&in->lock);
    return wanted;
}

static void count_statuses(const enum append_status *status, size_t count)
{
    uint64_t by[3] = {0};

    for (size_t i = 0; i < count; i++) {
        by[status[i]]++;
    }
    metric_add(METRIC_events_stored, by[APPEND_STORED]);
    metric_add(METRIC_events_duplicate, by[APPEND_DUPLICATE]);
    metric_add(METRIC_events_conflict, by[APPEND_CONFLICT]);
}

static bool writer_connected(struct writer *w, struct err *err)
{
    if (w->db != NULL && !db_still_alive(w->db)) {
        db_close(&w->db);
        metric_add(METRIC_db_reconnects, 1);
    }
    return w->db != NULL || database_connect(w->intake->database, &w->db, err);
}

/* One statement, one commit. */
static bool parts_commit(struct writer *w, const struct part *parts, size_t count, struct err *err)
{
    struct event_row *rows = arena_array(&w->arena, count, sizeof *rows);
    enum append_status *status = arena_array(&w->arena, count, sizeof *status);
    size_t n = 0;

    if (!writer_connected(w, err)) {
        return false;
    }
    for (const struct part *p = parts; p != NULL; p = p->next) {
        memcpy(rows + n, p->owner->rows + p->first, p->count * sizeof *rows);
        n += p->count;
    }
    int64_t start_us = clock_monotonic_us();
    if (!store_events_append(w->db, rows, n, ORIGIN_API, clock_now_us(), status, err)) {
        return false;
    }
    metric_add(METRIC_intake_commits, 1);
    metric_observe_us(METRIC_intake_commit_us, clock_monotonic_us() - start_us);
    count_statuses(status, n);
    n = 0;
    for (const struct part *p = parts; p != NULL; p = p->next) {
        memcpy(p->owner->status + p->first, status + n, p->count * sizeof *status);
        n += p->count;
    }
    return true;
}

/* Half to all of the doubled wait, so that writers who failed together do not come back together.
 */
static int64_t backoff_us(struct writer *w, int attempt)
{
    int64_t us = BACKOFF_FIRST_US << (attempt < 8 ? attempt : 8);

    us = us < BACKOFF_MAX_US ? us : BACKOFF_MAX_US;
    return us / 2 + (int64_t)rng_below(&w->rng, (uint64_t)us / 2 + 1);
}

/* False: closing, so there is no time for another try. */
static bool writer_back_off(struct writer *w, int attempt)
{
    struct intake *in = w->intake;
    int64_t until_us = clock_monotonic_us() + backoff_us(w, attempt);

    (void)pthread_mutex_lock(&in->lock);
    while (!in->closing && clock_monotonic_us() < until_us) {
        cond_wait_until(&w->work, &in->lock, until_us);
    }
    bool closing = in->closing;
    (void)pthread_mutex_unlock(&in->lock);
    return !closing;
}

/* Logs once an outage, and once its end. What the database refuses is the request's own trouble. */
static void writer_report(struct writer *w, bool ok, const struct err *err)
{
    bool outage = !ok && err->kind == ERR_BUSY;

    if (outage && !w->failing) {
        log_line(LOG_ERROR, "intake_failed", "events are not being stored: %s", err->text);
    } else if (!outage && w->failing) {
        log_line(LOG_INFO, "intake_recovered", "events are being stored again");
    }
    w->failing = outage;
}

/* Commits, as often as it takes while somebody waits: the ids make a second try harmless. */
static bool parts_commit_retrying(struct writer *w, const struct part *parts, size_t count,
                                  struct err *err)
{
    for (int attempt = 0;; attempt++) {
        arena_reset(&w->arena);
        bool ok = parts_commit(w, parts, count, err);
        writer_report(w, ok, err);
        if (ok) {
            return true;
        }
        bool again = err->kind == ERR_BUSY && writer_back_off(w, attempt);
        if (!again || !parts_wanted(w->intake, parts)) {
            return false;
        }
    }
}

/* A row that PostgreSQL refuses must fail its own request, not those that happened to wait with it.
 */
static void parts_commit_each(struct writer *w, struct part *parts)
{
    struct part *next = parts;

    while (next != NULL) {
        struct part *p = next;
        struct err err = {0};
        next = p->next;
        p->next = NULL;
        bool ok = parts_commit_retrying(w, p, p->count, &err);
        parts_answer(w->intake, p, ok ? NULL : &err);
    }
}

static void group_commit(struct writer *w, struct group g)
{
    struct err err = {0};
    bool ok = parts_commit_retrying(w, g.parts, g.rows, &err);

    if (!ok && err.kind != ERR_BUSY && g.parts->next != NULL) {
        parts_commit_each(w, g.parts);
    } else {
        parts_answer(w->intake, g.parts, ok ? NULL : &err);
    }
}

static void *writer_main(void *arg)
{
    static const struct err left = {.kind = ERR_BUSY, .text = "the deadline had passed"};
    struct writer *w = arg;

    for (;;) {
        struct part *dropped = NULL;
        struct group g = group_await(w, &dropped);
        if (dropped != NULL) {
            parts_answer(w->intake, dropped, &left);
        } else if (g.parts == NULL) {
            break;
        }
        if (g.parts != NULL) {
            group_commit(w, g);
        }
    }
    db_close(&w->db);
    arena_free(&w->arena);
    return NULL;
}

/* ---- life ---- */

static void writer_make(struct intake *in, struct writer *w)
{
    uint64_t seed;

    hash_random(&seed, sizeof seed);
    w->intake = in;
    w->tail = &w->head;
    w->rng = rng_seed(seed);
    cond_make(&w->work);
}

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
    cond_make(&in->empty);
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
