/* The life of one simulated shopper: visits, carts, the filter over what is unseen, and the truth of
 * each moment. The chances are sim_life_chances.c's. */
#include "sim/sim_life.h"

#include "base/clock.h"
#include "sim/sim_life_chances.h"

#include <assert.h>
#include <math.h>

enum { BROWSE_MAX = 12, PENDING_MAX = 16 };

/* A visit ends with a pause of this length, whatever the gap was drawn from. */
#define SESSION_PAUSE_US MINUTES(30)

/* Idle times whose moments are told, besides the deed itself. */
static const int64_t idle_times[] = {SECONDS(30), MINUTES(2), MINUTES(10), MINUTES(30),
                                     HOURS(1),    HOURS(3),   HOURS(6),    HOURS(12),
                                     DAYS(1),     DAYS(2),    DAYS(4),     DAYS(7)};

struct living {
    const struct sim_world *w;
    const struct life_options *o;
    const struct life_sink *sink;
    int shopper;
    int cell; /* the true unseen state */
    int trip;
    int sequence;
    int64_t at_us; /* of the last deed */
    struct life_cart cart;
    double weights[LIFE_CELLS]; /* of the unseen states, by what was seen; sum to 1 */
    struct rng rng;
    struct rng forks; /* of its own: the truth asked for changes nothing that happens */
};

/* A moment waits until it is known when the next purchase came. */
struct waiting {
    struct life_moment moments[PENDING_MAX];
    int count;
};

static struct life_view view_of(const struct living *l, const struct life_cart *cart, int64_t at_us)
{
    return (struct life_view){&l->w->shoppers[l->shopper], cart, l->o->from_us, at_us};
}

/* ---- what is seen changes ---- */

static int product_draw(const struct living *l, struct rng *r)
{
    int per_category = SIM_PRODUCTS / SIM_CATEGORIES;
    if (rng_unit(r) < 0.3) {
        return (int)rng_below(r, SIM_PRODUCTS);
    }
    int favourite = l->w->shoppers[l->shopper].favourite[rng_below(r, 2)];
    return favourite * per_category + (int)rng_below(r, (uint64_t)per_category);
}

static bool in_cart(const struct life_cart *c, int product)
{
    for (int i = 0; i < c->lines; i++) {
        if (c->products[i] == product) {
            return true;
        }
    }
    return false;
}

static int product_outside(const struct living *l, const struct life_cart *c, struct rng *r)
{
    int product = product_draw(l, r);
    /* ends: a cart holds at most SIM_CART_MAX of the SIM_PRODUCTS */
    while (in_cart(c, product)) {
        product = (product + 1) % SIM_PRODUCTS;
    }
    return product;
}

/* Returns the product of the deed; -1: none. */
static int cart_apply(const struct living *l, struct life_cart *c, enum life_deed deed,
                      struct rng *r)
{
    int product = -1;
    c->steps++;
    if (deed == DEED_OTHER) {
        return product_outside(l, c, r);
    }
    if (deed == DEED_OWN || deed == DEED_REMOVE) {
        int line = (int)rng_below(r, (uint64_t)c->lines);
        product = c->products[line];
        if (deed == DEED_REMOVE) {
            /* the order of the lines means nothing, so the last one fills the hole */
            c->products[line] = c->products[--c->lines];
            c->total_minor -= l->w->products[product].price_minor;
        }
        c->own_views += deed == DEED_OWN;
    } else if (deed == DEED_ADD) {
        product = product_outside(l, c, r);
        c->products[c->lines++] = product;
        c->total_minor += l->w->products[product].price_minor;
    } else if (deed == DEED_SHIPPING) {
        /* free above 100.00: the share of a shipping cost in the cart is what deters (buying()) */
        c->shipping_minor = c->total_minor > 10000 ? 0 : 490 + 100 * (product_draw(l, r) % 6);
    }
    c->doubts += deed == DEED_DOUBT;
    c->fails += deed == DEED_FAIL;
    c->checkout = c->checkout || deed == DEED_CHECKOUT;
    c->shipping = c->shipping || deed == DEED_SHIPPING;
    return product;
}

