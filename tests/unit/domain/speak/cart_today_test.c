/* What the catalogue says of a cart by now: what is gone, what costs something else, and what that comes to. */
#include "domain/speak/cart_today.h"

#include "base/clock.h"
#include "domain/shop/money.h"
#include "support/spec.h"

static char shoe[] = "shoe";
static char hat[] = "hat";
static char blue[] = "blue";

static struct cart_line a_line(char *product_id, int64_t price_minor)
{
    return (struct cart_line){.product_id = product_id,
                              .quantity_milli = 2000,
                              .price_minor = price_minor,
                              .currency = "EUR",
                              .touched_us = HOURS(1)};
}

static struct product a_product(const char *product_id, int64_t price_minor)
{
    return (struct product){.product_id = product_id,
                            .price_minor = price_minor,
                            .currency = "EUR",
                            .stock = -1,
                            .priced_us = HOURS(2),
                            .price_before = MONEY_UNKNOWN};
}

static struct line_today first_of(const struct cart_line *lines, size_t count,
                                  const struct product *products)
{
    struct cart_line copy[2];
    struct line_today out[2];

    memcpy(copy, lines, count * sizeof *copy);
    const struct cart cart = {.lines = copy, .line_count = count};
    cart_today(&cart, products, out);
    return out[0];
}

static void check_price(const char *name, struct cart_line line, struct product product,
                        int64_t price_minor, bool repriced)
{
    const struct line_today t = first_of(&line, 1, &product);

    if (t.price_minor != price_minor || t.repriced != repriced) {
        fail_msg("%s: %lld, repriced %d", name, (long long)t.price_minor, t.repriced);
    }
    assert_false(t.gone);
}

static void the_price_is_what_was_told_last(void **state)
{
    (void)state;
    struct product product = a_product("shoe", 4999);
    struct cart_line line = a_line(shoe, 1000);

    check_price("the catalogue is newer", line, product, 4999, true);
    check_price("and says the same", a_line(shoe, 4999), product, 4999, false);
    product.priced_us = HOURS(1);
    check_price("the cart is as new", line, product, 1000, false);
    product.priced_us = 0;
    check_price("nobody knows when", line, product, 1000, false);
    product.priced_us = HOURS(2);
    line.variant_id = blue;
    check_price("a variant has a price of its own", line, product, 1000, false);
    line = a_line(shoe, 1000);
    memcpy(product.currency, "USD", 4);
    check_price("another currency", line, product, 1000, false);
    product = a_product("shoe", MONEY_UNKNOWN);
    check_price("the catalogue knows none", line, product, 1000, false);
    line.price_minor = MONEY_UNKNOWN;
    check_price("nobody knows any", line, product, MONEY_UNKNOWN, false);
    check_price("only the catalogue does", line, a_product("shoe", 4999), 4999, false);
}

static void a_price_that_the_catalogue_never_had_is_the_carts_own(void **state)
{
    (void)state;
    struct product product = a_product("shoe", 5500);

    product.price_before = 5000;
    check_price("it was the catalogue's", a_line(shoe, 5000), product, 5500, true);
    check_price("a coupon's", a_line(shoe, 4500), product, 4500, false);
    product.priced_before_us = HOURS(1);
    check_price("a coupon's, of the catalogue as it was then", a_line(shoe, 4500), product, 4500,
                false);
    product.priced_before_us = HOURS(1) + 1;
    check_price("it changed twice since", a_line(shoe, 4500), product, 5500, true);
    check_price("a gift stays one", a_line(shoe, 0), product, 0, false);
}

static void fewer_than_the_cart_has_is_told(void **state)
{
    (void)state;
    const struct cart_line line = a_line(shoe, 1000); /* two of it */
    struct product product = a_product("shoe", 1000);

    product.stock = 1;
    assert_true(first_of(&line, 1, &product).few);
    assert_int_equal(first_of(&line, 1, &product).left, 1);
    product.stock = 2;
    assert_false(first_of(&line, 1, &product).few);
    product.stock = -1;
    assert_false(first_of(&line, 1, &product).few);
    product.stock = 0; /* is gone instead */
    assert_false(first_of(&line, 1, &product).few);
}

static void a_product_on_two_lines_has_several_prices(void **state)
{
    (void)state;
    const struct cart_line lines[] = {a_line(shoe, 1000), a_line(shoe, 1200)};
    const struct product products[] = {a_product("shoe", 4999), a_product("shoe", 4999)};
    const struct line_today t = first_of(lines, 2, products);

    assert_int_equal(t.price_minor, 1000);
    assert_false(t.repriced);
}

