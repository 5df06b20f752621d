/* Which members a shopper's canonical text has. Another order or name here is another text: stored
 * shoppers would have to be folded again. */
#include "domain/shopper/shopper_fields.h"

#include "domain/shop/money.h"

static const struct field line_fields[] = {
    {"product_id", FIELD_TEXT, offsetof(struct cart_line, product_id), NULL},
    {"quantity", FIELD_QUANTITY, offsetof(struct cart_line, quantity_milli), NULL},
    {"price_minor", FIELD_AMOUNT, offsetof(struct cart_line, price_minor), NULL},
    {"currency", FIELD_CURRENCY, offsetof(struct cart_line, currency), NULL},
    {"added_us", FIELD_COUNT, offsetof(struct cart_line, added_us), NULL},
    {"touched_us", FIELD_COUNT, offsetof(struct cart_line, touched_us), NULL},
    {"variant_id", FIELD_TEXT, offsetof(struct cart_line, variant_id), NULL},
    {"line_id", FIELD_TEXT, offsetof(struct cart_line, line_id), NULL},
};
enum { LINE_ROW_MIN = 6 };
static const struct field_list lines = {
    .named = true,
    .fields = line_fields,
    .field_count = sizeof line_fields / sizeof line_fields[0],
    .rows = true,
    .row_min = LINE_ROW_MIN,
    .size = sizeof(struct cart_line),
    .max = CART_LINES_MAX,
    .count_offset = offsetof(struct cart, line_count),
    .is_pointer = true,
};
static const struct field_list adjustments = {
    .named = true,
    .fields = line_fields,
    .field_count = sizeof line_fields / sizeof line_fields[0],
    .rows = true,
    .row_min = LINE_ROW_MIN,
    .size = sizeof(struct cart_line),
    .max = CART_LINES_MAX,
    .count_offset = offsetof(struct cart, adjustment_count),
    .is_pointer = true,
};

#define SIGNAL(member)                                                                             \
    {                                                                                              \
#member, FIELD_COUNT, offsetof(struct cart, signals.member), NULL                          \
    }
static const struct field cart_fields[] = {
    {"id", FIELD_TEXT, offsetof(struct cart, id), NULL},
    {"via", FIELD_TEXT, offsetof(struct cart, via), NULL},
    {"into", FIELD_TEXT, offsetof(struct cart, into), NULL},
    {"round", FIELD_COUNT, offsetof(struct cart, round), NULL},
    {"status", FIELD_STATUS, offsetof(struct cart, status), NULL},
    {"opened_us", FIELD_COUNT, offsetof(struct cart, opened_us), NULL},
    {"changed_us", FIELD_COUNT, offsetof(struct cart, changed_us), NULL},
    {"closed_us", FIELD_COUNT, offsetof(struct cart, closed_us), NULL},
    {"order_id", FIELD_TEXT, offsetof(struct cart, order_id), NULL},
    {"left_us", FIELD_COUNT, offsetof(struct cart, left_us), NULL},
    {"recovered", FIELD_BOOL, offsetof(struct cart, recovered), NULL},
    {"imported", FIELD_BOOL, offsetof(struct cart, imported), NULL},
    {"released", FIELD_RELEASED, offsetof(struct cart, released), NULL},
    {"lines", FIELD_LIST, offsetof(struct cart, lines), &lines},
    {"adjustments", FIELD_LIST, offsetof(struct cart, adjustments), &adjustments},
    {"lines_cut", FIELD_COUNT, offsetof(struct cart, lines_cut), NULL},
    SIGNAL(checkout_started_us),
    SIGNAL(checkout_step),
    SIGNAL(shipping_shown_us),
    {"shipping_minor", FIELD_AMOUNT, offsetof(struct cart, signals.shipping_minor), NULL},
    SIGNAL(payment_info_us),
    SIGNAL(payment_failed_us),
    SIGNAL(coupon_entered_us),
    SIGNAL(coupon_applied_us),
    SIGNAL(coupon_denied_us),
    SIGNAL(pages_returns),
    SIGNAL(pages_shipping),
    SIGNAL(pages_size),
    SIGNAL(pages_reviews),
    SIGNAL(adds),
    SIGNAL(removes),
    SIGNAL(views),
    SIGNAL(line_views),
    SIGNAL(searches),
    SIGNAL(events),
};
static const struct field_list carts = {
    .named = true,
    .fields = cart_fields,
    .field_count = sizeof cart_fields / sizeof cart_fields[0],
    .size = sizeof(struct cart),
    .max = CARTS_MAX,
    .count_offset = offsetof(struct shopper, cart_count),
};

