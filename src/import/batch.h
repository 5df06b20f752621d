#ifndef IMPORT_BATCH_H
#define IMPORT_BATCH_H

#include "base/err.h"
#include "domain/shop/event_warnings.h"
#include "foreign/cause.h"
#include "import/result.h"
#include "store/database.h"
#include "store/events.h"

#include <stddef.h>

/* Events on their way into the log, appended some thousands at a time by two writers, each with half
 * of the lanes and its own connection, while the next ones are being read. Within a lane they keep
 * the order of the file. */
struct batch;

/* The result is borrowed; it is up to date after batch_finish. ids_allowed: as in domain/shop/placeholder.h, borrowed. */
CAN_FAIL bool batch_open(const struct database *database, const char *ids_allowed,
                         struct import_result *result, struct batch **out, struct err *err);
void batch_close(struct batch **b); /* CLEANUP; waits for the writers */

/* What is said of an event; borrowed until the next one. */
struct batch_said {
    enum cause cause; /* of what is invalid */
    struct event_warning warnings[EVENT_WARNINGS_MAX];
    size_t warning_count; /* 0 of what is invalid */
};

/* Decodes one native event by the rules of every road in and keeps it for the next append.
 * ERR_INVALID, with the pointer as path: the event is not what it should be, and was left out; with err->more what else is wrong.
 * Any other kind: an append failed, of this event or of earlier ones. */
CAN_FAIL bool batch_add(struct batch *b, const char *json, size_t len, struct batch_said *out_said,
                        struct err *err);
/* Appends what waits, and comes back when everything is in the log. */
CAN_FAIL bool batch_finish(struct batch *b, struct err *err);

#endif
