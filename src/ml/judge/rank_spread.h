#ifndef ML_JUDGE_RANK_SPREAD_H
#define ML_JUDGE_RANK_SPREAD_H

#include <stdint.h>

/* How widely recommendations spread over a catalogue. shown (items): how often each item was among the first k; known (items): how many shoppers
 * had to do with it before. */
struct rank_spread {
    double coverage; /* share of the items that were shown at least once */
    double
        novelty; /* mean over what was shown of -log2((known + 1) / (shoppers + 1)): bits of surprise; 0: everybody knows it */
    double gini; /* 0: every item equally often, 1: one item only */
    double most_shown; /* share of the lists that hold the item shown most */
    double top_tenth;  /* share of what was shown that is among the tenth of the items most known */
};
/* Zeros where nothing was shown. lists: in how many it was, each item once a list. items >= 1. */
struct rank_spread rank_spread(const int64_t *shown, const int64_t *known, int items,
                               int64_t shoppers, int64_t lists);

/* Points (points >= 2) of the concentration curve over items from the most known on: out[i] is the share of what was shown that lies among the first
 * i / (points - 1) of the items. out[0] = 0, out[points - 1] = 1; zeros where nothing was shown. Ties by item number. */
void rank_concentration(const int64_t *shown, const int64_t *known, int items, int points,
                        double *out);

#endif
