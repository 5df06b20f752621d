/* The log for training: rows in, shoppers out. The calling thread reads rows into batches of whole
 * shoppers, other threads decode and fold them, and the caller is given the shoppers in the log's
 * order, whoever was ready first. Which events make an example is decided elsewhere. */
#include "train/log/train_log.h"

#include "store/events.h"
#include "train/log/train_batch.h"

#include <pthread.h>
#include <unistd.h>

enum {
    BATCH_EVENTS = 2000, /* a batch is handed over at the first end of a shopper beyond them */
    RING = 8,            /* batches under way: enough that neither side waits for long */
    WORKERS_MAX = 8,
};

enum batch_state { BATCH_FREE, BATCH_READ, BATCH_DECODING, BATCH_READY };

struct reader {
    train_key_fn *fn;
    void *ctx;
    int64_t active_us; /* only shoppers with an event after it; INT64_MIN: all */
    struct train_log log;
    struct train_bases bases;
    bool enough; /* fn wants no more */

    /* The ring: batch n lies in slot n % RING. Read, taken and given only grow; given <= taken <=
     * read <= given + RING. */
    struct train_batch batches[RING];
    enum batch_state states[RING];
    int64_t read;  /* of the caller: the batch that is being filled */
    int64_t given; /* of the caller: the next whose shoppers fn gets */
    int64_t taken; /* next to be decoded */
    bool stop;
    pthread_mutex_t lock; /* guards states, taken, stop */
    pthread_cond_t changed;
    pthread_t workers[WORKERS_MAX];
    int worker_count;
};

/* ---- decoding threads ---- */

static struct train_batch *take_batch(struct reader *r, int64_t *out_number)
{
    struct train_batch *batch = NULL;
    pthread_mutex_lock(&r->lock);
    while (!r->stop && r->states[r->taken % RING] != BATCH_READ) {
        pthread_cond_wait(&r->changed, &r->lock);
    }
    if (!r->stop) {
        /* In the order they were read: the caller waits for the oldest first. */
        *out_number = r->taken++;
        r->states[*out_number % RING] = BATCH_DECODING;
        batch = &r->batches[*out_number % RING];
    }
    pthread_mutex_unlock(&r->lock);
    return batch;
}

