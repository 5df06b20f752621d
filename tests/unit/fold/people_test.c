/* Nobody who bought or opted out is spoken to, and nobody about what another person put into a cart: for random people, devices, orders of
 * arrival and states of folding. The log, the lanes and what waits for the fold are kept in memory; the fold, what it tells other lanes and
 * the rules are the program's. Who is whom is said by support/people.c. */
#include "support/people.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "domain/shop/cart_id.h"
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
static bool kept_by[CARTS][KEYS]; /* cart_lane: who keeps a cart of that id */
static struct {
    int customer, browser; /* NOBODY: none yet */
    bool many;
    bool joined, parted; /* told */
    int64_t ordered_us;
    int64_t told_us;
} parties[CARTS]; /* cart_party */
static struct people people;
static uint64_t seed;
static int64_t asked, answered, sent, waited, shared, late, refolds, parted;

static int lane_of(const char *key)
{
    return (key[0] == 'c' ? 0 : CUSTOMERS) + key[3] - '0';
}

static const char *cart_of(int cart)
{
    char name[CART_NAME_MAX];

    cart_name(&people, cart, name);
    return arena_strdup(&arena, name);
}

/* The latest time at which anything is received. */
static int64_t end_us(void)
{
    return START_US + MINUTES(RECEIVED_MINUTES_MAX);
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
    char at[CLOCK_TEXT_MAX];
    const char *who = "";
    const bool empties = strcmp(d->type, "cart_snapshot") == 0;
    const bool of_goods = strncmp(d->type, "cart", 4) == 0 || strncmp(d->type, "product", 7) == 0;
    const int product = empties ? NOTHING : of_goods ? n : d->goods;

    if (d->customer != NOBODY) {
        who = arena_printf(&arena, ",\"customer_id\":\"y%d\"", d->customer);
    }
    if (d->browser != NOBODY) {
        who = arena_printf(&arena, "%s,\"anonymous_id\":\"x%d\"", who, d->browser);
    }
    if (d->cart != NOTHING) {
        who = arena_printf(&arena, "%s,\"cart_id\":\"%s\"", who, cart_of(d->cart));
    }
    if (empties) {
        who = arena_printf(&arena, "%s,\"items\":[]", who);
    }
    if (!person_deed_names_no_order(d)) {
        who = arena_printf(&arena, "%s,\"order_id\":\"o%d\"", who,
                           d->order == NOTHING ? n : d->order);
    }
    if (strcmp(d->type, "chat_message") == 0) {
        who = arena_printf(&arena, "%s,\"opt_out\":true", who);
    }
    const struct event_row row = {
        .event_id = arena_printf(&arena, "e%d", n),
        .key = d->customer != NOBODY ? lanes[d->customer].key : lanes[CUSTOMERS + d->browser].key,
        .type = d->type,
        .occurred_us = at_us,
        .body = arena_printf(
            &arena, "{\"event_id\":\"e%d\",\"type\":\"%s\",\"occurred_at\":\"%s\"%s%s}", n, d->type,
            clock_format_rfc3339(at_us, at), who,
            product == NOTHING
                ? ""
                : arena_printf(&arena, ",\"items\":[{\"product_id\":\"p%d\"}]", product))};
    store(&row, ORIGIN_API, START_US + MINUTES(d->received));
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
        store(&rows[i], ORIGIN_DERIVED, end_us());
    }
}

static struct shopper *fold_of(const struct lane_of_one *l, size_t count)
{
    struct err err = {0};
    struct history h = {.events = arena_array(&arena, count, sizeof *h.events), .count = count};
    struct shopper *s = NULL;

    memcpy(h.events, l->events, count * sizeof *h.events);
    assert_true(shopper_log_fold(l->key, NULL, &h, INT64_MAX, &arena, &s, &err));
    return s;
}

static bool is_order(const struct event *e)
{
    return e->type == EVENT_PURCHASE || event_withdraws(e);
}

