/* What people do: deeds one by one, scenes of several, and when the program hears of them. Must not know what follows from it. */
#include "support/people.h"

#include <stdio.h>
#include <string.h>

enum { WORDS_FROM = CARTS - 2, LETTERS = CARTS - 3, DAY = 24 * 60 };

/* ---- carts ---- */

bool cart_is_a_word(int cart)
{
    return cart >= WORDS_FROM;
}

/* Appends the number in the given digits, at least so many of them, the last first. */
static void spell(uint64_t number, const char *const digits[8], int least, char out[CART_NAME_MAX])
{
    for (int i = 0; i < least || number > 0; i++) {
        const size_t used = strlen(out);
        (void)snprintf(out + used, CART_NAME_MAX - used, "%s", digits[number % 8]);
        number /= 8;
    }
}

void cart_name(const struct people *p, int cart, char out[CART_NAME_MAX])
{
    static const char *const letters[8] = {"q", "x", "z", "v", "j", "k", "p", "f"};
    static const char *const words[8] = {"cart",  "shop",  "bag",    "main",
                                         "store", "order", "basket", "guest"};

    out[0] = '\0';
    if (cart < LETTERS) {
        (void)snprintf(out, CART_NAME_MAX, "k%d-of-%llu", cart, (unsigned long long)p->number);
    } else if (cart == LETTERS) {
        spell(p->number, letters, 20, out);
    } else if (cart == WORDS_FROM) {
        (void)snprintf(out, CART_NAME_MAX, "toy");
        spell(p->number, letters, 1, out);
    } else {
        spell(p->number, words, 1, out);
    }
}

int cart_named(const struct people *p, const char *name)
{
    char text[CART_NAME_MAX];

    for (int cart = 0; cart < CARTS && name != NULL; cart++) {
        cart_name(p, cart, text);
        if (strcmp(text, name) == 0) {
            return cart;
        }
    }
    return NOTHING;
}

/* ---- one deed ---- */

/* Who a kind of deed names. */
enum names {
    BROWSER,
    CUSTOMER,
    BOTH,
    AGAIN, /* whom an order before it named, mostly */
};

static const struct kind {
    const char *type;
    enum names names;
    int weight;
    int cart_percent; /* so many name a cart */
} kinds[] = {
    {"cart_item_added", BROWSER, 8, 50},
    {"cart_item_added", CUSTOMER, 2, 30},
    {"cart_item_added", BOTH, 2, 30},
    {"product_viewed", BOTH, 2, 0},
    {"identify", BOTH, 4, 0},
    {"logged_out", BOTH, 2, 0},
    {"logged_out", BROWSER, 1, 0},
    {"purchase", BROWSER, 1, 30},
    {"purchase", CUSTOMER, 2, 50},
    {"purchase", BOTH, 1, 30},
    {"purchase", AGAIN, 2, 0},
    {"order_cancelled", AGAIN, 2, 0},
    {"payment_failed", AGAIN, 1, 0},
    {"consent_withdrawn", BROWSER, 1, 30},
    {"consent_withdrawn", CUSTOMER, 2, 50},
    {"consent_withdrawn", BOTH, 1, 30},
    {"chat_message", BROWSER, 1, 30}, /* of these those alone that opt out */
    {"consent_given", BROWSER, 1, 0},
    {"consent_given", CUSTOMER, 1, 0},
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
        if (first->cart != NOTHING || rng_below(r, 4) > 0) {
            d->customer = first->customer;
            d->browser = first->browser;
            d->cart = first->cart;
        }
    }
    if (rng_below(r, 3) > 0 && !is(d, "payment_failed")) {
        d->goods = some_deed_before(r, p, number, "cart_item_added");
    }
}

/* A browser's cart is given up for another now and then; a customer's server tells of one browser's. Few carts are strangers'. */
static int some_cart(struct rng *r, int customer, int browser)
{
    const int home = browser != NOBODY ? browser : customer % BROWSERS;
    const int which = rng_below(r, 3) > 0 ? 0 : (int)rng_below(r, CARTS / BROWSERS);

    return rng_below(r, 12) == 0 ? (int)rng_below(r, CARTS) : home + BROWSERS * which;
}

static struct person_deed some_deed(struct rng *r, const struct people *p, int number)
{
    const struct kind *k = some_kind(r);
    struct person_deed d = {.type = k->type,
                            .customer = (int)rng_below(r, CUSTOMERS),
                            .browser = (int)rng_below(r, BROWSERS),
                            .cart = NOTHING,
                            .order = strcmp(k->type, "purchase") == 0 ? number : NOTHING,
                            .goods = NOTHING};

