/* Taobao user behaviour (Tianchi): user,item,category,behaviour,unix seconds; no header. The
 * category's number is all the file says about a product. */
#include "base/clock.h"
#include "domain/shop/money.h"
#include "foreign/format.h"

#include <string.h>

enum column { USER, ITEM, CATEGORY, BEHAVIOUR, TIME, COLUMNS };

static const struct import_column columns[COLUMNS] = {
    [USER] = {.names = {"user"}},         [ITEM] = {.names = {"item"}},
    [CATEGORY] = {.names = {"category"}}, [BEHAVIOUR] = {.names = {"behaviour"}},
    [TIME] = {.names = {"time"}},
};

static bool type_of(const char *behaviour, enum event_type *out, struct err *err)
{
    static const struct {
        const char *name;
        enum event_type type;
    } known[] = {
        {"pv", EVENT_PRODUCT_VIEWED},
        {"cart", EVENT_CART_ITEM_ADDED},
        {"fav", EVENT_WISHLIST_ADDED},
        {"buy", EVENT_PURCHASE},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(behaviour, known[i].name) == 0) {
            *out = known[i].type;
            return true;
        }
    }
    return FAIL(err, ERR_INVALID, "behaviour is none of pv, cart, fav, buy: \"%.40s\"", behaviour);
}

static bool taobao_row(struct import_parser *p, const struct import_row *row, struct err *err)
{
    struct import_envelope e = {.event_id = row->event_id, .customer_id = row->field[USER]};
    struct event_item item = {
        .product_id = row->field[ITEM], .quantity = 1, .price_minor = MONEY_UNKNOWN};
    if (!field_id("user", row->field[USER], err) || !field_id("item", row->field[ITEM], err) ||
        !type_of(row->field[BEHAVIOUR], &e.type, err) ||
        !field_unix("time", row->field[TIME], SECONDS(1), &e.occurred_us, err)) {
        return false;
    }
    bool valid = false;
    if (!import_event_one(p, &e, &item, row->line, &valid, err)) {
        return false;
    }
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
    return p->sink.product(p->sink.ctx, &facts, err);
}

const struct import_format import_taobao = {
    .name = "taobao",
    .currency = "",
    .columns = columns,
    .column_count = COLUMNS,
    .row = taobao_row,
};
