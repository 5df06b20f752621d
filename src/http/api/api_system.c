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
#include "store/events.h"

#include "build_info.h"

#define CHECK_FRESH_US  INT64_C(500000)   /* a crowd that asks costs one query in this time */
#define FOLD_SILENCE_US INT64_C(15000000) /* a folder without a pass for so long is not well */

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

CAN_FAIL bool api_readyz(struct request *rq, struct err *err)
{
    struct app *app = rq->app;

    /* first: a balancer must send nothing more, however well the rest is */
    if (atomic_load(&app->draining)) {
        return FAIL(err, ERR_BUSY, "shutting down");
    }
    if (!database_answers(app, err)) {
        /* 503 whatever it was: for who balances load it is only "not now" */
        answer_unavailable(rq, err);
        return true;
    }
    /* A heartbeat: without its consumer everything still answers, with carts of yesterday. */
    if (app->folders != NULL &&
        clock_monotonic_us() - fold_workers_last_pass_us(app->folders) > FOLD_SILENCE_US) {
        return FAIL(err, ERR_BUSY, "no event was folded into a cart for a while");
    }
    answer_status(rq, "ready");
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
static void measure_bounds(const struct config *config)
{
    metric_set(METRIC_db_pool_max, config->database_pool);
    metric_set(METRIC_intake_queue_max, config->intake_queue);
    metric_set(METRIC_http_connections_max, config->http_connections);
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
    measure_bounds(rq->app->config);
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
