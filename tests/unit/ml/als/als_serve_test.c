#include "ml/als/als_serve.h"

#include "ml/linear/blas.h"
#include "ml/linear/cpu.h"
#include "unit/ml/ml_spec.h"

enum { N = 90, K = 24 };

struct world {
    struct mat items; /* rotated */
    float spectrum[K];
    float scale[N];
    struct als_server server;
};

static void open_world(struct world *w)
{
    struct err err = {0};
    struct als_options o = als_defaults();
    struct rng rng = rng_seed(5);
    o.factors = K;
    o.reg = 0.05F;
    o.shopper_exponent = 0.3F;
    w->items = random_mat(N, K, 5);
    for (int i = 0; i < N; i++) {
        w->scale[i] = (float)(0.2 + rng_unit(&rng));
    }
    assert_succeeds(als_rotate(&w->items, 1, w->spectrum, &err), err);
    assert_succeeds(als_server_open(&w->items, w->spectrum, w->scale, 3, &o, &w->server, &err),
                    err);
}

static void close_world(struct world *w)
{
    mat_free(&w->items);
}

/* Some entries, columns distinct. */
enum { DONE_MAX = 60 };
struct basket {
    int32_t column[DONE_MAX];
    float weight[DONE_MAX];
    struct als_entries done;
};

static void fill_basket(struct basket *b, int count, uint64_t seed)
{
    struct rng rng = rng_seed(seed);
    for (int i = 0; i < count; i++) {
        b->column[i] = (int32_t)((i * 7 + (int)seed) % N);
        b->weight[i] = (float)(0.5 + 3 * rng_unit(&rng));
    }
    b->done = (struct als_entries){count, b->column, b->weight};
}

static double largest_of(const float *a, const float *b)
{
    double largest = 0;
    for (int i = 0; i < K; i++) {
        largest = fmax(largest, fabs((double)a[i] - (b ? (double)b[i] : 0)));
    }
    return largest;
}

static void check_rotation(int rows, int factors)
{
    struct err err = {0};
    struct mat before = random_mat(rows, factors, 5);
    struct mat after = random_mat(rows, factors, 5);
    float spectrum[ALS_FACTORS_MAX];
    assert_succeeds(als_rotate(&after, 2, spectrum, &err), err);
    struct mat gram = als_gram(&after, 1);
    for (int i = 0; i < factors; i++) {
        assert_close(mat_row(&gram, i)[i], spectrum[i], 1e-4 * (double)spectrum[0]);
        assert_true(spectrum[i] >= 0 && (i == 0 || spectrum[i] <= spectrum[i - 1]));
        for (int j = 0; j < i; j++) {
            assert_close(mat_row(&gram, i)[j], 0, 1e-4 * (double)spectrum[0]);
        }
    }
    for (int i = 1; i < rows; i++) {
        assert_close(mat_dot(mat_row(&after, i), mat_row(&after, i - 1), factors),
                     mat_dot(mat_row(&before, i), mat_row(&before, i - 1), factors), 2e-4);
    }
    mat_free(&before);
    mat_free(&after);
    mat_free(&gram);
}

static void rotation_keeps_products_and_makes_the_gram_matrix_diagonal(void **state)
{
    (void)state;
    for (int level = CPU_PORTABLE; level <= CPU_AVX512; level++) {
        enum cpu_level before = cpu_limit((enum cpu_level)level);
        check_rotation(N, K);
        check_rotation(1, 1);
        check_rotation(1000, 64); /* parts of 15 and 16 rows: groups that are not full */
        check_rotation(333, 128);
        check_rotation(5, 40); /* most eigenvalues are 0, and some round below it */
        cpu_limit(before);
    }
}

