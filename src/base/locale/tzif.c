/* TZif files, RFC 8536. Every count is checked against what is there before anything is read. */
#include "base/locale/tzif.h"

#include "base/locale/tz_rule.h"
#include "base/mem.h"

#include <string.h>

enum { HEADER = 44, COUNTS_AT = 20, TYPE_BYTES = 6, TYPES_MAX = 256, FOOTER_MAX = 200 };

struct tzif {
    size_t change_count;
    int64_t *changes; /* Unix seconds, ascending */
    int32_t *after;   /* seconds ahead of UTC from then on */
    int32_t before;   /* the first change */
    bool has_rule;
    struct tz_rule rule; /* after the last change */
};

/* What a header says of its block. */
struct counts {
    uint64_t isut, isstd, leap, time, type, chars;
};

struct block {
    const uint8_t *times, *time_types, *types, *chars;
};

static uint64_t big_endian(const uint8_t *at, int bytes)
{
    uint64_t value = 0;

    for (int i = 0; i < bytes; i++) {
        value = value << 8 | at[i];
    }
    return value;
}

static bool header_read(const uint8_t *bytes, size_t left, struct counts *out, struct err *err)
{
    const uint8_t *n = bytes + COUNTS_AT;

    if (left < HEADER || memcmp(bytes, "TZif", 4) != 0) {
        return FAIL(err, ERR_INVALID, "is no TZif file, or is cut off");
    }
    if (bytes[4] < '2') {
        return FAIL(err, ERR_INVALID, "is of version 1, which has no times after 2038");
    }
    *out = (struct counts){big_endian(n, 4),      big_endian(n + 4, 4),  big_endian(n + 8, 4),
                           big_endian(n + 12, 4), big_endian(n + 16, 4), big_endian(n + 20, 4)};
    return true;
}

/* Of numbers below 2^32 each: no sum can overflow. */
static uint64_t block_bytes(const struct counts *c, uint64_t time_bytes)
{
    return c->time * (time_bytes + 1) + c->type * TYPE_BYTES + c->chars +
           c->leap * (time_bytes + 4) + c->isstd + c->isut;
}

static bool counts_check(const struct counts *c, struct err *err)
{
    if (c->type == 0 || c->type > TYPES_MAX || c->chars == 0 ||
        (c->isut != 0 && c->isut != c->type) || (c->isstd != 0 && c->isstd != c->type)) {
        return FAIL(err, ERR_INVALID, "has counts that contradict each other");
    }
    return c->leap == 0 || FAIL(err, ERR_INVALID, "counts leap seconds");
}

static int32_t type_offset(const struct block *b, uint64_t type)
{
    return (int32_t)(uint32_t)big_endian(b->types + type * TYPE_BYTES, 4);
}

static bool types_check(const struct block *b, const struct counts *c, struct err *err)
{
    for (uint64_t i = 0; i < c->type; i++) {
        const uint8_t *type = b->types + i * TYPE_BYTES;
        const int32_t offset = type_offset(b, i);
        if (offset < -TZIF_OFFSET_MAX || offset > TZIF_OFFSET_MAX || type[4] > 1 ||
            type[5] >= c->chars) {
            return FAIL(err, ERR_INVALID, "has an impossible local time");
        }
    }
    return b->chars[c->chars - 1] == '\0' ||
           FAIL(err, ERR_INVALID, "has a name of a local time without end");
}

static bool changes_check(const struct block *b, const struct counts *c, struct err *err)
{
    for (uint64_t i = 0; i < c->time; i++) {
        if (b->time_types[i] >= c->type) {
            return FAIL(err, ERR_INVALID, "changes to a local time that it does not have");
        }
        if (i > 0 && (int64_t)big_endian(b->times + i * 8, 8) <=
                         (int64_t)big_endian(b->times + (i - 1) * 8, 8)) {
            return FAIL(err, ERR_INVALID, "has changes out of order");
        }
    }
    return true;
}

