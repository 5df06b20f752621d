#include "store/private/pgserver.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "store/pg/rows.h"
#include "store/private/pgcluster.h"

#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Who uses the private server, and when it starts and stops. Two bytes of data_dir/pg.lock: TURN is
 * held exclusively while somebody starts or stops the server, USERS is held shared by everybody who
 * uses it. The kernel lets go of both when a process dies, so there is nothing to clean up.
 * (Open-file-description locks: also right between two opens in one process.) */

enum { TURN, USERS };

#define READY_WAIT_US SECONDS(60)
enum { LOOK_MS = 50 };

struct pgserver {
    int lock; /* file descriptor */
    struct pgcluster cluster;
    char conninfo[256];
    struct pgserver *next; /* in opened */
};

/* What this process uses, for the signal that ends it: whoever opens or closes holds the mutex throughout, so that no server is half
 * started when they are all left. */
static pthread_mutex_t life = PTHREAD_MUTEX_INITIALIZER;
static struct pgserver *opened;

static bool lock_byte(int fd, int byte, short type, int command)
{
    struct flock range = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    int rc;
    do {
        rc = fcntl(fd, command, &range);
    } while (rc != 0 && errno == EINTR);
    return rc == 0;
}

static bool take_turn(int fd)
{
    return lock_byte(fd, TURN, F_WRLCK, F_OFD_SETLKW);
}

static void end_turn(int fd)
{
    (void)lock_byte(fd, TURN, F_UNLCK, F_OFD_SETLK);
}

/* 0711: the server's user must be able to enter; what lies inside has modes of its own. */
static bool open_data_dir(const char *data_dir, char out[PATH_MAX], int *out_lock, struct err *err)
{
    char path[PATH_MAX];
    if (mkdir(data_dir, 0711) != 0 && errno != EEXIST) {
        return FAIL_AT(err, ERR_INVALID, "data_dir", "cannot make %s: %s", data_dir,
                       err_words(errno));
    }
    if (realpath(data_dir, out) == NULL ||
        snprintf(path, sizeof path, "%s/pg.lock", out) >= PATH_MAX) {
        return FAIL_AT(err, ERR_INVALID, "data_dir", "cannot find %s: %s", data_dir,
                       err_words(errno));
    }
    *out_lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    return *out_lock >= 0 ||
           FAIL_AT(err, ERR_INVALID, "data_dir", "cannot open %s: %s", path, err_words(errno));
}

/* ---- the server ---- */

static PGPing ping(const struct pgserver *s)
{
    char conninfo[320];
    /* postgres is there in every cluster; ours may still have to be made. */
    (void)snprintf(conninfo, sizeof conninfo, "%s dbname=postgres connect_timeout=3", s->conninfo);
    return PQping(conninfo);
}

/* Starts the server unless it runs; one that is starting, recovering or stopping is waited for. */
static bool ensure_running(struct pgserver *s, struct err *err)
{
    int64_t deadline = clock_monotonic_us() + READY_WAIT_US;
    while (ping(s) != PQPING_OK) {
        const bool late = clock_monotonic_us() > deadline;
        /* Not there at all: start it. There but silent (recovering after a crash, stopping), or in the way of a new one: wait. */
        if (!pgcluster_running(&s->cluster)) {
            if (pgcluster_start(&s->cluster, err)) {
                return true;
            }
            if (err->kind != ERR_BUSY || late) {
                return false;
            }
        } else if (late) {
            return FAIL(err, ERR_BUSY, "the private PostgreSQL in %s does not answer",
                        s->cluster.data);
        }
        (void)poll(NULL, 0, LOOK_MS); /* its state cannot be awaited, only looked at */
    }
    return true;
}

static void conn_finish(PGconn **conn)
{
    PQfinish(*conn);
}

static bool ensure_database(const struct pgserver *s, struct err *err)
{
    char conninfo[320];
    (void)snprintf(conninfo, sizeof conninfo, "%s dbname=postgres connect_timeout=10", s->conninfo);
    CLEANUP(conn_finish) PGconn *conn = PQconnectdb(conninfo);
    /* On a connection that failed both statements fail, and the second tells why. */
    CLEANUP(rows_clear)
    PGresult *found = PQexec(conn, "SELECT FROM pg_database WHERE datname = 'cartwright'");
    if (PQresultStatus(found) == PGRES_TUPLES_OK && PQntuples(found) == 1) {
        return true;
    }
    /* Two cannot meet here: it is our turn. */
    CLEANUP(rows_clear) PGresult *made = PQexec(conn, "CREATE DATABASE cartwright");
    if (PQresultStatus(made) != PGRES_COMMAND_OK) {
        const char *why = PQerrorMessage(conn);
        return FAIL(err, ERR_INTERNAL, "private PostgreSQL: %.*s", (int)strcspn(why, "\n"), why);
    }
    return true;
}

