#ifndef TESTS_BENCH_CONSUME_LOG_H
#define TESTS_BENCH_CONSUME_LOG_H

/* A day of a shop in the event log, the same for the same seed: shoppers as unequal as real ones, popular and rare products, sessions
 * that go through the funnel, a fifth of them anonymous, some of which log in. */
#include "store/pg/db.h"

#include <stdint.h>

struct consume_log {
    int64_t events;
    int64_t shoppers;
    uint64_t seed;
};
CAN_FAIL bool consume_log_write(struct db *db, const struct consume_log *log, struct err *err);

#endif
