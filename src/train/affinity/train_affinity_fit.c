/* The affinity models: decayed interactions to factors and popularity. Which interactions, and
 * whether the result serves, is decided by train_affinity.c. */
#include "train/affinity/train_affinity.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "domain/affinity/affinity_visit.h"
#include "domain/shop/money.h"
#include "ml/als/als.h"
#include "ml/linear/csr.h"
#include "train/affinity/train_affinity_pairs.h"
#include "train/affinity/train_affinity_repeat.h"
#include "train/affinity/train_factors.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { AFFINITY_CARD_MAX = 1 << 16 };

/* Weight that has faded to nothing in float sums. */
static const double WEIGHT_MIN = 1e-6;

struct fitting {
    const struct affinity_training *a;
    int64_t until_us;
    int32_t *
        order; /* items of the model by position: those with interactions by id, then the rest of the catalogue by id */
    int32_t count;
    int32_t trained;
    int32_t *position; /* of an item; -1 */
    struct csr matrix; /* (shoppers, trained) */
    float *popularity; /* (count) */
    struct mat shopper_factors;
    struct mat item_factors;
    float *item_scale; /* (trained) */
    double shopper_mean;
    struct rank_settings settings;
    struct csr weights; /* (trained, trained) of a blend */
    struct visit_models visits;
    struct affinity_spreading spreading;
    struct product_pairs together;
    struct product_pairs next;
    struct affinity_repeats repeats;
};

static void fitting_free(struct fitting *f)
{
    free(f->order);
    free(f->position);
    free(f->popularity);
    free(f->item_scale);
    csr_free(&f->matrix);
    csr_free(&f->weights);
    mat_free(&f->shopper_factors);
    mat_free(&f->item_factors);
    visit_models_free(&f->visits);
    free(f->spreading.log_lift);
    product_pairs_free(&f->together);
    product_pairs_free(&f->next);
    affinity_repeats_free(&f->repeats);
}

double affinity_interaction_weight(const struct interaction *i, int64_t until_us)
{
    double weight =
        i->at_us < until_us ? (double)i->weight * affinity_decay(until_us - i->at_us) : 0;
    return weight > WEIGHT_MIN ? weight : 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* By id, not by first sight: the same events in another order give the same file. */
static void order_items(struct fitting *f)
{
    const struct id_table *items = &f->a->items;
    size_t n = (size_t)items->count;
    uint8_t *met = mem_array(n, sizeof *met);
    const char **texts = mem_array(n, sizeof *texts);
    f->order = mem_array(n, sizeof *f->order);
    f->position = mem_array(n, sizeof *f->position);
    for (size_t i = 0; i < f->a->count; i++) {
        met[f->a->all[i].item] |= affinity_interaction_weight(&f->a->all[i], f->until_us) > 0;
    }
    memcpy(texts, items->texts, n * sizeof *texts);
    qsort(texts, n, sizeof *texts, by_text);
    /* Those with interactions first: positions below `trained` index the factor matrix. The rest
     * of the catalogue follows; what is known of it stands in the catalogue. */
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < n; i++) {
            int32_t item = id_table_find(items, texts[i]);
            bool in_catalogue = item < f->a->facts_count;
            if (round == 0 ? met[item] : !met[item] && in_catalogue) {
                f->position[item] = f->count;
                f->order[f->count++] = item;
            }
        }
        f->trained = round == 0 ? f->count : f->trained;
    }
    free(met);
    free(texts);
}

/* Shoppers without an interaction in the window have no row: the model's ridge counts rows. */
static bool build_matrix(struct fitting *f, int *out_shoppers, struct err *err)
{
    struct triple *triples = mem_array(f->a->count + 1, sizeof *triples);
    int32_t last = -1;
    int32_t row = -1;
    size_t count = 0;
    for (size_t i = 0; i < f->a->count; i++) {
        const struct interaction *in = &f->a->all[i];
        double weight = affinity_interaction_weight(in, f->until_us);
        if (weight > 0) {
            /* Interactions of a shopper are neighbours. What it did twice to a product are two
             * triples, whose weights csr_build adds up. */
            row += in->shopper != last;
            last = in->shopper;
            triples[count++] = (struct triple){row, f->position[in->item], (float)weight};
        }
    }
    *out_shoppers = row + 1;
    bool ok = csr_build(row + 1, f->trained, triples, count, &f->matrix, err);
    free(triples);
    return ok;
}

