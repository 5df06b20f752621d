#include "ml/als/side_factors.h"

#include "unit/ml/ml_spec.h"

enum { CATEGORIES = 5, BRANDS = 4, TRAINED = 400, ITEMS = 460, K = 6 };

/* Factors that are a sum of an effect of the category and one of the brand, and noise. */
struct shop {
    int32_t category[ITEMS];
    int32_t brand[ITEMS];
    struct mat factors; /* (ITEMS, K) the truth without noise for all */
    struct mat trained; /* (TRAINED, K) with noise */
};

static struct shop a_shop(double noise, uint64_t seed)
{
    struct shop s = {.factors = mat_make(ITEMS, K), .trained = mat_make(TRAINED, K)};
    struct mat category = mat_make(CATEGORIES, K);
    struct mat brand = mat_make(BRANDS, K);
    struct rng rng = rng_seed(seed);
    mat_fill_normal(&category, 1, &rng);
    mat_fill_normal(&brand, 0.7, &rng);
    for (int i = 0; i < ITEMS; i++) {
        s.category[i] = (int32_t)rng_below(&rng, CATEGORIES);
        s.brand[i] = (int32_t)rng_below(&rng, BRANDS);
        for (int d = 0; d < K; d++) {
            float truth =
                0.3F + mat_row(&category, s.category[i])[d] + mat_row(&brand, s.brand[i])[d];
            mat_row(&s.factors, i)[d] = truth;
            if (i < TRAINED) {
                mat_row(&s.trained, i)[d] = truth + (float)(noise * rng_normal(&rng));
            }
        }
    }
    mat_free(&category);
    mat_free(&brand);
    return s;
}

static struct side_info info_of(const struct shop *s)
{
    return (struct side_info){.items = ITEMS,
                              .trained = TRAINED,
                              .groups = 2,
                              .level = {s->category, s->brand},
                              .levels = {CATEGORIES, BRANDS}};
}

static void shop_free(struct shop *s)
{
    mat_free(&s->factors);
    mat_free(&s->trained);
}

static double distance(const struct mat *a, int row_a, const struct mat *b, int row_b)
{
    double sum = 0;
    for (int d = 0; d < a->cols; d++) {
        double off = (double)mat_row(a, row_a)[d] - (double)mat_row(b, row_b)[d];
        sum += off * off;
    }
    return sqrt(sum);
}

static void planted_effects_are_found_and_predict_items_never_seen(void **state)
{
    struct shop s = a_shop(0.2, 1);
    const struct side_info info = info_of(&s);
    double explained = 0;
    (void)state;
    double ridge = side_factors_ridge(&s.trained, &info, &explained);
    assert_less(0.9, explained);
    struct mat out = side_factors_fit(&s.trained, &info, ridge);
    assert_int_equal(out.rows, ITEMS - TRAINED);
    for (int i = 0; i < out.rows; i++) {
        assert_less(distance(&out, i, &s.factors, TRAINED + i), 0.35);
    }
    mat_free(&out);
    shop_free(&s);
}

static void where_what_is_known_says_nothing_nothing_is_explained(void **state)
{
    struct shop s = a_shop(0, 1);
    struct rng rng = rng_seed(2);
    const struct side_info info = info_of(&s);
    double explained = 1;
    (void)state;
    mat_fill_normal(&s.trained, 1, &rng);
    assert_close(side_factors_ridge(&s.trained, &info, &explained), 32, 0); /* the most careful */
    assert_less(explained, 0.02);
    shop_free(&s);
}

