#ifndef STORE_PG_QUERY_H
#define STORE_PG_QUERY_H
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
#endif
