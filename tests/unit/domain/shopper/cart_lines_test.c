/* Which line of a cart an item is about: products, variants, line ids, prices and adjustments. */
#include "domain/shopper/cart.h"

#include "base/buf.h"
#include "support/spec.h"
#include "unit/domain/an_event.h"

static struct arena arena;

static int forget(void **state)
{
    (void)state;
    forget_events();
    arena_free(&arena);
    return 0;
}

static char cart_id[] = "own";

static struct cart an_open_cart(void)
{
    struct cart c = {.id = cart_id};

    cart_open(&c, 1);
    return c;
}

static void add(struct cart *c, struct event e)
{
    cart_add(c, &e, &arena);
}

static void replace(struct cart *c, struct event e)
{
    cart_replace(c, &e, &arena);
}

static void take_out(struct cart *c, struct event e)
{
    cart_remove(c, &e);
}

#define added(...)    an_event(EVENT_CART_ITEM_ADDED, __VA_ARGS__)
#define removed(...)  an_event(EVENT_CART_ITEM_REMOVED, __VA_ARGS__)
#define snapshot(...) an_event(EVENT_CART_SNAPSHOT, __VA_ARGS__)

/* "mug/blue/7 x1.5 at 900, mug x1": what is absent left out; adjustments behind a minus. */
static const char *lines_of(const struct cart *c)
{
    const char *text = "";
    char quantity[QUANTITY_TEXT_MAX];

    for (size_t i = 0; i < c->line_count + c->adjustment_count; i++) {
        bool off = i >= c->line_count;
        const struct cart_line *l = off ? &c->adjustments[i - c->line_count] : &c->lines[i];
        text = arena_printf(&arena, "%s%s%s%s%s%s%s%s x%s", text, i == 0 ? "" : ", ",
                            off ? "-" : "", l->product_id, l->variant_id != NULL ? "/" : "",
                            l->variant_id != NULL ? l->variant_id : "",
                            l->line_id != NULL ? "#" : "", l->line_id != NULL ? l->line_id : "",
                            quantity_text(l->quantity_milli, quantity));
        if (l->price_minor != MONEY_UNKNOWN) {
            text = arena_printf(&arena, "%s at %lld", text, (long long)l->price_minor);
        }
    }
    return text;
}

static void assert_lines(const struct cart *c, const char *expected)
{
    assert_string_equal(lines_of(c), expected);
}

static int64_t total_of(const struct cart *c)
{
    char currency[4];
    int64_t minor;

    return cart_total(c, &minor, currency) ? minor : MONEY_UNKNOWN;
}

static void the_same_product_at_another_price_is_another_line_of_a_snapshot(void **state)
{
    (void)state;
    struct cart c = an_open_cart();

    replace(&c, snapshot(.at = 1, .sku = "mug", .price = 2500, .sku2 = "mug", .price2 = 1000));
    assert_lines(&c, "mug x1 at 2500, mug x1 at 1000");
    assert_int_equal(total_of(&c), 3500);
    /* told the other way round it is the same cart */
    replace(&c, snapshot(.at = 9, .sku = "mug", .price = 1000, .sku2 = "mug", .price2 = 2500));
    assert_int_equal(c.changed_us, TEST_DAY_US + 1);
    assert_int_equal(total_of(&c), 3500);
}

static void a_snapshot_without_prices_keeps_what_was_known(void **state)
{
    (void)state;
    struct cart c = an_open_cart();

    replace(&c, snapshot(.at = 1, .sku = "mug", .price = 900, .sku2 = "hat"));
    replace(&c, snapshot(.at = 2, .sku = "mug", .quantity = 2, .sku2 = "hat", .price2 = 300));
    assert_lines(&c, "hat x1 at 300, mug x2 at 900");
}

static void variants_and_line_ids_part_lines_however_they_come_in(void **state)
{
    (void)state;
    struct cart c = an_open_cart();

    add(&c, added(.at = 1, .sku = "mug", .variant = "blue", .price = 900));
    add(&c, added(.at = 2, .sku = "mug", .variant = "red", .price = 900));
    add(&c, added(.at = 3, .sku = "mug", .variant = "red", .line = "7", .price = 900));
    add(&c, added(.at = 4, .sku = "mug", .price = 900));
    add(&c, added(.at = 5, .sku = "mug", .variant = "red", .price = 950));
    assert_lines(&c, "mug x1 at 900, mug/blue x1 at 900, mug/red x1 at 900, mug/red x1 at 950, "
                     "mug/red#7 x1 at 900");
}

static void an_addition_joins_the_line_of_its_price_or_is_a_line_of_its_own(void **state)
{
    (void)state;
    struct cart c = an_open_cart();

    add(&c, added(.at = 1, .sku = "mug"));
    add(&c, added(.at = 2, .sku = "mug", .price = 1000)); /* the price that was not known */
    assert_lines(&c, "mug x2 at 1000");
    add(&c, added(.at = 3, .sku = "mug", .price = 2500));
    assert_lines(&c, "mug x2 at 1000, mug x1 at 2500");
    assert_int_equal(total_of(&c), 4500);
    add(&c, added(.at = 4, .sku = "mug", .price = 1000));
    assert_lines(&c, "mug x3 at 1000, mug x1 at 2500");
    add(&c, added(.at = 5, .sku = "mug"));
    assert_lines(&c, "mug x4 at 1000, mug x1 at 2500");
}

