/* Reads a line of an invoice, and says whether it is a sale. Of which invoice it is, and what becomes of that, it must not know. */
#include "foreign/invoice_line.h"

#include "domain/shop/event.h"
#include "foreign/field.h"
#include "foreign/taken.h"

#include <strings.h>

CAN_FAIL static bool signed_price(const char *text, const char *currency, int64_t *out,
                                  struct err *err)
{
    int64_t minor = 0;
    /* field_amount takes no sign, because prices have none; bad debt is written off at a negative one. */
    bool negative = text[0] == '-';
    if (!field_amount("Price", text + (negative ? 1 : 0), currency, &minor, err)) {
        return false;
    }
    *out = negative ? -minor : minor;
    return true;
}

CAN_FAIL static bool quantity_of(const char *text, int64_t *out, struct err *err)
{
    enum { QUANTITY_MAX = 1000000000 };
    int64_t quantity = 0;
    if (!field_i64("Quantity", text, &quantity, err)) {
        return false;
    }
    /* Corrections go past what an event may hold, and are kept in properties; but negating and adding
     * them must stay safe. */
    if (quantity < -QUANTITY_MAX || quantity > QUANTITY_MAX) {
        return FAIL(err, ERR_INVALID, "Quantity is out of range: %.40s", text);
    }
    *out = quantity;
    return true;
}

bool invoice_line_read(struct foreign_parser *p, const struct table_row *row, bool refund,
                       struct invoice_line *out, struct err *err)
{
    const enum event_type type = refund ? EVENT_REFUND : EVENT_PURCHASE;
    struct arena *a = &p->scratch;
    *out = (struct invoice_line){.text = field_text(row->field[DESCRIPTION], a)};
    bool good = foreign_at(p, CAUSE_BAD_ID, "StockCode") &&
                (field_id("StockCode", row->field[CODE], a, &out->code, err) ||
                 native_goes_on(type, "", &out->code, err)) &&
                foreign_at(p, CAUSE_BAD_QUANTITY, "Quantity") &&
                taken_value(p, quantity_of(row->field[QUANTITY], &out->quantity, err), type,
                            row->field[QUANTITY], &out->unread.quantity, err) &&
                foreign_at(p, CAUSE_BAD_AMOUNT, "Price") &&
                taken_value(p, signed_price(row->field[PRICE], p->currency, &out->price_minor, err),
                            type, row->field[PRICE], &out->unread.price, err);
    out->partial =
        good && (out->code[0] == '\0' || out->unread.quantity != NULL || out->unread.price != NULL);
    return good;
}

/* What the shop bills that is no product: postage, fees, corrections, tests. */
static bool is_charge(const char *code)
{
    /* Codes of the published files. Gift vouchers (gift_...) are sold like products, and stay. */
    static const char *const charges[] = {
        "POST",   "DOT",     "C2",           "C3",        "M",    "D",    "S",       "B",
        "ADJUST", "ADJUST2", "BANK CHARGES", "AMAZONFEE", "CRUK", "PADS", "TEST001", "TEST002",
    };
    for (size_t i = 0; i < sizeof charges / sizeof charges[0]; i++) {
        if (strcasecmp(code, charges[i]) == 0) { /* "m" and "M" both occur */
            return true;
        }
    }
    return false;
}

bool invoice_line_is_sale(const struct invoice_line *l, bool refund, bool anybody)
{
    /* In a cancellation goods come back with a negative quantity; a positive one there is no return, as a
     * negative one in an invoice is no sale. */
    int64_t sold = refund ? -l->quantity : l->quantity;
    bool some = l->unread.quantity != NULL || (sold >= 1 && sold <= EVENT_QUANTITY_MAX);
    /* A gift (price 0) goes to somebody; a stock correction, which looks the same, to nobody. */
    bool priced = l->unread.price != NULL || l->price_minor > 0 || (l->price_minor == 0 && anybody);
    return some && priced && !is_charge(l->code);
}
