/* Time and numbers: slow clients, too many of them, keys that come and go, and a drain under load. */
#include "api/raw.h"
#include "support/exposition.h"
#include "support/folder.h"
#include "support/http_client.h"
#include "support/pg_fixture.h"
#include "support/service.h"

#include "support/spec.h"

#include <libpq-fe.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LIVEZ "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"

static char *url; /* of the database all services here use */

static int64_t now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Sends a byte every 50 ms until the other side closes; how long that took, in ms. */
static int64_t drip(int fd, const char *bytes)
{
    int64_t began = now_ms();
    size_t len = strlen(bytes);

    for (size_t i = 0; now_ms() - began < 10000; i++) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (!raw_send(fd, &bytes[i % len], 1) || poll(&p, 1, 50) > 0) {
            break;
        }
    }
    return now_ms() - began;
}

static void a_request_that_drips_in_is_told_at_its_deadline(void **state)
{
    static const char *const starts[] = {
        "",
        "GET /livez HTTP/1.1\r\nHost: localhost\r\nX: ",
        "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Content-Length: 60000\r\n\r\n",
        "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Transfer-Encoding: chunked\r\n\r\nffff\r\n",
        "POST /v1/nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n",
    };
    static char answer[RAW_MAX];
    const char *const flags[] = {"--auth=off", "--http-deadline", "1s", NULL};
    struct service s = service_start(url, flags);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(starts); i++) {
        int fd = raw_connect(s.port);
        assert_true(raw_send(fd, starts[i], strlen(starts[i])));
        int64_t took = drip(fd, "x");
        assert_in_range(took, 500, 3000);
        assert_true(raw_read(fd, 1000, answer));
        assert_text_contains(answer, "HTTP/1.1 408 Request Timeout\r\n");
        assert_text_contains(answer, "application/problem+json");
        assert_null(strstr(answer, "HTTP/1.1 2"));
        (void)close(fd);
    }
    assert_int_equal(service_stop(&s), 0);
}

static void an_idle_connection_is_closed_and_a_busy_one_is_not(void **state)
{
    static char answer[RAW_MAX];
    const char *const flags[] = {"--auth=off", "--http-idle", "1s", NULL};
    struct service s = service_start(url, flags);
    int fd = raw_connect(s.port);
    int64_t began = now_ms();

    (void)state;
    while (now_ms() - began < 2500) {
        assert_true(raw_send(fd, LIVEZ, strlen(LIVEZ)));
        assert_true(raw_expect(fd, 2000, "alive", answer));
        (void)poll(NULL, 0, 100);
    }
    began = now_ms();
    assert_true(raw_read(fd, 5000, answer));
    assert_in_range(now_ms() - began, 500, 2500);
    (void)close(fd);
    assert_int_equal(service_stop(&s), 0);
}

static void above_the_limit_of_connections_the_answer_is_503_at_once(void **state)
{
    enum { LIMIT = 5, MORE = 20 };
    static char answer[RAW_MAX];
    const char *const flags[] = {"--auth=off", "--http-connections", "5", NULL};
    struct service s = service_start(url, flags);
    int fds[LIMIT];

    (void)state;
    for (int i = 0; i < LIMIT; i++) {
        fds[i] = raw_connect(s.port);
        assert_true(raw_send(fds[i], LIVEZ, strlen(LIVEZ)));
        assert_true(raw_expect(fds[i], 5000, "alive", answer));
    }
    for (int i = 0; i < MORE; i++) {
        int fd = raw_connect(s.port);
        int64_t began = now_ms();
        assert_true(raw_send(fd, LIVEZ, strlen(LIVEZ)));
        assert_true(raw_read(fd, 3000, answer));
        assert_text_contains(answer, "HTTP/1.1 503 Service Unavailable");
        assert_text_contains(answer, "Retry-After: ");
        assert_text_contains(answer, "all 5 connections are in use");
        assert_true(now_ms() - began < 1000);
        (void)close(fd);
    }
    for (int i = 0; i < LIMIT; i++) { /* those within are served on */
        assert_true(raw_send(fds[i], LIVEZ, strlen(LIVEZ)));
        assert_true(raw_expect(fds[i], 5000, "alive", answer));
        (void)close(fds[i]);
    }
    assert_int_equal(service_stop(&s), 0);
}

