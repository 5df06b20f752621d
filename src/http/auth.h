#ifndef HTTP_AUTH_H
#define HTTP_AUTH_H

#include "base/err.h"
#include "store/pg/pool.h"

#include <stdbool.h>

/* Who may do what: API keys, remembered for AUTH_FRESH_US so that a request costs no query. Hence a
 * revoked key may work for that long; a new key works at once. */
struct auth;
#define AUTH_FRESH_US INT64_C(5000000)

/* Reads the keys once. Borrows the pool. */
CAN_FAIL bool auth_open(struct pool *pool, struct auth **out, struct err *err);
void auth_close(struct auth **auth);

/* authorization: the header, NULL where absent. ERR_DENIED or ERR_FORBIDDEN; ERR_BUSY where a key
 * seen for the first time cannot be looked up. */
CAN_FAIL bool auth_check(struct auth *auth, const char *authorization, unsigned scope,
                         struct err *err);

#endif
