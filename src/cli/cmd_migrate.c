/* cartwright migrate: what serve does at its start, alone. */
#include "base/cleanup.h"
#include "cli/cli.h"
#include "store/private/database.h"

#include <stdio.h>
#include <string.h>

int cmd_migrate(int argc, char **argv, const struct config *config)
{
    static const char usage[] =
        "migrate [SETTINGS]\n\nBrings the database's schema up to date. Safe to repeat, and safe "
        "beside others that do the same.";
    CLEANUP(database_close) struct database database = {0};
    struct err err = {0};

    if (argc > 1) {
        bool help = strcmp(argv[1], "--help") == 0;
        return cli_usage(argv[0], usage, help ? NULL : "it takes settings only");
    }
    /* migrates, like every command that opens the database: under an advisory lock */
    if (!database_open(config, &database, &err)) {
        return cli_fail(argv[0], &err);
    }
    (void)puts("the schema is up to date");
    return EXIT_DONE;
}
