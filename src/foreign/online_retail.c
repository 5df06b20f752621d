/* UCI Online Retail II: one row is one line of an invoice. An invoice becomes one purchase, a
 * cancellation ("C...") one refund.
 *
 * Times have no zone; they are the shop's (London), taken as UTC. Rows of an invoice lie close
 * together, but not always side by side: invoices stay open for WINDOW_ROWS rows after their last
 * one. The id of the event is made of the invoice's number and customer: another export that begins or ends in the middle of
 * it is the same invoice. Rows that are no sale of a product (stock
 * corrections: quantity 0 or below, or no price and no customer; postage, fees, bad debt) are kept
 * in properties.other_lines, so that no invoice is lost and none of them becomes a recommendation.
 * What cannot be read of a line of an invoice is left out where events are judged, as of every order, and the mended one counts instead. A
 * cancellation of which a row is refused is left out as a whole: stored without it, it would stand in the way of the mended one.
 * An invoice of corrections alone is a purchase of nothing. */
#include "base/cleanup.h"
#include "base/mem.h"
#include "domain/shop/money.h"
#include "domain/shop/placeholder.h"
#include "domain/shop/quantity.h"
#include "foreign/field.h"
#include "foreign/invoice_line.h"
#include "foreign/kept_rows.h"

#include <string.h>

enum {
    WINDOW_ROWS = 2000, /* the published files need 327 */
    OPEN_MAX = 512,
};

/* As in the files of the UCI repository (archive.ics.uci.edu, datasets 352 and 502). */
static const struct table_column columns[COLUMNS] = {
    [INVOICE] = {.names = {"Invoice", "InvoiceNo"}},
    [CODE] = {.names = {"StockCode"}},
    [DESCRIPTION] = {.names = {"Description"}},
    [QUANTITY] = {.names = {"Quantity"}},
    [DATE] = {.names = {"InvoiceDate"}},
    [PRICE] = {.names = {"Price", "UnitPrice"}},
    [CUSTOMER] = {.names = {"Customer ID", "CustomerID"}},
    [COUNTRY] = {.names = {"Country"}, .optional = true},
};

/* Its texts live in its own arena. */
struct invoice {
    struct arena arena;
    const char *number;
    const char *customer; /* "" unknown */
    const char *country;
    char event_id[SHA256_HEX];
    int64_t number_first;         /* of its first row */
    int64_t occurred_us;          /* of the first row that tells it; 0: none has yet */
    struct native_refusal untold; /* of the first that could not tell it; why NULL: none */
    int64_t last_row;
    struct invoice_line *lines;
    size_t count, cap;
    bool refund;
    bool broken;  /* a row of it was refused */
    bool partial; /* something of a line cannot be read: what all cost is not known */
    struct kept_rows kept;
};

struct open_invoices {
    struct invoice *open[OPEN_MAX]; /* oldest first */
    size_t count;
};

static struct open_invoices *invoices_of(const struct foreign_parser *p)
{
    return p->state;
}

static void invoice_free(struct invoice **i)
{
    if (*i != NULL) {
        arena_free(&(*i)->arena);
        mem_free(&(*i)->lines);
        mem_free(i);
    }
}

/* Sum of all lines, charges too, with the sign of a sale; MONEY_UNKNOWN if it is none. */
static int64_t total_minor(const struct invoice *i)
{
    int64_t total = 0;
    if (i->partial) {
        return MONEY_UNKNOWN;
    }
    for (size_t n = 0; n < i->count; n++) {
        const struct invoice_line *l = &i->lines[n];
        int64_t amount = 0;
        /* One line past the range makes the sum a lie: better none than a wrong one. */
        if (!money_times(l->price_minor, i->refund ? -l->quantity : l->quantity, &amount) ||
            !money_add(total, amount, &total)) {
            return MONEY_UNKNOWN;
        }
    }
    /* Discounts may outweigh what was sold; no purchase is worth less than nothing. */
    return total >= 0 && total <= MONEY_MINOR_MAX ? total : MONEY_UNKNOWN;
}

static void write_items(struct jenc *j, const struct invoice *i, const char *currency)
{
    jenc_array(j, "items");
    for (size_t n = 0; n < i->count; n++) {
        const struct invoice_line *l = &i->lines[n];
        if (l->sale) {
            struct event_item item = {
                .product_id = l->code,
                .quantity_milli = (i->refund ? -l->quantity : l->quantity) * QUANTITY_ONE,
                .price_minor = l->price_minor,
            };
            memcpy(item.currency, currency, sizeof item.currency);
            native_item_unread(j, &item, &l->unread);
        }
    }
    jenc_array_end(j);
}

