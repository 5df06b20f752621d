#ifndef BASE_LATCH_H
#define BASE_LATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* A latch opens once; one thread waits for it. Of many that open together the sleepers are woken by one system call, so that neither a call nor a
 * change of threads is paid for each: latches that are likely to open together share a door (a number, of which only the last six bits count). Which
 * do is a matter of cost alone: whoever is woken for another's sake sleeps on. */
struct latch {
    atomic_bool open;
    unsigned door;
};

enum { LATCH_DOORS = 64 };

/* Doors behind which latches were opened, and nobody was woken yet. */
struct latch_doors {
    uint64_t set;
};

void latch_make(struct latch *latch, unsigned door);

/* Waits until it is open, at most until that monotonic time in us (clock_monotonic_us). False: it is past, and the latch is shut. What was written
 * before it was opened is seen. */
bool latch_wait_until(struct latch *latch, int64_t until_us);

/* Opens it; the waiter may see that at once, and free it, or sleep until latches_wake. */
void latch_open(struct latch *latch, struct latch_doors *doors);

/* Wakes all who sleep behind these doors; the set is empty again. */
void latches_wake(struct latch_doors *doors);

#endif
