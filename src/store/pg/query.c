#include "store/pg/query.h"

#include <stddef.h>

const struct query_def query_defs[Q_COUNT] = {
#define QUERY(name, sql) {#name, sql},
#include "query_table.inc"
#undef QUERY
};

/* NULL: the same as everywhere. */
static const char *const distributed_sql[Q_COUNT] = {
#define QUERY(name, sql) [Q_##name] = (sql),
#include "distributed_table.inc"
#undef QUERY
};

const char *query_sql(enum query_id q, bool distributed)
{
    return distributed && distributed_sql[q] != NULL ? distributed_sql[q] : query_defs[q].sql;
}
