/* The same as unit/fold/people_test.c, through the database: the log, the fold in parts, and outreach itself; fewer schedules. */
#include "support/people.h"

#include "base/clock.h"
#include "base/metric.h"
#include "integration/outreach/outreach_spec.h"
#include "support/spec.h"

#include <limits.h>
#include <stdlib.h>

enum { SCHEDULES = 10, SCHEDULES_LONG = 300 };

/* So long before they are asked about it, people begin. */
#define BEGAN_AGO_US (MINUTES(RECEIVED_MINUTES_MAX) + HOURS(1))

static struct people people;
static uint64_t seed;
static int64_t began_us; /* minute 0 */
static bool heavy;       /* others in each test */
static bool at_once;     /* everything is folded before the next deed arrives */
static bool all_folded;  /* nothing waits any more */
static int64_t perhaps;  /* answers about browsers that may be a customer whom nothing is told */
static int64_t sent, shared, waited, unread;
static PGconn *holder;

static const char *name_of(char kind, int number)
{
    return arena_printf(&bench.arena, "%c%d-of-%llu", kind, number,
                        (unsigned long long)people.number);
}

static const char *name_of_cart(int cart)
{
    char name[CART_NAME_MAX];

    cart_name(&people, cart, name);
    return arena_strdup(&bench.arena, name);
}

static const char *body_of(int n, const char *event_id)
{
    const struct person_deed *d = &people.deeds[n];
    const bool of_goods =
        strcmp(d->type, "cart_item_added") == 0 || strcmp(d->type, "product_viewed") == 0;
    const int product = of_goods ? n : d->goods;
    const char *more = "";
    char at[CLOCK_TEXT_MAX];

    if (d->customer != NOBODY) {
        more = arena_printf(&bench.arena, ",\"customer_id\":\"%s\"", name_of('y', d->customer));
    }
    if (d->browser != NOBODY) {
        more = arena_printf(&bench.arena, "%s,\"anonymous_id\":\"%s\"", more,
                            name_of('x', d->browser));
    }
    if (d->cart != NOTHING) {
        more = arena_printf(&bench.arena, "%s,\"cart_id\":\"%s\"", more, name_of_cart(d->cart));
    }
    if (product != NOTHING) {
        more = arena_printf(&bench.arena, "%s,\"items\":[{\"product_id\":\"p%d\"}]", more, product);
    }
    if (strcmp(d->type, "cart_snapshot") == 0) {
        more = arena_printf(&bench.arena, "%s,\"items\":[]", more);
    }
    if (!person_deed_names_no_order(d)) {
        more = arena_printf(&bench.arena, "%s,\"order_id\":\"%s\"", more,
                            name_of('o', d->order == NOTHING ? n : d->order));
    }
    if (strcmp(d->type, "chat_message") == 0) {
        more = arena_printf(&bench.arena, "%s,\"opt_out\":true", more);
    }
    return arena_printf(&bench.arena,
                        "{\"event_id\":\"%s\",\"type\":\"%s\",\"occurred_at\":\"%s\"%s}", event_id,
                        d->type, clock_format_rfc3339(began_us + MINUTES(n), at), more);
}

static void arrive(int n)
{
    struct person_deed *d = &people.deeds[n];
    const char *id = name_of('e', n);
    const struct event_row row = {
        .event_id = id,
        .key = d->customer != NOBODY ? arena_printf(&bench.arena, "c:%s", name_of('y', d->customer))
                                     : arena_printf(&bench.arena, "a:%s", name_of('x', d->browser)),
        .type = d->type,
        .occurred_us = began_us + MINUTES(n),
        .body = body_of(n, id)};
    enum append_status status;
    struct err err = {0};

    ok(store_events_append(bench.db, &row, 1, ORIGIN_API, began_us + MINUTES(d->received), &status,
                           &err),
       &err);
    assert_int_equal(status, APPEND_STORED);
    d->arrived = true;
}

