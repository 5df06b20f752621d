/* Evaluation: connections in, results out. What is measured stands in evaluate_affinity.c and evaluate_risk.c. */
#include "evaluate/evaluate.h"

#include "base/cleanup.h"
#include "evaluate/evaluate_affinity.h"
#include "evaluate/evaluate_risk.h"
#include "evaluate/report.h"
#include "ml/linear/blas.h"

#include <assert.h>

enum { RESULT_MAX = 1 << 20, PAGE_MAX = 16 << 20 };

static void evaluated_free(struct evaluated *e)
{
    buf_free(&e->text);
    buf_free(&e->json);
    buf_free(&e->page);
}

static bool deliver(const struct evaluated *e, const struct evaluate_options *o, struct err *err)
{
    const struct buf *result = o->json ? &e->json : &e->text;
    /* A buf that has failed stays failed, so that one look here covers everything that was
     * written. */
    if (!buf_ok(result)) {
        return FAIL(err, ERR_INTERNAL, "the result is larger than %d bytes", RESULT_MAX);
    }
    /* The page first: where its path is no good, nothing has been printed that would look like
     * success. */
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
                                           .ahead_rows_max = options->ahead_rows_max,
                                           .spread_given = options->spread_given,
                                           .spread = options->spread,
                                           .out = options->progress};
    struct training t = {.config = config, .options = &training, .threads = train_threads()};
    /* The curve of recall goes to 2 k, and no more than PICKS_MAX are ever ranked. */
    assert(options->k >= 1 && options->k <= EVALUATE_K_MAX);
    blas_init();
    if (options->report && !report_can_save(options->report, err)) {
        return false;
    }
    if (!database_connect(database, &db, err) || !database_connect(database, &store, err)) {
        return false;
    }
    t.db = db;
    t.store = store;
    bool ok = options->kind == EVALUATE_RISK ? evaluate_risk(&t, options, &e, err)
                                             : evaluate_affinity(&t, options, &e, err);
    return ok && deliver(&e, options, err);
}
