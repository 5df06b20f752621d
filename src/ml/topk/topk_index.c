/* Exact top-K over packed rows: scan integers, score in full what the bound cannot turn away. The
 * proof is in the header. */
#include "ml/topk/topk_index.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "ml/linear/parallel.h"
#include "ml/topk/topk_bound.h"
#include "ml/topk/topk_heap.h"
#include "ml/topk/topk_pack.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    QUADS_MAX = 256,
    MAYBES_MIN = 256,
    FETCH_AHEAD = 6, /* rows on their way from memory while one is scored */
    BLOCK_BYTES =
        256 * 1024, /* of tiles that stay in the cache while all queries of a pass see them */
};

/* Above this, sums of floats may overflow (2^128) on the way, and the bound says nothing; 2^8
 * covers every partial sum of 1024 products. */
static const double SCORE_MAX = 0x1p120;

struct topk_index {
    struct mat items; /* borrowed */
    struct topk_pack pack;
};

struct topk_index *topk_index_make(const struct mat *items, int threads)
{
    struct topk_index *index = mem_alloc(sizeof *index);
    index->items = *items;
    index->pack = topk_pack_make(items, threads);
    return index;
}

void topk_index_free(struct topk_index **index)
{
    if (*index) {
        topk_pack_free(&(*index)->pack);
        free(*index);
        *index = NULL;
    }
}

int topk_index_columns(const struct topk_index *index)
{
    return index->pack.columns;
}

size_t topk_index_bytes(const struct topk_index *index)
{
    const struct topk_pack *p = &index->pack;
    return (size_t)p->tiles * (p->tile_bytes + TILE_ITEMS * sizeof *p->ids) +
           (size_t)p->bound_count * sizeof *p->bounds;
}

/* ---- one query ---- */

/* An item that may enter; not scored yet. */
struct maybe {
    int32_t place; /* tile * TILE_ITEMS + place in it */
    float most;    /* its score at most */
};

struct probe {
    const float *query;
    struct topk_heap heap; /* items scored in full; without a filter, that was asked before */
    float scale;           /* t */
    float inverse;         /* 1 / t, at most */
    float norm;            /* Q >= |q| */
    float error;           /* D >= |d| */
    float threshold;       /* h: k items that may be answered score at least this */
    const struct topk_filter *filter;
    float *least; /* (k) heap of the largest lower bounds of scores, the smallest at 0 */
    int least_count;
    struct maybe *maybes; /* (room) */
    int maybe_count;
    int room;
    long rescored;
};

/* Twice the answer: sifting then halves the list or shows that it has to be scored. */
static size_t probe_room(int k)
{
    return 2 * (size_t)k + MAYBES_MIN;
}

/* Bytes a probe works in, beside itself. */
static size_t probe_bytes(int k)
{
    return (size_t)k * sizeof(float) + probe_room(k) * sizeof(struct maybe);
}

/* numbers: 4 * QUADS_MAX, zero beyond the columns. work: probe_bytes(k). False where only the
 * reference may answer. */
static bool probe_init(const struct topk_index *index, struct probe *p, void *work, int8_t *numbers,
                       int32_t *out_offset)
{
    const int columns = index->pack.columns;
    const int k = p->heap.k;
    const double norm = topk_norm(p->query, columns);
    /* "or anything is not finite": written so that NaN is refused as well */
    if (!(norm * (double)index->pack.longest <= SCORE_MAX) || !(norm <= SCORE_MAX)) {
        return false;
    }
    const struct quantised q = topk_quantise(p->query, columns, numbers); /* q = t z + d */
    int32_t sum = 0;
    for (int j = 0; j < columns; j++) {
        sum += numbers[j];
    }
    p->scale = q.scale;
    /* (4) wants 1 / (S t) from below: a floor too low only lets more through. t = 0: fl(s t I) is 0
     * for every item, so that a need above 0 turns all of them away (the largest floor) and any
     * other none. */
    p->inverse = q.scale > 0 ? (float)((1 - 0x1p-20) / (double)q.scale) : FLT_MAX;
    /* The query's side of (1) to (3); the rows' (a, b, S and L) was computed when
     * they were packed. */
    p->norm = topk_up(norm);     /* Q >= |q| */
    p->error = topk_up(q.error); /* D >= |d| */
    p->threshold = -INFINITY;    /* until k items are known: everything may enter */
    p->maybes = work;
    p->room = (int)probe_room(k);
    p->least = (float *)(void *)(p->maybes + p->room);
    *out_offset = -128 * sum; /* items are stored with 128 added: y.z = (y + 128).z - 128 sum z */
    return true;
}

