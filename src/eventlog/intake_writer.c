/* Group commit of the event log, the writers' side: what waits is committed together, again and again while the
 * database is away and somebody still waits. */
#include "eventlog/intake_internal.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/metric.h"
#include "store/pg/db.h"

#include <assert.h>
#include <string.h>

enum { GATHER_FROM = 16, SPREAD_FROM = 400, SPREAD_UNTIL = 200 };

#define COMMIT_MAX_US     SECONDS(10) /* a server that has not answered by then is away */
#define BACKOFF_FIRST_US  INT64_C(2000)
#define BACKOFF_DOUBLINGS 8 /* to half a second */

void writer_make(struct intake *in, struct writer *w)
{
    uint64_t seed;

    hash_random(&seed, sizeof seed);
    w->intake = in;
    w->tail = &w->head;
    w->wake_at = 1;
    w->rng = rng_seed(seed);
    cond_init(&w->work);
}

/* A group of parts that one statement commits. */
struct group {
    struct part *parts;
    size_t rows;
};

void queue_add(struct writer *w, struct part *part)
{
    part->next = NULL;
    *w->tail = part;
    w->tail = &part->next;
    w->waiting += part->count;
    if (w->waiting >= w->wake_at) {
        (void)pthread_cond_signal(&w->work);
    }
}

/* Under the lock: the first of the queue. */
static struct part *queue_pop(struct writer *w)
{
    struct part *p = w->head;

    w->head = p->next;
    w->waiting -= p->count;
    p->next = NULL;
    if (w->head == NULL) { /* the tail pointed into it */
        w->tail = &w->head;
    }
    return p;
}

/* Whether the part has no room in the group: a part larger than what is left of the batch waits for the next one, but a part is never larger
 * than a batch: the first one always goes. A batch of one is one request, however many lanes it has. */
static bool is_next_group(const struct group *g, const struct part *p, size_t batch)
{
    if (p->owner->left || g->rows == 0) {
        return false;
    }
    return batch == 1 ? p->owner != g->parts->owner : g->rows + p->count > batch;
}

/* Under the lock: takes what waits, up to a batch; parts whose caller has left are dropped into
 * *out_dropped, those of a held lane go to the patient writer. */
static struct group group_take(struct writer *w, struct part **out_dropped)
{
    struct group g = {0};
    struct part **end = &g.parts;
    size_t batch = w->intake->batch;

    while (w->head != NULL && !is_next_group(&g, w->head, batch)) {
        struct part *p = queue_pop(w);
        /* Its caller was told that it may be stored or not: not is cheaper, and makes room. */
        if (p->owner->left) {
            p->next = *out_dropped;
            *out_dropped = p;
        } else if (w != &w->intake->patient && w->intake->held.rows[p->lane] > 0) {
            held_add(w->intake, p);
        } else {
            *end = p;
            end = &p->next;
            g.rows += p->count;
        }
    }
    return g;
}

/* Under the lock: gives those a moment who were answered by the last commit and are sending again. A commit costs as much as some fifty rows, so
 * a larger one is worth it where many come; where few do, nobody waits. What came of it is the measure of the next time. */
static void group_gather(struct writer *w)
{
    struct intake *in = w->intake;
    const int64_t until_us = clock_monotonic_us() + in->gather_us;

    /* what the patient writer has waits already */
    if (in->gather_us == 0 || w->last < GATHER_FROM || w == &in->patient) {
        return;
    }
    w->wake_at = w->last;
    bool in_time = true;
    while (!in->closing && w->waiting < w->last && in_time) {
        in_time = cond_wait_until(&w->work, &in->lock, until_us);
    }
    w->wake_at = 1;
}

/* Under the lock: whether the lanes are shared out among the writers. A commit costs as much as some fifty rows: up to some hundreds one commit of all is
 * cheaper than one of each writer, and above it is the rows that count, on which they work side by side. While that changes, two may want the same
 * lane once, and one waits for the other. */
static void lanes_share(struct intake *in)
{
    size_t rows = 0;

    for (int i = 0; i < in->writer_count; i++) {
        rows += in->writers[i].last;
    }
    in->spread = in->batch == 1 || rows >= (in->spread ? SPREAD_UNTIL : SPREAD_FROM);
}

