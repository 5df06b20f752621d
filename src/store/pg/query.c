#include "store/pg/query.h"

#include <stddef.h>

const struct query_def query_defs[Q_COUNT] = {
#define QUERY(name, sql) {#name, sql},
#include "query_table.inc"
#undef QUERY
};

const char *const query_distributed[Q_COUNT] = {
#define QUERY(name, sql) [Q_##name] = (sql),
#include "distributed_table.inc"
#undef QUERY
};

const char *query_sql(enum query_id q, bool distributed)
{
    return distributed && query_distributed[q] != NULL ? query_distributed[q] : query_defs[q].sql;
}
