/* The fold is a function of the set: random events of random shoppers, folded in many orders, must give
 * the same bytes; applied one by one as they come in, with a refold where one is asked for, too. */
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/rng.h"
#include "domain/shopper/shopper_again.h"
#include "domain/shopper/shopper_pages.h"
#include "domain/shopper/shopper_purchases.h"
#include "support/spec.h"
#include "unit/domain/an_event.h"

#include <stdio.h>
#include <stdlib.h>

/* AddressSanitizer meets the same code in a quarter of the cases. */
#ifdef __SANITIZE_ADDRESS__
enum { CASES = 500, CROWDS = 15 };
#else
enum { CASES = 2000, CROWDS = 60 };
#endif
enum { ORDERS_TRIED = 3, EVENTS_MOST = 40, CROWD = 400 };

static struct arena arena;
static uint64_t times = 40; /* different ones in a set: the fewer, the more ties */

/* ---- random sets ---- */

static const char *const vias[] = {"x", "y"};

static const char *one_of(struct rng *r, const char *const *names, size_t count)
{
    return names[rng_below(r, count)];
}

static bool one_in(struct rng *r, uint64_t n)
{
    return rng_below(r, n) == 0;
}

/* Of few values of everything, so that they meet. */
static struct event_plan random_plan(struct rng *r)
{
    static const char *const skus[] = {"p1", "p2", "p3", "p4", "p5"};
    static const char *const carts[] = {NULL, NULL, NULL, "c1", "c2", "c3", "c4", "c5"};
    static const char *const orders[] = {NULL, NULL, "o1", "o2", "o3"};
    static const char *const variants[] = {NULL, NULL, NULL, "blue", "red"};
    static const char *const subjects[] = {NULL, "returns", "size guide", "2", "sms", "email"};
    static const int64_t delays[] = {0, 0, 0, SECONDS(5), HOURS(25), HOURS(30), DAYS(3)};

    return (struct event_plan){
        .type = (enum event_type)rng_below(r, EVENT_DERIVED_SHOPPER_BOUND),
        .at = (int64_t)rng_below(r, times) * (one_in(r, 3) ? HOURS(3) : SECONDS(20)),
        .late_by = delays[rng_below(r, COUNT_OF(delays))],
        .cart = one_of(r, carts, COUNT_OF(carts)),
        .order = one_of(r, orders, COUNT_OF(orders)),
        .subject = one_of(r, subjects, COUNT_OF(subjects)),
        .agent = one_in(r, 200) ? "Googlebot" : "Firefox",
        .locale = one_in(r, 5) ? "de" : NULL,
        .amount = one_in(r, 3) ? (int64_t)rng_below(r, 9000) : 0,
        .sku = one_in(r, 5) ? NULL : one_of(r, skus, COUNT_OF(skus)),
        .sku2 = one_in(r, 3) ? one_of(r, skus, COUNT_OF(skus)) : NULL,
        .quantity = 1 + (int64_t)rng_below(r, 3),
        .milli = one_in(r, 6) ? 1 + (int64_t)rng_below(r, 2500) : 0,
        .price = (int64_t)rng_below(r, 3) * 499,
        .variant = one_of(r, variants, COUNT_OF(variants)),
        .line = one_in(r, 8) ? "l1" : NULL,
        .price2 = (int64_t)rng_below(r, 3) * 700,
        .opt_out = one_in(r, 2),
        .off = one_in(r, 6) ? 1 + (int64_t)rng_below(r, 2) * 300 : 0,
        .origin = one_in(r, 8) ? ORIGIN_IMPORT : ORIGIN_API,
        .step = 1 + (int64_t)rng_below(r, 2),
    };
}

/* What matters most comes more often. */
static void choose_type(struct rng *r, struct event_plan *plan)
{
    static const enum event_type often[] = {EVENT_CART_ITEM_ADDED, EVENT_CART_ITEM_ADDED,
                                            EVENT_CART_ITEM_ADDED, EVENT_PURCHASE,
                                            EVENT_DERIVED_OUTREACH_RELEASED};

    if (one_in(r, 2)) {
        plan->type = often[rng_below(r, COUNT_OF(often))];
    }
    if (plan->type == EVENT_DERIVED_OUTREACH_RELEASED) {
        plan->cart = plan->cart == NULL ? "c1" : plan->cart;
        plan->origin = ORIGIN_DERIVED;
    }
    plan->opt_out = plan->opt_out && plan->type == EVENT_CHAT_MESSAGE;
    if (plan->sku == NULL &&
        (plan->type == EVENT_CART_ITEM_ADDED || plan->type == EVENT_CART_ITEM_REMOVED)) {
        plan->sku = "p1";
    }
}

static struct event random_own(struct rng *r)
{
    struct event_plan plan = random_plan(r);

