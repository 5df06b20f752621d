#ifndef BASE_LOCALE_TZIF_H
#define BASE_LOCALE_TZIF_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/* One time zone out of a TZif file (RFC 8536), immutable. */
struct tzif;

enum { TZIF_BYTES_MAX = 65536, TZIF_OFFSET_MAX = 26 * 3600 };

/* Reads a whole file of version 2 or later (the 64-bit block and the footer). Refused are what is
 * cut off or goes on, contradicts itself, lies more than 26 hours from UTC, or counts leap seconds,
 * which Unix time does not. The caller frees *out. */
CAN_FAIL bool tzif_read(const uint8_t *bytes, size_t size, struct tzif **out, struct err *err);
void tzif_free(struct tzif **zone);

/* Seconds that clocks of the zone are ahead of UTC, of any time: before the first change by the
 * file's first type, after the last one by the footer. */
int32_t tzif_offset(const struct tzif *zone, int64_t at_us);

/* The changes that the file lists, ascending, for whoever compares. */
size_t tzif_changes(const struct tzif *zone);
int64_t tzif_change_s(const struct tzif *zone, size_t i);

#endif
