#ifndef ML_SESSION_SESSION_GRAPH_H
#define ML_SESSION_SESSION_GRAPH_H

#include "ml/session/session_log.h"

#include <stdbool.h>
#include <stdint.h>

/* What follows what: for each item the items seen near it within sessions, as shares of all that was seen near it. Order counts (behind and ahead of
 * it apart), distance (each step further counts less), and age (recent sessions count more). */
struct session_edge {
    float next;   /* share of the items that came directly after */
    float before; /* share of those directly before */
    float ahead;  /* share of all after it, within the reach, by distance */
    float behind; /* share of all before it */
};

struct session_graph {
    int items;
    int64_t *start; /* (items + 1) */
    int32_t *
        item; /* (start[items]); a row's by falling weight, equal ones by item; never the row's own */
    struct session_edge *edge; /* (start[items]), to item */
};

struct session_graph_options {
    int row_max;          /* entries kept of a row, those of the greatest weight; >= 1 */
    int reach;            /* steps to each side, 1 .. SESSION_REACH_MAX */
    float distance_decay; /* weight of d steps is e^(-(d - 1) / this); > 0 */
    float
        recency; /* weight of a session `age` sessions before the end is e^(-age / this); in sessions, > 0 */
    float prior; /* added to each row's total, so that a row seen once is not believed; >= 0 */
    int threads; /* >= 1; does not change a bit of the result */
};

enum { SESSION_REACH_MAX = 32 };

/* The graph of sessions 0 .. sessions - 1 of the log over log->items items; owned by the caller. */
struct session_graph session_graph_build(const struct session_log *log, int sessions,
                                         const struct session_graph_options *options);
void session_graph_free(struct session_graph *graph); /* accepts {0} */

/* The definition, pair by pair in double over all sessions, O(all pairs) for one entry: what the fast path is tested against. Answers false, and
 * zeros, if the two were never seen near each other. */
bool session_graph_entry_reference(const struct session_log *log, int sessions,
                                   const struct session_graph_options *options, int from, int to,
                                   struct session_edge *out);

#endif
