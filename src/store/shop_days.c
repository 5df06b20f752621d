/* Days of the shop as a whole. */
#include "store/shop_days.h"

#include "base/cleanup.h"

bool store_shop_days_fill(struct db *db, int64_t until_day, int64_t *out_added, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct params p = params_make(&a);

    param_i64(&p, until_day);
    return db_exec(db, Q_shop_days_fill, &p, out_added, err);
}

bool store_shop_days_read(struct db *db, size_t known, struct arena *a, struct shop_days *out,
                          struct err *err)
{
    CLEANUP(rows_clear) PGresult *rows = NULL;
    struct params p = params_make(a);

    param_i64(&p, (int64_t)known);
    if (!db_query(db, Q_shop_days_read, &p, &rows, err)) {
        return false;
    }
    int count = PQntuples(rows);
    struct shop_day *days = arena_array(a, (size_t)count + 1, sizeof *days);
    for (int i = 0; i < count; i++) {
        days[i] = (struct shop_day){
            .day = row_i32(rows, i, 0), .adds = row_i64(rows, i, 1), .orders = row_i64(rows, i, 2)};
    }
    *out = (struct shop_days){.all = days, .count = (size_t)count};
    return true;
}
