/* Who is joined by a cart id, and nobody else by it: in whatever order what says so arrives and is folded, and asked in every state on the way. */
#include "integration/outreach/outreach_spec.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "support/spec.h"

enum { NAMES = 3, FOUR = 4, EVENTS_MAX = 6 };

static int round_number; /* each has names of its own */

static const char *name(const char *of)
{
    return arena_printf(&bench.arena, "%s-%d", of, round_number);
}

static const char *put(const char *product)
{
    return arena_printf(&bench.arena,
                        ",\"items\":[{\"product_id\":\"%s\",\"price_minor\":900,"
                        "\"currency\":\"EUR\"}]",
                        product);
}

static const char *into(const char *cart, const char *product)
{
    return arena_printf(&bench.arena, ",\"cart_id\":\"%s\"%s", name(cart), put(product));
}

static const char *of_cart(const char *cart)
{
    return arena_printf(&bench.arena, ",\"cart_id\":\"%s\"", name(cart));
}

static void browser(const char *who, const char *type, int64_t minutes_ago, const char *more)
{
    did_with(bench.db,
             (struct deed){
                 .anonymous = name(who), .type = type, .minutes_ago = minutes_ago, .more = more});
}

static void customer(const char *who, const char *type, int64_t minutes_ago, const char *more)
{
    did(name(who), type, minutes_ago, more);
}

static struct outreach_request about(const char *customer_id, const char *anonymous_id)
{
    return (struct outreach_request){.customer_id = customer_id == NULL ? NULL : name(customer_id),
                                     .anonymous_id =
                                         anonymous_id == NULL ? NULL : name(anonymous_id),
                                     .dry_run = true};
}

/* False: it waits. */
static bool answers(struct outreach_request request, struct answer *out)
{
    struct err err = {0};

    *out = (struct answer){0};
    if (try_ask(request, out, &err)) {
        return true;
    }
    assert_int_equal(err.kind, ERR_BUSY);
    return false;
}

static void expect_pending(struct outreach_request request)
{
    struct answer a;

    if (answers(request, &a)) {
        fail_msg("answered: %d %s", (int)a.outcome, a.text);
    }
}

static void expect_answer(struct outreach_request request, const char *decision, const char *reason)
{
    expect(ask_as(request), OUTREACH_DRY, decision, reason);
}

/* Also what waited for a lane that somebody held. */
static void fold_all(void)
{
    do {
        fold_to_end(&bench);
    } while (count_of(&bench, "SELECT count(*) FROM cartwright.derived_waiting") > 0);
}

/* One event. False: all are folded. */
static bool fold_one(void)
{
    struct err err = {0};
    int64_t folded;

    ok(folder_step(bench.folder, &folded, &err), &err);
    if (folded == 0) {
        fold_all();
    }
    return folded > 0;
}

static void begin(void)
{
    fold_all();
    round_number++;
}

/* The n-th order of count things. */
static void permute(int n, int count, int out[EVENTS_MAX])
{
    for (int i = 0; i < count; i++) {
        out[i] = i;
    }
    for (int i = count; i > 1; i--) {
        const int k = n % i;
        const int last = out[i - 1];
        out[i - 1] = out[k];
        out[k] = last;
        n /= i;
    }
}

/* ---- whom a cart id joins ---- */

/* Lia orders the cart of the phone lea, and lou uses the same id. */
static void arrive(int event)
{
    switch (event) {
    case 0:
        browser("lea", "cart_item_added", 150, into("k", "leas-hat"));
        break;
    case 1:
        customer("lia", "purchase", 148, into("k", "lias-cap"));
        break;
    case 2:
        browser("lou", "cart_item_added", 145, into("k", "lous-sock"));
        break;
    default:
        browser("lea", "cart_item_added", 140, into("l", "leas-scarf"));
    }
}

static void nobody_is_told(const struct answer *a, const char *product)
{
    if (a->text != NULL && strstr(a->text, product) != NULL) {
        fail_msg("%s: %s", product, a->text);
    }
}

static bool is_send(const struct answer *a)
{
    return a->json != NULL && strcmp(member(a, "decision"), "send") == 0;
}

/* Each is asked in whatever state things are; three: all who name the cart have come. */
static void look(bool three)
{
    struct answer a;

    if (answers(about("lia", NULL), &a)) {
        if (three) {
            nobody_is_told(&a, "lous-sock");
            nobody_is_told(&a, "leas-");
        }
        json_decref(a.json);
    }
    if (answers(about(NULL, "lea"), &a)) {
        nobody_is_told(&a, "lous-sock");
        assert_true(!three || !is_send(&a) || member(&a, "customer_id")[0] == '\0');
        json_decref(a.json);
    }
    if (answers(about(NULL, "lou"), &a)) {
        nobody_is_told(&a, "leas-");
        assert_true(!three || !is_send(&a) || member(&a, "customer_id")[0] == '\0');
        json_decref(a.json);
    }
}

