/* Rankings without a model. */
#include "bench/session_peers.h"

#include "base/cleanup.h"
#include "base/mem.h"

#include <stdlib.h>

/* ---- the prefix's own items ---- */

struct own {
    int times;
    int last; /* place, 0: it is not there */
};

static struct own own_of(const int32_t *prefix, int count, int32_t item)
{
    struct own o = {0};
    for (int i = 0; i < count; i++) {
        if (prefix[i] == item) {
            o.times++;
            o.last = i + 1;
        }
    }
    return o;
}

static int own_rank(const int32_t *prefix, int count, int32_t target)
{
    const struct own wanted = own_of(prefix, count, target);
    int rank = 1;
    if (target < 0 || wanted.times == 0) {
        return 0;
    }
    for (int i = 0; i < count; i++) {
        const struct own o = own_of(prefix, count, prefix[i]);
        const bool counted = o.last == i + 1 && prefix[i] >= 0; /* each item once */
        rank += counted &&
                (o.times > wanted.times || (o.times == wanted.times && o.last > wanted.last));
    }
    return rank;
}

void session_own_items_rank(const struct session_cases *cases, int32_t *rank)
{
    for (int64_t q = 0; q < cases->count; q++) {
        const int32_t *items = cases->item + cases->start[q];
        const int count = (int)(cases->start[q + 1] - cases->start[q]) - 1;
        rank[q] = own_rank(items, count, items[count]);
    }
}

/* ---- the chain ---- */

struct step {
    int32_t from, to;
    int32_t times;
};

static int by_step(const void *a, const void *b)
{
    const struct step *x = a;
    const struct step *y = b;
    if (x->from != y->from) {
        return x->from < y->from ? -1 : 1;
    }
    return (x->to > y->to) - (x->to < y->to);
}

/* Different steps with their counts, and where those of each item begin. */
struct chain {
    struct step *step;
    int64_t *start; /* (items + 1) */
    int items;
};

static void chain_free(struct chain *c)
{
    mem_free(&c->step);
    mem_free(&c->start);
}

static struct chain chain_make(const struct session_log *log)
{
    struct chain c = {.items = log->items};
    int64_t seen = 0;
    int64_t kept = 0;
    c.step = mem_array((size_t)log->start[log->sessions] + 1, sizeof *c.step);
    c.start = mem_array((size_t)log->items + 1, sizeof *c.start);
    for (int s = 0; s < log->sessions; s++) {
        const int32_t *items = session_log_items(log, s);
        for (int i = 1; i < session_log_length(log, s); i++) {
            c.step[seen++] = (struct step){items[i - 1], items[i], 1};
        }
    }
    qsort(c.step, (size_t)seen, sizeof *c.step, by_step);
    for (int64_t i = 0; i < seen; i++) {
        if (kept > 0 && by_step(&c.step[kept - 1], &c.step[i]) == 0) {
            c.step[kept - 1].times++;
        } else {
            c.step[kept++] = c.step[i];
        }
    }
    for (int64_t i = 0; i < kept; i++) {
        c.start[c.step[i].from + 1]++;
    }
    for (int i = 0; i < log->items; i++) {
        c.start[i + 1] += c.start[i];
    }
    return c;
}

static int chain_rank(const struct chain *c, int32_t last, int32_t target)
{
    int rank = 0;
    int32_t times = 0;
    if (last < 0 || target < 0) {
        return 0;
    }
    for (int64_t i = c->start[last]; i < c->start[last + 1]; i++) {
        times = c->step[i].to == target ? c->step[i].times : times;
    }
    for (int64_t i = c->start[last]; times > 0 && i < c->start[last + 1]; i++) {
        rank += c->step[i].times >= times;
    }
    return rank;
}

void session_markov_rank(const struct session_log *log, const struct session_cases *cases,
                         int32_t *rank)
{
    CLEANUP(chain_free) struct chain c = chain_make(log);
    for (int64_t q = 0; q < cases->count; q++) {
        const int64_t target = cases->start[q + 1] - 1;
        rank[q] = chain_rank(&c, cases->item[target - 1], cases->item[target]);
    }
}
