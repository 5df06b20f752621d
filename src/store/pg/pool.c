#include "store/pg/pool.h"

#include "base/clock.h"
#include "base/cond.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/stop.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>

/* A fixed array of connections. The mutex guards the slots, the line of those who wait and the backoff; connecting, rolling
 * back and looking whether a connection still stands happen outside of it, on a slot that is marked
 * taken. */

#define BACKOFF_MIN_US INT64_C(50000)
#define BACKOFF_MAX_US SECONDS(5)

enum { CONNINFO_MAX = 1200, DOUBLINGS_MAX = 16 };

struct slot {
    struct db *db; /* owns; NULL: not connected */
    bool taken;
    int64_t max_age_us; /* of this connection */
};

/* One that waits, on its own stack: the first of the line is served, so that nobody waits while later ones come and go. */
struct waiter {
    struct waiter *next;
    pthread_cond_t turn; /* it is the first, or there may be a slot for the first */
    int64_t since_us;
};

struct pool {
    pthread_mutex_t lock;
    struct waiter *first;
    struct waiter **last;
    int waiting;
    int64_t lease_us;   /* a lease's statements end by then; 0: no bound */
    int64_t max_age_us; /* 0: connections are kept for as long as they stand */
    char conninfo[CONNINFO_MAX];
    bool prepared;
    int64_t wait_us;
    int failures;       /* connects that failed since the last that did not */
    int64_t connect_at; /* monotonic: no connect before this */
    int size;
    struct slot slots[];
};

bool pool_open(const char *conninfo, bool prepared, int size, int64_t wait_us, struct pool **out,
               struct err *err)
{
    assert(size > 0);
    struct db *first;
    /* A wrong address is told at start, and a query that does not fit the schema, not at the first request. */
    if (!db_open(conninfo, prepared, &first, err)) {
        return false;
    }
    if (prepared && !db_prepare_all(first, err)) {
        db_close(&first);
        return false;
    }
    struct pool *pool = mem_alloc(sizeof *pool + (size_t)size * sizeof *pool->slots);
    (void)snprintf(pool->conninfo, sizeof pool->conninfo, "%s", conninfo);
    pool->prepared = prepared;
    pool->size = size;
    pool->wait_us = wait_us;
    /* The other slots connect when they are needed. */
    pool->slots[0].db = first;
    pool->slots[0].max_age_us = INT64_MAX; /* until it breaks: it is from before pool_bound */
    (void)pthread_mutex_init(&pool->lock, NULL);
    pool->last = &pool->first;
    *out = pool;
    return true;
}

void pool_bound(struct pool *pool, int64_t lease_us, int64_t max_age_us)
{
    pool->lease_us = lease_us;
    pool->max_age_us = max_age_us;
}

void pool_close(struct pool **pool)
{
    if (*pool == NULL) {
        return;
    }
    for (int i = 0; i < (*pool)->size; i++) {
        assert(!(*pool)->slots[i].taken);
        db_close(&(*pool)->slots[i].db);
    }
    (void)pthread_mutex_destroy(&(*pool)->lock);
    mem_free(pool);
}

/* ---- under the lock ---- */

/* A free slot: one with a connection, else, where connecting is allowed now, one without. */
static struct slot *slot_find(struct pool *pool, int64_t now)
{
    struct slot *empty = NULL;
    for (int i = 0; i < pool->size; i++) {
        struct slot *slot = &pool->slots[i];
        /* The first that is free, always: under little load few connections are used, and the rest need not be opened. */
        if (!slot->taken && slot->db != NULL) {
            return slot;
        }
        if (!slot->taken && empty == NULL) {
            empty = slot;
        }
    }
    if (empty == NULL || now < pool->connect_at) {
        return NULL;
    }
    if (pool->failures > 0) {
        pool->connect_at = now + BACKOFF_MAX_US; /* one try at a time while the server is away; its
                                                    outcome resets this */
    }
    return empty;
}

/* Under the lock: something has changed that the first of the line may go by. */
static void line_wake(struct pool *pool)
{
    if (pool->first != NULL) {
        (void)pthread_cond_signal(&pool->first->turn);
    }
}

