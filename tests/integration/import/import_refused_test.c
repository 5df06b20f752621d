/* What an import says of the rows it refuses, and the file that it keeps them in (--refused): nothing refused is lost, and what is
 * mended there and imported again comes in, once. */
#include "import_spec.h"

#include "base/mem.h"
#include "foreign/cause.h"

#include "support/spec.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXT_MAX = 1 << 13 };

/* A database of its own, and a folder, for every test. */
struct shop {
    struct import_bench bench;
    char folder[40];
    char in[60], refused[60], again[60], joined[60];
};

static int fresh(void **state)
{
    static struct shop s;
    bench_open(&s.bench, "refused");
    (void)snprintf(s.folder, sizeof s.folder, "/tmp/refused_test.XXXXXX");
    assert_non_null(mkdtemp(s.folder));
    (void)snprintf(s.in, sizeof s.in, "%s/in.csv", s.folder);
    (void)snprintf(s.refused, sizeof s.refused, "%s/refused.csv", s.folder);
    (void)snprintf(s.again, sizeof s.again, "%s/again.csv", s.folder);
    (void)snprintf(s.joined, sizeof s.joined, "%s/joined.csv", s.folder);
    *state = &s;
    return 0;
}

static int drop(void **state)
{
    struct shop *s = *state;
    (void)unlink(s->in);
    (void)unlink(s->refused);
    (void)unlink(s->again);
    (void)unlink(s->joined);
    assert_int_equal(rmdir(s->folder), 0);
    bench_close(&s->bench);
    return 0;
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* Borrowed until the next call. */
static char *text_of(const char *path)
{
    static char text[TEXT_MAX];
    FILE *f = fopen(path, "r");
    if (f == NULL) {
        fail_msg("%s is not there", path);
    }
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    assert_int_equal(fclose(f), 0);
    return text;
}

/* Imports the file; options say what is not usual. */
#define import_file(shop, path, out, ...)                                                          \
    import_file_as((shop), (path), (out),                                                          \
                   (struct import_options){.format = "retailrocket",                               \
                                           .max_errors = 1000,                                     \
                                           .refused = (shop)->refused,                             \
                                           __VA_ARGS__})

static void import_file_as(struct shop *s, const char *path, struct import_outcome *out,
                           struct import_options options)
{
    const char *files[] = {path};
    options.files = files;
    options.file_count = 1;
    bench_import(&s->bench, options, out);
}

/* Puts `with` in the place of the one `what` of the file. */
static void mend(const char *path, const char *what, const char *with)
{
    const char *text = text_of(path);
    const char *at = strstr(text, what);
    char mended[TEXT_MAX];
    assert_non_null(at);
    int len = snprintf(mended, sizeof mended, "%.*s%s%s", (int)(at - text), text, with,
                       at + strlen(what));
    assert_true(len > 0 && (size_t)len < sizeof mended);
    write_file(path, mended);
}

static void expect_counts(const struct import_outcome *o, int64_t stored, int64_t duplicate,
                          int64_t malformed)
{
    if (o->result.stored != stored || o->result.duplicate != duplicate ||
        o->result.malformed != malformed) {
        fail_msg("%d stored, %d duplicate, %d malformed: %s%s", (int)o->result.stored,
                 (int)o->result.duplicate, (int)o->result.malformed, o->report, o->err.text);
    }
}

#define HEADER "timestamp_s,user,event,item\n"

static void refused_rows_are_mended_and_imported_by_themselves(void **state)
{
    struct shop *s = *state;
    struct import_outcome o;
    write_file(s->in, HEADER "1430623510,1,view,68\n"
                             "soon,1,view,\"6\"\"8\"\n"
                             "1430623520,1,gaze,68,\n"
                             "1430623530,2,view,68\n");
    import_file(s, s->in, &o, );
    struct stat kept;
    assert_int_equal(stat(s->refused, &kept), 0);
    assert_int_equal(kept.st_mode & 077, 0); /* nobody else reads what customers did */
    assert_true(o.done);
    expect_counts(&o, 2, 0, 2);
    assert_string_equal(text_of(s->refused),
                        HEADER "#refused line 3 [bad_time] timestamp_s: is no time: 'soon'\n"
                               "soon,1,view,\"6\"\"8\"\n"
                               "#refused line 4 [bad_row] has 5 columns instead of 4\n"
                               "1430623520,1,gaze,68,\n");
    /* as it is, it says the same of the same rows */
    import_file(s, s->refused, &o, .refused = s->again);
    assert_false(o.done); /* nothing could be stored */
    expect_counts(&o, 0, 0, 2);
    assert_text_contains(text_of(s->again), "\nsoon,1,view,\"6\"\"8\"\n#refused line 5 [bad_row]");
    /* one of them mended */
    mend(s->refused, "\nsoon,", "\n1430623515,");
    import_file(s, s->refused, &o, .refused = NULL);
    expect_counts(&o, 1, 0, 1);
    mend(s->refused, "gaze,68,", "view,68");
    for (int i = 0; i < 2; i++) {
        import_file(s, s->refused, &o, .refused = NULL);
        expect_counts(&o, i == 0 ? 1 : 0, i == 0 ? 1 : 2, 0);
    }
    /* and the whole file with the same rows mended has nothing new */
    write_file(s->in, HEADER "1430623510,1,view,68\n"
                             "1430623515,1,view,\"6\"\"8\"\n"
                             "1430623520,1,view,68\n"
                             "1430623530,2,view,68\n");
    import_file(s, s->in, &o, .refused = NULL);
    expect_counts(&o, 0, 4, 0);
}

#define SHOPIFY                                                                                    \
    "Name;Email;Financial Status;Currency;Total;Created at;Lineitem quantity;Lineitem name;"       \
    "Lineitem price;Lineitem sku\n"
#define FIRST_ROW                                                                                  \
    "#1;ann@shop.example;paid;EUR;20.00;2024-01-05 10:00:00 +0000;1;\"Mug\nblue\";8.00;A\n"

static void a_refused_row_of_an_order_goes_with_the_others_of_it(void **state)
{
    struct shop *s = *state;
    struct import_outcome o;
    write_file(s->in, SHOPIFY FIRST_ROW "#1;;;EURO;;;1;Towel;8.00;B\n"
                                        "#1;;;;;;1;Pot;4.00;C\n"
                                        "#2;bob@shop.example;paid;EUR;8.00;"
                                        "2024-01-05 11:00:00 +0000;1;Mug;8.00;A\n");
    import_file(s, s->in, &o, .format = "shopify-orders");
    assert_true(o.done);
    expect_counts(&o, 3, 0, 1);
    assert_string_equal(text_of(s->refused),
                        SHOPIFY FIRST_ROW "#refused line 4 [bad_currency] Currency: is no currency "
                                          "such as EUR: 'EURO'\n"
                                          "#1;;;EURO;;;1;Towel;8.00;B\n"
                                          "#1;;;;;;1;Pot;4.00;C\n");
    mend(s->refused, ";EURO;", ";;");
    import_file(s, s->refused, &o, .format = "shopify-orders", .refused = NULL);
    expect_counts(&o, 1, 2, 0);
    assert_int_equal(bench_count(&s->bench, "SELECT count(*) FROM cartwright.event WHERE "
                                            "body ->> 'customer_id' = 'ann@shop.example'"),
                     3);
}

#define ORDERS "When,User,Order,Article,Pieces,Price,Total\n"
#define WRONG_ORDERS                                                                               \
    "2024-01-05 10:00,ann,1,A,x,9.50,\n2024-01-05 10:00,bob,2,A,1,abc,\n"                          \
    "2024-01-05 10:00,cyd,3,,1,9.50,\n2024-01-05 10:00,dan,4,A,1,9.50,much\n"                      \
    "2024-01-05 10:00,eve,5,A,1.23456,9;50,\n2024-01-05 10:00,hal,8,5.12E+08,100001,9.50,\n"

/* Its buyer must not get a message for what is wrong in a line. */
static void an_order_of_a_table_is_one_without_what_cannot_be_read(void **state)
{
    struct shop *s = *state;
    struct import_outcome o;
    static const char map[] = "occurred_at=When,customer_id=User,order_id=Order,product_id=Article,"
                              "quantity=Pieces,price=Price,total=Total";
    write_file(s->in, ORDERS WRONG_ORDERS "2024-01-05 10:00,fay,6,A,0,9.50,\n"
                                          "2024-01-05 10:00,gus,7,A,-1,9.50,\n");
    import_file(s, s->in, &o, .format = NULL, .map = map, .types = "*=purchase", .currency = "EUR");
    assert_true(o.done);
    expect_counts(&o, 6, 0, 1); /* less than nothing may be what came back; 0 did */
    assert_int_equal(o.result.by_cause[CAUSE_LEFT_OUT], 7);
    assert_text_contains(o.report, ":2: /items/0/quantity ");
    assert_text_contains(o.report, ":3: /items/0/price_minor ");
    assert_text_contains(o.report, ":4: /items/0 ");
    assert_int_equal(
        bench_count(&s->bench,
                    "SELECT count(*) FROM cartwright.event WHERE type = 'purchase'"
                    " AND key IN ('c:ann', 'c:bob', 'c:cyd', 'c:dan', 'c:eve', 'c:hal')"),
        6);
    assert_int_equal(bench_count(&s->bench, "SELECT count(*) FROM cartwright.dead_letter"), 0);
    /* mended, they are the same orders, and count instead */
    write_file(s->in, ORDERS "2024-01-05 10:00,ann,1,A,2,9.50,\n");
    import_file(s, s->in, &o, .format = NULL, .map = map, .types = "*=purchase", .currency = "EUR",
                .refused = NULL);
    expect_counts(&o, 1, 0, 0);
    assert_int_equal(o.result.conflict, 0);
}

/* ---- a column that is none ---- */

enum { ORDERS_MOST = 1200 };

/* So many orders, of which the prices are words but for that of the last `priced`. */
static void write_orders(const char *path, int count, int priced)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(ORDERS, f) >= 0);
    for (int i = 0; i < count; i++) {
        assert_true(fprintf(f, "2024-01-05 10:%02d,u%d,%d,A,1,%s,\n", i % 60, i, i,
                            i < count - priced ? "blue" : "9.50") > 0);
    }
    assert_int_equal(fclose(f), 0);
}

