/* One tree: histograms of integers level by level, the heavier sibling by subtraction, rows kept
 * node by node. */
#include "ml/learner/gbdt_internal.h"

#include "base/mem.h"
#include "ml/linear/parallel.h"

#include <assert.h>
#include <string.h>

enum { ROWS_FOR_THREADS = 8192 }; /* below, starting a thread costs more than it saves */

/* What the rounding of gradients may show where there is nothing to gain. */
static const double GAIN_MIN = 1e-6;

struct gbdt_grower gbdt_grower_make(const struct gbdt_data *data, struct row_list rows,
                                    const struct gbdt_options *options)
{
    size_t columns = (size_t)data->columns;
    size_t count = (size_t)rows.count;
    /* the last level has no histograms: its nodes are leaves */
    size_t widest = (size_t)1 << (options->depth - 1);
    struct gbdt_grower g = {.rows = rows.count,
                            .columns = data->columns,
                            .bins = data->bins,
                            .categorical = data->categorical,
                            .options = options};
    uint8_t *bin = mem_array(count * columns, 1);
    /* compact: trees read the training rows again and again, and those need not lie together
     * in the table */
    for (size_t r = 0; r < count; r++) {
        memcpy(bin + r * columns, data->bin + (size_t)rows.row[r] * columns, columns);
    }
    for (size_t i = 0; i < count * columns; i++) {
        assert(bin[i] < data->bins[i % columns]);
    }
    g.bin = bin;
    g.sample = mem_array(columns, sizeof *g.sample);
    g.row = mem_array(count, sizeof *g.row);
    g.packed = mem_array(count, sizeof *g.packed);
    g.row_spare = mem_array(count, sizeof *g.row_spare);
    g.packed_spare = mem_array(count, sizeof *g.packed_spare);
    for (int i = 0; i < 2; i++) {
        /* Two levels at most at once: children are made of their
         * parents', which are then done with. */
        g.histogram[i] = mem_array(widest * columns * GBDT_BINS_MAX, sizeof *g.histogram[i]);
    }
    g.partial = mem_array((size_t)options->threads * columns * GBDT_BINS_MAX, sizeof *g.partial);
    return g;
}

void gbdt_grower_free(struct gbdt_grower *g)
{
    mem_free(&g->bin);
    mem_free(&g->sample);
    mem_free(&g->row);
    mem_free(&g->packed);
    mem_free(&g->row_spare);
    mem_free(&g->packed_spare);
    mem_free(&g->histogram[0]);
    mem_free(&g->histogram[1]);
    mem_free(&g->partial);
}

/* ---- histograms ---- */

static size_t histogram_size(const struct gbdt_grower *g)
{
    return (size_t)g->sampled * GBDT_BINS_MAX;
}

static void add_rows(const struct gbdt_grower *g, int from, int to, uint64_t *restrict out)
{
    const size_t columns = (size_t)g->columns;
    memset(out, 0, histogram_size(g) * sizeof *out);
    for (int i = from; i < to; i++) {
        const uint8_t *bin = g->bin + (size_t)g->row[i] * columns;
        /* one addition moves gradient and Hessian together: half the memory traffic
         * of two histograms */
        const uint64_t packed = g->packed[i];
        for (int c = 0; c < g->sampled; c++) {
            out[(size_t)c * GBDT_BINS_MAX + bin[g->sample[c]]] += packed;
        }
    }
}

struct histogram_job {
    const struct gbdt_grower *g;
    int from, to, parts;
};

static void histogram_part(void *ctx, int part, int worker)
{
    const struct histogram_job *job = ctx;
    const int64_t rows = job->to - job->from;
    (void)worker;
    add_rows(job->g, job->from + (int)(rows * part / job->parts),
             job->from + (int)(rows * (part + 1) / job->parts),
             job->g->partial + (size_t)part * histogram_size(job->g));
}

