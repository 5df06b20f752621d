#include "base/stop.h"

#include "base/clock.h"
#include "base/cond.h"

#include <pthread.h>
#include <stdatomic.h>

static struct {
    pthread_once_t once;
    pthread_mutex_t lock; /* guards requested; a leaf lock */
    pthread_cond_t changed;
    bool requested;
} stop = {.once = PTHREAD_ONCE_INIT, .lock = PTHREAD_MUTEX_INITIALIZER};

static atomic_int_fast64_t cut_us = INT64_MAX;

static void make_condition(void)
{
    cond_init(&stop.changed);
}

static void set_requested(bool value)
{
    /* not from a signal handler, which may not lock: serve takes its signals by sigwait */
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
    atomic_store(&cut_us, INT64_MAX);
}

void stop_cut_at(int64_t at_us)
{
    atomic_store(&cut_us, at_us);
}

bool stop_cut(void)
{
    int64_t at_us = atomic_load(&cut_us);

    return at_us != INT64_MAX && clock_monotonic_us() >= at_us;
}

bool stop_requested(void)
{
    return stop_wait_us(0);
}

bool stop_wait_us(int64_t us)
{
    int64_t until = clock_monotonic_us() + us;

    (void)pthread_once(&stop.once, make_condition);
    (void)pthread_mutex_lock(&stop.lock);
    /* a mere look must not wait; the loop, because a condition variable may wake for nothing */
    bool late = us <= 0;
    while (!stop.requested && !late) {
        late = !cond_wait_until(&stop.changed, &stop.lock, until);
    }
    bool requested = stop.requested;
    (void)pthread_mutex_unlock(&stop.lock);
    return requested;
}