/* The program behind `ulimit -n`, started as any other: a limit of this process could not be raised again. */
static struct service service_with_files(int files, const char *const *flags)
{
    char *program = strdup(getenv("CARTWRIGHT_BIN"));
    char path[300];

    (void)snprintf(path, sizeof path, "%s/few", folder_of_run());
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    (void)fprintf(f, "#!/bin/sh\nulimit -n %d\nexec '%s' \"$@\"\n", files, program);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, 0755), 0);
    assert_int_equal(setenv("CARTWRIGHT_BIN", path, 1), 0);
    struct service s = service_start(url, flags);
    assert_int_equal(setenv("CARTWRIGHT_BIN", program, 1), 0);
    free(program);
    return s;
}

static void with_few_files_the_connections_are_fewer_and_those_are_served(void **state)
{
    enum { MANY = 300 };
    static char answer[RAW_MAX];
    const char *const flags[] = {"--auth=off", NULL};
    int fds[MANY];
    int served = 0;

    (void)state;
    struct service s = service_with_files(200, flags);
    for (int i = 0; i < MANY; i++) {
        fds[i] = raw_connect(s.port);
        (void)raw_send(fds[i], LIVEZ, strlen(LIVEZ));
        served += raw_expect(fds[i], 1000, "alive", answer) ? 1 : 0;
    }
    assert_in_range(served, 40, 150);  /* of 1,024; the rest is turned away, and at once */
    for (int i = 0; i < served; i++) { /* those within are served on */
        assert_true(raw_send(fds[i], LIVEZ, strlen(LIVEZ)));
        assert_true(raw_expect(fds[i], 5000, "alive", answer));
    }
    for (int i = 0; i < MANY; i++) {
        (void)close(fds[i]);
    }
    struct http_client *c = http_client_open(NULL, 5000);
    const char *text;
    int64_t began = now_ms();
    while (http_client_request(c, s.port, "/readyz", NULL, &text) != 200) { /* the database, too */
        assert_true(now_ms() - began < 20000);
        (void)poll(NULL, 0, 50);
    }
    http_client_close(c);
    assert_int_equal(service_stop(&s), 0);
}

/* Waits until the service holds this many bytes of bodies. */
static void await_held(const struct service *s, long bytes)
{
    struct http_client *c = http_client_open(NULL, 5000);
    const char *const name = "\ncartwright_http_body_bytes ";
    int64_t began = now_ms();
    long held = -1;

    while (held < bytes && now_ms() - began < 9000) {
        const char *text;
        assert_int_equal(http_client_request(c, s->port, "/metrics", NULL, &text), 200);
        const char *row = strstr(text, name);
        assert_non_null(row);
        held = strtol(row + strlen(name), NULL, 10);
    }
    assert_in_range(held, bytes, LONG_MAX);
    http_client_close(c);
}

/* Sends the last byte of a body; the status of the answer. */
static long complete(int fd)
{
    static char answer[RAW_MAX];

    assert_true(raw_send(fd, "[", 1));
    assert_true(raw_expect(fd, 5000, "request_id", answer));
    assert_memory_equal(answer, "HTTP/1.1 ", strlen("HTTP/1.1 "));
    return strtol(answer + strlen("HTTP/1.1 "), NULL, 10);
}

