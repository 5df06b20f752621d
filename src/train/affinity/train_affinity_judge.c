/* The later window for affinity: shoppers as they stood when they came back, ranked by the code
 * that serves, against what they chose next. */
#include "train/affinity/train_affinity.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "domain/shopper/shopper_identity.h"
#include "ml/judge/rank_eval.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { CHOSEN_MAX = 100 }; /* next products of one shopper that count */

static bool is_choice(enum event_type type)
{
    return type == EVENT_CART_ITEM_ADDED || type == EVENT_PURCHASE;
}

/* What the shopper had to do with up to the moment of ranking, and what was chosen after it. */
struct history {
    struct id_table known;
    struct id_table chosen;
    struct id_table chosen_new;
    int64_t moment_us; /* first event after the cut: a visit has begun, as when the model serves */
};

static void history_free(struct history *h)
{
    id_table_free(&h->known);
    id_table_free(&h->chosen);
    id_table_free(&h->chosen_new);
}

static bool has_seen(const struct history *h, const char *product_id)
{
    return id_table_find(&h->known, product_id) >= 0;
}

static void choose(struct id_table *chosen, const char *product_id)
{
    if (chosen->count < CHOSEN_MAX) {
        id_table_add(chosen, product_id);
    }
}

static bool tells_taste(const struct train_key *k, const struct event *e)
{
    return affinity_event_weight(e->type) > 0 && e->item_count > 0 && identity_counts(k->final, e);
}

/* What lies in a cart is no new product, whoever says so: a snapshot or a checkout names
 * all of it. */
static bool tells_cart(const struct train_key *k, const struct event *e)
{
    return (e->type == EVENT_CART_SNAPSHOT || e->type == EVENT_CHECKOUT_STARTED) &&
           identity_counts(k->final, e);
}

static int64_t moment_of(const struct train_key *k, int64_t cut_us)
{
    for (size_t i = 0; i < k->count; i++) {
        if (k->events[i].occurred_us >= cut_us && tells_taste(k, &k->events[i])) {
            return k->events[i].occurred_us;
        }
    }
    return INT64_MAX;
}

/* Only products some model could name count as chosen: what came up after the cut
 * is nobody's fault. */
static void read_choice(struct history *h, const struct affinity *catalogue, const char *product_id)
{
    if (affinity_knows(catalogue, product_id)) {
        choose(&h->chosen, product_id);
        if (!has_seen(h, product_id)) {
            choose(&h->chosen_new, product_id);
        }
    }
}

static void history_read(struct history *h, const struct affinity *catalogue,
                         const struct train_key *k)
{
    for (size_t i = 0; i < k->count; i++) {
        const struct event *e = &k->events[i];
        /* Up to the moment and with it: the event that begins the visit is known when the
         * model is asked. */
        const bool known = e->occurred_us <= h->moment_us;
        const bool counts = tells_taste(k, e) || (known && tells_cart(k, e));
        /* In the order of time: known is complete before the first choice is looked up in it. */
        for (size_t n = 0; counts && n < e->item_count; n++) {
            const char *id = e->items[n].product_id;
            if (known) {
                id_table_add(&h->known, id);
            } else if (is_choice(e->type)) {
                read_choice(h, catalogue, id);
            }
        }
    }
}

/* ---- the shoppers of the window ---- */

struct window_reading {
    const struct judged_window *window;
    judged_case_fn *fn;
    void *ctx;
};

static bool read_key(void *ctx, const struct train_key *k, struct err *err)
{
    const struct window_reading *r = ctx;
    CLEANUP(history_free) struct history h = {0};
    (void)err;
    h.moment_us = moment_of(k, r->window->cut_us);
    if (h.moment_us == INT64_MAX) {
        return true;
    }
    history_read(&h, r->window->catalogue, k);
    /* Without a history there is nothing to rank by; without a choice, nothing to judge by. */
    if (h.known.count == 0 || (h.chosen.count == 0 && !r->window->everybody)) {
        return true;
    }
    /* The fold puts k->events into another order, so that what is read of them was read before. */
    const struct judged_case c = {
        /* The state as of the moment, folded by the code that serves: features of the present day
         * would know the future. */
        .then = shopper_fold_all(k->base, k->key, k->events, k->count, h.moment_us, k->arena),
        .moment_us = h.moment_us,
        .known = &h.known,
        .chosen = &h.chosen,
        .chosen_new = &h.chosen_new,
    };
    return r->fn(r->ctx, &c); /* err is untouched: false ends the reading */
}

