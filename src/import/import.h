#ifndef IMPORT_IMPORT_H
#define IMPORT_IMPORT_H

#include "base/config.h"
#include "base/err.h"
#include "import/import_options.h"
#include "import/result.h"
#include "store/database.h"

#include <stdio.h>

/* cartwright import: streams a foreign file into the event log (origin import: it never triggers
 * outreach) and what it says about products into the catalogue. Repeatable: event id = hex SHA-256
 * of format, raw row (of an order's: its id), and how many times this identical row came before in the file.
 *
 * Malformed lines and the progress bar go to report, the final table or JSON line to out (also when
 * it fails because of too many malformed lines: what was stored stays, and a repeat adds nothing to
 * it). Ends with all carts folded. */
CAN_FAIL bool import_run(const struct database *database, const struct config *config,
                         const struct import_options *options, FILE *out, FILE *report,
                         struct import_result *result, struct err *err);

#endif
