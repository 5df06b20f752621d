#include "ml/als/als_internal.h"

#include "ml/als/als_rows.h"
#include "ml/linear/blas.h"
#include "ml/linear/cpu.h"
#include "ml/linear/parallel.h"
#include "unit/ml/ml_spec.h"

#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { M = 70, N = 45 };

static struct als_options small_options(void)
{
    struct als_options o = als_defaults();
    o.factors = 8;
    o.sweeps = 3;
    o.reg = 0.05F;
    o.shopper_exponent = 0;
    o.item_exponent = 0;
    return o;
}

static struct mat train(const struct csr *a, const struct als_options *o, struct mat *out_shoppers)
{
    struct err err = {0};
    struct mat items = {0};
    assert_succeeds(als_train(a, o, out_shoppers, &items, &err), err);
    return items;
}

static float *aligned_floats(size_t count)
{
    float *out = aligned_alloc(64, (count * sizeof *out + 63) / 64 * 64);

    assert_non_null(out);
    return out;
}

/* Largest difference of scores relative to the largest score: factors may be rotated, scores may not. */
static double score_distance(const struct mat w[2], const struct mat h[2])
{
    double largest = 0;
    double difference = 0;
    for (int u = 0; u < w[0].rows; u++) {
        for (int i = 0; i < h[0].rows; i++) {
            double x = (double)mat_dot(mat_row(&w[0], u), mat_row(&h[0], i), w[0].cols);
            double y = (double)mat_dot(mat_row(&w[1], u), mat_row(&h[1], i), w[1].cols);
            largest = fmax(largest, fabs(x));
            difference = fmax(difference, fabs(x - y));
        }
    }
    return difference / largest;
}

static double solvers_differ(const struct csr *a, struct als_options one, struct als_options other)
{
    struct mat w[2];
    struct mat h[2];
    h[0] = train(a, &one, &w[0]);
    h[1] = train(a, &other, &w[1]);
    double difference = score_distance(w, h);
    for (int i = 0; i < 2; i++) {
        mat_free(&w[i]);
        mat_free(&h[i]);
    }
    return difference;
}

static void every_solver_equals_the_plain_reference_in_double(void **state)
{
    (void)state;
    struct als_options o = small_options();
    const float exponents[] = {0, 0.5F, 1};
    const int factors[] = {1, 8, 33};
    struct csr a = random_interactions(M, N, 0.1, 11);
    for (int i = 0; i < 3; i++) {
        o.reg_exponent = exponents[i];
        o.shopper_exponent = exponents[i] / 2;
        o.item_exponent = exponents[i] / 3;
        o.factors = factors[i];
        o.steps = 60; /* to the end, so that they take the same way */
        struct als_options plain = o;
        struct als_options cholesky = o;
        struct als_options full = o;
        plain.solver = ALS_SOLVER_PLAIN;
        cholesky.solver = ALS_SOLVER_CHOLESKY;
        full.full_floats = true;
        assert_less(solvers_differ(&a, plain, cholesky), 1e-4);
        assert_less(solvers_differ(&a, plain, full), 2e-4);
        assert_less(solvers_differ(&a, plain, o), 5e-3);
    }
    csr_free(&a);
}

static double loss_after(const struct csr *a, const struct als_options *o)
{
    struct mat w;
    struct mat h = train(a, o, &w);
    double loss = als_loss(a, o, &w, &h);
    mat_free(&w);
    mat_free(&h);
    return loss;
}

static void two_steps_a_sweep_end_where_exact_solutions_end(void **state)
{
    (void)state;
    struct als_options o = small_options();
    struct csr a = random_interactions(M, N, 0.1, 11);
    o.sweeps = 40;
    const int factors[] = {3, 16, 40};
    for (int i = 0; i < 3; i++) {
        o.factors = factors[i];
        o.solver = ALS_SOLVER_CHOLESKY;
        double exact = loss_after(&a, &o);
        o.solver = ALS_SOLVER_EIGEN;
        assert_close(loss_after(&a, &o), exact, 1e-3 * exact);
    }
    csr_free(&a);
}