static void write_other_lines(struct jenc *j, const struct invoice *i)
{
    bool any = false;
    for (size_t n = 0; n < i->count; n++) {
        const struct invoice_line *l = &i->lines[n];
        if (l->sale) {
            continue;
        }
        if (!any) { /* most invoices have none, and no empty list either */
            jenc_array(j, "other_lines");
            any = true;
        }
        jenc_object(j, NULL);
        jenc_str(j, "code", l->code);
        jenc_str_opt(j, "text", l->text);
        jenc_i64(j, "quantity", l->quantity);
        jenc_i64(j, "price_minor", l->price_minor);
        jenc_object_end(j);
    }
    if (any) {
        jenc_array_end(j);
    }
}

static void write_properties(struct jenc *j, const struct invoice *i, const char *currency)
{
    int64_t total = total_minor(i);
    jenc_object(j, "properties");
    if (total != MONEY_UNKNOWN) {
        jenc_i64(j, "total_minor", total);
    }
    jenc_str(j, "currency", currency);
    jenc_str_opt(j, "country", i->country);
    write_other_lines(j, i);
    jenc_object_end(j);
}

static bool learn(struct foreign_parser *p, const struct invoice *i, struct err *err)
{
    for (size_t n = 0; n < i->count; n++) {
        const struct invoice_line *l = &i->lines[n];
        /* What comes back was sold at an older price: a refund says nothing about today's. */
        if (!l->sale || i->refund || l->code[0] == '\0') {
            continue;
        }
        struct product facts = {
            .product_id = l->code,
            .title = l->text[0] != '\0' ? l->text : NULL,
            /* a gift is given at 0, and is not for sale at that */
            .price_minor = l->price_minor > 0 ? l->price_minor : MONEY_UNKNOWN,
            .stock = -1,
            .updated_us = i->occurred_us,
        };
        if (l->price_minor > 0) {
            memcpy(facts.currency, p->currency, sizeof facts.currency);
        }
        if (!native_product(&p->out, &facts, err)) {
            return false;
        }
    }
    return true;
}

static bool emit(struct foreign_parser *p, struct invoice *i, struct err *err)
{
    struct native_envelope e = {
        .event_id = i->event_id,
        .type = i->refund ? EVENT_REFUND : EVENT_PURCHASE,
        .customer_id = i->customer,
        /* An event needs a shopper. Those of invoices without a customer are nobody else's either. */
        .anonymous_id = i->customer[0] == '\0' ? i->number : NULL,
        .order_id = i->number,
        .occurred_us = i->occurred_us,
    };
    struct jenc j = native_begin(&p->out, &e);
    write_items(&j, i, p->currency);
    write_properties(&j, i, p->currency);
    bool valid = false;
    (void)foreign_at(p, CAUSE_TOO_LARGE, "");
    if (!native_end(&p->out, &j, i->number_first, &valid, err)) {
        return false;
    }
    return valid ? learn(p, i, err) : kept_rows_spoil(&i->kept, &p->out, err);
}

CAN_FAIL static bool refuse(struct foreign_parser *p, struct invoice *i,
                            const struct native_refusal *what, struct err *err)
{
    const struct native_sink *sink = &p->out.sink;
    if (what->rows > 0 && sink->refused != NULL && !sink->refused(sink->ctx, what, err)) {
        return false;
    }
    return kept_rows_spoil(&i->kept, &p->out, err);
}

/* Its good rows are refused with the one that was not. */
static bool leave_out(struct foreign_parser *p, struct invoice *i, struct err *err)
{
    const struct native_refusal what = {
        .number = i->number_first,
        .cause = CAUSE_INCOMPLETE_ORDER,
        .field = "Invoice",
        .why = arena_printf(&i->arena, "invoice %.40s has a row that was refused, and is left out",
                            i->number),
        .rows = (int64_t)i->count,
    };
    return refuse(p, i, &what, err);
}

/* With what it says as a whole: an import tells what is long ago, and no time stands in for its own. */
static bool judge(struct foreign_parser *p, struct invoice *i, struct err *err)
{
    if (i->broken) {
        return leave_out(p, i, err);
    }
    if (i->untold.why == NULL) {
        return emit(p, i, err);
    }
    if (i->occurred_us == 0) {
        i->untold.rows = (int64_t)i->count;
        return refuse(p, i, &i->untold, err);
    }
    native_note(&p->out, i->untold.number, CAUSE_LEFT_OUT,
                "%s (left out; the time of another row of the invoice counts)", i->untold.why);
    return emit(p, i, err);
}

