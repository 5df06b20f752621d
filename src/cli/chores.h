#ifndef CLI_CHORES_H
#define CLI_CHORES_H

#include "base/config.h"
#include "base/err.h"
#include "store/pg/pool.h"

/* serve's own housekeeping: trainings (train_every) and maintenance (maintain_every), each a process of its own (chore_run.h), one at a time on this
 * replica and one replica at a time by the lease of its row (store/chores.h). What came of them stands in the row, the log and /metrics. */
struct chores;

/* Starts the thread that looks what is due. Borrows both. */
CAN_FAIL bool chores_start(const struct config *config, struct pool *pool, struct chores **out,
                           struct err *err);
/* Ends what is under way: asks the process to (SIGTERM), and ends it two seconds later. Returns at once; begins nothing any more. */
void chores_stop(struct chores *c);
void chores_close(struct chores **c); /* waits for it; accepts NULL */

#endif
