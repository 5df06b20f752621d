#ifndef LIVE_LIVE_H
#define LIVE_LIVE_H

#include "base/config.h"
#include "base/err.h"
#include "domain/affinity/affinity.h"
#include "domain/affinity/affinity_shelf.h"
#include "domain/risk/features.h"
#include "domain/risk/risk.h"
#include "store/database.h"

/* The models that serve, the risk model with its newest daily correction (train/risk/risk_check.h). A set is immutable and refcounted; a swap never waits for readers, readers
 * never for a swap. */
struct live;

struct live_set {
    struct risk
        *risk; /* live_open's sets always have one: the prior at least (domain/risk/risk_prior.h) */
    struct affinity *affinity; /* likewise; NULL: a prior in a shop without any product yet */
    const struct affinity_shelf *
        shelf; /* of the affinity model: stock and prices, at most a model_poll old; NULL without */
    struct feature_context context; /* what a score may know besides the shopper */
};

/* Loads the champions of the database (through the cache data_dir/models) and, with watch, starts
 * the thread that looks every model_poll. Fails where the database does; a file that does not load is
 * no error: of its kind, what served before keeps serving (at start: who was champion before, a baseline, or version 0, which is built in),
 * the log and a metric tell, and it is tried again only after another version was promoted. A cache that cannot be written costs a
 * download at every start, no more. The other
 * kind is not touched by it. */
CAN_FAIL bool live_open(const struct database *database, const struct config *config, bool watch,
                        struct live **out, struct err *err);
void live_close(struct live **live);

const struct live_set *
live_acquire(struct live *live); /* never NULL; give back with live_release */
void live_release(struct live *live, const struct live_set **set);

/* CLEANUP(live_use_end) struct live_use use = live_use(live): the set for as long as the scope
 * lasts. */
struct live_use {
    struct live *live;
    const struct live_set *set;
};
static inline struct live_use live_use(struct live *live)
{
    return (struct live_use){.live = live, .set = live_acquire(live)};
}
static inline void live_use_end(struct live_use *use)
{
    live_release(use->live, &use->set);
}

/* One event that was just folded: it counts in the next ranking for anybody else. */
struct log_event;
struct event;
void live_tell(struct live *live, const struct log_event *log, const struct event *e);

enum live_standing {
    LIVE_NONE, /* not looked yet */
    LIVE_CHAMPION,
    LIVE_FALLBACK /* the champion does not load, another one serves */
};
struct live_state {
    enum live_standing risk, affinity;
};
void live_look(struct live *live, struct live_state *out);

/* For a request that wants picks: where no product was known at the last look, which is so in a shop's first minute, looks again before it
 * is answered, since a message is stored with the picks it had. One of several that come together waits for the other's look. Fails where
 * there is no connection. */
CAN_FAIL bool live_meet(struct live *live, struct pool *pool, struct err *err);

/* Looks once, now, as the thread does; *out_changed tells whether a set was swapped in. */
CAN_FAIL bool live_refresh(struct live *live, bool *out_changed, struct err *err);

#endif