static void a_cart_id_of_several_people_joins_nobody(int order)
{
    int events[EVENTS_MAX];
    bool here[EVENTS_MAX] = {false};

    begin();
    permute(order, FOUR, events);
    for (int i = 0; i < FOUR; i++) {
        arrive(events[i]);
        here[events[i]] = true;
        const bool three = here[0] && here[1] && here[2];
        do { /* every other order is folded as it comes */
            look(three);
        } while (fold_one() && order % 2 == 0);
    }
    do {
        look(true);
    } while (fold_one());
    expect_answer(about("lia", NULL), "silence", "empty");
    expect_answer(about(NULL, "lea"), "send", "risk");
    expect_answer(about(NULL, "lou"), "send", "risk");
    struct answer a = ask_as(about(NULL, "lea"));
    nobody_is_told(&a, "leas-hat"); /* which lia ordered */
    assert_text_contains(a.text, "leas-scarf");
    json_decref(a.json);
}

static void whatever_comes_first_a_cart_id_of_several_people_joins_nobody(void **state)
{
    (void)state;
    bench.config.fold_batch = 1;
    for (int order = 0; order < 24; order++) {
        a_cart_id_of_several_people_joins_nobody(order);
    }
    assert_replay_is_clean(&bench);
}

/* Lia's and lea's cart is lou's as well, which is committed and not folded; the join was. */
static void a_join_whose_cart_somebody_else_has_just_named_is_waited_for(void **state)
{
    struct answer a;
    (void)state;

    begin();
    arrive(0);
    arrive(1);
    arrive(3);
    fold_all();
    a = ask_as(about("lia", NULL));
    assert_text_contains(a.text, "leas-scarf");
    assert_string_equal(member(&a, "decision"), "send");
    json_decref(a.json);
    browser("lou", "page_viewed", 139, ""); /* that names nothing */
    expect_answer(about("lia", NULL), "send", "risk");
    browser("lou", "page_viewed", 138, of_cart("k"));
    expect_pending(about("lia", NULL));
    expect_pending(about(NULL, "lea"));
    fold_all();
    expect_answer(about("lia", NULL), "silence", "empty");
    a = ask_as(about(NULL, "lea"));
    assert_string_equal(member(&a, "customer_id"), "");
    json_decref(a.json);
}

static void another_customer_who_names_the_cart_ends_the_join_as_well(void **state)
{
    (void)state;
    begin();
    arrive(0);
    arrive(1);
    fold_all();
    arrive(3);
    fold_all();
    customer("lars", "page_viewed", 100, of_cart("k"));
    fold_all();
    expect_answer(about("lia", NULL), "silence", "empty");
    expect_answer(about(NULL, "lea"), "send", "risk");
}

static const char *owner_of_lea(void)
{
    struct answer a = ask_as(about(NULL, "lea"));
    const char *owner = arena_strdup(&bench.arena, member(&a, "customer_id"));

    json_decref(a.json);
    return owner;
}

/* Another cart of the two, or a login. */
static void a_join_with_other_grounds_stays(void **state)
{
    (void)state;
    for (int login = 0; login < 2; login++) {
        begin();
        arrive(0);
        arrive(1);
        fold_all();
        if (login == 1) {
            customer("lia", "identify", 146,
                     arena_printf(&bench.arena, ",\"anonymous_id\":\"%s\"", name("lea")));
        } else {
            browser("lea", "cart_item_added", 147, into("k2", "leas-belt"));
            customer("lia", "purchase", 146, into("k2", "lias-cape"));
        }
        arrive(3);
        arrive(2);
        fold_all();
        assert_string_equal(owner_of_lea(), name("lia"));
        browser("lou", "page_viewed", 100, of_cart("k2"));
        fold_all();
        assert_string_equal(owner_of_lea(), login == 1 ? name("lia") : "");
    }
}

