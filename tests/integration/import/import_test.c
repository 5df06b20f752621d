/* The import into a real log: what is stored, stored once, and said about it. */
#include "import_spec.h"

#include "support/spec.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEADER "timestamp_s,user,event,item\n"

/* A database of its own for every test. */
static int fresh(void **state)
{
    static struct import_bench bench;
    bench_open(&bench, "import");
    *state = &bench;
    return 0;
}

static int drop(void **state)
{
    bench_close(*state);
    return 0;
}

/* Imports this text as a file of the format; options may say more. */
#define import_text(state, text, out, ...)                                                         \
    import_text_as(                                                                                \
        (state), (text), (out),                                                                    \
        (struct import_options){.format = "retailrocket", .max_errors = 1000, __VA_ARGS__})

static void import_text_as(void **state, const char *text, struct import_outcome *out,
                           struct import_options options)
{
    char path[] = "/tmp/import_test.XXXXXX";
    int fd = mkstemp(path);
    const char *files[] = {path};
    size_t len = strlen(text);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), (ssize_t)len);
    assert_int_equal(close(fd), 0);
    options.files = files;
    options.file_count = 1;
    bench_import(*state, options, out);
    assert_int_equal(unlink(path), 0);
}

static void expect_counts(const struct import_outcome *o, int64_t read, int64_t stored,
                          int64_t duplicate, int64_t malformed)
{
    assert_int_equal(o->result.read, read);
    assert_int_equal(o->result.stored, stored);
    assert_int_equal(o->result.duplicate, duplicate);
    assert_int_equal(o->result.malformed, malformed);
}

static const char four_events[] = HEADER "1430623510,1,view,68\n"
                                         "1430623520,1,addtocart,68\n"
                                         "1430623530,2,view,68\n"
                                         "1430623540,2,transaction,68\n";

static void a_second_import_adds_nothing(void **state)
{
    struct import_outcome o;
    import_text(state, four_events, &o, );
    assert_true(o.done);
    expect_counts(&o, 4, 4, 0, 0);
    import_text(state, four_events, &o, );
    assert_true(o.done);
    expect_counts(&o, 4, 0, 4, 0);
    assert_int_equal(bench_count(*state, "SELECT count(*) FROM cartwright.event"), 4);
}

static void identical_rows_are_each_kept_and_a_repeat_adds_none(void **state)
{
    static const char text[] = HEADER "1430623510,1,view,68\n"
                                      "1430623510,1,view,68\n"
                                      "1430623510,1,view,68\n";
    struct import_outcome o;
    import_text(state, text, &o, );
    expect_counts(&o, 3, 3, 0, 0);
    import_text(state, text, &o, );
    expect_counts(&o, 3, 0, 3, 0);
}

static void a_file_cut_off_and_then_the_whole_one_make_the_sum(void **state)
{
    struct import_outcome o;
    char cut[sizeof four_events];
    memcpy(cut, four_events, sizeof cut);
    cut[strlen(cut) - 20] = '\0'; /* inside the last line */
    import_text(state, cut, &o, );
    assert_true(o.done);
    expect_counts(&o, 4, 3, 0, 1);
    import_text(state, four_events, &o, );
    expect_counts(&o, 4, 1, 3, 0);
    assert_int_equal(bench_count(*state, "SELECT count(*) FROM cartwright.event"), 4);
}

#define TWO_INVOICES_CUT_OFF                                                                       \
    "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n"               \
    "1,10001,A PLATE,1,2010-01-01 10:00:00,1.00,77,Eire\n"                                         \
    "2,10001,A PLATE,1,2010-01-01 10:05:00,1.00,78,Eire\n"                                         \
    "2,10002,A CUP,1,2010-01-01 10:05"

