/* Training of the affinity models: interactions out of the log, the window that judges, the gate,
 * the models that are kept. */
#include "train/affinity/train_affinity.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "domain/shop/money.h"
#include "domain/shopper/shopper_identity.h"
#include "ml/als/als.h"
#include "ml/judge/split.h"
#include "store/products.h"
#include "train/affinity/train_factors.h"
#include "train/common/train_gate.h"
#include "train/common/train_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    INTERACTIONS_MIN = TRAIN_EVENTS_MIN,
    FACTOR_INTERACTIONS_MIN = 50, /* before the cut, to train factors */
    FACTOR_SHOPPERS_MIN = 10,
    JUDGE_CHOICES_MIN = 30, /* choices after a champion's log to judge it */
    JUDGE_SHOPPERS_MIN = 10,
    KEY_INTERACTIONS_MAX = 2000, /* newest of one shopper */
    CARD_MAX = 1 << 16,
    WHY_MAX = 200,
};
static const double LEARN_SHARE = 0.8; /* of the choices lie before the cut */

/* ---- collecting ---- */

static bool take_product(void *ctx, const struct product *p, struct err *err)
{
    struct affinity_training *a = ctx;
    int32_t item = id_table_add(&a->items, p->product_id);
    (void)err;
    /* The catalogue is read first and names each product once, so that its numbers are 0, 1, 2 ...
     * and facts needs no other index. */
    a->facts = mem_grow(a->facts, (size_t)item + 1, sizeof *a->facts);
    a->facts[item] = (struct item_facts){
        .title = p->title ? arena_strdup(&a->arena, p->title) : NULL,
        .category = p->category ? arena_strdup(&a->arena, p->category) : NULL,
        .brand = p->brand ? arena_strdup(&a->arena, p->brand) : NULL,
        .price_minor = p->price_minor,
    };
    a->facts_count = item + 1;
    return true;
}

bool affinity_training_new(const struct training *t, struct affinity_training **out,
                           struct err *err)
{
    struct affinity_training *a = mem_alloc(sizeof *a);
    a->t = t;
    if (!store_products_stream(t->db, take_product, a, err)) {
        affinity_training_free(&a);
        return false;
    }
    *out = a;
    return true;
}

void affinity_training_free(struct affinity_training **a)
{
    if (*a) {
        id_table_free(&(*a)->items);
        arena_free(&(*a)->arena);
        free((*a)->facts);
        free((*a)->all);
        mem_free(a);
    }
}

static void take_item(struct affinity_training *a, const struct event *e, const char *product_id)
{
    if (a->count == a->cap) {
        a->cap = a->cap ? a->cap * 2 : 4096;
        a->all = mem_grow(a->all, a->cap, sizeof *a->all);
    }
    /* The number the shopper will have: it is used up only if something of it was taken
     * (affinity_training_key), so that numbers have no gaps. */
    a->all[a->count++] = (struct interaction){
        .at_us = e->occurred_us,
        .shopper = a->shoppers,
        .item = id_table_add(&a->items, product_id),
        .weight = (float)affinity_event_weight(e->type),
        .chosen = e->type == EVENT_CART_ITEM_ADDED || e->type == EVENT_PURCHASE,
        .bought = e->type == EVENT_PURCHASE,
    };
}

bool affinity_training_key(struct affinity_training *a, const struct train_key *k, struct err *err)
{
    size_t first = a->count;
    (void)err;
    for (size_t i = 0; i < k->count; i++) {
        const struct event *e = &k->events[i];
        bool counts = affinity_event_weight(e->type) > 0 && identity_counts(k->final, e);
        for (size_t n = 0; counts && n < e->item_count; n++) {
            take_item(a, e, e->items[n].product_id);
        }
    }
    if (a->count - first > KEY_INTERACTIONS_MAX) {
        /* The newest: decay has taken most of the older ones' weight, and nobody's taste may
         * outweigh a thousand others'. */
        memmove(a->all + first, a->all + a->count - KEY_INTERACTIONS_MAX,
                KEY_INTERACTIONS_MAX * sizeof *a->all);
        a->count = first + KEY_INTERACTIONS_MAX;
    }
    a->shoppers += a->count > first;
    return true;
}

/* ---- one training ---- */

struct run {
    const struct affinity_training *a;
    int64_t cut_us;
    struct champion champion;
    struct affinity_models before; /* what was known at the cut */
    struct affinity_models kept;   /* everything */
    struct judgement judgement;
    struct verdict verdict;
};

static void run_free(struct run *r)
{
    champion_free(&r->champion);
    affinity_models_free(&r->before);
    affinity_models_free(&r->kept);
    judgement_free(&r->judgement);
}

