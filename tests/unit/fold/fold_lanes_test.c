/* Which lanes a folder has, which it leaves alone, and how small its batches are after one failed: by a clock of ours, and answers of the store that are ours. */
#include "fold/fold_apart.h"
#include "fold/fold_lease.h"
#include "fold/fold_parked.h"

#include "base/clock.h"
#include "base/metric.h"
#include "support/spec.h"

static struct arena arena;

/* ---- in place of the linker's ---- */

static int64_t now_us;
int64_t __wrap_clock_monotonic_us(void);
int64_t __wrap_clock_monotonic_us(void)
{
    return now_us;
}

static struct {
    int owners;
    const int *lanes; /* that are ours by the database */
    int count;
    bool orphaned, fails;
} answers;
static struct {
    int leases, orphans, wanted;
    int64_t lease_us;
} asked;

bool __wrap_store_lanes_owners(struct db *db, const char *owner, int64_t lease_us, int *out,
                               struct err *err);
bool __wrap_store_lanes_owners(struct db *db, const char *owner, int64_t lease_us, int *out,
                               struct err *err)
{
    (void)db;
    (void)owner;
    (void)lease_us;
    *out = answers.owners;
    return answers.fails ? FAIL(err, ERR_BUSY, "away") : true;
}

bool __wrap_store_lanes_lease(struct db *db, const char *owner, int64_t lease_us, int want,
                              struct lane_lease *out, int *out_count, struct err *err);
bool __wrap_store_lanes_lease(struct db *db, const char *owner, int64_t lease_us, int want,
                              struct lane_lease *out, int *out_count, struct err *err)
{
    (void)db;
    (void)err;
    assert_string_equal(owner, "us");
    asked.leases++;
    asked.wanted = want;
    asked.lease_us = lease_us;
    for (int i = 0; i < answers.count; i++) {
        out[i] = (struct lane_lease){.lane = answers.lanes[i], .off = 100};
    }
    *out_count = answers.count;
    return true;
}

bool __wrap_store_lanes_orphaned(struct db *db, bool *out, struct err *err);
bool __wrap_store_lanes_orphaned(struct db *db, bool *out, struct err *err)
{
    (void)db;
    (void)err;
    asked.orphans++;
    *out = answers.orphaned;
    return true;
}

/* ---- leases ---- */

static char us[] = "us";
static struct fold_leases leases;

