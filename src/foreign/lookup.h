#ifndef FOREIGN_LOOKUP_H
#define FOREIGN_LOOKUP_H

#include "foreign/csv.h"
#include "foreign/format.h"

/* The rows of a second file, to be found by one of its columns: what `--join order_id=orders.csv` says
 * of every row that names the order. Held in memory as text. */
struct lookup;

struct lookup *lookup_open(const char *key, const char *file); /* owns; file is for errors */
void lookup_close(struct lookup **l);

/* A column of ours where orders are told by user_id, order_hour_of_day and days_since_prior_order: the time, as if
 * everybody had begun on 2017-01-01. */
#define LOOKUP_SINCE "(time of the order)"

/* Takes in the header, then rows. ERR_INVALID: this row is malformed; ERR_REFUSED: the file has no
 * such column. The last row of a key counts. */
CAN_FAIL bool lookup_record(struct lookup *l, const struct foreign_record *record, struct err *err);

struct csv_shape lookup_shape(const struct lookup *l); /* of its records, as known by now */
const char *lookup_key(const struct lookup *l);
const char *lookup_file(const struct lookup *l);
/* Position of a column; -1 if it has none. */
int lookup_column(const struct lookup *l, const char *name);
/* The row of this key, its fields in arena; false: there is none. */
bool lookup_find(const struct lookup *l, const char *key, struct arena *a, struct csv_row *out);

#endif
