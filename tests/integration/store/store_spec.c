#include "integration/store/store_spec.h"

#include <stdlib.h>

struct store_spec spec = {.prepared = true};

struct db *spec_connect(void)
{
    struct db *db = NULL;
    assert_ok(db_open(spec.url, spec.prepared && !pg_fixture_pooled(), &db, &spec.err));
    return db;
}

/* As the migrations leave it. Cloning the template anew would take a second a test. */
static const char empty_sql[] =
    "DO $$ DECLARE t text; BEGIN"
    " FOR t IN SELECT c.oid::regclass FROM pg_class c WHERE c.relnamespace = 'cartwright'::regnamespace AND c.relkind IN ('r', 'p')"
    "   AND c.relname NOT IN ('migration', 'distribution', 'lane', 'lane_cursor') ORDER BY c.oid DESC LOOP"
    "   EXECUTE 'DELETE FROM ' || t;"
    " END LOOP;"
    " UPDATE cartwright.lane SET floor_off = 0 WHERE floor_off <> 0;"
    " UPDATE cartwright.lane_cursor SET off = 0, epoch = 0, owner = NULL, lease_until = '-infinity' WHERE epoch <> 0 OR off <> 0;"
    " END $$";

void spec_empty(void)
{
    sql(empty_sql);
}

int spec_begin(void **state)
{
    (void)state;
    if (spec.url == NULL) {
        spec.url = pg_fixture_database("store");
    }
    spec.db = spec_connect();
    spec_empty();
    return 0;
}

int spec_end(void **state)
{
    (void)state;
    db_close(&spec.db);
    arena_free(&spec.arena);
    return 0;
}

int spec_discard(void **state)
{
    (void)spec_end(state);
    pg_fixture_drop(spec.url);
    spec.url = NULL;
    return 0;
}

static PGresult *run(const char *text)
{
    PGresult *res = PQexec(db_conn(spec.db), text);
    ExecStatusType status = PQresultStatus(res);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        print_error("%s: %s", text, PQerrorMessage(db_conn(spec.db)));
        fail();
    }
    return res;
}

void sql(const char *text)
{
    PQclear(run(text));
}

const char *sql_text(const char *text)
{
    PGresult *res = run(text);
    const char *cell = PQntuples(res) == 0 ? "" : arena_strdup(&spec.arena, PQgetvalue(res, 0, 0));
    PQclear(res);
    return cell;
}

int64_t sql_number(const char *text)
{
    return strtoll(sql_text(text), NULL, 10);
}

enum append_status append(struct event_row row)
{
    enum append_status status = APPEND_CONFLICT;
    assert_ok(store_events_append(spec.db, &row, 1, ORIGIN_API, NOW_US, &status, &spec.err));
    return status;
}

char *spec_source_file(const char *name)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", getenv("CARTWRIGHT_SOURCE"), name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    char *text = NULL;
    size_t size = 0;
    const ssize_t len = getdelim(&text, &size, '\0', f);
    assert_true(len > 0);
    (void)fclose(f);
    return text;
}

void spec_load_stand_in(void)
{
    char *text = spec_source_file("tests/support/citus_stand_in.sql");
    sql(text);
    free(text);
}
