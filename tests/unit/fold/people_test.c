/* Nobody who bought or opted out is spoken to, and nobody about what another person put into a cart: for random people, devices, orders of
 * arrival and states of folding. The log, the lanes and what waits for the fold are kept in memory; the fold, what it tells other lanes and
 * the rules are the program's. Who is whom is said by support/people.c. */
#include "support/people.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "domain/speak/policy.h"
#include "fold/fold_batch.h"
#include "support/spec.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define START_US INT64_C(1767225600000000)
enum { KEYS = CUSTOMERS + BROWSERS, LOG_MAX = 4000, SCHEDULES = 500, SCHEDULES_LONG = 20000 };

/* One lane with one shopper: customers, then browsers. */
struct lane_of_one {
    const char *key;
    struct log_event events[LOG_MAX];
    size_t count;
    size_t folded;
    const char *doc;
};

static struct arena arena;
static struct lane_of_one lanes[KEYS];
static const char
    *kept_by[BROWSERS]; /* cart_lane: the key that a browser's cart was folded to last */
static struct {
    bool by_browser, by_customer;
    int64_t ordered_us;
    int64_t told_us;
} parties[BROWSERS]; /* cart_party */
static struct people people;
static uint64_t seed;
static int64_t asked, answered, sent, waited, refolds;

static int lane_of(const char *key)
{
    return (key[0] == 'c' ? 0 : CUSTOMERS) + key[3] - '0';
}

static const char *cart_of(int browser)
{
    return arena_printf(&arena, "cart-x%d", browser);
}

/* ---- the log ---- */

static void store(const struct event_row *row, enum event_origin origin, int64_t received_us)
{
    struct lane_of_one *l = &lanes[lane_of(row->key)];

    for (size_t i = 0; i < l->count; i++) {
        if (strcmp(l->events[i].event_id, row->event_id) == 0) {
            return; /* a duplicate */
        }
    }
    assert_true(l->count < LOG_MAX);
    /* as it would lie in the log */
    const struct event_form form = {.event_id = row->event_id,
                                    .key = l->key,
                                    .type = row->type,
                                    .occurred_us = row->occurred_us,
                                    .body = arena_strdup(&arena, row->body),
                                    .body_len = strlen(row->body)};
    struct event_packed packed;
    event_pack(&form, &arena, &packed);
    l->events[l->count] = (struct log_event){.lane = event_lane(l->key),
                                             .off = (int64_t)l->count + 1,
                                             .event_id = arena_strdup(&arena, row->event_id),
                                             .key = l->key,
                                             .type = arena_strdup(&arena, row->type),
                                             .origin = origin,
                                             .occurred_us = row->occurred_us,
                                             .received_us = received_us,
                                             .packed = packed};
    l->count++;
}

static void arrive(int n)
{
    struct person_deed *d = &people.deeds[n];
    const int64_t at_us = START_US + MINUTES(n);
    const bool server = d->customer != NOBODY && d->of_cart;
    char at[CLOCK_TEXT_MAX];
    const char *who = "";
    const bool of_goods = strncmp(d->type, "cart", 4) == 0 || strncmp(d->type, "product", 7) == 0;
    const int product = of_goods ? n : d->goods;

    if (d->customer != NOBODY) {
        who = arena_printf(&arena, ",\"customer_id\":\"y%d\"", d->customer);
    }
    if (d->browser != NOBODY && !server) {
        who = arena_printf(&arena, "%s,\"anonymous_id\":\"x%d\"", who, d->browser);
    }
    if (d->of_cart) {
        who = arena_printf(&arena, "%s,\"cart_id\":\"%s\"", who, cart_of(d->browser));
    }
    const struct event_row row = {
        .event_id = arena_printf(&arena, "e%d", n),
        .key = d->customer != NOBODY ? lanes[d->customer].key : lanes[CUSTOMERS + d->browser].key,
        .type = d->type,
        .occurred_us = at_us,
        .body = arena_printf(
            &arena,
            "{\"event_id\":\"e%d\",\"type\":\"%s\",\"order_id\":\"o%d\",\"occurred_at\":\"%s\"%s%s}",
            n, d->type, d->order == NOTHING ? n : d->order, clock_format_rfc3339(at_us, at), who,
            product == NOTHING
                ? ""
                : arena_printf(&arena, ",\"items\":[{\"product_id\":\"p%d\"}]", product))};
    store(&row, ORIGIN_API, START_US + HOURS(2));
    d->arrived = true;
}

