/* One row, one event: what the columns of a mapped format say, as a native event and facts about its product. It knows no
 * format. */
#include "foreign/mapping.h"

#include "base/mem.h"
#include "domain/shop/money.h"
#include "domain/shop/placeholder.h"
#include "domain/shop/quantity.h"
#include "foreign/field.h"
#include "foreign/order_rows.h"
#include "foreign/parts.h"
#include "foreign/taken.h"
#include "foreign/words.h"

#include <string.h>
#include <strings.h>

/* One of its products. */
struct reading_part {
    struct event_item item;
    struct native_unread unread;
    const char *title, *category, *brand; /* "": not told */
};

/* What one row says. */
struct reading {
    const char *field[TARGETS];
    const char *name[TARGETS]; /* of the columns, for errors */
    struct native_envelope e;
    struct event_item item; /* the one being read */
    struct native_unread unread;
    struct reading_part *parts;
    size_t part_count;
    bool several; /* a row of this mapping may hold more than one */
    int64_t total_minor;
    const char *unread_total; /* NULL: it can be read */
    char id[SHA256_HEX];
};

/* ---- what happened ---- */

static bool says(const char *value, const char *text)
{
    size_t len = strlen(value);
    /* pandas makes a 5 a 5.0; plugins and translations differ in the case */
    return strncasecmp(text, value, len) == 0 &&
           (text[len] == '\0' || strcmp(text + len, ".0") == 0);
}

CAN_FAIL static bool unknown_type(const struct mapping *m, const struct reading *r, struct arena *a,
                                  struct err *err)
{
    enum { KNOWN_MAX = 120 };
    /* The list is made from the rows, so that the error cannot forget a name; what is too long ends between two. */
    const char *known = m->native_types ? "the names of our events" : "";
    for (const struct mapping_type *t = m->types; t != NULL && t->value != NULL; t++) {
        if (strlen(known) + strlen(t->value) > KNOWN_MAX) {
            known = arena_printf(a, "%s ...", known);
            break;
        }
        known = arena_printf(a, "%s%s%s", known, known[0] != '\0' ? ", " : "", t->value);
    }
    return FAIL(err, ERR_INVALID,
                "%s is none of %s: \"%.40s\" (say with --types what it stands for)",
                r->name[TO_TYPE], known, r->field[TO_TYPE]);
}

bool mapping_type_find(const struct mapping *m, const char *text, enum event_type *out_type,
                       bool *out_left_out)
{
    for (const struct mapping_type *t = m->types; t != NULL && t->value != NULL; t++) {
        if (strcmp(t->value, "*") == 0 || says(t->value, text)) {
            *out_type = t->type;
            *out_left_out = t->left_out;
            return true;
        }
    }
    *out_type = m->native_types ? event_type_of(text) : EVENT_UNKNOWN;
    return *out_type != EVENT_UNKNOWN;
}

/* Whether an event of this type is about a product. A checkout tells the whole cart, which one row does not. */
static bool wants_product(enum event_type type)
{
    return type == EVENT_PRODUCT_VIEWED || type == EVENT_CART_ITEM_ADDED ||
           type == EVENT_CART_ITEM_REMOVED || type == EVENT_WISHLIST_ADDED ||
           type == EVENT_PURCHASE || type == EVENT_REFUND;
}

/* An order of a table without any product: that it was bought is known all the same. */
static bool is_bare_order(const struct reading *r)
{
    return r->name[TO_PRODUCT][0] == '\0' && r->name[TO_TITLE][0] == '\0' &&
           (r->e.type == EVENT_PURCHASE || r->e.type == EVENT_REFUND);
}

/* Whether it says what its products are. A row that holds several of them does tell the whole cart. */
static bool tells_items(const struct reading *r)
{
    return (wants_product(r->e.type) && !is_bare_order(r)) ||
           (r->several &&
            (r->e.type == EVENT_CHECKOUT_STARTED || r->e.type == EVENT_CART_SNAPSHOT));
}

/* ---- who and what ---- */

/* pandas and databases write NaN and null where a field is empty. Where somebody else stands for the
 * shopper, or nothing was ordered, that is what is meant; else the sink refuses the word. */
