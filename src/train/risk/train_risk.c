/* Training of the risk model: labels, the cut between learning and judging, the models that are
 * kept. The label and its moments: README, "Models". */
#include "train/risk/train_risk.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "train/common/train_store.h"
#include "train/risk/train_risk_judge.h"
#include "train/risk/train_risk_tell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOMENTS_MIN = TRAIN_EVENTS_MIN,
    LEARN_SHOPPERS_MIN = 20, /* of each outcome, to train a learner */
    JUDGE_SHOPPERS_MIN = 10, /* of each outcome, to judge one */
    RISK_CARD_MAX = 1 << 16,
    WHY_MAX = 200,
};

struct risk_training {
    const struct training *t;
    struct train_context context;
    struct moment_set set;
};

bool risk_training_new(const struct training *t, struct risk_training **out, struct err *err)
{
    struct risk_training *r = mem_alloc(sizeof *r);
    r->t = t;
    if (!train_context_open(t, &r->context, err)) {
        risk_training_free(&r);
        return false;
    }
    r->set.context = &r->context;
    *out = r;
    return true;
}

void risk_training_free(struct risk_training **r)
{
    if (*r) {
        moment_set_free(&(*r)->set);
        train_context_free(&(*r)->context);
        mem_free(r);
    }
}

bool risk_training_key(struct risk_training *r, const struct train_key *k, struct err *err)
{
    (void)err;
    moment_set_take(&r->set, k);
    return true;
}

/* ---- windows ---- */

static void run_free(struct risk_run *r)
{
    free(r->seen.all); /* known looks into it */
    free(r->before.all);
    free(r->after.all);
    free(r->shopper_of);
    champion_free(&r->champion);
    risk_fit_free(&r->judged);
    risk_fit_free(&r->kept);
}

static int by_time(const void *a, const void *b)
{
    const struct moment *x = *(const struct moment *const *)a;
    const struct moment *y = *(const struct moment *const *)b;
    if (x->at_us != y->at_us) {
        return x->at_us < y->at_us ? -1 : 1;
    }
    return (x > y) - (x < y); /* one array: its order settles equal times */
}

static double rate_of(const struct moments *m)
{
    return (moments_lost(m) + 1.0) / (m->count + 2); /* never 0 or 1: both would be too sure */
}

/* Moments later than the end of the log less the horizon have no label. */
static void label_moments(struct risk_run *r, struct moment_set *set)
{
    const int64_t until_us = r->window.as_of_us - r->window.horizon_us;
    r->seen.all = mem_array(set->count + 1, sizeof(void *));
    for (size_t i = 0; i < set->count; i++) {
        /* By pointer from here on: a moment carries all its features, and windows and sorting need
         * none of them. */
        struct moment *m = &set->all[i];
        m->lost = moment_is_lost(m, r->window.horizon_us);
        r->seen.all[r->seen.count++] = m;
    }
    qsort(r->seen.all, (size_t)r->seen.count, sizeof(void *), by_time);
    r->known.all = r->seen.all;
    /* Moments whose horizon is not over yet have no label. Those among them that were bought are
     * known already, but to count these alone would make the newest carts look safe. */
    while (r->known.count < r->seen.count && r->known.all[r->known.count]->at_us <= until_us) {
        r->known.count++;
    }
    r->known_rate = rate_of(&r->known);
}

/* What had been seen at the cut. */
static struct moments seen_before(const struct risk_run *r)
{
    struct moments m = {.all = r->seen.all};
    while (m.count < r->seen.count && m.all[m.count]->at_us < r->cut_us) {
        m.count++;
    }
    return m;
}

struct outcomes {
    int lost;   /* shoppers with a lost moment */
    int bought; /* shoppers with another */
};

static struct outcomes outcomes_of(const struct moments *m, int32_t keys)
{
    uint8_t *seen = mem_array((size_t)keys + 1, sizeof *seen);
    struct outcomes o = {0};
    for (int i = 0; i < m->count; i++) {
        uint8_t *bits = &seen[m->all[i]->key_number];
        uint8_t bit = m->all[i]->lost ? 1 : 2;
        /* Shoppers, not moments: forty moments of one shopper are one draw. */
        o.lost += bit == 1 && !(*bits & 1);
        o.bought += bit == 2 && !(*bits & 2);
        *bits |= bit;
    }
    free(seen);
    return o;
}

static void window_cut(struct risk_run *r, int64_t cut_us)
{
    /* A cut that was tried before. */
    moment_parts_free(&(struct moment_parts){r->before, r->after});
    const struct moment_parts parts = moments_part(&r->known, cut_us, r->window.horizon_us);
    r->before = parts.before;
    r->after = parts.after;
    r->cut_us = cut_us;
}

static bool enough_after(const struct risk_run *r, int32_t keys)
{
    struct outcomes o = outcomes_of(&r->after, keys);
    return o.lost >= JUDGE_SHOPPERS_MIN && o.bought >= JUDGE_SHOPPERS_MIN;
}

