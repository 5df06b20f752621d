/* The beginning and the end of a crash test. */
#include "crash/scene.h"

#include "base/clock.h"
#include "base/mem.h"
#include "crash/seed_model.h"
#include "support/at_length.h"
#include "support/pg_fixture.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LOOK_MS = 20, CATCH_UP_MS = 60000, TIMEOUT_S = 280, TIMEOUT_LONG_S = 3500 };

const char *const scene_flags[] = {"--fold-lease",
                                   "500ms", /* = SCENE_LEASE_MS */
                                   "--abandoned-after",
                                   "1s",
                                   "--idle-after",
                                   "1s",
                                   "--risk-threshold",
                                   "0",
                                   "--http-deadline",
                                   "5s",
                                   "--log-level",
                                   "warn",
                                   NULL};

void wait_ms(int ms)
{
    (void)poll(NULL, 0, ms);
}

int rounds(int ordinary, int otherwise)
{
    return at_length() ? otherwise : ordinary;
}

__attribute__((noreturn)) static void die(const char *what, const char *detail)
{
    (void)fprintf(stderr, "crash test: %s: %s\n", what, detail);
    exit(1);
}

static PGconn *connect_to(const char *url)
{
    PGconn *conn = PQconnectdb(url);

    if (PQstatus(conn) != CONNECTION_OK) {
        PQfinish(conn);
        return NULL;
    }
    return conn;
}

static void *watch_cursors(void *arg)
{
    struct scene *s = arg;
    PGconn *conn = NULL;

    while (!atomic_load(&s->over)) {
        if (conn == NULL) {
            conn = connect_to(s->database_url);
        }
        if (conn != NULL && !ledger_look_at_cursors(s->ledger, conn)) {
            PQfinish(conn); /* the database was stopped */
            conn = NULL;
        }
        wait_ms(LOOK_MS);
    }
    PQfinish(conn);
    return NULL;
}

struct scene *scene_open(const char *name, uint64_t seed)
{
    struct scene *s = mem_alloc(sizeof *s);

    (void)alarm((unsigned)rounds(TIMEOUT_S, TIMEOUT_LONG_S)); /* a hang ends the test */
    s->database_url = pg_fixture_database(name);
    s->key = service_key(s->database_url, "ingest,outreach");
    seed_risk_model(s->database_url);
    s->ledger = ledger_open(STORM_THREADS);
    s->storm = storm_start(s->ledger, s->key, seed);
    if (pthread_create(&s->watcher, NULL, watch_cursors, s) != 0) {
        abort();
    }
    return s;
}

static void await_no_lag(struct scene *s, PGconn *conn)
{
    int64_t until_us = clock_monotonic_us() + CATCH_UP_MS * INT64_C(1000);
    long lag;

    while ((lag = ledger_lag(conn)) != 0 && clock_monotonic_us() < until_us) {
        wait_ms(LOOK_MS);
    }
    if (lag != 0) {
        ledger_violation(s->ledger, "%ld events are still not folded", lag);
    }
}

static void replay(struct scene *s)
{
    static const char *const args[] = {"replay", "--check", NULL};
    char *text;
    int code = program_run(s->database_url, args, NULL, &text);

    if (code != 0) {
        ledger_violation(s->ledger, "replay --check ended with %d: %.900s", code, text);
    }
    free(text);
}

size_t scene_close(struct scene **scene)
{
    struct scene *s = *scene;

    storm_end(&s->storm);
    struct service last = service_start(s->database_url, scene_flags);
    PGconn *conn = connect_to(s->database_url);
    if (conn == NULL) {
        die("connect", s->database_url);
    }
    await_no_lag(s, conn);
    int code = service_stop(&last);
    if (code != 0) {
        ledger_violation(s->ledger, "the last server ended with %d", code);
    }
    atomic_store(&s->over, true);
    (void)pthread_join(s->watcher, NULL);
    ledger_check(s->ledger, conn);
    replay(s);
    ledger_summary(s->ledger, conn);
    PQfinish(conn);
    size_t violations = ledger_violations(s->ledger);
    ledger_close(s->ledger);
    pg_fixture_drop(s->database_url);
    free(s->key);
    mem_free(scene);
    return violations;
}
