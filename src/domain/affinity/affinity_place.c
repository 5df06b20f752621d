/* Where products without interactions stand in the factor space: from catalogue to levels, and back to factors. */
#include "domain/affinity/affinity_place.h"

#include "base/arena.h"
#include "base/cleanup.h"
#include "domain/shop/money.h"
#include "ml/als/side_factors.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Less than this is chance, and a product is then better left to the cold-start chain. */
static const double EXPLAINED_MIN = 0.01;

/* What the catalogue tells of one item, as texts; NULL: unknown. */
struct known {
    const char *category;
    const char *first; /* step of the category's path */
    const char *brand;
    const char *band; /* of its price */
};

/* A text that names the level of an item in one group, in arena; NULL: not known. */
typedef const char *level_fn(const struct known *k, struct arena *a);

static const char *joined(const char *x, const char *y, struct arena *a)
{
    /* parted by a control character, which product_decode lets into
     * neither: no two pairs make one text */
    return x && y ? arena_printf(a, "%s\x1f%s", x, y) : NULL;
}

static const char *by_first(const struct known *k, struct arena *a)
{
    (void)a;
    return k->first;
}

static const char *by_category(const struct known *k, struct arena *a)
{
    (void)a;
    return k->category;
}

static const char *by_brand(const struct known *k, struct arena *a)
{
    (void)a;
    return k->brand;
}

static const char *by_band(const struct known *k, struct arena *a)
{
    (void)a;
    return k->band;
}

static const char *by_category_and_brand(const struct known *k, struct arena *a)
{
    return joined(k->category, k->brand, a);
}

static const char *by_category_and_band(const struct known *k, struct arena *a)
{
    return joined(k->category, k->band, a);
}

static level_fn *const groups[] = {by_first, by_category,           by_brand,
                                   by_band,  by_category_and_brand, by_category_and_band};
enum { GROUPS = sizeof groups / sizeof *groups };
_Static_assert((int)GROUPS <= (int)SIDE_GROUPS_MAX, "more groups than ml/als/side_factors.h takes");

static struct known known_of(const struct affinity_item *item, struct arena *a)
{
    const char *category = item->category && *item->category ? item->category : NULL;
    struct known k = {
        .category = category,
        .brand = item->brand && *item->brand ? item->brand : NULL,
    };
    /* The first step too: a new or rare sub-category still has the effect of its department. */
    if (category) {
        const char *step = strstr(category, " > ");
        k.first = arena_strndup(a, category, step ? (size_t)(step - category) : strlen(category));
    }
    if (item->price_minor > 0) { /* half-octaves: 1.41 times dearer is the next band */
        k.band = arena_printf(a, "%d", (int)floor(2 * log2((double)item->price_minor)));
    }
    return k;
}

/* ---- texts to numbers, by rank: no hashing, no order of first sight ---- */

struct named {
    const char *text; /* NULL: not known */
    int32_t item;
};

static int by_text(const void *a, const void *b)
{
    const struct named *x = a;
    const struct named *y = b;
    if (!x->text || !y->text) {
        /* unknown ones first, so that one pass numbers the rest */
        return (x->text != NULL) - (y->text != NULL);
    }
    return strcmp(x->text, y->text);
}

/* Numbers the levels of a group; returns how many there are. */
static int32_t number_levels(struct named *named, int count, int32_t *out_level)
{
    int32_t levels = 0;
    qsort(named, (size_t)count, sizeof *named, by_text);
    for (int i = 0; i < count; i++) {
        bool fresh = named[i].text && (i == 0 || !named[i - 1].text ||
                                       strcmp(named[i].text, named[i - 1].text) != 0);
        levels += fresh;
        out_level[named[i].item] = named[i].text ? levels - 1 : -1;
    }
    return levels;
}

static struct side_info info_of(const struct affinity_parts *parts, struct arena *a)
{
    size_t n = (size_t)parts->count;
    struct side_info info = {.items = parts->count, .trained = parts->trained, .groups = GROUPS};
    struct known *known = arena_array(a, n, sizeof *known);
    struct named *named = arena_array(a, n, sizeof *named);
    for (size_t i = 0; i < n; i++) {
        known[i] = known_of(&parts->items[i], a);
    }
    for (int g = 0; g < GROUPS; g++) {
        int32_t *level = arena_array(a, n, sizeof *level);
        for (size_t i = 0; i < n; i++) {
            named[i] = (struct named){groups[g](&known[i], a), (int32_t)i};
        }
        info.levels[g] = number_levels(named, parts->count, level);
        info.level[g] = level;
    }
    return info;
}

/* A price alone does not place a product: it would lie at the mean of all. */
static bool is_known(const struct affinity_item *item)
{
    return (item->category && *item->category) || (item->brand && *item->brand);
}

struct mat affinity_place(const struct affinity_parts *parts, const struct mat *trained)
{
    CLEANUP(arena_free) struct arena a = {0};
    double explained = 0;
    double ridge = 0;
    struct side_info info = {0};
    assert(trained->rows == parts->trained);
    /* Judged on trained products held out (side_factors_ridge): fitted
     * ones would always look explained. */
    if (parts->count > parts->trained) {
        info = info_of(parts, &a);
        ridge = side_factors_ridge(trained, &info, &explained);
    }
    bool placed = explained >= EXPLAINED_MIN;
    struct mat out = mat_make(placed ? parts->count : parts->trained, trained->cols);
    for (int i = 0; i < parts->trained; i++) {
        memcpy(mat_row(&out, i), mat_row(trained, i), (size_t)trained->cols * sizeof(float));
    }
    if (placed) { /* a product without category and brand stays at zero, which no search finds */
        struct mat others = side_factors_fit(trained, &info, ridge);
        for (int i = 0; i < others.rows; i++) {
            if (is_known(&parts->items[parts->trained + i])) {
                memcpy(mat_row(&out, parts->trained + i), mat_row(&others, i),
                       (size_t)trained->cols * sizeof(float));
            }
        }
        mat_free(&others);
    }
    return out;
}
