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
enum names { BROWSER, CUSTOMER, BOTH, SERVER /* a customer, and a browser's cart */ };

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

static struct person_deed some_deed(struct rng *r)
{
    const struct kind *k = some_kind(r);
    struct person_deed d = {.type = k->type,
                            .customer = (int)rng_below(r, CUSTOMERS),
                            .browser = (int)rng_below(r, BROWSERS)};

    if (k->names == BROWSER) {
        d.customer = NOBODY;
        d.of_cart = k == &kinds[0] && rng_below(r, 2) == 0;
    } else if (k->names == CUSTOMER) {
        d.browser = NOBODY;
    } else if (k->names == SERVER) {
        d.customer = customer_of_cart(d.browser);
        d.of_cart = true;
    }
    return d;
}

struct people people_make(struct rng *r)
{
    struct people p = {.count = 8 + (int)rng_below(r, DEEDS_MAX - 8)};

    for (int i = 0; i < p.count; i++) {
        p.deeds[i] = some_deed(r);
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

static bool is(const struct person_deed *d, const char *type)
{
    return strcmp(d->type, type) == 0;
}

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

/* An order closes the cart it names, or every one. */
static bool buys(const struct person_deed *order, const struct person_deed *added)
{
    const bool all = !order->of_cart;

    return is(order, "purchase") && (all || (added->of_cart && added->browser == order->browser));
}

const char *not_to_be_told(const struct people *p, struct person who, int deed)
{
    if (!did(p, who, deed)) {
        return "is of another person";
    }
    for (int i = deed + 1; i < p->count; i++) {
        if (did(p, who, i) && buys(&p->deeds[i], &p->deeds[deed])) {
            return "was bought";
        }
    }
    return NULL;
}

bool person_waits_for_a_message(const struct people *p, struct person who)
{
    bool waits = false;

    for (int i = 0; i < p->count; i++) {
        if (did(p, who, i)) {
            waits = (waits || is(&p->deeds[i], "cart_item_added")) && !is(&p->deeds[i], "purchase");
        }
    }
    return waits && !person_opted_out(p, who);
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
