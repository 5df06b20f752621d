/* AdaGrad on the softmax loss, in batches of queries whose parts add up their gradients apart, so
 * that any number of threads gives the same bytes. */
#include "ml/session/session_fm.h"

#include "base/mem.h"
#include "base/rng.h"
#include "ml/linear/parallel.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { BATCH = 64, PARTS = 4, ROWS = SESSION_FM_FEATURES_MAX * SESSION_FM_BINS };

/* One float per parameter of the model: parameters, their gradients, or the sums of squares. Rows
 * are (feature, bin). */
struct numbers {
    float linear[SESSION_FM_FEATURES_MAX];
    float weight[ROWS];
    float pair[ROWS][SESSION_FM_FACTORS];
};

struct part {
    struct numbers gradient;
    bool touched[ROWS];
    double loss;
    /* scratch of a list */
    float score[SESSION_FM_LIST_MAX];
    float sum[SESSION_FM_LIST_MAX][SESSION_FM_FACTORS];
};

struct training {
    const struct session_fm_data *data;
    const struct session_fm_options *options;
    struct session_fm *fm; /* bins, mean and scale only */
    struct numbers at;
    struct numbers squares;
    struct part part[PARTS];
    int32_t *order; /* (queries) */
    int from, to;   /* the batch, in order */
};

static float z_of(const struct session_fm *fm, int f, uint16_t level)
{
    return level ? ((float)level * (1.F / 2048) - fm->mean[f]) * fm->scale[f] : 0;
}

static int row_of(const struct session_fm *fm, int f, uint16_t level)
{
    return f * SESSION_FM_BINS + fm->bin[f][level >> 8];
}

static float score_candidate(const struct training *t, const uint16_t *level, float *restrict sum)
{
    float score = 0;
    float squares[SESSION_FM_FACTORS] = {0};
    memset(sum, 0, SESSION_FM_FACTORS * sizeof *sum);
    for (int f = 0; f < t->data->features; f++) {
        int row = row_of(t->fm, f, level[f]);
        const float *v = t->at.pair[row];
        score += t->at.weight[row] + t->at.linear[f] * z_of(t->fm, f, level[f]);
        for (int k = 0; k < SESSION_FM_FACTORS; k++) {
            sum[k] += v[k];
            squares[k] += v[k] * v[k];
        }
    }
    for (int k = 0; k < SESSION_FM_FACTORS; k++) {
        /* sum over pairs of v.v' = (|sum v|^2 - sum |v|^2) / 2 (Rendle 2010,
         * lemma 3.1): linear in the features */
        score += .5F * (sum[k] * sum[k] - squares[k]);
    }
    return score;
}

static void add_gradient(const struct training *t, struct part *p, const uint16_t *level, float g,
                         const float *restrict sum)
{
    for (int f = 0; f < t->data->features; f++) {
        int row = row_of(t->fm, f, level[f]);
        const float *v = t->at.pair[row];
        float *restrict to = p->gradient.pair[row];
        /* few of all rows are met in a batch: update looks at those only */
        p->touched[row] = true;
        p->gradient.weight[row] += g;
        p->gradient.linear[f] += g * z_of(t->fm, f, level[f]);
        for (int k = 0; k < SESSION_FM_FACTORS; k++) {
            /* the derivative of the pairs by v: what all the others sum up to */
            to[k] += g * (sum[k] - v[k]);
        }
    }
}

static void learn_list(const struct training *t, struct part *p, int query)
{
    const struct session_fm_data *d = t->data;
    int64_t from = d->start[query];
    int count = (int)(d->start[query + 1] - from);
    const uint16_t *level = d->level + from * d->features;
    float most = -INFINITY;
    for (int i = 0; i < count; i++) {
        p->score[i] =
            score_candidate(t, level + (int64_t)i * d->features, p->sum[i]) + d->offset[from + i];
        most = fmaxf(most, p->score[i]);
    }
    double total = 0;
    for (int i = 0; i < count; i++) {
        /* softmax over the list (ListNet: Cao et al. 2007, with one target: the log loss of
         * choosing it); less the largest, so that nothing overflows */
        p->score[i] = expf(p->score[i] - most);
        total += (double)p->score[i];
    }
    int target = d->target[query];
    /* 1e-30: a target that underflows is a large loss, not an infinite one */
    p->loss -= log((double)p->score[target] / total + 1e-30);
    for (int i = 0; i < count; i++) {
        float g = (float)((double)p->score[i] / total) - (i == target ? 1.F : 0.F);
        /* most of a list is hopeless already: what moves nothing is not added up, which is most of
         * the time */
        if (fabsf(g) > 1e-4F) {
            add_gradient(t, p, level + (int64_t)i * d->features, g, p->sum[i]);
        }
    }
}