static void import_orders(struct shop *s, struct import_outcome *o)
{
    import_file(s, s->in, o, .format = NULL, .types = "*=purchase", .currency = "EUR",
                .refused = NULL,
                .map = "occurred_at=When,customer_id=User,order_id=Order,product_id=Article,"
                       "quantity=Pieces,price=Price,total=Total");
}

static void a_column_that_can_be_read_in_no_order_is_most_likely_the_wrong_one(void **state)
{
    struct shop *s = *state;
    struct import_outcome o;
    static const int counts[] = {10, 999, 1000, ORDERS_MOST};

    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        write_orders(s->in, counts[i], counts[i] == ORDERS_MOST ? 100 : 0);
        import_orders(s, &o);
        assert_false(o.done);
        assert_int_equal(o.err.kind, ERR_REFUSED);
        assert_text_contains(o.err.text, "column \"Price\" could be read in none of ");
        assert_text_contains(o.err.text,
                             " the first of which says \"blue\": is it the right column?");
        expect_counts(&o, 0, 0, 0);
        assert_int_equal(bench_count(&s->bench, "SELECT count(*) FROM cartwright.event"), 0);
        assert_int_equal(bench_count(&s->bench, "SELECT count(*) FROM cartwright.product"), 0);
    }
}

/* Of so few it may be chance, and one that can be read shows that it is the right one. */
static void how_often_a_column_could_not_be_read_is_told_at_the_end(void **state)
{
    struct shop *s = *state;
    struct import_outcome o;

    write_orders(s->in, 9, 0);
    import_orders(s, &o);
    assert_true(o.done);
    expect_counts(&o, 9, 0, 0);
    assert_text_contains(o.out,
                         "column \"Price\" could not be read in 9 of 9 lines of orders: is it "
                         "the right one?\n");
    write_orders(s->in, 12, 1);
    import_orders(s, &o);
    assert_true(o.done);
    assert_text_contains(o.out, "column \"Price\" could not be read in 11 of 12 lines of orders\n");
    assert_null(strstr(o.out, "Pieces"));
    import_file(s, s->in, &o, .format = NULL, .types = "*=purchase", .currency = "EUR",
                .refused = NULL, .json = true,
                .map = "occurred_at=When,customer_id=User,order_id=Order,product_id=Article,"
                       "quantity=Price,price=Pieces");
    assert_text_contains(o.out, "\"unread_columns\":{\"Price\":{\"unread\":11,\"lines\":12}}");
}

