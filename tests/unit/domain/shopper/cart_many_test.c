/* Carts of many lines beside the plain way (cart_plain.c), which looks at items one by one: the same lines to the last byte, for random items of few ids
 * and of many; and that four times the lines take about four times the work. */
#include "domain/shopper/cart.h"

#include "base/rng.h"
#include "domain/shop/money.h"
#include "support/spec.h"
#include "unit/domain/shopper/cart_plain.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static struct arena arena;

static int teardown(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

/* How many items an event has, and of how many products, variants, lines and prices. */
struct size {
    uint64_t items, products, variants, lines, prices;
};

static const char *some_id(struct rng *r, char kind, uint64_t count)
{
    uint64_t n = rng_below(r, count + 1);

    return n == 0 ? NULL : arena_printf(&arena, "%c%d", kind, (int)n);
}

static struct event_item some_item(struct rng *r, const struct size *size)
{
    struct event_item item = {.product_id =
                                  arena_printf(&arena, "p%d", (int)rng_below(r, size->products)),
                              .variant_id = some_id(r, 'v', size->variants),
                              .line_id = some_id(r, 'l', size->lines),
                              .quantity_milli = 500 * (int64_t)(1 + rng_below(r, 4)),
                              .price_minor = MONEY_UNKNOWN};

    if (rng_below(r, 3) > 0) {
        item.price_minor = 100 * (int64_t)(1 + rng_below(r, size->prices));
        memcpy(item.currency, rng_below(r, 9) == 0 ? "USD" : "EUR", 4);
    }
    return item;
}

static struct event_item *some_items(struct rng *r, const struct size *size, size_t *out_count)
{
    size_t count = rng_below(r, size->items + 1);
    struct event_item *items = arena_array(&arena, count, sizeof *items);

    for (size_t i = 0; i < count; i++) {
        items[i] = some_item(r, size);
    }
    *out_count = count;
    return items;
}

/* Time stands still now and then. */
static struct event some_event(struct rng *r, const struct size *size, int64_t *at_us)
{
    *at_us += (int64_t)rng_below(r, 3);
    struct event e = {.type = EVENT_CART_SNAPSHOT, .occurred_us = *at_us};

    e.items = some_items(r, size, &e.item_count);
    if (rng_below(r, 4) == 0) {
        e.adjustments = some_items(r, size, &e.adjustment_count);
    }
    return e;
}

static char *a_name(const char *name)
{
    return arena_strdup(&arena, name);
}

/* The same cart twice: as it is, and as it should be. */
struct pair {
    struct cart is, should;
};

static bool same_text(const char *x, const char *y)
{
    return x == NULL || y == NULL ? x == y : strcmp(x, y) == 0;
}

static void assert_same_lines(const struct cart_line *is, const struct cart_line *should,
                              size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(is[i].product_id, should[i].product_id);
        assert_true(same_text(is[i].variant_id, should[i].variant_id));
        assert_true(same_text(is[i].line_id, should[i].line_id));
        assert_true(is[i].quantity_milli == should[i].quantity_milli);
        assert_true(is[i].price_minor == should[i].price_minor);
        assert_memory_equal(is[i].currency, should[i].currency, sizeof is[i].currency);
        assert_true(is[i].added_us == should[i].added_us);
        assert_true(is[i].touched_us == should[i].touched_us);
    }
}

static void assert_same(const struct pair *p)
{
    assert_int_equal(p->is.line_count, p->should.line_count);
    assert_int_equal(p->is.adjustment_count, p->should.adjustment_count);
    assert_same_lines(p->is.lines, p->should.lines, p->is.line_count);
    assert_same_lines(p->is.adjustments, p->should.adjustments, p->is.adjustment_count);
    assert_int_equal(p->is.lines_cut, p->should.lines_cut);
    assert_int_equal(p->is.status, p->should.status);
    assert_true(p->is.changed_us == p->should.changed_us);
}

static void open_both(struct pair *p, int64_t at_us)
{
    cart_open(&p->is, at_us);
    cart_open(&p->should, at_us);
}

static void join(struct rng *r, const struct size *size, struct pair *p, int64_t *at_us)
{
    struct pair side = {.is = {.id = a_name("side")}, .should = {.id = a_name("side")}};

    open_both(&side, *at_us);
    for (int i = 0; i < 2; i++) {
        struct event e = some_event(r, size, at_us);
        cart_add(&side.is, &e, &arena);
        plain_add(&side.should, &e, &arena);
    }
    struct event e = {.type = EVENT_IDENTIFY, .occurred_us = *at_us};
    int64_t changed_us = p->should.changed_us;
    cart_absorb(&p->is, &side.is, &e, &arena);
    plain_absorb(&p->should, &side.should, &arena);
    p->is.changed_us = changed_us; /* that it is stamped, is another test's */
    p->should.lines_cut += side.should.lines_cut;
}

