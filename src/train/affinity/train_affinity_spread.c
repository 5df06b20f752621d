/* Spreading picks over the catalogue: the shoppers' lists out of the log, the lifts they lead
 * to, and how far a lift may go: as far as it costs nothing on shoppers held out. Sees
 * nothing after until_us. */
#include "train/affinity/train_affinity.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "ml/items/exposure.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    LISTS_MAX = 5000,
    ROUNDS = 100,
    FLOORS = 4,
    CASES_MIN = 20,
    CASES_MAX = 2000,
    INTERACTIONS_LEAST = 50,
    /* What is fitted once more to try floors on; larger logs are not spread. */
    INTERACTIONS_MOST = 1000000,
};
static const double NORMAL_95 = 1.96;
static const double GAIN_LEAST = 1.1;
/* Every product is wanted so often, in parts of the mean of all. A tenth of the mean is enough to
 * be seen by somebody; to be seen as often as the others costs what those are better by, and of
 * three places each costs more than of ten. */
static const double floors[SPREAD_LENGTHS][FLOORS] = {
    [SPREAD_SHORT] = {0, .02, .04, .06},
    [SPREAD_LONG] = {0, .03, .06, .1},
};

/* ---- lists ---- */

struct lists {
    const struct affinity *model;
    struct exposure_lists of;
    int64_t *start; /* these three are owned */
    int32_t *item;
    float *score;
};

static struct lists lists_make(const struct affinity *model)
{
    const size_t entries = (size_t)LISTS_MAX * SPREAD_DEPTH;
    struct lists l = {.model = model,
                      .start = mem_array(LISTS_MAX + 1, sizeof *l.start),
                      .item = mem_array(entries, sizeof *l.item),
                      .score = mem_array(entries, sizeof *l.score)};
    l.of = (struct exposure_lists){0, l.start, l.item, l.score};
    return l;
}

static void lists_free(struct lists *l)
{
    free(l->start);
    free(l->item);
    free(l->score);
}

/* When the shopper last did something that tells taste; INT64_MIN: never. */
static int64_t last_doing(const struct shopper *s)
{
    for (size_t i = s->recent_count; i > 0; i--) {
        const struct recent_event *e = &s->recent[i - 1];
        if (e->product_id && affinity_event_weight(e->type) > 0) {
            return e->at_us;
        }
    }
    return INT64_MIN;
}

/* As it stood when it left: that is when messages are written. */
static bool list_shopper(void *ctx, const struct train_key *k, struct err *err)
{
    struct lists *l = ctx;
    struct scored_item found[SPREAD_DEPTH];
    const struct pick_wish wish = {.shopper = k->final, .now_us = last_doing(k->final)};
    (void)err;
    if (wish.now_us == INT64_MIN) {
        return true;
    }
    const int count = affinity_scored(l->model, &wish, found);
    const int64_t at = l->start[l->of.lists];
    for (int i = 0; i < count; i++) {
        l->item[at + i] = found[i].item;
        l->score[at + i] = found[i].score;
    }
    /* nobody is listed whom the model has nothing to say to */
    if (count > 0) {
        l->start[++l->of.lists] = at + count;
    }
    return l->of.lists <
           LISTS_MAX; /* shoppers lie in the order of hashes: the first are as good as any */
}

static bool lists_read(const struct affinity_training *a, int64_t until_us, struct lists *l,
                       struct err *err)
{
    struct train_log log;
    return train_log_read(a->t->db, until_us - 1, list_shopper, l, &log, err);
}

/* ---- lifts ---- */

static struct exposure_options options_of(enum spread_length length, double floor)
{
    return (struct exposure_options){.shown = spread_places(length),
                                     .kept = SPREAD_KEPT,
                                     .floor = floor,
                                     .most = (double)SPREAD_MOST,
                                     .rounds = ROUNDS};
}

/* log_lift (items): 0 where no floor is wanted. */
static void lift(const struct lists *l, int items, enum spread_length length, double floor,
                 float *log_lift)
{
    const struct exposure_options o = options_of(length, floor);
    if (floor > 0) {
        exposure_lifts(&l->of, items, &o, log_lift);
    } else {
        memset(log_lift, 0, (size_t)items * sizeof *log_lift);
    }
}

static double share_shown(const struct lists *l, int items, enum spread_length length,
                          const float *log_lift)
{
    const struct exposure_options o = options_of(length, 0);
    int32_t *shown = mem_array((size_t)items, sizeof *shown);
    int count = 0;
    exposure_count(&l->of, items, &o, log_lift, shown);
    for (int i = 0; i < items; i++) {
        count += shown[i] > 0;
    }
    free(shown);
    return (double)count / items;
}

