/* Visits for the affinity model: the log's interactions cut into visits, the session model learnt
 * from them, and its weight in the blend, chosen on the last part of what may be learnt from. Sees
 * nothing after until_us. */
#include "train/affinity/train_affinity.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "domain/affinity/affinity_visit.h"
#include "ml/session/session_train.h"

#include <assert.h>
#include <stdlib.h>

enum {
    VISITS_MAX = 200000, /* the latest are learnt from */
    STEPS_MIN = 500,     /* from one product to the next within a visit, to learn anything */
    QUERIES_MAX = 60000,
    WEIGHED_LEARN_MIN = 50, /* interactions */
    WEIGHED_SHOPPERS_MIN = 20,
    WEIGHED_SHOPPERS_MAX = 2000,
    WEIGHED_INTERACTIONS_MAX = 1000000, /* larger logs take the default weight */
    WEIGHTS = 5,
};
/* Chances of the next product are small numbers beside the other sources' scores, on whose scale
 * they are weighed (domain/affinity/affinity_visit.h). */
static const float weights[WEIGHTS] = {0, .5F, 1, 2, 4};
static const float WEIGHT_UNTRIED = 1;

struct visit {
    int64_t start_us;
    size_t first; /* of the interactions */
    size_t end;
};

static int earlier_first(const void *a, const void *b)
{
    const struct visit *x = a;
    const struct visit *y = b;
    if (x->start_us != y->start_us) {
        return x->start_us < y->start_us ? -1 : 1;
    }
    return (x->first > y->first) - (x->first < y->first);
}

/* Interactions of a shopper lie in the order of time. */
static size_t visit_end(const struct affinity_training *a, size_t first, int64_t until_us)
{
    size_t end = first + 1;
    while (end < a->count && a->all[end].shopper == a->all[first].shopper &&
           a->all[end].at_us < until_us &&
           a->all[end].at_us - a->all[end - 1].at_us <= SESSION_GAP_US) {
        end++;
    }
    return end;
}

/* The visits before until_us in order of their beginning, the latest VISITS_MAX; items by their
 * position in the model. */
static struct session_log visits_of(const struct affinity_training *a, int64_t until_us,
                                    const int32_t *position)
{
    struct session_log log = {0};
    struct visit *visits = mem_array(a->count + 1, sizeof *visits);
    int32_t *items = mem_array(a->count + 1, sizeof *items);
    size_t count = 0;
    for (size_t i = 0, end; i < a->count; i = end) {
        end = visit_end(a, i, until_us);
        if (a->all[i].at_us < until_us) {
            visits[count++] = (struct visit){a->all[i].at_us, i, end};
        }
    }
    /* By their beginning: where there are too many, the latest stay. */
    qsort(visits, count, sizeof *visits, earlier_first);
    for (size_t v = count > VISITS_MAX ? count - VISITS_MAX : 0; v < count; v++) {
        int n = 0;
        for (size_t i = visits[v].first; i < visits[v].end; i++) {
            /* What has faded to nothing is in no model, and has no position. */
            if (affinity_interaction_weight(&a->all[i], until_us) > 0) {
                assert(position[a->all[i].item] >= 0);
                items[n++] = position[a->all[i].item];
            }
        }
        if (n > 0) {
            session_log_add(&log, items, n);
        }
    }
    free(visits);
    free(items);
    return log;
}

bool affinity_fit_visits(const struct affinity_training *a, const struct affinity_fit *fit,
                         const int32_t *position, struct visit_models *out, struct err *err)
{
    struct session_log log = visits_of(a, fit->until_us, position);
    /* A visit of n products has n - 1 steps. */
    int64_t steps = log.sessions > 0 ? log.start[log.sessions] - log.sessions : 0;
    *out = (struct visit_models){.log = log};
    if (steps < STEPS_MIN) {
        return true;
    }
    struct session_train_options o = session_train_defaults();
    /* Chosen once, on the part held out; what is fitted later takes them over, or something else
     * would serve than was judged. */
    struct session_settings given = fit->visit_settings.query.neighbours > 0
                                        ? fit->visit_settings
                                        : session_settings_defaults(log.sessions, a->t->threads);
    struct session_quality valid;
    struct err none = {0};
    o.threads = a->t->threads;
    o.seed = a->t->options->seed;
    o.queries_max = QUERIES_MAX;
    o.settings = fit->choose_visits ? NULL : &given;
    out->made = session_train(&log, &o, &out->model, &valid, &none);
    /* Visits from which nothing can be learnt are no reason to have no model. */
    if (!out->made && none.kind != ERR_INVALID) {
        *err = none;
        visit_models_free(out);
        return false;
    }
    return true;
}

