/* The source of the visits: the shopper's present visit against the visits of others, lately and in all of the log. The index changes while the
 * model serves: one mutex guards it and the scratch of queries, held for one query (some 50 us) or one event (a tenth of one). */
#include "domain/affinity/affinity_visit.h"

#include "base/mem.h"
#include "domain/affinity/affinity_internal.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { PREFIX_MAX = RECENT_MAX, OPEN_VISITS = 1 << 15 };

/* A visit that may go on. The shopper with the same place in the table who came before is forgotten: should it come back, it opens another
 * visit. */
struct open_visit {
    uint64_t shopper; /* hash */
    int64_t last_us;
    uint32_t session; /* SESSION_NONE: free */
};

struct visits {
    struct session_model model; /* its graph is borrowed from the file */
    pthread_mutex_t lock;       /* guards model.index, scratch and open */
    struct session_scratch *scratch;
    struct open_visit *open; /* (OPEN_VISITS) */
};

/* ---- asking ---- */

/* Items of the shopper's last visit, oldest first. */
static int prefix_of(const struct ranking *r, int32_t prefix[PREFIX_MAX])
{
    int first = r->own.step_count;
    int64_t later_us = INT64_MAX;
    /* From the last event back to the first gap. Steps without weight (list views, snapshots)
     * still show that the visit goes on. */
    while (first > 0 &&
           (later_us == INT64_MAX || later_us - r->own.steps[first - 1].at_us <= SESSION_GAP_US)) {
        later_us = r->own.steps[--first].at_us;
    }
    int count = 0;
    for (int i = first; i < r->own.step_count; i++) {
        if (affinity_event_weight(r->own.steps[i].type) > 0) {
            prefix[count++] = r->own.steps[i].item;
        }
    }
    return count;
}

static int better_first(const void *a, const void *b)
{
    const struct session_hit *x = a;
    const struct session_hit *y = b;
    return x->score != y->score ? (x->score < y->score) - (x->score > y->score)
                                : (x->item > y->item) - (x->item < y->item);
}

/* Scores become the chances of being next, so that every shopper's are of one size. */
static void to_chances(struct session_hit *hits, int count)
{
    double total = 0;
    /* softmax; less the best score, which stands first, so that nothing overflows */
    for (int i = 0; i < count; i++) {
        total += exp((double)hits[i].score - (double)hits[0].score);
    }
    /* from behind, as each needs the first one's score as it was */
    for (int i = count - 1; i >= 0; i--) {
        hits[i].score = (float)(exp((double)hits[i].score - (double)hits[0].score) / total);
    }
}

void visits_collect(struct ranking *r)
{
    struct visits *v = r->model->part[SOURCE_VISITS];
    int32_t prefix[PREFIX_MAX];
    struct session_hit hits[SESSION_CANDIDATES];
    int count = v ? prefix_of(r, prefix) : 0;
    if (count == 0) {
        return;
    }
    /* for the query alone: hits are a copy, and are sorted and filtered without the lock */
    pthread_mutex_lock(&v->lock);
    int found = session_rank(&v->model, prefix, count, v->scratch, hits);
    pthread_mutex_unlock(&v->lock);
    qsort(hits, (size_t)found, sizeof *hits, better_first);
    /* before the filter: what is sold out keeps its share, or the
     * rest would look surer than it is */
    to_chances(hits, found);
    int put = 0;
    for (int i = 0; i < found && put < r->depth; i++) {
        if (ranking_allows(r, hits[i].item)) {
            ranking_put(r, SOURCE_VISITS, hits[i].item, hits[i].score);
            put++;
        }
    }
    /* the last item, for visits_explain */
    r->state[SOURCE_VISITS] = arena_alloc(r->arena, sizeof(int32_t));
    memcpy(r->state[SOURCE_VISITS], &prefix[count - 1], sizeof(int32_t));
}

/* What comes next is due to what came last. */
struct cause visits_explain(const struct ranking *r, int item)
{
    int32_t last = -1;
    if (r->state[SOURCE_VISITS]) {
        memcpy(&last, r->state[SOURCE_VISITS], sizeof last);
    }
    /* an item is not due to itself (a repeat) */
    return (struct cause){.item = last == item ? -1 : last, .share = 1};
}

/* ---- telling ---- */

void affinity_visit_event(const struct affinity *m, const char *shopper, enum event_type type,
                          const char *product_id, int64_t at_us)
{
    struct visits *v = m->part[SOURCE_VISITS];
    if (!v || !product_id || affinity_event_weight(type) <= 0) {
        return;
    }
    int item = affinity_find(m, product_id);
    /* the visits may have been learnt on fewer products than the catalogue has */
    if (item < 0 || item >= v->model.items) {
        return;
    }
    uint64_t hash = hash_fnv64(shopper, strlen(shopper));
    /* found and hashed before: all that is done under the lock is one append */
    pthread_mutex_lock(&v->lock);
    struct open_visit *open = &v->open[hash % OPEN_VISITS];
    /* another shopper, a gap, or zeroed memory: begin anew */
    if (open->shopper != hash || at_us - open->last_us > SESSION_GAP_US) {
        *open = (struct open_visit){.shopper = hash, .session = SESSION_NONE};
    }
    open->last_us = at_us;
    session_index_append(v->model.index, &open->session, item);
    pthread_mutex_unlock(&v->lock);
}

/* What a chance of 1 counts for at weight 1: the most that the score beside it can be. Scores of factors alone lie between 0 and 1. A blend's have
 * the norm 1 over all products, so that none is above the root of their number, which is what one product alone would have. */
static float chance_unit(const struct affinity *m)
{
    return m->is_blend ? sqrtf((float)m->trained) : 1;
}

bool affinity_visit_weigh(struct affinity *m, float weight)
{
    m->blend[SOURCE_VISITS] = weight * chance_unit(m);
    return m->part[SOURCE_VISITS] != NULL;
}

/* ---- life ---- */

static struct visits *visits_new(struct session_model *model)
{
    struct visits *v = mem_alloc(sizeof *v);
    v->model = *model;
    v->scratch = session_scratch_make(&v->model);
    v->open = mem_array(OPEN_VISITS, sizeof *v->open);
    for (int i = 0; i < OPEN_VISITS; i++) {
        v->open[i].session = SESSION_NONE;
    }
    pthread_mutex_init(&v->lock, NULL);
    return v;
}

bool visits_load(struct affinity *m, struct err *err)
{
    struct session_model model = {0};
    bool found = false;
    float weight = 0;
    /* its items are numbered as the model's, and a number beyond them would be followed */
    if (!visits_read(&m->file, m->count, &model, &weight, &found, err)) {
        return false;
    }
    if (found) {
        m->part[SOURCE_VISITS] = visits_new(&model);
        (void)affinity_visit_weigh(m, weight);
    }
    return true;
}

void visits_release(struct affinity *m)
{
    struct visits *v = m->part[SOURCE_VISITS];
    if (!v) {
        return;
    }
    v->model.graph = (struct session_graph){0}; /* the file's */
    session_model_free(&v->model);
    session_scratch_free(&v->scratch);
    pthread_mutex_destroy(&v->lock);
    mem_free(&v->open);
    free(v);
    m->part[SOURCE_VISITS] = NULL;
}
