/* What all commands share: how they fail, and how they explain themselves. */
#include "cli/cli.h"

#include <stdio.h>

int cli_fail(const char *command, const struct err *err)
{
    (void)fprintf(stderr, "cartwright %s: %s%s%s\n", command, err->path,
                  err->path[0] != '\0' ? ": " : "", err->text);
    return err->kind == ERR_REFUSED ? EXIT_REFUSED : EXIT_FAILED;
}

int cli_usage(const char *program, const char *command, const char *usage, const char *problem)
{
    if (problem == NULL) { /* it was asked for */
        (void)printf("usage: %s %s\n", program, usage);
        return EXIT_DONE;
    }
    (void)fprintf(stderr, "%s %s: %s\nusage: %s %s\n", program, command, problem, program, usage);
    return EXIT_USAGE;
}