/* ---- the fold ---- */

static struct event decoded(const struct log_event *log)
{
    struct event e = {0};
    struct err err = {0};

    if (!log_event_decode(log, &arena, &e, &err)) {
        size_t len;
        fail_msg("seed %llu: %s %s: %s", (unsigned long long)seed,
                 log_event_body(log, &arena, &len), err.path, err.text);
    }
    return e;
}

static void store_derived(const struct event_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        store(&rows[i], ORIGIN_DERIVED, START_US + HOURS(2));
    }
}

static struct shopper *fold_of(const struct lane_of_one *l, size_t count)
{
    struct err err = {0};
    struct history h = {arena_array(&arena, count, sizeof *h.events), count};
    struct shopper *s = NULL;

    memcpy(h.events, l->events, count * sizeof *h.events);
    assert_true(shopper_log_fold(l->key, NULL, &h, INT64_MAX, &arena, &s, &err));
    return s;
}

/* As cart_parties_put does. Returns how many meetings. */
static size_t meet(const struct fold_batch *b, struct cart_meeting out[BROWSERS])
{
    size_t count = 0;

    for (size_t i = 0; i < b->count; i++) {
        const struct event *e = &b->events[i].event;
        if (b->events[i].log->origin == ORIGIN_DERIVED || e->cart_id == NULL) {
            continue;
        }
        const int x = e->cart_id[6] - '0';
        const bool order = e->type == EVENT_PURCHASE || e->type == EVENT_CONSENT_WITHDRAWN;
        parties[x].by_browser = parties[x].by_browser || e->customer_id == NULL;
        parties[x].by_customer = parties[x].by_customer || e->customer_id != NULL;
        if (order && (parties[x].ordered_us == 0 || e->occurred_us < parties[x].ordered_us)) {
            parties[x].ordered_us = e->occurred_us;
        }
    }
    for (int x = 0; x < BROWSERS; x++) {
        if (parties[x].by_browser && parties[x].by_customer && parties[x].ordered_us != 0 &&
            parties[x].told_us != parties[x].ordered_us) {
            parties[x].told_us = parties[x].ordered_us;
            out[count++] = (struct cart_meeting){.cart_id = cart_of(x),
                                                 .customer = lanes[customer_of_cart(x)].key,
                                                 .anonymous = lanes[CUSTOMERS + x].key,
                                                 .ordered_us = parties[x].ordered_us};
        }
    }
    return count;
}

static void note_carts(const struct shopper *before, const struct shopper *after)
{
    for (int x = 0; x < BROWSERS; x++) {
        const char *id = cart_of(x);
        if (shopper_cart(after, id) != NULL) {
            kept_by[x] = lanes[lane_of(after->key)].key;
        } else if (shopper_cart(before, id) != NULL && kept_by[x] != NULL &&
                   strcmp(kept_by[x], after->key) == 0) {
            kept_by[x] = NULL;
        }
    }
}