/* One that tells it apart; NOTHING: the event names none. */
static int cart_of_event(const struct event *e)
{
    const int cart = cart_named(&people, e->cart_id);

    return cart_id_tells_apart(e->cart_id) ? cart : NOTHING;
}

static void note_party(const struct event *e, int cart)
{
    const bool by_customer = e->customer_id != NULL;
    int *party = by_customer ? &parties[cart].customer : &parties[cart].browser;
    const int who = (by_customer ? e->customer_id : e->anonymous_id)[1] - '0';

    parties[cart].many = parties[cart].many || (*party != NOBODY && *party != who);
    *party = *party == NOBODY ? who : *party;
    if (is_order(e) &&
        (parties[cart].ordered_us == 0 || e->occurred_us < parties[cart].ordered_us)) {
        parties[cart].ordered_us = e->occurred_us;
    }
}

static struct cart_meeting meeting_of(int cart)
{
    return (struct cart_meeting){.cart_id = cart_of(cart),
                                 .customer = lanes[parties[cart].customer].key,
                                 .anonymous = lanes[CUSTOMERS + parties[cart].browser].key,
                                 .ordered_us = parties[cart].ordered_us,
                                 .taken_back = parties[cart].many};
}

/* As cart_parties_put does. Returns how many meetings. */
static size_t meet(const struct fold_batch *b, struct cart_meeting out[CARTS])
{
    size_t count = 0;

    for (size_t i = 0; i < b->count; i++) {
        const struct event *e = &b->events[i].event;
        const int cart = cart_of_event(e);
        if (b->events[i].log->origin != ORIGIN_DERIVED && cart != NOTHING) {
            note_party(e, cart);
        }
    }
    for (int i = 0; i < CARTS; i++) {
        const bool met = parties[i].browser != NOBODY && parties[i].customer != NOBODY &&
                         !parties[i].many && parties[i].ordered_us != 0;
        if (met && parties[i].told_us != parties[i].ordered_us) {
            parties[i].told_us = parties[i].ordered_us;
            parties[i].joined = true;
            out[count++] = meeting_of(i);
        } else if (parties[i].joined && parties[i].many && !parties[i].parted) {
            parties[i].parted = true;
            parted++;
            out[count++] = meeting_of(i);
        }
    }
    return count;
}

static void note_carts(const struct shopper *after)
{
    for (int i = 0; i < CARTS; i++) {
        kept_by[i][lane_of(after->key)] = shopper_cart(after, cart_of(i)) != NULL;
    }
}

/* The next n events of a lane, in one transaction. */
static void fold_some(struct lane_of_one *l, size_t n)
{
    struct fold_batch b;
    struct cart_meeting meetings[CARTS];
    struct event_row *rows;

    fold_batch_make(&b, l->events + l->folded, n, end_us(), &arena);
    assert_int_equal(b.key_count, 1);
    assert_int_equal(b.dead, 0);
    struct fold_key *k = &b.keys[0];
    k->doc = l->doc;
    fold_key_apply(k, &arena);
    k->history = (struct history){.events = arena_array(&arena, l->folded + n, sizeof *l->events),
                                  .count = l->folded + n};
    memcpy(k->history.events, l->events, k->history.count * sizeof *l->events);
    if (k->refold) {
        refolds++;
        k->after = fold_of(l, l->folded + n);
    }
    l->folded += n;
    l->doc = shopper_to_doc(k->after, &arena);
    note_carts(k->after);
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
                is_order(&e)) {
                return true;
            }
        }
    }
    return false;
}

static bool is_settled(const struct shopper *s, const char *via)
{
    for (size_t i = 0; i < s->named_count; i++) {
        if (s->named[i].guessed && strcmp(s->named[i].other, via) == 0) {
            return false;
        }
    }
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
        const int cart = e.via == NULL ? cart_of_event(&e) : NOTHING;
        may = cart != NOTHING && !parties[cart].many &&
              (parties[cart].browser != NOBODY || parties[cart].customer != NOBODY) &&
              (parties[cart].ordered_us != 0 || is_order(&e));
    }
    return may;
}

