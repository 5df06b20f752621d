/* The consumer of the event log: leases lanes and folds their new events, one transaction a batch. The
 * cursor's compare-and-set at its end is what makes the effect exactly-once; the lease only keeps
 * folders out of each other's way. Who runs it, and when, is fold_workers.c's. */
#include "fold/fold.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/metric.h"
#include "fold/fold_apart.h"
#include "fold/fold_batch.h"
#include "fold/fold_hand.h"
#include "fold/fold_lease.h"
#include "fold/fold_parked.h"
#include "fold/fold_stale.h"
#include "fold/fold_turn.h"
#include "fold/fold_waiting.h"

#include <assert.h>

enum { RETRIES = 5, BATCH_FIRST = 1000 };

#define PASS_MAX_US  SECONDS(60)     /* of the database, for one pass: then it is away */
#define PATIENCE_US  INT64_C(400000) /* with a lock, of a batch, at least */
#define PATIENCE_MAX SECONDS(2)      /* and at most */
#define PATIENCE_ALONE                                                                             \
    INT64_C(100000) /* of a lane by itself, and of all while somebody is known to hold something */
#define BATCH_AIM_US INT64_C(300000) /* a longer batch makes the other lanes wait */

struct folder {
    const struct database *database; /* borrowed, as config and live */
    const struct config *config;
    struct live *live;
    struct db *db;
    struct arena arena; /* of one step */
    struct fold_leases leases;
    int64_t batch_us; /* how long the last batch took: other folders' take as long */
    int batch_size;   /* as many events as will take BATCH_AIM_US */
    struct stale_clock stale;
    struct hand_clock hand;
    struct fold_turn turn;
    struct fold_parked parked;
    struct fold_apart apart;
    struct fold_waiting waiting;
};

static void folder_forget(struct folder *f)
{
    leases_forget(&f->leases);
    waiting_forget(&f->waiting);
}

static bool folder_connected(struct folder *f, struct err *err)
{
    if (f->db != NULL && !db_still_alive(f->db)) {
        db_close(&f->db);
        folder_forget(f); /* while it was away somebody may have moved the cursors */
        metric_add(METRIC_db_reconnects, 1);
    }
    if (f->db == NULL && !database_connect(f->database, &f->db, err)) {
        return false;
    }
    db_bound(f->db, clock_monotonic_us() + PASS_MAX_US);
    return true;
}

/* ---- one batch ---- */

/* The cursors that the batch moves: leases, and where to. Returns how many. */
static int cursors_moved(const struct folder *f, const struct fold_batch *b,
                         struct lane_lease before[LANES], int64_t offs[LANES])
{
    int n = 0;

