/* The search for settings: one coordinate after the other, uphill in steps by a factor or over a
 * short list, on held-out interactions. ALS is searched with few factors first, then grown; the
 * number of sweeps is read off while training. */
#include "ml/items/rank_tune.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/rng.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

enum {
    SEARCH_FACTORS = 64, /* ridge and weights are first searched at this size */
    FACTORS_LEAST = 8,
    CLIMB_MAX = 5, /* steps in one direction */
    SWEEPS_WITHOUT_GAIN = 2,
    SHARES = 21,
};

/* How strongly popular targets are lowered: tried on every item-item model, since they
 * cost no training. */
static const float target_exponents[] = {-0.2F, -0.1F, 0, 0.1F, 0.2F, 0.3F, 0.4F};
enum { TARGETS = sizeof target_exponents / sizeof *target_exponents };

struct tuning {
    const struct rank_tune_options *options;
    struct rank_judge judge;
    struct rank_settings best;
    struct rank_quality quality; /* of best */
    double score;                /* of best; below zero before anything was tried */
    int tried;
};

struct rank_tune_options rank_tune_defaults(void)
{
    return (struct rank_tune_options){
        .kind = RANK_BLEND,
        .factors = 256,
        .neighbours = 200,
        .kept = 200,
        .sweeps_max = 12,
        .shoppers_max = 5000,
        .seed = 1,
        .threads = 1,
    };
}

static double score_of(const struct rank_quality *q)
{
    /* Recall for what is found at all, NDCG for how high it stands:
     * neither may be bought with the other. */
    return (q->recall + q->ndcg) / 2;
}

static void consider(struct tuning *t, const struct rank_settings *s, const struct rank_quality *q)
{
    /* Strictly: of equal ones the one that was tried first stays. */
    const bool best = score_of(q) > t->score;
    if (best) {
        t->best = *s;
        t->quality = *q;
        t->score = score_of(q);
    }
    if (t->options->tell) {
        t->options->tell(t->options->tell_ctx, s, q, best);
    }
}

/* ---- one setting ---- */

/* Judges ALS after some sweeps and remembers the best number of them. */
struct watch {
    struct tuning *t;
    struct rank_settings settings;
    struct rank_quality best;
    int sweeps; /* of best */
    int worse;  /* judged since */
    bool failed;
    struct err err;
};

/* More and more seldom: what a sweep changes gets less. */
static bool is_judged(int sweep, int last)
{
    return sweep == last || (sweep >= 2 && sweep <= 4) || sweep == 6 ||
           (sweep >= 8 && sweep % 4 == 0);
}

static bool watch_sweep(void *ctx, const struct als_progress *p)
{
    struct watch *w = ctx;
    CLEANUP(rank_model_free) struct rank_model model = {.settings = w->settings};
    struct rank_quality q;
    if (!is_judged(p->sweep, w->settings.als.sweeps)) {
        return true;
    }
    /* Judged as it will serve, by folding in: the shoppers'
     * factors of the training are not used. */
    if (!rank_model_set_factors(&model, w->t->judge.known, &p->state->items, &w->err) ||
        !rank_judge_model(&w->t->judge, &model, &q, &w->err)) {
        w->failed = true;
        return false;
    }
    /* undone below where it is better */
    w->worse++;
    if (w->sweeps == 0 || score_of(&q) > score_of(&w->best)) {
        w->best = q;
        w->sweeps = p->sweep;
        w->worse = 0;
    }
    return w->worse < SWEEPS_WITHOUT_GAIN;
}

static bool try_als(struct tuning *t, const struct rank_settings *settings, struct err *err)
{
    struct watch w = {.t = t, .settings = *settings};
    struct als_options o = settings->als;
    CLEANUP(mat_free) struct mat shoppers = {0};
    CLEANUP(mat_free) struct mat items = {0};
    struct err stopped = {0}; /* a stop that we asked for is no error */
    /* One training tells the best number of sweeps (early stopping),
     * instead of one for each number. */
    o.sweeps = t->options->sweeps_max;
    o.progress = watch_sweep;
    o.progress_ctx = &w;
    w.settings.als.sweeps = o.sweeps;
    /* stopped early is how most of them end; anything else is a failure */
    if (!als_train(t->judge.known, &o, &shoppers, &items, &stopped) &&
        (w.failed || w.worse < SWEEPS_WITHOUT_GAIN)) {
        *err = w.failed ? w.err : stopped;
        return false;
    }
    w.settings.als.sweeps = w.sweeps;
    t->tried++;
    consider(t, &w.settings, &w.best);
    return true;
}

