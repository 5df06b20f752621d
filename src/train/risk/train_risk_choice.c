/* Which learner the risk model is made with. Told on a validation window inside of training, so
 * that the later window only judges what was chosen. */
#include "train/risk/train_risk_choice.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "ml/judge/calib.h"
#include "ml/judge/paired.h"
#include "train/risk/risk_check.h"
#include "train/risk/train_risk_fit.h"

enum { TELL_MIN = 100 }; /* lost moments, and others, before the inner cut and after it */

static bool is_enough(const struct moments *m)
{
    int lost = 0;
    for (int i = 0; i < m->count; i++) {
        lost += m->all[i]->lost;
    }
    return lost >= TELL_MIN && m->count - lost >= TELL_MIN;
}

/* Log loss of each moment; owned by the caller. What the shop's drift adds to all scores is no part
 * of the choice: the daily correction sees to that. */
static double *losses_of(const struct learner *l, const struct moments *late)
{
    const struct platt as_it_is = {1, 0};
    double *values = mem_array((size_t)late->count + 1, sizeof *values);
    CLEANUP(mem_free) uint8_t *lost = mem_array((size_t)late->count + 1, sizeof *lost);
    for (int i = 0; i < late->count; i++) {
        values[i] = learner_margin(l, late->all[i]->x.cells);
        lost[i] = late->all[i]->lost;
    }
    /* Without this a recipe would be preferred for having guessed the shop's drift by luck. */
    const double shift = risk_check_shift(values, lost, late->count);
    for (int i = 0; i < late->count; i++) {
        const double p = calib_apply(&as_it_is, values[i] + shift);
        values[i] = calib_log_loss(&p, &lost[i], 1);
    }
    return values;
}

static double mean_of(const double *values, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++) {
        sum += values[i];
    }
    return sum / count;
}

bool risk_choice_beats(const struct moments *m, const double *losses, const double *plainer)
{
    CLEANUP(mem_free) uint64_t *shopper = mem_array((size_t)m->count + 1, sizeof *shopper);
    for (int i = 0; i < m->count; i++) {
        shopper[i] = (uint64_t)m->all[i]->key_number;
    }
    /* Moments of a shopper are one draw, as in the gate. */
    return paired_beats(losses, plainer, shopper, m->count);
}

bool risk_choose(const struct training *t, const struct moments *m, int64_t horizon_us,
                 struct risk_choice *out, struct err *err)
{
    CLEANUP(moment_parts_free)
    /* A window inside of training: chosen on the window that judges, the winner's figures there
     * would be too good, the more so the more recipes there are (Cawley and Talbot, On
     * Over-fitting in Model Selection, JMLR 2010). */
    struct moment_parts p = moments_part(m, moments_cut_us(m), horizon_us);
    CLEANUP(mem_free) double *best = NULL;
    struct risk_choice choice = {.recipe = RISK_LOGISTIC};
    for (int r = 0; r < RISK_RECIPES && is_enough(&p.before) && is_enough(&p.after); r++) {
        CLEANUP(learner_free) struct learner *l = NULL;
        if (!risk_fit_plain(t, &p.before, (enum risk_recipe)r, &l, err)) {
            return false;
        }
        double *losses = losses_of(l, &p.after);
        choice.rows = p.after.count;
        choice.log_loss[r] = mean_of(losses, p.after.count);
        /* From the plainest to the richest, and only by more than one standard error: of two that
         * cannot be told apart the plainer one is less wrong about shoppers it has not seen (one
         * standard error rule: Breiman et al., Classification and Regression Trees, 1984). */
        if (best == NULL || risk_choice_beats(&p.after, losses, best)) {
            choice.recipe = (enum risk_recipe)r;
            mem_free(&best);
            best = losses;
        } else {
            mem_free(&losses);
        }
    }
    *out = choice;
    return true;
}
