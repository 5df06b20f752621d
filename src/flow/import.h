#ifndef FLOW_IMPORT_H
#define FLOW_IMPORT_H

#include "base/config.h"
#include "base/err.h"
#include "store/database.h"

#include <stdio.h>

/* cartwright import: streams a foreign file into the event log (origin import: it never triggers
 * outreach) and what it says about products into the catalogue. Repeatable: event id = hex SHA-256
 * of format, raw row, and how many times this identical row came before in the file. */
struct import_options {
    const char *format;       /* retailrocket rees46 taobao online-retail ndjson */
    const char *const *files; /* "-" is stdin */
    int file_count;
    const char *currency;        /* NULL: the format's own; required for rees46 */
    const char *categories_item; /* retailrocket: item -> category file; NULL */
    const char *categories_tree;
    int64_t max_errors; /* more malformed lines than this: failed */
    bool json;
    bool quiet; /* no progress bar */
};
struct import_result {
    int64_t read; /* data rows, header left out */
    int64_t stored, duplicate, conflict, malformed;
    int64_t by_type[64]; /* stored + duplicate, by enum event_type */
};
CAN_FAIL bool import_run(const struct database *database, const struct config *config,
                         const struct import_options *options, FILE *out, FILE *report,
                         struct import_result *result, struct err *err);

#endif