/* A return begins another visit: a gap that the visit's pace does not explain. */
static void cart_returned(struct life_cart *c, int64_t gap_us)
{
    if (gap_us > SESSION_PAUSE_US) {
        c->visits++;
        c->steps = 0;
    }
}

/* ---- the truth ---- */

/* Nothing is bought within the horizon of at_us, in one draw of the future. */
static bool fork_is_lost(struct living *l, int cell, int64_t at_us)
{
    struct life_cart cart = l->cart;
    int64_t last_us = l->at_us;
    int64_t idle_us = at_us - last_us;

    /* Draws one future after the same law as live_cart, from a copy of the cart and with the random
     * numbers of the forks: what is asked must not change what happens. */
    for (;;) {
        struct life_view view = view_of(l, &cart, last_us);
        struct life_chances chances;
        int64_t gap_us;
        life_chances(&view, cell, &chances);
        enum life_deed deed = life_next(&chances, idle_us, &l->forks, &gap_us);
        last_us += gap_us;
        /* emptied by the shop, or the next deed comes after the horizon: a purchase then is none of
         * this moment */
        if (deed == DEED_LEAVE || last_us > at_us + l->o->horizon_us) {
            return true;
        }
        if (deed == DEED_PURCHASE) {
            return false;
        }
        /* before the deed, as in live_cart: its step is the first one of the new visit */
        cart_returned(&cart, gap_us);
        (void)cart_apply(l, &cart, deed, &l->forks);
        if (cart.lines == 0) {
            return true;
        }
        /* the silence that was given is over: what follows is conditional on nothing */
        idle_us = 0;
    }
}

static int draw_cell(const double weights[LIFE_CELLS], double sum, struct rng *r)
{
    double u = rng_unit(r) * sum;
    for (int i = 0; i < LIFE_CELLS - 1; i++) {
        u -= weights[i];
        if (u < 0) {
            return i;
        }
    }
    /* what rounding leaves of the sum belongs to the last */
    return LIFE_CELLS - 1;
}

static void truth(struct living *l, struct life_moment *m)
{
    struct life_view view = view_of(l, &l->cart, l->at_us);
    double weights[LIFE_CELLS];
    double sum = 0;
    int seen = 0;
    int full = 0;

    for (int i = 0; i < LIFE_CELLS; i++) {
        struct life_chances chances;
        life_chances(&view, i, &chances);
        /* Bayes for the silence: the longer it lasts, the likelier the states that leave
         * (l->weights knows the deeds only). */
        weights[i] = l->weights[i] * life_survival(&chances, m->idle_us);
        sum += weights[i];
    }
    for (int i = 0; i < l->o->forks; i++) {
        /* One draw of the unseen state a fork averages over what nobody can know; full keeps to the
         * true one. */
        seen += fork_is_lost(l, draw_cell(weights, sum, &l->forks), m->at_us);
        full += fork_is_lost(l, l->cell, m->at_us);
    }
    m->seen = (double)seen / l->o->forks;
    m->full = (double)full / l->o->forks;
}

/* The moments between the last deed and what ended the wait. */
static void moments_until(struct living *l, int64_t end_us, struct waiting *out)
{
    const int count = (int)(sizeof idle_times / sizeof idle_times[0]);
    out->count = 0;
    /* -1: the moment of the deed itself */
    for (int i = -1; i < count && l->o->forks > 0; i++) {
        int64_t at_us = l->at_us + (i < 0 ? 0 : idle_times[i]);
        /* behind the next deed nobody is idle since this one */
        if (at_us >= end_us || at_us >= l->o->until_us) {
            return;
        }
        struct life_moment *m = &out->moments[out->count++];
        *m = (struct life_moment){
            .shopper = l->shopper,
            .at_us = at_us,
            .idle_us = at_us - l->at_us,
            .known = at_us + l->o->horizon_us <= l->o->until_us,
        };
        truth(l, m);
    }
}

/* ---- the filter ---- */

