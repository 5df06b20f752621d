#ifndef IMPORT_UNPACK_H
#define IMPORT_UNPACK_H

#include "base/err.h"

#include <stddef.h>

/* gzip and zstd, told by their first bytes, in constant memory. */
struct unpack;

/* Where the packed bytes come from; *out_got 0: there are no more. */
typedef bool unpack_read_fn(void *ctx, char *to, size_t cap, size_t *out_got, struct err *err);

/* NULL: neither. read and ctx are borrowed; what was looked at is read again. */
struct unpack *unpack_open(const char *head, size_t len, unpack_read_fn *read, void *ctx);
void unpack_close(struct unpack **u);
const char *unpack_name(const struct unpack *u); /* "gzip" */

/* *out_got 0: the end. ERR_INVALID: damaged, or it breaks off. */
CAN_FAIL bool unpack_read(struct unpack *u, char *to, size_t cap, size_t *out_got, struct err *err);

#endif
