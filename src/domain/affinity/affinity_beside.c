/* What may stand beside a cart: a phone case beside garden chairs because it is popular is no recommendation. With a cart, a pick is related to
 * something of the shopper's by the evidence of a claim, by category or by the model; or the shop's most popular, which is then what is said of it. */
#include "base/mem.h"
#include "domain/affinity/affinity_internal.h"

#include <stdlib.h>
#include <string.h>

/* Directions of factors that tell more than that both are popular. */
static const float SAME_WAY = 0.5F;

/* ---- departments ---- */

struct named {
    const char *name;
    size_t above; /* bytes of it that name the category above */
    int32_t category;
};

static size_t above(const char *name)
{
    static const char below[] = " > ";
    size_t len = 0;
    for (const char *at = strstr(name, below); at; at = strstr(at + 1, below)) {
        len = (size_t)(at - name);
    }
    return len;
}

static int by_above(const void *a, const void *b)
{
    const struct named *x = a;
    const struct named *y = b;
    if (x->above != y->above) {
        return x->above < y->above ? -1 : 1;
    }
    return strncmp(x->name, y->name, x->above);
}

void beside_index(struct affinity *m)
{
    struct named *all = mem_array((size_t)m->categories, sizeof *all);
    m->department = mem_array((size_t)m->categories, sizeof *m->department);
    for (int32_t c = 0; c < m->categories; c++) {
        const char *name = affinity_category_name(m, c);
        all[c] = (struct named){name, above(name), c};
    }
    qsort(all, (size_t)m->categories, sizeof *all, by_above);
    int32_t number = 0;
    for (int i = 0; i < m->categories; i++) {
        number += i > 0 && by_above(&all[i - 1], &all[i]) != 0;
        /* the first are those at the top, which have nothing in common */
        m->department[all[i].category] = all[i].above > 0 ? number + 1 : 0;
    }
    free(all);
}

static bool share_department(const struct affinity *m, int a, int b)
{
    const int32_t x = m->category[a];
    const int32_t y = m->category[b];
    return (x != 0 && x == y) || (m->department[x] != 0 && m->department[x] == m->department[y]);
}

/* ---- the model ---- */

/* Where there are no item-item weights, the factors have to tell: those learnt from people, not those foretold from a price. */
static bool point_the_same_way(const struct affinity *m, int a, int b)
{
    if (a >= m->trained || b >= m->trained) {
        return false;
    }
    const float *x = mat_row(&m->factors, a);
    const float *y = mat_row(&m->factors, b);
    const float product = mat_dot(x, y, m->factors.cols);
    return product > 0 && product * product >= SAME_WAY * SAME_WAY *
                                                   mat_dot(x, x, m->factors.cols) *
                                                   mat_dot(y, y, m->factors.cols);
}

/* ---- beside a cart ---- */

/* Who asks for a category or a price has said what it is to be about. */
static bool is_beside_a_cart(const struct ranking *r)
{
    return r->cart != NULL && r->cart->line_count > 0 && !r->wish->category && !r->wish->priced;
}

/* In visits like this one, and not only because it is what people look at. */
static bool others_turn_to(const struct affinity *m, const struct candidate *c)
{
    const float usual = m->popularity[c->item] / (m->mean_popularity * (float)m->count);
    return (c->scored >> SOURCE_VISITS & 1) && c->score[SOURCE_VISITS] > 0 &&
           c->score[SOURCE_VISITS] >= RELATED_RATIO * usual;
}

static bool is_like_own(const struct ranking *r, int item)
{
    const struct affinity *m = r->model;
    const bool by_factors = m->is_als && !m->is_blend;
    for (int i = 0; i < r->own.count; i++) {
        const int own = r->own.items[i].item;
        if (own == item || share_department(m, own, item) ||
            (by_factors && point_the_same_way(m, own, item))) {
            return true;
        }
    }
    return false;
}

bool ranking_may_say(const struct ranking *r, int item, const struct candidate *c,
                     const struct reason *why)
{
    /* these have their evidence, or are what they are called */
    return !is_beside_a_cart(r) || pick_relation_is_to_product(why->relation) ||
           why->relation == RELATION_POPULAR || is_like_own(r, item) ||
           (c && others_turn_to(r->model, c)) || item_relates(r, item);
}
