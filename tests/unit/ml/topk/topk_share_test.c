/* Searches gathered from many threads answer as each alone. */
#include "ml/topk/topk_share.h"

#include "base/stop.h"
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
    int only; /* of search_once */
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

static void search(struct crowd *c, int q, int k)
{
    const struct topk_filter filter = {.excluded = q % 2 ? c->excluded : NULL};
    const float *query = mat_row(c->queries, q);
    struct topk_hit expected[TOP_MAX];
    struct topk_hit actual[TOP_MAX];
    int count = topk_search(c->items, query, k, &filter, expected);
    bool ok = topk_share_search(c->share, query, k, q % 3 ? &filter : NULL, actual) ==
              (q % 3 ? count : topk_search(c->items, query, k, NULL, expected));

    atomic_fetch_add(&c->wrong, !ok || !same(actual, expected, count));
}

static void *search_on(void *arg)
{
    struct crowd *c = arg;
    for (int q = atomic_fetch_add(&c->next, 1); q < QUERIES; q = atomic_fetch_add(&c->next, 1)) {
        search(c, q, q % TOP_MAX);
    }
    return NULL;
}

static void *search_once(void *arg)
{
    struct crowd *c = arg;

    search(c, c->only, 10 + c->only % (TOP_MAX - 10));
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
        struct crowd c = {&items, &queries, share, excluded, 0, 0, 0};
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

/* ---- together ---- */

enum { LATE_MAX = TOPK_PASS + 6 };

/* In place of the linker's: a search that lasts until it is told, who waits for it, and what is scanned together then. */
static atomic_bool held, searching;
static atomic_int waits, batches, together, most;

int __real_topk_index_search(const struct topk_index *index, const float *query, int k,
                             const struct topk_filter *filter, struct topk_hit *out,
                             struct topk_work *work);
int __wrap_topk_index_search(const struct topk_index *index, const float *query, int k,
                             const struct topk_filter *filter, struct topk_hit *out,
                             struct topk_work *work);
int __wrap_topk_index_search(const struct topk_index *index, const float *query, int k,
                             const struct topk_filter *filter, struct topk_hit *out,
                             struct topk_work *work)
{
    atomic_store(&searching, true);
    while (atomic_load(&held)) {
        (void)stop_wait_us(1000);
    }
    return __real_topk_index_search(index, query, k, filter, out, work);
}

int __real_pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock);
int __wrap_pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock);
int __wrap_pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock)
{
    atomic_fetch_add(&waits, 1);
    return __real_pthread_cond_wait(cond, lock);
}

void __real_topk_index_batch(const struct topk_index *index, const struct topk_queries *queries,
                             struct topk_hit *out, int *out_counts, struct topk_work *work);
void __wrap_topk_index_batch(const struct topk_index *index, const struct topk_queries *queries,
                             struct topk_hit *out, int *out_counts, struct topk_work *work);
void __wrap_topk_index_batch(const struct topk_index *index, const struct topk_queries *queries,
                             struct topk_hit *out, int *out_counts, struct topk_work *work)
{
    atomic_fetch_add(&batches, 1);
    if (atomic_load(&together) < queries->rows->rows) { /* one scan runs at a time here */
        atomic_store(&together, queries->rows->rows);
    }
    atomic_store(&most, queries->k);
    __real_topk_index_batch(index, queries, out, out_counts, work);
}

static void await(const atomic_int *value, int wanted)
{
    while (atomic_load(value) < wanted) {
        (void)stop_wait_us(1000);
    }
}

/* So many come while one is answered; `wanted` batches answer them, the largest of which has `at_once`. */
static void come_late(int late, int wanted, int at_once)
{
    static uint64_t excluded[N / 64 + 1] = {0xff};
    struct mat items = random_mat(N, K, 1);
    struct mat queries = random_mat(LATE_MAX + 1, K, 2);
    struct topk_index *index = topk_index_make(&items, 1);
    struct topk_share *share = topk_share_make(index, 1, 0);
    struct crowd crowds[LATE_MAX + 1];
    pthread_t threads[LATE_MAX + 1];

    atomic_store(&held, true);
    atomic_store(&searching, false);
    atomic_store(&waits, 0);
    atomic_store(&batches, 0);
    atomic_store(&together, 0);
    for (int i = 0; i <= late; i++) { /* each asks once, for ten and its number */
        crowds[i] = (struct crowd){&items, &queries, share, excluded, 0, 0, 0};
        crowds[i].only = i;
        assert_int_equal(pthread_create(&threads[i], NULL, search_once, &crowds[i]), 0);
        while (!atomic_load(&searching)) { /* the first is alone */
            (void)stop_wait_us(1000);
        }
    }
    await(&waits, late);
    assert_int_equal(atomic_load(&batches), 0);
    atomic_store(&held, false);
    for (int i = 0; i <= late; i++) {
        (void)pthread_join(threads[i], NULL);
        assert_int_equal(atomic_load(&crowds[i].wrong), 0);
    }
    assert_int_equal(atomic_load(&batches), wanted);
    assert_int_equal(atomic_load(&together), at_once);
    topk_share_free(&share);
    topk_index_free(&index);
    mat_free(&items);
    mat_free(&queries);
}

static void who_comes_while_a_scan_runs_is_answered_by_the_next_one_with_all_that_wait(void **state)
{
    (void)state;
    come_late(5, 1, 5);
    assert_int_equal(atomic_load(&most), 10 + 5);
}

static void more_than_a_scan_takes_wait_for_the_one_behind_it(void **state)
{
    (void)state;
    come_late(LATE_MAX, 2, TOPK_PASS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crowd_is_answered_as_each_alone),
        cmocka_unit_test(
            who_comes_while_a_scan_runs_is_answered_by_the_next_one_with_all_that_wait),
        cmocka_unit_test(more_than_a_scan_takes_wait_for_the_one_behind_it),
    };
    return cmocka_run_group_tests_name("ml/topk/topk_share", tests, NULL, NULL);
}
