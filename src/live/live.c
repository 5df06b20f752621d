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
#include "live/live_shelf.h"
#include "live/live_visits.h"
#include "live/risk_metrics.h"
#include "ml/linear/blas.h"
#include "store/models.h"
#include "store/risk_checks.h"
#include "store/shop_days.h"

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

/* The shop's days, likewise. */
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

/* Which of a set's two. */
enum kind { RISK, AFFINITY, KINDS };

static const char *const kind_names[KINDS] = {[RISK] = "risk", [AFFINITY] = "affinity"};

enum { VERSION_BYTES = 128 };

struct live {
    struct database database;
    int64_t poll_us;
    char cache_dir[MODEL_PATH_BYTES];
    pthread_mutex_t looking;            /* one look at a time; guards what follows */
    char refused[KINDS][VERSION_BYTES]; /* promoted, but it does not load; "": none */
    atomic_int standing[KINDS];         /* enum live_standing, for live_look */
    int64_t shelf_seen_us; /* newest change of the catalogue that was read; guarded likewise */
    pthread_mutex_t lock;  /* guards current and stopping */
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
        /* Relaxed is enough here and below: whoever takes a reference reaches the object through another one, which keeps it there. */
        atomic_fetch_add_explicit(&h->refs, 1, memory_order_relaxed);
    }
    return h;
}

static void held_drop(struct held **held)
{
    struct held *h = *held;
    *held = NULL;
    /* Release, so that what this thread did with it is done before the count falls; acquire, so that the last one frees only after that of
     * all others. */
    if (h && atomic_fetch_sub_explicit(&h->refs, 1, memory_order_acq_rel) == 1) {
        risk_free(&h->risk);
        affinity_free(&h->affinity);
        free(h);
    }
}

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
    s->face.context = (struct feature_context){s->face.affinity, &days->days};
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

static const char *version_of(const struct held *h)
{
    return h == NULL ? "" : h->risk ? risk_version(h->risk) : affinity_version(h->affinity);
}

/* The newest daily correction of a version; 0 where it has none. */
static bool shift_of(struct db *db, enum kind kind, const char *version, double *out,
                     struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct risk_check newest = {0};
    bool found = false;
    if (kind == RISK && !store_risk_check_newest(db, version, &a, &newest, &found, err)) {
        return false;
    }
    /* Zeros where there is no check yet: the gauges of the model before would be those of another one. */
    if (kind == RISK) {
        risk_metrics_show(&newest);
    }
    *out = newest.shift;
    return true;
}

/* Whether what is held is that version, corrected so. */
static bool is_held(const struct held *h, const char *version, double shift)
{
    /* The same double from the same row: equality is exact. Another correction means loading anew, as nobody may change a model that others
     * read. */
    return strcmp(version_of(h), version) == 0 &&
           (h->risk == NULL || risk_shift_of(h->risk) == shift);
}

static bool load(struct live *live, struct db *db, enum kind kind, const struct model_row *row,
                 struct held **out, struct err *err)
{
    struct model_file file = {0};
    struct err unkept = {0};
    if (!live_cache_open(live->cache_dir, db, row, &file, &unkept, err)) {
        return false;
    }
    if (unkept.kind != ERR_NONE) {
        log_line(LOG_WARN, "model_not_kept", "%s: %s; it serves from memory", row->version,
                 unkept.text);
    }
    struct held *h = mem_alloc(sizeof *h);
    atomic_init(&h->refs, 1);
    bool ok = kind == RISK ? risk_load(&file, row->version, &h->risk, err)
                           : affinity_load(&file, row->version, &h->affinity, err);
    /* What loads takes the file over. */
    if (!ok) {
        model_file_close(&file);
        free(h);
        return false;
    }
    struct err late = {0}; /* without it the visits are as old as the model, no more */
    if (kind == AFFINITY && !live_visits_catch_up(db, h->affinity, &late)) {
        log_line(LOG_WARN, "visits_not_read", "%s: %s", row->version, late.text);
    }
    *out = h;
    return true;
}

/* Told once a version: it would fail the same way at every look. */
static void refuse(struct live *live, enum kind kind, const struct model_row *row,
                   const struct held *instead, const struct err *why)
{
    (void)snprintf(live->refused[kind], VERSION_BYTES, "%s", row->version);
    metric_add(METRIC_model_load_failures, 1);
    log_line(LOG_ERROR, "model_not_loaded", "%s: %s; %s serves", row->version, why->text,
             instead ? version_of(instead) : "no model of its kind");
    atomic_store(&live->standing[kind], instead ? LIVE_FALLBACK : LIVE_NONE);
}

/* The better stand-in first: who was champion last, then what was never one (a baseline), the newest. */
static int by_promotion(const void *a, const void *b)
{
    const struct model_row *x = a;
    const struct model_row *y = b;
    if (x->promoted_us != y->promoted_us) {
        return x->promoted_us < y->promoted_us ? 1 : -1;
    }
    return (x->number < y->number) - (x->number > y->number);
}

/* Whoever may stand in: a model that was champion once, or a baseline; not one that lost against the champion. */
static bool may_stand_in(const struct model_row *m, enum kind kind, const char *refused)
{
    return strcmp(m->kind, kind_names[kind]) == 0 && strcmp(m->version, refused) != 0 &&
           (m->promoted_us != 0 || strcmp(m->verdict, "baseline") == 0);
}

