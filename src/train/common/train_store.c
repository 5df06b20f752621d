/* What a training leaves in the database: models with their verdict, and who serves. */
#include "train/common/train_store.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "store/models.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

struct row_texts {
    const char *algorithm;
    const char *card;
    const char *verdict;
    const char *reason;
};

static bool put(const struct training *t, const char *kind, const struct trained *model,
                const struct row_texts *texts, struct arena *a, const char **out_version,
                struct err *err)
{
    struct model_row row = {
        .kind = kind,
        .algorithm = texts->algorithm,
        .bytes = (int64_t)model->bytes.len,
        .card = texts->card,
        .verdict = texts->verdict,
        .reason = texts->reason,
        .created_us = clock_now_us(),
    };
    memcpy(row.sha256, model->sha256, sizeof row.sha256);
    return store_model_put(t->store, &row, model->bytes.data, model->bytes.len, a, out_version,
                           err);
}

static void say_result(const struct training *t, const char *kind, const struct train_result *r)
{
    if (!t->options->json) {
        train_say(t, kind, "%s serves (%s)", r->version, r->reason);
        return;
    }
    struct buf line = buf_make(4096);
    struct jenc j = jenc_begin(&line);
    jenc_object(&j, NULL);
    jenc_str(&j, "step", kind);
    jenc_str(&j, "version", r->version);
    jenc_str(&j, "trained", r->trained);
    jenc_bool(&j, "promoted", r->promoted);
    jenc_str(&j, "reason", r->reason);
    jenc_object_end(&j);
    fprintf(t->options->out, "%s\n", buf_text(&line));
    buf_free(&line);
}

/* Rows and promotion in one transaction: a training that is killed leaves nothing. */
static bool store_pair(const struct training *t, const struct trained_pair *pair,
                       const struct verdict *v, const struct champion *champion, struct arena *a,
                       struct train_result *out, struct err *err)
{
    const char *baseline = NULL;
    const char *challenger = NULL;
    const struct row_texts simple = {pair->baseline_algorithm, pair->baseline_card, "baseline",
                                     "serves where nothing beats it"};
    const struct row_texts learnt = {pair->challenger_algorithm, pair->challenger_card,
                                     v->passed ? "passed" : "refused", v->reason};
    if (!put(t, pair->kind, pair->baseline, &simple, a, &baseline, err) ||
        (pair->challenger->made &&
         !put(t, pair->kind, pair->challenger, &learnt, a, &challenger, err))) {
        return false;
    }
    /* In this order: who won; who served and was worth it; what needs no learning. */
    const char *serves = v->passed ? challenger : v->champion_stands ? champion->version : baseline;
    assert(serves); /* a verdict passes only what was made */
    snprintf(out->version, sizeof out->version, "%s", serves);
    snprintf(out->trained, sizeof out->trained, "%s", challenger ? challenger : "");
    snprintf(out->reason, sizeof out->reason, "%s", v->reason);
    out->promoted = v->passed;
    /* Asked for in every case: where the same model goes on serving, the history stays as it is. */
    return store_model_promote(t->store, pair->kind, serves, "promote", false, clock_now_us(), err);
}

bool train_store(const struct training *t, const struct trained_pair *pair, const struct verdict *v,
                 const struct champion *champion, struct train_result *out, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct train_result r = {0};
    /* Who has trained for an hour can wait a minute for another one's file to be stored. */
    db_patience(t->store, MODELS_PATIENCE_US);
    if (!db_begin(t->store, err)) {
        return false;
    }
    /* Rows first, words after COMMIT: what is told to serve does. */
    if (!store_pair(t, pair, v, champion, &a, &r, err)) {
        db_rollback(t->store);
        return false;
    }
    if (!db_commit(t->store, err)) {
        return false;
    }
    *out = r;
    say_result(t, pair->kind, out);
    return true;
}
