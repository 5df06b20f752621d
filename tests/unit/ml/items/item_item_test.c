#include "ml/items/item_item.h"

#include "ml/linear/blas.h"
#include "unit/ml/ml_spec.h"

enum { M = 300, N = 70 };

static struct item_item_options dense_options(void)
{
    struct item_item_options o = item_item_defaults();
    o.neighbours = N;
    o.kept = N;
    return o;
}

static double largest(const double *w)
{
    double most = 0;
    for (int i = 0; i < N * N; i++) {
        most = fmax(most, fabs(w[i]));
    }
    return most;
}

static double distance(const struct csr *fast, const double *plain)
{
    double difference = 0;
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            difference =
                fmax(difference, fabs((double)item_item_weight(fast, i, j) - plain[i * N + j]));
        }
    }
    return difference / largest(plain);
}

static double distance_of(const struct csr *a, const struct item_item_options *o)
{
    struct err err = {0};
    struct csr fast;
    double *plain = mem_array((size_t)N * N, sizeof *plain);
    assert_succeeds(item_item_train(a, o, &fast, &err), err);
    item_item_reference(a, o, plain);
    double d = distance(&fast, plain);
    csr_free(&fast);
    mem_free(&plain);
    return d;
}

static void the_model_equals_the_plain_reference_in_double(void **state)
{
    (void)state;
    const int neighbours[] = {1, 7, 33, N};
    const float exponents[] = {0, 0.3F, 1};
    struct csr a = random_interactions(M, N, 0.1, 7);
    for (int k = 0; k < 4; k++) {
        for (int e = 0; e < 3; e++) {
            struct item_item_options o = dense_options();
            o.neighbours = neighbours[k];
            o.row_exponent = exponents[e];
            o.ridge_exponent = 1 - exponents[e];
            o.weight_exponent = exponents[2 - e];
            o.target_exponent = exponents[e] / 2;
            assert_less(distance_of(&a, &o), 1e-4);
        }
    }
    csr_free(&a);
}

/* Inverts a (N, N) by Gauss-Jordan. */
static void invert(double a[N][N], double out[N][N])
{
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            out[i][j] = i == j;
        }
    }
    for (int p = 0; p < N; p++) {
        double pivot = a[p][p];
        for (int c = 0; c < N; c++) {
            a[p][c] /= pivot;
            out[p][c] /= pivot;
        }
        for (int r = 0; r < N; r++) {
            double factor = r == p ? 0 : a[r][p];
            for (int c = 0; c < N; c++) {
                a[r][c] -= factor * a[p][c];
                out[r][c] -= factor * out[p][c];
            }
        }
    }
}

/* Steck's formula: P = (X'X + ridge)^-1, B_ij = -P_ij / P_jj. Every pair of items must have met, or it is no neighbour. */
static void with_all_items_as_neighbours_the_model_is_ease(void **state)
{
    (void)state;
    static double gram[N][N];
    static double inverse[N][N];
    struct err err = {0};
    struct csr fast;
    struct csr a = random_interactions(M, N, 0.4, 3);
    struct item_item_options o = dense_options();
    o.row_exponent = 0;
    o.ridge_exponent = 0;
    o.ridge = 0.5F;
    double trace = 0;
    for (int u = 0; u < M; u++) {
        for (int64_t p = a.start[u]; p < a.start[u + 1]; p++) {
            for (int64_t q = a.start[u]; q < a.start[u + 1]; q++) {
                gram[a.column[p]][a.column[q]] += (double)a.weight[p] * (double)a.weight[q];
            }
        }
    }
    for (int i = 0; i < N; i++) {
        trace += gram[i][i];
    }
    for (int i = 0; i < N; i++) {
        gram[i][i] += 0.5 * trace / N;
    }
    invert(gram, inverse);
    assert_succeeds(item_item_train(&a, &o, &fast, &err), err);
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            double ease = i == j ? 0 : -inverse[i][j] / inverse[j][j];
            assert_close(item_item_weight(&fast, i, j), ease, 2e-6);
        }
    }
    csr_free(&fast);
    csr_free(&a);
}