static size_t carts_known(const struct shopper *s)
{
    return s->cart_count + s->dropped_count + s->mentioned_count;
}

/* Those that are kept, those that made room, and those that were only named. */
static const char *cart_known(const struct shopper *s, size_t i)
{
    const size_t had = s->cart_count + s->dropped_count;

    if (i >= had) {
        return s->mentioned[i - had].id;
    }
    return i < s->cart_count ? s->carts[i].id : s->dropped[i - s->cart_count].id;
}

/* Somebody ordered one of the carts that the shopper has, or had. */
static bool orders_wait(const struct shopper *s, const struct lane_of_one *l)
{
    bool wait = false;

    for (size_t i = 0; i < carts_known(s) && !wait; i++) {
        wait = waits_somewhere(0, KEYS, l, NULL, cart_known(s, i));
    }
    return wait;
}

static bool is_own_or_via(const struct shopper *s, const struct lane_of_one *l, int lane)
{
    bool own = &lanes[lane] == l;

    for (size_t i = 0; i < s->binding_count && !own; i++) {
        own = lane == CUSTOMERS + s->bindings[i].other[1] - '0';
    }
    for (size_t i = 0; i < s->named_count && !own; i++) {
        own = lane == CUSTOMERS + s->named[i].other[1] - '0';
    }
    return own;
}

/* Somebody names it, and no fold has taken that. */
static bool is_news_of_cart(const struct lane_of_one *l, const char *cart_id)
{
    bool found = false;

    for (size_t n = l->folded; n < l->count && !found; n++) {
        const struct event e = decoded(&l->events[n]);
        found = l->events[n].origin != ORIGIN_DERIVED && e.cart_id != NULL &&
                strcmp(e.cart_id, cart_id) == 0;
    }
    return found;
}

/* As joins_shaken does: a cart that a join rests on may be somebody else's, too. */
static bool is_shaken(const struct shopper *s, const struct lane_of_one *l)
{
    bool shaken = false;

    for (size_t i = 0; i < s->ground_count; i++) {
        for (int n = 0; n < KEYS && l->key[0] == 'c' && !shaken; n++) {
            shaken = !is_own_or_via(s, l, n) && is_news_of_cart(&lanes[n], s->grounds[i].cart_id);
        }
    }
    return shaken;
}

static bool has_unfolded(const struct lane_of_one *l, enum event_type type, enum event_type other)
{
    bool found = false;

    for (size_t n = l->folded; n < l->count && !found; n++) {
        const enum event_type is = event_type_of(l->events[n].type);
        found = is == type || is == other;
    }
    return found;
}

static bool has_ordered(const struct lane_of_one *l, const char *cart_id)
{
    bool found = false;

    for (size_t n = 0; n < l->count && !found; n++) {
        const struct event e = decoded(&l->events[n]);
        found =
            e.via == NULL && e.cart_id != NULL && strcmp(e.cart_id, cart_id) == 0 && is_order(&e);
    }
    return found;
}

/* Whoever ordered a cart of the shopper's keeps one of that id only as long as a browser is theirs, and it may not be any more. */
static bool is_changing_keepers(const struct shopper *s, const struct lane_of_one *l)
{
    bool changing = false;

    for (size_t i = 0; i < carts_known(s) && !changing; i++) {
        const int cart = cart_named(&people, cart_known(s, i));
        if (cart == NOTHING || !cart_id_tells_apart(cart_known(s, i)) ||
            parties[cart].customer == NOBODY || parties[cart].browser == NOBODY) {
            continue;
        }
        const struct lane_of_one *by = &lanes[parties[cart].customer];
        changing = by != l && has_ordered(by, cart_known(s, i)) &&
                   (has_unfolded(&lanes[CUSTOMERS + parties[cart].browser],
                                 EVENT_DERIVED_SHOPPER_BOUND, EVENT_DERIVED_SHOPPER_UNBOUND) ||
                    has_unfolded(by, EVENT_DERIVED_BINDING_SET, EVENT_DERIVED_BINDING_SET));
    }
    return changing;
}

