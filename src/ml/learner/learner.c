/* The learner as a function: margins and what each column adds to them. */
#include "ml/learner/learner_internal.h"

#include "base/mem.h"
#include "ml/linear/logistic.h"

#include <assert.h>
#include <math.h>
#include <string.h>

void learner_free(struct learner **l)
{
    struct learner *gone = *l;
    if (!gone) {
        return;
    }
    /* a loaded one looks into the file, which is not ours */
    if (gone->owns) {
        fm_field_free(&gone->machine);
        mem_free(&gone->probes.cells);
    }
    mem_free(&gone->sealed_margin);
    gbdt_free(&gone->boosting);
    learner_arrays_free(&gone->arrays);
    mem_free(l);
}

int learner_columns(const struct learner *l)
{
    return l->encoder.columns;
}

double learner_margin(const struct learner *l, const union learner_cell *row)
{
    /* on the stack, so that any number of threads may ask */
    int32_t slots[LEARNER_COLUMNS_MAX];
    uint8_t bins[LEARNER_COLUMNS_MAX];
    double margin = l->weights.intercept;
    learner_encode(&l->encoder, row, slots, bins);
    if (l->machine.slots > 0) {
        margin += l->weights.machine * fm_field_margin(&l->machine, slots, l->encoder.columns);
    }
    /* a part of weight 0 was never trained on all rows: there is nothing to ask */
    if (l->boosting.trees > 0) {
        margin += l->weights.boosting * gbdt_margin(&l->boosting, bins);
    }
    return margin;
}

double learner_probability(const struct learner *l, const union learner_cell *row)
{
    const struct platt as_it_is = {1, 0};
    return calib_apply(&as_it_is, learner_margin(l, row));
}

void learner_margins(const struct learner *l, const union learner_cell *rows, int count,
                     double *out)
{
    /* through the same function: bit for bit what a single row gets */
    for (int r = 0; r < count; r++) {
        out[r] = learner_margin(l, rows + (size_t)r * (size_t)l->encoder.columns);
    }
}

double learner_contributions(const struct learner *l, const union learner_cell *row, double *out)
{
    int32_t slots[LEARNER_COLUMNS_MAX];
    uint8_t bins[LEARNER_COLUMNS_MAX];
    double none = l->weights.intercept;
    learner_encode(&l->encoder, row, slots, bins);
    memset(out, 0, (size_t)l->encoder.columns * sizeof *out);
    if (l->machine.slots > 0) {
        fm_field_contributions(&l->machine, slots, l->encoder.columns, out);
        /* the bias is of no column, as are the trees' roots below */
        none += l->weights.machine * (double)l->machine.bias;
        for (int c = 0; c < l->encoder.columns; c++) {
            out[c] *= l->weights.machine;
        }
    }
    if (l->boosting.trees > 0) {
        none += gbdt_contributions(&l->boosting, bins, l->weights.boosting, out);
    }
    return none;
}

void learner_shift(struct learner *l, double by)
{
    assert(isfinite(by));
    l->weights.intercept += by;
    /* the self-test's margins move along, or the saved model would refuse itself */
    learner_seal(l);
}
