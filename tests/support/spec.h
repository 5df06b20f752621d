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

#endif
