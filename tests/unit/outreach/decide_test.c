/* The decision alone: which cart is meant, what was sent before, what the rules are asked, without a database or a clock. */
#include "outreach/decide.h"

#include "base/clock.h"
#include "domain/risk/risk_file.h"
#include "support/spec.h"

#include <math.h>
#include <stdlib.h>

#define NOW DAYS(20000)

static struct arena arena;
static struct buf model_bytes;
static struct config config;
static struct live_set models;
static const struct outreach_terms terms = {.config = &config, .models = &models};

static char first[] = "cart-1";
static char second[] = "cart-2";
static char side[] = "browser";
static char key[] = "c:ann";
static char shoe[] = "shoe";

/* A base rate of .9, as a model file in memory. */
static int setup(void **state)
{
    (void)state;
    struct err err = {0};
    struct model_file file;
    uint8_t sha256[SHA256_BYTES];
    const struct risk_window window = {
        .from_us = NOW - DAYS(9), .as_of_us = NOW, .horizon_us = DAYS(1)};

    config = (struct config){.idle_after = MINUTES(5),
                             .abandoned_after = HOURS(1),
                             .expired_after = DAYS(7),
                             .cart_age_max = DAYS(6),
                             .risk_threshold = 0.5,
                             .picks = 3};
    return risk_write_base_rate(0.9, &window, "{}", &model_bytes, sha256, &err) &&
                   model_file_view(model_bytes.data, model_bytes.len, &file, &err) &&
                   risk_load(&file, "risk-base_rate-1", &models.risk, &err)
               ? 0
               : -1;
}

static int teardown(void **state)
{
    (void)state;
    risk_free(&models.risk);
    buf_free(&model_bytes);
    arena_free(&arena);
    return 0;
}

static struct cart_line lines[] = {
    {.product_id = shoe, .quantity_milli = 1000, .price_minor = 999}};

/* Open, the shopper's own, changed two hours ago. */
#define THE_CART(...)                                                                              \
    {                                                                                              \
        .id = first, .round = 1, .status = CART_OPEN, .lines = lines, .line_count = 1,             \
        .opened_us = NOW - HOURS(2), .changed_us = NOW - HOURS(2), __VA_ARGS__                     \
    }
#define a_cart(...) ((struct cart)THE_CART(__VA_ARGS__))

struct scene {
    struct shopper shopper;
    struct gathered gathered;
    struct decided decided;
};

/* What is decided about a shopper with these carts; cart_id may be NULL. */
static const struct decided *decide(struct scene *s, const struct cart *carts, size_t count,
                                    const char *cart_id)
{
    for (size_t i = 0; i < count; i++) {
        s->shopper.carts[i] = carts[i];
    }
    s->shopper.key = key;
    s->shopper.cart_count = count;
    s->shopper.last_us = NOW - HOURS(2);
    s->gathered.known = true;
    s->gathered.now_us = NOW;
    s->gathered.subject.cart_id = cart_id;
    s->gathered.view.lane = 0xa7;
    s->gathered.view.key = key;
    s->gathered.view.shopper = &s->shopper;
    outreach_decide(&terms, &s->gathered, &arena, &s->decided);
    return &s->decided;
}

/* ---- which cart ---- */

