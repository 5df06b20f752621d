#ifndef STORE_PG_QUERY_H
#define STORE_PG_QUERY_H

#include <stdbool.h>

enum query_id {
#define QUERY(name, sql) Q_##name,
#include "query_table.inc"
#undef QUERY
    Q_COUNT
};
struct query_def {
    const char *name;
    const char *sql;
};
extern const struct query_def query_defs[Q_COUNT];
extern const char *const query_distributed[Q_COUNT]; /* NULL: the same as everywhere */

/* The text that is sent: sql/distributed has another one of some queries, for a database that is distributed. */
const char *query_sql(enum query_id q, bool distributed);

#endif
