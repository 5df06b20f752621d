/* A fresh database for one test program, cloned from the migrated template. It must not know the
 * product: only libpq. Every failure ends the program with a message. */
#ifndef TESTS_SUPPORT_PG_FIXTURE_H
#define TESTS_SUPPORT_PG_FIXTURE_H

#include <stdbool.h>

/* Clones the template into a database named after `name` and this process; returns its URL
 * (postgresql:///...), which the caller frees with pg_fixture_drop. Needs CARTWRIGHT_TEST_PG, which
 * the ctest fixture `postgres` sets. */
char *pg_fixture_database(const char *name);

/* True where the URL leads through a PgBouncer in transaction mode (support/pooled.sh): a test then
 * sees neither the server's process ids nor a session of its own. */
bool pg_fixture_pooled(void);

/* True where the databases are distributed (support/distributed.sh): their tables are in partitions, and some queries have another
 * text. */
bool pg_fixture_distributed(void);

/* Drops the database, ending whatever is still connected, and frees the URL. NULL is fine. */
void pg_fixture_drop(char *url);

/* Waits until a statement of some other connection to conn's database stands in line for a lock, 20 s at
 * most. */
struct pg_conn;
void pg_fixture_await_lock(struct pg_conn *conn);

#endif