static int setup(void **state)
{
    (void)state;
    now_us = SECONDS(1000);
    memset(&answers, 0, sizeof answers);
    memset(&asked, 0, sizeof asked);
    answers.owners = 1;
    leases = (struct fold_leases){.owner = us, .lease_us = SECONDS(30), .wanted = LANES};
    metric_set(METRIC_fold_held, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static void hold(const int *lanes, int count)
{
    struct err err = {0};

    answers.lanes = lanes;
    answers.count = count;
    assert_true(leases_hold(&leases, NULL, &err));
}

static void a_folder_wants_its_share_rounded_up_and_no_more_than_it_is_told(void **state)
{
    static const struct {
        int owners, wanted, share;
    } cases[] = {{1, LANES, LANES}, {2, LANES, LANES / 2}, {3, LANES, 86},     {5, LANES, 52},
                 {LANES, LANES, 1}, {2, 10, 10},           {2, 200, LANES / 2}};
    static const int lanes[] = {1};
    (void)state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        leases_forget(&leases);
        leases.wanted = cases[i].wanted;
        answers.owners = cases[i].owners;
        hold(lanes, 1);
        assert_int_equal(asked.wanted, cases[i].share);
        assert_int_equal(leases.due, cases[i].share);
        assert_true(asked.lease_us == SECONDS(30));
    }
}

static void what_is_its_share_is_renewed_after_a_third_of_the_lease(void **state)
{
    static const int lanes[] = {1, 4};
    (void)state;
    leases.wanted = 2;
    hold(lanes, 2);
    assert_int_equal(asked.leases, 1);
    now_us += SECONDS(10) - 1;
    hold(lanes, 2);
    assert_int_equal(asked.leases, 1);
    now_us += 1;
    hold(lanes, 2);
    assert_int_equal(asked.leases, 2);
    leases_forget(&leases); /* asks at once */
    assert_int_equal(leases.count, 0);
    hold(lanes, 2);
    assert_int_equal(asked.leases, 3);
}

static void who_has_less_than_its_share_looks_every_fifth_of_a_second(void **state)
{
    static const int lanes[] = {1, 4};
    (void)state;
    leases.wanted = 3;
    hold(lanes, 2);
    now_us += 200000 - 1;
    hold(lanes, 2);
    assert_int_equal(asked.leases, 1);
    now_us += 1;
    hold(lanes, 2);
    assert_int_equal(asked.leases, 2);
    leases.lease_us = SECONDS(1); /* or a twentieth of a lease that is short */
    now_us += 50000 - 1;
    hold(lanes, 2);
    assert_int_equal(asked.leases, 2);
    now_us += 1;
    hold(lanes, 2);
    assert_int_equal(asked.leases, 3);
}

static void orphans_are_looked_for_every_second_and_leased_at_once(void **state)
{
    static const int lanes[] = {1, 4};
    (void)state;
    leases.wanted = 2;
    hold(lanes, 2);
    hold(lanes, 2);
    assert_int_equal(asked.orphans, 1);
    now_us += SECONDS(1) - 1;
    hold(lanes, 2);
    assert_int_equal(asked.orphans, 1);
    assert_int_equal(asked.leases, 1);
    answers.orphaned = true;
    now_us += 1;
    hold(lanes, 2);
    assert_int_equal(asked.orphans, 2);
    assert_int_equal(asked.leases, 2);
}

/* Its cursor is held by somebody: it was not renewed, but stays ours, in order, up to our share. */
static void a_lane_that_was_not_renewed_stays_where_there_is_room(void **state)
{
    static const int all[] = {2, 4, 6, 8};
    static const int renewed[] = {4, 8};
    (void)state;
    leases.wanted = 4;
    hold(all, 4);
    leases.all[0].off = 7; /* what we know of it */
    now_us += SECONDS(10);
    hold(renewed, 2);
    assert_int_equal(leases.count, 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(leases.all[i].lane, all[i]);
    }
    assert_int_equal(leases.all[0].off, 7);
    assert_int_equal(leases.all[1].off, 100);
    leases.wanted = 3;
    now_us += SECONDS(10);
    hold(renewed, 2);
    assert_int_equal(leases.count, 3);
    assert_int_equal(leases.all[0].lane, 2);
    assert_int_equal(leases.all[2].lane, 8);
    leases.wanted = 2;
    now_us += SECONDS(10);
    hold(renewed, 2);
    assert_int_equal(leases.count, 2);
    assert_int_equal(leases.all[0].lane, 4);
}

static void a_database_that_is_away_says_nothing_about_leases(void **state)
{
    static const int lanes[] = {1};
    struct err err = {0};
    (void)state;
    hold(lanes, 1);
    answers.fails = true;
    now_us += SECONDS(10);
    assert_false(leases_hold(&leases, NULL, &err));
    assert_int_equal(err.kind, ERR_BUSY);
    assert_int_equal(leases.count, 1);
    answers.fails = false;
    hold(lanes, 1); /* and is asked again at once */
    assert_int_equal(asked.leases, 2);
}

static void a_lease_is_found_by_its_lane(void **state)
{
    static const int lanes[] = {2, 4, 6};
    (void)state;
    hold(lanes, 3);
    assert_ptr_equal(lease_of(leases.all, leases.count, 2), &leases.all[0]);
    assert_ptr_equal(lease_of(leases.all, leases.count, 6), &leases.all[2]);
    assert_null(lease_of(leases.all, leases.count, 3));
    assert_null(lease_of(leases.all, 2, 6));
    const int32_t *numbers = leases_lanes(leases.all, leases.count, &arena);
    assert_true(numbers[0] == 2 && numbers[1] == 4 && numbers[2] == 6);
}

/* ---- left alone ---- */

static void a_lane_is_left_alone_for_twice_as_long_each_time_up_to_two_seconds(void **state)
{
    static const int64_t for_us[] = {250000, 500000, 1000000, 2000000, 2000000};
    struct fold_parked p = {.count = 0};
    const int64_t since_us = now_us;
    (void)state;

    assert_false(parked_has(&p, 7));
    assert_false(parked_is_due(&p, 7));
    assert_true(parked_since_us(&p) == INT64_MAX);
    for (size_t i = 0; i < COUNT_OF(for_us); i++) {
        parked_put(&p, 7);
        assert_true(parked_has(&p, 7));
        assert_int_equal(p.count, 1);
        assert_int_equal(metric_value(METRIC_fold_held), 1);
        now_us += for_us[i] - 1;
        assert_false(parked_is_due(&p, 7));
        now_us += 1;
        assert_true(parked_is_due(&p, 7));
        assert_true(parked_since_us(&p) == since_us); /* however often it was tried */
    }
    parked_take(&p, 7);
    parked_take(&p, 7);
    assert_false(parked_has(&p, 7));
    assert_int_equal(p.count, 0);
    assert_int_equal(metric_value(METRIC_fold_held), 0);
    parked_put(&p, 7); /* from the beginning */
    now_us += 250000;
    assert_true(parked_is_due(&p, 7));
}

static void the_longest_that_is_left_alone_is_told(void **state)
{
    struct fold_parked p = {.count = 0};
    (void)state;

    parked_put(&p, 9);
    const int64_t first_us = now_us;
    now_us += 5;
    parked_put(&p, 0);
    now_us += 5;
    parked_put(&p, LANES - 1);
    assert_true(parked_since_us(&p) == first_us);
    parked_take(&p, 9);
    assert_true(parked_since_us(&p) == first_us + 5);
    parked_take(&p, 0);
    assert_true(parked_since_us(&p) == first_us + 10);
    parked_put(&p, 3);
    parked_clear(&p);
    assert_int_equal(p.count, 0);
    assert_int_equal(metric_value(METRIC_fold_held), 0);
    assert_true(parked_since_us(&p) == INT64_MAX);
}

static void lanes_that_were_lost_are_forgotten_when_they_are_due(void **state)
{
    struct fold_parked p = {.count = 0};
    const struct lane_lease ours[] = {{.lane = 2}, {.lane = 5}};
    (void)state;

    parked_put(&p, 0);
    parked_put(&p, 5);
    parked_put(&p, LANES - 1);
    now_us += 250000 - 1;
    parked_keep(&p, ours, 2);
    assert_int_equal(p.count, 3); /* perhaps only left out of a renewal */
    now_us += 1;
    parked_keep(&p, ours, 2);
    assert_int_equal(p.count, 1);
    assert_true(parked_has(&p, 5));
    parked_keep(&p, ours, 1);
    assert_int_equal(p.count, 0);
}

/* ---- smaller and smaller ---- */

static void
after_a_failure_lanes_come_one_by_one_then_events_and_then_somebody_is_put_aside(void **state)
{
    char ann[] = "c:ann", bob[] = "c:bob";
    const struct log_event events[] = {{.lane = 3, .off = 10, .key = ann},
                                       {.lane = 3, .off = 11, .key = bob},
                                       {.lane = 4, .off = 20, .key = ann}};
    struct fold_apart x = {.key = NULL};
    (void)state;

    apart_reset(&x);
    assert_false(x.lanes);
    assert_int_equal(x.lane, -1);
    apart_failed(&x, events, 3); /* of two lanes: lane by lane */
    assert_true(x.lanes);
    assert_int_equal(x.lane, -1);
    assert_int_equal(apart_run(&x, events, 3), 2);
    assert_int_equal(apart_run(&x, events + 2, 1), 1);
    assert_int_equal(apart_run(&x, events, 1), 1);
    apart_failed(&x, events, 2); /* of one: event by event */
    assert_int_equal(x.lane, 3);
    assert_int_equal(x.off, 0);
    assert_int_equal(apart_run(&x, events, 3), 1);
    assert_int_equal(apart_run(&x, events + 2, 1), 1);
    apart_failed(&x, events, 1); /* it may have been the connection: once more */
    assert_int_equal(x.off, 10);
    assert_null(apart_key(&x).key);
    apart_failed(&x, events + 1, 1); /* another one */
    assert_int_equal(x.off, 11);
    assert_null(apart_key(&x).key);
    apart_failed(&x, events + 1, 1);
    assert_string_equal(apart_key(&x).key, "c:bob");
    assert_int_equal(apart_key(&x).lane, 3);
    apart_failed(&x, events, 1);
    apart_failed(&x, events, 1);
    assert_string_equal(apart_key(&x).key, "c:ann");
    apart_reset(&x);
    assert_null(apart_key(&x).key);
    assert_false(x.lanes);
    assert_int_equal(x.lane, -1);
    assert_int_equal(x.off, 0);
}

#define LANES_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LANES_TEST(a_folder_wants_its_share_rounded_up_and_no_more_than_it_is_told),
        LANES_TEST(what_is_its_share_is_renewed_after_a_third_of_the_lease),
        LANES_TEST(who_has_less_than_its_share_looks_every_fifth_of_a_second),
        LANES_TEST(orphans_are_looked_for_every_second_and_leased_at_once),
        LANES_TEST(a_lane_that_was_not_renewed_stays_where_there_is_room),
        LANES_TEST(a_database_that_is_away_says_nothing_about_leases),
        LANES_TEST(a_lease_is_found_by_its_lane),
        LANES_TEST(a_lane_is_left_alone_for_twice_as_long_each_time_up_to_two_seconds),
        LANES_TEST(the_longest_that_is_left_alone_is_told),
        LANES_TEST(lanes_that_were_lost_are_forgotten_when_they_are_due),
        LANES_TEST(
            after_a_failure_lanes_come_one_by_one_then_events_and_then_somebody_is_put_aside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
