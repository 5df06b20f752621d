/* Days of the shop as a whole. */
#include "store/shop_days.h"

#include "base/cleanup.h"

bool store_shop_days_fill(struct db *db, int64_t until_day, int64_t *out_added, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    CLEANUP(rows_clear) PGresult *rows = NULL;
    struct params p = params_make(&a);

    param_i64(&p, until_day);
    if (!db_query(db, Q_shop_days_fill, &p, &rows, err)) {
        return false;
    }
    if (out_added != NULL) {
        *out_added = row_i64(rows, 0, 0);
    }
    return true;
}

static void read_day(const PGresult *rows, int r, struct arena *a, void *out)
{
    (void)a;
    *(struct shop_day *)out = (struct shop_day){
        .day = row_i32(rows, r, 0), .adds = row_i64(rows, r, 1), .orders = row_i64(rows, r, 2)};
}

bool store_shop_days_read(struct db *db, size_t known, struct arena *a, struct shop_days *out,
                          struct err *err)
{
    struct db_rows days;
    struct params p = params_make(a);

    /* How many the caller has: rows are only ever added, so that the same number means the same
     * days, and none are sent. */
    param_i64(&p, (int64_t)known);
    if (!db_list(db, Q_shop_days_read, &p, sizeof(struct shop_day), read_day, &days, err)) {
        return false;
    }
    *out = (struct shop_days){.all = days.all, .count = days.count};
    return true;
}