    if (k->names == BROWSER) {
        d.customer = NOBODY;
    } else if (k->names == CUSTOMER) {
        d.browser = NOBODY;
    } else if (k->names == AGAIN) {
        make_again(r, p, number, &d);
    }
    if (rng_below(r, 100) < (uint64_t)k->cart_percent) {
        d.cart = some_cart(r, d.customer, d.browser);
    }
    return d;
}

/* ---- scenes ---- */

/* In a scene x and X are two browsers, y and Y two customers, b is y at x and B is Y at x; k is a cart, + each time the next one. */
struct step {
    const char *type;
    char who, cart;
};
enum { STEPS_MOST = 9 };
static const struct step scenes[][STEPS_MOST] = {
    /* two log in on one browser, one after the other */
    {{"cart_item_added", 'x', 'k'},
     {"identify", 'b', '-'},
     {"cart_item_added", 'x', '-'},
     {"identify", 'B', '-'},
     {"cart_item_added", 'x', 'k'},
     {"purchase", 'Y', '-'}},
    {{"identify", 'b', '-'},
     {"cart_item_added", 'x', '-'},
     {"logged_out", 'x', '-'},
     {"cart_item_added", 'x', '-'},
     {"cart_item_added", 'B', '-'},
     {"consent_withdrawn", 'y', '-'}},
    /* who has withdrawn consent is asked for it again at a browser, before they log in there, and behind a logout */
    {{"cart_item_added", 'y', 'k'},
     {"consent_withdrawn", 'y', '-'},
     {"consent_given", 'x', '-'},
     {"identify", 'b', '-'},
     {"cart_item_added", 'x', '-'}},
    {{"identify", 'b', '-'},
     {"consent_withdrawn", 'x', '-'},
     {"consent_given", 'x', '-'},
     {"cart_item_added", 'x', '-'}},
    {{"identify", 'b', '-'},
     {"consent_withdrawn", 'b', '-'},
     {"logged_out", 'x', '-'},
     {"consent_given", 'x', '-'},
     {"identify", 'b', '-'},
     {"cart_item_added", 'y', '-'}},
    {{"identify", 'b', '-'},
     {"consent_withdrawn", 'y', '-'},
     {"identify", 'B', '-'},
     {"logged_out", 'x', '-'},
     {"consent_given", 'x', '-'},
     {"identify", 'b', '-'},
     {"cart_item_added", 'y', '-'}},
    {{"consent_withdrawn", 'y', '-'},
     {"consent_given", 'x', '-'},
     {"cart_item_added", 'x', 'k'},
     {"purchase", 'y', 'k'},
     {"cart_item_added", 'y', '-'}},
    /* more carts than are kept */
    {{"cart_item_added", 'x', '+'},
     {"cart_item_added", 'x', '+'},
     {"cart_item_added", 'x', '+'},
     {"cart_item_added", 'x', '+'},
     {"cart_item_added", 'x', '+'},
     {"identify", 'b', '-'},
     {"cart_item_added", 'x', '+'}},
    {{"cart_item_added", 'y', '+'},
     {"cart_item_added", 'y', '+'},
     {"cart_item_added", 'b', '+'},
     {"purchase", 'y', 'k'},
     {"cart_item_added", 'y', '+'},
     {"cart_item_added", 'x', '+'}},
    /* strangers on one cart id */
    {{"cart_item_added", 'x', 'k'}, {"cart_item_added", 'X', 'k'}, {"purchase", 'x', 'k'}},
    {{"cart_item_added", 'y', 'k'}, {"cart_item_added", 'Y', 'k'}, {"consent_withdrawn", 'x', 'k'}},
    {{"cart_item_added", 'x', 'k'}, {"cart_item_added", 'y', 'k'}, {"purchase", 'Y', 'k'}},
    {{"cart_item_added", 'x', 'k'}, {"identify", 'b', '-'}, {"purchase", 'Y', 'k'}},
    {{"cart_item_added", 'y', 'k'}, {"purchase", 'Y', 'k'}},
    /* a server tells the order of a guest's cart */
    {{"cart_item_added", 'x', 'k'}, {"cart_item_added", 'x', 'k'}, {"purchase", 'y', 'k'}},
    {{"cart_item_added", 'x', 'k'},
     {"purchase", 'y', 'k'},
     {"logged_out", 'x', '-'},
     {"cart_item_added", 'x', 'k'}},
    {{"cart_item_added", 'x', 'k'}, {"purchase", 'y', 'k'}, {"cart_item_added", 'x', 'k'}},
    /* the same, and another browser names the cart: the guest is perhaps the customer, and perhaps not */
    {{"cart_item_added", 'x', 'k'},
     {"purchase", 'y', 'k'},
     {"product_viewed", 'X', 'k'},
     {"consent_withdrawn", 'y', '-'},
     {"cart_item_added", 'x', '-'}},
    {{"cart_item_added", 'x', 'k'},
     {"cart_item_added", 'X', 'k'},
     {"purchase", 'y', 'k'},
     {"cart_item_added", 'x', 'k'},
     {"purchase", 'y', '-'}},
    {{"cart_item_added", 'x', 'k'},
     {"purchase", 'X', 'k'},
     {"cart_item_added", 'y', 'k'},
     {"chat_message", 'y', '-'},
     {"cart_item_added", 'x', 'k'}},
    /* a guest, at a browser that was a customer's, does something in the name of the customer's cart */
    {{"identify", 'b', '-'},
     {"cart_item_added", 'y', 'k'},
     {"logged_out", 'x', '-'},
     {"consent_withdrawn", 'x', 'k'}},
    {{"identify", 'b', '-'},
     {"cart_item_added", 'y', 'k'},
     {"logged_out", 'x', '-'},
     {"purchase", 'x', 'k'}},
    /* or of a customer's, who was at two browsers */
    {{"cart_item_added", 'x', '-'},
     {"identify", 'b', '-'},
     {"cart_item_added", 'y', '-'},
     {"purchase", 'y', '-'}},
};

