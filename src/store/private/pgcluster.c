#include "store/private/pgcluster.h"

#include "base/cleanup.h"
#include "base/hash.h"
#include "base/stop.h"
#include "store/private/pgmemory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The files of a private PostgreSQL: finds the programs, makes the cluster, knows whether it runs.
 */

#define DEBIAN_ROOT   "/usr/lib/postgresql"
#define ELSEWHERE     "/var/lib/cartwright"
#define SERVER_USER   "postgres" /* whom the server runs as where we are root, which it refuses */
#define DATABASE_ROLE "cartwright"

/* Appended to postgresql.conf once, so that an operator may edit it later. What start needs is on
 * its command line instead. */
static const char settings[] =
    "\n# ---- written by cartwright when it made this cluster ----\n"
    "# sizes that follow the machine, anew at every start; what stands below it wins:\n" PGMEMORY_INCLUDE
    "max_connections = 100\n"
    "work_mem = 16MB\n"
    "random_page_cost = 1.1\n"
    "jit = off\n"
    "fsync = on\n"
    "full_page_writes = on\n"
    "synchronous_commit = on\n"
    "checkpoint_timeout = 15min\n"
    "log_checkpoints = off\n"
    "timezone = 'UTC'\n"
    "log_timezone = 'UTC'\n";

CAN_FAIL static bool join(char out[PATH_MAX], const char *dir, const char *name, struct err *err)
{
    int n = snprintf(out, PATH_MAX, "%s/%s", dir, name);
    return (n > 0 && n < PATH_MAX) || FAIL_AT(err, ERR_INVALID, "data_dir", "the path is too long");
}

static bool exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

/* ---- the programs ---- */

static bool has_programs(const char *bin)
{
    char path[PATH_MAX];
    struct err ignored = {0};
    return join(path, bin, "initdb", &ignored) && access(path, X_OK) == 0 &&
           join(path, bin, "pg_ctl", &ignored) && access(path, X_OK) == 0;
}

static void version_bin(long version, char out[PATH_MAX])
{
    (void)snprintf(out, PATH_MAX, DEBIAN_ROOT "/%ld/bin", version);
}

static long newest_version(void)
{
    long newest = 0;
    CLEANUP(dir_close) DIR *dir = opendir(DEBIAN_ROOT);
    /* One thread at a time reads this directory stream, which is its own. */
    for (const struct dirent *e;
         dir != NULL && (e = readdir(dir)) != NULL;) { // NOLINT(concurrency-mt-unsafe)
        char bin[PATH_MAX];
        long version = strtol(e->d_name, NULL, 10);
        version_bin(version, bin);
        if (version > newest && has_programs(bin)) {
            newest = version;
        }
    }
    return newest;
}

static bool bin_on_path(char out[PATH_MAX])
{
    const char *path = getenv("PATH"); // NOLINT(concurrency-mt-unsafe): nobody sets it
    while (path != NULL && *path != '\0') {
        int len = (int)strcspn(path, ":");
        (void)snprintf(out, PATH_MAX, "%.*s", len, path);
        /* A child runs in "/": a relative entry would mean another folder there, and is nothing to
         * run a server from. */
        if (out[0] == '/' && has_programs(out)) {
            return true;
        }
        path += len + (path[len] == ':');
    }
    return false;
}

/* A cluster is run by the version that made it. A new one is made by what the operator has put on the PATH, where Debian puts
 * nothing, else by the newest that Debian has. */
static bool find_programs(long made_by, char out[PATH_MAX], struct err *err)
{
    if (made_by == 0 && bin_on_path(out)) {
        return true;
    }
    long version = made_by != 0 ? made_by : newest_version();
    version_bin(version, out);
    if ((version != 0 && has_programs(out)) || bin_on_path(out)) {
        return true;
    }
    return made_by != 0 ? FAIL_AT(err, ERR_INVALID, "data_dir",
                                  "was made by PostgreSQL %ld, which is not installed", made_by)
                        : FAIL_AT(err, ERR_INVALID, "database_url",
                                  "is empty, and no PostgreSQL is installed for a private server");
}

/* ---- the user ---- */

