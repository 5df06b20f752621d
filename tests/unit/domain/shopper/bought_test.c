/* The goods of orders by their product, beside the plain way (bought_plain.c), of random orders: few products and many, with and without variants,
 * and more lines than are remembered. */
#include "domain/shopper/shopper_bought.h"

#include "base/rng.h"
#include "support/spec.h"
#include "unit/domain/shopper/bought_plain.h"

#include <stdlib.h>

enum { ROUNDS = 300, DEEDS = 30, ORDERS = 5 };

static struct arena arena;

static int teardown(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static const char *some_product(struct rng *r, uint64_t products)
{
    return arena_printf(&arena, "p%d", (int)rng_below(r, products));
}

static const char *some_variant(struct rng *r)
{
    static const char *const variants[] = {NULL, NULL, "red", "blue"};

    return variants[rng_below(r, COUNT_OF(variants))];
}

/* How many lines there are, and of how many products. */
struct size {
    uint64_t lines;
    uint64_t products;
};

static struct event some_row(struct rng *r, const struct size *size)
{
    struct event e = {.type = EVENT_PURCHASE, .item_count = rng_below(r, size->lines + 1)};

    e.items = arena_array(&arena, e.item_count, sizeof *e.items);
    for (size_t i = 0; i < e.item_count; i++) {
        e.items[i] = (struct event_item){.product_id = some_product(r, size->products),
                                         .variant_id = some_variant(r),
                                         .quantity_milli = 1000 * (int64_t)(1 + rng_below(r, 4))};
    }
    return e;
}

static struct cart some_cart(struct rng *r, const struct size *size)
{
    struct cart c = {.line_count = rng_below(r, size->lines + 1)};

    c.lines = arena_array(&arena, c.line_count, sizeof *c.lines);
    for (size_t i = 0; i < c.line_count; i++) {
        c.lines[i] =
            (struct cart_line){.product_id = arena_strdup(&arena, some_product(r, size->products)),
                               .quantity_milli = 1000 * (int64_t)(1 + rng_below(r, 3)),
                               .added_us = (int64_t)rng_below(r, ORDERS)};
        const char *variant = some_variant(r);
        c.lines[i].variant_id = variant == NULL ? NULL : arena_strdup(&arena, variant);
    }
    return c;
}

static struct shopper *new_shopper(void)
{
    struct shopper *s = shopper_new("c:anna", &arena);

    s->order_count = ORDERS;
    for (int i = 0; i < ORDERS; i++) {
        s->orders[i] = (struct order_seen){.number = i + 1, .first_us = i, .at_us = i};
    }
    return s;
}

static bool same_text(const char *x, const char *y)
{
    return x == NULL || y == NULL ? x == y : strcmp(x, y) == 0;
}

static void assert_same_lines(const struct shopper *is, const struct shopper *should)
{
    assert_int_equal(is->bought_count, should->bought_count);
    for (size_t i = 0; i < is->bought_count; i++) {
        const struct bought_line *x = &is->bought[i];
        const struct bought_line *y = &should->bought[i];
        assert_string_equal(x->product_id, y->product_id);
        assert_true(same_text(x->variant_id, y->variant_id));
        assert_int_equal(x->order, y->order);
        assert_int_equal(x->quantity_milli, y->quantity_milli);
        assert_int_equal(x->cart_milli, y->cart_milli);
    }
}

static void assert_same_items(const struct event *is, const struct event *should)
{
    assert_int_equal(is->item_count, should->item_count);
    for (size_t i = 0; i < is->item_count; i++) {
        assert_string_equal(is->items[i].product_id, should->items[i].product_id);
        assert_int_equal(is->items[i].quantity_milli, should->items[i].quantity_milli);
    }
}

/* Both, the one as the other. */
struct pair {
    struct shopper *is;
    struct shopper *should;
};

static void change(struct rng *r, const struct pair *p, const struct size *size)
{
    const size_t n = rng_below(r, ORDERS);
    const struct event row = some_row(r, size);
    const struct cart c = some_cart(r, size);
    bool left;
    bool left_plain;

    switch (rng_below(r, 8)) {
    case 0:
        bought_forget(p->is, &p->is->orders[n]);
        plain_forget(p->should, &p->should->orders[n]);
        break;
    case 1:
    case 2: {
        const struct event gone = bought_give_up(p->is, &p->is->orders[n], &row, &left, &arena);
        const struct event plain =
            plain_give_up(p->should, &p->should->orders[n], &row, &left_plain, &arena);
        assert_same_items(&gone, &plain);
        assert_int_equal(left, left_plain);
        break;
    }
    case 3:
        bought_note_cart(p->is, &p->is->orders[n], &c, &arena);
        plain_note_cart(p->should, &p->should->orders[n], &c, &arena);
        break;
    default:
        bought_note_items(p->is, &p->is->orders[n], &row, &arena);
        plain_note_items(p->should, &p->should->orders[n], &row, &arena);
    }
    assert_same_lines(p->is, p->should);
}

static void ask(struct rng *r, const struct pair *p, const struct size *size)
{
    const struct shopper *s = p->is;
    const struct order_seen *order = &s->orders[rng_below(r, ORDERS)];
    const struct event row = some_row(r, size);
    const struct cart c = some_cart(r, size);
    const struct goods_index index = bought_index(s, row.item_count, &arena);
    const struct event news = bought_news(s, order, &row, &arena);
    const struct event plain = plain_news(s, order, &row, &arena);

    assert_same_items(&news, &plain);
    assert_int_equal(bought_shares(s, order, &row), plain_shares(s, order, &row));
    assert_int_equal(bought_covers(s, order, &c), plain_covers(s, order, &c));
    for (size_t i = 0; i < row.item_count && i < 50; i++) {
        assert_int_equal(bought_lately(s, &index, &row.items[i], ORDERS, 3),
                         plain_lately(s, &row.items[i], ORDERS, 3));
    }
    for (size_t i = 0; i < c.line_count && i < 50; i++) {
        assert_ptr_equal(bought_since(s, &index, &c.lines[i], order),
                         plain_since(s, &c.lines[i], order));
    }
}

static void play(struct rng *r, const struct size *size)
{
    const struct pair p = {new_shopper(), new_shopper()};

    for (int i = 0; i < DEEDS; i++) {
        change(r, &p, size);
        ask(r, &p, size);
    }
    arena_reset(&arena);
}

static void lines_are_found_as_if_each_was_compared(void **state)
{
    static const struct size sizes[] = {{4, 3}, {40, 10}, {60, 200}};
    struct rng r = rng_seed(1);
    (void)state;

    for (int i = 0; i < ROUNDS; i++) {
        play(&r, &sizes[rng_below(&r, COUNT_OF(sizes))]);
    }
}

static void also_where_there_are_more_than_are_remembered(void **state)
{
    struct rng r = rng_seed(2);
    (void)state;

    play(&r, &(struct size){CART_LINES_MAX, 1500});
    play(&r, &(struct size){CART_LINES_MAX, 100000});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_found_as_if_each_was_compared),
        cmocka_unit_test(also_where_there_are_more_than_are_remembered),
    };
    return cmocka_run_group_tests_name("goods of orders", tests, NULL, teardown);
}
