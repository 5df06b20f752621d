/* cartwright import: arguments in, exit code out. */
#include "base/cleanup.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "import/import.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MAX_ERRORS_DEFAULT = 1000 };

static const char usage[] =
    "import --format FORMAT [options] FILE...\n"
    "\n"
    "Reads shop events from text files (- is standard input) into the event log. Importing a file\n"
    "again adds nothing; imported history never makes Cartwright write to anybody.\n"
    "\n"
    "  --format FORMAT         retailrocket, rees46, taobao, online-retail or ndjson\n"
    "  --currency CODE         of the prices in the file, such as EUR; rees46 needs it\n"
    "  --categories ITEM TREE  retailrocket: the files item,category and category,parent\n"
    "  --max-errors N          give up after more than N malformed lines (1000)\n"
    "  --json                  report in one JSON line, no progress bar\n"
    "  --quiet                 no progress bar\n"
    "\n"
    "Compressed: zstd -dc events.csv.zst | cartwright import --format rees46 --currency EUR -";

/* The command line as it is read. */
struct arguments {
    int argc, at;
    char **argv;
    const char *problem; /* the first one; may point to unknown */
    char unknown[100];
};

static const char *next_value(struct arguments *a, const char *problem)
{
    if (a->at + 1 >= a->argc) {
        a->problem = problem;
        return NULL;
    }
    return a->argv[++a->at];
}

/* The value of "--name VALUE" or "--name=VALUE"; NULL if the argument is another, or its value is
 * missing. */
static const char *value_of(struct arguments *a, const char *name, const char *problem)
{
    const char *arg = a->argv[a->at];
    size_t len = strlen(name);
    if (strcmp(arg, name) == 0) {
        return next_value(a, problem);
    }
    return strncmp(arg, name, len) == 0 && arg[len] == '=' ? arg + len + 1 : NULL;
}

static void read_max_errors(struct arguments *a, const char *text, int64_t *out)
{
    char *end = NULL;
    errno = 0;
    int64_t n = strtoimax(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || n < 0) {
        a->problem = "--max-errors must be a whole number, 0 or more";
        return;
    }
    *out = n;
}

static void read_option(struct arguments *a, struct import_options *o)
{
    const char *arg = a->argv[a->at];
    const char *value = NULL;
    if (strcmp(arg, "--json") == 0) {
        o->json = true;
    } else if (strcmp(arg, "--quiet") == 0) {
        o->quiet = true;
    } else if (strcmp(arg, "--categories") == 0) {
        o->categories_item = next_value(a, "--categories needs two files: ITEM TREE");
        o->categories_tree = next_value(a, "--categories needs two files: ITEM TREE");
    } else if ((value = value_of(a, "--format", "--format needs a name")) != NULL) {
        o->format = value;
    } else if ((value = value_of(a, "--currency", "--currency needs a code, such as EUR")) !=
               NULL) {
        o->currency = value;
    } else if ((value = value_of(a, "--max-errors", "--max-errors needs a number")) != NULL) {
        read_max_errors(a, value, &o->max_errors);
    } else if (a->problem == NULL) {
        (void)snprintf(a->unknown, sizeof a->unknown, "there is no option %s", arg);
        a->problem = a->unknown;
    }
}

/* Leaves in a->problem what is wrong. files has room for all arguments. */
static void read_arguments(struct arguments *a, struct import_options *o, const char **files)
{
    bool options_over = false;
    for (a->at = 1; a->at < a->argc && a->problem == NULL; a->at++) {
        const char *arg = a->argv[a->at];
        if (!options_over && strcmp(arg, "--") == 0) {
            options_over = true;
        } else if (!options_over && strncmp(arg, "--", 2) == 0) {
            read_option(a, o);
        } else {
            files[o->file_count++] = arg;
        }
    }
}

static bool run(const struct config *config, const struct import_options *options, struct err *err)
{
    CLEANUP(database_close) struct database database = {0};
    struct import_result result;
    return database_open(config, &database, err) &&
           import_run(&database, config, options, stdout, stderr, &result, err);
}

int cmd_import(int argc, char **argv, const struct config *config)
{
    CLEANUP(mem_free) const char **files = mem_array((size_t)argc, sizeof *files);
    struct import_options options = {.files = files, .max_errors = MAX_ERRORS_DEFAULT};
    struct err err = {0};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            return cli_usage("import", usage, NULL);
        }
    }
    struct arguments arguments = {.argc = argc, .argv = argv};
    read_arguments(&arguments, &options, files);
    const char *problem = arguments.problem;
    char text[sizeof err.path + sizeof err.text + 2];
    if (problem == NULL && !import_check(&options, &err)) {
        (void)snprintf(text, sizeof text, "%s%s%s", err.path, err.path[0] != '\0' ? " " : "",
                       err.text);
        problem = text;
    }
    if (problem != NULL) {
        return cli_usage("import", usage, problem);
    }
    if (!run(config, &options, &err)) {
        (void)cli_fail("import", &err);
        return EXIT_FAILED; /* too many errors is no refusal of a gate */
    }
    return EXIT_DONE;
}
