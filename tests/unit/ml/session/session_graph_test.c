#include "ml/session/session_graph.h"

#include "unit/ml/session_spec.h"

static const struct session_graph_options usual = {
    .row_max = 1000, .reach = 10, .distance_decay = 3, .recency = 100, .prior = 1, .threads = 1};

static const struct session_edge *edge_of(const struct session_graph *g, int from, int to)
{
    for (int64_t k = g->start[from]; k < g->start[from + 1]; k++) {
        if (g->item[k] == to) {
            return &g->edge[k];
        }
    }
    return NULL;
}

static void check_against_reference(const struct session_log *log,
                                    const struct session_graph_options *options)
{
    struct session_graph g = session_graph_build(log, log->sessions, options);
    for (int from = 0; from < log->items; from++) {
        for (int to = 0; to < log->items; to++) {
            struct session_edge expected;
            bool met = from != to && session_graph_entry_reference(log, log->sessions, options,
                                                                   from, to, &expected);
            const struct session_edge *e = edge_of(&g, from, to);
            assert_int_equal(met, e != NULL);
            if (met) {
                assert_close(e->next, expected.next, 1e-5);
                assert_close(e->before, expected.before, 1e-5);
                assert_close(e->ahead, expected.ahead, 1e-5);
                assert_close(e->behind, expected.behind, 1e-5);
            }
        }
    }
    session_graph_free(&g);
}

static void every_entry_is_that_of_the_definition(void **state)
{
    (void)state;
    struct session_log log = wandering_sessions(150, 25, 3);
    check_against_reference(&log, &usual);
    struct session_graph_options other = usual;
    other.reach = 2;
    other.recency = 20;
    other.prior = 0;
    check_against_reference(&log, &other);
    session_log_free(&log);
}

static void two_steps_count_less_and_the_order_is_kept(void **state)
{
    (void)state;
    struct session_log log = {0};
    session_log_add(&log, (const int32_t[]){0, 1, 2}, 3);
    struct session_graph_options o = usual;
    o.prior = 0;
    struct session_graph g = session_graph_build(&log, 1, &o);
    assert_close(edge_of(&g, 0, 1)->next, 1, 0);
    assert_close(edge_of(&g, 0, 2)->next, 0, 0);
    assert_less(edge_of(&g, 0, 2)->ahead, edge_of(&g, 0, 1)->ahead);
    assert_close(edge_of(&g, 0, 1)->behind, 0, 0);
    assert_close(edge_of(&g, 1, 0)->before, 1, 0);
    assert_close(edge_of(&g, 1, 0)->ahead, 0, 0);
    session_graph_free(&g);
    session_log_free(&log);
}

static void a_row_keeps_its_heaviest_entries(void **state)
{
    (void)state;
    struct session_log log = wandering_sessions(300, 40, 4);
    struct session_graph_options few = usual;
    few.row_max = 3;
    struct session_graph all = session_graph_build(&log, log.sessions, &usual);
    struct session_graph cut = session_graph_build(&log, log.sessions, &few);
    for (int i = 0; i < log.items; i++) {
        assert_int_equal(cut.start[i + 1] - cut.start[i], 3);
        for (int k = 0; k < 3; k++) {
            assert_int_equal(cut.item[cut.start[i] + k], all.item[all.start[i] + k]);
            assert_memory_equal(&cut.edge[cut.start[i] + k], &all.edge[all.start[i] + k],
                                sizeof *cut.edge);
        }
    }
    session_graph_free(&all);
    session_graph_free(&cut);
    session_log_free(&log);
}

static void the_number_of_threads_changes_no_bit(void **state)
{
    (void)state;
    struct session_log log = wandering_sessions(300, 90, 5);
    struct session_graph_options more = usual;
    more.threads = 3;
    struct session_graph a = session_graph_build(&log, log.sessions, &usual);
    struct session_graph b = session_graph_build(&log, log.sessions, &more);
    assert_memory_equal(a.start, b.start, ((size_t)a.items + 1) * sizeof *a.start);
    assert_memory_equal(a.item, b.item, (size_t)a.start[a.items] * sizeof *a.item);
    assert_memory_equal(a.edge, b.edge, (size_t)a.start[a.items] * sizeof *a.edge);
    session_graph_free(&a);
    session_graph_free(&b);
    session_log_free(&log);
}

static void odd_sessions_give_odd_graphs_and_no_harm(void **state)
{
    (void)state;
    struct session_log log = {0};
    struct session_graph none = session_graph_build(&log, 0, &usual);
    assert_int_equal(none.items, 0);
    session_graph_free(&none);
    static int32_t same[10000];
    session_log_add(&log, same, 10000); /* one item, again and again */
    session_log_add(&log, same, 1);
    session_log_add(&log, same, 0);
    check_against_reference(&log, &usual);
    session_log_free(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_entry_is_that_of_the_definition),
        cmocka_unit_test(two_steps_count_less_and_the_order_is_kept),
        cmocka_unit_test(a_row_keeps_its_heaviest_entries),
        cmocka_unit_test(the_number_of_threads_changes_no_bit),
        cmocka_unit_test(odd_sessions_give_odd_graphs_and_no_harm),
    };
    TSAN_RUNS_ONLY("thread", tests);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
