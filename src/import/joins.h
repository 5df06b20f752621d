#ifndef IMPORT_JOINS_H
#define IMPORT_JOINS_H

#include "base/arena.h"
#include "foreign/lookup.h"
#include "foreign/table.h"
#include "import/lines.h"

/* The files that --join names: "order_id=orders.csv,customer_id=customers.csv". */
struct joins {
    struct lookup *lookups[TABLE_LOOKUPS_MAX];
    const char *files[TABLE_LOOKUPS_MAX];
    size_t count;
};

/* Reads the text, no file. ERR_INVALID with the path "--join". In arena. */
CAN_FAIL bool joins_parse(const char *text, struct arena *a, struct joins *out, struct err *err);
void joins_close(struct joins *j); /* CLEANUP; accepts {0} */

#endif
