/* Orders as shops tell them: twice, edited, row by row, cancelled in part, undone late, under a number that was there before. What is
 * said to the shopper afterwards is asked of the rules. */
#include "domain/shopper/shopper.h"

#include "base/cleanup.h"
#include "domain/speak/policy.h"
#include "support/spec.h"
#include "unit/domain/an_event.h"

enum { TOLD_MAX = 6 };
/* In minutes. */
enum { DAY = 1440, THREE_DAYS = 4320, SIX_DAYS = 8640, MONTH = 44640 };

/* What happened, and what is said three hours later: "p1 x2, p2 x1" of the cart that is spoken about, or the rule that forbids it. */
struct story {
    const char *name;
    struct event_plan told[TOLD_MAX];
    const char *said;
};

static struct arena arena;
static struct shopper_rules rules = {.echo_us = MINUTES(30), .undo_us = DAYS(1)};

#define ADDED(minute, ...)                                                                         \
    {                                                                                              \
        EVENT_CART_ITEM_ADDED, .at = MINUTES(minute), __VA_ARGS__                                  \
    }
#define SNAPSHOT(minute, ...)                                                                      \
    {                                                                                              \
        EVENT_CART_SNAPSHOT, .at = MINUTES(minute), __VA_ARGS__                                    \
    }
#define BOUGHT(minute, ...)                                                                        \
    {                                                                                              \
        EVENT_PURCHASE, .at = MINUTES(minute), __VA_ARGS__                                         \
    }
#define CANCELLED(minute, ...)                                                                     \
    {                                                                                              \
        EVENT_ORDER_CANCELLED, .at = MINUTES(minute), __VA_ARGS__                                  \
    }
#define FAILED(minute, ...)                                                                        \
    {                                                                                              \
        EVENT_PAYMENT_FAILED, .at = MINUTES(minute), __VA_ARGS__                                   \
    }

static int reset(void **state)
{
    (void)state;
    rules = (struct shopper_rules){.echo_us = MINUTES(30), .undo_us = DAYS(1)};
    shopper_rules_set(&rules);
    forget_events();
    arena_free(&arena);
    return 0;
}

static const struct shopper *fold_story(const struct story *story, int64_t *out_last_us)
{
    struct event events[TOLD_MAX];
    size_t count = 0;

    *out_last_us = 0;
    for (; count < TOLD_MAX && story->told[count].type != EVENT_UNKNOWN; count++) {
        events[count] = event_planned(&story->told[count]);
        *out_last_us =
            events[count].occurred_us > *out_last_us ? events[count].occurred_us : *out_last_us;
    }
    return shopper_fold_all(NULL, "c:anna", events, count, INT64_MAX, &arena);
}

static const char *lines_of(const struct cart *c)
{
    char quantity[QUANTITY_TEXT_MAX];
    const char *text = "";

    for (size_t i = 0; i < c->line_count; i++) {
        text = arena_printf(&arena, "%s%s%s x%s", text, i == 0 ? "" : ", ", c->lines[i].product_id,
                            quantity_text(c->lines[i].quantity_milli, quantity));
    }
    return text;
}

static const char *said_of(const struct story *story)
{
    const struct policy policy = {
        .clock = {MINUTES(5), HOURS(1), DAYS(7)}, .age_max_us = DAYS(7), .risk_threshold = 0.5};
    int64_t last_us;
    const struct shopper *s = fold_story(story, &last_us);
    const struct cart *cart = shopper_open_cart(s);
    const struct decision d = policy_decide(
        &policy,
        &(struct policy_input){
            .shopper = s, .cart = cart, .step = 1, .risk = 0.9, .now_us = last_us + HOURS(3)});

    return d.send ? lines_of(cart) : rule_name(d.reason);
}

static void assert_stories(const struct story *stories, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *said = said_of(&stories[i]);
        if (strcmp(said, stories[i].said) != 0) {
            fail_msg("%s: %s, and not %s", stories[i].name, said, stories[i].said);
        }
    }
}

#define TELL(stories) assert_stories(stories, COUNT_OF(stories))

/* An order closes a cart, or the lines that it names. */
#define TELL_BY_EITHER_RULE(stories)                                                               \
    do {                                                                                           \
        TELL(stories);                                                                             \
        rules.closes_lines = true;                                                                 \
        shopper_rules_set(&rules);                                                                 \
        TELL(stories);                                                                             \
    } while (0)

/* ---- of two orders one is undone ---- */

static void what_another_order_bought_stays_bought_when_one_is_undone(void **state)
{
    static const struct story stories[] = {
        {"the first payment failed",
         {ADDED(0, .sku = "p1"), BOUGHT(10, .order = "a", .sku = "p1"),
          BOUGHT(20, .order = "b", .sku = "p1"), FAILED(30, .order = "a")},
         "buyer"},
        {"ordered twice, and the first cancelled",
         {ADDED(0, .sku = "p1"), BOUGHT(10, .order = "a", .sku = "p1"),
          BOUGHT(20, .order = "b", .sku = "p1"), CANCELLED(100, .order = "a")},
         "buyer"},
        {"the second cancelled",
         {ADDED(0, .sku = "p1"), BOUGHT(10, .order = "a", .sku = "p1"),
          BOUGHT(20, .order = "b", .sku = "p1"), CANCELLED(100, .order = "b")},
         "buyer"},
        {"ordered again from another cart, two of them",
         {SNAPSHOT(0, .cart = "ca", .sku = "p1"),
          BOUGHT(10, .order = "a", .cart = "ca", .sku = "p1"),
          SNAPSHOT(15, .cart = "cb", .sku = "p1", .quantity = 2),
          BOUGHT(20, .order = "b", .cart = "cb", .sku = "p1", .quantity = 2),
          CANCELLED(100, .order = "a")},
         "buyer"},
        {"ordered again in another browser",
         {ADDED(0, .anonymous = "x", .sku = "p1"), BOUGHT(10, .order = "a", .sku = "p1"),
          ADDED(15, .anonymous = "y", .sku = "p1"),
          BOUGHT(20, .anonymous = "y", .order = "b", .sku = "p1"), CANCELLED(100, .order = "a")},
         "buyer"},
        {"the second names no goods",
         {ADDED(0, .sku = "p1"), BOUGHT(10, .order = "a"), BOUGHT(20, .order = "b"),
          FAILED(30, .order = "a")},
         "buyer"},
        {"the second has a part of them",
         {ADDED(0, .sku = "p1", .sku2 = "p2"), BOUGHT(10, .order = "a", .sku = "p1", .sku2 = "p2"),
          BOUGHT(20, .order = "b", .sku = "p1"), CANCELLED(100, .order = "a")},
         "p2 x1"},
        {"both are undone",
         {ADDED(0, .sku = "p1"), BOUGHT(10, .order = "a", .sku = "p1"),
          BOUGHT(20, .order = "b", .sku = "p1"), FAILED(30, .order = "a"),
          FAILED(40, .order = "b")},
         "p1 x1"},
        {"the second is of other goods",
         {SNAPSHOT(0, .cart = "ca", .sku = "p1"),
          BOUGHT(10, .order = "a", .cart = "ca", .sku = "p1"),
          SNAPSHOT(15, .cart = "cb", .sku = "p3"),
          BOUGHT(20, .order = "b", .cart = "cb", .sku = "p3"), CANCELLED(100, .order = "a")},
         "p1 x1"},
        {"another order had bought the same before it was put there",
         {BOUGHT(0, .order = "b", .sku = "p1"), ADDED(60, .sku = "p1"),
          BOUGHT(70, .order = "a", .sku = "p1"), CANCELLED(100, .order = "a")},
         "p1 x1"},
    };
    (void)state;

    TELL_BY_EITHER_RULE(stories);
}

