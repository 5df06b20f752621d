#ifndef FOREIGN_FIELD_H
#define FOREIGN_FIELD_H

#include "base/arena.h"
#include "base/err.h"
#include "domain/shop/event_time.h"

#include <stdint.h>

/* Fields of a table as values. All fail with ERR_INVALID and "NAME ...", name being the column's. */

/* An id of 1 to 200 bytes, as every file spells it: without blanks around it and without the .0 that a
 * spreadsheet or pandas puts behind whole numbers. Scientific notation (5.12E+08) has lost digits, and
 * fails. In arena, or text itself. */
CAN_FAIL bool field_id(const char *name, const char *text, struct arena *a, const char **out,
                       struct err *err);
/* The same, where it may be empty: "". */
CAN_FAIL bool field_id_opt(const char *name, const char *text, struct arena *a, const char **out,
                           struct err *err);

/* A whole number; 2.0 is 2. */
CAN_FAIL bool field_i64(const char *name, const char *text, int64_t *out, struct err *err);

/* A number of up to three decimals, in thousandths: 0.35 and 0,35 are 350. */
CAN_FAIL bool field_milli(const char *name, const char *text, int64_t *out, struct err *err);

/* An amount, in minor units of the currency: 1234.50, 1,234.50, 1.234,50 and 1234,50. Three digits
 * behind a single comma are thousands or decimals, nobody can tell, and fail. */
CAN_FAIL bool field_amount(const char *name, const char *text, const char *currency, int64_t *out,
                           struct err *err);

/* Times; what names no zone is UTC.
 *   2019-10-01 04:00:00   also with T or / or without seconds, with a fraction, with AM or PM, and
 *                         with Z, UTC, GMT, +02:00, +0200 or +02 behind it
 *   2019-10-01            midnight
 *   10/1/2019 4:00        month first; days first are written 1.10.2019 4:00
 *   1569902400            seconds, milliseconds, microseconds or nanoseconds since 1970, as large as
 *                         they are for this century; seconds may have a fraction
 *   20191001              midnight
 *   43739.5               days as spreadsheets count them, of 2000 to 2099 */
CAN_FAIL bool field_time(const char *name, const char *text, int64_t *out_us, struct err *err);
/* The same of a workbook that counts days from 1904, as Excel did on Macs. */
/* What is left of the minute, in whole seconds, where the text tells a time of day without seconds, and the event is one that lies at the end of what
 * it tells (event_time.h); else 0. */
int64_t field_time_rest_us(enum event_type type, const char *text);
CAN_FAIL bool field_time_1904(const char *name, const char *text, int64_t *out_us, struct err *err);

/* Text for people: without blanks around it, a blank for every line break, tab and run of them. In
 * arena, or text itself. */
const char *field_text(const char *text, struct arena *a);

#endif