/* It told no cart, and did not take back what it had joined. */
static void what_a_release_of_before_has_joined_is_taken_back(void **state)
{
    (void)state;
    begin();
    const char *key = arena_printf(&bench.arena, "c:%s", name("lia"));
    const char *id = arena_printf(&bench.arena, "cartwright:named:%s", name("before"));
    const int64_t at_us = clock_now_us() - MINUTES(148);
    char at[CLOCK_TEXT_MAX];
    const struct event_row row = {
        .event_id = id,
        .key = key,
        .type = "shopper_named",
        .occurred_us = at_us,
        .body =
            arena_printf(&bench.arena,
                         "{\"event_id\":\"%s\",\"type\":\"shopper_named\",\"customer_id\":\"%s\","
                         "\"anonymous_id\":\"%s\",\"occurred_at\":\"%s\"}",
                         id, name("lia"), name("lea"), clock_format_rfc3339(at_us, at))};
    enum append_status status;
    struct err err = {0};

    arrive(0);
    arrive(1);
    ok(store_events_append(bench.db, &row, 1, ORIGIN_DERIVED, clock_now_us(), &status, &err), &err);
    arrive(3);
    fold_all();
    run_sql(
        &bench,
        "UPDATE cartwright.cart_party SET many = true, joined = NULL, used_at = now() - interval '2 days'");
    expect_answer(about("lia", NULL), "silence", "many_browsers");
    browser("lou", "page_viewed", 100, of_cart("k"));
    fold_all();
    expect_answer(about("lia", NULL), "silence", "empty");
    assert_string_equal(owner_of_lea(), "");
    assert_replay_is_clean(&bench);
}

/* ---- what somebody does for a cart of several people ---- */

static void arrive_or_end(int event, const char *end)
{
    switch (event) {
    case 0:
        browser("lea", "cart_item_added", 150, into("k", "leas-hat"));
        break;
    case 1:
        browser("lou", "cart_item_added", 149, into("k", "lous-sock"));
        break;
    default:
        customer("lia", end, 100, into("k", "leas-hat"));
    }
}

static void nobody_is_reminded(bool ended)
{
    const char *const browsers[] = {"lea", "lou"};

    for (int i = 0; i < 2 && ended; i++) {
        struct answer a;
        if (answers(about(NULL, browsers[i]), &a)) {
            assert_false(is_send(&a));
            json_decref(a.json);
        }
    }
}

static void no_reminder_follows(const char *end, const char *reason, int order)
{
    int events[EVENTS_MAX];
    bool ended = false;

    begin();
    permute(order, NAMES, events);
    for (int i = 0; i < NAMES; i++) {
        arrive_or_end(events[i], end);
        ended = ended || events[i] == 2;
        for (int n = 0; n <= order % 3; n++) {
            nobody_is_reminded(ended);
            (void)fold_one();
        }
    }
    do {
        nobody_is_reminded(true);
    } while (fold_one());
    expect_answer(about(NULL, "lea"), "silence", reason);
    expect_answer(about(NULL, "lou"), "silence", reason);
}

static void no_reminder_follows_an_order_or_a_withdrawal_for_a_cart_of_several_people(void **state)
{
    (void)state;
    bench.config.fold_batch = 1;
    for (int order = 0; order < 6; order++) {
        no_reminder_follows("purchase", "buyer", order);
        no_reminder_follows("consent_withdrawn", "opted_out", order);
    }
}

/* ---- what a customer does whom a browser may be ---- */

enum { ADDED_K, ORDERED_K, ALSO_K, ENDED, ADDED_L, OTHER_K, PERHAPS_EVENTS };

/* Lia orders the cart of the phone lea, whose id lou uses as well; and then, without a word of any cart, she buys or says no. */
static void arrive_perhaps(int event, const char *end)
{
    switch (event) {
    case ADDED_K:
        browser("lea", "cart_item_added", 150, into("k", "leas-hat"));
        break;
    case ORDERED_K:
        customer("lia", "purchase", 148, into("k", "lias-cap"));
        break;
    case ALSO_K:
        browser("lou", "page_viewed", 145, of_cart("k"));
        break;
    case ADDED_L:
        browser("lea", "cart_item_added", 130, into("l", "leas-scarf"));
        break;
    case ENDED:
        customer("lia", end, 120, ",\"opt_out\":true");
        break;
    default:
        browser("lou", "cart_item_added", 110, into("k", "lous-sock"));
    }
}

static void is_not_sent(struct outreach_request request)
{
    struct answer a;

    if (answers(request, &a)) {
        if (is_send(&a)) {
            fail_msg("sent: %s", a.text);
        }
        json_decref(a.json);
    }
}

/* Who bought or said no, and who is one with her by what has arrived, is silent in whatever state that is. */
static void look_perhaps(const bool here[PERHAPS_EVENTS])
{
    if (here[ENDED] && here[ADDED_K] && here[ORDERED_K] && here[ADDED_L]) {
        is_not_sent(about(NULL, "lea"));
        is_not_sent((struct outreach_request){.cart_id = name("l"), .dry_run = true});
    }
}

