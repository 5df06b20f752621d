/* Sets that are swapped while they are read, while events are told and while others look: each of the locks of live.c is missed here, by ThreadSanitizer or
 * by what is asserted. Nothing is trained, and no product is known, so that whoever meets the shop looks: what changes is a day of the shop, which makes a
 * new set as a model does. */
#include "integration/flow_spec.h"

#include "base/clock.h"
#include "base/stop.h"
#include "live/live.h"
#include "store/pg/pool.h"
#include "support/folder.h"
#include "support/spec.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

enum { READERS = 3, TELLERS = 2, LOOKERS = 4, THREADS = READERS + TELLERS + LOOKERS, SWAPS = 200 };

static struct flow_bench bench;
static struct pool *pool;

static int open_bench(void **state)
{
    struct err err = {0};
    (void)state;
    flow_open(&bench, "live_swaps");
    (void)snprintf(bench.config.data_dir, sizeof bench.config.data_dir, "%s", folder_of_run());
    must(pool_open(bench.database.conninfo, bench.database.prepared, LOOKERS, SECONDS(60), &pool,
                   &err),
         &err);
    return 0;
}

static int close_bench(void **state)
{
    (void)state;
    pool_close(&pool);
    flow_close(&bench);
    return 0;
}

static struct live *opened(bool watch)
{
    struct live *live = NULL;
    struct err err = {0};

    must(live_open(&bench.database, &bench.config, watch, &live, &err), &err);
    return live;
}

static size_t days_of(struct live *live)
{
    const struct live_set *set = live_acquire(live);
    const size_t count = set->context.days->count;

    live_release(live, &set);
    return count;
}

/* ---- at once ---- */

struct scene {
    struct live *live;
    atomic_bool stop;
    atomic_int wrong;
    atomic_int rounds;
};

/* A day is never taken back, and all of a set's are there: the last is as many days after the first as there are between. */
static void *read_on(void *arg)
{
    struct scene *s = arg;
    size_t before = 0;

    while (!atomic_load(&s->stop)) {
        const struct live_set *set = live_acquire(s->live);
        const struct shop_days *days = set->context.days;
        const bool whole = days->count == 0 || days->all[days->count - 1].day ==
                                                   days->all[0].day + (int32_t)days->count - 1;
        if (days->count < before || !whole || set->risk == NULL) {
            atomic_fetch_add(&s->wrong, 1);
        }
        before = days->count;
        live_release(s->live, &set);
        atomic_fetch_add_explicit(&s->rounds, 1, memory_order_relaxed);
        (void)stop_wait_us(200);
    }
    return NULL;
}

static void *tell_on(void *arg)
{
    struct scene *s = arg;
    struct event_item item = {.product_id = "hat"};
    const struct event viewed = {.type = EVENT_PRODUCT_VIEWED,
                                 .items = &item,
                                 .item_count = 1,
                                 .occurred_us = START_US + DAYS(30)};
    const struct log_event at = {.lane = 1, .off = 1, .key = "c:somebody"};

    while (!atomic_load(&s->stop)) {
        live_tell(s->live, &at, &viewed);
        (void)stop_wait_us(200);
    }
    return NULL;
}

/* As requests do in a shop's first minute. */
static void *look_on(void *arg)
{
    struct scene *s = arg;

    while (!atomic_load(&s->stop)) {
        struct err err = {0};
        if (!live_meet(s->live, pool, &err)) {
            atomic_fetch_add(&s->wrong, 1);
        }
    }
    return NULL;
}

static void sets_are_swapped_while_they_are_read_told_and_looked_for(void **state)
{
    static void *(*const roles[THREADS])(void *) = {read_on, read_on, read_on, tell_on, tell_on,
                                                    look_on, look_on, look_on, look_on};
    struct scene s = {.live = opened(false)};
    pthread_t threads[THREADS];
    (void)state;

    assert_int_equal(days_of(s.live), 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, roles[i], &s), 0);
    }
    const int64_t until_us = clock_monotonic_us() + SECONDS(200);
    size_t seen = 0;
    for (int day = 0; day < SWAPS; day++) {
        run_sql(&bench, arena_printf(
                            &bench.arena,
                            "INSERT INTO cartwright.shop_day (day, adds, orders) VALUES (%d, 1, 1)",
                            20000 + day));
        while ((seen = days_of(s.live)) <= (size_t)day && clock_monotonic_us() < until_us) {
            (void)stop_wait_us(200);
        }
    }
    atomic_store(&s.stop, true);
    for (int i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    assert_int_equal(seen, SWAPS);
    assert_int_equal(atomic_load(&s.wrong), 0);
    assert_true(atomic_load(&s.rounds) > SWAPS);
    live_close(&s.live);
}

/* ---- the thread that looks ---- */

static void closing_does_not_wait_for_the_next_look(void **state)
{
    (void)state;
    bench.config.model_poll = SECONDS(200);
    const int64_t from_us = clock_monotonic_us();
    for (int i = 0; i < 5; i++) {
        struct live *live = opened(true);
        (void)stop_wait_us(INT64_C(5000) * i); /* until it waits, or not */
        live_close(&live);
        assert_null(live);
    }
    assert_true(clock_monotonic_us() - from_us < SECONDS(100));
}

static void closing_ends_a_thread_that_looks_all_the_time(void **state)
{
    (void)state;
    bench.config.model_poll = 1;
    for (int i = 0; i < 5; i++) {
        struct live *live = opened(true);
        (void)stop_wait_us(20000);
        live_close(&live);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_are_swapped_while_they_are_read_told_and_looked_for),
        cmocka_unit_test(closing_does_not_wait_for_the_next_look),
        cmocka_unit_test(closing_ends_a_thread_that_looks_all_the_time),
    };
    return cmocka_run_group_tests(tests, open_bench, close_bench);
}
