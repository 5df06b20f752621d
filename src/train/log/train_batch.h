#ifndef TRAIN_LOG_TRAIN_BATCH_H
#define TRAIN_LOG_TRAIN_BATCH_H

#include "store/events.h"
#include "train/log/train_log.h"

/* A stretch of the log on its way through train_log.c: rows of whole shoppers first, the shoppers once it is decoded. One thread at a time. */

/* What retention left of each shopper, by key; read-only once read. */
struct base_doc {
    const char *key;
    const char *doc;
};
struct train_bases {
    struct arena arena;
    struct base_doc *docs; /* (count) ascending by key */
    size_t count;
    size_t cap;
};
/* active_us: of shoppers with an event after it; INT64_MIN: all. */
CAN_FAIL bool train_bases_read(struct db *db, int64_t active_us, struct train_bases *out,
                               struct err *err);
void train_bases_free(struct train_bases *b);

struct train_batch {
    struct arena row_arena;
    struct log_event *rows; /* (row_count) in arena, in the log's order */
    size_t row_count;
    size_t row_cap;
    /* by train_batch_decode */
    struct arena arena;
    struct train_key *keys; /* (key_count) those that training is shown */
    size_t key_count;
    struct train_log log; /* of this stretch */
    bool failed;          /* err says why */
    struct err err;
};

/* Copies the row. Rows of one shopper must follow one another in one batch. */
void train_batch_add(struct train_batch *b, const struct log_event *e);
/* True if the key is not that of the last row. The batch holds rows. */
bool train_batch_is_other(const struct train_batch *b, const char *key);
/* Decodes and folds: keys, log, failed. */
void train_batch_decode(struct train_batch *b, const struct train_bases *bases);
void train_batch_reset(struct train_batch *b); /* for the next stretch; keeps memory */
void train_batch_free(struct train_batch *b);

#endif
