/* Searches gathered from many threads answer as each alone. */
#include "ml/topk/topk_share.h"

#include "unit/ml/ml_spec.h"

#include <pthread.h>
#include <stdatomic.h>

enum { N = 4000, K = 20, QUERIES = 200, THREADS = 8, TOP_MAX = 30 };

struct crowd {
    const struct mat *items;
    const struct mat *queries;
    struct topk_share *share;
    const uint64_t *excluded;
    atomic_int next;
    atomic_int wrong;
};

static bool same(const struct topk_hit *a, const struct topk_hit *b, int count)
{
    for (int i = 0; i < count; i++) {
        if (a[i].id != b[i].id || a[i].score != b[i].score) {
            return false;
        }
    }
    return true;
}

static void *search_on(void *arg)
{
    struct crowd *c = arg;
    for (int q = atomic_fetch_add(&c->next, 1); q < QUERIES; q = atomic_fetch_add(&c->next, 1)) {
        const struct topk_filter filter = {.excluded = q % 2 ? c->excluded : NULL};
        const float *query = mat_row(c->queries, q);
        struct topk_hit expected[TOP_MAX];
        struct topk_hit actual[TOP_MAX];
        const int k = q % TOP_MAX;
        int count = topk_search(c->items, query, k, &filter, expected);
        bool ok = topk_share_search(c->share, query, k, q % 3 ? &filter : NULL, actual) ==
                  (q % 3 ? count : topk_search(c->items, query, k, NULL, expected));
        atomic_fetch_add(&c->wrong, !ok || !same(actual, expected, count));
    }
    return NULL;
}

static void a_crowd_is_answered_as_each_alone(void **state)
{
    static uint64_t excluded[N / 64 + 1];
    struct mat items = random_mat(N, K, 1);
    struct mat queries = random_mat(QUERIES, K, 2);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(excluded); i++) {
        excluded[i] = UINT64_C(0x123456789abcdef);
    }
    for (int scans = 1; scans <= 3; scans++) {
        struct topk_index *index = topk_index_make(&items, 1);
        struct topk_share *share = topk_share_make(index, scans, 0);
        struct crowd c = {&items, &queries, share, excluded, 0, 0};
        pthread_t threads[THREADS];
        for (int i = 0; i < THREADS; i++) {
            assert_int_equal(pthread_create(&threads[i], NULL, search_on, &c), 0);
        }
        for (int i = 0; i < THREADS; i++) {
            (void)pthread_join(threads[i], NULL);
        }
        assert_int_equal(atomic_load(&c.wrong), 0);
        topk_share_free(&share);
        topk_index_free(&index);
    }
    mat_free(&items);
    mat_free(&queries);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crowd_is_answered_as_each_alone),
    };
    return cmocka_run_group_tests_name("ml/topk/topk_share", tests, NULL, NULL);
}
