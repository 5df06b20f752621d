#ifndef IMPORT_COLUMNS_H
#define IMPORT_COLUMNS_H

#include "foreign/format.h"
#include "import/result.h"

/* Columns of orders that cannot be read. */

enum { COLUMNS_ROWS = 1000 }; /* so many are read before any of them is stored (import/batch.c) */

/* ERR_REFUSED: one could be read in no order so far: most likely it is another one than the user takes it for. Better one error than as many warnings as
 * rows, and orders without what they cost. */
CAN_FAIL bool columns_expect(const struct foreign_parser *p, struct err *err);
/* Adds those of a file of which something could not be read. */
void columns_note(struct import_result *r, const struct foreign_parser *p);

#endif
