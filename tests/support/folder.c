/* A folder that ends with the process. See the header. */
#include "support/folder.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { OPEN_MAX_DEPTH = 16 };

static char folder[] = "/tmp/cartwright-run-XXXXXX";
static pid_t owner; /* a forked child leaves it to its parent */

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static void remove_folder(void)
{
    if (getpid() == owner) {
        (void)nftw(folder, remove_entry, OPEN_MAX_DEPTH, FTW_DEPTH | FTW_PHYS);
    }
}

const char *folder_of_run(void)
{
    if (owner == 0) {
        if (mkdtemp(folder) == NULL || atexit(remove_folder) != 0) {
            perror(folder);
            exit(1);
        }
        owner = getpid();
    }
    return folder;
}