static const struct field recent_fields[] = {
    {"type", FIELD_TYPE, offsetof(struct recent_event, type), NULL},
    {"at_us", FIELD_COUNT, offsetof(struct recent_event, at_us), NULL},
    {"product_id", FIELD_TEXT, offsetof(struct recent_event, product_id), NULL},
    {"price_minor", FIELD_AMOUNT, offsetof(struct recent_event, price_minor), NULL},
};
static const struct field_list recent = {
    .fields = recent_fields,
    .field_count = sizeof recent_fields / sizeof recent_fields[0],
    .rows = true,
    .row_min = sizeof recent_fields / sizeof recent_fields[0],
    .size = sizeof(struct recent_event),
    .max = RECENT_MAX,
    .count_offset = offsetof(struct shopper, recent_count),
};

static const struct field dropped_fields[] = {
    {"id", FIELD_TEXT, offsetof(struct dropped_cart, id), NULL},
};
static const struct field_list dropped = {
    .named = true,
    .fields = dropped_fields,
    .field_count = sizeof dropped_fields / sizeof dropped_fields[0],
    .rows = true,
    .row_min = sizeof dropped_fields / sizeof dropped_fields[0],
    .size = sizeof(struct dropped_cart),
    .max = DROPPED_MAX,
    .count_offset = offsetof(struct shopper, dropped_count),
};

static const struct field mentioned_fields[] = {
    {"id", FIELD_TEXT, offsetof(struct mentioned_cart, id), NULL},
};
static const struct field_list mentioned = {
    .named = true,
    .fields = mentioned_fields,
    .field_count = sizeof mentioned_fields / sizeof mentioned_fields[0],
    .rows = true,
    .row_min = sizeof mentioned_fields / sizeof mentioned_fields[0],
    .size = sizeof(struct mentioned_cart),
    .max = MENTIONED_MAX,
    .count_offset = offsetof(struct shopper, mentioned_count),
};

static const struct field order_fields[] = {
    {"order_id", FIELD_TEXT, offsetof(struct order_seen, order_id), NULL},
    {"at_us", FIELD_COUNT, offsetof(struct order_seen, at_us), NULL},
    {"first_us", FIELD_COUNT, offsetof(struct order_seen, first_us), NULL},
    {"units", FIELD_COUNT, offsetof(struct order_seen, units), NULL},
    {"spent_minor", FIELD_COUNT, offsetof(struct order_seen, spent_minor), NULL},
    {"number", FIELD_COUNT, offsetof(struct order_seen, number), NULL},
    {"cart_id", FIELD_TEXT, offsetof(struct order_seen, cart_id), NULL},
};
enum { ORDER_ROW_MIN = 2 };
static const struct field_list orders = {
    .fields = order_fields,
    .field_count = sizeof order_fields / sizeof order_fields[0],
    .rows = true,
    .row_min = ORDER_ROW_MIN,
    .size = sizeof(struct order_seen),
    .max = ORDERS_MAX,
    .count_offset = offsetof(struct shopper, order_count),
};

static const struct field bought_fields[] = {
    {"product_id", FIELD_TEXT, offsetof(struct bought_line, product_id), NULL},
    {"quantity", FIELD_QUANTITY, offsetof(struct bought_line, quantity_milli), NULL},
    {"variant_id", FIELD_TEXT, offsetof(struct bought_line, variant_id), NULL},
    {"order", FIELD_COUNT, offsetof(struct bought_line, order), NULL},
    {"cart_quantity", FIELD_QUANTITY, offsetof(struct bought_line, cart_milli), NULL},
};
enum { BOUGHT_ROW_MIN = 2 };
static const struct field_list bought = {
    .named = true,
    .fields = bought_fields,
    .field_count = sizeof bought_fields / sizeof bought_fields[0],
    .rows = true,
    .row_min = BOUGHT_ROW_MIN,
    .size = sizeof(struct bought_line),
    .max = CART_LINES_MAX,
    .count_offset = offsetof(struct shopper, bought_count),
    .is_pointer = true,
};

