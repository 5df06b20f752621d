/* A blocking client over one socket, made for servers that die in the middle of an answer. */
#include "support/http_client.h"

#include "support/http_answer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { ANSWER_MAX = 1 << 20, HEAD_MAX = 512 };

struct http_client {
    int fd; /* -1: none */
    int port;
    int timeout_ms;
    const char *key;
    char answer[ANSWER_MAX];
};

struct http_client *http_client_open(const char *key, int timeout_ms)
{
    struct http_client *c = calloc(1, sizeof *c);

    if (c == NULL) {
        abort();
    }
    c->fd = -1;
    c->key = key;
    c->timeout_ms = timeout_ms;
    return c;
}

static void hang_up(struct http_client *c)
{
    if (c->fd >= 0) {
        (void)close(c->fd);
        c->fd = -1;
    }
}

void http_client_close(struct http_client *c)
{
    if (c != NULL) {
        hang_up(c);
        free(c);
    }
}

static int dial(struct http_client *c, int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval limit = {.tv_sec = c->timeout_ms / 1000,
                            .tv_usec = (suseconds_t)(c->timeout_ms % 1000) * 1000};
    int one = 1;

    c->port = port;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0) {
        hang_up(c);
        return -1;
    }
    (void)setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    (void)setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return 0;
}

static int send_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n <= 0) {
            return -1;
        }
        bytes += n;
        len -= (size_t)n;
    }
    return 0;
}

static int send_request(const struct http_client *c, const char *path, const char *body)
{
    char head[HEAD_MAX];
    size_t len = body != NULL ? strlen(body) : 0;
    int n = snprintf(head, sizeof head,
                     "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s%s%sContent-Type: application/json\r\n"
                     "Content-Length: %zu\r\n\r\n",
                     body != NULL ? "POST" : "GET", path,
                     c->key != NULL ? "Authorization: Bearer " : "", c->key != NULL ? c->key : "",
                     c->key != NULL ? "\r\n" : "", len);

    if (n < 0 || (size_t)n >= sizeof head) {
        abort();
    }
    return send_all(c->fd, head, (size_t)n) != 0 || send_all(c->fd, body, len) != 0 ? -1 : 0;
}

/* Returns the status, or -1 where no whole answer came; the connection is then of no further use. */
static int receive_answer(struct http_client *c, const char **out_body)
{
    size_t len = 0;

    while (len + 1 < sizeof c->answer) {
        struct http_answer answer;
        ssize_t n = recv(c->fd, c->answer + len, sizeof c->answer - 1 - len, 0);
        if (n <= 0) {
            return -1;
        }
        len += (size_t)n;
        c->answer[len] = '\0';
        enum http_scan scan = http_answer_scan(c->answer, len, &answer);
        if (scan == HTTP_BAD) {
            return -1;
        }
        if (scan == HTTP_WHOLE) {
            *out_body = answer.body;
            if (answer.closes) {
                hang_up(c);
            }
            return answer.status;
        }
    }
    return -1;
}

int http_client_request(struct http_client *c, int port, const char *path, const char *body,
                        const char **out_body)
{
    if (c->fd >= 0 && c->port != port) {
        hang_up(c);
    }
    if (c->fd < 0 && dial(c, port) != 0) {
        return 0;
    }
    int status = send_request(c, path, body) == 0 ? receive_answer(c, out_body) : -1;
    if (status < 0) {
        hang_up(c);
    }
    return status;
}
