/* Who is spoken to about what, when somebody is known by several names: nobody who bought or opted out under one of them, nobody
 * about what another one put into a cart, and whatever is committed counts, folded or not. */
#include "integration/outreach/outreach_spec.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "domain/shopper/shopper.h"
#include "outreach/customer.h"
#include "outreach/listed.h"
#include "outreach/ordered.h"
#include "store/gather.h"
#include "support/spec.h"

static void browser_did(const char *browser, const char *type, int64_t minutes_ago,
                        const char *more)
{
    did_with(bench.db,
             (struct deed){
                 .anonymous = browser, .type = type, .minutes_ago = minutes_ago, .more = more});
}

static const char *with_browser(const char *browser, const char *more)
{
    return arena_printf(&bench.arena, ",\"anonymous_id\":\"%s\"%s", browser, more);
}

static const char *with_cart(const char *cart_id, const char *more)
{
    return arena_printf(&bench.arena, ",\"cart_id\":\"%s\"%s", cart_id, more);
}

static const char *of_product(const char *product)
{
    return arena_printf(
        &bench.arena,
        ",\"items\":[{\"product_id\":\"%s\",\"price_minor\":900,\"currency\":\"EUR\"}]", product);
}

static struct answer ask_browser(const char *browser)
{
    return ask_as((struct outreach_request){.anonymous_id = browser});
}

static void expect_pending(struct outreach_request request)
{
    struct err err = {0};
    struct answer none;

    if (try_ask_briefly(request, &none, &err)) {
        fail_msg("answered: %d %s", (int)none.outcome, none.text);
    }
    assert_int_equal(err.kind, ERR_BUSY);
    assert_text_contains(err.text, "before logging in");
}

/* ---- everything committed counts ---- */

static void an_opted_out_customer_is_not_spoken_to_through_a_browser_whose_login_waits(void **state)
{
    (void)state;
    did("ada", "consent_withdrawn", 200, "");
    browser_did("ada-phone", "cart_item_added", 90, A_SHOE);
    fold_to_end(&bench);
    did("ada", "identify", 80, with_browser("ada-phone", ""));
    expect_pending((struct outreach_request){.anonymous_id = "ada-phone"});
    expect_pending((struct outreach_request){.anonymous_id = "ada-phone", .dry_run = true});
    fold_to_end(&bench);
    struct answer a = ask_browser("ada-phone");
    assert_string_equal(member(&a, "customer_id"), "ada");
    expect(a, OUTREACH_NEW, "silence", "opted_out");
}

static void a_buyer_is_not_spoken_to_through_a_cart_whose_owner_s_login_waits(void **state)
{
    (void)state;
    browser_did("bee-phone", "cart_item_added", 90, A_SHOE ",\"cart_id\":\"bees-9\"");
    fold_to_end(&bench);
    did("bee", "purchase", 65, A_SHOE);
    fold_to_end(&bench);
    did("bee", "page_viewed", 95, with_browser("bee-phone", ""));
    expect_pending((struct outreach_request){.cart_id = "bees-9"});
    fold_to_end(&bench);
    expect(ask_as((struct outreach_request){.cart_id = "bees-9"}), OUTREACH_DRY, "silence",
           "buyer");
}

static void a_message_is_not_handed_out_again_while_a_login_waits(void **state)
{
    (void)state;
    did("cal", "consent_withdrawn", 200, "");
    browser_did("cal-phone", "cart_item_added", 90, A_SHOE);
    fold_to_end(&bench);
    expect(ask_browser("cal-phone"), OUTREACH_NEW, "send", "risk");
    did("cal", "identify", 80, with_browser("cal-phone", ""));
    expect_pending((struct outreach_request){.anonymous_id = "cal-phone"});
}

static void nobody_is_without_a_cart_who_has_just_logged_in_with_one(void **state)
{
    (void)state;
    did("dee", "page_viewed", 100, "");
    browser_did("dee-phone", "cart_item_added", 90, A_SHOE);
    fold_to_end(&bench);
    did("dee", "identify", 80, with_browser("dee-phone", ""));
    expect_pending((struct outreach_request){.customer_id = "dee"});
    fold_to_end(&bench);
    expect(ask("dee"), OUTREACH_NEW, "send", "risk");
}

static void nobody_is_unknown_whom_the_fold_is_about_to_know(void **state)
{
    (void)state;
    browser_did("eva-phone", "cart_item_added", 90, A_SHOE ",\"cart_id\":\"evas-9\"");
    expect_pending((struct outreach_request){.cart_id = "evas-9"});
    did("eva", "cart_item_added", 80, with_browser("eva-tablet", A_SHOE));
    expect_pending((struct outreach_request){.anonymous_id = "eva-tablet"});
    fold_to_end(&bench);
    expect(ask_as((struct outreach_request){.cart_id = "evas-9"}), OUTREACH_NEW, "send", "risk");
    struct answer a = ask_browser("eva-tablet");
    assert_string_equal(member(&a, "customer_id"), "eva");
    expect(a, OUTREACH_NEW, "send", "risk");
}

/* So many page views of one customer, none of them folded. */
static void crowd_waits(int count)
{
    run_sql(
        &bench,
        arena_printf(
            &bench.arena,
            "INSERT INTO cartwright.event (lane, off, event_id, key, type, origin, occurred_at, received_at, body) "
            "SELECT l.lane, l.off + n, 'crowd' || l.off + n, 'c:crowd', 'page_viewed', 'api', now(), now(), "
            "jsonb_build_object('event_id', 'crowd' || l.off + n, 'type', 'page_viewed', 'customer_id', 'crowd', "
            "'occurred_at', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')) "
            "FROM generate_series(1, %d) n, (SELECT cartwright.lane_of('c:crowd') AS lane, "
            "(SELECT coalesce(max(off), 0) FROM cartwright.event WHERE lane = cartwright.lane_of('c:crowd')) AS off) l",
            count));
}

