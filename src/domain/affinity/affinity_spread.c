/* Lifts of products: reading them, and what they change in the order of the candidates. */
#include "domain/affinity/affinity_spread.h"

#include "domain/affinity/affinity_internal.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

bool spread_load(struct affinity *m, struct err *err)
{
    /* A file of before, or of a shop where spreading would have cost something. */
    if (!model_file_has(&m->file, "log_lift")) {
        return true;
    }
    const uint64_t count = (uint64_t)m->count * SPREAD_LENGTHS;
    if (!model_file_f32(&m->file, "log_lift", count, &m->log_lift, err)) {
        return false;
    }
    for (uint64_t i = 0; i < count; i++) {
        if (!(m->log_lift[i] >= 0 && m->log_lift[i] <= SPREAD_MOST)) {
            return FAIL(err, ERR_INVALID, "a lift of item %d of the affinity model is out of range",
                        (int)(i % (uint64_t)m->count));
        }
    }
    return true;
}

bool affinity_spreads(const struct affinity *m)
{
    return m->log_lift != NULL;
}

struct affinity_section affinity_spread_section(const float *log_lift, int count)
{
    return (struct affinity_section){"log_lift", MODEL_F32, log_lift,
                                     (uint64_t)count * SPREAD_LENGTHS};
}

void affinity_spread_set(struct affinity *m, const float *log_lift)
{
    m->log_lift = log_lift;
}

int affinity_count(const struct affinity *m)
{
    return m->count;
}

struct lifted {
    float score;
    int place; /* by score alone */
};

static int most_lifted_first(const void *a, const void *b)
{
    const struct lifted *x = a;
    const struct lifted *y = b;
    if (x->score != y->score) {
        return x->score < y->score ? 1 : -1;
    }
    return (x->place > y->place) - (x->place < y->place);
}

bool ranking_spreads(const struct ranking *r)
{
    return r->model->log_lift != NULL && !r->wish->by_score;
}

void ranking_spread(struct ranking *r)
{
    const float *log_lift =
        r->model->log_lift + (ptrdiff_t)spread_length_of(r->wanted) * r->model->count;
    struct candidate *all = r->candidates.all;
    const int end = r->candidates.count < SPREAD_DEPTH ? r->candidates.count : SPREAD_DEPTH;
    struct lifted lifted[SPREAD_DEPTH];
    struct candidate before[SPREAD_DEPTH];
    int count = 0;
    for (int i = SPREAD_KEPT; i < end; i++) {
        const float score = all[i].blended;
        before[count] = all[i];
        /* what has no score above 0 is not nearly as good as anything */
        lifted[count++] = (struct lifted){score > 0 ? score * expf(log_lift[all[i].item]) : score,
                                          i - SPREAD_KEPT};
    }
    qsort(lifted, (size_t)count, sizeof *lifted, most_lifted_first);
    for (int i = 0; i < count; i++) {
        all[SPREAD_KEPT + i] = before[lifted[i].place];
    }
}

void ranking_order(struct ranking *r, int first)
{
    struct picks *p = r->out;
    for (int i = first + 1; i < p->count; i++) { /* insertion: equals stay as they are */
        const struct pick pick = p->items[i];
        const int32_t picked = r->picked[i];
        const int32_t due_to = r->due_to[i];
        int at = i;
        for (; at > first && p->items[at - 1].score < pick.score; at--) {
            p->items[at] = p->items[at - 1];
            r->picked[at] = r->picked[at - 1];
            r->due_to[at] = r->due_to[at - 1];
        }
        p->items[at] = pick;
        r->picked[at] = picked;
        r->due_to[at] = due_to;
    }
}
