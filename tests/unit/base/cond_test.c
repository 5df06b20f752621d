#include "base/cond.h"

#include "base/clock.h"
#include "support/spec.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void a_deadline_that_has_passed_ends_the_wait(void **state)
{
    (void)state;
    pthread_cond_t cond;
    cond_init(&cond);
    int64_t before_us = clock_monotonic_us();
    pthread_mutex_lock(&lock);
    assert_false(cond_wait_until(&cond, &lock, before_us));
    while (cond_wait_until(&cond, &lock, before_us + SECONDS(1) / 50)) {
    }
    pthread_mutex_unlock(&lock);
    /* by the monotonic clock: on the wall clock this moment lies fifty years back, and the wait would not last at all */
    assert_true(clock_monotonic_us() >= before_us + SECONDS(1) / 50);
    pthread_cond_destroy(&cond);
}

struct shared {
    pthread_cond_t cond;
    bool said;
};

static void *say(void *arg)
{
    struct shared *s = arg;
    pthread_mutex_lock(&lock);
    s->said = true;
    pthread_cond_signal(&s->cond);
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void a_signal_ends_the_wait_before_the_deadline(void **state)
{
    (void)state;
    struct shared s = {.said = false};
    pthread_t thread;
    cond_init(&s.cond);
    pthread_mutex_lock(&lock);
    assert_int_equal(pthread_create(&thread, NULL, say, &s), 0);
    bool in_time = true;
    while (!s.said && in_time) {
        in_time = cond_wait_until(&s.cond, &lock, clock_monotonic_us() + MINUTES(1));
    }
    pthread_mutex_unlock(&lock);
    assert_true(in_time);
    pthread_join(thread, NULL);
    pthread_cond_destroy(&s.cond);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deadline_that_has_passed_ends_the_wait),
        cmocka_unit_test(a_signal_ends_the_wait_before_the_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