bool affinity_judge_cases(const struct training *t, const struct judged_window *window,
                          judged_case_fn *fn, void *ctx, struct err *err)
{
    struct window_reading r = {.window = window, .fn = fn, .ctx = ctx};
    struct train_log log;
    /* No further than the first reading: events that came since would be choices that only this
     * reading knows. */
    int64_t until_us = window->until_us != 0 ? window->until_us : t->log.last_us;
    return train_log_read(t->db, until_us, read_key, &r, &log, err);
}

/* ---- the gate's measure: choices that were new to the shopper ---- */

bool affinity_judge_is_new(void *ctx, const char *product_id)
{
    const struct judged_case *c = ctx;
    return id_table_find(c->known, product_id) < 0;
}

struct rank_metrics affinity_judge_picks(const struct picks *picks, const struct id_table *chosen,
                                         int k)
{
    int ranked[PICKS_MAX];
    int relevant[CHOSEN_MAX];
    assert(chosen->count >= 1 && chosen->count <= CHOSEN_MAX && k >= 1 && k <= PICKS_MAX);
    int count = picks->count < k ? picks->count : k;
    for (int i = 0; i < chosen->count; i++) {
        relevant[i] = i;
    }
    for (int i = 0; i < count; i++) {
        int32_t number = id_table_find(chosen, picks->items[i].product_id);
        /* rank_eval compares numbers, so a text's number is its place among the choices: */
        ranked[i] = number >= 0 ? number : CHOSEN_MAX + i; /* distinct, and nobody's choice */
    }
    return rank_eval(ranked, count, relevant, chosen->count, k);
}

double affinity_judge_both(const struct affinity *m, const struct judged_case *c, int k,
                           void (*listed)(void *ctx, const struct picks *picks), void *ctx)
{
    struct judged_case mine = *c;
    struct picks picks;
    affinity_rank(m, c->then, c->moment_us, k, NULL, NULL, &picks);
    double sum = affinity_judge_picks(&picks, c->chosen, k).ndcg;
    if (listed) {
        listed(ctx, &picks);
    }
    if (c->chosen_new->count > 0) {
        affinity_rank(m, c->then, c->moment_us, k, affinity_judge_is_new, &mine, &picks);
        sum += affinity_judge_picks(&picks, c->chosen_new, k).ndcg;
    }
    return sum;
}

static bool judge_case(void *ctx, const struct judged_case *c)
{
    struct judgement *j = ctx;
    /* a copy, since a filter's context is not const */
    struct judged_case mine = *c;
    struct picks picks;
    /* Who chose nothing new is no miss of a model that was asked for something new. */
    if (c->chosen_new->count == 0) {
        return true;
    }
    for (int m = 0; m < JUDGED_MODELS; m++) {
        if (j->models[m]) {
            affinity_rank(j->models[m], c->then, c->moment_us, JUDGED_K, affinity_judge_is_new,
                          &mine, &picks);
            struct rank_metrics r = affinity_judge_picks(&picks, c->chosen_new, JUDGED_K);
            j->ndcg[m][j->shoppers] = r.ndcg;
            j->mean_ndcg[m] += r.ndcg;
            j->recall[m] += r.recall;
        }
    }
    return ++j->shoppers < JUDGED_SHOPPERS_MAX;
}

bool affinity_judge(const struct training *t, struct judgement *j, struct err *err)
{
    /* The popularity model knows every product that any of them could name. */
    const struct judged_window window = {.cut_us = j->cut_us, .catalogue = j->models[0]};
    for (int m = 0; m < JUDGED_MODELS; m++) {
        /* kept apart, as the models die before the card is written (train_affinity.c, judge) */
        j->took_part[m] = j->models[m] != NULL;
        j->ndcg[m] = mem_array(JUDGED_SHOPPERS_MAX, sizeof *j->ndcg[m]);
    }
    if (!affinity_judge_cases(t, &window, judge_case, j, err)) {
        return false;
    }
    for (int m = 0; m < JUDGED_MODELS && j->shoppers > 0; m++) {
        j->mean_ndcg[m] /= j->shoppers;
        j->recall[m] /= j->shoppers;
    }
    return true;
}

void judgement_free(struct judgement *j)
{
    for (int m = 0; m < JUDGED_MODELS; m++) {
        free(j->ndcg[m]);
    }
}
