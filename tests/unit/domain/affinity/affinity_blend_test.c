/* The blend of factors and item-item weights as it serves: ranked as the evaluation ranks, whole scores from parts, reasons, refusals. */
#include "domain/affinity/affinity.h"

#include "base/cleanup.h"
#include "domain/affinity/affinity_file.h"
#include "ml/als/als_serve.h"
#include "ml/items/rank_model.h"
#include "ml/linear/csr.h"
#include "support/spec.h"
#include "unit/domain/affinity/affinity_spec.h"
#include "unit/domain/an_event.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* The two tastes, and two products that are only in the catalogue. */
enum { TRAINED = TASTED, ITEMS = TRAINED + 2, FACTORS = TASTE_FACTORS };
static const float ITEM_SHARE = 0.7F;
static const float WEIGHT_EXPONENT = 0.5F;

static struct world {
    char ids[ITEMS][TASTE_ID_MAX];
    struct affinity_item items[ITEMS];
    struct buf als; /* the factors of the blend alone */
    struct buf blend;
    struct buf item_alone;    /* a blend of which the item-item weights are all */
    struct buf unfiled;       /* the blend in a shop without categories and brands */
    struct rank_model judged; /* the blend as the evaluation knows it */
    struct arena arena;
} w;

static void write_models(const struct mat *factors)
{
    struct affinity_parts parts = {.items = w.items,
                                   .count = ITEMS,
                                   .trained = TRAINED,
                                   .factors = factors,
                                   .options = &w.judged.settings.als,
                                   .from_us = 1,
                                   .as_of_us = 2,
                                   .card = "{}"};
    write_affinity(&parts, &w.als);
    parts.weights = &w.judged.weights;
    parts.weight_exponent = WEIGHT_EXPONENT;
    parts.item_share = ITEM_SHARE;
    write_affinity(&parts, &w.blend);
    parts.item_share = 1;
    write_affinity(&parts, &w.item_alone);
    parts.item_share = ITEM_SHARE;
    for (int i = 0; i < ITEMS; i++) {
        w.items[i].category = NULL;
        w.items[i].brand = NULL;
    }
    write_affinity(&parts, &w.unfiled);
}

static int build_world(void **state)
{
    struct err err = {0};
    struct csr matrix = taste_purchases();
    struct mat shoppers = {0};
    struct mat factors = {0};
    struct rank_settings *s = &w.judged.settings;
    (void)state;
    taste_items(w.ids, w.items, ITEMS);
    *s = (struct rank_settings){.kind = RANK_BLEND,
                                .als = taste_als_options(),
                                .item = item_item_defaults(),
                                .item_share = ITEM_SHARE};
    s->item.weight_exponent = WEIGHT_EXPONENT;
    must(als_train(&matrix, &s->als, &shoppers, &factors, &err) &&
             rank_model_set_factors(&w.judged, &matrix, &factors, &err) &&
             item_item_train(&matrix, &s->item, &w.judged.weights, &err),
         &err);
    write_models(&factors);
    csr_free(&matrix);
    mat_free(&shoppers);
    mat_free(&factors);
    return 0;
}

static int free_world(void **state)
{
    (void)state;
    buf_free(&w.als);
    buf_free(&w.blend);
    buf_free(&w.item_alone);
    buf_free(&w.unfiled);
    rank_model_free(&w.judged);
    return 0;
}

static int forget(void **state)
{
    (void)state;
    arena_free(&w.arena);
    forget_events();
    return 0;
}

/* a1 viewed at second 1, b10 put into the cart at second 2, ranked for an hour after the day began; weights as the ranking weighs them. */
static struct picks ranked_for_two_of(const struct buf *model, pick_filter *keep, float weights[2])
{
    CLEANUP(affinity_free) struct affinity *a = loaded(model);
    struct event events[] = {an_event(EVENT_PRODUCT_VIEWED, .at = 1, .sku = "a1"),
                             an_event(EVENT_CART_ITEM_ADDED, .at = 2, .sku = "b10")};
    const int64_t now_us = TEST_DAY_US + HOURS(1);
    struct picks picks;
    for (int i = 0; i < 2; i++) {
        weights[i] = (float)(affinity_event_weight(events[i].type) *
                             affinity_decay(now_us - events[i].occurred_us));
    }
    const struct shopper *s = shopper_fold_all(NULL, "c:anna", events, 2, INT64_MAX, &w.arena);
    affinity_rank(a, s, now_us, ITEMS - 1, keep, NULL, &picks);
    keep_ids(&picks, &w.arena);
    return picks;
}

