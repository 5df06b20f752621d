/* The private server, with real processes. One cluster for all tests: making one takes seconds. */
#include "store/database.h"
#include "support/spec.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[64];
static struct err err;

static int begin(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof dir, "/tmp/cw-pgserver-XXXXXX");
    return mkdtemp(dir) != NULL && chmod(dir, 0755) == 0 ? 0 : -1;
}

/* rm -rf, as a child: the server's files belong to another user where we are root. */
static bool remove_tree(const char *path)
{
    pid_t pid = fork();
    if (pid == 0) {
        (void)execl("/bin/rm", "rm", "-rf", path, (char *)NULL);
        _exit(1);
    }
    int status = 1;
    return waitpid(pid, &status, 0) == pid && status == 0;
}

static int end(void **state)
{
    (void)state;
    return remove_tree(dir) ? 0 : -1;
}

static struct pgserver *open_server(void)
{
    struct pgserver *server = NULL;
    if (!pgserver_open(dir, &server, &err)) {
        print_error("%s: %s\n", err.path, err.text);
        fail();
    }
    return server;
}

/* Runs the statement in a server; its first cell, "" for none. NULL if the server cannot be reached. */
static const char *run(const char *conninfo, const char *statement, char out[64])
{
    PGconn *conn = PQconnectdb(conninfo);
    PGresult *res = PQexec(conn, statement);
    bool reached = PQstatus(conn) == CONNECTION_OK;
    (void)snprintf(out, 64, "%s", reached && PQntuples(res) > 0 ? PQgetvalue(res, 0, 0) : "");
    PQclear(res);
    PQfinish(conn);
    return reached ? out : NULL;
}

static void a_server_is_made_used_stopped_and_found_again(void **state)
{
    (void)state;
    char cell[64];
    char conninfo[256];
    struct pgserver *server = open_server();
    (void)snprintf(conninfo, sizeof conninfo, "%s", pgserver_conninfo(server));
    assert_string_equal(
        run(conninfo, "DROP TABLE IF EXISTS t; CREATE TABLE t AS SELECT 7 AS n; SELECT n FROM t",
            cell),
        "7");
    pgserver_close(&server);
    assert_null(server);
    assert_null(run(conninfo, "SELECT 1", cell));

    server = open_server();
    assert_string_equal(pgserver_conninfo(server), conninfo);
    assert_string_equal(run(conninfo, "SELECT n FROM t", cell), "7");
    pgserver_close(&server);
    pgserver_close(&server); /* accepts NULL */
}

static void it_is_durable_and_listens_on_no_port(void **state)
{
    (void)state;
    static const struct {
        const char *statement;
        const char *expected;
    } settings[] = {
        {"SHOW fsync", "on"},
        {"SHOW synchronous_commit", "on"},
        {"SHOW full_page_writes", "on"},
        {"SHOW listen_addresses", ""},
        {"SHOW server_encoding", "UTF8"},
        {"SELECT datcollate FROM pg_database WHERE datname = current_database()", "C"},
        {"SHOW unix_socket_permissions", "0700"},
        {"SELECT count(*) > 4 FROM pg_settings WHERE sourcefile LIKE '%/cartwright.memory.conf'",
         "t"}};
    struct pgserver *server = open_server();
    for (size_t i = 0; i < COUNT_OF(settings); i++) {
        char cell[64];
        assert_string_equal(run(pgserver_conninfo(server), settings[i].statement, cell),
                            settings[i].expected);
    }
    pgserver_close(&server);
}

static void the_last_one_out_stops_it_whoever_started_it(void **state)
{
    (void)state;
    char cell[64];
    char conninfo[256];
    struct pgserver *starter = open_server();
    struct pgserver *guest = open_server();
    (void)snprintf(conninfo, sizeof conninfo, "%s", pgserver_conninfo(guest));
    pgserver_close(&starter);
    assert_string_equal(run(conninfo, "SELECT 1", cell), "1");
    pgserver_close(&guest);
    assert_null(run(conninfo, "SELECT 1", cell));
}

