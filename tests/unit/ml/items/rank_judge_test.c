#include "ml/items/rank_judge.h"

#include "ml/linear/blas.h"
#include "unit/ml/ml_spec.h"

enum { M = 120, N = 50, K = 5 };

static struct rank_settings blend_settings(void)
{
    struct rank_settings s = {.kind = RANK_BLEND,
                              .als = als_defaults(),
                              .item = item_item_defaults(),
                              .item_share = 0.4F};
    s.als.factors = 8;
    s.als.sweeps = 3;
    s.als.unobserved_weight = 0.1F;
    s.item.neighbours = 20;
    s.item.kept = 20;
    return s;
}

/* Interactions and what is asked for: disjoint, two in three against one. */
static void split(uint64_t seed, struct csr *known, struct csr *later)
{
    struct csr all = random_interactions(M, N, 0.2, seed);
    *later = random_interactions(M, N, 0.05, seed + 1);
    int64_t kept = 0;
    for (int u = 0; u < M; u++) {
        int64_t from = all.start[u];
        int64_t end = all.start[u + 1];
        all.start[u] = kept;
        for (int64_t e = from; e < end; e++) {
            bool asked = false;
            for (int64_t l = later->start[u]; l < later->start[u + 1]; l++) {
                asked |= later->column[l] == all.column[e];
            }
            if (!asked) {
                all.column[kept] = all.column[e];
                all.weight[kept++] = all.weight[e];
            }
        }
    }
    all.start[M] = kept;
    *known = all;
}

static bool row_has(const struct csr *a, int row, int column)
{
    for (int64_t e = a->start[row]; e < a->start[row + 1]; e++) {
        if (a->column[e] == column) {
            return true;
        }
    }
    return false;
}

/* Items not known that score more, or the same with a lower number. */
static int rank_of(const struct csr *known, int u, const float *scores, int item)
{
    int above = 0;
    for (int i = 0; i < N; i++) {
        bool better = scores[i] > scores[item] || (scores[i] == scores[item] && i < item);
        above += better && !row_has(known, u, i);
    }
    return above;
}

/* One shopper's recall and NDCG by counting ranks, without lists. */
static void by_counting(const struct csr *known, const struct csr *later, int u,
                        const float *scores, struct rank_quality *sum)
{
    const int64_t asked = later->start[u + 1] - later->start[u];
    double hits = 0;
    double gain = 0;
    double ideal = 0;
    for (int64_t e = later->start[u]; e < later->start[u + 1]; e++) {
        int rank = rank_of(known, u, scores, later->column[e]);
        hits += rank < K;
        gain += rank < K ? log(2) / log(rank + 2) : 0;
    }
    for (int rank = 0; rank < K && rank < asked; rank++) {
        ideal += log(2) / log(rank + 2);
    }
    if (asked > 0) {
        sum->recall += hits / (double)asked;
        sum->ndcg += gain / ideal;
        sum->shoppers++;
    }
}

/* The formula of the header, from the parts' own definitions. */
static void blend_by_definition(const struct rank_model *m, const struct rank_scorer *s,
                                const struct als_entries *done, float *out)
{
    float factors[8];
    float item[N] = {0};
    double als[N];
    double als_square = 0;
    double item_square = 0;
    struct err err = {0};
    assert_succeeds(als_fold_in(&s->server, done, factors, &err), err);
    for (int j = 0; j < N; j++) {
        als[j] = (double)mat_dot(factors, mat_row(&m->factors, j), 8);
        for (int i = 0; i < done->count; i++) {
            item[j] += done->weight[i] * item_item_weight(&m->weights, done->column[i], j);
        }
        als_square += als[j] * als[j] / N;
        item_square += (double)item[j] * (double)item[j] / N;
    }
    for (int j = 0; j < N; j++) {
        out[j] =
            (float)(0.6 * als[j] / sqrt(als_square) + 0.4 * (double)item[j] / sqrt(item_square));
    }
}

static void a_blend_scores_as_its_formula_says(void **state)
{
    (void)state;
    struct err err = {0};
    struct csr known;
    struct csr later;
    struct rank_model model;
    struct rank_scorer scorer;
    const struct rank_settings s = blend_settings();
    split(3, &known, &later);
    assert_succeeds(rank_model_train(&known, &s, &model, &err), err);
    assert_succeeds(rank_scorer_open(&model, &scorer, &err), err);
    for (int u = 0; u < M; u++) {
        const int64_t from = known.start[u];
        const struct als_entries done = {(int)(known.start[u + 1] - from), known.column + from,
                                         known.weight + from};
        float expected[N];
        float scores[N];
        blend_by_definition(&model, &scorer, &done, expected);
        assert_succeeds(rank_scores(&scorer, &done, scores, &err), err);
        for (int j = 0; j < N; j++) {
            assert_close(scores[j], expected[j], 2e-4);
        }
    }
    rank_model_free(&model);
    csr_free(&known);
    csr_free(&later);
}

