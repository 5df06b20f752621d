#include "fold/fold_turn.h"

#include "base/mem.h"
#include "support/spec.h"

enum { MOST = 4000 };

/* A log that is folded by one folder which has the lanes `first`, `first` + 1 ...: what is left of each. */
static struct {
    int first;
    int count;
    int left[LANES];
    int served[LANES]; /* the pass in which it was asked last */
    int pass;
    struct fold_turn turn;
} shop;

static void shop_of(int first, int count, int left)
{
    shop.first = first;
    shop.count = count;
    shop.pass = 0;
    shop.turn = (struct fold_turn){0};
    for (int i = 0; i < count; i++) {
        shop.left[i] = left;
        shop.served[i] = 0;
    }
}

struct pass {
    int asked;
    int came;
    bool over; /* what came is all that there is to know */
};

/* One pass as the folder makes it, with equal shares of what is asked for. */
static struct pass pass(void)
{
    static struct log_event events[MOST];
    struct lane_lease lanes[LANES];
    struct pass p = {0};
    int fresh = 0;

    shop.pass++;
    for (int i = 0; i < shop.count; i++) {
        lanes[i] = (struct lane_lease){.lane = shop.first + i};
    }
    p.asked = turn_take(&shop.turn, lanes, shop.count);
    for (int i = 0; i < p.asked; i++) {
        fresh += shop.left[lanes[i].lane - shop.first] > 0 ? 1 : 0;
    }
    for (int i = 0; i < p.asked; i++) {
        int *left = &shop.left[lanes[i].lane - shop.first];
        int n = *left < MOST / (fresh > 0 ? fresh : 1) ? *left : MOST / fresh;
        shop.served[lanes[i].lane - shop.first] = shop.pass;
        for (*left -= n; n > 0; n--) {
            events[p.came++] = (struct log_event){.lane = lanes[i].lane};
        }
    }
    p.over = turn_came(&shop.turn, events, (size_t)p.came, MOST);
    return p;
}

static void where_little_waits_all_lanes_are_asked(void **state)
{
    (void)state;
    shop_of(3, 128, 2);
    for (int i = 0; i < 10; i++) {
        struct pass p = pass();
        assert_int_equal(p.asked, 128);
        assert_true(p.over);
        assert_int_equal(p.came, 256);
        for (int lane = 0; lane < 128; lane++) {
            shop.left[lane] = 2;
        }
    }
}

static void behind_a_backlog_few_lanes_are_asked_for_much_each(void **state)
{
    (void)state;
    shop_of(0, 128, 4000);
    int asked = 0;
    for (int i = 0; i < 10; i++) {
        asked = pass().asked;
    }
    assert_int_equal(asked, TURN_LANES_LEAST);
    struct pass p = pass();
    assert_int_equal(p.came, MOST); /* a thousand of each of four */
}

static void each_lane_has_its_turn(void **state)
{
    (void)state;
    shop_of(100, 30, 100000);
    for (int i = 0; i < 40; i++) {
        (void)pass();
    }
    for (int lane = 0; lane < 30; lane++) {
        /* thirty lanes by fours: everybody within eight passes, and one for where a round begins */
        assert_true(shop.served[lane] > shop.pass - 9);
    }
}

static void one_lane_with_a_backlog_changes_nothing_for_the_others(void **state)
{
    (void)state;
    shop_of(0, 128, 2);
    for (int i = 0; i < 20; i++) {
        shop.left[17] = 100000;
        assert_int_equal(pass().asked, 128);
        for (int lane = 0; lane < 128; lane++) {
            shop.left[lane] = 2;
        }
    }
}

static void once_it_is_worked_off_all_are_asked_again(void **state)
{
    (void)state;
    shop_of(0, 128, 500);
    int passes = 0;
    for (int left = 1; left > 0 && passes < 1000; passes++) {
        left = 0;
        (void)pass();
        for (int lane = 0; lane < 128; lane++) {
            left += shop.left[lane];
        }
    }
    assert_true(passes < 40); /* 64,000 events: 16 full batches, and some that were not */
    for (int i = 0; i < 8; i++) {
        (void)pass();
    }
    assert_int_equal(pass().asked, 128);
}

/* Else a folder would rest though there is something to fold. */
static void that_nothing_came_of_some_lanes_says_nothing_of_the_others(void **state)
{
    (void)state;
    shop_of(0, 64, 100000);
    while (pass().asked > TURN_LANES_LEAST) {
    }
    for (int lane = 0; lane < 64; lane++) {
        shop.left[lane] = 0;
    }
    struct pass p = pass();
    assert_int_equal(p.came, 0);
    assert_false(p.over);
    p = pass();
    assert_int_equal(p.asked, 64);
    assert_int_equal(p.came, 0);
    assert_true(p.over);
}

static void who_has_few_lanes_is_asked_for_all_of_them(void **state)
{
    (void)state;
    shop_of(250, 3, 100000);
    for (int i = 0; i < 10; i++) {
        struct pass p = pass();
        assert_int_equal(p.asked, 3);
        assert_true(p.over);
    }
    shop_of(0, 0, 0);
    assert_true(pass().over);
}

/* Of five lanes three have their share: more than half, so that fewer lanes are asked next. */
static void the_last_lane_that_is_full_counts_too(void **state)
{
    static const int came[] = {1, 1, 2, 2, 2}; /* of the two that are the share of each */
    struct log_event *events = mem_array(8, sizeof *events);
    struct fold_turn turn = {0};
    int n = 0;
    (void)state;

    for (int lane = 0; lane < 5; lane++) {
        for (int i = 0; i < came[lane]; i++) {
            events[n++] = (struct log_event){.lane = lane};
        }
    }
    assert_true(turn_came(&turn, events, (size_t)n, 10));
    assert_int_equal(turn.less, 1);
    mem_free(&events);
}

/* The lanes are a part of an array, and what stands behind them is none of them. */
static void behind_the_last_lane_comes_the_first(void **state)
{
    (void)state;
    enum { HELD = 64, BEHIND = 10 };
    struct lane_lease lanes[HELD + BEHIND + 1] = {{0}};
    struct fold_turn turn = {.less = 1, .next = HELD};

    for (int i = 0; i < HELD; i++) {
        lanes[i].lane = i;
    }
    lanes[HELD + BEHIND].lane = LANES;
    assert_int_equal(turn_take(&turn, lanes, HELD), HELD / 2);
    assert_int_equal(lanes[0].lane, 0);
    assert_int_equal(lanes[HELD / 2 - 1].lane, HELD / 2 - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(behind_the_last_lane_comes_the_first),
        cmocka_unit_test(where_little_waits_all_lanes_are_asked),
        cmocka_unit_test(behind_a_backlog_few_lanes_are_asked_for_much_each),
        cmocka_unit_test(each_lane_has_its_turn),
        cmocka_unit_test(one_lane_with_a_backlog_changes_nothing_for_the_others),
        cmocka_unit_test(once_it_is_worked_off_all_are_asked_again),
        cmocka_unit_test(that_nothing_came_of_some_lanes_says_nothing_of_the_others),
        cmocka_unit_test(who_has_few_lanes_is_asked_for_all_of_them),
        cmocka_unit_test(the_last_lane_that_is_full_counts_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
