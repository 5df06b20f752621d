/* One thing that stands still costs its own events only: a lane that an open SQL transaction holds, a cursor that somebody locks,
 * a replica that was stopped. What the others cost is measured before and during, in one run. */
#include "support/at_length.h"
#include "support/http_client.h"
#include "support/pg_fixture.h"
#include "support/service.h"

#include "support/spec.h"

#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    CLIENTS = 4,
    SAMPLES_MAX = 200000,
    PAUSE_MS = 2,    /* of a client between two events */
    PHASE_MS = 4000, /* before, and during; the latter 60 s with --long */
    LONG_MS = 60000,
    FACTOR = 3, /* during to before, at the 99th percentile */
    FLOOR_MS =
        25, /* a p99 below this is one of a machine at rest, and three times it still nothing */
    LAG_MS = 1000,
};

static char *url;

static int64_t now_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t number(PGconn *conn, const char *sql)
{
    PGresult *res = PQexec(conn, sql);

    if (PQresultStatus(res) != PGRES_TUPLES_OK) {
        fail_msg("%s: %s", sql, PQerrorMessage(conn));
    }
    int64_t value = strtoll(PQgetvalue(res, 0, 0), NULL, 10);
    PQclear(res);
    return value;
}

static void run(PGconn *conn, const char *sql)
{
    PGresult *res = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(res);

    PQclear(res);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        fail_msg("%s: %s", sql, PQerrorMessage(conn));
    }
}

/* ---- load ---- */

/* Clients that post an event at a time, each of another shopper. */
struct load {
    int port;
    bool avoid[256];   /* lanes that they post nothing to, */
    bool skip[256];    /* and whose fold is not looked at */
    int lane_of[1000]; /* of shopper s<i> */
    atomic_bool over;
    atomic_int next;
    pthread_t threads[CLIENTS];
    pthread_mutex_t lock; /* guards what follows */
    int64_t *took_us;
    size_t count;
    int refused; /* 503 */
    int odd;     /* neither 200 nor 503 */
};

static void note(struct load *load, int status, int64_t took_us)
{
    (void)pthread_mutex_lock(&load->lock);
    if (load->count < SAMPLES_MAX) {
        load->took_us[load->count++] = took_us;
    }
    load->refused += status == 503 ? 1 : 0;
    load->odd += status != 503 && status != 200 ? 1 : 0;
    (void)pthread_mutex_unlock(&load->lock);
}

/* As a shop sends them: what a shopper does comes in the order in which it was done. (All of one time would be in that of their ids, so that
 * nearly each would come late, and a shopper of some hundreds would be folded whole for each.) */
static void write_event(char *out, size_t size, const char *id, const char *customer)
{
    struct timespec t;
    struct tm tm;
    char second[32];

    (void)clock_gettime(CLOCK_REALTIME, &t);
    (void)gmtime_r(&t.tv_sec, &tm);
    (void)strftime(second, sizeof second, "%Y-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(
        out, size,
        "{\"event_id\":\"%s\",\"type\":\"searched\",\"customer_id\":\"%s\",\"occurred_at\":\"%s.%06ldZ\"}",
        id, customer, second, t.tv_nsec / 1000);
}

static void *client_main(void *arg)
{
    struct load *load = arg;
    struct http_client *c = http_client_open(NULL, 60000);

    while (!atomic_load(&load->over)) {
        char body[300];
        char id[40];
        char customer[16];
        const char *answer;
        int n = atomic_fetch_add(&load->next, 1);
        if (load->avoid[load->lane_of[n % 1000]]) {
            continue;
        }
        (void)snprintf(id, sizeof id, "l%d-%d", load->port, n);
        (void)snprintf(customer, sizeof customer, "s%d", n % 1000);
        write_event(body, sizeof body, id, customer);
        int64_t began = now_us();
        int status = http_client_request(c, load->port, "/v1/events", body, &answer);
        note(load, status, now_us() - began);
        (void)poll(NULL, 0, PAUSE_MS);
    }
    http_client_close(c);
    return NULL;
}

static struct load *load_make(PGconn *conn)
{
    struct load *load = calloc(1, sizeof *load);

    assert_non_null(load);
    load->took_us = calloc(SAMPLES_MAX, sizeof *load->took_us);
    assert_non_null(load->took_us);
    (void)pthread_mutex_init(&load->lock, NULL);
    PGresult *res = PQexec(
        conn, "SELECT cartwright.lane_of('c:s' || i) FROM generate_series(0, 999) i ORDER BY i");
    assert_int_equal(PQntuples(res), 1000);
    for (int i = 0; i < 1000; i++) {
        load->lane_of[i] = (int)strtol(PQgetvalue(res, i, 0), NULL, 10);
    }
    PQclear(res);
    return load;
}

