#ifndef BASE_JMARKS_H
#define BASE_JMARKS_H

#include "base/arena.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A JSON text read in one pass: a mark for each value, in the order of the text, that says where it lies. What
 * jdec_parse takes is taken, and nothing else; numbers and texts are made when somebody asks for them. */
struct jmark {
    const char *name; /* of a member, unescaped, ended by nothing; NULL: an element, or the root */
    union {
        const char *text; /* a string's bytes; a number as it was written */
        uint64_t names;   /* an object's: the bits of its members' names (jmark_name_bit) */
    };
    uint32_t name_len;
    uint32_t len;  /* bytes of text; members or elements */
    uint32_t span; /* marks of the value: its own, and of all that lies in it */
    uint8_t type;  /* enum json_type */
    bool kept;     /* text lies in the arena, with a NUL behind it */
    bool asked;    /* somebody has asked for this member by its name */
};

/* One of 64 bits, in which most names of an object differ: most that are absent, or come twice, are told by it without
 * a look at the others. */
static inline uint64_t jmark_name_bit(const char *name, size_t len)
{
    size_t mixed = len;

    if (len > 0) {
        mixed += 7 * (size_t)(unsigned char)name[0] + 31 * (size_t)(unsigned char)name[len - 1];
    }
    return UINT64_C(1) << (mixed & 63);
}

enum { JMARKS_FIRST = 96 }; /* more than an ordinary event has */
struct jmarks {
    struct jmark *all; /* all[0] is the root */
    size_t count;
    size_t room;
    struct jmark first[JMARKS_FIRST]; /* all, until there are more */
};

/* False where the text is not what jdec_parse takes; which it then says in words. Marks point into text and into
 * the arena. Freed with jmarks_free either way. */
bool jmarks_read(struct jmarks *m, const char *text, size_t len, struct arena *a);
void jmarks_free(struct jmarks *m);

/* An object some of whose members are texts that lie elsewhere: jmarks_begin, jmarks_member for each of these, and
 * jmarks_rest for the text of the others, with the bracket that ends the object. The marks are those of jmarks_read of one text with all of
 * them, in this order. Names are borrowed as the texts are; false as there, and then only jmarks_free may follow. */
void jmarks_begin(struct jmarks *m);
bool jmarks_member(struct jmarks *m, const char *name, const char *text, size_t len);
bool jmarks_rest(struct jmarks *m, const char *text, size_t len, struct arena *a);

#endif