/* What was read of another file before is true all the same. */
static void a_wrong_column_of_one_file_leaves_the_file_before_it(void **state)
{
    struct shop *s = *state;
    struct import_outcome o;
    const char *files[] = {s->in, s->again};

    write_orders(s->in, 3, 3);
    write_orders(s->again, 20, 0);
    bench_import(&s->bench,
                 (struct import_options){
                     .map = "occurred_at=When,customer_id=User,order_id=Order,product_id=Article,"
                            "quantity=Pieces,price=Price",
                     .types = "*=purchase",
                     .currency = "EUR",
                     .max_errors = 1000,
                     .files = files,
                     .file_count = 2},
                 &o);
    assert_false(o.done);
    assert_string_equal(o.err.path, s->again);
    expect_counts(&o, 3, 0, 0);
    assert_int_equal(bench_count(&s->bench, "SELECT count(*) FROM cartwright.shopper"), 3);
}

static void a_row_that_cannot_be_parted_takes_the_order_before_it_along(void **state)
{
    struct shop *s = *state;
    struct import_outcome o;
    write_file(s->in, SHOPIFY FIRST_ROW "#1;;;;;;1;Towel;8.00;B;oops\n");
    import_file(s, s->in, &o, .format = "shopify-orders");
    expect_counts(&o, 1, 0, 1);
    mend(s->refused, ";oops", "");
    import_file(s, s->refused, &o, .format = "shopify-orders", .refused = NULL);
    expect_counts(&o, 1, 1, 0);
    assert_int_equal(bench_count(&s->bench, "SELECT count(*) FROM cartwright.shopper"), 1);
}