static struct picks ranked_for_two(const struct buf *model, float weights[2])
{
    return ranked_for_two_of(model, NULL, weights);
}

/* A pick is not what another is said to be like. */
static bool is_not_viewed(void *ctx, const char *product_id)
{
    (void)ctx;
    return strcmp(product_id, "a1") != 0;
}

static int number_of(const char *id)
{
    for (int i = 0; i < ITEMS; i++) {
        if (strcmp(w.ids[i], id) == 0) {
            return i;
        }
    }
    fail_msg("no product is called %s", id);
    return -1;
}

/* The score of a product among the picks; fails where it is none of them. */
static double score_of(const struct picks *p, const char *id)
{
    for (int i = 0; i < p->count; i++) {
        if (strcmp(p->items[i].product_id, id) == 0) {
            return p->items[i].score;
        }
    }
    fail_msg("%s is not among the picks", id);
    return 0;
}

static void a_blend_ranks_as_the_evaluation_does(void **state)
{
    const int32_t items[] = {1, 10};
    float weights[2];
    float scores[TRAINED];
    struct err err = {0};
    struct rank_scorer scorer;
    (void)state;
    struct picks p = ranked_for_two(&w.blend, weights);
    const struct als_entries done = {2, items, weights};
    must(rank_scorer_open(&w.judged, &scorer, &err) && rank_scores(&scorer, &done, scores, &err),
         &err);
    int told = 0;
    for (int i = 0; i < p.count; i++) {
        if (p.items[i].source != PICK_SESSION) { /* nobody has touched it yet */
            assert_true(number_of(p.items[i].product_id) >= TRAINED);
            continue;
        }
        double expected = (double)scores[number_of(p.items[i].product_id)];
        assert_true(fabs(p.items[i].score - expected) < 1e-4 * (1 + fabs(expected)));
        assert_true(i == 0 || p.items[i].score <= p.items[i - 1].score);
        told++;
    }
    assert_int_equal(told, TRAINED - 1); /* all but what is in the cart */
}

static void a_product_without_a_history_has_the_factors_part_of_the_blend(void **state)
{
    const int32_t items[] = {1, 10};
    float weights[2];
    float factors[FACTORS];
    struct err err = {0};
    struct rank_scorer scorer;
    int told = 0;
    (void)state;
    struct picks blend = ranked_for_two(&w.blend, weights);
    struct picks alone = ranked_for_two(&w.als, weights);
    const struct als_entries done = {2, items, weights};
    must(rank_scorer_open(&w.judged, &scorer, &err) &&
             als_fold_in(&scorer.server, &done, factors, &err),
         &err);
    double norm = rank_factor_norm(w.judged.spectrum, factors, FACTORS, TRAINED);
    for (int i = 0; i < blend.count; i++) {
        if (blend.items[i].source == PICK_NEW) {
            double expected =
                (1 - (double)ITEM_SHARE) * score_of(&alone, blend.items[i].product_id) / norm;
            assert_true(fabs(blend.items[i].score - expected) < 1e-4);
            told++;
        }
    }
    assert_in_range(told, 1, ITEMS - TRAINED);
}

static void what_the_own_products_add_makes_the_score_and_the_most_is_the_reason(void **state)
{
    float weights[2];
    float all[TRAINED] = {0};
    const int32_t items[] = {1, 10};
    double square = 0;
    (void)state;
    struct picks p = ranked_for_two_of(&w.item_alone, is_not_viewed, weights);
    item_item_add_scores(&w.judged.weights, WEIGHT_EXPONENT, 2, items, weights, all);
    for (int i = 0; i < TRAINED; i++) {
        square += (double)all[i] * (double)all[i] / TRAINED;
    }
    int told = 0;
    for (int i = 0; i < p.count; i++) {
        if (p.items[i].source != PICK_SESSION) {
            continue;
        }
        int target = number_of(p.items[i].product_id);
        double part[2];
        for (int o = 0; o < 2; o++) {
            part[o] = sqrt((double)weights[o]) *
                      (double)item_item_weight(&w.judged.weights, items[o], target) / sqrt(square);
        }
        assert_true(fabs(part[0] + part[1] - p.items[i].score) < 1e-4);
        if (pick_relation_is_to_product(p.items[i].relation)) {
            assert_string_equal(p.items[i].because, part[0] >= part[1] ? "a1" : "b10");
            told++;
        }
    }
    assert_true(told >= TASTE);
}

