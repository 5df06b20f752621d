#ifndef DOMAIN_AFFINITY_AFFINITY_H
#define DOMAIN_AFFINITY_AFFINITY_H

#include "base/arena.h"
#include "base/err.h"
#include "domain/shopper/shopper.h"
#include "ml/file/model_file.h"

/* Which products: an affinity model over a model file. Four algorithms serve through the same face: "als" and "blend" (fold-in of the live
 * shopper, exact top-K), "popularity" (time-decayed counts) and "prior" (affinity_prior.h: before anything was trained). Immutable; used by many threads. */
struct affinity;

/* Where a pick came from, best first: the cold-start chain.
 *   SESSION   items nearest to the shopper's factors, folded in from what they did; needs one item the model was trained on
 *   NEW       the same for a product without interactions, whose factors are foretold from its category, brand and price
 *   SIMILAR   like a cart or viewed product that has no factors yet: same category, same brand, nearest price
 *   CATEGORY  popular in a category of the shopper's products
 *   POPULAR   popular overall */
enum pick_source { PICK_SESSION, PICK_NEW, PICK_SIMILAR, PICK_CATEGORY, PICK_POPULAR };
const char *pick_source_name(
    enum pick_source s); /* "session", "new_product", "similar", "popular_in_category", "popular" */

/* What the shopper did with the product a pick is due to; the first that holds. */
enum pick_tie { TIE_NONE, TIE_CART, TIE_BOUGHT, TIE_VIEWED };
const char *pick_tie_name(enum pick_tie t); /* NULL, "in_cart", "bought", "viewed" */

/* What may be said of a pick, as far as the data carry it; of those that are to an own product the later ones say more.
 *   NONE        nothing: the shop has it
 *   TASTE       two others of its category (or of a sister of that, below a category that is not at the top) were looked at, which are neither in the
 *               cart nor bought; where categories are not known the model finds that it fits, by more than that it is popular
 *   POPULAR     of all products more than the mean had to do with it
 *   POPULAR_IN  it is one of the best fifth of its category, by that, and not below the mean there
 *   VIEWED      the shopper has looked at it; said unless something in the cart was chosen together with it, or would be replaced by it
 *   SIMILAR     of the same category as an own product, and of the same brand or of a price at most twice or half as high
 *   NEXT        more often than by chance looked at right after an own product
 *   GOES_WITH   more often than by chance carted or bought in one visit with an own product, of another category, and no more than twice its price
 *   ALTERNATIVE of the same sort as something in the cart (affinity_kind.h), which it would replace, at a price that is about the same or lower: whatever
 *               else could be said, it is no addition */
enum pick_relation {
    RELATION_NONE,
    RELATION_TASTE,
    RELATION_POPULAR,
    RELATION_POPULAR_IN,
    RELATION_VIEWED,
    RELATION_SIMILAR,
    RELATION_NEXT,
    RELATION_GOES_WITH,
    RELATION_ALTERNATIVE
};
/* NULL, "fits", "popular", "popular_in", "viewed", "similar_to", "looked_at_next", "goes_with", "alternative_to" */
const char *pick_relation_name(enum pick_relation r);
/* Whether it is a relation to a product of the shopper's. */
static inline bool pick_relation_is_to_product(enum pick_relation r)
{
    return r >= RELATION_SIMILAR;
}

struct pick {
    const char *product_id; /* borrowed from the model */
    double score;           /* comparable only within one source */
    enum pick_source source;
    enum pick_relation relation;
    const char *
        because; /* the own product; reasons of picks go in no circle, and of SIMILAR it is no other pick; of POPULAR_IN the category; else NULL */
    enum pick_tie tie; /* with because, where that is a product */
};
enum { PICKS_MAX = 100 };
struct picks {
    struct pick items[PICKS_MAX];
    int count;
};

/* Checks the file (kind, schema, shapes, ranges, self-test) and takes it over: the caller's *file is then {0}. On failure it stays the
 * caller's. version is copied ("affinity-als-3"). */
CAN_FAIL bool affinity_load(struct model_file *file, const char *version, struct affinity **out,
                            struct err *err);
void affinity_free(struct affinity **a);
const char *affinity_version(const struct affinity *a);
const char *affinity_algorithm(const struct affinity *a);
int64_t affinity_as_of_us(const struct affinity *a); /* end of the log it was trained on */
int affinity_placed(
    const struct affinity
        *a); /* products without interactions that have factors by what is known of them */
bool affinity_knows(const struct affinity *a,
                    const char *product_id); /* trained on, or in its catalogue */

