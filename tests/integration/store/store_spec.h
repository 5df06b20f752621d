#ifndef INTEGRATION_STORE_STORE_SPEC_H
#define INTEGRATION_STORE_STORE_SPEC_H

#include "store/events.h"
#include "support/pg_fixture.h"
#include "support/spec.h"

/* What the store's tests share: a database a program, emptied for every test, and a connection. */
extern struct store_spec {
    char *url;
    bool prepared; /* how connections are opened: run_both_ways turns it off for the second run */
    struct db *db;
    struct arena arena;
    struct err err;
} spec;

int spec_begin(void **state); /* the program's database, emptied; spec.db open */
void spec_empty(void);        /* the database of spec.db, as a test begins */
int spec_end(void **state);   /* closes spec.db */
int spec_discard(
    void **state); /* also drops the database: for tests that leave it unfit for others */
struct db *spec_connect(void); /* another connection; the caller closes it */

#define SPEC_TEST(name)         cmocka_unit_test_setup_teardown(name, spec_begin, spec_end)
#define SPEC_TEST_HARMFUL(name) cmocka_unit_test_setup_teardown(name, spec_begin, spec_discard)

/* Runs the tests with prepared queries (not behind a pooler, which forgets them), and once more with their texts sent
 * (DATABASE_PREPARED=off). Returns failures. */
#define RUN_BOTH_WAYS(tests)                                                                       \
    ((pg_fixture_pooled() ? 0                                                                      \
                          : (spec.prepared = true, cmocka_run_group_tests_name(                    \
                                                       "prepared", tests, NULL, spec_discard))) +  \
     (spec.prepared = false, cmocka_run_group_tests_name("as text", tests, NULL, spec_discard)))

/* Fails the test with the error's text. */
#define assert_ok(call)                                                                            \
    do {                                                                                           \
        spec.err = (struct err){0};                                                                \
        if (!(call)) {                                                                             \
            print_error("%s: %s\n", spec.err.path, spec.err.text);                                 \
            _fail(__FILE__, __LINE__);                                                             \
        }                                                                                          \
    } while (0)

/* The call fails with this kind. */
#define assert_fails(call, expected)                                                               \
    do {                                                                                           \
        spec.err = (struct err){0};                                                                \
        assert_false(call);                                                                        \
        assert_int_equal(spec.err.kind, expected);                                                 \
    } while (0)

/* Plain SQL on spec.db: runs it; its first cell as a number, as text (in the spec's arena, "" for NULL). */
void sql(const char *text);
int64_t sql_number(const char *text);
const char *sql_text(const char *text);

char *spec_source_file(const char *name); /* a text file of the tree; the caller frees it */
void spec_load_stand_in(void);            /* for Citus, into the database of spec.db */

#define NOW_US INT64_C(1790000000000000)

/* An event row: an_event(.event_id = "e1", .key = "c:ann"). */
#define an_event(...)                                                                              \
    ((struct event_row){.event_id = "e1",                                                          \
                        .key = "c:ann",                                                            \
                        .type = "page_viewed",                                                     \
                        .occurred_us = NOW_US,                                                     \
                        .body = "{\"page\": \"home\"}",                                            \
                        __VA_ARGS__})

/* Appends one event; fails the test on an error. */
enum append_status append(struct event_row row);

#endif
