#ifndef SIM_SIM_LIFE_CHANCES_H
#define SIM_SIM_LIFE_CHANCES_H

#include "sim/sim_life.h"

/* The chances behind sim_life.c: which deed comes next, and when. The only place where the unseen
 * state acts, used alike to draw, to filter, and to look ahead. */

enum life_deed {
    DEED_OTHER, /* views a product that is not in the cart */
    DEED_OWN,   /* views one that is */
    DEED_ADD,
    DEED_REMOVE,
    DEED_DOUBT, /* reads about returns or sizes */
    DEED_CHECKOUT,
    DEED_SHIPPING, /* is shown the shipping cost */
    DEED_FAIL,     /* a payment fails */
    DEED_PURCHASE,
    DEED_LEAVE, /* no event: goes away */
    DEED_COUNT
};

/* What is seen of a shopper and an open cart. */
struct life_cart {
    int products[SIM_CART_MAX];
    int lines;
    int64_t total_minor;
    int64_t shipping_minor; /* once shown */
    int steps;              /* deeds of this visit */
    int visits;             /* returns to this cart */
    int own_views, doubts, fails;
    bool checkout, shipping;
};

struct life_view {
    const struct sim_shopper *shopper;
    const struct life_cart *cart;
    int64_t from_us; /* start of the drift */
    int64_t at_us;   /* of the last deed */
};

/* Of one unseen state, after the last deed. */
struct life_chances {
    double deed[DEED_COUNT]; /* sum to 1 */
    double back;             /* P(returns | leaves) */
    double scale_us;         /* of the log-logistic time away */
    double pace_us;          /* mean time between deeds of a visit */
};
void life_chances(const struct life_view *v, int cell, struct life_chances *out);

/* Prior of an inclination, and of a concern. */
double life_level_share(int level);
double life_concern_share(int concern);

/* P(nothing for so long), and the density of this deed after this gap. */
double life_survival(const struct life_chances *c, int64_t gap_us);
double life_density(const struct life_chances *c, enum life_deed deed, int64_t gap_us);

/* The next deed and its gap (> idle_us), given that nothing happened for idle_us. DEED_LEAVE: never. */
enum life_deed life_next(const struct life_chances *c, int64_t idle_us, struct rng *r,
                         int64_t *out_gap_us);

#endif
