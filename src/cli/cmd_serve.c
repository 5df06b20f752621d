/* cartwright serve: opens everything in order, waits for a signal, and closes it in reverse without
 * losing an answer. */
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/stop.h"
#include "cli/chores.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/private_watch.h"
#include "cli/signals.h"
#include "eventlog/carry.h"
#include "eventlog/intake.h"
#include "fold/fold.h"
#include "http/auth.h"
#include "http/server.h"
#include "http/wire/app.h"
#include "live/live.h"
#include "ml/linear/blas.h"
#include "store/database.h"

#include "build_info.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Together below the 10 s after which a container is killed, and below the 8 s we promise. */
#define DRAIN_US      INT64_C(3000000) /* for requests under way */
#define LAST_WORDS_US INT64_C(1500000) /* for those that waited for the event log */
#define CUT_US        INT64_C(6000000) /* from the signal on; then nobody waits for the database */

struct service {
    const struct config *config;
    struct database database;
    struct pool *pool;
    struct live *live;
    struct intake *intake;
    struct fold_workers *folders;
    struct carrier *carrier;
    struct chores *chores;
    struct private_watch *watch;
    struct server *server;
    struct app app;
};

/* ---- signals ---- */

/* Before the first thread, so that all inherit it: signals are for sigwait alone. */
static void block_signals(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t set = cli_ending_signals();

    /* who hangs up makes a write fail with EPIPE, which is told; it must not end the process */
    (void)sigaction(SIGPIPE, &ignore, NULL);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static int wait_for_signal(void)
{
    sigset_t set = cli_ending_signals();
    int got = 0;

    while (sigwait(&set, &got) != 0) {
    }
    /* a second one ends the program as soon as its private PostgreSQL has stopped, which nobody else would do */
    cli_end_on_signals();
    return got;
}

/* ---- start ---- */

/* Descriptors for what is no HTTP connection: the database's, model files, logs, and a reserve: whoever accepts without a free
 * one spins, and answers nobody. */
static rlim_t files_beside(const struct config *config)
{
    enum { RESERVE = 64 };

    return (rlim_t)(config->database_pool + config->intake_writers + config->fold_workers) +
           RESERVE;
}

/* Raises the limit of open files as far as needed, or as far as the hard limit, which only a privileged process may raise.
 * Returns what it is. */
static rlim_t raise_file_limit(rlim_t want)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= want) {
        return want;
    }
    limit.rlim_cur = want < limit.rlim_max ? want : limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

/* So many connections, and so many beyond that are only told so, as files may be open. */
CAN_FAIL static bool fit_connections(const struct config *config, struct app *app, struct err *err)
{
    enum { SPARE = 256, LEAST = 16 };
    const rlim_t beside = files_beside(config);
    const rlim_t files = raise_file_limit((rlim_t)config->http_connections + SPARE + beside);
    const int64_t left = files > beside ? (int64_t)(files - beside) : 0;

    app->connections = config->http_connections;
    app->connections_spare = SPARE;
    if (left >= config->http_connections + SPARE) {
        return true;
    }
    if (left < LEAST) {
        return FAIL(err, ERR_REFUSED,
                    "only %lld files may be open at once (ulimit -n), and %lld are needed",
                    (long long)files, (long long)(beside + LEAST));
    }
    app->connections_spare = left / 4 < SPARE ? left / 4 : SPARE;
    app->connections = left - app->connections_spare < config->http_connections
                           ? left - app->connections_spare
                           : config->http_connections;
    app->connections_spare = left - app->connections;
    if (app->connections < config->http_connections) {
        log_line(LOG_WARN, "few_files",
                 "http_connections is %lld, but only %lld files may be open at once: serving %lld",
                 (long long)config->http_connections, (long long)files,
                 (long long)app->connections);
    }
    return true;
}

/* The address first: a typing error there should not cost the start of a database. */
CAN_FAIL static bool bind_address(const struct config *config, struct listener *out,
                                  struct err *err)
{
    if (!listen_open(config->listen, out, err)) {
        return false;
    }
    if (!config->auth && !out->loopback) {
        (void)close(out->fd);
        return FAIL_AT(err, ERR_INVALID, "auth",
                       "may be off only on a loopback address, and %s is none", config->listen);
    }
    return true;
}

static void fill_app(struct service *s)
{
    s->app.config = s->config;
    s->app.pool = s->pool;
    s->app.intake = s->intake;
    s->app.live = s->live;
    s->app.outreach =
        (struct outreach_means){.pool = s->pool, .live = s->live, .config = s->config};
    /* NULL where fold_workers is 0: readiness then asks nothing of them */
    s->app.folders = s->folders;
    s->app.bodies.max = (size_t)s->config->http_body_budget;
    hash_random(s->app.process_id, sizeof s->app.process_id);
}

