#include "store/pg/params.h"

#include "store/pg/pgtype.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <string.h>

/* Encodes parameters in PostgreSQL's binary format: exact times and floats, no locale, no quoting.
 */

enum {
    ARRAY_HEAD = 20,       /* dimensions, has nulls, element type, length, lower bound: int4 each */
    EMPTY_ARRAY_HEAD = 12, /* without length and bound */
    ELEMENT_HEAD = 4,
    BINARY = 1,
};

struct params params_make(struct arena *a)
{
    assert(a != NULL);
    return (struct params){.arena = a};
}

static void add(struct params *p, Oid type, const char *value, size_t len)
{
    assert(p->count < PARAMS_MAX);
    /* libpq counts lengths as int. */
    assert(len <= INT_MAX);
    p->types[p->count] = type;
    p->values[p->count] = value;
    p->lengths[p->count] = value == NULL ? 0 : (int)len;
    p->formats[p->count] = BINARY;
    p->count++;
}

static int64_t time_to_pg(int64_t us)
{
    if (us == INT64_MAX || us == INT64_MIN) {
        return us; /* infinity and -infinity are spelt the same there */
    }
    assert(us >= INT64_MIN + PG_EPOCH_US);
    return us - PG_EPOCH_US;
}

static int64_t f64_bits(double v)
{
    int64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

static void add64(struct params *p, Oid type, int64_t v)
{
    char *at = arena_alloc(p->arena, sizeof v);
    (void)pg_put64(at, v);
    add(p, type, at, sizeof v);
}

void param_i32(struct params *p, int32_t v)
{
    char *at = arena_alloc(p->arena, sizeof v);
    (void)pg_put32(at, v);
    add(p, PG_INT4, at, sizeof v);
}

void param_i64(struct params *p, int64_t v)
{
    add64(p, PG_INT8, v);
}

void param_f64(struct params *p, double v)
{
    if (isnan(v)) {
        add(p, PG_FLOAT8, NULL, 0);
    } else {
        add64(p, PG_FLOAT8, f64_bits(v));
    }
}

void param_bool(struct params *p, bool v)
{
    char *at = arena_alloc(p->arena, 1);
    *at = (char)v;
    add(p, PG_BOOL, at, 1);
}

void param_text(struct params *p, const char *v)
{
    add(p, PG_TEXT, v, v == NULL ? 0 : strlen(v));
}

void param_textn(struct params *p, const char *v, size_t len)
{
    add(p, PG_TEXT, v, len);
}

void param_jsonb(struct params *p, const char *json, size_t len)
{
    if (json == NULL) {
        add(p, PG_JSONB, NULL, 0);
        return;
    }
    char *at = arena_alloc(p->arena, len + 1);
    /* What jsonb_recv wants before the text; it parses the rest, as a cast would. */
    at[0] = PG_JSONB_VERSION;
    memcpy(at + 1, json, len);
    add(p, PG_JSONB, at, len + 1);
}

void param_bytes(struct params *p, const void *v, size_t len)
{
    add(p, PG_BYTEA, v, len);
}

void param_time(struct params *p, int64_t us)
{
    add64(p, PG_TIMESTAMPTZ, time_to_pg(us));
}

void param_time_opt(struct params *p, int64_t us)
{
    if (us == 0) {
        add(p, PG_TIMESTAMPTZ, NULL, 0);
    } else {
        param_time(p, us);
    }
}

/* Element i of a column of any kind. */
#define VALUE_AT(v, i)                                                                             \
    (*(__typeof__((v).first))(const void *)((const char *)(v).first + (i) * (v).stride))

/* ---- arrays: head, then for each element its length (-1: NULL) and bytes ---- */

/* Room for the whole array, its head written. */
static char *array_begin(struct params *p, Oid element, size_t n, size_t element_bytes)
{
    assert(n <= INT32_MAX);
    /* Measured before it is written: one allocation an array, however many elements. */
    char *head = arena_alloc(p->arena, ARRAY_HEAD + n * ELEMENT_HEAD + element_bytes);
    char *at = pg_put32(head, n == 0 ? 0 : 1);
    at = pg_put32(at, 1); /* "may have nulls": the server looks for itself */
    at = pg_put32(at, (int32_t)element);
    if (n != 0) {
        at = pg_put32(at, (int32_t)n);
        (void)pg_put32(at, 1);
    }
    return head;
}

static char *array_first(char *head, size_t n)
{
    return head + (n == 0 ? EMPTY_ARRAY_HEAD : ARRAY_HEAD);
}

/* end: the first byte after the last element. */
static void array_end(struct params *p, Oid type, const char *head, const char *end)
{
    add(p, type, head, (size_t)(end - head));
}

static char *put_null(char *at)
{
    return pg_put32(at, -1);
}

static char *put_element64(char *at, int64_t v)
{
    return pg_put64(pg_put32(at, (int32_t)sizeof v), v);
}

void param_i32s(struct params *p, struct int32s v)
{
    char *head = array_begin(p, PG_INT4, v.n, v.n * sizeof *v.first);
    char *at = array_first(head, v.n);
    for (size_t i = 0; i < v.n; i++) {
        at = pg_put32(pg_put32(at, (int32_t)sizeof *v.first), VALUE_AT(v, i));
    }
    array_end(p, PG_INT4_ARRAY, head, at);
}

void param_i64s(struct params *p, struct int64s v)
{
    char *head = array_begin(p, PG_INT8, v.n, v.n * sizeof *v.first);
    char *at = array_first(head, v.n);
    for (size_t i = 0; i < v.n; i++) {
        at = VALUE_AT(v, i) == INT64_MIN ? put_null(at) : put_element64(at, VALUE_AT(v, i));
    }
    array_end(p, PG_INT8_ARRAY, head, at);
}

void param_f64s(struct params *p, struct doubles v)
{
    char *head = array_begin(p, PG_FLOAT8, v.n, v.n * sizeof *v.first);
    char *at = array_first(head, v.n);
    for (size_t i = 0; i < v.n; i++) {
        at = isnan(VALUE_AT(v, i)) ? put_null(at) : put_element64(at, f64_bits(VALUE_AT(v, i)));
    }
    array_end(p, PG_FLOAT8_ARRAY, head, at);
}

void param_bools(struct params *p, struct bools v)
{
    char *head = array_begin(p, PG_BOOL, v.n, v.n);
    char *at = array_first(head, v.n);
    for (size_t i = 0; i < v.n; i++) {
        at = pg_put32(at, 1);
        *at++ = (char)VALUE_AT(v, i);
    }
    array_end(p, PG_BOOL_ARRAY, head, at);
}

void param_times(struct params *p, struct int64s v)
{
    char *head = array_begin(p, PG_TIMESTAMPTZ, v.n, v.n * sizeof(int64_t));
    char *at = array_first(head, v.n);
    for (size_t i = 0; i < v.n; i++) {
        at = VALUE_AT(v, i) == INT64_MIN ? put_null(at)
                                         : put_element64(at, time_to_pg(VALUE_AT(v, i)));
    }
    array_end(p, PG_TIMESTAMPTZ_ARRAY, head, at);
}

/* prefix: bytes before each text, at most one (jsonb's version). */
static char *put_text(char *at, const char *v, size_t prefix)
{
    if (v == NULL) {
        return put_null(at);
    }
    /* Measured a second time, after text_bytes: cheaper than to keep the lengths of thousands of
     * texts. */
    size_t len = strlen(v);
    at = pg_put32(at, (int32_t)(len + prefix));
    if (prefix != 0) {
        *at++ = PG_JSONB_VERSION;
    }
    memcpy(at, v, len); // NOLINT(bugprone-not-null-terminated-result): the format counts bytes
    return at + len;
}

static size_t text_bytes(struct texts v, size_t prefix)
{
    size_t bytes = 0;
    for (size_t i = 0; i < v.n; i++) {
        bytes += VALUE_AT(v, i) == NULL ? 0 : strlen(VALUE_AT(v, i)) + prefix;
    }
    return bytes;
}

void param_texts(struct params *p, struct texts v)
{
    char *head = array_begin(p, PG_TEXT, v.n, text_bytes(v, 0));
    char *at = array_first(head, v.n);
    for (size_t i = 0; i < v.n; i++) {
        at = put_text(at, VALUE_AT(v, i), 0);
    }
    array_end(p, PG_TEXT_ARRAY, head, at);
}

void param_jsonbs(struct params *p, struct texts v)
{
    char *head = array_begin(p, PG_JSONB, v.n, text_bytes(v, 1));
    char *at = array_first(head, v.n);
    for (size_t i = 0; i < v.n; i++) {
        at = put_text(at, VALUE_AT(v, i), 1);
    }
    array_end(p, PG_JSONB_ARRAY, head, at);
}

/* ---- plain arrays ---- */

void param_i32_array(struct params *p, const int32_t *v, size_t n)
{
    param_i32s(p, (struct int32s){v, sizeof *v, n});
}

void param_i64_array(struct params *p, const int64_t *v, size_t n)
{
    param_i64s(p, (struct int64s){v, sizeof *v, n});
}

void param_f64_array(struct params *p, const double *v, size_t n)
{
    param_f64s(p, (struct doubles){v, sizeof *v, n});
}

void param_bool_array(struct params *p, const bool *v, size_t n)
{
    param_bools(p, (struct bools){v, sizeof *v, n});
}

void param_text_array(struct params *p, const char *const *v, size_t n)
{
    param_texts(p, (struct texts){v, sizeof *v, n});
}

void param_jsonb_array(struct params *p, const char *const *v, size_t n)
{
    param_jsonbs(p, (struct texts){v, sizeof *v, n});
}

void param_time_array(struct params *p, const int64_t *us, size_t n)
{
    param_times(p, (struct int64s){us, sizeof *us, n});
}

void param_blob_array(struct params *p, const struct blob *v, size_t n)
{
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++) {
        bytes += v[i].len;
    }
    char *head = array_begin(p, PG_BYTEA, n, bytes);
    char *at = array_first(head, n);
    for (size_t i = 0; i < n; i++) {
        at = pg_put32(at, (int32_t)v[i].len);
        memcpy(at, v[i].data, v[i].len);
        at += v[i].len;
    }
    array_end(p, PG_BYTEA_ARRAY, head, at);
}