/* ---- rows that come later ---- */

static void of_an_order_that_is_edited_what_is_new_is_bought(void **state)
{
    static const struct story stories[] = {
        {"all of it is told again",
         {ADDED(0, .sku = "p1"), BOUGHT(10, .order = "a", .sku = "p1"), ADDED(15, .sku = "p3"),
          BOUGHT(20, .order = "a", .sku = "p1", .sku2 = "p3")},
         "buyer"},
        {"the new goods alone",
         {ADDED(0, .sku = "p1"), BOUGHT(10, .order = "a", .sku = "p1"), ADDED(15, .sku = "p3"),
          BOUGHT(20, .order = "a", .sku = "p3")},
         "buyer"},
        {"one more",
         {ADDED(0, .sku = "p1"), BOUGHT(10, .order = "a", .sku = "p1"), ADDED(15, .sku = "p1"),
          BOUGHT(20, .order = "a", .sku = "p1", .quantity = 2)},
         "buyer"},
        {"not everything that was added since",
         {ADDED(0, .sku = "p1"), BOUGHT(10, .order = "a", .sku = "p1"),
          ADDED(15, .sku = "p3", .sku2 = "p4"),
          BOUGHT(20, .order = "a", .sku = "p1", .sku2 = "p3")},
         "p4 x1"},
        {"nothing new: a page was opened again",
         {ADDED(0, .sku = "p1"), BOUGHT(10, .order = "a", .sku = "p1"), ADDED(15, .sku = "p3"),
          BOUGHT(20, .order = "a", .sku = "p1")},
         "p3 x1"},
        {"less than before",
         {ADDED(0, .sku = "p1", .sku2 = "p2"), BOUGHT(10, .order = "a", .sku = "p1", .sku2 = "p2"),
          ADDED(15, .sku = "p3"), BOUGHT(20, .order = "a", .sku = "p1")},
         "p3 x1"},
        {"the new goods lie in another cart than the order names",
         {SNAPSHOT(0, .cart = "ca", .sku = "p1"),
          BOUGHT(10, .order = "a", .cart = "ca", .sku = "p1"),
          SNAPSHOT(15, .cart = "cb", .sku = "p3"),
          BOUGHT(20, .order = "a", .cart = "ca", .sku = "p3")},
         "buyer"},
        {"edited, and then cancelled",
         {ADDED(0, .sku = "p1"), BOUGHT(10, .order = "a", .sku = "p1"), ADDED(15, .sku = "p3"),
          BOUGHT(20, .order = "a", .sku = "p1", .sku2 = "p3"), CANCELLED(30, .order = "a")},
         "p3 x1"},
        {"after the goods are forgotten, products tell what is new",
         {BOUGHT(0, .order = "a", .sku = "p1"), BOUGHT(MONTH, .order = "b", .sku = "p9"),
          ADDED(MONTH + 9, .sku = "p1"), ADDED(MONTH + 10, .sku = "p3"),
          BOUGHT(MONTH + 20, .order = "a", .sku = "p1", .sku2 = "p3")},
         "p1 x1"},
    };
    (void)state;

    TELL_BY_EITHER_RULE(stories);
}

static void an_edited_order_adds_what_is_new_to_the_sums(void **state)
{
    static const struct story by_items = {
        "",
        {BOUGHT(0, .order = "a", .sku = "p1", .quantity = 2, .price = 500),
         BOUGHT(20, .order = "a", .sku = "p1", .quantity = 3, .price = 500, .sku2 = "p2",
                .price2 = 70)},
        ""};
    static const struct story by_total = {
        "",
        {BOUGHT(0, .order = "a", .sku = "p1", .amount = 900),
         BOUGHT(20, .order = "a", .sku = "p1", .sku2 = "p2", .amount = 1000)},
        ""};
    int64_t last_us;
    (void)state;

    const struct shopper *s = fold_story(&by_items, &last_us);
    assert_int_equal(s->orders_total, 1);
    assert_int_equal(s->units_bought, 4);
    assert_int_equal(s->spent_minor, 1570);
    assert_int_equal(s->last_order_us, last_us);
    s = fold_story(&by_total, &last_us);
    assert_int_equal(s->spent_minor, 1000);
    assert_int_equal(shopper_bought_us(s, "p1"), TEST_DAY_US);
    assert_int_equal(shopper_bought_us(s, "p2"), last_us);
}

