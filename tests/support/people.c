/* Who is whom among made-up people, and what may be said to whom. */
#include "support/people.h"
#include "support/at_length.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAY = 24 * 60 };

static bool is(const struct person_deed *d, const char *type)
{
    return strcmp(d->type, type) == 0;
}

/* "STOP and its like ... withdraw consent." */
static bool is_withdrawal(const struct person_deed *d)
{
    return is(d, "consent_withdrawn") || is(d, "chat_message");
}

static bool is_order(const struct person_deed *d)
{
    return is(d, "purchase") || is_withdrawal(d);
}

/* ---- who is whom ---- */

/* "Any event with both says that the anonymous shopper is the customer from then on." */
static bool is_login(const struct person_deed *d, int browser)
{
    return d->arrived && d->customer != NOBODY && d->browser == browser && !is(d, "logged_out");
}

static bool somebody_logged_in(const struct people *p, int browser)
{
    bool found = false;

    for (int i = 0; i < p->count && !found; i++) {
        found = is_login(&p->deeds[i], browser);
    }
    return found;
}

/* Who has named a cart. */
struct parties {
    int customers, browsers;
    int customer, browser; /* the last of each */
    int first_order;       /* the deed; NOTHING */
};

static struct parties parties_of(const struct people *p, int cart)
{
    struct parties all = {.customer = NOBODY, .browser = NOBODY, .first_order = NOTHING};
    bool customers[CUSTOMERS] = {false};
    bool browsers[BROWSERS] = {false};

    for (int i = 0; i < p->count; i++) {
        const struct person_deed *d = &p->deeds[i];
        if (!d->arrived || d->cart != cart) {
            continue;
        }
        if (d->customer != NOBODY) {
            all.customers += customers[d->customer] ? 0 : 1;
            customers[all.customer = d->customer] = true;
        } else {
            all.browsers += browsers[d->browser] ? 0 : 1;
            browsers[all.browser = d->browser] = true;
        }
        all.first_order = all.first_order == NOTHING && is_order(d) ? i : all.first_order;
    }
    return all;
}

/* A browser that is a customer's because both named a cart, and one of them ordered it. */
struct guess {
    int customer, browser, minute;
};

/* "Where one customer and one anonymous shopper, and nobody else, name the cart, they are one from the order on, unless somebody logged in
 * there", whatever came first; of several such orders the first counts. minute: INT_MAX where there is none. */
static struct guess guess_at(const struct people *p, int browser)
{
    struct guess first = {NOBODY, browser, INT_MAX};

    if (somebody_logged_in(p, browser)) {
        return first;
    }
    for (int cart = 0; cart < CARTS; cart++) {
        const struct parties all = parties_of(p, cart);
        if (!cart_is_a_word(cart) && all.customers == 1 && all.browsers == 1 &&
            all.browser == browser && all.first_order != NOTHING &&
            all.first_order < first.minute) {
            first = (struct guess){all.customer, browser, all.first_order};
        }
    }
    return first;
}

static bool names(const struct person_deed *d, struct person who)
{
    return who.customer != NOBODY ? d->customer == who.customer
                                  : d->customer == NOBODY && d->browser == who.browser;
}

static bool same_name(const struct person_deed *x, const struct person_deed *y)
{
    return x->customer == y->customer && (x->customer != NOBODY || x->browser == y->browser);
}

static bool has_named(const struct people *p, struct person who, int cart)
{
    bool has = false;

    for (int i = 0; i < p->count && !has; i++) {
        has = p->deeds[i].arrived && p->deeds[i].cart == cart && names(&p->deeds[i], who);
    }
    return has;
}

/* Then they wait for whoever orders it, filled or not. */
static bool others_order_what_they_name(const struct people *p, struct person who, int cart)
{
    bool order = false;
    bool named = false;

    for (int i = 0; i < p->count; i++) {
        const struct person_deed *d = &p->deeds[i];
        if (d->arrived && d->cart == cart) {
            order = order || (is_order(d) && (d->customer == NOBODY) != (who.customer == NOBODY));
            named = named || (!is_order(d) && names(d, who));
        }
    }
    return order && named;
}

bool person_is_being_joined(const struct people *p, struct person who, const bool *seen)
{
    bool may = false;

    for (int cart = 0; cart < CARTS && !may; cart++) {
        const struct parties all = parties_of(p, cart);
        const bool others = (who.customer != NOBODY ? all.browsers : all.customers) > 0 &&
                            !others_order_what_they_name(p, who, cart);
        may = !cart_is_a_word(cart) && all.first_order != NOTHING && others &&
              (seen == NULL || !seen[cart]) && has_named(p, who, cart);
    }
    return may;
}

