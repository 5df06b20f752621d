/* The index against topk_search, bit for bit: shapes, data made to be hard, filters, batches, every kernel set. */
#include "ml/topk/topk_index.h"

#include "ml/linear/cpu.h"
#include "ml/topk/topk_tile.h"
#include "unit/ml/ml_spec.h"

#include <float.h>
#include <stdlib.h>

enum { TOP_MAX = 300 };

static const enum cpu_level levels[] = {CPU_PORTABLE, CPU_AVX2, CPU_AVX512};

static void check_hits(const struct topk_hit *actual, int count, const struct topk_hit *expected,
                       int expected_count, struct told told)
{
    bool same = count == expected_count;
    for (int i = 0; i < count && same; i++) {
        same = actual[i].id == expected[i].id && actual[i].score == expected[i].score &&
               signbit(actual[i].score) == signbit(expected[i].score);
        if (!same) {
            print_error("%s: place %d has item %d (%.9g), not %d (%.9g)\n", told.what, i,
                        actual[i].id, (double)actual[i].score, expected[i].id,
                        (double)expected[i].score);
        }
    }
    if (!same) {
        print_error("%s: %d hits, expected %d\n", told.what, count, expected_count);
        _fail(told.file, told.line);
    }
}

/* Every query alone and all as one batch, on each kernel set. filters (queries), or NULL. */
static void check_index(const struct mat *items, const struct mat *queries, int k,
                        const struct topk_filter *filters, struct told told)
{
    struct topk_hit *expected = mem_array((size_t)queries->rows * TOP_MAX, sizeof *expected);
    struct topk_hit *batch = mem_array((size_t)queries->rows * TOP_MAX, sizeof *batch);
    int *expected_counts = mem_array((size_t)queries->rows, sizeof *expected_counts);
    int *counts = mem_array((size_t)queries->rows, sizeof *counts);
    struct topk_index *index = topk_index_make(items, 2);
    for (int q = 0; q < queries->rows; q++) {
        expected_counts[q] = topk_search(items, mat_row(queries, q), k,
                                         filters ? &filters[q] : NULL, expected + (ptrdiff_t)q * k);
    }
    for (size_t l = 0; l < COUNT_OF(levels); l++) {
        const enum cpu_level before = cpu_limit(levels[l]);
        struct topk_hit single[TOP_MAX];
        for (int q = 0; q < queries->rows; q++) {
            int count = topk_index_search(index, mat_row(queries, q), k,
                                          filters ? &filters[q] : NULL, single, NULL);
            check_hits(single, count, expected + (ptrdiff_t)q * k, expected_counts[q], told);
        }
        topk_index_batch(index, &(struct topk_queries){queries, filters, k, 2}, batch, counts,
                         NULL);
        for (int q = 0; q < queries->rows; q++) {
            check_hits(batch + (ptrdiff_t)q * k, counts[q], expected + (ptrdiff_t)q * k,
                       expected_counts[q], told);
        }
        cpu_limit(before);
    }
    topk_index_free(&index);
    mem_free(&expected);
    mem_free(&batch);
    mem_free(&expected_counts);
    mem_free(&counts);
}