static void a_blend_says_what_it_is(void **state)
{
    CLEANUP(affinity_free) struct affinity *a = loaded(&w.blend);
    (void)state;
    assert_string_equal(affinity_algorithm(a), "blend");
}

static void assert_refused(const char *section, const void *data, const char *why)
{
    CLEANUP(buf_free) struct buf bytes = {0};
    struct err err = {0};
    struct model_file file = {0};
    struct affinity *a = NULL;
    uint8_t sha256[SHA256_BYTES];
    must(model_file_view(w.blend.data, w.blend.len, &file, &err), &err);
    struct model_builder b = model_builder_make(file.kind, file.schema);
    for (int i = 0; i < file.count; i++) {
        const struct model_section *s = &file.sections[i];
        model_builder_add(&b, s->name, s->dtype, strcmp(s->name, section) == 0 ? data : s->data,
                          s->count);
    }
    must(model_builder_finish(&b, &bytes, sha256, &err) &&
             model_file_view(bytes.data, bytes.len, &file, &err),
         &err);
    assert_false(affinity_load(&file, "affinity-1", &a, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_text_contains(err.text, why);
}

static void a_blend_whose_weights_lead_nowhere_is_refused(void **state)
{
    static const float share[2] = {1.5F, 0};
    static const float exponent[2] = {0.5F, -1};
    static int64_t start[TRAINED + 1];
    static int32_t target[TRAINED * TRAINED];
    const struct csr *weights = &w.judged.weights;
    (void)state;
    assert_refused("blend", share, "out of range");
    assert_refused("blend", exponent, "out of range");
    memcpy(start, weights->start, sizeof start);
    start[3] = start[4] + 1;
    assert_refused("item_start", start, "out of order");
    memcpy(target, weights->column, (size_t)csr_entries(weights) * sizeof *target);
    target[0] = 0; /* itself */
    assert_refused("item_target", target, "out of order");
    target[0] = TRAINED;
    assert_refused("item_target", target, "out of order");
}

/* Whether those who have the one turn to the other at least twice as much as those do who have anything. */
static bool speaks_for(int own, int item)
{
    double sum = 0;
    for (int i = 0; i < TRAINED; i++) {
        sum += (double)item_item_weight(&w.judged.weights, i, item);
    }
    const double weight = (double)item_item_weight(&w.judged.weights, own, item);
    return weight > 0 && weight >= 2 * sum / TRAINED;
}

/* Without a category the weights alone say what a cart has to do with a product; what they do not speak for is called popular, or not shown. */
static void beside_a_cart_the_weights_speak_for_what_is_not_called_popular(void **state)
{
    CLEANUP(affinity_free) struct affinity *a = loaded(&w.unfiled);
    int spoken_for = 0;
    int popular = 0;
    (void)state;
    for (int own = 0; own < TRAINED; own++) {
        struct event events[] = {an_event(EVENT_CART_ITEM_ADDED, .at = 1, .sku = w.ids[own])};
        const struct shopper *s = shopper_fold_all(NULL, "c:anna", events, 1, INT64_MAX, &w.arena);
        struct picks p;
        affinity_rank(a, s, TEST_DAY_US + HOURS(1), ITEMS, NULL, NULL, &p);
        for (int i = 0; i < p.count; i++) {
            const int item = (int)strtol(p.items[i].product_id + 1, NULL, 10);
            assert_int_equal(p.items[i].relation,
                             speaks_for(own, item) ? RELATION_TASTE : RELATION_POPULAR);
            spoken_for += p.items[i].relation == RELATION_TASTE;
            popular += p.items[i].relation == RELATION_POPULAR;
        }
    }
    assert_true(spoken_for > TRAINED && popular > TRAINED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_blend_ranks_as_the_evaluation_does, forget),
        cmocka_unit_test_teardown(a_product_without_a_history_has_the_factors_part_of_the_blend,
                                  forget),
        cmocka_unit_test_teardown(
            what_the_own_products_add_makes_the_score_and_the_most_is_the_reason, forget),
        cmocka_unit_test_teardown(beside_a_cart_the_weights_speak_for_what_is_not_called_popular,
                                  forget),
        cmocka_unit_test(a_blend_says_what_it_is),
        cmocka_unit_test(a_blend_whose_weights_lead_nowhere_is_refused),
    };
    return cmocka_run_group_tests(tests, build_world, free_world);
}
