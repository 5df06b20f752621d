/* Every format against made-up files in its shape: golden/import/FILE is read, and what comes out (events, facts about products,
 * malformed lines) must be golden/import/FILE.expected. A new case is a file, its .expected, and a row below. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json/jdoc.h"
#include "base/mem.h"
#include "domain/shop/event_salvage.h"
#include "foreign/format.h"
#include "foreign/lookup.h"
#include "foreign/mapping.h"

#include "support/spec.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OUTPUT_MAX = 1 << 20 };

struct sample {
    const char *file;
    const char *format;
    const char *currency;
    const char *join[4]; /* key, file, key, file */
    const char *map, *types;
};

/* The one of the README. */
#define PAIRS_MAP                                                                                  \
    "product_id=line_item_{n}[sku:],title=line_item_{n}[name:],quantity=line_item_{n}[quantity:]"
#define LINE_ITEMS_MAP                                                                             \
    "product_id=line_items[;][sku:],title=line_items[;][name:],quantity=line_items[;][quantity:]"
#define OWN_SHOP_MAP                                                                               \
    "occurred_at=When,type=Action,customer_id=User No,product_id=Article,quantity=Pieces,price="   \
    "Unit Price,title=Name,category=Group,order_id=Order"
#define OWN_SHOP_TYPES "looked=product_viewed,add_to_cart=cart_item_added,order=purchase,login=-"

static const struct sample samples[] = {
    {.file = "retailrocket_ms.csv", .format = "retailrocket"},
    {.file = "retailrocket_s.csv", .format = "retailrocket"},
    {.file = "rees46.csv", .format = "rees46", .currency = "USD"},
    {.file = "taobao.csv", .format = "taobao"},
    {.file = "online_retail.csv", .format = "online-retail"},
    {.file = "online_retail_latin1.csv", .format = "online-retail", .currency = "EUR"},
    {.file = "native.ndjson", .format = "ndjson"},
    {.file = "rees46_excel.csv", .format = "rees46", .currency = "EUR"},
    {.file = "taobao_tabs.csv", .format = "taobao"},
    {.file = "ga4.csv", .format = "ga4"},
    {.file = "ga4.ndjson", .format = "ga4-json"},
    {.file = "shopify_orders.csv", .format = "shopify-orders"},
    {.file = "shopify_checkouts.csv", .format = "shopify-checkouts"},
    {.file = "woocommerce.csv", .format = "woocommerce", .currency = "EUR"},
    {.file = "woocommerce_items.csv", .format = "woocommerce"},
    {.file = "hm.csv", .format = "hm", .join = {"article_id", "hm_articles.csv"}},
    {.file = "instacart.csv",
     .format = "instacart",
     .join = {"order_id", "instacart_orders.csv", "product_id", "instacart_products.csv"}},
    {.file = "olist.csv",
     .format = "olist",
     .join = {"order_id", "olist_orders.csv", "customer_id", "olist_customers.csv"}},
    {.file = "ratings_movielens.csv", .format = "ratings"},
    {.file = "ratings_amazon.csv", .format = "ratings"},
    {.file = "ratings_plain.tsv", .format = "ratings-plain"},
    {.file = "own_shop.csv", .currency = "EUR", .map = OWN_SHOP_MAP, .types = OWN_SHOP_TYPES},
    {.file = "own_wide.csv",
     .currency = "EUR",
     .map = "order_id=Order,occurred_at=Placed,customer_id=E-Mail,total=Total,product_id=Item {n} "
            "SKU,title=Item {n} Name,quantity=Item {n} Qty,price=Item {n} Price",
     .types = "*=purchase"},
    {.file = "own_lists.csv",
     .currency = "EUR",
     .map = "order_id=Order,occurred_at=Placed,customer_id=E-Mail,product_id=SKUs[|],title=Names[|]"
            ",quantity=Quantities[|],price=Prices[|]",
     .types = "*=purchase"},
    {.file = "woocommerce_pairs.csv", .format = "woocommerce", .map = PAIRS_MAP},
    {.file = "woocommerce_line_items.csv", .format = "woocommerce", .map = LINE_ITEMS_MAP},
    {.file = "own_orders.csv",
     .currency = "EUR",
     .map = "order_id=Order,occurred_at=Placed,customer_id=E-Mail,total=Total,type=What",
     .types = "sold=purchase,seen=product_viewed"},
    {.file = "own_plain.csv",
     .map = "occurred_at=#1,customer_id=#3,product_id=#2",
     .types = "*=product_viewed"},
};

