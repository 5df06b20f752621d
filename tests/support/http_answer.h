#ifndef SUPPORT_HTTP_ANSWER_H
#define SUPPORT_HTTP_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

/* One HTTP/1.1 answer with a Content-Length, as our server sends it. */
struct http_answer {
    int status;
    const char *body; /* borrowed from the bytes */
    size_t body_len;
    size_t len;  /* of the whole answer */
    bool closes; /* the server will close the connection */
};

enum http_scan { HTTP_PARTIAL, HTTP_WHOLE, HTTP_BAD };

/* Looks whether bytes begin with a whole answer. They must be followed by a NUL. */
enum http_scan http_answer_scan(const char *bytes, size_t len, struct http_answer *out);

#endif