static void folding_in_agrees_with_cholesky_on_every_kernel_set(void **state)
{
    (void)state;
    struct world w;
    struct basket b;
    open_world(&w);
    for (int level = CPU_PORTABLE; level <= CPU_AVX512; level++) {
        enum cpu_level before = cpu_limit((enum cpu_level)level);
        for (int count = 1; count <= DONE_MAX; count++) {
            struct err err = {0};
            float fast[K];
            float exact[K];
            fill_basket(&b, count, (uint64_t)count);
            assert_succeeds(als_fold_in(&w.server, &b.done, fast, &err), err);
            assert_succeeds(als_fold_in_cholesky(&w.server, &b.done, exact, &err), err);
            assert_less(largest_of(fast, exact), 1e-4 * largest_of(exact, NULL));
        }
        cpu_limit(before);
    }
    close_world(&w);
}

static void folding_in_minimises_the_objective_of_its_row(void **state)
{
    (void)state;
    struct err err = {0};
    struct world w;
    struct basket b;
    float x[K];
    open_world(&w);
    fill_basket(&b, 12, 3);
    assert_succeeds(als_fold_in(&w.server, &b.done, x, &err), err);
    double sum = 0;
    for (int e = 0; e < 12; e++) {
        sum += (double)b.weight[e];
    }
    const double a0 = (double)w.server.options.unobserved_weight;
    const double ridge = (double)w.server.options.reg * (sum + a0 * N);
    for (int f = 0; f < K; f++) { /* the gradient vanishes */
        double gradient = ridge * (double)x[f];
        for (int i = 0; i < N; i++) {
            gradient +=
                a0 * (double)mat_dot(x, mat_row(&w.items, i), K) * (double)mat_row(&w.items, i)[f];
        }
        for (int e = 0; e < 12; e++) {
            const float *h = mat_row(&w.items, b.column[e]);
            double weight = (double)b.weight[e] * pow(sum / 3, -0.3) * (double)w.scale[b.column[e]];
            gradient -= weight * (1 - (double)mat_dot(x, h, K)) * (double)h[f];
        }
        assert_close(gradient, 0, 2e-3);
    }
    close_world(&w);
}

static void a_long_history_folds_in_as_well(void **state)
{
    (void)state;
    struct err err = {0};
    struct world w;
    enum { LONG = 100000 };
    int32_t *column = mem_array(LONG, sizeof *column);
    float *weight = mem_array(LONG, sizeof *weight);
    float fast[K];
    float exact[K];
    open_world(&w);
    for (int i = 0; i < LONG; i++) {
        column[i] = i % 11;
        weight[i] = 1;
    }
    const struct als_entries done = {LONG, column, weight};
    assert_succeeds(als_fold_in(&w.server, &done, fast, &err), err);
    assert_succeeds(als_fold_in_cholesky(&w.server, &done, exact, &err), err);
    /* eleven products seen nine thousand times each: what matters is how they score */
    for (int i = 0; i < 11; i++) {
        assert_close(mat_dot(fast, mat_row(&w.items, i), K),
                     mat_dot(exact, mat_row(&w.items, i), K), 1e-2);
    }
    close_world(&w);
    mem_free(&column);
    mem_free(&weight);
}

static void an_entry_of_weight_two_counts_as_the_item_twice(void **state)
{
    (void)state;
    struct err err = {0};
    struct world w;
    const struct als_entries heavy = {2, (int32_t[]){3, 7}, (float[]){2, 1}};
    const struct als_entries repeated = {3, (int32_t[]){3, 3, 7}, (float[]){1, 1, 1}};
    float once[K];
    float twice[K];
    open_world(&w);
    assert_succeeds(als_fold_in(&w.server, &heavy, once, &err), err);
    assert_succeeds(als_fold_in(&w.server, &repeated, twice, &err), err);
    assert_less(largest_of(once, twice), 1e-4 * largest_of(once, NULL));
    close_world(&w);
}

static void a_shopper_without_events_gets_zero_factors(void **state)
{
    (void)state;
    struct err err = {0};
    struct world w;
    float factors[K] = {1, 2, 3};
    open_world(&w);
    assert_succeeds(als_fold_in(&w.server, &(struct als_entries){0}, factors, &err), err);
    assert_close(largest_of(factors, NULL), 0, 0);
    close_world(&w);
}