static void set_state(struct reader *r, int64_t number, enum batch_state state)
{
    pthread_mutex_lock(&r->lock);
    r->states[number % RING] = state;
    /* All: decoding threads wait for a batch that was read and the caller for one that is ready, on
     * one condition. */
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

static void *decode_batches(void *arg)
{
    struct reader *r = arg;
    struct train_batch *batch;
    int64_t number = 0;
    while ((batch = take_batch(r, &number)) != NULL) {
        train_batch_decode(batch, &r->bases);
        set_state(r, number, BATCH_READY);
    }
    return NULL;
}

/* ---- the caller ---- */

static void wait_for(struct reader *r, int64_t number, enum batch_state state)
{
    pthread_mutex_lock(&r->lock);
    while (r->states[number % RING] != state) {
        pthread_cond_wait(&r->changed, &r->lock);
    }
    pthread_mutex_unlock(&r->lock);
}

static void count_batch(struct reader *r, const struct train_batch *b)
{
    r->log.events += b->log.events;
    r->log.refused += b->log.refused;
    r->log.shoppers += b->log.shoppers;
    r->log.bots += b->log.bots;
    if (b->log.first_us != 0 && (r->log.first_us == 0 || b->log.first_us < r->log.first_us)) {
        r->log.first_us = b->log.first_us;
    }
    if (b->log.last_us > r->log.last_us) {
        r->log.last_us = b->log.last_us;
    }
}

/* Waits for the oldest batch and gives its shoppers to fn. */
static bool give_batch(struct reader *r, struct err *err)
{
    struct train_batch *b = &r->batches[r->given % RING];
    wait_for(r, r->given, BATCH_READY);
    /* Read without the lock: it has been seen READY under it, and nobody else touches
     * such a batch. */
    if (b->failed) {
        *err = b->err;
        return false;
    }
    count_batch(r, b);
    for (size_t i = 0; i < b->key_count && !r->enough; i++) {
        if (!r->fn(r->ctx, &b->keys[i], err)) {
            /* The callback's way to say that it has enough (train_log.h). */
            r->enough = err->kind == ERR_NONE;
            if (!r->enough) {
                return false;
            }
        }
    }
    train_batch_reset(b);
    set_state(r, r->given++, BATCH_FREE);
    return true;
}

/* Makes room for the next batch before it is filled. */
static bool next_batch(struct reader *r, struct err *err)
{
    set_state(r, r->read++, BATCH_READ);
    /* Full: the slot to be filled next holds the oldest batch, whose shoppers are
     * given away first. */
    return r->read - r->given < RING || give_batch(r, err);
}

static bool take_event(void *ctx, const struct log_event *e, struct err *err)
{
    struct reader *r = ctx;
    const struct train_batch *full = &r->batches[r->read % RING];
    /* Only between shoppers: one that is parted would be folded as two. */
    if (full->row_count >= BATCH_EVENTS && train_batch_is_other(full, e->key) &&
        !next_batch(r, err)) {
        return false;
    }
    train_batch_add(&r->batches[r->read % RING], e);
    return !r->enough; /* with err untouched: the stream ends here */
}

static bool give_rest(struct reader *r, struct err *err)
{
    if (r->batches[r->read % RING].row_count > 0) {
        set_state(r, r->read++, BATCH_READ);
    }
    /* In the order of the log, whichever batch was ready first: what is learnt may not depend on
     * the number of cores. */
    while (r->given < r->read && !r->enough) {
        if (!give_batch(r, err)) {
            return false;
        }
    }
    return true;
}

/* ---- start and stop ---- */

static bool workers_start(struct reader *r, struct err *err)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, NULL);
    for (int i = 0; (i < count || i == 0) && i < WORKERS_MAX; i++) {
        /* As many as the system gives; one is enough. */
        if (pthread_create(&r->workers[r->worker_count], NULL, decode_batches, r) == 0) {
            r->worker_count++;
        }
    }
    return r->worker_count > 0 || FAIL(err, ERR_BUSY, "no thread could be started to read the log");
}

static void workers_stop(struct reader *r)
{
    pthread_mutex_lock(&r->lock);
    /* Under the lock: a worker between its look and its wait would not be woken. */
    r->stop = true;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
    for (int i = 0; i < r->worker_count; i++) {
        pthread_join(r->workers[i], NULL);
    }
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
}

static bool stream(struct reader *r, struct db *db, int64_t until_us, struct err *err)
{
    return r->active_us == INT64_MIN
               ? store_events_stream(db, until_us, take_event, r, err)
               : store_events_stream_active(db, r->active_us, until_us, take_event, r, err);
}

static bool read_events(struct reader *r, struct db *db, int64_t until_us, struct err *err)
{
    bool ok =
        /* A stream that fn has ended fails too, with nothing in err: that is no failure. */
        workers_start(r, err) && (stream(r, db, until_us, err) || r->enough) && give_rest(r, err);
    /* Before the batches are freed: after a failure some may still be decoding. */
    workers_stop(r);
    for (int i = 0; i < RING; i++) {
        train_batch_free(&r->batches[i]);
    }
    return ok;
}

/* One snapshot, so that retention cannot move a shopper into its base between the two streams; it
 * ends here, since training goes on for minutes. */
bool train_log_read_active(struct db *db, int64_t active_us, int64_t until_us, train_key_fn *fn,
                           void *ctx, struct train_log *out, struct err *err)
{
    struct reader r = {.fn = fn, .ctx = ctx, .active_us = active_us};
    if (!db_begin_snapshot(db, err)) {
        return false;
    }
    bool ok = train_bases_read(db, active_us, &r.bases, err) && read_events(&r, db, until_us, err);
    db_rollback(db);
    train_bases_free(&r.bases);
    if (ok) {
        *out = r.log;
    }
    return ok;
}

bool train_log_read(struct db *db, int64_t until_us, train_key_fn *fn, void *ctx,
                    struct train_log *out, struct err *err)
{
    return train_log_read_active(db, INT64_MIN, until_us, fn, ctx, out, err);
}
