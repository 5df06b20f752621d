/* What a batch tells other shoppers (fold_identity.c), to the log: in the transaction that moves its cursors, but for what changes hands and is
 * too much for that (fold_hand.c). */
#include "fold/fold_batch.h"

#include "base/cleanup.h"
#include "base/metric.h"
#include "fold/fold_hand.h"
#include "store/derived.h"
#include "store/handing.h"
#include "store/heavy.h"

static int64_t changed_since(const struct fold_key *k)
{
    return k->waits || k->before == NULL || k->key[0] != 'a'
               ? INT64_MAX
               : shopper_owner_changed_from(k->before, k->after);
}

/* Who may be told: whom the rows are for, and the owners of what changed hands. With the fold's patience, which is shorter than that of
 * an append: who is told waits for nobody for long. */
static bool lock_lanes(const struct fold_batch *b, const struct event_row *rows, size_t count,
                       struct db *db, struct err *err)
{
    struct arena *a = b->arena;
    int32_t *lanes = arena_array(a, count + b->key_count * BINDINGS_MAX, sizeof *lanes);
    size_t n = 0;

    for (size_t i = 0; i < count; i++) {
        lanes[n++] = event_lane(rows[i].key);
    }
    for (size_t i = 0; i < b->key_count; i++) {
        const struct fold_key *k = &b->keys[i];
        for (size_t o = 0; k->changed_us != INT64_MAX && o < k->after->binding_count; o++) {
            lanes[n++] = event_lane(arena_printf(a, "c:%s", k->after->bindings[o].other));
        }
    }
    struct db_call lock = store_lanes_lock(lanes, n, a);
    return n == 0 || db_exec(db, lock.query, &lock.params, NULL, err);
}

static bool append(struct fold_batch *b, const struct event_row *rows, size_t count,
                   struct arena *a, struct db *db, struct err *err)
{
    enum append_status *status = arena_array(a, count, sizeof *status);
    size_t waiting = 0;

    if (count == 0) {
        return true;
    }
    metric_add(METRIC_fold_told, count);
    if (b->patient) { /* the lanes are locked */
        return store_events_append(db, rows, count, ORIGIN_DERIVED, b->now_us, status, err);
    }
    /* somebody holds something: what is for such lanes goes beside the log, and the
     * batch can commit */
    if (!store_derived_append(db, rows, count, b->now_us, a, &waiting, err)) {
        return false;
    }
    b->waiting += waiting;
    return true;
}

/* ---- what changed hands ---- */

/* Where the next page of one shopper's events begins: first those that are known by time, then those behind. */
struct page {
    struct heavy_place known;
    struct history_range behind;
    bool known_done;
};

static bool page_next(struct db *db, struct history_key key, struct page *p, struct arena *a,
                      struct history *out, struct err *err)
{
    /* By time: what changed hands lies behind one moment, however far back in the log
     * it came in. */
    if (!p->known_done) {
        const struct heavy_most most = {p->behind.most, HAND_PAGE_BYTES};
        if (!store_heavy_behind(db, key, p->known, most, a, out, err)) {
            return false;
        }
        p->known_done = !out->more;
        if (out->count > 0) {
            const struct log_event *last = &out->events[out->count - 1];
            p->known = (struct heavy_place){last->occurred_us, last->off};
            return true;
        }
    }
    if (!store_history_page_within(db, key, &p->behind, HAND_PAGE_BYTES, a, out, err)) {
        return false;
    }
    if (out->count > 0) {
        p->behind.after_off = out->events[out->count - 1].off;
    }
    return true;
}

/* more: of the known ones alone there are more than are passed on at once. */
static bool page_begin(const struct fold_batch *b, struct db *db, const struct fold_key *k,
                       struct arena *a, struct page *out, bool *out_more, struct err *err)
{
    const struct history_key key = {k->lane, k->key};
    const struct history_keys one = {.lanes = &key.lane, .keys = &key.key, .count = 1};
    const int64_t since_us = k->changed_us;
    struct heavy_known known;

