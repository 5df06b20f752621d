/* Measures of ranked lists. */
#include "ml/judge/rank_eval.h"

#include "base/rng.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>

static bool contains(const int *sorted, int count, int id)
{
    int low = 0;
    int high = count;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (sorted[middle] < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < count && sorted[low] == id;
}

struct rank_metrics rank_eval(const int *ranked, int ranked_count, const int *relevant,
                              int relevant_count, int k)
{
    assert(relevant_count >= 1 && k >= 1 && ranked_count >= 0);
    double hits = 0;
    double gain = 0;
    double ideal = 0;
    double reciprocal_rank = 0;
    for (int rank = 0; rank < k; rank++) {
        double discount = 1 / log2(rank + 2.0);
        /* the most that any list of k could reach, so that a shopper
         * with one relevant item can have 1 */
        ideal += rank < relevant_count ? discount : 0;
        if (rank < ranked_count && contains(relevant, relevant_count, ranked[rank])) {
            hits++;
            gain += discount;
            /* the first hit only */
            reciprocal_rank = reciprocal_rank > 0 ? reciprocal_rank : 1 / (rank + 1.0);
        }
    }
    return (struct rank_metrics){
        .recall = hits / relevant_count,
        .ndcg = gain / ideal,
        .reciprocal_rank = reciprocal_rank,
        .hit = hits > 0 ? 1 : 0,
    };
}

struct rank_metrics rank_eval_mean(const struct rank_metrics *lists, int count)
{
    struct rank_metrics mean = {0};
    for (int i = 0; i < count; i++) {
        mean.recall += lists[i].recall / count;
        mean.ndcg += lists[i].ndcg / count;
        mean.reciprocal_rank += lists[i].reciprocal_rank / count;
        mean.hit += lists[i].hit / count;
    }
    return mean;
}

double rank_eval_bootstrap_se(const double *values, int count, int rounds, uint64_t seed)
{
    assert(rounds >= 2);
    if (count < 2) {
        return 0;
    }
    struct rng rng = rng_seed(seed);
    double mean = 0;
    double squares = 0; /* Welford: sum of squared distances from the running mean */
    for (int round = 1; round <= rounds; round++) {
        double sum = 0;
        for (int i = 0; i < count; i++) {
            sum += values[rng_below(&rng, (uint64_t)count)];
        }
        /* in one pass: squares of means added up and subtracted would lose digits */
        double step = sum / count - mean;
        mean += step / round;
        squares += step * (sum / count - mean);
    }
    return sqrt(squares / (rounds - 1));
}
