/* A learner as sections of a model file, and back: every index is checked before it is followed. */
#include "ml/learner/learner_internal.h"

#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { SHAPE = LEARNER_SHAPE };
static const double PROBE_ERROR = 1e-4; /* kernels of other machines round differently */

void learner_seal(struct learner *l)
{
    const int32_t shape[SHAPE] = {l->encoder.columns, l->encoder.slots,   l->encoder.keys,
                                  l->machine.slots,   l->machine.factors, l->boosting.trees,
                                  l->boosting.depth,  l->probes.count};
    memcpy(l->shape, shape, sizeof shape);
    l->numbers[0] = l->weights.machine;
    l->numbers[1] = l->weights.boosting;
    l->numbers[2] = l->weights.intercept;
    l->numbers[3] = (double)l->machine.bias;
    l->numbers[4] = l->boosting.base;
    double *margin = mem_array((size_t)l->probes.count + 1, sizeof *margin);
    /* as this machine's kernels say: another one's may differ by PROBE_ERROR */
    learner_margins(l, l->probes.cells, l->probes.count, margin);
    mem_free(&l->sealed_margin);
    l->sealed_margin = margin;
}

void learner_save(const struct learner *l, struct model_builder *b)
{
    const struct learner_encoder *e = &l->encoder;
    const uint64_t columns = (uint64_t)e->columns;
    model_builder_add(b, "learner.shape", MODEL_I32, l->shape, SHAPE);
    model_builder_add(b, "learner.numbers", MODEL_F64, l->numbers, LEARNER_NUMBERS);
    model_builder_add(b, "learner.kind", MODEL_U8, e->kind, columns);
    model_builder_add(b, "learner.first", MODEL_I32, e->first, columns + 1);
    model_builder_add(b, "learner.edge_start", MODEL_I32, e->edge_start, columns + 1);
    model_builder_add(b, "learner.edges", MODEL_F64, e->edges, (uint64_t)e->edge_start[columns]);
    model_builder_add(b, "learner.bin", MODEL_U8, e->bin, (uint64_t)e->slots);
    model_builder_add(b, "learner.key", MODEL_I64, e->key, (uint64_t)e->keys);
    model_builder_add(b, "learner.key_slot", MODEL_I32, e->key_slot, (uint64_t)e->keys);
    if (l->machine.slots > 0) {
        model_builder_add_mat(b, "learner.machine", &l->machine.weights);
    }
    if (l->boosting.trees > 0) {
        const uint64_t trees = (uint64_t)l->boosting.trees;
        const uint64_t splits = (UINT64_C(1) << l->boosting.depth) - 1;
        /* bit sets as the signed type that the container has; read back as they were */
        model_builder_add(b, "learner.left", MODEL_I64, l->boosting.left, trees * splits);
        model_builder_add(b, "learner.column", MODEL_I32, l->boosting.column, trees * splits);
        model_builder_add(b, "learner.value", MODEL_F32, l->boosting.value,
                          trees * (2 * splits + 1));
    }
    model_builder_add(b, "learner.probe", MODEL_I64, l->probes.cells,
                      (uint64_t)l->probes.count * columns);
    model_builder_add(b, "learner.probe_margin", MODEL_F64, l->sealed_margin,
                      (uint64_t)l->probes.count);
}

/* ---- loading ---- */

static bool in(int32_t x, int32_t least, int32_t most)
{
    return x >= least && x <= most;
}

static bool load_shape(const struct model_file *file, int32_t *shape, struct err *err)
{
    const int32_t *s = NULL;
    if (!model_file_i32(file, "learner.shape", SHAPE, &s, err)) {
        return false;
    }
    /* a power of two, as key_find masks; 2 at least, so that one place can be free */
    bool keys_ok = s[2] == 0 || (in(s[2], 2, 1 << 30) && (s[2] & (s[2] - 1)) == 0);
    /* the machine has a row for each slot of the encoder, or is left out */
    bool machine_ok =
        (s[3] == 0 && s[4] == 0) || (s[3] == s[1] && in(s[4], 0, FM_FIELD_FACTORS_MAX));
    bool trees_ok = (s[5] == 0 && in(s[6], 0, GBDT_DEPTH_MAX)) ||
                    (in(s[5], 1, GBDT_TREES_MAX * LEARNER_BAGS_MAX) && in(s[6], 1, GBDT_DEPTH_MAX));
    if (!in(s[0], 1, LEARNER_COLUMNS_MAX) || !in(s[1], 1, 1 << 28) || !keys_ok || !machine_ok ||
        !trees_ok || !in(s[7], 1, LEARNER_PROBES)) {
        return FAIL(err, ERR_INVALID, "the learner's sizes are out of range");
    }
    memcpy(shape, s, SHAPE * sizeof *shape);
    return true;
}

/* Slots, borders and bins of one column fit together. */
static bool column_ok(const struct learner_encoder *e, int c)
{
    int32_t slots = e->first[c + 1] - e->first[c];
    int32_t borders = e->edge_start[c + 1] - e->edge_start[c];
    bool number = e->kind[c] == LEARNER_NUMBER;
    if (number ? slots != borders + 2 || borders < 0 || borders >= NUMBER_BINS_MAX
               : e->kind[c] != LEARNER_ID || slots < SLOTS_FIXED || borders != 0) {
        return false;
    }
    /* strictly rising: the search counts borders at or below a number */
    for (int32_t i = 1; i < borders; i++) {
        const double *edge = e->edges + e->edge_start[c] + i;
        if (!(edge[-1] < edge[0])) {
            return false;
        }
    }
    return true;
}

