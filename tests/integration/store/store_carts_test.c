#include "integration/store/store_spec.h"

#include "store/gather.h"
#include "store/scores.h"
#include "store/shoppers.h"

#include <math.h>

#define an_open_cart(...)                                                                          \
    ((struct cart_row){.lane = 1,                                                                  \
                       .key = "c:ann",                                                             \
                       .cart_id = "k1",                                                            \
                       .round = 1,                                                                 \
                       .status = "open",                                                           \
                       .lines = 2,                                                                 \
                       .units = 3,                                                                 \
                       .total_minor = 4999,                                                        \
                       .currency = "EUR",                                                          \
                       .opened_us = NOW_US - 30,                                                   \
                       .changed_us = NOW_US - 20,                                                  \
                       .seen_us = NOW_US - 10,                                                     \
                       .risk = (double)NAN,                                                        \
                       __VA_ARGS__})

/* Replaces the carts of one shopper. */
static void write_carts(int lane, const char *key, const struct cart_row *rows, size_t count)
{
    assert_ok(store_carts_write(spec.db, &lane, &key, 1, rows, count, &spec.err));
}

static void write_cart(struct cart_row row)
{
    write_carts(row.lane, row.key, &row, 1);
}

struct found {
    struct cart_row *rows;
    size_t count;
    const char *next;
};

static struct found page(struct cart_filter filter)
{
    struct found found = {0};
    assert_ok(store_carts_page(spec.db, &filter, &spec.arena, &found.rows, &found.count,
                               &found.next, &spec.err));
    return found;
}

#define a_filter(...)                                                                              \
    ((struct cart_filter){.status = "open",                                                        \
                          .seen_from_us = INT64_MIN,                                               \
                          .seen_until_us = INT64_MAX,                                              \
                          .limit = 10,                                                             \
                          __VA_ARGS__})

/* The cart ids of a page, one after the other. */
static const char *ids(struct found found)
{
    const char *text = "";
    for (size_t i = 0; i < found.count; i++) {
        text = arena_printf(&spec.arena, "%s%s%s", text, i == 0 ? "" : " ", found.rows[i].cart_id);
    }
    return text;
}

/* ---- shoppers ---- */

static void shoppers_come_back_in_the_order_asked_for_with_gaps_for_the_unknown(void **state)
{
    (void)state;
    const struct shopper_row written[] = {
        {.lane = 1, .key = "c:a", .folded_off = 4, .doc = "{\"a\":1}"},
        {.lane = 2, .key = "c:b", .folded_off = 5, .doc = "{\"b\": 1}"}};
    const int lanes[] = {2, 9, 1};
    const char *const keys[] = {"c:b", "c:nobody", "c:a"};
    struct shopper_row got[3];
    assert_ok(store_shoppers_write(spec.db, written, 2, &spec.err));

    assert_ok(store_shoppers_read(spec.db, lanes, keys, 3, &spec.arena, got, &spec.err));

    assert_string_equal(got[0].doc, "{\"b\": 1}"); /* byte for byte: doc is text */
    assert_int_equal(got[0].folded_off, 5);
    assert_null(got[1].doc);
    assert_string_equal(got[1].key, "c:nobody");
    assert_string_equal(got[2].doc, "{\"a\":1}");
}

static struct shopper_rows stored_of(struct shopper_ask ask)
{
    struct shopper_rows got;
    assert_ok(store_gather(spec.db, &ask, &spec.arena, &got, &spec.err));
    return got;
}

static void a_shopper_is_written_again_in_place(void **state)
{
    (void)state;
    struct shopper_row row = {
        .lane = event_lane("c:a"), .key = "c:a", .folded_off = 4, .doc = "old"};
    struct shopper_rows got;
    assert_ok(store_shoppers_write(spec.db, &row, 1, &spec.err));
    row.doc = "new";
    row.folded_off = 8;
    assert_ok(store_shoppers_write(spec.db, &row, 1, &spec.err));
    got = stored_of((struct shopper_ask){.key = "c:a"});
    assert_string_equal(got.doc, "new");
    assert_int_equal(got.folded_off, 8);
    assert_null(got.base);
}

static void a_base_stands_beside_its_shopper_or_alone(void **state)
{
    (void)state;
    const struct shopper_row bases[] = {{.lane = event_lane("c:a"), .key = "c:a", .doc = "base"}};
    struct shopper_rows got;
    assert_ok(store_bases_write(spec.db, bases, 1, &spec.err));
    got = stored_of((struct shopper_ask){.key = "c:a"});
    assert_null(got.doc);
    assert_string_equal(got.base, "base");
}

