#include "ml/als.h"

#include "ml/blas.h"
#include "unit/ml/ml_spec.h"

enum { M = 150, N = 90 };

static struct als_options small_options(void)
{
    struct als_options o = als_defaults();
    o.factors = 8;
    o.sweeps = 3;
    o.reg = 0.05F;
    return o;
}

/* Largest difference of entries relative to the largest entry. */
static double distance(const struct mat *a, const struct mat *b)
{
    double largest = 0;
    double difference = 0;
    for (int r = 0; r < a->rows; r++) {
        for (int c = 0; c < a->cols; c++) {
            double x = (double)mat_row(a, r)[c];
            largest = fmax(largest, fabs(x));
            difference = fmax(difference, fabs(x - (double)mat_row(b, r)[c]));
        }
    }
    return difference / largest;
}

static void a_sweep_equals_the_plain_reference_in_double(void **state)
{
    (void)state;
    struct err err = {0};
    struct als_options o = small_options();
    const float exponents[] = {0, 0.5F, 1};
    const int factors[] = {1, 8, 33};
    struct csr a = random_interactions(M, N, 0.1, 11);
    struct csr t = csr_transpose(&a);
    for (int i = 0; i < 3; i++) {
        o.reg_exponent = exponents[i];
        o.factors = factors[i];
        struct mat shoppers[] = {mat_make(M, o.factors), mat_make(M, o.factors)};
        struct mat items[] = {als_start(N, &o), als_start(N, &o)};
        assert_succeeds(als_sweep(&a, &t, &o, &shoppers[0], &items[0], &err), err);
        als_reference_sweep(&a, &t, &o, &shoppers[1], &items[1]);
        assert_less(distance(&shoppers[1], &shoppers[0]), 1e-4);
        assert_less(distance(&items[1], &items[0]), 1e-4);
        for (int side = 0; side < 2; side++) {
            mat_free(&shoppers[side]);
            mat_free(&items[side]);
        }
    }
    csr_free(&a);
    csr_free(&t);
}

/* The objective by its definition, cell by cell. */
static double loss_by_definition(const struct csr *a, const struct als_options *o,
                                 const struct mat *w, const struct mat *h)
{
    double loss = 0;
    double *row_weight = mem_array((size_t)a->rows, sizeof *row_weight);
    double *col_weight = mem_array((size_t)a->cols, sizeof *col_weight);
    for (int u = 0; u < a->rows; u++) {
        for (int64_t e = a->start[u]; e < a->start[u + 1]; e++) {
            double p = (double)mat_dot(mat_row(w, u), mat_row(h, a->column[e]), w->cols);
            loss += (double)a->weight[e] * (1 - p) * (1 - p);
            row_weight[u] += (double)a->weight[e];
            col_weight[a->column[e]] += (double)a->weight[e];
        }
        for (int i = 0; i < a->cols; i++) {
            double p = (double)mat_dot(mat_row(w, u), mat_row(h, i), w->cols);
            loss += (double)o->unobserved_weight * p * p;
        }
    }
    for (int u = 0; u < a->rows; u++) {
        double scale =
            pow(row_weight[u] + (double)o->unobserved_weight * a->cols, (double)o->reg_exponent);
        loss += (double)o->reg * scale * (double)mat_dot(mat_row(w, u), mat_row(w, u), w->cols);
    }
    for (int i = 0; i < a->cols; i++) {
        double scale =
            pow(col_weight[i] + (double)o->unobserved_weight * a->rows, (double)o->reg_exponent);
        loss += (double)o->reg * scale * (double)mat_dot(mat_row(h, i), mat_row(h, i), w->cols);
    }
    mem_free(&row_weight);
    mem_free(&col_weight);
    return loss;
}

static void the_loss_is_the_objective_of_the_header(void **state)
{
    (void)state;
    struct als_options o = small_options();
    struct csr a = random_interactions(20, 15, 0.2, 2);
    struct mat w = random_mat(20, o.factors, 3);
    struct mat h = random_mat(15, o.factors, 4);
    double expected = loss_by_definition(&a, &o, &w, &h);
    assert_close(als_loss(&a, &o, &w, &h), expected, 1e-5 * expected);
    csr_free(&a);
    mat_free(&w);
    mat_free(&h);
}

struct watch {
    double losses[64];
    int sweeps;
    int stop_after;
};

static bool record(void *ctx, int sweep, double loss)
{
    struct watch *watch = ctx;
    watch->losses[sweep] = loss;
    watch->sweeps = sweep;
    return sweep != watch->stop_after;
}

