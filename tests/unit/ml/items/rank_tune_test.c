#include "ml/items/rank_tune.h"

#include "ml/linear/blas.h"
#include "unit/ml/ml_spec.h"

enum { M = 200, N = 60, GROUPS = 6 };

/* Shoppers of six tastes: most of what they do lies among the ten items of theirs. */
static struct csr tastes(uint64_t seed)
{
    struct rng rng = rng_seed(seed);
    struct triple *t = mem_array((size_t)M * N, sizeof *t);
    struct err err = {0};
    struct csr built;
    size_t count = 0;
    for (int u = 0; u < M; u++) {
        for (int i = 0; i < N; i++) {
            double p = u % GROUPS == i % GROUPS ? 0.5 : 0.03;
            if (rng_unit(&rng) < p) {
                t[count++] = (struct triple){u, i, 1};
            }
        }
    }
    assert_succeeds(csr_build(M, N, t, count, &built, &err), err);
    mem_free(&t);
    return built;
}

static struct rank_tune_options small_options(void)
{
    struct rank_tune_options o = rank_tune_defaults();
    o.factors = 16;
    o.neighbours = o.kept = 30;
    o.sweeps_max = 4;
    return o;
}

static struct rank_tuned tuned_on(const struct csr *a, const struct rank_tune_options *o)
{
    struct err err = {0};
    struct csr known;
    struct csr later;
    struct rank_tuned tuned;
    rank_hold_out(a, 0.2, 7, &known, &later);
    assert_succeeds(rank_tune(&known, &later, 10, o, &tuned, &err), err);
    csr_free(&known);
    csr_free(&later);
    return tuned;
}

/* Every entry of the row is in one of both, and the held ones are the share of it, rounded, one at least. */
static void check_row(const struct csr *a, const struct csr *known, const struct csr *later, int u)
{
    int64_t k = known->start[u];
    int64_t l = later->start[u];
    const double count = (double)(a->start[u + 1] - a->start[u]);
    for (int64_t e = a->start[u]; e < a->start[u + 1]; e++) {
        bool is_known = k < known->start[u + 1] && known->column[k] == a->column[e];
        bool is_later = l < later->start[u + 1] && later->column[l] == a->column[e];
        assert_true(is_known != is_later);
        k += is_known;
        l += is_later;
    }
    assert_int_equal(k, known->start[u + 1]);
    assert_int_equal(l, later->start[u + 1]);
    assert_int_equal(l - later->start[u], count < 2 ? 0 : lround(fmax(1, 0.2 * count)));
}

static void holding_out_parts_each_shoppers_entries_by_the_share(void **state)
{
    (void)state;
    struct csr a = tastes(1);
    struct csr known;
    struct csr later;
    rank_hold_out(&a, 0.2, 5, &known, &later);
    for (int u = 0; u < M; u++) {
        check_row(&a, &known, &later, u);
    }
    csr_free(&a);
    csr_free(&known);
    csr_free(&later);
}

static void what_is_chosen_ranks_as_well_as_either_part_alone(void **state)
{
    (void)state;
    struct csr a = tastes(2);
    struct rank_tune_options o = small_options();
    struct rank_tuned t = tuned_on(&a, &o);
    double chosen = t.quality.recall + t.quality.ndcg;
    assert_true(t.settings.kind == (t.settings.item_share > 0 ? RANK_BLEND : RANK_ALS));
    assert_true(chosen >= t.als.recall + t.als.ndcg - 1e-9);
    assert_true(chosen >= t.item.recall + t.item.ndcg - 1e-9);
    assert_less(0.6, t.quality.recall);
    csr_free(&a);
}

struct watch {
    int best;
    double last;
};

static void watch(void *ctx, const struct rank_settings *tried, const struct rank_quality *q,
                  bool best)
{
    struct watch *w = ctx;
    assert_int_equal(tried->kind, RANK_ITEM);
    if (best) {
        assert_less(w->last, q->recall + q->ndcg);
        w->last = q->recall + q->ndcg;
        w->best++;
    }
}

static void each_better_setting_is_told_and_the_last_of_them_is_the_answer(void **state)
{
    (void)state;
    struct csr a = tastes(3);
    struct watch w = {0};
    struct rank_tune_options o = small_options();
    o.kind = RANK_ITEM;
    o.tell = watch;
    o.tell_ctx = &w;
    struct rank_tuned t = tuned_on(&a, &o);
    assert_true(w.best >= 1 && t.tried >= 8);
    assert_close(w.last, t.quality.recall + t.quality.ndcg, 0);
    assert_int_equal(t.als.shoppers, 0);
    csr_free(&a);
}

static void the_same_seed_chooses_the_same_settings_on_any_threads(void **state)
{
    (void)state;
    struct csr a = tastes(4);
    struct rank_tune_options o = small_options();
    struct rank_tuned t[2];
    for (int i = 0; i < 2; i++) {
        o.threads = 1 + i;
        t[i] = tuned_on(&a, &o);
    }
    assert_memory_equal(&t[0].quality, &t[1].quality, sizeof t[0].quality);
    assert_true(t[0].settings.als.reg == t[1].settings.als.reg);
    assert_true(t[0].settings.item.ridge == t[1].settings.item.ridge);
    assert_true(t[0].settings.item_share == t[1].settings.item_share);
    assert_int_equal(t[0].tried, t[1].tried);
    csr_free(&a);
}

static void factors_that_were_asked_for_are_kept(void **state)
{
    (void)state;
    struct csr a = tastes(5);
    struct rank_tune_options o = small_options();
    o.kind = RANK_ALS;
    o.fixed_factors = true;
    o.factors = 70;
    assert_int_equal(tuned_on(&a, &o).settings.als.factors, 70);
    o.factors = 3;
    assert_int_equal(tuned_on(&a, &o).settings.als.factors, 3);
    csr_free(&a);
}

static void nothing_held_out_is_refused(void **state)
{
    (void)state;
    struct err err = {0};
    struct csr known;
    struct csr later;
    struct rank_tuned t;
    struct csr a = tastes(6);
    struct rank_tune_options o = small_options();
    rank_hold_out(&a, 0, 1, &known, &later);
    assert_int_equal(csr_entries(&later), 0);
    assert_refused(rank_tune(&known, &later, 10, &o, &t, &err), err, "0 held out");
    csr_free(&a);
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
        cmocka_unit_test(holding_out_parts_each_shoppers_entries_by_the_share),
        cmocka_unit_test(what_is_chosen_ranks_as_well_as_either_part_alone),
        cmocka_unit_test(each_better_setting_is_told_and_the_last_of_them_is_the_answer),
        cmocka_unit_test(the_same_seed_chooses_the_same_settings_on_any_threads),
        cmocka_unit_test(factors_that_were_asked_for_are_kept),
        cmocka_unit_test(nothing_held_out_is_refused),
    };
    TSAN_RUNS_ONLY("thread", tests);
    return cmocka_run_group_tests_name("ml/items/rank_tune", tests, start, NULL);
}
