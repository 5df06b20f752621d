/* Unpacks files of the real data sets. See the header. */
#include "support/data_file.h"

#include "support/folder.h"

#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_BYTES = 512 };

/* Runs zstd OPTIONS [TO FROM]; true if it is there and content. */
static bool zstd(char *options, char *to, char *from)
{
    char program[] = "zstd";
    char *argv[] = {program, options, to, from, NULL};
    pid_t pid = 0;
    int status = 1;
    return posix_spawnp(&pid, program, NULL, NULL, argv, environ) == 0 &&
           waitpid(pid, &status, 0) == pid && status == 0;
}

static void packed_path(char path[PATH_BYTES], const char *name)
{
    const char *data = getenv("CARTWRIGHT_DATA");
    (void)snprintf(path, PATH_BYTES, "%s/%s.zst", data ? data : "", name);
}

const char *data_file_absent(const char *name)
{
    char path[PATH_BYTES];
    packed_path(path, name);
    if (getenv("CARTWRIGHT_DATA") == NULL || access(path, R_OK) != 0) {
        return "the data sets are not here (CARTWRIGHT_DATA)";
    }
    char version[] = "-qV";
    return zstd(version, NULL, NULL) ? NULL : "zstd is not installed";
}

const char *data_file(const char *name)
{
    static char to[PATH_BYTES];
    char from[PATH_BYTES];
    char options[] = "-qdfo";
    packed_path(from, name);
    (void)snprintf(to, sizeof to, "%s/%s", folder_of_run(), name);
    if (!zstd(options, to, from)) {
        (void)fprintf(stderr, "zstd could not unpack %s\n", from);
        exit(1);
    }
    return to;
}
