/* A shop's events without an end: who comes, what they look at, what they put into carts and buy; for benchmarks of a log that grows. One
 * shopper in sixteen events is new, the others are mostly those of late, three of four are not logged in; ids are random UUIDs, as trackers
 * make them. Same seed, same events, but for their times. */
#ifndef BENCH_GROWTH_EVENTS_H
#define BENCH_GROWTH_EVENTS_H

#include "bench/load_client.h"

#include <stddef.h>
#include <stdint.h>

struct growth_events;

struct growth_events *growth_events_new(uint64_t seed);
void growth_events_free(struct growth_events **g);

/* The next `count` events as POSTs of /v1/events, `each` a request; count is a multiple of each. *out_bytes: of their bodies. */
struct load_request *growth_events_next(struct growth_events *g, const char *key, size_t count,
                                        size_t each, size_t *out_bytes);

#endif
