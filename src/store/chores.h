#ifndef STORE_CHORES_H
#define STORE_CHORES_H

#include "store/pg/db.h"

/* What serve does by itself, one replica at a time: a row each, leased to who does it (sql/migrations/0018_first_day.sql). Times are the database's,
 * so that the clocks of replicas do not matter. */
struct chore {
    bool held;        /* by somebody, whose lease has not run out */
    int64_t begun_us; /* the last time; 0: never yet */
    int64_t ended_us;
    int64_t events;      /* in the log when it was begun */
    const char *outcome; /* "done", "too_little", "failed", "stopped"; NULL: none has ended yet */
    const char *detail;
    int64_t now_us;
    int64_t log_events; /* folded, and not removed by retention */
    int64_t trained_us; /* when the newest model was made; 0: none was trained yet */
};

/* name: "train" or "maintain". Texts in arena. */
CAN_FAIL bool store_chore_read(struct db *db, const char *name, struct arena *a, struct chore *out,
                               struct err *err);
/* *out_taken false: somebody has begun it since `seen` was read. */
CAN_FAIL bool store_chore_take(struct db *db, const char *name, const char *owner,
                               const struct chore *seen, int64_t lease_us, bool *out_taken,
                               struct err *err);
/* Another lease; nothing where it is another's by now, and so below. */
CAN_FAIL bool store_chore_keep(struct db *db, const char *name, const char *owner, int64_t lease_us,
                               struct err *err);
CAN_FAIL bool store_chore_end(struct db *db, const char *name, const char *owner,
                              const char *outcome, const char *detail, struct err *err);

#endif
