/* From a prefix to ranked candidates. */
#include "ml/session/session_rank.h"

#include "base/mem.h"
#include "ml/topk/quickselect.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CANDIDATES_ROOM = 8192, OWN_FEATURES = SESSION_FEATURES - SESSION_QUERY_FEATURES };

/* Within a neighbour, votes fall with the distance from the shared item, and faster before it. */
#define VOTE_DECAY     20.F
#define VOTE_BACKWARDS 1.5F
/* Numbers of sessions enter the ranker in this unit, which keeps them within its range. */
#define COUNT_UNIT (1.F / 1024)

struct session_scratch {
    int items;
    int32_t *slot_of; /* (items), -1 if no candidate */
    struct session_candidate *candidate;
    int count;
    struct session_search *search;
    struct session_neighbour *neighbour;
    float vote_ahead[SESSION_SLOT_ITEMS + 1];
    float vote_behind[SESSION_SLOT_ITEMS + 1];
};

struct session_scratch *session_scratch_make(const struct session_model *model)
{
    struct session_scratch *s = mem_alloc(sizeof *s);
    s->items = model->items;
    s->slot_of = mem_array((size_t)model->items, sizeof *s->slot_of);
    memset(s->slot_of, 0xff, (size_t)model->items * sizeof *s->slot_of);
    /* + 1: the place of candidate_of for those that find no room */
    s->candidate = mem_array(CANDIDATES_ROOM + 1, sizeof *s->candidate);
    s->search = session_search_make(model->index);
    s->neighbour = mem_array((size_t)model->settings.query.neighbours, sizeof *s->neighbour);
    for (int d = 0; d <= SESSION_SLOT_ITEMS; d++) {
        /* tables: a query casts thousands of votes */
        s->vote_ahead[d] = expf(-(float)d / VOTE_DECAY);
        s->vote_behind[d] = expf(-(float)d * VOTE_BACKWARDS / VOTE_DECAY);
    }
    return s;
}

void session_scratch_free(struct session_scratch **scratch)
{
    if (*scratch) {
        mem_free(&(*scratch)->slot_of);
        mem_free(&(*scratch)->candidate);
        session_search_free(&(*scratch)->search);
        mem_free(&(*scratch)->neighbour);
        mem_free(scratch);
    }
}

/* The candidate of an item; where there is no room for one more, a place that nobody reads. */
static struct session_candidate *candidate_of(struct session_scratch *s, int32_t item)
{
    int slot = s->slot_of[item];
    if (slot < 0) {
        slot = s->count;
        s->candidate[slot] = (struct session_candidate){.item = item};
        /* the place behind the last is written to and never read: no caller has to ask for room */
        if (slot < CANDIDATES_ROOM) {
            s->slot_of[item] = slot;
            s->count++;
        }
    }
    return &s->candidate[slot];
}

static int last_place(const struct session_slot *slot, int32_t item)
{
    int at =
        slot->count -
        1; /* from behind: what came after the latest occurrence says most of what comes next */
    while (at >= 0 && slot->item[at] != item) {
        at--;
    }
    return at;
}

/* Every item of a neighbour but the shared one gets a vote. Answers the sum of votes. */
static float vote(struct session_scratch *s, const struct session_neighbour *n, int32_t shared,
                  bool shared_is_last)
{
    int place = last_place(n->slot, shared);
    float sum = 0;
    for (int i = 0; i < n->slot->count; i++) {
        if (i == place) {
            continue;
        }
        struct session_candidate *c = candidate_of(s, n->slot->item[i]);
        /* what stood ahead of the shared item is where such sessions went; what stood behind is
         * where they came from */
        float v = n->score * (i > place ? s->vote_ahead[i - place] : s->vote_behind[place - i]);
        c->neighbours += v;
        /* only from the last item on: what came directly after it is a
         * transition as in a Markov chain */
        c->follows += shared_is_last && i == place + 1 ? n->score : 0;
        sum += v;
    }
    return sum;
}

/* Answers the sum of all votes. */
static float gather_neighbours(const struct session_model *m, const int32_t *prefix, int count,
                               struct session_scratch *s)
{
    /* VMIS-kNN (Kersbergen et al. 2022): sessions like this one vote
     * with how much they are like it */
    int found = session_index_neighbours(m->index, &m->settings.query, prefix, count, s->search,
                                         s->neighbour);
    float sum = 0;
    for (int i = 0; i < found; i++) {
        int match = s->neighbour[i].match;
        /* slots are spread over the index's memory: eight are on their way while one is read */
        if (i + 8 < found) {
            __builtin_prefetch(s->neighbour[i + 8].slot);
        }
        sum += vote(s, &s->neighbour[i], prefix[match], match == count - 1);
    }
    return sum;
}

static bool is_repeated_later(const int32_t *prefix, int count, int at)
{
    for (int i = at + 1; i < count; i++) {
        if (prefix[i] == prefix[at]) {
            return true;
        }
    }
    return false;
}

/* One row of the graph: `rank` 0 for the latest distinct item, 1 for the one before ... */
static void gather_row(const struct session_graph *g, int32_t item, int rank, float weight,
                       struct session_scratch *s)
{
    /* also candidates that no neighbour has: rows are of all sessions,
     * neighbours the nearest hundreds */
    for (int64_t k = g->start[item]; k < g->start[item + 1]; k++) {
        const struct session_edge *e = &g->edge[k];
        struct session_candidate *c = candidate_of(s, g->item[k]);
        /* the latest item has features of its own (a Markov chain of first order), the one before
         * it one; all share the sums */
        if (rank == 0) {
            c->next = e->next;
            c->before = e->before;
            c->ahead = e->ahead;
            c->behind = e->behind;
        } else if (rank == 1) {
            c->next_second = e->next;
        }
        c->ahead_all += weight * e->ahead;
        c->behind_all += weight * e->behind;
        c->met++;
    }
}

