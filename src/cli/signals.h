#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

#include <signal.h>

/* SIGTERM, SIGINT and, unless it is ignored, SIGHUP. */
sigset_t cli_ending_signals(void);
/* From now on these end the program only after its private PostgreSQL, if it is the last to use it, was stopped. Before the first thread, or
 * where all of them have these signals blocked. For commands that have nothing else to put in order, or cannot wait for it. */
void cli_end_on_signals(void);

#endif
