/* Affinity on the later part of the log: every shopper who came back or was new, ranked for as it stood then, by each contender. Trains what stands
 * before the cut; the figures are evaluate_affinity_measure.c's, the telling evaluate_affinity_table.c's and evaluate_affinity_page.c's. */
#include "evaluate/evaluate_affinity.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "domain/affinity/affinity_spread.h"
#include "evaluate/evaluate_affinity_measure.h"
#include "evaluate/evaluate_affinity_page.h"
#include "evaluate/evaluate_affinity_table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { CASES_MAX = 10000, CASES_MIN = 10, LISTS_MAX = 20000 };

static void evaluation_free(struct affinity_evaluation *e)
{
    for (int c = 0; c < CONTENDERS; c++) {
        for (int task = 0; task < TASKS; task++) {
            free(e->contenders[c].lists[task]);
            free(e->contenders[c].heads[task]);
        }
        free(e->contenders[c].shown);
        free(e->contenders[c].shown_first);
    }
    free(e->segments[TASK_ANY]);
    free(e->segments[TASK_NEW]);
    free(e->known);
    free(e->chosen);
    new_products_free(&e->fresh);
}

/* ---- one case ---- */

struct ranked_case {
    struct affinity_evaluation *e;
    const struct judged_case *of;
    enum affinity_task task;
    const struct id_table *chosen;
};

/* What affinity_rank leaves out by itself. Of what is shown and of what is asked for alike: "last viewed" does not go through affinity_rank, and
 * must not get points for naming what lies in the cart; and what no contender may name must not be asked of any. */
static bool has_already(const struct affinity_evaluation *e, const struct judged_case *c,
                        const char *product_id)
{
    /* The popularity model knows every product, and of each what the trained one knows of how often it is bought. */
    return affinity_has_already(e->contenders[CONTENDER_POPULAR].model, c->then, product_id, 0,
                                c->moment_us);
}

static bool may_show(void *ctx, const char *product_id)
{
    const struct ranked_case *r = ctx;
    return r->task == TASK_ANY || id_table_find(r->of->known, product_id) < 0;
}

static bool is_picked(const struct picks *p, const char *product_id)
{
    for (int i = 0; i < p->count; i++) {
        if (strcmp(p->items[i].product_id, product_id) == 0) {
            return true;
        }
    }
    return false;
}

/* The newest first, each once; then what is popular. */
static void rank_viewed(struct ranked_case *r, int k, struct picks *out)
{
    const struct shopper *s = r->of->then;
    struct picks popular;
    out->count = 0;
    for (size_t i = s->recent_count; i > 0 && out->count < k; i--) {
        const struct recent_event *e = &s->recent[i - 1];
        if (e->type == EVENT_PRODUCT_VIEWED && e->product_id &&
            !has_already(r->e, r->of, e->product_id) && !is_picked(out, e->product_id) &&
            may_show(r, e->product_id)) {
            out->items[out->count++] =
                (struct pick){.product_id = e->product_id, .source = PICK_SESSION};
        }
    }
    /* k of them are enough: at most as many are repeated as places are filled already. */
    affinity_rank(r->e->contenders[CONTENDER_POPULAR].model, s, r->of->moment_us, k, may_show, r,
                  &popular);
    for (int i = 0; i < popular.count && out->count < k; i++) {
        if (!is_picked(out, popular.items[i].product_id)) {
            out->items[out->count++] = popular.items[i];
        }
    }
}

/* shown (items) */
static void count_shown(const struct affinity_evaluation *e, const struct picks *picks,
                        int64_t *shown)
{
    for (int i = 0; i < picks->count; i++) {
        int32_t item = id_table_find(&e->a->items, picks->items[i].product_id);
        /* A product that the training has not numbered is counted nowhere. */
        shown[item >= 0 ? item : 0] += item >= 0;
    }
}

static void count_sources(struct contender *c, const struct picks *picks)
{
    for (int i = 0; i < picks->count; i++) {
        c->sources[picks->items[i].source]++;
    }
}

