#include "child.h"
#include "suite.h"
#include "trial.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The second half of ./dev mutate (tests/mutate/mutate.sh calls it): the mutants of a plan against the tests of its build.
 *
 *   mutate_run --build DIR --plan DIR --output DIR [--workers N] [--cap SECONDS] [--patience SECONDS]
 *
 * Prints the survivors and the rates; OUTPUT/results.jsonl has all. Exit code 1 where a test fails although nothing is changed. */

static const char *option(int argc, char **argv, const char *name, const char *otherwise)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], name) == 0) {
            return argv[i + 1];
        }
    }
    if (otherwise == NULL) {
        die("%s is missing", name);
    }
    return otherwise;
}

int main(int argc, char **argv)
{
    struct arena a = {0};
    double begun = now_seconds();
    const char *build = option(argc, argv, "--build", NULL);
    struct trial_means m = {
        .plan = option(argc, argv, "--plan", NULL),
        .output = option(argc, argv, "--output", NULL),
        .workers = (int)strtol(option(argc, argv, "--workers", "2"), NULL, 10),
        .patience_seconds = strtod(option(argc, argv, "--patience", "15"), NULL),
        .cap_seconds = strtod(option(argc, argv, "--cap", "60"), NULL),
    };
    if (mkdir(m.output, 0777) != 0 && errno != EEXIST) {
        die("cannot make %s", m.output);
    }
    struct suite suite = suite_read(&a, build);
    struct trials all = trials_read(&a, m.plan);
    m.suite = &suite;
    const char *server = suite_variable(&suite, "CARTWRIGHT_TEST_PG");
    m.template = server == NULL ? NULL : arena_printf(&a, "%s dbname=cartwright_template", server);

    const char *fixtures = arena_printf(&a, "%s/fixtures.log", m.output);
    suite_set_up(&a, &suite, fixtures);
    trials_check_sql(&m, &all);
    int failed = trials_reach(&m, &all);
    (void)fprintf(stderr, "first run of the tests: %.0f s\n", now_seconds() - begun);
    trials_run(&m, &all);
    suite_clean_up(&a, &suite, fixtures);
    (void)report(&all, arena_printf(&a, "%s/results.jsonl", m.output), now_seconds() - begun);
    if (failed > 0) {
        (void)printf("  %d tests fail although nothing is changed\n", failed);
    }
    return failed > 0 ? 1 : 0;
}
