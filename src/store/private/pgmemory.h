#ifndef STORE_PRIVATE_PGMEMORY_H
#define STORE_PRIVATE_PGMEMORY_H

#include "base/err.h"

#include <stdint.h>

/* Settings of the private PostgreSQL that follow the machine: a log larger than shared_buffers costs twice as much an event, since every id goes to a
 * random page of its index. */

/* Of this machine, or of the container where that has less. */
int64_t pgmemory_of_machine(void);

enum { PGMEMORY_TEXT_MAX = 400 };
/* Lines for postgresql.conf, for so many bytes of memory, of which the service and a training have most. Returns out. */
char *pgmemory_settings(int64_t bytes, char out[PGMEMORY_TEXT_MAX]);

/* The file that has them, in the cluster's folder, and the line of postgresql.conf that reads it. */
#define PGMEMORY_FILE    "cartwright.memory.conf"
#define PGMEMORY_INCLUDE "include_if_exists = '" PGMEMORY_FILE "'\n"
/* Writes the file anew. */
CAN_FAIL bool pgmemory_write(const char *data, struct err *err);

#endif
