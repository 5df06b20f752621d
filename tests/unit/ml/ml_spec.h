#ifndef UNIT_ML_SPEC_H
#define UNIT_ML_SPEC_H

/* Asserts and builders that the tests of numbers share. */
#include "support/spec.h"

#include "base/mem.h"
#include "base/rng.h"
#include "ml/csr.h"
#include "ml/mat.h"

#include <math.h>

/* Fails, showing both, unless the difference is at most tolerance. NaN is never close. */
#define assert_close(actual, expected, tolerance)                                                  \
    do {                                                                                           \
        double actual_ = (double)(actual);                                                         \
        double expected_ = (double)(expected);                                                     \
        if (!(fabs(actual_ - expected_) <= (tolerance))) {                                         \
            fail_msg("%s is %.9g, not %.9g", #actual, actual_, expected_);                         \
        }                                                                                          \
    } while (0)

/* Fails, showing both, unless less < more. */
#define assert_less(less, more)                                                                    \
    do {                                                                                           \
        double less_ = (double)(less);                                                             \
        double more_ = (double)(more);                                                             \
        if (!(less_ < more_)) {                                                                    \
            fail_msg("%s is %.9g, not below %s = %.9g", #less, less_, #more, more_);               \
        }                                                                                          \
    } while (0)

#define assert_succeeds(call, err)                                                                 \
    do {                                                                                           \
        if (!(call)) {                                                                             \
            fail_msg("%s: %s", #call, (err).text);                                                 \
        }                                                                                          \
    } while (0)

/* Fails unless the call is refused as the caller's mistake, with part in the text. */
#define assert_refused(call, err, part)                                                            \
    do {                                                                                           \
        assert_false(call);                                                                        \
        assert_int_equal((err).kind, ERR_INVALID);                                                 \
        assert_text_contains((err).text, part);                                                    \
    } while (0)

/* Random interactions: about `density` of all cells, weights 0.5 .. 2.5; owned by the caller. */
static inline struct csr random_interactions(int rows, int cols, double density, uint64_t seed)
{
    struct rng rng = rng_seed(seed);
    struct triple *triples = mem_array((size_t)rows * (size_t)cols, sizeof *triples);
    size_t count = 0;
    for (int r = 0; r < rows; r++) {
        for (int c = 0; c < cols; c++) {
            if (rng_unit(&rng) < density) {
                triples[count++] = (struct triple){r, c, (float)(0.5 + 2 * rng_unit(&rng))};
            }
        }
    }
    struct csr built;
    struct err err = {0};
    assert_succeeds(csr_build(rows, cols, triples, count, &built, &err), err);
    mem_free(&triples);
    return built;
}

static inline struct mat random_mat(int rows, int cols, uint64_t seed)
{
    struct rng rng = rng_seed(seed);
    struct mat m = mat_make(rows, cols);
    mat_fill_normal(&m, 1, &rng);
    return m;
}

#endif