static void an_invoice_in_which_the_file_breaks_off_waits_for_the_whole_file(void **state)
{
    static const char cut[] = TWO_INVOICES_CUT_OFF;
    static const char whole[] = TWO_INVOICES_CUT_OFF ":00,2.00,78,Eire\n";
    struct import_outcome o;
    import_text(state, cut, &o, .format = "online-retail");
    assert_true(o.done);
    assert_int_equal(o.result.stored, 1);
    assert_text_contains(o.report, "invoice 2, left out");
    import_text(state, whole, &o, .format = "online-retail");
    expect_counts(&o, 3, 1, 1, 0);
    assert_int_equal(o.result.conflict, 0);
    assert_int_equal(bench_count(*state, "SELECT jsonb_array_length(body -> 'items') FROM "
                                         "cartwright.event WHERE key = 'c:78'"),
                     2);
}

static void standard_input_is_a_file_named_dash(void **state)
{
    const char *files[] = {"-"};
    struct import_options options = {
        .format = "retailrocket", .files = files, .file_count = 1, .max_errors = 1000};
    struct import_outcome o;
    int ends[2];
    int kept = dup(STDIN_FILENO);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], four_events, strlen(four_events)), strlen(four_events));
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(close(ends[1]), 0);
    assert_true(dup2(ends[0], STDIN_FILENO) >= 0);
    bench_import(*state, options, &o);
    assert_true(dup2(kept, STDIN_FILENO) >= 0);
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(close(kept), 0);
    assert_true(o.done);
    expect_counts(&o, 5, 4, 0, 1);
    assert_text_contains(o.report, "stdin:6: has 1 column instead of 4 [bad_row]\n");
}

static void malformed_lines_are_told_with_their_place_and_the_rest_is_stored(void **state)
{
    struct import_outcome o;
    import_text(state,
                HEADER "1430623510,1,view,68\n"
                       "1430623510,1,gaze,68\n"
                       "\n"
                       "900000000,1,view,68\n"
                       "4000000000,1,view,68\n",
                &o, );
    assert_true(o.done);
    expect_counts(&o, 4, 1, 0, 3);
    assert_text_contains(
        o.report,
        ":3: event is none of view, addtocart, transaction: \"gaze\" (say with --types what it stands for) [unknown_type]\n");
    assert_text_contains(o.report, ":5: /occurred_at must not be before 2000-01-01 [bad_event]\n");
    assert_text_contains(o.report,
                         ":6: /occurred_at must not be more than 24 hours ahead [bad_event]\n");
}

static void lines_of_nobody_are_malformed_and_make_no_shopper(void **state)
{
    struct import_outcome o;
    import_text_as(
        state,
        "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session\n"
        "2019-10-01 00:00:00 UTC,view,1,2,,,3.00,NaN,s1\n"
        "2019-10-01 00:00:01 UTC,view,1,2,,,3.00,null,s2\n"
        "2019-10-01 00:00:02 UTC,view,1,2,,,3.00,17,s3\n",
        &o, (struct import_options){.format = "rees46", .currency = "EUR", .max_errors = 1000});
    assert_true(o.done);
    expect_counts(&o, 3, 1, 0, 2);
    assert_non_null(strstr(o.report, ":2: /customer_id must be an id: \"NaN\""));
    assert_non_null(strstr(o.report, ":3: /customer_id must be an id: \"null\""));
    /* the published RetailRocket file counts its visitors from 0, others do not */
    import_text(state, HEADER "1430623510,0,view,68\n", &o, );
    expect_counts(&o, 1, 1, 0, 0);
    assert_int_equal(bench_count(*state, "SELECT count(*) FROM cartwright.shopper"), 2);
}

static void invoices_of_nobody_are_anonymous_however_the_file_says_so(void **state)
{
    struct import_outcome o;
    import_text_as(state,
                   "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n"
                   "1,A,Cup,1,2010-12-01 08:26:00,2.55,NaN,UK\n"
                   "2,A,Cup,1,2010-12-01 08:27:00,2.55,,UK\n",
                   &o, (struct import_options){.format = "online-retail", .max_errors = 1000});
    assert_true(o.done);
    expect_counts(&o, 2, 2, 0, 0);
    assert_int_equal(
        bench_count(*state, "SELECT count(*) FROM cartwright.shopper WHERE key IN ('a:1', 'a:2')"),
        2);
}

