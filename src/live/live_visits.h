#ifndef LIVE_LIVE_VISITS_H
#define LIVE_LIVE_VISITS_H

#include "base/arena.h"
#include "domain/affinity/affinity.h"
#include "domain/shop/event.h"
#include "store/events.h"

#include <pthread.h>

/* Keeps the visits of the affinity model that serves fresh: whoever folds an event tells it, and a model that is loaded first hears what was folded
 * since its log ended. A process hears of the lanes it folds; what other processes fold it learns with the next model it loads. */

/* One folded event of a shopper. Events from before the end of the model's log are in it already, forwarded ones were told under their first key. */
void live_visits_tell(const struct affinity *model, const char *key, const struct event *e);

/* What is told while a model is being loaded: it serves only when its catch-up has read the log, and what is folded in between would be told to the model
 * before it alone. */
struct visit_journal {
    pthread_mutex_t
        lock; /* guards all of it; held while the model that serves is told, and while it changes */
    bool open;
    struct arena arena;
    struct visit_note *notes;
    size_t count;
    int64_t read_offs[LANES]; /* newest event of the lane that the catch-up has read */
};
void visit_journal_init(struct visit_journal *j);
void visit_journal_free(struct visit_journal *j);
/* From now on everything told is noted. */
void visit_journal_begin(struct visit_journal *j);
/* Under the lock: notes an event that was told, if a model is being loaded. */
void visit_journal_note(struct visit_journal *j, const struct log_event *log,
                        const struct event *e);
/* Under the lock: tells the model what its catch-up has not read (NULL: nobody) and forgets it. */
void visit_journal_end(struct visit_journal *j, const struct affinity *model);

/* Tells a model that was just loaded what was folded since its log ended, of the last LIVE_VISITS_LANE_MAX events of each lane. The journal was begun, and
 * learns how far that was. */
enum { LIVE_VISITS_LANE_MAX = 200 };
CAN_FAIL bool live_visits_catch_up(struct db *db, const struct affinity *model,
                                   struct visit_journal *j, struct err *err);

#endif