/* A child that opens the server, tells so by a byte, and waits to be killed. */
static pid_t child_with_server(void)
{
    int told[2];
    char byte = 0;
    assert_int_equal(pipe(told), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct pgserver *server = NULL;
        bool ok = pgserver_open(dir, &server, &err);
        (void)!write(told[1], ok ? "y" : "n", 1);
        for (;;) {
            (void)pause();
        }
    }
    assert_int_equal(read(told[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    (void)close(told[0]);
    (void)close(told[1]);
    return pid;
}

static void kill_child(pid_t pid)
{
    (void)kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void a_server_whose_parent_was_killed_goes_on_and_is_joined(void **state)
{
    (void)state;
    char cell[64];
    pid_t child = child_with_server();
    struct pgserver *server = open_server();
    (void)run(pgserver_conninfo(server), "DROP TABLE IF EXISTS t; CREATE TABLE t AS SELECT 7 AS n",
              cell);
    char before[64];
    (void)run(pgserver_conninfo(server), "SELECT pg_postmaster_start_time()", before);
    kill_child(child);
    struct pgserver *again = open_server();
    assert_string_equal(run(pgserver_conninfo(again), "SELECT n FROM t", cell), "7");
    assert_string_equal(run(pgserver_conninfo(again), "SELECT pg_postmaster_start_time()", cell),
                        before);
    pgserver_close(&server);
    pgserver_close(&again);
}

static void a_server_left_alone_by_a_killed_parent_is_stopped_by_the_next_user(void **state)
{
    (void)state;
    char cell[64];
    char conninfo[256];
    kill_child(child_with_server());
    struct pgserver *server = open_server();
    (void)snprintf(conninfo, sizeof conninfo, "%s", pgserver_conninfo(server));
    pgserver_close(&server);
    assert_null(run(conninfo, "SELECT 1", cell));
}

/* The first line of the cluster's pid file. */
static pid_t postmaster(void)
{
    char path[128];
    char line[32] = "";
    (void)snprintf(path, sizeof path, "%s/pg/postmaster.pid", dir);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof line, f));
    (void)fclose(f);
    return (pid_t)strtol(line, NULL, 10);
}

static void a_server_that_was_killed_itself_recovers_with_its_data(void **state)
{
    (void)state;
    char cell[64];
    struct pgserver *server = open_server();
    (void)run(pgserver_conninfo(server), "DROP TABLE IF EXISTS t; CREATE TABLE t AS SELECT 7 AS n",
              cell);
    assert_int_equal(kill(postmaster(), SIGKILL), 0);
    struct pgserver *again = open_server();
    assert_string_equal(run(pgserver_conninfo(again), "SELECT n FROM t", cell), "7");
    pgserver_close(&server);
    pgserver_close(&again);
}

/* A process of the server that was killed holds its memory for as long as it has not noticed. */
static void what_is_left_of_a_killed_server_is_waited_for(void **state)
{
    (void)state;
    struct pgserver *server = open_server();
    PGconn *conn = PQconnectdb(pgserver_conninfo(server));
    assert_int_equal(PQstatus(conn), CONNECTION_OK);
    const pid_t left = PQbackendPID(conn);

    assert_int_equal(kill(left, SIGSTOP), 0);
    assert_int_equal(kill(postmaster(), SIGKILL), 0);
    const pid_t child = fork();
    if (child == 0) {
        (void)poll(NULL, 0, 2000);
        _exit(kill(left, SIGCONT) != 0);
    }
    struct pgserver *again = open_server();
    int status = 1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    char cell[64];
    assert_string_equal(run(pgserver_conninfo(again), "SELECT 1", cell), "1");
    PQfinish(conn);
    pgserver_close(&server);
    pgserver_close(&again);
}

static void a_server_that_does_not_start_is_told_with_its_last_words_and_their_place(void **state)
{
    (void)state;
    char path[128];
    struct pgserver *server = open_server();
    pgserver_close(&server); /* the last one out stops it */
    (void)snprintf(path, sizeof path, "%s/pg/postgresql.auto.conf", dir);
    FILE *f = fopen(path, "ae");
    assert_non_null(f);
    const long before = ftell(f);
    (void)fputs("no_such_setting = 1\n", f);
    assert_int_equal(fclose(f), 0);

    err = (struct err){0};
    assert_false(pgserver_open(dir, &server, &err));
    assert_text_contains(err.text, "configuration file");
    assert_text_contains(err.text, "/server.log");
    assert_int_equal(truncate(path, before), 0);
    server = open_server();
    pgserver_close(&server);
}

static void a_pid_file_that_names_another_program_does_not_stop_the_start(void **state)
{
    (void)state;
    char path[128];
    char cell[64];
    struct pgserver *server = open_server();
    pgserver_close(&server);
    (void)snprintf(path, sizeof path, "%s/pg/postmaster.pid", dir);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fprintf(f, "%d\n%s/pg\n", (int)getpid(), dir) > 0);
    (void)fclose(f);
    server = open_server();
    assert_string_equal(run(pgserver_conninfo(server), "SELECT 1", cell), "1");
    pgserver_close(&server);
}

static void a_cluster_that_was_half_made_is_made_again(void **state)
{
    (void)state;
    char made[128];
    char half[128];
    char control[160];
    char cell[64];
    struct pgserver *server = open_server();
    pgserver_close(&server);
    (void)snprintf(made, sizeof made, "%s/pg", dir);
    (void)snprintf(half, sizeof half, "%s/pg.new", dir);
    (void)snprintf(control, sizeof control, "%s/global/pg_control", half);
    assert_int_equal(rename(made, half), 0);
    assert_int_equal(unlink(control), 0);

    server = open_server();

    assert_string_equal(run(pgserver_conninfo(server), "SELECT 1", cell), "1");
    assert_int_not_equal(access(half, F_OK), 0);
    pgserver_close(&server);
}

static void a_directory_the_servers_user_cannot_enter_gets_a_link_to_one_it_can(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        skip(); /* only root runs the server as somebody else */
    }
    char closed[128];
    char data_dir[160];
    char link[192];
    char target[128] = "";
    char cell[64];
    struct pgserver *server = NULL;
    (void)snprintf(closed, sizeof closed, "%s/closed", dir);
    (void)snprintf(data_dir, sizeof data_dir, "%s/data", closed);
    (void)snprintf(link, sizeof link, "%s/pg", data_dir);
    assert_int_equal(mkdir(closed, 0700), 0);

    assert_true(pgserver_open(data_dir, &server, &err));

    assert_string_equal(run(pgserver_conninfo(server), "SELECT 1", cell), "1");
    pgserver_close(&server);
    assert_true(readlink(link, target, sizeof target - 1) > 0);
    assert_text_contains(target, "/var/lib/cartwright/");
    assert_true(pgserver_open(data_dir, &server, &err)); /* and is found again */
    pgserver_close(&server);
    assert_true(remove_tree(target));
}