static const struct meant {
    const char *name;
    struct cart carts[2];
    size_t count;
    const char *asked;
    const char *meant; /* NULL: none */
    bool send;
    enum rule_id reason;
} meant[] = {
    {.name = "none asked for", .carts = {THE_CART()}, .count = 1, .meant = first, .send = true},
    {.name = "the one asked for",
     .carts = {THE_CART(), THE_CART(.id = second, .changed_us = NOW - HOURS(1))},
     .count = 2,
     .asked = first,
     .meant = first,
     .send = true},
    {.name = "none asked for: the one changed last",
     .carts = {THE_CART(), THE_CART(.id = second, .changed_us = NOW - HOURS(1))},
     .count = 2,
     .meant = second,
     .send = true},
    {.name = "an unknown one: the open one",
     .carts = {THE_CART()},
     .count = 1,
     .asked = "cart-9",
     .meant = first,
     .send = true},
    {.name = "a merged one: the open one",
     .carts = {THE_CART(.status = CART_MERGED), THE_CART(.id = second)},
     .count = 2,
     .asked = first,
     .meant = second,
     .send = true},
    {.name = "a bought one while another is open",
     .carts = {THE_CART(.status = CART_BOUGHT), THE_CART(.id = second)},
     .count = 2,
     .asked = first,
     .reason = RULE_EMPTY},
    {.name = "a bought one, none open",
     .carts = {THE_CART(.status = CART_BOUGHT)},
     .count = 1,
     .asked = first,
     .reason = RULE_EMPTY},
    {.name = "an emptied one", /* the first rule says what is so, not which was asked for */
     .carts = {THE_CART(.status = CART_EMPTIED, .line_count = 0)},
     .count = 1,
     .asked = first,
     .reason = RULE_EMPTY},
    {.name = "a browser's, which is not the customer's yet",
     .carts = {THE_CART(.via = side)},
     .count = 1,
     .asked = first,
     .reason = RULE_EMPTY},
    {.name = "a browser's is never the open one",
     .carts = {THE_CART(.via = side)},
     .count = 1,
     .reason = RULE_EMPTY},
    {.name = "no cart at all", .count = 0, .reason = RULE_EMPTY},
};

static void the_cart_is_the_one_asked_for_or_the_open_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(meant); i++) {
        const struct meant *m = &meant[i];
        struct scene scene = {0};
        const struct decided *d = decide(&scene, m->carts, m->count, m->asked);
        const char *got = d->cart != NULL ? d->cart->id : "none";
        const char *wanted = m->meant != NULL ? m->meant : "none";

        if (strcmp(got, wanted) != 0 || d->decision.send != m->send ||
            (!m->send && d->decision.reason != m->reason)) {
            fail_msg("%s: cart %s instead of %s, %s because of %s", m->name, got, wanted,
                     d->decision.send ? "send" : "silence", rule_name(d->decision.reason));
        }
    }
}

/* What the rule that comes after "empty" is told. */
static enum rule_outcome changed(const struct cart *carts, size_t count, const char *asked)
{
    struct scene scene = {0};
    return decide(&scene, carts, count, asked)->decision.rules[RULE_CART_CHANGED].outcome;
}

static void the_cart_has_changed_where_another_one_is_open_now(void **state)
{
    (void)state;
    const struct cart bought_and_open[] = {a_cart(.status = CART_BOUGHT), a_cart(.id = second)};
    const struct cart side_and_open[] = {a_cart(.via = side), a_cart(.id = second)};
    const struct cart bought = a_cart(.status = CART_BOUGHT);
    const struct cart open = a_cart();

    assert_int_equal(changed(bought_and_open, 2, first), RULE_BLOCK);
    assert_int_equal(changed(side_and_open, 2, first), RULE_BLOCK);
    assert_int_equal(changed(bought_and_open, 2, second), RULE_PASS);
    assert_int_equal(changed(bought_and_open, 2, NULL), RULE_PASS);
    assert_int_equal(changed(&bought, 1, first), RULE_PASS);
    assert_int_equal(changed(&open, 1, first), RULE_PASS);
}

/* Who was named beside a cart is told of no other one. */
static void whoever_is_named_beside_a_cart_means_that_cart(void **state)
{
    (void)state;
    struct scene scene = {.gathered = {.subject = {.key = key}}};
    const struct cart cart = a_cart();

    assert_ptr_equal(decide(&scene, &cart, 1, first)->cart, &scene.shopper.carts[0]);
    assert_ptr_equal(decide(&scene, &cart, 1, NULL)->cart, &scene.shopper.carts[0]);
    const struct decided *d = decide(&scene, &cart, 1, "cart-9");
    assert_null(d->cart);
    assert_int_equal(d->decision.rules[RULE_CART_CHANGED].outcome, RULE_BLOCK);
    const struct cart bought = a_cart(.status = CART_BOUGHT);
    d = decide(&scene, &bought, 1, "cart-9");
    assert_null(d->cart);
    assert_int_equal(d->decision.rules[RULE_CART_CHANGED].outcome, RULE_PASS);
}