static void rank_case(struct ranked_case *r, const struct contender *c, int k, struct picks *out)
{
    if (c->model) {
        const struct pick_wish wish = {.shopper = r->of->then,
                                       .now_us = r->of->moment_us,
                                       .k = k,
                                       .keep = may_show,
                                       .ctx = r,
                                       .by_score = c->by_score};
        affinity_recommend(c->model, &wish, out);
    } else {
        rank_viewed(r, k, out);
    }
}

static void rank_contender(struct ranked_case *r, struct contender *c)
{
    struct affinity_evaluation *e = r->e;
    struct picks picks;
    /* Each as long as it is shown: a model that spreads its picks ends a short list with others than go on in a long one. */
    rank_case(r, c, SHOWN_FIRST, &picks);
    c->heads[r->task][e->cases[r->task]] = affinity_judge_picks(&picks, r->chosen, SHOWN_FIRST);
    if (r->task == TASK_ANY) {
        count_shown(e, &picks, c->shown_first);
    }
    rank_case(r, c, e->k, &picks);
    c->lists[r->task][e->cases[r->task]] = affinity_judge_picks(&picks, r->chosen, e->k);
    if (r->task == TASK_ANY) {
        count_shown(e, &picks, c->shown);
        count_sources(c, &picks);
    }
    /* The curve is of the longest list: how far down what is chosen stands. */
    rank_case(r, c, e->curve, &picks);
    for (int k = 1; k <= e->curve; k++) {
        c->recall_at[r->task][k - 1] += affinity_judge_picks(&picks, r->chosen, k).recall;
    }
}

/* Who chooses nothing is shown something too. */
static void show_case(struct ranked_case *r)
{
    for (int c = 0; c < CONTENDERS; c++) {
        struct picks picks;
        if (r->e->contenders[c].took_part) {
            struct contender *contender = &r->e->contenders[c];
            rank_case(r, contender, SHOWN_FIRST, &picks);
            count_shown(r->e, &picks, contender->shown_first);
            rank_case(r, contender, r->e->k, &picks);
            count_shown(r->e, &picks, contender->shown);
            count_sources(contender, &picks);
        }
    }
    r->e->lists++;
}

static uint32_t segments_of(const struct affinity_evaluation *e, const struct shopper *s)
{
    /* Keys of customers begin so (domain/shop/event.h); all others are anonymous ids. */
    bool known = strncmp(s->key, "c:", 2) == 0;
    return 1U << (s->first_us < e->heading.cut_us ? SEGMENT_CAME_BACK : SEGMENT_FIRST_VISIT) |
           1U << (s->orders_total > 0 ? SEGMENT_BOUGHT_BEFORE : SEGMENT_NEVER_BOUGHT) |
           1U << (known ? SEGMENT_CUSTOMER : SEGMENT_ANONYMOUS);
}

static void grow(struct affinity_evaluation *e, enum affinity_task task)
{
    if (e->cases[task] < e->cap[task]) {
        return;
    }
    /* Doubled for all contenders at once, so that one count of cases indexes every list. */
    size_t cap = e->cap[task] ? (size_t)e->cap[task] * 2 : 256;
    e->cap[task] = (int)cap;
    e->segments[task] = mem_grow(e->segments[task], cap, sizeof *e->segments[task]);
    for (int i = 0; i < CONTENDERS; i++) {
        struct contender *c = &e->contenders[i];
        c->lists[task] = mem_grow(c->lists[task], cap, sizeof *c->lists[task]);
        c->heads[task] = mem_grow(c->heads[task], cap, sizeof *c->heads[task]);
    }
}

