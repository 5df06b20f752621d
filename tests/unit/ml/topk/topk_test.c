#include "ml/topk/topk.h"

#include "unit/ml/ml_spec.h"

#include <stdlib.h>

enum { N = 1300, K = 24 };

static int by_score_then_id(const void *a, const void *b)
{
    const struct topk_hit *x = a;
    const struct topk_hit *y = b;
    if (x->score != y->score) {
        return x->score < y->score ? 1 : -1;
    }
    return (x->id > y->id) - (x->id < y->id);
}

/* All allowed items, sorted: the answer by brute force. */
static int brute(const struct mat *items, const float *query, const struct topk_filter *filter,
                 struct topk_hit *out)
{
    int count = 0;
    for (int id = 0; id < items->rows; id++) {
        bool out_of_it =
            filter && ((filter->excluded && (filter->excluded[id / 64] >> (id % 64) & 1)) ||
                       (filter->keep && !filter->keep(filter->ctx, id)));
        if (!out_of_it) {
            out[count++] = (struct topk_hit){id, mat_dot(mat_row(items, id), query, items->cols)};
        }
    }
    qsort(out, (size_t)count, sizeof *out, by_score_then_id);
    return count;
}

static bool is_odd(void *ctx, int id)
{
    (void)ctx;
    return id % 2 == 1;
}

/* Items of which every third is a copy of another, so that ties are common. */
static struct mat items_with_ties(void)
{
    struct mat items = random_mat(N, K, 21);
    for (int i = 3; i < N; i += 3) {
        memcpy(mat_row(&items, i), mat_row(&items, i / 2), K * sizeof(float));
    }
    return items;
}

static void the_answer_is_that_of_brute_force_under_every_filter(void **state)
{
    (void)state;
    static uint64_t excluded[N / 64 + 1];
    static struct topk_hit expected[N];
    static struct topk_hit actual[N];
    struct rng rng = rng_seed(5);
    for (int i = 0; i < N; i += 1 + (int)rng_below(&rng, 5)) {
        excluded[i / 64] |= UINT64_C(1) << (i % 64);
    }
    const struct topk_filter filters[] = {
        {0}, {.excluded = excluded}, {.keep = is_odd}, {.excluded = excluded, .keep = is_odd}};
    const int ks[] = {0, 1, 2, 20, N - 1, N};
    struct mat items = items_with_ties();
    struct mat queries = random_mat(3, K, 22);
    for (size_t f = 0; f < COUNT_OF(filters); f++) {
        for (size_t i = 0; i < COUNT_OF(ks); i++) {
            const float *query = mat_row(&queries, (int)i % 3);
            int all = brute(&items, query, &filters[f], expected);
            int count = topk_search(&items, query, ks[i], &filters[f], actual);
            assert_int_equal(count, all < ks[i] ? all : ks[i]);
            assert_memory_equal(actual, expected, (size_t)count * sizeof *actual);
        }
    }
    mat_free(&items);
    mat_free(&queries);
}

static void equal_scores_are_ordered_by_lower_id(void **state)
{
    (void)state;
    struct mat items = mat_make(10, 2);
    struct topk_hit hits[4];
    const float query[] = {1, 1};
    assert_int_equal(topk_search(&items, query, 4, NULL, hits), 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(hits[i].id, i);
    }
    mat_free(&items);
}

static void more_than_there_are_gives_all_there_are(void **state)
{
    (void)state;
    struct mat items = random_mat(3, 2, 1);
    struct topk_hit hits[100];
    const float query[] = {1, 1};
    assert_int_equal(topk_search(&items, query, 100, NULL, hits), 3);
    struct mat none = mat_make(0, 2);
    assert_int_equal(topk_search(&none, query, 100, NULL, hits), 0);
    mat_free(&items);
    mat_free(&none);
}

