#include "support/process.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of /proc/PID/stat (proc(5)): the parent, and the time of the process and of the children that it has waited for, in ticks. */
static bool stat_read(pid_t pid, pid_t *out_parent, int64_t *out_ticks)
{
    char path[64];
    char text[1024];
    enum { FIRST_TIME = 11, LAST_TIME = 14 };
    int64_t ticks = 0;

    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "r");
    if (f == NULL) {
        return false;
    }
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    (void)fclose(f);
    const char *rest = strrchr(text, ')'); /* the name may hold anything */
    if (rest == NULL || strlen(rest) < 4) {
        return false;
    }
    /* behind the name and the state stand numbers alone: parent first, then the times as the 11th to 14th */
    char *at = text + (rest - text) + 4;
    for (int n = 1; n <= LAST_TIME; n++) {
        const int64_t number = strtoll(at, &at, 10);
        if (n == 1) {
            *out_parent = (pid_t)number;
        }
        ticks += n >= FIRST_TIME ? number : 0;
    }
    *out_ticks = ticks;
    return true;
}

int64_t process_cpu_us(pid_t pid)
{
    int64_t sum = 0;
    DIR *dir = opendir("/proc");

    for (struct dirent *e = dir == NULL ? NULL : readdir(dir); e != NULL; e = readdir(dir)) {
        const pid_t each = (pid_t)strtol(e->d_name, NULL, 10);
        pid_t parent;
        int64_t ticks;
        if (each > 0 && stat_read(each, &parent, &ticks) && (each == pid || parent == pid)) {
            sum += ticks;
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    return sum * 1000000 / sysconf(_SC_CLK_TCK);
}

pid_t process_parent(pid_t pid)
{
    pid_t parent;
    int64_t ticks;

    if (!stat_read(pid, &parent, &ticks)) {
        (void)fprintf(stderr, "process %d is not on this machine\n", (int)pid);
        exit(1);
    }
    return parent;
}