static void count_popularity(struct fitting *f)
{
    double *sums = mem_array((size_t)f->trained + 1, sizeof *sums);
    f->popularity = mem_array((size_t)f->count + 1, sizeof *f->popularity);
    for (int64_t e = 0; e < csr_entries(&f->matrix); e++) {
        /* In double: a sum of millions of floats stops growing. */
        sums[f->matrix.column[e]] += (double)f->matrix.weight[e];
    }
    for (int32_t i = 0; i < f->trained; i++) {
        /* Positions behind `trained` keep 0: nobody touched them. */
        f->popularity[i] = (float)sums[i];
    }
    free(sums);
}

static bool fit_factors(struct fitting *f, const struct affinity_fit *fit, struct err *err)
{
    const struct train_factors job = {.t = f->a->t,
                                      .what = f->until_us > f->a->t->log.last_us ? "everything"
                                                                                 : "before the cut",
                                      .keep = fit->keep};
    /* A matrix has no more independent directions than its shorter side. */
    int smaller = f->matrix.rows < f->trained ? f->matrix.rows : f->trained;
    f->settings.als.factors = f->settings.als.factors < smaller ? f->settings.als.factors : smaller;
    f->item_scale = mem_array((size_t)f->trained, sizeof *f->item_scale);
    /* Kept in the file: who is folded in later is weighed as the shoppers of this matrix were. */
    als_item_scales(&f->matrix, &f->settings.als, f->item_scale, &f->shopper_mean);
    return train_factors(&job, &f->matrix, &f->settings.als, &f->shopper_factors, &f->item_factors,
                         err);
}

static bool fit_weights(struct fitting *f, struct err *err)
{
    if (f->settings.kind != RANK_BLEND) {
        return true;
    }
    train_say(f->a->t, "affinity", "item-item weights: at most %.0f MB",
              (double)item_item_memory_bytes(&f->matrix, &f->settings.item) / 1e6);
    return item_item_train(&f->matrix, &f->settings.item, &f->weights, err);
}

static bool write_model(const struct fitting *f, const struct affinity_fit *fit,
                        const struct affinity_models *made, bool als, struct trained *out,
                        struct err *err)
{
    const struct affinity_training *a = f->a;
    struct affinity_item *items = mem_array((size_t)f->count, sizeof *items);
    struct buf card = buf_make(AFFINITY_CARD_MAX);
    for (int32_t i = 0; i < f->count; i++) {
        int32_t item = f->order[i];
        /* All items in both files: the popularity model is also the catalogue by which
         * choices are judged. */
        items[i] = (struct affinity_item){.id = a->items.texts[item],
                                          .price_minor = MONEY_UNKNOWN,
                                          .popularity = f->popularity[i]};
        if (item < a->facts_count) {
            items[i].title = a->facts[item].title;
            items[i].category = a->facts[item].category;
            items[i].brand = a->facts[item].brand;
            items[i].price_minor = a->facts[item].price_minor;
            items[i].repeat_us = f->repeats.after_us[item];
            items[i].once = f->repeats.once[item];
        }
    }
    fit->card(fit->ctx, made, als, &card);
    CLEANUP(arena_free) struct arena arena = {0};
    struct affinity_section
        sections[AFFINITY_PAIR_SECTIONS + AFFINITY_VISIT_SECTIONS + AFFINITY_SPREAD_SECTIONS];
    int count = AFFINITY_PAIR_SECTIONS;
    affinity_pair_sections(&f->together, &f->next, f->trained, sections);
    /* Not in the baseline: popularity must stay what it is in every training, to
     * be compared with. */
    if (als && f->visits.made) {
        affinity_visit_sections(&f->visits.model, &f->visits.log, fit->visit_weight, &arena,
                                sections + count);
        count += AFFINITY_VISIT_SECTIONS;
    }
    if (als && f->spreading.log_lift) {
        sections[count++] = affinity_spread_section(f->spreading.log_lift, f->count);
    }
    const struct affinity_parts parts = {
        .items = items,
        .count = f->count,
        .trained = f->trained,
        .factors = als ? &f->item_factors : NULL,
        .options = als ? &f->settings.als : NULL,
        .weights = als && f->settings.kind == RANK_BLEND ? &f->weights : NULL,
        .item_share = f->settings.item_share,
        .weight_exponent = f->settings.item.weight_exponent,
        .item_scale = f->item_scale,
        .shopper_mean = f->shopper_mean,
        .from_us = a->t->log.first_us,
        .as_of_us = fit->until_us,
        .card = buf_text(&card),
        .more = sections,
        .more_count = count,
    };
    out->made = affinity_write(&parts, &out->bytes, out->sha256, err);
    buf_free(&card);
    free(items);
    return out->made;
}

