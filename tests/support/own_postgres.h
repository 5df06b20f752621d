/* A PostgreSQL of the test program's own, for tests that stop it or let it stand still. */
#ifndef SUPPORT_OWN_POSTGRES_H
#define SUPPORT_OWN_POSTGRES_H

/* cmocka group setup and teardown: starts it with a migrated template, and CARTWRIGHT_TEST_PG names it from then on. */
int own_postgres_start(void **state);
int own_postgres_stop(void **state);

/* Runs support/postgres.sh with this verb on it: crash, resume, freeze, thaw. Fails the test if that fails. */
void own_postgres(const char *verb);

#endif
