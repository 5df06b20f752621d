/* serve trains by itself: when there is enough, one replica at a time, and not beyond its own end. */
#include "support/http_client.h"
#include "support/pg_fixture.h"
#include "support/service.h"
#include "support/spec.h"

#include <dirent.h>
#include <libpq-fe.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PATIENCE_MS = 60000, DRAIN_MS = 8000, STEP_MS = 50, LOOK_MS = 5000 };

static const char *const flags[] = {
    "--auth", "off", "--model-poll", "50ms", "--train-every", "1h", "--fold-poll", "10ms", NULL};

static char *url;
static PGconn *conn;

static int open_database(void **state)
{
    (void)state;
    url = pg_fixture_database("chores");
    conn = PQconnectdb(url);
    assert_int_equal(PQstatus(conn), CONNECTION_OK);
    return 0;
}

static int close_database(void **state)
{
    (void)state;
    PQfinish(conn);
    pg_fixture_drop(url);
    return 0;
}

static const char *sql(const char *text)
{
    static char cell[512];
    PGresult *res = PQexec(conn, text);
    const ExecStatusType status = PQresultStatus(res);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
        fail_msg("%s: %s", text, PQresultErrorMessage(res));
    }
    (void)snprintf(cell, sizeof cell, "%s",
                   PQntuples(res) > 0 && !PQgetisnull(res, 0, 0) ? PQgetvalue(res, 0, 0) : "");
    PQclear(res);
    return cell;
}

static void pause_ms(int ms)
{
    (void)poll(NULL, 0, ms);
}

static long now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Waits until the query answers so. */
static void await_answer(const struct service *s, const char *query, const char *wanted)
{
    const long until_ms = now_ms() + PATIENCE_MS;
    while (strcmp(sql(query), wanted) != 0) {
        if (now_ms() > until_ms) {
            service_print_log(s);
            fail_msg("%s: \"%s\", not \"%s\"", query, sql(query), wanted);
        }
        pause_ms(STEP_MS);
    }
}

/* Visitors who put something into their cart, hours ago. */
static void have_visitors(int count)
{
    char text[1024];
    (void)snprintf(
        text, sizeof text,
        "SELECT count(*) FROM cartwright.append_events((SELECT jsonb_agg(jsonb_build_object('event_id', 'v' || n, 'type', 'cart_item_added',"
        " 'customer_id', 'c' || n, 'occurred_at', to_char(now() AT TIME ZONE 'UTC' - interval '5 hours', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),"
        " 'items', jsonb_build_array(jsonb_build_object('product_id', 'p' || n %% 3, 'quantity', 1)))) FROM generate_series(1, %d) n))",
        count);
    (void)sql(text);
}

static void assert_metric(const struct service *s, const char *line)
{
    struct http_client *c = http_client_open(NULL, 10000);
    const char *body = NULL;
    assert_int_equal(http_client_request(c, s->port, "/metrics", NULL, &body), 200);
    assert_text_contains(body, line);
    http_client_close(c);
}

static void a_log_that_has_enough_is_trained_from_without_being_asked(void **state)
{
    struct service s = service_start(url, flags);
    (void)state;
    have_visitors(9);
    await_answer(&s, "SELECT sum(off) FROM cartwright.lane_cursor WHERE consumer = 'fold'", "9");
    pause_ms(2 * LOOK_MS);
    assert_string_equal(sql("SELECT begun_at FROM cartwright.chore WHERE name = 'train'"), "");
    have_visitors(12); /* nine of them again */
    /* enough for popularity; no outcome is known yet, and that is told */
    await_answer(&s, "SELECT outcome FROM cartwright.chore WHERE name = 'train'", "too_little");
    assert_text_contains(sql("SELECT detail FROM cartwright.chore WHERE name = 'train'"),
                         "risk needs 10 cart moments");
    assert_string_equal(sql("SELECT events FROM cartwright.chore WHERE name = 'train'"), "12");
    await_answer(
        &s,
        "SELECT version FROM cartwright.model_promotion WHERE kind = 'affinity' ORDER BY seq DESC LIMIT 1",
        "affinity-popularity-1");
    assert_metric(&s, "cartwright_chores_total{chore=\"train\",outcome=\"too_little\"} 1\n");
    assert_int_equal(service_stop(&s), 0);
}

/* Enough for both baselines and for no learner: the training itself went well, and the next is due when the log has doubled. */
static void a_training_that_could_only_count_is_too_little(void **state)
{
    struct service s;
    (void)state;
    (void)sql(
        "SELECT count(*) FROM cartwright.append_events((SELECT jsonb_agg(jsonb_build_object('event_id', t || n, 'type', t,"
        " 'customer_id', 'c' || n, 'order_id', CASE t WHEN 'purchase' THEN 'o' || n END, 'occurred_at',"
        " to_char(now() AT TIME ZONE 'UTC' - interval '70 hours' + n * interval '1 minute', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),"
        " 'items', jsonb_build_array(jsonb_build_object('product_id', 'p' || n % 3, 'quantity', 1))) - (CASE t WHEN 'purchase' THEN ''"
        " ELSE 'order_id' END)) FROM generate_series(1, 12) n, (VALUES ('cart_item_added'), ('purchase')) AS v(t)))");
    s = service_start(url, flags);
    await_answer(&s, "SELECT outcome FROM cartwright.chore WHERE name = 'train'", "too_little");
    assert_string_equal(
        sql("SELECT string_agg(DISTINCT algorithm, ' ' ORDER BY algorithm) FROM cartwright.model"),
        "popularity prior");
    assert_int_equal(service_stop(&s), 0);
}