static void a_cart_behind_however_many_events_is_not_unknown(void **state)
{
    (void)state;
    fold_to_end(&bench);
    crowd_waits(1200);
    did("crowd", "cart_item_added", 90, A_SHOE ",\"cart_id\":\"crowds-9\"");
    expect_pending((struct outreach_request){.cart_id = "crowds-9"});
    assert_int_equal(ask_as((struct outreach_request){.cart_id = "nowhere-9"}).outcome,
                     OUTREACH_UNKNOWN);
    crowd_waits(4000); /* too many to be read: it may be there */
    expect_pending((struct outreach_request){.cart_id = "nowhere-9"});
    fold_to_end(&bench);
    assert_int_equal(ask_as((struct outreach_request){.cart_id = "nowhere-9"}).outcome,
                     OUTREACH_UNKNOWN);
}

/* Folds everything but the lane of the key, which another folder has. */
static void fold_all_but(const char *key)
{
    struct err err = {0};
    int64_t folded;

    run_sql(
        &bench,
        arena_printf(
            &bench.arena,
            "UPDATE cartwright.lane_cursor SET owner = 'another', epoch = epoch + 1, "
            "lease_until = now() + interval '1 hour' WHERE consumer = 'fold' AND lane = cartwright.lane_of('%s')",
            key));
    for (int i = 0; i < 20; i++) {
        if (!folder_step(bench.folder, &folded, &err)) {
            err = (struct err){0}; /* it finds out that the lane is gone */
        }
    }
}

static void fold_the_rest(void)
{
    run_sql(&bench,
            "UPDATE cartwright.lane_cursor SET lease_until = '-infinity' WHERE owner = 'another'");
    fold_to_end(&bench);
}

/* Anna's second login was no news as long as nobody knew of dora's. */
static void a_login_again_on_a_shared_browser_counts_before_it_is_told(void **state)
{
    (void)state;
    did("anna", "cart_item_added", 300, A_SHOE);
    did("anna", "identify", 200, with_browser("annas-tablet", ""));
    did("anna", "identify", 196, with_browser("annas-tablet", ""));
    fold_to_end(&bench);
    did("dora", "identify", 198, with_browser("annas-tablet", ""));
    browser_did("annas-tablet", "purchase", 100, A_SHOE);
    fold_all_but("c:anna");
    expect_pending((struct outreach_request){.customer_id = "anna"});
    fold_the_rest();
    expect(ask("anna"), OUTREACH_DRY, "silence", "buyer");
    assert_replay_is_clean(&bench);
}

/* ---- what is folded, and told nobody yet ---- */

/* Folds everything while somebody holds the lane of the key, so that what it is to be told waits. */
static void fold_beside(const char *key)
{
    PGconn *holder = PQconnectdb(bench.url);
    struct err err = {0};
    int64_t folded;

    PQclear(PQexec(holder, "BEGIN"));
    PGresult *res = PQexec(holder, arena_printf(&bench.arena,
                                                "SELECT FROM cartwright.lane WHERE lane = "
                                                "cartwright.lane_of('%s') FOR UPDATE",
                                                key));
    assert_int_equal(PQresultStatus(res), PGRES_TUPLES_OK);
    PQclear(res);
    for (int i = 0; i < 20; i++) {
        ok(folder_step(bench.folder, &folded, &err), &err);
    }
    PQfinish(holder);
    assert_true(count_of(&bench, "SELECT count(*) FROM cartwright.derived_waiting") > 0);
}

static void a_purchase_counts_while_it_waits_to_be_forwarded(void **state)
{
    (void)state;
    did("vic", "identify", 200, with_browser("vic-phone", ""));
    browser_did("vic-phone", "cart_item_added", 90, A_SHOE);
    fold_to_end(&bench);
    browser_did("vic-phone", "purchase", 62, A_SHOE);
    fold_beside("c:vic");
    expect_pending((struct outreach_request){.customer_id = "vic"});
    expect_pending((struct outreach_request){.anonymous_id = "vic-phone"});
    fold_to_end(&bench);
    expect(ask("vic"), OUTREACH_DRY, "silence", "buyer");
}

static void a_login_counts_while_it_waits_to_be_told(void **state)
{
    (void)state;
    did("jax", "consent_withdrawn", 200, "");
    browser_did("jax-phone", "cart_item_added", 90, A_SHOE);
    fold_to_end(&bench);
    did("jax", "identify", 80, with_browser("jax-phone", ""));
    fold_beside("a:jax-phone");
    expect_pending((struct outreach_request){.anonymous_id = "jax-phone"});
    fold_to_end(&bench);
    expect(ask_browser("jax-phone"), OUTREACH_NEW, "silence", "opted_out");
}

static void an_order_that_names_a_cart_counts_while_it_waits_to_be_told(void **state)
{
    (void)state;
    browser_did("kim-phone", "cart_item_added", 90, A_SHOE ",\"cart_id\":\"kims-9\"");
    fold_to_end(&bench);
    did("kim", "purchase", 62, A_SHOE ",\"cart_id\":\"kims-9\"");
    fold_beside("c:kim");
    expect_pending((struct outreach_request){.anonymous_id = "kim-phone"});
    expect_pending((struct outreach_request){.cart_id = "kims-9"});
    fold_to_end(&bench);
    expect(ask_browser("kim-phone"), OUTREACH_DRY, "silence", "buyer");
    assert_replay_is_clean(&bench);
}

/* ---- an event with both ids ---- */

static void an_order_with_both_ids_closes_the_browser_s_cart(void **state)
{
    (void)state;
    browser_did("fay-phone", "cart_item_added", 150, A_SHOE);
    did("fay", "purchase", 148, with_browser("fay-phone", A_SHOE ",\"order_id\":\"f1\""));
    fold_to_end(&bench);
    struct answer a = ask_browser("fay-phone");
    assert_string_equal(member(&a, "customer_id"), "fay");
    expect(a, OUTREACH_DRY, "silence", "buyer");
    fold_to_end(&bench);
    assert_replay_is_clean(&bench);
}

static void a_withdrawal_with_both_ids_counts_in_the_browser(void **state)
{
    (void)state;
    browser_did("gus-phone", "cart_item_added", 150, A_SHOE);
    did("gus", "consent_withdrawn", 148, with_browser("gus-phone", ""));
    fold_to_end(&bench);
    expect(ask_browser("gus-phone"), OUTREACH_NEW, "silence", "opted_out");
}

