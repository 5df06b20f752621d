#ifndef EVENTLOG_CARRY_H
#define EVENTLOG_CARRY_H

#include "store/carry.h"
#include "store/database.h"

/* A log of before migration 31 is carried into the form of today, a page of one lane at a time, each in a transaction: killed at any moment it goes on where
 * it was. Who reads and appends meanwhile sees every event once (sql/migrations/0031_log_bytes.sql). Any number may do it at once. */

/* To the end, or until stop is requested. *out_moved: events that this call moved. Fails where the database is away. */
CAN_FAIL bool carry_run(const struct database *database, int64_t *out_moved, struct err *err);

/* The same in a thread, beside a service: half of the time it rests, and it waits for a database that is away. *out is NULL where there is nothing
 * to carry. database is borrowed. */
struct carrier;
CAN_FAIL bool carrier_start(const struct database *database, struct carrier **out, struct err *err);
/* After stop_request. Accepts NULL. */
void carrier_stop(struct carrier **carrier);

#endif