static void hold_lane_of(const char *key)
{
    PGresult *res = PQexec(holder, arena_printf(&bench.arena,
                                                "BEGIN; SELECT FROM cartwright.lane WHERE lane = "
                                                "cartwright.lane_of('%s') FOR UPDATE",
                                                key));

    assert_int_equal(PQresultStatus(res), PGRES_TUPLES_OK);
    PQclear(res);
}

static void wrong(const struct answer *a, const char *why)
{
    for (int i = 0; i < people.count; i++) {
        if (people.deeds[i].arrived) {
            person_deed_print(&people, i);
        }
    }
    fail_msg("seed %llu: %s: %s", (unsigned long long)seed, why, a->text);
}

/* Of a name that name_of made. */
static int number_in(const char *name)
{
    return name[0] == '\0' ? NOBODY : name[1] - '0';
}

/* The answer is whose who was asked about. */
static void check_who(const struct answer *a, const struct outreach_request *asked,
                      struct person who)
{
    const int cart = cart_named(&people, asked->cart_id);

    if (asked->customer_id != NULL && who.customer != number_in(asked->customer_id)) {
        wrong(a, "is not who was asked about");
    }
    if (asked->anonymous_id != NULL &&
        !same_person(who, person_at(&people, number_in(asked->anonymous_id), INT_MAX))) {
        wrong(a, "is somebody else");
    }
    if (cart != NOTHING && !person_named_cart(&people, who, cart)) {
        wrong(a, "never had to do with the cart");
    }
    if (cart != NOTHING && asked->customer_id == NULL && asked->anonymous_id == NULL &&
        keepers_of_cart(&people, cart).least > 1) {
        wrong(a, "somebody else keeps the cart as well");
    }
}

static void check_line(const struct answer *a, struct person who, int deed)
{
    const char *why = not_to_be_told(&people, who, deed);

    if (why == NULL) {
        why = not_to_be_told_as_a_customer(&people, who, deed, all_folded);
    }
    if (why == NULL && cart_was_ordered_by_another(
                           &people, who, cart_named(&people, member(a, "cart_id")), deed)) {
        why = "another person has ordered it";
    }
    if (why != NULL) {
        wrong(a, why);
    }
}

static void check_send(const struct answer *a, const struct outreach_request *asked)
{
    const struct person who = {number_in(member(a, "customer_id")),
                               number_in(member(a, "anonymous_id"))};
    json_t *item;
    size_t i;

    sent++;
    check_who(a, asked, who);
    const char *why = not_to_be_spoken_to(&people, who);
    if (why != NULL) {
        wrong(a, why);
    }
    json_array_foreach (json_object_get(json_object_get(a->json, "cart"), "items"), i, item) {
        const char *product = json_string_value(json_object_get(item, "product_id"));
        check_line(a, who, (int)strtol(product + 1, NULL, 10));
    }
}

/* False: it waits. */
static bool ask_dry(struct outreach_request request, struct answer *out, bool *out_send)
{
    struct err err = {0};

    *out = (struct answer){0};
    request.dry_run = true;
    *out_send = false;
    if (!try_ask(request, out, &err)) {
        assert_int_equal(err.kind, ERR_BUSY);
        waited++;
        return false;
    }
    unread += strcmp(member(out, "reason"), "unread") == 0 ? 1 : 0;
    shared += out->outcome == OUTREACH_SHARED ? 1 : 0;
    if (out->json != NULL && strcmp(member(out, "decision"), "send") == 0) {
        *out_send = true;
        check_send(out, &request);
    }
    json_decref(out->json);
    return true;
}

static void ask_somebody(struct rng *r)
{
    const int n = (int)rng_below(r, 5);
    const int who = (int)rng_below(r, CUSTOMERS);
    const char *cart = name_of_cart((int)rng_below(r, CARTS));
    const struct person customer = {who, NOBODY};
    const struct person browser = {NOBODY, who};
    struct outreach_request request = {.cart_id = n < 2 ? NULL : cart};
    struct answer a;
    bool send;

    if (n % 2 == 0 && !person_is_being_joined(&people, customer, NULL)) {
        request.customer_id = name_of('y', who);
    } else if (n < 4 && !person_is_being_joined(&people, browser, NULL)) {
        request.anonymous_id = name_of('x', who);
    }
    if (n == 4) {
        request = (struct outreach_request){.cart_id = cart};
    }
    if (request.customer_id != NULL || request.anonymous_id != NULL || request.cart_id != NULL) {
        (void)ask_dry(request, &a, &send);
    }
}

