/* The models that serve, and how a new one takes over: sets are immutable and counted, the newest stands behind one leaf mutex that is held for a few
 * instructions. Where a model's file comes from is live_cache.c's business. */
#include "live/live.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/cond.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "live/live_cache.h"
#include "live/live_champion.h"
#include "live/live_prior.h"
#include "live/live_shelf.h"
#include "ml/linear/blas.h"
#include "store/shop_days.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The shop's days, counted like a model (live_held.h). */
struct held_days {
    atomic_int refs;
    struct arena arena;
    struct shop_days days;
};

struct set {
    struct live_set face; /* first: what readers see */
    atomic_int refs;
    struct held *risk; /* NULL: none */
    struct held *affinity;
    struct held_days *days;   /* never NULL */
    struct held_shelf *shelf; /* of the affinity model; NULL without */
};

enum { PRIOR_POLLS = 10 };

struct live {
    struct database database;
    int64_t poll_us;
    pthread_mutex_t looking; /* one look at a time; guards what follows */
    struct champions champions;
    struct shelf_seen shelf_seen; /* of the catalogue; guarded likewise */
    pthread_mutex_t lock;         /* guards current and stopping */
    pthread_cond_t wake;
    struct set *current;
    bool stopping;
    bool watching;
    pthread_t watcher;
};

/* ---- counting ---- */

static struct held_days *days_new(void)
{
    struct held_days *d = mem_alloc(sizeof *d);
    atomic_init(&d->refs, 1);
    return d;
}

static struct held_days *days_take(struct held_days *d)
{
    atomic_fetch_add_explicit(&d->refs, 1, memory_order_relaxed);
    return d;
}

static void days_drop(struct held_days **days)
{
    struct held_days *d = *days;
    *days = NULL;
    if (d && atomic_fetch_sub_explicit(&d->refs, 1, memory_order_acq_rel) == 1) {
        arena_free(&d->arena);
        free(d);
    }
}

/* Takes over the references. */
static struct set *set_new(struct held *risk, struct held *affinity, struct held_days *days,
                           struct held_shelf *shelf)
{
    struct set *s = mem_alloc(sizeof *s);
    s->days = days;
    s->shelf = shelf;
    s->face.shelf = held_shelf_look(shelf);
    s->face.risk = risk ? risk->risk : NULL;
    s->face.affinity = affinity ? affinity->affinity : NULL;
    /* A prior has seen the moment it would be asked about, and no moment of training knew one (train/risk/train_context.c). */
    s->face.context =
        (struct feature_context){live_prior_is(affinity) ? NULL : s->face.affinity, &days->days};
    s->risk = risk;
    s->affinity = affinity;
    atomic_init(&s->refs, 1);
    return s;
}

static void set_drop(struct set *s)
{
    if (s && atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) == 1) {
        live_held_drop(&s->risk);
        live_held_drop(&s->affinity);
        days_drop(&s->days);
        held_shelf_drop(&s->shelf);
        free(s);
    }
}

static struct set *current_take(struct live *live)
{
    /* Reading the pointer and counting must not be parted: a swap between them could free the set. */
    pthread_mutex_lock(&live->lock);
    struct set *s = live->current;
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    pthread_mutex_unlock(&live->lock);
    return s;
}

const struct live_set *live_acquire(struct live *live)
{
    return &current_take(live)->face;
}

void live_release(struct live *live, const struct live_set **set)
{
    (void)live;
    struct set *held = NULL;
    /* Bytes, since a cast could only take the const away. */
    memcpy(&held, set, sizeof(void *)); /* what readers see is the set's first member */
    *set = NULL;
    set_drop(held);
}

/* ---- looking ---- */

static void install(struct live *live, struct set *fresh, bool models)
{
    struct visit_journal *journal = &live->champions.journal;
    /* Whoever is told next is told as the new one, and what was told meanwhile it hears now: nothing falls in between. */
    pthread_mutex_lock(&journal->lock);
    visit_journal_end(journal, fresh->face.affinity);
    /* the journal's lock before this one, as in live_tell */
    pthread_mutex_lock(&live->lock);
    struct set *old = live->current;
    live->current = fresh;
    /* The old set goes outside of the lock: freeing a model takes long, and every request wants that lock. */
    pthread_mutex_unlock(&live->lock);
    pthread_mutex_unlock(&journal->lock);
    set_drop(
        old); /* readers that still hold it keep it until they are done; the last one frees it */
    if (models) {
        metric_add(METRIC_model_swaps, 1);
    }
}