static void line_enter(struct pool *pool, struct waiter *w)
{
    *w = (struct waiter){.since_us = clock_monotonic_us()};
    cond_init(&w->turn);
    *pool->last = w;
    pool->last = &w->next;
    pool->waiting++;
}

static void line_leave(struct pool *pool, struct waiter *w)
{
    struct waiter **at = &pool->first;

    while (*at != w) {
        at = &(*at)->next;
    }
    *at = w->next;
    pool->last = w->next == NULL ? at : pool->last;
    pool->waiting--;
    (void)pthread_cond_destroy(&w->turn);
    line_wake(pool); /* there may be another free slot, or it was this one's turn when it gave up */
}

/* In line, until it is the first and there is a slot. */
static struct slot *slot_stand_in_line(struct pool *pool, int64_t deadline)
{
    struct slot *slot = NULL;
    struct waiter me;

    line_enter(pool, &me);
    for (int64_t now = me.since_us; now < deadline && !stop_cut(); now = clock_monotonic_us()) {
        bool first = pool->first == &me;
        slot = first ? slot_find(pool, now) : NULL;
        if (slot != NULL) {
            slot->taken = true;
            break;
        }
        bool backing_off = first && pool->connect_at > now && pool->connect_at < deadline;
        /* nobody is woken when the pause before the next connect is over */
        (void)cond_wait_until(&me.turn, &pool->lock, backing_off ? pool->connect_at : deadline);
    }
    line_leave(pool, &me);
    return slot;
}

static struct slot *slot_wait(struct pool *pool, int64_t deadline)
{
    (void)pthread_mutex_lock(&pool->lock);
    /* Nobody waits, mostly: then there is no line to stand in. */
    struct slot *slot = pool->first == NULL ? slot_find(pool, clock_monotonic_us()) : NULL;
    if (slot != NULL) {
        slot->taken = true;
    } else {
        slot = slot_stand_in_line(pool, deadline);
    }
    (void)pthread_mutex_unlock(&pool->lock);
    return slot;
}

/* ---- connecting ---- */

/* Full jitter: anywhere between nothing and a bound that doubles, so that replicas do not come back
 * in step. */
static int64_t backoff_us(int failures)
{
    int doublings = failures - 1 < DOUBLINGS_MAX ? failures - 1 : DOUBLINGS_MAX;
    int64_t bound = BACKOFF_MIN_US << doublings;
    uint32_t dice;
    hash_random(&dice, sizeof dice);
    return (int64_t)dice % (bound < BACKOFF_MAX_US ? bound : BACKOFF_MAX_US) + 1;
}

static bool connect_by(struct pool *pool, int64_t deadline, struct db **out, struct err *err)
{
    struct db *db = NULL;
    if (!db_open_by(pool->conninfo, pool->prepared, deadline, &db, err)) {
        return false;
    }
    db_bound(db, deadline);
    if (!db_settle(db, pool->lease_us, err)) {
        db_close(&db);
        return false;
    }
    *out = db;
    return true;
}

/* A tenth more or less, so that connections opened together do not end together. */
static int64_t age_us(const struct pool *pool)
{
    uint32_t dice;
    hash_random(&dice, sizeof dice);
    return pool->max_age_us / 10 * 9 + (int64_t)(dice % 1000) * (pool->max_age_us / 5000);
}

/* slot->db changes only under the lock: pool_return looks through all slots. */
static bool slot_connect(struct pool *pool, struct slot *slot, int64_t deadline, struct err *err)
{
    struct db *db = NULL;
    struct err why = {0};
    /* Outside of the lock: it may take seconds, and the slot is marked taken. */
    bool ok = connect_by(pool, deadline, &db, &why);
    /* A last try that only ran out of time says less than the one before it. */
    if (!ok && (err->kind == ERR_NONE || clock_monotonic_us() < deadline)) {
        *err = why;
    }
    (void)pthread_mutex_lock(&pool->lock);
    slot->db = db;
    slot->max_age_us = pool->max_age_us > 0 ? age_us(pool) : INT64_MAX;
    pool->failures = ok ? 0 : pool->failures + 1;
    pool->connect_at = ok ? 0 : clock_monotonic_us() + backoff_us(pool->failures);
    slot->taken = ok;
    line_wake(pool); /* who waits must learn the new time */
    (void)pthread_mutex_unlock(&pool->lock);
    return ok;
}

