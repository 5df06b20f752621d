#ifndef BASE_JWRONG_H
#define BASE_JWRONG_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* What is wrong with a text that is not taken for JSON, in words to people. Which texts are taken, the readers say
 * (jdec_parse); this reads one that they refused once more, by the same grammar, and tells the first thing in its way. */

/* ERR_INVALID, "line L column C: " and the words; a column counts characters, from 1. */
void jwrong_at(const char *text, const char *at, struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* The first thing that is wrong. stopped is how many bytes a reader has read of it; twice: up to there it was right, but that
 * the name of a member ended there which the object had already. */
void jwrong_say(const char *text, size_t len, size_t stopped, bool twice, struct err *err);

#endif