static void a_known_binding_is_not_told_again(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        did("hal", "page_viewed", 200 - i, with_browser("hal-phone", ""));
        fold_to_end(&bench);
    }
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.event WHERE type = "
                                      "'shopper_bound' AND key = 'a:hal-phone'"),
                     1);
}

/* ---- an order that names the cart ---- */

/* What the server tells may be folded before or after what the browser did. */
static void an_order_of_a_cart_that_a_browser_keeps(bool order_first, const char *who)
{
    const char *browser = arena_printf(&bench.arena, "%s-phone", who);
    const char *cart = arena_printf(&bench.arena, A_SHOE ",\"cart_id\":\"%s-9\"", who);

    if (!order_first) {
        browser_did(browser, "cart_item_added", 150, cart);
        fold_to_end(&bench);
    }
    did(who, "purchase", 148, cart);
    if (!order_first) {
        expect_pending((struct outreach_request){.anonymous_id = browser});
    }
    fold_to_end(&bench);
    if (order_first) {
        browser_did(browser, "cart_item_added", 150, cart);
        fold_to_end(&bench);
    }
    expect(ask_browser(browser), OUTREACH_DRY, "silence", "buyer");
    expect(ask_as((struct outreach_request){.cart_id = arena_printf(&bench.arena, "%s-9", who),
                                            .dry_run = true}),
           OUTREACH_DRY, "silence", "buyer");
    fold_to_end(&bench);
    assert_replay_is_clean(&bench);
}

static void an_order_acts_on_the_cart_it_names_wherever_that_is_kept(void **state)
{
    (void)state;
    an_order_of_a_cart_that_a_browser_keeps(false, "ian");
    an_order_of_a_cart_that_a_browser_keeps(true, "ivo");
}

/* At the checkout another address was typed in: the cart is bought, and nobody is anybody else. */
static void a_cart_that_another_customer_orders_is_bought(void **state)
{
    static const char *const orders[] = {",\"anonymous_id\":\"uma-phone\"", ""};
    (void)state;

    for (int i = 0; i < 2; i++) {
        const char *who = arena_printf(&bench.arena, "uma%d", i);
        const char *other = arena_printf(&bench.arena, "ulf%d", i);
        const char *cart = arena_printf(&bench.arena, A_SHOE ",\"cart_id\":\"umas-9%d\"", i);
        did(who, "cart_snapshot", 150, cart);
        fold_to_end(&bench);
        expect(ask_as((struct outreach_request){.customer_id = who, .dry_run = true}), OUTREACH_DRY,
               "send", "risk");
        did(other, "purchase", 148, arena_printf(&bench.arena, "%s%s", cart, orders[i]));
        expect_pending((struct outreach_request){.customer_id = who});
        fold_to_end(&bench);
        expect(ask_as((struct outreach_request){.customer_id = who, .dry_run = true}), OUTREACH_DRY,
               "silence", "buyer");
        expect(ask(who), OUTREACH_NEW, "silence", "buyer");
        struct answer a = ask(other);
        assert_string_equal(member(&a, "customer_id"), other);
        json_decref(a.json);
        const char *another = arena_printf(&bench.arena, A_SHOE ",\"cart_id\":\"umas-8%d\"", i);
        did(who, "cart_item_added", 95, another); /* a cart that was filled since is not bought */
        fold_to_end(&bench);
        expect(ask(who), OUTREACH_NEW, "send", "risk");
    }
}

/* Two shops that count their carts from 1, and a shop that calls every cart cart1. */
static void an_id_that_many_carts_have_is_no_other_shopper_s(void **state)
{
    (void)state;
    did("liv", "cart_snapshot", 150, A_SHOE ",\"cart_id\":\"1001\"");
    did("lou", "cart_snapshot", 150, A_SHOE ",\"cart_id\":\"1001\"");
    did("lou", "purchase", 148, A_SHOE ",\"cart_id\":\"1001\"");
    did("meg", "cart_snapshot", 150, A_SHOE ",\"cart_id\":\"cart1\"");
    did("mia", "purchase", 148, A_SHOE ",\"cart_id\":\"cart1\"");
    did("moe", "purchase", 147, A_SHOE ",\"cart_id\":\"cart1\"");
    did("nia", "cart_snapshot", 150, A_SHOE ",\"cart_id\":\"cart\"");
    did("noa", "purchase", 148, A_SHOE ",\"cart_id\":\"cart\"");
    fold_to_end(&bench);
    expect(ask("liv"), OUTREACH_NEW, "send", "risk");
    expect(ask("meg"), OUTREACH_NEW, "send", "risk");
    expect(ask("nia"), OUTREACH_NEW, "send", "risk");
}

/* ---- one cart id, several people ---- */

static void expect_outcome(struct outreach_request request, enum outreach_outcome outcome)
{
    struct answer a = ask_as(request);

    if (a.outcome != outcome) {
        fail_msg("expected %d, got %d %s", (int)outcome, (int)a.outcome, a.text);
    }
    json_decref(a.json);
}

static void expect_product(struct outreach_request request, const char *product)
{
    struct answer a = ask_as(request);

    assert_text_contains(a.text, product);
    json_decref(a.json);
}

static void a_cart_id_of_two_people_tells_nobody_s_cart(void **state)
{
    (void)state;
    did("oda", "cart_item_added", 100, with_cart("till-7", of_product("odas-hat")));
    did("orm", "cart_item_added", 90, with_cart("till-7", of_product("orms-sock")));
    fold_to_end(&bench);
    expect_outcome((struct outreach_request){.cart_id = "till-7"}, OUTREACH_SHARED);
    expect_outcome((struct outreach_request){.cart_id = "till-7", .dry_run = true},
                   OUTREACH_SHARED);
    expect_outcome((struct outreach_request){.cart_id = "till-7",
                                             .dry_run = true,
                                             .at_us = clock_now_us() - MINUTES(95)},
                   OUTREACH_SHARED);
    assert_int_equal(
        count_of(&bench, "SELECT count(*) FROM cartwright.outreach WHERE subject = 'cart:till-7'"),
        0);
    expect_product((struct outreach_request){.customer_id = "oda", .cart_id = "till-7"},
                   "odas-hat");
    expect_product((struct outreach_request){.customer_id = "orm", .cart_id = "till-7"},
                   "orms-sock");
    fold_to_end(&bench);
    assert_replay_is_clean(&bench);
}

