/* Inner loops of the factorization machine of tables in plain C, and the choice between them and
 * those of fm_field_vec.c. Elementwise, so that they differ by rounding only. */
#include "ml/learner/fm_field_internal.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

/* ---- plain ---- */

static void sums_plain(const struct fm_gather *g, float *restrict sums, float *restrict squares)
{
    memset(sums, 0, (size_t)g->lanes * sizeof *sums);
    if (squares) {
        memset(squares, 0, (size_t)g->lanes * sizeof *squares);
    }
    for (int e = 0; e < g->count; e++) {
        const float *w = g->base + (size_t)g->index[e] * (size_t)g->stride;
        /* one multiplication for both callers: scoring has slots of value 1 */
        float x = g->value ? g->value[e] : 1;
        for (int l = 0; l < g->lanes; l++) {
            float product = w[l] * x;
            sums[l] += product;
            if (squares) {
                squares[l] += product * product;
            }
        }
    }
}

static void step_plain(const struct fm_step *s)
{
    for (int e = 0; e < s->count; e++) {
        float *w = s->base + (size_t)s->index[e] * (size_t)s->stride;
        /* AdaGrad's sums lie behind the weights they belong to: one place in memory a step */
        float *total = w + s->lanes;
        float x = s->value[e];
        for (int l = 0; l < s->lanes; l++) {
            /* mask takes the entry's own part out of target: no factor interacts with itself */
            float gradient =
                s->error * x * (s->target[l] - w[l] * x * s->mask[l]) + s->decay[l] * w[l];
            total[l] += gradient * gradient;
            w[l] -= s->rate * gradient / sqrtf(total[l]);
        }
    }
}

/* ---- which kernel ---- */

void fm_gather_sums(const struct fm_gather *g, float *restrict sums, float *restrict squares)
{
#if CPU_HAS_X86
    switch (cpu_level()) {
    case CPU_AVX512:
        fm_sums_avx512(g, sums, squares);
        return;
    case CPU_AVX2:
        fm_sums_avx2(g, sums, squares);
        return;
    case CPU_PORTABLE:
    default:
        break;
    }
#endif
    sums_plain(g, sums, squares);
}

void fm_step_run(const struct fm_step *s)
{
#if CPU_HAS_X86
    switch (cpu_level()) {
    case CPU_AVX512:
        fm_step_avx512(s);
        return;
    case CPU_AVX2:
        fm_step_avx2(s);
        return;
    case CPU_PORTABLE:
    default:
        break;
    }
#endif
    step_plain(s);
}