/* What was bought, or would replace it, is not recommended for so long, where nobody says otherwise: of most things people want one. */
#define AFFINITY_BOUGHT_MEMORY_US INT64_C(15552000000000) /* 180 days */

/* Of the same kind nothing is for so long, at whatever price (or for the shop's memory if that is shorter): who has a coat since last week is not
 * looking for another, nor for one of twice its price. */
#define AFFINITY_KIND_MEMORY_US INT64_C(2592000000000) /* 30 days */

/* What nobody buys a second time does not come back while purchases are remembered. */
#define AFFINITY_NEVER_US INT64_C(34560000000000) /* 400 days */

/* Whether no pick may name it, by what the shopper has: it lies in an open cart, or was bought within the time after which people buy it again,
 * as far as the model (NULL: none) knows one, else within the memory (0: as above); or another of the same kind was that it would replace (of the same
 * sort, or about as dear), or any within the memory of kinds; or another of its category was, of which the model knows that people want one. */
bool affinity_has_already(const struct affinity *m, const struct shopper *s, const char *product_id,
                          int64_t memory_us, int64_t now_us);

/* Filter: true keeps the product (in stock ...); what the shopper has already is always left out. */
typedef bool pick_filter(void *ctx, const char *product_id);

/* Products of the same category as a line of the cart that cost less than it. */
enum pick_substitutes {
    SUBSTITUTES_ALLOWED,
    SUBSTITUTES_LAST, /* only where nothing else is left */
    SUBSTITUTES_NEVER
};

/* What is wanted of the picks, beside that they please. Members left out ask for nothing. */
struct affinity_shelf;
struct pick_wish {
    const struct shopper *shopper;
    int64_t now_us;
    int k; /* 0 .. PICKS_MAX */
    const struct affinity_shelf
        *shelf; /* in stock, at which price (affinity_shelf.h); NULL: all, at training's */
    const char *category; /* this one and those below it: "A" takes "A > B"; NULL: any */
    bool priced;          /* with it: a known price, price_min .. price_max */
    int64_t price_min;
    int64_t price_max;
    const char *const *without; /* product ids */
    size_t without_count;
    int64_t
        bought_memory_us; /* what was bought so long ago may come up again; 0: AFFINITY_BOUGHT_MEMORY_US */
    /* What the cart asks: of its currency, as far as the shelf knows it, always. Unknown prices ask and break nothing. */
    const struct cart *cart; /* NULL: the shopper's open one */
    double dearest_ratio;    /* none dearer than so many times its dearest line; 0: any price */
    enum pick_substitutes substitutes;
    bool
        about_price; /* what makes the shopper hesitate is the price: no alternative is dearer (nor is one where several of its kind lie in the cart) */
    pick_filter *keep;
    void *ctx;
    /* At most two of a family of variants, unless nothing else is left: same category, and either same brand with prices within a tenth of each
     * other, or factors (32 or more) that point the same way, cosine .98. Brand and category unknown: no family. Beside a cart one in three at most is
     * an alternative to something in it, and of three or more one has to do with something in it; what would replace something in it and is dearer than
     * an alternative may be is none of them, whatever is left. */
    bool diverse;
    bool
        by_score; /* the products by their scores alone: a model that spreads picks (affinity_spread.h) does not */
    void (*stage)(void *stage_ctx,
                  const char *done); /* called as stages end, by name: for measurements; NULL */
    void *stage_ctx;
};

/* What the cart of a wish asks of every product beside it. */
struct pick_limits {
    char currency[4];  /* "": any */
    int64_t price_max; /* MONEY_MINOR_MAX: any */
};
struct pick_limits affinity_limits(const struct pick_wish *w);
bool affinity_is_within(const struct pick_limits *limits, int64_t price_minor,
                        const char *currency);

/* Top k for this shopper: what the sources find in what they did (fold-in uses the shopper's recent events and cart lines with the training's
 * event weights and time decay at now_us), then the chain until k are found; says of each pick where it came from. */
void affinity_recommend(const struct affinity *m, const struct pick_wish *wish, struct picks *out);

/* The same for many shoppers at once, for whoever plans ahead: the products are scanned for all of them together. out (count). The answers
 * are those of affinity_recommend one by one. */
void affinity_recommend_many(const struct affinity *m, const struct pick_wish *wishes, int count,
                             int threads, struct picks *out);

/* affinity_recommend without wishes but keep: the bare ranking, as training judges it. */
void affinity_rank(const struct affinity *m, const struct shopper *s, int64_t now_us, int k,
                   pick_filter *keep, void *ctx, struct picks *out);

/* Event weight of the model and of training: 0 for types that say nothing about taste. */
double affinity_event_weight(enum event_type type);

#endif
