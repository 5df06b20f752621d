#include "base/stop.h"

#include "base/clock.h"
#include "support/spec.h"

#include <pthread.h>

static int reset(void **state)
{
    (void)state;
    stop_reset();
    return 0;
}

static void without_a_request_the_wait_takes_its_time(void **state)
{
    (void)state;

    int64_t start = clock_monotonic_us();
    assert_false(stop_wait_us(20000));
    assert_true(clock_monotonic_us() - start >= 20000);
    assert_false(stop_wait_us(0));
    assert_false(stop_wait_us(-1));
    assert_false(stop_requested());
}

static void after_a_request_nobody_waits(void **state)
{
    (void)state;

    stop_request();
    stop_request();
    int64_t start = clock_monotonic_us();
    assert_true(stop_wait_us(HOURS(1)));
    assert_true(stop_requested());
    assert_true(clock_monotonic_us() - start < MINUTES(1));
}

static void *wait_an_hour(void *out_stopped)
{
    *(bool *)out_stopped = stop_wait_us(HOURS(1));
    return NULL;
}

static void a_request_wakes_every_waiter(void **state)
{
    enum { WAITERS = 8 };
    pthread_t threads[WAITERS];
    bool stopped[WAITERS] = {false};
    (void)state;

    for (int i = 0; i < WAITERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, wait_an_hour, &stopped[i]), 0);
    }
    assert_false(
        stop_wait_us(10000)); /* most of them wait by now; the others must return at once */
    stop_request();
    for (int i = 0; i < WAITERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(stopped[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(without_a_request_the_wait_takes_its_time, reset),
        cmocka_unit_test_setup(after_a_request_nobody_waits, reset),
        cmocka_unit_test_setup(a_request_wakes_every_waiter, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
