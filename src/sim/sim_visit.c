/* One visit to the demo shop: what the shopper looks at, what goes into the cart, what worries
 * them, whether they buy - and the true chance that a message would have changed it. */
#include "base/clock.h"
#include "sim/sim_world.h"

#include <assert.h>
#include <math.h>

/* Share of visits with a cart, pull on the logit of buying, and what one message changes in it. A
 * message to somebody who only browsed does harm; one to somebody with an open question helps. */
static const struct {
    double share;
    double pull;
    double message;
} concerns[CONCERN_COUNT] = {
    [CONCERN_NONE] = {0.22, 2.2, 0.1},       [CONCERN_BROWSING] = {0.24, -2.6, -0.5},
    [CONCERN_COMPARING] = {0.12, -1.4, 0.3}, [CONCERN_SHIPPING_COST] = {0.12, -1.6, 0.9},
    [CONCERN_TOTAL] = {0.08, -1.8, 0.4},     [CONCERN_DELIVERY] = {0.05, -1.2, 0.8},
    [CONCERN_RETURNS] = {0.05, -1.1, 1.2},   [CONCERN_SIZE] = {0.05, -1.2, 1.0},
    [CONCERN_PAYMENT] = {0.04, -1.5, 1.3},   [CONCERN_COUPON] = {0.03, -1.6, 0.5},
};

/* Of those who take a product that others go with, so many look at the other as well. */
static const double COMPANION_SHARE = 0.4;

struct making {
    const struct sim_world *w;
    const struct sim_shopper *s;
    struct rng r;
    struct sim_visit *v;
    int64_t at_us;
    int shopper;
    int n;
    int first; /* sequence of the first event */
};

