/* Does factorization find tastes that are there? Floors on a planted shop, popularity beside it. */
#include "ml/als/als_serve.h"
#include "ml/judge/rank_eval.h"
#include "ml/linear/blas.h"
#include "ml/topk/topk.h"

#include "quality/ml_planted.h"

enum { TOP = 10 };

static struct planted shop;

static struct als_options options(void)
{
    struct als_options o = als_defaults();
    o.factors = 16;
    o.sweeps = 10;
    o.reg = 0.01F;
    o.unobserved_weight = 0.1F; /* a small, dense shop: every twelfth cell is seen */
    return o;
}

static double ndcg_of(const struct mat *scores_or_factors, const struct mat *items)
{
    double sum = 0;
    for (int u = 0; u < SHOPPERS; u++) {
        uint64_t excluded[ITEMS / 64 + 1] = {0};
        struct topk_hit hits[TOP];
        int ids[TOP];
        const struct topk_filter filter = {.excluded = excluded};
        for (int64_t e = shop.seen.start[u]; e < shop.seen.start[u + 1]; e++) {
            excluded[shop.seen.column[e] / 64] |= UINT64_C(1) << (shop.seen.column[e] % 64);
        }
        int row = scores_or_factors->rows == 1 ? 0 : u;
        int count = topk_search(items, mat_row(scores_or_factors, row), TOP, &filter, hits);
        for (int i = 0; i < count; i++) {
            ids[i] = hits[i].id;
        }
        sum += rank_eval(ids, count, shop.held_out[u], HELD_OUT, TOP).ndcg;
    }
    return sum / SHOPPERS;
}

/* Popularity as a factor model of one dimension: item = its count, query = 1. */
static double popularity_ndcg(void)
{
    struct mat counts = mat_make(ITEMS, 1);
    struct mat one = mat_make(1, 1);
    one.data[0] = 1;
    for (int64_t e = 0; e < csr_entries(&shop.seen); e++) {
        mat_row(&counts, shop.seen.column[e])[0] += 1;
    }
    double ndcg = ndcg_of(&one, &counts);
    mat_free(&counts);
    mat_free(&one);
    return ndcg;
}

static void als_beats_popularity_threefold_on_planted_tastes(void **state)
{
    (void)state;
    const struct als_options o = options();
    struct err err = {0};
    struct mat shoppers;
    struct mat items;
    assert_succeeds(als_train(&shop.seen, &o, &shoppers, &items, &err), err);
    double als = ndcg_of(&shoppers, &items);
    double popularity = popularity_ndcg();
    print_message("NDCG@%d: ALS %.4f, popularity %.4f\n", TOP, als, popularity);
    assert_less(3 * popularity, als);
    assert_less(0.22, als);
    mat_free(&shoppers);
    mat_free(&items);
}

static void a_shopper_folded_in_is_served_as_well_as_one_trained_on(void **state)
{
    (void)state;
    const struct als_options o = options();
    struct err err = {0};
    struct mat shoppers;
    struct mat items;
    assert_succeeds(als_train(&shop.seen, &o, &shoppers, &items, &err), err);
    double trained = ndcg_of(&shoppers, &items);
    float spectrum[ALS_FACTORS_MAX];
    struct als_server server;
    assert_succeeds(als_rotate(&items, 1, spectrum, &err), err);
    float scale[ITEMS];
    double shopper_mean = 0;
    als_item_scales(&shop.seen, &o, scale, &shopper_mean);
    assert_succeeds(als_server_open(&items, spectrum, scale, shopper_mean, &o, &server, &err), err);
    for (int u = 0; u < SHOPPERS; u++) {
        int64_t from = shop.seen.start[u];
        const struct als_entries done = {(int)(shop.seen.start[u + 1] - from),
                                         shop.seen.column + from, shop.seen.weight + from};
        assert_succeeds(als_fold_in(&server, &done, mat_row(&shoppers, u), &err), err);
    }
    assert_close(ndcg_of(&shoppers, &items), trained, 0.01);
    mat_free(&shoppers);
    mat_free(&items);
}

static bool keep_falling(void *ctx, const struct als_progress *p)
{
    double *last = ctx;
    assert_true(p->sweep == 1 || p->loss < *last);
    *last = p->loss;
    return true;
}

static void the_objective_falls_at_every_sweep(void **state)
{
    (void)state;
    double last = 0;
    struct err err = {0};
    struct als_options o = options();
    struct mat shoppers;
    struct mat items;
    o.watch_loss = true;
    o.progress = keep_falling;
    o.progress_ctx = &last;
    assert_succeeds(als_train(&shop.seen, &o, &shoppers, &items, &err), err);
    mat_free(&shoppers);
    mat_free(&items);
}

static void one_thread_and_two_give_the_same_bytes(void **state)
{
    (void)state;
    struct err err = {0};
    struct als_options o = options();
    struct mat shoppers[2];
    struct mat items[2];
    for (int i = 0; i < 2; i++) {
        o.threads = i + 1;
        assert_succeeds(als_train(&shop.seen, &o, &shoppers[i], &items[i], &err), err);
    }
    assert_memory_equal(shoppers[0].data, shoppers[1].data,
                        (size_t)SHOPPERS * (size_t)shoppers[0].ld * sizeof(float));
    assert_memory_equal(items[0].data, items[1].data,
                        (size_t)ITEMS * (size_t)items[0].ld * sizeof(float));
    for (int i = 0; i < 2; i++) {
        mat_free(&shoppers[i]);
        mat_free(&items[i]);
    }
}

static int start(void **state)
{
    (void)state;
    blas_init();
    planted_make(&shop, 41);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    csr_free(&shop.seen);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(als_beats_popularity_threefold_on_planted_tastes),
        cmocka_unit_test(a_shopper_folded_in_is_served_as_well_as_one_trained_on),
        cmocka_unit_test(the_objective_falls_at_every_sweep),
        cmocka_unit_test(one_thread_and_two_give_the_same_bytes),
    };
    return cmocka_run_group_tests_name("quality/affinity", tests, start, finish);
}
