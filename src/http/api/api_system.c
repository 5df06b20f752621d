/* For machines that look after this one: health, metrics, and the description of the API. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/jenc.h"
#include "base/metric.h"
#include "http/api/router.h"
#include "http/wire/respond.h"
#include "live/live_metrics.h"
#include "live/risk_metrics.h"
#include "outreach/outreach_metrics.h"
#include "store/chores.h"
#include "store/events.h"

#include "build_info.h"

#include <string.h>

#define CHECK_FRESH_US INT64_C(500000) /* a crowd that asks costs one query in this time */
#define SILENCE_US                                                                                 \
    INT64_C(15000000) /* writers or folders without progress for so long are not well */

static const unsigned char openapi_text[] = {
#include "openapi.inc"
};

static void answer_status(struct request *rq, const char *status)
{
    struct buf body = buf_make(ANSWER_MAX);
    struct jenc j = jenc_begin(&body);

    jenc_object(&j, NULL);
    jenc_str(&j, "status", status);
    jenc_object_end(&j);
    answer_json(rq, 200, &body);
}

CAN_FAIL bool api_livez(struct request *rq, struct err *err)
{
    (void)err;
    /* Without the database: whoever asks restarts what is dead, which would not mend it. */
    answer_status(rq, "alive");
    return true;
}

CAN_FAIL static bool database_answers(struct app *app, struct err *err)
{
    CLEANUP(pool_return) struct lease lease = {.pool = app->pool};
    int64_t now_us = clock_monotonic_us();

    if (now_us - atomic_load(&app->ready_us) < CHECK_FRESH_US) {
        return true;
    }
    /* a lease, not a connection of its own: readiness is whether requests get one */
    if (!pool_lease(app->pool, &lease, err)) {
        return false;
    }
    if (!db_ping(lease.db, err)) {
        return false;
    }
    /* only success is remembered: after a failure the next probe asks again */
    atomic_store(&app->ready_us, now_us);
    return true;
}

/* ---- what it is that is not well, for ?verbose ---- */

static void put_held(struct jenc *j, int lanes, int64_t held_us)
{
    jenc_i64(j, "held_lanes", lanes);
    jenc_f64(j, "held_seconds", (double)held_us / 1e6);
}

static void put_intake(struct jenc *j, struct intake *intake)
{
    struct intake_state state;

    intake_look(intake, &state);
    jenc_object(j, "intake");
    jenc_str(j, "status",
             state.stalled_us > SILENCE_US ? "stalled"
             : state.held_lanes > 0        ? "held"
                                           : "ok");
    jenc_i64(j, "waiting_events", (int64_t)state.queued);
    put_held(j, state.held_lanes, state.held_us);
    jenc_object_end(j);
}

static void put_fold(struct jenc *j, const struct fold_workers *folders)
{
    struct folder_state state = {0};

    if (folders != NULL) {
        fold_workers_look(folders, &state);
    }
    jenc_object(j, "fold");
    int held = state.held_lanes + state.waiting_lanes;
    jenc_str(j, "status", folders == NULL ? "off" : held > 0 ? "held" : "ok");
    put_held(j, held, state.held_us);
    if (folders != NULL) { /* whose first keeps them */
        jenc_i64(j, "lag_events", (int64_t)metric_value(METRIC_fold_lag_events));
        jenc_f64(j, "lag_seconds", (double)metric_value(METRIC_fold_lag_us) / 1e6);
    }
    jenc_object_end(j);
}

static void put_database(struct jenc *j, struct pool *pool)
{
    struct pool_state state;

    pool_look(pool, &state);
    jenc_object(j, "database");
    jenc_i64(j, "connections_in_use", state.in_use);
    jenc_i64(j, "connections_max", state.size);
    jenc_i64(j, "waiting_requests", state.waiting);
    jenc_f64(j, "oldest_wait_seconds", (double)state.oldest_us / 1e6);
    jenc_object_end(j);
}

static void put_models(struct jenc *j, struct live *live)
{
    static const char *const names[] = {
        [LIVE_NONE] = "none", [LIVE_CHAMPION] = "champion", [LIVE_FALLBACK] = "fallback"};
    struct live_state state;

    live_look(live, &state);
    jenc_object(j, "models");
    jenc_str(j, "risk", names[state.risk]);
    jenc_str(j, "affinity", names[state.affinity]);
    jenc_object_end(j);
}

/* What serve does by itself (store/chores.h), on whichever replica. */
static void put_chore(struct jenc *j, struct db *db, const char *name, struct arena *a)
{
    struct chore c;
    struct err away = {0};

    if (!store_chore_read(db, name, a, &c, &away)) {
        jenc_null(j, name);
        return;
    }
    jenc_object(j, name);
    jenc_str(j, "status",
             c.held                    ? "running"
             : c.ended_us < c.begun_us ? "lost" /* its replica died */
             : c.outcome != NULL       ? c.outcome
                                       : "none");
    if (c.begun_us != 0) {
        jenc_time(j, "begun_at", c.begun_us);
    }
    if (c.ended_us != 0) {
        jenc_time(j, "ended_at", c.ended_us);
    }
    jenc_object_end(j);
}