static void past_max_errors_the_import_fails_and_keeps_what_it_stored(void **state)
{
    struct import_outcome o;
    import_text(state, HEADER "1430623510,1,addtocart,68\nx\ny\nz\n1430623520,1,view,68\n", &o,
                .max_errors = 2);
    assert_false(o.done);
    assert_string_equal(o.err.text, "gave up after 3 malformed lines (--max-errors 2)");
    assert_int_equal(bench_count(*state, "SELECT count(*) FROM cartwright.event"), 1);
    assert_int_equal(bench_count(*state, "SELECT count(*) FROM cartwright.cart"), 1);
    assert_text_contains(o.out, "events stored");
}

static void exactly_max_errors_is_not_too_many(void **state)
{
    struct import_outcome o;
    import_text(state, HEADER "x\ny\n1430623520,1,view,68\n", &o, .max_errors = 2);
    assert_true(o.done);
    expect_counts(&o, 3, 1, 0, 2);
}

static void twenty_malformed_lines_are_shown_and_the_others_counted(void **state)
{
    char text[256] = HEADER;
    struct import_outcome o;
    size_t at = strlen(text);
    for (int i = 0; i < 25; i++) {
        at += (size_t)snprintf(text + at, sizeof text - at, "bad\n");
    }
    import_text(state, text, &o, );
    assert_text_contains(o.report, ":21: ");
    assert_null(strstr(o.report, ":22: "));
    assert_text_contains(o.report, "and 5 more malformed lines\n");
}

/* ---- files as people have them ---- */

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void a_file_of_which_every_row_is_malformed_fails(void **state)
{
    struct import_outcome o;
    import_text(state, HEADER "soon,1,view,68\nsoon,2,view,68\n", &o, );
    assert_false(o.done);
    assert_string_equal(o.err.text, "stored nothing: 2 of 2 rows are malformed");
    assert_text_contains(o.out, "events stored");
    import_text(state, HEADER, &o, );
    assert_true(o.done); /* a shop may have had no visitor */
}

static void a_second_import_of_a_file_with_a_malformed_row_does_not_fail(void **state)
{
    struct import_outcome o;
    import_text(state, HEADER "1430623510,1,view,68\nsoon,2,view,68\n", &o, );
    assert_true(o.done);
    expect_counts(&o, 2, 1, 0, 1);
    import_text(state, HEADER "1430623510,1,view,68\nsoon,2,view,68\n", &o, );
    assert_true(o.done);
    expect_counts(&o, 2, 0, 1, 1);
}

static void a_row_with_an_end_of_line_in_quotes_is_one_event_and_the_separator_is_told(void **state)
{
    static const char text[] =
        "event_time;event_type;product_id;category_code;brand;price;user_id;user_session\r\n"
        "2019-10-01T00:00:09;view;1;a.b;\"Two\r\nlines\";1,50;9.0;s\r\n"
        "2019-10-01 00:00:10;cart;2.0;a.b;x;1,50;9;s\r\n"
        "2019-10-01 00:00:10;cart;2;a.b;x;1,50;9\r\n";
    struct import_outcome o;
    import_text(state, text, &o, .format = "rees46", .currency = "USD");
    assert_true(o.done);
    expect_counts(&o, 3, 2, 0, 1);
    assert_text_contains(o.report, ":1: fields are separated by semicolons [separator]\n");
    assert_text_contains(o.report, ":5: has 7 columns instead of 8 [bad_row]\n");
    assert_int_equal(bench_count(*state, "SELECT count(*) FROM cartwright.shopper"), 1);
    assert_string_equal(
        bench_text(*state, "SELECT brand FROM cartwright.product WHERE product_id = '1'"),
        "Two Lines");
}

#define INVOICES "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n"

