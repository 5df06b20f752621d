#ifndef IMPORT_SOURCE_H
#define IMPORT_SOURCE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/* The text of a file as people have it: gzip and zstd are told by their first bytes and unpacked, also
 * several of them one behind the other; UTF-16 with a byte order mark becomes UTF-8. In constant
 * memory. */
struct source;
enum { SOURCE_ENDLESS = 1 << 28 }; /* bytes after which a row that does not end is none */

/* "-" is stdin. A pipe is read as it comes, and waited for; a directory, a device or a socket is refused. Fails with
 * ERR_INVALID and path = the file's name. */
CAN_FAIL bool source_open(const char *path, struct source **out, struct err *err); /* owns */
void source_close(struct source **s);                                              /* CLEANUP */

/* Before the first read: it holds documents of JSON, one a line or as the elements of an array, which come out as lines. */
void source_expect_json(struct source *s);
bool source_array(const struct source *s); /* it is such an array; known from the first read on */

/* Up to cap bytes; *out_got 0: the end. ERR_INVALID: the packed file is damaged, breaks
 * off, has become shorter than it was when it was opened, or is a pointer of Git LFS to a file that is elsewhere. */
CAN_FAIL bool source_read(struct source *s, char *to, size_t cap, size_t *out_got, struct err *err);

int64_t source_taken(const struct source *s); /* bytes of the file, packed as they are */
int64_t source_size(const struct source *s);  /* of the file; -1: not known (a pipe) */
bool source_packed(const struct source *s);   /* known from the first read on */
/* "gzip", "zstd and UTF-16", NULL for plain text; from the first read on. */
const char *source_form(const struct source *s);

#endif
