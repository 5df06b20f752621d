/* Transition and co-visitation rows, item by item from the sessions that hold the item: no pair is
 * ever stored twice, memory is one row a thread. */
#include "ml/session/session_graph.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "ml/linear/parallel.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PARTS = 64 };

/* Where each item occurs: positions in log->item, ascending. */
struct places {
    int64_t *start;    /* (items + 1) */
    int64_t *position; /* (start[items]) */
    int32_t *session;  /* session of each position of the log */
};

struct entry {
    int32_t item;
    struct session_edge edge; /* weights, then shares */
};

/* A row being added up: slot_of maps an item to its entry. */
struct row {
    int32_t *slot_of; /* (items), -1 if none */
    struct entry *entry;
    int count;
};

struct build {
    const struct session_log *log;
    const struct session_graph_options *options;
    struct places places;
    float *age_weight; /* (sessions) */
    float step_weight[SESSION_REACH_MAX + 1];
    struct row *rows; /* one a worker */
    struct {
        struct entry *entry;
        int64_t count, room;
    } part[PARTS];
    int64_t *row_count; /* (items) */
};

static struct places places_make(const struct session_log *log, int sessions)
{
    int64_t total = sessions > 0 ? log->start[sessions] : 0;
    struct places p = {.start = mem_array((size_t)log->items + 2, sizeof *p.start),
                       .position = mem_array((size_t)total, sizeof *p.position),
                       .session = mem_array((size_t)total, sizeof *p.session)};
    /* a counting sort: counts stand two places ahead, sums of them one, and filling moves each
     * border to where it belongs */
    for (int64_t i = 0; i < total; i++) {
        p.start[log->item[i] + 2]++;
    }
    for (int i = 0; i <= log->items; i++) {
        p.start[i + 1] += p.start[i];
    }
    for (int s = 0; s < sessions; s++) {
        for (int64_t i = log->start[s]; i < log->start[s + 1]; i++) {
            p.session[i] = s;
            p.position[p.start[log->item[i] + 1]++] = i;
        }
    }
    return p;
}

static struct session_edge *row_at(struct row *row, int32_t item)
{
    /* an array over all items, and no hash: one look finds the entry */
    if (row->slot_of[item] < 0) {
        row->slot_of[item] = row->count;
        row->entry[row->count++] = (struct entry){.item = item};
    }
    return &row->entry[row->slot_of[item]].edge;
}

/* Adds the surroundings of one occurrence. */
static void row_add(struct row *row, const struct build *b, int64_t at)
{
    const struct session_log *log = b->log;
    int session = b->places.session[at];
    int64_t first = log->start[session];
    int64_t end = log->start[session + 1];
    int64_t from = at - b->options->reach > first ? at - b->options->reach : first;
    int64_t to = at + b->options->reach < end ? at + b->options->reach + 1 : end;
    /* by sessions begun since, as in session_index: a log has no clock */
    float age = b->age_weight[session];
    for (int64_t i = from; i < to; i++) {
        /* repeats are counted apart (session_item.repeat): a row never holds its own item */
        if (log->item[i] == log->item[at]) {
            continue;
        }
        struct session_edge *edge = row_at(row, log->item[i]);
        /* next and before: transitions of a Markov chain; ahead and behind: all that was met within
         * reach, falling with the distance */
        int64_t steps = i > at ? i - at : at - i;
        float weight = age * b->step_weight[steps];
        if (i > at) {
            edge->ahead += weight;
            edge->next += steps == 1 ? age : 0;
        } else {
            edge->behind += weight;
            edge->before += steps == 1 ? age : 0;
        }
    }
}

static float edge_weight(const struct session_edge *e)
{
    return e->next + e->before + e->ahead + e->behind;
}

static int heavier_first(const void *a, const void *b)
{
    const struct entry *x = a;
    const struct entry *y = b;
    float p = edge_weight(&x->edge);
    float q = edge_weight(&y->edge);
    /* by item where weights are equal: the row is cut, and which of them stay must not
     * depend on qsort */
    return p != q ? (p < q) - (p > q) : (x->item > y->item) - (x->item < y->item);
}

