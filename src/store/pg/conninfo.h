#ifndef STORE_PG_CONNINFO_H
#define STORE_PG_CONNINFO_H

#include "base/err.h"

#include <libpq-fe.h>
#include <stdint.h>

/* Connects with what the service needs on top of the operator's own settings: a dead peer is
 * noticed within seconds, text is UTF-8. Where the operator's string sets one of these, it wins
 * (but for client_encoding). Only parameters that a connection pooler lets through: no `options`.
 * Takes 3 s at most, and not beyond the monotonic until_us (INT64_MAX: no such end). */
CAN_FAIL bool conninfo_connect(const char *conninfo, int64_t until_us, PGconn **out,
                               struct err *err);

#endif