/* Takes the n-th out; the caller owns it. */
static struct invoice *take_out(struct open_invoices *all, size_t n)
{
    struct invoice *i = all->open[n];
    all->count--;
    /* The order stays: the oldest is found in front, and there are some hundred at most. */
    for (; n < all->count; n++) {
        all->open[n] = all->open[n + 1];
    }
    return i;
}

static bool close_invoice(struct foreign_parser *p, size_t n, struct err *err)
{
    CLEANUP(invoice_free) struct invoice *i = take_out(invoices_of(p), n);
    return judge(p, i, err);
}

/* What a row says of its invoice. */
struct invoice_row {
    const char *number;
    const char *customer; /* "" unknown */
    const char *country;
    int64_t row; /* of the file */
};

static void open_invoice(struct foreign_parser *p, const struct invoice_row *row)
{
    struct open_invoices *all = invoices_of(p);
    struct invoice *i = mem_alloc(sizeof *i);
    i->number = arena_strdup(&i->arena, row->number);
    i->customer = arena_strdup(&i->arena, row->customer);
    i->country = arena_strdup(&i->arena, row->country);
    const char *named = arena_printf(&p->scratch, "%s\n%s", i->number, row->customer);
    table_event_id(p, named, strlen(named), i->event_id);
    i->refund = row->number[0] == 'C'; /* "A..." adjusts bad debt, and is no cancellation */
    i->number_first = row->row;
    all->open[all->count++] = i;
}

static bool belongs(const struct invoice *i, const char *number, const char *customer)
{
    /* A number that two customers have is two orders: mixing shoppers would be worse than parting rows. */
    return strcmp(i->number, number) == 0 && strcmp(i->customer, customer) == 0;
}

/* The open invoice this row belongs to; opens it, and closes those that are complete. One that is
 * full goes on in a second event of the same order. */
static bool find_invoice(struct foreign_parser *p, const struct invoice_row *row,
                         struct invoice **out, struct err *err)
{
    struct open_invoices *all = invoices_of(p);
    /* Only the first is looked at: one behind it that has waited longer costs memory and no more. */
    while (all->count > 0 && all->open[0]->last_row + WINDOW_ROWS < p->records) {
        if (!close_invoice(p, 0, err)) {
            return false;
        }
    }
    /* From the newest on: nearly every row belongs to the invoice of the row before. */
    for (size_t n = all->count; n > 0; n--) {
        struct invoice *i = all->open[n - 1];
        if (belongs(i, row->number, row->customer)) {
            if (i->count < EVENT_ITEMS_MAX) {
                *out = i;
                return true;
            }
            /* Its event is complete; the rest follows in a second one, and the order id says that both are
             * one. */
            if (!close_invoice(p, n - 1, err)) {
                return false;
            }
            break;
        }
    }
    /* A file in which so many invoices interleave was sorted by something else; memory stays bounded. */
    if (all->count == OPEN_MAX && !close_invoice(p, 0, err)) {
        return false;
    }
    open_invoice(p, row);
    *out = all->open[all->count - 1];
    return true;
}

static const char *kept_text(struct arena *a, const char *text)
{
    return text != NULL ? arena_strdup(a, text) : NULL;
}

static void add_line(struct invoice *i, struct invoice_line l)
{
    i->partial = i->partial || l.partial;
    if (i->count == i->cap) {
        i->cap = i->cap > 0 ? i->cap * 2 : 16;
        i->lines = mem_grow(i->lines, i->cap, sizeof *i->lines);
    }
    l.sale = invoice_line_is_sale(&l, i->refund, i->customer[0] != '\0');
    if (l.partial && !l.sale) { /* no product, whatever it cost: the line is left out */
        l = (struct invoice_line){
            .code = "", .text = l.text, .quantity = 1, .price_minor = MONEY_UNKNOWN, .sale = true};
    }
    /* The row's texts die with the next row, those of the invoice live until it is told. */
    l.code = arena_strdup(&i->arena, l.code);
    l.text = arena_strdup(&i->arena, l.text);
    l.unread = (struct native_unread){.quantity = kept_text(&i->arena, l.unread.quantity),
                                      .price = kept_text(&i->arena, l.unread.price)};
    i->lines[i->count++] = l;
}