static void judge_task(struct ranked_case *r)
{
    struct affinity_evaluation *e = r->e;
    /* Each task ends by itself: one may go on collecting where the other is full. */
    if (r->chosen->count == 0 || e->cases[r->task] == CASES_MAX) {
        return;
    }
    grow(e, r->task);
    uint32_t segments = segments_of(e, r->of->then);
    e->segments[r->task][e->cases[r->task]] = segments;
    for (int s = 0; s < SEGMENTS; s++) {
        e->segment_cases[r->task][s] += (int)((segments >> s) & 1U);
    }
    for (int c = 0; c < CONTENDERS; c++) {
        /* All on the same cases in the same order, which is what lets differences be taken case by
         * case. */
        if (contender_answers(&e->contenders[c], r->task)) {
            rank_contender(r, &e->contenders[c]);
        }
    }
    e->cases[r->task]++;
    e->lists += r->task == TASK_ANY;
}

static bool judge_case(void *ctx, const struct judged_case *of)
{
    struct affinity_evaluation *e = ctx;
    CLEANUP(id_table_free) struct id_table possible = {0};
    for (int32_t i = 0; i < of->chosen->count; i++) {
        const char *product_id = of->chosen->texts[i];
        if (!has_already(e, of, product_id)) {
            int32_t item = id_table_find(&e->a->items, product_id);
            id_table_add(&possible, product_id);
            e->chosen[item >= 0 ? item : 0] += item >= 0;
        }
    }
    struct ranked_case any = {e, of, TASK_ANY, &possible};
    judge_task(&any);
    if (possible.count == 0 && e->lists < LISTS_MAX) {
        show_case(&any);
    }
    /* Not sieved, as in the gate: what lies in a cart is known by the event that put it there. But where that was a snapshot, which tells
     * no taste and makes nothing known, every contender is asked for what none may show. */
    judge_task(&(struct ranked_case){e, of, TASK_NEW, of->chosen_new});
    new_products_case(&e->fresh, e->a, of);
    return true;
}

/* ---- who takes part ---- */

/* Shoppers by item before the cut: interactions lie shopper by shopper. */
static void count_known(struct affinity_evaluation *e)
{
    int32_t *last = mem_array((size_t)e->a->items.count + 1, sizeof *last); /* shopper + 1 */
    int32_t shopper = -1;
    for (size_t i = 0; i < e->a->count; i++) {
        const struct interaction *in = &e->a->all[i];
        if (in->at_us < e->heading.cut_us) {
            e->known[in->item] += last[in->item] != in->shopper + 1;
            /* Once a shopper: novelty asks how many knew a product, not how often it was looked
             * at. */
            last[in->item] = in->shopper + 1;
            /* Interactions of a shopper are neighbours: a change of the number is a shopper more. */
            e->shoppers_before += in->shopper != shopper;
            shopper = in->shopper;
        }
    }
    free(last);
}

static void enter(struct affinity_evaluation *e, enum affinity_contender which,
                  const struct affinity *model, const char *name)
{
    struct contender *c = &e->contenders[which];
    c->took_part = true;
    c->model = model;
    c->shown = mem_array((size_t)e->a->items.count + 1, sizeof *c->shown);
    c->shown_first = mem_array((size_t)e->a->items.count + 1, sizeof *c->shown_first);
    (void)snprintf(c->name, sizeof c->name, "%s", name);
}

static void enter_serving(struct affinity_evaluation *e, const struct champion *champion)
{
    const bool judged =
        champion->found && !champion->is_baseline && champion->as_of_us <= e->heading.cut_us;
    char name[CONTENDER_NAME_MAX];
    evaluate_serving(&e->heading, champion, "popularity model", judged, name);
    if (judged) {
        enter(e, CONTENDER_SERVING, champion->affinity, name);
    }
}

static bool judge(struct affinity_evaluation *e, const struct training *t, struct err *err)
{
    /* The popularity model knows every product that any contender could name. */
    const struct judged_window window = {.cut_us = e->heading.cut_us,
                                         .catalogue = e->contenders[CONTENDER_POPULAR].model,
                                         .everybody = true};
    train_say(t, "affinity", "ranking for the shoppers of the later window");
    if (!affinity_judge_cases(t, &window, judge_case, e, err)) {
        return false;
    }
    if (e->cases[TASK_ANY] < CASES_MIN) {
        return FAIL(err, ERR_REFUSED,
                    "too little to judge: %d shoppers with a history chose something after the "
                    "cut, %d needed",
                    e->cases[TASK_ANY], CASES_MIN);
    }
    return true;
}