    choose_type(r, &plan);
    if (plan.type == EVENT_IDENTIFY || plan.type == EVENT_ALIAS || plan.type == EVENT_LOGGED_OUT ||
        one_in(r, 4)) {
        plan.anonymous = one_of(r, vias, COUNT_OF(vias));
    }
    return event_planned(&plan);
}

/* Of an anonymous shopper: everything but what needs a customer. */
static struct event random_anonymous(struct rng *r)
{
    struct event_plan plan = random_plan(r);

    choose_type(r, &plan);
    if (plan.type == EVENT_IDENTIFY || plan.type == EVENT_ALIAS) {
        plan.type = EVENT_PAGE_VIEWED;
    }
    return event_planned(&plan);
}

/* An original of another lane may have the id of an event of this one. */
static struct event random_forwarded(struct rng *r)
{
    struct event e = random_anonymous(r);

    e.via = one_of(r, vias, COUNT_OF(vias));
    e.sort_id = arena_printf(&arena, "e%d", (int)rng_below(r, EVENTS_MOST));
    return e;
}

static struct event random_interval(struct rng *r)
{
    struct event_interval interval = {
        one_in(r, 2) ? INT64_MIN : TEST_DAY_US + (int64_t)rng_below(r, 40) * HOURS(1),
        one_in(r, 2) ? INT64_MAX : TEST_DAY_US + (int64_t)rng_below(r, 99) * HOURS(1),
    };

    return an_event(EVENT_DERIVED_BINDING_SET, .at = (int64_t)rng_below(r, 40) * HOURS(3),
                    .via = one_of(r, vias, COUNT_OF(vias)), .interval = interval,
                    .version = 1 + (int64_t)rng_below(r, 1 << 30), /* two never share one */
                    .origin = ORIGIN_DERIVED);
}

static const char *const joining[] = {"k1", "k2", NULL}; /* carts; a release of before told none */

/* A cart joins, or that is taken back. */
static struct event random_guess(struct rng *r)
{
    static const char *const customers[] = {"anna", "bob", "cleo"};
    const bool back = one_in(r, 3);

    return an_event(back ? EVENT_DERIVED_SHOPPER_UNBOUND : EVENT_DERIVED_SHOPPER_BOUND,
                    .at = (int64_t)rng_below(r, 20) * HOURS(1), .via = "x",
                    .customer = one_of(r, customers, COUNT_OF(customers)), .guessed = !back,
                    .taken_back = back, .cart = one_of(r, joining, back ? 2 : COUNT_OF(joining)),
                    .origin = ORIGIN_DERIVED);
}

static struct event random_named(struct rng *r)
{
    const bool back = one_in(r, 3);

    return an_event(EVENT_DERIVED_SHOPPER_NAMED,
                    .at = (int64_t)rng_below(r, 40) * (one_in(r, 3) ? HOURS(3) : SECONDS(20)),
                    .anonymous = one_of(r, vias, COUNT_OF(vias)), .taken_back = back,
                    .cart = one_of(r, joining, back ? 2 : COUNT_OF(joining)),
                    .origin = ORIGIN_DERIVED);
}

static struct event random_binding(struct rng *r)
{
    static const char *const customers[] = {"anna", "bob", "cleo"};

    if (one_in(r, 4)) {
        return random_guess(r);
    }
    return an_event(one_in(r, 3) ? EVENT_DERIVED_SHOPPER_UNBOUND : EVENT_DERIVED_SHOPPER_BOUND,
                    .at = (int64_t)rng_below(r, 20) * HOURS(1), .via = "x",
                    .customer = one_of(r, customers, COUNT_OF(customers)),
                    .origin = ORIGIN_DERIVED);
}

struct set {
    const char *key;
    struct event events[CROWD];
    size_t count;
};

static struct event random_event(struct rng *r, bool customer, bool bound)
{
    if (!customer) {
        return bound && one_in(r, 6) ? random_binding(r) : random_anonymous(r);
    }
    if (one_in(r, 12)) {
        return random_interval(r);
    }
    if (one_in(r, 20)) {
        return random_named(r);
    }
    return one_in(r, 3) ? random_forwarded(r) : random_own(r);
}

static bool may_be_left(const struct event *e)
{
    return !e->stands_in && (e->type == EVENT_PURCHASE || event_withdraws(e));
}

/* What is left of an event that was not whole when it first came. */
static struct event left_of(struct rng *r, const struct event *whole, size_t nth)
{
    struct event e = *whole;