/* The next n events of a lane, in one transaction. */
static void fold_some(struct lane_of_one *l, size_t n)
{
    struct fold_batch b;
    struct err err = {0};
    struct cart_meeting meetings[BROWSERS];
    struct event_row *rows;
    struct shopper *before = NULL;

    fold_batch_make(&b, l->events + l->folded, n, START_US + HOURS(2), &arena);
    assert_int_equal(b.key_count, 1);
    assert_int_equal(b.dead, 0);
    struct fold_key *k = &b.keys[0];
    k->doc = l->doc;
    assert_true(shopper_from_doc(l->key, l->doc, &arena, &before, &err));
    fold_key_apply(k, &arena);
    k->history =
        (struct history){arena_array(&arena, l->folded + n, sizeof *l->events), l->folded + n};
    memcpy(k->history.events, l->events, k->history.count * sizeof *l->events);
    if (k->refold) {
        refolds++;
        k->after = fold_of(l, l->folded + n);
    }
    l->folded += n;
    l->doc = shopper_to_doc(k->after, &arena);
    note_carts(before, k->after);
    const size_t met = meet(&b, meetings);
    const size_t changed = fold_identity_changed(k, &k->history, &arena, &rows);
    store_derived(rows, changed);
    const size_t told = fold_identity_rows(&b, meetings, met, &rows);
    store_derived(rows, told);
}

static bool fold_somewhere(struct rng *r)
{
    const int from = (int)rng_below(r, KEYS);

    for (int i = 0; i < KEYS; i++) {
        struct lane_of_one *l = &lanes[(from + i) % KEYS];
        if (l->folded < l->count) {
            fold_some(l, 1 + rng_below(r, l->count - l->folded));
            return true;
        }
    }
    return false;
}

/* ---- what waits ---- */

static bool is_unfolded(const struct lane_of_one *l)
{
    return l->folded < l->count;
}

/* Something not folded of any of the lanes from..until, but of the lane `but`, that names the browser, or has ordered the cart. */
static bool waits_somewhere(int from, int until, const struct lane_of_one *but, const char *browser,
                            const char *ordered)
{
    for (int i = from; i < until; i++) {
        const struct lane_of_one *l = &lanes[i];
        for (size_t n = l->folded; n < l->count && l != but; n++) {
            const struct event e = decoded(&l->events[n]);
            const bool own = e.via == NULL;
            const char *named = e.type == EVENT_DERIVED_BINDING_SET ? e.via
                                : own                               ? e.anonymous_id
                                                                    : NULL;
            if (browser != NULL && named != NULL && strcmp(named, browser) == 0) {
                return true;
            }
            if (own && ordered != NULL && e.cart_id != NULL && strcmp(e.cart_id, ordered) == 0 &&
                (e.type == EVENT_PURCHASE || e.type == EVENT_CONSENT_WITHDRAWN)) {
                return true;
            }
        }
    }
    return false;
}

static bool is_settled(const struct shopper *s, const char *via)
{
    for (size_t i = 0; i < s->binding_count; i++) {
        if (strcmp(s->bindings[i].other, via) == 0 && s->bindings[i].from_us == INT64_MIN &&
            s->bindings[i].until_us == INT64_MAX) {
            return true;
        }
    }
    return false;
}

static bool is_joining(const struct shopper *s, const struct lane_of_one *l, const char *via)
{
    const int own = lane_of(l->key);

    return is_unfolded(&lanes[CUSTOMERS + via[1] - '0']) ||
           waits_somewhere(0, CUSTOMERS, l, via, NULL) ||
           (!is_settled(s, via) && waits_somewhere(own, own + 1, NULL, via, NULL));
}

static bool changes_who(const struct lane_of_one *l)
{
    bool found = false;

    for (size_t n = l->folded; n < l->count && !found; n++) {
        const struct event e = decoded(&l->events[n]);
        found = (e.type == EVENT_LOGGED_OUT && e.via == NULL) ||
                e.type == EVENT_DERIVED_SHOPPER_BOUND || e.type == EVENT_DERIVED_SHOPPER_UNBOUND;
    }
    return found;
}

/* A cart that somebody named is ordered, and who asks has just named it, too. */
static bool may_meet(const struct lane_of_one *l)
{
    bool may = false;

    for (size_t n = l->folded; n < l->count && !may; n++) {
        const struct event e = decoded(&l->events[n]);
        may = e.via == NULL && e.cart_id != NULL && e.cart_id[4] == '-' &&
              (parties[e.cart_id[6] - '0'].by_browser || parties[e.cart_id[6] - '0'].by_customer) &&
              (parties[e.cart_id[6] - '0'].ordered_us != 0 || e.type == EVENT_PURCHASE ||
               e.type == EVENT_CONSENT_WITHDRAWN);
    }
    return may;
}

