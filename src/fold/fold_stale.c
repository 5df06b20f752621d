/* Folds shoppers whose past was put off. The lane's cursor has passed their events, which are read from where their document stands; what
 * was told of them then (logins, carts' parties, dead letters) is told again as duplicates, or not at all. */
#include "fold/fold_stale.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "fold/fold_batch.h"
#include "fold/fold_heavy.h"
#include "fold/fold_lease.h"
#include "fold/fold_refold.h"
#include "store/stale.h"

enum { TRIES = 3 };

#define LOOK_EVERY_US INT64_C(250000)
#define AGAIN_US                                                                                   \
    SECONDS(10) /* whoever takes one and dies of it leaves it alone for so long, at least */
#define TURN_MAX_US MINUTES(5) /* of the database, for one */
#define PATIENCE_US SECONDS(2) /* with a lock */

/* ---- one ---- */

/* What one turn folds of what was put off. */
struct part {
    struct history unread;
    int64_t folded_off; /* of the document that is stored */
    bool last;
};

/* How a turn went. */
struct turn {
    struct history_key key;
    int64_t start_us; /* monotonic */
    bool goes_on;     /* there are more pages */
};

static int64_t bytes_of(const struct history *h)
{
    int64_t bytes = 0;

    for (size_t i = 0; i < h->count; i++) {
        bytes += (int64_t)log_event_body_len(&h->events[i]);
    }
    return bytes;
}

/* The first of what was put off, up to the cursor; nothing where somebody else has folded it meanwhile. */
static bool read_unread(const struct stale_means *m, struct history_key key, int64_t cursor_off,
                        struct arena *a, struct part *out, struct err *err)
{
    struct history_range range = {.last_off = cursor_off, .since_us = INT64_MIN};
    struct shopper_row row;

    *out = (struct part){.last = true};
    if (!store_shoppers_read(m->db, &key.lane, &key.key, 1, a, &row, err)) {
        return false;
    }
    if (!row.stale) {
        return true;
    }
    const int64_t bytes = m->config->fold_batch_bytes;
    out->folded_off = row.folded_off;
    range.after_off = row.folded_off;
    range.most = fold_heavy_page(m->config->heavy_events);
    if (!store_history_page_within(m->db, key, &range, bytes, a, &out->unread, err)) {
        return false;
    }
    out->last = (int64_t)out->unread.count < range.most && bytes_of(&out->unread) <= bytes;
    return true;
}

/* *out_too_long: it is to be folded a page at a time, and nothing of it was folded. */
static bool fold_events(const struct stale_means *m, const struct history *unread, struct arena *a,
                        bool *out_too_long, struct err *err)
{
    struct fold_batch b;

    *out_too_long = false;
    if (unread->count == 0) {
        return true;
    }
    metric_add(METRIC_fold_read, unread->count);
    fold_batch_make(&b, unread->events, unread->count, clock_now_us(), a);
    b.heavy_events = m->config->heavy_events;
    b.heavy_bytes = m->config->fold_batch_bytes;
    b.alone =
        true; /* and not patient: what it tells others waits for their lanes, and not they for it */
    if (!fold_batch_apply(&b, m->db, err)) {
        return false;
    }
    *out_too_long = b.too_long;
    if (b.too_long) {
        return true;
    }
    metric_add(METRIC_fold_refolds, b.refolds);
    return fold_batch_write(&b, m->db, m->config, m->live, err) &&
           fold_batch_derive(&b, m->db, err);
}

/* Pages follow each other without a rest where there is nothing else to do, so that what they took is made up for when the last is folded: since the first began, it has had
 * no more than its part. */
static int64_t rest_after(const struct stale_means *m, const struct refolding *r)
{
    const int64_t since_us = clock_now_us() - r->since_us;
    const int64_t due_us = r->took_us * (m->config->heavy_pause + 1);
    const int64_t rest_us = due_us - (since_us > 0 ? since_us : 0);

    return rest_us > 0 ? rest_us : 0;
}

static bool fold_part(const struct stale_means *m, struct turn *t, int64_t cursor_off,
                      struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct part part;

    if (!read_unread(m, t->key, cursor_off, &a, &part, err) ||
        !fold_events(m, &part.unread, &a, &t->goes_on, err) ||
        (t->goes_on && !fold_refold_begin(m, t->key, part.folded_off, cursor_off, err))) {
        return false;
    }
    const int64_t took_us = clock_monotonic_us() - t->start_us;
    return store_stale_took(m->db, t->key, took_us,
                            t->goes_on ? 0 : took_us * m->config->heavy_pause,
                            part.last && !t->goes_on, err);
}

static bool fold_page(const struct stale_means *m, struct turn *t, struct refolding *r,
                      int64_t cursor_off, struct err *err)
{
    enum refold_end end;

    if (!fold_refold_page(m, t->key, t->start_us, r, &end, err)) {
        return false;
    }
    const int64_t took_us = clock_monotonic_us() - t->start_us;
    t->goes_on = end == REFOLD_MORE;
    return t->goes_on ? store_stale_took(m->db, t->key, took_us, 0, false, err)
                      : store_stale_took(m->db, t->key, r->took_us, rest_after(m, r),
                                         end == REFOLD_DONE && r->last_off >= cursor_off, err);
}