static int64_t choices_after(const struct affinity_training *a, int64_t moment_us)
{
    int64_t count = 0;
    for (size_t i = 0; i < a->count; i++) {
        count += a->all[i].chosen && a->all[i].at_us >= moment_us;
    }
    return count;
}

int64_t affinity_choice_cut(const struct affinity_training *a, int64_t until_us, int64_t none_us)
{
    int64_t *times = mem_array(a->count + 1, sizeof *times);
    size_t count = 0;
    for (size_t i = 0; i < a->count; i++) {
        /* By choices and not by all interactions: views are many, and it is choices
         * that are judged. */
        if (a->all[i].chosen && a->all[i].at_us < until_us) {
            times[count++] = a->all[i].at_us;
        }
    }
    int64_t cut_us = count > 0 ? split_time_quantile(times, count, LEARN_SHARE) : none_us;
    free(times);
    return cut_us;
}

/* Where the champion saw part of the later window, from the end of its log if enough follows. */
int64_t affinity_cut(const struct affinity_training *a, const struct champion *champion)
{
    /* Four fifths of the choices to learn from: a ranking needs more of the log than a yes or no
     * does, and each shopper who is judged tells of several choices. */
    int64_t cut_us = affinity_choice_cut(a, INT64_MAX, 0);
    /* Only what was learnt from a part of the later window needs another cut. */
    bool rival = champion->found && !champion->is_baseline && champion->as_of_us > cut_us;
    return rival && choices_after(a, champion->as_of_us) >= JUDGE_CHOICES_MIN ? champion->as_of_us
                                                                              : cut_us;
}

struct size_before {
    int64_t interactions;
    int32_t shoppers;
};

static struct size_before size_before(const struct affinity_training *a, int64_t cut_us)
{
    struct size_before s = {0};
    int32_t last = -1;
    for (size_t i = 0; i < a->count; i++) {
        if (a->all[i].at_us < cut_us) {
            s.interactions++;
            /* Interactions lie shopper by shopper. */
            s.shoppers += a->all[i].shopper != last;
            last = a->all[i].shopper;
        }
    }
    return s;
}

/* ---- cards ---- */

static void card_gate(const struct run *r, struct jenc *j)
{
    /* In the order of judgement.models. */
    static const char *const names[JUDGED_MODELS] = {"popularity", "challenger", "champion"};
    if (r->judgement.shoppers == 0) {
        return;
    }
    jenc_object(j, "gate");
    jenc_time(j, "cut", r->cut_us);
    jenc_i64(j, "shoppers_after", r->judgement.shoppers);
    for (int m = 0; m < JUDGED_MODELS; m++) {
        if (r->judgement.took_part[m]) {
            jenc_object(j, names[m]);
            jenc_f64(j, "ndcg_at_10", r->judgement.mean_ndcg[m]);
            jenc_f64(j, "recall_at_10", r->judgement.recall[m]);
            jenc_object_end(j);
        }
    }
    jenc_f64(j, "gain", r->verdict.gain);
    jenc_f64(j, "gain_error", r->verdict.gain_error);
    jenc_object_end(j);
}

static void card_settings(struct jenc *j, const struct rank_settings *s)
{
    const struct als_options *o = &s->als;
    jenc_object(j, "settings");
    jenc_i64(j, "factors", o->factors);
    jenc_i64(j, "sweeps", o->sweeps);
    jenc_f64(j, "reg", (double)o->reg);
    jenc_f64(j, "reg_exponent", (double)o->reg_exponent);
    jenc_f64(j, "unobserved_weight", (double)o->unobserved_weight);
    jenc_f64(j, "shopper_exponent", (double)o->shopper_exponent);
    jenc_f64(j, "item_exponent", (double)o->item_exponent);
    if (s->kind == RANK_BLEND) {
        jenc_f64(j, "item_share", (double)s->item_share);
        jenc_i64(j, "neighbours", s->item.neighbours);
        jenc_f64(j, "item_ridge", (double)s->item.ridge);
        jenc_f64(j, "item_ridge_exponent", (double)s->item.ridge_exponent);
        jenc_f64(j, "item_row_exponent", (double)s->item.row_exponent);
        jenc_f64(j, "item_weight_exponent", (double)s->item.weight_exponent);
        jenc_f64(j, "item_target_exponent", (double)s->item.target_exponent);
    }
    jenc_object_end(j);
}

static void card_spreading(struct jenc *j, const struct affinity_spreading *s)
{
    static const char *const names[SPREAD_LENGTHS] = {"first_3", "first_10"};
    if (!spread_is_wanted(&s->floors)) {
        return;
    }
    jenc_object(j, "spreading");
    jenc_i64(j, "shoppers", s->lists);
    for (int l = 0; l < SPREAD_LENGTHS; l++) {
        jenc_object(j, names[l]);
        jenc_f64(j, "floor", s->floors.of[l]);
        jenc_f64(j, "catalogue_shown", s->shown[l]);
        jenc_f64(j, "catalogue_shown_by_score", s->shown_by_score[l]);
        jenc_object_end(j);
    }
    jenc_object_end(j);
}