#define assert_answers_as_the_reference(items, queries, k, filters)                                \
    check_index(items, queries, k, filters, TOLD(#items))

static void scale_row(struct mat *m, int row, float by)
{
    for (int j = 0; j < m->cols; j++) {
        mat_row(m, row)[j] *= by;
    }
}

/* Lengths that fall as a power of the row number, columns that fade: what factors of a trained model look like. */
static void make_like_trained(struct mat *m)
{
    for (int i = 0; i < m->rows; i++) {
        for (int j = 0; j < m->cols; j++) {
            mat_row(m, i)[j] *= 1 / (1 + 0.1F * (float)j);
        }
        scale_row(m, i, powf((float)(1 + i * 7919 % m->rows), -0.4F));
    }
}

static void the_answer_is_the_references_for_every_shape(void **state)
{
    (void)state;
    const int columns[] = {1, 2, 3, 5, 16, 17, 63, 64, 100, 128, 257, 1024};
    const int rows[] = {1, 2, 31, 32, 33, 700};
    const int ks[] = {1, 20, TOP_MAX};
    for (size_t c = 0; c < COUNT_OF(columns); c++) {
        for (size_t r = 0; r < COUNT_OF(rows); r++) {
            struct mat items = random_mat(rows[r], columns[c], c * 100 + r);
            struct mat queries = random_mat(9, columns[c], c + r * 100 + 50);
            assert_answers_as_the_reference(&items, &queries, ks[(c + r) % COUNT_OF(ks)], NULL);
            mat_free(&items);
            mat_free(&queries);
        }
    }
    struct mat none = mat_make(0, 8);
    struct mat queries = random_mat(2, 8, 1);
    assert_answers_as_the_reference(&none, &queries, 5, NULL);
    assert_answers_as_the_reference(&queries, &queries, 0, NULL);
    mat_free(&none);
    mat_free(&queries);
}

static void many_items_are_answered_as_by_the_reference(void **state)
{
    (void)state;
    struct mat items = random_mat(12000, 48, 1); /* several blocks of the batch */
    struct mat queries = random_mat(70, 48, 2);  /* more than a pass */
    assert_answers_as_the_reference(&items, &queries, 20, NULL);
    assert_answers_as_the_reference(&items, &queries, 0, NULL);
    make_like_trained(&items);
    assert_answers_as_the_reference(&items, &queries, 20, NULL);
    mat_free(&items);
    mat_free(&queries);
}

/* Rows of integers over 128 are stored without an error, so that the query's own error is all there is to allow for. */
static void rows_that_are_quantised_exactly_leave_the_error_to_the_query(void **state)
{
    (void)state;
    struct rng rng = rng_seed(7);
    struct mat items = mat_make(2500, 64);
    struct mat queries = random_mat(80, 64, 8);
    for (int i = 0; i < items.rows; i++) {
        float *row = mat_row(&items, i);
        for (int j = 0; j < items.cols; j++) {
            row[j] = (float)((int)rng_below(&rng, 255) - 127) / 128;
        }
        row[rng_below(&rng, 64)] = 127.0F / 128;
    }
    assert_answers_as_the_reference(&items, &queries, 10, NULL);
    mat_free(&items);
    mat_free(&queries);
}

/* Scores that are equal, or differ by less than the integers can tell. */
static void ties_and_near_ties_keep_their_order(void **state)
{
    (void)state;
    struct mat items = random_mat(1500, 40, 3);
    struct mat queries = random_mat(12, 40, 4);
    for (int i = 10; i < items.rows; i++) {
        const float *first = mat_row(&items, i % 10);
        for (int j = 0; j < items.cols; j++) {
            mat_row(&items, i)[j] = first[j] * (i % 3 ? 1 : 1 + 1e-6F * mat_row(&items, i)[j]);
        }
    }
    assert_answers_as_the_reference(&items, &queries, 50, NULL);
    const struct mat some = mat_view(items.data, 80, items.cols, items.ld);
    assert_answers_as_the_reference(&items, &some, 20, NULL);
    mat_free(&items);
    mat_free(&queries);
}

static void zeros_tiny_and_huge_numbers_are_answered_as_by_the_reference(void **state)
{
    (void)state;
    const float factors[] = {0, 1e-45F, 1e-38F, 1e-30F, 1, 1e10F, 1e19F, 3e37F};
    struct mat items = random_mat(600, 33, 5);
    struct mat queries = random_mat(COUNT_OF(factors) * 2, 33, 6);
    for (int q = 0; q < queries.rows; q++) {
        scale_row(&queries, q, factors[(size_t)q % COUNT_OF(factors)]);
    }
    for (size_t largest = 1; largest <= COUNT_OF(factors); largest++) {
        struct mat mixed = mat_make(items.rows, items.cols);
        mat_copy(&items, &mixed);
        for (int i = 0; i < mixed.rows; i++) {
            scale_row(&mixed, i, factors[(size_t)i % largest]);
        }
        assert_answers_as_the_reference(&mixed, &queries, 30, NULL);
        assert_answers_as_the_reference(&mixed, &queries, TOP_MAX, NULL);
        mat_free(&mixed);
    }
    mat_free(&items);
    mat_free(&queries);
}

static void one_long_row_does_not_hide_the_others(void **state)
{
    (void)state;
    struct mat items = random_mat(500, 20, 7);
    struct mat queries = random_mat(10, 20, 8);
    scale_row(&items, 321, 1e6F);
    mat_row(&items, 100)[3] = 1e5F; /* one column dwarfs the rest of the row */
    assert_answers_as_the_reference(&items, &queries, 10, NULL);
    mat_free(&items);
    mat_free(&queries);
}

static void what_is_not_finite_is_never_answered_wrongly(void **state)
{
    (void)state;
    struct mat items = random_mat(100, 7, 9);
    struct mat queries = random_mat(4, 7, 10);
    mat_row(&queries, 1)[2] = NAN;
    mat_row(&queries, 2)[2] = INFINITY;
    assert_answers_as_the_reference(&items, &queries, 5, NULL);
    mat_row(&items, 40)[0] = NAN;
    mat_row(&items, 41)[0] = INFINITY;
    assert_answers_as_the_reference(&items, &queries, 5, NULL);
    mat_free(&items);
    mat_free(&queries);
}

static bool is_odd(void *ctx, int id)
{
    (void)ctx;
    return id % 2 == 1;
}

enum { ITEMS = 2000, QUERIES = 20 };

static void filters_hold_inside_the_scan(void **state)
{
    (void)state;
    static uint64_t excluded[ITEMS / 64 + 1];
    static uint64_t in_stock[ITEMS / 64 + 1];
    static int32_t category[ITEMS];
    static int64_t price[ITEMS];
    const uint64_t categories[] = {0x8005, 1};
    struct rng rng = rng_seed(11);
    for (int i = 0; i < ITEMS; i++) {
        excluded[i / 64] |= (uint64_t)(rng_below(&rng, 5) == 0) << (i % 64);
        in_stock[i / 64] |= (uint64_t)(rng_below(&rng, 3) == 0) << (i % 64);
        category[i] = (int32_t)rng_below(&rng, 70);
        price[i] = (int64_t)rng_below(&rng, 1000) - 1;
    }
    const struct topk_filter each[] = {
        {.excluded = excluded},
        {.within = in_stock},
        {.group = category, .groups = categories},
        {.value = price, .value_min = 10, .value_max = 30},
        {.keep = is_odd},
        {excluded, in_stock, category, categories, price, 0, 800, is_odd, NULL},
        {.value = price, .value_min = 2000, .value_max = 3000}, /* nothing */
    };
    struct topk_filter filters[QUERIES];
    for (size_t q = 0; q < QUERIES; q++) {
        filters[q] = each[q % COUNT_OF(each)];
    }
    struct mat items = random_mat(ITEMS, 24, 12);
    struct mat queries = random_mat(QUERIES, 24, 13);
    make_like_trained(&items);
    assert_answers_as_the_reference(&items, &queries, 15, filters);
    assert_answers_as_the_reference(&items, &queries, TOP_MAX, filters);
    mat_free(&items);
    mat_free(&queries);
}

static void few_rows_are_scored_in_full(void **state)
{
    (void)state;
    struct mat items = random_mat(30000, 24, 14);
    struct mat queries = random_mat(1, 24, 15);
    struct topk_hit hits[20];
    struct topk_work work;
    struct topk_index *index = topk_index_make(&items, 1);
    assert_int_equal(topk_index_search(index, mat_row(&queries, 0), 20, NULL, hits, &work), 20);
    assert_true(work.rescored >= 20 && work.rescored < 600);
    topk_index_free(&index);
    make_like_trained(&items);
    index = topk_index_make(&items, 1);
    assert_int_equal(topk_index_search(index, mat_row(&queries, 0), 20, NULL, hits, &work), 20);
    assert_true(work.scanned < 5000);
    topk_index_free(&index);
    mat_free(&items);
    mat_free(&queries);
}

/* Rows of one length: no scan ends early. */
static void what_a_batch_had_to_do_is_added_up(void **state)
{
    (void)state;
    enum { ROWS = 1000, BATCH = 72, TOP = 5 };
    struct mat items = random_mat(ROWS, 12, 17);
    struct mat queries = random_mat(BATCH, 12, 18);
    struct topk_hit *hits = mem_array((size_t)BATCH * TOP, sizeof *hits);
    int counts[BATCH];
    struct topk_work work = {0};
    for (int i = 0; i < ROWS; i++) {
        scale_row(&items, i, 1 / sqrtf(mat_dot(mat_row(&items, i), mat_row(&items, i), 12)));
    }
    struct topk_index *index = topk_index_make(&items, 1);
    topk_index_batch(index, &(struct topk_queries){&queries, NULL, TOP, 1}, hits, counts, &work);
    /* eight groups in the first pass and one in the second, each over 32 tiles */
    assert_int_equal(work.scanned, 9 * 32 * TILE_ITEMS);
    assert_true(work.rescored >= (long)BATCH * TOP && work.rescored < (long)BATCH * ROWS / 2);
    topk_index_free(&index);
    mem_free(&hits);
    mat_free(&items);
    mat_free(&queries);
}

/* ---- kernels ---- */

struct tile_case {
    uint8_t tile[256 * TILE_QUAD_BYTES];
    int8_t numbers[256 * 4 * TILE_QUERIES];
    struct tile_queries queries;
};

/* extreme: only the ends of the range, which is where sums and products would leave their words first. */
static void fill_case(struct tile_case *c, int width, bool extreme, struct rng *rng)
{
    for (size_t i = 0; i < sizeof c->tile; i++) {
        c->tile[i] =
            (uint8_t)(extreme ? 255 - 254 * (int)rng_below(rng, 2) : 1 + (int)rng_below(rng, 255));
    }
    for (size_t i = 0; i < sizeof c->numbers; i++) {
        c->numbers[i] =
            (int8_t)(extreme ? 127 - 254 * (int)rng_below(rng, 2) : (int)rng_below(rng, 255) - 127);
    }
    c->queries.numbers = c->numbers;
    for (int q = 0; q < width; q++) {
        c->queries.floor[q] = (int32_t)rng_below(rng, 400000) - 200000;
    }
}

static int32_t plain_dot(const struct tile_case *c, int quads, int width, int item, int query)
{
    int32_t sum = 0;
    for (int j = 0; j < 4 * quads; j++) {
        sum += (c->tile[(j / 4 * TILE_ITEMS + item) * 4 + j % 4] - 128) *
               c->numbers[(j / 4 * width + query) * 4 + j % 4];
    }
    return sum;
}

static void check_case(struct tile_case *c, int quads, int width)
{
    int32_t expected[TILE_QUERIES][TILE_ITEMS];
    uint32_t masks[TILE_QUERIES] = {0};
    uint32_t any = 0;
    for (int q = 0; q < width; q++) {
        c->queries.offset[q] = 0;
        for (int j = 0; j < 4 * quads; j++) {
            c->queries.offset[q] -= 128 * c->numbers[(j / 4 * width + q) * 4 + j % 4];
        }
        for (int i = 0; i < TILE_ITEMS; i++) {
            expected[q][i] = plain_dot(c, quads, width, i, q);
            masks[q] |= (uint32_t)(expected[q][i] >= c->queries.floor[q]) << i;
        }
        any |= masks[q];
    }
    for (size_t l = 0; l < COUNT_OF(levels); l++) {
        const enum cpu_level before = cpu_limit(levels[l]);
        const struct tile_kernels kernels = tile_kernels();
        struct tile_hits hits = {0};
        tile_scan *scan = width == 1 ? kernels.one : kernels.many;
        assert_int_equal(scan(c->tile, quads, &c->queries, &hits) != 0, any != 0);
        for (int q = 0; q < width && any; q++) {
            assert_int_equal(hits.mask[q], masks[q]);
            if (masks[q]) {
                assert_memory_equal(hits.dots[q], expected[q], sizeof expected[q]);
            }
        }
        cpu_limit(before);
    }
}

static void every_kernel_set_gives_the_same_integers(void **state)
{
    (void)state;
    static struct tile_case c;
    const int quads[] = {1, 2, 3, 16, 33, 256};
    struct rng rng = rng_seed(16);
    for (size_t i = 0; i < COUNT_OF(quads); i++) {
        for (int round = 0; round < 8; round++) {
            const int width = round % 2 ? TILE_QUERIES : 1;
            fill_case(&c, width, round < 4, &rng);
            check_case(&c, quads[i], width);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_answer_is_the_references_for_every_shape),
        cmocka_unit_test(many_items_are_answered_as_by_the_reference),
        cmocka_unit_test(rows_that_are_quantised_exactly_leave_the_error_to_the_query),
        cmocka_unit_test(ties_and_near_ties_keep_their_order),
        cmocka_unit_test(zeros_tiny_and_huge_numbers_are_answered_as_by_the_reference),
        cmocka_unit_test(one_long_row_does_not_hide_the_others),
        cmocka_unit_test(what_is_not_finite_is_never_answered_wrongly),
        cmocka_unit_test(filters_hold_inside_the_scan),
        cmocka_unit_test(few_rows_are_scored_in_full),
        cmocka_unit_test(what_a_batch_had_to_do_is_added_up),
        cmocka_unit_test(every_kernel_set_gives_the_same_integers),
    };
    return cmocka_run_group_tests_name("ml/topk/topk_index", tests, NULL, NULL);
}