/* As joins_pending does. */
static bool is_pending(const struct shopper *s, const struct lane_of_one *l)
{
    bool pending = changes_who(l) || may_meet(l);

    for (size_t i = 0; i < s->cart_count && !pending; i++) {
        pending = waits_somewhere(0, KEYS, l, NULL, s->carts[i].id);
    }
    if (l->key[0] == 'a') {
        return pending || waits_somewhere(0, CUSTOMERS, NULL, l->key + 2, NULL);
    }
    for (size_t i = 0; i < s->binding_count; i++) {
        pending = pending || is_joining(s, l, s->bindings[i].other);
    }
    for (size_t i = 0; i < s->named_count; i++) {
        pending = pending || is_joining(s, l, s->named[i].other);
    }
    return pending;
}

/* ---- asking ---- */

/* The one thing that a customer does not wait for: that a browser fills a cart which the customer's server has told an order of,
 * while nothing of it is folded yet. Nobody looks for it in all lanes at every decision. */
static bool is_being_guessed(const struct lane_of_one *l)
{
    bool found = false;

    for (int i = 0; i < people.count; i++) {
        const struct person_deed *d = &people.deeds[i];
        found = found || (d->arrived && d->of_cart && d->customer == lane_of(l->key) &&
                          !parties[d->browser].by_browser);
    }
    return found;
}

static struct decision decide(const struct shopper *s, const struct cart *cart)
{
    const struct policy policy = {
        .clock = {MINUTES(5), HOURS(1), DAYS(7)}, .age_max_us = DAYS(7), .risk_threshold = 0.5};

    return policy_decide(
        &policy,
        &(struct policy_input){
            .shopper = s, .cart = cart, .step = 1, .risk = 0.9, .now_us = START_US + HOURS(4)});
}

static struct person person_of_key(const char *key)
{
    return key[0] == 'c' ? (struct person){key[3] - '0', NOBODY}
                         : (struct person){NOBODY, key[3] - '0'};
}

static void wrong(const char *key, const struct cart *c, const char *why)
{
    for (int i = 0; i < people.count; i++) {
        const struct person_deed *d = &people.deeds[i];
        if (d->arrived) {
            print_error("%2d %-18s y%d x%d%s, order %d, goods %d\n", i, d->type, d->customer,
                        d->browser, d->of_cart ? " of the cart" : "", d->order, d->goods);
        }
    }
    fail_msg("seed %llu: %s, cart %s: %s", (unsigned long long)seed, key, c == NULL ? "" : c->id,
             why);
}

static void check_send(const char *key, const struct cart *c)
{
    const struct person who = person_of_key(key);

    sent++;
    if (person_opted_out(&people, who)) {
        wrong(key, c, "opted out");
    }
    for (size_t i = 0; i < c->line_count; i++) {
        const int deed = (int)strtol(c->lines[i].product_id + 1, NULL, 10);
        const char *why = not_to_be_told(&people, who, deed);
        if (why != NULL) {
            wrong(key, c, arena_printf(&arena, "%s %s", c->lines[i].product_id, why));
        }
    }
}