    e.stands_in = true;
    e.event_id = arena_printf(&arena, "left %zu of %s", nth, whole->event_id);
    e.cart_id = one_in(r, 2) ? NULL : e.cart_id;
    e.order_id = one_in(r, 2) ? NULL : e.order_id;
    e.item_count = one_in(r, 2) ? 0 : e.item_count;
    if (one_in(r, 2)) { /* it told none, and counts from when it came in */
        e.occurred_us = TEST_DAY_US + (int64_t)rng_below(r, times) * SECONDS(20);
        e.received_us = e.occurred_us;
    }
    if (one_in(
            r,
            6)) { /* the whole one names its customer, or this one's browser is not told any more */
        e.via = e.via == NULL ? "x" : NULL;
    }
    return e;
}

static void make_set(struct rng *r, struct set *set)
{
    bool customer = !one_in(r, 3);
    bool bound = !customer && one_in(r, 2);

    times = 1 + rng_below(r, 40);
    set->key = customer ? "c:anna" : "a:x";
    set->count = 1 + rng_below(r, EVENTS_MOST);
    for (size_t i = 0; i < set->count; i++) {
        const struct event *before = i == 0 ? NULL : &set->events[rng_below(r, i)];
        set->events[i] = before != NULL && may_be_left(before) && one_in(r, 3)
                             ? left_of(r, before, i)
                             : random_event(r, customer, bound);
    }
}

/* ---- the two roads ---- */

static void shuffle(struct rng *r, struct event *events, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t k = rng_below(r, i);
        struct event e = events[k];
        events[k] = events[i - 1];
        events[i - 1] = e;
    }
}

static struct shopper *folded(const struct set *set, size_t count, int64_t until_us)
{
    struct event *events = arena_array(&arena, count, sizeof *events);

    memcpy(events, set->events, count * sizeof *events);
    return shopper_fold_all(NULL, set->key, events, count, until_us, &arena);
}

static void encode(const struct shopper *s, struct buf *out)
{
    buf_reset(out);
    shopper_encode(s, out);
    assert_true(buf_ok(out));
}

/* Decoded again at every step, so that nothing lives on beside the text. */
static struct shopper *through_text(const struct shopper *s)
{
    CLEANUP(buf_free) struct buf first = buf_make(1 << 20);
    CLEANUP(buf_free) struct buf second = buf_make(1 << 20);
    struct shopper *back = NULL;
    struct err err = {0};

    encode(s, &first);
    if (!shopper_decode(buf_text(&first), first.len, &arena, &back, &err)) {
        fail_msg("%s: %s", err.text, buf_text(&first));
    }
    encode(back, &second);
    assert_string_equal(buf_text(&first), buf_text(&second));
    return back;
}

static int64_t refolds;
static int64_t steps;

/* Applies the events as they come in; the refold takes what has come in so far. */
static struct shopper *applied(const struct set *set)
{
    CLEANUP(buf_free) struct buf before = buf_make(1 << 20);
    CLEANUP(buf_free) struct buf after = buf_make(1 << 20);
    struct shopper *s = shopper_new(set->key, &arena);

    for (size_t i = 0; i < set->count; i++) {
        encode(s, &before);
        steps++;
        if (shopper_apply(s, &set->events[i], &arena) == SHOPPER_REFOLD) {
            refolds++;
            encode(s, &after);
            assert_string_equal(buf_text(&before), buf_text(&after));
            s = folded(set, i + 1, INT64_MAX);
        }
        s = through_text(s);
    }
    return s;
}

/* Fails, showing both texts from a little before they part. */
static void assert_same_text(const struct buf *expected, const struct buf *got, const char *road,
                             uint64_t seed)
{
    const char *x = buf_text(expected);
    const char *y = buf_text(got);
    size_t same = 0;

    while (x[same] != '\0' && x[same] == y[same]) {
        same++;
    }
    if (x[same] != y[same]) {
        size_t from = same > 60 ? same - 60 : 0;
        fail_msg("seed %llu, %s, at byte %zu:\n%.200s\n%.200s", (unsigned long long)seed, road,
                 same, x + from, y + from);
    }
}

static void any_order_of_arrival_gives_the_same_bytes(void **state)
{
    CLEANUP(buf_free) struct buf expected = buf_make(1 << 20);
    CLEANUP(buf_free) struct buf got = buf_make(1 << 20);
    (void)state;

    for (uint64_t seed = 1; seed <= CASES; seed++) {
        struct rng r = rng_seed(seed);
        static struct set set;
        /* either way of closing carts, and echoes of all lengths */
        shopper_rules_set(
            &(struct shopper_rules){.closes_lines = one_in(&r, 2),
                                    .echo_us = (int64_t)rng_below(&r, 3) * HOURS(2),
                                    .undo_us = (int64_t)rng_below(&r, 3) * HOURS(20)});
        make_set(&r, &set);
        encode(folded(&set, set.count, INT64_MAX), &expected);
        for (int order = 0; order < ORDERS_TRIED; order++) {
            shuffle(&r, set.events, set.count);
            encode(folded(&set, set.count, INT64_MAX), &got);
            assert_same_text(&expected, &got, "fold_all", seed);
            encode(applied(&set), &got);
            assert_same_text(&expected, &got, "apply", seed);
        }
        forget_events();
        arena_reset(&arena);
    }
    arena_free(&arena);
    print_message("seeds 1 to %d, %lld events applied, %lld of them by a refold\n", CASES,
                  (long long)steps, (long long)refolds);
}

