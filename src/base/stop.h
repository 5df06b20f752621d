#ifndef BASE_STOP_H
#define BASE_STOP_H

#include <stdbool.h>
#include <stdint.h>

/* The one stop flag: set by the signal waiter, read by every worker loop. */
void stop_request(void);
bool stop_requested(void);
/* Waits until stop is requested or the time has passed; true if stop was requested. */
bool stop_wait_us(int64_t us);
/* The monotonic moment (us) from which nobody waits any more for a database that does not answer: the end of a stop must not
 * hang on another machine's health. */
void stop_cut_at(int64_t at_us);
bool stop_cut(void);
/* Takes the request back, for tests that start and stop workers more than once. */
void stop_reset(void);

#endif
