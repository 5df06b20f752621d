/* Pairs of products that meet more often than by chance: counted, then tested all together. */
#include "train/affinity/train_affinity_pairs.h"

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/mem.h"
#include "domain/affinity/affinity_visit.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    MET_MIN =
        5, /* people: of the thousands of pairs of a shop some have three by chance, however rare the products are */
    BASKET_MAX =
        30, /* products of one visit that are paired; a larger one is a wholesaler's, or a program's */
    PAIRS_MAX = 20000000, /* of all visits together; what comes after them is not counted */
};
/* Of the pairs that are claimed, so many at most meet by chance (Benjamini and Hochberg 1995). */
static const double FALSE_SHARE = 0.05;
/* Beyond chance is not worth telling where hardly anybody did it: of those who looked on from a
 * product so many at least looked at the other next. */
static const double NEXT_SHARE = 0.05;
/* And of two categories twice as many: that one camera bag in ten that are looked at comes after a rain jacket says nothing of either. */
static const double NEXT_SHARE_ACROSS = 0.1;

double pairs_expected(const struct pairs_margins *m, double from, double to)
{
    const double fewer = fmin(from, to);
    /* Each token of the one meets a token of any other product, as often as tokens meet at
     * all: in carts of two, half as often as two draws out of all carts would. A product does
     * not meet itself. */
    const double others = m->tokens - fmax(from, to);
    return others > 0 ? fmin(fewer, from * to * m->meetings / (m->tokens * others)) : fewer;
}

double pairs_chance(double both, double expected)
{
    if (both <= expected) {
        return 1;
    }
    /* The upper tail of Poisson: its first term, and the others as parts of it, which fall at once
     * since both is above the mean. */
    int sign = 0;
    const double first = exp(both * log(expected) - expected - lgamma_r(both + 1, &sign));
    double term = 1;
    double sum = 1;
    for (int64_t n = (int64_t)both + 1; term > 1e-12 * sum; n++) {
        term *= expected / (double)n;
        sum += term;
    }
    return fmin(1, first * sum);
}

static int ascending(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return (*x > *y) - (*x < *y);
}

double pairs_threshold(double *chances, size_t count, double tested)
{
    double most = 0;
    if (count > 0) { /* else there is no array */
        qsort(chances, count, sizeof *chances, ascending);
    }
    for (size_t i = 0; i < count; i++) {
        /* the last that holds, not the first that does not: the procedure steps up */
        most = chances[i] <= FALSE_SHARE * (double)(i + 1) / tested ? chances[i] : most;
    }
    return most;
}

/* ---- counting ---- */

struct counts {
    uint64_t *pairs; /* from << 32 | to, each time they met */
    size_t count;
    size_t cap;
    double *from; /* (products) how many tokens of it came first, and second */
    double *to;
    struct pairs_margins margins;
    /* (products) only pairs of two different ones are tested, 0 is none of them; NULL: all are */
    const int32_t *group;
    const int32_t *department; /* (products) 0: none */
    int32_t *taken;            /* (products) by which shopper + 1 last */
    const int32_t *category;   /* (products) 0: none */
    double
        share_min; /* of the first product's tokens, where both are of one category or that is not known */
    double share_across_min; /* where they are of two */
};

/* By position, numbered from 1; 0 is none. Owned by the caller. */
struct places {
    int32_t *group; /* of its category */
    int32_t *department;
};

static void counts_free(struct counts *c)
{
    free(c->pairs);
    free(c->from);
    free(c->to);
    free(c->taken);
}

