/* What the crash tests share: a database with a risk model that speaks about every cart, a ledger, a
 * storm of clients, and the last word when all of it is over. */
#ifndef CRASH_SCENE_H
#define CRASH_SCENE_H

#include "crash/storm.h"
#include "support/service.h"

#include <pthread.h>
#include <stdatomic.h>

struct scene {
    char *database_url;
    char *key;
    struct ledger *ledger;
    struct storm *storm;
    pthread_t watcher; /* of the cursors */
    atomic_bool over;
};

/* Settings for `serve`: short leases, and every abandoned cart is worth a message. */
extern const char *const scene_flags[];
#define SCENE_LEASE_MS 500

/* Clones the database, trains, and starts the storm without a server to aim at. */
struct scene *scene_open(const char *name, uint64_t seed);
/* Ends the storm, lets a server catch up, and returns the number of violations. */
size_t scene_close(struct scene **scene);

void wait_ms(int ms);
/* Number of rounds: of an ordinary run, or with ./dev test --long. */
int rounds(int ordinary, int otherwise);

#endif