static void it_counts_for_whom_she_may_be(const char *end, int order)
{
    const bool bought = strcmp(end, "purchase") == 0;
    int events[EVENTS_MAX];
    bool here[PERHAPS_EVENTS] = {false};

    begin();
    permute(order, PERHAPS_EVENTS, events);
    for (int i = 0; i < PERHAPS_EVENTS; i++) {
        arrive_perhaps(events[i], end);
        here[events[i]] = true;
        do { /* every other order is folded as it comes */
            look_perhaps(here);
        } while (fold_one() && order % 2 == 0);
    }
    do {
        look_perhaps(here);
    } while (fold_one());
    expect_answer(about(NULL, "lea"), "silence", bought ? "buyer" : "opted_out");
    expect_answer(about(NULL, "lou"), bought ? "send" : "silence", bought ? "risk" : "opted_out");
}

/* Of 720 orders some, each of which is folded as it comes, or not. */
static void
what_a_customer_bought_or_said_no_to_counts_for_browsers_of_a_cart_id_of_several(void **state)
{
    static const char *const ends[] = {"purchase", "consent_withdrawn", "chat_message"};
    (void)state;

    bench.config.fold_batch = 1;
    for (int order = 0; order < 720; order += 29) {
        it_counts_for_whom_she_may_be(ends[order % 3], order);
    }
    assert_replay_is_clean(&bench);
}

static void all_but_the_end_arrive(void)
{
    begin();
    for (int i = 0; i < PERHAPS_EVENTS; i++) {
        if (i != ENDED) {
            arrive_perhaps(i, NULL);
        }
    }
    fold_all();
    expect_answer(about(NULL, "lea"), "send", "risk");
}

static void who_consents_anew_ends_the_silence(void **state)
{
    (void)state;
    for (int by = 0; by < 2; by++) {
        all_but_the_end_arrive();
        customer("lia", "consent_withdrawn", 100, "");
        expect_answer(about(NULL, "lea"), "silence", "opted_out");
        if (by == 0) {
            customer("lia", "consent_given", 90, "");
        } else {
            browser("lea", "consent_given", 90, "");
        }
        expect_answer(about(NULL, "lea"), "send", "risk");
        fold_all();
        expect_answer(about(NULL, "lea"), "send", "risk");
    }
}

/* What was bought before all of it was put in is not what lies in the cart. What lay there already may be. */
static void who_goes_on_with_another_cart_behind_the_order_is_reminded_of_it(void **state)
{
    (void)state;
    all_but_the_end_arrive();
    customer("lia", "purchase", 100, "");
    expect_answer(about(NULL, "lea"), "silence", "buyer");
    browser("lea", "cart_item_added", 95, into("l", "leas-belt"));
    expect_answer(about(NULL, "lea"), "silence", "buyer");
    browser("lea", "cart_item_added", 90, into("m", "leas-glove"));
    expect_answer(about(NULL, "lea"), "send", "risk");
    fold_all();
    expect_answer(about(NULL, "lea"), "send", "risk");
}

/* Lou orders what lea put into the cart, who goes on with it: without a word of its id, into the cart that is open. */
static void arrive_going_on(int event)
{
    switch (event) {
    case 0:
        browser("lea", "cart_item_added", 150, into("k", "leas-hat"));
        break;
    case 1:
        browser("lou", "purchase", 140, of_cart("k"));
        break;
    default:
        browser("lea", "cart_item_added", 130, put("leas-scarf"));
    }
}

static void what_was_ordered_is_not_told_again(int order, bool each)
{
    int events[EVENTS_MAX];
    bool here[NAMES] = {false};

    begin();
    permute(order, NAMES, events);
    for (int i = 0; i < NAMES; i++) {
        arrive_going_on(events[i]);
        here[events[i]] = true;
        if (here[0] && here[1]) {
            is_not_sent(about(NULL, "lea"));
        }
        if (each) {
            fold_all();
        }
    }
    is_not_sent(about(NULL, "lea"));
    fold_all();
    expect_answer(about(NULL, "lea"), "silence", "buyer");
    browser("lea", "cart_item_added", 120, into("l", "leas-belt"));
    fold_all();
    expect_answer(about(NULL, "lea"), "send", "risk");
}

/* In whatever order it arrives. Of a cart of new things alone they are told. */
static void what_somebody_else_ordered_is_not_told_with_what_came_to_the_cart_since(void **state)
{
    (void)state;
    for (int order = 0; order < 6; order++) {
        what_was_ordered_is_not_told_again(order, false);
        what_was_ordered_is_not_told_again(order, true);
    }
    assert_replay_is_clean(&bench);
}

