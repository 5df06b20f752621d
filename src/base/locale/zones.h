#ifndef BASE_LOCALE_ZONES_H
#define BASE_LOCALE_ZONES_H

#include "base/locale/tzif.h"

/* All time zones of the tz database as one immutable table: read once from a folder of TZif files
 * (Debian's package tzdata), and never again. A name is only ever compared with the names found
 * there, so that what a user sends never becomes a path. */
struct zones;

#define ZONES_FOLDER "/usr/share/zoneinfo"

/* Every TZif file below the folder, but for its copies for other ways of counting (posix/, right/)
 * and the machine's own zone. A damaged one fails, and is named. The caller frees *out. */
CAN_FAIL bool zones_load(const char *folder, struct zones **out, struct err *err);
void zones_free(struct zones **zones);

const struct tzif *zones_find(const struct zones *zones, const char *name); /* NULL: none */
/* Of the data, as "2025b"; "unknown" where the folder does not say. */
const char *zones_version(const struct zones *zones);
size_t zones_count(const struct zones *zones);
const char *zones_name(const struct zones *zones, size_t i); /* ascending */

/* Those of ZONES_FOLDER, read by whoever asks first and kept until the process ends. Where that
 * failed, there are none, and zones_require says why: at start, once, on the thread that starts. */
const struct zones *zones_system(void);
CAN_FAIL bool zones_require(struct err *err);

#endif
