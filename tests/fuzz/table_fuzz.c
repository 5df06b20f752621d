/* Files of every foreign format. The first byte says which one, and whether the header comes from here
 * (so that all the rest is rows) or from the input. What is read must be told the same way twice, every
 * fact must be one that the catalogue takes, every event one that the decoder takes or refuses in words,
 * and no row may vanish. */
#include "fuzz.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json/jdec.h"
#include "base/utf8.h"
#include "domain/shop/free_form.h"
#include "domain/shop/money.h"
#include "foreign/csv.h"
#include "foreign/format.h"
#include "foreign/lookup.h"
#include "foreign/mapping.h"

enum { OWN_HEADER = 0x80, TOLD_MAX = 1 << 22, IDS_MAX = 512 };
#define NOW_US INT64_C(1569902400000000)

static const struct kind {
    const char *format;
    const char *currency;
    const char *header;
    bool many_rows_an_event;
    const char *join; /* the rows that are joined, under order_id */
    const char *map, *types;
} kinds[] = {
    {.format = "retailrocket", .header = "timestamp,visitorid,event,itemid,transactionid"},
    {.format = "retailrocket", .header = "transactionid,item,event,user,timestamp_s"},
    {.format = "rees46",
     .currency = "USD",
     .header = "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,"
               "user_session"},
    {.format = "rees46",
     .currency = "JPY",
     .header = "user_session,user_id,price,brand,category_code,product_id,event_type,event_time"},
    {.format = "taobao"},
    {.format = "online-retail",
     .header = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country",
     .many_rows_an_event = true},
    {.format = "online-retail",
     .currency = "KWD",
     .header = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID",
     .many_rows_an_event = true},
    {.format = "ndjson"},
    {.format = "ga4",
     .header = "event_timestamp,event_name,user_pseudo_id,user_id,item_id,price,quantity,currency,"
               "transaction_id"},
    {.format = "shopify-orders",
     .header = "Name;Email;Financial Status;Currency;Total;Created at;Lineitem quantity;"
               "Lineitem name;Lineitem price;Lineitem sku"},
    {.format = "woocommerce",
     .currency = "EUR",
     .header = "order_id,date,status,billing_email,item_sku,item_name,item_quantity,item_price,"
               "order_total"},
    {.format = "olist",
     .header = "order_id,product_id,price",
     .join = "order_id;customer_id;order_status;order_purchase_timestamp\n"
             "o1;c1;delivered;2017-09-13 08:59:02\n"},
    {.format = "instacart",
     .header = "order_id,product_id,add_to_cart_order,reordered",
     .join = "order_id,user_id,order_hour_of_day,days_since_prior_order\n1,1,08,\n2,1,09,7.0\n"},
    {.format = "ratings-plain"},
    {.header = "t|k|c|p|x|o|n",
     .currency = "EUR",
     .map = "occurred_at=t,type=k,customer_id=c,product_id=p,price=x,order_id=o,title=n",
     .types = "a=purchase,b=-"},
    {.map = "occurred_at=#2,anonymous_id=#1,product_id=#3", .types = "*=product_viewed"},
    {.format = "ga4-json"},
    {.header = "o,t,c,s0,q0,p0,s1,q1,p1,s2,q2,p2",
     .currency = "EUR",
     .map = "order_id=o,occurred_at=t,customer_id=c,product_id=s{n},quantity=q{n},price=p{n}",
     .types = "*=purchase"},
    {.header = "o;t;c;s;n;q;p",
     .currency = "EUR",
     .map =
         "order_id=o,occurred_at=t,customer_id=c,product_id=s[|],title=n[|],quantity=q[|],price=p[|]",
     .types = "*=cart_snapshot"},
    {.format = "woocommerce",
     .currency = "EUR",
     .header = "order_id,date,status,billing_email,order_total,line_item_1,line_item_2",
     .map =
         "product_id=line_item_{n}[sku:],title=line_item_{n}[name:],quantity=line_item_{n}[quantity:]"},
    {.header = "t|c|items",
     .map = "occurred_at=t,customer_id=c,product_id=\"items[,][sku:]\",title=\"items[,][name:]\"",
     .types = "*=product_viewed"},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

struct told {
    struct buf text; /* everything, in order */
    struct arena arena;
    const char *ids[IDS_MAX]; /* of the events that were taken */
    size_t id_count;
    int64_t events;    /* handed to the sink */
    int64_t lines;     /* items and other lines of all of them */
    int64_t malformed; /* records */
};

static int64_t lines_of(const char *json, size_t len)
{
    struct err err = {0};
    CLEANUP(jdec_free) json_t *doc = jdec_parse(json, len, &err);
    if (doc == NULL) {
        return 0;
    }
    const json_t *properties = json_object_get(doc, "properties");
    return (int64_t)(json_array_size(json_object_get(doc, "items")) +
                     json_array_size(json_object_get(properties, "other_lines")));
}

static void check_event(const struct event *e)
{
    DEMAND(e->type < EVENT_TYPE_COUNT);
    DEMAND(e->event_id[0] != '\0' && strlen(e->event_id) <= EVENT_ID_MAX);
    DEMAND(e->occurred_us >= EVENT_OCCURRED_MIN_US && e->occurred_us <= NOW_US);
    DEMAND(e->item_count <= EVENT_ITEMS_MAX);
    for (size_t i = 0; i < e->item_count; i++) {
        const struct event_item *item = &e->items[i];
        DEMAND(item->product_id[0] != '\0' && strlen(item->product_id) <= EVENT_ID_MAX);
        DEMAND(item->quantity_milli >= 1 &&
               item->quantity_milli <= EVENT_QUANTITY_MAX * INT64_C(1000));
        DEMAND(item->price_minor == MONEY_UNKNOWN ||
               (item->price_minor >= 0 && item->price_minor <= MONEY_MINOR_MAX));
        DEMAND((item->price_minor == MONEY_UNKNOWN) != money_currency_valid(item->currency));
    }
}

static void keep_id(struct told *t, const char *id)
{
    if (t->id_count < IDS_MAX) {
        t->ids[t->id_count++] = id;
    }
}

/* Rows that say the same twice are two events. */
static void check_ids(const struct told *t)
{
    for (size_t i = 0; i < t->id_count; i++) {
        for (size_t k = 0; k < i; k++) {
            DEMAND(strcmp(t->ids[i], t->ids[k]) != 0);
        }
    }
}

static bool take_event(void *ctx, const char *json, size_t len, int64_t number, bool *out_valid,
                       struct err *err)
{
    struct told *t = ctx;
    struct event e;
    struct err what = {0};
    (void)err;
    t->events++;
    t->lines += lines_of(json, len);
    *out_valid = event_decode_text(json, len, ORIGIN_IMPORT, NOW_US, &t->arena, &e, &what);
    if (*out_valid) {
        check_event(&e);
        keep_id(t, e.event_id);
    } else {
        fuzz_refusal(&what);
    }
    buf_printf(&t->text, "%lld ", (long long)number);
    buf_add(&t->text, json, len);
    return true;
}

static void check_text(const char *text, size_t max)
{
    if (text != NULL) {
        DEMAND(text[0] != '\0' && strlen(text) <= max);
        DEMAND(utf8_valid(text) && !text_has_control(text));
    }
}

static bool take_product(void *ctx, const struct product *p, struct err *err)
{
    struct told *t = ctx;
    (void)err;
    check_text(p->product_id, EVENT_ID_MAX);
    check_text(p->title, PRODUCT_TITLE_MAX);
    check_text(p->category, PRODUCT_CATEGORY_MAX);
    check_text(p->brand, PRODUCT_BRAND_MAX);
    DEMAND(p->price_minor == MONEY_UNKNOWN ||
           (p->price_minor > 0 && p->price_minor <= MONEY_MINOR_MAX));
    DEMAND((p->price_minor == MONEY_UNKNOWN) == (p->currency[0] == '\0'));
    DEMAND(p->updated_us >= EVENT_OCCURRED_MIN_US);
    buf_printf(&t->text, "%s %s %s %s %lld\n", p->product_id, p->title ? p->title : "-",
               p->category ? p->category : "-", p->brand ? p->brand : "-",
               (long long)p->price_minor);
    return true;
}

/* Files of one format that another one knows are refused as a whole, and so are headers. */
static void take_note(void *ctx, int64_t number, enum cause cause, const char *text)
{
    struct told *t = ctx;
    DEMAND(!cause_refuses(cause));
    buf_printf(&t->text, "note %lld: %s\n", (long long)number, text);
}

static bool take_refusal(void *ctx, const struct native_refusal *what, struct err *err)
{
    struct told *t = ctx;
    (void)err;
    DEMAND(cause_refuses(what->cause) && what->rows > 0);
    t->malformed += what->rows;
    buf_printf(&t->text, "! %lld: %s %s\n", (long long)what->number, what->field, what->why);
    return true;
}

static bool take_row(void *ctx, const char *text, size_t len, struct err *err)
{
    struct told *t = ctx;
    (void)err;
    DEMAND(len > 0);
    buf_add(&t->text, text, len);
    return true;
}

static void take_record(struct foreign_parser *p, const struct foreign_record *record,
                        bool has_header, struct told *t)
{
    int64_t before = p->records;
    struct err err = {0};
    if (foreign_parser_record(p, record, &err)) {
        DEMAND(err.kind == ERR_NONE);
        return;
    }
    fuzz_refusal(&err);
    /* Only a header may condemn the file, and it is no row. */
    DEMAND((err.kind == ERR_REFUSED) == (p->records == before));
    DEMAND(err.kind != ERR_REFUSED || !has_header);
    DEMAND(err.kind != ERR_REFUSED || before == 0);
    DEMAND(cause_refuses(p->cause) && p->field != NULL);
    t->malformed += p->records - before;
    buf_printf(&t->text, "! %s\n", err.text);
}

/* As the importer does (import/record.h). */
static void read_records(struct foreign_parser *p, const char *text, const char *end,
                         bool has_header, struct told *t)
{
    for (int64_t number = 1; text < end; number++) {
        struct csv_shape shape = foreign_parser_shape(p);
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        struct csv_cut cut = {.len = (size_t)((newline != NULL ? newline : end) - text)};
        if (csv_stays_open(text, cut.len, &shape)) {
            cut = csv_cut(text, (size_t)(end - text), &shape);
        }
        newline = memchr(text + cut.len, '\n', (size_t)(end - text) - cut.len);
        struct foreign_record record = {
            .text = text, .len = cut.len, .number = number, .torn = newline == NULL};
        take_record(p, &record, has_header, t);
        text = newline != NULL ? newline + 1 : end;
    }
}

/* Every line of the text; it is ours, and good. */
static struct lookup *a_lookup(const char *text)
{
    struct lookup *l = lookup_open("order_id", "orders.csv");
    while (*text != '\0') {
        struct foreign_record record = {.text = text, .len = strcspn(text, "\n")};
        struct err err = {0};
        DEMAND(lookup_record(l, &record, &err));
        text += record.len + 1;
    }
    return l;
}

static const struct foreign_format *format_of(const struct kind *kind, struct arena *a)
{
    const struct foreign_format *format = NULL;
    struct err err = {0};
    if (kind->map == NULL) {
        return foreign_format_of(kind->format);
    }
    const struct foreign_format *base =
        kind->format != NULL ? foreign_format_of(kind->format) : NULL;
    DEMAND(mapping_read(kind->map, kind->types, base, a, &format, &err));
    return format;
}

static void give_header(struct foreign_parser *p, const char *text)
{
    struct foreign_record header = {.text = text, .len = strlen(text)};
    struct err err = {0};
    DEMAND(foreign_parser_record(p, &header, &err) && p->records == 0);
}

static void read_all(const struct kind *kind, bool own_header, const char *text, size_t size,
                     struct told *t)
{
    CLEANUP(foreign_parser_close) struct foreign_parser p = {0};
    CLEANUP(lookup_close) struct lookup *joined = NULL;
    struct native_sink sink = {.ctx = t,
                               .event = take_event,
                               .product = take_product,
                               .note = take_note,
                               .refused = take_refusal,
                               .row = take_row};
    struct err err = {0};

    t->text = buf_make(TOLD_MAX);
    foreign_parser_open(format_of(kind, &t->arena), kind->currency, sink, &p);
    if (kind->join != NULL) {
        joined = a_lookup(kind->join);
        foreign_parser_join(&p, joined);
    }
    if (own_header && kind->header != NULL) {
        give_header(&p, kind->header);
    }
    read_records(&p, text, text + size, own_header && kind->header != NULL, t);
    bool finished = foreign_parser_finish(&p, &err);
    if (!finished) {
        fuzz_refusal(&err);
        DEMAND(p.cut_off);
    }
    if (!kind->many_rows_an_event) {
        DEMAND(p.records == t->events + t->malformed + p.left_out);
    } else {
        DEMAND(!finished || p.records == t->lines + t->malformed);
    }
    if (p.format->table != NULL) { /* others give their ids themselves */
        check_ids(t);
    }
    DEMAND(buf_ok(&t->text));
}

static void told_free(struct told *t)
{
    buf_free(&t->text);
    arena_free(&t->arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(told_free) struct told first = {0};
    CLEANUP(told_free) struct told second = {0};
    if (size == 0) {
        return 0;
    }
    const struct kind *kind = &kinds[(data[0] & ~OWN_HEADER) % KINDS];
    bool own_header = (data[0] & OWN_HEADER) != 0;
    read_all(kind, own_header, (const char *)data + 1, size - 1, &first);
    read_all(kind, own_header, (const char *)data + 1, size - 1, &second);
    DEMAND(strcmp(buf_text(&first.text), buf_text(&second.text)) == 0);
    return 0;
}