/* Sums of integers do not depend on how the rows are parted. */
static void histogram_of(const struct gbdt_grower *g, int from, int to, uint64_t *out)
{
    const int threads = g->options->threads;
    /* either way the same numbers: sums of integers have no order */
    if (threads == 1 || to - from < ROWS_FOR_THREADS) {
        add_rows(g, from, to, out);
        return;
    }
    struct histogram_job job = {g, from, to, threads};
    parallel_run(threads, threads, histogram_part, &job);
    /* no lock and no atomic addition: each thread has a histogram of its own */
    memcpy(out, g->partial, histogram_size(g) * sizeof *out);
    for (int p = 1; p < threads; p++) {
        const uint64_t *part = g->partial + (size_t)p * histogram_size(g);
        for (size_t i = 0; i < histogram_size(g); i++) {
            out[i] += part[i];
        }
    }
}

/* ---- growing ---- */

/* The tree at hand: which rows each node holds, and whether it was parted. */
struct growth {
    struct gbdt_grower *g;
    struct gbdt_split_rules rules;
    uint64_t *left;  /* (splits), out */
    int32_t *column; /* (splits), out */
    int from[GBDT_NODES_MAX], to[GBDT_NODES_MAX];
    bool alive[GBDT_NODES_MAX]; /* reached by a split that was worth it; the root */
    bool parted[GBDT_NODES_MAX];
};

static uint64_t *histogram_at(const struct gbdt_grower *g, int level, int node)
{
    int in_level = node - gbdt_splits(level);
    return g->histogram[level & 1] + (size_t)in_level * histogram_size(g);
}

static struct gbdt_split best_of(const struct growth *t, const uint64_t *histogram)
{
    const struct gbdt_grower *g = t->g;
    /* starts at what rounding alone may show: noise is no split */
    struct gbdt_split best = {.gain = GAIN_MIN};
    uint64_t total = 0;
    /* every column has every row in some bin: the first one's sum is that of all */
    for (int b = 0; b < GBDT_BINS_MAX; b++) {
        total += histogram[b];
    }
    for (int c = 0; c < g->sampled; c++) {
        int column = g->sample[c];
        struct gbdt_split s =
            gbdt_best_split(histogram + (size_t)c * GBDT_BINS_MAX, g->bins[column],
                            g->categorical[column], total, &t->rules);
        /* strictly: of equal columns the first of the sample, which is in order */
        if (s.gain > best.gain) {
            best = s;
            best.column = column;
        }
    }
    /* no column was better than noise: left is still empty */
    best.gain = best.left == 0 ? 0 : best.gain;
    return best;
}

/* Parts the node's rows, keeping their order on both sides; returns where the right side starts. */
static int part_rows(struct gbdt_grower *g, int from, int to, const struct gbdt_split *s)
{
    int left = from;
    int right = 0;
    for (int i = from; i < to; i++) {
        uint8_t bin = g->bin[(size_t)g->row[i] * (size_t)g->columns + (size_t)s->column];
        int32_t row = g->row[i];
        uint64_t packed = g->packed[i];
        bool is_left = (s->left >> bin) & 1;
        /* written to both sides, and only one of them moves on: no branch to mispredict, as a good
         * split is a coin toss */
        g->row[left] = row;
        g->packed[left] = packed;
        g->row_spare[right] = row;
        g->packed_spare[right] = packed;
        left += is_left;
        right += !is_left;
    }
    /* in their order on both sides: sums over a node's rows in double have one order */
    memcpy(g->row + left, g->row_spare, (size_t)right * sizeof *g->row);
    memcpy(g->packed + left, g->packed_spare, (size_t)right * sizeof *g->packed);
    return left;
}

/* Histograms of both children: the lighter by its rows, the other as what is left. */
static void child_histograms(const struct growth *t, int level, int node)
{
    const int low = 2 * node + 1;
    const int high = low + 1;
    /* the lighter one is counted: at most half of the rows of a level are ever read */
    bool low_is_light = t->to[low] - t->from[low] <= t->to[high] - t->from[high];
    int light = low_is_light ? low : high;
    const uint64_t *parent = histogram_at(t->g, level, node);
    uint64_t *restrict small = histogram_at(t->g, level + 1, light);
    uint64_t *restrict large = histogram_at(t->g, level + 1, low_is_light ? high : low);
    histogram_of(t->g, t->from[light], t->to[light], small);
    for (size_t i = 0; i < histogram_size(t->g); i++) {
        large[i] = parent[i] - small[i]; /* exact: integers (the subtraction of Ke et al. 2017) */
    }
}

