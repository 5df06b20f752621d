/* The program: one table of commands, the settings taken out of the arguments, and help. */
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/init.h"
#include "base/locale/zones.h"
#include "base/log.h"
#include "base/spell.h"
#include "cli/cli.h"
#include "cli/settings.h"
#include "cli/signals.h"
#include "domain/shopper/shopper.h"
#include "ml/linear/blas.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What a command is beside its name. */
enum {
    ZONES = 1,       /* reckons local times: without a tz database it does not start */
    OWN_SIGNALS = 2, /* takes the signals that end it, and puts things in order itself */
};

static const struct command {
    const char *name;
    command_fn *run;
    const char *help;
    unsigned traits;
} commands[] = {
    {"serve", cmd_serve, "run the HTTP API, the event log and the consumers", ZONES | OWN_SIGNALS},
    {"migrate", cmd_migrate, "bring the database's schema up to date", 0},
    {"import", cmd_import, "load event files of several formats", 0},
    {"replay", cmd_replay, "rebuild all carts from the log and compare", 0},
    {"maintain", cmd_maintain, "remove events past their retention", ZONES},
    {"train", cmd_train, "train models from the log", ZONES},
    {"evaluate", cmd_evaluate, "judge the models on the log's later part; HTML report", ZONES},
    {"models", cmd_models, "list, promote and roll back models", 0},
    {"simulate", cmd_simulate, "play shoppers of a demo shop against the API", ZONES},
    {"keys", cmd_keys, "create, list and revoke API keys", 0},
    {"config", cmd_config, "print the settings in effect", 0},
    {"health", cmd_health, "ask a running server whether it is ready", 0},
    {"version", cmd_version, "print the version", 0},
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
    (void)fprintf(to,
                  "\n`cartwright help COMMAND` tells more. Exit codes: 0 done, 1 failed, 2 usage, "
                  "3 refused.\n\nsettings (flag, CARTWRIGHT_NAME in the environment, or a line "
                  "\"name = value\" in cartwright.conf)\n%s",
                  buf_text(&settings));
    buf_free(&settings);
}

static bool is_help(const char *arg)
{
    return strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0 || strcmp(arg, "help") == 0;
}

/* The other ways people ask: `help COMMAND` is `COMMAND --help`, `--version` is `version`. Returns the arguments' count. */
static int put_plainly(int argc, char **argv)
{
    static char help[] = "--help";
    static char version[] = "version";

    if (argc >= 3 && is_help(argv[1])) {
        argv[1] = argv[2];
        argv[2] = help;
        argv[3] = NULL;
        return 3;
    }
    if (argc == 2 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)) {
        argv[1] = version;
    }
    return argc;
}

static const char *nearest_command(const char *name)
{
    const char *names[COMMANDS];

    for (int i = 0; i < COMMANDS; i++) {
        names[i] = commands[i].name;
    }
    return spell_nearest(name, names, COMMANDS);
}

/* A value may stand behind the name: --adress=x. */
static const char *nearest_setting(const char *flag)
{
    char name[80];

    flag += strspn(flag, "-");
    (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(flag, "="), flag);
    return config_nearest(name);
}

static int refuse(const char *name)
{
    const bool setting = name[0] == '-';
    const char *meant = setting ? nearest_setting(name) : nearest_command(name);
    char hint[120] = "";

    if (meant != NULL) {
        (void)snprintf(hint, sizeof hint, "; did you mean %s%s?", setting ? "--" : "", meant);
    }
    for (char *c = hint; *c != '\0'; c++) {
        *c = (char)(*c == '_' ? '-' : *c);
    }
    if (setting) {
        (void)fprintf(
            stderr,
            "cartwright: there is no setting %s%s (a command's own options stand behind its name; cartwright --help lists both)\n",
            name, hint);
    } else {
        (void)fprintf(stderr,
                      "cartwright: there is no command \"%s\"%s (cartwright --help lists them)\n",
                      name, hint);
    }
    return EXIT_USAGE;
}

static void tell_misspelt(const char *variable, const char *meant)
{
    (void)fprintf(
        stderr,
        "cartwright: CARTWRIGHT_%s in the environment is no setting and does nothing; %s is one\n",
        variable, meant);
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

    argc = put_plainly(argc, argv);
    if (argc >= 2 && is_help(argv[1])) {
        print_help(stdout);
        return EXIT_DONE;
    }
    if (!base_init(&err)) {
        return cli_fail("start", &err);
    }
    if (!config_load(&config, &argc, argv, &err) || !settings_check(&config, &err) ||
        !log_level_parse(config.log_level, &level, &err)) {
        (void)cli_fail("settings", &err);
        return EXIT_USAGE;
    }
    config_misspelt(tell_misspelt);
    shopper_rules_set(
        &(struct shopper_rules){.closes_lines = strcmp(config.purchase_closes, "lines") == 0,
                                .echo_us = config.order_echo,
                                .undo_us = config.order_undo});
    blas_init(); /* before any thread */
    log_set_level(level);
    log_set_plain(isatty(STDERR_FILENO));
    const struct command *command = argc >= 2 ? find(argv[1]) : NULL;
    if (command == NULL) {
        if (argc >= 2) {
            return refuse(argv[1]);
        }
        print_help(stderr);
        return EXIT_USAGE;
    }
    if ((command->traits & ZONES) != 0 &&
        !zones_require(&err)) { /* before any thread, and before any answer */
        return cli_fail("time zones", &err);
    }
    if ((command->traits & OWN_SIGNALS) == 0) {
        cli_end_on_signals();
    }
    return command->run(argc - 1, argv + 1, &config);
}
