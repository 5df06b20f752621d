#ifndef SIM_SIM_LIFE_H
#define SIM_SIM_LIFE_H

#include "sim/sim_world.h"

/* Carts in continuous time, with a truth that can be computed: what judges the risk model on a shop
 * whose hazard is known (./dev eval risk-sim). Nothing here is built from the product's features.
 *
 * Unseen: a shopper's inclination to buy (one of LIFE_LEVELS, for good) and what stands between them
 * and the order (one of LIFE_CONCERNS, anew for each cart). Seen: the deeds. After each deed the next
 * one is drawn by chances that depend on both unseen and on what is seen: cart, checkout, shipping
 * cost against the total, failed payments, visit number, device and local hour, with interactions
 * (a shipping cost deters those who mind it, the more the smaller the cart; mobile shoppers leave at
 * working hours and buy in the evening), and on the day: the inclination of all drifts. Deeds of a
 * visit follow each other at the device's pace; who leaves returns after a log-logistic time or
 * never. A cart nobody returned to within LIFE_KEPT_US is emptied by the shop.
 *
 * Truth of a moment, P(no purchase within the horizon of it), twice: `seen` knows every deed so far
 * and that nothing happened since (an exact Bayesian filter over all LIFE_CELLS unseen states, then
 * Monte Carlo forwards), which is the best that anybody can know who is not in the shopper's head;
 * `full` knows the unseen state as well. Both are means over `forks` draws: unbiased, with variance
 * p (1 - p) / forks, which whoever compares with them must take off. */
enum {
    LIFE_LEVELS = 7,
    LIFE_CONCERNS = 6,
    LIFE_CELLS = LIFE_LEVELS * LIFE_CONCERNS,
};
#define LIFE_KEPT_US DAYS(14)

struct life_options {
    int64_t from_us, until_us;
    int64_t horizon_us;
    int forks; /* >= 2; 0: no truth is computed */
};

/* One moment of an open cart: right after a deed, or idle since it. */
struct life_moment {
    int64_t at_us;
    int64_t idle_us;
    double seen, full; /* P(no purchase within the horizon) */
    int shopper;
    bool known; /* the horizon ends before until_us, and so `lost` is known */
    bool lost;
};

/* What a life says; ctx as given. Events in order of time; the moments of a cart together, once its
 * end has told which of them were lost. */
struct life_sink {
    void *ctx;
    void (*event)(void *ctx, const struct sim_event *e);
    void (*moment)(void *ctx, const struct life_moment *m);
};

/* The life of one shopper. Depends on (world, shopper, options) only. Returns how many carts it had. */
int sim_life(const struct sim_world *w, int shopper, const struct life_options *o,
             const struct life_sink *sink);

#endif