/* Nothing serves, and the champion does not load: another model of its kind, or NULL. */
static bool stand_in(struct live *live, struct db *db, enum kind kind, const char *refused,
                     struct held **out, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct model_row *rows;
    size_t count;
    *out = NULL;
    if (!store_models_list(db, &a, &rows, &count, err)) {
        return false;
    }
    qsort(rows, count, sizeof *rows, by_promotion);
    for (size_t i = 0; i < count && *out == NULL; i++) {
        struct err why = {0};
        double shift = 0;
        if (!may_stand_in(&rows[i], kind, refused)) {
            continue;
        }
        if (!load(live, db, kind, &rows[i], out, &why)) {
            if (why.kind == ERR_BUSY) {
                *err = why;
                return false;
            }
            continue;
        }
        if (!shift_of(db, kind, rows[i].version, &shift, err)) {
            held_drop(out);
            return false;
        }
        if ((*out)->risk != NULL) {
            risk_shift((*out)->risk, shift);
        }
    }
    return true;
}

/* Who is to serve of a kind: the champion; where that does not load, the old holder; NULL for none. One reference to the caller. Fails where the
 * database does: what is served then is looked at again. */
static bool champion_held(struct live *live, struct db *db, enum kind kind, struct held *old,
                          struct held **out, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct model_row row = {0};
    struct err why = {0};
    bool found = false;
    if (!store_model_champion(db, kind_names[kind], &a, &row, &found, err)) {
        return false;
    }
    /* Before anything is fetched: a file of 100 MB that does not load would otherwise be read at every look. */
    if (found && strcmp(live->refused[kind], row.version) == 0) {
        *out = held_take(old);
        return true;
    }
    double shift = 0;
    if (found && !shift_of(db, kind, row.version, &shift, err)) {
        return false;
    }
    if (!found || is_held(old, row.version, shift)) {
        live->refused[kind][0] = '\0';
        atomic_store(&live->standing[kind], found ? LIVE_CHAMPION : LIVE_NONE);
        *out = found ? held_take(old) : NULL;
        return true;
    }
    if (load(live, db, kind, &row, out, &why)) {
        /* While nobody else sees it. */
        if ((*out)->risk != NULL) {
            risk_shift((*out)->risk, shift);
        }
        live->refused[kind][0] = '\0';
        atomic_store(&live->standing[kind], LIVE_CHAMPION);
        return true;
    }
    if (why.kind == ERR_BUSY) { /* the database went away: nothing is known about the file */
        *err = why;
        return false;
    }
    *out = held_take(old);
    if (*out == NULL && !stand_in(live, db, kind, row.version, out, err)) {
        return false;
    }
    refuse(live, kind, &row, *out, &why);
    return true;
}

static void install(struct live *live, struct set *fresh, bool models)
{
    pthread_mutex_lock(&live->lock);
    struct set *old = live->current;
    live->current = fresh;
    /* The old set goes outside of the lock: freeing a model takes long, and every request wants that lock. */
    pthread_mutex_unlock(&live->lock);
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
    ok[0] = champion_held(live, db, RISK, now->risk, &out->risk, &why[0]);
    ok[1] = champion_held(live, db, AFFINITY, now->affinity, &out->affinity, &why[1]);
    out->risk = ok[0] ? out->risk : held_take(now->risk);
    out->affinity = ok[1] ? out->affinity : held_take(now->affinity);
    ok[2] = days_read(db, now->days, &out->days, &why[2]);
    /* Of the model that will serve; a shelf counts by its numbers of products, so that one of another model is none to start from. */
    ok[3] = held_shelf_read(db, out->affinity ? out->affinity->affinity : NULL,
                            out->affinity == now->affinity ? now->shelf : NULL,
                            &live->shelf_seen_us, &out->shelf, &why[3]);
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
    /* By pointer: who serves as before is the same object, not an equal one. */
    const bool changed = f.risk != now->risk || f.affinity != now->affinity;
    if (changed || f.days != now->days || f.shelf != now->shelf) {
        install(live, set_new(f.risk, f.affinity, f.days, f.shelf), changed);
        live_cache_trim(live->cache_dir);
    } else {
        held_drop(&f.risk);
        held_drop(&f.affinity);
        days_drop(&f.days);
        held_shelf_drop(&f.shelf);
    }
    set_drop(now);
    pthread_mutex_unlock(&live->looking);
    *out_changed = changed;
    return seen;
}

bool live_refresh(struct live *live, bool *out_changed, struct err *err)
{
    CLEANUP(db_close) struct db *db = NULL;
    return database_connect(&live->database, &db, err) && look(live, db, out_changed, err);
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
    lock_init(live);
    live->current = set_new(NULL, NULL, days_new(), NULL);
    /* The first look is taken here: whoever has a live serves what there is from the first request on. */
    struct err unkept = {0}; /* without a folder models are read from the database at every start */
    if (!live_cache_dir(config->data_dir, live->cache_dir, &unkept)) {
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
    out->risk = (enum live_standing)atomic_load(&live->standing[RISK]);
    out->affinity = (enum live_standing)atomic_load(&live->standing[AFFINITY]);
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
    mem_free(live);
}
