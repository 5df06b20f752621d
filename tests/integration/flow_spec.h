#ifndef TESTS_INTEGRATION_FLOW_SPEC_H
#define TESTS_INTEGRATION_FLOW_SPEC_H

/* A database of the test's own, events told in one line each, and what the fold made of them. */
#include "base/arena.h"
#include "base/config.h"
#include "eventlog/replay.h"
#include "fold/fold.h"
#include "store/database.h"
#include "store/events.h"

struct flow_bench {
    char *url;
    struct config config;
    struct database database;
    struct db *db;
    struct folder *folder; /* of fold_to_end, from its first call on */
    struct arena arena;    /* of the whole test */
};

/* Fails the test with the error's text. */
void must(bool ok, const struct err *err);

/* Fresh database, small batches and short leases; fails the test where it cannot. */
void flow_open(struct flow_bench *b, const char *name);
void flow_close(struct flow_bench *b);

/* One event; id, type and a shopper are needed. Seconds count from START_US. */
#define START_US INT64_C(1767225600000000) /* 2026-01-01 */
struct told {
    const char *id, *type, *customer, *anonymous, *cart, *order, *product;
    int64_t at_s;
    int64_t quantity;    /* 0: one */
    int64_t price_minor; /* 0: unknown; in EUR */
};
struct event_row row_of(struct flow_bench *b, const struct told *t);
/* Appends in one statement, received an hour after START_US. */
void append(struct flow_bench *b, const struct event_row *rows, size_t count);
void tell_all(struct flow_bench *b, const struct told *events, size_t count);
#define TELL(bench, ...) tell_all((bench), &(struct told){__VA_ARGS__}, 1)

/* Folds to the end of the log, and whoever was put off, in this thread, with one folder for the whole test. */
void fold_to_end(struct flow_bench *b);

/* Empties the log and what was folded; no folder may be in the middle of a step. */
void forget_everything(struct flow_bench *b);
void forget_models(struct flow_bench *b); /* and what their daily checks found */

/* The canonical dump without the versions of bindings and how many logins were told, which say in how many
 * steps it became known who is whom; in arena. */
const char *dump_of(struct flow_bench *b, bool from_log);
/* Replay finds no difference, and nothing is unread. */
void assert_replay_is_clean(struct flow_bench *b);
/* First cell of a query's answer. */
int64_t count_of(struct flow_bench *b, const char *sql);
const char *text_of(struct flow_bench *b, const char *sql); /* in arena */
void run_sql(struct flow_bench *b, const char *sql);

#endif