static void an_export_that_begins_or_ends_inside_an_invoice_adds_nothing_and_says_so(void **state)
{
    static const char whole[] = INVOICES "7,A1,LAMP,1,2010-12-01 08:26:00,2.50,80001,UK\n"
                                         "7,B1,BULB,4,2010-12-01 08:26:00,1.00,80001,UK\n";
    static const char second_half[] = INVOICES "7,B1,BULB,4,2010-12-01 08:26:00,1.00,80001,UK\n";
    struct import_outcome o;
    import_text(state, whole, &o, .format = "online-retail");
    import_text(state, second_half, &o, .format = "online-retail");
    assert_true(o.done);
    assert_int_equal(o.result.stored, 0);
    assert_int_equal(o.result.conflict, 1);
    assert_text_contains(o.report, "conflict: the log has other contents under such an id");
    assert_int_equal(bench_count(*state, "SELECT count(*) FROM cartwright.event"), 1);
}

#define ORDERS                                                                                     \
    "Name,Email,Financial Status,Currency,Total,Created at,Lineitem quantity,Lineitem name,"       \
    "Lineitem price,Lineitem sku,Fulfillment Status\n"

static void a_later_export_of_an_order_is_the_same_order(void **state)
{
    static const char first[] =
        ORDERS "#1,a@b.example,paid,EUR,13.5,2024-02-01 10:00:00 +0100,1,Mug,9.50,S-7,\n"
               "#1,a@b.example,,,,,1,Towel,4.00,S-9,\n";
    static const char later[] =
        ORDERS "#1,a@b.example,paid,EUR,13.5,2024-02-01 10:00:00 +0100,1,Mug,9.50,S-7,fulfilled\n"
               "#1,a@b.example,,,,,1,Towel,4.00,S-9,fulfilled\n"
               "#2,a@b.example,paid,EUR,4.0,2024-02-02 10:00:00 +0100,1,Towel,4.00,S-9,\n";
    struct import_outcome o;
    import_text(state, first, &o, .format = "shopify-orders");
    expect_counts(&o, 2, 2, 0, 0);
    import_text(state, later, &o, .format = "shopify-orders");
    expect_counts(&o, 3, 1, 2, 0);
    assert_string_equal(bench_text(*state, "SELECT concat_ws('|', body ->> 'order_id', body -> "
                                           "'properties' ->> 'total_minor') FROM cartwright.event "
                                           "WHERE body -> 'items' -> 0 ->> 'product_id' = 'S-9' "
                                           "ORDER BY 1 LIMIT 1"),
                        "#1|1350");
}

static void an_order_of_many_rows_makes_nobody_a_bot(void **state)
{
    static char text[20000] =
        "event_time,event_type,product_id,category_code,brand,price,user_id,user_session\n";
    struct import_outcome o;
    size_t at = strlen(text);
    for (int i = 0; i < 125; i++) {
        at += (size_t)snprintf(text + at, sizeof text - at,
                               "2019-10-01 00:05:00 UTC,purchase,W%d,a.b,x,1.50,wholesale,s\n", i);
    }
    import_text(state, text, &o, .format = "rees46", .currency = "USD");
    expect_counts(&o, 125, 125, 0, 0);
    assert_int_equal(bench_count(*state, "SELECT count(*) FROM cartwright.shopper WHERE "
                                         "doc::jsonb ->> 'bot' = 'true'"),
                     0);
}

static void any_table_is_read_by_a_map_and_rows_of_no_shopper_are_left_out(void **state)
{
    static const char text[] = "When;Action;User No;Article\n"
                               "01.03.2024 10:00;looked;4711;A-1\n"
                               "01.03.2024 10:01;basket;4711;A-1\n"
                               "01.03.2024 10:02;login;4711;\n";
    struct import_outcome o;
    import_text(state, text, &o, .format = NULL,
                .map = "occurred_at=When,type=Action,customer_id=User No,product_id=Article",
                .types = "looked=product_viewed,basket=cart_item_added,login=-", .json = true);
    assert_true(o.done);
    expect_counts(&o, 3, 2, 0, 0);
    assert_text_contains(o.out, "\"left_out\":1,");
    assert_int_equal(bench_count(*state, "SELECT count(*) FROM cartwright.cart"), 1);
}

