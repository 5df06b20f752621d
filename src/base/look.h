#ifndef BASE_LOOK_H
#define BASE_LOOK_H

#include <stdbool.h>
#include <stdint.h>

/* What people see of a character: after Unicode 15, Default_Ignorable_Code_Point and White_Space. */
enum look {
    LOOK_SEEN,
    LOOK_UNSEEN, /* has its use beside others (joiners, marks), and nothing is seen of it alone */
    LOOK_SPACE,
    LOOK_DROPPED, /* controls, what turns the text behind it, and what is no character */
};
enum look look_of(uint32_t c);

/* Whether a name that a person gives is, wherever it is printed later (a list, a log, a terminal), one line of what it seems to be:
 * without controls and ends of lines, and without what cannot be seen or turns text around, but for the joiners and marks that letters beyond Latin and
 * emoji need. "" is. Bytes that are no UTF-8 are not judged. */
bool look_fits_a_line(const char *text);
/* What such a name must be, behind "must ": for errors. */
#define LOOK_RULE                                                                                  \
    "not hold control characters, ends of lines, or characters that cannot be seen or turn the "   \
    "text around"

#endif