/* Another allowed item scores at least `low`: the k-th largest such bound is a threshold. */
static void learn(struct probe *p, float low)
{
    float *heap = p->least;
    int at = p->least_count;
    if (at < p->heap.k) {
        p->least_count++;
        for (; at > 0 && heap[(at - 1) / 2] > low; at = (at - 1) / 2) {
            heap[at] = heap[(at - 1) / 2];
        }
    } else if (low > heap[0]) {
        /* From the root, whose bound is the one that goes. */
        at = 0;
        for (int child = 1; child < p->heap.k; child = 2 * at + 1) {
            child += child + 1 < p->heap.k && heap[child + 1] < heap[child];
            if (heap[child] >= low) {
                break;
            }
            heap[at] = heap[child];
            at = child;
        }
    } else {
        return;
    }
    heap[at] = low;
    /* k items score at least heap[0]: a threshold by what the integers prove, before one item is
     * scored in full */
    if (p->least_count == p->heap.k) {
        p->threshold = topk_larger(p->threshold, heap[0]);
    }
}

/* Keeps those that may still enter: h has risen since they were remembered. */
static void sift_maybes(struct probe *p)
{
    int kept = 0;
    for (int i = 0; i < p->maybe_count; i++) {
        /* (1) to (3) from above: score <= most < h. One that equals h stays, and may win
         * by its id. */
        if (!(p->maybes[i].most < p->threshold)) {
            p->maybes[kept++] = p->maybes[i];
        }
    }
    p->maybe_count = kept;
}

static const float *row_of(const struct topk_index *index, const struct maybe *maybe)
{
    return mat_row(&index->items, index->pack.ids[maybe->place]);
}

static void fetch(const struct topk_index *index, const struct probe *p, int i)
{
    const float *row = i < p->maybe_count ? row_of(index, &p->maybes[i]) : NULL;
    /* A line of the cache holds 16 floats. */
    for (int j = 0; row && j < index->items.cols; j += 16) {
        __builtin_prefetch(row + j);
    }
}

/* Scores in full what may still enter. */
static void settle(const struct topk_index *index, struct probe *p)
{
    sift_maybes(p);
    for (int i = 0; i < FETCH_AHEAD; i++) {
        fetch(index, p, i);
    }
    for (int i = 0; i < p->maybe_count; i++) {
        fetch(index, p, i + FETCH_AHEAD);
        topk_heap_offer(&p->heap, index->pack.ids[p->maybes[i].place],
                        mat_dot(row_of(index, &p->maybes[i]), p->query, index->items.cols));
    }
    p->rescored += p->maybe_count;
    p->maybe_count = 0;
    /* h by its other meaning: the k-th best full score. */
    p->threshold = topk_larger(p->threshold, topk_heap_threshold(&p->heap));
}

/* Scoring waits as long as it can: h rises meanwhile and turns most away unscored. But a list
 * that is still half full after sifting would be sifted again and again, at a cost of its
 * length each time. */
static void remember(const struct topk_index *index, struct probe *p, struct maybe maybe)
{
    if (p->maybe_count == p->room) {
        sift_maybes(p);
        if (p->maybe_count > p->room / 2) {
            settle(index, p);
        }
    }
    p->maybes[p->maybe_count++] = maybe;
}

/* The items of a tile that reached the floor, each against its own scale and the filter. */
static void take(const struct topk_index *index, struct probe *p, int tile, uint32_t mask,
                 const int32_t *dots)
{
    const float *scales = topk_pack_scales(&index->pack, tile);
    const struct topk_filter *filter = p->filter;
    /* (1) to (3): a Q + b D of the four tiles that this one is in. */
    const float slack =
        topk_bound_slack(&index->pack.bounds[tile / BOUND_TILES], p->norm, p->error);
    for (; mask; mask &= mask - 1) {
        const int i = __builtin_ctz(mask);
        const int place = tile * TILE_ITEMS + i;
        const float about = (float)dots[i] * (scales[i] * p->scale); /* (3): fl(s t I), I exact */
        const float most = topk_bound_most(about, slack);
        /* a place beyond the last item has the integer 0, which may reach the floor; equal to h may
         * still win by its id */
        if (place >= index->pack.items || most < p->threshold ||
            (filter && !topk_filter_allows(filter, index->pack.ids[place]))) {
            continue;
        }
        /* The filter was asked first: only what may be answered may raise h, and the heap need not
         * ask again. */
        remember(index, p, (struct maybe){place, most});
        learn(p, topk_bound_least(about, slack));
    }
}

/* So many are wanted that a bound would turn away nobody: k lower bounds have to be seen before
 * there is a threshold at all. */
static bool wants_most(const struct topk_index *index, int k)
{
    return k > index->pack.items / 8;
}