/* Where the champion was trained on part of the later window, the cut moves to the end of its log
 * if enough lies behind it: only what neither has seen can judge both. */
static void choose_cut(struct risk_run *r, int32_t keys)
{
    if (r->champion.found && !r->champion.is_baseline &&
        r->champion.as_of_us > moments_cut_us(&r->known)) {
        /* A model that has learnt from the rows it is judged on would beat any newcomer. */
        window_cut(r, r->champion.as_of_us);
        if (enough_after(r, keys)) {
            return;
        }
    }
    window_cut(r, moments_cut_us(&r->known));
}

/* Of the moments before the cut, those before the usual one: what is learnt with must not depend on
 * who serves. */
static struct moments choice_moments(const struct risk_run *r)
{
    const int64_t until_us = moments_cut_us(&r->known) - r->window.horizon_us;
    struct moments m = r->before;
    /* The same log and seed must give the same bytes, and who serves by now is no part of them. */
    while (m.count > 0 && m.all[m.count - 1]->at_us > until_us) {
        m.count--;
    }
    return m;
}

/* ---- the models ---- */

static void file_card(void *ctx, const struct risk_fit *fit, struct buf *out)
{
    risk_run_card(ctx, fit, false, out);
}

/* ---- the training ---- */

static bool write_baseline(const struct risk_run *r, struct trained *out, struct err *err)
{
    struct buf card = buf_make(RISK_CARD_MAX);
    risk_run_card(r, NULL, false, &card);
    out->made = risk_write_base_rate(r->known_rate, &r->window, buf_text(&card), &out->bytes,
                                     out->sha256, err);
    buf_free(&card);
    return out->made;
}

static bool keep(struct risk_run *r, struct train_result *out, struct err *err)
{
    struct trained baseline = {0};
    struct buf card = buf_make(RISK_CARD_MAX);
    struct buf baseline_card = buf_make(RISK_CARD_MAX);
    risk_run_card(r, &r->kept, true, &card);
    risk_run_card(r, NULL, true, &baseline_card);
    bool ok = write_baseline(r, &baseline, err);
    /* kept is not made where there was too little to judge: then the baseline alone is stored. */
    const struct trained_pair pair = {
        .kind = "risk",
        .baseline_algorithm = "base_rate",
        .challenger_algorithm = "blend",
        .baseline = &baseline,
        .challenger = &r->kept.file,
        .baseline_card = buf_text(&baseline_card),
        .challenger_card = buf_text(&card),
    };
    ok = ok && train_store(r->t, &pair, &r->verdict, &r->champion, out, err);
    buf_free(&baseline.bytes);
    buf_free(&card);
    buf_free(&baseline_card);
    return ok;
}

/* What everything up to a time is learnt with: what was chosen, or the logistic regression that
 * stands for it. */
static struct risk_wish wish_of(struct risk_run *r, const struct moments *seen, int64_t as_of_us)
{
    struct risk_wish wish = {.window = r->window,
                             .seen = seen,
                             .card = file_card,
                             .ctx = r,
                             .recipe = r->behind > 0 ? RISK_LOGISTIC : r->choice.recipe,
                             .plain = r->behind > 0};
    /* before the cut as if the log ended there: no interval of the time ahead may
     * reach beyond it */
    wish.window.as_of_us = as_of_us;
    return wish;
}

static bool fit_and_judge(struct risk_run *r, int32_t keys, struct err *err)
{
    const struct moments seen = seen_before(r);
    const struct risk_wish wish = wish_of(r, &seen, r->cut_us);
    /* The second time the logistic regression takes its place. */
    risk_fit_free(&r->judged);
    return risk_fit_learner(r->t, &r->before, &wish, &r->judged, err) &&
           risk_run_judge(r, keys, err);
}

/* What is trained before the cut and judged after it; with which learner is chosen before the
 * cut too. Where the later window shows that the gate would refuse it beside logistic
 * regression, this stands for it, as it was judged: better than the base rate, and its figures
 * are but little too good. */
static bool fit_judged(struct risk_run *r, int32_t keys, struct err *err)
{
    const struct moments told = choice_moments(r);
    r->before_rate = rate_of(&r->before);
    if (!risk_choose(r->t, &told, r->window.horizon_us, &r->choice, err) ||
        !fit_and_judge(r, keys, err)) {
        return false;
    }
    /* Asked once: the logistic regression that stands in is not behind itself. */
    r->behind = r->verdict.behind_simple;
    return !(r->behind > 0) || fit_and_judge(r, keys, err);
}