/* The memory alone, of more purchases over a longer time than it holds, some of them at one time. */
static void purchases_are_remembered_the_same_in_any_order(void **state)
{
    enum { TOLD = 400 };
    static struct purchase told[TOLD];
    CLEANUP(buf_free) struct buf expected = buf_make(1 << 20);
    CLEANUP(buf_free) struct buf got = buf_make(1 << 20);
    (void)state;

    for (uint64_t seed = 1; seed <= CROWDS; seed++) {
        struct rng r = rng_seed(seed);
        const uint64_t days = 1 + rng_below(&r, 900);
        for (int i = 0; i < TOLD; i++) {
            told[i] = (struct purchase){arena_printf(&arena, "p%d", (int)rng_below(&r, 300)),
                                        TEST_DAY_US + DAYS((int64_t)rng_below(&r, days))};
        }
        for (int order = 0; order <= ORDERS_TRIED; order++) {
            struct shopper *s = shopper_new("c:anna", &arena);
            for (int i = 0; i < TOLD; i++) {
                purchases_note(s, told[i].product_id, told[i].at_us, &arena);
            }
            encode(through_text(s), order == 0 ? &expected : &got);
            if (order > 0) {
                assert_same_text(&expected, &got, "purchases", seed);
            }
            for (size_t i = TOLD; i > 1; i--) {
                size_t k = rng_below(&r, i);
                struct purchase p = told[k];
                told[k] = told[i - 1];
                told[i - 1] = p;
            }
        }
        arena_reset(&arena);
    }
    arena_free(&arena);
}

/* ---- from states on the way ---- */

static int64_t from_a_state;
static int64_t from_the_start;

/* What a folder keeps of a shopper of many events. */
struct long_fold {
    const char *key;
    const struct shopper *base;
    const struct shopper *known;
    struct checkpoints notes;
    size_t folded;
};

/* The newest note before all the news; NULL. */
static const struct checkpoint *note_before(const struct long_fold *f, const struct event *news,
                                            size_t count)
{
    const struct checkpoint *found = NULL;

    for (size_t i = 0; i < f->notes.count; i++) {
        bool before = true;
        for (size_t n = 0; n < count; n++) {
            before = before && f->notes.all[i].at_us < news[n].occurred_us;
        }
        found = before ? &f->notes.all[i] : found;
    }
    return found;
}

/* The events of set from the folded ones on are news; in front of them what is behind the note. */
static size_t behind(const struct long_fold *f, const struct set *set, size_t count, int64_t at_us,
                     struct event *out)
{
    size_t n = 0;

    for (size_t i = f->folded; i < count; i++) {
        out[n++] = set->events[i];
    }
    for (size_t i = 0; i < f->folded; i++) {
        if (set->events[i].occurred_us > at_us) {
            out[n++] = set->events[i];
        }
    }
    return n;
}

/* Earlier notes stand, later ones are those that were taken now. */
static void keep_notes(struct long_fold *f, int64_t at_us, const struct checkpoints *taken)
{
    size_t kept = 0;

    while (kept < f->notes.count && f->notes.all[kept].at_us <= at_us) {
        kept++;
    }
    f->notes.count = kept;
    for (size_t i = 0; i < taken->count && f->notes.count < CHECKPOINTS_MAX; i++) {
        f->notes.all[f->notes.count] = taken->all[i];
        f->notes.all[f->notes.count].state = through_text(taken->all[i].state);
        f->notes.count++;
    }
}

static void fold_more(struct long_fold *f, const struct set *set, size_t count, struct rng *r)
{
    struct event *events = arena_array(&arena, count, sizeof *events);
    const struct checkpoint *from = note_before(f, set->events + f->folded, count - f->folded);
    struct checkpoints taken = {.spacing = 1 + (int64_t)rng_below(r, 5)};
    struct shopper *after = NULL;

    if (from != NULL) {
        size_t n = behind(f, set, count, from->at_us, events);
        after = shopper_fold_again(f->known, from, events, n, count - f->folded, &taken, &arena);
        from_a_state += after == NULL ? 0 : 1;
    }
    if (after == NULL) {
        memcpy(events, set->events, count * sizeof *events);
        after = shopper_fold_noting(f->base, f->key, events, count, &taken, &arena);
        from = NULL;
        from_the_start++;
    }
    keep_notes(f, from == NULL ? INT64_MIN : from->at_us, &taken);
    f->known = through_text(after);
    f->folded = count;
}