static void grow_node(struct growth *t, int level, int node)
{
    struct gbdt_split s = {0};
    if (t->alive[node]) {
        s = best_of(t, histogram_at(t->g, level, node));
    }
    const int low = 2 * node + 1;
    t->parted[node] = s.gain > 0;
    t->left[node] = t->parted[node] ? s.left : ~UINT64_C(0);
    /* column 0 is always there: who walks the tree reads it without asking */
    t->column[node] = t->parted[node] ? s.column : 0;
    /* a branch that ended has children without rows, so that every tree is complete */
    for (int child = low; child <= low + 1; child++) {
        t->alive[child] = t->parted[node];
        t->from[child] = t->from[node];
        t->to[child] = t->from[node];
    }
    if (t->parted[node]) {
        int border = part_rows(t->g, t->from[node], t->to[node], &s);
        t->to[low] = border;
        t->from[low + 1] = border;
        t->to[low + 1] = t->to[node];
        /* leaves need no histogram */
        if (level + 1 < t->g->options->depth) {
            child_histograms(t, level, node);
        }
    }
}

/* Newton steps of all nodes, from exact sums over the bag's rows, kept by the rate. */
static void fill_values(const struct growth *t, float *value)
{
    const struct gbdt_options *o = t->g->options;
    const int splits = gbdt_splits(o->depth);
    double gradient[GBDT_NODES_MAX] = {0};
    double hessian[GBDT_NODES_MAX] = {0};
    /* From the leaves up: a parent's sums are those of its children, and no row is added twice. */
    for (int node = gbdt_nodes(o->depth) - 1; node >= 0; node--) {
        if (node < splits && t->parted[node]) {
            gradient[node] = gradient[2 * node + 1] + gradient[2 * node + 2];
            hessian[node] = hessian[2 * node + 1] + hessian[2 * node + 2];
            continue;
        }
        /* from the gradients in double and not from the histograms' integers: the split may be
         * chosen roughly, the value is what is added */
        for (int i = t->from[node]; t->alive[node] && i < t->to[node]; i++) {
            gradient[node] += t->g->gradient[t->g->row[i]];
            hessian[node] += t->g->hessian[t->g->row[i]];
        }
    }
    /* parents first: below the end of a branch every node says what the branch says */
    for (int node = 0; node < gbdt_nodes(o->depth); node++) {
        /* -G / (H + lambda) (XGBoost, equation 5), shrunk; 1e-12 where there is neither curvature
         * nor penalty */
        double step = -o->rate * gradient[node] / (hessian[node] + o->l2 + 1e-12);
        value[node] = t->alive[node] ? (float)step : value[(node - 1) / 2];
    }
}

void gbdt_grow(struct gbdt_grower *g, double scale, const struct gbdt *m, int tree)
{
    struct gbdt_owned *owned = m->owned;
    const int depth = g->options->depth;
    size_t first = (size_t)tree * (size_t)gbdt_splits(depth);
    struct growth t = {
        .g = g,
        .rules = {.l2 = g->options->l2, .child_weight = g->options->child_weight, .scale = scale},
        .left = owned->left + first,
        .column = owned->column + first};
    t.to[0] = g->bag;
    t.alive[0] = true;
    histogram_of(g, 0, g->bag,
                 histogram_at(g, 0, 0)); /* of the root, which nothing can be subtracted from */
    /* level by level: a node's histogram is its parent's less its sibling's */
    for (int level = 0; level < depth; level++) {
        for (int node = gbdt_splits(level); node < gbdt_splits(level + 1); node++) {
            grow_node(&t, level, node);
        }
    }
    fill_values(&t, owned->value + (size_t)tree * (size_t)gbdt_nodes(depth));
}
