#ifndef ML_ITEMS_RANK_JUDGE_H
#define ML_ITEMS_RANK_JUDGE_H

#include "ml/items/rank_model.h"

/* How well a model ranks: every item but those of the shopper's own row is ranked, the best k are held against what the shopper turned to
 * later. */
struct rank_judge {
    const struct csr *known; /* (m, n) what the model may use of each shopper */
    const struct csr *
        later; /* (m, n or more) what is asked for; shoppers without any are left out, items beyond n are never found */
    const float *cold; /* (n) scores for a shopper nothing is known of; NULL: none are ranked */
    int k;             /* 1 .. RANK_JUDGE_K_MAX */
    int shoppers_max;  /* a seeded sample of at most so many; 0: all */
    uint64_t seed;
    int threads; /* the result does not depend on it */
};
enum { RANK_JUDGE_K_MAX = 100, RANK_VARIANTS_MAX = 32 };

/* Means over shoppers. Recall divides by all that was asked for, the ideal of NDCG by min(k, asked for). */
struct rank_quality {
    double recall;
    double ndcg;
    int shoppers;
};

/* Ways of mixing one model's parts, judged in one pass. */
struct rank_variant {
    float item_share;
    const float *target_scale; /* (n) multiplies item-item scores; NULL: 1; borrowed */
    const float
        *plain; /* (n) the same scores for everybody instead of the model's; NULL; borrowed */
};

/* Judges each variant of the model, out (count, at most RANK_VARIANTS_MAX). */
CAN_FAIL bool rank_judge_variants(const struct rank_judge *judge, const struct rank_model *model,
                                  const struct rank_variant *variants, int count,
                                  struct rank_quality *out, struct err *err);

/* The model as its settings say. */
CAN_FAIL bool rank_judge_model(const struct rank_judge *judge, const struct rank_model *model,
                               struct rank_quality *out, struct err *err);

#endif