/* ---- what is decided, and what with ---- */

static void a_decision_carries_the_score_the_picks_and_the_id(void **state)
{
    (void)state;
    struct scene scene = {0};
    const struct cart cart = a_cart();
    const struct decided *d = decide(&scene, &cart, 1, NULL);

    assert_true(d->decision.send);
    assert_int_equal(d->step, 1);
    assert_true(fabs(d->score.probability - 0.9) < 1e-9);
    assert_ptr_equal(d->score.model, models.risk);
    assert_ptr_equal(d->score.x, &scene.decided.x);
    assert_int_equal(d->picks.want.wish.k, 3);
    assert_ptr_equal(d->picks.want.wish.shopper, &scene.shopper);
    assert_int_equal(d->picks.want.wish.now_us, NOW);
    assert_int_equal(d->picks.id_count, 0); /* no affinity model */
    assert_ptr_equal(d->terms, &terms);
    assert_ptr_equal(d->gathered, &scene.gathered);
}

static void a_cart_that_was_denied_a_coupon_hesitates_at_the_price(void **state)
{
    (void)state;
    struct scene scene = {0};
    const struct cart cart = a_cart();
    const struct cart denied = a_cart(.signals.coupon_denied_us = NOW - HOURS(2));

    assert_false(decide(&scene, &cart, 1, NULL)->picks.want.wish.about_price);
    assert_true(decide(&scene, &denied, 1, NULL)->picks.want.wish.about_price);
}

static void without_a_cart_there_is_no_score_and_no_id(void **state)
{
    (void)state;
    struct scene scene = {0};
    const struct decided *d = decide(&scene, NULL, 0, NULL);

    assert_true(isnan(d->score.probability));
    assert_null(d->score.x);
    assert_ptr_equal(d->score.model, models.risk);
    assert_null(d->outreach_id);
    assert_null(d->sent);
    assert_int_equal(d->picks.id_count, 0);
}

static void without_a_model_nothing_is_sent(void **state)
{
    (void)state;
    struct risk *kept = models.risk;
    struct scene scene = {0};
    const struct cart cart = a_cart();

    models.risk = NULL;
    const struct decided *d = decide(&scene, &cart, 1, NULL);
    models.risk = kept;
    assert_false(d->decision.send);
    assert_int_equal(d->decision.reason, RULE_RISK);
    assert_text_contains(d->decision.rules[RULE_RISK].detail, "no risk model");
    assert_true(isnan(d->score.probability));
}

/* Each setting decides by itself. */
static enum rule_id reason_with(struct config changed_config, struct cart cart)
{
    const struct config kept = config;
    struct scene scene = {0};

    config = changed_config;
    const struct decided *d = decide(&scene, &cart, 1, NULL);
    config = kept;
    return d->decision.send ? RULE_COUNT : d->decision.reason;
}

static void the_settings_are_those_of_the_shop(void **state)
{
    (void)state;
    struct config c = config;

    assert_int_equal(reason_with(c, a_cart()), RULE_COUNT);
    c.abandoned_after = HOURS(3);
    assert_int_equal(reason_with(c, a_cart()), RULE_TOO_EARLY);
    c = config;
    c.expired_after = HOURS(2);
    assert_int_equal(reason_with(c, a_cart()), RULE_EXPIRED);
    c = config;
    c.cart_age_max = HOURS(1);
    assert_int_equal(reason_with(c, a_cart()), RULE_TOO_OLD);
    c = config;
    c.risk_threshold = 0.95;
    assert_int_equal(reason_with(c, a_cart()), RULE_RISK);
    const struct cart_clock clock = cart_clock_of(&config);
    assert_int_equal(clock.idle_after_us, MINUTES(5));
}

