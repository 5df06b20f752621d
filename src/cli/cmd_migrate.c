/* cartwright migrate: what serve does at its start, alone, and what it may go on with beside its work. */
#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "eventlog/carry.h"
#include "store/database.h"

#include <stdio.h>

int cmd_migrate(int argc, char **argv, const struct config *config)
{
    static const char usage[] =
        "migrate [SETTINGS]\n\nBrings the database's schema up to date, and an event log of an older form into "
        "the one of today\n(serve does so while it serves). Safe to repeat, to interrupt, and beside others that do the "
        "same.\nWith database_distributed=on it then distributes the database over the servers of a Citus cluster;\n"
        "nothing else may use it meanwhile.";
    CLEANUP(database_close) struct database database = {0};
    struct err err = {0};
    struct config undistributed = *config;
    int64_t moved;

    const struct option_row none[] = {{0}};
    struct call call = {.command = "migrate", .usage = usage};

    if (!call_read(&call, argc, argv, none) || !call_wordless(&call)) {
        return call.exit_code;
    }
    /* migrates, like every command that opens the database: under an advisory lock; that it is to be distributed is for the others to ask */
    undistributed.database_distributed = false;
    if (!database_open(&undistributed, &database, &err)) {
        return cli_fail(argv[0], &err);
    }
    if (!carry_run(&database, &moved, &err)) {
        return cli_fail(argv[0], &err);
    }
    if (moved > 0) {
        (void)printf("%lld events are in the log's new form\n", (long long)moved);
    }
    if (config->database_distributed && !database.distributed &&
        !database_distribute(&database, &err)) {
        return cli_fail(argv[0], &err);
    }
    (void)puts(database.distributed ? "the schema is up to date, and distributed by lane"
                                    : "the schema is up to date");
    return EXIT_DONE;
}
