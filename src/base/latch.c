/* Latches: a flag each, and behind it one of a few futexes that all of them share. Those outlive every latch, so whoever wakes touches no latch whose
 * waiter may have left. (A condition variable a waiter costs two calls more: who is woken while the waker still holds the mutex only
 * meets it there, and sleeps once more.) */
#include "base/latch.h"

#include "base/clock.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* How often those behind the door were called; a line of the cache each. */
struct door {
    _Alignas(64) _Atomic uint32_t calls;
};

static struct door doors[LATCH_DOORS];

void latch_make(struct latch *latch, unsigned door)
{
    atomic_init(&latch->open, false);
    latch->door = door % LATCH_DOORS;
}

bool latch_wait_until(struct latch *latch, int64_t until_us)
{
    const struct timespec at = {.tv_sec = until_us / SECONDS(1),
                                .tv_nsec = until_us % SECONDS(1) * 1000};
    struct door *door = &doors[latch->door];
    bool open = atomic_load(&latch->open);

    while (!open && clock_monotonic_us() < until_us) {
        /* Counted before the last look: a call from then on ends the sleep before it begins. */
        uint32_t calls = atomic_load(&door->calls);
        open = atomic_load(&latch->open);
        if (!open) {
            (void)syscall(SYS_futex, &door->calls, FUTEX_WAIT_BITSET_PRIVATE, calls, &at, NULL,
                          FUTEX_BITSET_MATCH_ANY);
            open = atomic_load(&latch->open);
        }
    }
    return open;
}

void latch_open(struct latch *latch, struct latch_doors *doors_opened)
{
    doors_opened->set |= UINT64_C(1) << latch->door;
    atomic_store(&latch->open, true);
}

void latches_wake(struct latch_doors *doors_opened)
{
    for (unsigned i = 0; i < LATCH_DOORS; i++) {
        if ((doors_opened->set >> i & 1) != 0) {
            (void)atomic_fetch_add(&doors[i].calls, 1);
            (void)syscall(SYS_futex, &doors[i].calls, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
        }
    }
    doors_opened->set = 0;
}