static void learn(struct living *l, enum life_deed deed, int64_t gap_us)
{
    struct life_view view = view_of(l, &l->cart, l->at_us);
    double sum = 0;

    for (int i = 0; i < LIFE_CELLS; i++) {
        struct life_chances chances;
        life_chances(&view, i, &chances);
        /* Exact, because life_next draws by these very laws. A cart emptied by the shop says only
         * that nothing happened for so long. */
        l->weights[i] *= deed == DEED_LEAVE ? life_survival(&chances, gap_us)
                                            : life_density(&chances, deed, gap_us);
        sum += l->weights[i];
    }
    /* what happened was possible in the true state, so not all likelihoods are 0 */
    assert(sum > 0);
    for (int i = 0; i < LIFE_CELLS; i++) {
        /* or the product of many densities would underflow */
        l->weights[i] /= sum;
    }
}

/* A new cart: what was learnt of the inclination stays, the concern is anybody's again. */
static void forget_concern(struct living *l)
{
    for (int level = 0; level < LIFE_LEVELS; level++) {
        double *w = &l->weights[(size_t)level * LIFE_CONCERNS];
        double sum = 0;
        for (int c = 0; c < LIFE_CONCERNS; c++) {
            sum += w[c];
        }
        for (int c = 0; c < LIFE_CONCERNS; c++) {
            /* The inclination's own probability, times the prior of the concern: a new one is drawn whatever the inclination. */
            w[c] = sum * life_concern_share(c);
        }
    }
}

static int draw_share(double (*share)(int), int count, struct rng *r)
{
    double u = rng_unit(r);
    for (int i = 0; i < count - 1; i++) {
        u -= share(i);
        if (u < 0) {
            return i;
        }
    }
    return count - 1;
}

/* ---- what happens ---- */

static const enum event_type types[DEED_COUNT] = {
    [DEED_OTHER] = EVENT_PRODUCT_VIEWED,    [DEED_OWN] = EVENT_PRODUCT_VIEWED,
    [DEED_ADD] = EVENT_CART_ITEM_ADDED,     [DEED_REMOVE] = EVENT_CART_ITEM_REMOVED,
    [DEED_DOUBT] = EVENT_PAGE_VIEWED,       [DEED_CHECKOUT] = EVENT_CHECKOUT_STARTED,
    [DEED_SHIPPING] = EVENT_SHIPPING_SHOWN, [DEED_FAIL] = EVENT_PAYMENT_FAILED,
    [DEED_PURCHASE] = EVENT_PURCHASE,       [DEED_LEAVE] = EVENT_CART_SNAPSHOT,
};

/* The deed at l->at_us as an event. DEED_LEAVE: the shop empties the cart. */
static void tell(struct living *l, enum life_deed deed, int product)
{
    struct sim_event e = {.at_us = l->at_us,
                          .type = types[deed],
                          .shopper = l->shopper,
                          .visit = 3 * l->trip + 1, /* known from the first event on */
                          .sequence = l->sequence++,
                          .product = product,
                          .quantity = product >= 0 ? 1 : 0,
                          .amount_minor = -1};

    if (deed == DEED_SHIPPING) {
        e.amount_minor = l->cart.shipping_minor;
    } else if (deed == DEED_PURCHASE) {
        e.amount_minor = l->cart.total_minor;
        for (int i = 0; i < l->cart.lines; i++) {
            e.cart[i] = l->cart.products[i];
        }
        e.cart_count = l->cart.lines;
    } else if (deed == DEED_DOUBT) {
        e.subject = l->cart.doubts % 2 == 1 ? "returns" : "size";
    } else if (deed == DEED_FAIL) {
        e.subject = "card_declined";
    }
    /* the deed that ends the last wait may lie behind the end of the log */
    if (l->at_us < l->o->until_us) {
        l->sink->event(l->sink->ctx, &e);
    }
}

static double pace_of(const struct living *l)
{
    struct life_view view = view_of(l, &l->cart, l->at_us);
    struct life_chances chances;
    life_chances(&view, l->cell, &chances);
    return chances.pace_us;
}

/* Looks around, and perhaps puts something into the cart. */
static bool browse(struct living *l)
{
    int views = 1 + (int)(rng_unit(&l->rng) * rng_unit(&l->rng) * BROWSE_MAX);
    /* the pace hangs on the device alone (life_chances), so browsing says nothing of the unseen
     * state and the filter passes it over */
    double pace_us = pace_of(l);

    for (int i = 0; i < views; i++) {
        tell(l, DEED_OTHER, product_draw(l, &l->rng));
        l->at_us += (int64_t)(-pace_us * log(1 - rng_unit(&l->rng))) + 1;
    }
    if (rng_unit(&l->rng) < 0.35) {
        return false;
    }
    tell(l, DEED_ADD, cart_apply(l, &l->cart, DEED_ADD, &l->rng));
    return true;
}

