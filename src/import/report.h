#ifndef IMPORT_REPORT_H
#define IMPORT_REPORT_H

#include "import/result.h"

#include <stdbool.h>
#include <stdio.h>

/* What an import did: a table for people, or one JSON line. "conflict" is named only where there is
 * one. */
void import_report(const struct import_result *result, bool json, FILE *out);

#endif
