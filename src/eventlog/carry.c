/* Carries a log of before into the form of today. What a page is, and why readers see each event once meanwhile, is SQL's
 * (sql/migrations/0031_log_bytes.sql); here is how often, how fast and until when. */
#include "eventlog/carry.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/stop.h"
#include "store/lanes.h"

#include <pthread.h>

/* A page: it is in memory as sent and packed. */
static const struct events_most page = {.events = 500, .bytes = 4 << 20};

#define PAGE_MAX_US SECONDS(30)     /* then the database is away */
#define END_US      INT64_C(200000) /* between two looks whether all have let go of the old table */
#define AGAIN_US    INT64_C(1000000) /* before lanes that somebody else holds are tried again */
#define AWAY_US     SECONDS(5)       /* before a database that was away is asked again */

struct carrying {
    struct db *db;
    bool gently; /* rests as long as it works */
    int64_t moved;
    bool left; /* of this round: events that could not be moved yet */
};

/* Pages until the lane is empty, or somebody is in the way: then it is looked at again in the next round. Fails only where the database is away. */
static bool carry_lane(struct carrying *c, int lane, struct err *err)
{
    int64_t off = 0;
    int64_t moved = 1;
    bool empty = false;

    while (!empty && moved > 0 && !stop_requested()) {
        const int64_t start_us = clock_monotonic_us();
        db_bound(c->db, start_us + PAGE_MAX_US);
        if (!store_carry_page(c->db, lane, page, &off, &empty, &moved, err)) {
            if (!db_alive(c->db) || !db_retryable(c->db)) {
                return false;
            }
            moved = 0;
        }
        c->moved += moved;
        if (c->gently && !empty) {
            (void)stop_wait_us(clock_monotonic_us() - start_us);
        }
    }
    c->left = c->left || !empty;
    return true;
}

/* All lanes, again and again until every one is empty. */
static bool carry_lanes(struct carrying *c, struct err *err)
{
    do {
        c->left = false;
        for (int lane = 0; lane < LANES && !stop_requested(); lane++) {
            if (!carry_lane(c, lane, err)) {
                return false;
            }
        }
    } while (c->left && !stop_wait_us(AGAIN_US));
    return true;
}

/* Until nobody looks at the old table any more. */
static bool carry_end(struct carrying *c, struct err *err)
{
    bool done = false;

    while (!done && !stop_requested()) {
        db_bound(c->db, clock_monotonic_us() + PAGE_MAX_US);
        if (!store_carry_end(c->db, &done, err) && !(db_alive(c->db) && db_retryable(c->db))) {
            return false;
        }
        if (!done) {
            (void)stop_wait_us(END_US);
        }
    }
    return true;
}

static bool carry_with(struct carrying *c, struct err *err)
{
    struct carry_state state;

    if (!store_carry_state(c->db, &state, err)) {
        return false;
    }
    return !state.left || (carry_lanes(c, err) && carry_end(c, err));
}

/* Over one connection. Adds to *moved what it moved, also where it failed behind that. */
static bool carry_once(const struct database *database, bool gently, int64_t *moved,
                       struct err *err)
{
    struct carrying c = {.gently = gently};
    bool ok = database_connect(database, &c.db, err) && carry_with(&c, err);

    db_close(&c.db);
    *moved += c.moved;
    return ok;
}

bool carry_run(const struct database *database, int64_t *out_moved, struct err *err)
{
    *out_moved = 0;
    return carry_once(database, false, out_moved, err);
}

/* ---- beside a service ---- */

struct carrier {
    const struct database *database;
    pthread_t thread;
};

static void *carry_thread(void *arg)
{
    const struct carrier *carrier = arg;
    int64_t moved = 0;
    struct err err = {0};

    while (!carry_once(carrier->database, true, &moved, &err) && !stop_wait_us(AWAY_US)) {
        log_line(LOG_WARN, "log_carry", "%s", err.text);
        err = (struct err){0};
    }
    log_line(LOG_INFO, "log_carry",
             stop_requested() ? "%lld events moved, the rest the next time"
                              : "%lld events moved: the log is in its new form",
             (long long)moved);
    return NULL;
}

bool carrier_start(const struct database *database, struct carrier **out, struct err *err)
{
    CLEANUP(db_close) struct db *db = NULL;
    struct carry_state state;

    *out = NULL;
    if (!database_connect(database, &db, err) || !store_carry_state(db, &state, err)) {
        return false;
    }
    if (!state.left) {
        return true;
    }
    /* packed, events take about two fifths of what they took */
    log_line(LOG_INFO, "log_carry",
             "about %lld events are moved into the log's new form while it serves; until that is "
             "done the database takes up to %lld MB more",
             (long long)(state.events - state.moved), (long long)(state.bytes * 2 / 5 >> 20));
    struct carrier *c = mem_alloc(sizeof *c);
    c->database = database;
    if (pthread_create(&c->thread, NULL, carry_thread, c) != 0) {
        mem_free(&c);
        return FAIL(err, ERR_BUSY, "the system gives no more threads");
    }
    *out = c;
    return true;
}

void carrier_stop(struct carrier **carrier)
{
    if (*carrier != NULL) {
        (void)pthread_join((*carrier)->thread, NULL);
        mem_free(carrier);
    }
}