/* Asks about a customer, a browser or a browser's cart; everything: nothing waits any more. */
static void ask(const char *key, const char *cart_id, bool everything)
{
    struct lane_of_one *l = &lanes[lane_of(key)];
    struct shopper *s = fold_of(l, l->count);
    const char *owner = shopper_owner_now(s);

    asked++;
    if (owner != NULL) {
        l = &lanes[owner[1] - '0'];
        s = fold_of(l, l->count);
    }
    const struct cart *named = cart_id == NULL ? NULL : shopper_cart(s, cart_id);
    const struct cart *cart = shopper_open_cart(s);
    if (named != NULL && named->status != CART_MERGED) {
        cart = named->status == CART_OPEN && named->via == NULL ? named : NULL;
    }
    const struct decision d = decide(s, cart);
    if (is_pending(s, l)) {
        waited++;
        if (everything) {
            wrong(l->key, cart, "waits for ever");
        }
        return;
    }
    if (is_being_guessed(l) && !everything) {
        return;
    }
    answered++;
    if (key[0] == 'a' && (d.send || everything) &&
        !same_person(person_of_key(l->key), person_at(&people, key[3] - '0', INT_MAX))) {
        wrong(l->key, cart, "is somebody else");
    }
    if (d.send) {
        check_send(l->key, cart);
    } else if (everything && cart_id == NULL &&
               person_waits_for_a_message(&people, person_of_key(l->key))) {
        wrong(l->key, cart, arena_printf(&arena, "is not spoken to: %s", rule_name(d.reason)));
    }
}

static void ask_somebody(struct rng *r)
{
    const int n = (int)rng_below(r, KEYS + BROWSERS);

    if (n < KEYS) {
        ask(lanes[n].key, NULL, false);
    } else if (kept_by[n - KEYS] != NULL) {
        ask(kept_by[n - KEYS], cart_of(n - KEYS), false);
    }
}

/* ---- a schedule ---- */

static void begin(struct rng *r)
{
    static const char *const keys[KEYS] = {"c:y0", "c:y1", "c:y2", "a:x0", "a:x1", "a:x2"};

    memset(parties, 0, sizeof parties);
    memset(kept_by, 0, sizeof kept_by);
    for (int i = 0; i < KEYS; i++) {
        lanes[i].key = keys[i];
        lanes[i].count = lanes[i].folded = 0;
        lanes[i].doc = NULL;
    }
    people = people_make(r);
}

static void end(struct rng *r)
{
    while (fold_somewhere(r)) {
    }
    for (int i = 0; i < KEYS; i++) {
        ask(lanes[i].key, NULL, true);
        if (lanes[i].doc != NULL) { /* what replay checks */
            assert_string_equal(lanes[i].doc,
                                shopper_to_doc(fold_of(&lanes[i], lanes[i].count), &arena));
        }
    }
    for (int x = 0; x < BROWSERS; x++) {
        if (kept_by[x] != NULL) {
            ask(kept_by[x], cart_of(x), true);
        }
    }
}

static void run_schedule(void)
{
    struct rng r = rng_seed(seed);
    int arrived = 0;

    begin(&r);
    const uint64_t eager = 1 + rng_below(&r, 4); /* how often the fold gets a turn */
    while (arrived < people.count) {
        if (rng_below(&r, 5) < eager) {
            (void)fold_somewhere(&r);
        } else {
            arrive(people.arrival[arrived++]);
        }
        if (rng_below(&r, 4) == 0) {
            ask_somebody(&r);
        }
    }
    end(&r);
    arena_reset(&arena);
}

static void whatever_happens_nobody_is_told_what_they_must_not_be(void **state)
{
    (void)state;
    const struct people_seeds seeds = people_seeds(SCHEDULES, SCHEDULES_LONG);

    shopper_rules_set(
        &(struct shopper_rules){.echo_us = MINUTES(30), .undo_us = MINUTES(UNDO_MINUTES)});
    for (seed = seeds.first; seed < seeds.first + seeds.count; seed++) {
        run_schedule();
    }
    print_message("%lld asked, %lld answered, %lld waited, %lld sends, %lld refolds\n",
                  (long long)asked, (long long)answered, (long long)waited, (long long)sent,
                  (long long)refolds);
    assert_true(seeds.count < 100 ||
                (sent > (int64_t)seeds.count && waited > (int64_t)seeds.count / 10));
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_happens_nobody_is_told_what_they_must_not_be),
    };
    return cmocka_run_group_tests_name("people", tests, NULL, NULL);
}
