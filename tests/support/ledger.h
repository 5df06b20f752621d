/* The ledger of the crash tests: what the program promised to its clients, compared in the end with
 * what is in the database. It knows the tables, and nothing of the code. Each writer belongs to one
 * thread; violations may come from any. */
#ifndef SUPPORT_LEDGER_H
#define SUPPORT_LEDGER_H

#include <libpq-fe.h>
#include <stddef.h>

struct ledger;

enum { LEDGER_ID_MAX = 48 };

struct ledger *ledger_open(int writers);
void ledger_close(struct ledger *l);

/* A new event of the writer, about to be sent; fills its id. Returns its number. */
size_t ledger_event(struct ledger *l, int writer, char id[LEDGER_ID_MAX]);
/* The program said that it is stored. */
void ledger_acked(struct ledger *l, int writer, size_t event);

/* An answer that said a message is to be sent. */
struct ledger_outreach {
    const char *outreach_id;
    const char *cart_id;
    long round;
    long step;
    const char *message; /* JSON */
};
void ledger_outreach(struct ledger *l, int writer, const struct ledger_outreach *o);

/* Something happened that must not; printed at once. */
void ledger_violation(struct ledger *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Remembers where the cursors of the lanes stand; one that went back is a violation. False if the
 * database did not answer. One thread. */
int ledger_look_at_cursors(struct ledger *l, PGconn *conn);

/* Compares with the database, once nobody writes any more:
 * - what was acknowledged is in the log, and nothing is there twice or that nobody sent;
 * - every event lies in the lane of its key;
 * - every answer that said "send" is a row with the same message, one outreach a cart, round, step;
 * - every send has exactly one outreach_released in its lane's log, and every such event its send. */
void ledger_check(struct ledger *l, PGconn *conn);

/* Events past the cursors of the fold. */
long ledger_lag(PGconn *conn);

size_t ledger_violations(const struct ledger *l);
/* One line: sent, acknowledged, messages, violations. */
void ledger_summary(const struct ledger *l, PGconn *conn);

#endif