/* Waits for work. A group without parts: closing, and nothing is left. */
static struct group group_await(struct writer *w, struct part **out_dropped)
{
    struct intake *in = w->intake;
    struct group g = {0};

    (void)pthread_mutex_lock(&in->lock);
    while (g.parts == NULL && *out_dropped == NULL &&
           (w->head != NULL || !in->closing || (w == &in->patient && in->working > 0))) {
        if (w->head == NULL) {
            (void)pthread_cond_wait(&w->work, &in->lock);
        }
        group_gather(w);
        g = group_take(w, out_dropped);
    }
    w->last = g.rows;
    lanes_share(in);
    w->door += WRITERS_MAX; /* the other writers have those between */
    (void)pthread_mutex_unlock(&in->lock);
    return g;
}

/* Under the lock: an answer, the last of its submission or not. */
static bool part_answer(struct intake *in, struct part *p, const struct err *failure)
{
    struct submission *s = p->owner;

    in->queued -= p->count;
    metric_sub(METRIC_intake_queue, p->count);
    held_forget(in, p);
    /* The first failure is the one told: a request whose parts fail in several ways has one answer. */
    if (failure != NULL && !s->failed) {
        s->failed = true;
        s->err = *failure;
    }
    return --s->waiting == 0;
}

/* Outside of the lock, which those who wake would only stand in line for: all of them at once. Who holds the submission last frees it: most often the
 * thread that made it, since nobody is woken before the writer has let go. */
static void parts_wake(struct part *parts)
{
    struct latch_doors doors = {0};

    for (struct part *p = parts, *next; p != NULL; p = next) {
        struct submission *s = p->owner;
        next = p->next;
        latch_open(&s->answered, &doors);
        submission_let_go(s);
    }
    latches_wake(&doors);
}

/* Answers the parts (failure NULL: they are stored) and lets go of them; the part that brought the last answer holds its submission until its caller
 * is told. */
