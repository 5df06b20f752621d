/* Evaluation on a small shop whose truth is known: what is measured, who is judged, and that nothing is left behind. */
#include "integration/train_spec.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/rng.h"
#include "evaluate/evaluate.h"
#include "sim/sim_world.h"
#include "support/folder.h"
#include "support/spec.h"

#include <glob.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct flow_bench bench;

/* Which only a training goes on from, and only its end removes. */
static void assert_no_checkpoints(void)
{
    char pattern[sizeof bench.config.data_dir + 32];
    glob_t found;

    (void)snprintf(pattern, sizeof pattern, "%s/models/training-*", bench.config.data_dir);
    assert_int_equal(glob(pattern, 0, NULL, &found), GLOB_NOMATCH);
}

static int open_bench(void **state)
{
    (void)state;
    flow_open(&bench, "evaluate");
    (void)snprintf(bench.config.data_dir, sizeof bench.config.data_dir, "%s", folder_of_run());
    bench.config.factors = 16;
    return 0;
}

static int close_bench(void **state)
{
    (void)state;
    flow_close(&bench);
    return 0;
}

static int forget(void **state)
{
    (void)state;
    forget_everything(&bench);
    forget_models(&bench);
    run_sql(&bench, "TRUNCATE cartwright.product");
    return 0;
}

static struct evaluate_options quiet(enum evaluate_kind kind)
{
    return (struct evaluate_options){.kind = kind,
                                     .as_of_us = INT64_MAX,
                                     .cut_us = INT64_MIN,
                                     .horizon_us = MINUTES(30),
                                     .ahead_rows_max = QUIET_AHEAD_ROWS,
                                     .seed = 1,
                                     .k = 10,
                                     .json = true};
}

/* What was printed, in the bench's arena; NULL where it failed. */
static const char *try_evaluation(const struct evaluate_options *options, struct err *err)
{
    struct evaluate_options o = *options;
    char *text = NULL;
    size_t len = 0;
    o.progress = fopen("/dev/null", "w");
    o.out = open_memstream(&text, &len);
    assert_non_null(o.progress);
    assert_non_null(o.out);
    bool ok = evaluate_run(&bench.database, &bench.config, &o, err);
    (void)fclose(o.progress);
    (void)fclose(o.out);
    const char *kept = ok ? arena_strdup(&bench.arena, text) : NULL;
    free(text);
    return kept;
}

static const char *evaluated(const struct evaluate_options *options)
{
    struct err err = {0};
    const char *text = try_evaluation(options, &err);
    if (!text) {
        fail_msg("evaluate: %s", err.text);
    }
    return text;
}

static json_t *evaluated_json(const struct evaluate_options *options)
{
    json_t *result = json_loads(evaluated(options), 0, NULL);
    assert_non_null(result);
    return result;
}

/* The page that an evaluation writes, and what it prints; both in the bench's arena. */
static const char *page_of(const struct evaluate_options *options, const char **printed)
{
    enum { PAGE_MAX = 1 << 20 };
    char path[] = "/tmp/evaluate_test.XXXXXX";
    struct evaluate_options o = *options;
    char *page = arena_alloc(&bench.arena, PAGE_MAX);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    o.report = path;
    *printed = evaluated(&o);
    (void)close(fd);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    size_t len = fread(page, 1, PAGE_MAX - 1, f);
    (void)fclose(f);
    (void)unlink(path);
    assert_in_range(len, 10000, PAGE_MAX - 2);
    assert_text_contains(page, "</html>");
    return page;
}

/* A shop that is enough for models. What several tests look at is evaluated once: two trainings a kind, the second with a report. */
static void open_small_shop(void)
{
    open_shop(&bench, &(struct shop){
                          .shoppers = SHOPPERS_ENOUGH, .taste = true, .effect = true, .seed = 3});
}

