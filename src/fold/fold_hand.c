/* Passes on what changed hands and was too much for a batch. Whose an event is, is asked of the shopper's document as it stands at its page: hands may
 * change meanwhile, and who lost it again ignores what it was told of it. */
#include "fold/fold_hand.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "fold/fold_batch.h"
#include "fold/fold_lease.h"
#include "store/derived.h"
#include "store/handing.h"
#include "store/stale.h"

#include <string.h>

enum { AT_ONCE = 1000, PAGE = 250 };

#define LOOK_EVERY_US INT64_C(250000)
#define AGAIN_US      SECONDS(1) /* after one that failed */
#define PAGE_MAX_US   SECONDS(30)
#define PATIENCE_US   SECONDS(2) /* with a lock */
#define NEXT_US                                                                                    \
    INT64_C(100000) /* in which a page is passed on, or 4 times what this one has taken */
#define NEXT_MAX_US MINUTES(1)

int64_t hand_at_once(int64_t heavy_events)
{
    return heavy_events == 0 ? AT_ONCE : heavy_events < 2 ? 1 : heavy_events / 2;
}

int64_t hand_page(int64_t heavy_events)
{
    return heavy_events == 0 ? PAGE : heavy_events < 8 ? 1 : heavy_events / 8;
}

/* ---- one page ---- */

/* What one page is about, and how it went. */
struct turn {
    struct history_key key;
    int64_t start_us; /* monotonic */
    int64_t passed;   /* events that were read */
    bool waiting;     /* some of them for their lanes */
};

/* Of another version it may be: only whose what is counts here, and that has not changed since. */
static bool read_owners(const struct handing *h, const char *key, struct arena *a,
                        struct shopper **out, struct err *err)
{
    struct err unreadable = {0};

    return shopper_from_doc(key, h->doc, a, out, &unreadable) ||
           shopper_from_base(h->doc, a, out, err);
}

/* When it will be done if it goes on like this, for whoever asks. */
static int64_t done_us(const struct stale_means *m, const struct turn *t, const struct handing *h,
                       int64_t done_off)
{
    const int64_t pages = (h->last_off - done_off) / (done_off - h->done_off) + 1;
    const int64_t page_us = (clock_monotonic_us() - t->start_us) * (m->config->heavy_pause + 1);

    return clock_now_us() + (pages > HOURS(1) / (page_us + 1) ? HOURS(1) : pages * page_us);
}

static bool is_among(const char *const *keys, size_t count, const char *key)
{
    bool found = false;

    for (size_t i = 0; i < count && !found; i++) {
        found = strcmp(keys[i], key) == 0;
    }
    return found;
}

/* Whose the browser is or was; in arena. */
static struct history_keys owners_told(const struct shopper *who, struct arena *a)
{
    const char **keys = arena_array(a, who->binding_count, sizeof *keys);
    int32_t *lanes = arena_array(a, who->binding_count, sizeof *lanes);
    size_t n = 0;

    for (size_t i = 0; i < who->binding_count; i++) {
        keys[n] = arena_printf(a, "c:%s", who->bindings[i].other);
        lanes[n] = event_lane(keys[n]);
        n += is_among(keys, n, keys[n]) ? 0 : 1;
    }
    return (struct history_keys){.lanes = lanes, .keys = keys, .count = n};
}

/* They are folded when all of it is there, and not once a page with everything that a page puts out of order: nothing is said about them until
 * then anyway. If no page follows they are soon due. */
static bool let_wait(const struct stale_means *m, const struct turn *t,
                     const struct history_keys *owners, struct err *err)
{
    const int64_t took_us = 4 * (clock_monotonic_us() - t->start_us);
    const int64_t us = (took_us > NEXT_US ? took_us : NEXT_US) * (m->config->heavy_pause + 1);

    return store_stale_await(m->db, owners, us < NEXT_MAX_US ? us : NEXT_MAX_US, err);
}

static bool end(const struct stale_means *m, const struct turn *t,
                const struct history_keys *owners, struct err *err)
{
    return store_stale_arrived(m->db, owners, m->config->heavy_pause, err) &&
           store_handing_end(m->db, t->key, err);
}

static bool tell(const struct stale_means *m, struct turn *t, const struct event_row *rows,
                 size_t count, struct arena *a, struct err *err)
{
    size_t waiting = 0;

    if (count == 0) {
        return true;
    }
    metric_add(METRIC_fold_told, count);
    metric_add(METRIC_fold_handed, count);
    /* waits for nobody: what is for lanes that others hold goes beside the log */
    const bool ok = store_derived_append(m->db, rows, count, clock_now_us(), a, &waiting, err);
    t->waiting = ok && waiting > 0;
    return ok;
}