static void drop_placeholders(const struct foreign_format *format, struct reading *r)
{
    bool order = r->e.type == EVENT_PURCHASE || r->e.type == EVENT_REFUND;
    bool other = r->e.anonymous_id[0] != '\0' || format->mapping->order_is_cart;
    if (other && placeholder_is(r->e.customer_id, ID_OF_SHOPPER, format->ids_allowed)) {
        r->e.customer_id = "";
    }
    if (!order && placeholder_is(r->e.order_id, ID_OF_ORDER, NULL)) {
        r->e.order_id = "";
    }
}

CAN_FAIL static bool read_ids(struct foreign_parser *p, struct reading *r, struct err *err)
{
    const struct mapping *m = p->format->mapping;
    struct arena *a = &p->scratch;
    const struct {
        enum target target;
        const char **out;
    } ids[] = {
        {TO_CUSTOMER, &r->e.customer_id}, {TO_ANONYMOUS, &r->e.anonymous_id},
        {TO_SESSION, &r->e.session_id},   {TO_ORDER, &r->e.order_id},
        {TO_CART, &r->e.cart_id},
    };
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        const char *name = r->name[ids[i].target];
        if (!foreign_at(p, CAUSE_BAD_ID, name) ||
            !field_id_opt(name, r->field[ids[i].target], a, ids[i].out, err)) {
            return false;
        }
    }
    drop_placeholders(p->format, r);
    const char *named = r->e.order_id[0] != '\0' ? r->e.order_id : r->e.cart_id;
    if (m->order_is_cart && r->e.customer_id[0] == '\0' && r->e.anonymous_id[0] == '\0') {
        r->e.anonymous_id = named;
    }
    if (r->e.customer_id[0] == '\0' && r->e.anonymous_id[0] == '\0') {
        enum target who = r->name[TO_CUSTOMER][0] != '\0' ? TO_CUSTOMER : TO_ANONYMOUS;
        (void)foreign_at(p, CAUSE_NO_SHOPPER, r->name[who]);
        return FAIL(err, ERR_INVALID, "%s is empty", r->name[who]);
    }
    return true;
}

CAN_FAIL static bool read_product(struct foreign_parser *p, struct reading *r, struct err *err)
{
    struct arena *a = &p->scratch;
    if (!foreign_at(p, CAUSE_BAD_ID, r->name[TO_PRODUCT]) ||
        !field_id_opt(r->name[TO_PRODUCT], r->field[TO_PRODUCT], a, &r->item.product_id, err)) {
        return native_goes_on(r->e.type, "", &r->item.product_id,
                              err); /* its title is no id of it */
    }
    if (p->format->mapping->title_names && r->item.product_id[0] == '\0') {
        r->item.product_id = field_text(r->field[TO_TITLE], a);
    }
    if (r->item.product_id[0] != '\0' || !tells_items(r)) {
        return true;
    }
    const char *name = r->name[TO_PRODUCT][0] != '\0' ? r->name[TO_PRODUCT] : r->name[TO_TITLE];
    (void)foreign_at(p, CAUSE_NO_PRODUCT, name);
    if (r->e.type == EVENT_PURCHASE && name[0] != '\0') {
        return true; /* the line is left out as well */
    }
    return name[0] != '\0' ? FAIL(err, ERR_INVALID, "%s is empty", name)
                           : FAIL(err, ERR_INVALID, "says no product: no column is product_id");
}

/* Prices of 0 and below are what shops write that do not know them: the visit took place nevertheless. */
CAN_FAIL static bool read_amount(struct reading *r, enum target target, int64_t *out,
                                 struct err *err)
{
    const char *text = r->field[target] + strspn(r->field[target], " ");
    bool negative = text[0] == '-';
    int64_t minor = 0;
    *out = MONEY_UNKNOWN;
    if (text[0] == '\0') {
        return true;
    }
    /* Any other text shows that the columns are not what we think. */
    if (!field_amount(r->name[target], text + negative, r->item.currency, &minor, err)) {
        return false;
    }
    *out = negative || minor == 0 ? MONEY_UNKNOWN : minor;
    return true;
}