/* What a file said, as text: one line a finding. */
struct findings {
    struct buf text;
    struct arena arena;
};

static void findings_free(struct findings *f)
{
    buf_free(&f->text);
    arena_free(&f->arena);
}

static void note_malformed(struct findings *f, int64_t line, const struct err *what)
{
    buf_printf(&f->text, "malformed %" PRId64 ": %s%s%s\n", line, what->path,
               what->path[0] != '\0' ? " " : "", what->text);
}

static bool read_event(void *ctx, struct jval doc, struct event *out, struct err *err)
{
    const struct event_sent sent = {.received_us = DAYS(20000)};
    struct findings *f = ctx;

    return event_decode(doc, ORIGIN_IMPORT, sent, &f->arena, out, err);
}

/* An order counts without what is wrong with it, as in an import. */
static bool note_left(struct findings *f, const char *json, size_t len, int64_t line)
{
    struct salvaged left = {0};
    struct err err = {0};
    struct jdoc doc;

    const bool good = jdoc_read(&doc, json, len, &f->arena, &err) &&
                      event_salvage(doc.root, read_event, f, 0, &f->arena, &left);
    for (size_t i = 0; good && i < left.warning_count; i++) {
        buf_printf(&f->text, "left out %" PRId64 ": %s\n", line, left.warnings[i].pointer);
    }
    jdoc_free(&doc);
    return good;
}

static bool note_event(void *ctx, const char *json, size_t len, int64_t line, bool *out_valid,
                       struct err *err)
{
    struct findings *f = ctx;
    struct event e;
    struct err what = {0};
    (void)err;
    *out_valid = event_decode_text(json, len, ORIGIN_IMPORT, DAYS(20000), &f->arena, &e, &what) ||
                 note_left(f, json, len, line);
    if (*out_valid) {
        buf_printf(&f->text, "event %" PRId64 ": ", line);
        buf_add(&f->text, json, len);
        buf_add_char(&f->text, '\n');
    } else {
        note_malformed(f, line, &what);
    }
    return true;
}

static bool note_refusal(void *ctx, const struct native_refusal *what, struct err *err)
{
    struct findings *f = ctx;
    (void)err;
    buf_printf(&f->text, "malformed %" PRId64 " and %" PRId64 " more: %s\n", what->number,
               what->rows - 1, what->why);
    return true;
}

static void note_note(void *ctx, int64_t line, enum cause cause, const char *text)
{
    struct findings *f = ctx;
    (void)cause;
    buf_printf(&f->text, "note %" PRId64 ": %s\n", line, text);
}

static bool note_product(void *ctx, const struct product *p, struct err *err)
{
    struct findings *f = ctx;
    char at[CLOCK_TEXT_MAX];
    (void)err;
    buf_printf(&f->text, "product %s: title=%s brand=%s category=%s price=%" PRId64 "%s at=%s\n",
               p->product_id, p->title != NULL ? p->title : "-", p->brand != NULL ? p->brand : "-",
               p->category != NULL ? p->category : "-", p->price_minor, p->currency,
               clock_format_rfc3339(p->updated_us, at));
    return true;
}

/* As the importer does (import/record.h): a line is a record, or several where a quoted field has line breaks; torn where the
 * file ends without an end of line. Moves on behind it. */