/* The file's card must be the same for the same log and seed. The gate's window may depend on who
 * serves by now, so it is told in the row's only. */
static void card_write(const struct run *r, const struct affinity_models *m, bool als, bool of_row,
                       struct buf *out)
{
    struct jenc j = jenc_begin(out);
    train_card_begin(r->a->t, &j, "affinity",
                     als ? rank_kind_name(m->settings.kind) : "popularity");
    jenc_i64(&j, "interactions", (int64_t)r->a->count);
    jenc_i64(&j, "pairs", m->pairs);
    jenc_i64(&j, "rows", m->shoppers);
    jenc_i64(&j, "items", m->trained_items);
    jenc_i64(&j, "catalogue", r->a->facts_count);
    if (als) {
        card_settings(&j, &m->settings);
        card_spreading(&j, &m->spreading);
    }
    if (of_row) {
        card_gate(r, &j);
    }
    jenc_object_end(&j);
}

static void file_card(void *ctx, const struct affinity_models *m, bool als, struct buf *out)
{
    card_write(ctx, m, als, false, out);
}

/* ---- judging and keeping ---- */

static void decide(struct run *r)
{
    const struct judgement *j = &r->judgement;
    char why[WHY_MAX];
    if (j->shoppers < JUDGE_SHOPPERS_MIN) {
        snprintf(
            why, sizeof why,
            "too little to judge: %d shoppers with a history chose something new after the cut, %d needed",
            j->shoppers, JUDGE_SHOPPERS_MIN);
        r->verdict = gate_without_challenger(&r->champion, why);
        return;
    }
    const struct contest c = {
        /* By NDCG rather than recall: the message shows the first three, and where in the list a
         * choice stands is what the shopper sees. */
        .metric = "NDCG@10",
        .challenger = j->ndcg[1],
        .baseline = j->ndcg[0],
        .champion = j->took_part[2] ? j->ndcg[2] : NULL,
        .count = j->shoppers,
        /* One value a shopper: their mean is the metric. */
        .per = j->shoppers,
        .as_of_us = r->a->t->log.last_us,
        .seed = r->a->t->options->seed,
    };
    r->verdict = gate_judge(&c, &r->champion);
    train_say(r->a->t, "affinity",
              "judged on %d shoppers: NDCG@10 %.4f (recall %.4f) against %.4f (%.4f) of popularity",
              j->shoppers, j->mean_ndcg[1], j->recall[1], j->mean_ndcg[0], j->recall[0]);
}

static bool judge(struct run *r, struct err *err)
{
    CLEANUP(affinity_free) struct affinity *popularity = NULL;
    CLEANUP(affinity_free) struct affinity *als = NULL;
    /* What has seen answers of the later window is not judged on it. affinity_cut has moved the cut
     * behind its log where enough follows. */
    bool rival = r->champion.found && !r->champion.is_baseline && r->champion.as_of_us <= r->cut_us;
    if (!affinity_model_open(&r->before.popularity, "judged", &popularity, err) ||
        !affinity_model_open(&r->before.als, "judged", &als, err)) {
        return false;
    }
    r->judgement = (struct judgement){
        .models = {popularity, als, rival ? r->champion.affinity : NULL}, .cut_us = r->cut_us};
    bool ok = affinity_judge(r->a->t, &r->judgement, err);
    if (ok) {
        decide(r);
    }
    /* The models die here. */
    memset(r->judgement.models, 0, sizeof r->judgement.models);
    return ok;
}

static bool keep(struct run *r, struct train_result *out, struct err *err)
{
    struct buf card = buf_make(CARD_MAX);
    struct buf baseline_card = buf_make(CARD_MAX);
    card_write(r, &r->kept, true, true, &card);
    card_write(r, &r->kept, false, true, &baseline_card);
    /* Where there was too little for factors no challenger was made, and the baseline
     * alone is stored. */
    const struct trained_pair pair = {
        .kind = "affinity",
        .baseline_algorithm = "popularity",
        .challenger_algorithm = rank_kind_name(r->kept.settings.kind),
        .baseline = &r->kept.popularity,
        .challenger = &r->kept.als,
        .baseline_card = buf_text(&baseline_card),
        .challenger_card = buf_text(&card),
    };
    bool ok = train_store(r->a->t, &pair, &r->verdict, &r->champion, out, err);
    buf_free(&card);
    buf_free(&baseline_card);
    return ok;
}

