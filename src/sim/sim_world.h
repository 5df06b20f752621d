#ifndef SIM_SIM_WORLD_H
#define SIM_SIM_WORLD_H

#include "base/rng.h"
#include "domain/shop/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A shop that does not exist: products, shoppers with tastes and worries, and the truth about both.
 * Seeded: same seed, same shop, same visits. Everything the generator knows and a real shop does
 * not (why a cart was left, what a message would change) stays in here and in --truth files;
 * nothing of it is sent to the server. */

/* What stands between a shopper and the order; the shares follow the surveys of checkout
 * abandonment (README, "The demo shop"). */
enum sim_concern {
    CONCERN_NONE,
    CONCERN_BROWSING,
    CONCERN_COMPARING,
    CONCERN_SHIPPING_COST,
    CONCERN_TOTAL,
    CONCERN_DELIVERY,
    CONCERN_RETURNS,
    CONCERN_SIZE,
    CONCERN_PAYMENT,
    CONCERN_COUPON,
    CONCERN_COUNT
};
const char *sim_concern_name(enum sim_concern c);

enum {
    SIM_TASTE = 6,
    SIM_PRODUCTS = 300,
    SIM_CATEGORIES = 12,
    SIM_VISIT_EVENTS_MAX = 64,
    SIM_CART_MAX = 6,
    SIM_RETURN = 1000
};

struct sim_product {
    char id[16];
    char title[96];
    char brand[24];
    int category; /* index */
    int64_t price_minor;
    int64_t stock;
    float taste[SIM_TASTE];
    double appeal; /* popularity in logit */
};

struct sim_shopper {
    char id[24];
    bool known; /* a customer; else an anonymous visitor until (perhaps) identified */
    float taste[SIM_TASTE];
    int favourite[2]; /* categories */
    double thrift;    /* dislike of high prices */
    double intent;    /* unseen willingness to buy: the heterogeneity no feature shows */
    const char *locale;
    const char *device;
    const char *timezone;
    double visits_per_day;
};

struct sim_event {
    int64_t at_us;
    enum event_type type;
    int shopper;
    int visit;
    int sequence; /* place in the visit; from SIM_RETURN on in the return visit */
    int product;  /* -1: none */
    int64_t quantity;
    const char *subject;    /* page, code, step, query; NULL */
    int64_t amount_minor;   /* -1: none */
    int cart[SIM_CART_MAX]; /* products of a purchase or snapshot */
    int cart_count;
};

/* One visit and the truth about it. */
struct sim_visit {
    struct sim_event events[SIM_VISIT_EVENTS_MAX];
    int count;
    int cart[SIM_CART_MAX];
    int cart_count;
    bool bought;
    enum sim_concern concern;
    double p_silent;  /* true chance of an order within 24 h of the last event if nobody writes; 0
                         where it was bought in the visit */
    double p_message; /* the same if one message is read when the cart is abandoned */
};

struct sim_world {
    uint64_t seed;
    struct sim_product products[SIM_PRODUCTS];
    struct sim_shopper *shoppers; /* owns */
    int shopper_count;
};

void sim_world_make(struct sim_world *w, uint64_t seed, int shoppers);
void sim_world_free(struct sim_world *w);
const char *sim_category(int index); /* path */
const char *sim_noun(int product);   /* what it is: "duvet cover" */
/* The product, of another category, that some who take this one into the cart take with it; -1: none. */
int sim_companion(int product);

/* The n-th visit of a shopper, starting at start_us. Depends on (seed, shopper, n) only. */
void sim_visit_make(const struct sim_world *w, int shopper, int n, int64_t start_us,
                    struct sim_visit *out);

/* The order that ends an abandoned visit: appends a return visit's events (view, checkout,
 * purchase) at at_us. */
void sim_visit_return(const struct sim_world *w, const struct sim_visit *v, int64_t at_us,
                      struct sim_visit *out);

/* A generator of its own for (seed, a, b). */
struct rng sim_rng(uint64_t seed, uint64_t a, uint64_t b);

#endif