/* The sample in the shape NAME, of the folder of golden files. */
static void import_sample(void **state, const char *name, struct import_outcome *out,
                          struct import_options options)
{
    char path[512];
    const char *files[] = {path};
    (void)snprintf(path, sizeof path, "%s/tests/golden/import/%s", getenv("CARTWRIGHT_SOURCE"),
                   name);
    options.files = files;
    options.file_count = 1;
    options.max_errors = 1000;
    bench_import(*state, options, out);
}

static void an_array_of_json_is_the_same_events_as_its_lines(void **state)
{
    struct import_outcome o;
    import_sample(state, "ga4_array.json", &o, (struct import_options){.format = "ga4-json"});
    expect_counts(&o, 5, 3, 0, 1);
    assert_text_contains(o.report, "elements are counted instead of lines");
    assert_text_contains(o.report, ":5: says a price and no currency (--currency)");
    import_sample(state, "ga4.ndjson", &o, (struct import_options){.format = "ga4-json"});
    assert_int_equal(o.result.stored, 1); /* an order, which the array has not */
    assert_int_equal(o.result.duplicate, 3);
}

/* SQL asks for opt_out alone where a no is about a cart that others keep. */
static void a_no_that_is_imported_is_marked_as_one(void **state)
{
#define CHAT(id, properties)                                                                       \
    "{\"event_id\":\"" id "\",\"type\":\"chat_message\",\"customer_id\":\"" id                     \
    "\",\"occurred_at\":\"2026-03-01T10:00:00Z\",\"properties\":{" properties "}}\n"
    static const char text[] =
        CHAT("a", "\"text\":\"STOP\"") CHAT("b", "\"text\":\"no more of it\",\"opt_out\":true")
            CHAT("c", "\"text\":\"do not stop\"")
                CHAT("d", "\"text\":\"no\"},\"opt_out\":true,\"context\":{");
    struct import_outcome o;

    import_text(state, text, &o, .format = "ndjson");
    expect_counts(&o, 4, 4, 0, 0);
    assert_int_equal(
        bench_count(*state, "SELECT count(*) FROM cartwright.event"
                            " WHERE key IN ('c:a', 'c:b', 'c:d') AND body -> 'opt_out' = 'true'"),
        3);
    assert_int_equal(bench_count(*state, "SELECT count(*) FROM cartwright.dead_letter"), 0);
    assert_int_equal(bench_count(*state, "SELECT count(*) FROM cartwright.event"
                                         " WHERE key = 'c:c' AND body ? 'opt_out'"),
                     0);
}

static void a_spreadsheet_without_formats_of_dates_counts_days(void **state)
{
    struct import_outcome o;
    struct import_options as = {
        .map = "occurred_at=Date,customer_id=Customer,product_id=Article,order_id=Order",
        .types = "*=purchase"};
    import_sample(state, "excel_days.csv", &o, as);
    expect_counts(&o, 3, 2, 0, 1);
    assert_text_contains(o.report, ":4: Date is a number, and neither a day of a spreadsheet");
    assert_string_equal(bench_text(*state, "SELECT min(occurred_at AT TIME ZONE 'UTC') "
                                           "FROM cartwright.event"),
                        "2024-01-30 12:00:00.999999");
}

static void days_from_1904_are_said_by_an_option(void **state)
{
    struct import_outcome o;
    struct import_options as = {
        .map = "occurred_at=Date,customer_id=Customer,product_id=Article,order_id=Order",
        .types = "*=purchase",
        .dates = 1904};
    import_sample(state, "excel_days_1904.csv", &o, as);
    expect_counts(&o, 2, 2, 0, 0);
    assert_string_equal(bench_text(*state, "SELECT min(occurred_at AT TIME ZONE 'UTC') "
                                           "FROM cartwright.event"),
                        "2024-01-30 12:00:00.999999");
}

