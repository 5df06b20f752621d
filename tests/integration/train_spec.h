#ifndef TESTS_INTEGRATION_TRAIN_SPEC_H
#define TESTS_INTEGRATION_TRAIN_SPEC_H

/* A small shop whose truth the test knows, and a training of it. */
#include "base/clock.h"
#include "domain/affinity/affinity.h"
#include "integration/flow_spec.h"
#include "store/models.h"
#include "train/train.h"

/* Shoppers who come one after the other, five minutes apart. Each views three products, puts one in the cart and looks at one more. With taste, products
 * come from one of six groups; without, from anywhere. Every other cart is shown shipping cost: with effect, those are mostly lost and the others
 * mostly bought within ten minutes; without, all buy after a time that nothing foretells. */
enum { SHOPPER_STEP_S = 300 };

/* What a log has to show says how many shoppers there are. Under sanitizers, which look for other faults and take two to four
 * times as long, no more than every part needs to be trained and judged; what chance may then decide is asserted in dev only. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SHOP_IS_LARGE false
#else
#define SHOP_IS_LARGE true
#endif
enum {
    SHOPPERS_ENOUGH = 140, /* for models that win, the risk being learnt with logistic regression */
    /* for narrow intervals, for a choice between recipes and for a calibration by idle time */
    SHOPPERS_MANY = SHOP_IS_LARGE ? 350 : 160,
};
/* When the given share of the shoppers has come. */
#define SHOP_TIME_US(shoppers, share)                                                              \
    (START_US + SECONDS((int64_t)((shoppers) * (double)SHOPPER_STEP_S * (share))))

struct shop {
    int shoppers;
    bool taste;
    bool effect;
    uint64_t seed;
};
void open_shop(struct flow_bench *b, const struct shop *shop);

/* train_run with a horizon of 30 minutes, silent; fails the test if it fails. */
struct trained_shop {
    struct train_result affinity;
    struct train_result risk;
};
struct trained_shop train_shop(struct flow_bench *b, uint64_t seed);
bool try_training(struct flow_bench *b, const struct train_options *options,
                  struct trained_shop *out, struct err *err);
/* All, horizon 30 minutes, seed 1, everything in the log. The learner of the time ahead is shown few rows: it is three quarters of
 * a training's work, and what it learns is the subject of train_risk_ahead_test. */
struct train_options quiet_options(void);
enum { QUIET_AHEAD_ROWS = 2000 };

/* A stored model; fails the test if there is none. Lives in the bench's arena. */
struct model_row row_of_model(struct flow_bench *b, const char *version);

/* Picks for somebody who has just viewed a product and done nothing else. */
struct picks picks_for_viewer(struct flow_bench *b, const struct affinity *a, const char *viewed,
                              int64_t at_us, int k);

#endif