/* Her browser's no is hers, and counts as soon as it is joined; a no that nobody joined with her is its own. */
static void what_her_browser_did_is_waited_for_and_what_another_did_is_not(void **state)
{
    (void)state;
    all_but_the_end_arrive();
    browser("lou", "consent_withdrawn", 100, "");
    fold_all();
    expect_answer(about(NULL, "lou"), "silence", "opted_out");
    expect_answer(about(NULL, "lea"), "send", "risk");
    customer("lia", "identify", 100,
             arena_printf(&bench.arena, ",\"anonymous_id\":\"%s\"", name("lias-laptop")));
    fold_all();
    browser("lias-laptop", "consent_withdrawn", 90, "");
    expect_pending(about(NULL, "lea"));
    fold_all();
    expect_answer(about(NULL, "lea"), "silence", "opted_out");
}

/* Who merely named a cart is perhaps the browser that ordered it, or that filled it for another one's order. */
static void a_customer_who_named_a_cart_that_a_browser_ordered_counts_as_well(void **state)
{
    (void)state;
    for (int by = 0; by < 2; by++) {
        begin();
        browser("lea", "cart_item_added", 150, into("k", "leas-hat"));
        browser(by == 0 ? "lea" : "lou", "purchase", 148, into("k", "leas-hat"));
        customer("lia", "page_viewed", 147, of_cart("k"));
        browser("lou", "page_viewed", 145, of_cart("k"));
        browser("lea", "cart_item_added", 130, into("l", "leas-scarf"));
        fold_all();
        expect_answer(about(NULL, "lea"), "send", "risk");
        customer("lia", "consent_withdrawn", 100, "");
        expect_answer(about(NULL, "lea"), "silence", "opted_out");
        fold_all();
        expect_answer(about(NULL, "lea"), "silence", "opted_out");
    }
}

static void arrive_by_browser(int event, const char *end)
{
    switch (event) {
    case 0:
        browser("lea", "cart_item_added", 150, into("k", "leas-hat"));
        break;
    case 1:
        customer("lia", "identify", 160,
                 arena_printf(&bench.arena, ",\"anonymous_id\":\"%s\"", name("lou")));
        break;
    case 2:
        browser("lou", "purchase", 148, of_cart("k"));
        break;
    default:
        customer("lia", end, 100, "");
    }
}

/* Lia orders lea's cart at her browser lou, whose word alone tells of it. */
static void a_customer_whose_browser_ordered_the_cart_counts_as_well(void **state)
{
    (void)state;
    for (int order = 0; order < 24; order++) {
        const bool bought = order % 2 == 0;
        int events[EVENTS_MAX];
        begin();
        permute(order, FOUR, events);
        for (int i = 0; i < FOUR; i++) {
            arrive_by_browser(events[i], bought ? "purchase" : "consent_withdrawn");
            if (order % 3 == 0) {
                fold_all();
            }
        }
        browser("lea", "cart_item_added", 130, into("l", "leas-scarf"));
        is_not_sent(about(NULL, "lea"));
        fold_all();
        expect_answer(about(NULL, "lea"), "silence", bought ? "buyer" : "opted_out");
    }
}

/* Lia and then lars named the cart that lou ordered. */
static void arrive_named(int event)
{
    switch (event) {
    case 0:
        browser("lea", "cart_item_added", 150, into("k", "leas-hat"));
        break;
    case 1:
        customer("lia", "page_viewed", 148, of_cart("k"));
        break;
    case 2:
        customer("lars", "page_viewed", 147, of_cart("k"));
        break;
    default:
        browser("lou", "purchase", 146, of_cart("k"));
    }
}

static void the_first_counts(const char *who, bool counts, int order, bool each)
{
    int events[EVENTS_MAX];

    begin();
    permute(order, FOUR, events);
    for (int i = 0; i < FOUR; i++) {
        arrive_named(events[i]);
        if (each) {
            fold_all();
        }
    }
    browser("lea", "cart_item_added", 130, into("l", "leas-scarf"));
    customer(who, order % 2 == 0 ? "purchase" : "consent_withdrawn", 100, "");
    fold_all();
    expect_answer(about(NULL, "lea"), counts ? "silence" : "send",
                  !counts          ? "risk"
                  : order % 2 == 0 ? "buyer"
                                   : "opted_out");
}

/* The customer who named it first does; whatever arrives first, folded as it comes or all at once or event by event. */
static void
who_named_a_cart_first_is_a_question_of_when_and_not_of_what_is_folded_first(void **state)
{
    (void)state;
    const int64_t all_at_once = bench.config.fold_batch;

    for (int order = 0; order < 24; order++) {
        bench.config.fold_batch = order % 3 == 0 ? 1 : all_at_once;
        for (int each = 0; each < 2; each++) {
            the_first_counts("lia", true, order, each != 0);
            the_first_counts("lars", false, order, each != 0);
        }
    }
    bench.config.fold_batch = all_at_once;
    assert_replay_is_clean(&bench);
}

