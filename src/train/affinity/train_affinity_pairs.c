/* Pairs of products that meet more often than by chance. */
#include "train/affinity/train_affinity_pairs.h"

#include "base/mem.h"
#include "domain/affinity/affinity_visit.h"

#include <math.h>
#include <stdlib.h>

enum {
    MET_MIN = 3, /* a pair that met less often says nothing, however rare its products are */
    BASKET_MAX =
        30, /* products of one visit that are paired; a larger one is a wholesaler's, or a program's */
    PAIRS_MAX = 20000000, /* of all visits together; what comes after them is not counted */
};
/* Of a likelihood ratio (G squared, one degree of freedom): one pair in 10,000 exceeds it by chance. */
static const double BEYOND_CHANCE = 15.14;

bool pairs_beyond_chance(double both, double a, double b, double all)
{
    const double cells[4] = {both, a - both, b - both, all - a - b + both};
    const double expected[4] = {a * b / all, a * (all - b) / all, (all - a) * b / all,
                                (all - a) * (all - b) / all};
    double g = 0;
    if (both < MET_MIN || both <= expected[0]) {
        return false;
    }
    for (int i = 0; i < 4; i++) {
        g += cells[i] > 0 ? 2 * cells[i] * log(cells[i] / expected[i]) : 0;
    }
    return g > BEYOND_CHANCE;
}

/* ---- counting ---- */

struct counts {
    uint64_t *pairs; /* from << 32 | to, each time they met */
    size_t count;
    size_t cap;
    double *from; /* (products) in how many of what is counted each came first, and second */
    double *to;
    double all;
};

static void counts_free(struct counts *c)
{
    free(c->pairs);
    free(c->from);
    free(c->to);
}

static struct counts counts_make(int32_t products)
{
    return (struct counts){.from = mem_array((size_t)products + 1, sizeof(double)),
                           .to = mem_array((size_t)products + 1, sizeof(double))};
}

static void met(struct counts *c, int32_t from, int32_t to)
{
    if (c->count == c->cap) {
        c->cap = c->cap ? 2 * c->cap : 4096;
        c->pairs = mem_grow(c->pairs, c->cap, sizeof *c->pairs);
    }
    c->pairs[c->count++] = (uint64_t)(uint32_t)from << 32 | (uint32_t)to;
}

static int by_number(const void *a, const void *b)
{
    const uint64_t *x = a;
    const uint64_t *y = b;
    return (*x > *y) - (*x < *y);
}

/* The pairs that met beyond chance, by their first product. */
static struct product_pairs pairs_of(struct counts *c, int32_t products)
{
    struct product_pairs out = {.start = mem_array((size_t)products + 1, sizeof *out.start),
                                .target = mem_array(c->count + 1, sizeof *out.target)};
    int64_t kept = 0;
    int32_t row = 0;
    if (c->count > 0) { /* else there is no array */
        qsort(c->pairs, c->count, sizeof *c->pairs, by_number);
    }
    for (size_t i = 0, end; i < c->count; i = end) {
        const int32_t from = (int32_t)(c->pairs[i] >> 32);
        const int32_t to = (int32_t)(c->pairs[i] & UINT32_MAX);
        for (end = i + 1; end < c->count && c->pairs[end] == c->pairs[i]; end++) {
        }
        if (pairs_beyond_chance((double)(end - i), c->from[from], c->to[to], c->all)) {
            while (row < from) {
                out.start[++row] = kept;
            }
            out.target[kept++] = to;
        }
    }
    while (row < products) {
        out.start[++row] = kept;
    }
    return out;
}

/* ---- visits ---- */

struct basket {
    int32_t items[BASKET_MAX];
    int count;
};

static void basket_put(struct basket *b, int32_t item)
{
    for (int i = 0; i < b->count; i++) {
        if (b->items[i] == item) {
            return;
        }
    }
    if (b->count < BASKET_MAX) {
        b->items[b->count++] = item;
    }
}

/* Baskets of one product alone say nothing of chance: they are left out of all counts. */
static void count_basket(struct counts *c, const struct basket *b)
{
    if (b->count < 2) {
        return;
    }
    c->all++;
    for (int i = 0; i < b->count; i++) {
        c->from[b->items[i]]++;
        c->to[b->items[i]]++;
        for (int k = 0; k < b->count; k++) {
            if (k != i) {
                met(c, b->items[i], b->items[k]);
            }
        }
    }
}

static void count_step(struct counts *c, int32_t from, int32_t to)
{
    c->all++;
    c->from[from]++;
    c->to[to]++;
    met(c, from, to);
}

/* One visit: interactions first to end. */
static void count_visit(const struct affinity_training *a, size_t first, size_t end,
                        int64_t until_us, const int32_t *position, struct counts *together,
                        struct counts *next)
{
    struct basket basket = {.count = 0};
    int32_t last = -1;
    for (size_t i = first; i < end; i++) {
        /* what has faded to nothing, or is not before until_us, is in no model and has no position */
        if (affinity_interaction_weight(&a->all[i], until_us) <= 0) {
            continue;
        }
        const int32_t item = position[a->all[i].item];
        if (a->all[i].chosen) {
            basket_put(&basket, item);
        }
        /* several products of one moment are an order: none of them comes after another */
        if (last >= 0 && last != item && a->all[i].at_us != a->all[i - 1].at_us) {
            count_step(next, last, item);
        }
        last = item;
    }
    count_basket(together, &basket);
}

void affinity_count_pairs(const struct affinity_training *a, int64_t until_us,
                          const int32_t *position, int32_t trained, struct product_pairs *together,
                          struct product_pairs *next)
{
    struct counts baskets = counts_make(trained);
    struct counts steps = counts_make(trained);
    size_t end;
    for (size_t i = 0; i < a->count && baskets.count < PAIRS_MAX && steps.count < PAIRS_MAX;
         i = end) {
        /* Interactions of a shopper are neighbours, in the order of time. */
        for (end = i + 1; end < a->count && a->all[end].shopper == a->all[i].shopper &&
                          a->all[end].at_us - a->all[end - 1].at_us <= VISIT_GAP_US;
             end++) {
        }
        count_visit(a, i, end, until_us, position, &baskets, &steps);
    }
    *together = pairs_of(&baskets, trained);
    *next = pairs_of(&steps, trained);
    counts_free(&baskets);
    counts_free(&steps);
}

void product_pairs_free(struct product_pairs *p)
{
    free(p->start);
    free(p->target);
    *p = (struct product_pairs){0};
}

void affinity_pair_sections(const struct product_pairs *together, const struct product_pairs *next,
                            int32_t trained, struct affinity_section out[AFFINITY_PAIR_SECTIONS])
{
    const uint64_t rows = (uint64_t)trained + 1;
    out[0] = (struct affinity_section){"together_start", MODEL_I64, together->start, rows};
    out[1] = (struct affinity_section){"together_target", MODEL_I32, together->target,
                                       (uint64_t)together->start[trained]};
    out[2] = (struct affinity_section){"next_start", MODEL_I64, next->start, rows};
    out[3] = (struct affinity_section){"next_target", MODEL_I32, next->target,
                                       (uint64_t)next->start[trained]};
}