static void a_dry_run_may_look_at_imported_carts(void **state)
{
    (void)state;
    struct scene real = {0};
    struct scene dry = {.gathered = {.subject = {.dry_run = true}}};
    const struct cart cart = a_cart(.imported = true);

    assert_int_equal(decide(&real, &cart, 1, NULL)->decision.reason, RULE_IMPORT);
    assert_false(real.decided.decision.send);
    assert_true(decide(&dry, &cart, 1, NULL)->decision.send);
}

/* ---- ids ---- */

static const char *id_of_whom(const char *whom, struct cart cart, int lane)
{
    struct scene scene = {0};
    (void)decide(&scene, &cart, 1, NULL);
    scene.gathered.view.key = whom;
    scene.gathered.view.lane = lane;
    outreach_decide(&terms, &scene.gathered, &arena, &scene.decided);
    return scene.decided.outreach_id;
}

static const char *id_of(struct cart cart, int lane)
{
    return id_of_whom(key, cart, lane);
}

static void an_id_names_its_lane_and_is_that_of_lane_key_subject_round_and_step(void **state)
{
    (void)state;
    const char *id = id_of(a_cart(), 0xa7);
    int lane = -1;

    /* SHA-256 of "167\nc:ann\ncart:cart-1\n1\n1": ids that were handed out stay valid */
    assert_string_equal(id, "out_a793a013a5ffb6e5fedc9f4af4");
    assert_true(outreach_id_lane(id, &lane));
    assert_int_equal(lane, 0xa7);
    assert_string_equal(id_of(a_cart(), 0xa7), id);
    assert_string_not_equal(id_of(a_cart(.id = second), 0xa7) + 6, id + 6);
    assert_string_not_equal(id_of(a_cart(.round = 2), 0xa7) + 6, id + 6);
    assert_string_not_equal(id_of(a_cart(), 0xa8) + 6, id + 6);
    assert_string_not_equal(id_of_whom("c:bob", a_cart(), 0xa7) + 6, id + 6);
}

