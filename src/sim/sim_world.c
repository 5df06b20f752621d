/* The shop's products and people, drawn from a seed. Visits are in sim_visit.c. */
#include "sim/sim_world.h"

#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { WORDS_MAX = 5, BRANDS_MAX = 4 };

struct noun {
    const char *text;
    int64_t low_minor;
    int64_t high_minor;
};

struct category {
    const char *path;
    const char *brands[BRANDS_MAX];
    const char *models[WORDS_MAX];
    bool sized;
    struct noun nouns[WORDS_MAX];
};

static const struct category categories[SIM_CATEGORIES] = {
#define WORDS(...)                                                                                 \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define NOUN(...)                                                                                  \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define CATEGORY(path, brands, models, sized, ...) {path, brands, models, sized, {__VA_ARGS__}},
#define GOES_WITH(from, to)
#include "sim/sim_catalogue.inc"
#undef GOES_WITH
#undef CATEGORY
};

/* Nouns of which the one's products are taken beside the other's. */
static const struct {
    const char *from;
    const char *to;
} companions[] = {
#define CATEGORY(...)
#define GOES_WITH(from, to) {from, to},
#include "sim/sim_catalogue.inc"
#undef GOES_WITH
#undef CATEGORY
#undef NOUN
#undef WORDS
};

enum { PER_CATEGORY = SIM_PRODUCTS / SIM_CATEGORIES };

const char *sim_category(int index)
{
    assert(index >= 0 && index < SIM_CATEGORIES);
    return categories[index].path;
}

const char *sim_noun(int product)
{
    return categories[product / PER_CATEGORY].nouns[product % PER_CATEGORY % WORDS_MAX].text;
}

/* The first product of a noun; the others of it stand WORDS_MAX apart. */
static int first_of(const char *noun)
{
    int product = 0;
    while (strcmp(sim_noun(product), noun) != 0) {
        product++;
        /* a row of the catalogue that names a noun which it does not have */
        assert(product < SIM_PRODUCTS);
    }
    return product;
}

int sim_companion(int product)
{
    const int round = product % PER_CATEGORY / WORDS_MAX;
    assert(product >= 0 && product < SIM_PRODUCTS);
    for (size_t i = 0; i < sizeof companions / sizeof companions[0]; i++) {
        if (strcmp(companions[i].from, sim_noun(product)) == 0) {
            return first_of(companions[i].to) + round * WORDS_MAX;
        }
    }
    return -1;
}

struct rng sim_rng(uint64_t seed, uint64_t a, uint64_t b)
{
    /* one after the other, so that (1, 2) and (2, 1) give different numbers */
    struct rng mix = rng_seed(seed ^ (a * UINT64_C(0x9E3779B97F4A7C15)));
    struct rng mixed = rng_seed(rng_u64(&mix) ^ (b * UINT64_C(0xC2B2AE3D27D4EB4F)));
    return mixed;
}

/* Each category is a direction of taste, each brand a smaller one. */
static void taste_of(const char *seed_text, double scale, float out[SIM_TASTE])
{
    /* By the text and not by the seed: products and shoppers get the same direction from the same
     * word, and so match. FNV-1a, but its offset lacks a digit of the published one; mending that
     * would change every world. */
    uint64_t h = UINT64_C(1469598103934665603);
    for (const char *p = seed_text; *p != '\0'; p++) {
        h = (h ^ (uint64_t)(unsigned char)*p) * UINT64_C(1099511628211);
    }
    struct rng r = rng_seed(h);
    for (int d = 0; d < SIM_TASTE; d++) {
        /* added, since a product is the sum of its category, brand and noun */
        out[d] += (float)(scale * rng_normal(&r));
    }
}

