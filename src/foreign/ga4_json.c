/* Google Analytics 4 as BigQuery exports it to JSON lines (support.google.com/analytics/answer/7029846): an event a line, with
 * all of its items and its parameters as a list. The types are those of the format ga4, which has an item a row. Members
 * that are not read here may be anything: it is Google's record. */
#include "base/cleanup.h"
#include "base/json/jdec.h"
#include "domain/shop/money.h"
#include "domain/shop/quantity.h"
#include "foreign/field.h"
#include "foreign/mapping.h"
#include "foreign/repeat.h"
#include "foreign/taken.h"

#include <math.h>
#include <string.h>

struct ga4 {
    struct repeat_table *repeats; /* NULL before the first record */
};

struct ga4_item {
    struct event_item item;
    struct native_unread unread;
    bool unread_id;
    const json_t *said; /* what it is made of */
};

/* What one record says. */
struct ga4_event {
    const json_t *doc;
    struct native_envelope e;
    char id[SHA256_HEX];
    char currency[4];
    int64_t total_minor;
    const char *unread_total; /* NULL: it can be read */
    struct ga4_item *items;
    size_t item_count;
};

/* A scalar as text: BigQuery writes whole numbers as strings, others as numbers. "" for what is not there. */
static const char *text_of(const json_t *value, struct arena *a)
{
    const char *text = json_is_string(value) ? json_string_value(value) : "";
    if (json_is_integer(value)) {
        text = arena_printf(a, "%lld", (long long)json_integer_value(value));
    } else if (json_is_real(value) && isfinite(json_real_value(value))) {
        text = arena_printf(a, "%.12g", json_real_value(value));
    }
    return strcmp(text, "(not set)") == 0 ? "" : text;
}

static const char *member(const json_t *object, const char *key, struct arena *a)
{
    return text_of(json_object_get(object, key), a);
}

/* A parameter of the event, of whichever type. */
static const char *parameter(const json_t *doc, const char *key, struct arena *a)
{
    static const char *const kinds[] = {"string_value", "int_value", "double_value", "float_value"};
    const json_t *list = json_object_get(doc, "event_params");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *pair = json_array_get(list, i);
        const json_t *value = json_object_get(pair, "value");
        for (size_t k = 0; strcmp(member(pair, "key", a), key) == 0 && k < 4; k++) {
            const char *text = member(value, kinds[k], a);
            if (text[0] != '\0') {
                return text;
            }
        }
    }
    return "";
}

struct ga4_amount {
    const char *name, *text;
};

CAN_FAIL static bool read_money(struct foreign_parser *p, struct ga4_event *g,
                                struct ga4_amount said, int64_t *out, const char **out_unread,
                                struct err *err)
{
    int64_t minor = 0;
    *out = MONEY_UNKNOWN;
    if (said.text[0] == '\0' || said.text[0] == '-') {
        return true;
    }
    if (!foreign_at(p, CAUSE_BAD_CURRENCY, said.name) || g->currency[0] == '\0') {
        return FAIL(err, ERR_INVALID, "says a price and no currency (--currency)");
    }
    (void)foreign_at(p, CAUSE_BAD_AMOUNT, said.name);
    bool read = field_amount(said.name, said.text, g->currency, &minor, err);
    *out = minor == 0 ? MONEY_UNKNOWN : minor;
    return taken_value(p, read, g->e.type, said.text, out_unread, err);
}

/* One that may be missing. */
CAN_FAIL static bool read_id(struct foreign_parser *p, const char *name, const char *text,
                             const char **out, struct err *err)
{
    return foreign_at(p, CAUSE_BAD_ID, name) && field_id_opt(name, text, &p->scratch, out, err);
}

/* An item is known by its id or its name. */
CAN_FAIL static bool read_product(struct foreign_parser *p, const struct ga4_event *g,
                                  struct ga4_item *to, struct err *err)
{
    struct arena *a = &p->scratch;
    const char **id = &to->item.product_id;
    if (!read_id(p, "item_id", member(to->said, "item_id", a), id, err)) {
        to->unread_id = native_goes_on(g->e.type, "", id, err); /* its name is no id of it */
        return to->unread_id;
    }
    *id = (*id)[0] != '\0' ? *id : member(to->said, "item_name", a);
    return true;
}

