#ifndef MUTATE_CHILD_H
#define MUTATE_CHILD_H

#include "mutant.h"

/* One program run to its end, or to its time limit. */

struct child {
    char *const *argv;
    char *const
        *env; /* the whole environment, without the mark by which what it leaves behind is found */
    const char *folder;
    const char *output; /* a file that gets what it prints */
    double seconds_max;
};

struct child_end {
    int code; /* of exit, or 128 + the signal */
    bool timed_out;
    double seconds;
    double cpu_seconds; /* its own and that of the children it waited for */
};

/* Leaves no process of it running, not even those that left its session. Safe on several threads. */
struct child_end child_run(const struct child *c);

double now_seconds(void);

#endif
