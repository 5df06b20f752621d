#include "store/pg/pool.h"

#include "base/clock.h"
#include "base/cond.h"
#include "base/hash.h"
#include "base/mem.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

/* A fixed array of connections. The mutex guards the slots and the backoff; connecting, rolling
 * back and looking whether a connection still stands happen outside of it, on a slot that is marked
 * taken. */

#define BACKOFF_MIN_US INT64_C(50000)
#define BACKOFF_MAX_US SECONDS(5)

enum { CONNINFO_MAX = 1200, DOUBLINGS_MAX = 16 };

struct slot {
    struct db *db; /* owns; NULL: not connected */
    bool taken;
};

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t freed;
    char conninfo[CONNINFO_MAX];
    bool prepared;
    int64_t wait_us;
    int failures;       /* connects that failed since the last that did not */
    int64_t connect_at; /* monotonic: no connect before this */
    int size;
    struct slot slots[];
};

static void lock_init(struct pool *pool)
{
    (void)pthread_mutex_init(&pool->lock, NULL);
    cond_init(&pool->freed);
}

bool pool_open(const char *conninfo, bool prepared, int size, int64_t wait_us, struct pool **out,
               struct err *err)
{
    assert(size > 0);
    struct db *first;
    if (!db_open(conninfo, prepared, &first,
                 err)) { /* a wrong address is told at start, not at the first request */
        return false;
    }
    struct pool *pool = mem_alloc(sizeof *pool + (size_t)size * sizeof *pool->slots);
    (void)snprintf(pool->conninfo, sizeof pool->conninfo, "%s", conninfo);
    pool->prepared = prepared;
    pool->size = size;
    pool->wait_us = wait_us;
    /* The other slots connect when they are needed. */
    pool->slots[0].db = first;
    lock_init(pool);
    *out = pool;
    return true;
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
    (void)pthread_cond_destroy(&(*pool)->freed);
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

static struct slot *slot_wait(struct pool *pool, int64_t deadline)
{
    (void)pthread_mutex_lock(&pool->lock);
    int64_t now = clock_monotonic_us();
    struct slot *slot = slot_find(pool, now);
    while (slot == NULL && now < deadline) {
        bool backing_off = pool->connect_at > now && pool->connect_at < deadline;
        (void)cond_wait_until(&pool->freed, &pool->lock, backing_off ? pool->connect_at : deadline);
        now = clock_monotonic_us();
        slot = slot_find(pool, now);
    }
    if (slot != NULL) {
        slot->taken = true;
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

/* slot->db changes only under the lock: pool_return looks through all slots. */
static bool slot_connect(struct pool *pool, struct slot *slot, struct err *err)
{
    struct db *db = NULL;
    /* Outside of the lock: it may take seconds, and the slot is marked taken. */
    bool ok = db_open(pool->conninfo, pool->prepared, &db, err);
    (void)pthread_mutex_lock(&pool->lock);
    slot->db = db;
    pool->failures = ok ? 0 : pool->failures + 1;
    pool->connect_at = ok ? 0 : clock_monotonic_us() + backoff_us(pool->failures);
    slot->taken = ok;
    (void)pthread_cond_broadcast(&pool->freed); /* who waits must learn the new time */
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
    (void)pthread_cond_signal(&pool->freed);
    (void)pthread_mutex_unlock(&pool->lock);
    db_close(&broken);
}

bool pool_take(struct pool *pool, struct db **out, struct err *err)
{
    int64_t deadline = clock_monotonic_us() + pool->wait_us;
    long long wait_ms = (long long)(pool->wait_us / 1000);
    struct err why = {0};
    struct slot *slot;
    while ((slot = slot_wait(pool, deadline)) != NULL) {
        if (slot->db != NULL && db_still_alive(slot->db)) {
            *out = slot->db;
            return true;
        }
        if (slot->db != NULL) {
            slot_drop(pool, slot);
        } else if (slot_connect(pool, slot, &why)) {
            *out = slot->db;
            return true;
        }
    }
    return why.kind == ERR_NONE
               ? FAIL(err, ERR_BUSY, "no database connection within %lld ms", wait_ms)
               : FAIL(err, ERR_BUSY, "no database connection within %lld ms: %.200s", wait_ms,
                      why.text);
}

static void slot_free(struct pool *pool, struct slot *slot)
{
    (void)pthread_mutex_lock(&pool->lock);
    slot->taken = false;
    (void)pthread_cond_signal(&pool->freed);
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
    if (db_alive(lease->db)) {
        slot_free(lease->pool, slot);
    } else {
        slot_drop(lease->pool, slot);
    }
    lease->db = NULL;
}
