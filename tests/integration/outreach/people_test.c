/* The same as unit/fold/people_test.c, through the database: the log, the fold in parts, and outreach itself; fewer schedules. */
#include "support/people.h"

#include "base/clock.h"
#include "base/metric.h"
#include "integration/outreach/outreach_spec.h"
#include "support/spec.h"

#include <limits.h>
#include <stdlib.h>

enum { SCHEDULES = 15, SCHEDULES_LONG = 300 };

/* Half a minute less: when a deed occurred is counted back from when it is told, so twelve minutes may be a little less here. */
#define UNDO_US (MINUTES(UNDO_MINUTES) - SECONDS(30))

static struct people people;
static uint64_t seed;
static int64_t sent, waited, unread;
static PGconn *holder;

static const char *name_of(char kind, int number)
{
    return arena_printf(&bench.arena, "%c%d-of-%llu%s", kind, number, (unsigned long long)seed,
                        bench.config.heavy_pause == 1000 ? "h" : ""); /* others in each test */
}

static void arrive(int n)
{
    struct person_deed *d = &people.deeds[n];
    const char *more = "";
    const bool of_goods =
        strcmp(d->type, "cart_item_added") == 0 || strcmp(d->type, "product_viewed") == 0;
    const int product = of_goods ? n : d->goods;

    if (d->customer != NOBODY && d->browser != NOBODY && !d->of_cart) {
        more = arena_printf(&bench.arena, ",\"anonymous_id\":\"%s\"", name_of('x', d->browser));
    }
    if (d->of_cart) {
        more = arena_printf(&bench.arena, "%s,\"cart_id\":\"%s\"", more, name_of('k', d->browser));
    }
    more = arena_printf(&bench.arena, "%s,\"order_id\":\"%s\"", more,
                        name_of('o', d->order == NOTHING ? n : d->order));
    if (product != NOTHING) {
        more = arena_printf(&bench.arena, "%s,\"items\":[{\"product_id\":\"p%d\"}]", more, product);
    }
    did_with(bench.db,
             (struct deed){.customer = d->customer != NOBODY ? name_of('y', d->customer) : NULL,
                           .anonymous = d->customer != NOBODY ? NULL : name_of('x', d->browser),
                           .type = d->type,
                           .minutes_ago = 300 - n,
                           .more = more});
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

/* Now and then while somebody holds a lane: what is derived for it waits, and is there for nobody to see but outreach. */
static void fold_a_part(struct rng *r)
{
    struct err err = {0};
    int64_t folded;
    const bool held = rng_below(r, 6) == 0;
    const int who = (int)rng_below(r, CUSTOMERS);

    if (bench.folder == NULL) {
        fold_to_end(&bench);
    }
    if (held) {
        hold_lane_of(rng_below(r, 2) == 0 ? arena_printf(&bench.arena, "c:%s", name_of('y', who))
                                          : arena_printf(&bench.arena, "a:%s", name_of('x', who)));
    }
    ok(folder_step(bench.folder, &folded, &err), &err);
    if (held) {
        PQclear(PQexec(holder, "ROLLBACK"));
    }
}

static void wrong(const struct answer *a, const char *why)
{
    for (int i = 0; i < people.count; i++) {
        const struct person_deed *d = &people.deeds[i];
        if (d->arrived) {
            print_error("%2d %-18s y%d x%d%s, order %d, goods %d\n", i, d->type, d->customer,
                        d->browser, d->of_cart ? " of the cart" : "", d->order, d->goods);
        }
    }
    fail_msg("seed %llu: %s: %s", (unsigned long long)seed, why, a->text);
}

static void check_send(const struct answer *a)
{
    const char *customer = member(a, "customer_id");
    const char *browser = member(a, "anonymous_id");
    const struct person who = {customer[0] != '\0' ? customer[1] - '0' : NOBODY,
                               browser[0] != '\0' ? browser[1] - '0' : NOBODY};
    json_t *item;
    size_t i;

    sent++;
    if (person_opted_out(&people, who)) {
        wrong(a, "opted out");
    }
    json_array_foreach (json_object_get(json_object_get(a->json, "cart"), "items"), i, item) {
        const char *product = json_string_value(json_object_get(item, "product_id"));
        const char *why = not_to_be_told(&people, who, (int)strtol(product + 1, NULL, 10));
        if (why != NULL) {
            wrong(a, why);
        }
    }
}

/* False: it waits. */
static bool ask_dry(struct outreach_request request, bool *out_send)
{
    struct err err = {0};
    struct answer a = {0};

    request.dry_run = true;
    *out_send = false;
    if (!try_ask(request, &a, &err)) {
        assert_int_equal(err.kind, ERR_BUSY);
        waited++;
        return false;
    }
    unread += strcmp(member(&a, "reason"), "unread") == 0 ? 1 : 0;
    if (a.json != NULL && strcmp(member(&a, "decision"), "send") == 0) {
        *out_send = true;
        check_send(&a);
    }
    json_decref(a.json);
    return true;
}

/* See is_being_guessed in unit/fold/people_test.c. */
static bool has_a_server(int customer)
{
    bool has = false;

    for (int i = 0; i < people.count; i++) {
        const struct person_deed *d = &people.deeds[i];
        has = has || (d->arrived && d->of_cart && d->customer == customer);
    }
    return has;
}

static void ask_somebody(struct rng *r)
{
    const int n = (int)rng_below(r, 3);
    const int who = (int)rng_below(r, CUSTOMERS);
    bool send;

    if (n == 0 && !has_a_server(who)) {
        (void)ask_dry((struct outreach_request){.customer_id = name_of('y', who)}, &send);
    } else if (n == 1) {
        (void)ask_dry((struct outreach_request){.anonymous_id = name_of('x', who)}, &send);
    } else {
        (void)ask_dry((struct outreach_request){.cart_id = name_of('k', who)}, &send);
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

static void end(void)
{
    bool send;

    settle();
    for (int i = 0; i < CUSTOMERS; i++) {
        const struct person who = {i, NOBODY};
        assert_true(ask_dry((struct outreach_request){.customer_id = name_of('y', i)}, &send));
        assert_true(send || !person_waits_for_a_message(&people, who));
    }
    for (int i = 0; i < BROWSERS; i++) {
        const struct person who = person_at(&people, i, INT_MAX);
        assert_true(ask_dry((struct outreach_request){.anonymous_id = name_of('x', i)}, &send));
        assert_true(send || !person_waits_for_a_message(&people, who));
        assert_true(ask_dry((struct outreach_request){.cart_id = name_of('k', i)}, &send));
    }
}

static void run_schedule(void)
{
    struct rng r = rng_seed(seed);
    int arrived = 0;

    people = people_make(&r);
    const uint64_t eager = 1 + rng_below(&r, 3); /* how often the fold gets a turn */
    while (arrived < people.count) {
        if (rng_below(&r, 5) < eager) {
            fold_a_part(&r);
        } else {
            arrive(people.arrival[arrived++]);
        }
        if (bench.config.heavy_pause == 1000 && rng_below(&r, 15) == 0) {
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

    shopper_rules_set(&(struct shopper_rules){.echo_us = MINUTES(30), .undo_us = UNDO_US});
    bench.config.fold_batch = 3;
    bench.config.database_wait = 5000; /* one look is enough: nobody folds meanwhile */
    bench.config.database_timeout = 5000;
    holder = PQconnectdb(bench.url);
    for (seed = seeds.first; seed < seeds.first + seeds.count; seed++) {
        run_schedule();
    }
    print_message("%lld sends, %lld waited\n", (long long)sent, (long long)waited);
    assert_true(seeds.count < 15 || (sent > (int64_t)seeds.count && waited > 0));
    assert_replay_is_clean(&bench);
    PQfinish(holder);
}

/* Two events make everybody heavy, one far back is too much for a batch, and who is put off waits until somebody settles it. */
static void nor_while_what_they_did_waits_to_be_folded_by_itself(void **state)
{
    const int64_t sent_before = sent;
    (void)state;
    const struct people_seeds seeds = people_seeds(SCHEDULES, SCHEDULES_LONG);

    shopper_rules_set(&(struct shopper_rules){.echo_us = MINUTES(30), .undo_us = UNDO_US});
    bench.config.heavy_events = 2;
    bench.config.heavy_pause = 1000;
    holder = PQconnectdb(bench.url);
    for (seed = seeds.first; seed < seeds.first + seeds.count; seed++) {
        run_schedule();
    }
    print_message("%lld sends, %lld waited, %lld unread, %lld put off and folded\n",
                  (long long)(sent - sent_before), (long long)waited, (long long)unread,
                  (long long)metric_value(METRIC_fold_stale_folded));
    assert_true(seeds.count < 15 || (sent - sent_before > (int64_t)seeds.count && unread > 0 &&
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
