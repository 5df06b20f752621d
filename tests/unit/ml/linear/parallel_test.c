#include "ml/linear/parallel.h"

#include "unit/ml/ml_spec.h"

#include <stdatomic.h>

enum { PARTS = 1000, THREADS = 4 };

struct tally {
    atomic_int runs[PARTS];
    atomic_int inside[THREADS];
    atomic_bool shared_worker;
};

static void count_part(void *ctx, int part, int worker)
{
    struct tally *tally = ctx;
    if (atomic_fetch_add(&tally->inside[worker], 1) != 0) {
        atomic_store(&tally->shared_worker, true);
    }
    atomic_fetch_add(&tally->runs[part], 1);
    atomic_fetch_sub(&tally->inside[worker], 1);
}

static void every_part_runs_once_and_no_worker_is_shared(void **state)
{
    (void)state;
    static struct tally tally;
    parallel_run(THREADS, PARTS, count_part, &tally);
    for (int p = 0; p < PARTS; p++) {
        assert_int_equal(atomic_load(&tally.runs[p]), 1);
    }
    assert_false(atomic_load(&tally.shared_worker));
}

static void no_parts_and_fewer_parts_than_threads_are_fine(void **state)
{
    (void)state;
    static struct tally tally;
    parallel_run(THREADS, 0, count_part, &tally);
    parallel_run(THREADS, 1, count_part, &tally);
    assert_int_equal(atomic_load(&tally.runs[0]), 1);
    assert_int_equal(atomic_load(&tally.runs[1]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_runs_once_and_no_worker_is_shared),
        cmocka_unit_test(no_parts_and_fewer_parts_than_threads_are_fine),
    };
    return cmocka_run_group_tests_name("ml/linear/parallel", tests, NULL, NULL);
}
