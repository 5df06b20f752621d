/* Evaluation: connections in, results out. What is measured stands in evaluate_affinity.c and evaluate_risk.c. */
#include "evaluate/evaluate.h"

#include "base/cleanup.h"
#include "evaluate/evaluate_internal.h"
#include "ml/linear/blas.h"

#include <assert.h>
#include <string.h>

enum { RESULT_MAX = 1 << 20, PAGE_MAX = 16 << 20 };

char *evaluate_time_text(int64_t us, char out[CLOCK_TEXT_MAX])
{
    char text[CLOCK_TEXT_MAX];
    clock_format_rfc3339(us - us % MINUTES(1), text);
    (void)snprintf(out, CLOCK_TEXT_MAX, "%.10s %.5s UTC", text, text + 11);
    return out;
}

bool evaluate_cut_check(const struct training *t, int64_t cut_us, struct err *err)
{
    char from[CLOCK_TEXT_MAX];
    char until[CLOCK_TEXT_MAX];
    return cut_us == INT64_MIN || (cut_us > t->log.first_us && cut_us <= t->log.last_us) ||
           FAIL(err, ERR_REFUSED, "too little to judge: the cut must lie within the log, %s to %s",
                evaluate_time_text(t->log.first_us, from),
                evaluate_time_text(t->log.last_us, until));
}

static void evaluated_free(struct evaluated *e)
{
    buf_free(&e->text);
    buf_free(&e->json);
    buf_free(&e->page);
}

static bool deliver(const struct evaluated *e, const struct evaluate_options *o, struct err *err)
{
    const struct buf *result = o->json ? &e->json : &e->text;
    if (!buf_ok(result)) {
        return FAIL(err, ERR_INTERNAL, "the result is larger than %d bytes", RESULT_MAX);
    }
    if (o->report && !report_save(&e->page, o->report, err)) {
        return false;
    }
    if (fputs(buf_text(result), o->out) < 0 || fflush(o->out) != 0) {
        return FAIL(err, ERR_INTERNAL, "the result could not be written");
    }
    return true;
}

bool evaluate_run(const struct database *database, const struct config *config,
                  const struct evaluate_options *options, struct err *err)
{
    CLEANUP(db_close) struct db *db = NULL;
    CLEANUP(db_close) struct db *store = NULL;
    CLEANUP(evaluated_free)
    struct evaluated e = {
        .text = buf_make(RESULT_MAX), .json = buf_make(RESULT_MAX), .page = buf_make(PAGE_MAX)};
    const struct train_options training = {.as_of_us = options->as_of_us,
                                           .seed = options->seed,
                                           .horizon_us = options->horizon_us,
                                           .out = options->progress};
    struct training t = {.config = config, .options = &training, .threads = train_threads()};
    assert(options->k >= 1 && options->k <= EVALUATE_K_MAX);
    blas_init();
    if (!database_connect(database, &db, err) || !database_connect(database, &store, err)) {
        return false;
    }
    t.db = db;
    t.store = store;
    bool ok = options->kind == EVALUATE_RISK ? evaluate_risk(&t, options, &e, err)
                                             : evaluate_affinity(&t, options, &e, err);
    return ok && deliver(&e, options, err);
}
