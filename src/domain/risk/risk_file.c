/* The bytes of a risk model, for training. Its self-test is the learner's. */
#include "domain/risk/risk_file.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "domain/risk/risk_internal.h"
#include "ml/file/model_file.h"

#include <assert.h>
#include <string.h>

enum { AHEAD_BYTES_MAX = 1 << 28 };

static void add_window(struct model_builder *b, const struct risk_window *window, int64_t out[3])
{
    out[0] = window->from_us;
    out[1] = window->as_of_us;
    out[2] = window->horizon_us;
    model_builder_add(b, "window", MODEL_I64, out, 3);
}

bool risk_write_blend(const struct risk_parts *parts, struct buf *out,
                      uint8_t out_sha256[SHA256_BYTES], struct err *err)
{
    assert(learner_columns(parts->learner) == FEATURE_COUNT);
    /* out here, as the builder borrows it until it finishes */
    int64_t window[3];
    uint8_t schema[SHA256_BYTES];
    CLEANUP(buf_free) struct buf ahead = buf_make(AHEAD_BYTES_MAX);
    if (parts->ahead && !risk_ahead_write(parts->ahead, &ahead, err)) {
        return false;
    }
    risk_schema(schema);
    struct model_builder b = model_builder_make(RISK_KIND_BLEND, schema);
    add_window(&b, &parts->window, window);
    learner_save(parts->learner, &b);
    model_builder_add(&b, "time_at", MODEL_F64, parts->time.at, (uint64_t)parts->time.knots);
    model_builder_add(&b, "time_slope", MODEL_F64, parts->time.slope, (uint64_t)parts->time.knots);
    model_builder_add(&b, "time_intercept", MODEL_F64, parts->time.intercept,
                      (uint64_t)parts->time.knots);
    /* empty where there are no intervals: the section is always there,
     * so that a missing one is damage */
    model_builder_add(&b, "ahead", MODEL_U8, ahead.data, ahead.len);
    model_builder_add(&b, "usual", MODEL_F64, parts->usual, FEATURE_COUNT);
    model_builder_add(&b, "usual_rest", MODEL_F64, &parts->usual_rest, 1);
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