/* The days as they are now: the old ones where none was added, or where the database fails. One reference to the caller. */
static bool days_read(struct db *db, struct held_days *old, struct held_days **out, struct err *err)
{
    struct held_days *fresh = days_new();
    bool ok = store_shop_days_read(db, old->days.count, &fresh->arena, &fresh->days, err);
    bool added = ok && fresh->days.count > 0;
    *out = added ? fresh : days_take(old);
    if (!added) {
        days_drop(&fresh);
    }
    return ok;
}

/* What a look finds; one reference to each. */
struct found {
    struct held *risk;
    struct held *affinity;
    struct held_days *days;
    struct held_shelf *shelf;
};

/* One part's trouble is not the others': each is looked at, and what fails stays as it was. *err is the first trouble. */
static bool find(struct live *live, struct db *db, const struct set *now, struct found *out,
                 struct err *err)
{
    struct err why[4] = {{0}};
    bool ok[4];
    /* Every part is either the new one or the old one, each with a reference of its own: what is done with them after this
     * does not depend on what failed. */
    ok[0] = champion_held(&live->champions, db, RISK, now->risk, &out->risk, &why[0]);
    ok[1] = champion_held(&live->champions, db, AFFINITY, now->affinity, &out->affinity, &why[1]);
    out->risk = ok[0] ? out->risk : live_held_take(now->risk);
    out->affinity = ok[1] ? out->affinity : live_held_take(now->affinity);
    ok[2] = days_read(db, now->days, &out->days, &why[2]);
    /* Of the model that will serve; a shelf counts by its numbers of products, so that one of another model is none to start from. */
    ok[3] = held_shelf_read(db, out->affinity ? out->affinity->affinity : NULL,
                            out->affinity == now->affinity ? now->shelf : NULL, &live->shelf_seen,
                            &out->shelf, &why[3]);
    for (int i = 3; i >= 0; i--) { /* backwards, so that the first trouble is the one left */
        *err = ok[i] ? *err : why[i];
    }
    return ok[0] && ok[1] && ok[2] && ok[3];
}

/* What changed is swapped in. */
static bool look(struct live *live, struct db *db, bool *out_changed, struct err *err)
{
    struct found f = {0};
    /* One look at a time: two would load the same file twice and install in either order. Readers never take this lock. */
    pthread_mutex_lock(&live->looking);
    struct set *now = current_take(live);
    const bool seen = find(live, db, now, &f, err);
    /* By pointer: who serves as before is the same object, not an equal one. A prior that has counted on is no other model. */
    const bool changed =
        f.risk != now->risk || (f.affinity != now->affinity &&
                                !(live_prior_is(f.affinity) && live_prior_is(now->affinity)));
    if (changed || f.affinity != now->affinity || f.days != now->days || f.shelf != now->shelf) {
        install(live, set_new(f.risk, f.affinity, f.days, f.shelf), changed);
        live_cache_trim(live->champions.cache_dir);
    } else {
        live_held_drop(&f.risk);
        live_held_drop(&f.affinity);
        days_drop(&f.days);
        held_shelf_drop(&f.shelf);
    }
    set_drop(now);
    pthread_mutex_unlock(&live->looking);
    *out_changed = changed;
    return seen;
}

void live_tell(struct live *live, const struct log_event *log, const struct event *e)
{
    struct visit_journal *journal = &live->champions.journal;
    pthread_mutex_lock(&journal->lock);
    struct set *now = current_take(live);
    if (now->face.affinity) {
        live_visits_tell(now->face.affinity, log->key, e);
    }
    visit_journal_note(journal, log, e);
    pthread_mutex_unlock(&journal->lock);
    set_drop(now); /* perhaps the last one to hold a model: not under the lock */
}

bool live_refresh(struct live *live, bool *out_changed, struct err *err)
{
    CLEANUP(db_close) struct db *db = NULL;
    return database_connect(&live->database, &db, err) && look(live, db, out_changed, err);
}

static bool knows_products(struct live *live)
{
    CLEANUP(live_use_end) struct live_use use = live_use(live);
    return use.set->affinity != NULL;
}