static void ask_by_name(int customer, int browser)
{
    const struct person who = {customer, customer == NOBODY ? browser : NOBODY};
    const struct outreach_request request = {
        .customer_id = customer != NOBODY ? name_of('y', customer) : NULL,
        .anonymous_id = customer == NOBODY ? name_of('x', browser) : NULL};
    struct answer a;
    bool send;

    if (!person_is_being_joined(&people, who, NULL)) {
        (void)ask_dry(request, &a, &send);
    }
}

/* Whom the deed may have changed something for. */
static void ask_concerned(int deed, struct rng *r)
{
    const struct person_deed *d = &people.deeds[somebody_concerned(&people, deed, r)];

    ask_by_name(d->customer, d->browser);
}

/* Now and then while somebody holds a lane: what is derived for it waits, and is there for nobody to see but outreach. */
static void fold_a_part(struct rng *r)
{
    struct err err = {0};
    int64_t folded;
    const bool held = rng_below(r, 6) == 0;
    const bool customer = rng_below(r, 2) == 0;
    const int who = (int)rng_below(r, CUSTOMERS);

    if (bench.folder == NULL) {
        fold_to_end(&bench);
    }
    if (held) {
        hold_lane_of(customer ? arena_printf(&bench.arena, "c:%s", name_of('y', who))
                              : arena_printf(&bench.arena, "a:%s", name_of('x', who)));
    }
    ok(folder_step(bench.folder, &folded, &err), &err);
    if (held) {
        PQclear(PQexec(holder, "ROLLBACK"));
        ask_by_name(customer ? who : NOBODY, customer ? NOBODY : who);
    }
}

/* Whoever was put off, whenever they are due, and whom that tells. */
static void settle(void)
{
    struct err err = {0};
    struct log_lag lag = {.events = 1};
    int64_t folded;
    int settled;

    for (int i = 0; (lag.events > 0 || lag.stale > 0) && i < 1000; i++) {
        ok(folder_settle(bench.folder, &settled, &err), &err);
        ok(folder_step(bench.folder, &folded, &err), &err);
        ok(folder_lag(bench.folder, &lag, &err), &err);
    }
    assert_int_equal(lag.stale, 0);
}

/* Nothing waits any more. */
static void end_with(struct outreach_request request, struct person who)
{
    struct answer a;
    bool send;

    assert_true(ask_dry(request, &a, &send));
    perhaps += not_to_be_told_as_a_customer(&people, who, NOTHING, all_folded) != NULL ? 1 : 0;
    if (!send && person_waits_for_a_message(&people, who)) {
        wrong(&a, "is not spoken to");
    }
}

static void end_with_cart(int cart)
{
    const struct keepers k = keepers_of_cart(&people, cart);
    struct answer a;
    bool send;

    assert_true(ask_dry((struct outreach_request){.cart_id = name_of_cart(cart)}, &a, &send));
    if (a.outcome == OUTREACH_SHARED ? k.most < 2 : k.least > 1) {
        wrong(&a, name_of_cart(cart));
    }
}

static void end(void)
{
    settle();
    all_folded = true;
    for (int i = 0; i < CUSTOMERS; i++) {
        end_with((struct outreach_request){.customer_id = name_of('y', i)},
                 (struct person){i, NOBODY});
    }
    for (int i = 0; i < BROWSERS; i++) {
        end_with((struct outreach_request){.anonymous_id = name_of('x', i)},
                 person_at(&people, i, INT_MAX));
    }
    for (int i = 0; i < CARTS; i++) {
        end_with_cart(i);
    }
    all_folded = false;
}

