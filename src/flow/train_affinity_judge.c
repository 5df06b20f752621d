/* The later window for affinity: shoppers as they stood when they came back, ranked by the code that serves, against what they chose next. */
#include "flow/train_affinity.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "domain/shopper_identity.h"
#include "ml/rank_eval.h"

#include <stdlib.h>
#include <string.h>

enum { CHOSEN_MAX = 100 }; /* next products of one shopper that count */

static bool is_choice(enum event_type type)
{
    return type == EVENT_CART_ITEM_ADDED || type == EVENT_PURCHASE;
}

/* What the shopper had to do with up to the moment of ranking, and what was chosen after it that was new. */
struct history {
    struct id_table known;
    struct id_table chosen;
    int64_t moment_us; /* first event after the cut: a visit has begun, as when the model serves */
};

static void history_free(struct history *h)
{
    id_table_free(&h->known);
    id_table_free(&h->chosen);
}

static bool has_seen(const struct history *h, const char *product_id)
{
    return id_table_find(&h->known, product_id) >= 0;
}

static bool tells_taste(const struct train_key *k, const struct event *e)
{
    return affinity_event_weight(e->type) > 0 && e->item_count > 0 && identity_counts(k->final, e);
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

/* Only products some model could name count as chosen: what came up after the cut is nobody's fault. The popularity model knows all of them. */
static void history_read(struct history *h, const struct judgement *j, const struct train_key *k)
{
    for (size_t i = 0; i < k->count; i++) {
        const struct event *e = &k->events[i];
        for (size_t n = 0; tells_taste(k, e) && n < e->item_count; n++) {
            const char *id = e->items[n].product_id;
            if (e->occurred_us <= h->moment_us) {
                id_table_add(&h->known, id);
            } else if (is_choice(e->type) && !has_seen(h, id) && h->chosen.count < CHOSEN_MAX &&
                       affinity_knows(j->models[0], id)) {
                id_table_add(&h->chosen, id);
            }
        }
    }
}

static bool is_new(void *ctx, const char *product_id)
{
    return !has_seen(ctx, product_id);
}

static struct rank_metrics judge_model(const struct affinity *model, const struct shopper *s,
                                       int64_t now_us, struct history *h)
{
    struct picks picks;
    int ranked[JUDGED_K];
    int relevant[CHOSEN_MAX];
    affinity_rank(model, s, now_us, JUDGED_K, is_new, h, &picks);
    for (int i = 0; i < h->chosen.count; i++) {
        relevant[i] = i;
    }
    for (int i = 0; i < picks.count; i++) {
        int32_t number = id_table_find(&h->chosen, picks.items[i].product_id);
        ranked[i] = number >= 0 ? number : CHOSEN_MAX + i; /* distinct, and nobody's choice */
    }
    return rank_eval(ranked, picks.count, relevant, h->chosen.count, JUDGED_K);
}

static bool judge_key(void *ctx, const struct train_key *k, struct err *err)
{
    struct judgement *j = ctx;
    CLEANUP(history_free) struct history h = {0};
    (void)err;
    if (j->shoppers == JUDGED_SHOPPERS_MAX) {
        return true;
    }
    h.moment_us = moment_of(k, j->cut_us);
    if (h.moment_us == INT64_MAX) {
        return true;
    }
    history_read(&h, j, k);
    if (h.known.count == 0 || h.chosen.count == 0) {
        return true;
    }
    const struct shopper *then =
        shopper_fold_all(k->base, k->key, k->events, k->count, h.moment_us, k->arena);
    for (int m = 0; m < JUDGED_MODELS; m++) {
        if (j->models[m]) {
            struct rank_metrics r = judge_model(j->models[m], then, h.moment_us, &h);
            j->ndcg[m][j->shoppers] = r.ndcg;
            j->mean_ndcg[m] += r.ndcg;
            j->recall[m] += r.recall;
        }
    }
    j->shoppers++;
    return true;
}

bool affinity_judge(const struct training *t, struct judgement *j, struct err *err)
{
    struct train_log log;
    for (int m = 0; m < JUDGED_MODELS; m++) {
        j->took_part[m] = j->models[m] != NULL;
        j->ndcg[m] = mem_array(JUDGED_SHOPPERS_MAX, sizeof *j->ndcg[m]);
    }
    if (!train_log_read(t->db, t->log.last_us, judge_key, j, &log, err)) {
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