static struct foreign_record next_record(const char **at, int64_t number, struct csv_shape shape)
{
    const char *text = *at;
    size_t line = (size_t)(strchrnul(text, '\n') - text);
    struct csv_cut cut = {.len = line > 0 && text[line - 1] == '\r' ? line - 1 : line};
    if (csv_stays_open(text, line, &shape)) {
        cut = csv_cut(text, strlen(text), &shape);
    }
    const char *end = strchrnul(text + cut.len, '\n');
    *at = *end == '\0' ? end : end + 1;
    return (struct foreign_record){
        .text = text, .len = cut.len, .number = number, .torn = *end == '\0'};
}

static int64_t breaks_in(const struct foreign_record *r)
{
    int64_t n = 0;
    for (size_t i = 0; i < r->len; i++) {
        n += r->text[i] == '\n';
    }
    return n;
}

static void read_records(struct foreign_parser *p, const char *text, struct findings *out)
{
    struct foreign_record record = {0};
    for (int64_t number = 1; *text != '\0'; number += 1 + breaks_in(&record)) {
        struct err what = {0};
        record = next_record(&text, number, foreign_parser_shape(p));
        if (!foreign_parser_record(p, &record, &what)) {
            note_malformed(out, record.number, &what);
        }
    }
    struct err what = {0};
    if (!foreign_parser_finish(p, &what)) {
        note_malformed(out, record.number, &what);
    }
    buf_printf(&out->text, "rows %" PRId64 "\n", p->records);
    if (p->left_out > 0) {
        buf_printf(&out->text, "left out %" PRId64 "\n", p->left_out);
    }
}

static char *golden_text(const char *file, const char *suffix);

static struct lookup *a_lookup(const char *key, const char *file, struct findings *out)
{
    struct lookup *l = lookup_open(key, file);
    CLEANUP(mem_free) char *text = golden_text(file, "");
    const char *at = text;
    for (int64_t number = 1; *at != '\0'; number++) {
        struct err what = {0};
        struct foreign_record record = next_record(&at, number, lookup_shape(l));
        if (!lookup_record(l, &record, &what)) {
            note_malformed(out, number, &what);
        }
    }
    return l;
}

static const struct foreign_format *format_of(const struct sample *s, struct arena *a)
{
    const struct foreign_format *format = s->format != NULL ? foreign_format_of(s->format) : NULL;
    struct err err = {0};
    if (s->map != NULL && !mapping_read(s->map, s->types, format, a, &format, &err)) {
        fail_msg("%s %s", err.path, err.text);
    }
    return format;
}

static void read_text(const char *text, const struct sample *s, struct findings *out)
{
    CLEANUP(foreign_parser_close) struct foreign_parser parser = {0};
    CLEANUP(lookup_close) struct lookup *first = NULL;
    CLEANUP(lookup_close) struct lookup *second = NULL;
    struct native_sink sink = {.ctx = out,
                               .event = note_event,
                               .product = note_product,
                               .note = note_note,
                               .refused = note_refusal};

    out->text = buf_make(OUTPUT_MAX);
    text += strncmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    foreign_parser_open(format_of(s, &out->arena), s->currency, sink, &parser);
    if (s->join[0] != NULL) {
        first = a_lookup(s->join[0], s->join[1], out);
        foreign_parser_join(&parser, first);
    }
    if (s->join[2] != NULL) {
        second = a_lookup(s->join[2], s->join[3], out);
        foreign_parser_join(&parser, second);
    }
    read_records(&parser, text, out);
}

static void *golden(const char *file, const char *suffix)
{
    struct arena a = {0};
    const char *root = getenv("CARTWRIGHT_SOURCE");
    char *path = mem_strdup(
        arena_printf(&a, "%s/tests/golden/import/%s%s", root != NULL ? root : ".", file, suffix));
    arena_free(&a);
    return path;
}

