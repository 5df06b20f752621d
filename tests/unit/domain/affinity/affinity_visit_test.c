/* Visits in the affinity model: what others did next, beside factors and beside a blend, the index that is kept fresh, files that lie. */
#include "domain/affinity/affinity_visit.h"

#include "base/cleanup.h"
#include "ml/items/rank_model.h"
#include "ml/linear/csr.h"
#include "ml/session/session_train.h"
#include "support/spec.h"
#include "unit/domain/affinity/affinity_spec.h"
#include "unit/domain/an_event.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* Shoppers walk along a ring of products, so what was viewed says what comes next, and taste says nothing. */
static const float ITEM_SHARE = 0.6F; /* of the blend */
enum { ITEMS = 60, VISITS = 1500, SHOPPERS = 200, FACTORS = 4, PAIRS = SHOPPERS * 4 };

static struct world {
    char ids[ITEMS][16];
    struct affinity_item items[ITEMS];
    struct als_options options;
    struct mat factors;
    struct rank_model
        judged; /* the same factors and item-item weights, as the evaluation knows them */
    struct session_log log;
    struct session_model visits;
    struct arena arena;
} w;

static void walk(void)
{
    struct rng rng = rng_seed(3);
    for (int v = 0; v < VISITS; v++) {
        int32_t items[5];
        items[0] = (int32_t)rng_below(&rng, ITEMS);
        for (int i = 1; i < 5; i++) {
            items[i] = (items[i - 1] + 1 + (rng_below(&rng, 4) == 0)) % ITEMS;
        }
        session_log_add(&w.log, items, 5);
    }
}

static void judge_blend(const struct csr *matrix)
{
    struct err err = {0};
    w.judged.settings = (struct rank_settings){.kind = RANK_BLEND,
                                               .als = w.options,
                                               .item = item_item_defaults(),
                                               .item_share = ITEM_SHARE};
    must(rank_model_set_factors(&w.judged, matrix, &w.factors, &err) &&
             item_item_train(matrix, &w.judged.settings.item, &w.judged.weights, &err),
         &err);
}

static int build_world(void **state)
{
    struct err err = {0};
    struct triple triples[PAIRS];
    struct csr matrix = {0};
    struct mat shoppers = {0};
    struct rng rng = rng_seed(4);
    struct session_train_options train = session_train_defaults();
    struct session_quality valid;
    (void)state;
    for (int i = 0; i < ITEMS; i++) {
        snprintf(w.ids[i], sizeof w.ids[i], "p%d", i);
        w.items[i] = (struct affinity_item){.id = w.ids[i], .popularity = (float)(ITEMS - i)};
    }
    for (int i = 0; i < PAIRS; i++) {
        triples[i] = (struct triple){i / 4, (int32_t)rng_below(&rng, ITEMS), 1};
    }
    must(csr_build(SHOPPERS, ITEMS, triples, PAIRS, &matrix, &err), &err);
    w.options = als_defaults();
    w.options.factors = FACTORS;
    must(als_train(&matrix, &w.options, &shoppers, &w.factors, &err), &err);
    judge_blend(&matrix);
    walk();
    train.queries_max = 3000;
    must(session_train(&w.log, &train, &w.visits, &valid, &err), &err);
    csr_free(&matrix);
    mat_free(&shoppers);
    return 0;
}

static int free_world(void **state)
{
    (void)state;
    mat_free(&w.factors);
    rank_model_free(&w.judged);
    session_log_free(&w.log);
    session_model_free(&w.visits);
    return 0;
}

static int forget(void **state)
{
    (void)state;
    arena_free(&w.arena);
    forget_events();
    return 0;
}

