#ifndef STORE_PRIVATE_PGSERVER_H
#define STORE_PRIVATE_PGSERVER_H

#include "base/err.h"

/* The private PostgreSQL under data_dir, used where database_url is empty. Unix socket only, no
 * TCP. As root the server runs as the user `postgres`; where that user cannot reach data_dir (a
 * 0700 home) the cluster lies under /var/lib/cartwright/ and a link stays. The socket lives in a
 * short runtime directory (path limit 107 bytes). A server left over by a killed parent is found
 * again and used. Every user of it holds a shared lock on data_dir/pg.lock; the one who started it
 * stops it on pgserver_close, and only when nobody else holds the lock (else the last one stops
 * it). initdb with UTF8, C locale, trust on the socket for the owner only (peer map), fsync on. */
struct pgserver;

/* Starts or joins; *out owns. conninfo (borrowed from it) is for db_open. */
CAN_FAIL bool pgserver_open(const char *data_dir, struct pgserver **out, struct err *err);
/* Whether some process uses the one under data_dir at this moment. */
bool pgserver_is_used(const char *data_dir);
const char *pgserver_conninfo(const struct pgserver *s);
/* Starts the server again where it has ended by itself (killed, out of memory); *out_restarted says whether that was needed. From any thread. Nothing is
 * lost: what was committed is in its write-ahead log. */
CAN_FAIL bool pgserver_revive(struct pgserver *s, bool *out_restarted, struct err *err);
void pgserver_close(struct pgserver **s);
/* Closes all that this process opened, for a process that ends by a signal: other threads may be at work on them, and nothing may be
 * opened or closed afterwards. Waits for one that is being started. */
void pgserver_leave_all(void);

#endif