/* A program that calls the real one with one more argument. */
static void write_wrapper(const char *bin, const char *name, const char *argument)
{
    char path[192];
    char real[256] = "";
    FILE *pg_config = popen("pg_config --bindir", "r");
    const char *told = getenv("CARTWRIGHT_TEST_PG_BIN");
    assert_non_null(pg_config);
    assert_non_null(fgets(real, sizeof real, pg_config));
    (void)pclose(pg_config);
    (void)snprintf(path, sizeof path, "%s/%s", bin, name);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    (void)fprintf(f, "#!/bin/sh\nexec %.*s/%s %s \"$@\"\n",
                  (int)strcspn(told == NULL ? real : told, "\n"), told == NULL ? real : told, name,
                  argument);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, 0755), 0);
}

static void a_new_cluster_is_made_by_the_programs_on_the_path(void **state)
{
    (void)state;
    char bin[128];
    char data_dir[128];
    char cell[64];
    char *path = strdup(getenv("PATH"));
    struct pgserver *server = NULL;
    (void)snprintf(bin, sizeof bin, "%s/bin", dir);
    (void)snprintf(data_dir, sizeof data_dir, "%s/by-path", dir);
    assert_int_equal(mkdir(bin, 0755), 0);
    write_wrapper(bin, "initdb", "--wal-segsize=2");
    write_wrapper(bin, "pg_ctl", "");

    assert_int_equal(setenv("PATH", bin, 1), 0);
    bool ok = pgserver_open(data_dir, &server, &err);
    assert_int_equal(setenv("PATH", path, 1), 0);
    free(path);

    assert_true(ok);
    assert_string_equal(run(pgserver_conninfo(server), "SHOW wal_segment_size", cell), "2MB");
    pgserver_close(&server);
}