/* A file with these sections beside the factors, and beside item-item weights where it is a blend. */
static struct buf written_as(bool blend, const struct affinity_section *more, int count)
{
    struct buf out = {0};
    const struct affinity_parts parts = {.items = w.items,
                                         .count = ITEMS,
                                         .trained = ITEMS,
                                         .factors = &w.factors,
                                         .options = &w.options,
                                         .item_scale = w.judged.item_scale,
                                         .shopper_mean = w.judged.shopper_mean,
                                         .weights = blend ? &w.judged.weights : NULL,
                                         .item_share = ITEM_SHARE,
                                         .weight_exponent = w.judged.settings.item.weight_exponent,
                                         .from_us = 1,
                                         .as_of_us = 2,
                                         .card = "{}",
                                         .more = more,
                                         .more_count = count};
    write_affinity(&parts, &out);
    return out;
}

static struct buf written(const struct affinity_section *more, int count)
{
    return written_as(false, more, count);
}

static void visit_sections(float weight, struct affinity_section out[AFFINITY_VISIT_SECTIONS])
{
    affinity_visit_sections(&w.visits, &w.log, weight, &w.arena, out);
}

static struct picks ranked_to(int k, const struct affinity *a, const char *viewed)
{
    struct picks picks;
    struct event events[] = {an_event(EVENT_PRODUCT_VIEWED, .at = 1, .sku = viewed)};
    const struct shopper *s = shopper_fold_all(NULL, "c:anna", events, 1, INT64_MAX, &w.arena);
    affinity_rank(a, s, TEST_DAY_US + MINUTES(5), k, NULL, NULL, &picks);
    return picks;
}

static struct picks ranked(const struct affinity *a, const char *viewed)
{
    return ranked_to(5, a, viewed);
}

static int place_of(const struct picks *picks, const char *id)
{
    for (int i = 0; i < picks->count; i++) {
        if (strcmp(picks->items[i].product_id, id) == 0) {
            return i;
        }
    }
    return -1;
}

/* Evidence that each product is looked at after the one before it. */
enum { NEXT_SECTIONS = 2 };
static void next_sections(struct affinity_section out[NEXT_SECTIONS])
{
    static int64_t start[ITEMS + 1];
    static int32_t target[ITEMS];
    for (int i = 0; i < ITEMS; i++) {
        start[i] = i;
        target[i] = i + 1;
    }
    start[ITEMS] = ITEMS - 1; /* nothing comes after the last */
    out[0] = (struct affinity_section){"next_start", MODEL_I64, start, ITEMS + 1};
    out[1] = (struct affinity_section){"next_target", MODEL_I32, target, ITEMS - 1};
}

static void what_others_did_next_comes_first_and_says_why(void **state)
{
    struct affinity_section more[AFFINITY_VISIT_SECTIONS + NEXT_SECTIONS];
    CLEANUP(affinity_free) struct affinity *a = NULL;
    struct err err = {0};
    (void)state;
    visit_sections(100, more);
    next_sections(more + AFFINITY_VISIT_SECTIONS);
    CLEANUP(buf_free) struct buf bytes = written(more, AFFINITY_VISIT_SECTIONS + NEXT_SECTIONS);
    must(try_loading(&bytes, &a, &err), &err);
    struct picks picks = ranked(a, "p20");
    assert_string_equal(picks.items[0].product_id, "p21");
    assert_int_equal(picks.items[0].source, PICK_SESSION);
    assert_int_equal(picks.items[0].relation, RELATION_NEXT);
    assert_string_equal(picks.items[0].because, "p20");
    assert_in_range(place_of(&picks, "p22"), 1, 4);
}

static void without_weight_or_sections_nothing_changes(void **state)
{
    struct affinity_section more[AFFINITY_VISIT_SECTIONS];
    CLEANUP(affinity_free) struct affinity *with = NULL;
    CLEANUP(affinity_free) struct affinity *without = NULL;
    struct err err = {0};
    (void)state;
    visit_sections(0, more);
    CLEANUP(buf_free) struct buf light = written(more, AFFINITY_VISIT_SECTIONS);
    CLEANUP(buf_free) struct buf plain = written(NULL, 0);
    must(try_loading(&light, &with, &err) && try_loading(&plain, &without, &err), &err);
    assert_true(affinity_visit_weigh(with, 0));
    assert_false(affinity_visit_weigh(without, 0));
    affinity_visit_event(without, "c:bob", EVENT_PRODUCT_VIEWED, "p1", 1);
    struct picks a = ranked(with, "p20");
    struct picks b = ranked(without, "p20");
    assert_string_equal(a.items[0].product_id, b.items[0].product_id);
}

