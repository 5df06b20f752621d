/* The baseline of the ingest benchmark: what a program without Cartwright would do. */
#ifndef BENCH_PLAIN_INSERT_H
#define BENCH_PLAIN_INSERT_H

#include "bench/ingest_rows.h"

#include <stdbool.h>

struct plain_plan {
    const char *conninfo;
    const struct ingest_rows *rows; /* read back */
    int connections;                /* one thread each */
    size_t rows_per_transaction;    /* 1: each statement commits by itself */
    bool pipelined;                 /* all rows of a transaction in one round trip */
    int64_t time_us;
};
struct plain_report {
    size_t rows;
    int64_t elapsed_us;
    double p50_ms; /* of a transaction */
    double p99_ms;
};

/* CREATE TABLE plain_event: events as anybody would keep them, with the columns of the view cartwright.event and the indexes for the same questions. */
void plain_create(PGconn *conn);
/* Prepared single-row INSERTs, binary parameters, one round trip a row (or, pipelined, one a transaction), until every row
 * is in or the time has passed. The table must be empty. Any error ends the program. */
struct plain_report plain_run(const struct plain_plan *plan);

#endif
