/* Blocks of the log, lists of candidates from them, and a search over the settings. */
#include "ml/session/session_train.h"

#include "base/mem.h"
#include "base/rng.h"
#include "ml/linear/parallel.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    BLOCK_PART = 14, /* a block is a 14th of the log */
    BLOCKS = 3,      /* that teach the ranker */
    ALWAYS = 40,     /* candidates of a list that are always learnt from */
    SAMPLED = 40,    /* of those after them */
    TUNE_QUERIES = 20000,
    VALID_QUERIES = 8000,
    TOP = 20,
    WORK_PARTS = 32,
    OWN_FEATURES = SESSION_FEATURES - SESSION_QUERY_FEATURES,
};

struct session_train_options session_train_defaults(void)
{
    return (struct session_train_options){.threads = 1, .queries_max = 120000, .seed = 1};
}

struct session_settings session_settings_defaults(int sessions, int threads)
{
    /* recencies as shares of the log: what is old depends on how much there is */
    float all = sessions > 1 ? (float)sessions : 1;
    return (struct session_settings){
        .query = {.neighbours = 400, .position_decay = 1, .recency = .6F * all},
        .graph = {.row_max = 150,
                  .reach = 10,
                  .distance_decay = 3,
                  .recency = .5F * all,
                  .prior = 1,
                  .threads = threads},
        .postings_max = 1500,
    };
}

int session_rank_of(const struct session_hit *hits, int count, int32_t target)
{
    int at = -1;
    for (int i = 0; i < count && at < 0; i++) {
        at = hits[i].item == target ? i : -1;
    }
    /* not among the candidates: no rank, a miss */
    if (at < 0) {
        return 0;
    }
    int rank = 1;
    for (int i = 0; i < count; i++) {
        /* equal scores count against the target: a model that scores all alike would
         * otherwise look perfect */
        rank += i != at && hits[i].score >= hits[at].score;
    }
    return rank;
}

/* Lists as a part of the work gathers them. */
struct lists {
    int64_t *start;
    int32_t *target;
    uint16_t *level;
    float *offset;
    int queries;
    int64_t rows;
    int64_t room_queries, room_rows;
    struct session_quality quality;
};

struct work {
    const struct session_log *log;
    const struct session_model *model;
    int from, to; /* sessions that ask */
    double share; /* of their prefixes */
    uint64_t seed;
    bool judge;                       /* rank instead of collecting */
    struct session_scratch **scratch; /* one a worker */
    struct lists part[WORK_PARTS];
};

static void lists_reserve(struct lists *l, int64_t rows)
{
    /* start has one entry more than there are queries */
    if (l->queries + 2 > l->room_queries) {
        l->room_queries = 2 * l->room_queries + 64;
        l->start = mem_grow(l->start, (size_t)l->room_queries, sizeof *l->start);
        l->target = mem_grow(l->target, (size_t)l->room_queries, sizeof *l->target);
        l->start[0] = 0;
    }
    if (l->rows + rows > l->room_rows) {
        l->room_rows = 2 * l->room_rows + rows;
        l->level = mem_grow(l->level, (size_t)l->room_rows * SESSION_FEATURES, sizeof *l->level);
        l->offset = mem_grow(l->offset, (size_t)l->room_rows, sizeof *l->offset);
    }
}

static void lists_free(struct lists *l)
{
    mem_free(&l->start);
    mem_free(&l->target);
    mem_free(&l->level);
    mem_free(&l->offset);
}

/* Moves the ALWAYS best to the front. */
static void best_first(struct session_candidate *c, int count)
{
    /* a selection of forty: a whole sort would order hundreds that are only sampled from */
    int ahead = count < ALWAYS ? count : ALWAYS;
    for (int i = 0; i < ahead; i++) {
        int best = i;
        for (int j = i + 1; j < count; j++) {
            best = c[j].first_score > c[best].first_score ? j : best;
        }
        struct session_candidate t = c[i];
        c[i] = c[best];
        c[best] = t;
    }
}