CAN_FAIL static bool read_money(struct foreign_parser *p, struct reading *r, struct err *err)
{
    const char *said = r->field[TO_CURRENCY];
    bool prices = r->field[TO_PRICE][0] != '\0' || r->field[TO_TOTAL][0] != '\0';
    memcpy(r->item.currency, p->currency, sizeof r->item.currency);
    (void)foreign_at(p, CAUSE_BAD_CURRENCY, r->name[TO_CURRENCY]);
    if (said[0] != '\0' && prices) {
        if (!money_currency_valid(said)) {
            return FAIL(err, ERR_INVALID, "%s is no currency such as EUR: \"%.20s\"",
                        r->name[TO_CURRENCY], said);
        }
        memcpy(r->item.currency, said, sizeof r->item.currency);
    }
    if (prices && r->item.currency[0] == '\0') {
        return FAIL(err, ERR_INVALID, "says a price and no currency (--currency)");
    }
    return foreign_at(p, CAUSE_BAD_AMOUNT, r->name[TO_PRICE]) &&
           taken_value(p, read_amount(r, TO_PRICE, &r->item.price_minor, err), r->e.type,
                       r->field[TO_PRICE], &r->unread.price, err) &&
           foreign_at(p, CAUSE_BAD_AMOUNT, r->name[TO_TOTAL]) &&
           taken_value(p, read_amount(r, TO_TOTAL, &r->total_minor, err), r->e.type,
                       r->field[TO_TOTAL], &r->unread_total, err);
}

CAN_FAIL static bool read_quantity(struct foreign_parser *p, struct reading *r, struct err *err)
{
    const char *text = r->field[TO_QUANTITY];
    int64_t milli = QUANTITY_ONE;
    (void)foreign_at(p, CAUSE_BAD_QUANTITY, r->name[TO_QUANTITY]);
    bool read = text[0] == '\0' || field_milli(r->name[TO_QUANTITY], text, &milli, err);
    /* less than nothing is what came back, and no order */
    if ((!read && text[0] == '-') ||
        !taken_value(p, read, r->e.type, text, &r->unread.quantity, err)) {
        return false;
    }
    if (milli < 1 || milli > (int64_t)EVENT_QUANTITY_MAX * QUANTITY_ONE) {
        return FAIL(err, ERR_INVALID, "%s must be above 0 and at most %d: \"%.20s\"",
                    r->name[TO_QUANTITY], EVENT_QUANTITY_MAX, text) ||
               (milli > 0 && native_goes_on(r->e.type, text, &r->unread.quantity, err));
    }
    r->item.quantity_milli = milli;
    return true;
}

/* ---- the products of the row ---- */

/* A line of which nothing is left (what was given back is taken off by the exporting shop). */
static bool is_given_back(const struct mapping *m, const struct reading *r)
{
    const char *quantity = r->field[TO_QUANTITY];
    struct err none = {0};
    int64_t milli;

    return m->by_order && quantity[0] != '\0' &&
           field_milli(r->name[TO_QUANTITY], quantity, &milli, &none) && milli == 0;
}

CAN_FAIL static bool read_part(struct foreign_parser *p, struct reading *r, struct err *err)
{
    r->unread = (struct native_unread){0};
    if (!read_product(p, r, err) || !read_money(p, r, err) || !read_quantity(p, r, err)) {
        return false;
    }
    r->parts[r->part_count++] = (struct reading_part){r->item, r->unread, r->field[TO_TITLE],
                                                      r->field[TO_CATEGORY], r->field[TO_BRAND]};
    return true;
}

/* Lets the row's item be the n-th; false: nothing stands there. */
static bool take_part(const struct table_row *row, const struct parts *parts, size_t n,
                      struct reading *r, struct arena *a)
{
    bool any = false;
    for (size_t i = 0; i < TARGETS; i++) {
        const char *text = parts->field[n][i];
        const char *name =
            text != NULL ? table_nth_name(row->name[i], row->nth_first + n, a) : NULL;
        if (text != NULL) {
            r->field[i] = text;
            any = any || text[0] != '\0';
        }
        r->name[i] = name != NULL ? name : row->name[i];
    }
    return any;
}

