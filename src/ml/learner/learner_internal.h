#ifndef ML_LEARNER_LEARNER_INTERNAL_H
#define ML_LEARNER_LEARNER_INTERNAL_H

#include "ml/learner/learner.h"

#include <stddef.h>

/* What the files of the learner share; only they and their tests include this. */

/* From cells to slots and bins. A number's slots are: missing, then its bins in order; an id's:
 * missing, rare, then each id of the dictionary, the most frequent first. */
struct learner_encoder {
    int columns;
    int slots;
    int keys;                  /* places of the dictionary, a power of two; 0 without ids */
    const uint8_t *kind;       /* (columns) */
    const int32_t *first;      /* (columns + 1) first slot */
    const int32_t *edge_start; /* (columns + 1) */
    const double *edges;       /* (edge_start[columns]) rising within a column */
    const uint8_t *bin;        /* (slots) what boosting sees of the slot, below GBDT_BINS_MAX */
    const int64_t *key;        /* (keys) open addressing; 0 is free */
    const int32_t *key_slot;   /* (keys) */
    const double *search;      /* learner_search_make */
};

enum {
    SLOT_MISSING = 0, /* within a column */
    SLOT_RARE = 1,    /* of ids */
    SLOTS_FIXED = 2,
    NUMBER_BINS_MAX = GBDT_BINS_MAX - 1, /* beside the missing one */
};

/* Owner of an encoder's arrays; {0} for those of a file. */
struct learner_arrays {
    uint8_t *kind;
    int32_t *first, *edge_start;
    double *edges;
    uint8_t *bin;
    int64_t *key;
    int32_t *key_slot;
    double *search; /* also with a file's encoder */
};
void learner_arrays_free(struct learner_arrays *a);

/* Learns borders and dictionary from all rows of the table; nothing here looks at labels. feature
 * gets (slots, FM_FIELD_FEATURES_MAX) for the machine, owned by the caller. */
struct learner_encoder learner_encoder_learn(const struct learner_table *table, int id_rows_min,
                                             struct learner_arrays *owned, int32_t **out_feature,
                                             int *out_features);

/* slots (columns) and bins (columns). */
void learner_encode(const struct learner_encoder *e, const union learner_cell *row, int32_t *slots,
                    uint8_t *bins);

/* What learner_encode finds a number's bin with; owned by the caller. */
double *learner_search_make(const struct learner_encoder *e);

/* A dictionary's key of an id in a column; never 0. */
int64_t learner_key(uint64_t id, int column);

/* Margins of rows that the models have not seen. Borrows. */
struct learner_held {
    const double *machine, *boosting; /* (count) NULL: there is none */
    const uint8_t *labels;            /* (count) */
    const uint64_t *group;            /* (count) as learner_table has it, or NULL */
    int count;
};

/* Weights of two margins, none below 0, and an intercept: the least log loss (Newton). A margin
 * that is NULL gets 0. */
struct learner_weights {
    double machine, boosting, intercept;
};
struct learner_weights learner_blend(const struct learner_held *held);

/* The same, but one part alone where both are not better than it by a standard error (ml/judge/paired.h):
 * nobody pays for what does not help. */
struct learner_weights learner_choose_parts(const struct learner_held *held);

/* Log loss by row under these weights; (held->count), owned by the caller. */
double *learner_losses(const struct learner_held *held, const struct learner_weights *w);

/* An example that must score as it did in training. */
struct learner_probes {
    int count;
    const union learner_cell *cells; /* (count, columns) */
};

enum { LEARNER_NUMBERS = 5, LEARNER_SHAPE = 8 };

struct learner {
    struct learner_encoder encoder;
    struct learner_arrays arrays;
    struct fm_field machine; /* no slots: left out */
    struct gbdt boosting;    /* no trees: left out */
    bool owns;               /* machine and probes; boosting knows by itself */
    struct learner_weights weights;
    struct learner_probes probes;
    /* what learner_save lends out, filled by learner_seal: */
    double numbers[LEARNER_NUMBERS]; /* weights, the machine's bias, boosting's base */
    int32_t shape[LEARNER_SHAPE];
    double *sealed_margin; /* (probes.count) owned */
};

/* Fills what learner_save lends out; after every change of the rest. */
void learner_seal(struct learner *l);

#endif
