/* What a decision is made of, from a shopper in memory: whose events count, which carts, what else has to be looked at. The store's answers are ours (--wrap). */
#include "outreach/gather.h"

#include "base/clock.h"
#include "domain/shopper/shopper.h"
#include "domain/speak/policy.h"
#include "store/carts.h"
#include "support/spec.h"

#define NOW DAYS(20000)

static struct arena arena;
static char word[] = "cart";     /* what every cart of a shop is called */
static char apart[] = "cart-17"; /* tells a cart apart */
static char older[] = "cart-16";
static char mentioned[] = "cart-18";
static char b0[] = "b0", b1[] = "b1", b2[] = "b2", b3[] = "b3", b4[] = "b4";
static char ann[] = "ann", bob[] = "bob";

/* ---- the store ---- */

static struct {
    struct view view;
    bool of_each; /* the view is whose is asked for */
    bool soon, of_many, cart_pending;
    bool fails;
} answers;
static struct {
    struct view_ask view;
    struct joins joins;
    struct cart_look cart;
    struct shaken_look shaken;
    int views, joined, carts, shakes;
} asked;

bool __wrap_view_find(struct db *db, const struct view_ask *ask, struct arena *a, struct view *out,
                      struct err *err);
bool __wrap_view_find(struct db *db, const struct view_ask *ask, struct arena *a, struct view *out,
                      struct err *err)
{
    (void)db;
    (void)a;
    asked.view = *ask;
    asked.views++;
    *out = answers.view;
    out->key = answers.of_each && ask->key != NULL ? ask->key : out->key;
    return answers.fails ? FAIL(err, ERR_BUSY, "away") : true;
}

bool __wrap_store_joins_pending(struct db *db, const struct joins *j, struct arena *a,
                                struct joins_pending *out, struct err *err);
bool __wrap_store_joins_pending(struct db *db, const struct joins *j, struct arena *a,
                                struct joins_pending *out, struct err *err)
{
    (void)db;
    (void)a;
    asked.joins = *j;
    asked.joined++;
    *out = (struct joins_pending){.any = true, .due_us = 7};
    return answers.fails ? FAIL(err, ERR_BUSY, "away") : true;
}

bool __wrap_store_cart_pending(struct db *db, const struct cart_look *look, bool *out,
                               struct err *err);
bool __wrap_store_cart_pending(struct db *db, const struct cart_look *look, bool *out,
                               struct err *err)
{
    (void)db;
    asked.cart = *look;
    asked.carts++;
    *out = answers.cart_pending;
    return answers.fails ? FAIL(err, ERR_BUSY, "away") : true;
}

bool __wrap_store_joins_shaken(struct db *db, const struct shaken_look *look, bool *out_soon,
                               bool *out_many, struct err *err);
bool __wrap_store_joins_shaken(struct db *db, const struct shaken_look *look, bool *out_soon,
                               bool *out_many, struct err *err)
{
    (void)db;
    asked.shaken = *look;
    asked.shakes++;
    *out_soon = answers.soon;
    *out_many = answers.of_many;
    return answers.fails ? FAIL(err, ERR_BUSY, "away") : true;
}

/* ---- a shopper ---- */

static struct shopper shopper;
static const struct outreach_subject of_ann = {.key = "c:ann", .now_us = NOW};

