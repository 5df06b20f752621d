/* Migrations against a database without any: each test starts in an empty one. */
#include "integration/store/store_spec.h"

#include "base/hash.h"
#include "store/pg/migrate.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* The clone is migrated already: empty it. */
static int begin(void **state)
{
    int rc = spec_begin(state);
    sql("SET client_min_messages = error");
    sql("DROP SCHEMA cartwright CASCADE");
    return rc;
}

#define EMPTY_TEST(name) cmocka_unit_test_setup_teardown(name, begin, spec_discard)

static const struct migration first = {
    1, "one", "CREATE TABLE cartwright.one (a int); INSERT INTO cartwright.one VALUES (1)"};
static const struct migration second = {2, "two", "ALTER TABLE cartwright.one ADD b int"};
static const struct migration broken = {2, "two",
                                        "ALTER TABLE cartwright.one ADD b int; SELECT 1 / 0"};

/* Applies a list of so many of first, second. */
#define LIST(...)                                                                                  \
    ((const struct migration[]){__VA_ARGS__}), COUNT_OF(((const struct migration[]){__VA_ARGS__}))

static int migrate(const struct migration *list, size_t count)
{
    int applied = -1;
    assert_ok(migrate_run_list(db_conn(spec.db), list, (int)count, &applied, &spec.err));
    return applied;
}

static void migrate_fails(const struct migration *list, size_t count, enum err_kind kind)
{
    int applied = -1;
    assert_fails(migrate_run_list(db_conn(spec.db), list, (int)count, &applied, &spec.err), kind);
    assert_int_equal(applied, -1);
    assert_int_equal(PQtransactionStatus(db_conn(spec.db)), PQTRANS_IDLE);
}

static void an_empty_database_gets_everything_and_a_ready_one_nothing(void **state)
{
    (void)state;
    int count;
    int applied;
    (void)migrate_embedded(&count);
    assert_ok(migrate_run(db_conn(spec.db), &applied, &spec.err));
    assert_int_equal(applied, count);
    assert_ok(migrate_run(db_conn(spec.db), &applied, &spec.err));
    assert_int_equal(applied, 0);
    assert_int_equal(sql_number("SELECT count(*) FROM cartwright.lane"), LANES);
}

static void what_was_applied_is_recorded_with_its_checksum(void **state)
{
    (void)state;
    uint8_t sum[SHA256_BYTES];
    char hex[SHA256_HEX];
    assert_int_equal(migrate(LIST(first)), 1);
    hash_sha256(first.sql, strlen(first.sql), sum);
    assert_string_equal(
        sql_text("SELECT sha256 FROM cartwright.migration WHERE version = 1 AND name = 'one'"),
        hash_hex(sum, sizeof sum, hex));
}

static void only_what_is_newer_is_applied(void **state)
{
    (void)state;
    assert_int_equal(migrate(LIST(first)), 1);
    assert_int_equal(migrate(LIST(first, second)), 1);
    assert_int_equal(sql_number("SELECT count(*) FROM cartwright.one"), 1);
}

static void a_migration_that_was_edited_is_refused(void **state)
{
    (void)state;
    struct migration edited = first;
    edited.sql = "CREATE TABLE cartwright.other (a int)";
    (void)migrate(LIST(first));
    migrate_fails(LIST(edited, second), ERR_REFUSED);
    assert_text_contains(spec.err.text, "migration 1 (one) is not the one that was applied");
}

static void a_database_newer_than_the_program_is_refused(void **state)
{
    (void)state;
    (void)migrate(LIST(first, second));
    migrate_fails(LIST(first), ERR_REFUSED);
    assert_text_contains(spec.err.text, "newer than this program: it has migration 2 (two)");
}

static void a_history_with_a_hole_is_refused(void **state)
{
    (void)state;
    struct migration late = second;
    late.version = 3;
    (void)migrate(LIST(first, late));
    migrate_fails(LIST(first, second, late), ERR_REFUSED);
    assert_text_contains(spec.err.text, "has migration 3");
}

static void a_migration_that_fails_leaves_the_ones_before_it_and_nothing_of_itself(void **state)
{
    (void)state;
    migrate_fails(LIST(first, broken), ERR_INTERNAL);
    assert_text_contains(spec.err.text, "migration 2 (two): division by zero");
    assert_int_equal(sql_number("SELECT max(version) FROM cartwright.migration"), 1);
    assert_int_equal(migrate(LIST(first, second)), 1);
}

enum { PROCESSES = 4 };

/* In a child: 100 + how many it applied; 1 if it failed. */
static int migrate_in_child(void)
{
    struct db *db = NULL;
    struct err err = {0};
    int applied = 0;
    if (!db_open(spec.url, false, &db, &err) || !migrate_run(db_conn(db), &applied, &err)) {
        (void)fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    db_close(&db);
    return 100 + applied;
}

static void processes_that_start_together_apply_each_migration_once(void **state)
{
    (void)state;
    pid_t children[PROCESSES];
    int count;
    int applied = 0;
    (void)migrate_embedded(&count);
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            _exit(migrate_in_child());
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = 0;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) >= 100);
        applied += WEXITSTATUS(status) - 100;
    }
    assert_int_equal(applied, count);
}

