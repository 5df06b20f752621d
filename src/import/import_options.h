#ifndef IMPORT_IMPORT_OPTIONS_H
#define IMPORT_IMPORT_OPTIONS_H

#include "base/arena.h"
#include "base/err.h"
#include "foreign/format.h"

#include <stdint.h>

/* What an import is asked to do. */
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
    int64_t dates;       /* from which the days of a spreadsheet count: 1900, 1904; 0: 1900 */
    int64_t max_errors;  /* more malformed lines than this: failed */
    const char *refused; /* where refused rows go (import/refusals.h); NULL: nowhere */
    bool json;
    bool quiet; /* no progress bar */
};

/* Whether the options make sense together: what a usage error is, before a database is touched. */
CAN_FAIL bool import_check(const struct import_options *options, struct err *err);

/* The format that the options say, with the columns and types they say otherwise. In arena. */
CAN_FAIL bool import_format(const struct import_options *o, struct arena *a,
                            const struct foreign_format **out, struct err *err);

#endif
