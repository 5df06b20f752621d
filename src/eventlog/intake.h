#ifndef EVENTLOG_INTAKE_H
#define EVENTLOG_INTAKE_H

#include "base/config.h"
#include "base/err.h"
#include "store/database.h"
#include "store/events.h"

/* Group commit of the event log. Callers block until their events are committed; W lane-affine
 * writer threads (own connections; writer of a lane = lane mod W) commit whatever waits, at most
 * intake_batch events at once. Nothing is answered before COMMIT. The events of a lane that another transaction holds
 * wait with one more writer, and keep nobody else's waiting. */
struct intake;

CAN_FAIL bool intake_open(const struct database *database, const struct config *config,
                          struct intake **out, struct err *err);

/* Appends the rows and waits for their commit; out_status[i] belongs to rows[i]. rows stay the
 * caller's and must live until it returns. ERR_BUSY at once when the queue is full or draining, and
 * when the database stays away longer than the request deadline (then events may or may not be
 * stored: a retry with the same ids is safe, and the error says so). */
CAN_FAIL bool intake_submit(struct intake *intake, const struct event_row *rows, size_t count,
                            enum append_status *out_status, struct err *err);

struct intake_state {
    size_t queued;      /* events that wait */
    size_t held_events; /* those of them whose lane another transaction holds */
    int held_lanes;
    int held_lane;      /* the one held longest; -1: none */
    int64_t held_us;    /* for how long */
    int64_t stalled_us; /* something else waits, and nothing was stored for so long */
};
void intake_look(struct intake *intake, struct intake_state *out);

/* Refuses new work from now on and commits what waits, without retrying through an outage; returns
 * at once. For a drain: callers may still be on their way in, so that closing has to wait. */
void intake_refuse(struct intake *intake);

/* Refuses new work, commits what waits, joins the writers. */
void intake_close(struct intake **intake);

#endif
