#include "store/pg/db_error.h"

#include "support/spec.h"

/* Every SQLSTATE that the service treats in a way of its own, and one of each class it does not. */
static const struct {
    const char *sqlstate;
    struct db_fault expected;
} cases[] = {
    {"40001", {ERR_BUSY, true, false, false}},      {"40P01", {ERR_BUSY, true, false, false}},
    {"55P03", {ERR_BUSY, true, false, true}},       {"08006", {ERR_BUSY, true, true, false}},
    {"08003", {ERR_BUSY, true, true, false}},       {"57P01", {ERR_BUSY, true, true, false}},
    {"57P02", {ERR_BUSY, true, true, false}},       {"57P03", {ERR_BUSY, true, true, false}},
    {"53300", {ERR_BUSY, true, true, false}},       {"25006", {ERR_BUSY, true, true, false}},
    {"25P03", {ERR_BUSY, true, true, false}},       {NULL, {ERR_BUSY, true, true, false}},
    {"53100", {ERR_BUSY, false, false, false}},     {"53200", {ERR_BUSY, false, false, false}},
    {"57014", {ERR_BUSY, false, false, false}},     {"23505", {ERR_INTERNAL, false, false, false}},
    {"22P02", {ERR_INTERNAL, false, false, false}}, {"42601", {ERR_INTERNAL, false, false, false}},
    {"08P01", {ERR_INTERNAL, false, true, false}},  {"XX000", {ERR_INTERNAL, false, false, false}},
};

static void only_failures_that_time_may_cure_are_retried(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct db_fault got = db_fault_of(cases[i].sqlstate);
        bool equal =
            got.kind == cases[i].expected.kind && got.retryable == cases[i].expected.retryable &&
            got.broken == cases[i].expected.broken && got.locked == cases[i].expected.locked;
        if (!equal) {
            print_error("%s: kind %d, retryable %d, broken %d, locked %d\n", cases[i].sqlstate,
                        got.kind, got.retryable, got.broken, got.locked);
            fail();
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_failures_that_time_may_cure_are_retried),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