/* Gives the slot back without its connection, which is broken. */
static void slot_drop(struct pool *pool, struct slot *slot)
{
    (void)pthread_mutex_lock(&pool->lock);
    struct db *broken = slot->db;
    slot->db = NULL;
    slot->taken = false;
    line_wake(pool);
    (void)pthread_mutex_unlock(&pool->lock);
    db_close(&broken);
}

/* A slot with a connection that stands, by the deadline; NULL with why, where there was a reason. */
static struct slot *slot_connected(struct pool *pool, int64_t deadline, struct err *why)
{
    struct slot *slot;
    while ((slot = slot_wait(pool, deadline)) != NULL) {
        if (slot->db != NULL && db_still_alive(slot->db)) {
            return slot;
        }
        if (slot->db != NULL) {
            slot_drop(pool, slot);
        } else if (slot_connect(pool, slot, deadline, why)) {
            return slot;
        }
    }
    return NULL;
}

bool pool_take(struct pool *pool, struct db **out, struct err *err)
{
    /* One for waiting and connecting together: whoever asks does not care which of the two it is. */
    int64_t deadline = clock_monotonic_us() + pool->wait_us;
    long long wait_ms = (long long)(pool->wait_us / 1000);
    struct err why = {0};
    struct slot *slot = slot_connected(pool, deadline, &why);
    if (slot != NULL) {
        db_bound(slot->db, pool->lease_us > 0 ? clock_monotonic_us() + pool->lease_us : INT64_MAX);
        db_patience(slot->db, DB_PATIENCE_US);
        *out = slot->db;
        return true;
    }
    metric_add(METRIC_db_busy, 1);
    return why.kind == ERR_NONE
               ? FAIL(err, ERR_BUSY, "no database connection within %lld ms", wait_ms)
               : FAIL(err, ERR_BUSY, "no database connection within %lld ms: %.200s", wait_ms,
                      why.text);
}

void pool_look(struct pool *pool, struct pool_state *out)
{
    int64_t now = clock_monotonic_us();
    *out = (struct pool_state){.size = pool->size};
    (void)pthread_mutex_lock(&pool->lock);
    for (int i = 0; i < pool->size; i++) {
        out->in_use += pool->slots[i].taken ? 1 : 0;
    }
    out->waiting = pool->waiting;
    out->oldest_us = pool->first == NULL ? 0 : now - pool->first->since_us;
    (void)pthread_mutex_unlock(&pool->lock);
}

static void slot_free(struct pool *pool, struct slot *slot)
{
    (void)pthread_mutex_lock(&pool->lock);
    slot->taken = false;
    line_wake(pool);
    (void)pthread_mutex_unlock(&pool->lock);
}

bool pool_lease(struct pool *pool, struct lease *out, struct err *err)
{
    struct db *db;
    /* *out stays as it was, so that pool_return of an empty lease does nothing. */
    if (!pool_take(pool, &db, err)) {
        return false;
    }
    *out = (struct lease){.pool = pool, .db = db};
    return true;
}

static struct slot *slot_of(struct pool *pool, const struct db *db)
{
    struct slot *found = NULL;
    (void)pthread_mutex_lock(&pool->lock);
    for (int i = 0; i < pool->size && found == NULL; i++) {
        if (pool->slots[i].db == db) {
            found = &pool->slots[i];
        }
    }
    (void)pthread_mutex_unlock(&pool->lock);
    assert(found != NULL && found->taken);
    return found;
}

void pool_return(struct lease *lease)
{
    if (lease->db == NULL) {
        return;
    }
    struct slot *slot = slot_of(lease->pool, lease->db);
    /* Before anybody else can take it; may find out that the connection is broken. */
    db_rollback(lease->db);
    /* An old one ends here, between two leases: its server process gives back the memory of a day, and a name that resolves
     * to another server by now is asked again. */
    if (db_alive(lease->db) && db_age_us(lease->db) < slot->max_age_us) {
        slot_free(lease->pool, slot);
    } else {
        slot_drop(lease->pool, slot);
    }
    lease->db = NULL;
}
