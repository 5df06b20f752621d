#ifndef ML_ITEMS_RANK_TUNE_H
#define ML_ITEMS_RANK_TUNE_H

#include "ml/items/rank_judge.h"

/* Chooses the settings of what ranks on held-out interactions: a coordinate search over each part, then the share of each in the blend.
 * It never sees anything but the pair of matrices given to it. */
struct rank_tune_options {
    enum rank_kind kind; /* what to tune: RANK_BLEND tunes both parts, then the share */
    int factors;         /* the most factors; fewer are taken where they rank better */
    int neighbours;      /* of the item-item model; its ridge is searched at this number */
    int kept;            /* weights of each target that are kept */
    int sweeps_max;      /* of ALS; the best number up to it is chosen */
    int shoppers_max;    /* judged for each setting; 0: all */
    bool fixed_factors;  /* exactly `factors` */
    uint64_t seed;
    int threads;
    /* NULL, or told each setting that was tried: whether it is the best so far, and what it scored. */
    void (*tell)(void *ctx, const struct rank_settings *tried, const struct rank_quality *quality,
                 bool best);
    void *tell_ctx;
};

/* 256 factors, 200 neighbours all kept, 12 sweeps, 5000 shoppers, seed 1, one thread. */
struct rank_tune_options rank_tune_defaults(void);

struct rank_tuned {
    struct rank_settings
        settings; /* RANK_ALS where a blend was asked for, and the factors alone ranked best */
    struct rank_quality quality;   /* of settings, on the held-out part */
    struct rank_quality als, item; /* of the parts alone; zeros where not tuned */
    int tried;                     /* settings trained */
};

/* Searches on a pair of matrices of the same shape (m, n): trained on `known`, judged by the mean of recall and NDCG at k of `later`. Deterministic for
 * the same data and options, whatever the threads. Fails like the trainings, and with ERR_INVALID where nothing is held out. */
CAN_FAIL bool rank_tune(const struct csr *known, const struct csr *later, int k,
                        const struct rank_tune_options *options, struct rank_tuned *out,
                        struct err *err);

/* Cuts interactions into a part to learn from and a part held out, by seed: of each shopper the fraction (0 .. 1) of entries, rounded, but one at least
 * and never all, so that shoppers who did little count as much as in published splits. Both (m, n), owned by the caller. */
void rank_hold_out(const struct csr *all, double fraction, uint64_t seed, struct csr *out_known,
                   struct csr *out_later);

#endif
