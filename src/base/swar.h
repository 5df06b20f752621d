#ifndef BASE_SWAR_H
#define BASE_SWAR_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Eight bytes of a text looked at at once, as one number. Each answer has a bit in the first byte of which the question
 * is true, and none where it is true of no byte; those behind the first may have one by mistake. */
static inline uint64_t swar_load(const char *text)
{
    uint64_t eight;

    memcpy(&eight, text, sizeof eight);
    return le64toh(eight); /* the first byte is the lowest */
}

/* Which byte is the first, of an answer that is not 0. */
static inline size_t swar_first(uint64_t answer)
{
    return (size_t)__builtin_ctzll(answer) / 8;
}

#define SWAR_EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* byte < 0x80 */
static inline uint64_t swar_some_below(uint64_t eight, unsigned char byte)
{
    return (eight - SWAR_EACH(byte)) & ~eight & SWAR_EACH(0x80);
}

static inline uint64_t swar_some_is(uint64_t eight, unsigned char byte)
{
    return swar_some_below(eight ^ SWAR_EACH(byte), 1);
}

static inline uint64_t swar_some_beyond_ascii(uint64_t eight)
{
    return eight & SWAR_EACH(0x80);
}

#endif