static void learn_part(void *ctx, int part, int worker)
{
    struct training *t = ctx;
    (void)worker;
    /* parts and their queries do not depend on threads: who runs a part changes no bit */
    for (int i = t->from + part; i < t->to; i += PARTS) {
        learn_list(t, &t->part[part], t->order[i]);
    }
}

static void step(float *value, float *squares, float gradient, float rate)
{
    *squares += gradient * gradient; /* AdaGrad: bins met rarely keep long steps */
    *value -= rate * gradient / sqrtf(*squares + 1e-8F);
}

/* Adds the parts up in their order, takes the step and empties them. */
static void update(struct training *t, float rate)
{
    /* the mean over the batch; parts are added in their order, so that threads change nothing */
    float share = 1.F / (float)(t->to - t->from);
    float l2 = t->options->l2;
    for (int f = 0; f < t->data->features; f++) {
        float g = 0;
        for (int p = 0; p < PARTS; p++) {
            g += t->part[p].gradient.linear[f];
            t->part[p].gradient.linear[f] = 0;
        }
        /* one number a feature, met by every query: none is passed over */
        step(&t->at.linear[f], &t->squares.linear[f], g * share + l2 * t->at.linear[f], rate);
    }
    for (int row = 0; row < t->data->features * SESSION_FM_BINS; row++) {
        float g = 0;
        float pair[SESSION_FM_FACTORS] = {0};
        bool touched = false;
        for (int p = 0; p < PARTS; p++) {
            struct part *part = &t->part[p];
            /* Only rows that were met: the penalty too acts on them alone, or rare bins would be
             * drawn to 0 between two visits. */
            if (!part->touched[row]) {
                continue;
            }
            touched = true;
            g += part->gradient.weight[row];
            for (int k = 0; k < SESSION_FM_FACTORS; k++) {
                pair[k] += part->gradient.pair[row][k];
            }
            part->touched[row] = false;
            part->gradient.weight[row] = 0;
            memset(part->gradient.pair[row], 0, sizeof part->gradient.pair[row]);
        }
        for (int k = 0; touched && k < SESSION_FM_FACTORS; k++) {
            step(&t->at.pair[row][k], &t->squares.pair[row][k],
                 pair[k] * share + l2 * t->at.pair[row][k], rate);
        }
        if (touched) {
            step(&t->at.weight[row], &t->squares.weight[row], g * share + l2 * t->at.weight[row],
                 rate);
        }
    }
}

/* Bin 0 is "nothing", the others hold equal shares of the values met. */
static void choose_bins(const struct session_fm_data *d, struct session_fm *fm, int f)
{
    double share[SESSION_FM_KEYS] = {0};
    double some = 0;
    double sum = 0;
    double square = 0;
    for (int64_t i = 0; i < d->start[d->queries]; i++) {
        uint16_t level = d->level[i * d->features + f];
        if (level > 0) {
            double octaves = level / 2048.0;
            /* by key, an eighth of an octave: the finest that a bin can be told by */
            share[level >> 8]++;
            some++;
            sum += octaves;
            square += octaves * octaves;
        }
    }
    double mean = some > 0 ? sum / some : 0;
    double variance = some > 0 ? square / some - mean * mean : 0;
    fm->mean[f] = (float)mean;
    /* .1 of an octave: a feature that hardly varies must not be blown up to unit variance */
    fm->scale[f] = (float)(1 / (sqrt(variance > 0 ? variance : 0) + .1));
    double before = 0;
    for (int key = 1; key < SESSION_FM_KEYS; key++) {
        /* the rank of the key's middle: a key is never parted, however heavy */
        double middle = some > 0 ? (before + share[key] / 2) / some : 0;
        int bin = 1 + (int)(middle * (SESSION_FM_BINS - 1));
        fm->bin[f][key] = (uint8_t)(bin < SESSION_FM_BINS ? bin : SESSION_FM_BINS - 1);
        before += share[key];
    }
}

