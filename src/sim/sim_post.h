#ifndef SIM_SIM_POST_H
#define SIM_SIM_POST_H

#include "base/buf.h"
#include "base/err.h"
#include "base/jenc.h"
#include "sim/sim_world.h"

#include <jansson.h>

/* The simulator's client of the public API: one keep-alive connection. */
struct sim_client;

/* url without a trailing path, key may be NULL (auth off). Both are copied. */
CAN_FAIL bool sim_client_open(const char *url, const char *key, struct sim_client **out,
                              struct err *err);
void sim_client_close(struct sim_client **c);

/* One event as a native JSON object; run parts the ids of different runs. */
void sim_event_write(struct jenc *j, const struct sim_world *w, const struct sim_event *e,
                     int64_t run);

struct sim_counts {
    int64_t stored, duplicate, conflict, invalid;
};

/* PUTs the whole catalogue. */
CAN_FAIL bool sim_post_products(struct sim_client *c, const struct sim_world *w, struct err *err);

/* Posts events in order, in batches; a 503 is waited out. run parts the ids of different runs. Adds
 * to counts. */
CAN_FAIL bool sim_post_events(struct sim_client *c, const struct sim_world *w,
                              const struct sim_event *events, size_t count, int64_t run,
                              struct sim_counts *counts, struct err *err);

/* POST /v1/outreach for the shopper; *out_send tells the decision. */
CAN_FAIL bool sim_post_outreach(struct sim_client *c, const struct sim_world *w, int shopper,
                                bool *out_send, struct err *err);

#endif