static void gather_graph(const struct session_model *m, const int32_t *prefix, int count,
                         struct session_scratch *s)
{
    int rank = 0;
    /* from the end, so that ranks 0 and 1 are the latest two distinct items */
    for (int i = count - 1; i >= 0 && rank < SESSION_GRAPH_ITEMS; i--) {
        if (prefix[i] >= 0 && prefix[i] < m->items && !is_repeated_later(prefix, count, i)) {
            /* an item n steps back counts 1 / n */
            gather_row(&m->graph, prefix[i], rank++, 1 / (float)(count - i), s);
        }
    }
}

static void gather_prefix(const struct session_model *m, const int32_t *prefix, int count,
                          struct session_scratch *s)
{
    /* the session's own items: going back to one of them is often what comes next */
    for (int i = 0; i < count; i++) {
        if (prefix[i] >= 0 && prefix[i] < m->items) {
            struct session_candidate *c = candidate_of(s, prefix[i]);
            c->steps = count - i; /* to its latest occurrence: later ones overwrite */
            c->repeats++;
        }
    }
}

QUICKSELECT(select_best, struct session_candidate, first_score)

int session_candidates(const struct session_model *model, const int32_t *prefix, int count,
                       struct session_scratch *scratch, const struct session_candidate **out)
{
    struct session_scratch *s = scratch;
    assert(count >= 0 && s->items == model->items);
    s->count = 0;
    float votes = gather_neighbours(model, prefix, count, s);
    gather_graph(model, prefix, count, s);
    /* in this order: where room runs out, what the neighbours brought stays */
    gather_prefix(model, prefix, count, s);
    /* shares of all votes: how many neighbours there were depends on the index and not
     * on the candidate */
    float share = votes > 0 ? 1 / votes : 0;
    for (int i = 0; i < s->count; i++) {
        struct session_candidate *c = &s->candidate[i];
        s->slot_of[c->item] = -1; /* undone one by one: there are far more items than candidates */
        c->neighbours *= share;
        c->follows *= share;
        /* by hand, once: it only has to keep what the ranker might put on top */
        c->first_score = c->neighbours + .2F * (c->next + c->ahead + c->behind) +
                         .1F * (c->ahead_all + c->behind_all) + (c->repeats > 0 ? .05F : 0);
    }
    int kept = s->count < SESSION_CANDIDATES ? s->count : SESSION_CANDIDATES;
    /* a selection and no sort: the ranker orders them anew */
    select_best(s->candidate, s->count, kept);
    *out = s->candidate;
    return kept;
}

void session_candidate_levels(const struct session_model *model,
                              const struct session_candidate *candidate, int32_t last,
                              uint16_t *level)
{
    const struct session_candidate *c = candidate;
    const struct session_item *item = &model->item[c->item];
    /* how far apart the two were first seen tells whether they came into the shop together */
    int32_t first = last >= 0 && last < model->items ? model->item[last].first : 0;
    float values[] = {
        c->neighbours,
        c->follows,
        c->next,
        c->before,
        c->ahead,
        c->behind,
        c->ahead_all,
        c->behind_all,
        c->next_second,
        c->met,
        (float)c->steps,
        (float)c->repeats,
        item->count * COUNT_UNIT,
        item->recent / (item->count + 1), /* + 1: what was seen once or twice is no trend */
        item->repeat,
        (float)(model->sessions - item->last) * COUNT_UNIT,
        (float)(abs(item->first - first) + 1) * COUNT_UNIT,
        (c->ahead + c->behind) /
            sqrtf(item->count + 1), /* towards the cosine: less of what everybody looks at */
        c->first_score,
    };
    _Static_assert(sizeof values / sizeof values[0] == OWN_FEATURES, "one value a feature");
    for (int f = 0; f < OWN_FEATURES; f++) {
        level[f] = session_fm_level(values[f]);
    }
}

void session_query_levels(const struct session_model *model, const int32_t *prefix, int count,
                          uint16_t *level)
{
    int32_t last = count > 0 ? prefix[count - 1] : -1;
    bool known = last >= 0 && last < model->items;
    level[0] = session_fm_level((float)count);
    level[1] = session_fm_level(known ? model->item[last].count * COUNT_UNIT : 0);
    level[2] = session_fm_level(known ? model->item[last].repeat : 0);
}

int session_rank(const struct session_model *model, const int32_t *prefix, int count,
                 struct session_scratch *scratch, struct session_hit *hits)
{
    const struct session_candidate *c;
    int found = session_candidates(model, prefix, count, scratch, &c);
    int32_t last = count > 0 ? prefix[count - 1] : -1;
    /* without a ranker the first score stands in */
    if (model->fm.features == 0) {
        for (int i = 0; i < found; i++) {
            hits[i] = (struct session_hit){c[i].item, c[i].first_score};
        }
        return found;
    }
    /* the query's own terms are the same for all candidates: added up once */
    struct session_fm_base of_query = {0};
    uint16_t level[SESSION_FEATURES];
    session_query_levels(model, prefix, count, level);
    session_fm_add(&model->fm, level, OWN_FEATURES, SESSION_FEATURES, &of_query);
    for (int i = 0; i < found; i++) {
        struct session_fm_base base = of_query;
        session_candidate_levels(model, &c[i], last, level);
        session_fm_add(&model->fm, level, 0, OWN_FEATURES, &base);
        hits[i] = (struct session_hit){c[i].item, session_fm_finish(&base)};
    }
    return found;
}