static double logistic(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

/* The next event, some seconds after the last. NULL once the visit is full. */
static struct sim_event *event_add(struct making *m, enum event_type type, double mean_seconds)
{
    if (m->v->count == SIM_VISIT_EVENTS_MAX) {
        return NULL;
    }
    /* at least 1.5 s apart, and to the millisecond, as clocks of browsers are */
    double wait = -mean_seconds * log(1.0 - rng_unit(&m->r)) + 1.5;
    m->at_us += (int64_t)(wait * 1e6) / 1000 * 1000;
    struct sim_event *e = &m->v->events[m->v->count++];
    *e = (struct sim_event){.at_us = m->at_us,
                            .type = type,
                            .shopper = m->shopper,
                            .visit = m->n,
                            .sequence = m->first + m->v->count - 1,
                            .product = -1,
                            .amount_minor = -1};
    return e;
}

static void page_add(struct making *m, const char *page)
{
    struct sim_event *e = event_add(m, EVENT_PAGE_VIEWED, 20);
    if (e != NULL) {
        e->subject = page;
    }
}

static double utility(const struct making *m, int product)
{
    const struct sim_product *p = &m->w->products[product];
    double u = p->appeal - m->s->thrift * 0.35 * log((double)p->price_minor / 5000.0);

    for (int d = 0; d < SIM_TASTE; d++) {
        u += 0.55 * (double)(m->s->taste[d] * p->taste[d]);
    }
    return u;
}

/* Draws a product by taste (Gumbel-max over a random shelf, which keeps a draw cheap and leaves
 * room for surprise). */
static int product_draw(struct making *m)
{
    int best = 0;
    double best_u = -HUGE_VAL;

    for (int i = 0; i < 60; i++) {
        int candidate = (int)rng_below(&m->r, SIM_PRODUCTS);
        /* Gumbel noise: the maximum falls on each candidate with the chance of its softmax */
        double u = utility(m, candidate) - log(-log(1.0 - rng_unit(&m->r) + 1e-12) + 1e-12);
        if (u > best_u) {
            best_u = u;
            best = candidate;
        }
    }
    return best;
}

static void view_add(struct making *m, int product)
{
    struct sim_event *e = event_add(m, EVENT_PRODUCT_VIEWED, 35);
    if (e != NULL) {
        e->product = product;
    }
}

static void cart_add(struct making *m, int product)
{
    for (int i = 0; i < m->v->cart_count; i++) {
        /* a product is one line: the cart holds ids, not quantities */
        if (m->v->cart[i] == product) {
            return;
        }
    }
    struct sim_event *e =
        m->v->cart_count < SIM_CART_MAX ? event_add(m, EVENT_CART_ITEM_ADDED, 15) : NULL;
    if (e != NULL) {
        e->product = product;
        e->quantity = 1;
        m->v->cart[m->v->cart_count++] = product;
    }
}

/* Some look for what goes with it, and take it. */
static void companion_add(struct making *m, int product)
{
    const int companion = sim_companion(product);
    if (companion < 0 || rng_unit(&m->r) >= COMPANION_SHARE) {
        return;
    }
    view_add(m, companion);
    if (m->w->products[companion].stock > 0) {
        cart_add(m, companion);
    }
}

static int64_t cart_total_minor(const struct making *m)
{
    int64_t total = 0;

    for (int i = 0; i < m->v->cart_count; i++) {
        total += m->w->products[m->v->cart[i]].price_minor;
    }
    return total;
}

static void browse(struct making *m)
{
    int views = 1 + (int)(rng_unit(&m->r) * rng_unit(&m->r) * 12.0);

    if (rng_unit(&m->r) < 0.25) {
        struct sim_event *e = event_add(m, EVENT_SEARCHED, 10);
        if (e != NULL) {
            e->subject = sim_category(m->s->favourite[0]);
        }
    }
    for (int i = 0; i < views; i++) {
        int product = product_draw(m);
        view_add(m, product);
        /* looked at, but not sold: a shop shows what it has not in stock */
        if (m->w->products[product].stock > 0 && rng_unit(&m->r) < 0.16) {
            cart_add(m, product);
            companion_add(m, product);
        }
        if (rng_unit(&m->r) < 0.02) {
            struct sim_event *e = event_add(m, EVENT_WISHLIST_ADDED, 10);
            if (e != NULL) {
                e->product = product;
            }
        }
    }
}

static enum sim_concern concern_draw(struct making *m)
{
    double u = rng_unit(&m->r);

    for (int c = 0; c < CONCERN_COUNT - 1; c++) {
        u -= concerns[c].share;
        if (u < 0) {
            return (enum sim_concern)c;
        }
    }
    /* the last: the shares sum to 1, and rounding goes to it */
    return CONCERN_COUPON;
}

static void checkout_add(struct making *m)
{
    (void)event_add(m, EVENT_CHECKOUT_STARTED, 30);
    struct sim_event *e = event_add(m, EVENT_CHECKOUT_STEP, 40);
    if (e != NULL) {
        e->subject = "2";
    }
}

/* How a worry shows, most of the time: nobody's mind is read, so now and then nothing shows, or
 * something else does. */
static void concern_show(struct making *m, enum sim_concern c)
{
    struct sim_event *e;

    if (rng_unit(&m->r) < 0.15) {
        return;
    }
    switch (c) {
    case CONCERN_COMPARING:
        for (int i = 0; i < 3; i++) {
            view_add(m, rng_unit(&m->r) < 0.5 ? m->v->cart[0] : product_draw(m));
        }
        page_add(m, "reviews");
        break;
    case CONCERN_SHIPPING_COST:
    case CONCERN_TOTAL:
        checkout_add(m);
        e = event_add(m, EVENT_SHIPPING_SHOWN, 20);
        if (e != NULL) {
            e->amount_minor = c == CONCERN_SHIPPING_COST ? 990 : 490;
        }
        break;
    case CONCERN_DELIVERY:
        page_add(m, "shipping");
        break;
    case CONCERN_RETURNS:
        page_add(m, "returns");
        break;
    case CONCERN_SIZE:
        page_add(m, "size");
        break;
    case CONCERN_PAYMENT:
        checkout_add(m);
        (void)event_add(m, EVENT_PAYMENT_INFO, 40);
        e = event_add(m, EVENT_PAYMENT_FAILED, 30);
        if (e != NULL) {
            e->subject = "card_declined";
        }
        break;
    case CONCERN_COUPON:
        checkout_add(m);
        e = event_add(m, EVENT_COUPON_ENTERED, 20);
        if (e != NULL) {
            e->subject = "WELCOME10";
        }
        e = event_add(m, EVENT_COUPON_DENIED, 3);
        if (e != NULL) {
            e->subject = "WELCOME10";
        }
        break;
    case CONCERN_NONE:
        if (rng_unit(&m->r) < 0.6) {
            checkout_add(m);
        }
        break;
    case CONCERN_BROWSING:
    case CONCERN_COUNT:
        break;
    }
}

static void purchase_add(struct making *m)
{
    struct sim_event *e = event_add(m, EVENT_PURCHASE, 45);

    if (e == NULL) { /* a visit this long still ends with its order */
        m->v->count--;
        e = event_add(m, EVENT_PURCHASE, 45);
    }
    for (int i = 0; i < m->v->cart_count; i++) {
        e->cart[i] = m->v->cart[i];
    }
    e->cart_count = m->v->cart_count;
    e->amount_minor = cart_total_minor(m);
}

void sim_visit_make(const struct sim_world *w, int shopper, int n, int64_t start_us,
                    struct sim_visit *out)
{
    assert(shopper >= 0 && shopper < w->shopper_count);
    struct making m = {.w = w,
                       .s = &w->shoppers[shopper],
                       .r = sim_rng(w->seed ^ 3, (uint64_t)shopper, (uint64_t)n),
                       .v = out,
                       .at_us = start_us,
                       .shopper = shopper,
                       .n = n};

    *out = (struct sim_visit){.concern = CONCERN_NONE};
    browse(&m);
    if (out->cart_count == 0) {
        return;
    }
    /* only a visit with a cart has something that can stand between it and the order */
    out->concern = concern_draw(&m);
    concern_show(&m, out->concern);
    /* The truth, in logit. Intent is in no event: what a model can learn of it, it learns from what
     * the shopper did before. */
    double pull = -0.4 + m.s->intent + concerns[out->concern].pull -
                  0.25 * log((double)cart_total_minor(&m) / 8000.0) + (m.s->known ? 0.3 : -0.2);
    out->bought = rng_unit(&m.r) < logistic(pull);
    if (out->bought) {
        purchase_add(&m);
        return;
    }
    /* who has left is much less likely to buy; a message moves the same logit */
    out->p_silent = logistic(pull - 2.2);
    out->p_message = logistic(pull - 2.2 + concerns[out->concern].message);
}

void sim_visit_return(const struct sim_world *w, const struct sim_visit *v, int64_t at_us,
                      struct sim_visit *out)
{
    assert(v->cart_count > 0 && v->count > 0);
    int shopper = v->events[0].shopper;
    int n = v->events[0].visit;
    /* sequences from SIM_RETURN on: shopper and visit are the same, and event ids must not be */
    struct making m = {.w = w,
                       .s = &w->shoppers[shopper],
                       .r = sim_rng(w->seed ^ 5, (uint64_t)shopper, (uint64_t)n),
                       .v = out,
                       .at_us = at_us,
                       .shopper = shopper,
                       .n = n,
                       .first = SIM_RETURN};

    *out = (struct sim_visit){.concern = v->concern, .bought = true, .cart_count = v->cart_count};
    for (int i = 0; i < v->cart_count; i++) {
        out->cart[i] = v->cart[i];
    }
    view_add(&m, v->cart[0]);
    checkout_add(&m);
    purchase_add(&m);
}
