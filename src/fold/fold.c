/* The consumer of the event log: leases lanes and folds their new events, one transaction a batch. The
 * cursor's compare-and-set at its end is what makes the effect exactly-once; the lease only keeps
 * folders out of each other's way. Who runs it, and when, is fold_workers.c's. */
#include "fold/fold.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/metric.h"
#include "fold/fold_batch.h"
#include "live/live_visits.h"

#include <assert.h>

enum { RETRIES = 5 };

struct folder {
    const struct database *database; /* borrowed, as config and live */
    const struct config *config;
    struct live *live;
    char *owner;
    int lanes_wanted;
    struct db *db;
    struct arena arena; /* of one step */
    struct lane_lease leases[LANES];
    int lease_count;
    int lanes_due;     /* the share of it when last looked at */
    int64_t leased_us; /* monotonic; 0: ask again before the next read */
};

/* ---- leases ---- */

static void leases_forget(struct folder *f)
{
    f->lease_count = 0;
    f->leased_us = 0;
}

static bool folder_connected(struct folder *f, struct err *err)
{
    if (f->db != NULL && !db_still_alive(f->db)) {
        db_close(&f->db);
        leases_forget(f); /* while it was away somebody may have moved the cursors */
        metric_add(METRIC_db_reconnects, 1);
    }
    return f->db != NULL || database_connect(f->database, &f->db, err);
}

/* Fair shares: every live folder of every process wants its part of the lanes, gives back what is more,
 * and takes over what a dead one's lease leaves. */
static bool folder_lease(struct folder *f, struct err *err)
{
    int owners;

    if (!store_lanes_owners(f->db, f->owner, f->config->fold_lease, &owners, err)) {
        return false;
    }
    int share = (LANES + owners - 1) / owners; /* rounded up: no lane is left to nobody */
    f->lanes_due = share < f->lanes_wanted ? share : f->lanes_wanted;
    if (!store_lanes_lease(f->db, f->owner, f->config->fold_lease, f->lanes_due, f->leases,
                           &f->lease_count, err)) {
        return false;
    }
    f->leased_us = clock_monotonic_us();
    return true;
}

/* Renewed well before it runs out; who has less than its share looks more often. */
static bool folder_leased(struct folder *f, struct err *err)
{
    int64_t lease_us = f->config->fold_lease;
    int64_t every_us = f->lease_count < f->lanes_due ? lease_us / 20 : lease_us / 3;

    return (f->leased_us != 0 && clock_monotonic_us() - f->leased_us < every_us) ||
           folder_lease(f, err);
}

/* ---- one batch ---- */

/* The cursors that the batch moves: leases, and where to. Returns how many. */
static int cursors_moved(const struct folder *f, const struct fold_batch *b,
                         struct lane_lease before[LANES], int64_t offs[LANES])
{
    int n = 0;

    for (int i = 0; i < f->lease_count; i++) {
        int64_t off = b->last_offs[f->leases[i].lane];
        if (off > f->leases[i].off) { /* 0 where the batch has nothing of the lane */
            before[n] = f->leases[i];
            offs[n++] = off;
        }
    }
    return n;
}

static bool batch_fence(const struct folder *f, const struct fold_batch *b, struct err *err)
{
    struct lane_lease before[LANES];
    int64_t offs[LANES];
    int moved = cursors_moved(f, b, before, offs);

    return store_cursors_advance(f->db, before, offs, moved, f->config->fold_lease, err);
}

static bool batch_write(const struct folder *f, const struct fold_batch *b, struct err *err)
{
    /* One set for the whole batch: every score in it names the model that made it. */
    const struct live_set *models = f->live == NULL ? NULL : live_acquire(f->live);
    bool ok = fold_batch_write(b, f->db, f->config, models, err);

    if (models != NULL) {
        live_release(f->live, &models);
    }
    return ok;
}

/* Locks in the same order everywhere: cursors, shoppers, carts, lanes (by the append). The fence comes first: whoever
 * lost a lane touches nothing, and what is read behind it stands still. */
static bool batch_commit(struct folder *f, struct fold_batch *b, struct err *err)
{
    return db_begin(f->db, err) && batch_fence(f, b, err) && fold_batch_apply(b, f->db, err) &&
           batch_write(f, b, err) && fold_batch_derive(b, f->db, err) &&
           fold_batch_count(b, f->db, err) && db_commit(f->db, err);
}