static void a_cart_id_of_very_many_people_tells_nobody_s_cart(void **state)
{
    (void)state;
    for (int i = 0; i < KEEPERS_MAX + 4; i++) {
        did(arena_printf(&bench.arena, "clerk%d", i), "cart_item_added", 100,
            with_cart("till-8", A_SHOE));
    }
    fold_to_end(&bench);
    expect_outcome((struct outreach_request){.cart_id = "till-8", .dry_run = true},
                   OUTREACH_SHARED);
}

/* The customer named the cart before it was said whose browser it is. */
static void a_cart_id_of_a_browser_and_its_customer_is_one_person_s(void **state)
{
    (void)state;
    browser_did("pam-phone", "cart_item_added", 100, with_cart("pams-7", of_product("pams-hat")));
    did("pam", "cart_item_added", 95, with_cart("pams-7", of_product("pams-scarf")));
    fold_to_end(&bench);
    expect_outcome((struct outreach_request){.cart_id = "pams-7", .dry_run = true},
                   OUTREACH_SHARED);
    did("pam", "identify", 90, with_browser("pam-phone", ""));
    expect_pending((struct outreach_request){.cart_id = "pams-7"});
    fold_to_end(&bench);
    expect_product((struct outreach_request){.cart_id = "pams-7", .dry_run = true}, "pams-hat");
    /* as where the browser's own row has not gone yet */
    run_sql(&bench, "INSERT INTO cartwright.cart_lane VALUES ('pams-7', "
                    "cartwright.lane_of('a:pam-phone'), 'a:pam-phone')");
    expect_product((struct outreach_request){.cart_id = "pams-7", .dry_run = true}, "pams-hat");
}

static void a_cart_id_that_somebody_else_has_just_used_waits_for_the_fold(void **state)
{
    (void)state;
    did("rae", "cart_item_added", 100, with_cart("till-9", of_product("raes-hat")));
    fold_to_end(&bench);
    expect_product((struct outreach_request){.cart_id = "till-9", .dry_run = true}, "raes-hat");
    did("rae", "cart_item_added", 95, with_cart("till-9", A_SHOE)); /* her own does not */
    expect_product((struct outreach_request){.cart_id = "till-9", .dry_run = true}, "raes-hat");
    browser_did("guest-9", "cart_item_added", 90, with_cart("till-9", A_SHOE));
    expect_pending((struct outreach_request){.cart_id = "till-9"});
    expect_pending((struct outreach_request){.cart_id = "till-9", .dry_run = true});
    expect_product((struct outreach_request){.customer_id = "rae", .cart_id = "till-9"},
                   "raes-hat");
    fold_to_end(&bench);
    expect_outcome((struct outreach_request){.cart_id = "till-9"}, OUTREACH_SHARED);
}

static void who_is_named_beside_a_cart_of_somebody_else_is_told_of_none(void **state)
{
    (void)state;
    did("sal", "cart_item_added", 100, with_cart("sals-7", of_product("sals-hat")));
    did("sid", "cart_item_added", 100, with_cart("sids-7", of_product("sids-sock")));
    fold_to_end(&bench);
    struct answer a = ask_as((struct outreach_request){.customer_id = "sid", .cart_id = "sals-7"});
    assert_null(strstr(a.text, "sals-hat"));
    assert_null(strstr(a.text, "sids-sock"));
    assert_string_equal(member(&a, "decision"), "silence");
    json_decref(a.json);
}

/* While it goes from the browser to the customer it is in nobody's document. */
static void a_cart_that_changes_hands_is_never_unknown(void **state)
{
    enum { STEPS = 8 };
    int waits = 0;
    (void)state;

    browser_did("pia-phone", "cart_item_added", 150, A_SHOE ",\"cart_id\":\"pias-9\"");
    fold_to_end(&bench);
    did("pia", "purchase", 148, A_SHOE ",\"cart_id\":\"pias-9\"");
    for (int i = 0; i < STEPS; i++) {
        struct answer a = {0};
        struct err err = {0};
        int64_t folded;
        if (try_ask_briefly((struct outreach_request){.cart_id = "pias-9", .dry_run = true}, &a,
                            &err)) {
            expect(a, OUTREACH_DRY, "silence", "buyer");
        } else {
            assert_int_equal(err.kind, ERR_BUSY);
            waits++;
        }
        err = (struct err){0};
        ok(folder_step(bench.folder, &folded, &err), &err);
    }
    assert_in_range(waits, 1, STEPS - 1);
}

static void a_withdrawal_by_a_session_that_names_a_customer_s_cart_counts(void **state)
{
    (void)state;
    did("jan", "cart_item_added", 150, A_SHOE ",\"cart_id\":\"jans-9\"");
    fold_to_end(&bench);
    browser_did("session-of-jan", "consent_withdrawn", 100, ",\"cart_id\":\"jans-9\"");
    expect_pending((struct outreach_request){.customer_id = "jan"});
    fold_to_end(&bench);
    expect(ask("jan"), OUTREACH_NEW, "silence", "opted_out");
}

/* The chat knows the cart, and not who it belongs to. */
static void stop_in_a_session_s_chat_that_names_a_customer_s_cart_counts(void **state)
{
    (void)state;
    did("jon", "cart_item_added", 150, A_SHOE ",\"cart_id\":\"jons-9\"");
    fold_to_end(&bench);
    browser_did("session-of-jon", "chat_message", 100,
                ",\"cart_id\":\"jons-9\",\"properties\":{\"text\":\"Stop!\"}");
    expect_pending((struct outreach_request){.customer_id = "jon"});
    fold_to_end(&bench);
    expect(ask("jon"), OUTREACH_NEW, "silence", "opted_out");
}