/* While it is our turn. */
static bool join_server(struct pgserver *s, const char *data_dir, struct err *err)
{
    if (!pgcluster_prepare(data_dir, &s->cluster, err)) {
        return false;
    }
    (void)snprintf(s->conninfo, sizeof s->conninfo, "host=%s port=5432 user=cartwright",
                   s->cluster.socket);
    if (!ensure_running(s, err) || !ensure_database(s, err)) {
        return false;
    }
    (void)snprintf(s->conninfo, sizeof s->conninfo,
                   "host=%s port=5432 user=cartwright dbname=cartwright", s->cluster.socket);
    /* Before our turn ends, or the last user could stop the server between. */
    return lock_byte(s->lock, USERS, F_RDLCK, F_OFD_SETLK) ||
           FAIL(err, ERR_INTERNAL, "cannot lock pg.lock: %s", err_words(errno));
}

static bool use_server(const char *data_dir, struct pgserver **out, struct err *err)
{
    char absolute[PATH_MAX];
    int lock;
    if (!open_data_dir(data_dir, absolute, &lock, err)) {
        return false;
    }
    struct pgserver *s = mem_alloc(sizeof *s);
    s->lock = lock;
    bool ok = take_turn(lock)
                  ? join_server(s, absolute, err)
                  : FAIL(err, ERR_INTERNAL, "cannot lock pg.lock: %s", err_words(errno));
    /* Also after a failure: others may have better luck, or get the same message. */
    end_turn(lock);
    if (!ok) {
        (void)close(lock);
        mem_free(&s);
        return false;
    }
    s->next = opened;
    opened = s;
    *out = s;
    return true;
}

bool pgserver_open(const char *data_dir, struct pgserver **out, struct err *err)
{
    (void)pthread_mutex_lock(&life);
    bool ok = use_server(data_dir, out, err);
    (void)pthread_mutex_unlock(&life);
    return ok;
}

bool pgserver_revive(struct pgserver *s, bool *out_restarted, struct err *err)
{
    bool ok = true;

    *out_restarted = false;
    if (pgcluster_running(&s->cluster)) {
        return true;
    }
    (void)pthread_mutex_lock(&life);
    const struct pgserver *used = opened;
    while (used != NULL && used != s) {
        used = used->next;
    }
    /* one that was left is not to be started again by a process that is ending */
    if (used != NULL && take_turn(s->lock)) {
        /* another process may have been quicker */
        *out_restarted = !pgcluster_running(&s->cluster);
        ok = ensure_running(s, err);
    }
    end_turn(s->lock);
    (void)pthread_mutex_unlock(&life);
    return ok;
}

bool pgserver_is_used(const char *data_dir)
{
    char path[PATH_MAX];
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = USERS, .l_len = 1};
    if (snprintf(path, sizeof path, "%s/pg.lock", data_dir) >= PATH_MAX) {
        return false;
    }
    int lock = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (lock < 0) {
        return false;
    }
    /* only asks: a lock that is tried would keep somebody from joining meanwhile */
    bool used = fcntl(lock, F_OFD_GETLK, &range) == 0 && range.l_type != F_UNLCK;
    (void)close(lock);
    return used;
}

const char *pgserver_conninfo(const struct pgserver *s)
{
    return s->conninfo;
}

static void forget(const struct pgserver *s)
{
    struct pgserver **at = &opened;
    while (*at != s) {
        at = &(*at)->next;
    }
    *at = s->next;
}

static void leave_server(struct pgserver *s)
{
    /* While we have the turn nobody can join: with all of USERS to ourselves we are the last. */
    if (take_turn(s->lock) && lock_byte(s->lock, USERS, F_WRLCK, F_OFD_SETLK)) {
        struct err ignored = {0}; /* nothing is lost: the next start finds the server as it is */
        (void)!pgcluster_stop(&s->cluster, &ignored);
    }
    (void)close(s->lock);
}

void pgserver_close(struct pgserver **server)
{
    if (*server == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&life);
    forget(*server);
    leave_server(*server);
    (void)pthread_mutex_unlock(&life);
    mem_free(server);
}

void pgserver_leave_all(void)
{
    (void)pthread_mutex_lock(&life); /* for good: the process ends */
    for (struct pgserver *s = opened; s != NULL; s = s->next) {
        leave_server(s);
    }
}
