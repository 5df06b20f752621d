/* When serve trains and maintains by itself, case by case, by a clock that is told. */
#include "cli/chore_due.h"

#include "base/clock.h"
#include "support/spec.h"

#define NOW INT64_C(1700000000000000)

static const struct chore_rule daily = {.every_us = DAYS(1), .least = 10, .models_count = true};

struct due_case {
    const char *name;
    struct chore chore; /* now_us and 20 events are filled in */
    bool due;
};

#define AGO(us) (NOW - (us))

static const struct due_case cases[] = {
    {"never begun, and enough in the log", {0}, true},
    {"never begun, and too little", {.log_events = 9}, false},
    {"another replica is at it", {.held = true, .begun_us = AGO(DAYS(2))}, false},
    {"done a day ago",
     {.begun_us = AGO(DAYS(1)), .ended_us = AGO(HOURS(23)), .outcome = "done"},
     true},
    {"done less than a day ago",
     {.begun_us = AGO(HOURS(23)), .ended_us = AGO(HOURS(22)), .outcome = "done"},
     false},
    {"stopped by the end of its serve",
     {.begun_us = AGO(SECONDS(3)), .ended_us = AGO(SECONDS(1)), .outcome = "stopped"},
     true},
    {"failed within the hour",
     {.begun_us = AGO(MINUTES(59)), .ended_us = AGO(MINUTES(58)), .outcome = "failed"},
     false},
    {"failed an hour ago",
     {.begun_us = AGO(HOURS(1)), .ended_us = AGO(MINUTES(58)), .outcome = "failed"},
     true},
    {"its replica died, the lease has run out",
     {.begun_us = AGO(MINUTES(30)), .ended_us = AGO(DAYS(1)), .outcome = "done"},
     false},
    {"its replica died an hour ago",
     {.begun_us = AGO(HOURS(1)), .ended_us = AGO(DAYS(1)), .outcome = "done"},
     true},
    {"too little, and the log has not doubled",
     {.begun_us = AGO(HOURS(5)), .ended_us = AGO(HOURS(5)), .outcome = "too_little", .events = 11},
     false},
    {"too little, and the log has doubled",
     {.begun_us = AGO(HOURS(1)),
      .ended_us = AGO(MINUTES(59)),
      .outcome = "too_little",
      .events = 10},
     true},
    {"too little, doubled within the hour",
     {.begun_us = AGO(MINUTES(59)),
      .ended_us = AGO(MINUTES(58)),
      .outcome = "too_little",
      .events = 10},
     false},
    {"too little, and a day has passed",
     {.begun_us = AGO(DAYS(1)), .ended_us = AGO(HOURS(23)), .outcome = "too_little", .events = 20},
     true},
    {"somebody has trained by hand meanwhile", {.trained_us = AGO(HOURS(2))}, false},
    {"somebody has trained by hand a day ago",
     {.begun_us = AGO(DAYS(2)),
      .ended_us = AGO(DAYS(2)),
      .outcome = "done",
      .trained_us = AGO(DAYS(1))},
     true},
    {"stopped, but trained by hand since",
     {.begun_us = AGO(HOURS(2)),
      .ended_us = AGO(HOURS(2)),
      .outcome = "stopped",
      .trained_us = AGO(HOURS(1))},
     false},
};

static struct chore at_now(const struct due_case *c)
{
    struct chore chore = c->chore;
    chore.now_us = NOW;
    chore.log_events = chore.log_events != 0 ? chore.log_events : 20;
    return chore;
}

static void every_case_is_as_the_rule_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct chore chore = at_now(&cases[i]);
        if (chore_due(&daily, &chore) != cases[i].due) {
            fail_msg("%s: %s", cases[i].name, cases[i].due ? "not due" : "due");
        }
    }
}

static void what_is_done_never_is_never_due(void **state)
{
    struct chore_rule never = daily;
    (void)state;
    never.every_us = 0;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct chore chore = at_now(&cases[i]);
        assert_false(chore_due(&never, &chore));
    }
}

static void a_training_by_hand_maintains_nothing(void **state)
{
    const struct chore_rule maintain = {.every_us = DAYS(1), .least = 1};
    const struct chore chore = {.now_us = NOW, .log_events = 1, .trained_us = AGO(HOURS(1))};
    (void)state;
    assert_true(chore_due(&maintain, &chore));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_is_as_the_rule_says),
        cmocka_unit_test(what_is_done_never_is_never_due),
        cmocka_unit_test(a_training_by_hand_maintains_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
