#ifndef BASE_COND_H
#define BASE_COND_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Condition variables whose deadlines go by the monotonic clock: a wall clock that is set must neither cut a wait short
 * nor stretch it. (PTHREAD_COND_INITIALIZER would wait on the wall clock.) */
void cond_init(pthread_cond_t *cond);

/* Waits for a signal with the lock held, at most until that monotonic time in us (clock_monotonic_us). False: it is past.
 * As with any condition variable a true may be spurious; the caller looks at what it waits for. */
bool cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t until_us);

#endif
