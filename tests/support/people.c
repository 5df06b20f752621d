#include "support/people.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int customer_of_cart(int browser)
{
    return browser % CUSTOMERS;
}

/* ---- what happens ---- */

/* Who a kind of deed names. */
enum names {
    BROWSER,
    CUSTOMER,
    BOTH,
    SERVER, /* a customer, and a browser's cart */
    AGAIN,  /* whom an order before it named, mostly */
};

static const struct kind {
    const char *type;
    enum names names;
    int weight;
} kinds[] = {
    {"cart_item_added", BROWSER, 8},
    {"cart_item_added", CUSTOMER, 2},
    {"cart_item_added", BOTH, 2},
    {"product_viewed", BOTH, 2},
    {"identify", BOTH, 4},
    {"logged_out", BOTH, 2},
    {"logged_out", BROWSER, 1},
    {"purchase", BROWSER, 1},
    {"purchase", CUSTOMER, 1},
    {"purchase", BOTH, 1},
    {"purchase", SERVER, 1},
    {"purchase", AGAIN, 2},
    {"order_cancelled", AGAIN, 2},
    {"payment_failed", AGAIN, 1},
    {"consent_withdrawn", BROWSER, 1},
    {"consent_withdrawn", CUSTOMER, 1},
    {"consent_withdrawn", BOTH, 1},
    {"consent_withdrawn", SERVER, 1},
    {"consent_given", BROWSER, 1},
    {"consent_given", CUSTOMER, 1},
};

static const struct kind *some_kind(struct rng *r)
{
    const size_t count = sizeof kinds / sizeof kinds[0];
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        sum += (uint64_t)kinds[i].weight;
    }
    uint64_t at = rng_below(r, sum);
    size_t i = 0;
    while (at >= (uint64_t)kinds[i].weight) {
        at -= (uint64_t)kinds[i++].weight;
    }
    return &kinds[i];
}

static bool is(const struct person_deed *d, const char *type)
{
    return strcmp(d->type, type) == 0;
}

/* One of the first count deeds that is of the type, or NOTHING. */
static int some_deed_before(struct rng *r, const struct people *p, int count, const char *type)
{
    const int from = count == 0 ? 0 : (int)rng_below(r, (uint64_t)count);

    for (int i = 0; i < count; i++) {
        const int n = (from + i) % count;
        if (is(&p->deeds[n], type)) {
            return n;
        }
    }
    return NOTHING;
}

/* An order is told again, with goods or without; or it is undone, whole or in part. */
static void make_again(struct rng *r, const struct people *p, int number, struct person_deed *d)
{
    const int before = some_deed_before(r, p, number, "purchase");

    d->customer = NOBODY;
    if (before != NOTHING) {
        const struct person_deed *first = &p->deeds[p->deeds[before].order];
        d->order = p->deeds[before].order;
        if (first->of_cart || rng_below(r, 4) > 0) {
            d->customer = first->customer;
            d->browser = first->browser;
            d->of_cart = first->of_cart;
        }
    }
    if (rng_below(r, 3) > 0 && !is(d, "payment_failed")) {
        d->goods = some_deed_before(r, p, number, "cart_item_added");
    }
}

static struct person_deed some_deed(struct rng *r, const struct people *p, int number)
{
    const struct kind *k = some_kind(r);
    struct person_deed d = {.type = k->type,
                            .customer = (int)rng_below(r, CUSTOMERS),
                            .browser = (int)rng_below(r, BROWSERS),
                            .order = strcmp(k->type, "purchase") == 0 ? number : NOTHING,
                            .goods = NOTHING};

    if (k->names == BROWSER) {
        d.customer = NOBODY;
        d.of_cart = k == &kinds[0] && rng_below(r, 2) == 0;
    } else if (k->names == CUSTOMER) {
        d.browser = NOBODY;
    } else if (k->names == SERVER) {
        d.customer = customer_of_cart(d.browser);
        d.of_cart = true;
    } else if (k->names == AGAIN) {
        make_again(r, p, number, &d);
    }
    return d;
}

struct people people_make(struct rng *r)
{
    struct people p = {.count = 8 + (int)rng_below(r, DEEDS_MAX - 8)};

    for (int i = 0; i < p.count; i++) {
        p.deeds[i] = some_deed(r, &p, i);
        p.arrival[i] = i;
    }
    /* mostly in order, as life is; every other time in any */
    const int swaps = rng_below(r, 2) == 0 ? p.count : 2;
    for (int i = 0; i < swaps; i++) {
        const int x = (int)rng_below(r, (uint64_t)p.count);
        const int y = (int)rng_below(r, (uint64_t)p.count);
        const int kept = p.arrival[x];
        p.arrival[x] = p.arrival[y];
        p.arrival[y] = kept;
    }
    return p;
}

/* ---- who is whom ---- */

static bool is_server_s(const struct person_deed *d)
{
    return d->customer != NOBODY && d->of_cart;
}

