/* cartwright config: the settings in effect, and where each came from. */
#include "base/buf.h"
#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "store/database.h"

#include <stdio.h>

/* By joining it: where it lies is decided when it starts. */
static int print_psql(const struct config *config)
{
    CLEANUP(database_close) struct database database = {0};
    struct err err = {0};

    if (config->database_url[0] != '\0') {
        (void)FAIL_AT(&err, ERR_INVALID, "database_url", "is set: psql takes it as it is");
        return cli_fail("config", &err);
    }
    /* Opening it would start one, which ends with this command: psql would find nobody. */
    if (!pgserver_is_used(config->data_dir)) {
        (void)FAIL_AT(
            &err, ERR_INVALID, "data_dir",
            "nobody runs a private PostgreSQL in %.100s: start `cartwright serve` first, in this folder and with these settings",
            config->data_dir);
        return cli_fail("config", &err);
    }
    if (!database_open(config, &database, &err)) {
        return cli_fail("config", &err);
    }
    (void)printf("psql '%s'\n", database.conninfo);
    return EXIT_DONE;
}

int cmd_config(int argc, char **argv, const struct config *config)
{
    static const char usage[] =
        "config [--reference | --psql] [SETTINGS]\n\nPrints the settings in effect as a settings file, each with where it "
        "came from:\nflag, environment, file or default. Passwords are masked.\n\n"
        "--reference  prints what every setting is for instead, as Markdown\n"
        "--psql       prints the command line that opens the private PostgreSQL in psql, while serve runs";
    enum { OUTPUT_MAX = 256 * 1024 };
    bool reference = false;
    bool psql = false;
    const struct option_row rows[] = {
        {.name = "reference", .flag = &reference}, {.name = "psql", .flag = &psql}, {0}};
    struct call call = {.command = "config", .usage = usage};

    if (!call_read(&call, argc, argv, rows) || !call_wordless(&call)) {
        return call.exit_code;
    }
    if (psql) {
        return print_psql(config);
    }
    struct buf out = buf_make(OUTPUT_MAX);
    if (reference) {
        config_reference(&out);
    } else {
        config_print(config, &out);
    }
    (void)fputs(buf_text(&out), stdout);
    buf_free(&out);
    return EXIT_DONE;
}
