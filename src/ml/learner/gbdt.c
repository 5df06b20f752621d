/* Boosted trees as a function: their score, what each column adds, and the mean of several models.
 * Training is in gbdt_train.c. */
#include "ml/learner/gbdt.h"

#include "base/mem.h"
#include "ml/learner/gbdt_internal.h"

#include <assert.h>
#include <string.h>

struct gbdt gbdt_make(int columns, int depth, int trees)
{
    struct gbdt_owned *owned = mem_alloc(sizeof *owned);
    size_t count = (size_t)trees;
    owned->left = mem_array(count * (size_t)gbdt_splits(depth) + 1, sizeof *owned->left);
    owned->column = mem_array(count * (size_t)gbdt_splits(depth) + 1, sizeof *owned->column);
    /* of every node and not of the leaves alone: what a column adds is the step from a node
     * to its child */
    owned->value = mem_array(count * (size_t)gbdt_nodes(depth) + 1, sizeof *owned->value);
    return (struct gbdt){.columns = columns,
                         .trees = trees,
                         .depth = depth,
                         .left = owned->left,
                         .column = owned->column,
                         .value = owned->value,
                         .owned = owned};
}

void gbdt_free(struct gbdt *m)
{
    struct gbdt_owned *owned = m->owned;
    if (owned) {
        mem_free(&owned->left);
        mem_free(&owned->column);
        mem_free(&owned->value);
        mem_free(&owned);
    }
    *m = (struct gbdt){0};
}

/* Tree `from` of m as tree `to` of a model at least as deep, its values divided: below its leaves
 * everything goes left, to what the leaf says. */
static void tree_copy(const struct gbdt *m, int from, const struct gbdt *out, int to, float divisor)
{
    const struct gbdt_owned *owned = out->owned;
    const size_t own = (size_t)gbdt_splits(m->depth);
    const size_t splits = (size_t)gbdt_splits(out->depth);
    uint64_t *left = owned->left + (size_t)to * splits;
    float *value = owned->value + (size_t)to * (size_t)gbdt_nodes(out->depth);
    const float *own_value = m->value + (size_t)from * (size_t)gbdt_nodes(m->depth);
    memcpy(left, m->left + (size_t)from * own, own * sizeof *left);
    memcpy(owned->column + (size_t)to * splits, m->column + (size_t)from * own,
           own * sizeof *m->column);
    for (size_t i = own; i < splits; i++) {
        left[i] = ~UINT64_C(0);
    }
    /* parents come before their children, so that what the leaf says is there to be handed down */
    for (int node = 0; node < gbdt_nodes(out->depth); node++) {
        value[node] =
            node < gbdt_nodes(m->depth) ? own_value[node] / divisor : value[(node - 1) / 2];
    }
}

struct gbdt gbdt_mean(const struct gbdt *const *models, int count)
{
    assert(count >= 1);
    int trees = 0;
    int depth = 0;
    for (int i = 0; i < count; i++) {
        assert(models[i]->columns == models[0]->columns);
        depth = models[i]->depth > depth ? models[i]->depth : depth;
        trees += models[i]->trees;
    }
    struct gbdt out = gbdt_make(models[0]->columns, depth, trees);
    int done = 0;
    for (int i = 0; i < count; i++) {
        for (int t = 0; t < models[i]->trees; t++) {
            /* every tree divided: the sum over all trees is then the mean of the models */
            tree_copy(models[i], t, &out, done++, (float)count);
        }
        out.base += models[i]->base / count;
    }
    return out;
}

bool gbdt_is_sound(const struct gbdt *m)
{
    size_t splits = (size_t)m->trees * (size_t)gbdt_splits(m->depth);
    for (size_t i = 0; i < splits; i++) {
        /* Also of splits that send everything left: their column is read before that is known. */
        if (m->column[i] < 0 || m->column[i] >= m->columns) {
            return false;
        }
    }
    return true;
}

/* Trees are walked side by side: each step waits for the one before it, but not for other trees. */
enum { ABREAST = 8 };

static void walk_abreast(const struct gbdt *m, const uint8_t *bins, int tree, double *sums)
{
    const size_t splits = (size_t)gbdt_splits(m->depth);
    const size_t nodes = (size_t)gbdt_nodes(m->depth);
    const uint64_t *left = m->left + (size_t)tree * splits;
    const int32_t *column = m->column + (size_t)tree * splits;
    const float *value = m->value + (size_t)tree * nodes;
    size_t node[ABREAST] = {0};
    for (int d = 0; d < m->depth; d++) {
        for (size_t t = 0; t < ABREAST; t++) {
            size_t at = t * splits + node[t];
            /* the bit of the bin picks the child: no branch to mispredict */
            node[t] = 2 * node[t] + 2 - ((left[at] >> bins[column[at]]) & 1);
        }
    }
    for (size_t t = 0; t < ABREAST; t++) {
        /* eight sums in double: adding a thousand small floats one by one would lose digits */
        sums[t] += (double)value[t * nodes + node[t]];
    }
}

double gbdt_margin(const struct gbdt *m, const uint8_t *bins)
{
    const size_t nodes = (size_t)gbdt_nodes(m->depth);
    double sums[ABREAST] = {0};
    double rest = 0;
    int tree = 0;
    for (; tree + ABREAST <= m->trees; tree += ABREAST) {
        walk_abreast(m, bins, tree, sums);
    }
    for (; tree < m->trees; tree++) {
        rest += (double)m->value[(size_t)tree * nodes + (size_t)gbdt_leaf(m, tree, bins)];
    }
    for (int t = 0; t < ABREAST; t++) { /* in one order on every machine: same model, same bits */
        rest += sums[t];
    }
    return m->base + rest;
}

double gbdt_contributions(const struct gbdt *m, const uint8_t *bins, double weight, double *out)
{
    const size_t splits = (size_t)gbdt_splits(m->depth);
    const size_t nodes = (size_t)gbdt_nodes(m->depth);
    double none = m->base;
    for (size_t t = 0; t < (size_t)m->trees; t++) {
        const float *value = m->value + t * nodes;
        size_t node = 0;
        /* the root's mean, which no column has asked for yet */
        none += (double)value[0];
        for (int d = 0; d < m->depth; d++) {
            size_t at = t * splits + node;
            size_t child = 2 * node + 2 - ((m->left[at] >> bins[m->column[at]]) & 1);
            /* Saabas 2014: a step from a node's mean to its child's is the doing of the column that
             * the split asks for */
            out[m->column[at]] += weight * ((double)value[child] - (double)value[node]);
            /* a split that sends all left adds 0: child and node have the same value */
            node = child;
        }
    }
    return weight * none;
}
