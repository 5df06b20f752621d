/* The simulated carts' truth is true: what it foretells happens as often as it says, and whoever knows more errs less. */
#include "sim/sim_life.h"

#include "base/clock.h"
#include "base/hash.h"
#include "support/spec.h"

#include <math.h>
#include <string.h>

enum { SHOPPERS = 1500 };

struct tally {
    struct hash_state events;
    double count, lost, seen, full;
    double seen_error, full_error; /* squared, without what the draws add */
    int carts;
};

static void take_event(void *ctx, const struct sim_event *e)
{
    struct tally *t = ctx;
    hash_add(&t->events, &e->at_us, sizeof e->at_us);
    hash_add(&t->events, &e->type, sizeof e->type);
    hash_add(&t->events, &e->product, sizeof e->product);
}

static double error_of(double p, bool lost, int forks)
{
    return (p - lost) * (p - lost) - p * (1 - p) / (forks - 1);
}

static void take_moment(void *ctx, const struct life_moment *m)
{
    struct tally *t = ctx;
    if (m->known) {
        t->count++;
        t->lost += m->lost;
        t->seen += m->seen;
        t->full += m->full;
        t->seen_error += error_of(m->seen, m->lost, 8);
        t->full_error += error_of(m->full, m->lost, 8);
    }
}

static struct tally lived(uint64_t seed, int forks, uint8_t out_sha256[SHA256_BYTES])
{
    struct sim_world w;
    struct tally t = {0};
    const struct life_sink sink = {&t, take_event, take_moment};
    const struct life_options o = {.from_us = INT64_C(1767225600000000),
                                   .until_us = INT64_C(1767225600000000) + DAYS(40),
                                   .horizon_us = HOURS(24),
                                   .forks = forks};
    hash_begin(&t.events);
    sim_world_make(&w, seed, SHOPPERS);
    for (int i = 0; i < SHOPPERS; i++) {
        t.carts += sim_life(&w, i, &o, &sink);
    }
    sim_world_free(&w);
    hash_end(&t.events, out_sha256);
    return t;
}

static void the_truth_is_as_often_right_as_it_says(void **state)
{
    uint8_t sha256[SHA256_BYTES];
    struct tally t = lived(1, 8, sha256);
    (void)state;
    double rate = t.lost / t.count;
    assert_true(t.carts > 1000 && t.count > 10000);
    assert_true(fabs(t.seen / t.count - rate) < .02);
    assert_true(fabs(t.full / t.count - rate) < .02);
}

static void knowing_more_errs_less(void **state)
{
    uint8_t sha256[SHA256_BYTES];
    struct tally t = lived(2, 8, sha256);
    (void)state;
    double rate = t.lost / t.count;
    assert_true(t.seen_error < .9 * t.count * rate * (1 - rate));
    assert_true(t.full_error < .95 * t.seen_error);
}

static void what_happens_depends_on_the_seed_and_not_on_who_asks_for_the_truth(void **state)
{
    uint8_t one[SHA256_BYTES];
    uint8_t two[SHA256_BYTES];
    uint8_t other[SHA256_BYTES];
    (void)state;
    lived(3, 2, one);
    lived(3, 0, two);
    lived(4, 0, other);
    assert_memory_equal(one, two, sizeof one);
    assert_memory_not_equal(one, other, sizeof one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_truth_is_as_often_right_as_it_says),
        cmocka_unit_test(knowing_more_errs_less),
        cmocka_unit_test(what_happens_depends_on_the_seed_and_not_on_who_asks_for_the_truth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