static void the_total_is_of_what_can_be_had_at_prices_of_today(void **state)
{
    (void)state;
    struct cart_line lines[] = {a_line(shoe, 1000), a_line(hat, 300)};
    struct product products[] = {a_product("shoe", 1100), a_product("hat", 300)};
    struct cart cart = {.lines = lines, .line_count = 2};
    struct line_today today[2];
    int64_t minor;
    char currency[4];
    bool repriced;

    cart_today(&cart, products, today);
    assert_true(cart_today_total(&cart, today, &minor, currency, &repriced));
    assert_int_equal(minor, 2200 + 600);
    assert_true(repriced);
    products[0].stock = 0;
    cart_today(&cart, products, today);
    assert_true(cart_today_total(&cart, today, &minor, currency, &repriced));
    assert_int_equal(minor, 600);
    assert_false(repriced); /* the price that changed is of what is gone */
    memset(today[1].currency, 0, sizeof today[1].currency);
    assert_false(cart_today_total(&cart, today, &minor, currency, &repriced));
}

/* A tenth off was so much of the cart as it was. */
static void a_coupon_counts_only_for_the_cart_that_it_was_given_for(void **state)
{
    (void)state;
    struct cart_line lines[] = {a_line(shoe, 1000), a_line(hat, 300)};
    struct cart_line coupon = a_line(hat, 50);
    struct product products[] = {a_product("shoe", 1000), a_product("hat", 300)};
    struct cart cart = {
        .lines = lines, .line_count = 2, .adjustments = &coupon, .adjustment_count = 1};
    struct line_today today[2];
    int64_t minor;
    char currency[4];
    bool repriced;

    cart_today(&cart, products, today);
    assert_true(cart_today_total(&cart, today, &minor, currency, &repriced));
    assert_int_equal(minor, 2000 + 600 - 100);
    products[0].price_minor = 1100;
    cart_today(&cart, products, today);
    assert_false(cart_today_total(&cart, today, &minor, currency, &repriced));
    products[0].price_minor = 1000;
    products[1].stock = 0;
    cart_today(&cart, products, today);
    assert_false(cart_today_total(&cart, today, &minor, currency, &repriced));
}

/* Of two hats one is left: what two cost is no price to quote. */
static void no_total_is_told_of_more_than_is_left(void **state)
{
    (void)state;
    struct cart_line lines[] = {a_line(shoe, 1000), a_line(hat, 300)};
    struct product products[] = {a_product("shoe", 1000), a_product("hat", 300)};
    struct cart cart = {.lines = lines, .line_count = 2};
    struct line_today today[2];
    int64_t minor;
    char currency[4];
    bool repriced;

    products[1].stock = 1;
    cart_today(&cart, products, today);
    assert_false(cart_today_total(&cart, today, &minor, currency, &repriced));
    products[1].stock = 2;
    cart_today(&cart, products, today);
    assert_true(cart_today_total(&cart, today, &minor, currency, &repriced));
}

static void a_cart_is_gone_only_with_its_last_line(void **state)
{
    (void)state;
    struct cart_line lines[] = {a_line(shoe, 1000), a_line(hat, 300)};
    struct product products[] = {a_product("shoe", 1100), a_product("hat", 300)};
    struct cart cart = {.lines = lines, .line_count = 2};

    assert_false(cart_gone(&cart, products));
    products[0].stock = 0;
    assert_false(cart_gone(&cart, products));
    products[1].stock = 0;
    assert_true(cart_gone(&cart, products));
    products[1].stock = 1;
    assert_false(cart_gone(&cart, products));
    cart.line_count = 0;
    assert_false(cart_gone(&cart, products));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_price_is_what_was_told_last),
        cmocka_unit_test(a_price_that_the_catalogue_never_had_is_the_carts_own),
        cmocka_unit_test(fewer_than_the_cart_has_is_told),
        cmocka_unit_test(a_product_on_two_lines_has_several_prices),
        cmocka_unit_test(the_total_is_of_what_can_be_had_at_prices_of_today),
        cmocka_unit_test(a_coupon_counts_only_for_the_cart_that_it_was_given_for),
        cmocka_unit_test(no_total_is_told_of_more_than_is_left),
        cmocka_unit_test(a_cart_is_gone_only_with_its_last_line),
    };
    return cmocka_run_group_tests_name("carts today", tests, NULL, NULL);
}