static struct counts counts_make(int32_t products, const struct places *p, const int32_t *group)
{
    return (struct counts){.from = mem_array((size_t)products + 1, sizeof(double)),
                           .to = mem_array((size_t)products + 1, sizeof(double)),
                           .taken = mem_array((size_t)products + 1, sizeof(int32_t)),
                           .group = group,
                           .category = p->group,
                           .department = p->department};
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

/* ---- testing ---- */

static bool is_tested(const struct counts *c, int32_t from, int32_t to)
{
    /* By how often each came alone, and not by how often they met: else only the luckiest
     * would be tested. */
    return c->from[from] >= MET_MIN && c->to[to] >= MET_MIN &&
           (!c->group ||
            (c->group[from] != 0 && c->group[to] != 0 && c->group[from] != c->group[to]));
}

/* Of how many pairs that came often enough both have the same number, which is not 0; number NULL: both are the same product. */
static double pairs_alike(const struct counts *c, int32_t products, const int32_t *number)
{
    /* by numbers: n^2 pairs are never listed */
    double *first = mem_array((size_t)products + 2, sizeof *first);
    double *second = mem_array((size_t)products + 2, sizeof *second);
    double alike = 0;
    for (int32_t i = 0; i < products; i++) {
        const int32_t n = number ? number[i] : i + 1;
        first[n] += c->from[i] >= MET_MIN;
        second[n] += c->to[i] >= MET_MIN;
    }
    for (int32_t n = 1; n <= products; n++) {
        alike += first[n] * second[n];
    }
    free(first);
    free(second);
    return alike;
}

/* Products of one department have to do with each other much oftener than those of two. In one family the many true pairs of the first would pay for
 * as many false ones among the second, and one in twenty of all would be most of these: each is tested by itself (Efron 2008, "Simultaneous inference:
 * when should hypothesis testing problems be combined?"). */
enum family { WITHIN, ACROSS, FAMILIES };

static enum family family_of(const struct counts *c, int32_t from, int32_t to)
{
    return c->department[from] != 0 && c->department[from] == c->department[to] ? WITHIN : ACROSS;
}

/* How many pairs is_tested holds for, by family. */
static void count_tested(const struct counts *c, int32_t products, double tested[FAMILIES])
{
    double from = 0;
    double to = 0;
    double within_same = 0; /* of one product each, of a department */
    for (int32_t i = 0; i < products; i++) {
        const bool counts = !c->group || c->group[i] != 0;
        from += counts && c->from[i] >= MET_MIN;
        to += counts && c->to[i] >= MET_MIN;
        within_same += c->department[i] != 0 && c->from[i] >= MET_MIN && c->to[i] >= MET_MIN;
    }
    /* what has a group has a department, which all of the group share */
    const double same = pairs_alike(c, products, c->group);
    tested[WITHIN] = pairs_alike(c, products, c->department) - (c->group ? same : within_same);
    tested[ACROSS] = from * to - same - tested[WITHIN];
}

/* A pair of products and how often they met. */
struct meeting {
    int32_t from;
    int32_t to;
    double chance;
    double share; /* of the first one's tokens */
};

/* Those that met often enough to be tested, by their first product; owned by the caller. */
static struct meeting *meetings_of(struct counts *c, size_t *out_count)
{
    struct meeting *all = mem_array(c->count + 1, sizeof *all);
    size_t count = 0;
    if (c->count > 0) {
        /* equal pairs lie together then, and are counted without a table */
        qsort(c->pairs, c->count, sizeof *c->pairs, by_number);
    }
    for (size_t i = 0, end; i < c->count; i = end) {
        const int32_t from = (int32_t)(c->pairs[i] >> 32);
        const int32_t to = (int32_t)(c->pairs[i] & UINT32_MAX);
        for (end = i + 1; end < c->count && c->pairs[end] == c->pairs[i]; end++) {
        }
        if (end - i >= MET_MIN && is_tested(c, from, to)) {
            const double expected = pairs_expected(&c->margins, c->from[from], c->to[to]);
            const double both = (double)(end - i);
            all[count++] =
                (struct meeting){from, to, pairs_chance(both, expected), both / c->from[from]};
        }
    }
    *out_count = count;
    return all;
}

static void thresholds(const struct counts *c, int32_t products, const struct meeting *all,
                       size_t count, double most[FAMILIES])
{
    double tested[FAMILIES];
    /* copies: they are sorted, and the pairs have to stay in order of their first product */
    double *chances = mem_array(count + 1, sizeof *chances);
    count_tested(c, products, tested);
    for (int family = 0; family < FAMILIES; family++) {
        size_t of_family = 0;
        for (size_t i = 0; i < count; i++) {
            if (family_of(c, all[i].from, all[i].to) == (enum family)family) {
                chances[of_family++] = all[i].chance;
            }
        }
        most[family] = pairs_threshold(chances, of_family, tested[family]);
    }
    free(chances);
}

static double share_wanted(const struct counts *c, const struct meeting *m)
{
    const int32_t from = c->category[m->from];
    const int32_t to = c->category[m->to];

    return from != 0 && to != 0 && from != to ? c->share_across_min : c->share_min;
}

/* The pairs that met beyond chance, by their first product. */
static struct product_pairs pairs_of(struct counts *c, int32_t products)
{
    size_t count = 0;
    struct meeting *all = meetings_of(c, &count);
    struct product_pairs out = {.start = mem_array((size_t)products + 1, sizeof *out.start),
                                .target = mem_array(count + 1, sizeof *out.target)};
    double most[FAMILIES];
    int64_t kept = 0;
    int32_t row = 0;
    thresholds(c, products, all, count, most);
    for (size_t i = 0; i < count; i++) {
        const enum family family = family_of(c, all[i].from, all[i].to);
        if (all[i].chance <= most[family] && all[i].share >= share_wanted(c, &all[i])) {
            while (row < all[i].from) {
                /* products without a pair have an empty row, which begins where the
                 * next one does */
                out.start[++row] = kept;
            }
            out.target[kept++] = all[i].to;
        }
    }
    while (row < products) {
        out.start[++row] = kept;
    }
    free(all);
    return out;
}

/* ---- visits ---- */

struct basket {
    int32_t items[BASKET_MAX];
    int count;
};

/* Once a shopper: a cart that is taken up again the next day, or bought every week, is one person's
 * habit and no more evidence. */
static void basket_put(struct counts *c, struct basket *b, int32_t shopper, int32_t item)
{
    if (c->taken[item] != shopper + 1 && b->count < BASKET_MAX) {
        c->taken[item] = shopper + 1;
        b->items[b->count++] = item;
    }
}

/* Baskets of one product alone say nothing of chance: they are left out of all counts. */
static void count_basket(struct counts *c, const struct basket *b)
{
    if (b->count < 2) {
        return;
    }
    c->margins.tokens += b->count;
    c->margins.meetings += (double)b->count * (b->count - 1);
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

/* The steps from `first` on are one shopper's: each counts once, however often somebody went
 * to and fro. */
static void count_steps(struct counts *c, size_t first)
{
    size_t kept = first;
    if (c->count > first) {
        qsort(c->pairs + first, c->count - first, sizeof *c->pairs, by_number);
    }
    for (size_t i = first; i < c->count; i++) {
        /* in place: what is kept never passes what is read */
        if (i == first || c->pairs[i] != c->pairs[kept - 1]) {
            c->pairs[kept++] = c->pairs[i];
            c->from[c->pairs[i] >> 32]++;
            c->to[c->pairs[i] & UINT32_MAX]++;
            c->margins.tokens++;
            c->margins.meetings++;
        }
    }
    c->count = kept;
}

struct counting {
    const struct affinity_training *a;
    int64_t until_us;
    const int32_t *position;
    struct counts together;
    struct counts next;
};

/* One visit: interactions first to end. */
static void count_visit(struct counting *c, size_t first, size_t end)
{
    const struct interaction *all = c->a->all;
    struct basket basket = {.count = 0};
    int32_t last = -1;
    for (size_t i = first; i < end; i++) {
        /* what has faded to nothing, or is not before until_us, is in no model and
         * has no position */
        if (affinity_interaction_weight(&all[i], c->until_us) <= 0) {
            continue;
        }
        const int32_t item = c->position[all[i].item];
        if (all[i].chosen) {
            basket_put(&c->together, &basket, all[i].shopper, item);
        }
        /* several products of one moment are an order: none of them comes after another */
        if (last >= 0 && last != item && all[i].at_us != all[i - 1].at_us) {
            met(&c->next, last, item);
        }
        last = item;
    }
    count_basket(&c->together, &basket);
}

static size_t visit_end(const struct affinity_training *a, size_t first)
{
    size_t end = first + 1;
    /* Interactions of a shopper are neighbours, in the order of time. */
    while (end < a->count && a->all[end].shopper == a->all[first].shopper &&
           a->all[end].at_us - a->all[end - 1].at_us <= SESSION_GAP_US) {
        end++;
    }
    return end;
}

static void count_all(struct counting *c)
{
    const struct affinity_training *a = c->a;
    size_t shopper = 0; /* where its steps begin */
    for (size_t i = 0, end;
         i < a->count && c->together.count < PAIRS_MAX && c->next.count < PAIRS_MAX; i = end) {
        end = visit_end(a, i);
        count_visit(c, i, end);
        if (end == a->count || a->all[end].shopper != a->all[i].shopper) {
            count_steps(&c->next, shopper);
            shopper = c->next.count;
        }
    }
    c->next.count = shopper; /* of whom the end was not counted */
}

/* Of the name of a category the bytes that name its department: the category above it, or itself at the top. */
static size_t department_length(const char *category)
{
    static const char below[] = " > ";
    size_t len = strlen(category);
    for (const char *at = strstr(category, below); at; at = strstr(at + 1, below)) {
        len = (size_t)(at - category);
    }
    return len;
}

static struct places places_of(const struct affinity_training *a, const int32_t *position,
                               int32_t trained)
{
    CLEANUP(id_table_free) struct id_table categories = {0};
    CLEANUP(id_table_free) struct id_table departments = {0};
    CLEANUP(arena_free) struct arena arena = {0};
    struct places p = {.group = mem_array((size_t)trained + 1, sizeof *p.group),
                       .department = mem_array((size_t)trained + 1, sizeof *p.department)};
    for (int32_t i = 0; i < a->facts_count; i++) {
        const char *category = a->facts[i].category;
        if (category && position[i] >= 0 && position[i] < trained) {
            char *above = arena_strdup(&arena, category);
            above[department_length(category)] = '\0';
            p.group[position[i]] = 1 + id_table_add(&categories, category);
            p.department[position[i]] = 1 + id_table_add(&departments, above);
        }
    }
    return p;
}

void affinity_count_pairs(const struct affinity_training *a, int64_t until_us,
                          const int32_t *position, int32_t trained, struct product_pairs *together,
                          struct product_pairs *next)
{
    struct places places = places_of(a, position, trained);
    struct counting c = {.a = a,
                         .until_us = until_us,
                         .position = position,
                         .together = counts_make(trained, &places, places.group),
                         .next = counts_make(trained, &places, NULL)};
    c.next.share_min = NEXT_SHARE;
    c.next.share_across_min = NEXT_SHARE_ACROSS;
    count_all(&c);
    *together = pairs_of(&c.together, trained);
    *next = pairs_of(&c.next, trained);
    counts_free(&c.together);
    counts_free(&c.next);
    free(places.group);
    free(places.department);
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
