#include "base/cond.h"

#include "base/clock.h"

#include <errno.h>
#include <time.h>

void cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;

    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(cond, &attr);
    (void)pthread_condattr_destroy(&attr);
}

bool cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t until_us)
{
    struct timespec at = {.tv_sec = until_us / SECONDS(1), .tv_nsec = until_us % SECONDS(1) * 1000};

    return pthread_cond_timedwait(cond, lock, &at) != ETIMEDOUT;
}