struct cast {
    int x, other_x, y, other_y, cart;
};

static struct cast some_cast(struct rng *r)
{
    struct cast c = {.x = (int)rng_below(r, BROWSERS),
                     .y = (int)rng_below(r, CUSTOMERS),
                     .cart = (int)rng_below(r, CARTS)};

    c.other_x = (c.x + 1 + (int)rng_below(r, BROWSERS - 1)) % BROWSERS;
    c.other_y = (c.y + 1 + (int)rng_below(r, CUSTOMERS - 1)) % CUSTOMERS;
    return c;
}

static struct person_deed deed_of_step(const struct step *s, const struct cast *c, int number)
{
    const bool of_customer = strchr("yYbB", s->who) != NULL;
    const bool of_browser = strchr("xXbB", s->who) != NULL;
    const bool other = strchr("YB", s->who) != NULL;

    return (struct person_deed){.type = s->type,
                                .customer = !of_customer ? NOBODY
                                            : other      ? c->other_y
                                                         : c->y,
                                .browser = !of_browser     ? NOBODY
                                           : s->who == 'X' ? c->other_x
                                                           : c->x,
                                .cart = s->cart == 'k'   ? c->cart
                                        : s->cart == '+' ? (c->cart + number) % CARTS
                                                         : NOTHING,
                                .order = strcmp(s->type, "purchase") == 0 ? number : NOTHING,
                                .goods = NOTHING};
}

static void play(struct people *p, int most, struct rng *r)
{
    const struct step *s = scenes[rng_below(r, sizeof scenes / sizeof scenes[0])];
    const struct cast c = some_cast(r);

    for (int i = 0; i < STEPS_MOST && s[i].type != NULL && p->count < most; i++) {
        p->deeds[p->count] = deed_of_step(&s[i], &c, p->count);
        p->count++;
        if (p->count < most && rng_below(r, 4) == 0) { /* life goes on meanwhile */
            p->deeds[p->count] = some_deed(r, p, p->count);
            p->count++;
        }
    }
}

/* ---- when it arrives ---- */

static void swap(struct people *p, int x, int y)
{
    const int kept = p->arrival[x];

    p->arrival[x] = p->arrival[y];
    p->arrival[y] = kept;
}

/* One of the type comes last. */
static void put_off(struct people *p, const char *type, struct rng *r)
{
    const int n = some_deed_before(r, p, p->count, type);

    for (int i = 0; i + 1 < p->count && n != NOTHING; i++) {
        if (p->arrival[i] == n) {
            swap(p, i, i + 1);
        }
    }
}