    for (int i = 0; i < f->leases.count; i++) {
        int64_t off = b->last_offs[f->leases.all[i].lane];
        if (off > f->leases.all[i].off) { /* 0 where the batch has nothing of the lane */
            before[n] = f->leases.all[i];
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

/* Locks in the same order everywhere: cursors, shoppers, carts, lanes (by the append). The fence comes first: whoever
 * lost a lane touches nothing, and what is read behind it stands still. */
static bool batch_commit(struct folder *f, struct fold_batch *b, struct err *err)
{
    return db_begin(f->db, err) && batch_fence(f, b, err) && fold_batch_apply(b, f->db, err) &&
           fold_batch_write(b, f->db, f->config, f->live, err) &&
           fold_batch_derive(b, f->db, err) && fold_batch_count(b, f->db, err) &&
           db_commit(f->db, err);
}

static void batch_done(struct folder *f, const struct fold_batch *b)
{
    for (int i = 0; i < f->leases.count; i++) {
        /* Only now, behind the COMMIT: the next fence compares the cursor with it. */
        int64_t off = b->last_offs[f->leases.all[i].lane];
        f->leases.all[i].off = off > f->leases.all[i].off ? off : f->leases.all[i].off;
    }
    if (b->put_off > 0) {
        f->stale.look_us = 0; /* it may be due at once */
    }
    if (b->handing) {
        f->hand.look_us = 0;
    }
    fold_batch_done(b);
}

/* ---- what somebody else holds ---- */

/* A batch of ours may stand in line behind one of another folder, which is no reason to park anything. */
static int64_t patience_us(const struct folder *f, bool alone)
{
    int64_t us = 2 * f->batch_us > PATIENCE_US ? 2 * f->batch_us : PATIENCE_US;

    us = us < PATIENCE_MAX ? us : PATIENCE_MAX;
    return alone || f->parked.count > 0 ? PATIENCE_ALONE : us;
}

void folder_look(const struct folder *f, struct folder_state *out)
{
    const int64_t parked_us = parked_since_us(&f->parked);
    const int64_t waiting_us = waiting_since_us(&f->waiting);
    const int64_t since_us = waiting_us < parked_us ? waiting_us : parked_us;

    *out = (struct folder_state){
        .held_lanes = f->parked.count,
        .waiting_lanes = f->waiting.lanes,
        .held_us = since_us == INT64_MAX ? 0 : clock_monotonic_us() - since_us,
    };
}

/* By what the last one took. The shares of lanes are equal (store_events_after): where a batch is short enough, news of other lanes
 * wait for no backlog. Not so short that a lane gets none. */
static void size_batches(struct folder *f, size_t count)
{
    const int64_t most = f->config->fold_batch;
    int64_t fit = (int64_t)count * BATCH_AIM_US / (f->batch_us + 1);

    fit = fit > LANES ? fit : LANES;
    f->batch_size = (int)(fit < most ? fit : most);
}

/* ---- a pass ---- */

/* What became of a batch. */
enum batch_end { BATCH_FOLDED, BATCH_FENCED, BATCH_HELD };

static bool batch_fold(struct folder *f, const struct log_event *events, size_t count, bool alone,
                       enum batch_end *out, struct err *err)
{
    struct fold_batch b;
    int64_t start_us = clock_monotonic_us();

    /* Decoding and grouping need no database, so they come before the transaction that locks the cursors. */
    fold_batch_make(&b, events, count, clock_now_us(), &f->arena);
    b.heavy_events = f->config->heavy_events;
    b.heavy_bytes = f->config->fold_batch_bytes;
    b.patient = !alone && !f->waiting.any; /* else it is known that somebody holds something */
    db_patience(f->db, patience_us(f, alone));
    *out = BATCH_FOLDED;
    if (batch_commit(f, &b, err)) {
        f->batch_us = clock_monotonic_us() - start_us;
        size_batches(f, count);
        batch_done(f, &b);
        fold_batch_tell(&b, f->live);
        f->waiting.any = f->waiting.any || b.waiting > 0;
        return true;
    }
    db_rollback(f->db);
    if (db_locked_out(f->db) &&
        db_alive(f->db)) { /* before any COMMIT: the cursors are where they were */
        *out = BATCH_HELD;
        return true;
    }
    /* Even the COMMIT may have arrived: only the database knows where the cursors are. */
    folder_forget(f);
    if (err->kind ==
        ERR_CONFLICT) { /* somebody else holds a lane by now; nothing of ours remains */
        metric_add(METRIC_fold_fenced, 1);
        *out = BATCH_FENCED;
        return true;
    }
    if (!db_retryable(f->db)) {
        apart_failed(&f->apart, events, count);
    }
    return false;
}

/* Each lane in a transaction of its own, to find out which it is that cannot be folded now, and to fold the others. */
static bool folder_fold_alone(struct folder *f, const struct log_event *events, size_t count,
                              int64_t *out_folded, struct err *err)
{
    *out_folded = 0;
    /* Without leases a fence has forgotten them: what was read is for somebody else to fold. */
    for (size_t i = 0, n; i < count && f->leases.count > 0; i += n) {
        enum batch_end end;
        n = apart_run(&f->apart, events + i, count - i);
        if (!batch_fold(f, events + i, n, true, &end, err)) {
            return false;
        }
        if (end == BATCH_HELD) {
            parked_put(&f->parked, events[i].lane);
        } else {
            parked_take(&f->parked, events[i].lane);
            *out_folded += end == BATCH_FOLDED ? (int64_t)n : 0;
        }
    }
    return true;
}

static bool folder_fold(struct folder *f, const struct log_event *events, size_t count,
                        int64_t *out_folded, struct err *err)
{
    enum batch_end end = BATCH_HELD;

    /* Where the last batch failed this one is not even tried as a whole: end says held, and each
     * lane comes by itself. */
    if (!f->apart.lanes && !batch_fold(f, events, count, false, &end, err)) {
        return false;
    }
    *out_folded = end == BATCH_FOLDED ? (int64_t)count : 0;
    if (end == BATCH_HELD && !folder_fold_alone(f, events, count, out_folded, err)) {
        return false;
    }
    /* All of it went through, in however small pieces: the next one is whole again. */
    apart_reset(&f->apart);
    return true;
}

/* Leased lanes that are not parked; or (due) the first that is and whose time has come. Returns how many. */
static int lanes_to_read(const struct folder *f, bool due, struct lane_lease out[LANES])
{
    int n = 0;

    for (int i = 0; i < f->leases.count && !(due && n > 0); i++) {
        const int lane = f->leases.all[i].lane;
        if (due ? parked_is_due(&f->parked, lane) : !parked_has(&f->parked, lane)) {
            out[n++] = f->leases.all[i];
        }
    }
    return n;
}

static bool read_some(struct folder *f, const struct lane_lease *lanes, int n,
                      struct log_event **out, size_t *out_count, struct err *err)
{
    const struct events_most most = {.events = f->batch_size, .bytes = f->config->fold_batch_bytes};

    *out_count = 0;
    return n == 0 || store_events_after(f->db, lanes, n, most, &f->arena, out, out_count, err);
}

static bool read_due(struct folder *f, struct log_event **out, size_t *out_count, struct err *err)
{
    struct lane_lease lanes[LANES];

    return read_some(f, lanes, lanes_to_read(f, true, lanes), out, out_count, err);
}

static bool read_lanes(struct folder *f, struct log_event **out, size_t *out_count, struct err *err)
{
    struct lane_lease lanes[LANES];

    *out = NULL;
    *out_count = 0;
    do {
        /* Again where those whose turn it is have nothing: no pass may end so while others wait. */
        int n = turn_take(&f->turn, lanes, lanes_to_read(f, false, lanes));
        if (!read_some(f, lanes, n, out, out_count, err)) {
            return false;
        }
    } while (!turn_came(&f->turn, *out, *out_count, f->batch_size));
    return true;
}

/* One parked lane a pass: it costs the others its patience. */
static bool folder_try_parked(struct folder *f, int64_t *out_folded, struct err *err)
{
    struct log_event *events;
    size_t count;

    *out_folded = 0;
    if (f->parked.count == 0) {
        return true;
    }
    parked_keep(&f->parked, f->leases.all, f->leases.count);
    return read_due(f, &events, &count, err) &&
           (count == 0 || folder_fold_alone(f, events, count, out_folded, err));
}

static struct stale_means stale_means(const struct folder *f)
{
    return (struct stale_means){.db = f->db,
                                .config = f->config,
                                .live = f->live,
                                .leases = f->leases.all,
                                .lease_count = f->leases.count};
}

/* At most one stale shopper, or a page of one, which counts as folded: there is more to do. */
static bool folder_fold_stale(struct folder *f, int64_t *folded, struct err *err)
{
    const struct stale_means means = stale_means(f);
    enum stale_end end;

    if (!fold_stale_step(&means, &f->stale, *folded == 0, &end, err)) {
        return false;
    }
    *folded += end == STALE_PAGE ? 1 : 0;
    if (end == STALE_FENCED) {
        folder_forget(f);
    }
    if (end == STALE_FOLDED) {
        f->hand.look_us = 0; /* it may have changed hands */
    }
    return true;
}

/* At most one page, whose events count as folded: there is more to do. */
static bool folder_hand_over(struct folder *f, int64_t *folded, struct err *err)
{
    const struct stale_means means = stale_means(f);
    enum hand_end end;
    int64_t count;

    if (!fold_hand_step(&means, &f->hand, *folded == 0, &end, &count, err)) {
        return false;
    }
    if (end == HAND_FENCED) {
        folder_forget(f);
    }
    if (end == HAND_PAGE) {
        f->waiting.any = f->waiting.any || f->hand.waiting;
        *folded += count + 1;
    }
    return true;
}

/* Whose event could not be folded even by itself. */
static bool folder_put_aside(struct folder *f, struct err *err)
{
    const struct history_key key = apart_key(&f->apart);
    const struct stale_means means = stale_means(f);

    if (key.key == NULL) {
        return true;
    }
    if (!fold_stale_put_aside(&means, key, err)) {
        /* As after any batch, only the database knows whether the COMMIT has arrived. */
        db_rollback(f->db);
        folder_forget(f);
        return false;
    }
    apart_reset(&f->apart);
    return true;
}

static bool folder_pass(struct folder *f, int64_t *out_folded, struct err *err)
{
    struct log_event *events;
    size_t count = 0;
    int64_t late;

    arena_reset(&f->arena);
    /* What is short comes first, and each at most once: who is put aside, one parked lane, one
     * batch. Stale shoppers take long, and by then everybody else's news are in. */
    if (!folder_connected(f, err) || !leases_hold(&f->leases, f->db, err) ||
        !waiting_let_in(&f->waiting, f->db, err) || !folder_put_aside(f, err) ||
        !folder_try_parked(f, &late, err) || !read_lanes(f, &events, &count, err)) {
        return false;
    }
    *out_folded = 0;
    if (count > 0 && !folder_fold(f, events, count, out_folded, err)) {
        return false;
    }
    *out_folded += late;
    return folder_fold_stale(f, out_folded, err) && folder_hand_over(f, out_folded, err);
}

/* Two folders may meet in the row of one cart id (cart_party, whose lanes are those of the ids): the one that the
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

bool folder_settle(struct folder *f, int *out_folded, struct err *err)
{
    if (!folder_connected(f, err) || !leases_hold(&f->leases, f->db, err)) {
        return false;
    }
    const struct stale_means means = stale_means(f);
    int pages = 0;
    bool ok = fold_stale_settle(&means, out_folded, err) && fold_hand_settle(&means, &pages, err);
    *out_folded += pages;
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
    apart_reset(&f->apart);
    f->database = database;
    f->config = config;
    f->live = live;
    f->leases.owner = mem_strdup(owner);
    f->leases.lease_us = config->fold_lease;
    f->leases.wanted = lanes_wanted < LANES ? lanes_wanted : LANES;
    f->batch_size = config->fold_batch < BATCH_FIRST ? (int)config->fold_batch : BATCH_FIRST;
    int owners; /* from now on it counts among them: the first share of everybody is then the right one */
    if (!folder_connected(f, err) ||
        !store_lanes_owners(f->db, f->leases.owner, config->fold_lease, &owners, err)) {
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
        db_bound((*f)->db, clock_monotonic_us() + PASS_MAX_US);
        (void)!store_lanes_release((*f)->db, (*f)->leases.owner, &ignored);
    }
    parked_clear(&(*f)->parked);
    apart_reset(&(*f)->apart);
    db_close(&(*f)->db);
    arena_free(&(*f)->arena);
    mem_free(&(*f)->leases.owner);
    mem_free(f);
}
