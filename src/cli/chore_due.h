#ifndef CLI_CHORE_DUE_H
#define CLI_CHORE_DUE_H

#include "store/chores.h"

/* When a chore is to be done; pure, by the times of the row. */
struct chore_rule {
    int64_t every_us;  /* 0: never */
    int64_t least;     /* events in the log for it to have anything to do */
    bool models_count; /* a model that was made by hand is as good as one of its own */
};

/* The first time as soon as there is enough; then every_us after it was begun last. Sooner: at once where it was stopped by the end of its serve; a
 * twenty-fourth of every_us later where it failed or its replica died, or where it found too little and the log has doubled since. */
bool chore_due(const struct chore_rule *rule, const struct chore *c);

#endif
