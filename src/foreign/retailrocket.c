/* RetailRocket's shop log, with either header: the published one (milliseconds) and the shortened
 * one (seconds). No prices, no names; categories come from two files of their own
 * (import/categories.c). */
#include "domain/shop/money.h"
#include "domain/shop/quantity.h"
#include "foreign/csv.h"
#include "foreign/event_names.h"
#include "foreign/table.h"

enum column { TIME, VISITOR, EVENT_NAME, ITEM, TRANSACTION, COLUMNS };
enum { SPELLING_MS, SPELLING_S }; /* of TIME */

static const struct table_column columns[COLUMNS] = {
    [TIME] = {.names = {"timestamp", "timestamp_s"}},
    [VISITOR] = {.names = {"visitorid", "user"}},
    [EVENT_NAME] = {.names = {"event"}},
    [ITEM] = {.names = {"itemid", "item"}},
    [TRANSACTION] = {.names = {"transactionid"}, .optional = true},
};

static bool retailrocket_row(struct foreign_parser *p, const struct table_row *row, struct err *err)
{
    struct native_envelope e = {.event_id = row->event_id, .customer_id = row->field[VISITOR]};
    struct event_item item = {.product_id = row->field[ITEM],
                              .quantity_milli = QUANTITY_ONE,
                              .price_minor = MONEY_UNKNOWN};
    /* The header's spelling is the only hint; the numbers themselves are whole in both. */
    int64_t unit_us = row->spelling[TIME] == SPELLING_MS ? 1000 : 1000000;
    if (!field_id("visitor", row->field[VISITOR], err) ||
        !field_id("item", row->field[ITEM], err) ||
        !event_names_find(NAMES_RETAILROCKET, "event", row->field[EVENT_NAME], &e.type, err) ||
        !field_unix("timestamp", row->field[TIME], unit_us, &e.occurred_us, err)) {
        return false;
    }
    /* One row a product: the rows of a transaction become one order in the fold, by this id. Other rows
     * have the column, empty. */
    if (e.type == EVENT_PURCHASE) {
        e.order_id = row->field[TRANSACTION];
    }
    bool valid = false;
    return native_one(&p->out, &e, &item, row->number, &valid, err);
}

static const struct table table = {
    .columns = columns, .column_count = COLUMNS, .header = true, .row = retailrocket_row};

const struct foreign_format foreign_retailrocket = {
    .name = "retailrocket",
    .currency = "",
    .table = &table,
    .ids_allowed = "0", /* the published file counts its visitors from 0 */
    .record = table_record,
};
