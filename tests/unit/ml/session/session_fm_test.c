#include "ml/session/session_fm.h"

#include "unit/ml/session_spec.h"

enum { QUERIES = 3000, LIST = 8, FEATURES = 3 };

/* Lists whose target is the candidate with the greatest first feature, but where its second feature is set, the one with the smallest. The
 * third says nothing. */
struct lists {
    int64_t start[QUERIES + 1];
    int32_t target[QUERIES];
    uint16_t level[QUERIES * LIST * FEATURES];
    float offset[QUERIES * LIST];
};

static struct session_fm_data lists_fill(struct lists *l, uint64_t seed)
{
    struct rng rng = rng_seed(seed);
    for (int q = 0; q < QUERIES; q++) {
        bool smallest = rng_below(&rng, 2) == 1;
        float best = 0;
        for (int i = 0; i < LIST; i++) {
            uint16_t *level = &l->level[((ptrdiff_t)q * LIST + i) * FEATURES];
            float value = (float)exp(4 * rng_unit(&rng) - 2);
            float key = smallest ? 1 / value : value;
            level[0] = session_fm_level(value);
            level[1] = session_fm_level(smallest ? 1 : 0);
            level[2] = session_fm_level((float)rng_unit(&rng));
            if (i == 0 || key > best) {
                best = key;
                l->target[q] = i;
            }
        }
        l->start[q + 1] = (int64_t)(q + 1) * LIST;
    }
    return (struct session_fm_data){.queries = QUERIES,
                                    .features = FEATURES,
                                    .start = l->start,
                                    .target = l->target,
                                    .level = l->level,
                                    .offset = l->offset};
}

static const struct session_fm_options usual = {
    .epochs = 10, .rate = .1F, .l2 = 1e-5F, .seed = 1, .threads = 1};

static float score(const struct session_fm *fm, const uint16_t *level)
{
    struct session_fm_base base = {0};
    session_fm_add(fm, level, 0, 1, &base);
    session_fm_add(fm, level + 1, 1, FEATURES, &base);
    return session_fm_finish(&base);
}

static void it_learns_what_only_two_features_together_say(void **state)
{
    (void)state;
    static struct lists l;
    static struct session_fm fm;
    struct err err = {0};
    double loss;
    struct session_fm_data data = lists_fill(&l, 1);
    assert_succeeds(session_fm_train(&data, &usual, &fm, &loss, &err), err);
    lists_fill(&l, 2);
    int right = 0;
    for (int q = 0; q < QUERIES; q++) {
        int best = 0;
        const uint16_t *level = &l.level[(ptrdiff_t)q * LIST * FEATURES];
        float most = score(&fm, level);
        for (ptrdiff_t i = 1; i < LIST; i++) {
            float s = score(&fm, level + i * FEATURES);
            best = s > most ? (int)i : best;
            most = s > most ? s : most;
        }
        right += best == l.target[q];
    }
    assert_less(.8 * QUERIES, right);
}

static void the_fast_score_is_the_pairwise_sum(void **state)
{
    (void)state;
    static struct lists l;
    static struct session_fm fm;
    struct err err = {0};
    double loss;
    struct session_fm_data data = lists_fill(&l, 3);
    assert_succeeds(session_fm_train(&data, &usual, &fm, &loss, &err), err);
    for (int i = 0; i < 1000; i++) {
        const uint16_t *level = &l.level[(int64_t)i * FEATURES];
        assert_close(score(&fm, level), session_fm_score_reference(&fm, level), 1e-4);
    }
}

static void same_data_give_the_same_bytes_on_any_number_of_threads(void **state)
{
    (void)state;
    static struct lists l;
    static struct session_fm one;
    static struct session_fm three;
    struct err err = {0};
    double loss;
    struct session_fm_data data = lists_fill(&l, 4);
    struct session_fm_options o = usual;
    o.epochs = 2;
    assert_succeeds(session_fm_train(&data, &o, &one, &loss, &err), err);
    o.threads = 3;
    assert_succeeds(session_fm_train(&data, &o, &three, &loss, &err), err);
    assert_memory_equal(&one, &three, sizeof one);
}

static void levels_keep_the_order_of_values(void **state)
{
    (void)state;
    assert_int_equal(session_fm_level(0), 0);
    assert_int_equal(session_fm_level(-1), 0);
    assert_int_equal(session_fm_level(NAN), 0);
    assert_int_equal(session_fm_level(INFINITY), 65535);
    assert_int_equal(session_fm_level(1e30F), 65535);
    uint16_t before = session_fm_level(1e-30F);
    assert_true(before > 0);
    for (int i = 0; i < 2000; i++) {
        uint16_t level = session_fm_level((float)(1e-6 * pow(1.01, i)));
        assert_true(level > before);
        before = level;
    }
}

static void nothing_to_learn_from_is_refused(void **state)
{
    (void)state;
    static struct session_fm fm;
    struct err err = {0};
    double loss;
    int64_t start = 0;
    struct session_fm_data data = {.features = FEATURES, .start = &start};
    assert_refused(session_fm_train(&data, &usual, &fm, &loss, &err), err, "no session");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_learns_what_only_two_features_together_say),
        cmocka_unit_test(the_fast_score_is_the_pairwise_sum),
        cmocka_unit_test(same_data_give_the_same_bytes_on_any_number_of_threads),
        cmocka_unit_test(levels_keep_the_order_of_values),
        cmocka_unit_test(nothing_to_learn_from_is_refused),
    };
    TSAN_RUNS_ONLY("thread", tests);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
