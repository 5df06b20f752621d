#ifndef FOREIGN_GUESS_H
#define FOREIGN_GUESS_H

#include <stddef.h>

/* The name of the format that a file with this first record looks like, for the error of a wrong --format; NULL: none. */
const char *foreign_guess(const char *text, size_t len);

#endif