/* Two have named the cart, so that nobody is joined by it: whoever keeps it is not spoken to. */
static void a_withdrawal_that_joins_nobody_counts_for_whoever_keeps_the_cart(const char *cart_id,
                                                                             const char *type,
                                                                             const char *more)
{
    const char *who = arena_printf(&bench.arena, "keeper-of-%s", cart_id);
    const char *other = arena_printf(&bench.arena, "also-%s", cart_id);
    const struct outreach_request dry = {.customer_id = who, .dry_run = true};

    did(who, "cart_item_added", 150, with_cart(cart_id, A_SHOE));
    did(other, "cart_item_added", 149, with_cart(cart_id, A_SHOE));
    fold_to_end(&bench);
    expect(ask_as(dry), OUTREACH_DRY, "send", "risk");
    browser_did(arena_printf(&bench.arena, "session-%s", cart_id), type, 100,
                with_cart(cart_id, more));
    expect_pending(dry);
    fold_to_end(&bench);
    expect(ask_as(dry), OUTREACH_DRY, "silence", "opted_out");
    expect(ask(who), OUTREACH_NEW, "silence", "opted_out");
    expect(ask(other), OUTREACH_NEW, "silence", "opted_out");
    did(who, "consent_given", 90, "");
    expect(ask(who), OUTREACH_NEW, "send", "risk");
    expect(ask(other), OUTREACH_NEW, "silence", "opted_out");
}

static void a_withdrawal_counts_for_all_who_keep_the_cart_it_names(void **state)
{
    (void)state;
    a_withdrawal_that_joins_nobody_counts_for_whoever_keeps_the_cart("rugs-9", "consent_withdrawn",
                                                                     "");
    a_withdrawal_that_joins_nobody_counts_for_whoever_keeps_the_cart(
        "QuGTxcDRsXZJiHpkwbVeK", "chat_message",
        ",\"opt_out\":true,\"properties\":{\"text\":\"No more of this\"}");
}

/* By a word, or by who keeps one of the same id, nobody else opts out. */
static void a_withdrawal_of_somebody_else_s_cart_of_that_id_counts_for_them_alone(void **state)
{
    (void)state;
    did("tia", "cart_item_added", 150, with_cart("basket", A_SHOE));
    browser_did("tias-neighbour", "consent_withdrawn", 100, with_cart("basket", ""));
    did("tom", "cart_item_added", 150, with_cart("2001", A_SHOE));
    did("ted", "cart_item_added", 150, with_cart("2001", A_SHOE));
    did("ted", "consent_withdrawn", 100, with_cart("2001", ""));
    fold_to_end(&bench);
    expect(ask("tia"), OUTREACH_NEW, "send", "risk");
    expect(ask("tom"), OUTREACH_NEW, "send", "risk");
    expect(ask("ted"), OUTREACH_NEW, "silence", "opted_out");
}

/* A browser was a customer's only while they were logged in: what a guest does there in the name of their cart is another's doing. */
static void what_a_guest_does_at_a_browser_of_before_counts_for_the_cart_it_names(void **state)
{
    (void)state;
    did("ula", "identify", 200, with_browser("ulas-kiosk", ""));
    did("ula", "cart_item_added", 190, with_cart("ulas-7", A_SHOE));
    browser_did("ulas-kiosk", "logged_out", 150, "");
    fold_to_end(&bench);
    browser_did("ulas-kiosk", "purchase", 120, with_cart("ulas-7", A_SHOE));
    fold_to_end(&bench);
    expect(ask("ula"), OUTREACH_NEW, "silence", "buyer");
    did("ula", "cart_item_added", 110, with_cart("ulas-8", of_product("hat")));
    fold_to_end(&bench);
    expect(ask_as((struct outreach_request){.customer_id = "ula", .dry_run = true}), OUTREACH_DRY,
           "send", "risk");
    browser_did("ulas-kiosk", "consent_withdrawn", 100, with_cart("ulas-7", ""));
    fold_to_end(&bench);
    expect(ask("ula"), OUTREACH_NEW, "silence", "opted_out");
}

/* By a cart the browser was the customer's, and nobody had said otherwise. A login that waits says that they had logged out before. */
static void a_login_that_ends_a_guess_is_waited_for(void **state)
{
    const struct outreach_request dry = {.customer_id = "gil", .dry_run = true};
    (void)state;
    did("gil", "cart_item_added", 200, with_cart("gils-7", A_SHOE));
    browser_did("gils-pc", "logged_out", 190, "");
    browser_did("gils-pc", "purchase", 150, with_cart("gils-7", A_SHOE));
    fold_to_end(&bench);
    browser_did("gils-pc", "cart_item_added", 140, of_product("hat"));
    fold_to_end(&bench);
    expect(ask_as(dry), OUTREACH_DRY, "send", "risk");
    did("gil", "identify", 250, with_browser("gils-pc", ""));
    expect_pending(dry);
    fold_to_end(&bench);
    expect(ask_as(dry), OUTREACH_DRY, "silence", "buyer");
}

/* And what a customer did there counts for the cart of that id that a guest has filled since. */
static void what_a_customer_did_at_a_browser_counts_for_the_guest_s_cart_of_that_id(void **state)
{
    (void)state;
    did("uri", "identify", 200, with_browser("uris-kiosk", ""));
    browser_did("uris-kiosk", "consent_withdrawn", 190, with_cart("uris-7", ""));
    browser_did("uris-kiosk", "logged_out", 180, "");
    browser_did("uris-kiosk", "cart_item_added", 170, with_cart("uris-7", A_SHOE));
    fold_to_end(&bench);
    expect(ask_browser("uris-kiosk"), OUTREACH_NEW, "silence", "opted_out");
}

/* Both keep it, and a third one's till orders it. */
static void an_order_of_a_random_id_without_a_digit_counts_for_all_who_keep_the_cart(void **state)
{
    const char *cart = with_cart("ZuGTxcDRsXZJiHpkwbQeK", A_SHOE);
    (void)state;

    did("una", "cart_item_added", 150, cart);
    did("uwe", "cart_item_added", 149, cart);
    fold_to_end(&bench);
    did("till", "purchase", 100, cart);
    expect_pending((struct outreach_request){.customer_id = "una"});
    fold_to_end(&bench);
    expect(ask("una"), OUTREACH_NEW, "silence", "buyer");
    expect(ask("uwe"), OUTREACH_NEW, "silence", "buyer");
}