static bool try_item(struct tuning *t, const struct rank_settings *settings, struct err *err)
{
    const int n = t->judge.known->cols;
    CLEANUP(rank_model_free) struct rank_model model = {0};
    CLEANUP(mem_free) float *scales = mem_array((size_t)n * TARGETS + 1, sizeof *scales);
    struct rank_settings s = *settings;
    struct rank_variant variants[TARGETS];
    struct rank_quality quality[TARGETS];
    for (int v = 0; v < TARGETS; v++) {
        float *scale = scales + (size_t)v * (size_t)n;
        s.item.target_exponent = target_exponents[v];
        item_item_target_scales(t->judge.known, &s.item, scale);
        variants[v] = (struct rank_variant){.item_share = 1, .target_scale = scale};
    }
    /* Trained without: the exponent only multiplies the weights into a target, so all
     * of them are tried on one model. */
    s.item.target_exponent = 0;
    if (!rank_model_train(t->judge.known, &s, &model, err) ||
        !rank_judge_variants(&t->judge, &model, variants, TARGETS, quality, err)) {
        return false;
    }
    int best = 0;
    for (int v = 1; v < TARGETS; v++) {
        best = score_of(&quality[v]) > score_of(&quality[best]) ? v : best;
    }
    s.item.target_exponent = target_exponents[best];
    t->tried++;
    consider(t, &s, &quality[best]);
    return true;
}

static bool try_settings(struct tuning *t, const struct rank_settings *s, struct err *err)
{
    return s->kind == RANK_ALS ? try_als(t, s, err) : try_item(t, s, err);
}

/* ---- moves ---- */

/* A number of the settings, by its place in them. */
static float *number_at(struct rank_settings *s, size_t place)
{
    return (float *)(void *)((char *)s + place);
}

/* Multiplies the number by factor, and by its inverse, for as long as that ranks better. */
static bool climb(struct tuning *t, size_t place, float factor, struct err *err)
{
    bool moved = false;
    /* the other way only where the first one did not help: one top along a coordinate is assumed */
    for (int direction = 0; direction < 2 && !moved; direction++) {
        const float step = direction == 0 ? factor : 1 / factor;
        for (int i = 0; i < CLIMB_MAX; i++) {
            const double before = t->score;
            struct rank_settings s = t->best;
            /* from t->best, which has moved if the last step helped */
            *number_at(&s, place) *= step;
            if (!try_settings(t, &s, err)) {
                return false;
            }
            if (t->score <= before) {
                break;
            }
            moved = true;
        }
    }
    return true;
}

/* Tries each value but the one it has; `also`, unless 0, is the place of a second number that
 * always has the same value. */
static bool choose(struct tuning *t, size_t place, size_t also, const float *values, int count,
                   struct err *err)
{
    const float now = *number_at(&t->best, place);
    for (int i = 0; i < count; i++) {
        /* from the best so far: a value that helped stays while the next number is tried */
        struct rank_settings s = t->best;
        *number_at(&s, place) = values[i];
        if (also) {
            *number_at(&s, also) = values[i];
        }
        if (values[i] != now && !try_settings(t, &s, err)) {
            return false;
        }
    }
    return true;
}

#define ALS(member)  offsetof(struct rank_settings, als.member)
#define ITEM(member) offsetof(struct rank_settings, item.member)

/* ---- the parts ---- */

/* More factors for as long as they rank better; else fewer. */
static bool choose_factors(struct tuning *t, int most, struct err *err)
{
    bool grew = false;
    for (int direction = 0; direction < 2 && !grew; direction++) {
        for (;;) {
            const double before = t->score;
            const int now = t->best.als.factors;
            struct rank_settings s = t->best;
            /* doubled or halved: a few factors more or less cannot be told apart on a sample */
            s.als.factors = direction == 0 ? now * 2 : now / 2;
            s.als.factors = s.als.factors > most ? most : s.als.factors;
            if (s.als.factors == now || s.als.factors < FACTORS_LEAST) {
                break;
            }
            if (!try_settings(t, &s, err)) {
                return false;
            }
            if (t->score <= before) {
                break;
            }
            grew = direction == 0;
        }
    }
    return true;
}