static void another_order_of_the_same_number_closes_its_own_cart(void **state)
{
    enum { LATER = SIX_DAYS };
    static const struct story stories[] = {
        {"of another cart",
         {BOUGHT(0, .order = "7", .cart = "ca", .sku = "p1"),
          SNAPSHOT(LATER, .cart = "cb", .sku = "p2"),
          BOUGHT(LATER + 10, .order = "7", .cart = "cb", .sku = "p2")},
         "buyer"},
        {"of another cart, the same goods",
         {BOUGHT(0, .order = "7", .cart = "ca", .sku = "p1"),
          SNAPSHOT(LATER, .cart = "cb", .sku = "p1"),
          BOUGHT(LATER + 10, .order = "7", .cart = "cb", .sku = "p1")},
         "buyer"},
        {"of another cart, without goods",
         {BOUGHT(0, .order = "7", .cart = "ca"), SNAPSHOT(LATER, .cart = "cb", .sku = "p2"),
          BOUGHT(LATER + 10, .order = "7", .cart = "cb")},
         "buyer"},
        {"soon after the first",
         {BOUGHT(0, .order = "7", .cart = "ca", .sku = "p1"),
          SNAPSHOT(20, .cart = "cb", .sku = "p1", .sku2 = "p2"),
          BOUGHT(25, .order = "7", .cart = "cb", .sku = "p1", .sku2 = "p2")},
         "buyer"},
        {"soon after the first, without goods",
         {BOUGHT(0, .order = "7", .cart = "ca", .sku = "p1"),
          SNAPSHOT(20, .cart = "cb", .sku = "p2"), SNAPSHOT(21, .cart = "cc", .sku = "p3"),
          BOUGHT(25, .order = "7", .cart = "cb")},
         "p3 x1"},
        {"no cart is named",
         {BOUGHT(0, .order = "7", .sku = "p1"), SNAPSHOT(LATER, .sku = "p2"),
          BOUGHT(LATER + 10, .order = "7", .sku = "p2")},
         "buyer"},
        {"cancelled, it gives its own cart back",
         {SNAPSHOT(0, .cart = "ca", .sku = "p1"),
          BOUGHT(1, .order = "7", .cart = "ca", .sku = "p1"),
          SNAPSHOT(LATER, .cart = "cb", .sku = "p2"),
          BOUGHT(LATER + 10, .order = "7", .cart = "cb", .sku = "p2"),
          CANCELLED(LATER + 20, .order = "7")},
         "p2 x1"},
        {"cancelled with a cart of neither, the newer one is meant",
         {SNAPSHOT(0, .cart = "ca", .sku = "p1"),
          BOUGHT(1, .order = "7", .cart = "ca", .sku = "p1"),
          SNAPSHOT(LATER, .cart = "cb", .sku = "p2"),
          BOUGHT(LATER + 10, .order = "7", .cart = "cb", .sku = "p2"),
          CANCELLED(LATER + 20, .order = "7", .cart = "cz")},
         "p2 x1"},
    };
    int64_t last_us;
    (void)state;

    TELL(stories);
    assert_int_equal(fold_story(&stories[0], &last_us)->orders_total, 2);
    assert_int_equal(fold_story(&stories[1], &last_us)->orders_total, 2);
    assert_int_equal(fold_story(&stories[2], &last_us)->orders_total, 2);
    assert_int_equal(fold_story(&stories[3], &last_us)->orders_total, 1);
    assert_int_equal(fold_story(&stories[6], &last_us)->orders_total, 1);
}

#define ADDED_AT(at_, ...)                                                                         \
    {                                                                                              \
        EVENT_CART_ITEM_ADDED, .at = MINUTES(10) + SECONDS(at_), __VA_ARGS__                       \
    }
#define BOUGHT_AT(at_, ...)                                                                        \
    {                                                                                              \
        EVENT_PURCHASE, .at = MINUTES(10) + SECONDS(at_), __VA_ARGS__                              \
    }

static void of_two_orders_within_a_minute_each_closes_its_own(void **state)
{
    static const struct story stories[] = {
        {"something came between",
         {ADDED(0, .sku = "p1"), BOUGHT_AT(0, .order = NULL), ADDED_AT(20, .sku = "p2"),
          BOUGHT_AT(40, .order = NULL)},
         "buyer"},
        {"more of the same came between",
         {ADDED(0, .sku = "p1"), BOUGHT(10, .sku = "p1"), ADDED_AT(20, .sku = "p1", .quantity = 2),
          BOUGHT_AT(40, .sku = "p1", .quantity = 2)},
         "buyer"},
        {"of two carts",
         {ADDED(0, .cart = "ca", .sku = "p1"), BOUGHT(10, .cart = "ca"),
          ADDED_AT(20, .cart = "cb", .sku = "p2"), BOUGHT_AT(40, .cart = "cb")},
         "buyer"},
        {"of a cart, after one of all",
         {ADDED(0, .cart = "ca", .sku = "p1"), BOUGHT_AT(0, .order = NULL),
          ADDED_AT(20, .cart = "cb", .sku = "p2"), BOUGHT_AT(40, .cart = "cb")},
         "buyer"},
        {"of two carts, and one number",
         {ADDED(0, .cart = "ca", .sku = "p1"), BOUGHT(10, .order = "7", .cart = "ca"),
          ADDED_AT(10, .cart = "cb", .sku = "p2"), BOUGHT_AT(20, .order = "7", .cart = "cb")},
         "buyer"},
        {"of two carts without an id: of one it is undone",
         {ADDED(0, .cart = "ca", .sku = "p1"), ADDED(1, .cart = "cb", .sku = "p2"),
          BOUGHT(10, .cart = "ca"), BOUGHT_AT(40, .cart = "cb"), CANCELLED(20, .cart = "cb")},
         "p2 x1"},
        {"the same goods are told again",
         {ADDED(0, .sku = "p1"), BOUGHT(10, .sku = "p1"), ADDED_AT(20, .sku = "p2"),
          BOUGHT_AT(40, .sku = "p1")},
         "p2 x1"},
        {"once with its cart, and once with its goods",
         {ADDED(0, .cart = "ca", .sku = "p1"), BOUGHT(10, .cart = "ca"),
          ADDED_AT(20, .cart = "cb", .sku = "p2"), BOUGHT_AT(40, .sku = "p1")},
         "p2 x1"},
    };
    /* The shop and its tracker may call goods differently. */
    static const struct story by_cart[] = {
        {"of goods that nobody has seen",
         {ADDED(0, .sku = "p1"), BOUGHT(10, .sku = "p1"), ADDED_AT(20, .sku = "p2"),
          BOUGHT_AT(40, .sku = "sku-2")},
         "buyer"},
        {"of such goods in another cart",
         {ADDED(0, .cart = "ca", .sku = "p1"), BOUGHT(10, .cart = "ca", .sku = "p1"),
          ADDED_AT(20, .cart = "cb", .sku = "p2"), BOUGHT_AT(40, .cart = "cb", .sku = "sku-2")},
         "buyer"},
        {"with one number",
         {ADDED(0, .cart = "ca", .sku = "p1"), BOUGHT(10, .order = "7", .cart = "ca", .sku = "p1"),
          ADDED_AT(20, .cart = "cb", .sku = "p2"),
          BOUGHT_AT(40, .order = "7", .cart = "cb", .sku = "sku-2")},
         "buyer"},
    };
    int64_t last_us;
    (void)state;

    TELL_BY_EITHER_RULE(stories);
    assert_int_equal(fold_story(&stories[0], &last_us)->orders_total, 2);
    assert_int_equal(fold_story(&stories[6], &last_us)->orders_total, 1);
    assert_int_equal(fold_story(&stories[7], &last_us)->orders_total, 1);
    rules.closes_lines = false;
    shopper_rules_set(&rules);
    TELL(by_cart);
}