/* A connection that has seen the schema come and go, as those of a pooler: it knows by heart all that the question needs. */
static struct db *seasoned(void)
{
    struct db *db = NULL;
    int applied;

    assert_ok(db_open(spec.url, false, &db, &spec.err));
    for (int i = 0; i < 2; i++) {
        assert_ok(migrate_run_list(db_conn(db), LIST(first), &applied, &spec.err));
        assert_ok(migrate_text(db_conn(db), "drop", "DROP SCHEMA cartwright CASCADE", &spec.err));
        assert_ok(migrate_text(db_conn(db), "look", "SELECT to_regclass('cartwright.migration')",
                               &spec.err));
    }
    return db;
}

/* Until the child has stood in line for the lock for so long, or has ended. */
static void await_in_line(pid_t child, const char *interval, int *out_status)
{
    while (waitpid(child, out_status, WNOHANG) == 0 &&
           sql_number(arena_printf(
               &spec.arena,
               "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = "
               "current_database() AND clock_timestamp() - query_start > interval '%s'",
               interval)) == 0) {
        sql("SELECT pg_stat_clear_snapshot()");
    }
}

/* A server process remembers of a name that there was nothing of it, and does not look again because it was given an advisory lock. */
static void who_waited_for_the_first_migration_finds_it(void **state)
{
    (void)state;
    int status = 0;
    int applied;
    if (pg_fixture_pooled()) {
        skip(); /* the lock is a session's */
    }
    struct db *other = seasoned();
    sql("SELECT pg_advisory_lock(7233174017)"); /* as who migrates does, and goes on until all is there */
    pid_t child = fork();
    if (child == 0) {
        struct err err = {0};
        const bool migrated = migrate_run_list(db_conn(other), LIST(first), &applied, &err);
        (void)fprintf(stderr, "%s\n", err.text);
        _exit(migrated ? 100 + applied : 1);
    }
    await_in_line(child, "0 s", &status);
    assert_int_equal(migrate(LIST(first)), 1);
    sql("SELECT pg_advisory_unlock(7233174017)");
    (void)waitpid(child, &status, 0); /* unless it was reaped above */
    db_close(&other);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 100);
}

/* An index over a large log takes longer than the lock timeout that the schema itself gives the role. */
static void a_migration_that_takes_long_is_waited_for(void **state)
{
    (void)state;
    int status = 0;
    if (pg_fixture_pooled()) {
        skip(); /* a pooler lets no options through */
    }
    sql("BEGIN");
    sql("SELECT pg_advisory_xact_lock(7233174017)"); /* as who migrates does */
    pid_t child = fork();
    if (child == 0) {
        (void)setenv("PGOPTIONS", "-c lock_timeout=50ms -c statement_timeout=50ms", 1);
        _exit(migrate_in_child());
    }
    await_in_line(child, "300 ms", &status); /* longer than the timeouts */
    sql("COMMIT");
    (void)waitpid(child, &status, 0); /* unless it was reaped above */
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) >= 100);
}

static void a_role_that_may_not_create_schemas_can_use_a_migrated_database(void **state)
{
    (void)state;
    int applied;
    assert_ok(migrate_run(db_conn(spec.db), &applied, &spec.err));
    const char *role = arena_printf(&spec.arena, "store_migrate_%d", (int)getpid());
    sql(arena_printf(
        &spec.arena,
        "CREATE ROLE %s; GRANT USAGE ON SCHEMA cartwright TO %s; GRANT ALL ON ALL TABLES IN SCHEMA cartwright TO %s",
        role, role, role));
    sql(arena_printf(&spec.arena, "SET ROLE %s", role));
    assert_ok(migrate_run(db_conn(spec.db), &applied, &spec.err));
    assert_int_equal(applied, 0);
    sql(arena_printf(&spec.arena, "RESET ROLE; DROP OWNED BY %s; DROP ROLE %s", role, role));
}

int main(void)
{
    spec.prepared = false;
    const struct CMUnitTest tests[] = {
        EMPTY_TEST(an_empty_database_gets_everything_and_a_ready_one_nothing),
        EMPTY_TEST(what_was_applied_is_recorded_with_its_checksum),
        EMPTY_TEST(only_what_is_newer_is_applied),
        EMPTY_TEST(a_migration_that_was_edited_is_refused),
        EMPTY_TEST(a_database_newer_than_the_program_is_refused),
        EMPTY_TEST(a_history_with_a_hole_is_refused),
        EMPTY_TEST(a_migration_that_fails_leaves_the_ones_before_it_and_nothing_of_itself),
        EMPTY_TEST(processes_that_start_together_apply_each_migration_once),
        EMPTY_TEST(who_waited_for_the_first_migration_finds_it),
        EMPTY_TEST(a_migration_that_takes_long_is_waited_for),
        EMPTY_TEST(a_role_that_may_not_create_schemas_can_use_a_migrated_database),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
