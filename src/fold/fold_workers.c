/* Who runs the fold: the worker threads of serve, and the catch-up of commands that read what is folded. A
 * failing database is waited out and logged once; nothing else here decides anything. */
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/stop.h"
#include "fold/fold.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { WORKERS_MAX = 16, OWNER_MAX = 128, STILL_S = 30 };
#define BACKOFF_MAX_US    SECONDS(2)
#define STOP_LOOK_US      INT64_C(20000) /* how often a waiting worker looks whether it is to stop */
#define LAG_EVERY_US      SECONDS(1)
#define LAG_EVERY_BUSY_US SECONDS(5) /* counting a long backlog costs something */

struct fold_worker {
    struct fold_workers *all;
    pthread_t thread;
    struct folder *folder;
    struct rescore rescore; /* the first worker's */
    int64_t lag_us;         /* monotonic: lag last looked at */
    bool failing;
    atomic_int held_lanes; /* folder_look, for other threads */
    atomic_int waiting_lanes;
    atomic_int_fast64_t held_us;
};

struct fold_workers {
    const struct config *config; /* borrowed */
    atomic_bool stopping;
    atomic_int_fast64_t last_pass_us;
    int count;
    int started;
    struct fold_worker workers[WORKERS_MAX];
};

/* Unique over hosts, processes and restarts: a lease must never look like a namesake's. */
static void owner_name(char out[OWNER_MAX], const char *role, int number)
{
    char host[48] = "host";
    uint8_t nonce[4];
    char hex[2 * sizeof nonce + 1];

    (void)gethostname(host, sizeof host - 1);
    hash_random(nonce, sizeof nonce);
    (void)snprintf(out, OWNER_MAX, "%s:%d:%s%d:%s", host, (int)getpid(), role, number,
                   hash_hex(nonce, sizeof nonce, hex));
}

/* ---- the workers of serve ---- */

static bool worker_stopping(struct fold_worker *w)
{
    return atomic_load(&w->all->stopping) || stop_requested();
}

static void worker_wait(struct fold_worker *w, int64_t us)
{
    int64_t until_us = clock_monotonic_us() + us;

    for (int64_t left = us; left > 0 && !worker_stopping(w);
         left = until_us - clock_monotonic_us()) {
        (void)stop_wait_us(left < STOP_LOOK_US ? left : STOP_LOOK_US);
    }
}

/* The first worker keeps the lag metrics fresh. */
static bool worker_look_at_lag(struct fold_worker *w, bool busy, struct err *err)
{
    int64_t now_us = clock_monotonic_us();
    struct log_lag lag;

    if (w != &w->all->workers[0] ||
        now_us - w->lag_us < (busy ? LAG_EVERY_BUSY_US : LAG_EVERY_US)) {
        return true;
    }
    if (!folder_lag(w->folder, &lag, err)) {
        return false;
    }
    w->lag_us = now_us;
    metric_set(METRIC_fold_lag_events, lag.events);
    metric_set(METRIC_fold_lag_us, lag.oldest_us);
    metric_set(METRIC_fold_stale, lag.stale);
    metric_set(METRIC_fold_stale_us, lag.stale_us);
    return true;
}

/* When it has nothing to fold, the first worker brings old scores up to the model that serves now. */
static bool worker_rescore(struct fold_worker *w, bool busy, struct err *err)
{
    return busy || w != &w->all->workers[0] || folder_rescore(w->folder, &w->rescore, err);
}

static void worker_tell_held(struct fold_worker *w)
{
    struct folder_state state;

    folder_look(w->folder, &state);
    atomic_store(&w->held_lanes, state.held_lanes);
    atomic_store(&w->waiting_lanes, state.waiting_lanes);
    atomic_store(&w->held_us, state.held_us);
}

static bool worker_pass(struct fold_worker *w, int64_t *out_folded, struct err *err)
{
    bool stepped = folder_step(w->folder, out_folded, err);

    /* also where the pass has failed: what is held may be why */
    worker_tell_held(w);
    if (!stepped || !worker_look_at_lag(w, *out_folded > 0, err) ||
        !worker_rescore(w, *out_folded > 0, err)) {
        return false;
    }
    atomic_store(&w->all->last_pass_us, clock_monotonic_us());
    return true;
}

static void worker_report(struct fold_worker *w, bool ok, const struct err *err)
{
    if (!ok && !w->failing) {
        log_line(LOG_ERROR, "fold_failed", "events are not being folded: %s", err->text);
    } else if (ok && w->failing) {
        log_line(LOG_INFO, "fold_recovered", "events are being folded again");
    }
    w->failing = !ok;
}

