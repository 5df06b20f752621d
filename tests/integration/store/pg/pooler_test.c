/* What the program makes of a connection pooler before its database. As a plain test there is none; as pooled_pooler_test
 * (support/pooled.sh) there is a PgBouncer in transaction mode. */
#include "integration/store/store_spec.h"

#include "store/database.h"

#include <string.h>

static struct config config_of(const char *url)
{
    struct config c = {.database_prepared = true};
    (void)snprintf(c.database_url, sizeof c.database_url, "%s", url);
    return c;
}

static void a_pooler_is_noticed_and_queries_are_sent_as_text_then(void **state)
{
    (void)state;
    CLEANUP(database_close) struct database database = {0};
    struct config config = config_of(spec.url);
    assert_ok(database_open(&config, &database, &spec.err));
    assert_int_equal(database.pooled, pg_fixture_pooled());
    assert_int_equal(database.prepared, !pg_fixture_pooled());
}

static void what_the_operator_says_about_preparing_counts(void **state)
{
    (void)state;
    CLEANUP(database_close) struct database on = {0};
    CLEANUP(database_close) struct database off = {0};
    struct config config = config_of(spec.url);
    config.source[CONFIG_ID_database_prepared] = CONFIG_FLAG;
    assert_ok(database_open(&config, &on, &spec.err));
    assert_true(on.prepared);
    config.database_prepared = false;
    assert_ok(database_open(&config, &off, &spec.err));
    assert_false(off.prepared);
}

static void a_pooler_that_mixes_up_statements_is_told_with_the_setting_that_helps(void **state)
{
    (void)state;
    struct db *kept[5] = {NULL};
    if (!pg_fixture_pooled()) {
        skip();
    }
    size_t n = 0;
    spec.err = (struct err){0};
    while (n < COUNT_OF(kept) && db_open(spec.url, true, &kept[n], &spec.err) &&
           db_prepare_all(kept[n], &spec.err)) {
        n++; /* the first ones may get connections that have prepared nothing yet */
    }
    assert_true(n < COUNT_OF(kept));
    assert_int_equal(spec.err.kind, ERR_INTERNAL);
    assert_text_contains(spec.err.text, "(42P05)");
    assert_text_contains(spec.err.text, "database_prepared=off");
    for (size_t i = 0; i < COUNT_OF(kept); i++) {
        db_close(&kept[i]);
    }
}

static void the_times_of_a_stream_end_with_its_transaction(void **state)
{
    (void)state;
    struct params p = params_make(&spec.arena);
    param_time(&p, NOW_US);
    assert_ok(db_begin_snapshot(spec.db, &spec.err));
    assert_ok(db_exec(spec.db, Q_events_read_until, &p, NULL, &spec.err));
    assert_string_not_equal(sql_text("SELECT current_setting('cartwright.read_until')"), "");
    assert_ok(db_commit(spec.db, &spec.err));
    assert_string_equal(
        sql_text("SELECT coalesce(current_setting('cartwright.read_until', true), '')"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SPEC_TEST(a_pooler_is_noticed_and_queries_are_sent_as_text_then),
        SPEC_TEST(what_the_operator_says_about_preparing_counts),
        SPEC_TEST(a_pooler_that_mixes_up_statements_is_told_with_the_setting_that_helps),
        SPEC_TEST(the_times_of_a_stream_end_with_its_transaction),
    };
    return cmocka_run_group_tests(tests, NULL, spec_discard);
}
