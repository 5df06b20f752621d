/* Shoppers who do not care that the server dies: several threads post events and ask for outreach,
 * send again what was not answered, and write down in the ledger what they were promised. */
#ifndef CRASH_STORM_H
#define CRASH_STORM_H

#include "support/ledger.h"

#include <stddef.h>
#include <stdint.h>

enum { STORM_THREADS = 8 };

struct storm;

/* key: an API key for ingest and outreach, borrowed. Starts without a server. */
struct storm *storm_start(struct ledger *l, const char *key, uint64_t seed);
/* Where the servers listen from now on; 0 for none. With two, each request goes to either. */
void storm_aim(struct storm *s, int port, int second_port);
/* Ends the threads. */
void storm_end(struct storm **s);

#endif