    *out_more = false;
    if (!store_heavy_known(db, &one, a, &known, err)) {
        return false;
    }
    *out = (struct page){.known = {since_us, 0},
                         .behind = {.after_off = known.known_off,
                                    .last_off = k->last_off,
                                    .since_us = since_us,
                                    .most = hand_page(b->heavy_events)},
                         .known_done = known.doc == NULL};
    return out->known_done ||
           store_heavy_more_behind(db, key, since_us, hand_at_once(b->heavy_events), out_more, err);
}

static bool hand_over(struct fold_batch *b, const struct fold_key *k, int64_t after_off,
                      int64_t since_us, struct db *db, struct err *err)
{
    b->handing = true;
    return store_handing_put(
        db, (struct history_key){k->lane, k->key},
        &(struct handing){.done_off = after_off, .last_off = k->last_off, .from_us = since_us},
        err);
}

static bool forward_page(struct fold_batch *b, const struct fold_key *k,
                         const struct history *events, struct arena *a, struct db *db,
                         struct err *err)
{
    struct event_row *rows;
    const size_t count = fold_identity_changed(k, events, a, &rows);

    metric_add(METRIC_fold_read, events->count);
    return append(b, rows, count, a, db, err);
}

/* Forwarding again what was forwarded before costs an insert that conflicts; missing one costs a cart. What is more than few is passed on
 * afterwards. */
static bool forward_changed(struct fold_batch *b, const struct fold_key *k, struct db *db,
                            struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    const struct history_key key = {k->lane, k->key};
    int64_t left = hand_at_once(b->heavy_events);
    struct history events = {.count = 1};
    struct page p;
    bool more;

    if (!page_begin(b, db, k, &a, &p, &more, err)) {
        return false;
    }
    if (more) {
        return hand_over(b, k, 0, k->changed_us, db, err);
    }
    while (events.count > 0) {
        /* Not amid the known ones: those come by time, and where to go on is told by an offset. */
        if (left <= 0 && p.known_done) {
            return hand_over(b, k, p.behind.after_off, k->changed_us, db, err);
        }
        arena_reset(&a);
        if (!page_next(db, key, &p, &a, &events, err) ||
            !forward_page(b, k, &events, &a, db, err)) {
            return false;
        }
        left -= (int64_t)events.count;
    }
    return true;
}

/* So many have come since it was put off that its own news are too many as well. */
static bool hand_news_over(struct fold_batch *b, struct fold_key *k, struct db *db, struct err *err)
{
    int64_t first_off = INT64_MAX;

    if (!b->alone || b->in_pages || k->key[0] != 'a' || k->after->binding_count == 0 ||
        (int64_t)k->count <= hand_at_once(b->heavy_events)) {
        return true;
    }
    for (size_t i = 0; i < k->count; i++) {
        first_off = k->events[i].log->off < first_off ? k->events[i].log->off : first_off;
    }
    k->handed_over = true;
    return hand_over(b, k, first_off - 1, INT64_MIN, db, err);
}

static bool forward_all(struct fold_batch *b, struct db *db, struct err *err)
{
    for (size_t i = 0; i < b->key_count; i++) {
        if (b->keys[i].changed_us != INT64_MAX && !forward_changed(b, &b->keys[i], db, err)) {
            return false;
        }
    }
    return true;
}

static bool look_at_hands(struct fold_batch *b, struct db *db, struct err *err)
{
    for (size_t i = 0; i < b->key_count; i++) {
        b->keys[i].changed_us = b->in_pages ? INT64_MAX : changed_since(&b->keys[i]);
        if (!hand_news_over(b, &b->keys[i], db, err)) {
            return false;
        }
    }
    return true;
}

bool fold_batch_derive(struct fold_batch *b, struct db *db, struct err *err)
{
    struct cart_meeting *meetings;
    struct event_row *rows;
    size_t meeting_count;

    if (!fold_orders_meet(b, db, &meetings, &meeting_count, err) || !look_at_hands(b, db, err)) {
        return false;
    }
    const size_t count = fold_identity_rows(b, meetings, meeting_count, &rows);
    /* All lanes in one statement, in their order, before anything goes into one of them: two
     * batches that tell each other's shoppers would else wait for each other. */
    return (!b->patient || lock_lanes(b, rows, count, db, err)) && forward_all(b, db, err) &&
           append(b, rows, count, b->arena, db, err);
}
