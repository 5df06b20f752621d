#include "ml/session/session_index.h"

#include "unit/ml/session_spec.h"

#include <stdlib.h>

enum { ITEMS = 60, FOUND_MAX = 4096 };

static const struct session_index_query usual = {
    .neighbours = FOUND_MAX, .position_decay = 2, .recency = 500};

static struct session_index *index_of(const struct session_log *log, int sessions_max,
                                      int postings_max)
{
    struct session_index_options o = {
        .items = ITEMS, .sessions_max = sessions_max, .postings_max = postings_max};
    struct session_index *index = session_index_make(&o);
    for (int s = 0; s < log->sessions; s++) {
        uint32_t session = SESSION_NONE;
        for (int i = 0; i < session_log_length(log, s); i++) {
            session_index_append(index, &session, session_log_items(log, s)[i]);
        }
    }
    return index;
}

static int by_number(const void *a, const void *b)
{
    const struct session_neighbour *x = a;
    const struct session_neighbour *y = b;
    return (x->slot->number > y->slot->number) - (x->slot->number < y->slot->number);
}

/* The fast path and the definition find the same sessions, with the same scores within a hundredth: ages are looked up in a table. */
static void check_against_reference(const struct session_index *index, const int32_t *prefix,
                                    int count)
{
    static struct session_neighbour actual[FOUND_MAX];
    static struct session_neighbour expected[FOUND_MAX];
    struct session_search *search = session_search_make(index);
    int found = session_index_neighbours(index, &usual, prefix, count, search, actual);
    int wanted = session_index_neighbours_reference(index, &usual, prefix, count, expected);
    assert_int_equal(found, wanted);
    qsort(actual, (size_t)found, sizeof *actual, by_number);
    qsort(expected, (size_t)found, sizeof *expected, by_number);
    for (int i = 0; i < found; i++) {
        assert_ptr_equal(actual[i].slot, expected[i].slot);
        assert_int_equal(actual[i].match, expected[i].match);
        assert_close(actual[i].score / expected[i].score, 1, .01);
    }
    session_search_free(&search);
}

static void check_all_prefixes(const struct session_index *index)
{
    struct session_log asking = wandering_sessions(40, ITEMS, 77);
    for (int s = 0; s < asking.sessions; s++) {
        check_against_reference(index, session_log_items(&asking, s),
                                session_log_length(&asking, s));
    }
    session_log_free(&asking);
}

static void neighbours_are_those_of_brute_force(void **state)
{
    (void)state;
    struct session_log log = wandering_sessions(1000, ITEMS, 1);
    struct session_index *index = index_of(&log, 1024, SESSION_POSTINGS_MAX);
    check_all_prefixes(index);
    session_index_free(&index);
    session_log_free(&log);
}

static void forgotten_sessions_are_never_found(void **state)
{
    (void)state;
    struct session_log log = wandering_sessions(3000, ITEMS, 2);
    struct session_index *index = index_of(&log, 256, SESSION_POSTINGS_MAX);
    static struct session_neighbour found[FOUND_MAX];
    struct session_search *search = session_search_make(index);
    assert_int_equal(session_index_sessions(index), 256);
    for (int32_t item = 0; item < ITEMS; item++) {
        int count = session_index_neighbours(index, &usual, &item, 1, search, found);
        for (int i = 0; i < count; i++) {
            assert_in_range(found[i].slot->number, 3000 - 256, 2999);
        }
    }
    session_search_free(&search);
    check_all_prefixes(index);
    session_index_free(&index);
    session_log_free(&log);
}

static void an_event_is_found_by_the_next_query(void **state)
{
    (void)state;
    struct session_log none = {0};
    struct session_index *index = index_of(&none, 16, 4);
    struct session_search *search = session_search_make(index);
    struct session_neighbour found[16];
    const int32_t asked = 7;
    struct session_index_query few = usual;
    few.neighbours = 16;
    assert_int_equal(session_index_neighbours(index, &few, &asked, 1, search, found), 0);
    uint32_t session = SESSION_NONE;
    session_index_append(index, &session, 7);
    session_index_append(index, &session, 9);
    assert_int_equal(session_index_neighbours(index, &few, &asked, 1, search, found), 1);
    assert_int_equal(found[0].slot->count, 2);
    assert_int_equal(found[0].slot->item[1], 9);
    session_search_free(&search);
    session_index_free(&index);
}

static void an_item_remembers_only_its_latest_sessions(void **state)
{
    (void)state;
    struct session_log none = {0};
    struct session_index *index = index_of(&none, 1024, 5);
    for (int s = 0; s < 40; s++) {
        uint32_t session = SESSION_NONE;
        session_index_append(index, &session, 3);
    }
    struct session_search *search = session_search_make(index);
    static struct session_neighbour found[FOUND_MAX];
    const int32_t asked = 3;
    assert_int_equal(session_index_neighbours(index, &usual, &asked, 1, search, found), 5);
    for (int i = 0; i < 5; i++) {
        assert_in_range(found[i].slot->number, 35, 39);
    }
    session_search_free(&search);
    session_index_free(&index);
}

static void only_the_best_neighbours_are_kept(void **state)
{
    (void)state;
    struct session_log log = wandering_sessions(1000, ITEMS, 6);
    struct session_index *index = index_of(&log, 1024, SESSION_POSTINGS_MAX);
    struct session_search *search = session_search_make(index);
    static struct session_neighbour all[FOUND_MAX];
    static struct session_neighbour best[FOUND_MAX];
    const int32_t prefix[] = {4, 5, 6};
    int count = session_index_neighbours(index, &usual, prefix, 3, search, all);
    struct session_index_query few = usual;
    few.neighbours = 10;
    assert_int_equal(session_index_neighbours(index, &few, prefix, 3, search, best), 10);
    float worst = best[0].score;
    for (int i = 1; i < 10; i++) {
        worst = fminf(worst, best[i].score);
    }
    int better = 0;
    for (int i = 0; i < count; i++) {
        better += all[i].score > worst;
    }
    assert_in_range(better, 0, 9);
    session_search_free(&search);
    session_index_free(&index);
    session_log_free(&log);
}

static void a_session_without_end_goes_on_as_another_and_memory_is_bounded(void **state)
{
    (void)state;
    struct session_log none = {0};
    struct session_index *index = index_of(&none, 64, 8);
    uint32_t session = SESSION_NONE;
    for (int i = 0; i < 10000; i++) {
        session_index_append(index, &session, i % ITEMS);
    }
    size_t bytes = session_index_bytes(index);
    for (int i = 0; i < 100000; i++) {
        session_index_append(index, &session, i % 7);
    }
    assert_true(session_index_bytes(index) == bytes);
    assert_false(session_index_add(index, 0, 1)); /* forgotten */
    const int32_t prefix[] = {3, -1, 1 << 30, 3};
    struct session_search *search = session_search_make(index);
    struct session_neighbour found[64];
    struct session_index_query few = usual;
    few.neighbours = 64;
    assert_true(session_index_neighbours(index, &few, prefix, 4, search, found) > 0);
    assert_int_equal(session_index_neighbours(index, &few, prefix, 0, search, found), 0);
    session_search_free(&search);
    session_index_free(&index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neighbours_are_those_of_brute_force),
        cmocka_unit_test(forgotten_sessions_are_never_found),
        cmocka_unit_test(an_event_is_found_by_the_next_query),
        cmocka_unit_test(an_item_remembers_only_its_latest_sessions),
        cmocka_unit_test(only_the_best_neighbours_are_kept),
        cmocka_unit_test(a_session_without_end_goes_on_as_another_and_memory_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