/* Nearly in order, as things come in: some a little late, some very. */
static void arrange(struct rng *r, struct set *set)
{
    (void)shopper_fold_all(NULL, set->key, set->events, set->count, INT64_MAX, &arena);
    for (size_t i = 0; i < set->count / 3; i++) {
        size_t from = rng_below(r, set->count);
        size_t to = one_in(r, 4) ? rng_below(r, set->count) : from + rng_below(r, 4);
        struct event e = set->events[from];
        to = to < set->count ? to : set->count - 1;
        set->events[from] = set->events[to];
        set->events[to] = e;
    }
}

/* The first events may be in a base, as retention leaves them. */
static const struct shopper *base_of(struct rng *r, struct set *set)
{
    const size_t n = one_in(r, 3) ? rng_below(r, set->count) : 0;

    if (n == 0) {
        return NULL;
    }
    const struct shopper *base = through_text(folded(set, n, INT64_MAX));
    set->count -= n;
    memmove(set->events, set->events + n, set->count * sizeof *set->events);
    return base;
}

static void fold_in_steps(struct set *set, struct rng *r, uint64_t seed)
{
    CLEANUP(buf_free) struct buf expected = buf_make(1 << 20);
    CLEANUP(buf_free) struct buf got = buf_make(1 << 20);

    arrange(r, set);
    struct long_fold f = {.key = set->key, .base = base_of(r, set)};
    while (f.folded < set->count) {
        size_t more = 1 + rng_below(r, 1 + set->count / 8);
        size_t count = f.folded + more < set->count ? f.folded + more : set->count;
        struct event *events = arena_array(&arena, count, sizeof *events);
        fold_more(&f, set, count, r);
        memcpy(events, set->events, count * sizeof *events);
        encode(shopper_fold_all(f.base, f.key, events, count, INT64_MAX, &arena), &expected);
        encode(f.known, &got);
        assert_same_text(&expected, &got, "fold_again", seed);
    }
}

static void from_a_state_on_the_way_it_is_the_fold_of_everything(void **state)
{
    static struct set set;
    (void)state;

    from_a_state = from_the_start = 0;
    for (uint64_t seed = 1; seed <= CASES; seed++) {
        struct rng r = rng_seed(seed);
        make_set(&r, &set);
        fold_in_steps(&set, &r, seed);
        forget_events();
        arena_reset(&arena);
    }
    arena_free(&arena);
    print_message("%lld folds from a state, %lld from the start\n", (long long)from_a_state,
                  (long long)from_the_start);
    assert_true(from_a_state > from_the_start / 4); /* or nothing was seen */
}

/* More of everything than a state has room for. */
static struct event one_of_a_crowd(struct rng *r, bool customer)
{
    struct event_plan plan = random_plan(r);
    int name = (int)rng_below(r, 60);

    choose_type(r, &plan);
    plan.order = one_in(r, 2) ? arena_printf(&arena, "o%d", name) : NULL;
    plan.cart = arena_printf(&arena, "c%d", name % 9);
    plan.subject = arena_printf(&arena, "channel %d", name);
    plan.sku = arena_printf(&arena, "p%d", (int)rng_below(r, 2000));
    plan.anonymous = arena_printf(&arena, "x%d", name);
    plan.type = one_in(r, 9) ? EVENT_CONSENT_GIVEN : plan.type;
    if (one_in(r, 4)) {
        plan.type = customer ? EVENT_DERIVED_BINDING_SET : EVENT_DERIVED_SHOPPER_BOUND;
        plan.via = customer ? plan.anonymous : "x";
        plan.customer = customer ? "anna" : arena_printf(&arena, "customer %d", name);
        plan.version = 1 + (int64_t)rng_below(r, 1 << 30);
        plan.interval = (struct event_interval){TEST_DAY_US + name, TEST_DAY_US + DAYS(9) + name};
    } else if (customer && one_in(r, 2)) {
        plan.via = plan.anonymous;
    }
    return event_planned(&plan);
}

static void fold_in_pages(struct set *set, struct rng *r, uint64_t seed);