static int setup(void **state)
{
    (void)state;
    shopper = (struct shopper){.key = NULL};
    memset(&answers, 0, sizeof answers);
    memset(&asked, 0, sizeof asked);
    answers.view = (struct view){.lane = 9, .key = "c:ann", .shopper = &shopper, .known = true};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static struct gathered gather_of(struct outreach_subject subject)
{
    struct gathered g = {.known = false};
    struct err err = {0};

    if (!outreach_gather(NULL, &subject, &arena, &g, &err)) {
        fail_msg("%s", err.text);
    }
    return g;
}

static struct gathered gather(void)
{
    return gather_of(of_ann);
}

#define has_bindings(...) give_bindings((struct binding[]){__VA_ARGS__, {.other = NULL}})
#define has_named(...)    give_named((struct named_via[]){__VA_ARGS__, {.other = NULL}})

static void give_bindings(const struct binding *all)
{
    size_t count = 0;

    while (all[count].other != NULL) {
        count++;
    }
    shopper.bindings = arena_array(&arena, count, sizeof *all);
    memcpy(shopper.bindings, all, count * sizeof *all);
    shopper.binding_count = count;
}

static void give_named(const struct named_via *all)
{
    size_t count = 0;

    while (all[count].other != NULL) {
        count++;
    }
    shopper.named = arena_array(&arena, count, sizeof *all);
    memcpy(shopper.named, all, count * sizeof *all);
    shopper.named_count = count;
}

static void assert_ids(const char *const *ids, size_t count, const char *expected)
{
    const char *text = "";

    for (size_t i = 0; i < count; i++) {
        text = arena_printf(&arena, "%s%s%s", text, i == 0 ? "" : " ", ids[i]);
    }
    assert_string_equal(text, expected);
}

/* ---- what is read ---- */

static void the_present_is_read_in_earnest_with_what_was_sent(void **state)
{
    (void)state;
    const struct gathered g = gather_of(
        (struct outreach_subject){.key = "c:ann", .cart_id = word, .now_us = NOW, .due_us = 3});

    assert_string_equal(asked.view.key, "c:ann");
    assert_null(asked.view.cart_id); /* a cart of hers is found with her */
    assert_true(asked.view.until_us == INT64_MAX);
    assert_true(asked.view.for_decision);
    assert_true(g.known);
    assert_true(g.now_us == NOW);
    assert_string_equal(g.subject.cart_id, word);
    assert_true(g.subject.due_us == 3);
    assert_int_equal(g.view.lane, 9);
}

static void a_look_into_the_past_is_as_of_then_and_knows_no_strangers(void **state)
{
    (void)state;
    answers.view.known = false;
    const struct gathered g = gather_of((struct outreach_subject){
        .key = "c:ann", .at_us = NOW - DAYS(3), .now_us = NOW, .dry_run = true});

    assert_true(asked.view.until_us == NOW - DAYS(3));
    assert_false(asked.view.for_decision);
    assert_true(g.now_us == NOW - DAYS(3));
    assert_true(g.known);
}

static void who_is_asked_for_by_a_cart_is_found_by_it(void **state)
{
    (void)state;
    (void)gather_of((struct outreach_subject){.cart_id = word, .now_us = NOW});
    assert_null(asked.view.key);
    assert_string_equal(asked.view.cart_id, word);
}

static void who_was_never_seen_is_nobody(void **state)
{
    (void)state;
    answers.view.known = false;
    has_named({.other = b1, .last_us = NOW});
    struct gathered g = gather();
    assert_false(g.known);
    assert_int_equal(g.via_count, 0);
    answers.view.known = true;
    answers.view.key = NULL;
    assert_false(gather().known);
}

static void what_cannot_be_read_is_an_error_and_gathers_nothing(void **state)
{
    (void)state;
    struct gathered g = {.now_us = 5};
    struct err err = {0};

    answers.fails = true;
    assert_false(outreach_gather(NULL, &of_ann, &arena, &g, &err));
    assert_int_equal(err.kind, ERR_BUSY);
    assert_true(g.now_us == 5);
}

/* ---- browsers ---- */

static void browsers_come_by_when_they_were_named_last_and_each_once(void **state)
{
    (void)state;
    has_named({.other = b1, .last_us = NOW - DAYS(2)}, {.other = b3, .last_us = NOW - DAYS(1)});
    has_bindings({.other = b0, .until_us = 5}, {.other = b1, .until_us = 5},
                 {.other = b2, .until_us = 5}, {.other = b2, .from_us = 7, .until_us = 9},
                 {.other = b4, .until_us = 5});
    const struct gathered g = gather();
    assert_ids(g.vias, g.via_count, "b3 b1 b0 b2 b4");
    assert_ids(g.open, g.open_count, "b3 b1 b0 b2 b4");
}

static void a_browser_that_was_hers_alone_is_settled_unless_that_is_a_guess(void **state)
{
    (void)state;
    has_bindings({.other = b1, .from_us = INT64_MIN, .until_us = INT64_MAX},
                 {.other = b2, .from_us = INT64_MIN, .until_us = INT64_MAX},
                 {.other = b3, .from_us = INT64_MIN, .until_us = NOW},
                 {.other = b4, .from_us = 1, .until_us = INT64_MAX});
    has_named({.other = b1, .last_us = NOW, .guessed = true},
              {.other = b2, .last_us = NOW - 1, .guessed = false});
    const struct gathered g = gather();
    assert_ids(g.vias, g.via_count, "b1 b2 b3 b4");
    assert_ids(g.open, g.open_count, "b1 b3 b4");
}

static void browsers_of_the_last_thirty_days_are_counted(void **state)
{
    (void)state;
    has_named({.other = b1, .last_us = NOW - BROWSERS_WITHIN_US + 1},
              {.other = b2, .last_us = NOW - BROWSERS_WITHIN_US},
              {.other = b3, .last_us = NOW - DAYS(1)});
    const struct gathered g = gather();
    assert_int_equal(g.browsers, 2);
    assert_int_equal(g.via_count, 3);
}

static void nobody_joins_an_anonymous_shopper(void **state)
{
    (void)state;
    answers.view.key = "a:b9";
    has_named({.other = b1, .last_us = NOW});
    has_bindings({.other = ann, .from_us = 3, .until_us = 8});
    const struct gathered g = gather();
    assert_int_equal(g.via_count, 0);
    assert_int_equal(g.browsers, 0);
}

/* ---- whose doing ---- */

static void assert_own(const struct own_time *own, const char *key, int64_t from_us,
                       int64_t until_us)
{
    assert_string_equal(own->key, key);
    assert_true(own->from_us == from_us);
    assert_true(own->until_us == until_us);
}

static void what_a_browser_does_is_hers_while_she_is_logged_in(void **state)
{
    (void)state;
    has_bindings({.other = b1, .from_us = 3, .until_us = 8},
                 {.other = b1, .from_us = 12, .until_us = INT64_MAX});
    const struct gathered g = gather();
    assert_int_equal(g.own_count, 3);
    assert_own(&g.own[0], "c:ann", INT64_MIN, INT64_MAX);
    assert_own(&g.own[1], "a:b1", 3, 8);
    assert_own(&g.own[2], "a:b1", 12, INT64_MAX);
}

static void
what_an_anonymous_shopper_does_is_its_own_when_the_last_of_its_customers_has_left(void **state)
{
    (void)state;
    answers.view.key = "a:b9";
    struct gathered g = gather();
    assert_int_equal(g.own_count, 1);
    assert_own(&g.own[0], "a:b9", INT64_MIN, INT64_MAX);
    has_bindings({.other = ann, .from_us = 3, .until_us = 8},
                 {.other = bob, .from_us = 8, .until_us = 20});
    g = gather();
    assert_int_equal(g.own_count, 1);
    assert_own(&g.own[0], "a:b9", 20, INT64_MAX);
}

/* ---- carts ---- */

static void has_carts(void)
{
    shopper.carts[0].id = word;
    shopper.carts[1].id = apart;
    shopper.cart_count = 2;
    shopper.dropped[0].id = older;
    shopper.dropped_count = 1;
}

static void all_carts_are_hers_also_those_that_had_to_make_room(void **state)
{
    (void)state;
    has_carts();
    const struct gathered g = gather();
    assert_ids(g.cart_ids, g.cart_count, "cart cart-17 cart-16");
    assert_ids(g.apart, g.apart_count, "cart-17 cart-16");
}

/* Somebody else's order of it joins the two, but of her carts it buys nothing. */
static void a_cart_that_was_only_named_is_asked_about_and_is_none_of_hers(void **state)
{
    (void)state;
    has_carts();
    shopper.mentioned[0].id = mentioned;
    shopper.mentioned_count = 1;
    const struct gathered g = gather();
    assert_ids(g.cart_ids, g.cart_count, "cart cart-17 cart-16 cart-18");
    assert_ids(g.apart, g.apart_count, "cart-17 cart-16");
    assert_false(outreach_joins(&g).dropped);
    shopper.mentioned_count = MENTIONED_MAX;
    for (size_t i = 0; i < MENTIONED_MAX; i++) {
        shopper.mentioned[i].id = mentioned;
    }
    assert_true(outreach_joins(&g).dropped);
}

static void has_grounds(struct ground *all, size_t count)
{
    shopper.grounds = all;
    shopper.ground_count = count;
}

static void a_join_by_a_cart_alone_is_asked_about_beside_her_own_names(void **state)
{
    struct ground grounds[] = {{.other = b1, .cart_id = apart},
                               {.other = b2, .cart_id = older},
                               {.other = b2, .cart_id = word}};
    (void)state;
    has_carts();
    has_named({.other = b1, .last_us = 3, .guessed = true},
              {.other = b2, .last_us = 4, .guessed = true});
    struct gathered g = gather();
    assert_int_equal(asked.shakes, 0); /* nobody was guessed by a cart */
    has_grounds(grounds, 3);
    answers.soon = true;
    answers.view.found_by = "a:b1";
    g = gather();
    assert_true(g.shaken);
    assert_false(g.mistaken);
    assert_ids(asked.shaken.cart_ids, asked.shaken.cart_count, "cart-17 cart-16");
    assert_ids(asked.shaken.keys, asked.shaken.key_count, "c:ann a:b1 a:b2 a:b1");
    assert_true(asked.shaken.strict);
    shopper.named[1].said_us = 5; /* of b2 she has said so since */
    answers.soon = false;
    answers.of_many = true;
    g = gather();
    assert_false(g.shaken);
    assert_true(g.mistaken);
    assert_ids(asked.shaken.cart_ids, asked.shaken.cart_count, "cart-17");
}

/* A release of before did not tell it. */
static void of_a_guess_whose_cart_is_not_known_all_that_she_has_are_asked_about(void **state)
{
    struct ground grounds[] = {{.other = b1, .cart_id = NULL}};
    (void)state;
    has_carts();
    has_named({.other = b1, .last_us = 3, .guessed = true});
    has_grounds(grounds, 1);
    answers.of_many = true;
    assert_true(gather().mistaken);
    assert_ids(asked.shaken.cart_ids, asked.shaken.cart_count, "cart-17 cart-16");
    asked.shakes = 0;
    shopper.cart_count = 1;
    shopper.dropped_count = 0;
    assert_false(gather().mistaken); /* what every cart is called says nothing */
    assert_int_equal(asked.shakes, 0);
}

static void whom_a_browser_is_joined_with_is_no_question_of_its_own(void **state)
{
    struct ground grounds[] = {{.other = ann, .cart_id = apart}};
    (void)state;
    answers.view.key = "a:b9";
    has_grounds(grounds, 1);
    (void)gather();
    assert_int_equal(asked.shakes, 0);
}

static bool is_joined_soon(void)
{
    struct err err = {0};
    const struct gathered g = gather();
    bool soon = false;

    asked.shakes = 0;
    assert_true(outreach_joined_soon(NULL, &g, &arena, &soon, &err));
    return soon;
}

static void who_ordered_or_said_no_for_a_cart_may_be_joined_by_it_soon(void **state)
{
    (void)state;
    answers.soon = true;
    assert_false(is_joined_soon());
    assert_int_equal(asked.shakes, 0);
    shopper.orders[0].cart_id = word;
    shopper.orders[1].cart_id = apart;
    shopper.order_count = 3; /* the third named none */
    shopper.consents[0].cart_id = older;
    shopper.consent_count = 1;
    assert_true(is_joined_soon());
    assert_ids(asked.shaken.cart_ids, asked.shaken.cart_count, "cart-17 cart-16");
    assert_false(asked.shaken.strict);
    answers.of_many = true;
    assert_false(is_joined_soon()); /* nobody will be joined by it */
}

/* ---- what is not read ---- */

static void what_is_unread_is_looked_at_again_when_it_is_due_or_in_a_second(void **state)
{
    static const struct {
        bool unread;
        int64_t due_us, asked_us; /* its own, of whoever joins it */
        int64_t until_us;
    } cases[] = {
        {false, 0, 0, 0},
        {false, NOW + DAYS(1), 0, 0}, /* it is read */
        {true, 0, 0, NOW + SECONDS(1)},
        {true, NOW - 5, 0, NOW + SECONDS(1)},
        {true, NOW + SECONDS(9), 0, NOW + SECONDS(9)},
        {true, NOW + SECONDS(9), NOW + SECONDS(8), NOW + SECONDS(9)},
        {true, NOW + SECONDS(9), NOW + SECONDS(10), NOW + SECONDS(10)},
        {false, NOW + SECONDS(9), NOW + SECONDS(3), NOW + SECONDS(3)},
        {false, 0, NOW - 1, NOW + SECONDS(1)},
    };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        answers.view.unread = cases[i].unread;
        answers.view.due_us = cases[i].due_us;
        const struct gathered g = gather_of(
            (struct outreach_subject){.key = "c:ann", .now_us = NOW, .due_us = cases[i].asked_us});
        if (g.unread_until_us != cases[i].until_us) {
            fail_msg("case %zu: %lld", i, (long long)(g.unread_until_us - NOW));
        }
    }
}