static void many_half_sent_bodies_cannot_eat_the_memory(void **state)
{
    enum { BODIES = 20, FIT = 10, HALF = 100000 };
    static char answer[RAW_MAX];
    static char half[HALF];
    const char *const flags[] = {
        "--auth=off", "--http-body-budget", "1048576", "--http-body-max", "262144", NULL};
    const char *head =
        "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Content-Length: 100001\r\n\r\n";
    struct service s = service_start(url, flags);
    int fds[BODIES];
    long last = 0;

    (void)state;
    memset(half, ' ', sizeof half);
    for (int i = 0; i < BODIES; i++) {
        fds[i] = raw_connect(s.port);
        assert_true(raw_send(fds[i], head, strlen(head)));
        assert_true(raw_send(fds[i], half, sizeof half));
        if (i < FIT) {
            await_held(&s, (i + 1L) * HALF);
        }
    }
    for (int i = FIT; i < BODIES; i++) {
        assert_int_equal(complete(fds[i]), 503);
    }
    for (int i = 0; i < FIT; i++) {
        last = complete(fds[i]);
        assert_true(last == 503 ||
                    last == 400); /* decoding wants memory too, which frees as others end */
        (void)close(fds[i]);
        (void)close(fds[FIT + i]);
    }
    assert_int_equal(last, 400);

    int fd = raw_connect(s.port); /* all of it was given back */
    assert_true(raw_send(fd, head, strlen(head)));
    half[0] = '[';
    assert_true(raw_send(fd, half, sizeof half));
    assert_true(raw_send(fd, "]", 1));
    if (!raw_expect(fd, 5000, "{\"results\":[]}", answer)) {
        fail_msg("%s", answer);
    }
    (void)close(fd);
    assert_int_equal(service_stop(&s), 0);
}

/* As a wholesaler's shop sends it, with ids of its own for lines. */
static void an_order_of_two_thousand_lines_is_taken(void **state)
{
    enum { LINES = 2000, LINE_BYTES = 300 };
    const char *const flags[] = {"--auth=off", NULL};
    struct service s = service_start(url, flags);
    struct http_client *c = http_client_open(NULL, 30000);
    char *body = malloc(LINES * LINE_BYTES + 500);
    const char *answer;

    (void)state;
    assert_non_null(body);
    int len =
        snprintf(body, 500, "%s",
                 "{\"event_id\":\"wholesale\",\"type\":\"purchase\",\"customer_id\":\"b2b\","
                 "\"order_id\":\"o-2000\",\"occurred_at\":\"2026-03-01T10:00:00Z\",\"items\":[");
    for (int i = 0; i < LINES; i++) {
        len += snprintf(body + len, LINE_BYTES,
                        "%s{\"product_id\":\"wholesale-article-%d\",\"variant_id\":\"box-of-100\","
                        "\"line_id\":\"3f2504e0-4f89-11d3-9a0c-%012d\",\"quantity\":%d,"
                        "\"price_minor\":%d,\"currency\":\"EUR\"}",
                        i == 0 ? "" : ",", i, i, 1 + i % 9, 100 + i);
    }
    (void)snprintf(body + len, 3, "]}");
    int status = http_client_request(c, s.port, "/v1/events", body, &answer);
    if (status != 200 || strstr(answer, "\"status\":\"stored\"") == NULL) {
        fail_msg("%d bytes: %d %s", len, status, answer);
    }
    free(body);
    http_client_close(c);
    assert_int_equal(service_stop(&s), 0);
}

static void a_new_key_works_at_once_and_a_revoked_one_not_for_long(void **state)
{
    struct service s = service_start(url, NULL);
    const char *body;

    (void)state;
    char *key = service_key(url, "read");
    struct http_client *c = http_client_open(key, 5000);
    assert_int_equal(http_client_request(c, s.port, "/v1/carts", NULL, &body), 200);

    char *id = strndup(key, strcspn(key, "."));
    const char *const revoke[] = {"keys", "revoke", id, NULL};
    assert_int_equal(program_run(url, revoke, NULL, NULL), 0);
    int64_t began = now_ms();
    while (http_client_request(c, s.port, "/v1/carts", NULL, &body) != 401 &&
           now_ms() - began < 9000) {
        (void)poll(NULL, 0, 50);
    }
    assert_in_range(now_ms() - began, 0, 6500);
    http_client_close(c);
    free(id);
    free(key);
    assert_int_equal(service_stop(&s), 0);
}

