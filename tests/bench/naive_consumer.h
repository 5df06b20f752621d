#ifndef TESTS_BENCH_NAIVE_CONSUMER_H
#define TESTS_BENCH_NAIVE_CONSUMER_H

/* What one would write first: for every event SELECT the shopper, fold the event in, upsert the shopper; one transaction a batch
 * of events. Same decoder, same fold, same document; no cart rows, no identity, no order: it does less than the product. Two
 * threads, half of the lanes each. */
#include "store/database.h"

#include <stdint.h>

enum { NAIVE_BATCH = 1000 };
CAN_FAIL bool naive_consume(const struct database *database, int64_t *out_events, struct err *err);

#endif
