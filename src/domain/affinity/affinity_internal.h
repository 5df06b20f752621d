#ifndef DOMAIN_AFFINITY_AFFINITY_INTERNAL_H
#define DOMAIN_AFFINITY_AFFINITY_INTERNAL_H

#include "base/arena.h"
#include "base/clock.h"
#include "domain/affinity/affinity_file.h"
#include "ml/als/als_serve.h"
#include "ml/topk/topk_share.h"

/* What the affinity files share; nobody else includes this. */
#define AFFINITY_KIND_ALS        "affinity-als"
#define AFFINITY_KIND_BLEND      "affinity-blend" /* the same, and item-item weights */
#define AFFINITY_KIND_POPULARITY "affinity-popularity"
#define AFFINITY_KIND_PRIOR      "affinity-prior"
/* Taste fades: an event counts half after a month. */
#define AFFINITY_HALF_LIFE_US DAYS(30)

enum {
    AFFINITY_PROBES = 4, /* most popular items whose fold-in is the file's self-test */
    AFFINITY_RIDGE =
        5, /* reg, exponent, unobserved weight, exponent of shoppers, their mean weight */
};

/* Who proposes candidates, in the order of affinity_sources. */
enum source { SOURCE_FACTORS, SOURCE_ITEM, SOURCE_VISITS, SOURCE_COUNT };

/* For each trained product the products it has to do with, ascending; start NULL: nobody has counted. Views of the file. */
struct pair_lists {
    const int64_t *start; /* (trained + 1) */
    const int32_t *target;
};

struct affinity {
    struct model_file file; /* owned; everything but what is computed below looks into it */
    char version[64];
    int64_t from_us;
    int64_t as_of_us;
    int count; /* items: 0 .. trained-1 have factors, the rest are only in the catalogue */
    int trained;
    const uint8_t *id_text; /* ids, each ended by a zero */
    const int64_t *id_start;
    const float *popularity;
    const int32_t *category; /* 0: none */
    const int32_t *brand;    /* 0: none */
    const int64_t *price;    /* MONEY_UNKNOWN */
    const int64_t *repeat; /* after which it is bought again; 0 not known. NULL: a file of before */
    const uint8_t *once; /* 1: who has one of its category wants no other. NULL: a file of before */
    const int32_t *kind; /* affinity_kind.h. NULL: a file of before */
    const int32_t *sort; /* likewise */
    int categories;      /* with number 0, "" */
    const uint8_t *category_text;
    const int64_t *category_start;
    struct pair_lists together; /* carted or bought in one visit beyond chance */
    struct pair_lists next;     /* looked at right after it beyond chance */
    int32_t *
        department; /* (categories) equal: they lie below the same category; 0: below none. Owned */
    int32_t *aisle; /* the same, 0 also below one at the top: "Shoes > Women" and not "Shoes" */
    const float *log_lift; /* (SPREAD_LENGTHS, count) of affinity_spread.h; NULL: none is lifted */
    bool is_als;           /* it has factors */
    bool is_blend;         /* and item-item weights */
    bool is_prior;         /* nothing was trained */
    struct mat factors;    /* (trained, k), in the eigenbasis of their Gram matrix */
    const float *spectrum; /* (k) of their Gram matrix */
    struct mat
        placed; /* (trained, k) the same, or (count, k): behind them the others, placed by what is known of them */
    struct als_server server; /* over the factors */
    /* computed at load, owned */
    struct topk_share
        *share; /* in front of the index: requests that come together are scanned for together */
    struct topk_index *index;   /* over what is placed; NULL without factors */
    int32_t *order;             /* (count) most popular first */
    int32_t *by_category;       /* (count) category by category, most popular first */
    int32_t *category_first;    /* (categories + 1) */
    float *category_popularity; /* (categories) from which on one of them is popular in it */
    float mean_popularity;
    int32_t *slots; /* hash table of items by id; -1 free */
    uint64_t slot_mask;
    /* what each source keeps of the file, owned by the source; NULL: it has nothing there */
    void *part[SOURCE_COUNT];
    float blend[SOURCE_COUNT]; /* weight of the source's score; 0: it does not count */
};

void affinity_schema(uint8_t out[SHA256_BYTES]);

/* -1: the model does not know it. */
int affinity_find(const struct affinity *m, const char *product_id);

static inline const char *affinity_item_id(const struct affinity *m, int item)
{
    return (const char *)m->id_text + m->id_start[item];
}

static inline const char *affinity_category_name(const struct affinity *m, int category)
{
    return (const char *)m->category_text + m->category_start[category];
}