/* Ourselves; as root the owner of the cluster, for a new one the user postgres. */
static bool find_user(const char *data, struct child_user *out, struct err *err)
{
    struct stat st;
    /* An existing cluster says whom it belongs to: PostgreSQL starts it as nobody else. */
    bool there = stat(data, &st) == 0;
    if (geteuid() != 0) {
        *out = (struct child_user){geteuid(), getegid()};
        return !there || st.st_uid == geteuid() ||
               FAIL_AT(err, ERR_INVALID, "data_dir", "belongs to another user");
    }
    if (there && st.st_uid != 0) {
        *out = (struct child_user){st.st_uid, st.st_gid};
        return true;
    }
    struct passwd entry;
    struct passwd *found = NULL;
    char text[4096];
    if (getpwnam_r(SERVER_USER, &entry, text, sizeof text, &found) != 0 || found == NULL) {
        return FAIL(err, ERR_INVALID,
                    "PostgreSQL does not run as root, and there is no user " SERVER_USER);
    }
    *out = (struct child_user){found->pw_uid, found->pw_gid};
    return true;
}

/* A directory of the user's that nobody else may enter, made if it is not there. */
static bool own_directory(const char *path, struct child_user user, struct err *err)
{
    struct stat st;
    if (mkdir(path, 0700) == 0) {
        if (geteuid() != user.uid && lchown(path, user.uid, user.gid) != 0) {
            return FAIL(err, ERR_INTERNAL, "cannot give %s to its user: %s", path,
                        err_words(errno));
        }
    } else if (errno != EEXIST) {
        return FAIL(err, ERR_INTERNAL, "cannot make %s: %s", path, err_words(errno));
    }
    /* It may have been there before: in /tmp anybody could have made it, or a link of that name, to get at the socket. */
    if (lstat(path, &st) != 0 || !S_ISDIR(st.st_mode) || st.st_uid != user.uid ||
        (st.st_mode & 022) != 0) {
        return FAIL(err, ERR_INVALID, "%s is not a directory of the server's user alone", path);
    }
    return true;
}

/* ---- the cluster ---- */

/* 0 where there is none. */
static long cluster_version(const char *data)
{
    char path[PATH_MAX];
    char line[16] = "";
    struct err ignored = {0};
    if (!join(path, data, "PG_VERSION", &ignored)) {
        return 0;
    }
    CLEANUP(file_close) FILE *f = fopen(path, "re");
    return f != NULL && fgets(line, sizeof line, f) != NULL ? strtol(line, NULL, 10) : 0;
}

static bool append_settings(const char *data, struct err *err)
{
    char path[PATH_MAX];
    if (!join(path, data, "postgresql.conf", err)) {
        return false;
    }
    CLEANUP(file_close) FILE *f = fopen(path, "ae");
    if (f == NULL || fputs(settings, f) < 0 || fflush(f) != 0 || fsync(fileno(f)) != 0) {
        return FAIL(err, ERR_INTERNAL, "cannot write %s: %s", path, err_words(errno));
    }
    return true;
}

/* What clusters of before have, whatever the machine. */
static const char sizes_of_before[] = "shared_buffers = 256MB\n"
                                      "work_mem = 16MB\n"
                                      "maintenance_work_mem = 128MB\n"
                                      "effective_cache_size = 1GB\n";

/* A cluster of before, whose sizes nobody has changed, gets those of its machine as well. */
static bool settings_renewed(const char *data, struct err *err)
{
    char path[PATH_MAX];
    char text[64 << 10];
    if (!join(path, data, "postgresql.conf", err)) {
        return false;
    }
    CLEANUP(file_close) FILE *f = fopen(path, "r+e");
    if (f == NULL) {
        return FAIL(err, ERR_INTERNAL, "cannot read %s: error %d", path, errno);
    }
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    if (strstr(text, sizes_of_before) == NULL || strstr(text, PGMEMORY_FILE) != NULL) {
        return true;
    }
    return (fseek(f, 0, SEEK_END) == 0 && fputs("\n" PGMEMORY_INCLUDE, f) >= 0 && fflush(f) == 0) ||
           FAIL(err, ERR_INTERNAL, "cannot write %s: error %d", path, errno);
}