/* What /proc says of a process; false: there is none. */
static bool look_at(const char *pid, char *out_state, int *out_parent)
{
    char path[300];
    char text[512] = "";
    (void)snprintf(path, sizeof path, "/proc/%s/stat", pid);
    FILE *f = fopen(path, "r");
    if (f == NULL) {
        return false;
    }
    const bool read = fgets(text, sizeof text, f) != NULL;
    (void)fclose(f);
    /* behind the name, which may hold anything */
    const char *behind = read ? strrchr(text, ')') : NULL;
    if (behind == NULL) {
        return false;
    }
    *out_state = behind[2];
    *out_parent = (int)strtol(behind + 3, NULL, 10);
    return true;
}

/* 0: it has none. */
static int child_of(pid_t parent)
{
    DIR *proc = opendir("/proc");
    int found = 0;
    assert_non_null(proc);
    for (struct dirent *e = readdir(proc); e != NULL && found == 0; e = readdir(proc)) {
        char process_state;
        int its_parent;
        if (e->d_name[0] >= '1' && e->d_name[0] <= '9' &&
            look_at(e->d_name, &process_state, &its_parent) && its_parent == parent) {
            found = (int)strtol(e->d_name, NULL, 10);
        }
    }
    (void)closedir(proc);
    return found;
}

static bool lives(int pid)
{
    char text[16];
    char process_state;
    int parent;
    (void)snprintf(text, sizeof text, "%d", pid);
    return look_at(text, &process_state, &parent) && process_state != 'Z';
}

static const char outcome[] = "SELECT outcome FROM cartwright.chore WHERE name = 'train'";
static const char trained[] = "SELECT count(*) FROM cartwright.model WHERE number > 0";

/* Enough to train from, with nothing begun while a test prepares: as if it had just been done. */
static void prepare(struct service *out, int count)
{
    (void)sql("UPDATE cartwright.chore SET begun_at = now(), ended_at = now(), outcome = 'done'");
    for (int i = 0; i < count; i++) {
        out[i] = service_start(url, flags);
    }
    have_visitors(60);
    await_answer(&out[0], "SELECT sum(off) FROM cartwright.lane_cursor WHERE consumer = 'fold'",
                 "60");
    (void)sql("UPDATE cartwright.chore SET begun_at = NULL WHERE name = 'train'");
}

/* Waits for the training of one of them and stops it where it is, long before it has a model. */
static int stopped_training(const struct service *all, int count)
{
    const long until_ms = now_ms() + PATIENCE_MS;
    for (int i = 0;; i = (i + 1) % count) {
        const int child = child_of(all[i].pid);
        if (child > 0) {
            assert_int_equal(kill(child, SIGSTOP), 0);
            assert_string_equal(sql(trained), "0");
            return child;
        }
        assert_true(now_ms() < until_ms);
        pause_ms(1);
    }
}

static void a_training_ends_with_its_serve_and_the_next_one_takes_it_up(void **state)
{
    struct service s;
    (void)state;
    prepare(&s, 1);
    const int child = stopped_training(&s, 1); /* it will not even hear that it is to end */
    const long began_ms = now_ms();
    assert_int_equal(service_stop(&s), 0);
    assert_true(now_ms() - began_ms < DRAIN_MS);
    assert_false(lives(child));
    assert_string_equal(sql(outcome), "stopped");
    assert_string_equal(sql("SELECT owner FROM cartwright.chore WHERE name = 'train'"), "");
    s = service_start(url, flags);
    await_answer(&s, outcome, "too_little");
    assert_int_equal(service_stop(&s), 0);
}

static void of_two_replicas_one_trains(void **state)
{
    struct service both[2];
    (void)state;
    prepare(both, 2);
    const int child = stopped_training(both, 2);
    pause_ms(2 * LOOK_MS);
    assert_true((child_of(both[0].pid) == 0) != (child_of(both[1].pid) == 0));
    assert_int_equal(kill(child, SIGCONT), 0);
    await_answer(&both[0], outcome, "too_little");
    assert_int_equal(service_stop(&both[0]), 0);
    assert_int_equal(service_stop(&both[1]), 0);
}

static void a_replica_that_is_killed_takes_its_training_along(void **state)
{
    struct service s;
    const long until_ms = now_ms() + PATIENCE_MS;
    (void)state;
    prepare(&s, 1);
    const int child = stopped_training(&s, 1);
    service_kill(&s);
    assert_int_equal(kill(child, SIGCONT), 0);
    while (lives(child)) {
        assert_true(now_ms() < until_ms);
        pause_ms(STEP_MS);
    }
    /* it has not gone on to its end */
    assert_string_equal(sql(trained), "0");
}

int main(void)
{
#define ALONE(test) cmocka_unit_test_setup_teardown(test, open_database, close_database)
    const struct CMUnitTest tests[] = {
        ALONE(a_training_that_could_only_count_is_too_little),
        ALONE(a_log_that_has_enough_is_trained_from_without_being_asked),
        ALONE(a_training_ends_with_its_serve_and_the_next_one_takes_it_up),
        ALONE(of_two_replicas_one_trains),
        ALONE(a_replica_that_is_killed_takes_its_training_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