/* ---- what is looked at once more ---- */

static void all_of_it_is_asked_about_once_more(void **state)
{
    (void)state;
    struct err err = {0};
    struct joins_pending pending = {0};
    answers.view.last_off = 40;
    answers.view.rows.folded_off = 39;
    answers.view.found_by = "a:b1";
    answers.view.found_by_off = 12;
    has_carts();
    has_bindings({.other = b1, .from_us = INT64_MIN, .until_us = INT64_MAX},
                 {.other = b2, .from_us = 3, .until_us = 5});
    const struct gathered g = gather();
    assert_true(outreach_pending(NULL, &g, &arena, &pending, &err));
    assert_true(pending.any);
    assert_int_equal(pending.due_us, 7);
    const struct joins *j = &asked.joins;
    assert_int_equal(j->lane, 9);
    assert_string_equal(j->key, "c:ann");
    assert_ids(j->vias, j->via_count, "b1 b2");
    assert_ids(j->open, j->open_count, "b2");
    assert_ids(j->cart_ids, j->cart_count, "cart cart-17 cart-16");
    assert_ids(j->apart, j->apart_count, "cart-17 cart-16");
    assert_int_equal(j->own_count, 3);
    assert_ptr_equal(j->own, g.own);
    assert_false(j->dropped);
    assert_true(j->news);
    assert_int_equal(j->last_off, 40);
    assert_string_equal(j->found_by, "a:b1");
    assert_int_equal(j->found_by_off, 12);
}

