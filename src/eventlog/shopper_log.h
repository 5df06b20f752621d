#ifndef EVENTLOG_SHOPPER_LOG_H
#define EVENTLOG_SHOPPER_LOG_H

#include "domain/shopper/shopper.h"
#include "domain/shopper/shopper_again.h"
#include "store/events.h"
#include "store/history.h"
#include "store/shoppers.h"

/* From rows to the fold and back: what the consumer, replay, retention, view and training share. */

/* One row of the log. Fails for what the one decoder refuses. */
CAN_FAIL bool log_event_decode(const struct log_event *e, struct arena *a, struct event *out,
                               struct err *err);
/* Folds base (a document; NULL: nothing) and the events that decode; the others were dead-lettered
 * and count for nothing. In arena. Fails only for a broken base. */
CAN_FAIL bool shopper_log_fold(const char *key, const char *base, const struct history *h,
                               int64_t until_us, struct arena *a, struct shopper **out,
                               struct err *err);

/* The events that decode; returns how many. In arena. */
size_t shopper_log_events(const struct history *h, struct arena *a, struct event *out);
/* The same as shopper_log_fold of all times, and notes states on the way. */
CAN_FAIL bool shopper_log_fold_noting(const char *key, const char *base, const struct history *h,
                                      struct checkpoints *notes, struct arena *a,
                                      struct shopper **out, struct err *err);

/* A stored document; NULL is an empty shopper. Fails also for one that was folded by other rules (shopper_rules_stamp): the log
 * has everything to fold it again. */
CAN_FAIL bool shopper_from_doc(const char *key, const char *doc, struct arena *a,
                               struct shopper **out, struct err *err);
/* What retention left: there is nothing to fold it again from, so that from here on today's rules hold. */
CAN_FAIL bool shopper_from_base(const char *base, struct arena *a, struct shopper **out,
                                struct err *err);
const char *shopper_to_doc(const struct shopper *s, struct arena *a); /* canonical text */
/* The rows that belong to the shopper, by cart id, not scored; borrowed from it. An anonymous shopper
 * that is bound has none: its customer has them. Returns how many. */
size_t shopper_cart_rows(const struct shopper *s, int lane, struct cart_row out[CARTS_MAX]);

/* The newest offset that its document has, or may have: the fold of its lane stands at cursor_off. */
int64_t shopper_row_until(const struct shopper_row *row, int64_t cursor_off);

/* What is to be stored of some shoppers, in arena. */
struct stored_rows {
    struct arena *arena;
    struct shopper_row *shoppers;
    size_t count;
    struct cart_row *carts;
    size_t cart_count;
    int32_t *swept_lanes; /* shoppers of whose stored carts some may be there no more */
    const char **swept_keys;
    size_t swept_count;
};
struct stored_rows stored_rows_make(size_t shoppers_max, struct arena *a);
/* Adds a shopper and its carts, which are the last *out_carts of rows->carts. Borrows it. */
void stored_rows_add(struct stored_rows *rows, const struct shopper *s, int lane,
                     int64_t folded_off, size_t *out_carts);
/* Deletes stored carts of this shopper (of those the rows have room for) that are not among rows->carts. */
void stored_rows_sweep(struct stored_rows *rows, int lane, const char *key);
/* Shoppers first, then carts, as everywhere. */
CAN_FAIL bool stored_rows_write(const struct stored_rows *rows, struct db *db, struct err *err);

#endif