static void every_kernel_set_finds_the_same_scores(void **state)
{
    (void)state;
    struct als_options o = small_options();
    struct csr a = random_interactions(M, N, 0.1, 11);
    const int factors[] = {5, 20, 48, 64, 100, 128, 200};
    o.steps = 5;
    for (size_t i = 0; i < COUNT_OF(factors); i++) {
        for (int full = 0; full < 2; full++) {
            struct mat w[2];
            struct mat h[2];
            o.factors = factors[i];
            o.full_floats = full;
            h[0] = train(&a, &o, &w[0]);
            for (int level = CPU_PORTABLE; level <= CPU_AVX2; level++) {
                enum cpu_level before = cpu_limit((enum cpu_level)level);
                h[1] = train(&a, &o, &w[1]);
                cpu_limit(before);
                /* plain C gathers full floats */
                assert_less(score_distance(w, h), full ? 1e-3 : 1e-2);
                mat_free(&w[1]);
                mat_free(&h[1]);
            }
            mat_free(&w[0]);
            mat_free(&h[0]);
        }
    }
    csr_free(&a);
}

static double mean_of_positive(const double *values, int count)
{
    double sum = 0;
    int positive = 0;
    for (int i = 0; i < count; i++) {
        sum += values[i];
        positive += values[i] > 0;
    }
    return sum / positive;
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
            row_weight[u] += (double)a->weight[e];
            col_weight[a->column[e]] += (double)a->weight[e];
        }
    }
    const double row_mean = mean_of_positive(row_weight, a->rows);
    const double col_mean = mean_of_positive(col_weight, a->cols);
    for (int u = 0; u < a->rows; u++) {
        for (int64_t e = a->start[u]; e < a->start[u + 1]; e++) {
            double p = (double)mat_dot(mat_row(w, u), mat_row(h, a->column[e]), w->cols);
            double scale = pow(row_weight[u] / row_mean, -(double)o->shopper_exponent) *
                           pow(col_weight[a->column[e]] / col_mean, -(double)o->item_exponent);
            loss += scale * (double)a->weight[e] * (1 - p) * (1 - p);
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
    for (int weighted = 0; weighted < 2; weighted++) {
        o.shopper_exponent = weighted ? 0.3F : 0;
        o.item_exponent = weighted ? 0.5F : 0;
        double expected = loss_by_definition(&a, &o, &w, &h);
        assert_close(als_loss(&a, &o, &w, &h), expected, 1e-5 * expected);
    }
    csr_free(&a);
    mat_free(&w);
    mat_free(&h);
}

struct watch {
    double losses[64];
    int sweeps;
    int stop_after;
    struct als_state *stopped; /* filled where it stops; NULL */
};

static bool record(void *ctx, const struct als_progress *p)
{
    struct watch *watch = ctx;
    watch->losses[p->sweep] = p->loss;
    watch->sweeps = p->sweep;
    if (p->sweep != watch->stop_after) {
        return true;
    }
    if (watch->stopped) {
        watch->stopped->sweeps = p->sweep;
        mat_copy(&p->state->shoppers, &watch->stopped->shoppers);
        mat_copy(&p->state->items, &watch->stopped->items);
    }
    return false;
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
    o.watch_loss = true;
    o.progress = record;
    o.progress_ctx = &watch;
    for (int full = 0; full < 2; full++) {
        o.full_floats = full;
        assert_succeeds(als_train(&a, &o, &w, &h, &err), err);
        assert_int_equal(watch.sweeps, 20);
        for (int s = 2; s <= 20; s++) {
            /* near the minimum the loss may tremble in the seventh digit, with packed vectors in the fifth */
            assert_less(watch.losses[s], watch.losses[s - 1] * (1 + (full ? 1e-6 : 1e-5)));
        }
        assert_less(watch.losses[20], watch.losses[1] * 0.99);
        mat_free(&w);
        mat_free(&h);
    }
    csr_free(&a);
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

static void a_resumed_training_ends_with_the_same_bytes(void **state)
{
    (void)state;
    struct err err = {0};
    struct als_options o = small_options();
    struct csr a = random_interactions(M, N, 0.1, 12);
    struct mat w[2];
    struct mat h[2];
    o.item_exponent = 0.3F;
    o.sweeps = 5;
    h[0] = train(&a, &o, &w[0]);
    struct als_state stopped = {.shoppers = mat_make(M, o.factors),
                                .items = mat_make(N, o.factors)};
    struct watch watch = {.stop_after = 2, .stopped = &stopped};
    o.progress = record;
    o.progress_ctx = &watch;
    assert_false(als_train(&a, &o, &w[1], &h[1], &err));
    watch.stop_after = 0;
    o.resume = &stopped;
    h[1] = train(&a, &o, &w[1]);
    assert_int_equal(watch.sweeps, 5);
    assert_null(stopped.items.data);
    assert_memory_equal(w[0].data, w[1].data, (size_t)M * (size_t)w[0].ld * sizeof(float));
    assert_memory_equal(h[0].data, h[1].data, (size_t)N * (size_t)h[0].ld * sizeof(float));
    for (int i = 0; i < 2; i++) {
        mat_free(&w[i]);
        mat_free(&h[i]);
    }
    csr_free(&a);
}

static void a_state_of_another_training_is_refused(void **state)
{
    (void)state;
    struct als_options o = small_options();
    struct csr a = random_interactions(M, N, 0.1, 12);
    for (int odd = 0; odd < 4; odd++) {
        struct err err = {0};
        struct mat w;
        struct mat h;
        struct als_state s = {.sweeps = odd == 3 ? -1 : 1,
                              .shoppers = mat_make(M, o.factors + (odd == 0)),
                              .items = mat_make(N - (odd == 1), o.factors)};
        s.items.data[0] = odd == 2 ? NAN : 0;
        o.resume = &s;
        assert_refused(als_train(&a, &o, &w, &h, &err), err, "to resume");
        assert_null(s.items.data);
    }
    csr_free(&a);
}

static void half_precision_holds_the_largest_entry_there_can_be(void **state)
{
    (void)state;
    for (int exponent = -60; exponent <= 60; exponent++) {
        const float roots[] = {1, 1.0001F, 1.5F, 1.9999F};
        for (size_t i = 0; i < COUNT_OF(roots); i++) {
            const float largest =
                ldexpf(roots[i], exponent); /* an item that is a column's only one */
            const float unit = als_half_unit(largest * largest);
            int of_unit = 0;
            assert_true(frexpf(unit, &of_unit) ==
                        0.5F); /* a power of two: dividing by it rounds nothing */
            assert_true(largest / unit >= 0x1p13F && largest / unit < 0x1p14F);
        }
    }
    assert_true(als_half_unit(0) > 0 && isfinite(als_half_unit(0)));
}

/* The kernels look at entries to come; the last ones end where a page ends that nobody may read beyond. */
static void nothing_is_read_behind_the_last_entry(void **state)
{
    (void)state;
    enum { ROWS = 300, EACH = 8, ENTRIES = ROWS * EACH };
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t bytes = ENTRIES * sizeof(int32_t);
    const size_t room = (bytes + page - 1) / page * page;
    char *memory[2];
    int64_t start[ROWS + 1];
    for (int i = 0; i < 2; i++) {
        memory[i] =
            mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_true(memory[i] != MAP_FAILED);
        assert_int_equal(mprotect(memory[i] + room, page, PROT_NONE), 0);
    }
    int32_t *column = (void *)(memory[0] + room - bytes);
    float *weight = (void *)(memory[1] + room - bytes);
    for (int e = 0; e < ENTRIES; e++) {
        column[e] = e % EACH * 5 + e / EACH % 5;
        weight[e] = 1;
        start[e / EACH] = e - e % EACH;
    }
    start[ROWS] = ENTRIES;
    const struct csr a = {
        .rows = ROWS, .cols = 40, .start = start, .column = column, .weight = weight};
    struct als_options o = small_options();
    for (int steps = 1; steps <= 3; steps++) {
        const int factors[] = {16, 32, 64, 128, 200};
        for (size_t i = 0; i < COUNT_OF(factors); i++) {
            struct mat w;
            o.steps = steps;
            o.sweeps = 1;
            o.factors = factors[i];
            struct mat h = train(&a, &o, &w);
            assert_true(mat_is_finite(&w) && mat_is_finite(&h));
            mat_free(&w);
            mat_free(&h);
        }
    }
    for (int i = 0; i < 2; i++) {
        (void)munmap(memory[i], room + page);
    }
}

/* A shopper with thirty thousand events, an item that everybody has, and shoppers with nothing. */
static struct csr lopsided_interactions(void)
{
    enum { ROWS = 1000, COLS = 30000 };
    struct err err = {0};
    struct csr built;
    struct triple *triples = mem_array(COLS + ROWS, sizeof *triples);
    size_t count = 0;
    for (int i = 0; i < COLS; i++) {
        triples[count++] = (struct triple){7, i, 1};
    }
    for (int u = 0; u < ROWS; u++) {
        if (u % 10) {
            triples[count++] = (struct triple){u, 5, 2};
        }
    }
    assert_succeeds(csr_build(ROWS, COLS, triples, count, &built, &err), err);
    mem_free(&triples);
    return built;
}

static void a_giant_row_and_a_giant_column_train_alike_on_any_threads(void **state)
{
    (void)state;
    struct als_options o = small_options();
    o.reg = 0.01F;
    o.reg_exponent = 0;
    struct csr a = lopsided_interactions();
    struct mat w[3];
    struct mat h[3];
    for (int i = 0; i < 3; i++) {
        o.threads = i + 1;
        h[i] = train(&a, &o, &w[i]);
        assert_true(mat_is_finite(&w[i]) && mat_is_finite(&h[i]));
        assert_memory_equal(h[i].data, h[0].data,
                            (size_t)h[0].rows * (size_t)h[0].ld * sizeof(float));
    }
    double everybodys = (double)mat_dot(mat_row(&w[0], 1), mat_row(&h[0], 5), o.factors);
    double his = (double)mat_dot(mat_row(&w[0], 7), mat_row(&h[0], 9000), o.factors);
    assert_less(0.5, everybodys);
    assert_less(0.5, his);
    for (int i = 0; i < 3; i++) {
        mat_free(&w[i]);
        mat_free(&h[i]);
    }
    csr_free(&a);
}

static void many_factors_train_to_what_cholesky_finds(void **state)
{
    (void)state;
    struct als_options o = small_options();
    /* few rows: Cholesky takes k^3 / 3 of each, and the eigenvectors k^3 a side */
    struct csr a = random_interactions(8, 6, 0.4, 11);
    const int factors[] = {256, 512, ALS_FACTORS_MAX};
    o.sweeps = 1;
    for (size_t i = 0; i < COUNT_OF(factors); i++) {
        o.factors = factors[i];
        o.steps = 30;
        struct als_options exact = o;
        exact.solver = ALS_SOLVER_CHOLESKY;
        assert_less(solvers_differ(&a, exact, o), 1e-2);
    }
    csr_free(&a);
}

/* What the process holds at the end of the last sweep, when everything is there. */
static bool weigh(void *ctx, const struct als_progress *p)
{
    size_t *bytes = ctx;
    struct mallinfo2 info = mallinfo2();
    (void)p;
    *bytes = info.uordblks + info.hblkhd;
    return true;
}

static void memory_is_predicted_within_a_twentieth(void **state)
{
    (void)state;
    if (mallinfo2().uordblks == 0) {
        skip(); /* a sanitizer's allocator counts nothing */
    }
    struct als_options o = small_options();
    struct csr a = random_interactions(4000, 600, 0.05, 12);
    size_t bytes = 0;
    o.factors = 40;
    o.sweeps = 1;
    o.progress = weigh;
    o.progress_ctx = &bytes;
    for (int variant = 0; variant < 3; variant++) {
        struct mat w;
        o.full_floats = variant == 1;
        o.item_exponent = variant == 2 ? 0.3F : 0;
        struct mallinfo2 before = mallinfo2();
        struct mat h = train(&a, &o, &w);
        double taken = (double)(bytes - before.uordblks - before.hblkhd);
        double told = (double)als_memory_bytes(a.rows, a.cols, csr_entries(&a), &o);
        mat_free(&w);
        mat_free(&h);
        /* between sweeps the Gram matrices and the threads' scratch are not there */
        double scratch = 16.0 * 48 * 48 * sizeof(float) + 256.0 * 48 * sizeof(float);
        assert_close(told - scratch, taken, 0.05 * taken);
    }
    csr_free(&a);
}

/* Weights scaled from either side lie beside the counts. */
static void scaling_by_either_exponent_takes_room_for_the_weights(void **state)
{
    (void)state;
    const struct als_options neither = {.factors = 8};
    const struct als_options shoppers = {.factors = 8, .shopper_exponent = 0.3F};
    const struct als_options items = {.factors = 8, .item_exponent = 0.3F};
    const size_t plain = als_memory_bytes(50, 20, 1000, &neither);

    assert_int_equal(als_memory_bytes(50, 20, 1000, &shoppers), plain + 1000 * sizeof(float));
    assert_int_equal(als_memory_bytes(50, 20, 1000, &items), plain + 1000 * sizeof(float));
}

/* Rows of 40 numbers lie 48 apart; of the rows that belong to one 128 are gathered at a time. */
static void an_exact_solver_takes_room_for_a_system_a_thread(void **state)
{
    (void)state;
    const struct als_options one = {.factors = 40, .solver = ALS_SOLVER_CHOLESKY, .threads = 1};
    const struct als_options two = {.factors = 40, .solver = ALS_SOLVER_CHOLESKY, .threads = 2};

    assert_int_equal(als_memory_bytes(50, 20, 1000, &two) - als_memory_bytes(50, 20, 1000, &one),
                     sizeof(float) * 48 * (48 + 128));
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
    struct als_options bad[16];
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
    bad[9].steps = 0;
    bad[10].item_exponent = -0.1F;
    bad[11].shopper_exponent = NAN;
    bad[12].sweeps = ALS_SWEEPS_MAX + 1;
    bad[13].threads = PARALLEL_THREADS_MAX + 1;
    bad[14].steps = ALS_STEPS_MAX + 1;
    bad[15].reg_exponent = 2.1F;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct err err = {0};
        struct mat w;
        struct mat h;
        assert_refused(als_train(&a, &bad[i], &w, &h, &err), err, "must be");
    }
    csr_free(&a);
}

static void options_are_taken_up_to_their_ends(void **state)
{
    (void)state;
    struct csr a = random_interactions(3, 3, 1, 1);
    const struct als_options good = small_options();
    struct als_options ends[9];
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        ends[i] = good;
        ends[i].sweeps = 1;
    }
    ends[0].factors = 1;
    ends[1].factors = ALS_FACTORS_MAX;
    ends[2].sweeps = ALS_SWEEPS_MAX;
    ends[3].threads = PARALLEL_THREADS_MAX;
    ends[4].steps = 1;
    ends[5].steps = ALS_STEPS_MAX;
    ends[6].unobserved_weight = 0;
    ends[7].reg_exponent = ends[7].item_exponent = ends[7].shopper_exponent = 0;
    ends[8].reg_exponent = 2;
    ends[8].item_exponent = ends[8].shopper_exponent = 1;
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        struct err err = {0};
        struct mat w;
        struct mat h;
        assert_succeeds(als_train(&a, &ends[i], &w, &h, &err), err);
        mat_free(&w);
        mat_free(&h);
    }
    csr_free(&a);
}