static bool note_base(void *ctx, const struct shopper_row *row, struct err *err)
{
    (void)err;
    const char **text = ctx;
    *text = arena_printf(&spec.arena, "%s%d %s %s;", *text, row->lane, row->key, row->base);
    return true;
}

static void bases_stream_by_lane_then_bytes_of_the_key(void **state)
{
    (void)state;
    const struct shopper_row rows[] = {{.lane = 2, .key = "c:a", .doc = "3"},
                                       {.lane = 1, .key = "c:b", .doc = "2"},
                                       {.lane = 1, .key = "c:B", .doc = "1"}};
    const char *bases = "";
    assert_ok(store_bases_write(spec.db, rows, 3, &spec.err));
    assert_ok(store_bases_stream(spec.db, note_base, &bases, &spec.err));
    assert_string_equal(bases, "1 c:B 1;1 c:b 2;2 c:a 3;");
}

/* ---- cart rows ---- */

static void a_cart_reads_back_as_it_was_written(void **state)
{
    (void)state;
    write_cart(an_open_cart(.contacted = 1, .bot = true, .risk = 0.25, .risk_model = "risk-fm-3",
                            .scored_us = NOW_US));
    struct cart_row got = page(a_filter()).rows[0];
    assert_string_equal(got.key, "c:ann");
    assert_int_equal(got.lines, 2);
    assert_int_equal(got.units, 3);
    assert_int_equal(got.total_minor, 4999);
    assert_string_equal(got.currency, "EUR");
    assert_int_equal(got.opened_us, NOW_US - 30);
    assert_int_equal(got.seen_us, NOW_US - 10);
    assert_int_equal(got.contacted, 1);
    assert_true(got.bot && !got.imported);
    assert_true(got.risk == 0.25);
    assert_string_equal(got.risk_model, "risk-fm-3");
    assert_int_equal(got.scored_us, NOW_US);
}

static void an_unknown_total_is_unknown_not_nothing(void **state)
{
    (void)state;
    write_cart(an_open_cart(.total_minor = INT64_MIN, .currency = NULL));
    struct cart_row got = page(a_filter()).rows[0];
    assert_true(got.total_minor == INT64_MIN);
    assert_null(got.currency);
}

static void a_write_without_a_score_keeps_the_stored_one(void **state)
{
    (void)state;
    write_cart(an_open_cart(.risk = 0.5, .risk_model = "m", .scored_us = NOW_US));
    write_cart(an_open_cart(.units = 9));
    struct cart_row got = page(a_filter()).rows[0];
    assert_int_equal(got.units, 9);
    assert_true(got.risk == 0.5);
    assert_string_equal(got.risk_model, "m");
}

static void carts_of_a_shopper_that_are_not_written_again_are_gone(void **state)
{
    (void)state;
    const struct cart_row two[] = {an_open_cart(), an_open_cart(.cart_id = "k2")};
    write_cart(an_open_cart(.key = "c:bob", .cart_id = "b1"));
    write_carts(1, "c:ann", two, 2);
    write_carts(1, "c:ann", &two[1], 1);
    assert_int_equal(page(a_filter()).count, 2); /* bob's stays */
    assert_false(stored_of((struct shopper_ask){.cart_id = "k1"}).found);
    struct shopper_rows found = stored_of((struct shopper_ask){.cart_id = "k2"});
    assert_string_equal(found.key, "c:ann");
    assert_int_equal(found.lane, 1);
}

static const char *keepers_of(const char *cart_id)
{
    const char *keys[KEEPERS_MAX + 1];
    const char *all = "";
    size_t count = 0;

    assert_ok(store_cart_keepers(spec.db, cart_id, &spec.arena, keys, &count, &spec.err));
    for (size_t i = 0; i < count; i++) {
        all = arena_printf(&spec.arena, "%s%s%s", all, i == 0 ? "" : " ", keys[i]);
    }
    return all;
}

