#ifndef SUPPORT_AT_LENGTH_H
#define SUPPORT_AT_LENGTH_H

#include <stdbool.h>
#include <stdlib.h>

/* Whether this is ./dev test --long, which has hours. Ask before threads start. */
static inline bool at_length(void)
{
    const char *wish = getenv("CARTWRIGHT_LONG");

    return wish != NULL && wish[0] != '\0';
}

#endif
