#ifndef SUPPORT_SPEC_H
#define SUPPORT_SPEC_H

/* What every test program includes: cmocka (which wants these four headers before it) and the
 * asserts it lacks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Fails, showing both, unless part occurs in text. */
#define assert_text_contains(text, part) check_text_contains((text), (part), __FILE__, __LINE__)

/* A function, so that a test with many of them still counts as simple. */
static inline void check_text_contains(const char *text, const char *part, const char *file,
                                       int line)
{
    if (strstr(text, part) == NULL) {
        print_error("\"%s\" does not contain \"%s\"\n", text, part);
        _fail(file, line);
    }
}

/* Under ThreadSanitizer, which sees races and takes ten times as long, a program runs only its tests with this word in their names: the
 * others keep to one thread, and run in dev and under AddressSanitizer. For main, before the tests run. */
#define TSAN_RUNS_ONLY(word, tests) tsan_runs_only("*" word "*", word, tests, COUNT_OF(tests))

static inline void tsan_runs_only(const char *names, const char *word,
                                  const struct CMUnitTest *tests, size_t count)
{
    bool some = false;
    for (size_t i = 0; i < count; i++) {
        some = some || strstr(tests[i].name, word) != NULL;
    }
    assert_true(some); /* also where all of them run: cmocka passes a program that runs none */
#ifdef __SANITIZE_THREAD__
    cmocka_set_test_filter(names);
#else
    (void)names;
#endif
}

#endif