#define INVOICES "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID\n"

static void a_cancellation_with_a_refused_row_waits_for_it_as_a_whole(void **state)
{
    struct shop *s = *state;
    struct import_outcome o;
    write_file(s->in, INVOICES "C1,A,Cup,-1,2010-12-01 08:26:00,2.55,7\n"
                               "2,A,Cup,1,2010-12-01 08:27:00,2.55,8\n"
                               "C1,P2,Pot,some,2010-12-01 08:26:00,4.00,7\n"
                               "C1,P3,Jug,-2,2010-12-01 08:26:00,3.00,7\n");
    import_file(s, s->in, &o, .format = "online-retail");
    assert_true(o.done);
    expect_counts(&o, 1, 0, 3);
    assert_int_equal(o.result.by_cause[CAUSE_BAD_QUANTITY], 1);
    assert_int_equal(o.result.by_cause[CAUSE_INCOMPLETE_ORDER], 2);
    assert_text_contains(o.report, ":2: invoice C1 has a row that was refused, and is left out "
                                   "[incomplete_order]\n");
    mend(s->refused, "Pot,some", "Pot,-1");
    import_file(s, s->refused, &o, .format = "online-retail", .refused = NULL);
    expect_counts(&o, 1, 0, 0);
    assert_int_equal(bench_count(&s->bench, "SELECT jsonb_array_length(body -> 'items') FROM "
                                            "cartwright.event WHERE key = 'c:7'"),
                     3);
}

#define WRONG_INVOICE                                                                              \
    "1,10A,Cup,1,2010-12-01 08:26:00,2.55,7\n1,10B,Pot,some,2010-12-01 08:26:00,4.00,7\n"          \
    "1,10C,Jug,2,2010-12-01 08:26:00,cheap,7\n1,,Mug,2,2010-12-01 08:26:00,1.00,7\n"               \
    "1,POST,Postage,1,2010-12-01 08:26:00,x,7\n1,10D,Tea,1,soon,3.00,7\n"
#define MENDED_INVOICE                                                                             \
    "1,10A,Cup,1,2010-12-01 08:26:00,2.55,7\n1,10B,Pot,3,2010-12-01 08:26:00,4.00,7\n"             \
    "1,10C,Jug,2,2010-12-01 08:26:00,5.00,7\n1,M2,Mug,2,2010-12-01 08:26:00,1.00,7\n"              \
    "1,POST,Postage,1,2010-12-01 08:26:00,9,7\n1,10D,Tea,1,2010-12-01 08:26:00,3.00,7\n"

static int64_t bought_by(struct shop *s, const char *what)
{
    char sql[200];
    (void)snprintf(sql, sizeof sql,
                   "SELECT (doc::jsonb ->> '%s')::bigint FROM cartwright.shopper WHERE key = 'c:7'",
                   what);
    return bench_count(&s->bench, sql);
}

static void an_invoice_is_an_order_without_what_cannot_be_read(void **state)
{
    struct shop *s = *state;
    struct import_outcome o;
    write_file(s->in, INVOICES WRONG_INVOICE);
    import_file(s, s->in, &o, .format = "online-retail");
    assert_true(o.done);
    expect_counts(&o, 1, 0, 0);
    assert_text_contains(o.report, ":2: /items/1/quantity ");
    assert_text_contains(o.report, ":2: /items/2/price_minor ");
    assert_text_contains(o.report, ":2: /items/3 ");
    assert_text_contains(o.report, ":2: /items/4 ");
    assert_text_contains(o.report, ":7: InvoiceDate is no time: ");
    assert_int_equal(o.result.by_cause[CAUSE_LEFT_OUT], 5);
    assert_int_equal(access(s->refused, F_OK), -1);
    assert_int_equal(bought_by(s, "orders_total"), 1);
    assert_int_equal(bought_by(s, "units_bought"), 5); /* cup, pot, two jugs, tea */
    assert_int_equal(bench_count(&s->bench, "SELECT count(*) FROM cartwright.dead_letter"), 0);
    write_file(s->in, INVOICES MENDED_INVOICE);
    import_file(s, s->in, &o, .format = "online-retail");
    expect_counts(&o, 1, 0, 0);
    assert_int_equal(o.result.conflict, 0);
    assert_int_equal(bought_by(s, "orders_total"), 1);
    assert_int_equal(bought_by(s, "units_bought"), 9);
}