/* A half-made cluster never has the final name: initdb works beside it. */
static bool make_cluster(const struct pgcluster *c, struct err *err)
{
    char fresh[PATH_MAX];
    char initdb[PATH_MAX];
    if (!join(initdb, c->bin, "initdb", err) ||
        snprintf(fresh, sizeof fresh, "%s.new", c->data) >= PATH_MAX) {
        return false;
    }
    const char *const clear[] = {"/bin/rm", "-rf", "--", fresh, NULL};
    if (exists(fresh)) {
        /* As its owner, who cannot remove the folder itself where the one above is ours. */
        struct err ignored = {0};
        (void)!child_run(c->user, clear, &ignored);
        (void)rmdir(fresh);
    }
    const char *const init[] = {initdb,  "-D", fresh,  "-U",         DATABASE_ROLE, "-A",
                                "trust", "-E", "UTF8", "--locale=C", NULL};
    if (!own_directory(fresh, c->user, err) || !child_run(c->user, init, err) ||
        !append_settings(fresh, err)) {
        return false;
    }
    /* The one moment at which there is a cluster: a process killed before it leaves only what the next one clears. */
    return rename(fresh, c->data) == 0 ||
           FAIL(err, ERR_INTERNAL, "cannot make %s: %s", c->data, err_words(errno));
}

/* ---- its places ---- */

/* 8 hex digits that tell one path from another. */
static void short_name(const char *path, char out[9])
{
    uint8_t sum[SHA256_BYTES];
    char hex[SHA256_HEX];
    /* Of the path: the same cluster has the same socket in every process, and two clusters have
     * two. */
    hash_sha256(path, strlen(path), sum);
    (void)snprintf(out, 9, "%.8s", hash_hex(sum, sizeof sum, hex));
}

/* Where the server's user cannot enter data_dir (a home of mode 0700), the cluster goes elsewhere
 * and a link stays. */
static bool place_elsewhere(const char *data_dir, const char *link, char out[PATH_MAX],
                            struct err *err)
{
    char name[9];
    short_name(data_dir, name);
    if (mkdir(ELSEWHERE, 0711) != 0 && errno != EEXIST) {
        return FAIL(err, ERR_INTERNAL, "cannot make " ELSEWHERE ": %s", err_words(errno));
    }
    (void)snprintf(out, PATH_MAX, ELSEWHERE "/%s", name);
    return symlink(out, link) == 0 || errno == EEXIST ||
           FAIL(err, ERR_INTERNAL, "cannot link %s: %s", link, err_words(errno));
}

/* Follows the link, if data_dir/pg is one; its target may still have to be made. */
static bool find_data(const char *data_dir, struct pgcluster *c, struct err *err)
{
    char here[PATH_MAX];
    if (!join(here, data_dir, "pg", err)) {
        return false;
    }
    ssize_t n = readlink(here, c->data, sizeof c->data - 1);
    if (n > 0 && c->data[0] == '/') {
        c->data[n] = '\0';
        return find_user(c->data, &c->user, err);
    }
    if (!find_user(here, &c->user, err)) {
        return false;
    }
    /* Tried as that user: modes, ACLs and mounts are more than a stat could tell. */
    if (child_can_enter(c->user, data_dir)) {
        (void)snprintf(c->data, sizeof c->data, "%s", here);
        return true;
    }
    return exists(here) ? FAIL_AT(err, ERR_INVALID, "data_dir",
                                  "the server's user cannot enter %s any more", data_dir)
                        : place_elsewhere(data_dir, here, c->data, err);
}

bool pgcluster_prepare(const char *data_dir, struct pgcluster *out, struct err *err)
{
    struct pgcluster c = {.user = {0, 0}};
    if (!find_data(data_dir, &c, err)) {
        return false;
    }
    long made_by = cluster_version(c.data);
    if (!find_programs(made_by, c.bin, err) || (made_by == 0 && !make_cluster(&c, err))) {
        return false;
    }
    char name[9];
    short_name(c.data, name);
    (void)snprintf(c.socket, sizeof c.socket, "/tmp/cartwright-%u-%s", (unsigned)c.user.uid, name);
    *out = c;
    return true;
}

/* ---- running ---- */

/* The pid file's first line; 0 where there is none. */
static long pid_of(const char *pid_file)
{
    char line[32] = "";
    CLEANUP(file_close) FILE *f = fopen(pid_file, "re");
    return f != NULL && fgets(line, sizeof line, f) != NULL ? strtol(line, NULL, 10) : 0;
}