static void one_thread_and_three_give_the_same_bytes(void **state)
{
    (void)state;
    struct err err = {0};
    struct csr w[2];
    struct csr a = random_interactions(M, 400, 0.03, 5);
    struct item_item_options o = item_item_defaults();
    o.neighbours = 40;
    o.kept = 11;
    for (int i = 0; i < 2; i++) {
        o.threads = 1 + 2 * i;
        assert_succeeds(item_item_train(&a, &o, &w[i], &err), err);
    }
    assert_int_equal(csr_entries(&w[0]), csr_entries(&w[1]));
    assert_true(csr_entries(&w[0]) > 0);
    assert_memory_equal(w[0].start, w[1].start, 401 * sizeof(int64_t));
    assert_memory_equal(w[0].column, w[1].column, (size_t)csr_entries(&w[0]) * sizeof(int32_t));
    assert_memory_equal(w[0].weight, w[1].weight, (size_t)csr_entries(&w[0]) * sizeof(float));
    csr_free(&w[0]);
    csr_free(&w[1]);
    csr_free(&a);
}

/* Of target j: the smallest magnitude kept, and the largest of what the whole model has and the kept one has not. */
static void check_kept(const struct csr *whole, const struct csr *kept, int j, int most)
{
    int count = 0;
    double smallest = (double)INFINITY;
    double dropped = 0;
    for (int i = 0; i < N; i++) {
        double is = (double)item_item_weight(kept, i, j);
        double was = (double)item_item_weight(whole, i, j);
        assert_true(is == 0 || is == was);
        count += is != 0;
        smallest = is != 0 ? fmin(smallest, fabs(is)) : smallest;
        dropped = is == 0 ? fmax(dropped, fabs(was)) : dropped;
    }
    assert_int_equal(count, most);
    assert_true(dropped <= smallest);
}

static void of_each_target_the_largest_weights_are_kept(void **state)
{
    (void)state;
    struct err err = {0};
    struct csr whole;
    struct csr kept;
    struct csr a = random_interactions(M, N, 0.2, 9);
    struct item_item_options o = dense_options();
    assert_succeeds(item_item_train(&a, &o, &whole, &err), err);
    o.kept = 5;
    assert_succeeds(item_item_train(&a, &o, &kept, &err), err);
    for (int j = 0; j < N; j++) {
        check_kept(&whole, &kept, j, 5);
    }
    csr_free(&whole);
    csr_free(&kept);
    csr_free(&a);
}

static void scores_are_the_row_times_the_weights(void **state)
{
    (void)state;
    struct err err = {0};
    struct csr w;
    struct csr a = random_interactions(M, N, 0.2, 10);
    struct item_item_options o = dense_options();
    const int32_t items[] = {3, 60};
    const float observed[] = {2, 0.25F};
    float scores[N] = {0};
    assert_succeeds(item_item_train(&a, &o, &w, &err), err);
    item_item_add_scores(&w, 0.5F, 2, items, observed, scores);
    for (int j = 0; j < N; j++) {
        assert_close(scores[j],
                     sqrt(2) * (double)item_item_weight(&w, 3, j) +
                         0.5 * (double)item_item_weight(&w, 60, j),
                     1e-6);
    }
    csr_free(&w);
    csr_free(&a);
}

static struct csr built(int rows, int cols, const struct triple *t, size_t count)
{
    struct err err = {0};
    struct csr a;
    assert_succeeds(csr_build(rows, cols, t, count, &a, &err), err);
    return a;
}

