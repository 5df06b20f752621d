#ifndef CLI_CHORE_RUN_H
#define CLI_CHORE_RUN_H

#include "base/config.h"
#include "base/err.h"

#include <sys/types.h>

/* A command of this program as a process of its own: niced, so that answers go first, and never longer than the process that started it. */
struct chore_run {
    pid_t pid;      /* 0: none */
    int output;     /* its standard output and error */
    char line[512]; /* the last one that was whole */
    size_t len;     /* of what is not whole yet, in rest */
    char rest[512];
};

/* words: the command, NULL at the end. It gets these settings, whatever this process was called with. */
CAN_FAIL bool chore_run_start(struct chore_run *r, const struct config *config,
                              const char *const *words, struct err *err);

/* Waits for what it prints, wait_ms at most; tells every line to the log under that event. False: it has closed its output, and can be waited for. */
bool chore_run_read(struct chore_run *r, const char *event, int wait_ms);

/* Waits for its end. Returns the exit code, or 128 + signal. */
int chore_run_end(struct chore_run *r);

#endif