struct looked {
    const char *figures;
    const char *again; /* the same log and seed once more */
    const char *page;
    int64_t models; /* stored, after both */
};

static const struct looked *at_small_shop(enum evaluate_kind kind)
{
    static struct looked all[EVALUATE_RISK + 1];
    struct looked *l = &all[kind];
    if (l->figures == NULL) {
        const struct evaluate_options o = quiet(kind);
        open_small_shop();
        l->figures = evaluated(&o);
        l->page = page_of(&o, &l->again);
        l->models = count_of(&bench, "SELECT count(*) FROM cartwright.model");
    }
    return l;
}

static json_t *figures_of_small_shop(enum evaluate_kind kind)
{
    json_t *result = json_loads(at_small_shop(kind)->figures, 0, NULL);
    assert_non_null(result);
    return result;
}

/* A number by path: "any_product", "models", "0", "ndcg", "low". */
#define NUMBER(root, ...) number_at(root, (const char *const[]){__VA_ARGS__, NULL})
static double number_at(const json_t *root, const char *const *path)
{
    for (; *path; path++) {
        root = json_is_array(root) ? json_array_get(root, strtoul(*path, NULL, 10))
                                   : json_object_get(root, *path);
    }
    if (!json_is_number(root)) {
        fail_msg("%s", "there is no number at that path");
    }
    return json_number_value(root);
}

/* ---- affinity ---- */

/* Whether training found spreading the picks free: then the same model by score alone stands beside it, last. */
static int spreads(const json_t *r)
{
    return json_object_get(r, "spreading") != NULL;
}

static void planted_tastes_are_seen_beside_the_baselines(void **state)
{
    const struct evaluate_options o = quiet(EVALUATE_AFFINITY);
    (void)state;
    open_shop(&bench,
              &(struct shop){.shoppers = SHOPPERS_MANY, .taste = true, .effect = true, .seed = 1});
    json_t *r = evaluated_json(&o);
    /* als, popularity, last viewed: shoppers keep to their group, which popularity cannot know */
    assert_true(NUMBER(r, "any_product", "shoppers") * 7 >= SHOPPERS_MANY);
    if (SHOP_IS_LARGE) { /* the intervals of a small one may overlap by chance */
        assert_true(NUMBER(r, "new_products", "models", "0", "ndcg_above_popularity", "low") > 0);
        assert_true(NUMBER(r, "new_products", "models", "0", "ndcg", "low") >
                    NUMBER(r, "new_products", "models", "1", "ndcg", "high"));
    }
    assert_true(NUMBER(r, "any_product", "models", "2", "mrr", "value") >= 0);
    assert_int_equal(json_array_size(json_object_get(json_object_get(r, "new_products"), "models")),
                     2 + spreads(r));
    assert_true(NUMBER(r, "spread", "0", "coverage") > NUMBER(r, "spread", "1", "coverage"));
    assert_true(NUMBER(r, "spread", "0", "most_shown") < NUMBER(r, "spread", "1", "most_shown"));
    assert_true(NUMBER(r, "spread", "1", "most_shown") <= 1);
    json_decref(r);
}

/* Views and additions of the demo shop's people, a month of theirs in a day and a half: most of its 300 products suit few. */
static void open_demo_shop(void)
{
    enum { SHOPPERS = 500, VISITS = 4, MOST = SHOPPERS * VISITS * 10 };
    CLEANUP(sim_world_free) struct sim_world world = {0};
    struct told *told = arena_array(&bench.arena, MOST, sizeof *told);
    struct rng r = rng_seed(4);
    size_t count = 0;
    sim_world_make(&world, 1, SHOPPERS);
    for (int v = 0; v < SHOPPERS * VISITS && count < MOST - SIM_VISIT_EVENTS_MAX; v++) {
        const int64_t from_s = (int64_t)rng_below(&r, 130000);
        struct sim_visit visit;
        sim_visit_make(&world, v / VISITS, v % VISITS, START_US, &visit);
        for (int i = 0; i < visit.count; i++) {
            const struct sim_event *e = &visit.events[i];
            if (e->product >= 0) {
                told[count++] =
                    (struct told){.id = arena_printf(&bench.arena, "d%d-%d", v, i),
                                  .type = event_type_name(e->type),
                                  .customer = arena_printf(&bench.arena, "d%d", v / VISITS),
                                  .product = world.products[e->product].id,
                                  .at_s = from_s + (e->at_us - START_US) / 1000000};
            }
        }
    }
    tell_all(&bench, told, count);
}