static void parts_answer(struct intake *in, struct part *parts, const struct err *failure)
{
    struct part *last = NULL;

    (void)pthread_mutex_lock(&in->lock);
    in->progress_us = failure == NULL ? clock_monotonic_us() : in->progress_us;
    for (struct part *p = parts, *next; p != NULL; p = next) {
        next = p->next;
        if (part_answer(in, p, failure)) {
            p->next = last;
            last = p;
        } else {
            submission_let_go(p->owner); /* the parts that still wait hold it */
        }
    }
    (void)pthread_mutex_unlock(&in->lock);
    parts_wake(last);
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

/* The rows of the parts, in arena. */
static struct event_batch batch_of(struct writer *w, const struct part *parts, size_t count)
{
    struct event_row *rows = arena_array(&w->arena, count, sizeof *rows);
    struct event_batch batch = {.rows = rows};

    for (const struct part *p = parts; p != NULL; p = p->next) {
        memcpy(rows + batch.count, p->owner->rows + p->first, p->count * sizeof *rows);
        batch.count += p->count;
    }
    assert(batch.count == count);
    return batch;
}

/* One statement, one commit; nothing where *out_held has lanes. */
static bool parts_commit(struct writer *w, const struct part *parts, size_t count,
                         struct lane_set *out_held, struct err *err)
{
    enum append_status *status = arena_array(&w->arena, count, sizeof *status);

    if (!writer_connected(w, err)) {
        return false;
    }
    const struct event_batch batch = batch_of(w, parts, count);
    int64_t start_us = clock_monotonic_us();
    db_bound(w->db, start_us + COMMIT_MAX_US);
    if (!store_events_append_if_free(w->db, &batch, clock_now_us(), status, out_held, err)) {
        return false;
    }
    if (out_held->count > 0) {
        return true;
    }
    metric_add(METRIC_intake_commits, 1);
    metric_observe_us(METRIC_intake_commit_us, clock_monotonic_us() - start_us);
    count_statuses(status, count);
    /* Without the lock: until they are answered the parts are this writer's alone. */
    size_t n = 0;
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
    const int64_t us = BACKOFF_FIRST_US
                       << (attempt < BACKOFF_DOUBLINGS ? attempt : BACKOFF_DOUBLINGS);

    return us / 2 + (int64_t)rng_below(&w->rng, (uint64_t)us / 2 + 1);
}

/* False: closing, so there is no time for another try. */
static bool writer_back_off(struct writer *w, int attempt)
{
    struct intake *in = w->intake;
    int64_t until_us = clock_monotonic_us() + backoff_us(w, attempt);

    (void)pthread_mutex_lock(&in->lock);
    while (!in->closing && clock_monotonic_us() < until_us) {
        (void)cond_wait_until(&w->work, &in->lock, until_us);
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
                                  struct lane_set *out_held, struct err *err)
{
    for (int attempt = 0;; attempt++) {
        arena_reset(&w->arena);
        bool ok = parts_commit(w, parts, count, out_held, err);
        writer_report(w, ok, err);
        if (ok) {
            return true;
        }
        /* ERR_BUSY is the database's trouble and passes; anything else is the rows', and will be the same again. */
        bool again = err->kind == ERR_BUSY && writer_back_off(w, attempt);
        if (!again || !parts_wanted(w->intake, parts)) {
            return false;
        }
    }
}

/* Parts whose lane is held wait elsewhere; returns the others. */
static struct part *parts_without(struct writer *w, struct part *parts, const struct lane_set *held)
{
    static const struct err closed = {
        .kind = ERR_BUSY, .text = "is shutting down while another transaction holds the lane"};
    struct part *given_up = NULL;
    struct part *rest = held_set_aside(w, parts, held, &given_up);

    if (given_up != NULL) {
        parts_answer(w->intake, given_up, &closed);
    }
    return rest;
}

static size_t rows_of(const struct part *parts)
{
    size_t rows = 0;

    for (const struct part *p = parts; p != NULL; p = p->next) {
        rows += p->count;
    }
    return rows;
}

/* A row that PostgreSQL refuses must fail its own request, not those that happened to wait with it.
 */
static void parts_commit_each(struct writer *w, struct part *parts)
{
    struct part *next = parts;

    while (next != NULL) {
        struct part *p = next;
        struct lane_set held = {0};
        struct err err = {0};
        next = p->next;
        p->next = NULL;
        bool ok = parts_commit_retrying(w, p, p->count, &held, &err);
        if (ok && held.count > 0) {
            p = parts_without(w, p, &held);
        }
        if (p != NULL) {
            parts_answer(w->intake, p, ok ? NULL : &err);
        }
    }
}

/* True if something of it was answered. */
static bool group_commit(struct writer *w, struct group g)
{
    struct part *parts = g.parts;

    while (parts != NULL) {
        struct lane_set held = {0};
        struct err err = {0};
        bool ok = parts_commit_retrying(w, parts, rows_of(parts), &held, &err);
        if (ok && held.count > 0) {
            parts = parts_without(w, parts, &held);
            continue;
        }
        if (!ok && err.kind != ERR_BUSY &&
            parts->next != NULL) { /* somebody's row: find out whose */
            parts_commit_each(w, parts);
        } else {
            parts_answer(w->intake, parts, ok ? NULL : &err);
        }
        return true;
    }
    return false;
}

/* The patient writer is needed for as long as others may hand it something. */
static void writer_ends(struct writer *w)
{
    struct intake *in = w->intake;

    (void)pthread_mutex_lock(&in->lock);
    in->working -= w == &in->patient ? 0 : 1;
    (void)pthread_cond_broadcast(&in->patient.work);
    (void)pthread_mutex_unlock(&in->lock);
}

void *writer_main(void *writer)
{
    static const struct err left = {.kind = ERR_BUSY, .text = "the deadline had passed"};
    struct writer *w = writer;

    for (;;) {
        struct part *dropped = NULL;
        struct group g = group_await(w, &dropped);
        if (dropped != NULL) {
            parts_answer(w->intake, dropped, &left);
        } else if (g.parts == NULL) {
            /* nothing taken, nothing dropped: closing */
            break;
        }
        bool moved = g.parts != NULL && group_commit(w, g);
        if (w == &w->intake->patient) {
            (moved ? held_progress : held_pause)(w);
        }
    }
    writer_ends(w);
    db_close(&w->db);
    arena_free(&w->arena);
    return NULL;
}
