/* Rows of a training of the risk model. Which of them it learns from is decided by train_risk.c. */
#include "train/risk/train_rows.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "ml/judge/split.h"

#include <string.h>

static const double LEARN_SHARE = 0.75; /* of the moments lie before a cut */

int moments_lost(const struct moments *m)
{
    int lost = 0;
    for (int i = 0; i < m->count; i++) {
        lost += m->all[i]->lost;
    }
    return lost;
}

int64_t moments_cut_us(const struct moments *m)
{
    CLEANUP(mem_free) int64_t *times = mem_array((size_t)m->count + 1, sizeof *times);
    for (int i = 0; i < m->count; i++) {
        times[i] = m->all[i]->at_us;
    }
    /* Parted by time, not at random: the model will be asked about days that come after those it
     * learnt from, and moments of one cart on both sides would give the answer away. Three
     * quarters: with fewer, what is judged has seen much less than what is then kept; with more,
     * too few shoppers are left to tell a gain from chance. */
    return split_time_quantile(times, (size_t)m->count, LEARN_SHARE);
}

struct moment_parts moments_part(const struct moments *m, int64_t cut_us, int64_t horizon_us)
{
    const size_t room = (size_t)m->count + 1;
    struct moment_parts p = {.before.all = mem_array(room, sizeof(void *)),
                             .after.all = mem_array(room, sizeof(void *))};
    for (int i = 0; i < m->count; i++) {
        const int64_t at_us = m->all[i]->at_us;
        /* What lies less than a horizon before the cut belongs to neither side: its label is made
         * of what happened after the cut, and learning from it would leak that (purging: Lopez de
         * Prado, Advances in Financial Machine Learning, 2018, section 7.4). */
        if (at_us >= cut_us) {
            p.after.all[p.after.count++] = m->all[i];
        } else if (at_us <= cut_us - horizon_us) {
            p.before.all[p.before.count++] = m->all[i];
        }
    }
    return p;
}

void moment_parts_free(struct moment_parts *p)
{
    mem_free(&p->before.all);
    mem_free(&p->after.all);
}

void risk_hide_products(union learner_cell *cells, int64_t row)
{
    static const enum feature_id products[] = {FEATURE_NEWEST_PRODUCT, FEATURE_DEAREST_PRODUCT,
                                               FEATURE_VIEWED_PRODUCT};
    for (size_t i = 0; i < sizeof products / sizeof *products; i++) {
        union learner_cell *cell = &cells[products[i]];
        /* Different in every row, so that none has enough rows to be learnt; 0 stays, since no
         * product at all is a fact of its own. */
        cell->id = cell->id ? (uint64_t)row + 1 : 0;
    }
}