/* A dictionary with a free place (a search must end), whose slots are some column's. */
static bool keys_ok(const struct learner_encoder *e)
{
    bool any_free = e->keys == 0;
    for (int i = 0; i < e->keys; i++) {
        any_free = any_free || e->key[i] == 0;
        if (e->key[i] != 0 && !in(e->key_slot[i], 0, e->slots - 1)) {
            return false;
        }
    }
    return any_free;
}

static bool load_encoder(const struct model_file *file, const int32_t *shape, struct learner *l,
                         struct err *err)
{
    struct learner_encoder *e = &l->encoder;
    const uint64_t columns = (uint64_t)shape[0];
    e->columns = shape[0];
    e->slots = shape[1];
    e->keys = shape[2];
    if (!model_file_u8(file, "learner.kind", columns, &e->kind, err) ||
        !model_file_i32(file, "learner.first", columns + 1, &e->first, err) ||
        !model_file_i32(file, "learner.edge_start", columns + 1, &e->edge_start, err) ||
        !model_file_u8(file, "learner.bin", (uint64_t)e->slots, &e->bin, err) ||
        !model_file_i64(file, "learner.key", (uint64_t)e->keys, &e->key, err) ||
        !model_file_i32(file, "learner.key_slot", (uint64_t)e->keys, &e->key_slot, err)) {
        return false;
    }
    /* before edges is read: its length is the last of edge_start */
    bool rising = e->first[0] == 0 && e->edge_start[0] == 0 && e->first[columns] == e->slots;
    for (uint64_t c = 0; c < columns && rising; c++) {
        rising = e->first[c] < e->first[c + 1] && e->edge_start[c] <= e->edge_start[c + 1];
    }
    if (!rising) {
        return FAIL(err, ERR_INVALID, "the learner's slots and borders do not rise");
    }
    if (!model_file_f64(file, "learner.edges", (uint64_t)e->edge_start[columns], &e->edges, err)) {
        return false;
    }
    for (int c = 0; c < e->columns; c++) {
        if (!column_ok(e, c)) {
            return FAIL(err, ERR_INVALID, "slots and borders of column %d do not fit", c);
        }
    }
    for (int s = 0; s < e->slots; s++) {
        /* trees shift a set of 64 bits by it */
        if (e->bin[s] >= GBDT_BINS_MAX) {
            return FAIL(err, ERR_INVALID, "slot %d has bin %d", s, e->bin[s]);
        }
    }
    if (!keys_ok(e)) {
        return FAIL(err, ERR_INVALID, "the learner's dictionary is damaged");
    }
    l->arrays.search = learner_search_make(e);
    e->search = l->arrays.search;
    return true;
}

static bool load_models(const struct model_file *file, const int32_t *shape, struct learner *l,
                        struct err *err)
{
    const double *numbers = NULL;
    if (!model_file_f64(file, "learner.numbers", LEARNER_NUMBERS, &numbers, err)) {
        return false;
    }
    l->weights = (struct learner_weights){numbers[0], numbers[1], numbers[2]};
    l->machine =
        (struct fm_field){.slots = shape[3], .factors = shape[4], .bias = (float)numbers[3]};
    /* a view of the file, with its padding */
    if (shape[3] > 0 && !model_file_mat(file, "learner.machine", shape[3], shape[4] + 1,
                                        &l->machine.weights, err)) {
        return false;
    }
    l->boosting = (struct gbdt){
        .columns = shape[0], .trees = shape[5], .depth = shape[6], .base = numbers[4]};
    if (shape[5] == 0) {
        return true;
    }
    const uint64_t splits = (UINT64_C(1) << shape[6]) - 1;
    const uint64_t trees = (uint64_t)shape[5];
    const int64_t *left = NULL;
    if (!model_file_i64(file, "learner.left", trees * splits, &left, err) ||
        !model_file_i32(file, "learner.column", trees * splits, &l->boosting.column, err) ||
        !model_file_f32(file, "learner.value", trees * (2 * splits + 1), &l->boosting.value, err)) {
        return false;
    }
    l->boosting.left = (const uint64_t *)left;
    return gbdt_is_sound(&l->boosting) ||
           FAIL(err, ERR_INVALID, "a tree asks for a column that is not there");
}

/* The numbers may be intact and the code that reads them not. */
static bool self_test(const struct model_file *file, const int32_t *shape, struct learner *l,
                      struct err *err)
{
    const int64_t *cells = NULL;
    const double *margin = NULL;
    const uint64_t count = (uint64_t)shape[7];
    if (!model_file_i64(file, "learner.probe", count * (uint64_t)shape[0], &cells, err) ||
        !model_file_f64(file, "learner.probe_margin", count, &margin, err)) {
        return false;
    }
    l->probes = (struct learner_probes){.count = shape[7],
                                        .cells = (const union learner_cell *)(const void *)cells};
    for (int i = 0; i < shape[7]; i++) {
        double now = learner_margin(l, l->probes.cells + (size_t)i * (size_t)shape[0]);
        /* relative, and written so that NaN fails */
        if (!(fabs(now - margin[i]) <= PROBE_ERROR * (1 + fabs(margin[i])))) {
            return FAIL(err, ERR_INVALID,
                        "self-test example %d scores %g, and %g when it was trained", i, now,
                        margin[i]);
        }
    }
    return true;
}

bool learner_load(const struct model_file *file, struct learner **out, struct err *err)
{
    int32_t shape[SHAPE];
    struct learner *l = mem_alloc(sizeof *l);
    /* in this order: each follows only numbers that the one before has checked, and the
     * last one scores */
    if (!load_shape(file, shape, err) || !load_encoder(file, shape, l, err) ||
        !load_models(file, shape, l, err) || !self_test(file, shape, l, err)) {
        learner_free(&l);
        return false;
    }
    /* lends out this machine's margins if it is saved again */
    learner_seal(l);
    *out = l;
    return true;
}