static void an_item_nobody_else_had_to_do_with_has_no_weights(void **state)
{
    (void)state;
    struct err err = {0};
    struct csr w;
    const struct triple t[] = {{0, 0, 1}, {0, 1, 1}, {1, 2, 1}};
    struct csr a = built(3, 5, t, 3);
    struct item_item_options o = item_item_defaults();
    assert_succeeds(item_item_train(&a, &o, &w, &err), err);
    assert_int_equal(csr_entries(&w), 2);
    assert_true(item_item_weight(&w, 0, 1) > 0 && item_item_weight(&w, 1, 0) > 0);
    csr_free(&w);
    csr_free(&a);
}

static void no_interactions_and_one_item_give_an_empty_model(void **state)
{
    (void)state;
    struct err err = {0};
    const struct triple t[] = {{0, 0, 1}, {1, 0, 2}};
    struct item_item_options o = item_item_defaults();
    for (size_t count = 0; count <= 2; count += 2) {
        struct csr w;
        struct csr a = built(2, 1, t, count);
        assert_succeeds(item_item_train(&a, &o, &w, &err), err);
        assert_int_equal(csr_entries(&w), 0);
        csr_free(&w);
        csr_free(&a);
    }
}

static void a_shopper_with_a_hundred_thousand_events_is_left_out_and_harms_nobody(void **state)
{
    (void)state;
    enum { MANY = 100000 };
    struct err err = {0};
    struct csr w;
    struct triple *t = mem_array(MANY + 2, sizeof *t);
    for (int i = 0; i < MANY; i++) {
        t[i] = (struct triple){0, i, 1};
    }
    t[MANY] = (struct triple){1, 4, 1};
    t[MANY + 1] = (struct triple){1, 9, 1};
    struct csr a = built(2, MANY, t, MANY + 2);
    struct item_item_options o = item_item_defaults();
    o.kept = 2;
    assert_succeeds(item_item_train(&a, &o, &w, &err), err);
    assert_int_equal(csr_entries(&w), 2);
    assert_true(item_item_weight(&w, 4, 9) > 0);
    csr_free(&w);
    csr_free(&a);
    mem_free(&t);
}

static void senseless_options_and_weights_are_refused(void **state)
{
    (void)state;
    struct err err = {0};
    struct csr w;
    struct csr a = random_interactions(10, 5, 0.5, 1);
    struct item_item_options o = item_item_defaults();
    o.neighbours = 0;
    assert_refused(item_item_train(&a, &o, &w, &err), err, "0 neighbours");
    o = item_item_defaults();
    o.ridge = 0;
    assert_refused(item_item_train(&a, &o, &w, &err), err, "out of range");
    o = item_item_defaults();
    o.row_exponent = NAN;
    assert_refused(item_item_train(&a, &o, &w, &err), err, "out of range");
    o = item_item_defaults();
    o.threads = 0;
    assert_refused(item_item_train(&a, &o, &w, &err), err, "0 threads");
    o = item_item_defaults();
    a.weight[2] = -1;
    assert_refused(item_item_train(&a, &o, &w, &err), err, "entry 2 has the weight -1");
    csr_free(&a);
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
        cmocka_unit_test(the_model_equals_the_plain_reference_in_double),
        cmocka_unit_test(with_all_items_as_neighbours_the_model_is_ease),
        cmocka_unit_test(one_thread_and_three_give_the_same_bytes),
        cmocka_unit_test(of_each_target_the_largest_weights_are_kept),
        cmocka_unit_test(scores_are_the_row_times_the_weights),
        cmocka_unit_test(an_item_nobody_else_had_to_do_with_has_no_weights),
        cmocka_unit_test(no_interactions_and_one_item_give_an_empty_model),
        cmocka_unit_test(a_shopper_with_a_hundred_thousand_events_is_left_out_and_harms_nobody),
        cmocka_unit_test(senseless_options_and_weights_are_refused),
    };
    TSAN_RUNS_ONLY("thread", tests);
    return cmocka_run_group_tests_name("ml/items/item_item", tests, start, NULL);
}
