#ifndef UNIT_ML_SPEC_H
#define UNIT_ML_SPEC_H

/* Asserts and builders that the tests of numbers share. */
#include "support/spec.h"

#include "base/mem.h"
#include "base/rng.h"
#include "ml/linear/csr.h"
#include "ml/linear/mat.h"

#include <math.h>

/* What an assert says about itself when it fails. The asserts are functions behind macros, so that
 * a test that uses many stays as simple as it reads. */
struct told {
    const char *what;
    const char *file;
    int line;
};
#define TOLD(what) ((struct told){(what), __FILE__, __LINE__})

static inline void check_close(double actual, double expected, double tolerance, struct told told)
{
    if (!(fabs(actual - expected) <= tolerance)) {
        print_error("%s is %.9g, not %.9g\n", told.what, actual, expected);
        _fail(told.file, told.line);
    }
}

static inline void check_less(double less, double more, struct told told)
{
    if (!(less < more)) {
        print_error("%s: %.9g is not below %.9g\n", told.what, less, more);
        _fail(told.file, told.line);
    }
}

static inline void check_succeeded(bool ok, const struct err *err, struct told told)
{
    if (!ok) {
        print_error("%s: %s\n", told.what, err->text);
        _fail(told.file, told.line);
    }
}

static inline void check_refused(bool ok, const struct err *err, const char *part, struct told told)
{
    if (ok || err->kind != ERR_INVALID || strstr(err->text, part) == NULL) {
        print_error("%s: answered %s, kind %d, \"%s\", not a refusal with \"%s\"\n", told.what,
                    ok ? "true" : "false", (int)err->kind, ok ? "" : err->text, part);
        _fail(told.file, told.line);
    }
}

/* The difference is at most tolerance. NaN is never close. */
#define assert_close(actual, expected, tolerance)                                                  \
    check_close((double)(actual), (double)(expected), (tolerance), TOLD(#actual))

#define assert_less(less, more) check_less((double)(less), (double)(more), TOLD(#less " < " #more))

/* The call, which fills err on failure, did what its name says. */
#define assert_succeeds(call, err) check_succeeded((call), &(err), TOLD(#call))

/* The call refused as the caller's mistake, with part in the text. */
#define assert_refused(call, err, part) check_refused((call), &(err), (part), TOLD(#call))

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
