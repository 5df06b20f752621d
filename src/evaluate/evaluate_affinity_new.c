/* How products without a history are recommended, on products whose history is known and hidden. */
#include "evaluate/evaluate_affinity_new.h"

#include "base/cleanup.h"
#include "base/hash.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { HELD_OUT = 10 /* every tenth, by hash */, PRODUCTS_MIN = 5, CASES_MAX = 10000 };

void new_products_free(struct new_products *n)
{
    free(n->held_out);
    affinity_free(&n->model);
    affinity_free(&n->popularity);
    affinity_models_free(&n->made);
    for (int w = 0; w < NEW_WAYS; w++) {
        free(n->lists[w].among_new);
        free(n->lists[w].among_all);
    }
}

static void hold_out(struct new_products *n, const struct affinity_training *a, int64_t cut_us)
{
    n->held_out = mem_array((size_t)a->items.count + 1, sizeof *n->held_out);
    uint8_t *met = mem_array((size_t)a->items.count + 1, sizeof *met);
    for (size_t i = 0; i < a->count; i++) {
        /* What has faded to nothing is no history: the model would not have learnt from it
         * either. */
        met[a->all[i].item] |= affinity_interaction_weight(&a->all[i], cut_us) > 0;
    }
    for (int32_t i = 0; i < a->facts_count; i++) {
        /* Without category and brand there is nothing to place it by; the shop could not have done
         * better. */
        bool known = a->facts[i].category || a->facts[i].brand;
        if (met[i] && known) {
            const char *id = a->items.texts[i];
            n->possible++;
            /* By hash of the id, whatever the seed: the same products are new in every evaluation
             * of a shop, so that two of them can be compared. Shifted, as the lowest bits of FNV
             * are hardly mixed: bit 0 is but the parity of the text's. */
            n->held_out[i] = (hash_fnv64(id, strlen(id)) >> 16) % HELD_OUT == 0;
            n->products += n->held_out[i];
        }
    }
    free(met);
}

bool new_products_open(struct new_products *n, const struct affinity_training *a, int64_t cut_us,
                       const struct rank_settings *tuned, int k, struct err *err)
{
    struct affinity_training without = *a; /* the same, but for the interactions */
    n->k = k;
    hold_out(n, a, cut_us);
    /* A figure of a handful of products would be a figure of these products. */
    if (n->products < PRODUCTS_MIN) {
        n->products = 0;
        return true;
    }
    without.all = mem_array(a->count, sizeof *without.all);
    without.count = 0;
    for (size_t i = 0; i < a->count; i++) {
        /* Only the models forget them; the shopper's own history keeps them, as it would where a
         * product has come since. */
        if (!n->held_out[a->all[i].item]) {
            without.all[without.count++] = a->all[i];
        }
    }
    bool ok = affinity_refit(&without, cut_us, tuned, &n->made, err) &&
              affinity_model_open(&n->made.als, "new products", &n->model, err) &&
              affinity_model_open(&n->made.popularity, "new products", &n->popularity, err);
    free(without.all);
    return ok;
}

/* ---- one case ---- */

struct new_case {
    const struct new_products *n;
    const struct affinity_training *a;
    const struct judged_case *of;
    bool only_new;
};

static bool may_show(void *ctx, const char *product_id)
{
    const struct new_case *c = ctx;
    int32_t item = id_table_find(&c->a->items, product_id);
    bool is_new = item >= 0 && c->n->held_out[item];
    /* As in the gate, what the shopper knew is neither shown nor asked for. */
    return (is_new || !c->only_new) && id_table_find(c->of->known, product_id) < 0;
}

static void grow(struct new_products *n)
{
    if (n->cases < n->cap) {
        return;
    }
    size_t cap = n->cap ? (size_t)n->cap * 2 : 256;
    n->cap = (int)cap;
    for (int w = 0; w < NEW_WAYS; w++) {
        struct new_lists *l = &n->lists[w];
        l->among_new = mem_grow(l->among_new, cap, sizeof *l->among_new);
        l->among_all = mem_grow(l->among_all, cap, sizeof *l->among_all);
    }
}

void new_products_case(struct new_products *n, const struct affinity_training *a,
                       const struct judged_case *of)
{
    CLEANUP(id_table_free) struct id_table chosen = {0};
    struct new_case c = {n, a, of, true};
    struct picks picks;
    for (int32_t i = 0; n->products > 0 && i < of->chosen_new->count; i++) {
        /* Only choices of hidden products are asked for: of the others these models know as much as
         * the main ones, which are judged elsewhere. */
        int32_t item = id_table_find(&a->items, of->chosen_new->texts[i]);
        if (item >= 0 && n->held_out[item]) {
            id_table_add(&chosen, of->chosen_new->texts[i]);
        }
    }
    if (chosen.count == 0 || n->cases == CASES_MAX) {
        return;
    }
    grow(n);
    for (int w = 0; w < NEW_WAYS; w++) {
        const struct affinity *model = w == NEW_PLACED ? n->model : n->popularity;
        c.only_new = true;
        affinity_rank(model, of->then, of->moment_us, n->k, may_show, &c, &picks);
        n->lists[w].among_new[n->cases] = affinity_judge_picks(&picks, &chosen, n->k);
        c.only_new = false;
        affinity_rank(model, of->then, of->moment_us, n->k, may_show, &c, &picks);
        /* Among all products, as a shop would see it: new ones have to stand up to those with a
         * history. */
        n->lists[w].among_all[n->cases] = affinity_judge_picks(&picks, &chosen, n->k);
    }
    n->cases++;
}

/* ---- the figures ---- */

void new_products_measure(struct new_products *n, uint64_t seed)
{
    double *values[4];
    for (int v = 0; v < 4; v++) {
        values[v] = mem_array((size_t)n->cases + 1, sizeof *values[v]);
    }
    for (int w = 0; w < NEW_WAYS; w++) {
        for (int i = 0; i < n->cases; i++) {
            const struct new_lists *l = &n->lists[w];
            values[0][i] = l->among_new[i].ndcg;
            values[1][i] = l->among_new[i].recall;
            values[2][i] = l->among_all[i].recall;
            values[3][i] =
                n->lists[NEW_PLACED].among_new[i].ndcg - n->lists[NEW_POPULAR].among_new[i].ndcg;
        }
        /* The same seed and count draw the same shoppers each time, so that the intervals can be
         * compared. */
        n->ndcg[w] = bootstrap_mean(values[0], n->cases, seed);
        n->recall[w] = bootstrap_mean(values[1], n->cases, seed);
        n->recall_among_all[w] = bootstrap_mean(values[2], n->cases, seed);
    }
    n->gain = bootstrap_mean(values[3], n->cases, seed);
    for (int v = 0; v < 4; v++) {
        free(values[v]);
    }
}
