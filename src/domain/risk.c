/* The risk model that serves: loading with every check, and the score. Writing is risk_file.c,
 * words are risk_reasons.c. */
#include "domain/risk.h"

#include "base/mem.h"
#include "domain/risk_internal.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool load_window(const struct model_file *file, struct risk_window *out, struct err *err)
{
    const int64_t *window = NULL;
    if (!model_file_i64(file, "window", 3, &window, err)) {
        return false;
    }
    if (window[0] > window[1] || window[2] <= 0) {
        return FAIL(err, ERR_INVALID,
                    "the risk model's training window or horizon is out of range");
    }
    *out = (struct risk_window){window[0], window[1], window[2]};
    return true;
}

static bool load_base_rate(struct risk *r, struct err *err)
{
    const double *rate = NULL;
    if (!model_file_f64(&r->file, "rate", 1, &rate, err)) {
        return false;
    }
    if (!(rate[0] >= 0 && rate[0] <= 1)) {
        return FAIL(err, ERR_INVALID, "the base rate must be between 0 and 1, not %g", rate[0]);
    }
    r->rate = rate[0];
    return true;
}

static bool load_encoder(struct risk *r, struct err *err)
{
    uint64_t edge_count = 0;
    struct risk_bins bins = {0};
    return model_file_count(&r->file, "edges", MODEL_F64, &edge_count, err) &&
           model_file_f64(&r->file, "edges", edge_count, &bins.edges, err) &&
           model_file_i32(&r->file, "edge_start", RISK_GROUPS + 1, &bins.start, err) &&
           risk_encoder_make(bins, edge_count, &r->encoder, err);
}

static bool load_machine(struct risk *r, struct err *err)
{
    const int32_t *shape = NULL;
    const float *bias = NULL;
    const float *linear = NULL;
    const double *calibration = NULL;
    struct mat pairs = {0};
    if (!model_file_i32(&r->file, "shape", 2, &shape, err)) {
        return false;
    }
    if (shape[0] != r->encoder.columns || shape[1] < 1 || shape[1] > FM_FACTORS_MAX) {
        return FAIL(err, ERR_INVALID,
                    "the machine has %d columns and %d factors, its bins make %d columns", shape[0],
                    shape[1], r->encoder.columns);
    }
    if (!model_file_f32(&r->file, "bias", 1, &bias, err) ||
        !model_file_f32(&r->file, "linear", (uint64_t)shape[0], &linear, err) ||
        !model_file_mat(&r->file, "pairs", shape[0], shape[1], &pairs, err) ||
        !model_file_f64(&r->file, "calibration", 2, &calibration, err) ||
        !model_file_f64(&r->file, "usual", FEATURE_COUNT, &r->usual, err)) {
        return false;
    }
    r->fm = fm_view(bias[0], linear, shape[0], &pairs);
    r->calibration = (struct platt){.slope = calibration[0], .intercept = calibration[1]};
    return true;
}

static bool example_ok(const struct risk_example *x)
{
    for (int f = 0; f < FEATURE_COUNT; f++) {
        bool id = feature_def((enum feature_id)f)->kind == FEATURE_ID;
        if (id && !(x->values[f] >= 0 && x->values[f] < RISK_ID_BUCKETS)) {
            return false;
        }
    }
    return true;
}

/* The numbers may be intact and the code that reads them not: examples of the training must score
 * as they did there. */
static bool self_test(const struct risk *r, struct err *err)
{
    uint64_t count = 0;
    const double *values = NULL;
    const double *scores = NULL;
    if (!model_file_count(&r->file, "probe_score", MODEL_F64, &count, err) ||
        !model_file_f64(&r->file, "probe_score", count, &scores, err)) {
        return false;
    }
    if (count < 1 || count > RISK_PROBES) {
        return FAIL(err, ERR_INVALID, "the risk model has %llu self-test examples",
                    (unsigned long long)count);
    }
    if (!model_file_f64(&r->file, "probe", count * FEATURE_COUNT, &values, err)) {
        return false;
    }
    for (uint64_t i = 0; i < count; i++) {
        struct risk_example x;
        memcpy(x.values, values + i * FEATURE_COUNT, sizeof x.values);
        if (!example_ok(&x) ||
            !(fabs(risk_probability_of(r, &x) - scores[i]) <= RISK_PROBE_ERROR)) {
            return FAIL(err, ERR_INVALID,
                        "self-test example %llu does not score as it did in training",
                        (unsigned long long)i);
        }
    }
    return true;
}

static bool load(struct risk *r, struct err *err)
{
    uint8_t schema[SHA256_BYTES];
    risk_schema(schema);
    r->is_fm = strcmp(r->file.kind, RISK_KIND_FM) == 0;
    if (memcmp(r->file.schema, schema, sizeof schema) != 0 &&
        strncmp(r->file.kind, "risk-", 5) == 0) {
        return FAIL(err, ERR_INVALID,
                    "the risk model was trained with another feature table; train it again");
    }
    if (!model_file_expect(&r->file, r->is_fm ? RISK_KIND_FM : RISK_KIND_BASE_RATE, schema, err) ||
        !load_window(&r->file, &r->window, err)) {
        return false;
    }
    if (!r->is_fm) {
        return load_base_rate(r, err);
    }
    return load_encoder(r, err) && load_machine(r, err) && self_test(r, err);
}

bool risk_load(struct model_file *file, const char *version, struct risk **out, struct err *err)
{
    struct risk *r = mem_alloc(sizeof *r);
    r->file = *file;
    snprintf(r->version, sizeof r->version, "%s", version);
    if (!load(r, err)) {
        free(r);
        return false;
    }
    *file = (struct model_file){0};
    *out = r;
    return true;
}

void risk_free(struct risk **r)
{
    if (*r) {
        model_file_close(&(*r)->file);
        mem_free(r);
    }
}

const char *risk_version(const struct risk *r)
{
    return r->version;
}

const char *risk_algorithm(const struct risk *r)
{
    return r->is_fm ? "fm" : "base_rate";
}

int64_t risk_horizon_us(const struct risk *r)
{
    return r->window.horizon_us;
}

int64_t risk_as_of_us(const struct risk *r)
{
    return r->window.as_of_us;
}

double risk_probability_of(const struct risk *r, const struct risk_example *x)
{
    if (!r->is_fm) {
        return r->rate;
    }
    struct risk_row row;
    risk_encode(&r->encoder, x, &row);
    struct fm_row view = {row.count, row.index, row.value};
    return calib_apply(&r->calibration, fm_score(&r->fm, &view));
}

double risk_probability(const struct risk *r, const struct features *x)
{
    struct risk_example example = risk_flatten(x);
    return risk_probability_of(r, &example);
}
