#ifndef STORE_PRIVATE_CHILD_H
#define STORE_PRIVATE_CHILD_H

#include "base/err.h"

#include <sys/types.h>

/* Who a child process runs as. */
struct child_user {
    uid_t uid;
    gid_t gid;
};

/* Runs a program (argv[0] a path, argv ends with NULL) as the user, in "/", with a bare
 * environment, and waits for it. Fails with the last line it printed if it does not exit with 0.
 * Changing the user needs root. */
CAN_FAIL bool child_run(struct child_user user, const char *const *argv, struct err *err);

/* True if the user can enter the directory. */
bool child_can_enter(struct child_user user, const char *dir);

#endif