/* b1 answered that it was left at 20, which is not folded yet; she had logged in there at 30. What a guest did between the two becomes hers as soon
 * as the fold tells b1 again. */
static void a_login_behind_what_a_browser_has_just_answered_is_waited_for(void **state)
{
    (void)state;
    has_bindings({.other = b1, .from_us = INT64_MIN, .until_us = 20});
    has_named({.other = b1, .first_us = 10, .last_us = 30});
    struct gathered g = gather();
    assert_false(outreach_joins(&g).wait); /* folded: somebody else's login of then counts */
    answers.view.last_off = 40;
    answers.view.rows.folded_off = 39;
    g = gather();
    assert_true(outreach_joins(&g).wait);
    has_named({.other = b1, .first_us = 10, .last_us = 19});
    g = gather();
    assert_false(outreach_joins(&g).wait);
    has_named({.other = b1, .first_us = 10, .said_us = 25, .last_us = 19});
    g = gather();
    assert_true(outreach_joins(&g).wait);
    has_named({.other = b2,
               .first_us = 30,
               .last_us = 30}); /* which has not answered: it is among the open */
    g = gather();
    assert_false(outreach_joins(&g).wait);
}

/* A browser that is folded by itself has not yet answered those who logged in: behind the answer they may have more to tell. */
static void who_logged_in_at_a_browser_that_waits_is_waited_for(void **state)
{
    (void)state;
    answers.view.key = "a:b1";
    answers.view.last_off = 40;
    answers.view.rows.folded_off = 39;
    struct gathered g = gather_of((struct outreach_subject){.key = "a:b1", .now_us = NOW});
    assert_false(outreach_joins(&g).wait);
    answers.view.rebound = true;
    g = gather_of((struct outreach_subject){.key = "a:b1", .now_us = NOW});
    assert_true(outreach_joins(&g).wait);
}

