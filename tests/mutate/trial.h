#ifndef MUTATE_TRIAL_H
#define MUTATE_TRIAL_H

#include "mutant.h"
#include "suite.h"

/* Mutants against tests. */

enum verdict { KILLED, TIMED_OUT, SURVIVED, NOT_REACHED, INVALID };

struct trial {
    struct mutant mutant;
    enum verdict verdict;
    const char *killer;  /* the test that failed */
    const char *green;   /* tests that stayed green, by name */
    const char *unasked; /* tests that reach it, but would have passed the cap */
    double seconds;
    double cpu_seconds;
};

struct trials {
    struct trial *rows; /* by number - 1 */
    int count;
};

struct trial_means {
    struct suite *suite;
    const char *plan;     /* folder of plan.jsonl and sql/ */
    const char *output;   /* folder for what tests print */
    const char *template; /* conninfo of a database queries must prepare against, or NULL */
    int workers;
    double patience_seconds; /* what a test may take beyond five times its usual time */
    double cap_seconds; /* what tests may take for one mutant, by their times in the first run */
};

struct trials trials_read(struct arena *a, const char *plan);
/* Runs each test once: how long it takes, what it reaches. Those that fail are not used (returns how many that were), nor are those that
 * take longer than the cap. */
int trials_reach(const struct trial_means *m, struct trials *all);
/* Marks queries that PostgreSQL does not take. */
void trials_check_sql(const struct trial_means *m, struct trials *all);
void trials_run(const struct trial_means *m, struct trials *all);

const char *verdict_name(enum verdict v);
/* Returns the number of survivors. */
int report(const struct trials *all, const char *results, double wall_seconds);

#endif