static void an_invoice_of_which_no_row_has_a_time_is_refused_with_all_of_them(void **state)
{
    struct shop *s = *state;
    struct import_outcome o;
    write_file(s->in, INVOICES "1,10A,Cup,1,soon,2.55,7\n1,10B,Pot,1,later,2.55,7\n"
                               "2,10A,Cup,1,soon,2.55,8\n2,10B,Pot,1,2010-12-01 08:26:00,2.55,8\n");
    import_file(s, s->in, &o, .format = "online-retail");
    expect_counts(&o, 1, 0, 2);
    assert_int_equal(o.result.by_cause[CAUSE_BAD_TIME], 2);
    assert_int_equal(o.result.by_cause[CAUSE_LEFT_OUT], 1);
    mend(s->refused, "1,soon", "1,2010-12-01 08:26:00");
    mend(s->refused, "1,later", "1,2010-12-01 08:26:00");
    import_file(s, s->refused, &o, .format = "online-retail", .refused = NULL);
    expect_counts(&o, 1, 0, 0);
}

#define GA4_ORDER(who, order, revenue, items)                                                      \
    "{\"event_name\":\"purchase\",\"event_timestamp\":\"1709259400000000\",\"user_id\":\"" who     \
    "\",\"user_pseudo_id\":\"b" who "\",\"ecommerce\":{\"transaction_id\":\"" order                \
    "\",\"purchase_revenue\":" revenue "},\"items\":[" items "]}\n"
#define GA4_ITEM(id, quantity, price)                                                              \
    "{\"item_id\":\"" id "\",\"item_name\":\"Mug\",\"quantity\":" quantity ",\"price\":" price "}"

static void an_order_of_google_analytics_is_one_without_what_cannot_be_read(void **state)
{
    struct shop *s = *state;
    struct import_outcome o;
    write_file(
        s->in,
        GA4_ORDER("7", "o1", "\"much\"",
                  GA4_ITEM("A", "\"x\"", "9.5") "," GA4_ITEM("B", "1", "\"1,234\"") "," GA4_ITEM(
                      "5.12E+08", "2", "4") "," GA4_ITEM("C", "-1", "2"))
            GA4_ORDER("8", "o2", "4.0", GA4_ITEM("A", "1", "4.0")));
    import_file(s, s->in, &o, .format = "ga4-json", .currency = "EUR");
    assert_true(o.done);
    expect_counts(&o, 2, 0, 0);
    assert_text_contains(o.report, ":1: /items/0/quantity ");
    assert_text_contains(o.report, ":1: /items/1/price_minor ");
    assert_text_contains(o.report, ":1: /items/2 ");
    assert_text_contains(o.report, ":1: /items/3/quantity ");
    assert_int_equal(o.result.by_cause[CAUSE_LEFT_OUT], 4);
    assert_int_equal(bought_by(s, "orders_total"), 1);
    assert_int_equal(bought_by(s, "units_bought"), 3);
    write_file(s->in, GA4_ORDER("7", "o1", "20.5",
                                GA4_ITEM("A", "2", "9.5") "," GA4_ITEM("B", "1", "1.5")));
    import_file(s, s->in, &o, .format = "ga4-json", .currency = "EUR", .refused = NULL);
    expect_counts(&o, 1, 0, 0);
    assert_int_equal(o.result.conflict, 0);
    assert_int_equal(bought_by(s, "orders_total"), 1);
    assert_int_equal(bought_by(s, "spent_minor"), 2050);
}

