#include "import_spec.h"

#include "support/pg_fixture.h"
#include "support/spec.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bench_open(struct import_bench *b, const char *name)
{
    struct err err = {0};
    char program[] = "import_test";
    char flag[] = "--database_url";
    *b = (struct import_bench){.url = pg_fixture_database(name)};
    char *argv[] = {program, flag, b->url, NULL};
    int argc = 3;
    assert_true(config_load(&b->config, &argc, argv, &err));
    if (!database_open(&b->config, &b->database, &err)) {
        fail_msg("%s: %s", err.path, err.text);
    }
}

void bench_close(struct import_bench *b)
{
    database_close(&b->database);
    pg_fixture_drop(b->url);
    b->url = NULL;
}

static void read_back(FILE *f, char *out, size_t cap)
{
    rewind(f);
    out[fread(out, 1, cap - 1, f)] = '\0';
    assert_int_equal(fclose(f), 0);
}

void bench_import(struct import_bench *b, struct import_options options, struct import_outcome *out)
{
    FILE *table = tmpfile();
    FILE *report = tmpfile();
    assert_non_null(table);
    assert_non_null(report);
    options.quiet = true;
    *out = (struct import_outcome){0};
    out->done =
        import_run(&b->database, &b->config, &options, table, report, &out->result, &out->err);
    read_back(table, out->out, sizeof out->out);
    read_back(report, out->report, sizeof out->report);
}

const char *bench_text(const struct import_bench *b, const char *sql)
{
    static char out[1024];
    PGconn *conn = PQconnectdb(b->url);
    PGresult *rows = PQexec(conn, sql);
    if (PQresultStatus(rows) != PGRES_TUPLES_OK || PQntuples(rows) == 0) {
        fail_msg("%s: %s", sql, PQerrorMessage(conn));
    }
    (void)snprintf(out, sizeof out, "%s", PQgetvalue(rows, 0, 0));
    PQclear(rows);
    PQfinish(conn);
    return out;
}

int64_t bench_count(const struct import_bench *b, const char *sql)
{
    return strtoll(bench_text(b, sql), NULL, 10);
}