/* Lia's and lars's server tell the same order of the phone's cart. */
static void one_order_told_under_two_customers_is_an_order(void **state)
{
    (void)state;
    for (int order = 0; order < 12; order++) {
        int events[EVENTS_MAX];
        begin();
        permute(order, NAMES, events);
        for (int i = 0; i < NAMES; i++) {
            if (events[i] == 0) {
                browser("lea", "cart_item_added", 150, into("k", "leas-hat"));
            } else {
                customer(
                    events[i] == 1 ? "lia" : "lars", "purchase", 148,
                    arena_printf(&bench.arena, "%s,\"order_id\":\"%s\"", of_cart("k"), name("o")));
            }
            if (order < 6) {
                fold_all();
            }
        }
        is_not_sent(about(NULL, "lea"));
        fold_all();
        expect_answer(about(NULL, "lea"), "silence", "buyer");
    }
}

/* A cart id that so many order tells nobody who the browser is. */
static void a_cart_id_of_very_many_customers_silences_nobody(void **state)
{
    (void)state;
    begin();
    browser("lea", "cart_item_added", 150, into("k", "leas-hat"));
    for (int i = 0; i < 17; i++) {
        const char *who = arena_printf(&bench.arena, "many-%d", i);
        customer(who, "purchase", 148, into("k", "a-cap"));
        if (i == 15) {
            fold_all();
            customer("many-0", "consent_withdrawn", 100, "");
            expect_answer(about(NULL, "lea"), "silence", "buyer");
            browser("lea", "cart_item_added", 95, into("l", "leas-belt"));
            expect_answer(about(NULL, "lea"), "silence", "opted_out");
        }
    }
    fold_all();
    expect_answer(about(NULL, "lea"), "send", "risk");
}

/* Decided, and fetched by its id behind the no, of which nothing is folded. */
static void a_message_is_withdrawn_where_a_customer_says_no_whom_the_browser_may_be(void **state)
{
    CLEANUP(buf_free) struct buf out = buf_make(1 << 20);
    struct outreach_means means = {.pool = pool, .live = live, .config = &bench.config};
    struct err err = {0};
    bool found;
    (void)state;

    all_but_the_end_arrive();
    struct outreach_request request = about(NULL, "lea");
    request.dry_run = false;
    struct answer a = ask_as(request);
    assert_true(is_send(&a));
    const char *id = arena_strdup(&bench.arena, member(&a, "outreach_id"));
    json_decref(a.json);
    customer("lia", "chat_message", 100, ",\"opt_out\":true");
    ok(outreach_read(&means, id, false, &bench.arena, &out, &found, &err), &err);
    assert_true(found);
    assert_text_contains(buf_text(&out), "\"opted_out\"");
    expect(ask_as(request), OUTREACH_BEFORE, "silence", "opted_out");
}

/* ---- who only names a cart ---- */

/* What names a cart and puts nothing into it, with what it needs beside. */
static const struct name_only {
    const char *type, *more;
} namings[] = {
    {"checkout_started", ""},
    {"checkout_step", ",\"properties\":{\"step\":\"address\"}"},
    {"shipping_shown", ",\"properties\":{\"cost_minor\":490}"},
    {"coupon_applied", ",\"properties\":{\"code\":\"SUMMER\"}"},
    {"payment_info", ""},
    {"payment_failed", ",\"properties\":{\"reason\":\"card\"}"},
    {"product_viewed", ",\"items\":[{\"product_id\":\"leas-hat\"}]"},
    {"page_viewed", ",\"properties\":{\"page\":\"shipping\"}"},
    {"cart_snapshot", ",\"items\":[]"},
    {"cart_item_removed", ",\"items\":[{\"product_id\":\"leas-glove\"}]"},
};

static const char *const ends_of_carts[] = {"purchase", "consent_withdrawn", "chat_message"};

static void as(bool customer_id, const char *who, const char *type, int64_t minutes_ago,
               const char *more)
{
    if (customer_id) {
        customer(who, type, minutes_ago, more);
    } else {
        browser(who, type, minutes_ago, more);
    }
}

/* Lea's hat lies in a cart l (if with_id), and k is named in an event alone; lia orders k, or says no for it. The other way round, it is the
 * customer lia whose cart it is, and the browser lea orders. */
