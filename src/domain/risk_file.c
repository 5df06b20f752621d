/* The bytes of a risk model, for training. The self-test scores are made by the code that serves.
 */
#include "domain/risk_file.h"

#include "base/mem.h"
#include "domain/risk_internal.h"
#include "ml/model_file.h"

#include <assert.h>
#include <string.h>

static void add_window(struct model_builder *b, const struct risk_window *window, int64_t out[3])
{
    out[0] = window->from_us;
    out[1] = window->as_of_us;
    out[2] = window->horizon_us;
    model_builder_add(b, "window", MODEL_I64, out, 3);
}

bool risk_write_fm(const struct risk_parts *parts, struct buf *out,
                   uint8_t out_sha256[SHA256_BYTES], struct err *err)
{
    assert(parts->probe_count >= 1 && parts->probe_count <= RISK_PROBES);
    const uint64_t edge_count = (uint64_t)parts->bins.start[RISK_GROUPS];
    const int32_t shape[2] = {parts->fm->features, parts->fm->factors};
    const double calibration[2] = {parts->calibration.slope, parts->calibration.intercept};
    struct risk r = {.is_fm = true, .fm = *parts->fm, .calibration = parts->calibration};
    double scores[RISK_PROBES];
    int64_t window[3];
    uint8_t schema[SHA256_BYTES];
    if (!risk_encoder_make(parts->bins, edge_count, &r.encoder, err)) {
        return false;
    }
    for (int i = 0; i < parts->probe_count; i++) {
        scores[i] = risk_probability_of(&r, &parts->probes[i]);
    }
    risk_schema(schema);
    struct model_builder b = model_builder_make(RISK_KIND_FM, schema);
    add_window(&b, &parts->window, window);
    model_builder_add(&b, "edges", MODEL_F64, parts->bins.edges, edge_count);
    model_builder_add(&b, "edge_start", MODEL_I32, parts->bins.start, RISK_GROUPS + 1);
    model_builder_add(&b, "shape", MODEL_I32, shape, 2);
    model_builder_add(&b, "bias", MODEL_F32, &parts->fm->bias, 1);
    model_builder_add(&b, "linear", MODEL_F32, parts->fm->linear.data,
                      (uint64_t)parts->fm->features);
    model_builder_add_mat(&b, "pairs", &parts->fm->pairs);
    model_builder_add(&b, "calibration", MODEL_F64, calibration, 2);
    model_builder_add(&b, "usual", MODEL_F64, parts->usual, FEATURE_COUNT);
    model_builder_add(&b, "probe", MODEL_F64, parts->probes,
                      (uint64_t)parts->probe_count * FEATURE_COUNT);
    model_builder_add(&b, "probe_score", MODEL_F64, scores, (uint64_t)parts->probe_count);
    model_builder_add_text(&b, "card", parts->card);
    return model_builder_finish(&b, out, out_sha256, err);
}

bool risk_write_base_rate(double rate, const struct risk_window *window, const char *card,
                          struct buf *out, uint8_t out_sha256[SHA256_BYTES], struct err *err)
{
    assert(rate >= 0 && rate <= 1);
    int64_t times[3];
    uint8_t schema[SHA256_BYTES];
    risk_schema(schema);
    struct model_builder b = model_builder_make(RISK_KIND_BASE_RATE, schema);
    add_window(&b, window, times);
    model_builder_add(&b, "rate", MODEL_F64, &rate, 1);
    model_builder_add_text(&b, "card", card);
    return model_builder_finish(&b, out, out_sha256, err);
}
