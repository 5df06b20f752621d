/* What a mutated source includes: mutant_is(17) is true where change 17 is switched on (runtime/mutant.c does that). One load and one
 * compare while nothing is; the variable is const here, although mutant.c sets it before main, so that loops can hoist it. */
#ifndef MUTATE_RUNTIME_MUTANT_H
#define MUTATE_RUNTIME_MUTANT_H

extern const int mutant_active; /* 0: none is on; below 0: what is reached is recorded */

__attribute__((cold)) int mutant_reach(int number); /* records; always 0 */

#define mutant_is(n)                                                                               \
    (__builtin_expect(mutant_active != 0, 0) &&                                                    \
     (mutant_active == (n) || (mutant_active < 0 && mutant_reach(n))))

#endif