static void as_many_dropped_carts_as_are_known_may_be_more(void **state)
{
    (void)state;
    shopper.dropped_count = DROPPED_MAX;
    for (size_t i = 0; i < DROPPED_MAX; i++) {
        shopper.dropped[i].id = older;
    }
    struct gathered g = gather();
    assert_true(outreach_joins(&g).dropped);
    assert_false(outreach_joins(&g).news);
    shopper.dropped_count = DROPPED_MAX - 1;
    assert_false(outreach_joins(&g).dropped);
}

static void of_a_stranger_it_is_asked_by_what_was_named(void **state)
{
    (void)state;
    struct err err = {0};
    struct joins_pending pending = {.due_us = 3};
    answers.view.known = false;
    struct gathered g = gather();
    assert_true(outreach_pending(NULL, &g, &arena, &pending, &err));
    assert_string_equal(asked.joins.key, "c:ann");
    assert_int_equal(asked.joins.lane, event_lane("c:ann"));
    assert_int_equal(asked.joins.via_count + asked.joins.cart_count + asked.joins.own_count, 0);
    assert_int_equal(asked.carts, 0);

    answers.view.key = NULL;
    answers.view.shared = true;
    answers.cart_pending = true;
    g = gather_of((struct outreach_subject){.cart_id = apart, .now_us = NOW});
    assert_true(outreach_pending(NULL, &g, &arena, &pending, &err));
    assert_true(pending.any);
    assert_int_equal(pending.due_us, 0);
    assert_string_equal(asked.cart.cart_id, apart);
    assert_true(asked.cart.kept);
    assert_int_equal(asked.cart.key_count, 0);
    assert_int_equal(asked.joined, 1);
    answers.view.shared = false;
    answers.cart_pending = false;
    g = gather_of((struct outreach_subject){.cart_id = apart, .now_us = NOW});
    assert_true(outreach_pending(NULL, &g, &arena, &pending, &err));
    assert_false(pending.any);
    assert_false(asked.cart.kept);
}

