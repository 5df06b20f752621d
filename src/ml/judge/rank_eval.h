#ifndef ML_JUDGE_RANK_EVAL_H
#define ML_JUDGE_RANK_EVAL_H

#include <stdint.h>

/* Quality of one ranked list against the set of relevant ids, and averages over lists. */
struct rank_metrics {
    double recall;          /* hits in the first k / all relevant */
    double ndcg;            /* binary gains, log2 discount, ideal = min(k, relevant) hits on top */
    double reciprocal_rank; /* 1 / rank of the first hit within k, else 0 */
    double hit;             /* 1 if any hit within k, else 0 */
};

/* ranked (ranked_count) best first and distinct; relevant (relevant_count >= 1) ascending and
 * distinct; k >= 1. A list shorter than k is judged as it is. */
struct rank_metrics rank_eval(const int *ranked, int ranked_count, const int *relevant,
                              int relevant_count, int k);

/* Mean of each measure over lists; zeros for none. */
struct rank_metrics rank_eval_mean(const struct rank_metrics *lists, int count);

/* Standard error of the mean of values by bootstrap: rounds (>= 2) seeded resamples. 0 for fewer
 * than two values. */
double rank_eval_bootstrap_se(const double *values, int count, int rounds, uint64_t seed);

#endif