/* Whether a learner can be trained before the cut and judged after it; if not, why. */
static bool enough(const struct risk_run *r, int32_t keys, char why[WHY_MAX])
{
    struct outcomes learn = outcomes_of(&r->before, keys);
    struct outcomes later = outcomes_of(&r->after, keys);
    snprintf(
        why, WHY_MAX,
        "too little to train a learner: %d shoppers who left and %d who bought before the cut (%d needed), %d and %d after (%d)",
        learn.lost, learn.bought, LEARN_SHOPPERS_MIN, later.lost, later.bought, JUDGE_SHOPPERS_MIN);
    return learn.lost >= LEARN_SHOPPERS_MIN && learn.bought >= LEARN_SHOPPERS_MIN &&
           enough_after(r, keys);
}

/* Trains before the cut, judges after it, and if there was enough to judge trains again on
 * everything: what is kept is the procedure. */
static bool challenge(struct risk_run *r, int32_t keys, struct err *err)
{
    char why[WHY_MAX];
    if (!enough(r, keys, why)) {
        r->verdict = gate_without_challenger(&r->champion, why);
        return true;
    }
    if (!fit_judged(r, keys, err)) {
        return false;
    }
    risk_run_say(r);
    /* What was judged is the procedure. The model that it makes of the whole log has seen the
     * last quarter too, which is the one most like the days to come. */
    const struct risk_wish all = wish_of(r, &r->seen, r->window.as_of_us);
    return risk_fit_learner(r->t, &r->known, &all, &r->kept, err);
}

/* A share of nothing is not told, but when there will be something. */
static void say_moments(const struct risk_run *r, int shoppers, const char *horizon)
{
    char known[CLOCK_TEXT_MAX];
    if (r->known.count > 0) {
        train_say(
            r->t, "risk",
            "%d moments of %d shoppers with a cart have a known outcome within %s, %.1f %% of them lost",
            r->known.count, shoppers, horizon, 100 * r->known_rate);
    } else if (r->seen.count > 0) {
        train_say(
            r->t, "risk",
            "%d moments of %d shoppers with a cart, and no outcome within %s is known yet: the first when the log reaches %s",
            r->seen.count, shoppers, horizon,
            clock_format_rfc3339(r->seen.all[0]->at_us + r->window.horizon_us, known));
    } else {
        train_say(r->t, "risk", "no shopper of the log has had a cart");
    }
}

/* Labels, and the champion that stands; refuses a log with too few moments. */
static bool run_begin(struct risk_run *r, struct risk_training *training, struct err *err)
{
    const struct training *t = training->t;
    char horizon[CLOCK_TEXT_MAX];
    r->t = t;
    r->window = (struct risk_window){.from_us = t->log.first_us,
                                     .as_of_us = t->log.last_us,
                                     .horizon_us = t->options->horizon_us};
    label_moments(r, &training->set);
    clock_format_duration(r->window.horizon_us, horizon);
    say_moments(r, (int)training->set.keys, horizon);
    /* Before the refusal, which tells what serves meanwhile. */
    if (!champion_load(t, "risk", &r->champion, err)) {
        return false;
    }
    if (r->known.count < MOMENTS_MIN) {
        train_say_waits(t, "risk", r->champion.version);
        return FAIL(err, ERR_REFUSED,
                    "risk needs %d cart moments whose outcome within %s is known, the log has %d",
                    MOMENTS_MIN, horizon, r->known.count);
    }
    return true;
}

bool risk_training_finish(struct risk_training *training, struct train_result *out, struct err *err)
{
    CLEANUP(run_free) struct risk_run r = {0};
    if (!run_begin(&r, training, err)) {
        return false;
    }
    choose_cut(&r, training->set.keys);
    return challenge(&r, training->set.keys, err) && keep(&r, out, err);
}

bool risk_training_later(struct risk_training *training, int64_t cut_us, risk_later_fn *fn,
                         void *ctx, struct err *err)
{
    CLEANUP(run_free) struct risk_run r = {0};
    CLEANUP(risk_free) struct risk *challenger = NULL;
    char why[WHY_MAX];
    if (!run_begin(&r, training, err)) {
        return false;
    }
    /* A cut that was asked for is obeyed; a champion whose log reaches beyond it is
     * then not judged. */
    if (cut_us == INT64_MIN) {
        choose_cut(&r, training->set.keys);
    } else {
        window_cut(&r, cut_us);
    }
    if (!enough(&r, training->set.keys, why)) {
        return FAIL(err, ERR_REFUSED, "%s", why);
    }
    if (!fit_judged(&r, training->set.keys, err) ||
        !risk_run_open(&r, training->set.keys, &challenger, err)) {
        return false;
    }
    const struct risk_later later = {
        .window = r.window,
        .cut_us = r.cut_us,
        .before = &r.before,
        .after = &r.after,
        .shopper_of = r.shopper_of,
        .shoppers = r.shoppers_after,
        .base_rate = r.before_rate,
        .challenger = challenger,
        .champion = &r.champion,
        .champion_judged = r.champion_judged,
    };
    return fn(ctx, &later, err);
}