static char *whole_text(const char *path)
{
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    char *text = mem_array(OUTPUT_MAX, 1);
    assert_true(fread(text, 1, OUTPUT_MAX - 1, in) > 0);
    assert_int_equal(fclose(in), 0);
    return text;
}

static char *golden_text(const char *file, const char *suffix)
{
    CLEANUP(mem_free) char *path = golden(file, suffix);
    return whole_text(path);
}

static void every_sample_says_exactly_what_its_golden_file_holds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        CLEANUP(findings_free) struct findings found = {0};
        CLEANUP(mem_free) char *text = golden_text(samples[i].file, "");
        read_text(text, &samples[i], &found);
        if (getenv("GOLDEN_PRINT") != NULL) { /* to write a new .expected: look at it before */
            printf("== %s\n%s", samples[i].file, buf_text(&found.text));
            continue;
        }
        CLEANUP(mem_free) char *expected = golden_text(samples[i].file, ".expected");
        assert_string_equal(buf_text(&found.text), expected);
    }
}

static void the_maps_that_the_documents_show_are_those_that_are_tested(void **state)
{
    (void)state;
    struct arena a = {0};
    const char *root = getenv("CARTWRIGHT_SOURCE");
    CLEANUP(mem_free)
    char *readme = whole_text(arena_printf(&a, "%s/README.md", root != NULL ? root : "."));
    assert_text_contains(readme, "--map '" OWN_SHOP_MAP "'");
    assert_text_contains(readme, "--types '" OWN_SHOP_TYPES "'");
    CLEANUP(mem_free)
    char *importing =
        whole_text(arena_printf(&a, "%s/src/http/docs/importing.md", root != NULL ? root : "."));
    assert_text_contains(importing, "--map '" PAIRS_MAP "'");
    assert_text_contains(importing, "--map '" LINE_ITEMS_MAP "'");
    arena_free(&a);
}

/* ---- headers ---- */

static bool first_line(const char *format, const char *text, struct err *err)
{
    CLEANUP(foreign_parser_close) struct foreign_parser parser = {0};
    CLEANUP(findings_free) struct findings found = {.text = buf_make(OUTPUT_MAX)};
    struct native_sink sink = {.ctx = &found, .event = note_event, .product = note_product};
    struct foreign_record record = {.text = text, .len = strlen(text), .number = 1};
    foreign_parser_open(foreign_format_of(format), NULL, sink, &parser);
    return foreign_parser_record(&parser, &record, err);
}