CAN_FAIL static bool read_parts(struct foreign_parser *p, const struct table_row *row,
                                struct reading *r, struct err *err)
{
    struct table_row said = *row;
    struct parts parts;
    memcpy(said.field, r->field, sizeof r->field);
    if (!foreign_at(p, CAUSE_BAD_LIST, "") ||
        !parts_of(p->format->mapping, &said, &p->scratch, &parts, err)) {
        return false;
    }
    r->parts = arena_array(&p->scratch, parts.count + 1, sizeof *r->parts);
    if (!r->several) {
        return read_part(p, r, err);
    }
    for (size_t n = 0; n < parts.count; n++) {
        bool there =
            take_part(row, &parts, n, r, &p->scratch) && !is_given_back(p->format->mapping, r);
        if (there && !read_part(p, r, err)) {
            return false;
        }
    }
    if (r->part_count == 0 && tells_items(r) && r->e.type == EVENT_PURCHASE) {
        r->item = (struct event_item){
            .product_id = "", .quantity_milli = QUANTITY_ONE, .price_minor = MONEY_UNKNOWN};
        r->parts[r->part_count++] = (struct reading_part){
            .item = r->item, .title = "", .category = "", .brand = ""}; /* told as left out */
    }
    return r->part_count > 0 || !tells_items(r) ||
           !foreign_at(p, CAUSE_NO_PRODUCT, row->name[TO_PRODUCT]) ||
           FAIL(err, ERR_INVALID, "%s says no product", row->name[TO_PRODUCT]);
}

/* ---- the event's id ---- */

CAN_FAIL static bool read_event_id(struct foreign_parser *p, const struct table_row *row,
                                   struct reading *r, struct err *err)
{
    const char *order = r->e.order_id[0] != '\0' ? r->e.order_id : r->e.cart_id;
    memcpy(r->id, row->event_id, sizeof r->id);
    r->e.event_id = r->id;
    (void)foreign_at(p, CAUSE_BAD_ID, r->name[TO_EVENT_ID]);
    if (r->field[TO_EVENT_ID][0] != '\0') {
        return field_id(r->name[TO_EVENT_ID], r->field[TO_EVENT_ID], &p->scratch, &r->e.event_id,
                        err);
    }
    if (p->format->mapping->by_order && order[0] != '\0') {
        /* Not by customer: who it was may be known only to the later export. */
        char *text = arena_printf(&p->scratch, "%s\n%s\n%s", event_type_name(r->e.type), order,
                                  r->several ? "" : r->item.product_id);
        table_event_id(p, text, strlen(text), r->id);
    }
    return true;
}

/* ---- the whole row ---- */

CAN_FAIL static bool write_event(struct foreign_parser *p, const struct reading *r, int64_t number,
                                 bool *out_valid, struct err *err)
{
    bool order = r->e.type == EVENT_PURCHASE || r->e.type == EVENT_REFUND;
    struct jenc j = native_begin(&p->out, &r->e);
    if (tells_items(r)) {
        jenc_array(&j, "items");
        for (size_t i = 0; i < r->part_count; i++) {
            native_item_unread(&j, &r->parts[i].item, &r->parts[i].unread);
        }
        jenc_array_end(&j);
    }
    if (order && r->unread_total != NULL) {
        jenc_object(&j, "properties");
        jenc_str(&j, "total_minor", r->unread_total);
        jenc_object_end(&j);
    } else if (order && r->total_minor != MONEY_UNKNOWN) {
        jenc_object(&j, "properties");
        jenc_i64(&j, "total_minor", r->total_minor);
        jenc_str(&j, "currency", r->item.currency);
        jenc_object_end(&j);
    }
    (void)foreign_at(p, CAUSE_TOO_LARGE, "");
    return native_end(&p->out, &j, number, out_valid, err);
}

/* NULL where it says nothing. The catalogue cleans it (native_product). */
static const char *or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

CAN_FAIL static bool learn_part(struct foreign_parser *p, const struct reading *r,
                                const struct reading_part *part, struct err *err)
{
    const struct mapping *m = p->format->mapping;
    struct arena *a = &p->scratch;
    const char *brand = or_null(part->brand);
    const char *category = or_null(part->category);
    const char *title = or_null(part->title);
    struct product facts = {
        .product_id = part->item.product_id,
        .price_minor = part->item.price_minor,
        .brand = m->codes && brand != NULL ? words_brand(brand, a) : brand,
        .category = m->codes && category != NULL ? words_category(category, a) : category,
        /* a brand and a kind are no name: many products have the same ones, and a message would call all of them that */
        .title = title,
        .stock = -1,
        .updated_us = r->e.occurred_us,
    };
    /* What comes back was sold at an older price, and what was given away is not for sale at that. */
    if (r->e.type == EVENT_REFUND || facts.price_minor == MONEY_UNKNOWN) {
        facts.price_minor = MONEY_UNKNOWN;
    } else {
        memcpy(facts.currency, part->item.currency, sizeof facts.currency);
    }
    bool silent =
        brand == NULL && category == NULL && title == NULL && facts.price_minor == MONEY_UNKNOWN;
    return (silent && !m->codes) || native_product(&p->out, &facts, err);
}