/* The model as it ranks by score alone says whom each product suits; then it is written once more,
 * with the lifts. */
static bool spread_model(struct fitting *f, const struct affinity_fit *fit,
                         struct affinity_models *made, struct err *err)
{
    CLEANUP(affinity_free) struct affinity *model = NULL;
    if (!affinity_model_open(&made->als, "by score", &model, err) ||
        !affinity_fit_spread(f->a, fit->until_us, &fit->floors, model, &f->spreading, err)) {
        return false;
    }
    /* for the card, which is told how far it went; the lifts stay with f */
    made->spreading = f->spreading;
    made->spreading.log_lift = NULL;
    /* before the bytes it looks into */
    affinity_free(&model);
    buf_free(&made->als.bytes);
    made->als = (struct trained){0};
    return write_model(f, fit, made, true, &made->als, err);
}

bool affinity_fit_models(const struct affinity_training *a, const struct affinity_fit *fit,
                         struct affinity_models *out, struct err *err)
{
    CLEANUP(fitting_free)
    struct fitting f = {.a = a, .until_us = fit->until_us, .settings = fit->settings};
    struct affinity_models made = {0};
    order_items(&f);
    /* The caller has seen to it that something lies before until_us. */
    assert(f.trained > 0);
    if (!build_matrix(&f, &made.shoppers, err)) {
        return false;
    }
    count_popularity(&f);
    /* For both files: reasons are given for the picks of either. */
    affinity_count_pairs(a, fit->until_us, f.position, f.trained, &f.together, &f.next);
    f.repeats = affinity_repeats(a, fit->until_us);
    made.trained_items = f.trained;
    made.pairs = csr_entries(&f.matrix);
    if (fit->factors) {
        if (!fit_factors(&f, fit, err) || !fit_weights(&f, err)) {
            return false;
        }
        made.settings = f.settings;
        if (fit->visit_weight > 0 && !affinity_fit_visits(a, fit, f.position, &f.visits, err)) {
            return false;
        }
        made.visit_settings = f.visits.model.settings;
    }
    if (!write_model(&f, fit, &made, false, &made.popularity, err) ||
        (fit->factors &&
         (!write_model(&f, fit, &made, true, &made.als, err) ||
          (spread_is_wanted(&fit->floors) && !spread_model(&f, fit, &made, err))))) {
        affinity_models_free(&made);
        return false;
    }
    *out = made;
    return true;
}

bool affinity_model_open(const struct trained *made, const char *name, struct affinity **out,
                         struct err *err)
{
    struct model_file file = {0};
    return model_file_view(made->bytes.data, made->bytes.len, &file, err) &&
           affinity_load(&file, name, out, err);
}

void affinity_models_free(struct affinity_models *m)
{
    buf_free(&m->popularity.bytes);
    buf_free(&m->als.bytes);
}