static const struct field purchase_fields[] = {
    {"product_id", FIELD_TEXT, offsetof(struct purchase, product_id), NULL},
    {"at_us", FIELD_COUNT, offsetof(struct purchase, at_us), NULL},
};
static const struct field_list purchases = {
    .named = true,
    .fields = purchase_fields,
    .field_count = sizeof purchase_fields / sizeof purchase_fields[0],
    .rows = true,
    .row_min = sizeof purchase_fields / sizeof purchase_fields[0],
    .size = sizeof(struct purchase),
    .max = PURCHASES_MAX,
    .count_offset = offsetof(struct shopper, purchase_count),
    .is_pointer = true,
};

static const struct field binding_fields[] = {
    {"other", FIELD_TEXT, offsetof(struct binding, other), NULL},
    {"from_us", FIELD_FROM, offsetof(struct binding, from_us), NULL},
    {"until_us", FIELD_UNTIL, offsetof(struct binding, until_us), NULL},
    {"version", FIELD_COUNT, offsetof(struct binding, version), NULL},
    {"identified", FIELD_BOOL, offsetof(struct binding, identified), NULL},
    {"login_us", FIELD_COUNT, offsetof(struct binding, login_us), NULL},
};
enum { BINDING_ROW_MIN = 5 };
static const struct field_list bindings = {
    .named = true,
    .fields = binding_fields,
    .field_count = sizeof binding_fields / sizeof binding_fields[0],
    .rows = true,
    .row_min = BINDING_ROW_MIN,
    .size = sizeof(struct binding),
    .max = BINDINGS_MAX,
    .count_offset = offsetof(struct shopper, binding_count),
    .is_pointer = true,
};

static const struct field named_fields[] = {
    {"other", FIELD_TEXT, offsetof(struct named_via, other), NULL},
    {"first_us", FIELD_COUNT, offsetof(struct named_via, first_us), NULL},
    {"last_us", FIELD_COUNT, offsetof(struct named_via, last_us), NULL},
    {"said_us", FIELD_COUNT, offsetof(struct named_via, said_us), NULL},
    {"guessed", FIELD_BOOL, offsetof(struct named_via, guessed), NULL},
};
static const struct field_list named = {
    .named = true,
    .fields = named_fields,
    .field_count = sizeof named_fields / sizeof named_fields[0],
    .rows = true,
    .size = sizeof(struct named_via),
    .max = NAMED_MAX,
    .count_offset = offsetof(struct shopper, named_count),
    .is_pointer = true,
};

static const struct field ground_fields[] = {
    {"other", FIELD_TEXT, offsetof(struct ground, other), NULL},
    {"cart_id", FIELD_TEXT, offsetof(struct ground, cart_id), NULL},
    {"at_us", FIELD_COUNT, offsetof(struct ground, at_us), NULL},
};
static const struct field_list grounds = {
    .named = true,
    .fields = ground_fields,
    .field_count = sizeof ground_fields / sizeof ground_fields[0],
    .rows = true,
    .row_min = sizeof ground_fields / sizeof ground_fields[0],
    .size = sizeof(struct ground),
    .max = GROUNDS_MAX,
    .count_offset = offsetof(struct shopper, ground_count),
    .is_pointer = true,
};

static const struct field stand_in_fields[] = {
    {"mark", FIELD_COUNT, offsetof(struct stand_in, mark), NULL},
};
static const struct field_list stand_ins = {
    .fields = stand_in_fields,
    .field_count = sizeof stand_in_fields / sizeof stand_in_fields[0],
    .rows = true,
    .row_min = sizeof stand_in_fields / sizeof stand_in_fields[0],
    .size = sizeof(struct stand_in),
    .max = STAND_INS_MAX,
    .count_offset = offsetof(struct shopper, stand_in_count),
    .is_pointer = true,
};
static const struct field_list mended = {
    .fields = stand_in_fields,
    .field_count = sizeof stand_in_fields / sizeof stand_in_fields[0],
    .rows = true,
    .row_min = sizeof stand_in_fields / sizeof stand_in_fields[0],
    .size = sizeof(struct stand_in),
    .max = STAND_INS_MAX,
    .count_offset = offsetof(struct shopper, mended_count),
    .is_pointer = true,
};