/* In one run, on the same shoppers: what the spreading of picks brings, and what it costs. */
static void spreading_is_measured_beside_the_same_model_by_score_alone(void **state)
{
    struct evaluate_options o = quiet(EVALUATE_AFFINITY);
    (void)state;
    open_demo_shop();
    json_t *r = evaluated_json(&o);
    assert_true(spreads(r));
    const json_t *spread = json_object_get(r, "spread");
    const json_t *by_score = json_array_get(spread, json_array_size(spread) - 1);
    assert_text_contains(json_string_value(json_object_get(by_score, "model")), "by score alone");
    assert_true(NUMBER(r, "spread", "0", "coverage") >= NUMBER(by_score, "coverage"));
    assert_true(NUMBER(r, "spread", "0", "coverage_first_3") >=
                NUMBER(by_score, "coverage_first_3"));
    assert_true(NUMBER(r, "coverage_at_most") >= NUMBER(r, "spread", "0", "coverage"));
    const double spread_ndcg = NUMBER(r, "any_product", "models", "0", "ndcg", "value");
    const double plain_ndcg = NUMBER(r, "any_product", "models", "3", "ndcg", "value");
    assert_true(fabs(NUMBER(r, "spreading", "any_product", "ndcg_difference", "value") -
                     (spread_ndcg - plain_ndcg)) < 1e-9);
    assert_true(NUMBER(r, "spreading", "new_products", "ndcg_difference_first_3", "high") >= 0);
    json_decref(r);
    (void)forget(state); /* what the table says of it, any shop shows */
    open_small_shop();
    o.json = false;
    o.spread_given = true;
    o.spread = .5;
    assert_text_contains(evaluated(&o), "what spreading costs, shopper by shopper");
}

/* More than is free may be asked for, to see the price. */
static void how_far_to_spread_may_be_said(void **state)
{
    struct evaluate_options o = quiet(EVALUATE_AFFINITY);
    double shown[2];
    (void)state;
    open_demo_shop();
    o.spread_given = true;
    for (int i = 0; i < 2; i++) {
        o.spread = .5 * i;
        json_t *r = evaluated_json(&o);
        assert_int_equal(spreads(r), i > 0);
        shown[i] =
            NUMBER(r, "spread", "0", "coverage") + NUMBER(r, "spread", "0", "coverage_first_3");
        json_decref(r);
    }
    assert_true(shown[1] > shown[0]);
}

static void without_tastes_nothing_is_claimed(void **state)
{
    const struct evaluate_options o = quiet(EVALUATE_AFFINITY);
    (void)state;
    open_shop(&bench, &(struct shop){
                          .shoppers = SHOPPERS_MANY, .taste = false, .effect = false, .seed = 2});
    json_t *r = evaluated_json(&o);
    assert_true(NUMBER(r, "new_products", "models", "0", "ndcg_above_popularity", "low") <= 0);
    json_decref(r);
}

static void the_same_log_and_seed_give_the_same_figures(void **state)
{
    const struct looked *l = at_small_shop(EVALUATE_AFFINITY);
    (void)state;
    assert_string_equal(l->figures, l->again);
    assert_int_equal(l->models, 0);
}