static bool pass_on(const struct stale_means *m, struct turn *t, const struct handing *h,
                    struct arena *a, struct err *err)
{
    const struct history_range page = {.after_off = h->done_off,
                                       .last_off = h->last_off,
                                       .since_us = INT64_MIN,
                                       .most = hand_page(m->config->heavy_events)};
    struct history events;
    struct shopper *who;
    struct event_row *rows;

    if (!store_history_page_within(m->db, t->key, &page, HAND_PAGE_BYTES, a, &events, err)) {
        return false;
    }
    if (!read_owners(h, t->key.key, a, &who, err)) {
        return false;
    }
    const struct history_keys owners = owners_told(who, a);
    if (events.count == 0) {
        return end(m, t, &owners, err);
    }
    const size_t count = fold_identity_handed(t->key.key, who, &events, h->from_us, a, &rows);
    const int64_t done_off = events.events[events.count - 1].off;
    /* Before they are told, in the same transaction: no folder may take a page for the whole of it.
     * On the last page nobody is made to wait. */
    if ((done_off < h->last_off && !let_wait(m, t, &owners, err)) ||
        !tell(m, t, rows, count, a, err)) {
        return false;
    }
    t->passed = (int64_t)events.count;
    metric_add(METRIC_fold_read, events.count);
    return store_handing_move(m->db, t->key, done_off, done_us(m, t, h, done_off), err);
}

/* Moving the cursor by nothing fences off whoever has lost the lane. */
static bool run(const struct stale_means *m, struct turn *t, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    const struct lane_lease *lease = lease_of(m->leases, m->lease_count, t->key.lane);
    struct handing h;
    bool found;

    db_bound(m->db, clock_monotonic_us() + PAGE_MAX_US);
    db_patience(m->db, PATIENCE_US);
    return db_begin(m->db, err) &&
           store_cursors_advance(m->db, lease, &lease->off, 1, m->config->fold_lease, err) &&
           store_handing_read(m->db, t->key, &a, &h, &found, err) &&
           (!found || pass_on(m, t, &h, &a, err)) && db_commit(m->db, err);
}

/* ---- a turn ---- */

static bool give_up(const struct stale_means *m, const struct turn *t, struct hand_clock *clock,
                    enum hand_end *out, struct err *err)
{
    *out = err->kind == ERR_CONFLICT ? HAND_FENCED : HAND_FAILED;
    db_rollback(m->db);
    if (!db_alive(m->db)) {
        return false;
    }
    if (*out == HAND_FAILED) {
        clock->look_us = clock_monotonic_us() + AGAIN_US;
        log_line(LOG_WARN, "events_not_handed_over", "lane %d: %s", t->key.lane, err->text);
    }
    return true;
}

/* Those of which a page was passed on longest ago. */
static bool take_turn(const struct stale_means *m, struct hand_clock *clock, enum hand_end *out,
                      int64_t *out_count, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct turn t = {.start_us = clock_monotonic_us()};

    *out = HAND_NONE;
    clock->look_us = t.start_us + LOOK_EVERY_US;
    if (!store_handing_claim(m->db, leases_lanes(m->leases, m->lease_count, &a),
                             (size_t)m->lease_count, &a, &t.key, err)) {
        return false;
    }
    if (t.key.key == NULL) {
        return true;
    }
    if (!run(m, &t, err)) {
        return give_up(m, &t, clock, out, err);
    }
    const int64_t now_us = clock_monotonic_us();
    /* look_us is 0: there may be another page, for whoever has nothing else to do */
    *clock = (struct hand_clock){.free_us = now_us + (now_us - t.start_us) * m->config->heavy_pause,
                                 .waiting = t.waiting};
    *out = HAND_PAGE;
    *out_count = t.passed;
    return true;
}

bool fold_hand_step(const struct stale_means *m, struct hand_clock *clock, bool idle,
                    enum hand_end *out, int64_t *out_count, struct err *err)
{
    const int64_t now_us = clock_monotonic_us();

    *out = HAND_NONE;
    *out_count = 0;
    if (m->lease_count == 0 || now_us < clock->look_us || (!idle && now_us < clock->free_us)) {
        return true;
    }
    return take_turn(m, clock, out, out_count, err);
}

bool fold_hand_settle(const struct stale_means *m, int *out_pages, struct err *err)
{
    struct hand_clock clock;
    enum hand_end end = HAND_PAGE;
    int64_t count;
    bool ok = true;

    *out_pages = 0;
    while (ok && end == HAND_PAGE && m->lease_count > 0) {
        ok = take_turn(m, &clock, &end, &count, err);
        *out_pages += ok && end == HAND_PAGE ? 1 : 0;
    }
    return ok;
}