/* "Any event with both says that the anonymous shopper is the customer from then on." */
static bool is_login(const struct person_deed *d, int browser)
{
    return d->arrived && d->customer != NOBODY && d->browser == browser && !is_server_s(d) &&
           !is(d, "logged_out");
}

static bool is_order(const struct person_deed *d)
{
    return is(d, "purchase") || is(d, "consent_withdrawn");
}

/* "Where one customer and one anonymous shopper name the cart, they are one from the order on, unless somebody logged in there." The
 * number of the deed; NOBODY: none. */
static int guessed_login(const struct people *p, int browser)
{
    bool by_browser = false;
    bool by_customer = false;
    int order = NOBODY;

    for (int i = 0; i < p->count; i++) {
        const struct person_deed *d = &p->deeds[i];
        if (is_login(d, browser)) {
            return NOBODY;
        }
        if (!d->arrived || !d->of_cart || d->browser != browser) {
            continue;
        }
        by_customer = by_customer || d->customer != NOBODY;
        by_browser = by_browser || d->customer == NOBODY;
        order = order == NOBODY && is_order(d) ? i : order;
    }
    return by_browser && by_customer ? order : NOBODY;
}

/* Who a deed says has logged in at the browser; NOBODY: it says nothing of the kind. */
static int logs_in(const struct people *p, int browser, int guess, int i)
{
    if (i == guess) {
        return customer_of_cart(browser);
    }
    return is_login(&p->deeds[i], browser) ? p->deeds[i].customer : NOBODY;
}

static bool logs_out(const struct person_deed *d, int browser, int now)
{
    return d->arrived && is(d, "logged_out") && d->browser == browser &&
           (d->customer == NOBODY || d->customer == now);
}

struct person person_at(const struct people *p, int browser, int minute)
{
    const int guess = guessed_login(p, browser);
    int now = NOBODY;

    for (int i = 0; i < p->count; i++) {
        const int in = logs_in(p, browser, guess, i);
        if (i > minute && now != NOBODY) {
            break;
        }
        if (in != NOBODY) {
            now = in; /* behind the minute: what was done before belongs to whoever logs in then */
        } else if (i <= minute && now != NOBODY && logs_out(&p->deeds[i], browser, now)) {
            now = NOBODY;
        }
    }
    return (struct person){.customer = now, .browser = now == NOBODY ? browser : NOBODY};
}

struct person person_of_deed(const struct people *p, int deed)
{
    const struct person_deed *d = &p->deeds[deed];

    return d->customer != NOBODY ? (struct person){.customer = d->customer, .browser = NOBODY}
                                 : person_at(p, d->browser, deed);
}

bool same_person(struct person x, struct person y)
{
    return x.customer == y.customer && x.browser == y.browser;
}

/* ---- what may be said ---- */

static bool did(const struct people *p, struct person who, int deed)
{
    return p->deeds[deed].arrived && same_person(person_of_deed(p, deed), who);
}

bool person_opted_out(const struct people *p, struct person who)
{
    bool out = false;

    for (int i = 0; i < p->count; i++) {
        if (did(p, who, i) && strncmp(p->deeds[i].type, "consent_", 8) == 0) {
            out = is(&p->deeds[i], "consent_withdrawn");
        }
    }
    return out;
}

/* Where a product is, and of which orders; an order is known by the number of the deed that told it first. */
struct goods {
    bool in_cart[DEEDS_MAX];
    int by[DEEDS_MAX];              /* of what is in no cart: the order that took it out */
    bool has[DEEDS_MAX][DEEDS_MAX]; /* [order][product] */
    bool told[DEEDS_MAX]
             [DEEDS_MAX];        /* of these what its rows named; where they named nothing, all */
    bool of_anything[DEEDS_MAX]; /* an order that named nothing and found nothing */
    bool stands[DEEDS_MAX];
    int last[DEEDS_MAX]; /* its last row */
    bool unsure;         /* what an order that named a cart took depends on what carts there were */
    bool undone;         /* something was: then it matters which order took what */
};

static void take(struct goods *g, int order, int product)
{
    g->in_cart[product] = false;
    g->by[product] = order;
    g->has[order][product] = true;
}

/* "Closes the round of the cart it names (else of every open cart)." */
static void order_is_told(struct goods *g, const struct people *p, int i)
{
    const struct person_deed *d = &p->deeds[i];
    bool found = false;

    for (int n = 0; n < i; n++) {
        const bool meant =
            !d->of_cart || (p->deeds[n].of_cart && p->deeds[n].browser == d->browser);
        g->unsure = g->unsure || (g->in_cart[n] && !meant);
        if (g->in_cart[n] && meant) {
            take(g, d->order, n);
            found = true;
        }
    }
    g->stands[d->order] = true;
    g->last[d->order] = i;
    g->of_anything[d->order] = !found && !d->of_cart && d->goods == NOTHING;
    for (int n = 0; n < DEEDS_MAX; n++) {
        g->told[d->order][n] = d->goods == NOTHING ? g->has[d->order][n] : n == d->goods;
        g->has[d->order][n] = g->has[d->order][n] || g->told[d->order][n];
    }
}