static bool fix_factors(struct tuning *t, int factors, struct err *err)
{
    struct rank_settings s = t->best;
    if (s.als.factors == factors) {
        return true;
    }
    s.als.factors = factors;
    /* taken whatever it scores: the caller wants this number */
    t->score = -1;
    return try_settings(t, &s, err);
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

static bool tune_als(struct tuning *t, struct err *err)
{
    static const float exponents[] = {0, 0.15F, 0.3F, 0.5F};
    const struct rank_tune_options *o = t->options;
    const struct csr *known = t->judge.known;
    /* a matrix of m by n has rank min(m, n): more factors fit nothing more */
    const int most =
        smaller(o->factors, o->fixed_factors ? ALS_FACTORS_MAX : smaller(known->rows, known->cols));
    struct rank_settings s = {.kind = RANK_ALS, .als = als_defaults()};
    s.als.factors = smaller(most, SEARCH_FACTORS);
    s.als.shopper_exponent = 0.3F;
    s.als.item_exponent = 0.3F;
    s.als.seed = o->seed;
    s.als.threads = o->threads;
    t->score = -1;
    /* From coarse to fine, at a small size: the weight of what was not observed first, and once
     * more after the exponents, which move how much is observed. */
    if (!try_settings(t, &s, err) || !climb(t, ALS(unobserved_weight), 4, err) ||
        !climb(t, ALS(reg), 4, err) ||
        !choose(t, ALS(shopper_exponent), ALS(item_exponent), exponents, 4, err) ||
        !climb(t, ALS(unobserved_weight), 2, err)) {
        return false;
    }
    if (!(o->fixed_factors ? fix_factors(t, most, err) : choose_factors(t, most, err))) {
        return false;
    }
    /* more factors want another ridge, so both are looked at again at the final size */
    return climb(t, ALS(reg), 2, err) && climb(t, ALS(unobserved_weight), 1.5F, err);
}

static bool weights_differ(const struct csr *a)
{
    for (int64_t e = 1; e < csr_entries(a); e++) {
        if (a->weight[e] != a->weight[0]) {
            return true;
        }
    }
    return false;
}

static bool tune_item(struct tuning *t, struct err *err)
{
    static const float rows[] = {0, 0.6F};
    static const float ridges[] = {0, 0.25F, 0.75F, 1};
    static const float weights[] = {0, 0.5F};
    const struct rank_tune_options *o = t->options;
    struct rank_settings s = {.kind = RANK_ITEM, .item = item_item_defaults()};
    s.item.neighbours = o->neighbours;
    s.item.kept = o->kept;
    s.item.threads = o->threads;
    t->score = -1;
    /* the ridge first and last: exponents move its scale */
    return try_settings(t, &s, err) && climb(t, ITEM(ridge), 4, err) &&
           choose(t, ITEM(row_exponent), 0, rows, 2, err) &&
           choose(t, ITEM(ridge_exponent), 0, ridges, 4, err) &&
           (!weights_differ(t->judge.known) ||
            choose(t, ITEM(weight_exponent), 0, weights, 2, err)) &&
           climb(t, ITEM(ridge), 2, err);
}

/* Both parts as they were chosen, and each share of them. */
static bool tune_share(struct tuning *t, const struct rank_settings *als,
                       const struct rank_settings *item, struct err *err)
{
    struct rank_variant variants[SHARES];
    struct rank_quality quality[SHARES];
    struct rank_settings s = {.kind = RANK_BLEND, .als = als->als, .item = item->item};
    CLEANUP(rank_model_free) struct rank_model model = {0};
    for (int v = 0; v < SHARES; v++) {
        /* both ends too: a part alone may be best */
        variants[v] = (struct rank_variant){.item_share = (float)v / (SHARES - 1)};
    }
    if (!rank_model_train(t->judge.known, &s, &model, err) ||
        !rank_judge_variants(&t->judge, &model, variants, SHARES, quality, err)) {
        return false;
    }
    /* from scratch: shares 0 and 1 are the parts alone, judged in the same pass as all others */
    t->score = -1;
    t->tried++;
    for (int v = 0; v < SHARES; v++) {
        s.item_share = variants[v].item_share;
        consider(t, &s, &quality[v]);
    }
    return true;
}

/* ---- all of it ---- */

static bool search(struct tuning *t, struct rank_tuned *out, struct err *err)
{
    const enum rank_kind kind = t->options->kind;
    struct rank_settings als = {0};
    if (kind != RANK_ITEM) {
        if (!tune_als(t, err)) {
            return false;
        }
        als = t->best;
        out->als = t->quality;
    }
    if (kind != RANK_ALS) {
        if (!tune_item(t, err)) {
            return false;
        }
        out->item = t->quality;
    }
    if (kind == RANK_BLEND) {
        const struct rank_settings item = t->best;
        if (!tune_share(t, &als, &item, err)) {
            return false;
        }
    }
    out->settings = t->best;
    /* a part of weight 0 would cost memory and time at serving, and change nothing */
    if (kind == RANK_BLEND && t->best.item_share <= 0) {
        out->settings.kind = RANK_ALS;
    }
    out->quality = t->quality;
    out->tried = t->tried;
    return true;
}

bool rank_tune(const struct csr *known, const struct csr *later, int k,
               const struct rank_tune_options *options, struct rank_tuned *out, struct err *err)
{
    struct tuning t = {
        .options = options,
        .judge = {.known = known,
                  .later = later,
                  .k = k,
                  .shoppers_max = options->shoppers_max,
                  .seed = options->seed,
                  .threads = options->threads},
    };
    struct rank_tuned tuned = {0};
    /* with nothing held out every setting would score 0, and the first one win */
    if (csr_entries(known) == 0 || csr_entries(later) == 0) {
        return FAIL(err, ERR_INVALID,
                    "there is nothing to choose settings on: %lld entries known, %lld held out",
                    (long long)csr_entries(known), (long long)csr_entries(later));
    }
    if (!search(&t, &tuned, err)) {
        return false;
    }
    *out = tuned;
    return true;
}

/* ---- holding out ---- */

static struct csr empty_like(const struct csr *a)
{
    const size_t entries = (size_t)csr_entries(a);
    return (struct csr){
        .rows = a->rows,
        .cols = a->cols,
        .start = mem_array((size_t)a->rows + 1, sizeof(int64_t)),
        .column = mem_array(entries + 1, sizeof(int32_t)),
        .weight = mem_array(entries + 1, sizeof(float)),
    };
}

static void put(struct csr *to, int row, const struct csr *from, int64_t entry)
{
    const int64_t at = to->start[row + 1]++;
    to->column[at] = from->column[entry];
    to->weight[at] = from->weight[entry];
}

/* Of a row of `count`: the share, rounded, but one at least of two or more, and never all. */
static int64_t held_of(int64_t count, double fraction)
{
    int64_t held = llround(fraction * (double)count);
    /* else the many who did little would never be asked for anything */
    if (held < 1 && fraction > 0) {
        held = 1;
    }
    return held < count ? held : (count > 0 ? count - 1 : 0);
}

/* Each entry is held out with the chance that leaves the wanted number for the rest of the row:
 * every choice of them is as likely. */
void rank_hold_out(const struct csr *all, double fraction, uint64_t seed, struct csr *out_known,
                   struct csr *out_later)
{
    struct rng rng = rng_seed(seed);
    *out_known = empty_like(all);
    *out_later = empty_like(all);
    for (int u = 0; u < all->rows; u++) {
        int64_t wanted = held_of(all->start[u + 1] - all->start[u], fraction);
        out_known->start[u + 1] = out_known->start[u];
        out_later->start[u + 1] = out_later->start[u];
        for (int64_t e = all->start[u]; e < all->start[u + 1]; e++) {
            /* Knuth's algorithm S, entry by entry: no shuffle, and rows stay in order */
            const uint64_t left = (uint64_t)(all->start[u + 1] - e);
            const bool out = rng_below(&rng, left) < (uint64_t)wanted;
            wanted -= out;
            put(out ? out_later : out_known, u, all, e);
        }
    }
}
