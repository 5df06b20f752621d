/* One keep-alive connection for tests: a request, its answer, or the honest word that nobody knows
 * whether the request was carried out. One thread at a time. */
#ifndef SUPPORT_HTTP_CLIENT_H
#define SUPPORT_HTTP_CLIENT_H

#include <stddef.h>

struct http_client;

/* key: NULL where auth is off; borrowed. timeout_ms bounds each wait for the server. */
struct http_client *http_client_open(const char *key, int timeout_ms);
void http_client_close(struct http_client *c);

/* Sends POST (body) or GET (body NULL) to 127.0.0.1:port, over the connection of the last call
 * where port is the same. Returns the status, 0 where nothing was sent (no connection), or -1 where
 * the connection broke after sending. *out_body is borrowed until the next call. */
int http_client_request(struct http_client *c, int port, const char *path, const char *body,
                        const char **out_body);

#endif
