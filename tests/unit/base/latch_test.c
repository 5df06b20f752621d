#include "base/latch.h"

#include "base/clock.h"
#include "support/spec.h"

#include <pthread.h>

enum { WAITERS = 24, DOORS = 3, ROUNDS = 50 };

static void a_latch_that_is_open_is_not_waited_for(void **state)
{
    (void)state;
    struct latch latch;
    struct latch_doors doors = {0};
    latch_make(&latch, 7);
    latch_open(&latch, &doors);
    /* nobody was woken, and the deadline has passed */
    assert_true(latch_wait_until(&latch, clock_monotonic_us() - 1));
    assert_int_equal(doors.set, 1 << 7);
}

static void one_that_stays_shut_is_waited_for_until_the_deadline(void **state)
{
    (void)state;
    struct latch latch;
    int64_t before_us = clock_monotonic_us();
    latch_make(&latch, 1);
    assert_false(latch_wait_until(&latch, before_us - 1));
    assert_false(latch_wait_until(&latch, before_us + SECONDS(1) / 50));
    assert_true(clock_monotonic_us() >= before_us + SECONDS(1) / 50);
}

struct waiter {
    pthread_t thread;
    struct latch latch;
    int64_t patience_us;
    int said; /* written before the latch is opened */
    bool in_time;
};

static void *wait_for_it(void *arg)
{
    struct waiter *w = arg;
    w->in_time = latch_wait_until(&w->latch, clock_monotonic_us() + w->patience_us);
    return NULL;
}

static void waiter_start(struct waiter *w, unsigned door, int64_t patience_us)
{
    *w = (struct waiter){.patience_us = patience_us};
    latch_make(&w->latch, door);
    assert_int_equal(pthread_create(&w->thread, NULL, wait_for_it, w), 0);
}

static void all_that_open_together_are_woken_together(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct waiter waiters[WAITERS];
        struct latch_doors doors = {0};
        for (int i = 0; i < WAITERS; i++) {
            waiter_start(&waiters[i], (unsigned)(LATCH_DOORS - 1 + i % DOORS), MINUTES(2));
        }
        for (int i = 0; i < WAITERS; i++) {
            waiters[i].said = i;
            latch_open(&waiters[i].latch, &doors);
        }
        latches_wake(&doors);
        assert_int_equal(doors.set, 0);
        for (int i = 0; i < WAITERS; i++) {
            pthread_join(waiters[i].thread, NULL);
            assert_true(waiters[i].in_time);
            assert_int_equal(waiters[i].said, i);
        }
    }
}

static void who_is_woken_for_the_sake_of_another_sleeps_on(void **state)
{
    (void)state;
    struct waiter opened;
    struct waiter shut;
    struct latch_doors doors = {0};
    waiter_start(&opened, 3, MINUTES(2));
    waiter_start(&shut, 3 + LATCH_DOORS, SECONDS(1) / 5); /* the same door */
    latch_open(&opened.latch, &doors);
    latches_wake(&doors);
    pthread_join(opened.thread, NULL);
    pthread_join(shut.thread, NULL);
    assert_true(opened.in_time);
    assert_false(shut.in_time);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_latch_that_is_open_is_not_waited_for),
        cmocka_unit_test(one_that_stays_shut_is_waited_for_until_the_deadline),
        cmocka_unit_test(all_that_open_together_are_woken_together),
        cmocka_unit_test(who_is_woken_for_the_sake_of_another_sleeps_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
