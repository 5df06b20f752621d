/* Native events, one JSON object a line, ids as given: what the export of another Cartwright holds.
 * The decoder says what is wrong. */
#include "foreign/format.h"

const struct import_format import_ndjson = {.name = "ndjson", .currency = ""};