static void load_free(struct load *load)
{
    (void)pthread_mutex_destroy(&load->lock);
    free(load->took_us);
    free(load);
}

static int by_size(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a;
    const int64_t y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* ---- a phase ---- */

struct measured {
    size_t requests;
    int refused, odd;
    int64_t p99_us;
    int64_t longest_us;
    int64_t lag_us; /* the oldest event of a lane that is not skipped, while it was not folded */
};

static int64_t lag_us(PGconn *conn, const struct load *load)
{
    static char sql[2000];
    /* By lane, the first that is not folded: to join all that is and is not would take a core, and be what is measured. */
    int len = snprintf(sql, sizeof sql,
                       "SELECT coalesce(extract(epoch FROM clock_timestamp() - min(e.received_at)) "
                       "* 1e6, 0)::bigint FROM cartwright.lane_cursor c CROSS JOIN LATERAL "
                       "(SELECT n.received_at FROM cartwright.event n WHERE n.lane = c.lane "
                       "AND n.off > c.off ORDER BY n.off LIMIT 1) AS e WHERE c.lane <> ALL ('{-1");

    for (int lane = 0; lane < 256; lane++) {
        if (load->skip[lane]) {
            len += snprintf(sql + len, sizeof sql - (size_t)len, ",%d", lane);
        }
    }
    (void)snprintf(sql + len, sizeof sql - (size_t)len, "}')");
    return number(conn, sql);
}

static int phase_ms(void)
{
    return at_length() ? LONG_MS : PHASE_MS;
}

static struct measured measure(PGconn *conn, struct load *load, int ms)
{
    struct measured m = {0};
    int64_t until_us = now_us() + (int64_t)ms * 1000;

    load->count = 0;
    load->refused = load->odd = 0;
    atomic_store(&load->over, false);
    for (int i = 0; i < CLIENTS; i++) {
        assert_int_equal(pthread_create(&load->threads[i], NULL, client_main, load), 0);
    }
    while (now_us() < until_us) {
        int64_t lag = lag_us(conn, load);
        m.lag_us = lag > m.lag_us ? lag : m.lag_us;
        (void)poll(NULL, 0, 100);
    }
    atomic_store(&load->over, true);
    for (int i = 0; i < CLIENTS; i++) {
        (void)pthread_join(load->threads[i], NULL);
    }
    m.requests = load->count;
    m.refused = load->refused;
    m.odd = load->odd;
    assert_true(load->count > 100);
    qsort(load->took_us, load->count, sizeof *load->took_us, by_size);
    m.p99_us = load->took_us[load->count * 99 / 100];
    m.longest_us = load->took_us[load->count - 1];
    return m;
}

static void print(const char *name, const struct measured *m)
{
    print_message(
        "%-8s %6zu requests, p99 %7.1f ms, longest %7.1f ms, %d answers 503, oldest event not folded %7.1f ms\n",
        name, m->requests, (double)m->p99_us / 1e3, (double)m->longest_us / 1e3, m->refused,
        (double)m->lag_us / 1e3);
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* With the worse of before and after: a machine that is shared changes within a minute. */
static void compare(const struct measured *before, const struct measured *during,
                    const struct measured *after, const struct service *s)
{
    int64_t p99_us = larger(larger(before->p99_us, after->p99_us), INT64_C(1000) * FLOOR_MS);
    int64_t lag = larger(FACTOR * larger(before->lag_us, after->lag_us), INT64_C(1000) * LAG_MS);

    print("before", before);
    print("during", during);
    print("after", after);
    if (during->refused > 0 || during->odd > 0 || during->p99_us > FACTOR * p99_us ||
        during->lag_us > lag) {
        service_print_log(s);
    }
    assert_int_equal(during->refused, 0);
    assert_int_equal(during->odd, 0);
    assert_in_range(during->p99_us, 0, FACTOR * p99_us);
    assert_in_range(during->lag_us, 0, lag);
}

/* ---- tests ---- */

/* readyz says that the part is held, and is ready all the same. */
static void await_told(struct http_client *c, int port, const char *part)
{
    int64_t until_us = now_us() + INT64_C(20000000);
    const char *told = NULL;
    const char *body = "";

    while (told == NULL && now_us() < until_us) {
        if (http_client_request(c, port, "/readyz?verbose", NULL, &body) == 200) {
            told = strstr(body, part);
        }
        (void)poll(NULL, 0, 20);
    }
    if (told == NULL) {
        fail_msg("readyz says nothing of %s: %s", part, body);
    }
}

static const char *const flags[] = {"--auth=off", "--fold-lease", "2s", NULL};

/* Somebody holds something, and one client asks for it as well; the others must not notice. */
static void beside(const char *what, const char *told)
{
    struct service s = service_start(url, flags);
    PGconn *look = PQconnectdb(url);
    PGconn *holder = PQconnectdb(url);
    struct load *load = load_make(look);
    const char *body;

    load->port = s.port;
    int64_t lane = number(look, "SELECT cartwright.lane_of('c:held')");
    load->avoid[lane] = load->skip[lane] = true;
    (void)measure(look, load, PHASE_MS / 2); /* caches and plans */
    struct measured before = measure(look, load, phase_ms());
    run(holder, "BEGIN");
    run(holder, "SET idle_in_transaction_session_timeout = 0");
    run(holder, what);
    struct http_client *c = http_client_open(NULL, 200);
    char event[300];
    char id[16];
    (void)snprintf(id, sizeof id, "h%d", s.port);
    write_event(event, sizeof event, id, "held");
    (void)http_client_request(c, s.port, "/v1/events", event, &body);
    http_client_close(c);
    c = http_client_open(NULL, 5000);
    await_told(c, s.port, told);
    struct measured during = measure(look, load, phase_ms());
    run(holder, "ROLLBACK");
    struct measured after = measure(look, load, phase_ms());
    compare(&before, &during, &after, &s);
    http_client_close(c);
    PQfinish(holder);
    PQfinish(look);
    load_free(load);
    assert_int_equal(service_stop(&s), 0);
}

static void a_lane_that_an_open_transaction_holds_costs_its_own_events_only(void **state)
{
    (void)state;
    beside("SELECT * FROM cartwright.append_events('[{\"event_id\": \"by-sql\", \"type\": "
           "\"searched\", \"customer_id\": \"held\", \"occurred_at\": \"2026-01-01T00:00:01Z\"}]')",
           "\"intake\":{\"status\":\"held\",\"waiting_events\":1,\"held_lanes\":1,");
}

static void a_cursor_that_somebody_locks_costs_its_own_lane_only(void **state)
{
    (void)state;
    beside("SELECT off FROM cartwright.lane_cursor WHERE lane = cartwright.lane_of('c:held') FOR "
           "UPDATE",
           "\"fold\":{\"status\":\"held\",\"held_lanes\":1,");
}

/* Its lanes are folded again when their lease has run out; nobody else's wait for that. */
static void a_replica_that_stands_still_costs_nobody_elses_events(void **state)
{
    struct service s = service_start(url, flags);
    struct service frozen = service_start(url, flags);
    PGconn *look = PQconnectdb(url);
    struct load *load = load_make(look);

    (void)state;
    load->port = s.port;
    (void)measure(look, load, PHASE_MS / 2);
    struct measured before = measure(look, load, phase_ms());
    assert_int_equal(kill(frozen.pid, SIGSTOP), 0);
    char sql[200];
    (void)snprintf(sql, sizeof sql,
                   "SELECT lane FROM cartwright.lane_cursor WHERE owner LIKE '%%:%d:%%'",
                   (int)frozen.pid);
    PGresult *res = PQexec(look, sql);
    for (int i = 0; i < PQntuples(res); i++) {
        load->skip[strtol(PQgetvalue(res, i, 0), NULL, 10)] = true;
    }
    print_message("the replica that stands still has %d lanes\n", PQntuples(res));
    PQclear(res);
    struct measured during = measure(look, load, phase_ms());
    memset(load->skip, 0, sizeof load->skip);
    int64_t until_us = now_us() + INT64_C(60000000);
    while (lag_us(look, load) > 0) { /* they were taken over */
        assert_true(now_us() < until_us);
        (void)poll(NULL, 0, 100);
    }
    assert_int_equal(kill(frozen.pid, SIGCONT), 0);
    struct measured after = measure(look, load, phase_ms());
    compare(&before, &during, &after, &s);
    PQfinish(look);
    load_free(load);
    assert_int_equal(service_stop(&frozen), 0);
    assert_int_equal(service_stop(&s), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lane_that_an_open_transaction_holds_costs_its_own_events_only),
        cmocka_unit_test(a_cursor_that_somebody_locks_costs_its_own_lane_only),
        cmocka_unit_test(a_replica_that_stands_still_costs_nobody_elses_events),
    };

    url = pg_fixture_database("stuck");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    pg_fixture_drop(url);
    return failed;
}
