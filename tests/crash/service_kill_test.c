/* kill -9 of the service under load, again and again; every fifth time it is only put to sleep for
 * longer than its leases last, and wakes beside its successor. Nothing that was promised may be
 * lost, nothing may happen twice. */
#include "crash/scene.h"

#include "support/spec.h"

#include "base/rng.h"

#include <signal.h>
#include <stdio.h>

enum { ROUNDS = 40, ROUNDS_LONG = 500, LIFE_MIN_MS = 300, LIFE_MAX_MS = 1500, TOGETHER_MS = 600 };

static void live_and_be_killed(struct scene *s, struct rng *rng)
{
    struct service service = service_start(s->database_url, scene_flags);

    storm_aim(s->storm, service.port, 0);
    wait_ms(LIFE_MIN_MS + (int)rng_below(rng, LIFE_MAX_MS - LIFE_MIN_MS));
    if (!service_alive(&service)) {
        ledger_violation(s->ledger, "the service ended by itself");
        service_print_log(&service);
        return;
    }
    service_kill(&service);
}

/* The zombie believes that its leases still hold. */
static void sleep_and_wake_beside_another(struct scene *s, struct rng *rng)
{
    struct service zombie = service_start(s->database_url, scene_flags);

    storm_aim(s->storm, zombie.port, 0);
    wait_ms(LIFE_MIN_MS + (int)rng_below(rng, LIFE_MIN_MS));
    (void)kill(zombie.pid, SIGSTOP);
    struct service next = service_start(s->database_url, scene_flags);
    storm_aim(s->storm, next.port, 0);
    wait_ms(2 * SCENE_LEASE_MS);
    storm_aim(s->storm, next.port, zombie.port);
    (void)kill(zombie.pid, SIGCONT);
    wait_ms(TOGETHER_MS);
    service_kill(&zombie);
    storm_aim(s->storm, next.port, 0);
    wait_ms((int)rng_below(rng, LIFE_MIN_MS));
    service_kill(&next);
}

static void a_service_that_is_killed_loses_nothing_and_says_nothing_twice(void **state)
{
    (void)state;
    struct scene *s = scene_open("service_kill", 1);
    struct rng rng = rng_seed(2);
    int n = rounds(ROUNDS, ROUNDS_LONG);

    for (int i = 0; i < n; i++) {
        if (i % 5 == 4) {
            sleep_and_wake_beside_another(s, &rng);
        } else {
            live_and_be_killed(s, &rng);
        }
    }
    print_message("%d rounds\n", n);
    assert_int_equal(scene_close(&s), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_service_that_is_killed_loses_nothing_and_says_nothing_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