static void an_invoice_that_the_decoder_refuses_is_kept_with_all_of_its_rows(void **state)
{
    struct shop *s = *state;
    struct import_outcome o;
    write_file(s->in, INVOICES "1,A,Cup,1,1990-12-01 08:26:00,2.55,7\n"
                               "2,A,Cup,1,2010-12-01 08:27:00,2.55,8\n"
                               "1,P2,Pot,1,1990-12-01 08:26:00,4.00,7\n");
    import_file(s, s->in, &o, .format = "online-retail");
    expect_counts(&o, 1, 0, 1);
    assert_string_equal(text_of(s->refused),
                        INVOICES "#refused line 2 [bad_event] /occurred_at: must not be before "
                                 "2000-01-01\n"
                                 "1,A,Cup,1,1990-12-01 08:26:00,2.55,7\n"
                                 "1,P2,Pot,1,1990-12-01 08:26:00,4.00,7\n");
}

static void an_invoice_in_which_the_file_breaks_off_is_kept(void **state)
{
    struct shop *s = *state;
    struct import_outcome o;
    write_file(s->in, INVOICES "1,A,Cup,1,2010-12-01 08:26:00,2.55,7\n"
                               "1,P2,Pot,1,2010-12-01 08");
    import_file(s, s->in, &o, .format = "online-retail");
    expect_counts(&o, 0, 0, 2);
    mend(s->refused, "01 08\n", "01 08:26:00,4.00,7\n");
    import_file(s, s->refused, &o, .format = "online-retail", .refused = NULL);
    expect_counts(&o, 1, 0, 0);
}

static void refused_events_are_lines_of_json(void **state)
{
    struct shop *s = *state;
    struct import_outcome o;
#define EVENT(id, who)                                                                             \
    "{\"event_id\":\"" id "\",\"type\":\"searched\",\"customer_id\":\"" who                        \
    "\",\"occurred_at\":\"2024-01-05T10:00:00Z\"}"
    write_file(s->in, "[" EVENT("a", "ann") ",\n" EVENT("b", "null") "," EVENT("c", "c") "]");
    import_file(s, s->in, &o, .format = "ndjson");
    expect_counts(&o, 2, 0, 1);
    assert_int_equal(o.result.by_cause[CAUSE_JSON_ARRAY], 1);
    assert_text_contains(text_of(s->refused), "#refused line 2 [no_id] /customer_id: ");
    mend(s->refused, "\"null\"", "\"bob\"");
    import_file(s, s->refused, &o, .format = "ndjson", .refused = NULL);
    expect_counts(&o, 1, 0, 0);
    write_file(s->in, "{\"event_id\":\n");
    import_file(s, s->in, &o, .format = "ndjson", .refused = NULL);
    assert_int_equal(o.result.by_cause[CAUSE_BAD_JSON], 1);
}

static void all_that_is_wrong_with_an_event_is_told(void **state)
{
    struct shop *s = *state;
    struct import_outcome o;
    write_file(s->in, "{\"event_id\":\"a\",\"type\":\"cart_item_added\",\"customer_id\":\"null\","
                      "\"occurred_at\":\"x\",\"cart_id\":[1],\"nonsense\":1,"
                      "\"items\":[{\"quantity\":\"x\"}]}\n" EVENT("b", "b"));
    import_file(s, s->in, &o, .format = "ndjson");
    expect_counts(&o, 1, 0, 1);
    static const char *const faults[] = {
        "/customer_id must be an id", "; /occurred_at must be",
        "; /cart_id must be",         "; /nonsense ",
        "; /items/0/product_id ",     "; /items/0/quantity must be"};
    for (size_t i = 0; i < COUNT_OF(faults); i++) {
        assert_text_contains(o.report, faults[i]);
        assert_text_contains(text_of(s->refused),
                             faults[i] + (i == 0 ? strlen("/customer_id ") : 0));
    }
    assert_text_contains(text_of(s->refused),
                         "#refused line 1 [no_id] /customer_id: must be an id");
}

static void of_a_joined_file_only_the_reason_is_kept(void **state)
{
    struct shop *s = *state;
    struct import_outcome o;
    char join[80];
    (void)snprintf(join, sizeof join, "order_id=%s", s->joined);
    write_file(s->joined, "order_id,who,at\n1,ann,2024-01-05\n2,bob\n");
    write_file(s->in, "order_id,sku\n1,A\n2,B\n");
    import_file(s, s->in, &o, .format = NULL, .join = join, .types = "*=purchase",
                .map = "order_id=order_id,customer_id=who,occurred_at=at,product_id=sku");
    expect_counts(&o, 1, 0, 2);
    const char *kept = text_of(s->refused);
    assert_text_contains(kept, "joined.csv [bad_row] has 2 columns instead of 3\n");
    assert_text_contains(kept, "#refused line 3 [not_joined] order_id: 2 is in no row of");
    assert_null(strstr(kept, "bob"));
    mend(s->joined, "2,bob", "2,bob,2024-01-05");
    import_file(s, s->refused, &o, .format = NULL, .join = join, .types = "*=purchase",
                .refused = NULL,
                .map = "order_id=order_id,customer_id=who,occurred_at=at,product_id=sku");
    expect_counts(&o, 1, 0, 0);
}