/* The open carts of the customer, without (or with) those that somebody else ordered. */
static int open_carts(const char *who, bool ordered)
{
    struct err err = {0};
    struct cart_row *rows;
    const char *next;
    size_t count;
    int found = 0;

    ok(store_carts_page(bench.db,
                        &(struct cart_filter){.status = "open",
                                              .seen_from_us = INT64_MIN,
                                              .seen_until_us = INT64_MAX,
                                              .limit = 500},
                        &bench.arena, &rows, &count, &next, &err),
       &err);
    bool *is_ordered = arena_array(&bench.arena, count, sizeof *is_ordered);
    ok(outreach_ordered(bench.db, rows, count, &bench.arena, is_ordered, &err), &err);
    for (size_t i = 0; i < count; i++) {
        found += strcmp(rows[i].key + 2, who) == 0 && is_ordered[i] == ordered ? 1 : 0;
    }
    return found;
}

/* How often the customer's cart is in the list of those with the status, read in pages of so many. */
static int listed(const char *who, const char *status, int limit)
{
    struct cart_filter filter = {
        .status = status, .seen_from_us = INT64_MIN, .seen_until_us = INT64_MAX, .limit = limit};
    struct err err = {0};
    int found = 0;

    do {
        struct cart_row *rows;
        size_t count;
        ok(carts_listed(bench.db, &filter, &bench.arena, &rows, &count, &filter.cursor, &err),
           &err);
        assert_true(count <= (size_t)limit);
        for (size_t i = 0; i < count; i++) {
            assert_true(status == NULL || strcmp(rows[i].status, status) == 0);
            found += strcmp(rows[i].key + 2, who) == 0;
        }
    } while (filter.cursor != NULL);
    return found;
}

static const char *shown_cart(const char *who)
{
    CLEANUP(arena_free) struct arena arena = {0};
    CLEANUP(buf_free) struct buf text = buf_make(1 << 20);
    const struct outreach_means means = {pool, live, &bench.config};
    struct err err = {0};
    bool found;

    ok(customer_read(&means, who, &arena, &text, &found, &err), &err);
    json_t *json = json_loads(buf_text(&text), 0, NULL);
    const char *id = json_string_value(json_object_get(json_object_get(json, "cart"), "cart_id"));
    id = id != NULL ? arena_strdup(&bench.arena, id) : "none";
    json_decref(json);
    return id;
}

/* A cart about which nothing is said since somebody else ordered it is no open one to whoever lists carts. */
static void a_cart_that_somebody_else_ordered_is_not_shown_as_open(void **state)
{
    (void)state;
    did("uli", "cart_item_added", 150, with_cart("lists-1", A_SHOE));
    did("udo", "cart_item_added", 149, with_cart("lists-1", A_SHOE));
    did("ute", "cart_item_added", 150, with_cart("lists-2", A_SHOE));
    fold_to_end(&bench);
    assert_int_equal(open_carts("uli", false), 1);
    assert_string_equal(shown_cart("uli"), "lists-1");
    did("lists-till", "purchase", 100, with_cart("lists-1", A_SHOE));
    did("lists-till", "purchase", 200, with_cart("lists-2", A_SHOE));
    fold_to_end(&bench);
    assert_int_equal(open_carts("uli", false), 0);
    assert_int_equal(open_carts("uli", true), 1);
    assert_int_equal(open_carts("udo", true), 1);
    assert_string_equal(shown_cart("uli"), "none");
    expect(ask("uli"), OUTREACH_NEW, "silence", "buyer");
    assert_int_equal(open_carts("ute", false), 1); /* ordered before ute filled it */
    assert_string_equal(shown_cart("ute"), "lists-2");
    expect(ask("ute"), OUTREACH_NEW, "send", "risk");
    did("uli", "cart_item_added", 90, with_cart("lists-1", of_product("hat")));
    fold_to_end(&bench);
    assert_int_equal(open_carts("uli", false), 0); /* the shoe is bought all the same */
    assert_string_equal(shown_cart("uli"), "none");
    expect(ask("uli"), OUTREACH_NEW, "silence", "buyer");
    did("uli", "cart_item_added", 80, with_cart("lists-3", of_product("hat"))); /* and went on */
    fold_to_end(&bench);
    assert_int_equal(open_carts("uli", false), 1);
    expect(ask("uli"), OUTREACH_NEW, "send", "risk");
}

static void a_cart_that_somebody_else_ordered_is_listed_as_bought(void **state)
{
    static const int limits[] = {1, 2, 500};

    (void)state;
    did("lola", "cart_item_added", 150, with_cart("bought-1", A_SHOE));
    did("lars", "cart_item_added", 149, with_cart("bought-2", A_SHOE));
    did("lea", "cart_item_added", 148, with_cart("bought-3", A_SHOE));
    did("lea", "purchase", 147, with_cart("bought-3", A_SHOE));
    did("lina", "cart_item_added", 146, with_cart("bought-4", A_SHOE));
    did("bought-till", "purchase", 100, with_cart("bought-1", A_SHOE));
    did("bought-till", "purchase", 99, with_cart("bought-4", A_SHOE));
    fold_to_end(&bench);
    for (size_t i = 0; i < COUNT_OF(limits); i++) {
        assert_int_equal(listed("lola", "bought", limits[i]), 1);
        assert_int_equal(listed("lina", "bought", limits[i]), 1);
        assert_int_equal(listed("lea", "bought", limits[i]), 1);
        assert_int_equal(listed("lars", "bought", limits[i]), 0);
        assert_int_equal(listed("lars", "open", limits[i]), 1);
        assert_int_equal(listed("lola", "open", limits[i]), 0);
        assert_int_equal(listed("lola", NULL, limits[i]), 1);
    }
}

