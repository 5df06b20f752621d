#ifndef IMPORT_RECORD_H
#define IMPORT_RECORD_H

#include "foreign/csv.h"
#include "foreign/format.h"
#include "import/lines.h"

/* The next record of a file: a line, or several where a quoted field has line breaks (csv_cut). Its number is that of its
 * first line. *out_more false: the file has ended. Errors are those of the lines. */
CAN_FAIL bool record_next(struct line_reader *lines, const struct csv_shape *shape,
                          struct line *out, bool *out_more, struct err *err);
/* As the foreign formats take it. ERR_INVALID: it is too long. */
CAN_FAIL bool record_of(const struct line *line, struct foreign_record *out, struct err *err);

#endif
