#ifndef STORE_PG_PGTYPE_H
#define STORE_PG_PGTYPE_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

/* What params.c and rows.c must agree on: type numbers (fixed in PostgreSQL's catalogue) and the
 * binary format. */
enum {
    PG_BOOL = 16,
    PG_BYTEA = 17,
    PG_INT8 = 20,
    PG_INT2 = 21,
    PG_INT4 = 23,
    PG_TEXT = 25,
    PG_FLOAT4 = 700,
    PG_FLOAT8 = 701,
    PG_BOOL_ARRAY = 1000,
    PG_BYTEA_ARRAY = 1001,
    PG_INT4_ARRAY = 1007,
    PG_TEXT_ARRAY = 1009,
    PG_INT8_ARRAY = 1016,
    PG_FLOAT8_ARRAY = 1022,
    PG_TIMESTAMPTZ = 1184,
    PG_TIMESTAMPTZ_ARRAY = 1185,
    PG_JSONB = 3802,
    PG_JSONB_ARRAY = 3807,
};

enum { PG_JSONB_VERSION = 1 };

/* Microseconds from 1970 to 2000, where PostgreSQL's times begin. */
#define PG_EPOCH_US INT64_C(946684800000000)

static inline char *pg_put32(char *at, int32_t v)
{
    uint32_t n = htobe32((uint32_t)v);
    return (char *)memcpy(at, &n, sizeof n) + sizeof n;
}

static inline char *pg_put64(char *at, int64_t v)
{
    uint64_t n = htobe64((uint64_t)v);
    return (char *)memcpy(at, &n, sizeof n) + sizeof n;
}

static inline int16_t pg_get16(const char *at)
{
    uint16_t n;
    memcpy(&n, at, sizeof n);
    return (int16_t)be16toh(n);
}

static inline int32_t pg_get32(const char *at)
{
    uint32_t n;
    memcpy(&n, at, sizeof n);
    return (int32_t)be32toh(n);
}

static inline int64_t pg_get64(const char *at)
{
    uint64_t n;
    memcpy(&n, at, sizeof n);
    return (int64_t)be64toh(n);
}

#endif
