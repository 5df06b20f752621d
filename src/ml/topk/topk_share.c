/* A queue of searches in front of an index: whoever finds a free scan leads it for
 * all that wait. */
#include "ml/topk/topk_share.h"

#include "base/cleanup.h"
#include "base/mem.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct search {
    const float *query;
    const struct topk_filter *filter;
    struct topk_hit *out;
    int k;
    int count; /* the answer */
    bool done;
    struct search *next;
};

struct topk_share {
    const struct topk_index *index;
    int columns;
    int scans;
    bool small;
    pthread_mutex_t lock; /* guards what follows, and done */
    pthread_cond_t turned;
    struct search *first;
    struct search *last;
    int waiting;
    int scanning;
};

struct topk_share *topk_share_make(const struct topk_index *index, int scans, size_t large)
{
    assert(scans >= 1);
    struct topk_share *share = mem_alloc(sizeof *share);
    share->index = index;
    share->columns = topk_index_columns(index);
    share->scans = scans;
    share->small = topk_index_bytes(index) < large;
    pthread_mutex_init(&share->lock, NULL);
    pthread_cond_init(&share->turned, NULL);
    return share;
}

void topk_share_free(struct topk_share **share)
{
    if (*share) {
        assert(!(*share)->first && (*share)->scanning == 0);
        pthread_cond_destroy(&(*share)->turned);
        pthread_mutex_destroy(&(*share)->lock);
        free(*share);
        *share = NULL;
    }
}

/* The best of the largest k are the best of each smaller one. */
static void scan_together(const struct topk_share *share, struct search *const *all, int count)
{
    struct topk_filter filters[TOPK_PASS];
    int counts[TOPK_PASS];
    struct mat rows = mat_make(count, share->columns);
    int most = 0;
    for (int i = 0; i < count; i++) {
        memcpy(mat_row(&rows, i), all[i]->query, (size_t)share->columns * sizeof(float));
        /* the waiting thread's filter, which stays on its stack until done is set */
        filters[i] = all[i]->filter ? *all[i]->filter : (struct topk_filter){0};
        most = all[i]->k > most ? all[i]->k : most;
    }
    CLEANUP(mem_free)
    struct topk_hit *hits = mem_array((size_t)count * (size_t)most + 1, sizeof *hits);
    /* On this thread alone: there are as many scans at once as processors. */
    topk_index_batch(share->index, &(struct topk_queries){&rows, filters, most, 1}, hits, counts,
                     NULL);
    for (int i = 0; i < count; i++) {
        struct search *s = all[i];
        s->count = counts[i] < s->k ? counts[i] : s->k;
        memcpy(s->out, hits + (ptrdiff_t)i * most, (size_t)s->count * sizeof *hits);
    }
    mat_free(&rows);
}

static void scan(const struct topk_share *share, struct search *const *all, int count)
{
    assert(count >= 1 && count <= TOPK_PASS);
    if (count > 1) {
        scan_together(share, all, count);
    } else {
        struct search *s = all[0];
        s->count = topk_index_search(share->index, s->query, s->k, s->filter, s->out, NULL);
    }
}

/* Takes a fair part of those who wait: scans that are free share them. */
static int take_part(struct topk_share *share, struct search *out[TOPK_PASS])
{
    /* rounded up, and all that wait where one scan is free: none is left without somebody
     * who leads it */
    const int free_scans = share->scans - share->scanning;
    int part = (share->waiting + free_scans - 1) / free_scans;
    int count = 0;
    part = part < TOPK_PASS ? part : TOPK_PASS;
    for (struct search *s = share->first; s && count < part; s = share->first) {
        out[count++] = s;
        share->first = s->next;
    }
    share->last = share->first ? share->last : NULL;
    share->waiting -= count;
    return count;
}

/* Called and left with the lock held. */
static void lead(struct topk_share *share)
{
    struct search *mine[TOPK_PASS];
    const int count = take_part(share, mine);
    /* before the lock is let go, or others would find the same scan free */
    share->scanning++;
    pthread_mutex_unlock(&share->lock);
    scan(share, mine, count);
    pthread_mutex_lock(&share->lock);
    share->scanning--;
    for (int i = 0; i < count; i++) {
        mine[i]->done = true;
    }
    /* all: those answered, and one that may lead now */
    pthread_cond_broadcast(&share->turned);
}

int topk_share_search(struct topk_share *share, const float *query, int k,
                      const struct topk_filter *filter, struct topk_hit *out)
{
    struct search s = {.query = query, .filter = filter, .out = out, .k = k};
    /* read without the lock: it was set before anybody could search */
    if (share->small) {
        return topk_index_search(share->index, query, k, filter, out, NULL);
    }
    pthread_mutex_lock(&share->lock);
    *(share->last ? &share->last->next : &share->first) = &s;
    share->last = &s;
    share->waiting++;
    while (!s.done) {
        /* whoever comes first scans, perhaps without itself among those taken: then it
         * goes round again */
        if (share->first && share->scanning < share->scans) {
            lead(share);
        } else {
            pthread_cond_wait(&share->turned, &share->lock);
        }
    }
    pthread_mutex_unlock(&share->lock);
    return s.count;
}
