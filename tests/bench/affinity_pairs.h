#ifndef BENCH_AFFINITY_PAIRS_H
#define BENCH_AFFINITY_PAIRS_H

/* Published splits read for eval_affinity: who had to do with what. Ids may be any texts without white space. */
#include "base/err.h"
#include "ml/linear/csr.h"
#include "train/affinity/train_ids.h"

enum pair_format {
    PAIRS_LINES,     /* "user item item ...", a user may come again */
    PAIRS_MOVIELENS, /* "user item rating time": one pair a line, whatever the rating */
};

struct pair_ids {
    struct id_table users;
    struct id_table items;
};
void pair_ids_free(struct pair_ids *ids);

/* Reads a file, which may be a pipe; new ids are added. out: one entry of weight 1 for each different pair, (users, items) as they are known by then; owned by the
 * caller (csr_free). Blank lines are skipped, other malformed ones refused by number. */
CAN_FAIL bool pairs_read(const char *path, enum pair_format format, struct pair_ids *ids,
                         struct csr *out, struct err *err);

#endif