static void joined_files_complete_the_rows(void **state)
{
    char dir[] = "/tmp/import_test.XXXXXX";
    char orders[64];
    char join[96];
    struct import_outcome o;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(orders, sizeof orders, "%s/orders.csv", dir);
    (void)snprintf(join, sizeof join, "order_id=%s", orders);
    write_file(orders, "order_id,customer_id,order_status,order_purchase_timestamp\n"
                       "o1,c1,\"deli\nvered\",2017-09-13 08:59:02\n"
                       "o2,c2\n");
    import_text(state, "order_id,product_id,price\no1,p1,58.90\no2,p1,58.90\n", &o,
                .format = "olist", .join = join);
    assert_true(o.done);
    expect_counts(&o, 2, 1, 0, 2);
    assert_text_contains(o.report, "/orders.csv:4: has 2 columns instead of 4 [bad_row]\n");
    assert_text_contains(o.report, ":3: order_id o2 is in no row of ");
    assert_string_equal(bench_text(*state, "SELECT key FROM cartwright.event"), "c:c1");
    assert_int_equal(unlink(orders) | rmdir(dir), 0);
}

static void a_wrong_header_fails_and_stores_nothing(void **state)
{
    struct import_outcome o;
    import_text(state, four_events, &o, .format = "rees46", .currency = "USD");
    assert_false(o.done);
    assert_text_contains(o.err.text, "the header has no column event_time");
    assert_int_equal(o.result.read, 0);
}

static void a_column_that_map_names_and_the_header_has_not_is_told_with_those_it_has(void **state)
{
    struct import_outcome o;
    import_text(state, "When,Who,What\n", &o, .map = "occurred_at=Wen,customer_id=Who,type=What");
    assert_false(o.done);
    assert_text_contains(o.err.text,
                         "the header has no column Wen, which --map names; it has When, Who, What");
    import_text(state, "a,b,c,d,e,f,g\n", &o, .map = "occurred_at=Wen,customer_id=b,type=c");
    assert_text_contains(o.err.text, "which --map names; it has a, b, c, d, e, f ...");
}

static void the_json_report_is_one_line(void **state)
{
    struct import_outcome o;
    import_text(state, four_events, &o, .json = true);
    assert_string_equal(o.out, "{\"read\":4,\"stored\":4,\"duplicate\":0,\"malformed\":0,"
                               "\"by_type\":{\"product_viewed\":2,\"cart_item_added\":1,"
                               "\"purchase\":1}}\n");
    import_text(state, four_events, &o, .json = true);
    assert_text_contains(o.out, "\"stored\":0,\"duplicate\":4");
    assert_text_contains(o.out, "\"by_type\":{\"product_viewed\":2");
}

static void carts_are_there_after_the_import_and_marked_imported(void **state)
{
    struct import_outcome o;
    import_text(state, four_events, &o, );
    assert_int_equal(
        bench_count(*state, "SELECT count(*) FROM cartwright.cart WHERE imported AND NOT bot"), 1);
    assert_string_equal(bench_text(*state, "SELECT DISTINCT origin FROM cartwright.event"),
                        "import");
}

static void
the_catalogue_learns_brand_category_and_the_last_price_by_time_and_makes_no_title_up(void **state)
{
    static const char text[] =
        "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,"
        "user_session\n"
        "2019-10-01 00:00:09 UTC,view,5,1,electronics.smartphone,samsung,20.00,51,a\n"
        "2019-10-01 00:00:01 UTC,view,5,1,electronics.smartphone,samsung,10.00,51,a\n";
    struct import_outcome o;
    import_text(state, text, &o, .format = "rees46", .currency = "USD");
    assert_true(o.done);
    assert_string_equal(
        bench_text(
            *state,
            "SELECT concat_ws('|', coalesce(title, 'none'), brand, category, price_minor, currency) "
            "FROM cartwright.product WHERE product_id = '5'"),
        "none|Samsung|electronics > smartphone|2000|USD");
}

static void categories_give_products_their_path(void **state)
{
    char dir[] = "/tmp/import_test.XXXXXX";
    char item[64];
    char tree[64];
    struct import_outcome o;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(item, sizeof item, "%s/item.csv", dir);
    (void)snprintf(tree, sizeof tree, "%s/tree.csv", dir);
    write_file(item, "ItemId,categoryid,parentid\n68,250,1278\n69,7,\n70\n");
    write_file(tree, "categoryid,parentid\n250,1278\n1278,1338\n1338,\n");
    import_text(state, four_events, &o, .categories_item = item, .categories_tree = tree);
    assert_true(o.done);
    assert_int_equal(o.result.malformed, 1);
    assert_string_equal(
        bench_text(*state, "SELECT category FROM cartwright.product WHERE product_id = '68'"),
        "1338 > 1278 > 250");
    assert_int_equal(bench_count(*state, "SELECT count(*) FROM cartwright.product"), 2);
    assert_int_equal(unlink(item) | unlink(tree) | rmdir(dir), 0);
}

