#ifndef IMPORT_ELEMENTS_H
#define IMPORT_ELEMENTS_H

#include <stdbool.h>
#include <stddef.h>

/* An array of JSON that comes in pieces, to one element a line, in constant memory and without judging them. Blanks outside of
 * strings are dropped, so that an element is the same bytes however the array was written. What is no array stays as it is. */
struct elements {
    enum { ELEMENTS_BEGIN, ELEMENTS_NONE, ELEMENTS_INSIDE, ELEMENTS_BEHIND } at;
    size_t depth; /* inside of an element */
    bool string;
    bool escaped; /* behind a backslash of a string */
};

/* Rewrites the piece in place; returns how many bytes are left of it. */
size_t elements_cut(struct elements *e, char *text, size_t len);
/* The array has begun and not ended. */
bool elements_open(const struct elements *e);
/* It is an array, as far as can be told by now. */
bool elements_seen(const struct elements *e);

#endif