static void a_batch_answers_as_single_queries_do_bit_for_bit(void **state)
{
    (void)state;
    enum { Q = 9, TOP = 20 };
    static uint64_t excluded[N / 64 + 1];
    excluded[0] = UINT64_MAX;
    static struct topk_hit batch[Q * TOP];
    int counts[Q];
    struct topk_filter filters[Q] = {{.excluded = excluded}, {.keep = is_odd}};
    struct mat items = items_with_ties();
    struct mat queries = random_mat(Q, K, 23);
    topk_batch(&items, &queries, TOP, filters, batch, counts);
    for (int q = 0; q < Q; q++) {
        struct topk_hit single[TOP];
        assert_int_equal(topk_search(&items, mat_row(&queries, q), TOP, &filters[q], single),
                         counts[q]);
        assert_memory_equal(single, batch + (ptrdiff_t)q * TOP, sizeof single);
    }
    mat_free(&items);
    mat_free(&queries);
}

static void a_score_that_is_not_a_number_is_never_answered(void **state)
{
    (void)state;
    const float scores[] = {1, NAN, 3, -INFINITY, NAN};
    struct topk_hit hits[5];
    assert_int_equal(topk_of_scores(scores, 5, 5, NULL, hits), 3);
    assert_int_equal(hits[0].id, 2);
    assert_int_equal(hits[1].id, 0);
    assert_int_equal(hits[2].id, 3);
}

/* Whether the item passes, by what topk.h says of each member. */
static bool allowed(const struct topk_filter *f, int id)
{
    const bool excluded = f->excluded && (f->excluded[id / 64] & (UINT64_C(1) << (id % 64)));
    const bool outside = f->within && !(f->within[id / 64] & (UINT64_C(1) << (id % 64)));
    const bool other =
        f->group && !(f->groups[f->group[id] / 64] & (UINT64_C(1) << (f->group[id] % 64)));
    const bool dear = f->value && !(f->value[id] >= f->value_min && f->value[id] <= f->value_max);
    return !excluded && !outside && !other && !dear && (!f->keep || f->keep(f->ctx, id));
}

static void every_member_of_a_filter_leaves_out_what_it_says(void **state)
{
    (void)state;
    static uint64_t bits[2][N / 64 + 1];
    static int32_t group[N];
    static int64_t value[N];
    const uint64_t groups[] = {UINT64_C(0x8000000000000005), 2};
    struct rng rng = rng_seed(9);
    for (int i = 0; i < N; i++) {
        bits[0][i / 64] |= (uint64_t)(rng_below(&rng, 3) == 0) << (i % 64);
        bits[1][i / 64] |= (uint64_t)(rng_below(&rng, 3) > 0) << (i % 64);
        group[i] = (int32_t)rng_below(&rng, 67);
        value[i] = (int64_t)rng_below(&rng, 9) - 4;
    }
    const struct topk_filter filters[] = {
        {0},
        {.excluded = bits[0]},
        {.within = bits[1]},
        {.group = group, .groups = groups},
        {.value = value, .value_min = -2, .value_max = 3},
        {.keep = is_odd},
        {bits[0], bits[1], group, groups, value, -2, 3, is_odd, NULL},
    };
    for (size_t f = 0; f < COUNT_OF(filters); f++) {
        for (int id = 0; id < N; id++) {
            assert_int_equal(topk_filter_allows(&filters[f], id), allowed(&filters[f], id));
        }
    }
}

static void an_excluded_best_item_makes_room_for_the_next(void **state)
{
    (void)state;
    const float scores[] = {5, 4, 3};
    const uint64_t excluded[] = {1};
    struct topk_hit hit;
    const struct topk_filter filter = {.excluded = excluded};
    assert_int_equal(topk_of_scores(scores, 3, 1, &filter, &hit), 1);
    assert_int_equal(hit.id, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_answer_is_that_of_brute_force_under_every_filter),
        cmocka_unit_test(equal_scores_are_ordered_by_lower_id),
        cmocka_unit_test(more_than_there_are_gives_all_there_are),
        cmocka_unit_test(a_batch_answers_as_single_queries_do_bit_for_bit),
        cmocka_unit_test(a_score_that_is_not_a_number_is_never_answered),
        cmocka_unit_test(every_member_of_a_filter_leaves_out_what_it_says),
        cmocka_unit_test(an_excluded_best_item_makes_room_for_the_next),
    };
    return cmocka_run_group_tests_name("ml/topk/topk", tests, NULL, NULL);
}
