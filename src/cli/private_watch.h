#ifndef CLI_PRIVATE_WATCH_H
#define CLI_PRIVATE_WATCH_H

#include "base/err.h"
#include "store/private/pgserver.h"

/* A thread that looks every second whether the private PostgreSQL is there, and starts it again where it was killed: nobody else would. */
struct private_watch;

/* Borrows the server. server NULL: there is none to look after, *out is NULL. */
CAN_FAIL bool private_watch_start(struct pgserver *server, struct private_watch **out,
                                  struct err *err);
void private_watch_stop(struct private_watch **w); /* waits for it; accepts NULL */

#endif