/* The cursor stays where it is: moving it by nothing fences off whoever has lost the lane, and whoever wants to trim or rebuild it. */
static bool run(const struct stale_means *m, struct turn *t, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    const struct lane_lease *lease = lease_of(m->leases, m->lease_count, t->key.lane);
    struct refolding r;
    bool found;

    db_bound(m->db, clock_monotonic_us() + TURN_MAX_US);
    db_patience(m->db, PATIENCE_US);
    return db_begin(m->db, err) &&
           store_cursors_advance(m->db, lease, &lease->off, 1, m->config->fold_lease, err) &&
           store_refolding_read(m->db, t->key, &a, &r, &found, err) &&
           (found ? fold_page(m, t, &r, lease->off, err) : fold_part(m, t, lease->off, err)) &&
           db_commit(m->db, err);
}

/* ---- a turn ---- */

/* Two folders may meet in the rows of one cart id, and the database sends one back. What somebody holds is waited for another time. */
static bool run_until_it_stands(const struct stale_means *m, struct turn *t, struct err *err)
{
    bool ok = run(m, t, err);

    for (int i = 1;
         i < TRIES && !ok && db_alive(m->db) && db_retryable(m->db) && !db_locked_out(m->db); i++) {
        db_rollback(m->db);
        ok = run(m, t, err);
    }
    return ok;
}

/* It costs the others no more than if it had gone well. */
static bool put_off(const struct stale_means *m, struct history_key key, int64_t took_us,
                    struct err *err)
{
    struct err why = *err;

    db_rollback(m->db);
    if (!db_alive(m->db)) {
        return false;
    }
    log_line(LOG_WARN, "stale_shopper_not_folded", "lane %d, after %lld ms: %s", key.lane,
             (long long)(took_us / 1000), why.text);
    return store_stale_took(m->db, key, took_us, took_us * m->config->heavy_pause, false, err);
}

static bool take_turn(const struct stale_means *m, struct history_key key,
                      struct stale_clock *clock, enum stale_end *out, struct err *err)
{
    struct turn t = {.key = key, .start_us = clock_monotonic_us()};
    const bool ok = run_until_it_stands(m, &t, err);
    const int64_t now_us = clock_monotonic_us();
    const int64_t took_us = now_us - t.start_us;

    *clock = (struct stale_clock){.free_us = now_us + took_us * m->config->heavy_pause,
                                  .goes_on = ok && t.goes_on};
    *out = !ok && err->kind == ERR_CONFLICT ? STALE_FENCED
           : !ok                            ? STALE_FAILED
           : t.goes_on                      ? STALE_PAGE
                                            : STALE_FOLDED;
    if (ok) {
        metric_add(METRIC_fold_stale_folded, t.goes_on ? 0 : 1);
        return true;
    }
    if (*out == STALE_FENCED) {
        db_rollback(m->db);
        return true;
    }
    return put_off(m, key, took_us, err);
}

/* One that is due, if there is. */
static bool fold_due(const struct stale_means *m, struct stale_clock *clock, enum stale_end *out,
                     struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    const struct stale_turn turn = {.at_least_us = AGAIN_US, .pause = m->config->heavy_pause};
    const int32_t *lanes = leases_lanes(m->leases, m->lease_count, &a);
    struct history_key key;

    *out = STALE_NONE;
    return store_stale_claim(m->db, lanes, (size_t)m->lease_count, &turn, &a, &key, err) &&
           (key.key == NULL || take_turn(m, key, clock, out, err));
}

bool fold_stale_step(const struct stale_means *m, struct stale_clock *clock, bool idle,
                     enum stale_end *out, struct err *err)
{
    const int64_t now_us = clock_monotonic_us();
    const bool at_once = idle && clock->goes_on;

    *out = STALE_NONE;
    if (m->lease_count == 0 || (!at_once && (now_us < clock->look_us || now_us < clock->free_us))) {
        return true;
    }
    clock->goes_on = false;
    clock->look_us = now_us + LOOK_EVERY_US;
    return fold_due(m, clock, out, err);
}

bool fold_stale_settle(const struct stale_means *m, int *out_folded, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    const int32_t *lanes = leases_lanes(m->leases, m->lease_count, &a);
    struct stale_clock clock;
    enum stale_end end = STALE_FOLDED;
    bool ok = true;

    *out_folded = 0;
    while (ok && (end == STALE_FOLDED ||
                  end == STALE_PAGE)) { /* what is left of somebody rests as well */
        ok = store_stale_hasten(m->db, lanes, (size_t)m->lease_count, err) &&
             fold_due(m, &clock, &end, err);
        *out_folded += ok && (end == STALE_FOLDED || end == STALE_PAGE) ? 1 : 0;
    }
    return ok;
}

bool fold_stale_put_aside(const struct stale_means *m, struct history_key key, struct err *err)
{
    const struct history_keys one = {.lanes = &key.lane, .keys = &key.key, .count = 1};
    const struct lane_lease *lease = lease_of(m->leases, m->lease_count, key.lane);

    if (lease == NULL) { /* whoever has the lane finds out by itself */
        return true;
    }
    /* Fenced like a batch: only who has the lane may say what its shoppers wait for. */
    if (!db_begin(m->db, err) ||
        !store_cursors_advance(m->db, lease, &lease->off, 1, m->config->fold_lease, err) ||
        !store_stale_mark(m->db, &one, err) || !db_commit(m->db, err)) {
        return false;
    }
    metric_add(METRIC_fold_put_aside, 1);
    log_line(LOG_WARN, "shopper_put_aside",
             "lane %d: an event of theirs cannot be folded, not even alone; they wait, and the "
             "others are folded",
             key.lane);
    return true;
}
