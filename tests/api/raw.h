/* A bare TCP connection: bytes as they are, for what no HTTP library would send. */
#ifndef API_RAW_H
#define API_RAW_H

#include <stdbool.h>
#include <stddef.h>

enum { RAW_MAX = 65536 };

int raw_connect(int port);
bool raw_send(int fd, const char *bytes, size_t len); /* false: the other side has closed */

/* Reads until the other side closes or is silent for quiet_ms; NUL-terminated. True if it closed. */
bool raw_read(int fd, int quiet_ms, char out[RAW_MAX]);

/* Waits for one more answer with these bytes in it; false: closed, or silent for wait_ms. */
bool raw_expect(int fd, int wait_ms, const char *part, char out[RAW_MAX]);

#endif