/* As joins_pending does. */
static bool is_pending(const struct shopper *s, const struct lane_of_one *l)
{
    bool pending = changes_who(l) || may_meet(l) || orders_wait(s, l) || is_shaken(s, l) ||
                   is_changing_keepers(s, l);

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

/* Who of others have ordered a cart of the shopper's, or withdrawn consent for it, as joins_pending finds them: folded or not, and not by
 * the browsers that are it. */
struct strangers {
    bool ordered[KEYS];
    int64_t ordered_us, withdrawn_us;
};

/* The shopper itself told the event of that key: under its own, or by a browser of its own then; a browser's is a customer's at times. */
static bool is_own(const struct shopper *s, const char *key, int64_t at_us)
{
    bool own = strcmp(key, s->key) == 0;

    for (size_t i = 0; i < s->binding_count; i++) {
        const struct binding *b = &s->bindings[i];
        const bool within = at_us >= b->from_us && at_us < b->until_us;
        if (s->key[0] == 'a') {
            own = own && at_us >= b->until_us;
        } else {
            own = own || (key[0] == 'a' && strcmp(b->other, key + 2) == 0 && within);
        }
    }
    return own;
}

static void look_at_stranger(struct strangers *all, const struct shopper *s, int stranger,
                             const char *cart_id)
{
    const struct lane_of_one *l = &lanes[stranger];
    const int cart = cart_named(&people, cart_id);

    for (size_t n = 0; n < l->count && (strcmp(l->key, s->key) == 0 || !kept_by[cart][stranger]);
         n++) {
        const struct event e = decoded(&l->events[n]);
        if (e.via != NULL || e.cart_id == NULL || strcmp(e.cart_id, cart_id) != 0 ||
            is_own(s, l->key, e.occurred_us)) {
            continue;
        }
        if (e.type == EVENT_PURCHASE) {
            all->ordered[stranger] = true;
            all->ordered_us = e.occurred_us > all->ordered_us ? e.occurred_us : all->ordered_us;
        } else if (event_withdraws(&e)) {
            all->withdrawn_us =
                e.occurred_us > all->withdrawn_us ? e.occurred_us : all->withdrawn_us;
        }
    }
}

static struct strangers strangers_of_cart(const struct shopper *s, const char *cart_id)
{
    struct strangers all = {.ordered_us = 0};
    int by = 0;

    if (cart_id_tells_apart(cart_id) && cart_named(&people, cart_id) != NOTHING) {
        for (int i = 0; i < KEYS; i++) {
            look_at_stranger(&all, s, i, cart_id);
            by += all.ordered[i] ? 1 : 0;
        }
    }
    all.ordered_us = by == 1 ? all.ordered_us : 0;
    return all;
}

static struct strangers strangers_of(const struct shopper *s)
{
    struct strangers all = {.ordered_us = 0};

    for (size_t i = 0; i < carts_known(s); i++) {
        const struct strangers one = strangers_of_cart(s, cart_known(s, i));
        all.ordered_us = one.ordered_us > all.ordered_us ? one.ordered_us : all.ordered_us;
        all.withdrawn_us =
            one.withdrawn_us > all.withdrawn_us ? one.withdrawn_us : all.withdrawn_us;
    }
    return all;
}

static struct decision decide(const struct shopper *s, const struct cart *cart)
{
    const struct policy policy = {
        .clock = {MINUTES(5), HOURS(1), DAYS(7)}, .age_max_us = DAYS(7), .risk_threshold = 0.5};
    const struct strangers others = strangers_of(s);

    return policy_decide(&policy, &(struct policy_input){.shopper = s,
                                                         .cart = cart,
                                                         .step = 1,
                                                         .risk = 0.9,
                                                         .now_us = end_us(),
                                                         .ordered_us = others.ordered_us,
                                                         .withdrawn_us = others.withdrawn_us});
}

static struct person person_of_key(const char *key)
{
    return key[0] == 'c' ? (struct person){key[3] - '0', NOBODY}
                         : (struct person){NOBODY, key[3] - '0'};
}

static void wrong(const char *key, const struct cart *c, const char *why)
{
    for (int i = 0; i < people.count; i++) {
        if (people.deeds[i].arrived) {
            person_deed_print(&people, i);
        }
    }
    fail_msg("seed %llu: %s, cart %s: %s", (unsigned long long)seed, key, c == NULL ? "" : c->id,
             why);
}

static void check_send(const char *key, const struct cart *c)
{
    const struct person who = person_of_key(key);
    const char *why = not_to_be_spoken_to(&people, who);

    sent++;
    if (why != NULL) {
        wrong(key, c, why);
    }
    for (size_t i = 0; i < c->line_count; i++) {
        const int deed = (int)strtol(c->lines[i].product_id + 1, NULL, 10);
        why = not_to_be_told(&people, who, deed);
        if (why == NULL &&
            cart_was_ordered_by_another(&people, who, cart_named(&people, c->id), deed)) {
            why = "was ordered by another person";
        }
        if (why != NULL) {
            wrong(key, c, arena_printf(&arena, "%s %s", c->lines[i].product_id, why));
        }
    }
}

/* Whose the key is: the customer who has it, or itself. */
static struct lane_of_one *owner_of(const char *key)
{
    struct lane_of_one *l = &lanes[lane_of(key)];
    const char *owner = shopper_owner_now(fold_of(l, l->count));

    return owner == NULL ? l : &lanes[owner[1] - '0'];
}

/* As cart_meant does. */
static const struct cart *cart_meant(const struct shopper *s, const char *cart_id, bool beside)
{
    const struct cart *named = cart_id == NULL ? NULL : shopper_cart(s, cart_id);

    if (named == NULL) {
        return cart_id != NULL && beside ? NULL : shopper_open_cart(s);
    }
    if (named->status == CART_MERGED) {
        return shopper_open_cart(s);
    }
    return named->status == CART_OPEN && named->via == NULL ? named : NULL;
}

static void check_answer(const char *key, const struct lane_of_one *l, const struct cart *cart,
                         const struct decision *d, bool everything)
{
    if (key[0] == 'a' && (d->send || everything) &&
        !same_person(person_of_key(l->key), person_at(&people, key[3] - '0', INT_MAX))) {
        wrong(l->key, cart, "is somebody else");
    }
    if (d->send) {
        check_send(l->key, cart);
    }
}

static bool is_being_joined(const char *key)
{
    bool seen[CARTS];

    for (int i = 0; i < CARTS; i++) {
        const int other = key[0] == 'c' ? parties[i].browser : parties[i].customer;
        seen[i] = parties[i].many || other != NOBODY;
    }
    return person_is_being_joined(&people, person_of_key(key), seen);
}

/* Asks about a customer or a browser, or one of their carts; everything: nothing waits any more. */
static void ask(const char *key, const char *cart_id, bool everything)
{
    struct lane_of_one *l = owner_of(key);
    struct shopper *s = fold_of(l, l->count);
    const struct cart *cart = cart_meant(s, cart_id, true);
    const struct decision d = decide(s, cart);

    asked++;
    if (is_pending(s, l)) {
        waited++;
        if (everything) {
            wrong(l->key, cart, "waits for ever");
        }
        return;
    }
    if (!everything && is_being_joined(l->key)) {
        return;
    }
    answered++;
    late += s->late_events;
    check_answer(key, l, cart, &d, everything);
    if (d.send && cart_id != NULL &&
        !person_named_cart(&people, person_of_key(l->key), cart_named(&people, cart_id))) {
        wrong(l->key, cart, arena_printf(&arena, "had nothing to do with %s", cart_id));
    }
    if (!d.send && everything && cart_id == NULL &&
        person_waits_for_a_message(&people, person_of_key(l->key))) {
        wrong(l->key, cart, arena_printf(&arena, "is not spoken to: %s", rule_name(d.reason)));
    }
}

/* Asks by the id of a cart alone: only where one person keeps it, is it theirs. */
static void ask_cart(int cart, bool everything)
{
    const struct keepers k = keepers_of_cart(&people, cart);
    struct lane_of_one *only = NULL;
    bool several = false;

    for (int i = 0; i < KEYS; i++) {
        if (kept_by[cart][i]) {
            struct lane_of_one *l = owner_of(lanes[i].key);
            several = several || (only != NULL && l != only);
            only = l;
        }
    }
    if (everything && (several ? k.most < 2 : k.least > 1)) {
        wrong(only == NULL ? "" : only->key, NULL,
              arena_printf(&arena, "%s is %s", cart_of(cart), several ? "several's" : "one's"));
    }
    shared += several ? 1 : 0;
    if (only != NULL && !several) {
        ask(only->key, cart_of(cart), everything);
    }
}

static void ask_somebody(struct rng *r)
{
    const int n = (int)rng_below(r, KEYS + 2);

    if (n < KEYS) {
        ask(lanes[n].key, NULL, false);
    } else if (n == KEYS) {
        ask(lanes[rng_below(r, KEYS)].key, cart_of((int)rng_below(r, CARTS)), false);
    } else {
        ask_cart((int)rng_below(r, CARTS), false);
    }
}

/* Whom the deed may have changed something for. */
static void ask_concerned(int deed, struct rng *r)
{
    const struct person_deed *d = &people.deeds[somebody_concerned(&people, deed, r)];

    ask(d->customer != NOBODY ? lanes[d->customer].key : lanes[CUSTOMERS + d->browser].key, NULL,
        false);
}

/* ---- a schedule ---- */

static void begin(struct rng *r)
{
    static const char *const keys[KEYS] = {"c:y0", "c:y1", "c:y2", "a:x0", "a:x1", "a:x2"};

    for (int i = 0; i < CARTS; i++) {
        memset(&parties[i], 0, sizeof parties[i]);
        parties[i].customer = parties[i].browser = NOBODY;
    }
    memset(kept_by, 0, sizeof kept_by);
    for (int i = 0; i < KEYS; i++) {
        lanes[i].key = keys[i];
        lanes[i].count = lanes[i].folded = 0;
        lanes[i].doc = NULL;
    }
    people = people_make(seed, r);
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
    for (int i = 0; i < CARTS; i++) {
        ask_cart(i, true);
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
            if (rng_below(&r, 4) == 0) {
                ask_concerned(people.arrival[arrived - 1], &r);
            }
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
    print_message("%lld asked, %lld answered, %lld waited, %lld sends, %lld shared carts, %lld too "
                  "late, %lld refolds, %lld joins taken back\n",
                  (long long)asked, (long long)answered, (long long)waited, (long long)sent,
                  (long long)shared, (long long)late, (long long)refolds, (long long)parted);
    assert_true(seeds.count < 100 ||
                (sent > (int64_t)seeds.count && waited > (int64_t)seeds.count / 10 &&
                 shared > (int64_t)seeds.count / 2 && late > (int64_t)seeds.count / 10 &&
                 parted > (int64_t)seeds.count / 20));
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_happens_nobody_is_told_what_they_must_not_be),
    };
    return cmocka_run_group_tests_name("people", tests, NULL, NULL);
}