/* Indexes of a loaded model; fails with ERR_INVALID on an id that is there twice. */
CAN_FAIL bool affinity_index(struct affinity *m, struct err *err);

/* ---- ranking: own -> candidates of every source -> blend -> diversity -> picks ---- */

/* What the shopper did, as the sources see it. */
enum {
    RANK_LINES_MAX = 200, /* of a larger cart's lines, the first tell what the shopper likes */
    OWN_MAX = RECENT_MAX + PURCHASES_MAX + RANK_LINES_MAX
};
struct own_item {
    int32_t item;    /* distinct; item < trained has factors */
    float weight;    /* event weights of training, faded to now, added up; > 0 */
    int64_t last_us; /* when it was last touched */
    bool in_cart;    /* of the open cart */
    bool bought;     /* as far as is remembered */
    bool viewed;     /* lately, whatever else they did with it */
};
struct own_step {
    int32_t item;
    enum event_type type;
    int64_t at_us;
};
struct own {
    struct own_item items[OWN_MAX]; /* the last events oldest first, older purchases, cart lines */
    int count;
    struct own_step
        steps[RECENT_MAX]; /* the last events about products the model knows, oldest first */
    int step_count;
};

/* A product that somebody proposed. Scores of sources that have nothing to say of it are 0 and not in `scored`. */
struct candidate {
    int32_t item;
    uint32_t scored; /* bit s: score[s] counts */
    float score[SOURCE_COUNT];
    float blended; /* what it is ranked by, set by ranking_blend */
};

enum { CANDIDATES_MAX = 1024, CANDIDATE_SLOTS = 2 * CANDIDATES_MAX };
struct candidates {
    struct candidate all[CANDIDATES_MAX];
    int count;
    int16_t slots[CANDIDATE_SLOTS]; /* hash of items to 1 + their place in all; 0 free */
};

/* What affinity_shelf.h tells of. */
struct affinity_shelf {
    int count;
    uint64_t *stocked;  /* a bit an item */
    int64_t *price;     /* (count) MONEY_UNKNOWN */
    uint64_t *titled;   /* a bit an item */
    uint32_t *currency; /* (count) by shelf_currency; 0 unknown */
    uint32_t one_currency;
    bool is_mixed; /* there are others than that one */
};

static inline uint32_t shelf_currency(const char currency[4])
{
    return (uint32_t)(unsigned char)currency[0] << 16 | (uint32_t)(unsigned char)currency[1] << 8 |
           (uint32_t)(unsigned char)currency[2];
}

/* What a pick may undercut: the dearest line of the cart in a category. */
struct rank_line {
    int32_t category;
    int64_t price_minor;
};

/* Why a pick is shown: the last three members of struct pick, and the own product as a number. */
struct reason {
    enum pick_relation relation;
    const char *because;
    enum pick_tie tie;
    int32_t due_to; /* -1: no product */
};

/* One request for picks, filled stage by stage. */
struct ranking {
    const struct affinity *model;
    const struct pick_wish *wish;
    const struct shopper *shopper;
    const struct cart *cart; /* beside which the picks stand; NULL */
    struct pick_limits limits;
    struct rank_line *lines; /* in arena */
    size_t line_count;
    bool undercuts;   /* cheaper substitutes of them may be picked */
    bool other_kinds; /* cheaper products of their categories, but of other kinds, may be */
    int64_t now_us;
    int wanted;
    int depth;                 /* candidates to propose, each source */
    struct topk_filter filter; /* everything that decides whether an item may be shown */
    uint64_t *excluded; /* of the filter; a bit an item: in a cart, bought, or picked already */
    bool diverse;
    bool for_the_cart; /* one place is kept for what has to do with it */
    struct own own;
    struct candidates candidates;
    void
        *state[SOURCE_COUNT]; /* what a source keeps between its calls for this request; in arena */
    struct arena *arena;      /* of this request */
    struct picks *out;
    int32_t picked[PICKS_MAX]; /* items of out */
    int32_t due_to[PICKS_MAX]; /* their reasons' own products; -1 */
};

bool ranking_full(const struct ranking *r);
bool ranking_allows(const struct ranking *r, int item);
void ranking_exclude(struct ranking *r, int item);
void ranking_add(struct ranking *r, int item, double score, enum pick_source source,
                 const struct reason *why);

