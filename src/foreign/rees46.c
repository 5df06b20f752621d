/* REES46's multi-category and cosmetics shops. Prices come without a currency, so the user names
 * it; brand, category and price of every row are what the catalogue knows of a product. */
#include "domain/shop/money.h"
#include "domain/shop/quantity.h"
#include "foreign/csv.h"
#include "foreign/event_names.h"
#include "foreign/table.h"
#include "foreign/words.h"

#include <string.h>

enum column { TIME, EVENT_NAME, PRODUCT, CATEGORY_CODE, BRAND, PRICE, USER, SESSION, COLUMNS };

static const struct table_column columns[COLUMNS] = {
    [TIME] = {.names = {"event_time"}},    [EVENT_NAME] = {.names = {"event_type"}},
    [PRODUCT] = {.names = {"product_id"}}, [CATEGORY_CODE] = {.names = {"category_code"}},
    [BRAND] = {.names = {"brand"}},        [PRICE] = {.names = {"price"}},
    [USER] = {.names = {"user_id"}},       [SESSION] = {.names = {"user_session"}},
};

/* The published files hold a few prices of 0 and below: the shop did not know them, the visit took
 * place nevertheless. */
static bool price_of(const char *text, const char *currency, int64_t *out, struct err *err)
{
    int64_t minor = 0;
    bool negative = text[0] == '-';
    /* An empty price is unknown as well; any other text shows that the columns are not what we think. */
    if (text[0] != '\0' && !money_parse(text + (negative ? 1 : 0), currency, &minor)) {
        return FAIL(err, ERR_INVALID, "price is no amount: \"%.40s\"", text);
    }
    *out = negative || minor == 0 ? MONEY_UNKNOWN : minor;
    return true;
}

static bool learn(struct foreign_parser *p, const struct table_row *row, int64_t price_minor,
                  int64_t at_us, struct err *err)
{
    struct product facts = {
        .product_id = row->field[PRODUCT],
        .price_minor = price_minor,
        .brand = words_brand(row->field[BRAND], &p->scratch),
        .category = words_category(row->field[CATEGORY_CODE], &p->scratch),
        .stock = -1,
        .updated_us = at_us,
    };
    if (price_minor != MONEY_UNKNOWN) {
        memcpy(facts.currency, p->currency, sizeof facts.currency);
    }
    /* The log has no titles. What a message can say of such a product is its brand and its kind. */
    facts.title = words_title(facts.brand, facts.category, &p->scratch);
    return native_product(&p->out, &facts, err);
}

static bool rees46_row(struct foreign_parser *p, const struct table_row *row, struct err *err)
{
    struct native_envelope e = {
        .event_id = row->event_id,
        .customer_id = row->field[USER],
        .session_id = row->field[SESSION],
    };
    struct event_item item = {.product_id = row->field[PRODUCT], .quantity_milli = QUANTITY_ONE};
    memcpy(item.currency, p->currency, sizeof item.currency);
    if (!field_time("event_time", row->field[TIME], &e.occurred_us, err) ||
        !event_names_find(NAMES_REES46, "event_type", row->field[EVENT_NAME], &e.type, err) ||
        !field_id("product_id", row->field[PRODUCT], err) ||
        !field_id("user_id", row->field[USER], err) ||
        !price_of(row->field[PRICE], p->currency, &item.price_minor, err)) {
        return false;
    }
    bool valid = false;
    if (!native_one(&p->out, &e, &item, row->number, &valid, err)) {
        return false;
    }
    /* A row whose event was refused is not trusted with the catalogue either. */
    return !valid || learn(p, row, item.price_minor, e.occurred_us, err);
}

static const struct table table = {
    .columns = columns, .column_count = COLUMNS, .header = true, .row = rees46_row};

const struct foreign_format foreign_rees46 = {
    .name = "rees46",
    .table = &table,
    .record = table_record,
};
