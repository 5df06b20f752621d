/* Training: one reading of the log for both kinds, then each kind's fit, gate and rows. What is
 * learnt stands in train_risk*.c and train_affinity*.c. */
#include "train/train.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "ml/linear/blas.h"
#include "train/affinity/train_affinity.h"
#include "train/common/training.h"
#include "train/risk/train_risk.h"

/* ---- one reading for both ---- */

struct collectors {
    struct risk_training *risk;         /* NULL: not asked for */
    struct affinity_training *affinity; /* likewise */
};

static void collectors_free(struct collectors *c)
{
    risk_training_free(&c->risk);
    affinity_training_free(&c->affinity);
}

static bool collect_key(void *ctx, const struct train_key *k, struct err *err)
{
    struct collectors *c = ctx;
    /* One reading, decoding and fold of each shopper for both: they take longer than
     * what is collected. */
    return (!c->affinity || affinity_training_key(c->affinity, k, err)) &&
           (!c->risk || risk_training_key(c->risk, k, err));
}

static bool read_log(struct training *t, struct collectors *c, struct err *err)
{
    char from[CLOCK_TEXT_MAX];
    char until[CLOCK_TEXT_MAX];
    if (!train_log_read(t->db, t->options->as_of_us, collect_key, c, &t->log, err)) {
        return false;
    }
    if (t->log.events == 0) {
        return FAIL(
            err, ERR_REFUSED,
            "the log holds no events up to that time: there is nothing to learn from, and what serves goes on");
    }
    train_say(t, "log", "%lld events of %lld shoppers (%lld bots left out), %s to %s",
              (long long)t->log.events, (long long)t->log.shoppers, (long long)t->log.bots,
              clock_format_rfc3339(t->log.first_us, from),
              clock_format_rfc3339(t->log.last_us, until));
    return true;
}

/* Too little data for one kind must not keep the other from being trained: the refusal is kept for
 * the end. */
static bool survives(bool ok, struct err *now, struct err *refused)
{
    if (!ok && now->kind == ERR_REFUSED && refused->kind == ERR_NONE) {
        *refused = *now;
    }
    return ok || now->kind == ERR_REFUSED;
}

static bool train_kinds(struct collectors *c, struct train_result *out_affinity,
                        struct train_result *out_risk, struct err *err)
{
    struct err refused = {0};
    struct err now = {0};
    bool ok = true;
    /* The order decides nothing: an affinity model made now has seen the whole log, so that no
     * moment of it may use it (risk/train_context.h). */
    if (c->affinity) {
        ok = survives(affinity_training_finish(c->affinity, out_affinity, &now), &now, &refused);
    }
    if (ok && c->risk) {
        now = (struct err){0};
        ok = survives(risk_training_finish(c->risk, out_risk, &now), &now, &refused);
    }
    /* What broke goes before what was refused. */
    if (!ok || refused.kind != ERR_NONE) {
        *err = ok ? refused : now;
        return false;
    }
    return true;
}

bool train_run(const struct database *database, const struct config *config,
               const struct train_options *options, struct train_result *out_affinity,
               struct train_result *out_risk, struct err *err)
{
    CLEANUP(db_close) struct db *db = NULL;
    CLEANUP(db_close) struct db *store = NULL;
    CLEANUP(collectors_free) struct collectors c = {0};
    struct training t = {.config = config, .options = options, .threads = train_threads()};
    /* before any thread: it chooses kernels by a change of the environment */
    blas_init();
    /* Two: while the log is read, db is inside of a snapshot that can write nothing. */
    if (!database_connect(database, &db, err) || !database_connect(database, &store, err)) {
        return false;
    }
    t.db = db;
    t.store = store;
    /* Before the log is read: the products of the catalogue get the first numbers, and moments are
     * taken with what was known of the shop. */
    if (((options->kind & TRAIN_RISK) && !risk_training_new(&t, &c.risk, err)) ||
        ((options->kind & TRAIN_AFFINITY) && !affinity_training_new(&t, &c.affinity, err)) ||
        !read_log(&t, &c, err)) {
        return false;
    }
    return train_kinds(&c, out_affinity, out_risk, err);
}