static void the_serving_model_is_judged_only_where_its_log_ended_before_the_cut(void **state)
{
    struct evaluate_options o = quiet(EVALUATE_AFFINITY);
    struct trained_shop trained = {0};
    struct err err = {0};
    (void)state;
    open_shop(&bench,
              &(struct shop){.shoppers = SHOPPERS_MANY, .taste = true, .effect = true, .seed = 1});
    struct train_options early = quiet_options();
    early.kind = TRAIN_AFFINITY;
    early.as_of_us = SHOP_TIME_US(SHOPPERS_MANY, .72);
    assert_true(try_training(&bench, &early, &trained, &err));
    assert_true(trained.affinity.promoted);
    json_t *r = evaluated_json(&o);
    json_t *models = json_object_get(json_object_get(r, "any_product"), "models");
    assert_int_equal(json_array_size(models), 4 + spreads(r));
    assert_string_equal(json_string_value(json_object_get(json_array_get(models, 1), "model")),
                        "affinity-als-2, serving");
    json_decref(r);
    /* the same with a cut inside its log: it has seen what it would be asked */
    o.cut_us = SHOP_TIME_US(SHOPPERS_MANY, .6);
    r = evaluated_json(&o);
    models = json_object_get(json_object_get(r, "any_product"), "models");
    assert_int_equal(json_array_size(models), 3 + spreads(r));
    assert_text_contains(json_string_value(json_object_get(r, "serving")), "unfair");
    json_decref(r);
}

static void the_report_is_one_page_that_needs_nothing_else(void **state)
{
    const char *page = at_small_shop(EVALUATE_AFFINITY)->page;
    (void)state;
    assert_text_contains(page, "<svg");
    assert_null(strstr(page, "http"));
    assert_null(strstr(page, "nan"));
}

static void tables_say_the_same_as_json(void **state)
{
    struct evaluate_options o = quiet(EVALUATE_AFFINITY);
    char ndcg[32];
    (void)state;
    json_t *r = figures_of_small_shop(EVALUATE_AFFINITY);
    (void)forget(state); /* whoever is first to look has filled it */
    open_small_shop();
    o.json = false;
    const char *text = evaluated(&o);
    (void)snprintf(ndcg, sizeof ndcg, "%.4f",
                   NUMBER(r, "any_product", "models", "0", "ndcg", "value"));
    assert_text_contains(text, ndcg);
    assert_text_contains(text, "popularity");
    assert_text_contains(text, "last viewed");
    json_decref(r);
}

static void too_little_to_judge_is_refused_with_what_is_missing(void **state)
{
    struct evaluate_options o = quiet(EVALUATE_AFFINITY);
    struct err err = {0};
    (void)state;
    assert_null(try_evaluation(&o, &err));
    assert_int_equal(err.kind, ERR_REFUSED);
    open_shop(&bench, &(struct shop){.shoppers = 20, .taste = true, .effect = true, .seed = 4});
    assert_null(try_evaluation(&o, &err));
    assert_int_equal(err.kind, ERR_REFUSED);
    assert_text_contains(err.text, "too little");
    o.cut_us = START_US + HOURS(1000);
    assert_null(try_evaluation(&o, &err));
    assert_int_equal(err.kind, ERR_REFUSED);
}

static void a_cut_outside_of_the_log_is_refused_however_far(void **state)
{
    static const int64_t cuts[] = {START_US - HOURS(1), SHOP_TIME_US(SHOPPERS_ENOUGH, 3),
                                   START_US + DAYS(4000)};
    (void)state;
    open_small_shop();
    for (size_t i = 0; i < COUNT_OF(cuts); i++) {
        for (int kind = EVALUATE_AFFINITY; kind <= EVALUATE_RISK; kind++) {
            struct evaluate_options o = quiet((enum evaluate_kind)kind);
            struct err err = {0};
            o.cut_us = cuts[i];
            assert_null(try_evaluation(&o, &err));
            assert_int_equal(err.kind, ERR_REFUSED);
            assert_text_contains(err.text, "within the log");
        }
    }
}

