/* Finds request heads that were not sent line by line as HTTP asks for, from the addresses of their
 * parts. */
#include "http/wire/wire.h"

#include <string.h>

enum { LINE_END = 2 }; /* CR LF */

struct wire wire_begin(const char *method, const char *target_end, size_t target_len,
                       const char *version)
{
    /* One blank each between method, target and version. The target is known by its end alone: once
     * the library has gone on, its bytes are decoded. */
    bool whole = target_end != NULL && method + strlen(method) + 1 + target_len == target_end &&
                 target_end + 1 == version;
    /* The library has put a NUL at the end of each part and line: strlen finds that one, unless
     * another was sent inside of the part. */
    return (struct wire){.next = version + strlen(version) + LINE_END, .torn = !whole};
}

void wire_header(struct wire *w, const char *name, const char *value)
{
    /* Behind a bare LF the next name stands a byte early; behind a folded line or a NUL, somewhere
     * else. Once torn, next means nothing any more. */
    w->torn = w->torn || name != w->next || value == NULL;
    if (!w->torn) {
        w->next = value + strlen(value) + LINE_END;
    }
}

bool wire_whole(const struct wire *w, const char *method, size_t head_len)
{
    /* The library counts the head in bytes: the empty line must end exactly there, or something was
     * passed over behind the last header. */
    return !w->torn && method + head_len == w->next + LINE_END;
}