static void the_objective_never_rises(void **state)
{
    (void)state;
    struct err err = {0};
    struct watch watch = {0};
    struct als_options o = small_options();
    struct mat w;
    struct mat h;
    struct csr a = random_interactions(M, N, 0.1, 12);
    o.sweeps = 20;
    o.progress = record;
    o.progress_ctx = &watch;
    assert_succeeds(als_train(&a, &o, &w, &h, &err), err);
    assert_int_equal(watch.sweeps, 20);
    for (int s = 2; s <= 20; s++) {
        /* float factors: near the minimum the loss may tremble in the seventh digit */
        assert_less(watch.losses[s], watch.losses[s - 1] * (1 + 1e-6));
    }
    assert_less(watch.losses[20], watch.losses[1] * 0.99);
    csr_free(&a);
    mat_free(&w);
    mat_free(&h);
}

static void training_stops_when_the_caller_says_so(void **state)
{
    (void)state;
    struct err err = {0};
    struct watch watch = {.stop_after = 2};
    struct als_options o = small_options();
    struct mat w = {0};
    struct mat h = {0};
    struct csr a = random_interactions(M, N, 0.1, 12);
    o.progress = record;
    o.progress_ctx = &watch;
    assert_false(als_train(&a, &o, &w, &h, &err));
    assert_int_equal(err.kind, ERR_BUSY);
    assert_int_equal(watch.sweeps, 2);
    assert_null(w.data);
    csr_free(&a);
}

static void any_number_of_threads_gives_the_same_bytes(void **state)
{
    (void)state;
    struct err err = {0};
    struct als_options o = small_options();
    struct csr a = random_interactions(700, N, 0.05, 13);
    struct mat w[3];
    struct mat h[3];
    const int threads[] = {1, 2, 5};
    for (int i = 0; i < 3; i++) {
        o.threads = threads[i];
        assert_succeeds(als_train(&a, &o, &w[i], &h[i], &err), err);
    }
    size_t bytes = (size_t)w[0].rows * (size_t)w[0].ld * sizeof(float);
    for (int i = 0; i < 3; i++) {
        assert_memory_equal(w[i].data, w[0].data, bytes);
        assert_memory_equal(h[i].data, h[0].data, (size_t)N * (size_t)h[0].ld * sizeof(float));
    }
    for (int i = 0; i < 3; i++) {
        mat_free(&w[i]);
        mat_free(&h[i]);
    }
    csr_free(&a);
}

static void another_seed_gives_another_start(void **state)
{
    (void)state;
    struct als_options o = small_options();
    struct mat one = als_start(N, &o);
    o.seed = 2;
    struct mat two = als_start(N, &o);
    assert_memory_not_equal(one.data, two.data, (size_t)o.factors * sizeof(float));
    mat_free(&one);
    mat_free(&two);
}

static void folding_in_gives_the_factors_a_sweep_would_give(void **state)
{
    (void)state;
    struct err err = {0};
    struct als_options o = small_options();
    struct csr a = random_interactions(M, N, 0.1, 14);
    struct csr t = csr_transpose(&a);
    struct mat w = mat_make(M, o.factors);
    struct mat h = als_start(N, &o);
    struct mat before = als_start(N, &o);
    assert_succeeds(als_sweep(&a, &t, &o, &w, &h, &err), err);
    struct mat gram = als_gram(&before, 1);
    for (int u = 0; u < M; u++) {
        float factors[8];
        int64_t from = a.start[u];
        const struct als_entries done = {(int)(a.start[u + 1] - from), a.column + from,
                                         a.weight + from};
        assert_succeeds(als_fold_in(&before, &gram, &o, &done, factors, &err), err);
        assert_memory_equal(factors, mat_row(&w, u), sizeof factors);
    }
    csr_free(&a);
    csr_free(&t);
    mat_free(&w);
    mat_free(&h);
    mat_free(&before);
    mat_free(&gram);
}

static void an_entry_of_weight_two_counts_as_the_item_twice(void **state)
{
    (void)state;
    struct err err = {0};
    struct als_options o = small_options();
    struct mat h = random_mat(N, o.factors, 5);
    struct mat gram = als_gram(&h, 1);
    const struct als_entries heavy = {2, (int32_t[]){3, 7}, (float[]){2, 1}};
    const struct als_entries repeated = {3, (int32_t[]){3, 3, 7}, (float[]){1, 1, 1}};
    float once[8];
    float twice[8];
    assert_succeeds(als_fold_in(&h, &gram, &o, &heavy, once, &err), err);
    assert_succeeds(als_fold_in(&h, &gram, &o, &repeated, twice, &err), err);
    for (int f = 0; f < 8; f++) {
        assert_close(once[f], twice[f], 1e-5);
    }
    mat_free(&h);
    mat_free(&gram);
}