static void a_cart_id_leads_to_all_who_keep_one(void **state)
{
    (void)state;
    write_cart(an_open_cart());
    write_cart(an_open_cart(.lane = 2, .key = "c:bob"));
    assert_true(stored_of((struct shopper_ask){.cart_id = "k1"}).shared);
    assert_string_equal(keepers_of("k1"), "c:ann c:bob");
    write_carts(1, "c:ann", NULL, 0); /* ann's cart goes, bob's stays */
    assert_string_equal(stored_of((struct shopper_ask){.cart_id = "k1"}).key, "c:bob");
    assert_false(stored_of((struct shopper_ask){.cart_id = "k1"}).shared);
    assert_string_equal(keepers_of("k1"), "c:bob");
}

static void two_shoppers_of_one_lane_may_use_the_same_cart_id(void **state)
{
    (void)state;
    write_cart(an_open_cart());
    write_cart(an_open_cart(.key = "c:bob"));
    assert_int_equal(page(a_filter()).count, 2);
}

/* ---- pages ---- */

/* k1 .. k5, the higher the younger; k3 was bought. Risks fall, k4 was never scored. */
static void five_carts(void)
{
    static const double risks[] = {0.9, 0.5, 0.5, (double)NAN, 0.1};
    for (int i = 1; i <= 5; i++) {
        const char *key = arena_printf(&spec.arena, "c:%d", i);
        write_cart(an_open_cart(.lane = i, .key = key,
                                .cart_id = arena_printf(&spec.arena, "k%d", i),
                                .status = i == 3 ? "bought" : "open", .seen_us = NOW_US + i,
                                .risk = risks[i - 1], .risk_model = "m", .scored_us = NOW_US));
    }
}

static void a_list_is_newest_first_and_filtered(void **state)
{
    (void)state;
    five_carts();
    assert_string_equal(ids(page(a_filter())), "k5 k4 k2 k1");
    assert_string_equal(ids(page(a_filter(.status = "bought"))), "k3");
    assert_string_equal(ids(page(a_filter(.status = NULL))), "k5 k4 k3 k2 k1");
    assert_string_equal(
        ids(page(a_filter(.seen_from_us = NOW_US + 2, .seen_until_us = NOW_US + 5))), "k4 k2");
}

static void a_window_that_ends_before_it_begins_is_empty(void **state)
{
    (void)state;
    five_carts();
    assert_int_equal(page(a_filter(.seen_from_us = NOW_US + 5, .seen_until_us = NOW_US + 2)).count,
                     0);
    assert_int_equal(page(a_filter(.order = CARTS_BY_RISK, .seen_from_us = NOW_US + 5,
                                   .seen_until_us = NOW_US + 2))
                         .count,
                     0);
    assert_string_equal(ids(page(a_filter(.order = CARTS_BY_RISK, .seen_from_us = NOW_US + 2,
                                          .seen_until_us = NOW_US + 5))),
                        "k2 k4");
}

static void by_risk_the_never_scored_come_last(void **state)
{
    (void)state;
    five_carts();
    assert_string_equal(ids(page(a_filter(.order = CARTS_BY_RISK))), "k1 k2 k5 k4");
    assert_string_equal(ids(page(a_filter(.order = CARTS_BY_RISK, .status = NULL))),
                        "k1 k3 k2 k5 k4");
}

/* Pages of this size, joined. */
static const char *walk(struct cart_filter filter)
{
    const char *text = "";
    struct found found;
    do {
        found = page(filter);
        text = arena_printf(&spec.arena, "%s%s|", text, ids(found));
        filter.cursor = found.next;
    } while (found.next != NULL);
    return text;
}

static void pages_follow_one_another_without_gap_or_repeat(void **state)
{
    (void)state;
    five_carts();
    assert_string_equal(walk(a_filter(.status = NULL, .limit = 2)), "k5 k4|k3 k2|k1|");
    assert_string_equal(walk(a_filter(.status = NULL, .order = CARTS_BY_RISK, .limit = 2)),
                        "k1 k3|k2 k5|k4|");
    assert_string_equal(walk(a_filter(.status = NULL, .limit = 1)), "k5|k4|k3|k2|k1|");
    assert_string_equal(walk(a_filter(.status = NULL, .limit = 5)), "k5 k4 k3 k2 k1|");
}