static int by_text(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

/* A shop that calls every cart "cart": 40 shoppers a lane. */
static void ten_thousand_shoppers_with_one_cart_id_have_ten_thousand_ids(void **state)
{
    (void)state;
    enum { SHOPPERS = 10000 };
    static char same[] = "cart";
    static const char *ids[SHOPPERS];

    for (int i = 0; i < SHOPPERS; i++) {
        const char *whom = arena_printf(&arena, "c:%d", i);
        ids[i] = id_of_whom(whom, a_cart(.id = same), event_lane(whom));
    }
    qsort(ids, SHOPPERS, sizeof ids[0], by_text);
    for (int i = 1; i < SHOPPERS; i++) {
        assert_string_not_equal(ids[i - 1], ids[i]);
    }
}

static void what_is_no_id_names_no_lane(void **state)
{
    (void)state;
    static const char *const no_ids[] = {
        "",
        "out_",
        "out_a7",
        "out_a70123456789abcdef0123456",   /* one short */
        "out_a70123456789abcdef012345678", /* one long */
        "oux_a70123456789abcdef01234567",  /* another word */
        "out_A70123456789abcdef01234567",  /* upper case */
        "out_a70123456789abcdeg01234567",  /* no digit */
        "out_a70123456789abcdef0123456 ",
        "out_-70123456789abcdef01234567",
    };
    int lane = -1;

    for (size_t i = 0; i < COUNT_OF(no_ids); i++) {
        assert_false(outreach_id_lane(no_ids[i], &lane));
    }
    assert_int_equal(lane, -1);
    assert_true(outreach_id_lane("out_ff0123456789abcdef01234567", &lane));
    assert_int_equal(lane, 255);
}

/* ---- asked before ---- */

static const struct sent *sent_of(struct sent sent)
{
    struct scene scene = {0};
    const struct cart cart = a_cart(.round = 2);

    scene.gathered.view.rows.sent = &sent;
    scene.gathered.view.rows.sent_count = 1;
    return decide(&scene, &cart, 1, NULL)->sent;
}

static void only_the_same_cart_round_and_step_was_spoken_about_before(void **state)
{
    (void)state;
    const struct sent same = {.subject = "cart:cart-1", .round = 2, .step = 1, .outreach_id = "x"};
    struct sent differs = same;

    assert_non_null(sent_of(same));
    differs.subject = "cart:cart-2";
    assert_null(sent_of(differs));
    differs = same;
    differs.round = 1;
    assert_null(sent_of(differs));
    differs = same;
    differs.step = 2;
    assert_null(sent_of(differs));
}

static void of_many_that_were_sent_the_one_of_this_round_is_found(void **state)
{
    (void)state;
    struct sent sent[] = {{.subject = "cart:cart-2", .round = 2, .step = 1},
                          {.subject = "cart:cart-1", .round = 1, .step = 1},
                          {.subject = "cart:cart-1", .round = 2, .step = 1}};
    struct scene scene = {0};
    const struct cart cart = a_cart(.round = 2);

    scene.gathered.view.rows.sent = sent;
    scene.gathered.view.rows.sent_count = 3;
    assert_ptr_equal(decide(&scene, &cart, 1, NULL)->sent, &sent[2]);
}

/* A row of a version that kept no digest of the lines is judged by its time: what changed at that moment was seen. */
static void what_was_sent_without_a_digest_is_outdated_by_a_later_change_only(void **state)
{
    (void)state;
    static const struct {
        int64_t decided_us;
        bool outdated;
    } rows[] = {{NOW - HOURS(2), false}, {NOW - HOURS(2) - 1, true}, {NOW - HOURS(1), false}};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct sent sent = {
            .subject = "cart:cart-1", .round = 1, .step = 1, .decided_us = rows[i].decided_us};
        struct scene scene = {0};
        const struct cart cart = a_cart();

        scene.gathered.view.rows.sent = &sent;
        scene.gathered.view.rows.sent_count = 1;
        assert_int_equal(decide(&scene, &cart, 1, NULL)->asked.sent_outdated, rows[i].outdated);
    }
}

static char red[] = "red", blue[] = "blue", seven[] = "7", eight[] = "8", nine[] = "9";
static char hat[] = "hat", gift[] = "gift";

/* Everything that a message says of a cart is in its digest, which is stored: digests of before stay valid. */
static void a_digest_is_that_of_every_line_and_of_what_was_taken_off(void **state)
{
    (void)state;
    struct cart_line own[] = {
        {shoe, red, seven, 1500, 999, "EUR", 1, 1},
        {hat, blue, eight, 1000, 50, "EUR", 1, 1},
    };
    struct cart_line off[] = {{gift, red, nine, 1000, 300, "EUR", 1, 1}};
    struct cart cart =
        a_cart(.lines = own, .line_count = 2, .adjustments = off, .adjustment_count = 1);
    struct scene scene = {0};

    off[0].variant_id = NULL;
    const char *digest = decide(&scene, &cart, 1, NULL)->cart_digest;
    /* SHA-256 of [[["shoe","red","7",1500,999,"EUR"],["hat","blue","8",1000,50,"EUR"]],[["gift",null,"9",1000,300,"EUR"]]] */
    assert_string_equal(digest, "7ec9ebe23ec9014ada17dd86809fb3f9aa6642eeb80ca0abfb011f12a17f6361");
    own[1].added_us = own[1].touched_us = 9; /* times are not said */
    assert_string_equal(decide(&scene, &cart, 1, NULL)->cart_digest, digest);
}

