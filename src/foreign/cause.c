/* The codes of causes. */
#include "foreign/cause.h"

#include <assert.h>
#include <string.h>

static const char *const codes[CAUSES] = {
#define CAUSE(id, code) code,
#include "foreign/cause_table.inc"
#undef CAUSE
};

const char *cause_code(enum cause cause)
{
    assert(cause < CAUSES);
    return codes[cause];
}

enum cause cause_of(const char *code)
{
    unsigned at = 0;
    while (at < CAUSES && strcmp(codes[at], code) != 0) {
        at++;
    }
    return (enum cause)at;
}