static void what_somebody_does_now_changes_what_the_next_shopper_is_shown(void **state)
{
    struct affinity_section more[AFFINITY_VISIT_SECTIONS];
    CLEANUP(affinity_free) struct affinity *a = NULL;
    struct err err = {0};
    (void)state;
    visit_sections(100, more);
    CLEANUP(buf_free) struct buf bytes = written(more, AFFINITY_VISIT_SECTIONS);
    must(try_loading(&bytes, &a, &err), &err);
    struct picks before = ranked(a, "p20");
    assert_int_equal(place_of(&before, "p45"), -1);
    for (int i = 0; i < 300; i++) {
        char shopper[16];
        snprintf(shopper, sizeof shopper, "c:%d", i);
        affinity_visit_event(a, shopper, EVENT_PRODUCT_VIEWED, "p20", TEST_DAY_US + i);
        affinity_visit_event(a, shopper, EVENT_LIST_VIEWED, "p50", TEST_DAY_US + i);
        affinity_visit_event(a, shopper, EVENT_PRODUCT_VIEWED, "unknown", TEST_DAY_US + i);
        affinity_visit_event(a, shopper, EVENT_PRODUCT_VIEWED, "p45", TEST_DAY_US + i);
    }
    struct picks after = ranked(a, "p20");
    assert_in_range(place_of(&after, "p45"), 0, 4);
    assert_int_equal(place_of(&after, "p50"), -1);
}

static void a_shopper_who_comes_back_begins_another_visit(void **state)
{
    struct affinity_section more[AFFINITY_VISIT_SECTIONS];
    CLEANUP(affinity_free) struct affinity *a = NULL;
    struct err err = {0};
    (void)state;
    visit_sections(100, more);
    CLEANUP(buf_free) struct buf bytes = written(more, AFFINITY_VISIT_SECTIONS);
    must(try_loading(&bytes, &a, &err), &err);
    for (int i = 0; i < 300; i++) {
        char shopper[16];
        snprintf(shopper, sizeof shopper, "c:%d", i);
        affinity_visit_event(a, shopper, EVENT_PRODUCT_VIEWED, "p20", TEST_DAY_US + i);
        affinity_visit_event(a, shopper, EVENT_PRODUCT_VIEWED, "p45",
                             TEST_DAY_US + i + SESSION_GAP_US + 1);
    }
    struct picks after = ranked(a, "p20");
    assert_int_equal(place_of(&after, "p45"), -1);
}

/* ---- many at once ---- */

enum { TELLERS = 2, RANKERS = 2, TOLD_EACH = 150, RANKED_EACH = 50 };

struct one_of_many {
    struct affinity *model;
    const struct shopper *shopper; /* who is ranked for */
    int number;
    int served;
    pthread_t thread;
};

static void *tell_often(void *arg)
{
    const struct one_of_many *o = arg;
    for (int i = 0; i < TOLD_EACH; i++) {
        char shopper[16];
        snprintf(shopper, sizeof shopper, "c:%d", o->number * TOLD_EACH + i);
        affinity_visit_event(o->model, shopper, EVENT_PRODUCT_VIEWED, "p20", TEST_DAY_US + i);
        affinity_visit_event(o->model, shopper, EVENT_PRODUCT_VIEWED, "p45", TEST_DAY_US + i);
    }
    return NULL;
}

static void *rank_often(void *arg)
{
    struct one_of_many *o = arg;
    for (int i = 0; i < RANKED_EACH; i++) {
        struct picks picks;
        affinity_rank(o->model, o->shopper, TEST_DAY_US + MINUTES(5), 5, NULL, NULL, &picks);
        o->served += picks.count == 5;
    }
    return NULL;
}

