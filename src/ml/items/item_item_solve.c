/* The weights into one target: its neighbours, the Gram matrix of the neighbourhood,
 * one ridge regression. */
#include "ml/items/item_item_internal.h"

#include "ml/linear/blas.h"
#include "ml/topk/topk.h"

#include <stdlib.h>
#include <string.h>

static int by_number(const void *a, const void *b)
{
    const int32_t *x = a;
    const int32_t *y = b;
    return (*x > *y) - (*x < *y);
}

/* Sums g_ij for all i that occur with the target; returns how many there are. */
static int gather_together(const struct item_item_job *j, struct item_item_scratch *s, int target)
{
    int met = 0;
    for (int64_t e = j->zt.start[target]; e < j->zt.start[target + 1]; e++) {
        /* In the order of the transpose, shoppers ascending: float sums
         * have the same bits on every run. */
        const int shopper = j->zt.column[e];
        const float value = j->zt.weight[e];
        for (int64_t q = j->z.start[shopper]; q < j->z.start[shopper + 1]; q++) {
            const int item = j->z.column[q];
            /* weights are above 0, so 0 means that it is met for the first time */
            if (s->together[item] == 0) {
                s->met[met++] = item;
            }
            s->together[item] += value * j->z.weight[q];
        }
    }
    return met;
}

/* The K nearest by cosine, ascending by number. The target's own norm is the same for
 * all of them. */
static int choose_neighbours(const struct item_item_job *j, struct item_item_scratch *s, int target,
                             int met)
{
    for (int i = 0; i < met; i++) {
        /* By cosine and not by g_ij: the most popular items occur together with everything. */
        s->cosine[i] =
            s->met[i] == target ? -1 : s->together[s->met[i]] / (float)sqrt(j->squares[s->met[i]]);
    }
    int count = topk_of_scores(s->cosine, met, j->neighbours, NULL, s->hits);
    int kept = 0;
    for (int i = 0; i < count; i++) {
        if (s->hits[i].score > 0) {
            /* the target stands at -1 and is dropped here */
            s->neighbours[kept++] = s->met[s->hits[i].id];
        }
    }
    /* by number: the order of the unknowns must not depend on the order of meeting */
    qsort(s->neighbours, (size_t)kept, sizeof *s->neighbours, by_number);
    return kept;
}

/* Lays the neighbourhood's entries out shopper by shopper, neighbours ascending; returns the number
 * of shoppers. members_of[u] is then where those of u end. */
static int lay_members(const struct item_item_job *j, struct item_item_scratch *s, int count)
{
    int shoppers = 0;
    int32_t end = 0;
    for (int k = 0; k < count; k++) {
        const int item = s->neighbours[k];
        for (int64_t e = j->zt.start[item]; e < j->zt.start[item + 1]; e++) {
            const int shopper = j->zt.column[e];
            /* counts first; only shoppers of this neighbourhood are ever
             * touched, of all there are */
            if (s->members_of[shopper]++ == 0) {
                s->shoppers[shoppers++] = shopper;
            }
        }
    }
    for (int i = 0; i < shoppers; i++) {
        int32_t *slot = &s->members_of[s->shoppers[i]];
        int32_t size = *slot;
        *slot = end;
        end += size;
    }
    for (int k = 0; k < count; k++) {
        const int item = s->neighbours[k];
        for (int64_t e = j->zt.start[item]; e < j->zt.start[item + 1]; e++) {
            /* the outer loop goes over neighbours ascending, so those of each
             * shopper ascend: sum_gram needs it */
            s->members[s->members_of[j->zt.column[e]]++] =
                (struct item_item_member){k, j->zt.weight[e]};
        }
    }
    return shoppers;
}

/* Lower triangle of G_NN + diag(r) into s->gram, as a (count, count) view.
 * Leaves members_of zero. */
static struct mat sum_gram(const struct item_item_job *j, struct item_item_scratch *s, int count)
{
    struct mat gram = mat_view(s->gram.data, count, count, mat_ld(count));
    const int shoppers = lay_members(j, s, count);
    int32_t from = 0;
    memset(gram.data, 0, (size_t)count * (size_t)gram.ld * sizeof *gram.data);
    for (int i = 0; i < shoppers; i++) {
        const int32_t end = s->members_of[s->shoppers[i]];
        for (int32_t p = from; p < end; p++) {
            float *row = mat_row(&gram, s->members[p].neighbour);
            /* Only pairs that occur: a few per shopper, where a product of dense columns would be
             * K^2 each. Neighbours ascend, so that these are the lower triangle. */
            for (int32_t q = from; q <= p; q++) {
                row[s->members[q].neighbour] += s->members[p].value * s->members[q].value;
            }
        }
        /* left clean for the next target: clearing all m of them would cost more than the sums */
        s->members_of[s->shoppers[i]] = 0;
        from = end;
    }
    for (int k = 0; k < count; k++) {
        mat_row(&gram, k)[k] +=
            (float)item_item_ridge(j->options, j->squares[s->neighbours[k]], j->mean_square);
    }
    return gram;
}

/* Writes the target's weights, the `kept` of largest magnitude, by source; of equal ones the lower
 * numbers stay. */
static void keep_largest(const struct item_item_job *j, struct item_item_scratch *s, int target,
                         int count)
{
    const size_t at = (size_t)target * (size_t)j->kept;
    const float scale =
        (float)item_item_target_scale(j->options, j->squares[target], j->mean_square);
    int kept = 0;
    /* no selection where all fit */
    bool whole = count <= j->kept;
    for (int k = 0; k < count; k++) {
        /* by magnitude: a weight below 0 says as much as one above.
         * cosine and met are free by now. */
        s->cosine[k] = fabsf(s->solved[k]);
    }
    int best = whole ? count : topk_of_scores(s->cosine, count, j->kept, NULL, s->hits);
    for (int k = 0; k < best; k++) {
        s->met[k] = whole ? k : s->hits[k].id;
    }
    /* back in the order of sources: topk answers the best first */
    qsort(s->met, (size_t)best, sizeof *s->met, by_number);
    for (int k = 0; k < best; k++) {
        float weight = scale * s->solved[s->met[k]];
        /* also an underflow is no entry */
        if (weight != 0) {
            j->source[at + (size_t)kept] = s->neighbours[s->met[k]];
            j->weight[at + (size_t)kept] = weight;
            kept++;
        }
    }
    j->count[target] = kept;
}

void item_item_solve_target(const struct item_item_job *j, struct item_item_scratch *s, int target)
{
    const int met = gather_together(j, s, target);
    const int count = choose_neighbours(j, s, target, met);
    for (int k = 0; k < count; k++) {
        /* the right side g_Nj, read before together is put back to zero */
        s->solved[k] = s->together[s->neighbours[k]];
    }
    for (int i = 0; i < met; i++) {
        s->together[s->met[i]] = 0;
    }
    /* nobody had to do with it and another item: count[target] stays 0, and nothing points to it */
    if (count == 0) {
        return;
    }
    struct mat gram = sum_gram(j, s, count);
    if (blas_solve_spd(&gram, s->solved, &s->err)) {
        keep_largest(j, s, target, count);
    } else if (s->failed_target < 0 || target < s->failed_target) {
        /* remembered, not told: other targets go on, and the lowest is reported */
        s->failed_target = target;
    }
}