/* ---- products without a history ---- */

/* Every product of open_shop; its category is its group's, or one of six that say nothing. */
static void file_products(bool by_group)
{
    run_sql(&bench,
            by_group ? "INSERT INTO cartwright.product (product_id, category, source, updated_at) "
                       "SELECT 'p' || g || '-' || n, 'group ' || g, 'api', now() "
                       "FROM generate_series(0, 5) g, generate_series(0, 11) n"
                     : "INSERT INTO cartwright.product (product_id, category, source, updated_at) "
                       "SELECT 'p' || g || '-' || n, 'shelf ' || (n * 7 + g * 5) % 6, 'api', now() "
                       "FROM generate_series(0, 5) g, generate_series(0, 11) n");
}

static void products_without_a_history_are_found_where_the_catalogue_tells_of_tastes(void **state)
{
    const struct evaluate_options o = quiet(EVALUATE_AFFINITY);
    (void)state;
    file_products(true);
    open_shop(&bench, &(struct shop){.shoppers = 1500, .taste = true, .effect = true, .seed = 1});
    json_t *r = evaluated_json(&o);
    assert_true(NUMBER(r, "without_history", "products") >= 5);
    assert_true(NUMBER(r, "without_history", "shoppers") >= 20);
    assert_true(NUMBER(r, "without_history", "placed_products") >= 5);
    /* shoppers keep to their group: the few new ones of it are all that can be right */
    assert_true(NUMBER(r, "without_history", "placed", "recall", "value") > 0.95);
    /* among all products they have to stand beside those that are known well */
    assert_true(NUMBER(r, "without_history", "placed", "recall_among_all", "value") >
                NUMBER(r, "without_history", "popular_in_category", "recall_among_all", "high"));
    json_decref(r);
    assert_no_checkpoints();
}

static void where_the_catalogue_says_nothing_no_product_is_placed(void **state)
{
    const struct evaluate_options o = quiet(EVALUATE_AFFINITY);
    (void)state;
    file_products(false);
    open_shop(&bench, &(struct shop){.shoppers = 1500, .taste = true, .effect = true, .seed = 1});
    json_t *r = evaluated_json(&o);
    assert_true(NUMBER(r, "without_history", "products") >= 5);
    assert_int_equal((int)NUMBER(r, "without_history", "placed_products"), 0);
    json_decref(r);
}

/* ---- risk ---- */

static void a_planted_effect_is_seen_beside_the_base_rate(void **state)
{
    const struct evaluate_options o = quiet(EVALUATE_RISK);
    (void)state;
    open_shop(&bench,
              &(struct shop){.shoppers = SHOPPERS_MANY, .taste = true, .effect = true, .seed = 1});
    json_t *r = evaluated_json(&o);
    assert_true(NUMBER(r, "models", "0", "brier_skill", "low") > 0.1);
    assert_true(NUMBER(r, "models", "0", "auc", "low") > 0.6);
    assert_true(NUMBER(r, "models", "0", "log_loss", "value") <
                NUMBER(r, "models", "1", "log_loss", "value"));
    assert_true(NUMBER(r, "models", "0", "calibration_error", "low") <=
                NUMBER(r, "models", "0", "calibration_error", "high"));
    assert_true(fabs(NUMBER(r, "models", "1", "brier_skill", "value")) < 1e-12);
    assert_true(NUMBER(r, "feature_psi", "shipping") < 0.1); /* every other cart, early and late */
    json_decref(r);
}

static void where_nothing_foretells_the_loss_no_skill_is_claimed(void **state)
{
    const struct evaluate_options o = quiet(EVALUATE_RISK);
    (void)state;
    open_shop(&bench, &(struct shop){
                          .shoppers = SHOPPERS_MANY, .taste = false, .effect = false, .seed = 2});
    json_t *r = evaluated_json(&o);
    assert_true(NUMBER(r, "models", "0", "brier_skill", "low") <= 0);
    json_decref(r);
}