/* What the cart asks for: the filter's prices, currencies and titles (affinity_limits.c). */
void ranking_limit(struct ranking *r);
/* Whether the item is of the category of a line of the cart, and cheaper. The filter asks it while r->undercuts is not set. */
bool ranking_undercuts(const struct ranking *r, int item);
/* Whether the item costs more than an alternative to this product of the cart may, as far as both prices are known, in one currency. */
bool ranking_is_dearer(const struct ranking *r, int item, int in_cart);
/* What the shopper did with the item; NULL: nothing that is remembered. Borrowed. */
const struct own_item *ranking_own_of(const struct ranking *r, int item);
/* Whether the item is of the category of a line of the cart, costs far more than any of these, and the shopper has never come upon it. */
bool ranking_towers(const struct ranking *r, int item);
/* Whether its name says that it is another kind of thing than whatever of its category lies in the cart: a pillow beside a mattress. */
bool ranking_is_another_kind(const struct ranking *r, int item);

/* Something that holds of two products. */
typedef bool two_products(const struct affinity *m, int a, int b);

/* Of one sort, so that either would be an alternative to the other. */
static inline bool affinity_same_sort(const struct affinity *m, int a, int b)
{
    return m->sort && m->sort[a] != 0 && m->sort[a] == m->sort[b];
}

/* Of one kind, of whatever sort. */
static inline bool affinity_same_kind(const struct affinity *m, int a, int b)
{
    return m->kind && m->kind[a] != 0 && m->kind[a] == m->kind[b];
}

/* Whether who has the one lately wants the other no more, as far as their names tell: of one sort; or of one kind, and about as dear. */
bool affinity_replaces(const struct affinity *m, int a, int b);

/* Reasons (affinity_reason.c). */
CAN_FAIL bool reason_load(struct affinity *m, struct err *err);
void reason_index(struct affinity *m); /* after affinity_index has its categories */
enum pick_relation affinity_relation(const struct affinity *m, int own, int item);
/* What is popular follows on anything, and has something of a weight by every product: related is what has so many times as much. */
#define RELATED_RATIO 2.0F
/* Whether a pick with this reason may stand where it is asked for: everything may where there is no cart. c: as what it was found; NULL: by no source
 * (affinity_beside.c). */
bool ranking_may_say(const struct ranking *r, int item, const struct candidate *c,
                     const struct reason *why);
/* Whether it may be said that the item fits what the shopper has looked at: beside a cart, only where that is more than one look. */
bool ranking_suits(const struct ranking *r, int item, const struct candidate *c);
/* Whether it can be said to fit what the shopper did, by who sees both. */
bool ranking_fits(const struct ranking *r, int item, const struct candidate *c);
bool ranking_is_beside_a_cart(const struct ranking *r);
/* Whether something in the cart is of its category, or has to do with it by the evidence of a claim. */
bool ranking_is_of_cart(const struct ranking *r, int item);
/* After affinity_index has its categories. */
void beside_index(struct affinity *m);
/* Of a pick due to the own product `lead` (-1: unknown), or what can be said instead. c: as above. */
struct reason ranking_reason(const struct ranking *r, int item, int lead,
                             const struct candidate *c);
/* The own product in the cart that the item would replace, and is not too dear to be an alternative to; -1: none. */
int ranking_replaces(const struct ranking *r, int item);
/* Whether the item would replace something in the cart, but is too dear to be an alternative to any of that: no recommendation, unless a category or
 * a price was asked for. */
bool ranking_outprices(const struct ranking *r, int item);
/* When all picks are there: what is said to be like another pick is said otherwise. */
void ranking_settle(struct ranking *r);
/* Of one that came from a list of what is popular. */
struct reason ranking_reason_popular(const struct ranking *r, int item, enum pick_source source);

/* Whether only the last of several is missing, and none has to do with the cart. */
bool ranking_keeps_a_place(const struct ranking *r);
/* Whether the picks so far hold less than two variants of the item, or nobody asked for diversity. */
bool ranking_varies(const struct ranking *r, int item);
bool affinity_are_variants(const struct affinity *m, int a, int b);

/* Tells whoever measures that a stage has ended. */
static inline void ranking_stage(const struct ranking *r, const char *name)
{
    if (r->wish->stage) {
        r->wish->stage(r->wish->stage_ctx, name);
    }
}

/* Spreading (affinity_spread.c). */
CAN_FAIL bool spread_load(struct affinity *m, struct err *err);
bool ranking_spreads(const struct ranking *r);
void ranking_spread(struct ranking *r); /* sorts the candidates anew, by their lifted scores */
void ranking_order(struct ranking *r,
                   int first); /* puts the picks from there on in the order of their scores */