static void product_make(struct sim_product *p, int index, struct rng *r)
{
    const struct category *c = &categories[index / PER_CATEGORY];
    int n = index % PER_CATEGORY;
    const char *brand = c->brands[rng_below(r, BRANDS_MAX)];
    const struct noun *noun = &c->nouns[n % WORDS_MAX];
    /* 25 products of a category, 5 nouns and 5 models: shifted by a place each round, so no pair
     * comes twice */
    const char *model = c->models[(n / WORDS_MAX + n) % WORDS_MAX];
    /* log-normal within the span of the noun, as prices are: more cheap ones than dear */
    double span = log((double)noun->high_minor / (double)noun->low_minor);
    double price = (double)noun->low_minor * exp(span * (0.5 + 0.22 * rng_normal(r)));

    price = fmin(fmax(price, (double)noun->low_minor), (double)noun->high_minor);
    *p = (struct sim_product){.category = index / PER_CATEGORY,
                              .price_minor =
                                  (int64_t)(price / 100.0) * 100 + (price > 20000.0 ? 0 : 90),
                              .stock = rng_unit(r) < 0.04 ? 0 : (int64_t)rng_below(r, 180) + 3,
                              .appeal = 0.7 * rng_normal(r)};
    (void)snprintf(p->id, sizeof p->id, "P%04d", index + 1);
    (void)snprintf(p->brand, sizeof p->brand, "%s", brand);
    (void)snprintf(p->title, sizeof p->title, "%s %s %s", brand, model, noun->text);
    taste_of(c->path, 1.0, p->taste);
    taste_of(brand, 0.5, p->taste);
    taste_of(noun->text, 0.5, p->taste);
}

static void shopper_make(struct sim_shopper *s, int index, const struct sim_world *w, struct rng *r)
{
    static const char *const locales[] = {"en", "en", "en-GB", "de", "fr"};
    static const char *const zones[] = {"Europe/London", "Europe/Berlin", "Europe/Paris",
                                        "America/New_York"};
    static const char *const devices[] = {"mobile",  "mobile",  "mobile",
                                          "desktop", "desktop", "tablet"};

    *s = (struct sim_shopper){
        .known = rng_unit(r) < 0.6,
        .thrift = 0.5 + 0.5 * fabs(rng_normal(r)),
        .intent = 0.9 * rng_normal(r),
        .locale = locales[rng_below(r, 5)],
        .device = devices[rng_below(r, 6)],
        .timezone = zones[rng_below(r, 4)],
        .visits_per_day = 0.04 + 0.25 * pow(rng_unit(r), 3.0),
    };
    (void)snprintf(s->id, sizeof s->id, s->known ? "customer-%05d" : "visitor-%05d", index + 1);
    for (int f = 0; f < 2; f++) {
        s->favourite[f] = (int)rng_below(r, SIM_CATEGORIES);
        taste_of(categories[s->favourite[f]].path, f == 0 ? 1.0 : 0.6, s->taste);
    }
    /* and one brand, which need not be of a favourite category */
    taste_of(w->products[rng_below(r, SIM_PRODUCTS)].brand, 0.5, s->taste);
}

void sim_world_make(struct sim_world *w, uint64_t seed, int shoppers)
{
    assert(shoppers > 0);
    *w = (struct sim_world){.seed = seed, .shopper_count = shoppers};
    for (int i = 0; i < SIM_PRODUCTS; i++) {
        /* a generator each, so that more shoppers leave those before as they are */
        struct rng r = sim_rng(seed, 1, (uint64_t)i);
        product_make(&w->products[i], i, &r);
    }
    w->shoppers = mem_array((size_t)shoppers, sizeof *w->shoppers);
    for (int i = 0; i < shoppers; i++) {
        struct rng r = sim_rng(seed, 2, (uint64_t)i);
        shopper_make(&w->shoppers[i], i, w, &r);
    }
}

void sim_world_free(struct sim_world *w)
{
    mem_free(&w->shoppers);
}

const char *sim_concern_name(enum sim_concern c)
{
    static const char *const names[CONCERN_COUNT] = {
        "none",     "browsing", "comparing", "shipping_cost", "total_too_high",
        "delivery", "returns",  "size",      "payment",       "coupon",
    };
    assert((unsigned)c < CONCERN_COUNT);
    return names[c];
}