static void put_chores(struct jenc *j, struct pool *pool)
{
    CLEANUP(pool_return) struct lease lease = {.pool = pool};
    CLEANUP(arena_free) struct arena a = {0};
    struct err busy = {0};

    if (!pool_lease(pool, &lease, &busy)) {
        jenc_null(j, "chores");
        return;
    }
    jenc_object(j, "chores");
    put_chore(j, lease.db, "train", &a);
    put_chore(j, lease.db, "maintain", &a);
    jenc_object_end(j);
}

/* Numbers and states only: no key is asked for here. */
static void answer_verbose(struct request *rq)
{
    struct app *app = rq->app;
    struct buf body = buf_make(ANSWER_MAX);
    struct jenc j = jenc_begin(&body);

    jenc_object(&j, NULL);
    jenc_str(&j, "status", "ready");
    put_intake(&j, app->intake);
    put_fold(&j, app->folders);
    put_database(&j, app->pool);
    put_models(&j, app->live);
    put_chores(&j, app->pool);
    jenc_object_end(&j);
    answer_json(rq, 200, &body);
}

/* A heartbeat: without its writers or its consumer everything still answers, with carts of yesterday. A lane that
 * somebody holds is no reason: the others move. */
CAN_FAIL static bool moves(const struct app *app, struct err *err)
{
    struct intake_state intake;

    intake_look(app->intake, &intake);
    if (intake.stalled_us > SILENCE_US) {
        return FAIL(err, ERR_BUSY, "no event was stored for a while, and some wait");
    }
    if (app->folders != NULL &&
        clock_monotonic_us() - fold_workers_last_pass_us(app->folders) > SILENCE_US) {
        return FAIL(err, ERR_BUSY, "no event was folded into a cart for a while");
    }
    return true;
}

/* `?verbose` alone says it. */
CAN_FAIL static bool wants_verbose(const struct request *rq, bool *out, struct err *err)
{
    const char *word = request_param(rq, "verbose");

    *out = word != NULL && (word[0] == '\0' || strcmp(word, "true") == 0);
    return *out || word == NULL || strcmp(word, "false") == 0 ||
           FAIL_AT(err, ERR_INVALID, "verbose", "must be true, false or nothing");
}

CAN_FAIL bool api_readyz(struct request *rq, struct err *err)
{
    struct app *app = rq->app;
    bool verbose;

    if (!wants_verbose(rq, &verbose, err)) {
        return false;
    }
    /* first: a balancer must send nothing more, however well the rest is */
    if (atomic_load(&app->draining)) {
        return FAIL(err, ERR_BUSY, "shutting down");
    }
    if (!database_answers(app, err)) {
        /* 503 whatever it was: for who balances load it is only "not now" */
        answer_unavailable(rq, err);
        return true;
    }
    if (!moves(app, err)) {
        return false;
    }
    if (verbose) {
        answer_verbose(rq);
    } else {
        answer_status(rq, "ready");
    }
    return true;
}

/* The folders keep the lag; a replica without them asks. */
CAN_FAIL static bool measure_lag(struct request *rq, struct err *err)
{
    CLEANUP(pool_return) struct lease lease = {.pool = rq->app->pool};
    struct log_lag lag;

    if (!pool_lease(rq->app->pool, &lease, err) ||
        !store_lag(lease.db, rq->received_us, &lag, err)) {
        return false;
    }
    metric_set(METRIC_fold_lag_events, lag.events);
    metric_set(METRIC_fold_lag_us, lag.oldest_us);
    return true;
}

static void measure_pool(struct pool *pool)
{
    struct pool_state state;

    pool_look(pool, &state);
    metric_set(METRIC_db_pool_in_use, state.in_use);
    metric_set(METRIC_db_pool_waiting, state.waiting);
    metric_set(METRIC_db_pool_wait_us, state.oldest_us);
}

/* What is bounded, so that an alarm on the rest need not know the settings. */
static void measure_bounds(const struct app *app)
{
    metric_set(METRIC_db_pool_max, app->config->database_pool);
    metric_set(METRIC_intake_queue_max, app->config->intake_queue);
    metric_set(METRIC_http_connections_max, app->connections);
}

static void write_build(struct buf *out)
{
    const struct metric_label labels[] = {{"version", CARTWRIGHT_VERSION}, {"git", CARTWRIGHT_GIT}};

    metric_write_family(out, "cartwright_build_info", "gauge", "1, with the build that runs.");
    metric_write_row(out, "cartwright_build_info", labels, sizeof labels / sizeof *labels, 1);
}

CAN_FAIL bool api_metrics(struct request *rq, struct err *err)
{
    measure_pool(rq->app->pool); /* first: measuring the lag takes a connection itself */
    if (rq->app->folders == NULL && !measure_lag(rq, err)) {
        return false;
    }
    struct buf body = buf_make(ANSWER_MAX);
    measure_bounds(rq->app);
    metric_render(&body);
    risk_metrics_render(&body);
    live_metrics_render(rq->app->live, &body);
    outreach_metrics_render(&body);
    write_build(&body);
    answer_text(rq, "text/plain; version=0.0.4; charset=utf-8", &body);
    return true;
}

CAN_FAIL bool api_openapi(struct request *rq, struct err *err)
{
    struct buf body = buf_make(ANSWER_MAX);

    (void)err;
    buf_add(&body, openapi_text, sizeof openapi_text);
    answer_json(rq, 200, &body);
    return true;
}
