/* One learner for risk: rows, training, usual contributions, file. Which moments it sees, and whether it may serve, is decided by train_risk.c. */
#include "flow/train_risk.h"

#include "base/cleanup.h"
#include "base/mem.h"

#include <assert.h>
#include <string.h>

enum {
    CARD_MAX = 1 << 16,
    USUAL_ROWS = 5000, /* a mean needs no more */
};

/* Everything one fit needs; freed as one. */
struct fitting {
    const struct moments *moments;
    union learner_cell *cells; /* (count, FEATURE_COUNT) */
    uint8_t *label;
    uint64_t *group; /* shoppers: moments of one cart never stand on both sides of a fold */
    struct learner *learner;
};

static void fitting_free(struct fitting *f)
{
    mem_free(&f->cells);
    mem_free(&f->label);
    mem_free(&f->group);
    learner_free(&f->learner);
}

static void rows_of(struct fitting *f)
{
    const size_t count = (size_t)f->moments->count;
    f->cells = mem_array(count * FEATURE_COUNT, sizeof *f->cells);
    f->label = mem_array(count, sizeof *f->label);
    f->group = mem_array(count, sizeof *f->group);
    for (size_t i = 0; i < count; i++) {
        const struct moment *m = f->moments->all[i];
        memcpy(f->cells + i * FEATURE_COUNT, m->x.cells, sizeof m->x.cells);
        f->label[i] = m->lost;
        f->group[i] = m->key_hash;
    }
}

static bool learn(const struct training *t, struct fitting *f, struct risk_fit *out,
                  struct err *err)
{
    uint8_t kinds[FEATURE_COUNT];
    struct learner_options options = learner_defaults(f->moments->count);
    risk_kinds(kinds);
    options.seed = t->options->seed;
    options.threads = t->threads;
    const struct learner_table table = {
        .rows = f->moments->count,
        .columns = FEATURE_COUNT,
        .kind = kinds,
        .cells = f->cells,
        .label = f->label,
        .group = f->group,
    };
    return learner_train(&table, &options, &f->learner, &out->learnt, err);
}

/* What a usual cart gets from each feature: the mean over examples spread over the time. Returns what no feature adds. */
static double usual_of(const struct fitting *f, double out[FEATURE_COUNT])
{
    double one[FEATURE_COUNT];
    double rest = 0;
    const int rows = f->moments->count < USUAL_ROWS ? f->moments->count : USUAL_ROWS;
    memset(out, 0, FEATURE_COUNT * sizeof *out);
    for (int i = 0; i < rows; i++) {
        size_t row = (size_t)((int64_t)i * f->moments->count / rows);
        rest += learner_contributions(f->learner, f->cells + row * FEATURE_COUNT, one) / rows;
        for (int x = 0; x < FEATURE_COUNT; x++) {
            out[x] += one[x] / rows;
        }
    }
    return rest;
}

static bool write_file(const struct fitting *f, const struct risk_window *window, const char *card,
                       struct risk_fit *out, struct err *err)
{
    double usual[FEATURE_COUNT];
    const double rest = usual_of(f, usual);
    const struct risk_parts parts = {
        .window = *window,
        .learner = f->learner,
        .usual = usual,
        .usual_rest = rest,
        .card = card,
    };
    out->file.made = risk_write_blend(&parts, &out->file.bytes, out->file.sha256, err);
    return out->file.made;
}

bool risk_fit_learner(const struct training *t, const struct moments *m,
                      const struct risk_window *window, risk_card_fn *card, void *ctx,
                      struct risk_fit *out, struct err *err)
{
    assert(m->count > 0);
    CLEANUP(fitting_free) struct fitting f = {.moments = m};
    struct risk_fit fit = {0};
    rows_of(&f);
    if (!learn(t, &f, &fit, err)) {
        return false;
    }
    struct buf text = buf_make(CARD_MAX);
    card(ctx, &fit, &text);
    bool ok = write_file(&f, window, buf_text(&text), &fit, err);
    buf_free(&text);
    if (ok) {
        *out = fit;
    }
    return ok;
}

void risk_fit_free(struct risk_fit *fit)
{
    buf_free(&fit->file.bytes);
}
