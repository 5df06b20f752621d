#ifndef FOREIGN_ENCODING_H
#define FOREIGN_ENCODING_H

#include "base/arena.h"
#include "foreign/format.h"

/* The record as UTF-8. One that is no UTF-8 is taken for Windows-1252, which old exports and
 * spreadsheets on Windows write; *out_windows says so. In arena, or as it is. */
struct foreign_record encoding_utf8(const struct foreign_record *record, struct arena *a,
                                    bool *out_windows);

#endif
