/* The factorization machine of tables as a function: its score, what each column adds, and the mean
 * of several machines. Training is in fm_field_train.c. */
#include "ml/learner/fm_field.h"

#include "ml/learner/fm_field_internal.h"

#include <assert.h>
#include <math.h>

enum { LANES_MAX = FM_FIELD_FACTORS_MAX + 1 };

void fm_field_free(struct fm_field *m)
{
    mat_free(&m->weights);
    *m = (struct fm_field){0};
}

struct fm_field fm_field_mean(const struct fm_field *const *machines, int count)
{
    assert(count >= 1);
    int each = machines[0]->factors;
    struct fm_field out = {.slots = machines[0]->slots, .factors = each * count};
    assert(out.factors <= FM_FIELD_FACTORS_MAX);
    out.weights = mat_make(out.slots, out.factors + 1);
    const float share = 1 / (float)count;
    /* The mean of the margins as one machine: with v divided by sqrt(count), |S|^2 / 2 over all
     * factors is the mean of each machine's; u and bias are plain means. */
    const float root = sqrtf(share);
    for (int i = 0; i < count; i++) {
        const struct fm_field *m = machines[i];
        assert(m->slots == out.slots && m->factors == each);
        out.bias += m->bias * share;
        for (int s = 0; s < out.slots; s++) {
            const float *from = mat_row(&m->weights, s);
            float *to = mat_row(&out.weights, s);
            for (int f = 0; f < each; f++) {
                /* side by side, never added: factors of different machines
                 * have nothing in common */
                to[i * each + f] = from[f] * root;
            }
            to[out.factors] += from[each] * share;
        }
    }
    return out;
}

double fm_field_margin(const struct fm_field *m, const int32_t *slots, int columns)
{
    float sums[LANES_MAX];
    /* lanes cover the linear weight behind the factors, and padding that is zero */
    const struct fm_gather g = {.base = m->weights.data,
                                .stride = m->weights.ld,
                                .lanes = mat_ld(m->factors + 1),
                                .count = columns,
                                .index = slots};
    assert(m->factors <= FM_FIELD_FACTORS_MAX);
    fm_gather_sums(&g, sums, NULL);
    /* No squares to subtract: they are in u already (collapse, fm_field_train.c). */
    float products = 0;
    for (int f = 0; f < m->factors; f++) {
        products += sums[f] * sums[f];
    }
    return (double)m->bias + (double)sums[m->factors] + (double)products / 2;
}

/* sums (factors + 1), in double. */
static void sums_of(const struct fm_field *m, const int32_t *slots, int columns, double *sums)
{
    for (int f = 0; f <= m->factors; f++) {
        sums[f] = 0;
    }
    for (int c = 0; c < columns; c++) {
        assert(slots[c] >= 0 && slots[c] < m->slots);
        const float *w = mat_row(&m->weights, slots[c]);
        for (int f = 0; f <= m->factors; f++) {
            sums[f] += (double)w[f];
        }
    }
}

double fm_field_margin_reference(const struct fm_field *m, const int32_t *slots, int columns)
{
    double sums[LANES_MAX];
    /* in double, in order of columns: what the kernels are tested against */
    sums_of(m, slots, columns, sums);
    double margin = (double)m->bias + sums[m->factors];
    for (int f = 0; f < m->factors; f++) {
        margin += sums[f] * sums[f] / 2;
    }
    return margin;
}

void fm_field_contributions(const struct fm_field *m, const int32_t *slots, int columns,
                            double *out)
{
    double sums[LANES_MAX];
    sums_of(m, slots, columns, sums);
    for (int c = 0; c < columns; c++) {
        const float *w = mat_row(&m->weights, slots[c]);
        double interactions = 0;
        for (int f = 0; f < m->factors; f++) {
            /* |S|^2 / 2 = sum over columns of v_c.S / 2: each pair's product is
             * shared evenly by its two columns */
            interactions += (double)w[f] * sums[f];
        }
        out[c] = (double)w[m->factors] + interactions / 2;
    }
}