static void *worker_main(void *arg)
{
    struct fold_worker *w = arg;
    int64_t poll_us = w->all->config->fold_poll;
    int64_t backoff_us = poll_us;

    while (!worker_stopping(w)) {
        struct err err = {0};
        int64_t folded = 0;
        bool ok = worker_pass(w, &folded, &err);
        worker_report(w, ok, &err);
        if (!ok) { /* leases run on meanwhile: a replica that still reaches the database takes over */
            worker_wait(w, backoff_us);
            backoff_us = backoff_us * 2 < BACKOFF_MAX_US ? backoff_us * 2 : BACKOFF_MAX_US;
        } else {
            backoff_us = poll_us;
            worker_wait(w, folded > 0 ? 0 : poll_us);
        }
    }
    return NULL;
}

bool fold_workers_start(const struct database *database, const struct config *config,
                        struct live *live, struct fold_workers **out, struct err *err)
{
    struct fold_workers *all = mem_alloc(sizeof *all);
    char owner[OWNER_MAX];

    all->config = config;
    all->count = (int)config->fold_workers;
    atomic_store(&all->last_pass_us,
                 clock_monotonic_us()); /* readyz: not stalled before it began */
    for (int i = 0; i < all->count; i++) {
        struct fold_worker *w = &all->workers[i];
        w->all = all;
        owner_name(owner, "fold", i);
        if (!folder_open(database, config, live, owner, LANES, &w->folder, err)) {
            fold_workers_stop(&all);
            return false;
        }
    }
    for (int i = 0; i < all->count; i++) { /* only now, so that each finds all of them */
        struct fold_worker *w = &all->workers[i];
        if (pthread_create(&w->thread, NULL, worker_main, w) != 0) {
            fold_workers_stop(&all);
            return FAIL(err, ERR_INTERNAL, "could not start fold worker %d", i);
        }
        all->started++;
    }
    *out = all;
    return true;
}

void fold_workers_stop(struct fold_workers **w)
{
    struct fold_workers *all = *w;

    if (all == NULL) {
        return;
    }
    atomic_store(&all->stopping, true);
    for (int i = 0; i < all->started; i++) {
        (void)pthread_join(all->workers[i].thread, NULL);
    }
    for (int i = 0; i < all->count; i++) {
        folder_close(&all->workers[i].folder);
    }
    mem_free(w);
}

int64_t fold_workers_last_pass_us(const struct fold_workers *w)
{
    /* a process that has no workers does not stall */
    return w->count == 0 ? clock_monotonic_us() : atomic_load(&w->last_pass_us);
}

void fold_workers_look(const struct fold_workers *w, struct folder_state *out)
{
    *out = (struct folder_state){0};
    for (int i = 0; i < w->count; i++) {
        int64_t held_us = atomic_load(&w->workers[i].held_us);
        int waiting = atomic_load(&w->workers[i].waiting_lanes);
        out->held_lanes += atomic_load(&w->workers[i].held_lanes);
        out->waiting_lanes = waiting > out->waiting_lanes ? waiting : out->waiting_lanes;
        out->held_us = held_us > out->held_us ? held_us : out->held_us;
    }
}

/* ---- catch up ---- */

/* Several threads fold until the caller's own sees that the log has been read to its end; only its
 * failures count, as it would meet those of the others too. */
struct catch_up;
struct helper {
    struct catch_up *all;
    pthread_t thread;
    struct folder *folder;
    atomic_int_fast64_t
        settling_us; /* monotonic: since when it looks for who was put off; 0: it does not */
};
struct catch_up {
    const struct config *config;
    atomic_bool done;
    atomic_int_fast64_t folded;
    atomic_int settled; /* of those who were put off */
    int count;
    int started; /* threads, for helpers 1 .. started; the caller is helper 0 */
    struct helper helpers[WORKERS_MAX];
};

/* Who was put off would otherwise be due after the command has ended. That tells others, so there is more to fold then. */
static bool helper_settle(struct helper *h, struct err *err)
{
    int folded = 0;

    atomic_store(&h->settling_us, clock_monotonic_us());
    bool ok = folder_settle(h->folder, &folded, err);
    (void)atomic_fetch_add(&h->all->settled, folded);
    atomic_store(&h->settling_us, 0);
    return ok;
}

/* One pass; *out_folded 0 after a pause. */
static bool helper_pass(struct helper *h, int64_t *out_folded, struct err *err)
{
    if (stop_requested()) {
        return FAIL(err, ERR_BUSY, "stopped before the log was folded to its end");
    }
    if (!folder_step(h->folder, out_folded, err)) {
        return false;
    }
    /* only when there are no news: settling one shopper may take minutes */
    if (*out_folded == 0 && !helper_settle(h, err)) {
        return false;
    }
    (void)atomic_fetch_add(&h->all->folded, *out_folded);
    return true;
}

