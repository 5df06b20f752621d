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

/* Arrays of one dimension. NULL elements of text and jsonb arrays are SQL NULL, INT64_MIN in i64
 * and time arrays, NaN in f64 arrays. */
void param_i32_array(struct params *p, const int32_t *v, size_t n);
void param_i64_array(struct params *p, const int64_t *v, size_t n);
void param_f64_array(struct params *p, const double *v, size_t n);
void param_bool_array(struct params *p, const bool *v, size_t n);
void param_text_array(struct params *p, const char *const *v, size_t n);
void param_jsonb_array(struct params *p, const char *const *v, size_t n);
void param_time_array(struct params *p, const int64_t *us, size_t n);

#endif