CAN_FAIL static bool read_quantity(struct foreign_parser *p, const struct ga4_event *g,
                                   struct ga4_item *to, struct err *err)
{
    const char *text = member(to->said, "quantity", &p->scratch);
    int64_t *milli = &to->item.quantity_milli;
    *milli = QUANTITY_ONE;
    (void)foreign_at(p, CAUSE_BAD_QUANTITY, "quantity");
    bool read = text[0] == '\0' || field_milli("quantity", text, milli, err);
    *milli = *milli > 0 ? *milli : QUANTITY_ONE; /* of one piece at least */
    return taken_value(p, read, g->e.type, text, &to->unread.quantity, err);
}

/* What has neither id nor name is none; one of an order whose id cannot be read is, and is told as left out. */
CAN_FAIL static bool read_item(struct foreign_parser *p, struct ga4_event *g, const json_t *item,
                               struct err *err)
{
    const char *price = member(item, "price", &p->scratch);
    struct ga4_item *to = &g->items[g->item_count];
    *to = (struct ga4_item){.said = item};
    memcpy(to->item.currency, g->currency, sizeof to->item.currency);
    if (!read_product(p, g, to, err) || !read_quantity(p, g, to, err) ||
        !read_money(p, g, (struct ga4_amount){"price", price}, &to->item.price_minor,
                    &to->unread.price, err)) {
        return false;
    }
    g->item_count += to->item.product_id[0] != '\0' || to->unread_id;
    return true;
}

CAN_FAIL static bool read_items(struct foreign_parser *p, struct ga4_event *g, struct err *err)
{
    struct arena *a = &p->scratch;
    const json_t *list = json_object_get(g->doc, "items");
    /* An order of more is one without any: they are left out where events are judged. */
    if (!foreign_at(p, CAUSE_TOO_LARGE, "items") ||
        (json_array_size(list) > EVENT_ITEMS_MAX && g->e.type != EVENT_PURCHASE)) {
        return FAIL(err, ERR_INVALID, "has %zu items, more than %d", json_array_size(list),
                    EVENT_ITEMS_MAX);
    }
    g->items = arena_array(a, json_array_size(list) + 1, sizeof *g->items);
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!read_item(p, g, json_array_get(list, i), err)) {
            return false;
        }
    }
    return true;
}

CAN_FAIL static bool read_envelope(struct foreign_parser *p, struct ga4_event *g, struct err *err)
{
    struct arena *a = &p->scratch;
    const json_t *doc = g->doc;
    const json_t *ecommerce = json_object_get(doc, "ecommerce");
    const char *session = parameter(doc, "ga_session_id", a);
    const char *order = member(ecommerce, "transaction_id", a);
    if (order[0] == '\0') {
        order = parameter(doc, "transaction_id", a);
    }
    const char *browser = member(doc, "user_pseudo_id", a);
    const struct ga4_amount revenue = {"purchase_revenue",
                                       member(ecommerce, "purchase_revenue", a)};
    return foreign_at(p, CAUSE_BAD_TIME, "event_timestamp") &&
           field_time("event_timestamp", member(doc, "event_timestamp", a), &g->e.occurred_us,
                      err) &&
           read_id(p, "user_id", member(doc, "user_id", a), &g->e.customer_id, err) &&
           foreign_at(p, browser[0] != '\0' ? CAUSE_BAD_ID : CAUSE_NO_SHOPPER, "user_pseudo_id") &&
           field_id("user_pseudo_id", browser, a, &g->e.anonymous_id, err) &&
           read_id(p, "ga_session_id", session, &g->e.session_id, err) &&
           read_id(p, "transaction_id", order, &g->e.order_id, err) &&
           read_money(p, g, revenue, &g->total_minor, &g->unread_total, err);
}

/* One currency for all of it, or the user's. */
static void read_currency(struct ga4_event *g, const struct foreign_parser *p, struct arena *a)
{
    const char *said = parameter(g->doc, "currency", a);
    memcpy(g->currency, p->currency, sizeof g->currency);
    if (money_currency_valid(said)) {
        memcpy(g->currency, said, sizeof g->currency);
    }
}

static bool is_order(const struct ga4_event *g)
{
    return g->e.type == EVENT_PURCHASE || g->e.type == EVENT_REFUND;
}

static void settle_id(struct foreign_parser *p, struct ga4_event *g,
                      const struct foreign_record *record)
{
    struct ga4 *state = p->state;
    if (state->repeats == NULL) {
        state->repeats = repeat_open();
    }
    repeat_event_id(state->repeats, p->format->name, record->text, record->len, g->id);
    g->e.event_id = g->id;
}

