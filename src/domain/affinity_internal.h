#ifndef DOMAIN_AFFINITY_INTERNAL_H
#define DOMAIN_AFFINITY_INTERNAL_H

#include "base/clock.h"
#include "domain/affinity_file.h"
#include "ml/topk.h"

/* What the affinity files share; nobody else includes this. */
#define AFFINITY_KIND_ALS        "affinity-als"
#define AFFINITY_KIND_POPULARITY "affinity-popularity"
/* Taste fades: an event counts half after a month. */
#define AFFINITY_HALF_LIFE_US DAYS(30)

enum { AFFINITY_PROBES = 4 }; /* most popular items whose fold-in is the file's self-test */

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
    int categories;          /* with number 0, "" */
    const uint8_t *category_text;
    const int64_t *category_start;
    bool is_als;
    struct mat factors; /* (trained, k) */
    struct mat gram;    /* (k, k) */
    struct als_options options;
    /* computed at load, owned */
    int32_t *order;          /* (count) most popular first */
    int32_t *by_category;    /* (count) category by category, most popular first */
    int32_t *category_first; /* (categories + 1) */
    int32_t *slots;          /* hash table of items by id; -1 free */
    uint64_t slot_mask;
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

/* One request for picks, filled stage by stage. */
struct ranking {
    const struct affinity *model;
    const struct shopper *shopper;
    const struct cart *cart; /* the open cart; NULL */
    int64_t now_us;
    int wanted;
    pick_filter *keep;
    void *ctx;
    uint64_t *excluded; /* a bit an item: in a cart, bought, or picked already */
    struct picks *out;
};

bool ranking_full(const struct ranking *r);
bool ranking_allows(const struct ranking *r, int item);
void ranking_exclude(struct ranking *r, int item);
void ranking_add(struct ranking *r, int item, double score, enum pick_source source,
                 const char *because);

/* First stage: what the factors say. */
void ranking_session(struct ranking *r);

#endif