/* "Told again later, only what it did not have before is bought." */
static void order_is_told_again(struct goods *g, const struct person_deed *d, int i)
{
    if (d->goods != NOTHING && !g->told[d->order][d->goods]) {
        g->told[d->order][d->goods] = g->has[d->order][d->goods] = true;
        g->of_anything[d->order] = false;
        g->last[d->order] = i;
        if (g->in_cart[d->goods]) {
            take(g, d->order, d->goods);
        }
    }
}

/* The other order told last that has bought it since it was put into the cart; NOTHING: none has. */
static int another_has(const struct goods *g, int order, int product)
{
    int found = NOTHING;

    for (int k = 0; k < DEEDS_MAX; k++) {
        if (k != order && g->stands[k] && g->last[k] >= product &&
            (g->has[k][product] || g->of_anything[k]) &&
            (found == NOTHING || g->last[k] > g->last[found])) {
            found = k;
        }
    }
    return found;
}

static void give_back(struct goods *g, int order, int product, bool in_time)
{
    const int other = another_has(g, order, product);

    if (g->by[product] == order && !g->in_cart[product]) {
        g->in_cart[product] = in_time && other == NOTHING;
        g->by[product] = in_time && other != NOTHING ? other : order;
    }
    g->has[order][product] = false;
    g->told[order][product] = false;
}

/* "With items of a cancellation: these alone. Within order_undo its cart is open again, with what no other order bought." */
static void order_is_undone(struct goods *g, const struct person_deed *d, int i)
{
    const int order = d->order;
    const bool in_time = i - g->last[order] < UNDO_MINUTES;
    const int only = is(d, "order_cancelled") ? d->goods : NOTHING;
    bool left = false;

    g->undone = true;
    if ((!in_time && is(d, "payment_failed")) || (only != NOTHING && !g->told[order][only])) {
        return;
    }
    for (int n = 0; n < DEEDS_MAX; n++) {
        if (only == NOTHING || n == only) {
            give_back(g, order, n, in_time);
        }
        left = left || g->told[order][n];
    }
    g->stands[order] = left;
    for (int n = 0; n < DEEDS_MAX && !left; n++) {
        g->has[order][n] = false; /* told again, it is another one */
    }
}

/* What one person does, one deed after the other. */
static void happen(struct goods *g, const struct people *p, int i)
{
    const struct person_deed *d = &p->deeds[i];

    if (is(d, "cart_item_added")) {
        g->in_cart[i] = true;
    } else if (is(d, "purchase") && g->stands[d->order]) {
        order_is_told_again(g, d, i);
    } else if (is(d, "purchase")) {
        order_is_told(g, p, i);
    } else if (d->order != NOTHING && g->stands[d->order]) {
        order_is_undone(g, d, i);
    }
}

const char *not_to_be_told(const struct people *p, struct person who, int deed)
{
    struct goods g = {0};

    memset(g.by, 0xff, sizeof g.by); /* NOTHING */
    if (!did(p, who, deed)) {
        return "is of another person";
    }
    for (int i = 0; i < p->count; i++) {
        if (did(p, who, i)) {
            happen(&g, p, i);
        }
    }
    return g.in_cart[deed] || (g.undone && g.unsure) ? NULL : "was bought";
}

/* "Whoever keeps it is not reminded of it where one other person orders it, nor of anything where somebody withdraws consent for it." */
static bool is_ended_by_another(const struct people *p, struct person who)
{
    bool found = false;

    for (int i = 0; i < p->count && !found; i++) {
        const struct person_deed *end = &p->deeds[i];
        if (!end->arrived || !(is(end, "purchase") || is(end, "consent_withdrawn")) ||
            !end->of_cart || did(p, who, i)) {
            continue;
        }
        for (int n = 0; n < p->count && !found; n++) {
            found = did(p, who, n) && p->deeds[n].of_cart && p->deeds[n].browser == end->browser;
        }
    }
    return found;
}

bool person_waits_for_a_message(const struct people *p, struct person who)
{
    bool waits = false;

    for (int i = 0; i < p->count; i++) {
        if (did(p, who, i)) {
            waits = (waits || is(&p->deeds[i], "cart_item_added")) && !is(&p->deeds[i], "purchase");
        }
    }
    return waits && !person_opted_out(p, who) && !is_ended_by_another(p, who);
}

static uint64_t number_of(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);

    return text == NULL || text[0] == '\0' ? otherwise : strtoull(text, NULL, 10);
}

struct people_seeds people_seeds(uint64_t schedules, uint64_t schedules_long)
{
    const char *thorough = getenv("CARTWRIGHT_LONG");
    const bool is_long = thorough != NULL && thorough[0] != '\0';
    const struct people_seeds seeds = {
        .first = number_of("CARTWRIGHT_SEED", 1),
        .count = number_of("CARTWRIGHT_SCHEDULES", is_long ? schedules_long : schedules)};

    (void)printf("seeds %llu to %llu\n", (unsigned long long)seeds.first,
                 (unsigned long long)(seeds.first + seeds.count - 1));
    return seeds;
}
