#ifndef FLOW_IMPORT_BATCH_H
#define FLOW_IMPORT_BATCH_H

#include "flow/import.h"
#include "store/events.h"

/* Events on their way into the log, appended some thousands at a time: one statement, one commit.
 */
struct batch;

struct batch *batch_open(struct db *db, struct import_result *result); /* owns; borrows both */
void batch_close(struct batch **b);

/* Decodes one native event by the rules of every road in and keeps it for the next append.
 * ERR_INVALID, with the pointer as path: the event is not what it should be, and was left out. */
CAN_FAIL bool batch_add(struct batch *b, const char *json, size_t len, struct err *err);
/* Appends what waits, and counts it into the result. */
CAN_FAIL bool batch_flush(struct batch *b, struct err *err);

#endif
