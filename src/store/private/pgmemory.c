#include "store/private/pgmemory.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How much of the machine the private server takes. */

#define MB (INT64_C(1) << 20)
#define GB (INT64_C(1) << 30)

/* A container's limit; INT64_MAX where the file has none. */
static int64_t limit_in(const char *path)
{
    char line[32] = "";
    CLEANUP(file_close) FILE *f = fopen(path, "re");
    const long long bytes =
        f != NULL && fgets(line, sizeof line, f) != NULL ? strtoll(line, NULL, 10) : 0;

    return bytes > 0 ? bytes : INT64_MAX; /* "max" is no number */
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t pgmemory_of_machine(void)
{
    const int64_t machine = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);

    return least(machine, least(limit_in("/sys/fs/cgroup/memory.max"),
                                limit_in("/sys/fs/cgroup/memory/memory.limit_in_bytes")));
}

static int64_t within(int64_t bytes, int64_t low, int64_t high)
{
    return bytes < low ? low : least(bytes, high);
}

char *pgmemory_settings(int64_t bytes, char out[PGMEMORY_TEXT_MAX])
{
    (void)snprintf(out, PGMEMORY_TEXT_MAX,
                   "shared_buffers = %lldMB\n"
                   "effective_cache_size = %lldMB\n"
                   "maintenance_work_mem = %lldMB\n"
                   "max_wal_size = %lldMB\n"
                   "checkpoint_completion_target = 0.9\n",
                   (long long)(within(bytes / 4, 128 * MB, 8 * GB) / MB),
                   (long long)(within(bytes / 2, 256 * MB, INT64_MAX) / MB),
                   (long long)(within(bytes / 32, 64 * MB, 1 * GB) / MB),
                   (long long)(within(bytes / 4, 2 * GB, 16 * GB) / MB));
    return out;
}

bool pgmemory_write(const char *data, struct err *err)
{
    char path[PATH_MAX];
    char text[PGMEMORY_TEXT_MAX];

    if (snprintf(path, sizeof path, "%s/" PGMEMORY_FILE, data) >= (int)sizeof path) {
        return FAIL_AT(err, ERR_INVALID, "data_dir", "the path is too long");
    }
    /* The folder is the server's user's: what lies there under that name must not lead elsewhere. */
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    const char *lines = pgmemory_settings(pgmemory_of_machine(), text);
    const bool ok = fd >= 0 && write(fd, lines, strlen(lines)) == (ssize_t)strlen(lines);
    const int why = errno;

    if (fd >= 0) {
        (void)close(fd);
    }
    return ok || FAIL(err, ERR_INTERNAL, "cannot write %s: error %d", path, why);
}
