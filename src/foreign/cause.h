#ifndef FOREIGN_CAUSE_H
#define FOREIGN_CAUSE_H

#include <stdbool.h>

/* Why a row of a file was refused, or what is told of one that was taken. */
enum cause {
#define CAUSE(id, code) CAUSE_##id,
#include "foreign/cause_table.inc"
#undef CAUSE
    CAUSES
};

/* "bad_time": what scripts may rely on. */
const char *cause_code(enum cause cause);
/* The cause of this code; CAUSES for none. */
enum cause cause_of(const char *code);
/* The row was not taken. */
static inline bool cause_refuses(enum cause cause)
{
    return cause < CAUSE_SEPARATOR;
}

#endif
