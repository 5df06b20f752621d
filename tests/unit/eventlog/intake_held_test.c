/* Lanes that another transaction holds: who waits for them, how much may, and what is told of it. No writer runs, nothing is stored. */
#include "eventlog/intake_internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/stop.h"
#include "support/spec.h"

#include <stdatomic.h>

static struct intake in;
static struct writer *writer;
static struct submission submission; /* whose parts they are */
static char told[2][256];
static int times_told;

/* In place of the linker's. */
void __wrap_log_line(enum log_level level, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void __wrap_log_line(enum log_level level, const char *event, const char *fmt, ...)
{
    va_list args;

    assert_in_range(times_told, 0, 1);
    va_start(args, fmt);
    (void)snprintf(told[times_told], sizeof told[0], "%s %s ", level == LOG_WARN ? "warn" : "info",
                   event);
    const size_t len = strlen(told[times_told]);
    (void)vsnprintf(told[times_told] + len, sizeof told[0] - len, fmt, args);
    va_end(args);
    times_told++;
}

static int setup(void **state)
{
    (void)state;
    in = (struct intake){.queue_max = 40, .writer_count = 1};
    submission = (struct submission){.count = 0};
    times_told = 0;
    metric_set(METRIC_intake_held, 0);
    (void)pthread_mutex_init(&in.lock, NULL);
    writer = &in.writers[0];
    writer_make(&in, writer);
    writer_make(&in, &in.patient);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    (void)pthread_cond_destroy(&writer->work);
    (void)pthread_cond_destroy(&in.patient.work);
    (void)pthread_mutex_destroy(&in.lock);
    return 0;
}

static struct part part_of(int lane, size_t count)
{
    return (struct part){.owner = &submission, .lane = lane, .count = count};
}

/* As if it had waited for so long. */
static void held_since(int lane, int64_t ago_us)
{
    in.held.since_us[lane] = clock_monotonic_us() - ago_us;
}

/* ---- who waits ---- */

static void parts_of_a_held_lane_wait_with_the_patient_writer_and_are_counted_once(void **state)
{
    (void)state;
    struct part a = part_of(7, 3);
    struct part b = part_of(7, 2);
    struct part c = part_of(9, 4);
    const int64_t from_us = clock_monotonic_us();

    held_add(&in, &a);
    assert_true(in.held.since_us[7] >= from_us && in.held.since_us[7] <= clock_monotonic_us());
    held_since(7, SECONDS(3));
    const int64_t since_us = in.held.since_us[7];
    held_add(&in, &b);
    assert_true(in.held.since_us[7] == since_us); /* the lane has been held since the first */
    held_add(&in, &c);
    assert_true(a.held && b.held && c.held);
    assert_int_equal(in.held.rows[7], 5);
    assert_int_equal(in.held.rows[9], 4);
    assert_int_equal(in.held.total, 9);
    assert_int_equal(metric_value(METRIC_intake_held), 9);
    assert_ptr_equal(in.patient.head, &a);
    assert_ptr_equal(a.next, &b);
    assert_ptr_equal(b.next, &c);
    assert_null(c.next);
    assert_int_equal(in.patient.waiting, 9);

    in.patient.head = NULL; /* the patient writer takes them, and fails once more */
    in.patient.tail = &in.patient.head;
    held_add(&in, &a);
    assert_ptr_equal(in.patient.head, &a);
    assert_int_equal(in.held.rows[7], 5);
    assert_int_equal(in.held.total, 9);
    assert_int_equal(metric_value(METRIC_intake_held), 9);
}

static void a_lane_that_was_free_meanwhile_is_held_anew(void **state)
{
    (void)state;
    struct part a = part_of(7, 3);
    struct part b = part_of(7, 3);
    const int64_t from_us = clock_monotonic_us();

    held_add(&in, &a);
    held_since(7, SECONDS(100));
    held_forget(&in, &a);
    held_add(&in, &b);
    assert_true(in.held.since_us[7] >= from_us);
}

static void an_answered_part_waits_no_more(void **state)
{
    (void)state;
    struct part a = part_of(7, 3);
    struct part b = part_of(7, 2);
    struct part free = part_of(8, 2);

    held_add(&in, &a);
    held_add(&in, &b);
    held_forget(&in, &free); /* its lane was not held */
    assert_int_equal(in.held.total, 5);
    held_forget(&in, &a);
    assert_int_equal(in.held.rows[7], 2);
    assert_int_equal(in.held.total, 2);
    assert_int_equal(metric_value(METRIC_intake_held), 2);
    held_forget(&in, &b);
    assert_int_equal(in.held.rows[7], 0);
    assert_int_equal(in.held.total, 0);
    assert_int_equal(metric_value(METRIC_intake_held), 0);
}

/* A quarter of the queue: ten of forty. */
static void held_lanes_have_a_quarter_of_the_queue(void **state)
{
    (void)state;
    struct part held = part_of(7, 6);
    struct part parts[] = {part_of(3, 1), part_of(7, 4)};
    struct submission s = {.parts = parts, .part_count = 2, .count = 5};

    assert_false(held_is_full(&in, &s)); /* no lane is held: they may be as many as they like */
    s.count = 100;
    assert_false(held_is_full(&in, &s));
    struct part one = part_of(5, 1);
    held_add(&in, &one);
    parts[0].lane = 5; /* one event is enough to hold a lane */
    s.part_count = 1;
    assert_true(held_is_full(&in, &s));
    held_forget(&in, &one);
    parts[0].lane = 3;
    s.part_count = 2;
    held_add(&in, &held);
    assert_true(held_is_full(&in, &s));
    s.count = 5;
    assert_true(held_is_full(&in, &s));
    s.count = 4;
    assert_false(held_is_full(&in, &s)); /* ten */
    s.count = 100;
    s.part_count = 1;
    assert_false(held_is_full(&in, &s)); /* it touches none of them */
    s.part_count = 2;
    parts[0].lane = 7;
    parts[1].lane = 3;
    assert_true(held_is_full(&in, &s));
}

/* ---- set aside ---- */

static struct part *set_aside(struct part *parts, size_t count, struct part **out_given_up)
{
    static const struct lane_set lanes = {.has = {[7] = true, [9] = true}, .count = 2};

    for (size_t i = 0; i + 1 < count; i++) {
        parts[i].next = &parts[i + 1];
    }
    return held_set_aside(writer, parts, &lanes, out_given_up);
}

static void the_others_go_on_in_their_order(void **state)
{
    (void)state;
    struct part parts[] = {part_of(1, 1), part_of(7, 1), part_of(2, 1),
                           part_of(9, 1), part_of(3, 1), part_of(7, 1)};
    struct part *given_up = NULL;
    const struct part *rest = set_aside(parts, COUNT_OF(parts), &given_up);

    assert_null(given_up);
    assert_ptr_equal(rest, &parts[0]);
    assert_ptr_equal(parts[0].next, &parts[2]);
    assert_ptr_equal(parts[2].next, &parts[4]);
    assert_null(parts[4].next);
    assert_ptr_equal(in.patient.head, &parts[1]);
    assert_ptr_equal(parts[1].next, &parts[3]);
    assert_ptr_equal(parts[3].next, &parts[5]);
    assert_int_equal(in.held.rows[7], 2);
    assert_int_equal(in.held.rows[9], 1);
    assert_false(parts[0].held || parts[2].held || parts[4].held);
}

static void whoever_closes_waits_a_second_for_held_lanes(void **state)
{
    (void)state;
    struct part parts[] = {part_of(7, 1), part_of(1, 1), part_of(9, 1)};
    struct part *given_up = NULL;

    in.closing = true;
    in.closing_us = clock_monotonic_us();
    (void)set_aside(parts, COUNT_OF(parts), &given_up);
    assert_null(given_up);
    assert_int_equal(in.held.total, 2);

    struct part again[] = {part_of(7, 1), part_of(1, 1), part_of(9, 1)};
    in.closing_us = clock_monotonic_us() - SECONDS(1) - 1;
    assert_ptr_equal(set_aside(again, COUNT_OF(again), &given_up), &again[1]);
    assert_ptr_equal(given_up, &again[2]);
    assert_ptr_equal(again[2].next, &again[0]);
    assert_null(again[0].next);
    assert_int_equal(in.held.total, 2);

    struct part open[] = {part_of(7, 1)};
    given_up = NULL;
    in.closing = false; /* whatever the clock says */
    assert_null(set_aside(open, COUNT_OF(open), &given_up));
    assert_null(given_up);
}

/* ---- what is told ---- */

static void the_state_says_what_waits_and_which_lane_is_held_longest(void **state)
{
    (void)state;
    struct part a = part_of(7, 3);
    struct part b = part_of(0, 1);
    struct intake_state now;

    in.progress_us = clock_monotonic_us() - SECONDS(4);
    intake_look(&in, &now);
    assert_int_equal(now.queued + now.held_events, 0);
    assert_int_equal(now.held_lanes, 0);
    assert_int_equal(now.held_lane, -1);
    assert_int_equal(now.held_us, 0);
    assert_int_equal(now.stalled_us, 0);
    held_add(&in, &a);
    held_add(&in, &b);
    held_since(9, SECONDS(999)); /* was held once */
    held_since(7, SECONDS(3));
    held_since(0, SECONDS(30));
    in.queued = 4;
    intake_look(&in, &now);
    assert_int_equal(now.queued, 4);
    assert_int_equal(now.held_events, 4);
    assert_int_equal(now.held_lanes, 2);
    assert_int_equal(now.held_lane, 0);
    assert_true(now.held_us >= SECONDS(30) && now.held_us < SECONDS(900));
    assert_int_equal(now.stalled_us, 0); /* what is not held moves */
    held_since(7, SECONDS(31));
    in.queued = 5;
    intake_look(&in, &now);
    assert_int_equal(now.held_lane, 7);
    assert_true(now.stalled_us >= SECONDS(4) && now.stalled_us < SECONDS(900));
}

static void a_lane_that_is_held_for_long_is_told_once_and_that_none_is_any_more(void **state)
{
    (void)state;
    struct part a = part_of(7, 3);
    struct part b = part_of(9, 1);

    held_add(&in, &a);
    held_pause(&in.patient);
    held_progress(&in.patient);
    assert_int_equal(times_told, 0); /* not for so short a time */
    held_since(7, SECONDS(6));
    held_pause(&in.patient);
    held_pause(&in.patient);
    assert_int_equal(times_told, 1);
    assert_string_equal(
        told[0],
        "warn lane_held another transaction holds lane 7 for 6 s; its events wait, the others do not");
    held_add(&in, &b);
    held_forget(&in, &a);
    held_progress(&in.patient); /* one is left */
    assert_int_equal(times_told, 1);
    held_forget(&in, &b);
    held_progress(&in.patient);
    held_progress(&in.patient);
    assert_int_equal(times_told, 2);
    assert_string_equal(told[1], "info lanes_free no lane is held any more");

    times_told = 0;
    struct part c = part_of(9, 1);
    held_add(&in, &c);
    held_since(9, SECONDS(8));
    held_pause(&in.patient);
    assert_int_equal(times_told, 1); /* another episode */
}

static void the_patient_writer_pauses_unless_it_is_to_close(void **state)
{
    (void)state;
    int64_t from_us = clock_monotonic_us();

    held_pause(&in.patient);
    assert_true(clock_monotonic_us() - from_us >= 20000);
    in.closing = true;
    int64_t shortest_us = INT64_MAX;
    for (int i = 0; i < 20; i++) {
        from_us = clock_monotonic_us();
        held_pause(&in.patient);
        const int64_t took_us = clock_monotonic_us() - from_us;
        shortest_us = took_us < shortest_us ? took_us : shortest_us;
    }
    assert_true(shortest_us < 20000);
}

/* ---- under the lock ---- */

static void look(void)
{
    struct intake_state now;

    intake_look(&in, &now);
}

static void pause_once(void)
{
    held_pause(&in.patient);
}

static void progress(void)
{
    held_progress(&in.patient);
}

static void aside(void)
{
    struct part parts[] = {part_of(1, 1)};
    struct part *given_up = NULL;

    (void)set_aside(parts, COUNT_OF(parts), &given_up);
}

struct call {
    void (*act)(void);
    atomic_bool done;
};

static void *call_main(void *arg)
{
    struct call *c = arg;

    c->act();
    atomic_store(&c->done, true);
    return NULL;
}

/* Whoever looks at what is held, or changes it, waits for whoever does. */
static void each_of_them_waits_for_the_lock(void **state)
{
    static void (*const acts[])(void) = {look, pause_once, progress, aside};
    (void)state;

    in.closing = true; /* no pause */
    for (size_t i = 0; i < COUNT_OF(acts); i++) {
        struct call c = {.act = acts[i]};
        pthread_t thread;
        assert_int_equal(pthread_mutex_lock(&in.lock), 0);
        assert_int_equal(pthread_create(&thread, NULL, call_main, &c), 0);
        (void)stop_wait_us(50000);
        const bool waited = !atomic_load(&c.done);
        assert_int_equal(pthread_mutex_unlock(&in.lock), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_true(waited);
        assert_true(atomic_load(&c.done));
    }
}

#define HELD_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HELD_TEST(parts_of_a_held_lane_wait_with_the_patient_writer_and_are_counted_once),
        HELD_TEST(a_lane_that_was_free_meanwhile_is_held_anew),
        HELD_TEST(an_answered_part_waits_no_more),
        HELD_TEST(held_lanes_have_a_quarter_of_the_queue),
        HELD_TEST(the_others_go_on_in_their_order),
        HELD_TEST(whoever_closes_waits_a_second_for_held_lanes),
        HELD_TEST(the_state_says_what_waits_and_which_lane_is_held_longest),
        HELD_TEST(a_lane_that_is_held_for_long_is_told_once_and_that_none_is_any_more),
        HELD_TEST(the_patient_writer_pauses_unless_it_is_to_close),
        HELD_TEST(each_of_them_waits_for_the_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
