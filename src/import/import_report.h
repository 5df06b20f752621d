#ifndef IMPORT_IMPORT_REPORT_H
#define IMPORT_IMPORT_REPORT_H

#include "import/import.h"

/* What an import did: a table for people, or one JSON line. "conflict" is named only where there is
 * one. */
void import_report(const struct import_result *result, bool json, FILE *out);

#endif
