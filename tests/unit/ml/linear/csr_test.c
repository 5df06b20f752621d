#include "ml/linear/csr.h"

#include "unit/ml/ml_spec.h"

static void triples_in_any_order_become_sorted_rows(void **state)
{
    (void)state;
    struct err err = {0};
    struct csr a;
    const struct triple triples[] = {{2, 1, 5}, {0, 3, 2}, {2, 0, 4}, {0, 0, 1}, {0, 2, 3}};
    const int64_t start[] = {0, 3, 3, 5};
    const int32_t column[] = {0, 2, 3, 0, 1};
    const float weight[] = {1, 3, 2, 4, 5};
    assert_succeeds(csr_build(3, 4, triples, COUNT_OF(triples), &a, &err), err);
    assert_memory_equal(a.start, start, sizeof start);
    assert_memory_equal(a.column, column, sizeof column);
    assert_memory_equal(a.weight, weight, sizeof weight);
    csr_free(&a);
}

static void duplicates_of_a_cell_are_added_up(void **state)
{
    (void)state;
    struct err err = {0};
    struct csr a;
    const struct triple triples[] = {{1, 1, 1}, {0, 0, 7}, {1, 1, 2}, {1, 1, 0.5F}};
    assert_succeeds(csr_build(2, 2, triples, COUNT_OF(triples), &a, &err), err);
    assert_int_equal(csr_entries(&a), 2);
    assert_close(a.weight[1], 3.5, 0);
    csr_free(&a);
}

static void transposing_twice_gives_the_same_matrix(void **state)
{
    (void)state;
    struct csr a = random_interactions(13, 7, 0.3, 5);
    struct csr t = csr_transpose(&a);
    struct csr back = csr_transpose(&t);
    size_t entries = (size_t)csr_entries(&a);
    assert_int_equal(t.rows, 7);
    assert_int_equal(csr_entries(&t), csr_entries(&a));
    assert_memory_equal(back.start, a.start, 14 * sizeof *a.start);
    assert_memory_equal(back.column, a.column, entries * sizeof *a.column);
    assert_memory_equal(back.weight, a.weight, entries * sizeof *a.weight);
    csr_free(&a);
    csr_free(&t);
    csr_free(&back);
}

static void a_matrix_without_entries_has_empty_rows(void **state)
{
    (void)state;
    struct err err = {0};
    struct csr a;
    assert_succeeds(csr_build(2, 0, NULL, 0, &a, &err), err);
    assert_int_equal(csr_entries(&a), 0);
    struct csr t = csr_transpose(&a);
    assert_int_equal(t.rows, 0);
    csr_free(&a);
    csr_free(&t);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    const struct {
        struct triple triple;
        const char *text;
    } cases[] = {
        {{-1, 0, 1}, "outside"}, {{3, 0, 1}, "outside"},      {{0, -1, 1}, "outside"},
        {{0, 2, 1}, "outside"},  {{0, 0, NAN}, "not finite"}, {{0, 0, INFINITY}, "not finite"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err err = {0};
        struct csr a;
        assert_refused(csr_build(3, 2, &cases[i].triple, 1, &a, &err), err, cases[i].text);
    }
    const struct triple huge[] = {{0, 0, 3e38F}, {0, 0, 3e38F}};
    struct err err = {0};
    struct csr a;
    assert_refused(csr_build(1, 1, huge, 2, &a, &err), err, "add up");
    assert_refused(csr_build(-1, 1, NULL, 0, &a, &err), err, "-1 rows");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(triples_in_any_order_become_sorted_rows),
        cmocka_unit_test(duplicates_of_a_cell_are_added_up),
        cmocka_unit_test(transposing_twice_gives_the_same_matrix),
        cmocka_unit_test(a_matrix_without_entries_has_empty_rows),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests_name("ml/linear/csr", tests, NULL, NULL);
}
