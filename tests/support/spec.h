#ifndef SUPPORT_SPEC_H
#define SUPPORT_SPEC_H

/* What every test program includes: cmocka (which wants these four headers before it) and the asserts
 * it lacks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Fails, showing both, unless part occurs in text. */
#define assert_text_contains(text, part)                                                           \
    do {                                                                                           \
        const char *text_ = (text);                                                                \
        const char *part_ = (part);                                                                \
        if (strstr(text_, part_) == NULL) {                                                        \
            fail_msg("\"%s\" does not contain \"%s\"", text_, part_);                              \
        }                                                                                          \
    } while (0)

#endif