enum { PROCESSES = 4, ROUNDS = 3 };

static int open_and_close_often(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        char cell[64];
        struct pgserver *server = NULL;
        if (!pgserver_open(dir, &server, &err)) {
            (void)fprintf(stderr, "%s\n", err.text);
            return 1;
        }
        if (run(pgserver_conninfo(server), "SELECT 1", cell) == NULL) {
            (void)fprintf(stderr, "opened, but not there\n");
            return 2;
        }
        pgserver_close(&server);
    }
    return 0;
}

static void processes_that_come_and_go_never_lose_the_server_under_their_hands(void **state)
{
    (void)state;
    pid_t children[PROCESSES];
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            _exit(open_and_close_often());
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = 0;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
}

/* ---- database_open ---- */

static void without_a_url_the_private_server_is_migrated_and_ready(void **state)
{
    (void)state;
    static struct config config;
    struct database database = {0};
    struct db *db = NULL;
    config = (struct config){.database_prepared = true};
    (void)snprintf(config.data_dir, sizeof config.data_dir, "%s", dir);
    if (!database_open(&config, &database, &err) || !database_connect(&database, &db, &err)) {
        print_error("%s\n", err.text);
        fail();
    }
    assert_non_null(database.server);
    db_close(&db);
    database_close(&database);
    database_close(&database); /* harmless */
}

static void a_database_that_may_lose_commits_is_refused_unless_that_is_accepted(void **state)
{
    (void)state;
    static struct config config;
    struct database database = {0};
    char cell[64];
    struct pgserver *server = open_server();
    (void)run(pgserver_conninfo(server), "ALTER DATABASE cartwright SET synchronous_commit = off",
              cell);
    config = (struct config){.database_prepared = true};
    (void)snprintf(config.database_url, sizeof config.database_url, "%s",
                   pgserver_conninfo(server));

    assert_false(database_open(&config, &database, &err));
    assert_int_equal(err.kind, ERR_REFUSED);
    assert_text_contains(err.text, "synchronous_commit=off");
    config.unsafe_database = true;
    assert_true(database_open(&config, &database, &err));

    database_close(&database);
    pgserver_close(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_is_made_used_stopped_and_found_again),
        cmocka_unit_test(it_is_durable_and_listens_on_no_port),
        cmocka_unit_test(the_last_one_out_stops_it_whoever_started_it),
        cmocka_unit_test(a_server_whose_parent_was_killed_goes_on_and_is_joined),
        cmocka_unit_test(a_server_left_alone_by_a_killed_parent_is_stopped_by_the_next_user),
        cmocka_unit_test(a_server_that_was_killed_itself_recovers_with_its_data),
        cmocka_unit_test(what_is_left_of_a_killed_server_is_waited_for),
        cmocka_unit_test(a_server_that_does_not_start_is_told_with_its_last_words_and_their_place),
        cmocka_unit_test(a_pid_file_that_names_another_program_does_not_stop_the_start),
        cmocka_unit_test(a_cluster_that_was_half_made_is_made_again),
        cmocka_unit_test(a_directory_the_servers_user_cannot_enter_gets_a_link_to_one_it_can),
        cmocka_unit_test(a_new_cluster_is_made_by_the_programs_on_the_path),
        cmocka_unit_test(processes_that_come_and_go_never_lose_the_server_under_their_hands),
        cmocka_unit_test(without_a_url_the_private_server_is_migrated_and_ready),
        cmocka_unit_test(a_database_that_may_lose_commits_is_refused_unless_that_is_accepted),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
