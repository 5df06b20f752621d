/* The real files of CARTWRIGHT_DATA, against the figures that are known of them. Each is imported twice. */
#include "import_spec.h"

#include "support/data_file.h"
#include "support/spec.h"

#include "domain/shop/event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SKIPPED = 77 };

/* Under sanitizers only those files that bring a format or a column of their own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

struct known {
    const char *file;
    const char *format;
    const char *currency;
    int64_t read, events, malformed;
    int64_t by_type[EVENT_TYPE_COUNT];
    const char *report; /* part of what is said of malformed lines */
};

static const struct known retailrocket = {
    .file = "retailrocket_events_5000_visitors.csv",
    .format = "retailrocket",
    .read = 9385,
    .events = 9385,
    .by_type =
        {[EVENT_PRODUCT_VIEWED] = 9076, [EVENT_CART_ITEM_ADDED] = 263, [EVENT_PURCHASE] = 46},
    .report = "",
};
static const struct known retailrocket_buyers = {
    .file = "retailrocket_buyers_97k_events.csv",
    .format = "retailrocket",
    .read = 97381,
    .events = 97381,
    .by_type =
        {[EVENT_PRODUCT_VIEWED] = 75374, [EVENT_CART_ITEM_ADDED] = 12456, [EVENT_PURCHASE] = 9551},
    .report = "",
};
static const struct known rees46 = {
    .file = "rees46_2019_oct_17k_events.csv",
    .format = "rees46",
    .currency = "USD",
    .read = 17435,
    .events = 17434,
    .malformed = 1,
    .by_type =
        {[EVENT_PRODUCT_VIEWED] = 17055, [EVENT_CART_ITEM_ADDED] = 165, [EVENT_PURCHASE] = 214},
    .report = ":17436: has 8 columns instead of 9 [bad_row]\n",
};
static const struct known taobao = {
    .file = "taobao_96k_events.csv",
    .format = "taobao",
    .read = 96169,
    .events = 96168,
    .malformed = 1,
    .by_type = {[EVENT_PRODUCT_VIEWED] = 96168 - 5292 - 2959 - 2144,
                [EVENT_CART_ITEM_ADDED] = 5292,
                [EVENT_WISHLIST_ADDED] = 2959,
                [EVENT_PURCHASE] = 2144},
    .report =
        ":96169: #5 is a number, and neither a day of a spreadsheet (45321.5), a date (20240301) "
        "nor a time since 1970: \"15\" [bad_time]\n",
};
static const struct known online_retail = {
    .file = "online_retail_2009_2010.csv",
    .format = "online-retail",
    .read = 525461,
    .events = 28816,
    .by_type = {[EVENT_PURCHASE] = 28816 - 4592, [EVENT_REFUND] = 4592},
    .report = "",
};

static void import_known(struct import_bench *b, const struct known *k, struct import_outcome *o)
{
    const char *files[] = {data_file(k->file)};
    struct import_options options = {.format = k->format,
                                     .files = files,
                                     .file_count = 1,
                                     .currency = k->currency,
                                     .max_errors = 1000};
    bench_import(b, options, o);
    if (!o->done) {
        fail_msg("%s: %s %s", k->file, o->err.path, o->err.text);
    }
    assert_int_equal(unlink(files[0]), 0);
    assert_int_equal(o->result.read, k->read);
    assert_int_equal(o->result.malformed, k->malformed);
    assert_int_equal(o->result.conflict, 0);
    assert_text_contains(o->report, k->report);
    for (int i = 0; i < EVENT_TYPE_COUNT; i++) {
        assert_int_equal(o->result.by_type[i], k->by_type[i]);
    }
}

static void expect_known(struct import_bench *b, const struct known *k)
{
    struct import_outcome o;
    import_known(b, k, &o);
    assert_int_equal(o.result.stored, k->events);
    assert_int_equal(o.result.duplicate, 0);
    import_known(b, k, &o);
    assert_int_equal(o.result.stored, 0);
    assert_int_equal(o.result.duplicate, k->events);
    assert_int_equal(bench_count(b, "SELECT count(*) FROM cartwright.event WHERE origin = "
                                    "'import'"),
                     k->events);
}

static int fresh(void **state)
{
    static struct import_bench bench;
    bench_open(&bench, "import_data");
    *state = &bench;
    return 0;
}

static int drop(void **state)
{
    bench_close(*state);
    return 0;
}

static void retailrocket_has_9385_events_and_145_visitors_with_a_cart(void **state)
{
    expect_known(*state, &retailrocket);
    assert_int_equal(bench_count(*state, "SELECT count(DISTINCT (lane, key)) FROM cartwright.cart"),
                     145);
}

static void retailrocket_buyers_has_97381_events_of_2174_users(void **state)
{
    if (SANITIZED) {
        skip(); /* 97,000 lines more of the format of the 9,385 */
    }
    expect_known(*state, &retailrocket_buyers);
    assert_int_equal(bench_count(*state, "SELECT count(DISTINCT key) FROM cartwright.event"), 2174);
}

static void rees46_has_17434_events_and_real_products(void **state)
{
    expect_known(*state, &rees46);
    assert_int_equal(bench_count(*state, "SELECT count(*) FROM cartwright.product WHERE brand = "
                                         "'Samsung' AND price_minor IS NULL"),
                     0);
    assert_string_equal(
        bench_text(
            *state,
            "SELECT concat_ws(' ', count(title), max(category)) FROM cartwright.product WHERE brand "
            "= 'Samsung' AND category LIKE '%smartphone'"),
        "0 electronics > smartphone"); /* the log has no titles */
}

static void taobao_has_96168_events(void **state)
{
    expect_known(*state, &taobao);
}

static void online_retail_has_one_event_for_each_of_28816_invoices(void **state)
{
    expect_known(*state, &online_retail);
    assert_int_equal(bench_count(*state, "SELECT count(DISTINCT body ->> 'order_id') FROM "
                                         "cartwright.event"),
                     28816);
    assert_int_equal(bench_count(*state, "SELECT count(DISTINCT key) FROM cartwright.event WHERE "
                                         "key LIKE 'c:%'"),
                     4383);
    /* no row is lost: each is an item or another line of its invoice */
    assert_int_equal(
        bench_count(*state,
                    "SELECT sum(jsonb_array_length(body -> 'items') + "
                    "coalesce(jsonb_array_length(body -> 'properties' -> 'other_lines'), 0)) FROM "
                    "cartwright.event"),
        525461);
}

#define spec(test) cmocka_unit_test_setup_teardown(test, fresh, drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        spec(retailrocket_has_9385_events_and_145_visitors_with_a_cart),
        spec(retailrocket_buyers_has_97381_events_of_2174_users),
        spec(rees46_has_17434_events_and_real_products),
        spec(taobao_has_96168_events),
        spec(online_retail_has_one_event_for_each_of_28816_invoices),
    };
    const char *why = data_file_absent(rees46.file);
    if (why != NULL) {
        printf("skipped: %s\n", why);
        return SKIPPED;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