static void an_odd_fold_in_is_refused_and_writes_nothing(void **state)
{
    (void)state;
    const struct {
        int id;
        float weight;
        const char *text;
    } cases[] = {{-1, 1, "item -1"},        {N, 1, "item 90"},      {0, 0, "weight 0"},
                 {0, -1, "weight -1"},      {0, NAN, "not finite"}, {0, INFINITY, "not finite"},
                 {0, 3.4e38F, "not finite"}};
    struct world w;
    open_world(&w);
    w.server.options.shopper_exponent = 0; /* it would make the overflowing weight small */
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err err = {0};
        float factors[K] = {42};
        const struct als_entries done = {1, &cases[i].id, &cases[i].weight};
        assert_refused(als_fold_in(&w.server, &done, factors, &err), err, cases[i].text);
        assert_close(factors[0], 42, 0);
    }
    close_world(&w);
}

static void what_the_entries_add_is_the_score_in_all(void **state)
{
    (void)state;
    struct world w;
    struct basket b;
    open_world(&w);
    for (int count = 1; count <= DONE_MAX; count += 9) {
        struct err err = {0};
        float parts[DONE_MAX];
        float factors[K];
        fill_basket(&b, count, 2);
        assert_succeeds(als_fold_in(&w.server, &b.done, factors, &err), err);
        for (int target = 0; target < N; target++) {
            double sum = 0;
            assert_succeeds(als_explain(&w.server, &b.done, target, parts, &err), err);
            for (int e = 0; e < count; e++) {
                sum += (double)parts[e];
            }
            assert_close(sum, mat_dot(factors, mat_row(&w.items, target), K), 1e-3);
        }
    }
    close_world(&w);
}

static void what_is_no_item_is_not_explained(void **state)
{
    (void)state;
    static const int targets[] = {-1, N, N + 1};
    struct world w;
    struct basket b;
    open_world(&w);
    fill_basket(&b, 2, 2);
    for (size_t i = 0; i < COUNT_OF(targets); i++) {
        struct err err = {0};
        float parts[DONE_MAX] = {42};
        assert_refused(als_explain(&w.server, &b.done, targets[i], parts, &err), err,
                       "is outside the model's");
        assert_close(parts[0], 42, 0);
    }
    close_world(&w);
}

static void a_server_with_odd_numbers_is_refused(void **state)
{
    (void)state;
    struct world w;
    open_world(&w);
    const struct als_options good = w.server.options;
    for (int odd = 0; odd < 7; odd++) {
        struct err err = {0};
        struct als_options o = good;
        struct als_server server;
        double mean = odd == 0 ? 0 : odd == 1 ? (double)NAN : odd == 5 ? (double)INFINITY : 1;
        o.reg = odd == 2 ? 0 : o.reg;
        o.shopper_exponent = odd == 3 ? 2 : o.shopper_exponent;
        w.spectrum[2] = odd == 4 ? -1 : odd == 6 ? INFINITY : 1;
        assert_refused(als_server_open(&w.items, w.spectrum, w.scale, mean, &o, &server, &err), err,
                       "model");
    }
    close_world(&w);
}

static int start_blas(void **state)
{
    (void)state;
    blas_init();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rotation_keeps_products_and_makes_the_gram_matrix_diagonal),
        cmocka_unit_test(folding_in_agrees_with_cholesky_on_every_kernel_set),
        cmocka_unit_test(folding_in_minimises_the_objective_of_its_row),
        cmocka_unit_test(a_long_history_folds_in_as_well),
        cmocka_unit_test(an_entry_of_weight_two_counts_as_the_item_twice),
        cmocka_unit_test(a_shopper_without_events_gets_zero_factors),
        cmocka_unit_test(an_odd_fold_in_is_refused_and_writes_nothing),
        cmocka_unit_test(what_the_entries_add_is_the_score_in_all),
        cmocka_unit_test(what_is_no_item_is_not_explained),
        cmocka_unit_test(a_server_with_odd_numbers_is_refused),
    };
    return cmocka_run_group_tests_name("ml/als/als_serve", tests, start_blas, NULL);
}