/* An order is known by its id, whatever else a later export says of it. */
static void settle_order_id(struct foreign_parser *p, struct ga4_event *g)
{
    struct ga4 *state = p->state;
    if (is_order(g) && g->e.order_id[0] != '\0') {
        const char *text =
            arena_printf(&p->scratch, "%s\n%s", event_type_name(g->e.type), g->e.order_id);
        repeat_event_id(state->repeats, p->format->name, text, strlen(text), g->id);
    }
}

CAN_FAIL static bool write_event(struct foreign_parser *p, const struct ga4_event *g,
                                 int64_t number, bool *out_valid, struct err *err)
{
    struct jenc j = native_begin(&p->out, &g->e);
    jenc_array(&j, "items");
    for (size_t i = 0; i < g->item_count; i++) {
        native_item_unread(&j, &g->items[i].item, &g->items[i].unread);
    }
    jenc_array_end(&j);
    if (g->unread_total != NULL) {
        jenc_object(&j, "properties");
        jenc_str(&j, "total_minor", g->unread_total);
        jenc_object_end(&j);
    } else if (is_order(g) && g->total_minor != MONEY_UNKNOWN) {
        jenc_object(&j, "properties");
        jenc_i64(&j, "total_minor", g->total_minor);
        jenc_str(&j, "currency", g->currency);
        jenc_object_end(&j);
    }
    (void)foreign_at(p, CAUSE_TOO_LARGE, "");
    return native_end(&p->out, &j, number, out_valid, err);
}

static const char *or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

CAN_FAIL static bool learn(struct foreign_parser *p, const struct ga4_event *g, struct err *err)
{
    struct arena *a = &p->scratch;
    for (size_t i = 0; i < g->item_count; i++) {
        const struct ga4_item *of = &g->items[i];
        struct product facts = {
            .product_id = of->item.product_id,
            .title = or_null(member(of->said, "item_name", a)),
            .brand = or_null(member(of->said, "item_brand", a)),
            .category = or_null(member(of->said, "item_category", a)),
            /* What comes back was sold at an older price. */
            .price_minor = g->e.type != EVENT_REFUND ? of->item.price_minor : MONEY_UNKNOWN,
            .stock = -1,
            .updated_us = g->e.occurred_us,
        };
        if (facts.price_minor != MONEY_UNKNOWN) {
            memcpy(facts.currency, g->currency, sizeof facts.currency);
        }
        if (facts.product_id[0] != '\0' && !native_product(&p->out, &facts, err)) {
            return false;
        }
    }
    return true;
}

static bool ga4_json_record(struct foreign_parser *p, const struct foreign_record *record,
                            struct err *err)
{
    CLEANUP(jdec_free) json_t *doc = jdec_parse(record->text, record->len, err);
    struct ga4_event *g = arena_alloc(&p->scratch, sizeof *g);
    bool left_out = false;
    bool valid = false;
    p->records++;
    settle_id(p, g, record);
    if (!foreign_at(p, CAUSE_BAD_JSON, "") || doc == NULL) {
        return false;
    }
    (void)foreign_at(p, CAUSE_UNKNOWN_TYPE, "event_name");
    g->doc = doc;
    const char *name = member(doc, "event_name", &p->scratch);
    if (name[0] == '\0') {
        return FAIL(err, ERR_INVALID, "has no event_name");
    }
    if (!mapping_type_find(foreign_format_of("ga4")->mapping, name, &g->e.type, &left_out)) {
        return FAIL(err, ERR_INVALID, "event_name is none of ours: \"%.40s\"", name);
    }
    if (left_out) {
        p->left_out++;
        return true;
    }
    read_currency(g, p, &p->scratch);
    if (!read_envelope(p, g, err) || !read_items(p, g, err)) {
        return false;
    }
    settle_order_id(p, g);
    if (!write_event(p, g, record->number, &valid, err)) {
        return false;
    }
    return !valid || learn(p, g, err);
}

static void ga4_json_close(struct foreign_parser *p)
{
    struct ga4 *state = p->state;
    if (state->repeats != NULL) {
        repeat_close(&state->repeats);
    }
}

const struct foreign_format foreign_ga4_json = {
    .name = "ga4-json",
    .currency = "",
    .state_bytes = sizeof(struct ga4),
    .record = ga4_json_record,
    .close = ga4_json_close,
};