static void is_waited_for(size_t how, const char *end, bool with_id, bool round)
{
    const struct name_only *n = &namings[how];
    const char *who = round ? "lia" : "lea";
    const char *other = round ? "lea" : "lia";
    const struct outreach_request of_cart_l = {.cart_id = name("l"), .dry_run = true};
    const struct outreach_request request = round ? about(who, NULL) : about(NULL, who);

    as(round, who, "cart_item_added", 150, with_id ? into("l", "leas-hat") : put("leas-hat"));
    as(round, who, n->type, 149, arena_printf(&bench.arena, "%s%s", of_cart("k"), n->more));
    fold_all();
    expect_answer(request, "send", "risk");
    as(!round, other, end, 120,
       arena_printf(&bench.arena, "%s%s%s", of_cart("k"),
                    strcmp(end, "chat_message") == 0 ? ",\"opt_out\":true" : "",
                    strcmp(end, "purchase") == 0 ? put("leas-hat") : ""));
    is_not_sent(request);
    if (with_id) {
        is_not_sent(of_cart_l);
    }
    fold_all();
    is_not_sent(request);
    if (with_id) {
        is_not_sent(of_cart_l);
    }
}

static void an_order_or_a_no_for_a_cart_that_was_only_named_is_waited_for(void **state)
{
    (void)state;
    for (size_t how = 0; how < COUNT_OF(namings); how++) {
        for (int i = 0; i < 4; i++) {
            begin();
            is_waited_for(how, ends_of_carts[(how + (size_t)i) % COUNT_OF(ends_of_carts)],
                          i % 2 == 1, i / 2 == 1);
        }
    }
    assert_replay_is_clean(&bench);
}

/* Nos that stand in what is no withdrawal by its type: a login, and a type that nobody knows. */
static void login_and_no(const char *who, const char *phone, int64_t minutes_ago, const char *more)
{
    did_with(bench.db,
             (struct deed){.customer = name(who),
                           .anonymous = name(phone),
                           .type = "identify",
                           .minutes_ago = minutes_ago,
                           .more = arena_printf(&bench.arena, "%s,\"opt_out\":true", more)});
}

static void a_no_inside_a_login_is_waited_for_by_who_keeps_the_cart_it_names(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        const bool filled = i % 2 == 0; /* or only named */
        begin();
        browser("lea", "cart_item_added", 150, filled ? into("k", "leas-hat") : put("leas-hat"));
        browser("lea", "checkout_started", 149, of_cart("k"));
        fold_all();
        expect_answer(about(NULL, "lea"), "send", "risk");
        if (i < 2) {
            login_and_no("lia", "lias-phone", 120, of_cart("k"));
        } else {
            customer("lia", "unsub", 120,
                     arena_printf(&bench.arena, "%s,\"opt_out\":true", of_cart("k")));
        }
        expect_pending(about(NULL, "lea"));
        fold_all();
        is_not_sent(about(NULL, "lea"));
    }
    assert_replay_is_clean(&bench);
}

/* And the other way round: who says it in a login has a cart that somebody has ordered, and is about to be joined by it. */
static void who_says_no_in_a_login_for_a_cart_is_asked_about_when_that_is_folded(void **state)
{
    (void)state;
    begin();
    browser("lea", "cart_item_added", 150, into("k", "leas-hat"));
    browser("lia", "cart_item_added", 150, into("m", "lias-hat"));
    fold_all();
    login_and_no("ann", "anns-phone", 120, of_cart("m"));
    customer(
        "lou", "identify", 120,
        arena_printf(&bench.arena, ",\"anonymous_id\":\"%s\"%s", name("lous-phone"), of_cart("k")));
    expect_pending(about(NULL, "lia")); /* for which a no waits */
    expect_answer(about(NULL, "lea"), "send",
                  "risk"); /* a login without one says nothing of the cart */
    fold_all();
}

/* Of more than are remembered, what the shopper's events name is waited for. */
static void however_many_carts_were_named(void **state)
{
    (void)state;
    begin();
    browser("lea", "cart_item_added", 150, put("leas-hat"));
    browser("lea", "page_viewed", 149, of_cart("k"));
    for (int i = 0; i < MENTIONED_MAX + 1; i++) {
        browser("lea", "page_viewed", 148 - i, of_cart(arena_printf(&bench.arena, "k%d", i)));
    }
    fold_all();
    expect_answer(about(NULL, "lea"), "send", "risk");
    customer("lia", "purchase", 100, of_cart("k"));
    expect_pending(about(NULL, "lea"));
    fold_all();
    is_not_sent(about(NULL, "lea"));
}