/* "\n" TZ "\n", and nothing behind it; TZ may be empty. */
static bool footer_read(const uint8_t *at, size_t left, bool *out_has, struct tz_rule *out,
                        struct err *err)
{
    char text[FOOTER_MAX + 1] = {0};

    if (left < 2 || left > FOOTER_MAX || at[0] != '\n' || at[left - 1] != '\n' ||
        memchr(at, '\0', left) != NULL) {
        return FAIL(err, ERR_INVALID, "has no footer where it should end");
    }
    memcpy(text, at + 1, left - 2);
    *out_has = text[0] != '\0';
    return !*out_has || tz_rule_parse(text, out, err);
}

static void keep(struct tzif *z, const struct block *b, const struct counts *c)
{
    z->change_count = (size_t)c->time;
    z->changes = mem_array(z->change_count + 1, sizeof *z->changes);
    z->after = mem_array(z->change_count + 1, sizeof *z->after);
    z->before = type_offset(b, 0);
    for (size_t i = 0; i < z->change_count; i++) {
        z->changes[i] = (int64_t)big_endian(b->times + i * 8, 8);
        z->after[i] = type_offset(b, b->time_types[i]);
    }
}

/* The second block, whose times have 64 bits; the first one is for readers of 1987. */
static bool second_block(const uint8_t *bytes, size_t size, struct counts *out,
                         const uint8_t **out_at, size_t *out_left, struct err *err)
{
    struct counts first;

    if (!header_read(bytes, size, &first, err)) {
        return false;
    }
    if (block_bytes(&first, 4) > size - HEADER) {
        return FAIL(err, ERR_INVALID, "is cut off in its first block");
    }
    const size_t skip = HEADER + (size_t)block_bytes(&first, 4);
    if (!header_read(bytes + skip, size - skip, out, err) || !counts_check(out, err)) {
        return false;
    }
    *out_at = bytes + skip + HEADER;
    *out_left = size - skip - HEADER;
    return block_bytes(out, 8) <= *out_left ||
           FAIL(err, ERR_INVALID, "is cut off in its second block");
}

bool tzif_read(const uint8_t *bytes, size_t size, struct tzif **out, struct err *err)
{
    struct counts c;
    const uint8_t *at = NULL;
    size_t left = 0;
    struct tzif read = {0};

    if (size > TZIF_BYTES_MAX) {
        return FAIL(err, ERR_INVALID, "has %zu bytes, at most %d are read", size, TZIF_BYTES_MAX);
    }
    if (!second_block(bytes, size, &c, &at, &left, err)) {
        return false;
    }
    struct block b = {.times = at};
    b.time_types = b.times + c.time * 8;
    b.types = b.time_types + c.time;
    b.chars = b.types + c.type * TYPE_BYTES;
    const size_t body = (size_t)block_bytes(&c, 8);
    if (!types_check(&b, &c, err) || !changes_check(&b, &c, err) ||
        !footer_read(at + body, left - body, &read.has_rule, &read.rule, err)) {
        return false;
    }
    keep(&read, &b, &c);
    *out = mem_alloc(sizeof **out);
    **out = read;
    return true;
}

void tzif_free(struct tzif **zone)
{
    if (*zone != NULL) {
        mem_free(&(*zone)->changes);
        mem_free(&(*zone)->after);
        mem_free(zone);
    }
}

int32_t tzif_offset(const struct tzif *z, int64_t at_us)
{
    const int64_t at_s = at_us / 1000000 - (at_us % 1000000 < 0);
    size_t low = 0;
    size_t high = z->change_count;

    /* how many changes lie at or before it */
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (z->changes[middle] <= at_s) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == z->change_count && z->has_rule) {
        return tz_rule_offset(&z->rule, at_s);
    }
    return low == 0 ? z->before : z->after[low - 1];
}

size_t tzif_changes(const struct tzif *z)
{
    return z->change_count;
}

int64_t tzif_change_s(const struct tzif *z, size_t i)
{
    return z->changes[i];
}