static void recall_and_ndcg_are_those_of_counting_ranks(void **state)
{
    (void)state;
    struct err err = {0};
    struct csr known;
    struct csr later;
    struct rank_model model;
    struct rank_scorer scorer;
    struct rank_quality judged;
    struct rank_quality counted = {0};
    const struct rank_settings s = blend_settings();
    split(8, &known, &later);
    const struct rank_judge judge = {.known = &known, .later = &later, .k = K, .threads = 2};
    assert_succeeds(rank_model_train(&known, &s, &model, &err), err);
    assert_succeeds(rank_judge_model(&judge, &model, &judged, &err), err);
    assert_succeeds(rank_scorer_open(&model, &scorer, &err), err);
    for (int u = 0; u < M; u++) {
        const int64_t from = known.start[u];
        const struct als_entries done = {(int)(known.start[u + 1] - from), known.column + from,
                                         known.weight + from};
        float scores[N];
        assert_succeeds(rank_scores(&scorer, &done, scores, &err), err);
        by_counting(&known, &later, u, scores, &counted);
    }
    assert_int_equal(judged.shoppers, counted.shoppers);
    assert_true(judged.recall > 0);
    assert_close(judged.recall, counted.recall / counted.shoppers, 1e-9);
    assert_close(judged.ndcg, counted.ndcg / counted.shoppers, 1e-9);
    rank_model_free(&model);
    csr_free(&known);
    csr_free(&later);
}

static void the_norm_of_the_factors_scores_needs_no_scores(void **state)
{
    (void)state;
    struct err err = {0};
    struct csr known;
    struct csr later;
    struct rank_model model;
    struct rank_settings s = blend_settings();
    s.kind = RANK_ALS;
    split(5, &known, &later);
    assert_succeeds(rank_model_train(&known, &s, &model, &err), err);
    struct mat shopper = random_mat(1, 8, 2);
    double sum = 0;
    for (int j = 0; j < N; j++) {
        double score = (double)mat_dot(shopper.data, mat_row(&model.factors, j), 8);
        sum += score * score / N;
    }
    assert_close(rank_factor_norm(model.spectrum, shopper.data, 8, N), sqrt(sum), 1e-4 * sqrt(sum));
    mat_free(&shopper);
    rank_model_free(&model);
    csr_free(&known);
    csr_free(&later);
}

static void threads_change_neither_model_nor_judgement(void **state)
{
    (void)state;
    struct err err = {0};
    struct csr known;
    struct csr later;
    struct rank_quality q[2];
    split(4, &known, &later);
    for (int i = 0; i < 2; i++) {
        struct rank_model model;
        struct rank_settings s = blend_settings();
        const struct rank_judge judge = {.known = &known,
                                         .later = &later,
                                         .k = K,
                                         .shoppers_max = 40,
                                         .seed = 3,
                                         .threads = 1 + 2 * i};
        s.als.threads = s.item.threads = 1 + 2 * i;
        assert_succeeds(rank_model_train(&known, &s, &model, &err), err);
        assert_succeeds(rank_judge_model(&judge, &model, &q[i], &err), err);
        rank_model_free(&model);
    }
    assert_int_equal(q[0].shoppers, 40);
    assert_memory_equal(&q[0], &q[1], sizeof q[0]);
    csr_free(&known);
    csr_free(&later);
}

/* Shopper 0 is known by nothing, asks for item 1; shopper 1 knows item 0 and asks for 2 and an item beyond the model. */
static void
a_shopper_without_history_gets_the_cold_scores_and_unknown_items_are_missed(void **state)
{
    (void)state;
    const struct triple known_pairs[] = {{1, 0, 1}, {2, 0, 1}, {2, 2, 1}};
    const struct triple later_pairs[] = {{0, 1, 1}, {1, 2, 1}, {1, 7, 1}};
    const float cold[] = {1, 9, 0};
    struct err err = {0};
    struct csr known;
    struct csr later;
    struct rank_model model;
    struct rank_quality q;
    struct rank_settings s = blend_settings();
    s.kind = RANK_ITEM;
    assert_succeeds(csr_build(3, 3, known_pairs, 3, &known, &err), err);
    assert_succeeds(csr_build(3, 8, later_pairs, 3, &later, &err), err);
    struct rank_judge judge = {
        .known = &known, .later = &later, .cold = cold, .k = 1, .threads = 1};
    assert_succeeds(rank_model_train(&known, &s, &model, &err), err);
    assert_succeeds(rank_judge_model(&judge, &model, &q, &err), err);
    assert_int_equal(q.shoppers, 2);
    assert_close(q.recall, (1 + 0.5) / 2, 1e-12);
    assert_close(q.ndcg, 1, 1e-12);
    judge.cold = NULL;
    assert_succeeds(rank_judge_model(&judge, &model, &q, &err), err);
    assert_close(q.recall, 0.25, 1e-12);
    rank_model_free(&model);
    csr_free(&known);
    csr_free(&later);
}

static int start(void **state)
{
    (void)state;
    blas_init();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_blend_scores_as_its_formula_says),
        cmocka_unit_test(recall_and_ndcg_are_those_of_counting_ranks),
        cmocka_unit_test(the_norm_of_the_factors_scores_needs_no_scores),
        cmocka_unit_test(threads_change_neither_model_nor_judgement),
        cmocka_unit_test(
            a_shopper_without_history_gets_the_cold_scores_and_unknown_items_are_missed),
    };
    TSAN_RUNS_ONLY("thread", tests);
    return cmocka_run_group_tests_name("ml/items/rank_judge", tests, start, NULL);
}
