/* Reading the index: the latest sessions of each item of the prefix, weighed and the best kept.
 * Only numbers and lengths are touched until the best are known. */
#include "ml/session/session_index.h"

#include "base/mem.h"
#include "ml/session/session_internal.h"
#include "ml/topk/quickselect.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

enum { AGE_STEPS = 1024, AGE_REACH = 8, FETCH_AHEAD = 16 };

struct met {
    float sum; /* 0: not met */
    int32_t match;
};

struct weighed {
    float score;
    uint32_t session;
};

struct session_search {
    struct met *met; /* (capacity) */
    uint32_t capacity;
    struct weighed *found; /* (capacity) */
    float length_weight[SESSION_SLOT_ITEMS + 1];
    float age_weight[AGE_STEPS]; /* e^(-AGE_REACH step / AGE_STEPS) */
};

struct session_search *session_search_make(const struct session_index *index)
{
    struct session_search *search = mem_alloc(sizeof *search);
    search->capacity = index->mask + 1;
    search->met = mem_array(search->capacity, sizeof *search->met);
    search->found = mem_array(search->capacity, sizeof *search->found);
    for (int i = 1; i <= SESSION_SLOT_ITEMS; i++) {
        search->length_weight[i] =
            1 / sqrtf((float)i); /* the cosine's: long sessions meet everything */
    }
    for (int i = 0; i < AGE_STEPS; i++) {
        /* a table: a query weighs thousands of sessions; the middle of each step, so that the error
         * has no side */
        search->age_weight[i] = expf(-((float)i + .5F) * AGE_REACH / AGE_STEPS);
    }
    return search;
}

void session_search_free(struct session_search **search)
{
    if (*search) {
        mem_free(&(*search)->met);
        mem_free(&(*search)->found);
        mem_free(search);
    }
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

static uint32_t ring_session(const struct posting_ring *ring, int i)
{
    int at = ring->first + i;
    return ring->session[at < ring->room ? at : at - ring->room];
}

/* Adds `weight` to every remembered session of the ring; answers how many were met so far. */
static int meet_ring(const struct session_index *index, const struct posting_ring *ring,
                     float weight, int match, struct session_search *search, int met)
{
    uint32_t begun = index->begun;
    /* the latest first: prefetching looks FETCH_AHEAD places further */
    for (int i = ring->count - 1; i >= 0; i--) {
        if (i >= FETCH_AHEAD) {
            __builtin_prefetch(&search->met[ring_session(ring, i - FETCH_AHEAD) & index->mask], 1);
        }
        uint32_t session = ring_session(ring, i);
        /* forgotten: its place belongs to a later one. Unsigned, so that the numbers may wrap */
        if (begun - 1 - session > index->mask) {
            continue;
        }
        struct met *m = &search->met[session & index->mask];
        /* the first item that meets it is the latest of the prefix */
        if (m->sum == 0) {
            m->match = match;
            search->found[met++].session = session;
        }
        m->sum += weight;
    }
    return met;
}

QUICKSELECT(select_best, struct weighed, score)

static float idf_of(const struct session_index *index, const struct posting_ring *ring)
{
    /* Inverse document frequency. 1 + ..: never 0, as an item of every session would
     * otherwise meet nobody */
    return logf(1 + (float)session_index_sessions(index) / (float)(1 + ring->count));
}

int session_index_neighbours(const struct session_index *index,
                             const struct session_index_query *query, const int32_t *prefix,
                             int count, struct session_search *search,
                             struct session_neighbour *out)
{
    assert(search->capacity == index->mask + 1 && query->neighbours >= 1);
    int met = 0;
    int looked_up = 0;
    /* The latest first, each item once at its latest place: `match`
     * is then the latest shared one. */
    for (int i = count - 1; i >= 0 && looked_up < SESSION_PREFIX_ITEMS; i--) {
        if (prefix[i] < 0 || prefix[i] >= index->items || is_repeated_later(prefix, count, i)) {
            continue;
        }
        looked_up++;
        const struct posting_ring *ring = &index->ring[prefix[i]];
        float weight = expf(-(float)(count - 1 - i) / query->position_decay);
        /* + 1e-30: a weight that underflows would make "met" look like "not met", and the session
         * stand in the list twice */
        met = meet_ring(index, ring, weight * idf_of(index, ring) + 1e-30F, i, search, met);
    }
    /* Steps of the table for each session of age. */
    float steps = (float)AGE_STEPS / AGE_REACH / query->recency;
    for (int k = 0; k < met; k++) {
        struct weighed *w = &search->found[k];
        uint32_t at = w->session & index->mask;
        /* sessions begun since; beyond the table's reach the last step, e^-8, is as good as any */
        float age = (float)(index->begun - 1 - w->session) * steps;
        int step = age < AGE_STEPS - 1 ? (int)age : AGE_STEPS - 1;
        w->score = search->met[at].sum * search->length_weight[index->length[at]] *
                   search->age_weight[step];
    }
    /* only now slots are read: up to here numbers and lengths were enough */
    int kept = met < query->neighbours ? met : query->neighbours;
    select_best(search->found, met, kept);
    for (int k = 0; k < kept; k++) {
        uint32_t at = search->found[k].session & index->mask;
        out[k] = (struct session_neighbour){&index->slot[at], search->found[k].score,
                                            search->met[at].match};
    }
    /* the scratch is as large as the index: only what was touched is put back */
    for (int k = 0; k < met; k++) {
        search->met[search->found[k].session & index->mask].sum = 0;
    }
    return kept;
}

static bool slot_holds(const struct session_slot *slot, int32_t item)
{
    for (int i = 0; i < slot->count; i++) {
        if (slot->item[i] == item) {
            return true;
        }
    }
    return false;
}

int session_index_neighbours_reference(const struct session_index *index,
                                       const struct session_index_query *query,
                                       const int32_t *prefix, int count,
                                       struct session_neighbour *out)
{
    int found = 0;
    for (uint32_t back = 0; back < (uint32_t)session_index_sessions(index); back++) {
        const struct session_slot *slot = &index->slot[(index->begun - 1 - back) & index->mask];
        double sum = 0;
        int match = -1;
        int looked_up = 0;
        for (int i = count - 1; i >= 0 && looked_up < SESSION_PREFIX_ITEMS; i--) {
            if (prefix[i] < 0 || prefix[i] >= index->items || is_repeated_later(prefix, count, i)) {
                continue;
            }
            /* How many items are looked up is part of the definition, and counted as in
             * the fast path. */
            looked_up++;
            if (slot_holds(slot, prefix[i])) {
                match = match < 0 ? i : match;
                sum += (double)idf_of(index, &index->ring[prefix[i]]) *
                       exp(-(count - 1 - i) / (double)query->position_decay);
            }
        }
        if (match >= 0) {
            double score = sum / sqrt(slot->count) * exp(-(double)back / (double)query->recency);
            out[found++] = (struct session_neighbour){slot, (float)score, match};
        }
    }
    return found;
}