/* What is fitted before the cut; factors false where too little lies there, and why says so.
 * Without checkpoints, which only the end of a training clears: whoever evaluates must not leave
 * them behind. */
static struct affinity_fit fit_before(struct run *r, char why[WHY_MAX])
{
    struct size_before size = size_before(r->a, r->cut_us);
    struct affinity_fit fit = {.until_us = r->cut_us, .card = file_card, .ctx = r};
    fit.factors =
        size.interactions >= FACTOR_INTERACTIONS_MIN && size.shoppers >= FACTOR_SHOPPERS_MIN;
    fit.settings = (struct rank_settings){.kind = RANK_ALS, .als = als_defaults()};
    fit.settings.als.factors = (int)r->a->t->config->factors;
    fit.settings.als.seed = r->a->t->options->seed;
    fit.settings.als.threads = r->a->t->threads;
    snprintf(
        why, WHY_MAX,
        "too little to train factors: %lld interactions of %d shoppers before the cut, %d of %d needed",
        (long long)size.interactions, (int)size.shoppers, FACTOR_INTERACTIONS_MIN,
        FACTOR_SHOPPERS_MIN);
    return fit;
}

bool affinity_train_before(const struct affinity_training *a, int64_t cut_us,
                           struct affinity_models *out, struct err *err)
{
    struct run r = {.a = a, .cut_us = cut_us};
    char why[WHY_MAX];
    struct affinity_fit fit = fit_before(&r, why);
    if (!fit.factors) {
        return FAIL(err, ERR_REFUSED, "%s", why);
    }
    return affinity_tune(a, cut_us, &fit.settings, err) &&
           affinity_weigh_visits(a, cut_us, &fit, err) &&
           affinity_weigh_spread(a, cut_us, &fit, err) && affinity_fit_models(a, &fit, out, err);
}

bool affinity_refit(const struct affinity_training *a, int64_t cut_us,
                    const struct rank_settings *tuned, struct affinity_models *out, struct err *err)
{
    struct run r = {.a = a, .cut_us = cut_us};
    char why[WHY_MAX];
    struct affinity_fit fit = fit_before(&r, why);
    if (!fit.factors) {
        return FAIL(err, ERR_REFUSED, "%s", why);
    }
    fit.settings = *tuned;
    return affinity_fit_models(a, &fit, out, err);
}

/* Tunes and trains before the cut, judges after it, and trains again on everything: what is kept is
 * the procedure. */
static bool challenge(struct run *r, struct err *err)
{
    char why[WHY_MAX];
    struct affinity_fit fit = fit_before(r, why);
    fit.keep = true;
    /* Without enough for factors popularity is still fitted, and serves. */
    bool enough = fit.factors;
    /* In this order each step is weighed beside what was chosen before it: visits beside the tuned
     * ranking, lifts beside both. */
    if (enough && (!affinity_tune(r->a, r->cut_us, &fit.settings, err) ||
                   !affinity_weigh_visits(r->a, r->cut_us, &fit, err) ||
                   !affinity_weigh_spread(r->a, r->cut_us, &fit, err) ||
                   !affinity_fit_models(r->a, &fit, &r->before, err) || !judge(r, err))) {
        return false;
    }
    if (!enough) {
        r->verdict = gate_without_challenger(&r->champion, why);
    }
    /* The procedure was judged; it is repeated on everything, with the settings chosen before the
     * cut. They are not tuned again, or what serves would be something that nobody has judged. */
    fit.until_us = r->a->t->log.last_us + 1; /* the last event included */
    return affinity_fit_models(r->a, &fit, &r->kept, err);
}

bool affinity_training_finish(struct affinity_training *a, struct train_result *out,
                              struct err *err)
{
    CLEANUP(run_free) struct run r = {.a = a};
    train_say(a->t, "affinity",
              "%zu interactions of %d shoppers with %d products (%d in the catalogue)", a->count,
              (int)a->shoppers, (int)a->items.count, (int)a->facts_count);
    /* Before the refusal, which tells what serves meanwhile. */
    if (!champion_load(a->t, "affinity", &r.champion, err)) {
        return false;
    }
    if (a->count < INTERACTIONS_MIN) {
        train_say_waits(a->t, "affinity", r.champion.version);
        return FAIL(err, ERR_REFUSED,
                    "affinity needs %d views, additions, wishes or purchases, the log has %zu",
                    INTERACTIONS_MIN, a->count);
    }
    r.cut_us = affinity_cut(a, &r.champion);
    if (!challenge(&r, err) || !keep(&r, out, err)) {
        return false;
    }
    /* Not before the models are stored: a training that is killed until then goes on
     * from its checkpoints. */
    train_factors_forget(a->t);
    return true;
}