static void segments_of_one_question_share_the_moments_out_among_them(void **state)
{
    size_t i;
    json_t *s;
    json_int_t visits = 0;
    json_int_t orders = 0;
    (void)state;
    json_t *r = figures_of_small_shop(EVALUATE_RISK);
    json_array_foreach (json_object_get(r, "segments"), i, s) {
        const char *name = json_string_value(json_object_get(s, "carts_of"));
        json_int_t moments = json_integer_value(json_object_get(s, "moments"));
        visits += strcmp(name, "first visit") == 0 || strcmp(name, "came back") == 0 ? moments : 0;
        orders += strstr(name, "bought before") ? moments : 0;
    }
    json_int_t all = json_integer_value(json_object_get(r, "moments"));
    assert_true(all > 100);
    assert_int_equal(visits, all);
    assert_int_equal(orders, all);
    json_decref(r);
}

static void risk_stores_no_model_and_gives_the_same_figures_again(void **state)
{
    const struct looked *l = at_small_shop(EVALUATE_RISK);
    (void)state;
    assert_string_equal(l->figures, l->again);
    assert_int_equal(l->models, 0);
}

static void the_report_on_risk_is_one_page_too(void **state)
{
    const char *page = at_small_shop(EVALUATE_RISK)->page;
    (void)state;
    assert_text_contains(page, "Reliability");
    assert_text_contains(page, "Drift");
    assert_null(strstr(page, "http"));
    assert_null(strstr(page, "nan"));
}

static void too_little_to_train_a_machine_is_refused(void **state)
{
    const struct evaluate_options o = quiet(EVALUATE_RISK);
    struct err err = {0};
    (void)state;
    open_shop(&bench, &(struct shop){.shoppers = 20, .taste = true, .effect = true, .seed = 4});
    assert_null(try_evaluation(&o, &err));
    assert_int_equal(err.kind, ERR_REFUSED);
    assert_text_contains(err.text, "too little");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(planted_tastes_are_seen_beside_the_baselines, forget),
        cmocka_unit_test_setup(spreading_is_measured_beside_the_same_model_by_score_alone, forget),
        cmocka_unit_test_setup(how_far_to_spread_may_be_said, forget),
        cmocka_unit_test_setup(without_tastes_nothing_is_claimed, forget),
        cmocka_unit_test_setup(the_same_log_and_seed_give_the_same_figures, forget),
        cmocka_unit_test_setup(the_serving_model_is_judged_only_where_its_log_ended_before_the_cut,
                               forget),
        cmocka_unit_test_setup(the_report_is_one_page_that_needs_nothing_else, forget),
        cmocka_unit_test_setup(tables_say_the_same_as_json, forget),
        cmocka_unit_test_setup(too_little_to_judge_is_refused_with_what_is_missing, forget),
        cmocka_unit_test_setup(a_cut_outside_of_the_log_is_refused_however_far, forget),
        cmocka_unit_test_setup(
            products_without_a_history_are_found_where_the_catalogue_tells_of_tastes, forget),
        cmocka_unit_test_setup(where_the_catalogue_says_nothing_no_product_is_placed, forget),
        cmocka_unit_test_setup(a_planted_effect_is_seen_beside_the_base_rate, forget),
        cmocka_unit_test_setup(where_nothing_foretells_the_loss_no_skill_is_claimed, forget),
        cmocka_unit_test_setup(segments_of_one_question_share_the_moments_out_among_them, forget),
        cmocka_unit_test_setup(risk_stores_no_model_and_gives_the_same_figures_again, forget),
        cmocka_unit_test_setup(the_report_on_risk_is_one_page_too, forget),
        cmocka_unit_test_setup(too_little_to_train_a_machine_is_refused, forget),
    };
    return cmocka_run_group_tests(tests, open_bench, close_bench);
}