/* Who a deed says has logged in at the browser; NOBODY: it says nothing of the kind. */
static int logs_in(const struct people *p, const struct guess *g, int i)
{
    if (i == g->minute) {
        return g->customer;
    }
    return is_login(&p->deeds[i], g->browser) ? p->deeds[i].customer : NOBODY;
}

static bool logs_out(const struct person_deed *d, int browser, int now)
{
    return d->arrived && is(d, "logged_out") && d->browser == browser &&
           (d->customer == NOBODY || d->customer == now);
}

struct person person_at(const struct people *p, int browser, int minute)
{
    const struct guess guess = guess_at(p, browser);
    int now = NOBODY;

    for (int i = 0; i < p->count; i++) {
        const int in = logs_in(p, &guess, i);
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

/* ---- what counts ---- */

static bool did(const struct people *p, struct person who, int deed)
{
    return p->deeds[deed].arrived && same_person(person_of_deed(p, deed), who);
}

/* What the doer did, in time. */
struct doings {
    bool did[DEEDS_MAX];
    bool counts[DEEDS_MAX]; /* of these what did not come too late */
};

/* Has what the person ordered, or emptied, at or after the deed, and what was known before the deed was, closed what it would change? An order
 * that late still closes its cart if that is open. */
static bool came_too_late(const struct people *p, const struct doings *all, int deed)
{
    const struct person_deed *d = &p->deeds[deed];
    const bool who_or_consent =
        is(d, "identify") || is(d, "logged_out") || is_withdrawal(d) || is(d, "consent_given");
    bool late = false;

    for (int i = deed; i < p->count && !who_or_consent && d->received - deed > DAY && !late; i++) {
        const struct person_deed *closer = &p->deeds[i];
        const bool closes =
            is(closer, "purchase")
                ? !is(d, "purchase") || closer->cart == NOTHING || closer->cart == d->cart
                : is(closer, "cart_snapshot") && !is(d, "purchase");
        late = all->did[i] && closes && closer->received < d->received;
    }
    return late;
}

static struct doings doings_of(const struct people *p, struct person who)
{
    struct doings all;

    for (int i = 0; i < p->count; i++) {
        all.did[i] = did(p, who, i);
    }
    for (int i = 0; i < p->count; i++) {
        all.counts[i] = all.did[i] && !came_too_late(p, &all, i);
    }
    return all;
}

/* ---- carts ---- */

/* How many carts the person may have had: one for each id, and one of each browser and of its own for what named none. */
static int carts_of(const struct people *p, const struct doings *all)
{
    bool had[CARTS + BROWSERS + 1] = {false};
    int count = 0;

    for (int i = 0; i < p->count; i++) {
        const struct person_deed *d = &p->deeds[i];
        const int cart = d->cart != NOTHING      ? d->cart
                         : d->customer != NOBODY ? CARTS + BROWSERS
                                                 : CARTS + d->browser;
        if (all->did[i] && is(d, "cart_item_added")) {
            count += had[cart] ? 0 : 1;
            had[cart] = true;
        }
    }
    return count;
}

/* For certain, or perhaps only until the cart made room. */
static bool keeps(const struct people *p, struct person who, int cart, bool for_certain)
{
    const struct doings all = doings_of(p, who);
    bool has = false;

    for (int i = 0; i < p->count && !has; i++) {
        has = (for_certain ? all.counts[i] : all.did[i]) && p->deeds[i].cart == cart &&
              is(&p->deeds[i], "cart_item_added");
    }
    return has && (!for_certain || carts_of(p, &all) <= CARTS_KEPT);
}

/* All that there may be, in some order. */
enum { PEOPLE_MAX = CUSTOMERS + BROWSERS };

static struct person somebody(int number)
{
    return number < CUSTOMERS ? (struct person){number, NOBODY}
                              : (struct person){NOBODY, number - CUSTOMERS};
}

struct keepers keepers_of_cart(const struct people *p, int cart)
{
    struct keepers k = {0};

    for (int i = 0; i < PEOPLE_MAX; i++) {
        k.least += keeps(p, somebody(i), cart, true) ? 1 : 0;
        k.most += keeps(p, somebody(i), cart, false) ? 1 : 0;
    }
    return k;
}

/* Under the name of the deed's doer, or by the person that it was, something was put into a cart of the id that it names: of that id they have
 * one of their own. */
static bool has_one_too(const struct people *p, int deed)
{
    const int cart = p->deeds[deed].cart;
    bool has = keeps(p, person_of_deed(p, deed), cart, false);

    for (int i = 0; i < p->count && !has; i++) {
        const struct person_deed *d = &p->deeds[i];
        has = d->arrived && d->cart == cart && is(d, "cart_item_added") &&
              same_name(d, &p->deeds[deed]);
    }
    return has;
}

bool person_named_cart(const struct people *p, struct person who, int cart)
{
    bool has = false;

    for (int i = 0; i < p->count && !has; i++) {
        has = p->deeds[i].cart == cart && did(p, who, i);
    }
    return has;
}

/* ---- what may be said ---- */

/* "By an event that names the customer, or at a browser where they were logged in": a guest may be anybody. */
static bool gives_consent(const struct people *p, struct person who, int deed)
{
    const struct person_deed *d = &p->deeds[deed];
    int now = NOBODY;

    for (int i = 0; i < deed && d->customer == NOBODY; i++) {
        if (is_login(&p->deeds[i], d->browser)) {
            now = p->deeds[i].customer;
        } else if (logs_out(&p->deeds[i], d->browser, now)) {
            now = NOBODY;
        }
    }
    return is(d, "consent_given") && did(p, who, deed) &&
           (d->customer != NOBODY || who.customer == NOBODY || who.customer == now);
}

static bool opted_out(const struct people *p, struct person who)
{
    bool out = false;

    for (int i = 0; i < p->count; i++) {
        out = (out || (did(p, who, i) && is_withdrawal(&p->deeds[i]))) && !gives_consent(p, who, i);
    }
    return out;
}

/* "Nor of anything where somebody withdraws consent for it, until they consent anew": for a cart that the person keeps, by somebody who
 * has none of that id. */
static bool was_withdrawn_by_another(const struct people *p, struct person who)
{
    bool out = false;

    for (int i = 0; i < p->count; i++) {
        const struct person_deed *d = &p->deeds[i];
        if (gives_consent(p, who, i)) {
            out = false;
        }
        if (d->arrived && is_withdrawal(d) && d->cart != NOTHING && !cart_is_a_word(d->cart) &&
            !did(p, who, i) && !has_one_too(p, i) && keeps(p, who, d->cart, true)) {
            out = true;
        }
    }
    return out;
}

const char *not_to_be_spoken_to(const struct people *p, struct person who)
{
    return opted_out(p, who)                  ? "opted out"
           : was_withdrawn_by_another(p, who) ? "consent was withdrawn for its cart"
                                              : NULL;
}

/* ---- whom a browser may be ---- */

static bool has_ordered(const struct people *p, int customer, int cart)
{
    bool has = false;

    for (int i = 0; i < p->count && !has; i++) {
        const struct person_deed *d = &p->deeds[i];
        has = d->arrived && d->cart == cart && d->customer == customer && is_order(d);
    }
    return has;
}

/* By the id of a cart that the browser filled, and that the customer ordered; or that another browser did, and no other customer named. */
static bool may_be(const struct people *p, struct person browser, int customer, bool settled)
{
    bool may = false;

    for (int cart = 0; cart < CARTS && !may; cart++) {
        const struct parties all = parties_of(p, cart);
        const bool alone = settled && all.customers == 1 && all.customer == customer &&
                           all.browsers > 1 && all.first_order != NOTHING &&
                           p->deeds[all.first_order].customer == NOBODY &&
                           p->deeds[all.first_order].browser != browser.browser;
        may = !cart_is_a_word(cart) && (has_ordered(p, customer, cart) || alone) &&
              keeps(p, browser, cart, true);
    }
    return may;
}

static bool has_said_no(const struct people *p, int customer, struct person browser)
{
    const struct person who = {customer, NOBODY};
    bool no = false;

    for (int i = 0; i < p->count; i++) {
        const struct person_deed *d = &p->deeds[i];
        no = no || (d->arrived && d->customer == customer && is_withdrawal(d));
        no = no && !gives_consent(p, who, i) && !gives_consent(p, browser, i);
    }
    return no;
}

static bool was_undone(const struct people *p, int order)
{
    bool undone = false;

    for (int i = 0; i < p->count && !undone; i++) {
        const struct person_deed *d = &p->deeds[i];
        undone = d->arrived && d->order == order && !is(d, "purchase");
    }
    return undone;
}

/* Behind the deed; and the browser has not told an order since, which may be the same one, or undone one. */
static bool bought_since(const struct people *p, int customer, struct person browser, int deed)
{
    const struct person who = {customer, NOBODY};
    const struct doings all = doings_of(p, who);
    bool bought = false;

    for (int i = deed + 1; i < p->count; i++) {
        const struct person_deed *d = &p->deeds[i];
        bought = bought || (all.counts[i] && d->customer == customer && is(d, "purchase") &&
                            d->order == i && !was_undone(p, i));
        bought = bought && !(did(p, browser, i) && d->order != NOTHING);
    }
    return bought;
}

const char *not_to_be_told_as_a_customer(const struct people *p, struct person who, int deed,
                                         bool settled)
{
    const char *why = NULL;

    for (int i = 0; i < CUSTOMERS && who.customer == NOBODY && why == NULL; i++) {
        if (may_be(p, who, i, settled)) {
            why = has_said_no(p, i, who)          ? "may be a customer who opted out"
                  : bought_since(p, i, who, deed) ? "may be a customer who has bought"
                                                  : NULL;
        }
    }
    return why;
}

static bool is_order_by_another(const struct people *p, struct person who, int cart, int deed)
{
    const struct person_deed *d = &p->deeds[deed];

    return d->arrived && d->cart == cart && is(d, "purchase") && !did(p, who, deed);
}

/* "Whoever keeps it is not reminded of it where one other person orders it, as long as anything lies in it that lay there then": unless they
 * have told an order since, which may be the same one, or undone one. Who orders under two names, and has said so, is taken for two. */
bool cart_was_ordered_by_another(const struct people *p, struct person who, int cart, int deed)
{
    int last = NOTHING;

    if (cart == NOTHING || cart_is_a_word(cart)) {
        return false;
    }
    for (int i = 0; i < p->count; i++) {
        if (is_order_by_another(p, who, cart, i)) {
            if (last != NOTHING && !same_name(&p->deeds[last], &p->deeds[i])) {
                return false;
            }
            last = i;
        }
    }
    for (int i = last + 1; i < p->count && last != NOTHING; i++) {
        if (did(p, who, i) && p->deeds[i].order != NOTHING) {
            return false;
        }
    }
    return last > deed && !has_one_too(p, last);
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
        const bool meant = d->cart == NOTHING || p->deeds[n].cart == d->cart;
        g->unsure = g->unsure || (g->in_cart[n] && !meant);
        if (g->in_cart[n] && meant) {
            take(g, d->order, n);
            found = true;
        }
    }
    g->stands[d->order] = true;
    g->last[d->order] = i;
    g->of_anything[d->order] = !found && d->cart == NOTHING && d->goods == NOTHING;
    for (int n = 0; n < DEEDS_MAX; n++) {
        g->told[d->order][n] = d->goods == NOTHING ? g->has[d->order][n] : n == d->goods;
        g->has[d->order][n] = g->has[d->order][n] || g->told[d->order][n];
    }
}

/* "Told again later, only what it did not have before is bought"; rows within 60 s are all of it. */
static void order_is_told_again(struct goods *g, const struct person_deed *d, int i)
{
    if (i - g->last[d->order] == 1) {
        g->last[d->order] = i;
    }
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
    const struct doings all = doings_of(p, who);
    struct goods g = {.unsure = carts_of(p, &all) > CARTS_KEPT};

    memset(g.by, 0xff, sizeof g.by); /* NOTHING */
    if (!all.did[deed]) {
        return "is of another person";
    }
    if (!all.counts[deed]) {
        return "came too late";
    }
    for (int i = 0; i < p->count; i++) {
        if (all.counts[i]) {
            happen(&g, p, i);
        }
    }
    return g.in_cart[deed] || (g.undone && g.unsure) ? NULL : "was bought";
}

/* Somebody else has ordered a cart that the person named, or withdrawn consent for it; or named one that a browser has ordered, and may be its customer. */
static bool is_ended_by_another(const struct people *p, struct person who)
{
    bool found = false;

    for (int i = 0; i < p->count && !found; i++) {
        const struct person_deed *end = &p->deeds[i];
        found =
            end->arrived && is_order(end) && end->cart != NOTHING && !cart_is_a_word(end->cart) &&
            person_named_cart(p, who, end->cart) &&
            (!did(p, who, i) || (who.customer == NOBODY && parties_of(p, end->cart).customers > 0));
    }
    return found;
}

bool person_waits_for_a_message(const struct people *p, struct person who)
{
    const struct doings all = doings_of(p, who);
    bool waits = false;

    for (int i = 0; i < p->count; i++) {
        if (all.did[i]) {
            waits = (waits || (all.counts[i] && is(&p->deeds[i], "cart_item_added"))) &&
                    !is(&p->deeds[i], "purchase") && !is(&p->deeds[i], "cart_snapshot");
        }
    }
    return waits && !opted_out(p, who) && !is_ended_by_another(p, who);
}

bool person_deed_names_no_order(const struct person_deed *d)
{
    return is(d, "order_cancelled") && d->order == NOTHING && d->cart != NOTHING;
}

static uint64_t number_of(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);

    return text == NULL || text[0] == '\0' ? otherwise : strtoull(text, NULL, 10);
}

struct people_seeds people_seeds(uint64_t schedules, uint64_t schedules_long)
{
    const struct people_seeds seeds = {
        .first = number_of("CARTWRIGHT_SEED", 1),
        .count = number_of("CARTWRIGHT_SCHEDULES", at_length() ? schedules_long : schedules)};

    (void)printf("seeds %llu to %llu\n", (unsigned long long)seeds.first,
                 (unsigned long long)(seeds.first + seeds.count - 1));
    return seeds;
}