static void what_many_do_while_many_are_ranked_is_all_kept(void **state)
{
    struct affinity_section more[AFFINITY_VISIT_SECTIONS];
    CLEANUP(affinity_free) struct affinity *a = NULL;
    struct err err = {0};
    struct one_of_many all[TELLERS + RANKERS];
    struct event events[] = {an_event(EVENT_PRODUCT_VIEWED, .at = 1, .sku = "p20")};
    const struct shopper *s = shopper_fold_all(NULL, "c:anna", events, 1, INT64_MAX, &w.arena);
    (void)state;
    visit_sections(100, more);
    CLEANUP(buf_free) struct buf bytes = written(more, AFFINITY_VISIT_SECTIONS);
    must(try_loading(&bytes, &a, &err), &err);
    for (int i = 0; i < TELLERS + RANKERS; i++) {
        all[i] = (struct one_of_many){.model = a, .shopper = s, .number = i};
        assert_int_equal(
            pthread_create(&all[i].thread, NULL, i < TELLERS ? tell_often : rank_often, &all[i]),
            0);
    }
    for (int i = 0; i < TELLERS + RANKERS; i++) {
        assert_int_equal(pthread_join(all[i].thread, NULL), 0);
        assert_int_equal(all[i].served, i < TELLERS ? 0 : RANKED_EACH);
    }
    struct picks after = ranked(a, "p20");
    assert_in_range(place_of(&after, "p45"), 0, 4);
}

/* ---- beside a blend ---- */

