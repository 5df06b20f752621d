/* The program: one table of commands, the settings taken out of the arguments, and help. */
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/init.h"
#include "base/log.h"
#include "base/zones.h"
#include "cli/cli.h"
#include "ml/linear/blas.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct command {
    const char *name;
    command_fn *run;
    const char *help;
    bool zones; /* it reckons local times: without a tz database it does not start */
} commands[] = {
    {"serve", cmd_serve, "run the HTTP API, the event log and the consumers", true},
    {"migrate", cmd_migrate, "bring the database's schema up to date", false},
    {"import", cmd_import, "load event files of several formats", false},
    {"replay", cmd_replay, "rebuild all carts from the log and compare", false},
    {"maintain", cmd_maintain, "remove events past their retention", true},
    {"train", cmd_train, "train models from the log", true},
    {"evaluate", cmd_evaluate, "judge the models on the log's later part; HTML report", true},
    {"models", cmd_models, "list, promote and roll back models", false},
    {"simulate", cmd_simulate, "play shoppers of a demo shop against the API", true},
    {"keys", cmd_keys, "create, list and revoke API keys", false},
    {"config", cmd_config, "print the settings in effect", false},
    {"health", cmd_health, "ask a running server whether it is ready", false},
    {"version", cmd_version, "print the version", false},
};
enum { COMMANDS = sizeof commands / sizeof *commands, USAGE_MAX = 64 * 1024 };

static void print_help(FILE *to)
{
    struct buf settings = buf_make(USAGE_MAX);

    (void)fputs("usage: cartwright COMMAND [ARGUMENTS] [SETTINGS]\n\ncommands\n", to);
    for (int i = 0; i < COMMANDS; i++) {
        (void)fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].help);
    }
    config_usage(&settings);
    (void)fprintf(
        to,
        "\n`cartwright COMMAND --help` tells more. Exit codes: 0 done, 1 failed, 2 usage, "
        "3 refused.\n\nsettings (flag, CARTWRIGHT_NAME in the environment, or a line "
        "\"name = value\" in cartwright.conf)\n%s",
        buf_text(&settings));
    buf_free(&settings);
}

static bool is_help(const char *arg)
{
    return strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0 || strcmp(arg, "help") == 0;
}

static const struct command *find(const char *name)
{
    for (int i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    static struct config config; /* 10 KiB, and every thread reads it */
    struct err err = {0};
    enum log_level level = LOG_INFO;

    if (argc >= 2 && is_help(argv[1])) {
        print_help(stdout);
        return EXIT_DONE;
    }
    if (!base_init(&err)) {
        return cli_fail("start", &err);
    }
    if (!config_load(&config, &argc, argv, &err) ||
        !log_level_parse(config.log_level, &level, &err)) {
        (void)cli_fail("settings", &err);
        return EXIT_USAGE;
    }
    blas_init(); /* before any thread */
    log_set_level(level);
    log_set_plain(isatty(STDERR_FILENO));
    const struct command *command = argc >= 2 ? find(argv[1]) : NULL;
    if (command == NULL) {
        if (argc < 2) {
            print_help(stderr);
        } else {
            (void)fprintf(stderr,
                          "cartwright: there is no command \"%s\"; cartwright --help lists them\n",
                          argv[1]);
        }
        return EXIT_USAGE;
    }
    if (command->zones && !zones_require(&err)) { /* before any thread, and before any answer */
        return cli_fail("time zones", &err);
    }
    return command->run(argc - 1, argv + 1, &config);
}
