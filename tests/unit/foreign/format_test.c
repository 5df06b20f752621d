/* Every format against hand-made files: golden/import/FILE is read, and what comes out (events, facts about products,
 * malformed lines) must be golden/import/FILE.expected. A new case is a file, its .expected, and a row below. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "foreign/format.h"

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
};

static const struct sample samples[] = {
    {"retailrocket_ms.csv", "retailrocket", NULL},
    {"retailrocket_s.csv", "retailrocket", NULL},
    {"rees46.csv", "rees46", "USD"},
    {"taobao.csv", "taobao", NULL},
    {"online_retail.csv", "online-retail", NULL},
    {"online_retail_latin1.csv", "online-retail", "EUR"},
    {"native.ndjson", "ndjson", NULL},
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

static bool note_event(void *ctx, const char *json, size_t len, int64_t line, bool *out_valid,
                       struct err *err)
{
    struct findings *f = ctx;
    struct event e;
    struct err what = {0};
    (void)err;
    *out_valid = event_decode_text(json, len, ORIGIN_IMPORT, DAYS(20000), &f->arena, &e, &what);
    if (*out_valid) {
        buf_printf(&f->text, "event %" PRId64 ": ", line);
        buf_add(&f->text, json, len);
        buf_add_char(&f->text, '\n');
    } else {
        note_malformed(f, line, &what);
    }
    return true;
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

/* As the importer does: a line is a record, torn where the file ends without an end of line. */
static void read_text(const char *text, const struct sample *s, struct findings *out)
{
    CLEANUP(foreign_parser_close) struct foreign_parser parser = {0};
    struct native_sink sink = {.ctx = out, .event = note_event, .product = note_product};
    struct foreign_record record = {0};

    out->text = buf_make(OUTPUT_MAX);
    text += strncmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    foreign_parser_open(foreign_format_of(s->format), s->currency, sink, &parser);
    while (*text != '\0') {
        const char *end = strchrnul(text, '\n');
        struct err what = {0};
        size_t len = (size_t)(end - text);
        record = (struct foreign_record){.text = text,
                                         .len = len > 0 && end[-1] == '\r' ? len - 1 : len,
                                         .number = record.number + 1,
                                         .torn = *end == '\0'};
        if (!foreign_parser_record(&parser, &record, &what)) {
            note_malformed(out, record.number, &what);
        }
        text = *end == '\0' ? end : end + 1;
    }
    struct err what = {0};
    if (!foreign_parser_finish(&parser, &what)) {
        note_malformed(out, record.number, &what);
    }
    buf_printf(&out->text, "rows %" PRId64 "\n", parser.records);
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

static void every_sample_says_exactly_what_its_golden_file_holds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        CLEANUP(mem_free) char *path = golden(samples[i].file, "");
        CLEANUP(mem_free) char *expected_path = golden(samples[i].file, ".expected");
        CLEANUP(findings_free) struct findings found = {0};
        CLEANUP(mem_free) char *text = whole_text(path);
        read_text(text, &samples[i], &found);
        if (getenv("GOLDEN_PRINT") != NULL) { /* to write a new .expected: look at it before */
            printf("== %s\n%s", samples[i].file, buf_text(&found.text));
            continue;
        }
        CLEANUP(mem_free) char *expected = whole_text(expected_path);
        assert_string_equal(buf_text(&found.text), expected);
    }
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

static void a_file_of_another_format_is_refused_at_its_header(void **state)
{
    (void)state;
    struct err err = {0};
    assert_false(first_line("rees46", "timestamp,visitorid,event,itemid", &err));
    assert_int_equal(err.kind, ERR_REFUSED);
    assert_string_equal(err.text, "the header has no column event_time, which rees46 files have");
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
    assert_string_equal(foreign_format_names(&a),
                        "retailrocket|rees46|taobao|online-retail|ndjson");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sample_says_exactly_what_its_golden_file_holds),
        cmocka_unit_test(a_file_of_another_format_is_refused_at_its_header),
        cmocka_unit_test(columns_are_found_by_name_in_any_order_and_case),
        cmocka_unit_test(a_format_nobody_knows_has_no_parser),
        cmocka_unit_test(an_invoice_stays_open_over_the_rows_of_others),
        cmocka_unit_test(invoices_long_over_are_closed_before_the_file_ends),
        cmocka_unit_test(
            an_invoice_longer_than_an_event_goes_on_in_a_second_purchase_of_the_same_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