/* Purchases of a cart come one at its end: all that waited is settled by then. */
struct unsettled {
    struct life_moment *all;
    int count;
    int cap;
};

enum { CART_MOMENTS_MAX = 4096 };

static void settle(const struct living *l, struct unsettled *u, int64_t bought_us)
{
    for (int i = 0; i < u->count; i++) {
        struct life_moment *m = &u->all[i];
        /* 0 also where the log ended first: the horizon of a known moment was over by then */
        m->lost = bought_us == 0 || bought_us - m->at_us > l->o->horizon_us;
        l->sink->moment(l->sink->ctx, m);
    }
    u->count = 0;
}

/* One cart, from its first product to its end. */
static void live_cart(struct living *l, struct unsettled *u)
{
    for (;;) {
        struct life_view view = view_of(l, &l->cart, l->at_us);
        struct life_chances chances;
        struct waiting waiting;
        int64_t gap_us;
        life_chances(&view, l->cell, &chances);
        enum life_deed deed = life_next(&chances, 0, &l->rng, &gap_us);
        /* Before learn and before the clock moves: the truth of these moments must not know what
         * ended the wait. */
        moments_until(l, l->at_us + gap_us, &waiting);
        for (int i = 0; i < waiting.count && u->count < u->cap; i++) {
            u->all[u->count++] = waiting.moments[i];
        }
        learn(l, deed, gap_us);
        l->at_us += gap_us;
        if (deed != DEED_LEAVE && deed != DEED_PURCHASE) {
            /* before the deed, whose step is the first one of the new visit */
            cart_returned(&l->cart, gap_us);
            tell(l, deed, cart_apply(l, &l->cart, deed, &l->rng));
            /* a cart whose last line was removed is closed, and nothing is bought of it */
            if (l->cart.lines > 0 && l->at_us < l->o->until_us) {
                continue;
            }
        } else {
            tell(l, deed, -1);
        }
        settle(l, u, deed == DEED_PURCHASE ? l->at_us : 0);
        return;
    }
}

int sim_life(const struct sim_world *w, int shopper, const struct life_options *o,
             const struct life_sink *sink)
{
    assert(o->forks == 0 || o->forks >= 2);
    struct life_moment moments[CART_MOMENTS_MAX];
    struct unsettled unsettled = {.all = moments, .cap = CART_MOMENTS_MAX};
    struct living l = {.w = w,
                       .o = o,
                       .sink = sink,
                       .shopper = shopper,
                       .at_us = o->from_us,
                       .rng = sim_rng(w->seed ^ 21, (uint64_t)shopper, 0),
                       .forks = sim_rng(w->seed ^ 22, (uint64_t)shopper, 0)};
    /* the inclination is for good, the concern is drawn anew for each cart */
    int level = draw_share(life_level_share, LIFE_LEVELS, &l.rng);
    int carts = 0;

    for (int i = 0; i < LIFE_CELLS; i++) {
        /* the prior: the shares the true state is drawn from, or the filter would not be exact */
        l.weights[i] = life_level_share(i / LIFE_CONCERNS) * life_concern_share(i % LIFE_CONCERNS);
    }
    for (l.trip = 0;; l.trip++) {
        double days = -log(1 - rng_unit(&l.rng)) / w->shoppers[shopper].visits_per_day;
        l.at_us += (int64_t)(days * (double)DAYS(1));
        if (l.at_us >= o->until_us) {
            return carts;
        }
        forget_concern(&l);
        l.cell = level * LIFE_CONCERNS + draw_share(life_concern_share, LIFE_CONCERNS, &l.rng);
        l.cart = (struct life_cart){0};
        l.sequence = 0;
        if (browse(&l)) {
            carts++;
            live_cart(&l, &unsettled);
        }
        /* No less than the longest horizon: the purchase of the next cart must not fall into that
         * of a moment of this one. */
        l.at_us += DAYS(2);
    }
}
