/* xoshiro256** of Blackman and Vigna, seeded by splitmix64 as they advise. */
#include "base/rng.h"

#include <assert.h>
#include <math.h>

static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

struct rng rng_seed(uint64_t seed)
{
    struct rng r;

    /* Four outputs of a bijection on four different states: at most one is 0, so that the all-zero
     * state, in which xoshiro would stay for ever, cannot come up. */
    for (int i = 0; i < 4; i++) {
        r.s[i] = splitmix64(&seed);
    }
    return r;
}

static uint64_t rotate_left(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

uint64_t rng_u64(struct rng *r)
{
    uint64_t *s = r->s;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint64_t rng_below(struct rng *r, uint64_t bound)
{
    assert(bound > 0);
    /* Draws below 2^64 mod bound are thrown away: what is left is a whole number of bounds. */
    uint64_t unfair = (0 - bound) % bound;
    uint64_t x;

    do {
        x = rng_u64(r);
    } while (x < unfair);
    return x % bound;
}

double rng_unit(struct rng *r)
{
    /* 53 bits are what a double holds exactly: nothing rounds up to 1 */
    return (double)(rng_u64(r) >> 11) * 0x1p-53;
}

/* Natural logarithm from +, *, / only. The C library's differs in the last bit between processors
 * (it picks FMA code at run time), and a seed must give the same numbers on every machine. */
static double portable_log(double x)
{
    int exponent;
    double m = frexp(x, &exponent); /* [0.5, 1) */

    if (m < 0.70710678118654752) {
        m *= 2;
        exponent--;
    }
    double s = (m - 1) / (m + 1); /* |s| < 0.172: 11 terms of 2 atanh(s) reach the last bit */
    double square = s * s;
    double sum = 0;
    for (int k = 21; k >= 1; k -= 2) {
        sum = sum * square + 1.0 / k;
    }
    return 2 * s * sum + exponent * 0.69314718055994531;
}

double rng_normal(struct rng *r)
{
    double u;
    double q;

    /* Marsaglia's polar method; the second number is dropped, so that the state is s[] alone. */
    do {
        u = 2 * rng_unit(r) - 1;
        double v = 2 * rng_unit(r) - 1;
        q = u * u + v * v;
    } while (q >= 1 || q == 0);
    return u * sqrt(-2 * portable_log(q) / q);
}
