/* A long log, quickly: rows go straight into cartwright.log by COPY, past the append. For benchmarks of reading and training only: nothing
 * else may write to the database meanwhile, and no duplicate is looked for. What is stored is what the append would have stored, lanes, offsets,
 * keys and hashes included. */
#ifndef TESTS_BENCH_TRAIN_LOG_FILL_H
#define TESTS_BENCH_TRAIN_LOG_FILL_H

#include "store/pg/db.h"

#include <stdint.h>

struct train_log_fill {
    int64_t events;
    int64_t shoppers;
    int64_t products;
    uint64_t seed;
    int64_t end_us; /* of the log, which lasts 60 days */
};

/* Each shopper has a taste, one of 64, and looks mostly at its products; products and shoppers are drawn by power laws. Views 83 %, additions 12 %,
 * purchases 5 %, one product each; a body has about 300 bytes. */
CAN_FAIL bool train_log_fill(struct db *db, const struct train_log_fill *fill, struct err *err);

#endif