static void what_could_not_be_read_of_an_order_may_be_anything_in_its_cart(void **state)
{
    static const struct story stories[] = {
        {"a line",
         {SNAPSHOT(0, .sku = "p1", .sku2 = "p2"),
          BOUGHT(10, .order = "a", .sku = "p1", .lines_left_out = true)},
         "buyer"},
        {"how many",
         {SNAPSHOT(0, .sku = "p1", .quantity = 3),
          BOUGHT(10, .cart = "ca", .sku = "p1", .lines_left_out = true)},
         "buyer"},
        {"of a row behind the first",
         {ADDED(0, .sku = "p1"), BOUGHT(10, .order = "a", .sku = "p1"), ADDED(15, .sku = "p3"),
          BOUGHT(20, .order = "a", .sku = "p1", .lines_left_out = true)},
         "buyer"},
        {"not in another cart than it names",
         {ADDED(0, .cart = "ca", .sku = "p1"), ADDED(1, .cart = "ca", .sku = "p2"),
          BOUGHT(10, .cart = "ca", .sku = "p1", .lines_left_out = true),
          ADDED(11, .cart = "cb", .sku = "p3")},
         "p3 x1"},
    };
    (void)state;

    TELL_BY_EITHER_RULE(stories);
}

/* No order: the page of one was opened again, and tells today's cart. */
static void a_page_of_an_order_that_is_opened_again_buys_nothing_new(void **state)
{
    enum { LATER = SIX_DAYS };
    static const struct story stories[] = {
        {"the same goods in the same cart",
         {SNAPSHOT(0, .cart = "ca", .sku = "p1"),
          BOUGHT(10, .order = "7", .cart = "ca", .sku = "p1"),
          SNAPSHOT(LATER, .cart = "ca", .sku = "p1"),
          BOUGHT(LATER + 10, .order = "7", .cart = "ca", .sku = "p1")},
         "p1 x1"},
        {"of a cart that it had not named, and of no other one",
         {BOUGHT(0, .order = "7", .sku = "p1"), ADDED(10, .cart = "ca", .sku = "p1"),
          ADDED(11, .cart = "cb", .sku = "p1"),
          BOUGHT(20, .order = "7", .cart = "ca", .sku = "p1")},
         "p1 x1"},
        {"the old goods in the new cart",
         {BOUGHT(0, .order = "7", .cart = "ca", .sku = "p1"),
          SNAPSHOT(LATER, .cart = "cb", .sku = "p2"),
          BOUGHT(LATER + 10, .order = "7", .cart = "cb", .sku = "p1")},
         "p2 x1"},
        {"the old goods, no cart",
         {BOUGHT(0, .order = "7", .sku = "p1"), SNAPSHOT(LATER, .sku = "p2"),
          BOUGHT(LATER + 10, .order = "7", .sku = "p1")},
         "p2 x1"},
    };
    (void)state;

    TELL(stories);
}

static void by_lines_every_row_of_an_order_takes_its_own(void **state)
{
    static const struct story stories[] = {
        {"at one instant",
         {SNAPSHOT(0, .sku = "p1", .sku2 = "p2"), BOUGHT(10, .order = "a", .sku = "p1"),
          BOUGHT(10, .order = "a", .sku = "p2")},
         "buyer"},
        {"at one instant, without an id",
         {SNAPSHOT(0, .sku = "p1", .sku2 = "p2"), BOUGHT(10, .sku = "p1"), BOUGHT(10, .sku = "p2")},
         "buyer"},
        {"half a minute apart",
         {SNAPSHOT(0, .sku = "p1", .sku2 = "p2"),
          BOUGHT(10, .order = "a", .sku = "p1"),
          {EVENT_PURCHASE, .at = MINUTES(10) + SECONDS(30), .order = "a", .sku = "p2"}},
         "buyer"},
        {"96 seconds apart",
         {SNAPSHOT(0, .sku = "p1", .sku2 = "p2"),
          BOUGHT(10, .order = "a", .sku = "p1"),
          {EVENT_PURCHASE, .at = MINUTES(10) + SECONDS(96), .order = "a", .sku = "p2"}},
         "buyer"},
        {"a row for each piece",
         {SNAPSHOT(0, .sku = "p1", .quantity = 2), BOUGHT(10, .order = "a", .sku = "p1"),
          BOUGHT(10, .order = "a", .sku = "p1")},
         "buyer"},
        {"what no row names is left",
         {SNAPSHOT(0, .sku = "p1", .quantity = 2, .sku2 = "p2"),
          BOUGHT(10, .order = "a", .sku = "p1"), BOUGHT(10, .order = "a", .sku = "p2")},
         "p1 x1"},
    };
    (void)state;

    rules.closes_lines = true;
    shopper_rules_set(&rules);
    TELL(stories);
}