/* One list: the best candidates and a sample of the others, which stand for all of them. A target
 * that is no candidate teaches nothing. */
static void collect(const struct work *w, struct lists *l, const int32_t *items, int count,
                    struct session_scratch *scratch, struct rng *rng)
{
    struct session_candidate c[SESSION_CANDIDATES];
    const struct session_candidate *borrowed;
    int found = session_candidates(w->model, items, count, scratch, &borrowed);
    int target = -1;
    for (int i = 0; i < found; i++) {
        target = borrowed[i].item == items[count] ? i : target;
    }
    /* its softmax would have nothing to raise */
    if (target < 0) {
        return;
    }
    /* a copy, since the scratch is lent: it is put in another order */
    memcpy(c, borrowed, (size_t)found * sizeof *c);
    best_first(c, found);
    lists_reserve(l, found);
    uint16_t query[SESSION_QUERY_FEATURES];
    session_query_levels(w->model, items, count, query);
    /* A candidate that was taken with probability `share` stands for 1 / share of its kind:
     * -log(share) in its exponent makes the softmax's sum that over all candidates, on average
     * (sampled softmax: Bengio, Senecal 2008). */
    double share = found > ALWAYS ? (double)SAMPLED / (found - ALWAYS) : 1;
    share = share < 1 ? share : 1;
    for (int i = 0; i < found; i++) {
        bool is_target = c[i].item == items[count];
        bool sampled = i >= ALWAYS && !is_target;
        /* a new sample for each list: over many lists all of the tail is seen */
        if (sampled && rng_unit(rng) >= share) {
            continue;
        }
        if (is_target) {
            l->target[l->queries] = (int32_t)(l->rows - l->start[l->queries]);
        }
        uint16_t *level = l->level + l->rows * SESSION_FEATURES;
        session_candidate_levels(w->model, &c[i], items[count - 1], level);
        memcpy(level + OWN_FEATURES, query, sizeof query);
        l->offset[l->rows++] = sampled ? (float)-log(share) : 0;
    }
    l->start[++l->queries] = l->rows;
}

static void judge(const struct work *w, struct lists *l, const int32_t *items, int count,
                  struct session_scratch *scratch)
{
    struct session_hit hits[SESSION_CANDIDATES];
    int found = session_rank(w->model, items, count, scratch, hits);
    int rank = session_rank_of(hits, found, items[count]);
    /* counted whether or not the target was found: leaving misses out would flatter */
    l->quality.cases++;
    if (rank >= 1 && rank <= TOP) {
        l->quality.hit++;
        l->quality.reciprocal_rank += 1.0 / rank;
    }
}

static void work_part(void *ctx, int part, int worker)
{
    struct work *w = ctx;
    struct lists *l = &w->part[part];
    int64_t span = w->to - w->from;
    int from = w->from + (int)(span * part / WORK_PARTS);
    int to = w->from + (int)(span * (part + 1) / WORK_PARTS);
    /* by part and not by worker: the same prefixes on any number of threads */
    struct rng rng = rng_seed(w->seed * WORK_PARTS + (uint64_t)part);
    for (int s = from; s < to; s++) {
        const int32_t *items = session_log_items(w->log, s);
        for (int n = 1; n < session_log_length(w->log, s); n++) {
            /* prefixes and not sessions are drawn: long sessions ask as often as they are long */
            if (rng_unit(&rng) >= w->share) {
                continue;
            }
            if (w->judge) {
                judge(w, l, items, n, w->scratch[worker]);
            } else {
                collect(w, l, items, n, w->scratch[worker], &rng);
            }
        }
    }
}

static int64_t prefixes(const struct session_log *log, int from, int to)
{
    int64_t count = 0;
    for (int s = from; s < to; s++) {
        int length = session_log_length(log, s);
        count += length > 1 ? length - 1 : 0;
    }
    return count;
}