static void what_a_state_has_no_room_for_goes_in_any_order(void **state)
{
    CLEANUP(buf_free) struct buf expected = buf_make(1 << 20);
    CLEANUP(buf_free) struct buf got = buf_make(1 << 20);
    static struct set set;
    (void)state;

    for (uint64_t seed = 1; seed <= CROWDS; seed++) {
        struct rng r = rng_seed(seed);
        bool customer = !one_in(&r, 3);
        set.key = customer ? "c:anna" : "a:x";
        set.count = CROWD;
        for (size_t i = 0; i < CROWD; i++) {
            set.events[i] = one_of_a_crowd(&r, customer);
        }
        encode(folded(&set, CROWD, INT64_MAX), &expected);
        for (int order = 0; order < ORDERS_TRIED; order++) {
            shuffle(&r, set.events, CROWD);
            encode(folded(&set, CROWD, INT64_MAX), &got);
            assert_same_text(&expected, &got, "fold_all", seed);
        }
        /* applied nearly in order, or each would be a refold of hundreds */
        (void)shopper_fold_all(NULL, set.key, set.events, CROWD, INT64_MAX, &arena);
        encode(applied(&set), &got);
        assert_same_text(&expected, &got, "apply", seed);
        fold_in_steps(&set, &r, seed);
        fold_in_pages(&set, &r, seed);
        forget_events();
        arena_reset(&arena);
    }
    arena_free(&arena);
}

/* ---- page by page ---- */

/* What is kept of all pages, as the database keeps it. */
struct kept {
    const struct shopper *base;
    struct named_via names[CROWD + NAMED_MAX];
    size_t name_count;
    struct event joins[CROWD]; /* a cart joins, or that is taken back */
    size_t join_count;
    struct event facts[CROWD]; /* in order of time */
    size_t fact_count;
    struct event sets[CROWD]; /* the newest of each browser */
    size_t set_count;
};

static void keep_name(struct kept *k, const struct named_via *named)
{
    size_t i = 0;

    while (i < k->name_count && strcmp(k->names[i].other, named->other) != 0) {
        i++;
    }
    if (i == k->name_count) {
        k->names[k->name_count++] = *named;
        return;
    }
    struct named_via *n = &k->names[i];
    n->first_us = named->first_us < n->first_us ? named->first_us : n->first_us;
    n->last_us = named->last_us > n->last_us ? named->last_us : n->last_us;
    n->guessed = n->guessed || named->guessed;
    if (named->said_us != 0 && (n->said_us == 0 || named->said_us < n->said_us)) {
        n->said_us = named->said_us;
    }
}

static void keep_set(struct kept *k, const struct event *e)
{
    size_t i = 0;

    while (i < k->set_count && strcmp(k->sets[i].via, e->via) != 0) {
        i++;
    }
    if (i == k->set_count || k->sets[i].version < e->version) {
        k->sets[i] = *e;
        k->set_count += i == k->set_count ? 1 : 0;
    }
}

static int named_last_first(const void *left, const void *right)
{
    const struct named_via *x = left;
    const struct named_via *y = right;

    return x->last_us != y->last_us ? (x->last_us > y->last_us ? -1 : 1)
                                    : strcmp(x->other, y->other);
}

static int by_time(const void *left, const void *right)
{
    const struct event *x = left;
    const struct event *y = right;

    return (x->occurred_us > y->occurred_us) - (x->occurred_us < y->occurred_us);
}

static void look_at_page(struct kept *k, const char *key, const struct event *events, size_t count)
{
    const struct shopper *who = shopper_new(key, &arena);
    struct named_via *names;
    const size_t named = shopper_page_names(key, events, count, &arena, &names);

    for (size_t i = 0; i < named; i++) {
        keep_name(k, &names[i]);
    }
    for (size_t i = 0; i < count; i++) {
        if (shopper_page_keeps(who, &events[i])) {
            k->facts[k->fact_count++] = events[i];
        }
        if (shopper_page_joins(&events[i])) {
            k->joins[k->join_count++] = shopper_page_join(&events[i], &arena);
        }
        if (key[0] == 'c' && shopper_page_tells_owner(k->base, &events[i])) {
            keep_set(k, &events[i]);
        }
    }
}

/* Of events in order of time, from one on, so many or a few more: what occurred at one time comes together. */
static size_t page_end(const struct event *events, size_t from, size_t count, size_t wanted)
{
    size_t end = from + wanted < count ? from + wanted : count;

    while (end < count && events[end].occurred_us == events[end - 1].occurred_us) {
        end++;
    }
    return end;
}

static struct shopper *learnt(struct kept *k, const char *key, struct rng *r)
{
    struct shopper *who = shopper_pages_begin(key, k->base, k->joins, k->join_count, &arena);
    struct page_stand_ins stand_ins = {0};
    for (size_t i = 0; i < k->fact_count; i++) {
        shopper_page_stand_in(&stand_ins, &k->facts[i], &arena);
    }
    for (size_t i = 0; i < k->fact_count; i++) {
        shopper_page_mended(&stand_ins, &k->facts[i], &arena);
    }
    shopper_pages_mend(who, &stand_ins, &arena);
    const struct event *events = key[0] == 'c' ? k->sets : k->facts;
    const size_t count = key[0] == 'c' ? k->set_count : k->fact_count;

