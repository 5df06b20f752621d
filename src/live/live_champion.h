#ifndef LIVE_LIVE_CHAMPION_H
#define LIVE_LIVE_CHAMPION_H

#include "live/live.h"
#include "live/live_held.h"
#include "live/live_prior.h"
#include "live/live_visits.h"
#include "ml/file/model_file.h"
#include "store/pg/db.h"

#include <stdatomic.h>

/* For live.c only: the champion of each kind, as it is to serve. */

/* Which of a set's two. */
enum kind { RISK, AFFINITY, KINDS };

enum { VERSION_BYTES = 128 };

/* What is known of them; the standing may be read at any time, the rest is one thread's at a time. */
struct champions {
    char cache_dir[MODEL_PATH_BYTES];
    char refused[KINDS][VERSION_BYTES]; /* promoted, but it does not load; "": none */
    atomic_int standing[KINDS];         /* enum live_standing */
    struct visit_journal journal;       /* has a lock of its own */
    int64_t horizon_us;                 /* of the risk that was not learnt */
    struct prior_look prior;            /* at what the affinity that was not learnt is made of */
};

/* Who is to serve of a kind: the champion; where that does not load, the old holder, or who stands in for it, at last version 0 (live_prior.h); NULL only for
 * the affinity of a shop without products. One reference to the caller. Fails where the database does: what is served then is looked at again. */
CAN_FAIL bool champion_held(struct champions *c, struct db *db, enum kind kind, struct held *old,
                            struct held **out, struct err *err);

#endif