static void work_run(struct work *w, int queries, int threads)
{
    int64_t all = prefixes(w->log, w->from, w->to);
    /* a share and no exact number: parts draw on their own, on any thread */
    w->share = all > queries ? (double)queries / (double)all : 1;
    w->scratch = mem_array((size_t)threads, sizeof(struct session_scratch *));
    for (int t = 0; t < threads; t++) {
        w->scratch[t] = session_scratch_make(w->model);
    }
    parallel_run(threads, WORK_PARTS, work_part, w);
    for (int t = 0; t < threads; t++) {
        session_scratch_free(&w->scratch[t]);
    }
    mem_free(&w->scratch);
}

/* Appends the parts' lists to *all in their order and frees them. */
static void append(struct lists *all, struct work *w)
{
    /* in order of parts: the ranker shuffles by seed from this order */
    for (int p = 0; p < WORK_PARTS; p++) {
        struct lists *l = &w->part[p];
        for (int q = 0; q < l->queries; q++) {
            int64_t rows = l->start[q + 1] - l->start[q];
            lists_reserve(all, rows);
            assert(all->level && all->offset);
            memcpy(all->level + all->rows * SESSION_FEATURES,
                   l->level + l->start[q] * SESSION_FEATURES,
                   (size_t)rows * SESSION_FEATURES * sizeof *l->level);
            memcpy(all->offset + all->rows, l->offset + l->start[q],
                   (size_t)rows * sizeof *l->offset);
            all->target[all->queries] = l->target[q];
            all->rows += rows;
            all->start[++all->queries] = all->rows;
        }
        lists_free(l);
    }
}

/* One attempt: sessions 0 .. end - 1 are known, the ranker learns from `blocks` blocks
 * before the end. */
struct attempt {
    const struct session_log *log;
    const struct session_train_options *options;
    struct session_settings settings;
    int end;
    int blocks;
    int queries;
};

static int block_of(const struct session_log *log)
{
    /* one session at least, in a log of a dozen */
    return log->sessions / BLOCK_PART > 0 ? log->sessions / BLOCK_PART : 1;
}

static bool teach(const struct attempt *a, struct session_fm *out, struct err *err)
{
    struct lists all = {0};
    int block = block_of(a->log);
    /* a model of its own for each block: one cut before all of them would show the later blocks too
     * old a shop */
    for (int b = a->blocks; b >= 1; b--) {
        int cut = a->end - b * block;
        /* nothing before the block: no model to see it with */
        if (cut < 1) {
            continue;
        }
        /* what the ranker sees of a block was counted before it: with its own sessions in the
         * counts every target would look certain */
        struct session_model model = session_model_build(a->log, cut, &a->settings);
        struct work *w = mem_alloc(sizeof *w);
        w->log = a->log;
        w->model = &model;
        w->from = cut;
        w->to = cut + block;
        w->seed = a->options->seed + (uint64_t)b;
        /* each block gives as many, so that the latest does not decide alone */
        work_run(w, a->queries / a->blocks, a->options->threads);
        append(&all, w);
        mem_free(&w);
        session_model_free(&model);
    }
    struct session_fm_data data = {.queries = all.queries,
                                   .features = SESSION_FEATURES,
                                   .start = all.start,
                                   .target = all.target,
                                   .level = all.level,
                                   .offset = all.offset};
    struct session_fm_options o = {.epochs = 4,
                                   .rate = .03F,
                                   .l2 = 1e-3F,
                                   .seed = a->options->seed,
                                   .threads = a->options->threads};
    double loss;
    bool ok = session_fm_train(&data, &o, out, &loss, err);
    lists_free(&all);
    return ok;
}

static struct session_quality measure(const struct session_log *log,
                                      const struct session_model *model, int from, int threads)
{
    struct work *w = mem_alloc(sizeof *w);
    w->log = log;
    w->model = model;
    w->from = from;
    w->to = log->sessions;
    /* fixed: all settings are judged on the same prefixes, and differ by themselves only */
    w->seed = 7;
    w->judge = true;
    work_run(w, VALID_QUERIES, threads);
    struct session_quality q = {0};
    for (int p = 0; p < WORK_PARTS; p++) {
        q.cases += w->part[p].quality.cases;
        q.hit += w->part[p].quality.hit;
        q.reciprocal_rank += w->part[p].quality.reciprocal_rank;
    }
    q.hit /= q.cases > 0 ? q.cases : 1;
    q.reciprocal_rank /= q.cases > 0 ? q.cases : 1;
    mem_free(&w);
    return q;
}

