#ifndef SIM_SIM_OFFLINE_H
#define SIM_SIM_OFFLINE_H

#include "base/err.h"
#include "sim/sim_life.h"

#include <stdio.h>

/* Lives of a world's shoppers as files: native events as JSON lines for `cartwright import --format
 * ndjson`, and the truth of every moment of an open cart. No server, no network. */
struct sim_offline {
    const struct sim_world *world;
    struct life_options life;
    FILE *events;
    FILE *truth; /* NULL: none is computed */
};

struct sim_offline_counts {
    int64_t events, carts, moments;
};

/* Writes everything, shopper by shopper. Fails with ERR_INTERNAL where a file cannot be written. */
CAN_FAIL bool sim_offline_write(const struct sim_offline *s, struct sim_offline_counts *out,
                                struct err *err);

#endif
