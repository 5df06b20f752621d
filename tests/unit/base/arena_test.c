#include "base/arena.h"

#include "base/mem.h"
#include "support/spec.h"

static void every_allocation_is_aligned_to_16_bytes_and_zero(void **state)
{
    struct arena a = {0};
    (void)state;

    for (size_t bytes = 0; bytes < 3000; bytes += 7) {
        unsigned char *p = arena_alloc(&a, bytes);
        assert_int_equal((uintptr_t)p % 16, 0);
        for (size_t i = 0; i < bytes; i++) {
            assert_int_equal(p[i], 0);
        }
        memset(p, 0xff, bytes);
    }
    arena_free(&a);
}

static void allocations_do_not_overlap(void **state)
{
    enum { COUNT = 500 };
    struct arena a = {0};
    size_t *cells[COUNT];
    (void)state;

    for (size_t i = 0; i < COUNT; i++) {
        cells[i] = arena_array(&a, i + 1, sizeof *cells[i]);
        for (size_t k = 0; k <= i; k++) {
            cells[i][k] = i;
        }
    }
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t k = 0; k <= i; k++) {
            assert_int_equal(cells[i][k], i);
        }
    }
    arena_free(&a);
}

static void memory_is_zero_again_after_a_reset(void **state)
{
    struct arena a = {0};
    (void)state;

    char *before = arena_alloc(&a, 64);
    memset(before, 'x', 64);
    arena_reset(&a);
    char *after = arena_alloc(&a, 64);
    assert_ptr_equal(before, after); /* the block was kept, */
    for (int i = 0; i < 64; i++) {
        assert_int_equal(after[i], 0); /* its content was not */
    }
    arena_free(&a);
}

static void a_huge_block_does_not_survive_a_reset(void **state)
{
    struct arena a = {0};
    (void)state;

    (void)arena_alloc(&a, 8U << 20);
    arena_reset(&a);
    assert_null(a.head);
    (void)arena_alloc(&a, 100);
    (void)arena_alloc(&a, 8U << 20);
    arena_reset(&a);
    assert_non_null(a.head);
    arena_free(&a);
    assert_null(a.head);
    arena_free(&a);
}

static void text_is_copied_with_its_end(void **state)
{
    struct arena a = {0};
    (void)state;

    assert_string_equal(arena_strdup(&a, "cart"), "cart");
    assert_string_equal(arena_strndup(&a, "cartwright", 4), "cart");
    assert_string_equal(arena_strndup(&a, "ca", 4), "ca");
    assert_string_equal(arena_strdup(&a, ""), "");
    assert_string_equal(arena_printf(&a, "%s-%d", "cart", 7), "cart-7");
    char *longer = arena_printf(&a, "%0*d", 9000, 1);
    assert_int_equal(strlen(longer), 9000);
    arena_free(&a);
}

static void owned_memory_is_zero_and_grows_with_its_content(void **state)
{
    (void)state;

    int *n = mem_array(4, sizeof *n);
    assert_int_equal(n[0] | n[1] | n[2] | n[3], 0);
    n[3] = 42;
    n = mem_grow(n, 4000, sizeof *n);
    assert_int_equal(n[3], 42);
    mem_free(&n);
    assert_null(n);
    mem_free(&n);

    char *text = mem_strdup("cart");
    assert_string_equal(text, "cart");
    mem_free(&text);
    void *nothing = mem_alloc(0);
    assert_non_null(nothing);
    mem_free(&nothing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_is_aligned_to_16_bytes_and_zero),
        cmocka_unit_test(allocations_do_not_overlap),
        cmocka_unit_test(memory_is_zero_again_after_a_reset),
        cmocka_unit_test(a_huge_block_does_not_survive_a_reset),
        cmocka_unit_test(text_is_copied_with_its_end),
        cmocka_unit_test(owned_memory_is_zero_and_grows_with_its_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