/* Teaches with the settings before the last block and judges on it. */
static bool try_settings(struct attempt *a, struct session_quality *out, struct err *err)
{
    struct session_fm fm;
    /* The last block is held out: neither counts nor ranker have seen it. */
    a->end = a->log->sessions - block_of(a->log);
    if (!teach(a, &fm, err)) {
        return false;
    }
    struct session_model model = session_model_build(a->log, a->end, &a->settings);
    /* taught by models of earlier cuts and used with this one, as when it serves */
    model.fm = fm;
    *out = measure(a->log, &model, a->end, a->options->threads);
    session_model_free(&model);
    if (a->options->progress) {
        char text[160];
        (void)snprintf(
            text, sizeof text, "decay %.2g, recency %.2g and %.2g of all: p@20 %.4f, mrr@20 %.4f",
            (double)a->settings.query.position_decay,
            (double)a->settings.query.recency / a->log->sessions,
            (double)a->settings.graph.recency / a->log->sessions, out->hit, out->reciprocal_rank);
        a->options->progress(a->options->progress_ctx, text);
    }
    return true;
}

/* Tries one setting's other values, keeps what is better on the last block. */
static bool tune_one(struct attempt *a, size_t offset, float unit, const float *values, int count,
                     struct session_quality *best, struct err *err)
{
    struct session_settings chosen = a->settings;
    for (int i = 0; i < count; i++) {
        struct session_quality q;
        float value = values[i] * unit;
        memcpy((char *)&a->settings + offset, &value, sizeof value);
        if (!try_settings(a, &q, err)) {
            return false;
        }
        /* both measures: neither may be bought with the other */
        if (q.hit + q.reciprocal_rank > best->hit + best->reciprocal_rank) {
            *best = q;
            chosen = a->settings;
        }
    }
    a->settings = chosen;
    return true;
}

static bool tune(struct attempt *a, struct session_quality *best, struct err *err)
{
    static const float recencies[] = {.2F, 2};
    static const float decays[] = {.6F, 2};
    /* one setting after the other (coordinate search): an attempt costs a training, and a grid of
     * all three would take 27 */
    float all = (float)a->log->sessions;
    return try_settings(a, best, err) &&
           tune_one(a, offsetof(struct session_settings, graph.recency), all, recencies, 2, best,
                    err) &&
           tune_one(a, offsetof(struct session_settings, query.recency), all, recencies, 2, best,
                    err) &&
           tune_one(a, offsetof(struct session_settings, query.position_decay), 1, decays, 2, best,
                    err);
}

bool session_train(const struct session_log *log, const struct session_train_options *options,
                   struct session_model *out, struct session_quality *out_valid, struct err *err)
{
    assert(options->threads >= 1 && options->queries_max >= 1);
    struct attempt a = {.log = log,
                        .options = options,
                        .settings = session_settings_defaults(log->sessions, options->threads),
                        .blocks = 1,
                        .queries = options->queries_max < TUNE_QUERIES ? options->queries_max
                                                                       : TUNE_QUERIES};
    struct session_quality valid = {0};
    if (options->settings) {
        a.settings = *options->settings;
    } else if (!tune(&a, &valid, err)) {
        return false;
    }
    struct session_fm fm;
    /* The last block teaches now: with the settings chosen, holding the newest
     * sessions out would only lose them. */
    a.end = log->sessions;
    a.blocks = BLOCKS;
    a.queries = options->queries_max;
    if (!teach(&a, &fm, err)) {
        return false;
    }
    *out = session_model_build(log, log->sessions, &a.settings);
    out->fm = fm;
    *out_valid = valid;
    return true;
}