static void a_row_too_long_to_be_read_is_named(void **state)
{
    struct shop *s = *state;
    struct import_outcome o;
    enum { LONG = (1 << 20) + 10 };
    static const char head[] = HEADER;
    static const char rest[] = "\n1430623510,1,view,68\n";
    char *text = mem_array(sizeof head + LONG + sizeof rest, 1);
    memcpy(text, head, sizeof head - 1);
    memset(text + sizeof head - 1, 'x', LONG);
    memcpy(text + sizeof head - 1 + LONG, rest, sizeof rest);
    write_file(s->in, text);
    mem_free(&text);
    import_file(s, s->in, &o, );
    expect_counts(&o, 1, 0, 1);
    assert_string_equal(text_of(s->refused),
                        HEADER "#refused line 2 [too_long] has more than 1048576 bytes\n");
}

/* ---- the file itself ---- */

static void where_no_file_can_be_made_nothing_begins(void **state)
{
    struct shop *s = *state;
    struct import_outcome o;
    char nowhere[80];
    (void)snprintf(nowhere, sizeof nowhere, "%s/no/such", s->folder);
    write_file(s->in, HEADER "1430623510,1,view,68\n");
    import_file(s, s->in, &o, .refused = nowhere);
    assert_false(o.done);
    assert_int_equal(o.err.kind, ERR_INVALID);
    assert_string_equal(o.err.path, "--refused");
    assert_text_contains(o.err.text, "no such file or directory");
    /* neither what was refused before nor the file itself is written over */
    import_file(s, s->in, &o, .refused = s->in);
    assert_false(o.done);
    assert_text_contains(o.err.text, "it is there already");
    assert_string_equal(text_of(s->in), HEADER "1430623510,1,view,68\n");
    assert_int_equal(bench_count(&s->bench, "SELECT count(*) FROM cartwright.event"), 0);
    import_file(s, s->in, &o, .refused = "-");
    assert_string_equal(o.err.text, "must name a file; counts go to standard output");
    const char *two[] = {s->in, s->in};
    bench_import(
        &s->bench,
        (struct import_options){
            .format = "retailrocket", .files = two, .file_count = 2, .refused = s->refused},
        &o);
    assert_false(o.done);
    assert_string_equal(o.err.text, "goes with one file at a time");
}

static void without_a_refused_row_there_is_no_file(void **state)
{
    struct shop *s = *state;
    struct import_outcome o;
    write_file(s->in, HEADER "1430623510,1,view,68\n");
    import_file(s, s->in, &o, );
    assert_true(o.done);
    assert_int_equal(access(s->refused, F_OK), -1);
}

static void a_file_that_cannot_be_written_whole_ends_the_import(void **state)
{
    struct shop *s = *state;
    struct import_outcome o;
    struct rlimit all;
    write_file(s->in, HEADER "1430623510,1,view,68\n"
                             "soon,1,view,68\nsoon,2,view,68\nsoon,3,view,68\n"
                             "1430623530,2,view,68\n");
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &all), 0);
    const struct rlimit small = {.rlim_cur = 150, .rlim_max = all.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    import_file(s, s->in, &o, );
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &all), 0);
    assert_false(o.done);
    assert_string_equal(o.err.path, s->refused);
    assert_text_contains(o.err.text, "cannot be written: ");
    assert_int_equal(o.result.stored, 1); /* what came before it; not the row behind */
}

/* ---- codes ---- */

static void what_was_refused_and_told_is_counted_by_cause(void **state)
{
    struct shop *s = *state;
    struct import_outcome o;
    write_file(s->in, "t;who;k;n\n"
                      "2024-01-05;ann;view;A\n"
                      "2024-01-05;\xe2\x80\x8b"
                      "bob;view;A\n"
                      "soon;ann;view;A\n"
                      "2024-01-05;;view;A\n"
                      "soon;ann;view;A\n");
    import_file(s, s->in, &o, .format = NULL, .types = "view=product_viewed", .json = true,
                .map = "occurred_at=t,customer_id=who,type=k,product_id=n");
    assert_text_contains(o.out, "\"malformed\":3,\"malformed_by\":{\"no_shopper\":1,\"bad_time\":"
                                "2},\"warnings\":{\"separator\":1,\"unseen_in_id\":1},");
    assert_text_contains(o.report, ":3: /customer_id begins or ends in a blank, or in what cannot "
                                   "be seen: it is another id than \"bob\" [unseen_in_id]\n");
    import_file(s, s->in, &o, .format = NULL, .types = "view=product_viewed", .refused = NULL,
                .map = "occurred_at=t,customer_id=who,type=k,product_id=n");
    assert_text_contains(o.out, "malformed                       3\n"
                                "  no_shopper                    1\n"
                                "  bad_time                      2\n");
    assert_text_contains(o.out, "warnings\n"
                                "  separator                     1\n"
                                "  unseen_in_id                  1\n");
}

