/* Which models are to serve: the champions of the database, loaded; and who stands in for one that does not load. */
#include "live/live_champion.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/metric.h"
#include "domain/risk/risk_prior.h"
#include "live/live_cache.h"
#include "live/live_visits.h"
#include "live/risk_metrics.h"
#include "store/models.h"
#include "store/risk_checks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[KINDS] = {[RISK] = "risk", [AFFINITY] = "affinity"};

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

static bool load(struct champions *c, struct db *db, enum kind kind, const struct model_row *row,
                 struct held **out, struct err *err)
{
    struct model_file file = {0};
    struct err unkept = {0};
    if (!live_cache_open(c->cache_dir, db, row, &file, &unkept, err)) {
        return false;
    }
    if (unkept.kind != ERR_NONE) {
        log_line(LOG_WARN, "model_not_kept", "%s: %s; it serves from memory", row->version,
                 unkept.text);
    }
    struct held *h = live_held_new();
    bool ok = kind == RISK ? risk_load(&file, row->version, &h->risk, err)
                           : affinity_load(&file, row->version, &h->affinity, err);
    /* What loads takes the file over. */
    if (!ok) {
        model_file_close(&file);
        live_held_drop(&h);
        return false;
    }
    struct err late = {0}; /* without it the visits are as old as the model, no more */
    if (kind == AFFINITY) {
        visit_journal_begin(&c->journal);
        if (!live_visits_catch_up(db, h->affinity, &c->journal, &late)) {
            log_line(LOG_WARN, "visits_not_read", "%s: %s", row->version, late.text);
        }
    }
    *out = h;
    return true;
}

/* Told once a version: it would fail the same way at every look. */
static void refuse(struct champions *c, enum kind kind, const struct model_row *row,
                   const struct held *instead, const struct err *why)
{
    (void)snprintf(c->refused[kind], VERSION_BYTES, "%s", row->version);
    metric_add(METRIC_model_load_failures, 1);
    log_line(LOG_ERROR, "model_not_loaded", "%s: %s; %s serves", row->version, why->text,
             instead ? live_held_version(instead) : "no model of its kind");
    atomic_store(&c->standing[kind], instead ? LIVE_FALLBACK : LIVE_NONE);
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

/* Version 0 of the kind. One reference to the caller. */
static bool prior_held(struct champions *c, struct db *db, enum kind kind, struct held *old,
                       struct held **out, struct err *err)
{
    double shift = 0;
    if (kind == AFFINITY) {
        return live_prior_affinity(db, &c->prior, old, out, err);
    }
    if (!shift_of(db, kind, RISK_PRIOR_VERSION, &shift, err)) {
        return false;
    }
    *out = live_prior_risk(old, c->horizon_us, shift);
    return true;
}

/* A model with a file, corrected as it is to be. */
static bool load_corrected(struct champions *c, struct db *db, enum kind kind,
                           const struct model_row *row, double shift, struct held **out,
                           struct err *err)
{
    if (!load(c, db, kind, row, out, err)) {
        return false;
    }
    /* While nobody else sees it. */
    if ((*out)->risk != NULL) {
        risk_shift((*out)->risk, shift);
    }
    return true;
}

/* Nothing serves, and the champion does not load: another model of its kind. Version 0 has its place among them by when it served. */
static bool stand_in(struct champions *c, struct db *db, enum kind kind, const char *refused,
                     struct held **out, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct model_row *rows;
    size_t count;
    if (!store_models_list(db, &a, &rows, &count, err)) {
        return false;
    }
    qsort(rows, count, sizeof *rows, by_promotion);
    for (size_t i = 0; i < count; i++) {
        struct err why = {0};
        double shift = 0;
        if (!may_stand_in(&rows[i], kind, refused)) {
            continue;
        }
        if (rows[i].number == 0) {
            break;
        }
        if (!shift_of(db, kind, rows[i].version, &shift, err)) {
            return false;
        }
        if (load_corrected(c, db, kind, &rows[i], shift, out, &why)) {
            return true;
        }
        if (why.kind == ERR_BUSY) { /* the database went away: nothing is known about the file */
            *err = why;
            return false;
        }
    }
    return prior_held(c, db, kind, NULL, out, err);
}

/* The champion is known not to load, and somebody stands in for it since. */
static bool stand_on(struct champions *c, struct db *db, enum kind kind, struct held *old,
                     struct held **out, struct err *err)
{
    if (old == NULL || live_prior_is(old)) {
        return prior_held(c, db, kind, old, out, err);
    }
    *out = live_held_take(old);
    return true;
}

/* A champion with a file: old again where it is that one. */
static bool trained_held(struct champions *c, struct db *db, enum kind kind,
                         const struct model_row *row, struct held *old, struct held **out,
                         struct err *err)
{
    struct err why = {0};
    double shift = 0;
    if (!shift_of(db, kind, row->version, &shift, err)) {
        return false;
    }
    const bool held = live_held_is(old, row->version, shift);
    if (held) {
        *out = live_held_take(old);
    }
    if (held || load_corrected(c, db, kind, row, shift, out, &why)) {
        c->refused[kind][0] = '\0';
        atomic_store(&c->standing[kind], LIVE_CHAMPION);
        return true;
    }
    if (why.kind == ERR_BUSY) { /* nothing is known about the file */
        *err = why;
        return false;
    }
    *out = live_held_take(old);
    if (*out == NULL && !stand_in(c, db, kind, row->version, out, err)) {
        return false;
    }
    refuse(c, kind, row, *out, &why);
    return true;
}

bool champion_held(struct champions *c, struct db *db, enum kind kind, struct held *old,
                   struct held **out, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct model_row row = {0};
    bool found = false;
    if (!store_model_champion(db, kind_names[kind], &a, &row, &found, err)) {
        return false;
    }
    /* Before anything is fetched: a file of 100 MB that does not load would otherwise be read at every look. */
    if (found && strcmp(c->refused[kind], row.version) == 0) {
        return stand_on(c, db, kind, old, out, err);
    }
    if (found && row.number > 0) {
        return trained_held(c, db, kind, &row, old, out, err);
    }
    /* Number 0, or a history that somebody emptied by hand. */
    c->refused[kind][0] = '\0';
    atomic_store(&c->standing[kind], LIVE_CHAMPION);
    return prior_held(c, db, kind, old, out, err);
}
