/* Taobao user behaviour (Tianchi): user,item,category,behaviour,unix seconds; no header. The
 * category's number is all the file says about a product. */
#include "base/clock.h"
#include "domain/shop/money.h"
#include "domain/shop/quantity.h"
#include "foreign/csv.h"
#include "foreign/event_names.h"
#include "foreign/table.h"

enum column { USER, ITEM, CATEGORY, BEHAVIOUR, TIME, COLUMNS };

static const struct table_column columns[COLUMNS] = {
    [USER] = {.names = {"user"}},         [ITEM] = {.names = {"item"}},
    [CATEGORY] = {.names = {"category"}}, [BEHAVIOUR] = {.names = {"behaviour"}},
    [TIME] = {.names = {"time"}},
};

static bool taobao_row(struct foreign_parser *p, const struct table_row *row, struct err *err)
{
    struct native_envelope e = {.event_id = row->event_id, .customer_id = row->field[USER]};
    struct event_item item = {.product_id = row->field[ITEM],
                              .quantity_milli = QUANTITY_ONE,
                              .price_minor = MONEY_UNKNOWN};
    if (!field_id("user", row->field[USER], err) || !field_id("item", row->field[ITEM], err) ||
        !event_names_find(NAMES_TAOBAO, "behaviour", row->field[BEHAVIOUR], &e.type, err) ||
        !field_unix("time", row->field[TIME], SECONDS(1), &e.occurred_us, err)) {
        return false;
    }
    bool valid = false;
    if (!native_one(&p->out, &e, &item, row->number, &valid, err)) {
        return false;
    }
    /* Without its category the row says nothing about the product. */
    if (!valid || row->field[CATEGORY][0] == '\0') {
        return true;
    }
    struct product facts = {
        .product_id = row->field[ITEM],
        .category = row->field[CATEGORY],
        .price_minor = MONEY_UNKNOWN,
        .stock = -1,
        .updated_us = e.occurred_us,
    };
    return native_product(&p->out, &facts, err);
}

static const struct table table = {.columns = columns, .column_count = COLUMNS, .row = taobao_row};

const struct foreign_format foreign_taobao = {
    .name = "taobao",
    .currency = "",
    .table = &table,
    .record = table_record,
};