/* Turns weights into shares of the totals. */
static void row_normalise(struct row *row, float prior)
{
    /* as if `prior` of weight had gone elsewhere: one visit does not make a certain transition. In
     * double: a row may have all sessions. */
    double next = (double)prior;
    double before = (double)prior;
    double ahead = (double)prior;
    double behind = (double)prior;
    /* over all that was met, before the row is cut: a share of what
     * is kept would grow with the cut */
    for (int i = 0; i < row->count; i++) {
        next += (double)row->entry[i].edge.next;
        before += (double)row->entry[i].edge.before;
        ahead += (double)row->entry[i].edge.ahead;
        behind += (double)row->entry[i].edge.behind;
    }
    for (int i = 0; i < row->count; i++) {
        struct session_edge *e = &row->entry[i].edge;
        e->next = next > 0 ? (float)((double)e->next / next) : 0;
        e->before = before > 0 ? (float)((double)e->before / before) : 0;
        e->ahead = ahead > 0 ? (float)((double)e->ahead / ahead) : 0;
        e->behind = behind > 0 ? (float)((double)e->behind / behind) : 0;
    }
}

/* Items of part p: a border every items / PARTS. */
static int border(const struct build *b, int part)
{
    /* in 64 bits: items times parts may pass 2^31 */
    return (int)((int64_t)b->log->items * part / PARTS);
}

static void build_part(void *ctx, int part, int worker)
{
    struct build *b = ctx;
    struct row *row = &b->rows[worker];
    for (int item = border(b, part); item < border(b, part + 1); item++) {
        row->count = 0;
        for (int64_t k = b->places.start[item]; k < b->places.start[item + 1]; k++) {
            row_add(row, b, b->places.position[k]);
        }
        for (int i = 0; i < row->count; i++) {
            /* only what was touched: the array is as long as the catalogue */
            row->slot_of[row->entry[i].item] = -1;
        }
        /* before it becomes shares: heavier_first adds up weights, and
         * each share has a total of its own */
        qsort(row->entry, (size_t)row->count, sizeof *row->entry, heavier_first);
        row_normalise(row, b->options->prior);
        int kept = row->count < b->options->row_max ? row->count : b->options->row_max;
        if (b->part[part].count + kept > b->part[part].room) {
            b->part[part].room = 2 * b->part[part].room + kept + 1024;
            b->part[part].entry = mem_grow(b->part[part].entry, (size_t)b->part[part].room,
                                           sizeof *b->part[part].entry);
        }
        if (kept > 0) {
            memcpy(b->part[part].entry + b->part[part].count, row->entry,
                   (size_t)kept * sizeof *row->entry);
        }
        b->part[part].count += kept;
        b->row_count[item] = kept;
    }
}

/* Lays the parts end to end and frees them. */
static struct session_graph gather(struct build *b)
{
    struct session_graph g = {.items = b->log->items,
                              .start = mem_array((size_t)b->log->items + 1, sizeof *g.start)};
    for (int i = 0; i < g.items; i++) {
        /* parts are ranges of items in order: laid end to end they are the rows in order */
        g.start[i + 1] = g.start[i] + b->row_count[i];
    }
    g.item = mem_array((size_t)g.start[g.items], sizeof *g.item);
    g.edge = mem_array((size_t)g.start[g.items], sizeof *g.edge);
    for (int p = 0; p < PARTS; p++) {
        int64_t at = g.start[border(b, p)];
        for (int64_t k = 0; k < b->part[p].count; k++) {
            g.item[at + k] = b->part[p].entry[k].item;
            g.edge[at + k] = b->part[p].entry[k].edge;
        }
        mem_free(&b->part[p].entry);
    }
    return g;
}

static void options_check(const struct session_graph_options *o)
{
    assert(o->row_max >= 1 && o->threads >= 1 && o->threads <= PARALLEL_THREADS_MAX);
    assert(o->reach >= 1 && o->reach <= SESSION_REACH_MAX);
    assert(o->distance_decay > 0 && o->recency > 0 && o->prior >= 0);
}

