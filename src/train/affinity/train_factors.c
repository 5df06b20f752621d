/* A long factorization made bearable: foretold, shown and resumed. The numbers are als_train's. */
#include "train/affinity/train_factors.h"

#include "base/clock.h"
#include "live/live_cache.h"
#include "train/affinity/train_checkpoint.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BAR_CELLS = 24, CHECKPOINT_SHARE = 10 };

struct watch {
    const struct train_factors *job;
    const struct als_options *options;
    struct checkpoint checkpoint;
    bool keeps;       /* there is a place for checkpoints */
    bool bar;         /* out is a terminal */
    int first;        /* sweeps that were done before */
    int64_t begun_us; /* of the monotonic clock */
    int64_t saved_us; /* end of the last checkpoint, or begun_us */
    int64_t cost_us;  /* of the last checkpoint */
};

static double left_s(const struct watch *w, int sweep)
{
    double taken = (double)(clock_monotonic_us() - w->begun_us) * 1e-6;
    /* By the sweeps of this run: those before a checkpoint took their time in another one. */
    return taken / (sweep - w->first) * (w->options->sweeps - sweep);
}

static void show_bar(const struct watch *w, const struct als_progress *p)
{
    FILE *out = w->job->t->options->out;
    char cells[BAR_CELLS + 1];
    int full = BAR_CELLS * p->sweep / w->options->sweeps;
    for (int i = 0; i < BAR_CELLS; i++) {
        cells[i] = i < full ? '#' : '.';
    }
    cells[BAR_CELLS] = '\0';
    fprintf(out, "\r%-9s [%s] sweep %d of %d, loss %.6g, %.0f s left ", "factors", cells, p->sweep,
            w->options->sweeps, p->loss, left_s(w, p->sweep));
    if (p->sweep == w->options->sweeps) {
        fputc('\n', out);
    }
    (void)fflush(out);
}

static void show_line(const struct watch *w, const struct als_progress *p)
{
    struct buf line = buf_make(1024);
    struct jenc j = jenc_begin(&line);
    jenc_object(&j, NULL);
    jenc_str(&j, "step", "factors");
    jenc_str(&j, "of", w->job->what);
    jenc_i64(&j, "sweep", p->sweep);
    jenc_i64(&j, "sweeps", w->options->sweeps);
    jenc_f64(&j, "loss", p->loss);
    jenc_f64(&j, "left_s", left_s(w, p->sweep));
    jenc_object_end(&j);
    fprintf(w->job->t->options->out, "%s\n", buf_text(&line));
    /* Into a pipe it would stay in the buffer for as long as the training takes. */
    (void)fflush(w->job->t->options->out);
    buf_free(&line);
}

static void save(struct watch *w, const struct als_state *state)
{
    struct err err = {0};
    int64_t now_us = clock_monotonic_us();
    /* On a slow disk a checkpoint may cost more than the sweep that it saves: then a tenth of the
     * time is the limit. */
    bool dear = w->cost_us > SECONDS(1) && w->cost_us * CHECKPOINT_SHARE > now_us - w->saved_us;
    if (!w->keeps || dear) {
        return;
    }
    if (!checkpoint_save(&w->checkpoint, state, &err)) {
        /* Lost is only the way back after a kill, which is no reason to end a training
         * that goes well. */
        w->keeps = false;
        train_say(w->job->t, "factors", "%s; training goes on without", err.text);
        return;
    }
    w->saved_us = clock_monotonic_us();
    w->cost_us = w->saved_us - now_us;
}

static bool swept(void *ctx, const struct als_progress *p)
{
    struct watch *w = ctx;
    if (w->job->t->options->json) {
        show_line(w, p);
    } else if (w->bar) {
        show_bar(w, p);
    }
    save(w, p->state);
    return true;
}

static void tell_size(const struct watch *w, const struct csr *m)
{
    const double mib = 1024.0 * 1024;
    size_t bytes = als_memory_bytes(m->rows, m->cols, csr_entries(m), w->options);
    train_say(w->job->t, "memory",
              "%d factors of %d shoppers and %d products, %lld pairs, %s: %.1f MiB beside the log",
              w->options->factors, m->rows, m->cols, (long long)csr_entries(m), w->job->what,
              (double)bytes / mib);
}

/* Finds the place for checkpoints and what an earlier training left there. */
static void look_back(struct watch *w, const struct csr *m, struct als_state *state)
{
    char dir[MODEL_PATH_BYTES];
    struct err err = {0};
    w->keeps = w->job->keep && live_cache_dir(w->job->t->config->data_dir, dir, &err) &&
               checkpoint_name(dir, m, w->options, &w->checkpoint, &err);
    if (w->job->keep && !w->keeps) {
        train_say(w->job->t, "factors", "%s; training goes on without checkpoints", err.text);
    }
    if (w->keeps && checkpoint_load(&w->checkpoint, m->rows, m->cols, w->options->factors, state)) {
        w->first = state->sweeps;
        train_say(w->job->t, "factors", "resumed after sweep %d of %d", state->sweeps,
                  w->options->sweeps);
    }
}

bool train_factors(const struct train_factors *job, const struct csr *interactions,
                   const struct als_options *options, struct mat *out_shoppers,
                   struct mat *out_items, struct err *err)
{
    struct als_options o = *options;
    struct als_state state = {0};
    struct watch w = {.job = job, .options = &o};
    w.bar = !job->t->options->json && isatty(fileno(job->t->options->out));
    tell_size(&w, interactions);
    look_back(&w, interactions, &state);
    /* Only now: reading a checkpoint is no sweep, and would stretch what is foretold. */
    w.begun_us = clock_monotonic_us();
    w.saved_us = w.begun_us;
    /* A sixth of a sweep's time, paid only where somebody looks. */
    o.watch_loss = w.bar || job->t->options->json;
    o.progress = swept;
    o.progress_ctx = &w;
    o.resume = w.first > 0 ? &state : NULL;
    return als_train(interactions, &o, out_shoppers, out_items, err);
}

void train_factors_forget(const struct training *t)
{
    char dir[MODEL_PATH_BYTES];
    struct err err = {0};
    if (live_cache_dir(t->config->data_dir, dir, &err)) {
        checkpoint_remove_all(dir);
    }
}
