#ifndef STORE_PG_PARAMS_H
#define STORE_PG_PARAMS_H

#include "base/arena.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Parameters of one query, built in call order ($1, $2, ...), in PostgreSQL's binary format. Bytes
 * live in the arena; text and bytes are borrowed until the query has run. At most PARAMS_MAX. */
enum { PARAMS_MAX = 24 };
struct params {
    struct arena *arena;
    int count;
    Oid types[PARAMS_MAX];
    const char *values[PARAMS_MAX];
    int lengths[PARAMS_MAX];
    int formats[PARAMS_MAX];
};

struct params params_make(struct arena *a);
void param_i32(struct params *p, int32_t v);
void param_i64(struct params *p, int64_t v);
void param_f64(struct params *p, double v); /* NaN -> SQL NULL */
void param_bool(struct params *p, bool v);
void param_text(struct params *p, const char *v); /* NULL -> SQL NULL */
void param_textn(struct params *p, const char *v, size_t len);
void param_jsonb(struct params *p, const char *json, size_t len); /* NULL -> SQL NULL */
void param_bytes(struct params *p, const void *v, size_t len);
/* timestamptz from microseconds since 1970; INT64_MIN and INT64_MAX are -infinity and infinity. */
void param_time(struct params *p, int64_t us);
void param_time_opt(struct params *p, int64_t us); /* 0 -> SQL NULL */

/* What array parameters are made of: the same member of each of n structs that lie side by side, read where they lie. */
struct int32s {
    const int32_t *first; /* NULL where n is 0 */
    size_t stride;        /* bytes from one to the next */
    size_t n;
};
struct int64s {
    const int64_t *first;
    size_t stride;
    size_t n;
};
struct doubles {
    const double *first;
    size_t stride;
    size_t n;
};
struct bools {
    const bool *first;
    size_t stride;
    size_t n;
};
struct texts {
    const char *const *first;
    size_t stride;
    size_t n;
};
#define COLUMN_OF(rows, count, member)                                                             \
    {                                                                                              \
        (count) == 0 ? NULL : &(rows)->member, sizeof *(rows), (count)                             \
    }
#define INT32S(rows, count, member)  ((struct int32s)COLUMN_OF(rows, count, member))
#define INT64S(rows, count, member)  ((struct int64s)COLUMN_OF(rows, count, member))
#define DOUBLES(rows, count, member) ((struct doubles)COLUMN_OF(rows, count, member))
#define BOOLS(rows, count, member)   ((struct bools)COLUMN_OF(rows, count, member))
#define TEXTS(rows, count, member)   ((struct texts)COLUMN_OF(rows, count, member))

/* Arrays of one dimension. NULL elements of texts are SQL NULL, INT64_MIN of int64s, NaN of doubles. */
void param_i32s(struct params *p, struct int32s v);
void param_i64s(struct params *p, struct int64s v);
void param_f64s(struct params *p, struct doubles v);
void param_bools(struct params *p, struct bools v);
void param_texts(struct params *p, struct texts v);
void param_jsonbs(struct params *p, struct texts v);
void param_times(struct params *p, struct int64s v); /* us since 1970 */

/* The same of plain arrays. */
void param_i32_array(struct params *p, const int32_t *v, size_t n);
void param_i64_array(struct params *p, const int64_t *v, size_t n);
void param_f64_array(struct params *p, const double *v, size_t n);
void param_bool_array(struct params *p, const bool *v, size_t n);
void param_text_array(struct params *p, const char *const *v, size_t n);
void param_jsonb_array(struct params *p, const char *const *v, size_t n);
void param_time_array(struct params *p, const int64_t *us, size_t n);
/* bytea[] */
struct blob {
    const void *data;
    size_t len;
};
void param_blob_array(struct params *p, const struct blob *v, size_t n);

#endif