/* ---- what is undone in part, or late ---- */

static void items_of_a_cancellation_limit_what_comes_back(void **state)
{
    static const struct story stories[] = {
        {"one of two",
         {SNAPSHOT(0, .sku = "p1", .sku2 = "p2"),
          BOUGHT(10, .order = "a", .sku = "p1", .sku2 = "p2"),
          CANCELLED(100, .order = "a", .sku = "p2")},
         "p2 x1"},
        {"one of three pieces",
         {SNAPSHOT(0, .sku = "p1", .quantity = 3),
          BOUGHT(10, .order = "a", .sku = "p1", .quantity = 3),
          CANCELLED(100, .order = "a", .sku = "p1")},
         "p1 x1"},
        {"all of it",
         {SNAPSHOT(0, .sku = "p1", .sku2 = "p2"),
          BOUGHT(10, .order = "a", .sku = "p1", .sku2 = "p2"),
          CANCELLED(100, .order = "a", .sku = "p1", .sku2 = "p2")},
         "p1 x1, p2 x1"},
        {"what the order never had",
         {SNAPSHOT(0, .sku = "p1"), BOUGHT(10, .order = "a", .sku = "p1"),
          CANCELLED(100, .order = "a", .sku = "p9")},
         "buyer"},
        {"of an order that names no goods, the cart's",
         {SNAPSHOT(0, .sku = "p1", .sku2 = "p2"), BOUGHT(10, .order = "a"),
          CANCELLED(100, .order = "a", .sku = "p2")},
         "p2 x1"},
        {"the goods are told by a second row, and one of them is cancelled",
         {SNAPSHOT(0, .sku = "p1"), BOUGHT(10, .order = "a"), BOUGHT(11, .order = "a", .sku = "p1"),
          CANCELLED(100, .order = "a", .sku = "p1"), BOUGHT(110, .order = "a", .sku = "p1")},
         "buyer"},
        {"of the only order, which has no id",
         {SNAPSHOT(0, .sku = "p1"), BOUGHT(10, .sku = "p1"), CANCELLED(100, .sku = NULL)},
         "p1 x1"},
        {"a payment fails as a whole",
         {SNAPSHOT(0, .sku = "p1", .sku2 = "p2"),
          BOUGHT(10, .order = "a", .sku = "p1", .sku2 = "p2"),
          FAILED(100, .order = "a", .sku = "p2")},
         "p1 x1, p2 x1"},
        {"one piece, which lies there at two prices",
         {ADDED(0, .sku = "p1", .price = 900), ADDED(1, .sku = "p1", .price = 800),
          BOUGHT(10, .order = "a", .sku = "p1", .quantity = 2),
          CANCELLED(100, .order = "a", .sku = "p1")},
         "p1 x1"},
        {"a thousandth",
         {SNAPSHOT(0, .sku = "p1"), BOUGHT(10, .order = "a", .sku = "p1"),
          CANCELLED(100, .order = "a", .sku = "p1", .milli = 1)},
         "p1 x0.001"},
    };
    int64_t last_us;
    (void)state;

    TELL(stories);
    const struct shopper *s = fold_story(&stories[0], &last_us);
    assert_int_equal(s->orders_total, 1);
    assert_int_equal(s->units_bought, 1);
    assert_int_equal(s->last_order_us, TEST_DAY_US + MINUTES(10));
    assert_int_equal(shopper_bought_us(s, "p1"), TEST_DAY_US + MINUTES(10));
    assert_int_equal(shopper_bought_us(s, "p2"), 0);
    s = fold_story(&stories[1], &last_us); /* two pieces of it stand */
    assert_int_equal(shopper_bought_us(s, "p1"), TEST_DAY_US + MINUTES(10));
    s = fold_story(&stories[2], &last_us);
    assert_int_equal(s->orders_total, 0);
    assert_int_equal(s->last_order_us, 0);
}

static void a_cancellation_that_names_a_cart_is_of_an_order_of_that_cart(void **state)
{
    static const struct story stories[] = {
        {"of a cart that nobody ordered",
         {ADDED(0, .cart = "ca", .sku = "p1"), BOUGHT(10, .order = "1", .cart = "ca"),
          CANCELLED(20, .cart = "cb")},
         "buyer"},
        {"of one that lies there",
         {ADDED(0, .cart = "ca", .sku = "p1"), ADDED(1, .cart = "cb", .sku = "p2"),
          BOUGHT(10, .order = "1", .cart = "ca"), CANCELLED(20, .cart = "cb")},
         "buyer"},
        {"of one that was filled again",
         {ADDED(0, .cart = "ca", .sku = "p1"), BOUGHT(10, .order = "1", .cart = "ca"),
          ADDED(20, .cart = "cb", .sku = "p2"), BOUGHT(30, .order = "2", .cart = "cb"),
          ADDED(40, .cart = "ca", .sku = "p3"), CANCELLED(50, .cart = "ca")},
         "p3 x1"},
        {"by what the order called it",
         {ADDED(0, .cart = "ca", .sku = "p1"), BOUGHT(10, .order = "1", .cart = "checkout"),
          CANCELLED(20, .cart = "checkout")},
         "p1 x1"},
        {"of the round that was ordered last",
         {ADDED(0, .cart = "ca", .sku = "p1"), BOUGHT(10, .order = "1", .cart = "ca"),
          ADDED(15, .cart = "ca", .sku = "p2"), BOUGHT(20, .order = "2"),
          CANCELLED(30, .cart = "ca")},
         "p2 x1"},
        {"that names nothing: of the last",
         {ADDED(0, .cart = "ca", .sku = "p1"), BOUGHT(10, .order = "1", .cart = "ca"),
          CANCELLED(20, .cart = NULL)},
         "p1 x1"},
    };
    (void)state;

    TELL_BY_EITHER_RULE(stories);
}