static void a_shopper_without_events_gets_zero_factors(void **state)
{
    (void)state;
    struct err err = {0};
    struct als_options o = small_options();
    struct mat h = random_mat(N, o.factors, 5);
    struct mat gram = als_gram(&h, 1);
    float factors[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    assert_succeeds(als_fold_in(&h, &gram, &o, &(struct als_entries){0}, factors, &err), err);
    for (int f = 0; f < 8; f++) {
        assert_close(factors[f], 0, 0);
    }
    mat_free(&h);
    mat_free(&gram);
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
    struct als_options o = small_options();
    struct mat h = random_mat(N, o.factors, 5);
    struct mat gram = als_gram(&h, 1);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err err = {0};
        float factors[8] = {42};
        const struct als_entries done = {1, &cases[i].id, &cases[i].weight};
        assert_refused(als_fold_in(&h, &gram, &o, &done, factors, &err), err, cases[i].text);
        assert_close(factors[0], 42, 0);
    }
    mat_free(&h);
    mat_free(&gram);
}

static void degenerate_shapes_train_to_finite_factors(void **state)
{
    (void)state;
    const struct {
        int m, n, k;
        double density;
    } cases[] = {{1, 1, 1, 1},      {5, 1, 1, 1},   {1, 9, 4, 1},
                 {30, 10, 32, 0.1}, {4, 4, 2, 0.3}, {2, 400, 3, 1}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err err = {0};
        struct als_options o = small_options();
        struct csr a = random_interactions(cases[i].m, cases[i].n, cases[i].density, 3);
        struct mat w;
        struct mat h;
        o.factors = cases[i].k;
        assert_succeeds(als_train(&a, &o, &w, &h, &err), err);
        assert_true(mat_is_finite(&w) && mat_is_finite(&h));
        csr_free(&a);
        mat_free(&w);
        mat_free(&h);
    }
}

static void rows_without_entries_become_zero(void **state)
{
    (void)state;
    struct err err = {0};
    struct als_options o = small_options();
    const struct triple triples[] = {{0, 0, 1}, {2, 2, 1}};
    struct csr a;
    struct mat w;
    struct mat h;
    assert_succeeds(csr_build(3, 3, triples, 2, &a, &err), err);
    assert_succeeds(als_train(&a, &o, &w, &h, &err), err);
    assert_close(mat_dot(mat_row(&w, 1), mat_row(&w, 1), o.factors), 0, 0);
    assert_close(mat_dot(mat_row(&h, 1), mat_row(&h, 1), o.factors), 0, 0);
    assert_less(0, mat_dot(mat_row(&w, 0), mat_row(&h, 0), o.factors));
    csr_free(&a);
    mat_free(&w);
    mat_free(&h);
}

static void options_out_of_range_are_refused(void **state)
{
    (void)state;
    struct csr a = random_interactions(3, 3, 1, 1);
    const struct als_options good = small_options();
    struct als_options bad[9];
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        bad[i] = good;
    }
    bad[0].factors = 0;
    bad[1].factors = ALS_FACTORS_MAX + 1;
    bad[2].sweeps = 0;
    bad[3].reg = 0;
    bad[4].reg = NAN;
    bad[5].reg_exponent = -1;
    bad[6].unobserved_weight = -0.1F;
    bad[7].unobserved_weight = INFINITY;
    bad[8].threads = 0;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct err err = {0};
        struct mat w;
        struct mat h;
        assert_refused(als_train(&a, &bad[i], &w, &h, &err), err, "must be");
    }
    csr_free(&a);
}

static void nothing_to_learn_from_is_refused_with_a_clear_text(void **state)
{
    (void)state;
    struct als_options o = small_options();
    const struct triple cancelled[] = {{0, 0, 1}, {0, 0, -1}};
    struct mat w;
    struct mat h;
    for (size_t count = 0; count <= 2; count += 2) {
        struct err err = {0};
        struct csr a;
        assert_succeeds(csr_build(1, 1, cancelled, count, &a, &err), err);
        assert_refused(als_train(&a, &o, &w, &h, &err), err,
                       count ? "weight 0" : "no interactions");
        csr_free(&a);
    }
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
        cmocka_unit_test(a_sweep_equals_the_plain_reference_in_double),
        cmocka_unit_test(the_loss_is_the_objective_of_the_header),
        cmocka_unit_test(the_objective_never_rises),
        cmocka_unit_test(training_stops_when_the_caller_says_so),
        cmocka_unit_test(any_number_of_threads_gives_the_same_bytes),
        cmocka_unit_test(another_seed_gives_another_start),
        cmocka_unit_test(folding_in_gives_the_factors_a_sweep_would_give),
        cmocka_unit_test(an_entry_of_weight_two_counts_as_the_item_twice),
        cmocka_unit_test(a_shopper_without_events_gets_zero_factors),
        cmocka_unit_test(an_odd_fold_in_is_refused_and_writes_nothing),
        cmocka_unit_test(degenerate_shapes_train_to_finite_factors),
        cmocka_unit_test(rows_without_entries_become_zero),
        cmocka_unit_test(options_out_of_range_are_refused),
        cmocka_unit_test(nothing_to_learn_from_is_refused_with_a_clear_text),
    };
    return cmocka_run_group_tests_name("ml/als", tests, start_blas, NULL);
}
