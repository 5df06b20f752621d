/* The gate: who serves. On a later window a challenger must beat the baseline by more than chance,
 * must not be beaten by more than chance by the simple learner beside it, and must not fall behind
 * the champion at all where that can be judged fairly. Nothing here trains or stores. */
#include "train/common/train_gate.h"

#include "base/mem.h"
#include "ml/judge/rank_eval.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* One-sided 95 %: a challenger made of noise passes one time in twenty. */
static const double GATE_SIGMAS = 1.64;
enum { GATE_ROUNDS = 1000 };

static double gain_of(const struct contest *c, const double *a, const double *b, double *out_error)
{
    double *gains = mem_array((size_t)c->count + 1, sizeof *gains);
    double sum = 0;
    /* A paired comparison: both met the same shoppers, so what makes one shopper harder to
     * foretell than another drops out of the difference, and a smaller gain can be told from
     * chance than by two separate intervals. */
    for (int i = 0; i < c->count; i++) {
        gains[i] = a[i] - b[i];
        sum += gains[i];
    }
    /* The shopper is what is drawn: rows of one shopper repeat each other, and taken as draws of
     * their own they would make every difference look certain (cluster bootstrap: Davison and
     * Hinkley, Bootstrap Methods and their Application, 1997, section 3.8). What comes back is the
     * error of the mean gain of a shopper; times count / per it is that of the metric's mean. */
    *out_error = rank_eval_bootstrap_se(gains, c->count, GATE_ROUNDS, c->seed) * c->count / c->per;
    free(gains);
    return sum / c->per;
}

/* b is better than a by more than chance. */
static bool beaten(const struct contest *c, const double *a, const double *b, double *out_behind)
{
    double error = 0;
    *out_behind = gain_of(c, b, a, &error);
    return *out_behind > GATE_SIGMAS * error;
}

/* What the figures gave, in words. */
static void give_reason(const struct contest *c, const struct champion *champion, struct verdict *v)
{
    const size_t size = sizeof v->reason;
    /* In the order of gate_judge's conditions: of several reasons the first is told, since curing
     * the others would not do. */
    if (v->passed) {
        snprintf(v->reason, size,
                 "%s better than the baseline's by %.4f +- %.4f on %d later shoppers%s%s%s%s",
                 c->metric, v->gain, v->gain_error, c->count,
                 c->simple ? ", not worse than that of " : "", c->simple ? c->simple_name : "",
                 c->champion ? ", not worse than that of " : "",
                 c->champion ? champion->version : "");
    } else if (!v->beats_baseline) {
        snprintf(
            v->reason, size,
            "%s does not beat the baseline's beyond chance: %+.4f +- %.4f on %d later shoppers",
            c->metric, v->gain, v->gain_error, c->count);
    } else if (v->behind_simple > 0) {
        snprintf(v->reason, size,
                 "%s is behind that of %s by %.4f beyond chance on %d later shoppers", c->metric,
                 c->simple_name, v->behind_simple, c->count);
    } else {
        snprintf(v->reason, size, "%s is behind that of %s by %.4f on %d later shoppers", c->metric,
                 champion->version, v->behind_champion, c->count);
    }
}

struct verdict gate_judge(const struct contest *c, const struct champion *champion)
{
    assert(c->count > 0 && c->per > 0 && c->challenger && c->baseline);
    struct verdict v = {0};
    double behind = 0;
    double error = 0;
    v.gain = gain_of(c, c->challenger, c->baseline, &v.gain_error);
    v.beats_baseline = v.gain > GATE_SIGMAS * v.gain_error;
    /* Only beyond chance: the simple learner is there to catch a challenger that has gone wrong,
     * and one of two equals would lose by chance every other time. */
    v.behind_simple = c->simple && beaten(c, c->challenger, c->simple, &behind) ? behind : 0;
    bool rival = champion->found && !champion->is_baseline;
    /* Its mean, without an allowance for chance: who takes over from a model that works has to
     * show that it is as good. Equal is enough, for it has learnt from more. */
    v.behind_champion = rival && c->champion ? gain_of(c, c->champion, c->challenger, &error) : 0;
    /* One microsecond is no later log: an affinity file tells the first moment that it has not
     * seen, which is one past its last event. */
    bool outdated =
        rival && champion->as_of_us > c->as_of_us + 1; /* trained with --as-of in the past */
    v.passed = v.beats_baseline && !(v.behind_simple > 0) && !(v.behind_champion > 0) && !outdated;
    /* A champion that could not be judged beside the others keeps its place; one that was must be
     * worth it. */
    v.champion_stands =
        rival && (!c->champion || gain_of(c, c->champion, c->baseline, &error) >= 0);
    if (outdated) {
        snprintf(v.reason, sizeof v.reason, "%s was trained on later events", champion->version);
    } else {
        give_reason(c, champion, &v);
    }
    return v;
}

struct verdict gate_without_challenger(const struct champion *champion, const char *why)
{
    struct verdict v = {.champion_stands = champion->found && !champion->is_baseline};
    snprintf(v.reason, sizeof v.reason, "%s", why);
    return v;
}
