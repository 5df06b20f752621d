#include "base/clock.h"
#include "base/stop.h"
#include "store/pg/db_internal.h"

#include <errno.h>
#include <poll.h>

/* How long a connection is waited for. libpq's own calls wait for ever on a server that stands still
 * (SIGSTOP, a dead disk, a firewall that swallows): a timeout of the server's ends no wait then, since the server is who sleeps. */

#define LOOK_US INT64_C(100000) /* how often who waits looks whether we are about to end */

bool db_wait_socket(int fd, short events, int64_t until_us)
{
    for (;;) {
        int64_t now_us = clock_monotonic_us();
        if (now_us >= until_us || stop_cut()) {
            return false;
        }
        int64_t left_us = until_us - now_us < LOOK_US ? until_us - now_us : LOOK_US;
        struct pollfd p = {.fd = fd, .events = events};
        int n = poll(&p, 1, (int)((left_us + 999) / 1000));
        /* An error of the socket, or of poll itself: libpq will find out and tell. */
        if (n > 0 || (n < 0 && errno != EINTR)) {
            return true;
        }
    }
}

static bool give_up(struct db *db)
{
    db->late = true;
    db->broken = true;
    return false;
}

/* One step: sends what is left to send, and reads what has come. False: given up. */
static bool wait_input(struct db *db, bool *out_lost)
{
    int unsent = PQflush(db->conn);
    short events = unsent == 1 ? POLLIN | POLLOUT : POLLIN;

    if (!db_wait_socket(PQsocket(db->conn), events, db->until_us)) {
        return give_up(db);
    }
    *out_lost = PQconsumeInput(db->conn) == 0;
    return true;
}

PGresult *db_result(struct db *db)
{
    bool lost = false;

    if (db->late) {
        return NULL;
    }
    /* A lost connection ends the wait: PQgetResult makes an error of it without waiting. */
    while (!lost && (PQflush(db->conn) == 1 || PQisBusy(db->conn))) {
        if (!wait_input(db, &lost)) {
            return NULL;
        }
    }
    return PQgetResult(db->conn);
}

int db_copy_data(struct db *db, char **out)
{
    bool lost = false;
    int len = db->late ? -2 : PQgetCopyData(db->conn, out, 1);

    while (len == 0 && !lost) {
        if (!wait_input(db, &lost)) {
            return -2;
        }
        len = PQgetCopyData(db->conn, out, 1);
    }
    return len == 0 ? -2 : len;
}
