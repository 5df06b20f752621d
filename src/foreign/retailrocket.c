/* RetailRocket's shop log, with either header: the published one (milliseconds) and the shortened
 * one (seconds). No prices, no names; categories come from two files of their own
 * (import/categories.c). */
#include "domain/shop/money.h"
#include "foreign/format.h"

#include <string.h>

enum column { TIME, VISITOR, EVENT_NAME, ITEM, TRANSACTION, COLUMNS };
enum { SPELLING_MS, SPELLING_S }; /* of TIME */

static const struct import_column columns[COLUMNS] = {
    [TIME] = {.names = {"timestamp", "timestamp_s"}},
    [VISITOR] = {.names = {"visitorid", "user"}},
    [EVENT_NAME] = {.names = {"event"}},
    [ITEM] = {.names = {"itemid", "item"}},
    [TRANSACTION] = {.names = {"transactionid"}, .optional = true},
};

static bool type_of(const char *name, enum event_type *out, struct err *err)
{
    static const struct {
        const char *name;
        enum event_type type;
    } known[] = {
        {"view", EVENT_PRODUCT_VIEWED},
        {"addtocart", EVENT_CART_ITEM_ADDED},
        {"transaction", EVENT_PURCHASE},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(name, known[i].name) == 0) {
            *out = known[i].type;
            return true;
        }
    }
    return FAIL(err, ERR_INVALID, "event is none of view, addtocart, transaction: \"%.40s\"", name);
}

static bool retailrocket_row(struct import_parser *p, const struct import_row *row, struct err *err)
{
    struct import_envelope e = {.event_id = row->event_id, .customer_id = row->field[VISITOR]};
    struct event_item item = {
        .product_id = row->field[ITEM], .quantity = 1, .price_minor = MONEY_UNKNOWN};
    int64_t unit_us = p->spelling[TIME] == SPELLING_MS ? 1000 : 1000000;
    if (!field_id("visitor", row->field[VISITOR], err) ||
        !field_id("item", row->field[ITEM], err) ||
        !type_of(row->field[EVENT_NAME], &e.type, err) ||
        !field_unix("timestamp", row->field[TIME], unit_us, &e.occurred_us, err)) {
        return false;
    }
    if (e.type == EVENT_PURCHASE) {
        e.order_id = row->field[TRANSACTION];
    }
    bool valid = false;
    return import_event_one(p, &e, &item, row->line, &valid, err);
}

const struct import_format import_retailrocket = {
    .name = "retailrocket",
    .currency = "",
    .columns = columns,
    .column_count = COLUMNS,
    .header = true,
    .row = retailrocket_row,
};
