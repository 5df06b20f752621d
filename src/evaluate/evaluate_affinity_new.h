#ifndef EVALUATE_EVALUATE_AFFINITY_NEW_H
#define EVALUATE_EVALUATE_AFFINITY_NEW_H

#include "ml/judge/bootstrap.h"
#include "train/affinity/train_affinity.h"

/* Products that come new: a tenth of those with a history before the cut lose it, as if they had come at the cut, models are fitted without it, and
 * the shoppers who later chose one of them are ranked for. What these shoppers did with them before stays in their own history; no model has seen it. */
enum new_way {
    NEW_PLACED,  /* among the factors, by category, brand and price */
    NEW_POPULAR, /* the category of what the shopper looked at, as popularity does it */
    NEW_WAYS
};
struct new_lists {
    struct rank_metrics *among_new; /* by case: only the new products are ranked; owned */
    struct rank_metrics *among_all; /* all products compete; the new ones are asked for; owned */
};
struct new_products {
    int k;
    uint8_t *held_out; /* by item; owned */
    int products;
    int possible; /* with a history before the cut, in the catalogue with a category or a brand */
    struct affinity *model; /* owned */
    struct affinity *popularity;
    struct affinity_models made;
    int cases;
    int cap;
    struct new_lists lists[NEW_WAYS];
    /* computed at the end */
    struct interval ndcg[NEW_WAYS];
    struct interval recall[NEW_WAYS];
    struct interval recall_among_all[NEW_WAYS];
    struct interval gain; /* NDCG of PLACED above that of POPULAR, shopper by shopper */
};
void new_products_free(struct new_products *n);

/* Holds products out and fits without them, with the settings of the other models; fails only where training does. products is 0 where the
 * catalogue or the log is too small; then there is nothing to judge. */
CAN_FAIL bool new_products_open(struct new_products *n, const struct affinity_training *a,
                                int64_t cut_us, const struct rank_settings *tuned, int k,
                                struct err *err);
/* Ranks for the shopper if it chose one of them that it did not know. */
void new_products_case(struct new_products *n, const struct affinity_training *a,
                       const struct judged_case *of);
void new_products_measure(struct new_products *n, uint64_t seed);

#endif
