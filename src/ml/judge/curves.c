/* Gain and precision-recall curves. */
#include "ml/judge/curves.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

/* All rows down to the end of one score: a corner of the curve. */
struct corner {
    double rows;
    double positives;
};

struct scored {
    double score;
    int label;
};

static int highest_first(const void *a, const void *b)
{
    const struct scored *x = a;
    const struct scored *y = b;
    return (x->score < y->score) - (x->score > y->score);
}

/* corners[0] is the origin; returns how many follow it. Owned by the caller. */
static int corners_of(const double *scores, const uint8_t *labels, int count, struct corner **out)
{
    struct scored *rows = mem_array((size_t)count + 1, sizeof *rows);
    struct corner *corners = mem_array((size_t)count + 1, sizeof *corners);
    int last = 0;
    for (int i = 0; i < count; i++) {
        rows[i] = (struct scored){scores[i], labels[i] != 0};
    }
    qsort(rows, (size_t)count, sizeof *rows, highest_first);
    for (int i = 0; i < count; i++) {
        /* A corner only where the score changes: within a tie the order is the
         * sort's doing and must not show. */
        if (i == 0 || rows[i].score != rows[i - 1].score) {
            last++;
            corners[last] = corners[last - 1];
        }
        corners[last].rows++;
        corners[last].positives += rows[i].label;
    }
    free(rows);
    *out = corners;
    return last;
}

void curve_gain(const double *scores, const uint8_t *labels, int count, int points, double *out)
{
    assert(count >= 0 && points >= 2);
    struct corner *corners = NULL;
    int last = corners_of(scores, labels, count, &corners);
    double all = corners[last].positives;
    int next = 1;
    for (int p = 0; p < points; p++) {
        double rows = (double)count * p / (points - 1);
        while (next < last && corners[next].rows < rows) {
            next++;
        }
        out[p] = 0;
        if (all > 0 && last > 0) {
            const struct corner *a = &corners[next - 1];
            const struct corner *b = &corners[next];
            /* in a tie as if its rows came in random order: positives in proportion; never divided
             * by 0, as every corner has a row more than the one before */
            double share = (rows - a->rows) / (b->rows - a->rows);
            out[p] = (a->positives + share * (b->positives - a->positives)) / all;
        }
    }
    free(corners);
}

int curve_precision_recall(const double *scores, const uint8_t *labels, int count, int points,
                           double *out_recall, double *out_precision)
{
    assert(count >= 0 && points >= 1);
    struct corner *corners = NULL;
    int last = corners_of(scores, labels, count, &corners);
    double all = corners[last].positives;
    int written = 0;
    int at = 0;
    for (int p = 1; p <= points && all > 0; p++) {
        int before = at;
        /* A hair less than the recall asked for: all * p / points may
         * round to just above a whole number. */
        while (at < last && corners[at].positives < all * p / points * (1 - 1e-12)) {
            at++;
        }
        /* several recalls may end at one place: a large tie, or more points than positives */
        if (at != before) {
            out_recall[written] = corners[at].positives / all;
            out_precision[written++] = corners[at].positives / corners[at].rows;
        }
    }
    free(corners);
    return written;
}
