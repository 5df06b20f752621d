#ifndef BASE_JENC_H
#define BASE_JENC_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

/* JSON out, straight into a buf: commas and escaping are its job, order of members is the caller's.
 * Invalid UTF-8 in a string is replaced by U+FFFD, and so is a NUL, which jansson and jsonb refuse
 * even when escaped. A NULL key is used inside arrays and at the root. */
struct jenc {
    struct buf *out; /* borrowed */
    uint64_t first;  /* bit per depth: no element written yet */
    int depth;       /* at most 60 */
};

struct jenc jenc_begin(struct buf *out);
void jenc_object(struct jenc *j, const char *key);
void jenc_object_end(struct jenc *j);
void jenc_array(struct jenc *j, const char *key);
void jenc_array_end(struct jenc *j);
void jenc_str(struct jenc *j, const char *key, const char *value);     /* NULL value writes null */
void jenc_str_opt(struct jenc *j, const char *key, const char *value); /* nothing for NULL or "" */
void jenc_strn(struct jenc *j, const char *key, const char *value, size_t len);
void jenc_i64(struct jenc *j, const char *key, int64_t value);
void jenc_f64(struct jenc *j, const char *key,
              double value); /* shortest form that reads back equal; NaN/Inf write null */
void jenc_bool(struct jenc *j, const char *key, bool value);
void jenc_null(struct jenc *j, const char *key);
void jenc_time(struct jenc *j, const char *key, int64_t us); /* RFC 3339 */
void jenc_raw(struct jenc *j, const char *key, const char *json,
              size_t len); /* trusted JSON text, copied as it is */
/* The members of a trusted JSON object's text, copied into the open object. */
void jenc_members(struct jenc *j, const char *object);

#endif