int topk_index_search(const struct topk_index *index, const float *query, int k,
                      const struct topk_filter *filter, struct topk_hit *out,
                      struct topk_work *work)
{
    assert(k >= 0);
    const struct topk_pack *pack = &index->pack;
    tile_scan *scan = tile_kernels().one;
    int8_t numbers[4 * QUADS_MAX] = {0};
    struct probe p = {.query = query, .heap = {.hits = out, .k = k}, .filter = filter};
    struct tile_queries queries = {.numbers = numbers};
    struct tile_hits hits;
    /* + 1: k may be 0, and no memory of no size is asked for */
    CLEANUP(mem_free) void *memory = mem_array(1, probe_bytes(k) + 1);
    if (k == 0 || wants_most(index, k) ||
        !probe_init(index, &p, memory, numbers, &queries.offset[0])) {
        return topk_search(&index->items, query, k, filter, out);
    }
    int tile = 0;
    for (; tile < pack->tiles; tile++) {
        if (tile % BOUND_TILES == 0) {
            /* (4), with the bounds of these four tiles and the h of now: it stands still until the
             * next four, which is on the safe side */
            const struct tile_bound *b = &pack->bounds[tile / BOUND_TILES];
            /* (1) to (3): need; (4): the floor. Both inverses are lowered by 2^-20, which is more
             * than their product's rounding: it stays below 1 / (S t). */
            const float need = topk_bound_need(p.threshold, topk_bound_slack(b, p.norm, p.error));
            queries.floor[0] = topk_bound_floor(need, b->inverse * p.inverse);
            if (topk_bound_out_of_reach(p.threshold, p.norm, b->reach_on)) { /* (5) */
                break;
            }
        }
        if (scan(pack->data + (size_t)tile * pack->tile_bytes, pack->quads, &queries, &hits)) {
            take(index, &p, tile, hits.mask[0], hits.dots[0]);
        }
    }
    /* What is left of those remembered, against the last h. */
    settle(index, &p);
    if (work) {
        *work = (struct topk_work){(long)tile * TILE_ITEMS, p.rescored};
    }
    return topk_heap_finish(&p.heap);
}

/* ---- many queries ---- */

/* Eight probes side by side, their numbers interleaved. What floors are computed from lies in
 * columns, for the compiler's vectors. */
struct group {
    struct probe probes[TILE_QUERIES];
    struct tile_queries queries;
    float norm[TILE_QUERIES];
    float error[TILE_QUERIES];
    float inverse[TILE_QUERIES];
    float threshold[TILE_QUERIES];
    int8_t numbers[4 * QUADS_MAX * TILE_QUERIES];
    int count;
    long scanned;
};

struct batch {
    const struct topk_index *index;
    const struct topk_queries *queries;
    struct topk_hit *out;
    int *out_counts;
    struct topk_work *works; /* one a part */
};

static bool group_add(struct group *g, const struct batch *b, int row, void *work)
{
    const struct topk_queries *q = b->queries;
    const int at = g->count;
    int8_t numbers[4 * QUADS_MAX] = {0};
    struct probe *p = &g->probes[at];
    *p = (struct probe){.query = mat_row(q->rows, row),
                        .heap = {.hits = b->out + (size_t)row * (size_t)q->k, .k = q->k}};
    if (!probe_init(b->index, p, work, numbers, &g->queries.offset[at])) {
        return false;
    }
    for (int quad = 0; quad < b->index->pack.quads; quad++) {
        /* Interleaved as the kernel reads them: four columns of each query in turn. */
        memcpy(g->numbers + ((size_t)quad * TILE_QUERIES + (size_t)at) * 4,
               numbers + (ptrdiff_t)4 * quad, 4);
    }
    p->filter = q->filters ? &q->filters[row] : NULL;
    g->norm[at] = p->norm;
    g->error[at] = p->error;
    g->inverse[at] = p->inverse;
    g->threshold[at] = p->threshold;
    g->count++;
    return true;
}

/* Places without a query: no item reaches their floor. */
static void group_close(struct group *g)
{
    g->queries.numbers = g->numbers;
    for (int i = g->count; i < TILE_QUERIES; i++) {
        g->threshold[i] = INFINITY;
        g->inverse[i] = FLT_MAX; /* h = infinity gives need = infinity: the floor is the largest */
    }
}

/* False: nobody in the group needs this tile or a later one. */
static bool group_floors(struct group *g, const struct tile_bound *b)
{
    int wanted = 0;
    for (int i = 0; i < TILE_QUERIES; i++) {
        /* The lines of topk_index_search, (1) to (5), for eight queries. Without a branch, also for
         * those that have ended: the compiler makes vectors of them. */
        const float need =
            topk_bound_need(g->threshold[i], topk_bound_slack(b, g->norm[i], g->error[i]));
        g->queries.floor[i] = topk_bound_floor(need, b->inverse * g->inverse[i]);
        wanted += !topk_bound_out_of_reach(g->threshold[i], g->norm[i], b->reach_on);
    }
    return wanted > 0;
}