/* Two items with weights 4 and 1, one with none; shoppers with 3 and 2, one with none. */
static void scales_are_relative_to_the_mean_of_those_that_have_anything(void **state)
{
    (void)state;
    struct csr a = random_interactions(3, 3, 0, 1);
    struct als_options o = small_options();
    float scales[3] = {0};
    double mean = 0;
    o.item_exponent = 0.5F;
    als_item_scales(&a, &o, scales, &mean);
    assert_close(mean, 1, 0); /* nobody has anything */
    assert_close(scales[0], 1, 0);
    csr_free(&a);
    int64_t start[] = {0, 2, 3, 3};
    int32_t column[] = {0, 2, 0};
    float weight[] = {2, 1, 2};
    const struct csr some = {
        .rows = 3, .cols = 3, .start = start, .column = column, .weight = weight};
    als_item_scales(&some, &o, scales, &mean);
    assert_close(mean, 2.5, 0);
    assert_close(scales[0], pow(4 / 2.5, -0.5), 1e-6);
    assert_close(scales[1], 1, 0);
    assert_close(scales[2], pow(1 / 2.5, -0.5), 1e-6);
    o.item_exponent = 0;
    als_item_scales(&some, &o, scales, &mean);
    assert_close(scales[0], 1, 0);
}

static void of_all_threads_the_first_row_is_told(void **state)
{
    struct als_failure failures[4] = {{0}};
    struct err err = {0};
    (void)state;

    assert_true(als_failures_told(failures, 4, &err));
    als_failure_note(&failures[0], 9, &(struct err){.kind = ERR_INVALID, .text = "nine"});
    als_failure_note(&failures[0], 5, &(struct err){.kind = ERR_INVALID, .text = "five"});
    als_failure_note(&failures[0], 7, &(struct err){.kind = ERR_INVALID, .text = "seven"});
    assert_refused(als_failures_told(failures, 4, &err), err, "row 5: five");
    als_failure_note(&failures[1], 2, &(struct err){.kind = ERR_BUSY, .text = "two"});
    als_failure_note(&failures[3], 3, &(struct err){.kind = ERR_INVALID, .text = "three"});
    assert_false(als_failures_told(failures, 4, &err));
    assert_int_equal(err.kind, ERR_BUSY);
    assert_string_equal(err.text, "row 2: two");
    assert_refused(als_failures_told(failures, 1, &err), err, "row 5: five"); /* of one thread */
}

