/* The beginning and the end of a crash test. */
#include "crash/scene.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/jenc.h"
#include "base/mem.h"
#include "base/rng.h"
#include "support/pg_fixture.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SEED_SHOPPERS = 300, SEED_DAYS = 20, LOOK_MS = 20, CATCH_UP_MS = 60000 };
enum { TIMEOUT_S = 280, TIMEOUT_LONG_S = 3500 };

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

int rounds(int ordinary, int at_length)
{
    const char *wish = getenv("CARTWRIGHT_LONG");

    return wish != NULL && wish[0] != '\0' ? at_length : ordinary;
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

static void put_seed_event(struct buf *out, int shopper, int nth, const char *type, int64_t at_us)
{
    struct jenc j = jenc_begin(out);
    char id[48];

    jenc_object(&j, NULL);
    (void)snprintf(id, sizeof id, "seed-%d-%d", shopper, nth);
    jenc_str(&j, "event_id", id);
    jenc_str(&j, "type", type);
    (void)snprintf(id, sizeof id, "seed-%d", shopper);
    jenc_str(&j, "customer_id", id);
    jenc_time(&j, "occurred_at", at_us);
    jenc_array(&j, "items");
    jenc_object(&j, NULL);
    (void)snprintf(id, sizeof id, "p-%d", shopper % 40);
    jenc_str(&j, "product_id", id);
    jenc_i64(&j, "quantity", 1);
    jenc_i64(&j, "price_minor", 1000);
    jenc_str(&j, "currency", "EUR");
    jenc_object_end(&j);
    jenc_array_end(&j);
    jenc_object_end(&j);
    buf_add_char(out, '\n');
}

/* Three weeks of shoppers, of whom every third buys: enough for a base rate. */
static void import_history(const char *url)
{
    static const char *const args[] = {"import", "--format", "ndjson", "-", NULL};
    struct buf text = buf_make(16 << 20);
    struct rng rng = rng_seed(7);
    int64_t end_us = clock_now_us() - DAYS(2);

    for (int i = 0; i < SEED_SHOPPERS; i++) {
        int64_t at_us = end_us - (int64_t)rng_below(&rng, (uint64_t)DAYS(SEED_DAYS));
        put_seed_event(&text, i, 0, "product_viewed", at_us);
        put_seed_event(&text, i, 1, "cart_item_added", at_us + MINUTES(1));
        if (i % 3 == 0) {
            put_seed_event(&text, i, 2, "purchase", at_us + MINUTES(9));
        }
    }
    if (program_run(url, args, buf_text(&text), NULL) != 0) {
        die("import", "failed");
    }
    buf_free(&text);
}

static void train(const char *url)
{
    static const char *const args[] = {"train", "risk", NULL};

    import_history(url);
    if (program_run(url, args, NULL, NULL) != 0) {
        die("train risk", "failed");
    }
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
    train(s->database_url);
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
