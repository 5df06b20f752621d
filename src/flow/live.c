/* The models that serve, and how a new one takes over: sets are immutable and counted, the newest stands behind one leaf mutex that is held for a few
 * instructions. Where a model's file comes from is live_cache.c's business. */
#include "flow/live.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "flow/live_cache.h"
#include "ml/blas.h"
#include "store/models.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* One loaded model, shared by every set it is in. */
struct held {
    atomic_int refs;
    struct risk *risk; /* one of the two */
    struct affinity *affinity;
};

struct set {
    struct live_set face; /* first: what readers see */
    atomic_int refs;
    struct held *risk; /* NULL: none */
    struct held *affinity;
};

struct live {
    struct database database;
    int64_t poll_us;
    char cache_dir[MODEL_PATH_BYTES];
    pthread_mutex_t lock; /* guards current and stopping */
    pthread_cond_t wake;
    struct set *current;
    bool stopping;
    bool watching;
    pthread_t watcher;
};

/* ---- counting ---- */

static struct held *held_take(struct held *h)
{
    if (h) {
        atomic_fetch_add_explicit(&h->refs, 1, memory_order_relaxed);
    }
    return h;
}

static void held_drop(struct held **held)
{
    struct held *h = *held;
    *held = NULL;
    if (h && atomic_fetch_sub_explicit(&h->refs, 1, memory_order_acq_rel) == 1) {
        risk_free(&h->risk);
        affinity_free(&h->affinity);
        free(h);
    }
}

/* Takes over both references. */
static struct set *set_new(struct held *risk, struct held *affinity)
{
    struct set *s = mem_alloc(sizeof *s);
    s->face.risk = risk ? risk->risk : NULL;
    s->face.affinity = affinity ? affinity->affinity : NULL;
    s->risk = risk;
    s->affinity = affinity;
    atomic_init(&s->refs, 1);
    return s;
}

static void set_drop(struct set *s)
{
    if (s && atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) == 1) {
        held_drop(&s->risk);
        held_drop(&s->affinity);
        free(s);
    }
}

static struct set *current_take(struct live *live)
{
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
    memcpy(&held, set, sizeof(void *)); /* what readers see is the set's first member */
    *set = NULL;
    set_drop(held);
}

/* ---- looking ---- */

static const char *version_of(const struct held *h)
{
    return h == NULL ? "" : h->risk ? risk_version(h->risk) : affinity_version(h->affinity);
}

/* The champion of a kind: the old holder if it still is, else one freshly loaded; NULL if there is none. One reference to the caller. */
static bool champion_held(struct live *live, struct db *db, const char *kind, struct held *old,
                          struct held **out, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct model_row row = {0};
    bool found = false;
    if (!store_model_champion(db, kind, &a, &row, &found, err)) {
        return false;
    }
    if (!found || strcmp(version_of(old), row.version) == 0) {
        *out = found ? held_take(old) : NULL;
        return true;
    }
    struct model_file file = {0};
    if (!live_cache_open(live->cache_dir, db, &row, &file, err)) {
        return false;
    }
    struct held *h = mem_alloc(sizeof *h);
    atomic_init(&h->refs, 1);
    bool ok = strcmp(kind, "risk") == 0 ? risk_load(&file, row.version, &h->risk, err)
                                        : affinity_load(&file, row.version, &h->affinity, err);
    if (!ok) {
        model_file_close(&file);
        free(h);
        return false;
    }
    *out = h;
    return true;
}

static void install(struct live *live, struct set *fresh)
{
    pthread_mutex_lock(&live->lock);
    struct set *old = live->current;
    live->current = fresh;
    pthread_mutex_unlock(&live->lock);
    set_drop(old);
    metric_add(METRIC_model_swaps, 1);
}

static bool look(struct live *live, struct db *db, bool *out_changed, struct err *err)
{
    struct set *now = current_take(live);
    struct held *risk = NULL;
    struct held *affinity = NULL;
    bool ok = champion_held(live, db, "risk", now->risk, &risk, err) &&
              champion_held(live, db, "affinity", now->affinity, &affinity, err);
    bool changed = ok && (risk != now->risk || affinity != now->affinity);
    if (changed) {
        install(live, set_new(risk, affinity));
        live_cache_trim(live->cache_dir);
    } else {
        held_drop(&risk);
        held_drop(&affinity);
    }
    set_drop(now);
    if (ok) {
        *out_changed = changed;
    }
    return ok;
}

bool live_refresh(struct live *live, bool *out_changed, struct err *err)
{
    CLEANUP(db_close) struct db *db = NULL;
    return database_connect(&live->database, &db, err) && look(live, db, out_changed, err);
}

/* ---- watching ---- */

static bool wait_stopping(struct live *live)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + live->poll_us % SECONDS(1) * 1000;
    until.tv_sec += (time_t)(live->poll_us / SECONDS(1) + ns / 1000000000);
    until.tv_nsec = (long)(ns % 1000000000);
    pthread_mutex_lock(&live->lock);
    while (!live->stopping && pthread_cond_timedwait(&live->wake, &live->lock, &until) == 0) {
    }
    bool stopping = live->stopping;
    pthread_mutex_unlock(&live->lock);
    return stopping;
}

/* A failure is told once, and again only when it is another one: a bad file would otherwise fill the log. */
static void tell(struct err *told, const struct err *err)
{
    if (strcmp(told->text, err->text) == 0) {
        return;
    }
    if (err->kind == ERR_INVALID) {
        metric_add(METRIC_model_load_failures, 1);
    }
    log_line(LOG_WARN, "model_not_loaded", "%s; the models before keep serving", err->text);
    *told = *err;
}

static void *watch(void *arg)
{
    struct live *live = arg;
    struct err told = {0};
    struct db *db = NULL;
    while (!wait_stopping(live)) {
        struct err err = {0};
        bool changed = false;
        if (db && !db_alive(db)) {
            db_close(&db);
        }
        if ((!db && !database_connect(&live->database, &db, &err)) ||
            !look(live, db, &changed, &err)) {
            tell(&told, &err);
            continue;
        }
        told = (struct err){0};
        if (changed) {
            const struct live_set *set = live_acquire(live);
            log_line(LOG_INFO, "models_swapped", "risk %s, affinity %s",
                     set->risk ? risk_version(set->risk) : "none",
                     set->affinity ? affinity_version(set->affinity) : "none");
            live_release(live, &set);
        }
    }
    db_close(&db);
    return NULL;
}

static void lock_init(struct live *live)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&live->lock, NULL);
    pthread_cond_init(&live->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

bool live_open(const struct database *database, const struct config *config, bool watch_too,
               struct live **out, struct err *err)
{
    struct live *live = mem_alloc(sizeof *live);
    bool changed = false;
    blas_init();
    live->database = *database;
    live->poll_us = config->model_poll;
    lock_init(live);
    live->current = set_new(NULL, NULL);
    if (!live_cache_dir(config->data_dir, live->cache_dir, err) ||
        !live_refresh(live, &changed, err)) {
        live_close(&live);
        return false;
    }
    live->watching = watch_too;
    if (watch_too && pthread_create(&live->watcher, NULL, watch, live) != 0) {
        live->watching = false;
        live_close(&live);
        return FAIL(err, ERR_BUSY, "cannot start the thread that watches the models");
    }
    *out = live;
    return true;
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
    mem_free(live);
}
