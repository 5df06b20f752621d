#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/config.h"
#include "base/err.h"

/* Sub-commands: a table in main.c; each returns its exit code: 0 done, 1 failed, 2 usage, 3
 * refused. argv[0] is the command's name; settings flags are already taken out. Every command
 * answers --help. */
typedef int command_fn(int argc, char **argv, const struct config *config);

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_REFUSED = 3 };

command_fn cmd_serve, cmd_migrate, cmd_import, cmd_replay, cmd_maintain, cmd_train, cmd_models,
    cmd_simulate, cmd_keys, cmd_config, cmd_version, cmd_health, cmd_evaluate;

/* Prints "cartwright COMMAND: path: text" on stderr; returns the exit code of the error's kind. */
int cli_fail(const char *command, const struct err *err);
int cli_usage(const char *program, const char *command, const char *usage, const char *problem);

#endif