CAN_FAIL static bool date_of(const struct foreign_parser *p, const char *text, int64_t *out_us,
                             struct err *err)
{
    if (!(p->dates_1904 ? field_time_1904 : field_time)("InvoiceDate", text, out_us, err)) {
        return false;
    }
    *out_us += field_time_rest_us(EVENT_PURCHASE, text); /* an invoice, or what takes one back */
    return true;
}

/* Who bought, and in which invoice: what says where the row belongs. */
CAN_FAIL static bool read_whose(struct foreign_parser *p, const struct table_row *row,
                                struct invoice_row *out, struct err *err)
{
    struct arena *a = &p->scratch;
    *out = (struct invoice_row){.country = row->field[COUNTRY], .row = row->number};
    if (!foreign_at(p, CAUSE_BAD_ID, "Invoice") ||
        !field_id("Invoice", row->field[INVOICE], a, &out->number, err) ||
        !foreign_at(p, CAUSE_BAD_ID, "Customer ID") ||
        !field_id_opt("Customer ID", row->field[CUSTOMER], a, &out->customer, err)) {
        return false;
    }
    /* pandas writes NaN for the empty field, which is a sale to somebody unknown as well */
    if (placeholder_is(out->customer, ID_OF_SHOPPER, NULL)) {
        out->customer = "";
    }
    return true;
}

/* An invoice has the time of its first row. */
static void take_time(struct foreign_parser *p, struct invoice *i, const struct table_row *row)
{
    struct err err = {0};
    int64_t at_us = 0;
    if (date_of(p, row->field[DATE], &at_us, &err)) {
        i->occurred_us = i->occurred_us == 0 ? at_us : i->occurred_us;
    } else if (i->untold.why == NULL) {
        i->untold = (struct native_refusal){.number = row->number,
                                            .cause = CAUSE_BAD_TIME,
                                            .field = "InvoiceDate",
                                            .why = arena_strdup(&i->arena, err.text)};
    }
}

static bool online_retail_row(struct foreign_parser *p, const struct table_row *row,
                              struct err *err)
{
    struct invoice_line l;
    struct invoice_row of;
    struct invoice *i = NULL;
    if (!read_whose(p, row, &of, err) || !find_invoice(p, &of, &i, err)) {
        return false;
    }
    i->last_row = p->records;
    if (!invoice_line_read(p, row, i->refund, &l, err)) {
        i->broken = true;
        return false;
    }
    take_time(p, i, row);
    add_line(i, l);
    return kept_rows_add(&i->kept, &i->arena, &p->out, row->raw, row->raw_len, err);
}

/* An invoice in which the file breaks off may lack rows. Stored as it is, it would stand in the way
 * of the whole one. */
static bool drop_cut_invoice(struct foreign_parser *p, struct err *err)
{
    struct open_invoices *all = invoices_of(p);
    for (size_t n = 0; n < all->count; n++) {
        /* The torn row has been counted: the one before it is the last that could be read. */
        if (all->open[n]->last_row + 1 == p->records) {
            CLEANUP(invoice_free) struct invoice *i = take_out(all, n);
            (void)foreign_at(p, CAUSE_INCOMPLETE_ORDER, "Invoice");
            return kept_rows_spoil(&i->kept, &p->out, err) &&
                   FAIL(err, ERR_INVALID,
                        "the file breaks off behind rows of invoice %.40s, left out", i->number);
        }
    }
    return true;
}

static bool online_retail_finish(struct foreign_parser *p, struct err *err)
{
    bool whole = !p->cut_off || drop_cut_invoice(p, err);
    while (invoices_of(p)->count > 0) {
        /* What was dropped is told only after all others are stored, unless the sink fails first. */
        struct err failed = {0};
        if (!close_invoice(p, 0, &failed)) {
            *err = failed;
            return false;
        }
    }
    return whole || !foreign_at(p, CAUSE_INCOMPLETE_ORDER, "Invoice");
}

static void online_retail_close(struct foreign_parser *p)
{
    struct open_invoices *all = invoices_of(p);
    for (size_t n = 0; n < all->count; n++) {
        invoice_free(&all->open[n]);
    }
}

static const struct table table = {
    .columns = columns, .column_count = COLUMNS, .header = true, .row = online_retail_row};

const struct foreign_format foreign_online_retail = {
    .name = "online-retail",
    .currency = "GBP",
    .table = &table,
    .state_bytes = sizeof(struct open_invoices),
    .record = table_record,
    .finish = online_retail_finish,
    .close = online_retail_close,
};