static const struct field consent_fields[] = {
    {"channel", FIELD_TEXT, offsetof(struct consent, channel), NULL},
    {"given", FIELD_BOOL, offsetof(struct consent, given), NULL},
    {"at_us", FIELD_COUNT, offsetof(struct consent, at_us), NULL},
    {"cart_id", FIELD_TEXT, offsetof(struct consent, cart_id), NULL},
};
enum { CONSENT_ROW_MIN = 3 };
static const struct field_list consents = {
    .named = true,
    .fields = consent_fields,
    .field_count = sizeof consent_fields / sizeof consent_fields[0],
    .rows = true,
    .row_min = CONSENT_ROW_MIN,
    .size = sizeof(struct consent),
    .max = CONSENTS_MAX,
    .count_offset = offsetof(struct shopper, consent_count),
};

#define COUNT(member)                                                                              \
    {                                                                                              \
#member, FIELD_COUNT, offsetof(struct shopper, member), NULL                               \
    }
#define TEXT(member)                                                                               \
    {                                                                                              \
#member, FIELD_TEXT, offsetof(struct shopper, member), NULL                                \
    }
#define LIST(member)                                                                               \
    {                                                                                              \
#member, FIELD_LIST, offsetof(struct shopper, member), &(member)                           \
    }
static const struct field fields[] = {
    COUNT(format),
    TEXT(key),
    LIST(carts),
    COUNT(dropped_rounds),
    LIST(dropped),
    LIST(mentioned),
    LIST(recent),
    LIST(orders),
    LIST(bought),
    COUNT(bought_us),
    LIST(purchases),
    LIST(bindings),
    LIST(named),
    LIST(grounds),
    LIST(stand_ins),
    {"stand_ins_more", FIELD_BOOL, offsetof(struct shopper, stand_ins_more), NULL},
    LIST(mended),
    COUNT(bindings_seen),
    {"guessed", FIELD_BOOL, offsetof(struct shopper, guessed), NULL},
    COUNT(bound_last_us),
    LIST(consents),
    TEXT(locale),
    TEXT(timezone),
    TEXT(device),
    TEXT(channel),
    TEXT(campaign),
    COUNT(first_us),
    COUNT(last_us),
    COUNT(events),
    COUNT(late_events),
    COUNT(views),
    COUNT(orders_total),
    COUNT(refunds),
    COUNT(units_bought),
    COUNT(spent_minor),
    COUNT(sessions),
    COUNT(last_order_us),
    COUNT(contacted_us),
    COUNT(closed_until_us),
    COUNT(tardy_received_us),
    COUNT(minute_us),
    COUNT(minute_events),
    {"bot", FIELD_BOOL, offsetof(struct shopper, bot), NULL},
    COUNT(rules),
    COUNT(at_us),
    COUNT(at_rank),
    TEXT(at_id),
};

const struct field_list shopper_fields = {
    .fields = fields,
    .field_count = sizeof fields / sizeof fields[0],
    .size = sizeof(struct shopper),
    .max = 1,
};

static const void *at_offset(const void *object, size_t offset)
{
    return (const char *)object + offset;
}

static int64_t i64_at(const void *object, size_t offset)
{
    return *(const int64_t *)at_offset(object, offset);
}

bool field_is_absent(const struct field *f, const void *object)
{
    switch (f->kind) {
    case FIELD_COUNT:
    case FIELD_QUANTITY:
        return i64_at(object, f->offset) == 0;
    case FIELD_AMOUNT:
        return i64_at(object, f->offset) == MONEY_UNKNOWN;
    case FIELD_FROM:
        return i64_at(object, f->offset) == INT64_MIN;
    case FIELD_UNTIL:
        return i64_at(object, f->offset) == INT64_MAX;
    case FIELD_BOOL:
        return !*(const bool *)at_offset(object, f->offset);
    case FIELD_TEXT:
        return *(char *const *)at_offset(object, f->offset) == NULL;
    case FIELD_CURRENCY:
        return *(const char *)at_offset(object, f->offset) == '\0';
    case FIELD_STATUS:
        return *(const enum cart_status *)at_offset(object, f->offset) == CART_OPEN;
    case FIELD_TYPE:
    case FIELD_RELEASED:
    case FIELD_LIST:
        return false;
    }
    return false;
}
