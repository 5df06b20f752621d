/* Retention. What it removes from the log it first folds into a base, so that replay still gives what is stored, and into the days of the shop. */
#include "eventlog/maintain.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "eventlog/lane_lock.h"
#include "eventlog/shopper_log.h"
#include "store/carts.h"
#include "store/shop_days.h"

#include <string.h>

enum { PAGE_SHOPPERS = 64, PROBES_MAX = 5 };
#define FORCED_AFTER_US DAYS(30)

/* One lane, counted anew at every attempt. */
struct trim {
    struct db *db;
    int lane;
    int64_t cursor;
    int64_t floor_off; /* the new one */
    int64_t lower;     /* probing: a floor that parts fewer shoppers; INT64_MAX: none is needed */
    bool writing;
    int64_t deleted;
    int64_t bases;
};

/* Splits at the floor: out_old goes into the base, out_rest stays in the log. */
static void split_history(const struct history *h, int64_t floor_off, struct history *out_old,
                          struct history *out_rest)
{
    size_t n = 0;

    while (n < h->count && h->events[n].off <= floor_off) {
        n++;
    }
    *out_old = (struct history){.events = h->events, .count = n};
    *out_rest = (struct history){.events = h->events + n, .count = h->count - n};
}

/* The floor before the first old event that does not lie before all of the rest. */
static int64_t floor_before(const struct history *old, const struct history *rest)
{
    int64_t earliest_us = INT64_MAX;

    for (size_t i = 0; i < rest->count; i++) {
        int64_t at_us = rest->events[i].occurred_us;
        earliest_us = at_us < earliest_us ? at_us : earliest_us;
    }
    for (size_t i = 0; i < old->count; i++) {
        if (old->events[i].occurred_us >= earliest_us) {
            return old->events[i].off - 1;
        }
    }
    return old->events[0].off - 1;
}

/* What the page will store: bases always, and the shopper anew where it came out different. */
struct trim_rows {
    struct shopper_row *bases;
    size_t base_count;
    struct stored_rows shoppers;
};

/* Where an event that stays sorts before one that goes, the fold onto the base may differ from the fold
 * of all. Probing looks for a floor that parts nobody so; where there is none, what replay will find
 * from now on is what gets stored. */
static bool trim_shopper(struct trim *t, const struct shopper_row *row, const struct history *h,
                         struct trim_rows *out, struct err *err)
{
    struct arena *a = out->shoppers.arena;
    struct history old;
    struct history rest;
    struct shopper *base;
    struct shopper *now;
    size_t carts;

    split_history(h, t->floor_off, &old, &rest);
    if (old.count == 0) {
        return true; /* its base, if any, is still what it was */
    }
    if (!shopper_log_fold(row->key, row->base, &old, INT64_MAX, a, &base, err)) {
        return false;
    }
    const char *doc = shopper_to_doc(base, a);
    out->bases[out->base_count++] =
        (struct shopper_row){.lane = t->lane, .key = row->key, .doc = doc};
    if (!shopper_log_fold(row->key, doc, &rest, INT64_MAX, a, &now, err)) {
        return false;
    }
    /* Canonical text: equal states have equal bytes, so comparing texts compares states. */
    if (row->doc == NULL || strcmp(shopper_to_doc(now, a), row->doc) != 0) {
        int64_t lower = rest.count == 0 ? t->floor_off : floor_before(&old, &rest);
        t->lower = lower < t->lower ? lower : t->lower;
        stored_rows_add(&out->shoppers, now, t->lane, h->events[h->count - 1].off, &carts);
        stored_rows_sweep(&out->shoppers, t->lane, row->key);
    }
    return true;
}

static bool trim_page(struct trim *t, const char *const *names, size_t count, struct arena *a,
                      struct err *err)
{
    int32_t lanes[PAGE_SHOPPERS];
    int64_t last_offs[PAGE_SHOPPERS];
    struct shopper_row docs[PAGE_SHOPPERS];
    struct history histories[PAGE_SHOPPERS];
    struct history_keys keys = {.lanes = lanes, .keys = names, .count = count};
    struct trim_rows out = {.bases = arena_array(a, count, sizeof *out.bases),
                            .shoppers = stored_rows_make(count, a)};

    for (size_t i = 0; i < count; i++) {
        lanes[i] = t->lane;
    }
    if (!store_history_docs(t->db, &keys, a, docs, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        /* A stale shopper's document ends before the cursor: two sets of events would be held
         * against each other. */
        last_offs[i] = shopper_row_until(&docs[i], t->cursor);
    }
    if (!store_history_events(t->db, &keys, last_offs, a, histories, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!trim_shopper(t, &docs[i], &histories[i], &out, err)) {
            return false;
        }
    }
    t->bases += (int64_t)out.base_count;
    return !t->writing || (stored_rows_write(&out.shoppers, t->db, err) &&
                           store_bases_write(t->db, out.bases, out.base_count, err));
}

/* All shoppers of the lane, probing or writing. */
static bool trim_pass(struct trim *t, const char *const *names, size_t count, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};