static void a_removal_finds_its_line_by_whatever_it_names(void **state)
{
    static const struct {
        struct event_plan plan;
        const char *left;
    } removals[] = {
        {{.sku = "mug"}, "mug/blue x1, mug/red x1, mug/red#7 x1"},
        {{.sku = "mug", .variant = "red"}, "mug x1, mug/blue x1, mug/red#7 x1"},
        {{.sku = "mug", .line = "7"}, "mug x1, mug/blue x1, mug/red x1"},
        {{.sku = "mug", .variant = "green"}, "mug/blue x1, mug/red x1, mug/red#7 x1"},
        {{.sku = "mug", .variant = "blue", .line = "8"}, "mug x1, mug/red x1, mug/red#7 x1"},
        {{.sku = "cup"}, "mug x1, mug/blue x1, mug/red x1, mug/red#7 x1"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(removals); i++) {
        struct event_plan plan = removals[i].plan;
        struct cart c = an_open_cart();
        add(&c, added(.at = 1, .sku = "mug", .variant = "blue", .sku2 = "mug"));
        add(&c, added(.at = 2, .sku = "mug", .variant = "red"));
        add(&c, added(.at = 3, .sku = "mug", .variant = "red", .line = "7"));
        plan.type = EVENT_CART_ITEM_REMOVED;
        plan.at = 4;
        take_out(&c, event_planned(&plan));
        assert_lines(&c, removals[i].left);
    }
}

static void a_removal_takes_from_the_line_of_its_price(void **state)
{
    (void)state;
    struct cart c = an_open_cart();

    replace(&c, snapshot(.at = 1, .sku = "mug", .price = 1000, .sku2 = "mug", .price2 = 2500));
    take_out(&c, removed(.at = 2, .sku = "mug", .price = 2500));
    assert_lines(&c, "mug x1 at 1000");
}

/* Without a price it may be any; that of another price than all of them, too. */
static void of_lines_that_a_removal_may_mean_it_takes_the_one_touched_last(void **state)
{
    (void)state;
    struct cart c = an_open_cart();

    add(&c, added(.at = 1, .sku = "mug", .price = 1000));
    add(&c, added(.at = 3, .sku = "mug", .price = 2000));
    add(&c, added(.at = 2, .sku = "mug", .price = 3000));
    take_out(&c, removed(.at = 4, .sku = "mug"));
    assert_lines(&c, "mug x1 at 1000, mug x1 at 3000");
    take_out(&c, removed(.at = 5, .sku = "mug", .price = 9000));
    assert_lines(&c, "mug x1 at 1000");

    c = an_open_cart();
    add(&c, added(.at = 1, .sku = "mug", .price = 1000));
    add(&c, added(.at = 1, .sku = "mug", .price = 2000));
    take_out(&c, removed(.at = 2, .sku = "mug"));
    assert_lines(&c, "mug x1 at 2000"); /* the first of those touched together */
}

static void thousandths_add_up_exactly(void **state)
{
    (void)state;
    struct cart c = an_open_cart();

    for (int i = 1; i <= 10; i++) {
        add(&c, added(.at = i, .sku = "cheese", .milli = 100, .price = 1999));
    }
    assert_lines(&c, "cheese x1 at 1999");
    take_out(&c, removed(.at = 11, .sku = "cheese", .milli = 650));
    assert_lines(&c, "cheese x0.35 at 1999");
    assert_int_equal(total_of(&c), 700); /* 699.65 */
}

static void an_adjustment_counts_in_the_total_and_goes_with_the_last_product(void **state)
{
    (void)state;
    struct cart c = an_open_cart();

    replace(&c, snapshot(.at = 1, .sku = "mug", .price = 1000, .off = 300));
    assert_lines(&c, "mug x1 at 1000, -gift x1 at 300");
    assert_int_equal(total_of(&c), 700);
    replace(&c, snapshot(.at = 2, .sku = "mug", .price = 1000, .off = 200));
    assert_int_equal(c.changed_us, TEST_DAY_US + 2);
    assert_int_equal(total_of(&c), 800);
    take_out(&c, removed(.at = 3, .sku = "gift"));
    assert_lines(&c, "mug x1 at 1000");
    add(&c, added(.at = 4, .off = 100));
    take_out(&c, removed(.at = 5, .sku = "mug"));
    assert_int_equal(c.status, CART_EMPTIED);
    assert_lines(&c, "");
}

static void carts_that_join_keep_every_price_of_a_product(void **state)
{
    (void)state;
    struct cart c = an_open_cart();
    struct cart side = an_open_cart();
    const struct event joined = an_event(EVENT_IDENTIFY, .at = 9, .anonymous = "x");

    replace(&c, snapshot(.at = 1, .sku = "mug", .price = 1000, .sku2 = "hat", .price2 = 500));
    replace(&side, snapshot(.at = 2, .sku = "mug", .price = 2500, .sku2 = "mug", .price2 = 1000,
                            .off = 50));
    cart_absorb(&c, &side, &joined, &arena);
    assert_lines(&c, "hat x1 at 500, mug x1 at 1000, mug x1 at 2500, -gift x1 at 50");
}

/* As many lines as an event can tell, and not one less. */
static void no_line_of_a_snapshot_is_lost(void **state)
{
    static struct event_item items[EVENT_ITEMS_MAX];
    struct event e = snapshot(.at = 1);
    (void)state;
    struct cart c = an_open_cart();

    for (int i = 0; i < EVENT_ITEMS_MAX; i++) {
        items[i] = (struct event_item){.product_id = arena_printf(&arena, "p%d", i),
                                       .quantity_milli = QUANTITY_ONE,
                                       .price_minor = 3,
                                       .currency = "EUR"};
    }
    e.items = items;
    e.item_count = EVENT_ITEMS_MAX;
    cart_replace(&c, &e, &arena);
    assert_int_equal(c.line_count, EVENT_ITEMS_MAX);
    assert_int_equal(total_of(&c), 3 * EVENT_ITEMS_MAX);
    /* what has no room after that makes the total unknown rather than wrong, until the next snapshot */
    add(&c, added(.at = 2, .sku = "q", .price = 3));
    assert_int_equal(total_of(&c), MONEY_UNKNOWN);
    cart_replace(&c, &e, &arena);
    assert_int_equal(total_of(&c), 3 * EVENT_ITEMS_MAX);
}

/* A state that was stored before lines had variants and thousandths reads as it was, and is written as it was. */
static void a_state_of_before_reads_and_writes_the_same(void **state)
{
    static const char text[] =
        "{\"key\":\"c:a\",\"carts\":[{\"id\":\"k\",\"round\":1,\"opened_us\":1,\"changed_us\":1,"
        "\"lines\":[[\"mug\",2,900,\"EUR\",1,1],[\"pot\",1,null,null,1,1]]}]}";
    static const char *const others[] = {
        "[\"mug\",2,900,\"EUR\",1,1,null]",
        "[\"mug\",2,900,\"EUR\",1]",
        "[\"mug\",2.50,900,\"EUR\",1,1]",
        "[\"mug\",2.,900,\"EUR\",1,1]",
        "[\"mug\",0.0001,900,\"EUR\",1,1]",
        "[\"mug\",2,900,\"EUR\",1,1,\"blue\",null]",
        "[\"mug\",0,900,\"EUR\",1,1]",
        "[\"mug\",9223372036854775,900,\"EUR\",1,1]",
        "[\"mug\",2,900,\"EUR\",1,1,\"b\",\"7\",1]",
    };
    struct buf out = buf_make(4000);
    struct shopper *s;
    struct err err = {0};
    (void)state;

    assert_true(shopper_decode(text, strlen(text), &arena, &s, &err));
    assert_int_equal(s->carts[0].lines[0].quantity_milli, 2000);
    shopper_encode(s, &out);
    assert_string_equal(buf_text(&out), text);
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        const char *other = arena_printf(
            &arena, "{\"key\":\"c:a\",\"carts\":[{\"id\":\"k\",\"round\":1,\"lines\":[%s]}]}",
            others[i]);
        bool read = shopper_decode(other, strlen(other), &arena, &s, &err);
        if (read) {
            fail_msg("was read: %s", other);
        }
    }
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_same_product_at_another_price_is_another_line_of_a_snapshot,
                                  forget),
        cmocka_unit_test_teardown(a_snapshot_without_prices_keeps_what_was_known, forget),
        cmocka_unit_test_teardown(variants_and_line_ids_part_lines_however_they_come_in, forget),
        cmocka_unit_test_teardown(an_addition_joins_the_line_of_its_price_or_is_a_line_of_its_own,
                                  forget),
        cmocka_unit_test_teardown(a_removal_finds_its_line_by_whatever_it_names, forget),
        cmocka_unit_test_teardown(a_removal_takes_from_the_line_of_its_price, forget),
        cmocka_unit_test_teardown(of_lines_that_a_removal_may_mean_it_takes_the_one_touched_last,
                                  forget),
        cmocka_unit_test_teardown(thousandths_add_up_exactly, forget),
        cmocka_unit_test_teardown(an_adjustment_counts_in_the_total_and_goes_with_the_last_product,
                                  forget),
        cmocka_unit_test_teardown(carts_that_join_keep_every_price_of_a_product, forget),
        cmocka_unit_test_teardown(no_line_of_a_snapshot_is_lost, forget),
        cmocka_unit_test_teardown(a_state_of_before_reads_and_writes_the_same, forget),
    };
    return cmocka_run_group_tests_name("cart lines", tests, NULL, NULL);
}
