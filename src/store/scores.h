#ifndef STORE_SCORES_H
#define STORE_SCORES_H

#include "store/pg/db.h"

/* Scores of carts that nothing has happened to since another model scored them. */
struct unscored {
    int lane;
    const char *key;
    const char *cart_id;
    const char *doc; /* of the shopper */
};
struct cart_score {
    int lane;
    const char *key;
    const char *cart_id;
    int64_t seen_us; /* last event the score knows of */
    double risk;
};

struct unscored_query {
    const char *model;
    int64_t seen_from_us;
    struct unscored after; /* doc is not read; lane -1: from the start */
    int limit;
};
/* Open carts of people, seen since seen_from_us, whose score is not by the model, in order after `after`; in arena. */
CAN_FAIL bool store_carts_unscored(struct db *db, const struct unscored_query *q, struct arena *a,
                                   struct unscored **out, size_t *out_count, struct err *err);
CAN_FAIL bool store_carts_score(struct db *db, const char *model, int64_t scored_us,
                                const struct cart_score *scores, size_t count, struct err *err);

#endif