    if (key[0] == 'c') {
        for (size_t i = 0; i < who->named_count; i++) {
            keep_name(k, &who->named[i]);
        }
        qsort(k->names, k->name_count, sizeof *k->names, named_last_first);
        shopper_pages_name(who, k->names, k->name_count < NAMED_MAX ? k->name_count : NAMED_MAX,
                           &arena);
    }
    struct learn_page page = {INT64_MIN, INT64_MIN};
    for (size_t from = 0, end; from < count || page.until_us < INT64_MAX; from = end) {
        end = page_end(events, from, count, 1 + rng_below(r, 9));
        page.until_us = end < count ? events[end - 1].occurred_us : INT64_MAX;
        shopper_pages_learn(who, k->base, page, events + from, end - from, &arena);
        page.after_us = page.until_us;
        who = through_text(who);
    }
    return through_text(shopper_pages_start(who, k->base, &arena));
}

static size_t tardy_pages;

/* With names of their own, which are written over when the page is done with, as those of a page of the log are gone. */
static void add_closers(struct page_closers *c, const struct shopper *s, const struct event *events,
                        size_t count)
{
    struct event *page = arena_array(&arena, count, sizeof *page);
    char **names = arena_array(&arena, count, sizeof *names);

    memcpy(page, events, count * sizeof *page);
    for (size_t i = 0; i < count; i++) {
        names[i] = page[i].cart_id == NULL ? NULL : arena_strdup(&arena, page[i].cart_id);
        page[i].cart_id = names[i];
    }
    shopper_page_closers_add(c, s, page, count);
    for (size_t i = 0; i < count; i++) {
        if (names[i] != NULL) {
            memset(names[i], '#', strlen(names[i]));
        }
    }
}

static const struct page_closers *closers_behind(const struct kept *k, const struct shopper *s,
                                                 const struct event *events, size_t count,
                                                 struct rng *r)
{
    const int64_t last_us = events[count - 1].occurred_us;

    if (!shopper_page_is_tardy(events, count)) {
        return NULL;
    }
    struct page_closers *c = shopper_page_closers(events, count, &arena);
    tardy_pages++;
    size_t from = 0;
    while (from < k->fact_count && k->facts[from].occurred_us <= last_us) {
        from++;
    }
    for (size_t end; from < k->fact_count; from = end) {
        end = page_end(k->facts, from, k->fact_count, 1 + rng_below(r, 5));
        add_closers(c, s, k->facts + from, end - from);
    }
    return c;
}

static struct shopper *folded_in_pages(struct kept *k, const struct set *set, struct rng *r)
{
    struct event *events = arena_array(&arena, set->count, sizeof *events);
    struct shopper *s = learnt(k, set->key, r);

    memcpy(events, set->events, set->count * sizeof *events);
    qsort(events, set->count, sizeof *events, by_time);
    for (size_t from = 0, end; from < set->count; from = end) {
        struct checkpoints notes = {.spacing = 1 + (int64_t)rng_below(r, 9)};
        end = page_end(events, from, set->count, 1 + rng_below(r, 12));
        const struct page_closers *later = closers_behind(k, s, events + from, end - from, r);
        shopper_fold_page(s, events + from, end - from, later,
                          (struct page_place){(int64_t)from, (int64_t)(set->count - end)}, &notes,
                          &arena);
        for (size_t i = 0; i < notes.count; i++) { /* between the pages' times, like any other */
            assert_in_range(notes.all[i].events, from + 1, end);
        }
        s = through_text(s);
    }
    return s;
}

static void fold_in_pages(struct set *set, struct rng *r, uint64_t seed)
{
    CLEANUP(buf_free) struct buf expected = buf_make(1 << 20);
    CLEANUP(buf_free) struct buf got = buf_make(1 << 20);
    static struct kept k;

    k = (struct kept){.base = base_of(r, set)};
    for (size_t i = 0; i < set->count; i++) {
        set->events[i].guessed = set->events[i].type == EVENT_DERIVED_SHOPPER_BOUND && one_in(r, 3);
    }
    for (size_t from = 0, more; from < set->count; from += more) {
        more = 1 + rng_below(r, 9);
        more = more < set->count - from ? more : set->count - from;
        look_at_page(&k, set->key, set->events + from, more);
    }
    qsort(k.facts, k.fact_count, sizeof *k.facts, by_time);
    struct event *events = arena_array(&arena, set->count, sizeof *events);
    memcpy(events, set->events, set->count * sizeof *events);
    encode(shopper_fold_all(k.base, set->key, events, set->count, INT64_MAX, &arena), &expected);
    encode(folded_in_pages(&k, set, r), &got);
    assert_same_text(&expected, &got, "pages", seed);
}