static void *helper_main(void *arg)
{
    struct helper *h = arg;

    while (!atomic_load(&h->all->done)) {
        struct err err = {0};
        int64_t folded = 0;
        bool ok = helper_pass(h, &folded, &err);
        if (!ok || folded == 0) { /* what failed here fails for the caller too, and it tells */
            (void)stop_wait_us(STOP_LOOK_US);
        }
    }
    return NULL;
}

static bool helpers_start(struct catch_up *c, const struct database *database, struct err *err)
{
    char owner[OWNER_MAX];

    for (int i = 0; i < c->count; i++) {
        struct helper *h = &c->helpers[i];
        h->all = c;
        owner_name(owner, "catchup", i);
        if (!folder_open(database, c->config, NULL, owner, LANES, &h->folder, err)) {
            return false;
        }
    }
    for (int i = 1; i < c->count; i++) {
        struct helper *h = &c->helpers[i];
        if (pthread_create(&h->thread, NULL, helper_main, h) != 0) {
            return FAIL(err, ERR_INTERNAL, "could not start fold thread %d", i);
        }
        c->started = i;
    }
    return true;
}

static void helpers_join(struct catch_up *c)
{
    atomic_store(&c->done, true);
    for (int i = 1; i <= c->started; i++) {
        (void)pthread_join(c->helpers[i].thread, NULL);
    }
    for (int i = 0; i < c->count; i++) {
        folder_close(&c->helpers[i].folder);
    }
}

/* Nothing has moved since. */
struct standstill {
    int64_t folded;
    int64_t since_us;
};

static uint64_t lanes_held(void)
{
    return metric_value(METRIC_fold_held) + metric_value(METRIC_fold_waiting);
}

/* Somebody is folding one that was put off, and not only looking whether there is any. */
static bool is_settling(const struct catch_up *c, int64_t now_us)
{
    bool found = false;

    for (int i = 0; i < c->count && !found; i++) {
        const int64_t since_us = atomic_load(&c->helpers[i].settling_us);
        found = since_us != 0 && now_us - since_us > SECONDS(1) / 10;
    }
    return found;
}

/* Whoever is stale in lanes of others (of a serve beside this) they fold when they are due. Our own helpers look every 20 ms. */
static bool is_settled(const struct catch_up *c, struct standstill *s, const struct log_lag *lag)
{
    const int64_t now_us = clock_monotonic_us();
    const int64_t settled = (int64_t)atomic_load(&c->settled);

    if (settled != s->folded || s->since_us == 0 || is_settling(c, now_us)) {
        *s = (struct standstill){.folded = settled, .since_us = now_us};
    }
    return lag->stale == 0 || now_us - s->since_us > SECONDS(1);
}

/* True where lanes are held and nothing was folded for a while: they may be held for an hour, and a command has an end. */
static bool stands_still(struct standstill *s, int64_t folded)
{
    int64_t now_us = clock_monotonic_us();

    if (folded != s->folded || s->since_us == 0 || lanes_held() == 0) {
        *s = (struct standstill){.folded = folded, .since_us = now_us};
    }
    return now_us - s->since_us > SECONDS(STILL_S);
}

static bool catch_up_run(struct catch_up *c, void (*progress)(void *ctx, int64_t folded), void *ctx,
                         struct err *err)
{
    struct helper *h = &c->helpers[0];
    struct log_lag lag = {.events = 1};
    struct standstill still = {0};
    struct standstill stale = {0};
    bool settled = false;

    while (lag.events > 0 || !settled) {
        int64_t folded = 0;
        if (!helper_pass(h, &folded, err)) {
            return false;
        }
        if (progress != NULL) {
            progress(ctx, (int64_t)atomic_load(&c->folded));
        }
        if (folded > 0) {
            continue; /* counting the backlog reads the heads of all lanes: only when there seems to be none */
        }
        if (!folder_lag(h->folder, &lag, err)) {
            return false;
        }
        settled = is_settled(c, &stale, &lag);
        if (lag.events > 0 || !settled) { /* in lanes that others hold */
            (void)stop_wait_us(STOP_LOOK_US);
            if (lag.events > 0 && stands_still(&still, (int64_t)atomic_load(&c->folded))) {
                return FAIL(err, ERR_BUSY,
                            "another transaction has held %llu lanes of the log for %d s: end it, "
                            "and run this again",
                            (unsigned long long)lanes_held(), STILL_S);
            }
        }
    }
    return true;
}

bool fold_catch_up(const struct database *database, const struct config *config,
                   void (*progress)(void *ctx, int64_t folded), void *ctx, struct err *err)
{
    struct catch_up c = {.config = config};

    c.count = config->fold_workers > 0 ? (int)config->fold_workers : 1;
    bool ok = helpers_start(&c, database, err) && catch_up_run(&c, progress, ctx, err);
    helpers_join(&c);
    return ok;
}
