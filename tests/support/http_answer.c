/* Reads what our own server answers; no general HTTP parser. */
#include "support/http_answer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The value of a header between head and its end; NULL if it is not there. */
static const char *header_value(const char *head, const char *end, const char *name)
{
    size_t len = strlen(name);

    for (const char *line = strstr(head, "\r\n"); line != NULL && line < end;
         line = strstr(line + 2, "\r\n")) {
        const char *at = line + 2;
        if (strncasecmp(at, name, len) == 0 && at[len] == ':') {
            at += len + 1;
            return at + strspn(at, " ");
        }
    }
    return NULL;
}

enum http_scan http_answer_scan(const char *bytes, size_t len, struct http_answer *out)
{
    const char *end = strstr(bytes, "\r\n\r\n");
    if (end == NULL) {
        return len > 0 && strncmp(bytes, "HTTP/1.1 ", len < 9 ? len : 9) != 0 ? HTTP_BAD
                                                                              : HTTP_PARTIAL;
    }
    const char *length = header_value(bytes, end, "Content-Length");
    const char *connection = header_value(bytes, end, "Connection");
    if (strncmp(bytes, "HTTP/1.1 ", 9) != 0 || length == NULL) {
        return HTTP_BAD;
    }
    size_t head = (size_t)(end + 4 - bytes);
    *out = (struct http_answer){
        .status = (int)strtol(bytes + 9, NULL, 10),
        .body = end + 4,
        .body_len = strtoul(length, NULL, 10),
        .closes = connection != NULL && strncasecmp(connection, "close", 5) == 0,
    };
    out->len = head + out->body_len;
    return len >= out->len ? HTTP_WHOLE : HTTP_PARTIAL;
}
