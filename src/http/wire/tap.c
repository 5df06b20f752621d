/* The recv that libmicrohttpd calls. */
#include "http/wire/tap.h"

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

enum {
    FILES_MAX = 65536, /* a process has the lowest numbers first, and serve opens fewer */
    READ_MAX = 16 * 1024,
    DROPS_MAX = 64,
};

/* By descriptor. Written by the thread that adds and removes connections, before the library reads from
 * one and after it has stopped. */
static struct tap *_Atomic taps[FILES_MAX];

bool tap_add(int fd, struct tap *tap)
{
    if (fd < 0 || fd >= FILES_MAX) {
        return false;
    }
    atomic_store(&taps[fd], tap);
    return true;
}

void tap_remove(int fd)
{
    if (fd >= 0 && fd < FILES_MAX) {
        atomic_store(&taps[fd], NULL);
    }
}

/* What has come behind a refused request. Closing on unread bytes would reset the connection, and the
 * client might never read why. */
static void drop_rest(int fd, char *scratch)
{
    for (int i = 0; i < DROPS_MAX; i++) {
        if (recvfrom(fd, scratch, READ_MAX, MSG_DONTWAIT, NULL, NULL) <= 0) {
            return;
        }
    }
}

/* What comes out at the end of the connection; 0: nothing, or no more. */
static size_t end(struct tap *tap, int fd, char *out, size_t len, char *scratch)
{
    bool late = atomic_load(&tap->late);
    size_t n = gate_end(&tap->gate, late ? 408 : 400,
                        late ? "the request has not arrived in full in time (http_deadline)"
                             : "the connection ended within the request",
                        out, len);

    drop_rest(fd, scratch);
    return n;
}

static ssize_t read_through(struct tap *tap, int fd, char *out, size_t len, int flags)
{
    char raw[READ_MAX];
    size_t kept = gate_held(&tap->gate) + GATE_SLACK;

    /* Cannot be while the library hands us the half of its memory that it reads a head into (the
     * server sees to it); it would have to refuse the head as too large, too. */
    if (len <= kept) {
        errno = ENOBUFS;
        return -1;
    }
    if (atomic_load(&tap->late)) {
        return (ssize_t)end(tap, fd, out, len, raw);
    }
    size_t want = len - kept < sizeof raw ? len - kept : sizeof raw;
    ssize_t got = recvfrom(fd, raw, want, flags, NULL, NULL);
    if (got < 0 || (got == 0 && atomic_load(&tap->cut))) {
        return got;
    }
    if (got == 0) {
        return (ssize_t)end(tap, fd, out, len, raw);
    }
    size_t n = gate_feed(&tap->gate, raw, (size_t)got, out);
    if (tap->gate.refused != 0) {
        drop_rest(fd, raw);
    } else if (tap->arrives != NULL && gate_busy(&tap->gate)) {
        tap->arrives(tap->cls);
    }
    if (n == 0) {
        /* as if nothing had come: it has to wait for the rest of a head */
        errno = EAGAIN;
        return -1;
    }
    return (ssize_t)n;
}

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): the C library's are reserved */
ssize_t recv(int fd, void *buf, size_t len, int flags)
{
    struct tap *tap = fd >= 0 && fd < FILES_MAX ? atomic_load(&taps[fd]) : NULL;

    /* on Linux the same call by its other name */
    return tap == NULL ? recvfrom(fd, buf, len, flags, NULL, NULL)
                       : read_through(tap, fd, buf, len, flags);
}