CAN_FAIL static bool open_backend(struct service *s, struct err *err)
{
    const struct config *config = s->config;

    if (!database_open(config, &s->database, err)) {
        return false;
    }
    if (s->database.server != NULL) {
        log_line(LOG_INFO, "private_postgres", "psql '%s'", s->database.conninfo);
    }
    if (s->database.pooled) {
        log_line(LOG_INFO, "database_pooler", "queries are sent %s",
                 s->database.prepared ? "prepared, as database_prepared says"
                                      : "as text: a pooler stands before the database");
    }
    /* In this order: the schema before whatever reads it, the models before the folders that score
     * with them. */
    if (!pool_open(s->database.conninfo, s->database.prepared, (int)config->database_pool,
                   config->database_wait, &s->pool, err)) {
        return false;
    }
    pool_bound(s->pool, config->database_timeout, config->database_max_age);
    return live_open(&s->database, config, true, &s->live, err) &&
           intake_open(&s->database, config, &s->intake, err) &&
           (config->fold_workers == 0 ||
            fold_workers_start(&s->database, config, s->live, &s->folders, err)) &&
           (!config->auth || auth_open(s->pool, &s->app.auth, err)) &&
           carrier_start(&s->database, &s->carrier, err) &&
           chores_start(config, s->pool, &s->chores, err) &&
           private_watch_start(s->database.server, &s->watch, err);
}

/* ---- stop ---- */

static void close_backend(struct service *s)
{
    /* The server has stopped: nobody asks for keys any more. */
    auth_close(&s->app.auth);
    /* commits what waits, over connections of its own */
    intake_close(&s->intake);
    /* wakes the folders from their pauses: from here on stop_wait_us waits no more */
    stop_request();
    fold_workers_stop(&s->folders);
    carrier_stop(&s->carrier);
    /* they had the time of the drain to end */
    chores_close(&s->chores);
    /* after the folders, which score with the models */
    live_close(&s->live);
    pool_close(&s->pool);
    private_watch_stop(&s->watch); /* or it would start again what is stopped now */
    /* last: it may stop the private PostgreSQL */
    database_close(&s->database);
}

/* Nothing that was acknowledged is lost, since nothing is acknowledged before its COMMIT; this is so
 * that clients under way get their answers. */
static void drain(struct service *s)
{
    int64_t began_us = clock_monotonic_us();

    stop_cut_at(began_us + CUT_US);
    chores_stop(s->chores);
    if (!server_drain(s->server, DRAIN_US)) {
        /* they wait for a database that is away: let them be told */
        intake_refuse(s->intake);
        if (!server_drain(s->server, LAST_WORDS_US)) {
            log_line(LOG_WARN, "drain_cut", "some requests were cut off without an answer");
            /* whatever they wait for, they had their time: their threads have to end with the server */
            stop_cut_at(clock_monotonic_us());
        }
    }
    server_stop(&s->server);
    log_line(LOG_INFO, "drained", "in %lld ms",
             (long long)((clock_monotonic_us() - began_us) / 1000));
}

static int serve(const struct config *config)
{
    struct service s = {.config = config};
    struct listener listener;
    struct err err = {0};

    if (!bind_address(config, &listener, &err)) {
        return cli_fail("serve", &err);
    }
    /* before the pool and the server, whose descriptors count against it */
    bool open = fit_connections(config, &s.app, &err) && open_backend(&s, &err);
    if (open) {
        fill_app(&s);
        open = server_start(&s.app, &listener, &s.server, &err);
    }
    if (!open) {
        /* server_start takes it over only when it succeeds */
        (void)close(listener.fd);
        close_backend(&s);
        return cli_fail("serve", &err);
    }
    (void)printf("cartwright %s listening on %s\n", CARTWRIGHT_VERSION, listener.url);
    /* into a pipe stdout is buffered in full, and who waits for this line would wait for ever */
    (void)fflush(stdout);
    log_line(LOG_INFO, "started", "OpenBLAS core %s", blas_core());
    int got = wait_for_signal();
    log_line(LOG_INFO, "stopping", "signal %d", got);
    /* first of all: requests under way still need the pool, the intake and the models */
    drain(&s);
    close_backend(&s);
    log_line(LOG_INFO, "stopped", "everything acknowledged is stored");
    return EXIT_DONE;
}

int cmd_serve(int argc, char **argv, const struct config *config)
{
    static const char usage[] =
        "serve [--listen HOST:PORT] [SETTINGS]\n\nServes the HTTP API, takes events in, and keeps "
        "the carts. Without DATABASE_URL it starts its\nown PostgreSQL under data_dir. Prints one "
        "line with its URL when ready; SIGTERM ends it in order.\n`cartwright --help` lists the "
        "settings.";

    const struct option_row none[] = {{0}};
    struct call call = {.command = "serve", .usage = usage};

    if (!call_read(&call, argc, argv, none) || !call_wordless(&call)) {
        return call.exit_code;
    }
    block_signals();
    return serve(config);
}
