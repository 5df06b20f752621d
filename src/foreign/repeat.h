#ifndef FOREIGN_REPEAT_H
#define FOREIGN_REPEAT_H

#include "base/hash.h"

#include <stddef.h>
#include <stdint.h>

/* How often each row of a file has come so far: 20 bytes a different row, whatever its length. */
struct repeat_table;

struct repeat_table *repeat_open(void); /* owns */
void repeat_close(struct repeat_table **t);

/* The event id of an imported row: hex SHA-256 of format, raw row, and how many times this
 * identical row came before. Counts the row. So a second import of a file gives the same ids, and
 * identical rows of one file different ones. */
void repeat_event_id(struct repeat_table *t, const char *format, const char *row, size_t len,
                     char out[SHA256_HEX]);

#endif
