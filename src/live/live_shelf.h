#ifndef LIVE_LIVE_SHELF_H
#define LIVE_LIVE_SHELF_H

#include "base/err.h"
#include "domain/affinity/affinity_shelf.h"
#include "store/pg/db.h"

/* How the stock and prices that the scan knows are kept up with the catalogue: counted, immutable, replaced when something changed. */
struct held_shelf;

struct held_shelf *held_shelf_take(struct held_shelf *h); /* h may be NULL */
void held_shelf_drop(struct held_shelf **h);
const struct affinity_shelf *held_shelf_look(const struct held_shelf *h); /* NULL for NULL */

/* How far the catalogue was read. {0}: not at all. */
struct shelf_seen {
    int64_t newest_us; /* newest change that was read */
    int64_t
        open_us; /* when the oldest transaction began that was open then: its changes come later, and are dated earlier */
    int64_t whole_us; /* monotonic: when all of it was read last */
};

/* The shelf of a model (NULL: none) as the catalogue stands: `old` again where nothing changed, or a new one. old is of the same model, or NULL for
 * a first read of everything. One reference to the caller; on failure of the database, that is of old. *seen is what the next
 * read starts from: ten seconds before the newest change, or behind it once that is long ago, or ten before the oldest open transaction, whichever is earlier;
 * now and then it reads everything, since not every transaction can be seen, nor a row that is gone. */
CAN_FAIL bool held_shelf_read(struct db *db, const struct affinity *model, struct held_shelf *old,
                              struct shelf_seen *seen, struct held_shelf **out, struct err *err);

#endif
