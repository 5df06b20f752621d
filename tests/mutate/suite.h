#ifndef MUTATE_SUITE_H
#define MUTATE_SUITE_H

#include "mutant.h"

/* The tests of a build, as ctest tells them. */

struct test {
    const char *name;
    char **argv;
    char **env; /* "NAME=value" of the test, NULL behind the last */
    const char *folder;
    int skip_code; /* -1: none */
    /* names of fixtures, NULL behind the last */
    char **sets_up;
    char **cleans_up;
    char **requires;

    /* what the first run tells */
    bool usable;
    bool too_long; /* it was stopped: its time alone passes the cap */
    double seconds;
    unsigned char *reached; /* by number of mutant */
    bool busy;              /* runs: two at once might use the same files */
};

struct suite {
    struct test *tests;
    size_t count;
};

struct suite suite_read(struct arena *a, const char *build);
/* The test's environment: ours, its own, and `more`. */
char **suite_env(struct arena *a, const struct test *t, const char *const *more);
/* The value of a variable that some test gets, NULL where none does. */
const char *suite_variable(const struct suite *s, const char *name);

/* Those that set up, in an order in which each finds what it needs; then those that clean up. Dies where one fails. */
void suite_set_up(struct arena *a, const struct suite *s, const char *output);
void suite_clean_up(struct arena *a, const struct suite *s, const char *output);

#endif
