#ifndef IMPORT_RESULT_H
#define IMPORT_RESULT_H

#include <stdint.h>

#include "foreign/format.h"

enum { IMPORT_TYPES_MAX = 64, IMPORT_CAUSES_MAX = 32 };

/* What an import did, counted by those who do it. */
struct import_result {
    int64_t read; /* data rows, malformed ones too, header left out */
    int64_t stored, duplicate;
    int64_t conflict; /* the log has another body under this id: kept as it is */
    int64_t malformed;
    int64_t by_cause
        [IMPORT_CAUSES_MAX]; /* malformed rows, and warnings, by enum cause (foreign/cause.h) */
    int64_t left_out;        /* rows that say nothing of what a shopper did */
    struct foreign_column
        columns[FOREIGN_COLUMNS_MAX]; /* that could not always be read in orders */
    size_t column_count;
    int64_t by_type[IMPORT_TYPES_MAX]; /* valid events, stored or not, by enum event_type */
};

#endif