/* One group has a closed form: mean + n / (n + ridge) (mean of the level - mean). */
static void one_group_is_the_shrunken_mean(void **state)
{
    const int32_t level[] = {0, 0, 0, 1, 0, 1, -1, 2};
    const float values[] = {4, 5, 6, 1};
    struct mat factors = mat_make(4, 1);
    struct side_info info = {
        .items = 8, .trained = 4, .groups = 1, .level = {level}, .levels = {3}};
    (void)state;
    for (int i = 0; i < 4; i++) {
        mat_row(&factors, i)[0] = values[i];
    }
    struct mat out = side_factors_fit(&factors, &info, 2);
    assert_close((double)mat_row(&out, 0)[0], 4 + 3.0 / 5 * (5 - 4), 1e-5);
    assert_close((double)mat_row(&out, 1)[0], 4 + 1.0 / 3 * (1 - 4), 1e-5);
    assert_close((double)mat_row(&out, 2)[0], 4, 1e-6); /* nothing known */
    assert_close((double)mat_row(&out, 3)[0], 4, 1e-6); /* a level never seen */
    mat_free(&out);
    mat_free(&factors);
}

/* Nowhere can an effect be moved to lower the objective: its gradient is zero. */
static void the_effects_minimise_the_objective(void **state)
{
    struct shop s = a_shop(0.5, 4);
    /* items behind the trained ones that show one level each: their factors less the mean are the effects */
    int32_t category[TRAINED + CATEGORIES + BRANDS];
    int32_t brand[TRAINED + CATEGORIES + BRANDS];
    double ridge = 3;
    (void)state;
    for (int i = 0; i < TRAINED + CATEGORIES + BRANDS; i++) {
        category[i] = i < TRAINED ? s.category[i] : i < TRAINED + CATEGORIES ? i - TRAINED : -1;
        brand[i] = i < TRAINED                ? s.brand[i]
                   : i < TRAINED + CATEGORIES ? -1
                                              : i - TRAINED - CATEGORIES;
    }
    const struct side_info info = {.items = TRAINED + CATEGORIES + BRANDS,
                                   .trained = TRAINED,
                                   .groups = 2,
                                   .level = {category, brand},
                                   .levels = {CATEGORIES, BRANDS}};
    struct mat out = side_factors_fit(&s.trained, &info, ridge);
    double mean = 0;
    for (int i = 0; i < TRAINED; i++) {
        mean += (double)mat_row(&s.trained, i)[0] / TRAINED;
    }
    for (int c = 0; c < CATEGORIES; c++) {
        double effect = (double)mat_row(&out, c)[0] - mean;
        double gradient = ridge * effect;
        for (int i = 0; i < TRAINED; i++) {
            double other = (double)mat_row(&out, CATEGORIES + brand[i])[0] - mean;
            gradient -=
                category[i] == c ? (double)mat_row(&s.trained, i)[0] - mean - effect - other : 0;
        }
        assert_close(gradient, 0, 0.02);
    }
    mat_free(&out);
    shop_free(&s);
}

static void the_same_items_give_the_same_bytes(void **state)
{
    struct shop s = a_shop(0.3, 5);
    const struct side_info info = info_of(&s);
    (void)state;
    struct mat a = side_factors_fit(&s.trained, &info, 2);
    struct mat b = side_factors_fit(&s.trained, &info, 2);
    assert_memory_equal(a.data, b.data, (size_t)a.rows * (size_t)a.ld * sizeof(float));
    mat_free(&a);
    mat_free(&b);
    shop_free(&s);
}

static void few_items_and_no_new_ones_are_fine(void **state)
{
    const int32_t level[] = {0};
    struct mat one = mat_make(1, 2);
    struct side_info info = {
        .items = 1, .trained = 1, .groups = 1, .level = {level}, .levels = {1}};
    double explained = 9;
    (void)state;
    assert_less(0, side_factors_ridge(&one, &info, &explained));
    assert_close(explained, 0, 0);
    struct mat out = side_factors_fit(&one, &info, 1);
    assert_int_equal(out.rows, 0);
    mat_free(&out);
    mat_free(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(planted_effects_are_found_and_predict_items_never_seen),
        cmocka_unit_test(where_what_is_known_says_nothing_nothing_is_explained),
        cmocka_unit_test(one_group_is_the_shrunken_mean),
        cmocka_unit_test(the_effects_minimise_the_objective),
        cmocka_unit_test(the_same_items_give_the_same_bytes),
        cmocka_unit_test(few_items_and_no_new_ones_are_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