CAN_FAIL static bool learn(struct foreign_parser *p, const struct reading *r, struct err *err)
{
    for (size_t i = 0; i < r->part_count; i++) {
        if (r->parts[i].item.product_id[0] != '\0' && !learn_part(p, r, &r->parts[i], err)) {
            return false;
        }
    }
    return true;
}

/* A line of an order that was cancelled, or of which nothing is left. */
static bool is_nothing(const struct mapping *m, const struct reading *r)
{
    return (r->field[TO_CANCELLED][0] != '\0' &&
            !placeholder_is(r->field[TO_CANCELLED], ID_OF_SHOPPER, NULL)) ||
           (!r->several && is_given_back(m, r));
}

CAN_FAIL static bool read_time(struct foreign_parser *p, struct reading *r, struct err *err)
{
    (void)foreign_at(p, CAUSE_BAD_TIME, r->name[TO_TIME]);
    if (!(p->dates_1904 ? field_time_1904 : field_time)(r->name[TO_TIME], r->field[TO_TIME],
                                                        &r->e.occurred_us, err)) {
        return false;
    }
    r->e.occurred_us += field_time_rest_us(r->e.type, r->field[TO_TIME]);
    return true;
}

/* Lists are parted first, and {n} are taken with their parts (parts_of). */
static void take_pairs(const struct mapping *m, struct reading *r, struct arena *a)
{
    for (size_t i = 0; i < TARGETS; i++) {
        if (m->pair[i] != NULL && m->list[i] == '\0') {
            r->field[i] = parts_pair(r->field[i], m->pair[i], a);
        }
    }
}

/* As the columns say it, and where several rows are one order, as its first row says what this one leaves out. */
static struct reading begin_reading(struct foreign_parser *p, const struct table_row *row)
{
    const struct mapping *m = p->format->mapping;
    struct order_rows *order = p->state;
    struct reading r = {.total_minor = MONEY_UNKNOWN};
    r.several = parts_several(m, row);
    memcpy(r.field, row->field, sizeof r.field);
    memcpy(r.name, row->name, sizeof r.name);
    for (size_t i = 0; i < TARGETS; i++) {
        /* Google Analytics says so of what it does not know. */
        if (r.field[i][0] == '(' && strcmp(r.field[i], "(not set)") == 0) {
            r.field[i] = "";
        }
    }
    take_pairs(m, &r, &p->scratch);
    order->within = false;
    if (m->by_order && order_of(r.field)[0] != '\0') {
        order_fill(order, r.field);
    }
    return r;
}

/* *out_valid false: the sink refused its event. */
CAN_FAIL static bool read_row(struct foreign_parser *p, const struct table_row *row,
                              bool *out_valid, struct err *err)
{
    const struct mapping *m = p->format->mapping;
    struct reading r = begin_reading(p, row);
    bool left_out = false;
    *out_valid = true;
    (void)foreign_at(p, CAUSE_UNKNOWN_TYPE, r.name[TO_TYPE]);
    if (!mapping_type_find(m, field_text(r.field[TO_TYPE], &p->scratch), &r.e.type, &left_out)) {
        return unknown_type(m, &r, &p->scratch, err);
    }
    if (left_out || is_nothing(m, &r)) {
        p->left_out++;
        return true;
    }
    if (!read_ids(p, &r, err) || !read_parts(p, row, &r, err) || !read_time(p, &r, err) ||
        !read_event_id(p, row, &r, err) || !write_event(p, &r, row->number, out_valid, err)) {
        return false;
    }
    /* A row whose event was refused is not trusted with the catalogue either. */
    return !*out_valid || learn(p, &r, err);
}

bool mapping_row(struct foreign_parser *p, const struct table_row *row, struct err *err)
{
    bool valid = false;
    struct err failed = {0};
    bool done = read_row(p, row, &valid, err);
    if (!order_keep(p, row, !done || !valid, &failed)) {
        *err = failed;
        return false;
    }
    return done;
}
