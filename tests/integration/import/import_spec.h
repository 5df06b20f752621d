#ifndef TESTS_INTEGRATION_IMPORT_SPEC_H
#define TESTS_INTEGRATION_IMPORT_SPEC_H

/* Importing into a database of the test's own. */
#include "base/config.h"
#include "import/import.h"

struct import_bench {
    char *url;
    struct config config;
    struct database database;
};

/* A fresh database; fails the test where it cannot. */
void bench_open(struct import_bench *b, const char *name);
void bench_close(struct import_bench *b);

/* What one import did and wrote. */
struct import_outcome {
    bool done;
    struct err err;
    struct import_result result;
    char out[8192];    /* the report */
    char report[8192]; /* malformed lines */
};

/* Imports with these options into the bench; quiet. */
void bench_import(struct import_bench *b, struct import_options options,
                  struct import_outcome *out);
/* The first cell of a query's answer, as a number or as text (borrowed until the next call). */
int64_t bench_count(const struct import_bench *b, const char *sql);
const char *bench_text(const struct import_bench *b, const char *sql);

#endif