/* Mostly in order, as life is; every other time in any. */
static void make_arrival(struct people *p, struct rng *r)
{
    const int swaps = rng_below(r, 2) == 0 ? p->count : 2;

    for (int i = 0; i < p->count; i++) {
        p->arrival[i] = i;
    }
    for (int i = 0; i < swaps; i++) {
        swap(p, (int)rng_below(r, (uint64_t)p->count), (int)rng_below(r, (uint64_t)p->count));
    }
    if (rng_below(r, 4) == 0) {
        put_off(p, "consent_withdrawn", r);
    }
    if (rng_below(r, 4) == 0) {
        put_off(p, "purchase", r);
    }
}

/* By a clock that now and then jumps ahead: it is set, or the shop's queue stood still over night. */
static void make_received(struct people *p, struct rng *r)
{
    int jumps = (int)rng_below(r, 3);
    int now = DEEDS_MAX;

    for (int i = 0; i < p->count; i++) {
        const bool last = i + 1 == p->count && rng_below(r, 4) == 0;
        if (last || (jumps > 0 && rng_below(r, (uint64_t)p->count) < 3)) {
            now += rng_below(r, 4) == 0 ? 3 * 60 : DAY - DEEDS_MAX + (int)rng_below(r, DAY / 2);
            jumps--;
        }
        now += (int)rng_below(r, 2);
        p->deeds[p->arrival[i]].received = now;
    }
}

static bool is_goods_of_another(const struct people *p, int deed)
{
    bool goods = false;

    for (int i = 0; i < p->count && !goods; i++) {
        goods = p->deeds[i].goods == deed;
    }
    return goods;
}

/* In every fifth schedule some only name the cart that they would have filled. By numbers of their own: the others stay what they were, and the seeds
 * that once found something. */
static void name_carts_only(struct people *p)
{
    struct rng r = rng_seed(p->number);

    for (int i = 0; i < p->count && p->number % 5 == 0; i++) {
        struct person_deed *d = &p->deeds[i];
        const char *const type = rng_below(&r, 2) == 0 ? "checkout_started" : "product_viewed";
        if (rng_below(&r, 3) == 0 && is(d, "cart_item_added") && d->cart != NOTHING &&
            !is_goods_of_another(p, i)) {
            d->type = type;
        }
    }
}

static int cart_of_nobody(const struct people *p, struct rng *r)
{
    const int from = (int)rng_below(r, CARTS);

    for (int i = 0; i < CARTS; i++) {
        const int cart = (from + i) % CARTS;
        bool named = false;
        for (int n = 0; n < p->count && !named; n++) {
            named = p->deeds[n].cart == cart;
        }
        if (!named) {
            return cart;
        }
    }
    return NOTHING;
}

/* In other schedules, likewise, some do not look at a product but cancel an order of a cart that nobody knows, and some empty their cart. */
static void cancel_and_empty(struct people *p)
{
    struct rng r = rng_seed(p->number);

    for (int i = 0; i < p->count && p->number % 5 >= 3; i++) {
        struct person_deed *d = &p->deeds[i];
        if (!is(d, "product_viewed") || rng_below(&r, 2) == 0) {
            continue;
        }
        d->cart = p->number % 5 == 3 ? cart_of_nobody(p, &r) : NOTHING;
        d->type = d->cart != NOTHING ? "order_cancelled" : "cart_snapshot";
    }
}

struct people people_make(uint64_t number, struct rng *r)
{
    struct people p = {.number = number};
    const int most = 8 + (int)rng_below(r, DEEDS_MAX - 8);

    while (p.count < most) {
        if (rng_below(r, 10) == 0) {
            play(&p, most, r);
        } else {
            p.deeds[p.count] = some_deed(r, &p, p.count);
            p.count++;
        }
    }
    make_arrival(&p, r);
    make_received(&p, r);
    name_carts_only(&p);
    cancel_and_empty(&p);
    return p;
}

int somebody_concerned(const struct people *p, int deed, struct rng *r)
{
    const struct person_deed *d = &p->deeds[deed];
    const int from = (int)rng_below(r, (uint64_t)p->count);

    for (int i = 0; i < p->count; i++) {
        const int n = (from + i) % p->count;
        const struct person_deed *other = &p->deeds[n];
        const bool cart = d->cart != NOTHING && other->cart == d->cart;
        const bool browser = d->browser != NOBODY && other->browser == d->browser;
        if (other->arrived && (cart || browser)) {
            return n;
        }
    }
    return deed;
}

void person_deed_print(const struct people *p, int deed)
{
    const struct person_deed *d = &p->deeds[deed];

    (void)fprintf(stderr, "%2d %-18s y%d x%d k%d, order %d, goods %d, received %d\n", deed, d->type,
                  d->customer, d->browser, d->cart, d->order, d->goods, d->received);
}