void visit_models_free(struct visit_models *v)
{
    session_log_free(&v->log);
    session_model_free(&v->model);
    *v = (struct visit_models){0};
}

/* ---- the weight ---- */

struct weighing {
    struct affinity *model;
    struct session_settings settings; /* of its visits */
    double ndcg[WEIGHTS];
    int shoppers;
};

static bool weigh_case(void *ctx, const struct judged_case *c)
{
    struct weighing *w = ctx;
    for (int i = 0; i < WEIGHTS; i++) {
        /* One model, weighed anew for each list: fitting dominates, so five weights cost little
         * more than one. */
        (void)affinity_visit_weigh(w->model, weights[i]);
        w->ndcg[i] += affinity_judge_both(w->model, c, JUDGED_K, NULL, NULL);
    }
    return ++w->shoppers < WEIGHED_SHOPPERS_MAX;
}

static size_t interactions_before(const struct affinity_training *a, int64_t until_us)
{
    size_t count = 0;
    for (size_t i = 0; i < a->count; i++) {
        count += affinity_interaction_weight(&a->all[i], until_us) > 0;
    }
    return count;
}

static bool weigh(const struct affinity_training *a, int64_t until_us, struct affinity_fit *inner,
                  struct weighing *w, struct err *err)
{
    struct affinity_models made = {0};
    struct model_file file = {0};
    if (!affinity_fit_models(a, inner, &made, err)) {
        return false;
    }
    w->settings = made.visit_settings;
    bool ok = model_file_view(made.als.bytes.data, made.als.bytes.len, &file, err) &&
              affinity_load(&file, "weighed", &w->model, err);
    /* False: too few visits to learn from, so that all weights would rank alike. */
    if (ok && affinity_visit_weigh(w->model, 1)) {
        /* The reading includes its last moment, until_us does not belong to it. */
        const struct judged_window window = {
            .cut_us = inner->until_us, .until_us = until_us - 1, .catalogue = w->model};
        ok = affinity_judge_cases(a->t, &window, weigh_case, w, err);
    }
    affinity_free(&w->model);
    affinity_models_free(&made);
    return ok;
}

bool affinity_weigh_visits(const struct affinity_training *a, int64_t until_us,
                           struct affinity_fit *fit, struct err *err)
{
    struct weighing w = {0};
    struct affinity_fit inner = *fit;
    /* The last fifth of what may be learnt from; the later window that judges in the end
     * is not touched. */
    inner.until_us = affinity_choice_cut(a, until_us, until_us);
    /* No checkpoint: an inner fit of minutes must not overwrite that of the hour before. */
    inner.keep = false;
    inner.visit_weight = WEIGHT_UNTRIED;
    inner.choose_visits = true;
    fit->visit_weight = WEIGHT_UNTRIED;
    if (interactions_before(a, until_us) > WEIGHED_INTERACTIONS_MAX) {
        return true;
    }
    if (interactions_before(a, inner.until_us) >= WEIGHED_LEARN_MIN &&
        !weigh(a, until_us, &inner, &w, err)) {
        return false;
    }
    int best = 0;
    for (int i = 1; i < WEIGHTS; i++) {
        /* Of equal ones the smallest: 0 stands first, and visits that help nobody are not worth
         * their memory. */
        best = w.ndcg[i] > w.ndcg[best] ? i : best;
    }
    fit->visit_settings = w.settings;
    /* So few shoppers cannot tell the weights apart: then visits are left out. */
    fit->visit_weight = w.shoppers >= WEIGHED_SHOPPERS_MIN ? weights[best] : 0;
    if (w.shoppers >= WEIGHED_SHOPPERS_MIN) {
        train_say(a->t, "affinity",
                  "visits weigh %.1f in the blend, chosen on %d shoppers held out of the training "
                  "window (NDCG@10 %.4f, without them %.4f)",
                  (double)fit->visit_weight, w.shoppers, w.ndcg[best] / w.shoppers / 2,
                  w.ndcg[0] / w.shoppers / 2);
    }
    return true;
}