static void who_is_found_by_a_cart_may_have_to_share_it_soon(void **state)
{
    (void)state;
    struct err err = {0};
    bool soon = true;
    has_named({.other = b1, .last_us = NOW});
    answers.cart_pending = true;
    struct gathered g = gather();
    assert_true(outreach_shared_soon(NULL, &g, &arena, &soon, &err));
    assert_false(soon); /* she was named */
    assert_int_equal(asked.carts, 0);

    g = gather_of((struct outreach_subject){.cart_id = apart, .now_us = NOW});
    assert_true(outreach_shared_soon(NULL, &g, &arena, &soon, &err));
    assert_true(soon);
    assert_string_equal(asked.cart.cart_id, apart);
    assert_true(asked.cart.kept);
    assert_ids(asked.cart.keys, asked.cart.key_count, "c:ann a:b1");
    answers.view.found_by = "a:b7";
    g = gather_of((struct outreach_subject){.cart_id = apart, .now_us = NOW});
    assert_true(outreach_shared_soon(NULL, &g, &arena, &soon, &err));
    assert_ids(asked.cart.keys, asked.cart.key_count, "c:ann a:b7 a:b1");
}

static void an_order_or_a_no_that_the_rules_were_not_asked_of_is_unasked(void **state)
{
    const struct outreach_subject asked_of = {.ordered_us = 5, .withdrawn_us = 6};
    (void)state;
    assert_false(outreach_unasked(
        &asked_of, &(struct joins_pending){.ordered_us = 5, .withdrawn_us = 6, .due_us = 1}));
    assert_true(
        outreach_unasked(&asked_of, &(struct joins_pending){.ordered_us = 5, .withdrawn_us = 7}));
    assert_true(
        outreach_unasked(&asked_of, &(struct joins_pending){.ordered_us = 4, .withdrawn_us = 6}));
    assert_true(outreach_unasked(
        &asked_of, &(struct joins_pending){.ordered_us = 5, .withdrawn_us = 6, .sharers = "{}"}));
}

/* ---- who a browser may be ---- */

#define TWO "{\"keys\" : [\"c:ann\", \"c:bob\"], \"offs\" : [1, null]}"

static struct gathered gather_browser(const char *sharers)
{
    answers.view.key = "a:b1";
    return gather_of((struct outreach_subject){.key = "a:b1", .sharers = sharers, .now_us = NOW});
}

static void what_a_browser_had_and_ordered_says_who_it_may_be(void **state)
{
    static char bought[] = "cart-15";
    struct order_seen orders[] = {{.cart_id = bought}, {.cart_id = word}, {.cart_id = NULL}};
    (void)state;

    has_carts();
    memcpy(shopper.orders, orders, sizeof orders);
    shopper.order_count = 3;
    struct gathered g = gather_browser(NULL);
    struct joins j = outreach_joins(&g);
    assert_ids(j.ordered, j.ordered_count, "cart-15");
    assert_ids(j.shared, j.shared_count, "cart-17 cart-16 cart-15");
    assert_false(j.shares);
    answers.view.key = "c:ann"; /* who is a customer is nobody else */
    g = gather();
    j = outreach_joins(&g);
    assert_int_equal(j.ordered_count + j.shared_count, 0);
}