/* First stage: fills r->own. */
void ranking_own(struct ranking *r);

/* Source s proposes the item, or scores one that another proposed: the first score of a source stays. Only items that ranking_allows
 * lets through may be put. A full list takes no new item. */
void ranking_put(struct ranking *r, enum source s, int item, float score);

/* Which of the shopper's own products a candidate is due to. */
struct cause {
    int32_t item; /* of own; -1: none could be told */
    float share;  /* of the source's score of the candidate */
};

/* One way of finding products. To add one:
 *   1. a number in enum source, before SOURCE_COUNT; a row in affinity_sources (affinity_blend.c);
 *   2. a file domain/affinity/affinity_NAME.c with the functions of the row, and what it keeps of the model file behind m->part[SOURCE_NAME];
 *   3. its sections: training hands them to affinity_write as affinity_parts.more, `load` reads them; models/README.md lists them;
 *   4. its weight: m->blend[SOURCE_NAME], set by load (from a section, so that training decides). With one source the blend is
 *      that source's score; with several, scores are added up with these weights, so a source's scores should be of comparable
 *      size for every shopper (or normalised by the source within the request).
 * All functions but `collect` may be NULL. None of them fails at request time: a source that cannot answer proposes nothing. */
struct source_row {
    const char *name;
    /* Reads its sections, checks every number (the file may be anybody's), sets part and blend. A file without the sections is
     * fine: part stays NULL. Called after ids, categories, popularity and factors were read. */
    bool (*load)(struct affinity *m, struct err *err);
    /* Frees part; called for a half-loaded one too. */
    void (*release)(struct affinity *m);
    /* Proposes up to r->depth items with ranking_put. Reads r->own, may keep state in r->state[s]. */
    void (*collect)(struct ranking *r);
    /* Scores candidates that other sources proposed (those without its bit), after all have collected. */
    void (*score)(struct ranking *r);
    /* Who is to thank for its score of the item; NULL: it never tells. */
    struct cause (*explain)(const struct ranking *r, int item);
};
extern const struct source_row affinity_sources[SOURCE_COUNT];

/* The score of a candidate j is
 *
 *     base_j + v u p_j
 *
 * base_j: of a model with item-item weights what ml/items/rank_model.h defines, (1 - share) a_j / |a| + share b_j / |b|, in which a product without a
 * history has the first part alone; of one without them the factors' score a_j.
 * p_j: the chance that j comes next in a visit like this one (affinity_visit.c), 0 where the model has no visits; v: their weight, chosen in training
 * on shoppers held out, with the base as it serves. u: 1 beside a_j, the root of the number of trained products beside a blend, whose norm over
 * them is 1: either way the most that the base can be.
 *
 * Products that none of the sources proposes are not ranked: each hands in its best r->depth. */

/* Collects from every source, lets each score what the others found, and sorts candidates, best blended score first, equal ones by item; then lifts
 * those that are shown too seldom. */
void ranking_candidates(struct ranking *r);

/* The product of the shopper's own that the candidate is due to: asked of the source that adds most to the blended score. -1: unknown. */
int ranking_because(const struct ranking *r, const struct candidate *c);

/* The source of the factors (affinity_factors.c). Many rankings may be searched for together before they collect; the answers are the same. */
void factors_search_together(struct ranking *const *rankings, int count, int threads);
void factors_collect(struct ranking *r);
void factors_score(struct ranking *r);
struct cause factors_explain(const struct ranking *r, int item);

/* The source of the item-item weights (affinity_item.c). */
CAN_FAIL bool item_load(struct affinity *m, struct err *err);
void item_release(struct affinity *m);
void item_collect(struct ranking *r);
void item_score(struct ranking *r);
struct cause item_explain(const struct ranking *r, int item);
/* Whether the shopper's own products speak for the item more than any others would. */
bool item_relates(const struct ranking *r, int item);

/* The source of the visits (affinity_visit.c, affinity_visit_file.c). */
struct session_model;
CAN_FAIL bool visits_load(struct affinity *m, struct err *err);
void visits_release(struct affinity *m);
void visits_collect(struct ranking *r);
struct cause visits_explain(const struct ranking *r, int item);
/* The file's model of visits, if it has one: the graph is a view, the rest owned. known: items of the affinity model. */
CAN_FAIL bool visits_read(const struct model_file *file, int known, struct session_model *out,
                          float *out_weight, bool *out_found, struct err *err);

/* The stages for those the sources know nothing of: similar, popular in category, popular (affinity_cold.c). */
void ranking_cold(struct ranking *r);

#endif