/* Of each product (out, ITEMS): what the evaluation's formula says to somebody who viewed p20 five minutes ago. */
static void blend_scores(float out[ITEMS])
{
    const int32_t item = 20;
    struct rank_scorer scorer;
    struct err err = {0};
    const struct event e = an_event(EVENT_PRODUCT_VIEWED, .at = 1, .sku = "p20");
    const float weight = (float)(affinity_event_weight(e.type) *
                                 affinity_decay(TEST_DAY_US + MINUTES(5) - e.occurred_us));
    const struct als_entries done = {1, &item, &weight};
    must(rank_scorer_open(&w.judged, &scorer, &err) && rank_scores(&scorer, &done, out, &err),
         &err);
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

/* What is left of each candidate's score (out, ITEMS; 0 of products that are none) without the formula. Answers the candidates. */
static int added_by_visits(struct affinity *a, float weight, double out[ITEMS])
{
    float base[ITEMS];
    int candidates = 0;
    assert_true(affinity_visit_weigh(a, weight));
    struct picks picks = ranked_to(ITEMS, a, "p20");
    blend_scores(base);
    memset(out, 0, ITEMS * sizeof *out);
    for (int i = 0; i < picks.count; i++) {
        if (picks.items[i].source == PICK_SESSION) {
            int item = number_of(picks.items[i].product_id);
            out[item] = picks.items[i].score - (double)base[item];
            candidates++;
        }
    }
    return candidates;
}

static void a_blends_score_is_the_evaluations_formula_and_the_weighed_chances(void **state)
{
    struct affinity_section more[AFFINITY_VISIT_SECTIONS];
    CLEANUP(affinity_free) struct affinity *a = NULL;
    struct err err = {0};
    double none[ITEMS];
    double once[ITEMS];
    double twice[ITEMS];
    double sum = 0;
    (void)state;
    visit_sections(1, more);
    CLEANUP(buf_free) struct buf bytes = written_as(true, more, AFFINITY_VISIT_SECTIONS);
    must(try_loading(&bytes, &a, &err), &err);
    assert_string_equal(affinity_algorithm(a), "blend");
    assert_in_range(added_by_visits(a, 0, none), 20, ITEMS);
    added_by_visits(a, 1, once);
    added_by_visits(a, 2, twice);
    for (int i = 0; i < ITEMS; i++) {
        assert_true(fabs(none[i]) < 1e-4);
        assert_true(once[i] > -1e-4);
        assert_true(fabs(twice[i] - 2 * once[i]) < 1e-3);
        sum += once[i];
    }
    assert_true(fabs(sum - sqrt(ITEMS)) < 1e-2); /* chances of one visit's next product */
    assert_true(once[21] > 0.2 * sqrt(ITEMS));   /* three of four go there */
}

static void visits_that_weigh_most_in_a_blend_are_the_reason(void **state)
{
    struct affinity_section more[AFFINITY_VISIT_SECTIONS + NEXT_SECTIONS];
    CLEANUP(affinity_free) struct affinity *a = NULL;
    struct err err = {0};
    (void)state;
    visit_sections(100, more);
    next_sections(more + AFFINITY_VISIT_SECTIONS);
    CLEANUP(buf_free)
    struct buf bytes = written_as(true, more, AFFINITY_VISIT_SECTIONS + NEXT_SECTIONS);
    must(try_loading(&bytes, &a, &err), &err);
    struct picks picks = ranked(a, "p20");
    assert_string_equal(picks.items[0].product_id, "p21");
    assert_int_equal(picks.items[0].relation, RELATION_NEXT);
    assert_string_equal(picks.items[0].because, "p20");
}

/* Each lie stands in a file whose checksums are right. */
static void check_refused(int section, const void *data, uint64_t count, const char *part)
{
    struct affinity_section more[AFFINITY_VISIT_SECTIONS];
    struct affinity *a = NULL;
    struct err err = {0};
    visit_sections(1, more);
    more[section].data = data;
    more[section].count = count;
    CLEANUP(buf_free) struct buf bytes = written(more, AFFINITY_VISIT_SECTIONS);
    if (try_loading(&bytes, &a, &err)) {
        affinity_free(&a);
        fail_msg("section %s: a lie was believed", more[section].name);
    }
    assert_int_equal(err.kind, ERR_INVALID);
    assert_text_contains(err.text, part);
}

static void files_that_lie_about_visits_are_refused(void **state)
{
    struct affinity_section honest[AFFINITY_VISIT_SECTIONS];
    (void)state;
    visit_sections(1, honest);
    for (int s = 0; s < AFFINITY_VISIT_SECTIONS; s++) {
        check_refused(s, honest[s].data, honest[s].count - 1, "");
    }
    int32_t shape[6];
    memcpy(shape, honest[0].data, sizeof shape);
    shape[0] = 99;
    check_refused(0, shape, 6, "train it again");
    shape[0] = 1;
    shape[1] = ITEMS + 1;
    check_refused(0, shape, 6, "61 items");
    const float negative = -1;
    check_refused(2, &negative, 1, "weight");
    int32_t *edges = arena_alloc(&w.arena, honest[4].count * sizeof *edges);
    memcpy(edges, honest[4].data, honest[4].count * sizeof *edges);
    edges[3] = ITEMS;
    check_refused(4, edges, honest[4].count, "out of range");
    int32_t *items = arena_alloc(&w.arena, honest[9].count * sizeof *items);
    memcpy(items, honest[9].data, honest[9].count * sizeof *items);
    items[0] = -1;
    check_refused(9, items, honest[9].count, "out of range");
    uint8_t *bins = arena_alloc(&w.arena, honest[10].count);
    memcpy(bins, honest[10].data, honest[10].count);
    bins[5] = 200;
    check_refused(10, bins, honest[10].count, "bin 200");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_others_did_next_comes_first_and_says_why, forget),
        cmocka_unit_test_teardown(without_weight_or_sections_nothing_changes, forget),
        cmocka_unit_test_teardown(what_somebody_does_now_changes_what_the_next_shopper_is_shown,
                                  forget),
        cmocka_unit_test_teardown(a_shopper_who_comes_back_begins_another_visit, forget),
        cmocka_unit_test_teardown(what_many_do_while_many_are_ranked_is_all_kept, forget),
        cmocka_unit_test_teardown(a_blends_score_is_the_evaluations_formula_and_the_weighed_chances,
                                  forget),
        cmocka_unit_test_teardown(visits_that_weigh_most_in_a_blend_are_the_reason, forget),
        cmocka_unit_test_teardown(files_that_lie_about_visits_are_refused, forget),
    };
    return cmocka_run_group_tests(tests, build_world, free_world);
}