/* b1 was taken for hers: what it did is known, and nothing that waits. */
static void what_they_did_is_read_and_what_joins_them_is_asked_for(void **state)
{
    (void)state;
    answers.of_each = true;
    has_named({.other = b1, .last_us = NOW}, {.other = b2, .last_us = NOW});
    shopper.last_order_us = NOW - 5;
    shopper.consents[0] = (struct consent){.channel = word, .given = false, .at_us = NOW - 7};
    shopper.consent_count = 1;
    struct gathered g = gather_browser(TWO);
    assert_int_equal(asked.views, 3);
    assert_int_equal(asked.joined, 2);
    assert_ids(asked.joins.vias, asked.joins.via_count, "b2");
    assert_ids(asked.joins.open, asked.joins.open_count, "b2");
    assert_int_equal(g.sharers.ordered_us, NOW - 5);
    assert_int_equal(g.sharers.withdrawn_us, NOW - 7);
    assert_true(g.unread_until_us > NOW); /* the answer is that one of them is stale */
    assert_false(g.sharers.wait);
    shopper.consents[0].given = true;
    assert_int_equal(gather_browser(TWO).sharers.withdrawn_us, 0);
}

static void whoever_may_be_one_of_very_many_is_not_spoken_to(void **state)
{
    const char *keys = "";
    (void)state;

    for (int i = 0; i < 65; i++) {
        keys = arena_printf(&arena, "%s%s\"c:y%d\"", keys, i == 0 ? "" : ",", i);
    }
    const struct gathered g =
        gather_browser(arena_printf(&arena, "{\"keys\":[%s],\"offs\":[]}", keys));
    assert_true(g.mistaken);
    assert_int_equal(asked.views, 1);
}

#define GATHER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        GATHER_TEST(the_present_is_read_in_earnest_with_what_was_sent),
        GATHER_TEST(a_look_into_the_past_is_as_of_then_and_knows_no_strangers),
        GATHER_TEST(who_is_asked_for_by_a_cart_is_found_by_it),
        GATHER_TEST(who_was_never_seen_is_nobody),
        GATHER_TEST(what_cannot_be_read_is_an_error_and_gathers_nothing),
        GATHER_TEST(browsers_come_by_when_they_were_named_last_and_each_once),
        GATHER_TEST(a_browser_that_was_hers_alone_is_settled_unless_that_is_a_guess),
        GATHER_TEST(browsers_of_the_last_thirty_days_are_counted),
        GATHER_TEST(nobody_joins_an_anonymous_shopper),
        GATHER_TEST(what_a_browser_does_is_hers_while_she_is_logged_in),
        GATHER_TEST(
            what_an_anonymous_shopper_does_is_its_own_when_the_last_of_its_customers_has_left),
        GATHER_TEST(all_carts_are_hers_also_those_that_had_to_make_room),
        GATHER_TEST(a_cart_that_was_only_named_is_asked_about_and_is_none_of_hers),
        GATHER_TEST(a_join_by_a_cart_alone_is_asked_about_beside_her_own_names),
        GATHER_TEST(of_a_guess_whose_cart_is_not_known_all_that_she_has_are_asked_about),
        GATHER_TEST(whom_a_browser_is_joined_with_is_no_question_of_its_own),
        GATHER_TEST(who_ordered_or_said_no_for_a_cart_may_be_joined_by_it_soon),
        GATHER_TEST(what_is_unread_is_looked_at_again_when_it_is_due_or_in_a_second),
        GATHER_TEST(all_of_it_is_asked_about_once_more),
        GATHER_TEST(a_login_behind_what_a_browser_has_just_answered_is_waited_for),
        GATHER_TEST(who_logged_in_at_a_browser_that_waits_is_waited_for),
        GATHER_TEST(as_many_dropped_carts_as_are_known_may_be_more),
        GATHER_TEST(of_a_stranger_it_is_asked_by_what_was_named),
        GATHER_TEST(who_is_found_by_a_cart_may_have_to_share_it_soon),
        GATHER_TEST(an_order_or_a_no_that_the_rules_were_not_asked_of_is_unasked),
        GATHER_TEST(what_a_browser_had_and_ordered_says_who_it_may_be),
        GATHER_TEST(what_they_did_is_read_and_what_joins_them_is_asked_for),
        GATHER_TEST(whoever_may_be_one_of_very_many_is_not_spoken_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
