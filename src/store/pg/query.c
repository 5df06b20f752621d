#include "store/pg/query.h"
const struct query_def query_defs[Q_COUNT] = {
#define QUERY(name, sql) {#name, sql},
#include "query_table.inc"
#undef QUERY
};
