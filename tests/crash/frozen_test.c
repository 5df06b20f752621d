/* PostgreSQL stands still (SIGSTOP) or its tables are locked by somebody else: every request is answered
 * by its deadline, and SIGTERM ends the service in time. It works on a server of its own. */
#include "support/at_length.h"
#include "support/http_client.h"
#include "support/own_postgres.h"
#include "support/pg_fixture.h"
#include "support/service.h"

#include "support/spec.h"

#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    ROUNDS = 1, /* of each kind */
    ROUNDS_LONG = 10,
    CLIENTS = 8,
    PROMISED_MS = 8000,
    DEADLINE_MS =
        3000,        /* of the flags below: database_wait and database_timeout, or http_deadline */
    SLACK_MS = 4000, /* for a machine that does other things as well */
};

static int rounds(void)
{
    return at_length() ? ROUNDS_LONG : ROUNDS;
}

static int64_t now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- what stands in the way ---- */

/* NULL: PostgreSQL itself stands still. */
static PGconn *obstacle_begin(const char *url, bool frozen)
{
    PGconn *conn = NULL;

    if (frozen) {
        own_postgres("freeze");
        return NULL;
    }
    conn = PQconnectdb(url);
    PQclear(PQexec(conn, "BEGIN"));
    PGresult *res =
        PQexec(conn, "LOCK TABLE cartwright.lane, cartwright.event, cartwright.shopper, "
                     "cartwright.lane_cursor, cartwright.product IN ACCESS EXCLUSIVE MODE");
    assert_int_equal(PQresultStatus(res), PGRES_COMMAND_OK);
    PQclear(res);
    return conn;
}

static void obstacle_end(PGconn *conn)
{
    if (conn == NULL) {
        own_postgres("thaw");
    }
    PQfinish(conn);
}

/* ---- requests under way ---- */

static const struct {
    const char *path;
    const char *body;
} requests[] = {
    {"/v1/events", NULL}, /* each its own */
    {"/v1/customers/ann", NULL},
    {"/v1/outreach", "{\"customer_id\":\"ann\"}"},
    {"/readyz", NULL},
};

struct client {
    pthread_t thread;
    int port;
    int number;
    int status;
    int64_t took_ms;
};

static void *client_main(void *arg)
{
    struct client *me = arg;
    struct http_client *c = http_client_open(NULL, 60000);
    const size_t kind = (size_t)me->number % COUNT_OF(requests);
    const char *text = requests[kind].body;
    const char *answer;
    char body[300];
    int64_t began = now_ms();

    if (kind == 0) {
        (void)snprintf(body, sizeof body,
                       "{\"event_id\":\"e%d-%lld\",\"type\":\"searched\",\"anonymous_id\":\"a%d\","
                       "\"occurred_at\":\"2026-03-01T10:00:00Z\"}",
                       me->number, (long long)began, me->number);
        text = body;
    }
    me->status = http_client_request(c, me->port, requests[kind].path, text, &answer);
    me->took_ms = now_ms() - began;
    http_client_close(c);
    return NULL;
}

static void clients_start(struct client clients[CLIENTS], int port)
{
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){.port = port, .number = i};
        assert_int_equal(pthread_create(&clients[i].thread, NULL, client_main, &clients[i]), 0);
    }
}

static void clients_join(struct client clients[CLIENTS])
{
    for (int i = 0; i < CLIENTS; i++) {
        assert_int_equal(pthread_join(clients[i].thread, NULL), 0);
    }
}

/* ---- tests ---- */

static void answered_by_the_deadline(bool frozen)
{
    const char *const flags[] = {"--auth=off", "--database-wait", "1s", "--database-timeout",
                                 "2s",         "--http-deadline", "3s", NULL};
    struct client clients[CLIENTS];
    char *url = pg_fixture_database("frozen");
    struct service s = service_start(url, flags);

    PGconn *obstacle = obstacle_begin(url, frozen);
    clients_start(clients, s.port);
    clients_join(clients);
    obstacle_end(obstacle);
    for (int i = 0; i < CLIENTS; i++) {
        if (clients[i].took_ms > DEADLINE_MS + SLACK_MS || clients[i].status <= 0) {
            service_print_log(&s);
            fail_msg("%s: status %d after %lld ms", requests[i % 4].path, clients[i].status,
                     (long long)clients[i].took_ms);
        }
    }
    /* and afterwards everything is as before */
    clients_start(clients, s.port);
    clients_join(clients);
    assert_int_equal(clients[0].status, 200);
    assert_int_equal(service_stop(&s), 0);
    pg_fixture_drop(url);
}

static void with_postgresql_frozen_every_request_is_answered_by_its_deadline(void **state)
{
    (void)state;
    answered_by_the_deadline(true);
}

static void with_tables_locked_every_request_is_answered_by_its_deadline(void **state)
{
    (void)state;
    answered_by_the_deadline(false);
}

/* How long one stop takes, with requests that have been under way for so long. */
static int64_t stop_after(const char *url, const char *const *flags, bool frozen, int under_way_ms)
{
    struct client clients[CLIENTS];
    struct service s = service_start(url, flags);
    PGconn *obstacle = obstacle_begin(url, frozen);
    clients_start(clients, s.port);
    (void)poll(NULL, 0, under_way_ms);
    int64_t began = now_ms();
    int code = service_stop(&s);
    int64_t took_ms = now_ms() - began;
    obstacle_end(obstacle);
    clients_join(clients);
    assert_int_equal(code, 0);
    return took_ms;
}

static void stopped_in_time(bool frozen)
{
    const char *const flags[] = {"--auth=off", NULL};
    char *url = pg_fixture_database("frozen");
    int64_t longest_ms = 0;

    for (int i = 0; i < rounds(); i++) {
        int64_t took_ms = stop_after(url, flags, frozen, 300);
        longest_ms = took_ms > longest_ms ? took_ms : longest_ms;
    }
    print_message("%d stops, the longest took %lld ms\n", rounds(), (long long)longest_ms);
    assert_in_range(longest_ms, 0, PROMISED_MS - 1);
    pg_fixture_drop(url);
}

/* Five seconds after its start it looks, and waits like everybody. */
static void one_that_looks_whether_to_train_is_stopped_in_time(void **state)
{
    const char *const flags[] = {"--auth=off", "--train-every=1d", "--maintain-every=1d", NULL};
    char *url = pg_fixture_database("frozen");
    (void)state;
    assert_in_range(stop_after(url, flags, true, 5500), 0, PROMISED_MS - 1);
    assert_in_range(stop_after(url, flags, false, 5500), 0, PROMISED_MS - 1);
    pg_fixture_drop(url);
}

static void with_postgresql_frozen_sigterm_ends_the_service_in_time(void **state)
{
    (void)state;
    stopped_in_time(true);
}

static void with_tables_locked_sigterm_ends_the_service_in_time(void **state)
{
    (void)state;
    stopped_in_time(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_postgresql_frozen_every_request_is_answered_by_its_deadline),
        cmocka_unit_test(with_tables_locked_every_request_is_answered_by_its_deadline),
        cmocka_unit_test(with_postgresql_frozen_sigterm_ends_the_service_in_time),
        cmocka_unit_test(with_tables_locked_sigterm_ends_the_service_in_time),
        cmocka_unit_test(one_that_looks_whether_to_train_is_stopped_in_time),
    };

    return cmocka_run_group_tests(tests, own_postgres_start, own_postgres_stop);
}