/* It is printed in lists of keys, and a terminal does what its bytes say. */
static void a_key_has_a_name_that_can_be_seen_in_one_line(void **state)
{
    static const struct {
        const char *name;
        int code;
    } names[] = {
        {"shop backend", 0},
        {"Gesch\xc3\xa4"
         "ft",
         0},
        {"", 2},
        {"  ", 2},
        {"a\nb", 2},
        {"\x1b[2Ja", 2},
        {"caf\xe9", 2},
        {"a\xe2\x80\xae"
         "b",
         2},
        {"a\xe2\x80\x8b"
         "b",
         2},
        {"a\xc2\x9b"
         "b",
         2},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const char *const args[] = {"keys",   "create",      "--scopes", "read",
                                    "--name", names[i].name, NULL};
        assert_int_equal(program_run(url, args, NULL, NULL), names[i].code);
    }
}

static void serving_without_keys_is_for_the_loopback_only(void **state)
{
    const char *const args[] = {"serve", "--auth=off", "--listen", "0.0.0.0:0", NULL};

    (void)state;
    assert_int_equal(program_run(url, args, NULL, NULL), 1);
}

/* What is answered to a request for this host. */
static const char *asked_as(const struct service *s, const char *host)
{
    static char answer[RAW_MAX];
    char request[200];
    int fd = raw_connect(s->port);

    (void)snprintf(request, sizeof request,
                   "GET /v1/carts HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host);
    assert_true(raw_send(fd, request, strlen(request)));
    assert_true(raw_read(fd, 5000, answer));
    (void)close(fd);
    return answer;
}

static const char *asked_in_http_1_0(const struct service *s)
{
    static char answer[RAW_MAX];
    static const char request[] = "GET /livez HTTP/1.0\r\n\r\n";
    int fd = raw_connect(s->port);

    assert_true(raw_send(fd, request, strlen(request)));
    assert_true(raw_read(fd, 5000, answer));
    (void)close(fd);
    return answer;
}

/* A page of evil.example whose name was made to mean 127.0.0.1 (DNS rebinding). */
static void without_keys_a_request_must_be_for_the_loopback(void **state)
{
    const char *const flags[] = {"--auth=off", "--http-hosts", "shop.test", NULL};
    struct service s = service_start(url, flags);
    struct service with_keys = service_start(url, NULL);

    (void)state;
    assert_text_contains(asked_as(&s, "evil.example"), "HTTP/1.1 403 Forbidden");
    assert_text_contains(asked_as(&s, "evil.example:8080"), "a name of the setting http_hosts");
    assert_text_contains(asked_as(&s, ""), "HTTP/1.1 403 Forbidden");
    assert_text_contains(asked_as(&s, "localhost:8080"), "HTTP/1.1 200 OK");
    assert_text_contains(asked_as(&s, "[::1]:8080"), "HTTP/1.1 200 OK");
    assert_text_contains(asked_as(&s, "Shop.Test"), "HTTP/1.1 200 OK");
    assert_text_contains(asked_as(&with_keys, "evil.example"), "HTTP/1.1 401 Unauthorized");
    /* HTTP/1.0 needs no Host, but where the Host is all that is asked for */
    assert_text_contains(asked_in_http_1_0(&s), "HTTP/1.1 403 Forbidden");
    assert_text_contains(asked_in_http_1_0(&with_keys), "HTTP/1.1 200 OK");
    assert_int_equal(service_stop(&with_keys), 0);
    assert_int_equal(service_stop(&s), 0);
}

static void run_sql(PGconn *db, const char *sql)
{
    PGresult *r = PQexec(db, sql);

    if (PQresultStatus(r) != PGRES_COMMAND_OK && PQresultStatus(r) != PGRES_TUPLES_OK) {
        fail_msg("%s: %s", sql, PQerrorMessage(db));
    }
    PQclear(r);
}

/* Lets nobody connect to the database of `url`, and ends who is; or lets them again. */
static void close_database(bool closed)
{
    char sql[500];
    char text[500];
    const char *name = strstr(url, "///") + 3;
    int len = (int)strcspn(name, "?");

    (void)snprintf(text, sizeof text, "%s dbname=postgres", getenv("CARTWRIGHT_TEST_PG"));
    PGconn *db = PQconnectdb(text);
    (void)snprintf(sql, sizeof sql, "ALTER DATABASE \"%.*s\" ALLOW_CONNECTIONS %s", len, name,
                   closed ? "false" : "true");
    run_sql(db, sql);
    (void)snprintf(sql, sizeof sql,
                   "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%.*s'",
                   len, name);
    run_sql(db, sql);
    PQfinish(db);
}

static void assert_tells_nothing(struct http_client *c, const struct service *s, const char *path)
{
    int64_t began = now_ms();
    const char *body = "";

    while (http_client_request(c, s->port, path, NULL, &body) != 503 && now_ms() - began < 9000) {
        (void)poll(NULL, 0, 50);
    }
    assert_text_contains(body, "\"detail\":\"the database does not answer\"");
    assert_null(strstr(body, "socket"));
    assert_null(strstr(body, "FATAL"));
    assert_null(strstr(body, "/"));
}

static void an_outage_tells_nothing_of_the_database_to_who_has_no_key(void **state)
{
    const char *const flags[] = {"--database-wait", "300ms", NULL};

    if (pg_fixture_pooled()) {
        skip(); /* what it closes, the pooler has open */
    }
    struct service s = service_start(url, flags);
    struct http_client *c =
        http_client_open("ck_0123456789ab.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 9000);

    (void)state;
    close_database(true);
    assert_tells_nothing(c, &s, "/readyz");
    assert_tells_nothing(c, &s, "/v1/carts"); /* the key cannot be looked up */
    close_database(false);
    http_client_close(c);
    assert_int_equal(service_stop(&s), 0);
}

static void metrics_are_what_promtool_accepts(void **state)
{
    const char *const flags[] = {"--auth=off", NULL};
    struct service s = service_start(url, flags);
    struct http_client *c = http_client_open(NULL, 5000);
    const char *text = "";
    char why[300];

    (void)state;
    assert_int_equal(http_client_request(c, s.port, "/v1/carts", NULL, &text), 200);
    assert_int_equal(http_client_request(c, s.port, "/metrics", NULL, &text), 200);
    if (!exposition_check(text, why, sizeof why)) {
        fail_msg("%s", why);
    }
    assert_text_contains(text, "\ncartwright_http_request_seconds_count ");
    assert_text_contains(text, "\ncartwright_http_connections_max 1024\n");
    assert_text_contains(text, "\ncartwright_build_info{version=\"");
    assert_text_contains(text, "\n# TYPE cartwright_model_info gauge\n");
    assert_text_contains(text, "{decision=\"silence\",reason=\"risk\"} 0\n");
    http_client_close(c);
    assert_int_equal(service_stop(&s), 0);
}

/* ---- drain ---- */

enum { CLIENTS = 16, ACKED_MAX = 20000 };

struct load {
    int port;
    pthread_t threads[CLIENTS];
    atomic_int acked[CLIENTS]; /* event k of client i was acknowledged for all k below this */
    atomic_int broken;         /* sent, and never answered */
    atomic_int odd;            /* answered by neither 200 nor 503 */
    atomic_int next;
};

static void *post_until_turned_away(void *arg)
{
    struct load *load = arg;
    int me = atomic_fetch_add(&load->next, 1);
    struct http_client *c = http_client_open(NULL, 10000);
    int status = 200;

    for (int k = 0; status == 200 && k < ACKED_MAX; k++) {
        char event[200];
        const char *body;
        (void)snprintf(event, sizeof event,
                       "{\"event_id\":\"d-%d-%d\",\"type\":\"searched\",\"anonymous_id\":\"d%d\","
                       "\"occurred_at\":\"2026-03-01T10:00:00Z\"}",
                       me, k, k % 50);
        status = http_client_request(c, load->port, "/v1/events", event, &body);
        if (status == 200 && strstr(body, "\"stored\"") != NULL) {
            atomic_store(&load->acked[me], k + 1);
        }
    }
    atomic_fetch_add(&load->broken, status == -1 ? 1 : 0);
    atomic_fetch_add(&load->odd, status > 0 && status != 503 ? 1 : 0);
    http_client_close(c);
    return NULL;
}

/* How many of the acknowledged events are in the log. */
static int stored(PGconn *db, const struct load *load)
{
    int sum = 0;

    for (int i = 0; i < CLIENTS; i++) {
        char sql[300];
        (void)snprintf(sql, sizeof sql,
                       "SELECT count(*) FROM generate_series(0, %d) k JOIN cartwright.event e "
                       "ON e.event_id = 'd-%d-' || k",
                       load->acked[i] - 1, i);
        PGresult *r = PQexec(db, sql);
        assert_int_equal(PQresultStatus(r), PGRES_TUPLES_OK);
        sum += (int)strtol(PQgetvalue(r, 0, 0), NULL, 10);
        PQclear(r);
    }
    return sum;
}

/* Until every client has been acknowledged something; false where one never was. */
static bool all_acked(const struct load *load)
{
    int64_t began = now_ms();

    for (int i = 0; i < CLIENTS; i++) {
        while (atomic_load(&load->acked[i]) == 0) {
            if (now_ms() - began > 30000) {
                return false;
            }
            (void)poll(NULL, 0, 10);
        }
    }
    return true;
}

static void a_drain_under_load_loses_no_acknowledged_event_and_no_answer(void **state)
{
    const char *const flags[] = {"--auth=off", NULL};
    struct service s = service_start(url, flags);
    static struct load load;
    int acked = 0;

    (void)state;
    load = (struct load){.port = s.port};
    for (int i = 0; i < CLIENTS; i++) {
        assert_int_equal(pthread_create(&load.threads[i], NULL, post_until_turned_away, &load), 0);
    }
    bool busy = all_acked(&load);
    int64_t began = now_ms();
    int code = service_stop(&s);
    int64_t took = now_ms() - began;
    for (int i = 0; i < CLIENTS; i++) {
        (void)pthread_join(load.threads[i], NULL);
        acked += load.acked[i];
    }
    assert_true(busy);
    assert_int_equal(code, 0);
    assert_in_range(took, 0, 8000);
    PGconn *db = PQconnectdb(url);
    assert_int_equal(stored(db, &load), acked);
    assert_int_equal(load.broken, 0);
    assert_int_equal(load.odd, 0);
    PQfinish(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_that_drips_in_is_told_at_its_deadline),
        cmocka_unit_test(an_idle_connection_is_closed_and_a_busy_one_is_not),
        cmocka_unit_test(above_the_limit_of_connections_the_answer_is_503_at_once),
        cmocka_unit_test(with_few_files_the_connections_are_fewer_and_those_are_served),
        cmocka_unit_test(many_half_sent_bodies_cannot_eat_the_memory),
        cmocka_unit_test(an_order_of_two_thousand_lines_is_taken),
        cmocka_unit_test(a_new_key_works_at_once_and_a_revoked_one_not_for_long),
        cmocka_unit_test(a_key_has_a_name_that_can_be_seen_in_one_line),
        cmocka_unit_test(serving_without_keys_is_for_the_loopback_only),
        cmocka_unit_test(without_keys_a_request_must_be_for_the_loopback),
        cmocka_unit_test(an_outage_tells_nothing_of_the_database_to_who_has_no_key),
        cmocka_unit_test(metrics_are_what_promtool_accepts),
        cmocka_unit_test(a_drain_under_load_loses_no_acknowledged_event_and_no_answer),
    };

    url = pg_fixture_database("limits");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    pg_fixture_drop(url);
    return failed;
}
