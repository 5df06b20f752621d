/* Bare TCP for tests. */
#include "api/raw.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int raw_connect(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof to) != 0) {
        perror("raw_connect");
        exit(1);
    }
    return fd;
}

bool raw_send(int fd, const char *bytes, size_t len)
{
    for (size_t sent = 0; sent < len;) {
        ssize_t n = send(fd, bytes + sent, len - sent, MSG_NOSIGNAL);
        if (n <= 0) {
            return false;
        }
        sent += (size_t)n;
    }
    return true;
}

/* One read: 1 got bytes, 0 closed, -1 silent. */
static int read_some(int fd, int wait_ms, char *out, size_t *len)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    if (*len >= RAW_MAX - 1 || poll(&p, 1, wait_ms) <= 0) {
        return -1;
    }
    ssize_t n = recv(fd, out + *len, RAW_MAX - 1 - *len, 0);
    *len += n > 0 ? (size_t)n : 0;
    out[*len] = '\0';
    return n > 0 ? 1 : 0;
}

bool raw_read(int fd, int quiet_ms, char out[RAW_MAX])
{
    size_t len = 0;
    int got = 1;

    out[0] = '\0';
    while (got == 1) {
        got = read_some(fd, quiet_ms, out, &len);
    }
    return got == 0;
}

bool raw_expect(int fd, int wait_ms, const char *part, char out[RAW_MAX])
{
    size_t len = 0;
    int got = 1;

    out[0] = '\0';
    while (got == 1 && strstr(out, part) == NULL) {
        got = read_some(fd, wait_ms, out, &len);
    }
    return strstr(out, part) != NULL;
}
