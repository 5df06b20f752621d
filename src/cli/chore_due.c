/* The one rule of when. */
#include "cli/chore_due.h"

#include <string.h>

enum { RETRIES = 24 }; /* in the time between two */

static bool came_to(const struct chore *c, const char *outcome)
{
    return c->outcome != NULL && strcmp(c->outcome, outcome) == 0;
}

/* How long after its beginning it may be begun again. */
static int64_t pause_of(const struct chore_rule *rule, const struct chore *c)
{
    /* Begun, and nobody has told how it ended: the replica died. What killed it may have been the chore, so not at once. */
    if (c->ended_us < c->begun_us || came_to(c, "failed")) {
        return rule->every_us / RETRIES;
    }
    if (came_to(c, "stopped")) {
        return 0;
    }
    /* Twice as many events each time: all attempts together cost no more than two of the last. */
    return came_to(c, "too_little") && c->log_events >= 2 * c->events ? rule->every_us / RETRIES
                                                                      : rule->every_us;
}

bool chore_due(const struct chore_rule *rule, const struct chore *c)
{
    if (rule->every_us == 0 || c->held || c->log_events < rule->least) {
        return false;
    }
    const bool by_hand = rule->models_count && c->trained_us > c->begun_us;
    if (by_hand) {
        return c->now_us >= c->trained_us + rule->every_us;
    }
    return c->begun_us == 0 || c->now_us >= c->begun_us + pause_of(rule, c);
}