/* After a crash the number may be another program's. */
static bool is_postgres(long pid)
{
    char path[64];
    char name[32] = "";
    (void)snprintf(path, sizeof path, "/proc/%ld/comm", pid);
    CLEANUP(file_close) FILE *f = fopen(path, "re");
    return f != NULL && fgets(name, sizeof name, f) != NULL && strncmp(name, "postgres", 8) == 0;
}

bool pgcluster_running(const struct pgcluster *c)
{
    char pid_file[PATH_MAX];
    struct err ignored = {0};
    if (!join(pid_file, c->data, "postmaster.pid", &ignored)) {
        return false;
    }
    long pid = pid_of(pid_file);
    /* A standalone backend (postgres --single) writes its number negated: it takes no
     * connections. */
    return pid > 0 && is_postgres(pid);
}

enum { LOG_TAIL = 2000, WORDS_MAX = 160 };

/* Where the server's log ends. */
static long log_end(const char *log)
{
    struct stat st;

    return stat(log, &st) == 0 ? (long)st.st_size : 0;
}

/* The line behind a place in the server's log that says why it ended, or the last one. What is left of a server that was killed says so
 * there as well, which is not why. */
static void last_words(const char *log, long from, char out[WORDS_MAX])
{
    char tail[LOG_TAIL + 1];
    char *rest = NULL;
    bool fatal = false;
    CLEANUP(file_close) FILE *f = fopen(log, "re");

    (void)snprintf(out, WORDS_MAX, "its log says nothing");
    if (f == NULL || fseek(f, from, SEEK_SET) != 0) {
        return;
    }
    tail[fread(tail, 1, LOG_TAIL, f)] = '\0';
    for (const char *line = strtok_r(tail, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        const char *why = strstr(line, "FATAL:");
        if (strstr(line, "terminating connection") == NULL && (why != NULL || !fatal)) {
            (void)snprintf(out, WORDS_MAX, "%s", why != NULL ? why : line);
            fatal = fatal || why != NULL;
        }
    }
}

bool pgcluster_start(const struct pgcluster *c, struct err *err)
{
    char pg_ctl[PATH_MAX];
    char log[PATH_MAX];
    char pid_file[PATH_MAX];
    char options[256];
    if (!own_directory(c->socket, c->user, err) || !join(pg_ctl, c->bin, "pg_ctl", err) ||
        !join(log, c->data, "server.log", err) || !join(pid_file, c->data, "postmaster.pid", err) ||
        !pgmemory_write(c->data, err) || !settings_renewed(c->data, err)) {
        return false;
    }
    /* PostgreSQL itself takes any live process of its user for the owner of a left-over pid file;
     * in a container, where pids repeat, it would never start again. */
    if (!pgcluster_running(c)) {
        (void)unlink(pid_file);
    }
    (void)snprintf(
        options, sizeof options,
        "-c listen_addresses='' -c port=5432 -c unix_socket_permissions=0700 -c unix_socket_directories=%s",
        c->socket);
    const char *const argv[] = {pg_ctl,  "start", "-D", c->data, "-l", log, "-o",
                                options, "-w",    "-s", "-t",    "60", NULL};
    const long from = log_end(log);
    if (child_run(c->user, argv, err)) {
        return true;
    }
    char why[WORDS_MAX];
    last_words(log, from, why);
    /* Processes of a postmaster that was killed hold its memory until they notice. */
    const bool held = strstr(why, "shared memory") != NULL;
    return FAIL(err, held ? ERR_BUSY : ERR_UPSTREAM,
                "the private PostgreSQL does not start: %s (%.80s/server.log)", why, c->data);
}

bool pgcluster_stop(const struct pgcluster *c, struct err *err)
{
    char pg_ctl[PATH_MAX];
    if (!join(pg_ctl, c->bin, "pg_ctl", err)) {
        return false;
    }
    /* one that stands still is only told: it stops when it goes on */
    const char *wait = stop_cut() ? "-W" : "-w";
    const char *const argv[] = {pg_ctl, "stop", "-D", c->data, "-m", "fast",
                                wait,   "-s",   "-t", "60",    NULL};
    /* Fast, not smart: idle connections of a program that died must not keep it from stopping. */
    if (!child_run(c->user, argv, err)) {
        return false;
    }
    (void)rmdir(c->socket); /* empty now; the next start makes it again */
    return true;
}