/* They are one by now: whatever she does counts at once. */
static void behind_the_join_what_names_no_cart_counts_as_well(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ends_of_carts); i++) {
        begin();
        browser("lea", "cart_item_added", 150, put("leas-hat"));
        browser("lea", "checkout_started", 149, of_cart("k"));
        customer("lia", "purchase", 148, into("k", "leas-hat"));
        browser("lea", "cart_item_added", 140, put("leas-scarf"));
        fold_all();
        expect_answer(about(NULL, "lea"), "send", "risk");
        customer("lia", ends_of_carts[i], 100, i == 2 ? ",\"opt_out\":true" : put("leas-scarf"));
        is_not_sent(about(NULL, "lea"));
        is_not_sent(about("lia", NULL));
        fold_all();
        is_not_sent(about(NULL, "lea"));
    }
}

/* ---- who is without a cart ---- */

/* Of the browser that fills it, or of the order, or of both nothing is folded. */
static void nobody_is_without_a_cart_who_has_ordered_one_that_a_browser_fills(void **state)
{
    static const char *const ends[] = {"purchase", "consent_withdrawn"};
    (void)state;

    for (int i = 0; i < 6; i++) {
        const char *end = ends[i % 2];
        begin();
        if (i / 2 == 1) {
            customer("lia", end, 148, of_cart("k"));
            fold_all();
            expect_answer(about("lia", NULL), "silence", "empty");
        }
        browser("lea", "cart_item_added", 150, into("k", "leas-hat"));
        if (i / 2 == 2) {
            fold_all();
        }
        if (i / 2 != 1) {
            customer("lia", end, 148, of_cart("k"));
        }
        expect_pending(about("lia", NULL));
        browser("lea", "cart_item_added", 140, put("leas-scarf"));
        expect_pending(about("lia", NULL));
        fold_all();
        expect_answer(about("lia", NULL), i % 2 == 0 ? "send" : "silence",
                      i % 2 == 0 ? "risk" : "opted_out");
    }
}

/* Its id joins nobody, however busy it is. */
static void who_ordered_a_cart_of_many_people_is_not_waited_for(void **state)
{
    (void)state;
    begin();
    arrive(0);
    arrive(1);
    arrive(2);
    fold_all();
    customer("lars", "page_viewed", 100, of_cart("k"));
    expect_answer(about("lia", NULL), "silence", "empty");
}

/* One look is enough: nobody folds meanwhile. */
static int setup(void **state)
{
    const int failed = outreach_setup(state);

    bench.config.database_wait = 5000;
    bench.config.database_timeout = 5000;
    return failed;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_comes_first_a_cart_id_of_several_people_joins_nobody),
        cmocka_unit_test(a_join_whose_cart_somebody_else_has_just_named_is_waited_for),
        cmocka_unit_test(another_customer_who_names_the_cart_ends_the_join_as_well),
        cmocka_unit_test(a_join_with_other_grounds_stays),
        cmocka_unit_test(what_a_release_of_before_has_joined_is_taken_back),
        cmocka_unit_test(no_reminder_follows_an_order_or_a_withdrawal_for_a_cart_of_several_people),
        cmocka_unit_test(
            what_a_customer_bought_or_said_no_to_counts_for_browsers_of_a_cart_id_of_several),
        cmocka_unit_test(who_consents_anew_ends_the_silence),
        cmocka_unit_test(who_goes_on_with_another_cart_behind_the_order_is_reminded_of_it),
        cmocka_unit_test(what_somebody_else_ordered_is_not_told_with_what_came_to_the_cart_since),
        cmocka_unit_test(what_her_browser_did_is_waited_for_and_what_another_did_is_not),
        cmocka_unit_test(a_customer_who_named_a_cart_that_a_browser_ordered_counts_as_well),
        cmocka_unit_test(a_customer_whose_browser_ordered_the_cart_counts_as_well),
        cmocka_unit_test(
            who_named_a_cart_first_is_a_question_of_when_and_not_of_what_is_folded_first),
        cmocka_unit_test(one_order_told_under_two_customers_is_an_order),
        cmocka_unit_test(a_cart_id_of_very_many_customers_silences_nobody),
        cmocka_unit_test(a_message_is_withdrawn_where_a_customer_says_no_whom_the_browser_may_be),
        cmocka_unit_test(an_order_or_a_no_for_a_cart_that_was_only_named_is_waited_for),
        cmocka_unit_test(a_no_inside_a_login_is_waited_for_by_who_keeps_the_cart_it_names),
        cmocka_unit_test(who_says_no_in_a_login_for_a_cart_is_asked_about_when_that_is_folded),
        cmocka_unit_test(however_many_carts_were_named),
        cmocka_unit_test(behind_the_join_what_names_no_cart_counts_as_well),
        cmocka_unit_test(nobody_is_without_a_cart_who_has_ordered_one_that_a_browser_fills),
        cmocka_unit_test(who_ordered_a_cart_of_many_people_is_not_waited_for),
    };
    return cmocka_run_group_tests_name("cart_joins", tests, setup, outreach_teardown);
}
