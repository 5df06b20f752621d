#ifndef IMPORT_REFUSALS_H
#define IMPORT_REFUSALS_H

#include "foreign/native.h"
#include "import/lines.h"
#include "import/meter.h"
#include "import/result.h"

#include <stdio.h>

/* What an import says of single rows: the one place for what is refused, and for what is told of rows that were taken. The first
 * of either are shown, all are counted by cause, and the refused rows themselves go to a file where that is wanted (--refused):
 * header and rows as they came, so that it is a file of the same format, each behind a line that says why (FOREIGN_COMMENT),
 * and together with what goes with it (foreign/kept_rows.h). */
struct refusals;

struct refusals_options {
    const char *path;             /* of the file; NULL: none is wanted */
    int64_t max;                  /* more refused rows fail the import */
    FILE *report;                 /* borrowed, as the others are */
    struct meter *meter;          /* gives way to a line of the report */
    struct import_result *result; /* malformed and by_cause are counted here */
};

/* Whether the file can be made; makes none. It must not be there: what it holds may not be mended yet, or be what is
 * imported. ERR_INVALID, with the path "--refused". */
CAN_FAIL bool refusals_check(const char *path, struct err *err);

CAN_FAIL bool refusals_open(const struct refusals_options *options, struct refusals **out,
                            struct err *err);
/* Ends the file; one without a row is removed. ERR_REFUSED: it could not be written whole. */
CAN_FAIL bool refusals_finish(struct refusals *r, struct err *err);
void refusals_close(struct refusals **r); /* CLEANUP */

/* What follows is of this file. rows: of one whose rows are kept; of others (joined ones) only what was wrong is. */
void refusals_of(struct refusals *r, const char *file, bool rows);
/* Lines that stand in front of the rows: a header. */
void refusals_head(struct refusals *r, const struct line *line);
/* Around what reads a row, which is borrowed meanwhile. ERR_REFUSED: the file cannot be written. */
void refusals_begin(struct refusals *r, const struct line *line);
CAN_FAIL bool refusals_end(struct refusals *r, struct err *err);

/* ERR_REFUSED: there are too many, or the file cannot be written. */
CAN_FAIL bool refusals_refuse(struct refusals *r, const struct native_refusal *what,
                              struct err *err);
/* A row that goes with a refused one. */
CAN_FAIL bool refusals_row(struct refusals *r, const char *text, size_t len, struct err *err);
/* What is told of a row that was taken. */
void refusals_warn(struct refusals *r, int64_t number, enum cause cause, const char *text);
/* How many were not shown. */
void refusals_rest(const struct refusals *r);

#endif