static void page_by_page_it_is_the_fold_of_everything(void **state)
{
    static struct set set;
    (void)state;

    tardy_pages = 0;
    for (uint64_t seed = 1; seed <= CASES; seed++) {
        struct rng r = rng_seed(seed);
        make_set(&r, &set);
        fold_in_pages(&set, &r, seed);
        forget_events();
        arena_reset(&arena);
    }
    arena_free(&arena);
    assert_true(tardy_pages > CASES); /* or nothing was seen of what comes late */
}

/* More browsers than are remembered, named again and again, and some of them only long ago. */
static void of_names_too_many_pages_keep_the_same(void **state)
{
    static struct set set;
    (void)state;

    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct rng r = rng_seed(seed);
        set.key = "c:anna";
        set.count = CROWD;
        for (size_t i = 0; i < CROWD; i++) {
            set.events[i] = an_event(
                EVENT_PRODUCT_VIEWED, .at = MINUTES((int64_t)rng_below(&r, 900)), .sku = "p1",
                .anonymous = arena_printf(&arena, "x%d", (int)rng_below(&r, 700)));
        }
        CLEANUP(buf_free) struct buf expected = buf_make(1 << 20);
        CLEANUP(buf_free) struct buf got = buf_make(1 << 20);
        static struct kept k;
        struct shopper *base = shopper_new(set.key, &arena);
        for (int i = 0; i < NAMED_MAX; i++) { /* all that there is room for */
            struct event e = an_event(EVENT_PRODUCT_VIEWED, .at = MINUTES(i), .sku = "p1",
                                      .anonymous = arena_printf(&arena, "x%d", i));
            shopper_take_name(base, &e, &arena);
        }
        k = (struct kept){.base = through_text(base)};
        for (size_t i = 0; i < k.base->named_count; i++) {
            keep_name(&k, &k.base->named[i]);
        }
        look_at_page(&k, set.key, set.events, CROWD / 2);
        look_at_page(&k, set.key, set.events + CROWD / 2, CROWD / 2);
        qsort(k.names, k.name_count, sizeof *k.names, named_last_first);
        struct event *events = arena_array(&arena, CROWD, sizeof *events);
        memcpy(events, set.events, sizeof set.events);
        assert_true(k.name_count > NAMED_MAX);
        encode(shopper_fold_all(k.base, set.key, events, CROWD, INT64_MAX, &arena), &expected);
        encode(folded_in_pages(&k, &set, &r), &got);
        assert_same_text(&expected, &got, "names", seed);
        forget_events();
        arena_reset(&arena);
    }
    arena_free(&arena);
}

/* Folding up to a time is folding what had occurred by then. */
static void what_occurred_later_leaves_no_trace(void **state)
{
    CLEANUP(buf_free) struct buf expected = buf_make(1 << 20);
    CLEANUP(buf_free) struct buf got = buf_make(1 << 20);
    (void)state;

    for (uint64_t seed = 1; seed <= CASES / 10; seed++) {
        struct rng r = rng_seed(seed);
        static struct set set;
        static struct set early;
        int64_t until = TEST_DAY_US + (int64_t)rng_below(&r, 60) * HOURS(1);
        make_set(&r, &set);
        early.key = set.key;
        early.count = 0;
        for (size_t i = 0; i < set.count; i++) {
            if (set.events[i].occurred_us <= until) {
                early.events[early.count++] = set.events[i];
            }
        }
        encode(folded(&early, early.count, INT64_MAX), &expected);
        encode(folded(&set, set.count, until), &got);
        assert_string_equal(buf_text(&expected), buf_text(&got));
        forget_events();
        arena_reset(&arena);
    }
    arena_free(&arena);
}

/* In order, and with nothing late or bound, no refold is needed at all. */
static void events_in_order_are_never_folded_again(void **state)
{
    struct shopper *s = shopper_new("c:anna", &arena);
    (void)state;

    for (int i = 0; i < 200; i++) {
        struct event e = an_event(i % 7 == 6 ? EVENT_PURCHASE : EVENT_CART_ITEM_ADDED,
                                  .at = MINUTES(i), .sku = "p1");
        assert_int_equal(shopper_apply(s, &e, &arena), SHOPPER_FOLDED);
    }
    forget_events();
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_order_of_arrival_gives_the_same_bytes),
        cmocka_unit_test(purchases_are_remembered_the_same_in_any_order),
        cmocka_unit_test(from_a_state_on_the_way_it_is_the_fold_of_everything),
        cmocka_unit_test(what_a_state_has_no_room_for_goes_in_any_order),
        cmocka_unit_test(page_by_page_it_is_the_fold_of_everything),
        cmocka_unit_test(of_names_too_many_pages_keep_the_same),
        cmocka_unit_test(what_occurred_later_leaves_no_trace),
        cmocka_unit_test(events_in_order_are_never_folded_again),
    };
    return cmocka_run_group_tests_name("shuffled events", tests, NULL, NULL);
}
