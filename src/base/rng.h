#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

/* Seeded generator (xoshiro256**, seeded by splitmix64): same seed, same numbers, on every machine.
 * Not for secrets. */
struct rng {
    uint64_t s[4];
};

struct rng rng_seed(uint64_t seed);
uint64_t rng_u64(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t bound); /* 0 .. bound-1, unbiased; bound > 0 */
double rng_unit(struct rng *r);                    /* [0, 1) with 53 bits */
double rng_normal(struct rng *r);                  /* mean 0, variance 1 */

#endif