static void native_events_keep_their_ids_and_another_body_under_one_is_a_conflict(void **state)
{
    static const char event[] = "{\"event_id\":\"e1\",\"type\":\"product_viewed\",\"customer_id\":"
                                "\"c\",\"occurred_at\":\"2024-05-01T10:00:00Z\",\"items\":[{"
                                "\"product_id\":\"%s\"}]}\n";
    char first[256];
    char other[256];
    struct import_outcome o;
    (void)snprintf(first, sizeof first, event, "p1");
    (void)snprintf(other, sizeof other, event, "p2");
    import_text(state, first, &o, .format = "ndjson");
    expect_counts(&o, 1, 1, 0, 0);
    import_text(state, other, &o, .format = "ndjson", .json = true);
    expect_counts(&o, 1, 0, 0, 0);
    assert_text_contains(o.out, "\"conflict\":1");
    assert_string_equal(bench_text(*state, "SELECT event_id FROM cartwright.event"), "e1");
}

static void an_order_of_numbers_and_a_mistake_is_taken_and_mended_by_the_next_import(void **state)
{
    static const char head[] =
        "{\"event_id\":%s,\"type\":\"purchase\",\"customer_id\":%s,\"occurred_at\":\"%s\",\"cart_id\":%s}\n";
    char text[512];
    struct import_outcome o;
    (void)snprintf(text, sizeof text, head, "7", "17", "2024-05-01T10:00:00Z", "{}");
    import_text(state, text, &o, .format = "ndjson", .json = true);
    expect_counts(&o, 1, 1, 0, 0);
    assert_text_contains(o.out, "\"warnings\":{\"id_as_number\":2,\"left_out\":1}");
    import_text(state, text, &o, .format = "ndjson");
    expect_counts(&o, 1, 0, 1, 0);
    (void)snprintf(text, sizeof text, head, "\"7\"", "\"17\"", "2024-05-01T10:00:00Z", "12");
    import_text(state, text, &o, .format = "ndjson");
    expect_counts(&o, 1, 1, 0, 0);
    assert_string_equal(
        bench_text(
            *state,
            "SELECT string_agg(key || ' ' || coalesce(body ->> 'stands_for', body ->> 'cart_id'), ', ' ORDER BY off) "
            "FROM cartwright.event"),
        "c:17 7, c:17 12");
    /* what a file tells was long ago: not now */
    (void)snprintf(text, sizeof text, head, "8", "17", "2024-05-01 10:00", "12");
    import_text(state, text, &o, .format = "ndjson", .json = true);
    expect_counts(&o, 1, 0, 0, 1);
}

static void a_file_that_is_not_there_fails_the_import(void **state)
{
    const char *files[] = {"/nowhere/events.csv"};
    struct import_options options = {
        .format = "retailrocket", .files = files, .file_count = 1, .max_errors = 1000};
    struct import_outcome o;
    bench_import(*state, options, &o);
    assert_false(o.done);
    assert_string_equal(o.err.path, "/nowhere/events.csv");
}

/* ---- usage ---- */

