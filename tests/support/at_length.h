#ifndef SUPPORT_AT_LENGTH_H
#define SUPPORT_AT_LENGTH_H

#include <stdbool.h>
#include <stdlib.h>

/* Under ./dev test --long, which has hours: the first is how much a test does in an ordinary run, the other how much there. Ask before
 * threads start. */
static inline bool at_length(void)
{
    const char *wish = getenv("CARTWRIGHT_LONG");

    return wish != NULL && wish[0] != '\0';
}

#endif