static void shuffle(int32_t *order, int count, struct rng *rng)
{
    for (int i = count - 1; i > 0; i--) {
        /* Fisher and Yates: every order is as likely */
        int j = (int)rng_below(rng, (uint64_t)i + 1);
        int32_t t = order[i];
        order[i] = order[j];
        order[j] = t;
    }
}

static double run_epoch(struct training *t, float rate, struct rng *rng)
{
    int queries = t->data->queries;
    double loss = 0;
    shuffle(t->order, queries, rng);
    for (int p = 0; p < PARTS; p++) {
        t->part[p].loss = 0;
    }
    for (t->from = 0; t->from < queries; t->from = t->to) {
        /* In batches: one query at a time could not be shared by threads in a fixed order. */
        t->to = queries - t->from < BATCH ? queries : t->from + BATCH;
        parallel_run(t->options->threads, PARTS, learn_part, t);
        update(t, rate);
    }
    for (int p = 0; p < PARTS; p++) {
        /* met on the way, before each step: no pass of its own */
        loss += t->part[p].loss;
    }
    return loss / queries;
}

static void take(const struct training *t, struct session_fm *out)
{
    for (int f = 0; f < t->data->features; f++) {
        out->linear[f] = t->at.linear[f];
        for (int bin = 0; bin < SESSION_FM_BINS; bin++) {
            int row = f * SESSION_FM_BINS + bin;
            float square = 0;
            for (int k = 0; k < SESSION_FM_FACTORS; k++) {
                out->pair[f][bin][k] = t->at.pair[row][k];
                square += t->at.pair[row][k] * t->at.pair[row][k];
            }
            /* see session_fm_score_reference */
            out->weight[f][bin] = t->at.weight[row] - .5F * square;
        }
    }
}

bool session_fm_train(const struct session_fm_data *data, const struct session_fm_options *options,
                      struct session_fm *out, double *out_loss, struct err *err)
{
    assert(data->features >= 1 && data->features <= SESSION_FM_FEATURES_MAX);
    assert(options->epochs >= 1 && options->rate > 0 && options->l2 >= 0);
    if (data->queries < 1) {
        return FAIL(err, ERR_INVALID, "there is no session to learn ranking from");
    }
    struct rng rng = rng_seed(options->seed);
    /* on the heap: gradients of all parts are some 200 KiB */
    struct training *t = mem_alloc(sizeof *t);
    /* apart from *out, which stays as it is where the numbers diverge */
    struct session_fm *fm = mem_alloc(sizeof *fm);
    t->data = data;
    t->options = options;
    t->fm = fm;
    fm->features = data->features;
    for (int f = 0; f < data->features; f++) {
        choose_bins(data, fm, f);
    }
    /* Not 0: there the gradient of every pair is 0, and nothing would ever move. */
    for (int row = 0; row < data->features * SESSION_FM_BINS; row++) {
        for (int k = 0; k < SESSION_FM_FACTORS; k++) {
            t->at.pair[row][k] = (float)(.02 * (rng_unit(&rng) * 2 - 1));
        }
    }
    t->order = mem_array((size_t)data->queries, sizeof *t->order);
    for (int i = 0; i < data->queries; i++) {
        t->order[i] = i;
    }
    double loss = 0;
    for (int epoch = 0; epoch < options->epochs; epoch++) {
        /* shorter steps at the end, to settle what the epochs before have found */
        bool last = epoch == options->epochs - 1;
        loss = run_epoch(t, last ? options->rate / 3 : options->rate, &rng);
    }
    /* a weight that diverged shows in the loss of the lists that use it */
    bool finite = isfinite(loss);
    if (finite) {
        take(t, fm);
        *out = *fm;
        *out_loss = loss;
    }
    mem_free(&t->order);
    mem_free(&fm);
    mem_free(&t);
    return finite || FAIL(err, ERR_INTERNAL, "learning to rank diverged");
}
