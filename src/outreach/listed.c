/* Pages of carts in which what somebody else ordered is bought. Must not know of requests or answers. */
#include "outreach/listed.h"

#include "domain/shopper/shopper.h"
#include "outreach/ordered.h"

#include <string.h>

/* Open carts that somebody else ordered are few, and nothing sorts them: found among all, a few milliseconds a thousand. */
enum { LOOK_AT_ONCE = 500, LOOK_AT_MAX = 4000 };

static bool is_wanted(const struct cart_filter *wanted, const struct cart_row *row)
{
    return wanted->status == NULL || strcmp(wanted->status, row->status) == 0;
}

/* What is being read, page by page of the store's, until there are enough. */
struct listing {
    const struct cart_filter *wanted;
    struct cart_filter filter; /* of the next page */
    struct cart_row *rows;     /* wanted->limit */
    size_t count;
    size_t looked_at;
    const char *next; /* where it goes on; NULL: there are no more */
};

CAN_FAIL static bool read_page(struct listing *l, struct db *db, struct arena *a, struct err *err)
{
    struct cart_row *rows = NULL;
    size_t count = 0;

    if (!store_carts_page(db, &l->filter, a, &rows, &count, &l->next, err)) {
        return false;
    }
    bool *ordered = arena_array(a, count, sizeof *ordered);
    if (!outreach_ordered(db, rows, count, a, ordered, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (ordered[i]) {
            rows[i].status = cart_status_name(CART_BOUGHT);
        }
        if (is_wanted(l->wanted, &rows[i])) {
            l->rows[l->count++] = rows[i];
        }
        if (l->count == (size_t)l->wanted->limit && i + 1 < count) {
            /* the store's own goes on behind its whole page, and what is left of it would
             * never be shown */
            l->next = store_carts_cursor(l->filter.order, &rows[i], a);
            break;
        }
    }
    l->looked_at += count;
    l->filter.cursor = l->next;
    return true;
}

bool carts_listed(struct db *db, const struct cart_filter *wanted, struct arena *a,
                  struct cart_row **out, size_t *out_count, const char **out_next_cursor,
                  struct err *err)
{
    struct listing l = {.wanted = wanted,
                        .filter = *wanted,
                        .rows = arena_array(a, (size_t)wanted->limit, sizeof *l.rows)};

    if (wanted->status != NULL && strcmp(wanted->status, cart_status_name(CART_BOUGHT)) == 0) {
        l.filter.or_status = cart_status_name(CART_OPEN);
        l.filter.limit = LOOK_AT_ONCE;
    }
    do {
        if (!read_page(&l, db, a, err)) {
            return false;
        }
    } while (l.next != NULL && l.count < (size_t)wanted->limit && l.looked_at < LOOK_AT_MAX);
    *out = l.rows;
    *out_count = l.count;
    *out_next_cursor = l.next;
    return true;
}