/* Weights that a float holds, and their sums do not. */
static void the_first_row_that_overflows_is_told_on_any_number_of_threads(void **state)
{
    (void)state;
    struct als_options o = small_options();
    struct csr a = random_interactions(900, N, 0.3, 14);
    o.reg_exponent = 0; /* an infinite ridge would make a row zero */
    for (int64_t e = a.start[7]; e < csr_entries(&a); e++) {
        const bool odd = e < a.start[8] || (e >= a.start[800] && e < a.start[803]);
        a.weight[e] = odd ? 3e38F : a.weight[e];
    }
    for (o.threads = 1; o.threads <= 2; o.threads++) {
        for (int full = 0; full < 2; full++) {
            struct err err = {0};
            struct mat w = {0};
            struct mat h = {0};
            o.full_floats = full;
            assert_refused(als_train(&a, &o, &w, &h, &err), err, "row 7: ");
            assert_null(w.data);
        }
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

enum { SCENE_ENTRIES = 9, SCENE_OTHERS = 20, BEHIND = 16 };

/* One row's system of random numbers. */
struct row_scene {
    int ld;
    float *others, *dense, *right;
    int32_t column[SCENE_ENTRIES];
    float weight[SCENE_ENTRIES];
};

static struct row_scene row_scene_make(int ld, struct rng *r)
{
    struct row_scene s = {.ld = ld,
                          .others = aligned_floats((size_t)SCENE_OTHERS * (size_t)ld),
                          .dense = aligned_floats((size_t)ld),
                          .right = aligned_floats((size_t)ld)};
    for (int i = 0; i < SCENE_OTHERS * ld; i++) {
        s.others[i] = (float)rng_normal(r) / sqrtf((float)ld);
    }
    for (int i = 0; i < ld; i++) {
        s.dense[i] = 0.1F;
        s.right[i] = (float)rng_normal(r);
    }
    for (int e = 0; e < SCENE_ENTRIES; e++) {
        s.column[e] = (int32_t)rng_below(r, SCENE_OTHERS);
        s.weight[e] = 1;
    }
    return s;
}

/* Solves from this start; what lies behind the row must stay as it is. */
static void solve_from(const struct row_scene *s, enum cpu_level level, float start, float *x)
{
    const struct als_system system = {
        .others = s->others, .unit = 1, .ld = s->ld, .dense = s->dense, .steps = 4};
    const struct als_row row = {
        .column = s->column, .weight = s->weight, .count = SCENE_ENTRIES, .ridge = 0.05F};
    for (int i = 0; i < s->ld + BEHIND; i++) {
        x[i] = i < s->ld ? start : 7;
    }
    enum cpu_level before = cpu_limit(level);
    als_row_kernel (&system)(&system, &row, s->right, x);
    cpu_limit(before);
    for (int i = s->ld; i < s->ld + BEHIND; i++) {
        assert_true(x[i] == 7);
    }
}

/* A right side of the caller's makes the start zero, and nothing but the row's own floats is written; at a length with kernels of its own, at
 * one without, and at the longest. */
static void a_given_right_side_starts_at_zero_and_writes_its_row_alone(void **state)
{
    static const int lengths[] = {64, 208, ALS_FACTORS_MAX};
    struct rng r = rng_seed(17);
    (void)state;

    for (size_t n = 0; n < COUNT_OF(lengths); n++) {
        const int ld = lengths[n];
        struct row_scene s = row_scene_make(ld, &r);
        float *x = aligned_floats((size_t)ld + BEHIND);
        float *y = aligned_floats((size_t)ld + BEHIND);
        for (int level = CPU_PORTABLE; level <= CPU_AVX512; level++) {
            solve_from(&s, (enum cpu_level)level, 0, x);
            solve_from(&s, (enum cpu_level)level, 3, y);
            assert_memory_equal(x, y, (size_t)ld * sizeof(float));
        }
        free(s.others);
        free(s.dense);
        free(s.right);
        free(x);
        free(y);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_solver_equals_the_plain_reference_in_double),
        cmocka_unit_test(two_steps_a_sweep_end_where_exact_solutions_end),
        cmocka_unit_test(every_kernel_set_finds_the_same_scores),
        cmocka_unit_test(a_given_right_side_starts_at_zero_and_writes_its_row_alone),
        cmocka_unit_test(half_precision_holds_the_largest_entry_there_can_be),
        cmocka_unit_test(nothing_is_read_behind_the_last_entry),
        cmocka_unit_test(a_resumed_training_ends_with_the_same_bytes),
        cmocka_unit_test(a_state_of_another_training_is_refused),
        cmocka_unit_test(a_giant_row_and_a_giant_column_train_alike_on_any_threads),
        cmocka_unit_test(many_factors_train_to_what_cholesky_finds),
        cmocka_unit_test(memory_is_predicted_within_a_twentieth),
        cmocka_unit_test(the_loss_is_the_objective_of_the_header),
        cmocka_unit_test(the_objective_never_rises),
        cmocka_unit_test(training_stops_when_the_caller_says_so),
        cmocka_unit_test(any_number_of_threads_gives_the_same_bytes),
        cmocka_unit_test(another_seed_gives_another_start),
        cmocka_unit_test(an_exact_solver_takes_room_for_a_system_a_thread),
        cmocka_unit_test(scaling_by_either_exponent_takes_room_for_the_weights),
        cmocka_unit_test(degenerate_shapes_train_to_finite_factors),
        cmocka_unit_test(rows_without_entries_become_zero),
        cmocka_unit_test(options_out_of_range_are_refused),
        cmocka_unit_test(options_are_taken_up_to_their_ends),
        cmocka_unit_test(scales_are_relative_to_the_mean_of_those_that_have_anything),
        cmocka_unit_test(of_all_threads_the_first_row_is_told),
        cmocka_unit_test(the_first_row_that_overflows_is_told_on_any_number_of_threads),
        cmocka_unit_test(nothing_to_learn_from_is_refused_with_a_clear_text),
    };
    TSAN_RUNS_ONLY("thread", tests);
    return cmocka_run_group_tests_name("ml/als/als", tests, start_blas, NULL);
}
