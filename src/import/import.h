#ifndef IMPORT_IMPORT_H
#define IMPORT_IMPORT_H

#include "base/config.h"
#include "base/err.h"
#include "import/result.h"
#include "store/database.h"

#include <stdio.h>

/* cartwright import: streams a foreign file into the event log (origin import: it never triggers
 * outreach) and what it says about products into the catalogue. Repeatable: event id = hex SHA-256
 * of format, raw row (of an order's: its id), and how many times this identical row came before in the file. */
struct import_options {
    const char *format; /* a name of foreign/format.h; NULL: map says it all */
    const char *map; /* --map, --types and --join of foreign/mapping.h and import/joins.h; NULL */
    const char *types;
    const char *join;
    const char *const *files; /* "-" is stdin */
    int file_count;
    const char *currency;        /* NULL: the format's own; required for rees46 */
    const char *categories_item; /* retailrocket: item -> category file; NULL */
    const char *categories_tree;
    int64_t dates;      /* from which the days of a spreadsheet count: 1900, 1904; 0: 1900 */
    int64_t max_errors; /* more malformed lines than this: failed */
    bool json;
    bool quiet; /* no progress bar */
};

/* Whether the options make sense together: what a usage error is, before a database is touched. */
CAN_FAIL bool import_check(const struct import_options *options, struct err *err);

/* Malformed lines and the progress bar go to report, the final table or JSON line to out (also when
 * it fails because of too many malformed lines: what was stored stays, and a repeat adds nothing to
 * it). Ends with all carts folded. */
CAN_FAIL bool import_run(const struct database *database, const struct config *config,
                         const struct import_options *options, FILE *out, FILE *report,
                         struct import_result *result, struct err *err);

#endif