static void twenty_warnings_are_shown_and_the_others_counted(void **state)
{
    struct shop *s = *state;
    struct import_outcome o;
    char text[TEXT_MAX] = "";
    for (int i = 0; i < 23; i++) {
        size_t at = strlen(text);
        (void)snprintf(text + at, sizeof text - at,
                       "{\"event_id\":\"e%d\",\"type\":\"searched\",\"customer_id\":\"c \","
                       "\"occurred_at\":\"2024-01-05T10:00:00Z\"}\n",
                       i);
    }
    write_file(s->in, text);
    import_file(s, s->in, &o, .format = "ndjson");
    assert_int_equal(o.result.by_cause[CAUSE_UNSEEN_IN_ID], 23);
    assert_text_contains(o.report, ":20: /customer_id");
    assert_null(strstr(o.report, ":21: "));
    assert_text_contains(o.report, "and 3 more warnings\n");
}

static void the_documented_codes_are_those_there_are(void **state)
{
    (void)state;
    char path[512];
    const char *root = getenv("CARTWRIGHT_SOURCE");
    (void)snprintf(path, sizeof path, "%s/src/http/docs/importing.md", root != NULL ? root : ".");
    FILE *f = fopen(path, "r");
    char line[4096];
    unsigned next = CAUSES;
    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL) {
        char code[64] = "";
        if (strncmp(line, "| code |", 8) == 0) {
            next = 0;
        } else if (next < CAUSES && sscanf(line, "| `%63[a-z_0-9]` |", code) == 1) {
            assert_string_equal(code, cause_code((enum cause)next));
            next++;
        }
    }
    assert_int_equal(fclose(f), 0);
    assert_int_equal(next, CAUSES);
}

int main(void)
{
#define spec_fresh(test) cmocka_unit_test_setup_teardown(test, fresh, drop)
    const struct CMUnitTest tests[] = {
        spec_fresh(refused_rows_are_mended_and_imported_by_themselves),
        spec_fresh(a_refused_row_of_an_order_goes_with_the_others_of_it),
        spec_fresh(an_order_of_a_table_is_one_without_what_cannot_be_read),
        spec_fresh(a_column_that_can_be_read_in_no_order_is_most_likely_the_wrong_one),
        spec_fresh(how_often_a_column_could_not_be_read_is_told_at_the_end),
        spec_fresh(a_wrong_column_of_one_file_leaves_the_file_before_it),
        spec_fresh(a_row_that_cannot_be_parted_takes_the_order_before_it_along),
        spec_fresh(a_cancellation_with_a_refused_row_waits_for_it_as_a_whole),
        spec_fresh(an_invoice_is_an_order_without_what_cannot_be_read),
        spec_fresh(an_invoice_of_which_no_row_has_a_time_is_refused_with_all_of_them),
        spec_fresh(an_order_of_google_analytics_is_one_without_what_cannot_be_read),
        spec_fresh(an_invoice_that_the_decoder_refuses_is_kept_with_all_of_its_rows),
        spec_fresh(an_invoice_in_which_the_file_breaks_off_is_kept),
        spec_fresh(refused_events_are_lines_of_json),
        spec_fresh(all_that_is_wrong_with_an_event_is_told),
        spec_fresh(of_a_joined_file_only_the_reason_is_kept),
        spec_fresh(a_row_too_long_to_be_read_is_named),
        spec_fresh(where_no_file_can_be_made_nothing_begins),
        spec_fresh(without_a_refused_row_there_is_no_file),
        spec_fresh(a_file_that_cannot_be_written_whole_ends_the_import),
        spec_fresh(what_was_refused_and_told_is_counted_by_cause),
        spec_fresh(twenty_warnings_are_shown_and_the_others_counted),
        cmocka_unit_test(the_documented_codes_are_those_there_are),
    };
    return cmocka_run_group_tests_name("refused rows", tests, NULL, NULL);
}