static void what_is_cancelled_was_not_paid(void **state)
{
    static const struct story story = {
        "",
        {BOUGHT(10, .order = "a", .sku = "p1", .price = 1000, .sku2 = "p2", .price2 = 500),
         CANCELLED(100, .order = "a", .sku = "p2", .price = 500)},
        ""};
    int64_t last_us;
    const struct shopper *s = fold_story(&story, &last_us);
    (void)state;

    assert_int_equal(s->spent_minor, 1000);
    assert_int_equal(s->units_bought, 1);
    assert_int_equal(s->orders[0].spent_minor, 1000);
    assert_int_equal(s->orders[0].units, 1);
}

/* What was taken off was taken off all of it. */
static void a_gift_card_comes_back_with_the_whole_cart_only(void **state)
{
    static const struct story stories[] = {
        {"as a whole",
         {SNAPSHOT(0, .sku = "p1", .sku2 = "p2", .off = 300), BOUGHT(10, .order = "a"),
          CANCELLED(100, .order = "a")},
         "1"},
        {"all of it, line by line",
         {SNAPSHOT(0, .sku = "p1", .sku2 = "p2", .off = 300),
          BOUGHT(10, .order = "a", .sku = "p1", .sku2 = "p2"),
          CANCELLED(100, .order = "a", .sku = "p1", .sku2 = "p2")},
         "1"},
        {"one line of two",
         {SNAPSHOT(0, .sku = "p1", .sku2 = "p2", .off = 300),
          BOUGHT(10, .order = "a", .sku = "p1", .sku2 = "p2"),
          CANCELLED(100, .order = "a", .sku = "p1")},
         "0"},
        {"one piece of two",
         {SNAPSHOT(0, .sku = "p1", .quantity = 2, .off = 300),
          BOUGHT(10, .order = "a", .sku = "p1", .quantity = 2),
          CANCELLED(100, .order = "a", .sku = "p1")},
         "0"},
        {"one line was bought again meanwhile",
         {SNAPSHOT(0, .sku = "p1", .sku2 = "p2", .off = 300), BOUGHT(10, .order = "a"),
          BOUGHT(20, .order = "b", .sku = "p2"), CANCELLED(100, .order = "a")},
         "0"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(stories); i++) {
        int64_t last_us;
        const struct cart *c = shopper_open_cart(fold_story(&stories[i], &last_us));
        if (c == NULL || c->adjustment_count != (size_t)(stories[i].said[0] - '0')) {
            fail_msg("%s", stories[i].name);
        }
    }
}

static void what_is_undone_late_brings_no_cart_back(void **state)
{
    static const struct story stories[] = {
        {"an instalment fails",
         {SNAPSHOT(0, .sku = "p1"), BOUGHT(10, .order = "a", .sku = "p1"),
          FAILED(SIX_DAYS, .order = "a")},
         "buyer"},
        {"cancelled after three days",
         {SNAPSHOT(0, .sku = "p1"), BOUGHT(10, .order = "a", .sku = "p1"),
          CANCELLED(THREE_DAYS, .order = "a")},
         "empty"},
        {"a day to the minute",
         {SNAPSHOT(0, .sku = "p1"), BOUGHT(10, .order = "a", .sku = "p1"),
          CANCELLED(DAY + 10, .order = "a")},
         "empty"},
    };
    static const struct story soon[] = {
        {"a payment fails before a day is over",
         {SNAPSHOT(0, .sku = "p1"), BOUGHT(10, .order = "a", .sku = "p1"),
          FAILED(DAY + 9, .order = "a")},
         "p1 x1"},
        {"cancelled before a day is over",
         {SNAPSHOT(0, .sku = "p1"), BOUGHT(10, .order = "a", .sku = "p1"),
          CANCELLED(DAY + 9, .order = "a")},
         "p1 x1"},
    };
    int64_t last_us;
    (void)state;

    TELL(stories);
    TELL(soon);
    /* an order that is cancelled never was, however late: but a payment of it that fails is another one */
    assert_int_equal(fold_story(&stories[0], &last_us)->orders_total, 1);
    assert_int_equal(fold_story(&stories[1], &last_us)->orders_total, 0);
    rules.undo_us = DAYS(7);
    shopper_rules_set(&rules);
    assert_string_equal(said_of(&stories[0]), "p1 x1");
    assert_string_equal(said_of(&stories[1]), "p1 x1");
    rules.undo_us = 0;
    shopper_rules_set(&rules);
    assert_string_equal(said_of(&soon[0]), "buyer");
    assert_string_equal(said_of(&soon[1]), "empty");
}

/* ---- echoes ---- */

static void a_snapshot_of_the_ordered_cart_is_an_echo_for_a_day(void **state)
{
    enum { HOUR = 60 };
#define ORDERED                                                                                    \
    SNAPSHOT(0, .cart = "ca", .sku = "p1", .quantity = 2, .sku2 = "p2"),                           \
        BOUGHT(10, .cart = "ca", .sku = "p1", .quantity = 2)
    static const struct story stories[] = {
        {"an hour later",
         {ORDERED, SNAPSHOT(HOUR + 10, .cart = "ca", .sku = "p1", .quantity = 2, .sku2 = "p2")},
         "buyer"},
        {"25 hours later, one of it",
         {ORDERED, SNAPSHOT(25 * HOUR + 10, .cart = "ca", .sku = "p1")},
         "buyer"},
        {"later than that",
         {ORDERED, SNAPSHOT(25 * HOUR + 11, .cart = "ca", .sku = "p1")},
         "p1 x1"},
        {"more of it",
         {ORDERED, SNAPSHOT(HOUR + 10, .cart = "ca", .sku = "p1", .quantity = 3)},
         "p1 x3"},
        {"something else beside it",
         {ORDERED, SNAPSHOT(HOUR + 10, .cart = "ca", .sku = "p1", .sku2 = "p3")},
         "p1 x1, p3 x1"},
        {"another cart's", {ORDERED, SNAPSHOT(HOUR + 10, .cart = "cb", .sku = "p1")}, "p1 x1"},
        {"no cart's", {ORDERED, SNAPSHOT(HOUR + 10, .sku = "p1")}, "p1 x1"},
        {"a checkout",
         {ORDERED, {EVENT_CHECKOUT_STARTED, .at = MINUTES(HOUR + 10), .cart = "ca", .sku = "p1"}},
         "p1 x1"},
        {"put there again", {ORDERED, ADDED(HOUR + 10, .cart = "ca", .sku = "p1")}, "p1 x1"},
    };
    (void)state;

    TELL(stories);
}

/* ---- a cart under two ids ---- */

static void an_order_closes_every_cart_of_which_it_bought_all(void **state)
{
    static const struct story stories[] = {
        {"",
         {SNAPSHOT(0, .cart = "ca", .sku = "p1"),
          {EVENT_CHECKOUT_STARTED, .at = MINUTES(5), .cart = "cb", .sku = "p1"},
          BOUGHT(10, .order = "a", .cart = "cb", .sku = "p1")},
         "buyer"},
        {"without goods",
         {SNAPSHOT(0, .cart = "ca", .sku = "p1"),
          {EVENT_CHECKOUT_STARTED, .at = MINUTES(5), .cart = "cb", .sku = "p1"},
          BOUGHT(10, .order = "a", .cart = "cb")},
         "buyer"},
    };
    static const struct event_plan others[] = {
        SNAPSHOT(0, .cart = "ca", .sku = "p1", .quantity = 2),
        SNAPSHOT(0, .cart = "ca", .sku = "p1", .sku2 = "p3"),
        SNAPSHOT(0, .cart = "ca", .sku = "p3")};
    int64_t last_us;
    (void)state;

    TELL(stories);
    for (size_t i = 0; i < COUNT_OF(stories); i++) {
        const struct shopper *s = fold_story(&stories[i], &last_us);
        assert_int_equal(shopper_cart(s, "ca")->status, CART_BOUGHT);
        assert_int_equal(shopper_cart(s, "cb")->status, CART_BOUGHT);
    }
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        struct story other = stories[0];
        other.told[0] = others[i];
        assert_int_equal(shopper_cart(fold_story(&other, &last_us), "ca")->status, CART_OPEN);
    }
}

