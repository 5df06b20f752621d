#ifndef STORE_PG_DB_ERROR_H
#define STORE_PG_DB_ERROR_H

#include "base/err.h"

#include <libpq-fe.h>
#include <stdbool.h>

/* What a failed statement means to its caller. */
struct db_fault {
    enum err_kind kind; /* ERR_BUSY or ERR_INTERNAL */
    bool retryable;     /* the whole transaction may be tried again */
    bool broken;        /* the connection is of no further use */
    bool locked;        /* somebody else held a lock for too long */
};

/* sqlstate: five characters, or NULL where the failure came from the client's side of the
 * connection. */
struct db_fault db_fault_of(const char *sqlstate);

/* Fills err from a failed result (NULL: from the connection): "QUERY: message (SQLSTATE)". Returns
 * what it means. */
struct db_fault db_fault_fill(PGconn *conn, const PGresult *res, const char *query,
                              struct err *err);

#endif