bool spread_is_wanted(const struct spread_floors *f)
{
    return f->of[SPREAD_SHORT] > 0 || f->of[SPREAD_LONG] > 0;
}

bool affinity_fit_spread(const struct affinity_training *a, int64_t until_us,
                         const struct spread_floors *wanted, const struct affinity *model,
                         struct affinity_spreading *out, struct err *err)
{
    const int items = affinity_count(model);
    CLEANUP(lists_free) struct lists l = lists_make(model);
    if (!lists_read(a, until_us, &l, err)) {
        return false;
    }
    float *none = mem_array((size_t)items, sizeof *none);
    *out = (struct affinity_spreading){
        .log_lift = mem_array((size_t)items * SPREAD_LENGTHS, sizeof *out->log_lift),
        .floors = *wanted,
        .lists = l.of.lists};
    for (int i = 0; i < SPREAD_LENGTHS; i++) {
        const enum spread_length length = (enum spread_length)i;
        float *log_lift = out->log_lift + (ptrdiff_t)i * items;
        lift(&l, items, length, wanted->of[i], log_lift);
        out->shown_by_score[i] = share_shown(&l, items, length, none);
        out->shown[i] = share_shown(&l, items, length, log_lift);
    }
    free(none);
    return true;
}

/* ---- how far ---- */

struct weighing {
    struct affinity *model;
    float *log_lift[FLOORS];              /* (SPREAD_LENGTHS, items); owned; [0] lifts nothing */
    double *ndcg[SPREAD_LENGTHS][FLOORS]; /* by case, owned */
    const struct id_table *items;
    uint8_t *shown[SPREAD_LENGTHS][FLOORS]; /* (items) whether to anybody; owned */
    int cases;
};

static void weighing_free(struct weighing *w)
{
    for (int f = 0; f < FLOORS; f++) {
        free(w->log_lift[f]);
        for (int l = 0; l < SPREAD_LENGTHS; l++) {
            free(w->ndcg[l][f]);
            free(w->shown[l][f]);
        }
    }
    affinity_free(&w->model);
}

struct showing {
    const struct id_table *items;
    uint8_t *shown;
};

static void note_shown(void *ctx, const struct picks *picks)
{
    const struct showing *s = ctx;
    for (int i = 0; i < picks->count; i++) {
        const int32_t item = id_table_find(s->items, picks->items[i].product_id);
        if (item >= 0) {
            s->shown[item] = 1;
        }
    }
}

static bool weigh_case(void *ctx, const struct judged_case *c)
{
    struct weighing *w = ctx;
    for (int f = 0; f < FLOORS; f++) {
        /* The same model under other lifts: nothing else can make a difference. */
        affinity_spread_set(w->model, w->log_lift[f]);
        for (int l = 0; l < SPREAD_LENGTHS; l++) {
            struct showing showing = {w->items, w->shown[l][f]};
            w->ndcg[l][f][w->cases] = affinity_judge_both(
                w->model, c, spread_places((enum spread_length)l), note_shown, &showing);
        }
    }
    return ++w->cases < CASES_MAX;
}

static bool weighing_lifts(struct weighing *w, const struct affinity_training *a, int64_t until_us,
                           struct err *err)
{
    const int items = affinity_count(w->model);
    /* From lists before the inner cut only: lifts that have seen the later choices
     * would look free. */
    CLEANUP(lists_free) struct lists lists = lists_make(w->model);
    if (!lists_read(a, until_us, &lists, err)) {
        return false;
    }
    for (int f = 0; f < FLOORS; f++) {
        w->log_lift[f] = mem_array((size_t)items * SPREAD_LENGTHS, sizeof *w->log_lift[f]);
        for (int l = 0; l < SPREAD_LENGTHS; l++) {
            w->ndcg[l][f] = mem_array(CASES_MAX, sizeof *w->ndcg[l][f]);
            w->shown[l][f] = mem_array((size_t)a->items.count + 1, sizeof *w->shown[l][f]);
            lift(&lists, items, (enum spread_length)l, floors[l][f],
                 w->log_lift[f] + (ptrdiff_t)l * items);
        }
    }
    return true;
}

/* Nothing that could be told from chance: the 95 % interval of the difference, shopper by shopper,
 * does not end below 0. A standard error alone would do where many lists change; where two or three
 * do, a choice that is lost is all there is. */