static void a_cart_that_was_bought_stays_that_order_s(void **state)
{
    static const struct story story = {
        "",
        {SNAPSHOT(0, .cart = "ca", .sku = "p1"),
         BOUGHT(10, .order = "a", .cart = "ca", .sku = "p1"),
         SNAPSHOT(THREE_DAYS, .cart = "cb", .sku = "p1"),
         BOUGHT(THREE_DAYS + 10, .order = "b", .cart = "cb", .sku = "p1")},
        ""};
    int64_t last_us;
    const struct shopper *s = fold_story(&story, &last_us);
    (void)state;

    assert_string_equal(shopper_cart(s, "ca")->order_id, "a");
    assert_string_equal(shopper_cart(s, "cb")->order_id, "b");
}

/* ---- what was not whole as it came ---- */

static const char *state_of(const struct event *told, size_t count)
{
    CLEANUP(buf_free) struct buf text = buf_make(1 << 20);
    struct event events[TOLD_MAX];

    memcpy(events, told, count * sizeof *told);
    shopper_encode(shopper_fold_all(NULL, "c:anna", events, count, INT64_MAX, &arena), &text);
    return arena_strdup(&arena, buf_text(&text));
}

static const struct shopper *shopper_of(const struct event *told, size_t count)
{
    struct event events[TOLD_MAX];

    memcpy(events, told, count * sizeof *told);
    return shopper_fold_all(NULL, "c:anna", events, count, INT64_MAX, &arena);
}

/* But for what it remembers of what was not whole. */
static const char *without_stand_ins(const struct event *told, size_t count)
{
    CLEANUP(buf_free) struct buf text = buf_make(1 << 20);
    struct shopper *s = shopper_copy(shopper_of(told, count), &arena);

    s->stand_in_count = s->mended_count = 0;
    shopper_encode(s, &text);
    return arena_strdup(&arena, buf_text(&text));
}

/* One after the other, as they come; folded anew where that is asked for. */
static const char *state_by_steps(const struct event *told, size_t count)
{
    CLEANUP(buf_free) struct buf text = buf_make(1 << 20);
    struct shopper *s = shopper_new("c:anna", &arena);

    for (size_t i = 0; i < count; i++) {
        if (shopper_apply(s, &told[i], &arena) == SHOPPER_REFOLD) {
            struct event events[TOLD_MAX];
            memcpy(events, told, (i + 1) * sizeof *told);
            s = shopper_fold_all(NULL, "c:anna", events, i + 1, INT64_MAX, &arena);
        }
    }
    shopper_encode(s, &text);
    return arena_strdup(&arena, buf_text(&text));
}

static void of_an_order_that_was_mended_only_the_whole_one_counts(void **state)
{
    const struct event added = an_event(EVENT_CART_ITEM_ADDED, .at = 0, .sku = "p1", .cart = "k");
    const struct event later =
        an_event(EVENT_CART_ITEM_ADDED, .at = MINUTES(20), .sku = "p9", .cart = "l");
    const struct event whole =
        an_event(EVENT_PURCHASE, .at = MINUTES(10), .id = "o", .order = "1", .cart = "k",
                 .sku = "p1", .price = 1000, .sku2 = "p2", .price2 = 500);
    struct event left =
        an_event(EVENT_PURCHASE, .at = MINUTES(10), .id = "left", .sku = "p1", .price = 1000);
    (void)state;

    left.sort_id = whole.sort_id;
    left.stands_in = true;
    const struct event orders[][4] = {{added, left, whole, later},
                                      {added, whole, left, later},
                                      {left, added, later, whole},
                                      {whole, later, added, left},
                                      {added, left, later, whole}};
    const char *right = state_of((struct event[]){added, whole, later}, 3);
    for (size_t i = 0; i < COUNT_OF(orders); i++) {
        assert_string_equal(without_stand_ins(orders[i], 4), right);
        assert_string_equal(state_by_steps(orders[i], 4), state_of(orders[i], 4));
    }
    /* as long as nobody mends it, it is an order */
    assert_string_not_equal(state_of((struct event[]){added, left, later}, 3),
                            state_of((struct event[]){added, later}, 2));
}