static void options_that_make_no_sense_are_usage_errors(void **state)
{
    (void)state;
    static const char *const one[] = {"a.csv"};
    static const char *const twice[] = {"-", "-"};
    static const struct {
        struct import_options options;
        const char *path;
        const char *text;
    } cases[] = {
        {{.files = one, .file_count = 1}, "--format", "must be one of retailrocket|rees46|taobao|"},
        {{.format = "segment", .files = one, .file_count = 1}, "--format", "must be one of"},
        {{.map = "type=a", .files = one, .file_count = 1}, "--map", "must say occurred_at"},
        {{.format = "ndjson", .map = "type=a", .files = one, .file_count = 1},
         "--map",
         "does not go with --format ndjson"},
        {{.format = "ndjson", .join = "a=b", .files = one, .file_count = 1},
         "--join",
         "does not go with --format ndjson"},
        {{.format = "olist", .join = "a", .files = one, .file_count = 1},
         "--join",
         "must be COLUMN=FILE"},
        {{.map = "occurred_at=a,customer_id=b,type=c,price=d", .files = one, .file_count = 1},
         "--currency",
         "is required: the prices of these files have none"},
        {{.format = "taobao"}, "", "no file is named"},
        {{.format = "rees46", .files = one, .file_count = 1}, "--currency", "is required"},
        {{.format = "rees46", .currency = "usd", .files = one, .file_count = 1},
         "--currency",
         "three upper-case"},
        {{.format = "taobao", .categories_item = "i", .files = one, .file_count = 1},
         "--categories",
         "retailrocket only"},
        {{.format = "taobao", .files = twice, .file_count = 2}, "", "read once only"},
        {{.format = "taobao", .dates = 1901, .files = one, .file_count = 1},
         "--dates",
         "must be 1900 or 1904"},
        {{.format = "taobao", .max_errors = -1, .files = one, .file_count = 1},
         "--max-errors",
         "must not be negative"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err err = {0};
        assert_false(import_check(&cases[i].options, &err));
        assert_string_equal(err.path, cases[i].path);
        assert_text_contains(err.text, cases[i].text);
    }
}

#define spec(test) cmocka_unit_test_setup_teardown(test, fresh, drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        spec(a_second_import_adds_nothing),
        spec(identical_rows_are_each_kept_and_a_repeat_adds_none),
        spec(a_file_cut_off_and_then_the_whole_one_make_the_sum),
        spec(an_invoice_in_which_the_file_breaks_off_waits_for_the_whole_file),
        spec(standard_input_is_a_file_named_dash),
        spec(malformed_lines_are_told_with_their_place_and_the_rest_is_stored),
        spec(lines_of_nobody_are_malformed_and_make_no_shopper),
        spec(invoices_of_nobody_are_anonymous_however_the_file_says_so),
        spec(past_max_errors_the_import_fails_and_keeps_what_it_stored),
        spec(exactly_max_errors_is_not_too_many),
        spec(twenty_malformed_lines_are_shown_and_the_others_counted),
        spec(a_file_of_which_every_row_is_malformed_fails),
        spec(a_second_import_of_a_file_with_a_malformed_row_does_not_fail),
        spec(a_row_with_an_end_of_line_in_quotes_is_one_event_and_the_separator_is_told),
        spec(an_export_that_begins_or_ends_inside_an_invoice_adds_nothing_and_says_so),
        spec(a_later_export_of_an_order_is_the_same_order),
        spec(an_order_of_many_rows_makes_nobody_a_bot),
        spec(any_table_is_read_by_a_map_and_rows_of_no_shopper_are_left_out),
        spec(an_array_of_json_is_the_same_events_as_its_lines),
        spec(a_no_that_is_imported_is_marked_as_one),
        spec(a_spreadsheet_without_formats_of_dates_counts_days),
        spec(days_from_1904_are_said_by_an_option),
        spec(joined_files_complete_the_rows),
        spec(a_wrong_header_fails_and_stores_nothing),
        spec(a_column_that_map_names_and_the_header_has_not_is_told_with_those_it_has),
        spec(the_json_report_is_one_line),
        spec(carts_are_there_after_the_import_and_marked_imported),
        spec(the_catalogue_learns_brand_category_and_the_last_price_by_time_and_makes_no_title_up),
        spec(categories_give_products_their_path),
        spec(an_order_of_numbers_and_a_mistake_is_taken_and_mended_by_the_next_import),
        spec(native_events_keep_their_ids_and_another_body_under_one_is_a_conflict),
        spec(a_file_that_is_not_there_fails_the_import),
        cmocka_unit_test(options_that_make_no_sense_are_usage_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