/* What the shopper's own browser ordered is no other person's order: what it left over is still open. */
static void what_an_own_browser_left_over_is_shown_as_open(void **state)
{
    (void)state;
    const struct shopper_rules usual = {.echo_us = MINUTES(30), .undo_us = DAYS(1)};
    const struct shopper_rules lines = {
        .closes_lines = true, .echo_us = MINUTES(30), .undo_us = DAYS(1)};

    fold_to_end(&bench); /* what others did, by their rules */
    shopper_rules_set(&lines);
    did("urs", "identify", 300, with_browser("urs-phone", ""));
    did("urs", "cart_item_added", 150, with_cart("lists-3", A_SHOE));
    did("urs", "cart_item_added", 149, with_cart("lists-3", of_product("hat")));
    browser_did("urs-phone", "purchase", 100, with_cart("lists-3", of_product("hat")));
    fold_to_end(&bench);
    fold_to_end(&bench);
    assert_int_equal(open_carts("urs", false), 1);
    assert_int_equal(open_carts("urs", true), 0);
    shopper_rules_set(&usual);
    did("urs", "page_viewed", 1,
        with_browser("urs-phone", "")); /* folded again as all others are */
    browser_did("urs-phone", "page_viewed", 1, "");
    fold_to_end(&bench);
}

/* Of five open carts the first had to make room. */
static void an_order_of_a_cart_that_is_not_kept_any_more_is_waited_for(void **state)
{
    (void)state;
    for (int i = 0; i <= CARTS_MAX; i++) {
        browser_did("zoe-phone", "cart_item_added", 150 - i,
                    with_cart(arena_printf(&bench.arena, "zoes-9%d", i), A_SHOE));
    }
    fold_to_end(&bench);
    expect(ask_as((struct outreach_request){.anonymous_id = "zoe-phone", .dry_run = true}),
           OUTREACH_DRY, "send", "risk");
    did("zoe", "purchase", 100, with_cart("zoes-90", A_SHOE));
    expect_pending((struct outreach_request){.anonymous_id = "zoe-phone"});
    expect_pending((struct outreach_request){.anonymous_id = "zoe-phone", .dry_run = true});
    fold_to_end(&bench);
    struct answer a = ask_browser("zoe-phone");
    assert_string_equal(member(&a, "customer_id"), "zoe");
    assert_string_equal(member(&a, "decision"), "silence");
    json_decref(a.json);
}

/* And by whom: two have named it, so that the order joins nobody. */
static void an_order_of_a_cart_that_is_not_kept_any_more_counts_after_the_fold_as_well(void **state)
{
    (void)state;
    for (int i = 0; i <= CARTS_MAX; i++) {
        did("zac", "cart_item_added", 150 - i,
            with_cart(arena_printf(&bench.arena, "zacs-9%d", i), A_SHOE));
    }
    did("zacs-neighbour", "page_viewed", 151, with_cart("zacs-90", ""));
    fold_to_end(&bench);
    expect(ask_as((struct outreach_request){.customer_id = "zac", .dry_run = true}), OUTREACH_DRY,
           "send", "risk");
    did("zacs-till", "purchase", 100, with_cart("zacs-90", A_SHOE));
    fold_to_end(&bench);
    expect(ask("zac"), OUTREACH_NEW, "silence", "buyer");
    assert_replay_is_clean(&bench);
}

static void a_word_that_every_cart_is_called_joins_nobody(void **state)
{
    (void)state;
    browser_did("koa-phone", "cart_item_added", 150,
                A_SHOE ",\"cart_id\":\"V-uGTxcDRsXZJiHpkwbQe\"");
    did("koa", "purchase", 148, A_SHOE ",\"cart_id\":\"V-uGTxcDRsXZJiHpkwbQe\"");
    fold_to_end(&bench);
    expect(ask_browser("koa-phone"), OUTREACH_DRY, "silence", "buyer"); /* an id without a digit */
    browser_did("kai-phone", "cart_item_added", 150, A_SHOE ",\"cart_id\":\"cart\"");
    did("kay", "purchase", 148, A_SHOE ",\"cart_id\":\"cart\"");
    fold_to_end(&bench);
    struct answer a = ask_browser("kai-phone");
    assert_string_equal(member(&a, "anonymous_id"), "kai-phone");
    expect(a, OUTREACH_NEW, "send", "risk");
}

static void a_login_counts_more_than_a_cart(void **state)
{
    (void)state;
    browser_did("lea-phone", "cart_item_added", 150, A_SHOE ",\"cart_id\":\"leas-9\"");
    did("stranger", "purchase", 148, A_SHOE ",\"cart_id\":\"leas-9\"");
    fold_to_end(&bench);
    did("lea", "identify", 140, with_browser("lea-phone", ""));
    fold_to_end(&bench);
    struct answer a =
        ask_as((struct outreach_request){.anonymous_id = "lea-phone", .dry_run = true});
    assert_string_equal(member(&a, "customer_id"), "lea");
    json_decref(a.json);
    fold_to_end(&bench);
    assert_replay_is_clean(&bench);
}

/* ---- who left ---- */

static void what_a_guest_does_after_a_logout_is_not_told_to_who_left(void **state)
{
    (void)state;
    did("mel", "cart_item_added", 1500, with_browser("tablet", of_product("mels-hat")));
    did("mel", "logged_out", 1400, with_browser("tablet", ""));
    browser_did("tablet", "cart_item_added", 90, of_product("guests-sock"));
    fold_to_end(&bench);
    struct answer a = ask("mel");
    assert_text_contains(a.text, "mels-hat");
    assert_null(strstr(a.text, "guests-sock"));
    expect(a, OUTREACH_NEW, "send", "risk");
    struct answer guest = ask_browser("tablet");
    assert_string_equal(member(&guest, "anonymous_id"), "tablet");
    assert_text_contains(guest.text, "guests-sock");
    assert_null(strstr(guest.text, "mels-hat"));
    expect(guest, OUTREACH_NEW, "send", "risk");
    fold_to_end(&bench);
    assert_replay_is_clean(&bench);

    did("ned", "identify", 80, with_browser("tablet", "")); /* the guest turns out to be ned */
    fold_to_end(&bench);
    struct answer ned =
        ask_as((struct outreach_request){.anonymous_id = "tablet", .dry_run = true});
    assert_string_equal(member(&ned, "customer_id"), "ned");
    assert_text_contains(ned.text, "guests-sock");
    assert_null(strstr(ned.text, "mels-hat"));
    json_decref(ned.json);
    fold_to_end(&bench);
    assert_replay_is_clean(&bench);
}

