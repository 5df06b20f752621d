/* --map and --types: what they refuse, and in which words. What they read: golden/import/own_shop.csv (format_test.c). */
#include "foreign/mapping.h"

#include "base/cleanup.h"

#include "support/spec.h"

#include <string.h>

/* "PATH what is wrong", or the name of the format. */
static const char *said(const char *map, const char *types, const char *base, struct arena *a)
{
    const struct foreign_format *format = base != NULL ? foreign_format_of(base) : NULL;
    struct err err = {0};
    if (!mapping_read(map, types, format, a, &format, &err)) {
        assert_int_equal(err.kind, ERR_INVALID);
        return arena_printf(a, "%s %s", err.path, err.text);
    }
    return format->name;
}

#define WHOLE "occurred_at=t,customer_id=c,product_id=p"

static void a_map_that_does_not_say_who_what_and_when_is_refused(void **state)
{
    (void)state;
    CLEANUP(arena_free) struct arena a = {0};
    static const struct {
        const char *map, *types, *said;
    } cases[] = {
        {WHOLE ",type=k", NULL, "map"},
        {WHOLE, "*=purchase", "map"},
        {"occurred_at=t,anonymous_id=c,type=\"a, \"\"b\"\"=c\"", NULL, "map"},
        {WHOLE, NULL,
         "--map must say type; where every row is a purchase, --types '*=purchase' says it"},
        {WHOLE, "a=purchase",
         "--map must say type; where every row is a purchase, --types '*=purchase' says it"},
        {"occurred_at=t,product_id=p,type=k", NULL, "--map must say customer_id or anonymous_id"},
        {"customer_id=c,type=k", NULL, "--map must say occurred_at, when it happened"},
        {WHOLE ",product_id=q", NULL, "--map says product_id twice"},
        {"occurred_at", NULL, "--map says no column for occurred_at, as in occurred_at=COLUMN"},
        {WHOLE ",userId=u", NULL,
         "--map has no \"userId\": what a column can be is occurred_at, type, customer_id, "
         "anonymous_id, session_id, order_id, cart_id, event_id, product_id, quantity, price, "
         "currency, total, title, category, brand, cancelled"},
        {WHOLE ",type=k,order_id=o{n}", NULL,
         "--map says several of order_id: a row has several of product_id, quantity, price, title, "
         "category and brand only"},
        {WHOLE ",type=k,quantity=q {n}[;]", NULL,
         "--map says quantity by {n} and as a list: it is one or the other"},
        {WHOLE ",type=k,order_id=o[;][id:]", NULL,
         "--map says several of order_id: a row has several of product_id, quantity, price, title, "
         "category and brand only"},
        {WHOLE ",type=k,order_id=o[id:]", NULL, "map"},
        {"occurred_at=#1,customer_id=c,type=#2", NULL,
         "--map names columns of a header and places (#2): a file without header has only places"},
        {WHOLE ",type=k", "buy=bought",
         "--types must be VALUE=TYPE,...: \"bought\" is no type of an event, and none is -"},
        {WHOLE ",type=k", "buy=forwarded",
         "--types must be VALUE=TYPE,...: \"forwarded\" is no type of an event, and none is -"},
        {WHOLE ",type=k", "=purchase",
         "--types must be VALUE=TYPE,...: \"purchase\" is no type of an event, and none is -"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_string_equal(said(cases[i].map, cases[i].types, NULL, &a), cases[i].said);
    }
}

static void a_map_beside_a_format_says_some_of_its_columns_otherwise(void **state)
{
    (void)state;
    CLEANUP(arena_free) struct arena a = {0};
    const struct foreign_format *base = foreign_format_of("shopify-orders");
    const struct foreign_format *format = NULL;
    struct err err = {0};
    assert_true(mapping_read("product_id=Lineitem name", NULL, base, &a, &format, &err));
    assert_string_equal(format->name, "shopify-orders");
    assert_string_equal(format->table->columns[TO_PRODUCT].names[0], "Lineitem name");
    assert_string_equal(format->table->columns[TO_ORDER].names[0], "Name");
    assert_string_equal(base->table->columns[TO_PRODUCT].names[0], "Lineitem sku");
}

static void types_beside_a_format_come_before_its_own_and_a_star_replaces_them(void **state)
{
    (void)state;
    CLEANUP(arena_free) struct arena a = {0};
    const struct foreign_format *base = foreign_format_of("woocommerce");
    const struct foreign_format *format = NULL;
    struct err err = {0};
    assert_true(mapping_read(NULL, "fertig=purchase", base, &a, &format, &err));
    assert_string_equal(format->mapping->types[0].value, "fertig");
    assert_string_equal(format->mapping->types[1].value, "completed");
    assert_true(mapping_read(NULL, "*=-,fertig=purchase", base, &a, &format, &err));
    assert_string_equal(format->mapping->types[1].value, "*");
    assert_true(format->mapping->types[1].left_out);
    assert_null(format->mapping->types[2].value);
}

static void prices_without_a_currency_want_one_from_the_user(void **state)
{
    (void)state;
    CLEANUP(arena_free) struct arena a = {0};
    const struct foreign_format *format = NULL;
    struct err err = {0};
    assert_true(mapping_read(WHOLE ",price=x", "*=purchase", NULL, &a, &format, &err));
    assert_null(format->currency);
    assert_true(mapping_read(WHOLE ",price=x,currency=y", "*=purchase", NULL, &a, &format, &err));
    assert_string_equal(format->currency, "");
    assert_true(mapping_read(WHOLE, "*=purchase", NULL, &a, &format, &err));
    assert_string_equal(format->currency, "");
}

static void every_format_says_who_what_and_when(void **state)
{
    (void)state;
    for (size_t n = 0; n < mapped_format_count; n++) {
        const struct foreign_format *f = &mapped_formats[n];
        const struct table_column *columns = f->table->columns;
        const struct mapping_type *last = f->mapping->types;
        while (last[1].value != NULL) {
            last++;
        }
        bool typed = columns[TO_TYPE].names[0] != NULL || strcmp(last->value, "*") == 0;
        bool who = columns[TO_CUSTOMER].names[0] != NULL || columns[TO_ANONYMOUS].names[0] != NULL;
        if (columns[TO_TIME].names[0] == NULL || !who || !typed ||
            f->table->header == (f->table->width > 0)) {
            fail_msg("%s is not whole", f->name);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_map_that_does_not_say_who_what_and_when_is_refused),
        cmocka_unit_test(a_map_beside_a_format_says_some_of_its_columns_otherwise),
        cmocka_unit_test(types_beside_a_format_come_before_its_own_and_a_star_replaces_them),
        cmocka_unit_test(prices_without_a_currency_want_one_from_the_user),
        cmocka_unit_test(every_format_says_who_what_and_when),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
