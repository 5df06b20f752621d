#ifndef DOMAIN_AFFINITY_AFFINITY_FILE_H
#define DOMAIN_AFFINITY_AFFINITY_FILE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "domain/affinity/affinity.h"
#include "ml/als/als.h"
#include "ml/linear/csr.h"

#include <stdint.h>

/* How training writes an affinity model; serving needs affinity.h only. */

struct affinity_item {
    const char *id;
    const char *title;    /* NULL unknown; only told by, not kept */
    const char *category; /* NULL unknown */
    const char *brand;    /* NULL unknown */
    int64_t price_minor;  /* MONEY_UNKNOWN */
    int64_t
        repeat_us; /* after which people buy it again; AFFINITY_NEVER_US: they do not; 0: nobody can tell */
    bool once;        /* who has bought one of its category buys no other for so long */
    float popularity; /* sum of decayed event weights, >= 0 */
};

/* A section of a source beyond the factors (domain/affinity/affinity_internal.h tells how a source reads it back). */
struct affinity_section {
    const char *name;
    enum model_dtype dtype;
    const void *data;
    uint64_t count; /* elements */
};

/* Borrows everything. */
struct affinity_parts {
    const struct affinity_item *items; /* distinct ids; those with interactions first */
    int count;
    int trained;               /* how many have interactions: rows of factors; 0 for a prior only */
    bool prior;                /* domain/affinity/affinity_prior.h; without factors */
    const struct mat *factors; /* (trained, k); NULL makes a popularity model */
    const struct als_options *options; /* of the training; NULL with factors */
    const struct csr
        *weights; /* (trained, trained) of item_item_train; beside factors: makes a blend; NULL */
    float item_share;        /* of the blend, as ml/items/rank_model.h mixes it */
    float weight_exponent;   /* of the item-item training */
    const float *item_scale; /* (trained) als_item_scales of the training; NULL: all 1 */
    double shopper_mean;     /* likewise; 0 where the weights of shoppers are not scaled */
    int64_t from_us;
    int64_t as_of_us;
    const char *card; /* JSON */
    const struct affinity_section *more;
    int more_count;
};

/* The bytes of a model file and their SHA-256; *out is owned by the caller (buf_free). */
CAN_FAIL bool affinity_write(const struct affinity_parts *parts, struct buf *out,
                             uint8_t out_sha256[SHA256_BYTES], struct err *err);

/* Weight that remains of an event's weight after its age; half after AFFINITY_HALF_LIFE_US. */
double affinity_decay(int64_t age_us);

#endif