static void a_browser_s_own_logout_ends_whoever_s_login_it_was(void **state)
{
    (void)state;
    did("ole", "identify", 300, with_browser("kiosk", ""));
    browser_did("kiosk", "logged_out", 200, "");
    browser_did("kiosk", "cart_item_added", 90, A_SHOE);
    fold_to_end(&bench);
    struct answer a = ask_browser("kiosk");
    assert_string_equal(member(&a, "anonymous_id"), "kiosk");
    expect(a, OUTREACH_NEW, "send", "risk");
    fold_to_end(&bench);
    assert_replay_is_clean(&bench);
}

/* A kiosk: each customer logs in, and the browser puts something into the cart. */
static void however_many_log_in_each_keeps_what_is_theirs(void **state)
{
    (void)state;
    enum { LOGINS = 40 };
    for (int i = 0; i < LOGINS; i++) {
        did(arena_printf(&bench.arena, "k%d", i), "identify", 1000 - 10 * i,
            with_browser("desk", ""));
        browser_did("desk", "cart_item_added", 995 - 10 * i,
                    of_product(arena_printf(&bench.arena, "of-k%d-", i)));
    }
    fold_to_end(&bench);
    for (int i = 0; i < LOGINS; i += 13) {
        struct answer a = ask(arena_printf(&bench.arena, "k%d", i));
        for (int n = 0; n < LOGINS; n++) {
            const bool shown = strstr(a.text, arena_printf(&bench.arena, "of-k%d-", n)) != NULL;
            assert_int_equal(shown, n == i);
        }
        expect(a, OUTREACH_NEW, "send", "risk");
    }
    fold_to_end(&bench);
    assert_replay_is_clean(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            an_opted_out_customer_is_not_spoken_to_through_a_browser_whose_login_waits),
        cmocka_unit_test(a_buyer_is_not_spoken_to_through_a_cart_whose_owner_s_login_waits),
        cmocka_unit_test(a_message_is_not_handed_out_again_while_a_login_waits),
        cmocka_unit_test(nobody_is_without_a_cart_who_has_just_logged_in_with_one),
        cmocka_unit_test(nobody_is_unknown_whom_the_fold_is_about_to_know),
        cmocka_unit_test(a_cart_behind_however_many_events_is_not_unknown),
        cmocka_unit_test(a_login_again_on_a_shared_browser_counts_before_it_is_told),
        cmocka_unit_test(a_purchase_counts_while_it_waits_to_be_forwarded),
        cmocka_unit_test(a_login_counts_while_it_waits_to_be_told),
        cmocka_unit_test(an_order_that_names_a_cart_counts_while_it_waits_to_be_told),
        cmocka_unit_test(an_order_with_both_ids_closes_the_browser_s_cart),
        cmocka_unit_test(a_withdrawal_with_both_ids_counts_in_the_browser),
        cmocka_unit_test(a_known_binding_is_not_told_again),
        cmocka_unit_test(an_order_acts_on_the_cart_it_names_wherever_that_is_kept),
        cmocka_unit_test(stop_in_a_session_s_chat_that_names_a_customer_s_cart_counts),
        cmocka_unit_test(a_cart_that_another_customer_orders_is_bought),
        cmocka_unit_test(an_id_that_many_carts_have_is_no_other_shopper_s),
        cmocka_unit_test(a_withdrawal_counts_for_all_who_keep_the_cart_it_names),
        cmocka_unit_test(a_withdrawal_of_somebody_else_s_cart_of_that_id_counts_for_them_alone),
        cmocka_unit_test(what_a_guest_does_at_a_browser_of_before_counts_for_the_cart_it_names),
        cmocka_unit_test(a_login_that_ends_a_guess_is_waited_for),
        cmocka_unit_test(what_a_customer_did_at_a_browser_counts_for_the_guest_s_cart_of_that_id),
        cmocka_unit_test(an_order_of_a_random_id_without_a_digit_counts_for_all_who_keep_the_cart),
        cmocka_unit_test(a_cart_that_somebody_else_ordered_is_not_shown_as_open),
        cmocka_unit_test(a_cart_that_somebody_else_ordered_is_listed_as_bought),
        cmocka_unit_test(what_an_own_browser_left_over_is_shown_as_open),
        cmocka_unit_test(an_order_of_a_cart_that_is_not_kept_any_more_is_waited_for),
        cmocka_unit_test(
            an_order_of_a_cart_that_is_not_kept_any_more_counts_after_the_fold_as_well),
        cmocka_unit_test(a_cart_id_of_two_people_tells_nobody_s_cart),
        cmocka_unit_test(a_cart_id_of_very_many_people_tells_nobody_s_cart),
        cmocka_unit_test(a_cart_id_of_a_browser_and_its_customer_is_one_person_s),
        cmocka_unit_test(a_cart_id_that_somebody_else_has_just_used_waits_for_the_fold),
        cmocka_unit_test(who_is_named_beside_a_cart_of_somebody_else_is_told_of_none),
        cmocka_unit_test(a_cart_that_changes_hands_is_never_unknown),
        cmocka_unit_test(a_withdrawal_by_a_session_that_names_a_customer_s_cart_counts),
        cmocka_unit_test(a_word_that_every_cart_is_called_joins_nobody),
        cmocka_unit_test(a_login_counts_more_than_a_cart),
        cmocka_unit_test(what_a_guest_does_after_a_logout_is_not_told_to_who_left),
        cmocka_unit_test(a_browser_s_own_logout_ends_whoever_s_login_it_was),
        cmocka_unit_test(however_many_log_in_each_keeps_what_is_theirs),
    };
    return cmocka_run_group_tests_name("identity", tests, outreach_setup, outreach_teardown);
}
