/* cartwright import: arguments in, exit code out. */
#include "base/cleanup.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "import/import.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MAX_ERRORS_DEFAULT = 1000 };

static const char usage[] =
    "import --format FORMAT [options] FILE...\n"
    "       cartwright import --map TARGET=COLUMN,... [--types VALUE=TYPE,...] [options] FILE...\n"
    "\n"
    "Reads shop events from text files (- is standard input) into the event log. Importing a file\n"
    "again adds nothing; imported history never makes Cartwright write to anybody. gzip, zstd and\n"
    "UTF-16 are unpacked; commas, semicolons, tabs or bars may separate the fields.\n"
    "\n"
    "  --format FORMAT         logs: retailrocket, rees46, taobao, ga4, ga4-json, ratings,\n"
    "                          ratings-plain\n"
    "                          orders: shopify-orders, shopify-checkouts, woocommerce, online-retail,\n"
    "                          hm, instacart, olist; native events: ndjson\n"
    "  --map TARGET=COLUMN,... any other table, a row an event; #2 is the second column of a file\n"
    "                          without header. Targets: occurred_at, type, customer_id, anonymous_id,\n"
    "                          session_id, order_id, cart_id, event_id, product_id, quantity, price,\n"
    "                          currency, total, title, category, brand, cancelled. With --format:\n"
    "                          these columns are others. A row with several items: \"Item {n} SKU\" is as\n"
    "                          many columns as there are numbers, \"SKUs[;]\" a list in one cell,\n"
    "                          \"Line 1[sku:]\" a value of pairs in it (name:Mug|sku:M-1|quantity:2)\n"
    "  --types VALUE=TYPE,...  what the values of type stand for; * is every other, - is left out\n"
    "  --join COLUMN=FILE,...  adds the columns of another table, found by a column of both\n"
    "  --currency CODE         of the prices in the file, such as EUR, where it has none\n"
    "  --categories ITEM TREE  retailrocket: the files item,category and category,parent\n"
    "  --dates 1900|1904       where days of a spreadsheet (45321.5) are counted from (1900)\n"
    "  --max-errors N          give up after more than N malformed lines (1000)\n"
    "  --refused FILE          keeps the malformed rows there, each behind the reason, to be mended and\n"
    "                          imported by themselves; FILE must not be there yet\n"
    "  --json                  report in one JSON line, no progress bar\n"
    "  --quiet                 no progress bar";

static bool run(const struct config *config, const struct import_options *options, struct err *err)
{
    CLEANUP(database_close) struct database database = {0};
    struct import_result result;
    return database_open(config, &database, err) &&
           import_run(&database, config, options, stdout, stderr, &result, err);
}

int cmd_import(int argc, char **argv, const struct config *config)
{
    struct import_options o = {.max_errors = MAX_ERRORS_DEFAULT};
    struct err err = {0};
    const struct option_row rows[] = {
        {.name = "format", .text = &o.format},
        {.name = "map", .text = &o.map},
        {.name = "types", .text = &o.types},
        {.name = "join", .text = &o.join},
        {.name = "currency", .text = &o.currency},
        {.name = "categories", .text = &o.categories_item, .text_2 = &o.categories_tree},
        {.name = "dates", .whole = &o.dates, .min = 1900, .max = 1904},
        {.name = "max-errors", .whole = &o.max_errors, .min = 0, .max = INT64_MAX},
        {.name = "refused", .text = &o.refused},
        {.name = "json", .flag = &o.json},
        {.name = "quiet", .flag = &o.quiet},
        {0},
    };
    struct call call = {.command = "import", .usage = usage};
    if (!call_read(&call, argc, argv, rows)) {
        return call.exit_code;
    }
    o.files = (const char *const *)call.words;
    o.file_count = call.word_count;
    /* before a database is opened, which may mean that a private PostgreSQL is started */
    if (!import_check(&o, &err)) {
        char problem[sizeof err.path + sizeof err.text + 2];
        (void)snprintf(problem, sizeof problem, "%s%s%s", err.path, err.path[0] != '\0' ? " " : "",
                       err.text);
        return call_misuse(&call, problem);
    }
    if (!run(config, &o, &err)) {
        (void)cli_fail("import", &err);
        return EXIT_FAILED; /* too many errors is no refusal of a gate */
    }
    return EXIT_DONE;
}
