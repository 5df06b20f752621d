#ifndef BENCH_SESSION_EVAL_H
#define BENCH_SESSION_EVAL_H

#include "base/err.h"
#include "ml/session/session_train.h"

#include <stdint.h>
#include <stdio.h>

/* The protocol of next-item benchmarks: learn from sessions in order of time, then say for each test line which item comes last. */

/* Sessions with the items' numbers of a file, and those numbers: item i of the log is id[i]. Owns both. */
struct session_data {
    struct session_log log;
    int64_t *id; /* (log.items), ascending */
};

/* Reads a training file: a session a line, item numbers of at most 18 digits apart by blanks or tabs. Fails with ERR_INVALID, the path "NAME:LINE", on a line
 * without an item, on anything that is no such number, on a line that is not ended, and on no lines at all. */
CAN_FAIL bool session_data_read(FILE *file, const char *name, struct session_data *out,
                                struct err *err);
void session_data_free(struct session_data *data); /* accepts {0} */

/* Reads a test file by the items of `known`; items it does not know become -1. Fails as above, and on a line of one item. Lines are laid
 * end to end: line q is item[start[q]] .. item[start[q + 1] - 1]. */
struct session_cases {
    int64_t count;
    int64_t *start; /* (count + 1) */
    int32_t *item;
};
CAN_FAIL bool session_cases_read(FILE *file, const char *name, const struct session_data *known,
                                 struct session_cases *out, struct err *err);
void session_cases_free(struct session_cases *cases); /* accepts {0} */

/* Scores each line alone by a model that is only read: rank (cases->count), from 1, 0 if the target is not ranked at all. Answers the CPU time of a
 * query in microseconds, ranking included, one at a time on this thread. */
double session_cases_rank(const struct session_model *model, const struct session_cases *cases,
                          int32_t *rank);

/* Share of ranks within the first 20 and mean of 1 / rank there. */
struct session_quality session_ranks_quality(const int32_t *rank, int64_t count);

#endif