static bool evaluate(struct affinity_evaluation *e, const struct training *t, struct evaluated *out,
                     struct err *err)
{
    CLEANUP(champion_free) struct champion champion = {0};
    CLEANUP(affinity_models_free) struct affinity_models models = {0};
    CLEANUP(affinity_free) struct affinity *popularity = NULL;
    CLEANUP(affinity_free) struct affinity *trained = NULL;
    char name[CONTENDER_NAME_MAX];
    if (!champion_load(t, "affinity", &champion, err)) {
        return false;
    }
    /* The gate's own cut where none was asked for: TASK_NEW is then what the gate measures. */
    e->heading.cut_us =
        e->options->cut_us != INT64_MIN ? e->options->cut_us : affinity_cut(e->a, &champion);
    train_say(t, "affinity", "training on what lies before the cut");
    if (!affinity_train_before(e->a, e->heading.cut_us, &models, err) ||
        !affinity_model_open(&models.popularity, "evaluated", &popularity, err) ||
        !affinity_model_open(&models.als, "evaluated", &trained, err)) {
        return false;
    }
    (void)snprintf(name, sizeof name, "%.40s, trained before the cut", affinity_algorithm(trained));
    enter(e, CONTENDER_TRAINED, trained, name);
    enter_serving(e, &champion);
    enter(e, CONTENDER_POPULAR, popularity, "popularity");
    enter(e, CONTENDER_VIEWED, NULL, "last viewed");
    if (affinity_spreads(trained)) {
        (void)snprintf(name, sizeof name, "%.40s by score alone", affinity_algorithm(trained));
        enter(e, CONTENDER_BY_SCORE, trained, name);
        e->contenders[CONTENDER_BY_SCORE].by_score = true;
    }
    count_known(e);
    /* Fitted once more without a tenth of the products, but not tuned again: with settings of its own it would differ from the others by
     * more than what was hidden from it. */
    if (!new_products_open(&e->fresh, e->a, e->heading.cut_us, &models.settings, e->k, err)) {
        return false;
    }
    if (!judge(e, t, err)) {
        return false;
    }
    affinity_evaluation_measure(e);
    affinity_evaluation_text(e, &out->text);
    affinity_evaluation_json(e, &out->json);
    return !e->options->report || affinity_evaluation_page(e, &out->page, err);
}

static bool collect_key(void *ctx, const struct train_key *k, struct err *err)
{
    return affinity_training_key(ctx, k, err);
}

bool evaluate_affinity(struct training *t, const struct evaluate_options *o, struct evaluated *out,
                       struct err *err)
{
    CLEANUP(affinity_training_free) struct affinity_training *a = NULL;
    CLEANUP(evaluation_free)
    struct affinity_evaluation e = {.heading = {.kind = "affinity"}, .options = o};
    if (!affinity_training_new(t, &a, err) || !evaluate_read_log(t, o, collect_key, a, err)) {
        return false;
    }
    /* A cut is a time among interactions: without any there is none. */
    if (a->count == 0) {
        return FAIL(err, ERR_REFUSED,
                    "the log holds no views, additions, wishes or purchases up to that time");
    }
    e.a = a;
    e.k = o->k;
    /* Twice as far as is shown, so that the curve tells whether a longer list would be worth it; at least 20 points, or it is none. */
    e.curve = 2 * o->k > 20 ? 2 * o->k : 20;
    e.heading.from_us = t->log.first_us;
    e.heading.until_us = t->log.last_us;
    e.known = mem_array((size_t)a->items.count + 1, sizeof *e.known);
    e.chosen = mem_array((size_t)a->items.count + 1, sizeof *e.chosen);
    return evaluate(&e, t, out, err);
}