bool live_meet(struct live *live, struct pool *pool, struct err *err)
{
    CLEANUP(pool_return) struct lease lease = {.pool = pool};
    struct err ignored = {0}; /* the watcher tells it, and what can be said without picks is said */
    bool changed = false;
    /* asked first, as look() waits for whoever is at it */
    if (knows_products(live)) {
        return true;
    }
    if (!pool_lease(pool, &lease, err)) {
        return false;
    }
    (void)!look(live, lease.db, &changed, &ignored);
    return true;
}

/* ---- watching ---- */

static bool wait_stopping(struct live *live)
{
    int64_t until_us = clock_monotonic_us() + live->poll_us;
    pthread_mutex_lock(&live->lock);
    while (!live->stopping && cond_wait_until(&live->wake, &live->lock, until_us)) {
    }
    bool stopping = live->stopping;
    pthread_mutex_unlock(&live->lock);
    return stopping;
}

/* A failure is told once, and again only when it is another one: a database that is away would otherwise fill the log. */
static void tell(struct err *told, const struct err *err)
{
    if (strcmp(told->text, err->text) == 0) {
        return;
    }
    log_line(LOG_WARN, "models_not_read", "%s; the models before keep serving", err->text);
    *told = *err;
}

static void tell_swap(struct live *live)
{
    const struct live_set *set = live_acquire(live);
    log_line(LOG_INFO, "models_swapped", "risk %s, affinity %s",
             set->risk ? risk_version(set->risk) : "none",
             set->affinity ? affinity_version(set->affinity) : "none");
    live_release(live, &set);
}

static void *watch(void *arg)
{
    struct live *live = arg;
    struct err told = {0};
    struct db *db = NULL;
    while (!wait_stopping(live)) {
        struct err err = {0};
        bool changed = false;
        /* Found out at the look before; connected anew at this one, so that a database that is away is asked once a poll. */
        if (db && !db_alive(db)) {
            db_close(&db);
        }
        if ((!db && !database_connect(&live->database, &db, &err)) ||
            !look(live, db, &changed, &err)) {
            tell(&told, &err);
        } else {
            told = (struct err){0};
        }
        if (changed) {
            tell_swap(live);
        }
    }
    db_close(&db);
    return NULL;
}

static void lock_init(struct live *live)
{
    visit_journal_init(&live->champions.journal);
    pthread_mutex_init(&live->looking, NULL);
    pthread_mutex_init(&live->lock, NULL);
    cond_init(&live->wake);
}

bool live_open(const struct database *database, const struct config *config, bool watch_too,
               struct live **out, struct err *err)
{
    struct live *live = mem_alloc(sizeof *live);
    bool changed = false;
    blas_init();
    live->database = *database;
    live->poll_us = config->model_poll;
    live->champions.horizon_us = config->risk_horizon;
    live->champions.prior.every_us = PRIOR_POLLS * config->model_poll;
    lock_init(live);
    live->current = set_new(NULL, NULL, days_new(), NULL);
    /* The first look is taken here: whoever has a live serves what there is from the first request on. */
    struct err unkept = {0}; /* without a folder models are read from the database at every start */
    if (!live_cache_dir(config->data_dir, live->champions.cache_dir, &unkept)) {
        log_line(LOG_WARN, "models_not_kept", "%s", unkept.text);
    }
    if (!live_refresh(live, &changed, err)) {
        live_close(&live);
        return false;
    }
    live->watching = watch_too;
    if (watch_too && pthread_create(&live->watcher, NULL, watch, live) != 0) {
        /* Or live_close would wait for a thread that there is none of. */
        live->watching = false;
        live_close(&live);
        return FAIL(err, ERR_BUSY, "cannot start the thread that watches the models");
    }
    *out = live;
    return true;
}

void live_look(struct live *live, struct live_state *out)
{
    out->risk = (enum live_standing)atomic_load(&live->champions.standing[RISK]);
    out->affinity = (enum live_standing)atomic_load(&live->champions.standing[AFFINITY]);
}

void live_close(struct live **live)
{
    struct live *l = *live;
    if (!l) {
        return;
    }
    if (l->watching) {
        pthread_mutex_lock(&l->lock);
        l->stopping = true;
        pthread_cond_signal(&l->wake);
        pthread_mutex_unlock(&l->lock);
        pthread_join(l->watcher, NULL);
    }
    assert(atomic_load(&l->current->refs) == 1); /* a reader still holds a set */
    set_drop(l->current);
    pthread_cond_destroy(&l->wake);
    pthread_mutex_destroy(&l->lock);
    pthread_mutex_destroy(&l->looking);
    visit_journal_free(&l->champions.journal);
    mem_free(live);
}
