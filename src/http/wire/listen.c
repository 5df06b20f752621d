/* The listening socket: from the setting "listen" to a bound descriptor. */
#include "http/wire/listen.h"

#include "base/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HOST_MAX = 200, PORT_MAX = 8, BACKLOG = 1024 };

static bool is_loopback(const struct sockaddr_storage *a)
{
    if (a->ss_family == AF_INET) {
        struct in_addr v4 = ((const struct sockaddr_in *)a)->sin_addr;
        /* all of 127.0.0.0/8 */
        return ntohl(v4.s_addr) >> 24 == 127;
    }
    /* 127.0.0.1 written as IPv6 (::ffff:127.0.0.1) counts as none: without keys the safe side */
    return a->ss_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)a)->sin6_addr);
}

/* -1 with errno. */
static int bind_one(const struct addrinfo *info)
{
    /* SOCK_CLOEXEC: the private PostgreSQL is started later, and would keep the port */
    int fd = socket(info->ai_family, info->ai_socktype | SOCK_CLOEXEC, info->ai_protocol);
    int on = 1;

    if (fd < 0) {
        return -1;
    }
    /* SO_REUSEADDR: a restart must not wait for connections of before in TIME_WAIT */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, info->ai_addr, info->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        int problem = errno;
        (void)close(fd);
        errno = problem;
        return -1;
    }
    return fd;
}

/* Binds the first that can be; -1 with the errno of the last. A name has several: that of a machine
 * without IPv6 may still have an IPv6 one in front. */
static int bind_any(const struct addrinfo *info)
{
    int fd = -1;

    for (; info != NULL && fd < 0; info = info->ai_next) {
        fd = bind_one(info);
    }
    return fd;
}

CAN_FAIL static bool describe(struct listener *l, struct err *err)
{
    struct sockaddr_storage bound = {0};
    socklen_t len = sizeof bound;
    char host[HOST_MAX];
    char port[PORT_MAX];

    /* What was bound, not what was asked for: port 0 and names get their meaning only then, and
     * whether --auth=off is allowed hangs on the address. */
    if (getsockname(l->fd, (struct sockaddr *)&bound, &len) != 0 ||
        getnameinfo((struct sockaddr *)&bound, len, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        return FAIL_AT(err, ERR_INTERNAL, "listen", "the bound address cannot be read");
    }
    bool v6 = bound.ss_family == AF_INET6;
    (void)snprintf(l->url, sizeof l->url, "http://%s%s%s:%s", v6 ? "[" : "", host, v6 ? "]" : "",
                   port);
    l->loopback = is_loopback(&bound);
    return true;
}

/* What went wrong, and what to do about it. */
static const char *bind_words(int code)
{
    switch (code) {
    case EADDRINUSE:
        return "something listens there already, perhaps another serve: end it, or name another "
               "port with --listen HOST:PORT (port 0: any that is free)";
    case EADDRNOTAVAIL:
        return "this machine has no such address: 127.0.0.1 is for itself only, 0.0.0.0 for all "
               "networks it is in";
    case EACCES:
        return "permission denied: ports below 1024 are for root; name a higher one";
    default:
        return err_words(code);
    }
}

CAN_FAIL bool listen_open(const char *address, struct listener *out, struct err *err)
{
    struct address a;
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    struct addrinfo *info = NULL;
    struct listener l = {.fd = -1};

    if (!address_split(address, &a, err)) {
        err_at(err, "listen");
        return false;
    }
    int problem = getaddrinfo(a.host, a.port, &hints, &info);
    if (problem != 0) {
        return FAIL_AT(err, ERR_INVALID, "listen", "%s: %s", address, gai_strerror(problem));
    }
    l.fd = bind_any(info);
    freeaddrinfo(info);
    if (l.fd < 0) {
        return FAIL_AT(err, ERR_INVALID, "listen", "cannot bind %.80s: %s", address,
                       bind_words(errno));
    }
    if (!describe(&l, err)) {
        (void)close(l.fd);
        return false;
    }
    *out = l;
    return true;
}