static void batch_done(struct folder *f, const struct fold_batch *b)
{
    uint64_t unknown = 0;

    for (int i = 0; i < f->lease_count; i++) {
        int64_t off = b->last_offs[f->leases[i].lane];
        f->leases[i].off = off > f->leases[i].off ? off : f->leases[i].off;
    }
    for (size_t i = 0; i < b->count; i++) {
        const struct fold_event *e = &b->events[i];
        unknown += !e->dead && e->event.type == EVENT_UNKNOWN && e->event.via == NULL ? 1 : 0;
    }
    metric_add(METRIC_fold_events, b->count);
    metric_add(METRIC_fold_dead, b->dead);
    metric_add(METRIC_fold_refolds, b->refolds);
    metric_add(METRIC_events_unknown_type, unknown);
}

/* What was done just now counts in the next ranking for anybody else. */
static void batch_tell(const struct folder *f, const struct fold_batch *b)
{
    const struct live_set *models = f->live == NULL ? NULL : live_acquire(f->live);

    if (models == NULL) {
        return;
    }
    for (size_t i = 0; models->affinity != NULL && i < b->count; i++) {
        if (!b->events[i].dead) {
            live_visits_tell(models->affinity, b->events[i].log->key, &b->events[i].event);
        }
    }
    live_release(f->live, &models);
}

static bool folder_fold(struct folder *f, const struct log_event *events, size_t count,
                        int64_t *out_folded, struct err *err)
{
    struct fold_batch b;

    /* Decoding and grouping need no database, so they come before the transaction that locks the cursors. */
    fold_batch_make(&b, events, count, clock_now_us(), &f->arena);
    if (batch_commit(f, &b, err)) {
        batch_done(f, &b);
        batch_tell(f, &b);
        *out_folded = (int64_t)count;
        return true;
    }
    /* Even the COMMIT may have arrived: only the database knows where the cursors are. */
    db_rollback(f->db);
    leases_forget(f);
    if (err->kind ==
        ERR_CONFLICT) { /* somebody else holds a lane by now; nothing of ours remains */
        metric_add(METRIC_fold_fenced, 1);
        *out_folded = 0;
        return true;
    }
    return false;
}

static bool folder_pass(struct folder *f, int64_t *out_folded, struct err *err)
{
    struct log_event *events;
    size_t count = 0;

    arena_reset(&f->arena);
    if (!folder_connected(f, err) || !folder_leased(f, err)) {
        return false;
    }
    if (f->lease_count > 0 &&
        !store_events_after(f->db, f->leases, f->lease_count, (int)f->config->fold_batch, &f->arena,
                            &events, &count, err)) {
        return false;
    }
    if (count == 0) {
        *out_folded = 0;
        return true;
    }
    return folder_fold(f, events, count, out_folded, err);
}

/* Two folders may meet in the rows of one cart id (cart_lane is shared by all lanes): the one that the
 * database sends back simply tries again. */
bool folder_step(struct folder *f, int64_t *out_folded, struct err *err)
{
    bool ok = folder_pass(f, out_folded, err);

    for (int i = 0; i < RETRIES && !ok && f->db != NULL && db_alive(f->db) && db_retryable(f->db);
         i++) {
        ok = folder_pass(f, out_folded, err);
    }
    return ok;
}

bool folder_lag(struct folder *f, struct log_lag *out, struct err *err)
{
    return folder_connected(f, err) && store_lag(f->db, clock_now_us(), out, err);
}

bool folder_rescore(struct folder *f, struct rescore *r, struct err *err)
{
    if (f->live == NULL) {
        return true;
    }
    return folder_connected(f, err) &&
           rescore_step(r, f->db, f->live, f->config, clock_now_us(), NULL, err);
}

/* ---- life ---- */

bool folder_open(const struct database *database, const struct config *config, struct live *live,
                 const char *owner, int lanes_wanted, struct folder **out, struct err *err)
{
    struct folder *f = mem_alloc(sizeof *f);

    assert(lanes_wanted > 0);
    f->database = database;
    f->config = config;
    f->live = live;
    f->owner = mem_strdup(owner);
    f->lanes_wanted = lanes_wanted < LANES ? lanes_wanted : LANES;
    int owners; /* from now on it counts among them: the first share of everybody is then the right one */
    if (!folder_connected(f, err) ||
        !store_lanes_owners(f->db, f->owner, config->fold_lease, &owners, err)) {
        folder_close(&f);
        return false;
    }
    *out = f;
    return true;
}

void folder_close(struct folder **f)
{
    struct err ignored = {0}; /* what is not released runs out */

    if (*f == NULL) {
        return;
    }
    if ((*f)->db != NULL && db_alive((*f)->db)) {
        (void)!store_lanes_release((*f)->db, (*f)->owner, &ignored);
    }
    db_close(&(*f)->db);
    arena_free(&(*f)->arena);
    mem_free(&(*f)->owner);
    mem_free(f);
}
