/* Inner loops of the factorization machine of tables in vectors, compiled for AVX2 and for AVX-512
 * (ml/linear/vec.h). What is computed is in the header; fm_field_kernel.c has it in plain C. A lane
 * never meets another one, so that both widths differ by nothing but the estimate that vec_rsqrt
 * starts from. */
#include "ml/learner/fm_field_internal.h"

#include "ml/linear/vec.h"

#include <stddef.h>

#if CPU_HAS_X86

enum { LANES = VEC_LANES };

/* Lanes outside, entries inside: both sums stay in registers, and an entry's weights are adjacent
 * in memory for the next lanes. */
VEC_FUNCTION void VEC_EITHER(fm_sums_avx2, fm_sums_avx512)(const struct fm_gather *g,
                                                           float *restrict sums,
                                                           float *restrict squares)
{
    for (int l = 0; l < g->lanes; l += LANES) {
        vec sum = vec_zero();
        vec square = vec_zero();
        for (int e = 0; e < g->count; e++) {
            const vec x = vec_set(g->value ? g->value[e] : 1);
            const float *w = g->base + (size_t)g->index[e] * (size_t)g->stride + l;
            const vec product = vec_mul(vec_load(w), x);
            sum = vec_add(sum, product);
            square = vec_fma(product, product, square);
        }
        vec_store(sums + l, sum);
        if (squares) {
            vec_store(squares + l, square);
        }
    }
}

VEC_FUNCTION void VEC_EITHER(fm_step_avx2, fm_step_avx512)(const struct fm_step *s)
{
    const vec rate = vec_set(s->rate);
    for (int l = 0; l < s->lanes; l += LANES) {
        const vec target = vec_load(s->target + l);
        const vec mask = vec_load(s->mask + l);
        const vec decay = vec_load(s->decay + l);
        for (int e = 0; e < s->count; e++) {
            float *at = s->base + (size_t)s->index[e] * (size_t)s->stride + l;
            const vec w = vec_load(at);
            const vec pull = vec_set(s->error * s->value[e]);
            const vec own = vec_mul(mask, vec_set(s->value[e]));
            /* target holds the sum over all entries, this one's own part included: it takes no part
             * in its own interactions */
            vec gradient = vec_mul(pull, vec_neg_fma(w, own, target));
            gradient = vec_fma(decay, w, gradient);
            /* AdaGrad (Duchi, Hazan, Singer 2011): the gradient itself is in the sum that it is
             * divided by, which starts above 0 */
            const vec total = vec_fma(gradient, gradient, vec_load(at + s->lanes));
            const vec move = vec_mul(vec_mul(rate, gradient), vec_rsqrt(total));
            vec_store(at + s->lanes, total);
            vec_store(at, vec_sub(w, move));
        }
    }
}

#endif