static void group_scan(const struct topk_index *index, struct group *g, int from, int to)
{
    const struct topk_pack *pack = &index->pack;
    tile_scan *scan = tile_kernels().many;
    struct tile_hits hits;
    for (int tile = from; tile < to; tile++) {
        if (tile % BOUND_TILES == 0 && !group_floors(g, &pack->bounds[tile / BOUND_TILES])) {
            return;
        }
        /* a tile is multiplied with all eight, even where some have ended: their floors only turn
         * everything away */
        g->scanned += TILE_ITEMS;
        if (!scan(pack->data + (size_t)tile * pack->tile_bytes, pack->quads, &g->queries, &hits)) {
            continue;
        }
        for (int i = 0; i < g->count; i++) {
            if (hits.mask[i]) {
                take(index, &g->probes[i], tile, hits.mask[i], hits.dots[i]);
                g->threshold[i] =
                    g->probes[i].threshold; /* for the floors of the next four tiles */
            }
        }
    }
}

/* Puts the queries from..to into groups; those the bound does not hold for are answered at once. */
static int groups_fill(const struct batch *b, int from, int to, struct group *groups, char *memory,
                       int rows[TOPK_PASS])
{
    const struct topk_queries *q = b->queries;
    const bool all = q->k == 0 || wants_most(b->index, q->k);
    int count = 0;
    for (int row = from; row < to; row++) {
        /* The place of the next that takes part: one that was answered at once leaves it to who
         * comes after. */
        void *work = memory + (size_t)count * probe_bytes(q->k);
        if (!all && group_add(&groups[count / TILE_QUERIES], b, row, work)) {
            rows[count++] = row;
            continue;
        }
        b->out_counts[row] =
            topk_search(&b->index->items, mat_row(q->rows, row), q->k,
                        q->filters ? &q->filters[row] : NULL, b->out + (size_t)row * (size_t)q->k);
    }
    return count;
}

static void groups_scan(const struct topk_index *index, struct group *groups, int used)
{
    const struct topk_pack *pack = &index->pack;
    const int step = ((int)(BLOCK_BYTES / pack->tile_bytes) / BOUND_TILES + 1) * BOUND_TILES;
    for (int g = 0; g < used; g++) {
        group_close(&groups[g]);
    }
    /* a multiple of BOUND_TILES, so that every block begins with floors of its own */
    for (int tile = 0; tile < pack->tiles; tile += step) {
        for (int g = 0; g < used; g++) {
            group_scan(index, &groups[g], tile,
                       pack->tiles - tile < step ? pack->tiles : tile + step);
        }
    }
}

static void batch_part(void *ctx, int part, int worker)
{
    const struct batch *b = ctx;
    const int from = part * TOPK_PASS;
    const int left = b->queries->rows->rows - from;
    const int to = from + (left < TOPK_PASS ? left : TOPK_PASS);
    CLEANUP(mem_free) struct group *groups = mem_array(TOPK_PASS / TILE_QUERIES, sizeof *groups);
    CLEANUP(mem_free) char *memory = mem_array(TOPK_PASS, probe_bytes(b->queries->k) + 1);
    int rows[TOPK_PASS];
    (void)worker;
    const int count = groups_fill(b, from, to, groups, memory, rows);
    groups_scan(b->index, groups, (count + TILE_QUERIES - 1) / TILE_QUERIES);
    for (int i = 0; i < count; i++) {
        const struct group *g = &groups[i / TILE_QUERIES];
        struct probe *p = &groups[i / TILE_QUERIES].probes[i % TILE_QUERIES];
        settle(b->index, p);
        b->out_counts[rows[i]] = topk_heap_finish(&p->heap);
        b->works[part].rescored += p->rescored;
        /* Each query's share: the tiles were read for all of the group. */
        b->works[part].scanned += g->scanned / g->count;
    }
}

void topk_index_batch(const struct topk_index *index, const struct topk_queries *queries,
                      struct topk_hit *out, int *out_counts, struct topk_work *work)
{
    assert(queries->k >= 0 && queries->rows->cols == index->items.cols && queries->threads >= 1);
    const int parts = (queries->rows->rows + TOPK_PASS - 1) / TOPK_PASS;
    struct batch b = {.index = index, .queries = queries, .out = out};
    b.out_counts = out_counts;
    /* One a part: threads count apart, and the sums are the same on any number of them. */
    b.works = mem_array((size_t)parts + 1, sizeof *b.works);
    parallel_run(queries->threads, parts, batch_part, &b);
    for (int i = 0; work && i < parts; i++) {
        work->scanned += b.works[i].scanned;
        work->rescored += b.works[i].rescored;
    }
    free(b.works);
}