/* Seen in one moment, of one risk: pages are told apart by lane, then key, then cart id. */
static void of_carts_that_are_equal_in_all_but_one_thing_each_is_on_one_page(void **state)
{
    (void)state;
    struct cart_row carts[3];
    static const char *const cart_ids[] = {"k3", "k2", "k1"};
    static const enum cart_order orders[] = {CARTS_BY_SEEN, CARTS_BY_RISK};

    for (int same = 0; same < 3; same++) {
        sql("TRUNCATE cartwright.cart, cartwright.cart_lane");
        for (int i = 0; i < 3; i++) {
            /* the id falls where the lane or the key rises */
            carts[i] = an_open_cart(.cart_id = cart_ids[i], .risk = 0.5, .risk_model = "m",
                                    .scored_us = NOW_US);
            carts[i].lane = same == 0 ? i + 1 : 1;
            carts[i].key = same == 1 ? arena_printf(&spec.arena, "c:%d", i) : "c:ann";
        }
        if (same == 2) {
            write_carts(1, "c:ann", carts, 3);
        } else {
            write_cart(carts[0]);
            write_cart(carts[1]);
            write_cart(carts[2]);
        }
        for (size_t i = 0; i < COUNT_OF(orders); i++) {
            assert_string_equal(walk(a_filter(.order = orders[i], .limit = 1)),
                                same == 2 ? "k3|k2|k1|" : "k1|k2|k3|");
        }
    }
}

static void a_cursor_that_is_not_ours_is_refused(void **state)
{
    (void)state;
    five_carts();
    static const char *const bad[] = {
        "", "x", "%%%", "cyAx", "AAAA", "ciBmZiAxIDMgYzphazE", "cyAxIDk5OSAzIGM6YWsx",
        /* no UTF-8: a key, an id, a character cut in two between them */
        "cyAxIDAgMSD__g", "cyAxIDAgMSBr_w", "cyAxIDAgMSDDqWs"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct cart_filter filter = a_filter(.cursor = bad[i]);
        struct found found;
        assert_fails(store_carts_page(spec.db, &filter, &spec.arena, &found.rows, &found.count,
                                      &found.next, &spec.err),
                     ERR_INVALID);
        assert_string_equal(spec.err.path, "cursor");
    }
}

static void a_cursor_of_one_order_does_not_serve_the_other(void **state)
{
    (void)state;
    five_carts();
    struct found found = page(a_filter(.limit = 1));
    struct cart_filter filter = a_filter(.order = CARTS_BY_RISK, .cursor = found.next);
    assert_fails(store_carts_page(spec.db, &filter, &spec.arena, &found.rows, &found.count,
                                  &found.next, &spec.err),
                 ERR_INVALID);
}

static void keys_and_ids_with_spaces_survive_a_cursor(void **state)
{
    (void)state;
    write_cart(an_open_cart(.key = "c: a b", .cart_id = " 1 2 "));
    write_cart(an_open_cart(.key = "c: a b c", .cart_id = " "));
    assert_string_equal(walk(a_filter(.limit = 1)), " | 1 2 |");
}

/* ---- scores by another model ---- */

static const char *unscored(struct unscored after, int limit)
{
    struct unscored *carts;
    size_t count;
    const char *text = "";
    const struct unscored_query query = {
        .model = "m2", .seen_from_us = NOW_US, .after = after, .limit = limit};
    assert_ok(store_carts_unscored(spec.db, &query, &spec.arena, &carts, &count, &spec.err));
    for (size_t i = 0; i < count; i++) {
        text = arena_printf(&spec.arena, "%s%s:%s ", text, carts[i].cart_id, carts[i].doc);
    }
    return text;
}

/* Of eight carts four lack a score of m2; in order of lane, key, id these are k1, k2, a1, a0. */
static void carts_of_two_models(void)
{
    const struct shopper_row docs[] = {{.lane = 1, .key = "c:ann", .doc = "ann"},
                                       {.lane = 1, .key = "c:bob", .doc = "bob"},
                                       {.lane = 2, .key = "c:ann", .doc = "other"}};
    const struct cart_row of_ann[] = {
        an_open_cart(.cart_id = "k1", .seen_us = NOW_US),
        an_open_cart(.cart_id = "k2", .seen_us = NOW_US, .risk = 0.1, .risk_model = "m1"),
        an_open_cart(.cart_id = "k3", .seen_us = NOW_US, .risk = 0.1, .risk_model = "m2"),
        an_open_cart(.cart_id = "k4", .seen_us = NOW_US, .status = "bought"),
        an_open_cart(.cart_id = "k5", .seen_us = NOW_US - 1)};
    const struct cart_row of_bob[] = {
        an_open_cart(.key = "c:bob", .cart_id = "a1", .seen_us = NOW_US),
        an_open_cart(.key = "c:bob", .cart_id = "b0", .seen_us = NOW_US, .bot = true)};
    assert_ok(store_shoppers_write(spec.db, docs, 3, &spec.err));
    write_carts(1, "c:ann", of_ann, COUNT_OF(of_ann));
    write_carts(1, "c:bob", of_bob, COUNT_OF(of_bob));
    write_cart(an_open_cart(.lane = 2, .cart_id = "a0", .seen_us = NOW_US));
}

