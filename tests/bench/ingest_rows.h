/* The events that the ingest benchmark stores, as requests and, once stored, as rows of the log. */
#ifndef BENCH_INGEST_ROWS_H
#define BENCH_INGEST_ROWS_H

#include "bench/load_client.h"

#include <libpq-fe.h>
#include <stddef.h>

struct ingest_rows {
    size_t count;
    struct load_request *singles; /* one event a request */
    size_t batch_count;
    struct load_request *batches; /* INGEST_BATCH events a request */
    size_t body_bytes;            /* of all events */
    PGresult *stored; /* binary; all columns of the view cartwright.event, in order of sending */
};

enum { INGEST_BATCH = 100 };

/* count is a multiple of INGEST_BATCH. Same seed, same events, but for their times. */
struct ingest_rows ingest_rows_make(size_t count, const char *key);
/* After every one of them was stored: the columns as the product wrote them. */
void ingest_rows_read_back(struct ingest_rows *rows, PGconn *conn);
void ingest_rows_free(struct ingest_rows *rows);

#endif
