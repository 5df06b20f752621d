#include "base/stop.h"

#include "base/clock.h"

#include <pthread.h>
#include <time.h>

static struct {
    pthread_once_t once;
    pthread_mutex_t lock; /* guards requested; a leaf lock */
    pthread_cond_t changed;
    bool requested;
} stop = {.once = PTHREAD_ONCE_INIT, .lock = PTHREAD_MUTEX_INITIALIZER};

/* The static initialiser would wait on the wall clock, which may jump. */
static void make_condition(void)
{
    pthread_condattr_t attr;

    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&stop.changed, &attr);
    (void)pthread_condattr_destroy(&attr);
}

static void set_requested(bool value)
{
    (void)pthread_once(&stop.once, make_condition);
    (void)pthread_mutex_lock(&stop.lock);
    stop.requested = value;
    (void)pthread_cond_broadcast(&stop.changed);
    (void)pthread_mutex_unlock(&stop.lock);
}

void stop_request(void)
{
    set_requested(true);
}

void stop_reset(void)
{
    set_requested(false);
}

bool stop_requested(void)
{
    return stop_wait_us(0);
}

bool stop_wait_us(int64_t us)
{
    int64_t until = clock_monotonic_us() + us;
    struct timespec at = {.tv_sec = until / SECONDS(1), .tv_nsec = until % SECONDS(1) * 1000};

    (void)pthread_once(&stop.once, make_condition);
    (void)pthread_mutex_lock(&stop.lock);
    int late = us <= 0;
    while (!stop.requested && !late) {
        late = pthread_cond_timedwait(&stop.changed, &stop.lock, &at) != 0;
    }
    bool requested = stop.requested;
    (void)pthread_mutex_unlock(&stop.lock);
    return requested;
}