struct session_graph session_graph_build(const struct session_log *log, int sessions,
                                         const struct session_graph_options *options)
{
    options_check(options);
    assert(sessions >= 0 && sessions <= log->sessions);
    struct build b = {.log = log, .options = options, .places = places_make(log, sessions)};
    b.age_weight = mem_array((size_t)sessions, sizeof *b.age_weight);
    for (int s = 0; s < sessions; s++) {
        /* computed once a session: an exponential for each pair would be most of the work */
        b.age_weight[s] = expf(-(float)(sessions - 1 - s) / options->recency);
    }
    for (int d = 1; d <= options->reach; d++) {
        b.step_weight[d] = expf(-(float)(d - 1) / options->distance_decay);
    }
    b.row_count = mem_array((size_t)log->items, sizeof *b.row_count);
    b.rows = mem_array((size_t)options->threads, sizeof *b.rows);
    for (int t = 0; t < options->threads; t++) {
        b.rows[t].slot_of = mem_array((size_t)log->items, sizeof *b.rows[t].slot_of);
        /* -1: no entry yet */
        memset(b.rows[t].slot_of, 0xff, (size_t)log->items * sizeof *b.rows[t].slot_of);
        b.rows[t].entry = mem_array((size_t)log->items, sizeof *b.rows[t].entry);
    }
    parallel_run(options->threads, PARTS, build_part, &b);
    struct session_graph graph = gather(&b);
    for (int t = 0; t < options->threads; t++) {
        mem_free(&b.rows[t].slot_of);
        mem_free(&b.rows[t].entry);
    }
    mem_free(&b.rows);
    mem_free(&b.row_count);
    mem_free(&b.age_weight);
    mem_free(&b.places.start);
    mem_free(&b.places.position);
    mem_free(&b.places.session);
    return graph;
}

void session_graph_free(struct session_graph *graph)
{
    mem_free(&graph->start);
    mem_free(&graph->item);
    mem_free(&graph->edge);
    *graph = (struct session_graph){0};
}

/* Weights of the row of `from`, and of its entry `to`, added up over all pairs. */
struct sums {
    double next[2], before[2], ahead[2], behind[2]; /* [0] the whole row, [1] the entry */
};

static void sums_add(struct sums *sums, int which, int steps, double age, double weight)
{
    if (steps > 0) {
        sums->ahead[which] += weight;
        sums->next[which] += steps == 1 ? age : 0;
    } else {
        sums->behind[which] += weight;
        sums->before[which] += steps == -1 ? age : 0;
    }
}

static void sums_session(struct sums *sums, const int32_t *items, int count, const int pair[2],
                         double age, const struct session_graph_options *o)
{
    for (int i = 0; i < count; i++) {
        for (int j = 0; items[i] == pair[0] && j < count; j++) {
            /* Pair by pair as the header defines it; only rows of the asked item are added up. */
            int steps = abs(j - i);
            if (items[j] == pair[0] || steps > o->reach) {
                continue;
            }
            double weight = age * exp(-(steps - 1) / (double)o->distance_decay);
            sums_add(sums, 0, j - i, age, weight);
            if (items[j] == pair[1]) {
                sums_add(sums, 1, j - i, age, weight);
            }
        }
    }
}

bool session_graph_entry_reference(const struct session_log *log, int sessions,
                                   const struct session_graph_options *options, int from, int to,
                                   struct session_edge *out)
{
    struct sums sums = {0};
    const int pair[2] = {from, to};
    for (int s = 0; s < sessions; s++) {
        double age = exp(-(sessions - 1 - s) / (double)options->recency);
        sums_session(&sums, session_log_items(log, s), session_log_length(log, s), pair, age,
                     options);
    }
    double prior = (double)options->prior;
    *out = (struct session_edge){0};
    if (sums.ahead[1] + sums.behind[1] <= 0) {
        return false;
    }
    /* asked first: with a prior of 0 a total may be 0 too */
    out->next = sums.next[1] > 0 ? (float)(sums.next[1] / (prior + sums.next[0])) : 0;
    out->before = sums.before[1] > 0 ? (float)(sums.before[1] / (prior + sums.before[0])) : 0;
    out->ahead = sums.ahead[1] > 0 ? (float)(sums.ahead[1] / (prior + sums.ahead[0])) : 0;
    out->behind = sums.behind[1] > 0 ? (float)(sums.behind[1] / (prior + sums.behind[0])) : 0;
    return true;
}
