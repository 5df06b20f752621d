/* What may stand beside a cart: a phone case beside garden chairs because it is popular is no recommendation. With a cart, a pick is related to
 * something of the shopper's by the evidence of a claim or by category; by the model only where categories are not known, since of a cart of one product it
 * knows little, and nobody sees why. Else it is one of the shop's most popular, which is then what is said of it. */
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

/* Of the first `end` bytes of a name those that name the category above. */
static size_t above_in(const char *name, size_t end)
{
    static const char below[] = " > ";
    size_t len = 0;
    for (const char *at = strstr(name, below); at && (size_t)(at - name) < end;
         at = strstr(at + 1, below)) {
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
    m->aisle = mem_array((size_t)m->categories, sizeof *m->aisle);
    for (int32_t c = 0; c < m->categories; c++) {
        const char *name = affinity_category_name(m, c);
        all[c] = (struct named){name, above_in(name, strlen(name)), c};
    }
    qsort(all, (size_t)m->categories, sizeof *all, by_above);
    int32_t number = 0;
    for (int i = 0; i < m->categories; i++) {
        number += i > 0 && by_above(&all[i - 1], &all[i]) != 0;
        /* the first are those at the top, which have nothing in common */
        m->department[all[i].category] = all[i].above > 0 ? number + 1 : 0;
        m->aisle[all[i].category] = above_in(all[i].name, all[i].above) > 0 ? number + 1 : 0;
    }
    free(all);
}

static bool share_department(const struct affinity *m, int a, int b)
{
    const int32_t x = m->category[a];
    const int32_t y = m->category[b];
    return (x != 0 && x == y) || (m->department[x] != 0 && m->department[x] == m->department[y]);
}

static bool share_aisle(const struct affinity *m, int a, int b)
{
    const int32_t x = m->category[a];
    const int32_t y = m->category[b];
    return (x != 0 && x == y) || (m->aisle[x] != 0 && m->aisle[x] == m->aisle[y]);
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
bool ranking_is_beside_a_cart(const struct ranking *r)
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

static bool some_own(const struct ranking *r, int item, two_products *are)
{
    for (int i = 0; i < r->own.count; i++) {
        if (r->own.items[i].item == item || are(r->model, r->own.items[i].item, item)) {
            return true;
        }
    }
    return false;
}

static bool have_categories(const struct affinity *m, int a, int b)
{
    return m->category[a] != 0 && m->category[b] != 0;
}

bool ranking_fits(const struct ranking *r, int item, const struct candidate *c)
{
    const struct affinity *m = r->model;
    if (some_own(r, item, have_categories)) {
        return some_own(r, item, share_aisle);
    }
    return (m->is_als && !m->is_blend && some_own(r, item, point_the_same_way)) ||
           (c && others_turn_to(m, c)) || item_relates(r, item);
}

/* Products of the item's category that were looked at, and that the message is not about anyway. One look is no taste. */
static bool were_looked_at(const struct ranking *r, int item)
{
    int count = 0;
    for (int i = 0; i < r->own.count; i++) {
        const struct own_item *own = &r->own.items[i];
        count +=
            own->viewed && !own->in_cart && !own->bought && share_aisle(r->model, own->item, item);
    }
    return count >= 2;
}

bool ranking_suits(const struct ranking *r, int item, const struct candidate *c)
{
    return ranking_is_beside_a_cart(r) && some_own(r, item, have_categories)
               ? were_looked_at(r, item)
               : ranking_fits(r, item, c);
}

bool ranking_is_of_cart(const struct ranking *r, int item)
{
    for (int i = 0; i < r->own.count; i++) {
        const int own = r->own.items[i].item;
        if (r->own.items[i].in_cart && (share_aisle(r->model, own, item) ||
                                        affinity_relation(r->model, own, item) != RELATION_NONE)) {
            return true;
        }
    }
    return false;
}

bool ranking_may_say(const struct ranking *r, int item, const struct candidate *c,
                     const struct reason *why)
{
    /* these have their evidence */
    if (!ranking_is_beside_a_cart(r) || why->relation == RELATION_TASTE ||
        why->relation == RELATION_VIEWED || pick_relation_is_to_product(why->relation)) {
        return true;
    }
    /* what is only popular is so for everybody: its place is behind what is somebody's */
    return (why->relation == RELATION_POPULAR && c == NULL) ||
           (why->relation == RELATION_POPULAR_IN && some_own(r, item, share_department)) ||
           ranking_fits(r, item, c);
}
