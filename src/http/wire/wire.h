#ifndef HTTP_WIRE_WIRE_H
#define HTTP_WIRE_WIRE_H

#include <stdbool.h>
#include <stddef.h>

/* libmicrohttpd before 1.0 reads request heads generously: it ends lines at a bare LF, glues folded
 * lines to the NAME of the header before, takes many blanks for one, cuts methods, values and targets
 * at a NUL, and takes a line that begins with a colon for the end of the head, so that what follows
 * becomes the next request. None of this shows in what it hands out, but it shows in where: it parses
 * in place, so in an honest head each part lies right behind the one before, parted by exactly what
 * HTTP asks for. This compares addresses, and reads nothing.
 *
 * What it cannot see, because the length is right and the library has written NUL over the rest: a NUL
 * before a bare LF, and a head that ends in a line of nothing but a colon, with a bare LF on one side. */
struct wire {
    const char *next; /* where the next header must begin */
    bool torn;
};

/* target_end: where the target's C string ended, target_len: how long it was. */
struct wire wire_begin(const char *method, const char *target_end, size_t target_len,
                       const char *version);
void wire_header(struct wire *w, const char *name, const char *value);

/* head_len: bytes from the method to the end of the empty line. True: an honest head. */
bool wire_whole(const struct wire *w, const char *method, size_t head_len);

#endif
