/* `pg_ctl stop -m immediate` (what kill -9 of all of PostgreSQL amounts to) under load: the service
 * must live through it, and keep its promises. It works on a server of its own. */
#include "crash/scene.h"

#include "support/own_postgres.h"
#include "support/spec.h"

#include "base/rng.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 5, ROUNDS_LONG = 100, UP_MS = 1500, DOWN_MS = 400, RECOVERY_MS = 5000 };

/* Events are stored again within RECOVERY_MS of the database's return. */
static void await_recovery(struct scene *s, const struct service *service)
{
    PGconn *conn = PQconnectdb(s->database_url);
    long long first = -1;

    for (int waited_ms = 0; waited_ms < RECOVERY_MS; waited_ms += 50) {
        PGresult *res = PQexec(conn, "SELECT count(*) FROM cartwright.event");
        long long now = PQntuples(res) == 1 ? strtoll(PQgetvalue(res, 0, 0), NULL, 10) : -1;
        PQclear(res);
        if (first >= 0 && now > first) {
            PQfinish(conn);
            return;
        }
        first = first < 0 ? now : first;
        wait_ms(50);
    }
    PQfinish(conn);
    ledger_violation(s->ledger, "nothing was stored for %d ms after the database was back",
                     RECOVERY_MS);
    service_print_log(service);
}

static void a_database_that_is_stopped_at_once_costs_nothing_that_was_promised(void **state)
{
    (void)state;
    struct scene *s = scene_open("database_stop", 3);
    struct service service = service_start(s->database_url, scene_flags);
    struct rng rng = rng_seed(4);
    int n = rounds(ROUNDS, ROUNDS_LONG);

    storm_aim(s->storm, service.port, 0);
    for (int i = 0; i < n; i++) {
        wait_ms(UP_MS / 2 + (int)rng_below(&rng, UP_MS));
        own_postgres("crash");
        wait_ms((int)rng_below(&rng, DOWN_MS));
        own_postgres("resume");
        await_recovery(s, &service);
    }
    print_message("%d immediate stops\n", n);
    if (!service_alive(&service)) {
        ledger_violation(s->ledger, "the service did not survive");
        service_print_log(&service);
    } else {
        storm_aim(s->storm, 0, 0);
        if (ledger_violations(s->ledger) > 0) {
            service_print_log(&service);
        }
        int code = service_stop(&service);
        if (code != 0) {
            ledger_violation(s->ledger, "the service ended with %d", code);
            service_print_log(&service);
        }
    }
    assert_int_equal(scene_close(&s), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_database_that_is_stopped_at_once_costs_nothing_that_was_promised),
    };

    return cmocka_run_group_tests(tests, own_postgres_start, own_postgres_stop);
}