/* Its time is when it came in where it told none, or an hour beside it without its sent_at; and it may be the order's id that could not be read. */
static void what_was_mended_counts_instead_whatever_time_and_order_it_tells(void **state)
{
    const struct event added = an_event(EVENT_CART_ITEM_ADDED, .at = 0, .sku = "p1", .cart = "k");
    const struct event other =
        an_event(EVENT_PURCHASE, .at = MINUTES(15), .order = "2", .sku = "p7", .price = 100);
    const struct event whole =
        an_event(EVENT_PURCHASE, .at = MINUTES(10), .id = "o", .order = "1", .cart = "k",
                 .sku = "p1", .price = 1000, .sku2 = "p2", .price2 = 500);
    static const int64_t times[] = {MINUTES(9), MINUTES(10) + SECONDS(20), HOURS(3)};
    const char *right = state_of((struct event[]){added, whole, other}, 3);
    (void)state;

    for (size_t i = 0; i < COUNT_OF(times) * 2; i++) {
        struct event left = an_event(EVENT_PURCHASE, .at = times[i / 2], .id = "left",
                                     .order = i % 2 == 0 ? "1" : NULL, .sku = "p1", .price = 1000);
        left.sort_id = whole.sort_id;
        left.stands_in = true;
        const struct event orders[][4] = {{added, left, whole, other},
                                          {added, whole, left, other},
                                          {left, other, added, whole},
                                          {whole, other, added, left}};
        for (size_t n = 0; n < COUNT_OF(orders); n++) {
            const struct shopper *s = shopper_of(orders[n], 4);
            assert_int_equal(s->orders_total, 2);
            assert_int_equal(s->spent_minor, 1600);
            assert_string_equal(state_by_steps(orders[n], 4), state_of(orders[n], 4));
        }
        assert_string_equal(without_stand_ins(orders[0], 4), right);
    }
}

/* Its browser's, of a no whose customer could not be read: the whole one is the customer's own. */
static void an_own_word_counts_instead_of_what_was_left_of_it_at_a_browser(void **state)
{
    const struct event whole =
        an_event(EVENT_CONSENT_WITHDRAWN, .at = MINUTES(10), .id = "n", .subject = "sms");
    struct event left = an_event(EVENT_CONSENT_WITHDRAWN, .at = HOURS(1), .id = "left", .via = "x");
    const struct event bound =
        an_event(EVENT_DERIVED_BINDING_SET, .at = 0, .via = "x", .version = 1,
                 .interval = {INT64_MIN, INT64_MAX}, .origin = ORIGIN_DERIVED);
    (void)state;

    left.sort_id = whole.sort_id;
    left.stands_in = true;
    assert_int_equal(shopper_consent(shopper_of((struct event[]){bound, left, whole}, 3), "email"),
                     0);
    assert_int_equal(shopper_consent(shopper_of((struct event[]){bound, left}, 2), "email"), -1);
    /* and not the other way round: what came of a browser may be another person's */
    struct event own = whole;
    struct event told = left;
    own.stands_in = true;
    own.event_id = "left of it";
    told.stands_in = false;
    assert_int_equal(shopper_consent(shopper_of((struct event[]){bound, own, told}, 3), "sms"), -1);
}

static void what_was_mended_under_another_id_is_the_same_order(void **state)
{
    const struct event left =
        an_event(EVENT_PURCHASE, .at = MINUTES(10), .order = "1", .sku = "p1");
    const struct event mended =
        an_event(EVENT_PURCHASE, .at = MINUTES(10), .order = "1", .cart = "k", .sku = "p1");
    struct event told[] = {left, mended};
    (void)state;

    assert_int_equal(shopper_fold_all(NULL, "c:anna", told, 2, INT64_MAX, &arena)->orders_total, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_another_order_bought_stays_bought_when_one_is_undone, reset),
        cmocka_unit_test_teardown(of_an_order_that_is_edited_what_is_new_is_bought, reset),
        cmocka_unit_test_teardown(an_edited_order_adds_what_is_new_to_the_sums, reset),
        cmocka_unit_test_teardown(another_order_of_the_same_number_closes_its_own_cart, reset),
        cmocka_unit_test_teardown(of_two_orders_within_a_minute_each_closes_its_own, reset),
        cmocka_unit_test_teardown(what_could_not_be_read_of_an_order_may_be_anything_in_its_cart,
                                  reset),
        cmocka_unit_test_teardown(a_page_of_an_order_that_is_opened_again_buys_nothing_new, reset),
        cmocka_unit_test_teardown(by_lines_every_row_of_an_order_takes_its_own, reset),
        cmocka_unit_test_teardown(items_of_a_cancellation_limit_what_comes_back, reset),
        cmocka_unit_test_teardown(a_cancellation_that_names_a_cart_is_of_an_order_of_that_cart,
                                  reset),
        cmocka_unit_test_teardown(what_is_cancelled_was_not_paid, reset),
        cmocka_unit_test_teardown(a_gift_card_comes_back_with_the_whole_cart_only, reset),
        cmocka_unit_test_teardown(what_is_undone_late_brings_no_cart_back, reset),
        cmocka_unit_test_teardown(a_snapshot_of_the_ordered_cart_is_an_echo_for_a_day, reset),
        cmocka_unit_test_teardown(an_order_closes_every_cart_of_which_it_bought_all, reset),
        cmocka_unit_test_teardown(a_cart_that_was_bought_stays_that_order_s, reset),
        cmocka_unit_test_teardown(of_an_order_that_was_mended_only_the_whole_one_counts, reset),
        cmocka_unit_test_teardown(what_was_mended_counts_instead_whatever_time_and_order_it_tells,
                                  reset),
        cmocka_unit_test_teardown(an_own_word_counts_instead_of_what_was_left_of_it_at_a_browser,
                                  reset),
        cmocka_unit_test_teardown(what_was_mended_under_another_id_is_the_same_order, reset),
    };
    return cmocka_run_group_tests_name("orders as they are told", tests, NULL, NULL);
}