static void a_file_of_another_format_is_refused_and_told_what_it_looks_like(void **state)
{
    (void)state;
    static const struct {
        const char *format;
        const char *line;
        const char *text;
    } cases[] = {
        {"rees46", "timestamp,visitorid,event,itemid",
         "the header has no column event_time, which rees46 files have; it looks like --format "
         "retailrocket"},
        {"rees46", "timestamp;visitorid;event;itemid",
         "the header has no column event_time, which rees46 files have; it looks like --format "
         "retailrocket"},
        {"rees46", "event_timestamp,event_name,user_pseudo_id,item_id",
         "the header has no column event_time, which rees46 files have; it looks like --format ga4"},
        {"rees46", "54,22,146,pv,1511658000",
         "the header has no column event_time, which rees46 files have; it looks like --format "
         "taobao"},
        {"rees46", "{\"event_id\":1}",
         "the header has no column event_time, which rees46 files have; it looks like --format "
         "ndjson"},
        {"rees46", "some,other,columns",
         "the header has no column event_time, which rees46 files have; --map says which column is "
         "what"},
        {"taobao", "userId,movieId,rating,timestamp",
         "is no row of taobao files; it looks like --format ratings"},
        {"ndjson", "{\"event_date\":\"20240301\",\"user_pseudo_id\":\"1.2\"}",
         "is no event of ours; it looks like --format ga4-json"},
        {"ndjson", "t_dat,customer_id,article_id,price,sales_channel_id",
         "is no event of ours; it looks like --format hm"},
        {"instacart", "order_id,product_id,add_to_cart_order,reordered",
         "the header has no column (time of the order), which instacart files have; other files of "
         "it say it: --join order_id=orders.csv"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err err = {0};
        assert_false(first_line(cases[i].format, cases[i].line, &err));
        assert_int_equal(err.kind, ERR_REFUSED);
        assert_string_equal(err.text, cases[i].text);
    }
}

static void a_broken_first_row_of_a_file_without_header_is_one_broken_row(void **state)
{
    (void)state;
    struct err err = {0};
    assert_false(first_line("taobao", "54,22,146,wish,1511658000", &err));
    assert_int_equal(err.kind, ERR_INVALID);
}

static void columns_are_found_by_name_in_any_order_and_case(void **state)
{
    (void)state;
    struct err err = {0};
    assert_true(first_line("retailrocket", "Item,EVENT,user,timestamp_s,extra", &err));
}

static void a_format_nobody_knows_has_no_parser(void **state)
{
    (void)state;
    struct arena a = {0};
    assert_null(foreign_format_of("segment"));
    assert_string_equal(
        foreign_format_names(&a),
        "retailrocket|rees46|taobao|ga4|shopify-orders|shopify-checkouts|woocommerce|hm|"
        "instacart|olist|ratings|ratings-plain|ga4-json|online-retail|ndjson");
    arena_free(&a);
}

/* ---- invoices ---- */

/* Feeds an online-retail file made of rows, and gives back what it said. */
static void feed(struct foreign_parser *p, int64_t *number, const char *text)
{
    struct err err = {0};
    struct foreign_record record = {.text = text, .len = strlen(text), .number = ++*number};
    assert_true(foreign_parser_record(p, &record, &err));
}

static void feed_row(struct foreign_parser *p, int64_t *number, int invoice, int code)
{
    char text[128];
    (void)snprintf(text, sizeof text, "%d,%d,A PLATE,1,2010-01-01 10:00:00,1.00,77,Eire", invoice,
                   10000 + code);
    feed(p, number, text);
}

static int count_of(const struct findings *f, const char *word)
{
    int n = 0;
    for (const char *at = buf_text(&f->text); (at = strstr(at, word)) != NULL; at++) {
        n++;
    }
    return n;
}

static void an_invoice_stays_open_over_the_rows_of_others(void **state)
{
    (void)state;
    CLEANUP(findings_free) struct findings found = {.text = buf_make(OUTPUT_MAX)};
    CLEANUP(foreign_parser_close) struct foreign_parser p = {0};
    struct native_sink sink = {.ctx = &found, .event = note_event, .product = note_product};
    struct err err = {0};
    int64_t number = 0;
    foreign_parser_open(foreign_format_of("online-retail"), NULL, sink, &p);
    feed(&p, &number,
         "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country");
    feed_row(&p, &number, 500, 1);
    for (int i = 0; i < 1000; i++) {
        feed_row(&p, &number, 501 + i % 5, i);
    }
    feed_row(&p, &number, 500, 2);
    assert_true(foreign_parser_finish(&p, &err));
    assert_int_equal(count_of(&found, "\"type\":\"purchase\""), 6);
}

static void invoices_long_over_are_closed_before_the_file_ends(void **state)
{
    (void)state;
    CLEANUP(findings_free) struct findings found = {.text = buf_make(OUTPUT_MAX)};
    CLEANUP(foreign_parser_close) struct foreign_parser p = {0};
    struct native_sink sink = {.ctx = &found, .event = note_event, .product = note_product};
    int64_t number = 0;
    foreign_parser_open(foreign_format_of("online-retail"), NULL, sink, &p);
    feed(&p, &number,
         "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country");
    for (int i = 0; i < 1000; i++) {
        feed_row(&p, &number, i, 1);
    }
    assert_in_range(count_of(&found, "\"type\":\"purchase\""), 400, 999);
}

static void
an_invoice_longer_than_an_event_goes_on_in_a_second_purchase_of_the_same_order(void **state)
{
    (void)state;
    CLEANUP(findings_free) struct findings found = {.text = buf_make(OUTPUT_MAX)};
    CLEANUP(foreign_parser_close) struct foreign_parser p = {0};
    struct native_sink sink = {.ctx = &found, .event = note_event, .product = note_product};
    struct err err = {0};
    int64_t number = 0;
    foreign_parser_open(foreign_format_of("online-retail"), NULL, sink, &p);
    feed(&p, &number,
         "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country");
    for (int i = 0; i < EVENT_ITEMS_MAX + 1; i++) {
        feed_row(&p, &number, 500, i);
    }
    assert_true(foreign_parser_finish(&p, &err));
    assert_int_equal(count_of(&found, "\"order_id\":\"500\""), 2);
    assert_int_equal(count_of(&found, "\"product_id\":"), EVENT_ITEMS_MAX + 1);
}

/* The ids of all events, one behind the other. */
static const char *ids_of(const char *const *rows, struct findings *found)
{
    CLEANUP(foreign_parser_close) struct foreign_parser p = {0};
    struct native_sink sink = {.ctx = found, .event = note_event, .product = note_product};
    struct err err = {0};
    int64_t number = 0;
    found->text = buf_make(OUTPUT_MAX);
    foreign_parser_open(foreign_format_of("online-retail"), NULL, sink, &p);
    for (; *rows != NULL; rows++) {
        feed(&p, &number, *rows);
    }
    assert_true(foreign_parser_finish(&p, &err));
    const char *ids = "";
    for (const char *at = buf_text(&found->text); (at = strstr(at, "\"event_id\":\"")) != NULL;
         at++) {
        ids = arena_printf(&found->arena, "%s%.20s ", ids, at + strlen("\"event_id\":\""));
    }
    return ids;
}

#define INVOICE_HEADER                                                                             \
    "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country"

static void an_invoice_of_which_an_export_has_a_part_is_the_same_event(void **state)
{
    (void)state;
    static const char *const whole[] = {INVOICE_HEADER,
                                        "7,1,LAMP,1,2010-12-01 08:26:00,2.50,80001,UK",
                                        "7,2,BULB,4,2010-12-01 08:26:00,1.00,80001,UK", NULL};
    static const char *const part[] = {INVOICE_HEADER,
                                       "7.0,2,BULB,4,12/1/2010 8:26,1.00,80001.0,UK", NULL};
    static const char *const another[] = {INVOICE_HEADER,
                                          "7,2,BULB,4,2010-12-01 08:26:00,1.00,80002,UK", NULL};
    CLEANUP(findings_free) struct findings a = {0};
    CLEANUP(findings_free) struct findings b = {0};
    CLEANUP(findings_free) struct findings c = {0};
    const char *id = ids_of(whole, &a);
    assert_int_equal(strlen(id), 21);
    assert_string_equal(ids_of(part, &b), id);
    assert_string_not_equal(ids_of(another, &c), id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sample_says_exactly_what_its_golden_file_holds),
        cmocka_unit_test(the_maps_that_the_documents_show_are_those_that_are_tested),
        cmocka_unit_test(a_file_of_another_format_is_refused_and_told_what_it_looks_like),
        cmocka_unit_test(a_broken_first_row_of_a_file_without_header_is_one_broken_row),
        cmocka_unit_test(columns_are_found_by_name_in_any_order_and_case),
        cmocka_unit_test(a_format_nobody_knows_has_no_parser),
        cmocka_unit_test(an_invoice_stays_open_over_the_rows_of_others),
        cmocka_unit_test(invoices_long_over_are_closed_before_the_file_ends),
        cmocka_unit_test(an_invoice_of_which_an_export_has_a_part_is_the_same_event),
        cmocka_unit_test(
            an_invoice_longer_than_an_event_goes_on_in_a_second_purchase_of_the_same_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
