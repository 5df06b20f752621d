#include "store/private/pgmemory.h"

#include "support/spec.h"

#define GB (INT64_C(1) << 30)

static const char *settings_of(int64_t bytes)
{
    static char text[PGMEMORY_TEXT_MAX];
    return pgmemory_settings(bytes, text);
}

static void a_quarter_of_the_machine_is_the_servers(void **state)
{
    (void)state;
    assert_text_contains(settings_of(16 * GB), "shared_buffers = 4096MB\n");
    assert_text_contains(settings_of(16 * GB), "effective_cache_size = 8192MB\n");
    assert_text_contains(settings_of(16 * GB), "maintenance_work_mem = 512MB\n");
    assert_text_contains(settings_of(16 * GB), "max_wal_size = 4096MB\n");
}

static void small_and_huge_machines_have_bounds(void **state)
{
    (void)state;
    assert_text_contains(settings_of(GB / 4), "shared_buffers = 128MB\n");
    assert_text_contains(settings_of(GB / 4), "maintenance_work_mem = 64MB\n");
    assert_text_contains(settings_of(GB / 4), "max_wal_size = 2048MB\n");
    assert_text_contains(settings_of(512 * GB), "shared_buffers = 8192MB\n");
    assert_text_contains(settings_of(512 * GB), "maintenance_work_mem = 1024MB\n");
    assert_text_contains(settings_of(512 * GB), "max_wal_size = 16384MB\n");
}

static void the_machine_has_some_memory(void **state)
{
    (void)state;
    assert_true(pgmemory_of_machine() > GB / 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quarter_of_the_machine_is_the_servers),
        cmocka_unit_test(small_and_huge_machines_have_bounds),
        cmocka_unit_test(the_machine_has_some_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