static void run_schedule(void)
{
    struct rng r = rng_seed(seed);
    int arrived = 0;

    people = people_make(2 * seed + (heavy ? 1 : 0), &r);
    began_us = clock_now_us() - BEGAN_AGO_US;
    const uint64_t eager = 1 + rng_below(&r, 3); /* how often the fold gets a turn */
    at_once = !heavy && rng_below(&r, 5) == 0;
    while (arrived < people.count) {
        if (rng_below(&r, 5) < eager) {
            fold_a_part(&r);
        } else {
            arrive(people.arrival[arrived++]);
            if (rng_below(&r, 3) == 0) {
                ask_concerned(people.arrival[arrived - 1], &r);
            }
        }
        if (at_once) {
            fold_to_end(&bench);
        }
        if (heavy && rng_below(&r, 15) == 0) {
            settle();
        }
        if (rng_below(&r, 4) == 0) {
            ask_somebody(&r);
        }
    }
    end();
}

static void whatever_happens_nobody_is_told_what_they_must_not_be(void **state)
{
    (void)state;
    const struct people_seeds seeds = people_seeds(SCHEDULES, SCHEDULES_LONG);

    shopper_rules_set(
        &(struct shopper_rules){.echo_us = MINUTES(30), .undo_us = MINUTES(UNDO_MINUTES)});
    bench.config.fold_batch = 3;
    bench.config.database_wait = 5000; /* one look is enough: nobody folds meanwhile */
    bench.config.database_timeout = 5000;
    holder = PQconnectdb(bench.url);
    for (seed = seeds.first; seed < seeds.first + seeds.count; seed++) {
        run_schedule();
    }
    print_message("%lld sends, %lld shared carts, %lld waited, %lld perhaps a customer\n",
                  (long long)sent, (long long)shared, (long long)waited, (long long)perhaps);
    assert_true(seeds.count < SCHEDULES ||
                (sent > (int64_t)seeds.count && shared > 0 && waited > 0));
    assert_replay_is_clean(&bench);
    PQfinish(holder);
}

/* Two events make everybody heavy, one far back is too much for a batch, and who is put off waits until somebody settles it. */
static void nor_while_what_they_did_waits_to_be_folded_by_itself(void **state)
{
    /* A cart id alone that somebody put off keeps as well; a no between a logout and a login that the browser was to be told of again; a
     * login that nobody tells before a browser that is put off has answered. */
    static const uint64_t found[] = {2096, 5106, 20326};
    const int64_t sent_before = sent;
    (void)state;
    const struct people_seeds seeds = people_seeds(SCHEDULES, SCHEDULES_LONG);

    shopper_rules_set(
        &(struct shopper_rules){.echo_us = MINUTES(30), .undo_us = MINUTES(UNDO_MINUTES)});
    heavy = true;
    bench.config.heavy_events = 2;
    bench.config.heavy_pause = 1000;
    holder = PQconnectdb(bench.url);
    for (seed = seeds.first; seed < seeds.first + seeds.count; seed++) {
        run_schedule();
    }
    for (size_t i = 0; i < COUNT_OF(found); i++) {
        seed = found[i];
        if (seed < seeds.first ||
            seed >= seeds.first + seeds.count) { /* each but once: it names its events */
            run_schedule();
        }
    }
    print_message("%lld sends, %lld waited, %lld unread, %lld put off and folded\n",
                  (long long)(sent - sent_before), (long long)waited, (long long)unread,
                  (long long)metric_value(METRIC_fold_stale_folded));
    assert_true(seeds.count < SCHEDULES ||
                (sent - sent_before > (int64_t)seeds.count && unread > 0 &&
                 metric_value(METRIC_fold_stale_folded) > 50));
    assert_replay_is_clean(&bench);
    PQfinish(holder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_happens_nobody_is_told_what_they_must_not_be),
        cmocka_unit_test(nor_while_what_they_did_waits_to_be_folded_by_itself),
    };
    return cmocka_run_group_tests_name("people", tests, outreach_setup, outreach_teardown);
}