static void open_carts_of_people_without_the_model_s_score_are_found_in_order(void **state)
{
    (void)state;
    carts_of_two_models();
    assert_string_equal(unscored((struct unscored){-1, "", "", NULL}, 9),
                        "k1:ann k2:ann a1:bob a0:other ");
    assert_string_equal(unscored((struct unscored){-1, "", "", NULL}, 2), "k1:ann k2:ann ");
    assert_string_equal(unscored((struct unscored){1, "c:ann", "k1", NULL}, 9),
                        "k2:ann a1:bob a0:other ");
    assert_string_equal(unscored((struct unscored){1, "c:ann", "k2", NULL}, 9), "a1:bob a0:other ");
}

/* The fold may write the cart between the reading and the scoring. */
static void a_score_is_written_to_the_cart_as_it_was_scored_and_no_other(void **state)
{
    (void)state;
    carts_of_two_models();
    const struct cart_score scores[] = {
        {.lane = 1, .key = "c:ann", .cart_id = "k1", .seen_us = NOW_US, .risk = 0.7},
        {.lane = 1, .key = "c:ann", .cart_id = "k2", .seen_us = NOW_US - 1, .risk = 0.7},
        {.lane = 1, .key = "c:ann", .cart_id = "k4", .seen_us = NOW_US, .risk = 0.7},
        {.lane = 1, .key = "c:bob", .cart_id = "k5", .seen_us = NOW_US - 1, .risk = 0.7}};
    assert_ok(store_carts_score(spec.db, "m2", NOW_US + 5, scores, COUNT_OF(scores), &spec.err));
    assert_string_equal(
        sql_text(
            "SELECT string_agg(cart_id || '=' || risk || '/' || risk_model, ' ' ORDER BY cart_id) "
            "FROM cartwright.cart WHERE risk IS NOT NULL"),
        "k1=0.7/m2 k2=0.1/m1 k3=0.1/m2");
    assert_int_equal(page(a_filter(.order = CARTS_BY_RISK)).rows[0].scored_us, NOW_US + 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SPEC_TEST(shoppers_come_back_in_the_order_asked_for_with_gaps_for_the_unknown),
        SPEC_TEST(a_shopper_is_written_again_in_place),
        SPEC_TEST(a_base_stands_beside_its_shopper_or_alone),
        SPEC_TEST(bases_stream_by_lane_then_bytes_of_the_key),
        SPEC_TEST(a_cart_reads_back_as_it_was_written),
        SPEC_TEST(an_unknown_total_is_unknown_not_nothing),
        SPEC_TEST(a_write_without_a_score_keeps_the_stored_one),
        SPEC_TEST(carts_of_a_shopper_that_are_not_written_again_are_gone),
        SPEC_TEST(a_cart_id_leads_to_all_who_keep_one),
        SPEC_TEST(two_shoppers_of_one_lane_may_use_the_same_cart_id),
        SPEC_TEST(a_list_is_newest_first_and_filtered),
        SPEC_TEST(a_window_that_ends_before_it_begins_is_empty),
        SPEC_TEST(by_risk_the_never_scored_come_last),
        SPEC_TEST(pages_follow_one_another_without_gap_or_repeat),
        SPEC_TEST(of_carts_that_are_equal_in_all_but_one_thing_each_is_on_one_page),
        SPEC_TEST(a_cursor_that_is_not_ours_is_refused),
        SPEC_TEST(a_cursor_of_one_order_does_not_serve_the_other),
        SPEC_TEST(keys_and_ids_with_spaces_survive_a_cursor),
        SPEC_TEST(open_carts_of_people_without_the_model_s_score_are_found_in_order),
        SPEC_TEST(a_score_is_written_to_the_cart_as_it_was_scored_and_no_other),
    };
    return RUN_BOTH_WAYS(tests);
}