static void what_was_sent_is_outdated_where_the_digest_is_another(void **state)
{
    (void)state;
    struct scene scene = {0};
    const struct cart cart = a_cart();
    struct sent sent = {.subject = "cart:cart-1", .round = 1, .step = 1};

    sent.cart_digest = decide(&scene, &cart, 1, NULL)->cart_digest;
    scene.gathered.view.rows.sent = &sent;
    scene.gathered.view.rows.sent_count = 1;
    assert_false(
        decide(&scene, &cart, 1, NULL)->asked.sent_outdated); /* though the cart changed since */
    sent.cart_digest = "another";
    sent.decided_us = NOW;
    assert_true(decide(&scene, &cart, 1, NULL)->asked.sent_outdated);
    const struct cart bought = a_cart(.status = CART_BOUGHT);
    assert_false(decide(&scene, &bought, 1, NULL)->asked.sent_outdated); /* none to speak about */
    assert_ptr_equal(scene.decided.sent, &sent);
}

static void a_score_is_looked_at_again_no_sooner_than_the_rules_allow(void **state)
{
    (void)state;
    struct scene free = {0};
    struct scene unread = {.gathered.unread_until_us = NOW + MINUTES(3)};
    const struct cart cart = a_cart();

    assert_true(decide(&free, &cart, 1, NULL)->score.outlook.look_again_us == 0);
    assert_true(decide(&unread, &cart, 1, NULL)->score.outlook.look_again_us == NOW + MINUTES(3));
}

/* Nothing that was decided before is handed out again to whom one of these rules protects. */
static void never_are_buyer_opted_out_bot_many_people_and_who_may_be_one(void **state)
{
    (void)state;
    for (int r = 0; r < RULE_COUNT; r++) {
        const struct decision silence = {.send = false, .reason = (enum rule_id)r};
        const struct decision send = {.send = true, .reason = (enum rule_id)r};
        bool protects = r == RULE_BUYER || r == RULE_OPTED_OUT || r == RULE_BOT ||
                        r == RULE_MANY_BROWSERS || r == RULE_UNREAD;

        assert_int_equal(outreach_never(&silence), protects);
        assert_false(outreach_never(&send));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cart_is_the_one_asked_for_or_the_open_one),
        cmocka_unit_test(the_cart_has_changed_where_another_one_is_open_now),
        cmocka_unit_test(whoever_is_named_beside_a_cart_means_that_cart),
        cmocka_unit_test(a_decision_carries_the_score_the_picks_and_the_id),
        cmocka_unit_test(a_cart_that_was_denied_a_coupon_hesitates_at_the_price),
        cmocka_unit_test(without_a_cart_there_is_no_score_and_no_id),
        cmocka_unit_test(without_a_model_nothing_is_sent),
        cmocka_unit_test(the_settings_are_those_of_the_shop),
        cmocka_unit_test(a_dry_run_may_look_at_imported_carts),
        cmocka_unit_test(an_id_names_its_lane_and_is_that_of_lane_key_subject_round_and_step),
        cmocka_unit_test(ten_thousand_shoppers_with_one_cart_id_have_ten_thousand_ids),
        cmocka_unit_test(what_is_no_id_names_no_lane),
        cmocka_unit_test(only_the_same_cart_round_and_step_was_spoken_about_before),
        cmocka_unit_test(of_many_that_were_sent_the_one_of_this_round_is_found),
        cmocka_unit_test(what_was_sent_without_a_digest_is_outdated_by_a_later_change_only),
        cmocka_unit_test(a_digest_is_that_of_every_line_and_of_what_was_taken_off),
        cmocka_unit_test(what_was_sent_is_outdated_where_the_digest_is_another),
        cmocka_unit_test(a_score_is_looked_at_again_no_sooner_than_the_rules_allow),
        cmocka_unit_test(never_are_buyer_opted_out_bot_many_people_and_who_may_be_one),
    };
    return cmocka_run_group_tests_name("decide", tests, setup, teardown);
}