static void act(struct rng *r, const struct size *size, struct pair *p, int64_t *at_us)
{
    struct event e = some_event(r, size, at_us);

    switch (rng_below(r, 6)) {
    case 0:
    case 1:
        cart_add(&p->is, &e, &arena);
        plain_add(&p->should, &e, &arena);
        break;
    case 2:
        if (e.item_count > 0) {
            cart_replace(&p->is, &e, &arena);
            plain_replace(&p->should, &e, &arena);
        }
        break;
    case 3:
        cart_remove(&p->is, &e);
        plain_remove(&p->should, &e);
        break;
    case 4:
        assert_int_equal(cart_buy_lines(&p->is, &e, &arena),
                         plain_buy_lines(&p->should, &e, &arena));
        break;
    default:
        join(r, size, p, at_us);
        break;
    }
}

static void play(struct rng *r, const struct size *size, int deeds)
{
    struct pair p = {.is = {.id = a_name("c")}, .should = {.id = a_name("c")}};
    int64_t at_us = 1;

    open_both(&p, at_us);
    for (int i = 0; i < deeds; i++) {
        act(r, size, &p, &at_us);
        assert_same(&p);
        if (p.is.status != CART_OPEN) {
            open_both(&p, at_us);
        }
    }
}

static void lines_are_those_of_items_taken_one_by_one(void **state)
{
    static const struct size sizes[] = {
        {4, 2, 1, 1, 2},   {40, 3, 2, 2, 3},   {40, 30, 0, 0, 2},   {60, 1, 0, 0, 20},
        {60, 1, 3, 20, 2}, {60, 60, 1, 1, 50}, {200, 100, 0, 2, 3},
    };
    struct rng r = rng_seed(7);

    (void)state;
    for (int round = 0; round < 60; round++) {
        for (size_t i = 0; i < COUNT_OF(sizes); i++) {
            play(&r, &sizes[i], 20);
        }
        arena_reset(&arena);
    }
}

/* Where lines have to make room, which of them do hangs on what came before. */
static void also_where_there_are_more_than_are_kept(void **state)
{
    static const struct size sizes[] = {{1500, 3000, 0, 0, 2}, {1900, 700, 1, 1, 3}};
    struct rng r = rng_seed(8);

    (void)state;
    for (int round = 0; round < 6; round++) {
        for (size_t i = 0; i < COUNT_OF(sizes); i++) {
            play(&r, &sizes[i], 8);
        }
        arena_reset(&arena);
    }
}

/* ---- how long it takes ---- */

static double now_ms(void)
{
    struct timespec t;

    assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t), 0);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

enum shape { PRODUCTS, VARIANTS, LINES, SHAPES };

/* Of n lines, in no order. */
static struct event many(int n, enum shape shape)
{
    struct event e = {.type = EVENT_CART_SNAPSHOT, .occurred_us = 1000, .item_count = (size_t)n};

    e.items = arena_array(&arena, e.item_count, sizeof *e.items);
    for (int i = 0; i < n; i++) {
        const char *id = arena_printf(&arena, "%08x", (unsigned)i * 2654435761U);
        e.items[i] = (struct event_item){.product_id = shape == PRODUCTS ? id : "p",
                                         .variant_id = shape == VARIANTS ? id : NULL,
                                         .line_id = shape == LINES ? id : NULL,
                                         .quantity_milli = 1000,
                                         .price_minor = 100,
                                         .currency = "EUR"};
    }
    return e;
}

/* Everything that an event may do to lines, once. */
static double time_of(int n, enum shape shape)
{
    struct event e = many(n, shape);
    struct cart c = {.id = a_name("c")};
    struct cart side = {.id = a_name("side")};
    struct cart bought = {.id = a_name("bought")};

    cart_open(&c, 1);
    cart_open(&side, 1);
    cart_open(&bought, 1);
    double began = now_ms();
    cart_add(&c, &e, &arena);
    cart_replace(&c, &e, &arena);
    cart_absorb(&side, &c, &e, &arena);
    cart_replace(&bought, &e, &arena);
    (void)cart_buy_lines(&bought, &e, &arena);
    cart_remove(&side, &e);
    double took = now_ms() - began;
    assert_int_equal(side.status, CART_EMPTIED);
    assert_int_equal(bought.status, CART_BOUGHT);
    arena_reset(&arena);
    return took;
}

/* The quickest of some, which others on the machine have disturbed least. */
static double quickest(int n, enum shape shape)
{
    double least = time_of(n, shape);

    for (int i = 0; i < 30; i++) {
        double took = time_of(n, shape);
        least = took < least ? took : least;
    }
    return least;
}

static void four_times_the_lines_take_about_four_times_as_long(void **state)
{
    (void)state;
    for (enum shape shape = PRODUCTS; shape < SHAPES; shape++) {
        double few = quickest(500, shape);
        double more = quickest(2000, shape);
        print_message("shape %d: %.3f ms of 500 lines, %.3f ms of 2000\n", (int)shape, few, more);
        /* squared it would be 16 */
        assert_true(more < 9 * few);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(lines_are_those_of_items_taken_one_by_one, teardown),
        cmocka_unit_test_teardown(also_where_there_are_more_than_are_kept, teardown),
        cmocka_unit_test_teardown(four_times_the_lines_take_about_four_times_as_long, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