static bool costs_nothing(const struct weighing *w, enum spread_length length, int floor)
{
    double sum = 0;
    double squares = 0;
    for (int i = 0; i < w->cases; i++) {
        const double gain = w->ndcg[length][floor][i] - w->ndcg[length][0][i];
        sum += gain;
        squares += gain * gain;
    }
    /* of the sum over the cases */
    return sum >= -NORMAL_95 * sqrt(squares - sum * sum / w->cases);
}

/* Enough more of the catalogue, shown to shoppers held out: what hardly widens it is not
 * worth any risk. */
static bool brings_enough(const struct weighing *w, enum spread_length length, int floor)
{
    int spread = 0;
    int by_score = 0;
    for (int32_t i = 0; i < w->items->count; i++) {
        spread += w->shown[length][floor][i];
        by_score += w->shown[length][0][i];
    }
    return spread >= GAIN_LEAST * by_score;
}

/* The highest floor that brings something and costs nothing. */
static int choose(const struct weighing *w, enum spread_length length)
{
    int best = 0;
    for (int f = 1; f < FLOORS; f++) {
        best = costs_nothing(w, length, f) && brings_enough(w, length, f) ? f : best;
    }
    return best;
}

static bool weigh(const struct affinity_training *a, int64_t until_us,
                  const struct affinity_fit *inner, struct weighing *w, struct err *err)
{
    CLEANUP(affinity_models_free) struct affinity_models made = {0};
    /* The reading includes its last moment, until_us does not belong to it. */
    struct judged_window window = {.cut_us = inner->until_us, .until_us = until_us - 1};
    if (!affinity_fit_models(a, inner, &made, err) ||
        !affinity_model_open(&made.als, "spread", &w->model, err) ||
        !weighing_lifts(w, a, inner->until_us, err)) {
        return false;
    }
    window.catalogue = w->model;
    bool ok = affinity_judge_cases(a->t, &window, weigh_case, w, err);
    /* before the bytes it looks into */
    affinity_free(&w->model);
    return ok;
}

static int64_t interactions_before(const struct affinity_training *a, int64_t until_us)
{
    int64_t count = 0;
    for (size_t i = 0; i < a->count; i++) {
        count += affinity_interaction_weight(&a->all[i], until_us) > 0;
    }
    return count;
}

static double mean_of(const double *values, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++) {
        sum += values[i];
    }
    return sum / count;
}

static void tell(const struct affinity_training *a, const struct weighing *w,
                 enum spread_length length, int best)
{
    double *const *ndcg = w->ndcg[length];
    const int k = spread_places(length);
    /* Halves, as a case's value is the sum of two NDCGs (affinity_judge_both). */
    train_say(
        a->t, "affinity",
        "lists of %d show every product to %.2f of the mean number of shoppers where it passes none of twice its score: "
        "chosen on %d shoppers held out (NDCG@%d %.4f, by score alone %.4f)",
        k, floors[length][best], w->cases, k, mean_of(ndcg[best], w->cases) / 2,
        mean_of(ndcg[0], w->cases) / 2);
}

bool affinity_weigh_spread(const struct affinity_training *a, int64_t until_us,
                           struct affinity_fit *fit, struct err *err)
{
    CLEANUP(weighing_free) struct weighing w = {.items = &a->items};
    struct affinity_fit inner = *fit;
    inner.until_us = affinity_choice_cut(a, until_us, until_us);
    /* no checkpoint, as in affinity_weigh_visits */
    inner.keep = false;
    /* Fitted by score alone: the floors are then tried on that one model. */
    inner.floors = (struct spread_floors){0};
    fit->floors = inner.floors;
    if (a->t->options->spread_given) {
        for (int l = 0; l < SPREAD_LENGTHS; l++) {
            fit->floors.of[l] = a->t->options->spread;
        }
        return true;
    }
    if (interactions_before(a, until_us) > INTERACTIONS_MOST ||
        interactions_before(a, inner.until_us) < INTERACTIONS_LEAST) {
        return true;
    }
    if (!weigh(a, until_us, &inner, &w, err)) {
        return false;
    }
    for (int l = 0; l < SPREAD_LENGTHS && w.cases >= CASES_MIN; l++) {
        const int best = choose(&w, (enum spread_length)l);
        fit->floors.of[l] = floors[l][best];
        tell(a, &w, (enum spread_length)l, best);
    }
    return true;
}