    t->bases = 0;
    t->lower = INT64_MAX;
    for (size_t i = 0; i < count; i += PAGE_SHOPPERS) {
        size_t left = count - i;
        arena_reset(&a);
        if (!trim_page(t, names + i, left < PAGE_SHOPPERS ? left : PAGE_SHOPPERS, &a, err)) {
            return false;
        }
    }
    return true;
}

/* What the caller asks for. */
struct trim_request {
    int64_t old_floor;
    int64_t wanted_floor; /* what is old enough */
    int64_t forced_floor; /* what is so old that it goes whatever it parts */
    struct trim done;
};

/* Lowers the wanted floor until it parts nobody from an event that belongs before; where nothing would be
 * left to remove, the forced one counts. */
static bool find_floor(struct trim *t, const struct trim_request *request, const char *const *names,
                       size_t count, struct err *err)
{
    t->floor_off = request->wanted_floor;
    for (int probe = 0; probe < PROBES_MAX && t->floor_off > request->old_floor; probe++) {
        if (!trim_pass(t, names, count, err)) {
            return false;
        }
        if (t->lower >= t->floor_off) {
            return true; /* nobody came out different: this floor is safe for all */
        }
        t->floor_off = t->lower;
    }
    t->floor_off = request->forced_floor;
    return true;
}

static bool trim_lane(struct db *db, int lane, int64_t cursor_off, void *ctx, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct trim_request *request = ctx;
    struct trim *t = &request->done;
    const char **names;
    size_t count;

    *t = (struct trim){.db = db, .lane = lane, .cursor = cursor_off};
    if (!store_lane_keys(db, lane, &a, &names, &count, err) ||
        !find_floor(t, request, names, count, err)) {
        return false;
    }
    /* probing has counted those that it would have written */
    t->bases = 0;
    if (t->floor_off <= request->old_floor) {
        return true; /* another day, when more is old enough */
    }
    t->writing = true;
    return trim_pass(t, names, count, err) &&
           store_lane_trim(db, lane, t->floor_off, &t->deleted, err);
}

static bool floors_of(struct db *db, int lane, int64_t old_before_us, struct trim_request *t,
                      struct err *err)
{
    return store_lane_floor_candidate(db, lane, old_before_us, &t->wanted_floor, err) &&
           store_lane_floor_candidate(db, lane, old_before_us - FORCED_AFTER_US, &t->forced_floor,
                                      err);
}

struct maintaining {
    struct lane_state states[LANES];
    int64_t old_before_us;
    struct maintain_result result;
};

/* In a transaction of its own: an interrupted run has done whole lanes, and the fold of the others never waits. */
static bool maintain_lane(struct db *db, int lane, void *ctx, struct err *err)
{
    struct maintaining *m = ctx;
    struct trim_request t = {.old_floor = m->states[lane].floor_off};

    if (!floors_of(db, lane, m->old_before_us, &t, err)) {
        return false;
    }
    if (t.wanted_floor <= t.old_floor) {
        return true; /* nothing is old enough: leave the lane to its folder */
    }
    if (!lane_lock_run(db, lane, trim_lane, &t, err)) {
        return false;
    }
    m->result.lanes += t.done.deleted > 0 ? 1 : 0;
    m->result.deleted += t.done.deleted;
    m->result.bases += t.done.bases;
    return true;
}

/* Who had to do with which cart (store/carts.h): a row waits for nobody's fold. */
static bool forget_carts(struct db *db, struct maintaining *m, struct err *err)
{
    for (int lane = 0; lane < LANES; lane++) {
        int64_t deleted;
        if (!store_cart_uses_trim(db, lane, m->old_before_us, &deleted, err)) {
            return false;
        }
        m->result.cart_ids += deleted;
    }
    return true;
}

bool maintain_run(const struct database *database, const struct config *config, int64_t now_us,
                  struct maintain_result *out, struct err *err)
{
    CLEANUP(db_close) struct db *db = NULL;
    struct maintaining m = {.old_before_us = now_us - config->retention};
    struct lane_set left;

    /* The days first: they are counted from events that may go now. */
    if (!database_connect(database, &db, err) ||
        !store_shop_days_fill(db, now_us / DAYS(1), &m.result.days, err) ||
        !store_lane_states(db, m.states, err) ||
        !lane_lock_each(db, maintain_lane, &m, &left, err) || !forget_carts(db, &m, err)) {
        return false;
    }
    m.result.held = left.count;
    *out = m.result;
    return true;
}
