#ifndef ML_TOPK_QUICKSELECT_H
#define ML_TOPK_QUICKSELECT_H

/* Selection of the best: QUICKSELECT(select_best, struct thing, score) is a static function select_best(struct thing *things, int count, int keep) that moves
 * the `keep` things of the highest score (a float, no NaN) to the front, in no order, by partition around a pivot (Hoare's FIND, 1961). Equal input
 * order, equal outcome. */
/* NOLINTBEGIN(bugprone-macro-parentheses): a type takes no parentheses */
#define QUICKSELECT(name, type, score)                                                             \
    static void name(type *found, int count, int keep)                                             \
    {                                                                                              \
        int low = 0;                                                                               \
        int high = count - 1;                                                                      \
        while (low < high) {                                                                       \
            float pivot = found[low + (high - low) / 2].score;                                     \
            int i = low;                                                                           \
            int j = high;                                                                          \
            while (i <= j) {                                                                       \
                while (found[i].score > pivot) {                                                   \
                    i++;                                                                           \
                }                                                                                  \
                while (found[j].score < pivot) {                                                   \
                    j--;                                                                           \
                }                                                                                  \
                if (i <= j) {                                                                      \
                    type t = found[i];                                                             \
                    found[i++] = found[j];                                                         \
                    found[j--] = t;                                                                \
                }                                                                                  \
            }                                                                                      \
            if (keep <= j) {                                                                       \
                high = j;                                                                          \
            } else if (keep >= i) {                                                                \
                low = i;                                                                           \
            } else {                                                                               \
                return;                                                                            \
            }                                                                                      \
        }                                                                                          \
    }
/* NOLINTEND(bugprone-macro-parentheses) */

#endif
