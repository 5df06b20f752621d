/* Ids and types as the log keeps them, and the pieces of bodies: what is short for what. */
#include "domain/shop/event_pack.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

enum { UUID_TEXT = 36, UUID_BYTES = 16, UUID_HEX = 32, HASH_BYTES = 32, HASH_HEX = 64 };
enum { TAG_TEXT, TAG_UUID, TAG_HEX_16, TAG_HEX_32 };

/* ---- ids ---- */

/* 0 .. 15; -1: none, or an upper-case one, which would come out as another id. */
static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_dash(size_t i)
{
    return i == 8 || i == 13 || i == 18 || i == 23;
}

static bool is_hex(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (hex_value(text[i]) < 0) {
            return false;
        }
    }
    return true;
}

static bool is_uuid(const char *text)
{
    for (size_t i = 0; i < UUID_TEXT; i++) {
        if (is_dash(i) ? text[i] != '-' : hex_value(text[i]) < 0) {
            return false;
        }
    }
    return true;
}

/* How the id ends, and how many bytes of text that is. */
static int tail_of(const char *id, size_t len, size_t *out_tail)
{
    static const size_t tails[] = {0, UUID_TEXT, UUID_HEX, HASH_HEX};
    int tag = TAG_TEXT;

    if (len >= tails[TAG_HEX_32] && is_hex(id + len - tails[TAG_HEX_32], tails[TAG_HEX_32])) {
        tag = TAG_HEX_32;
    } else if (len >= tails[TAG_UUID] && is_uuid(id + len - tails[TAG_UUID])) {
        tag = TAG_UUID;
    } else if (len >= tails[TAG_HEX_16] &&
               is_hex(id + len - tails[TAG_HEX_16], tails[TAG_HEX_16])) {
        tag = TAG_HEX_16;
    }
    *out_tail = tails[tag];
    return tag;
}

/* Digits to bytes; the dashes of a UUID are passed over. Returns behind the last byte. */
static char *put_bytes(char *at, const char *digits, const char *end)
{
    while (digits < end) {
        digits += *digits == '-' ? 1 : 0;
        *at++ = (char)((unsigned)hex_value(digits[0]) << 4 | (unsigned)hex_value(digits[1]));
        digits += 2;
    }
    return at;
}

/* The reverse. */
static char *put_digits(char *at, const char *bytes, size_t count, bool uuid)
{
    static const char digits[] = "0123456789abcdef";
    const char *first = at;

    for (const char *byte = bytes; byte < bytes + count; byte++) {
        if (uuid && is_dash((size_t)(at - first))) {
            *at++ = '-';
        }
        *at++ = digits[(unsigned char)*byte >> 4];
        *at++ = digits[(unsigned char)*byte & 15];
    }
    return at;
}

char *event_pack_id(const char *id, struct arena *a, size_t *out_len)
{
    size_t len = strlen(id);
    size_t tail;
    int tag = tail_of(id, len, &tail);
    char *packed = arena_alloc(a, 1 + len + 1);
    char *at = packed + 1;

    packed[0] = (char)tag;
    memcpy(at, id, len - tail);
    at = put_bytes(at + len - tail, id + len - tail, id + len);
    *out_len = (size_t)(at - packed);
    return packed;
}

const char *event_unpack_id(const char *id, size_t len, struct arena *a)
{
    const int tag = len == 0 ? TAG_TEXT : id[0];
    const size_t tail = tag == TAG_TEXT ? 0 : tag == TAG_HEX_32 ? HASH_BYTES : UUID_BYTES;

    if (len < 1 + tail || tag < TAG_TEXT || tag > TAG_HEX_32) {
        return "";
    }
    char *text = arena_alloc(a, len + UUID_TEXT + tail);
    memcpy(text, id + 1, len - 1 - tail);
    *put_digits(text + len - 1 - tail, id + len - tail, tail, tag == TAG_UUID) = '\0';
    return text;
}

/* ---- hashes within bodies ---- */

enum { MARK_UUID = 'u', MARK_HEX_16 = 'w', MARK_HEX_32 = 'x' };

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static size_t base64_len(size_t bytes)
{
    return (8 * bytes + 5) / 6;
}

static void put_base64(char *at, const char *bytes, size_t count)
{
    for (size_t i = 0; i < base64_len(count); i++) {
        const size_t bit = 6 * i;
        const unsigned high = (unsigned char)bytes[bit / 8];
        const unsigned low = bit / 8 + 1 < count ? (unsigned char)bytes[bit / 8 + 1] : 0;
        at[i] = base64[(high << 8 | low) >> (10 - bit % 8) & 63];
    }
}

/* What is no letter of it counts as the first. */
static void get_base64(char *bytes, size_t count, const char *text)
{
    memset(bytes, 0, count);
    for (size_t i = 0; i < base64_len(count); i++) {
        const char *found = text[i] == '\0' ? NULL : strchr(base64, text[i]);
        const unsigned value = found == NULL ? 0 : (unsigned)(found - base64);
        const size_t bit = 6 * i;
        const unsigned both = value << (10 - bit % 8);
        bytes[bit / 8] = (char)((unsigned char)bytes[bit / 8] | both >> 8);
        if (bit / 8 + 1 < count) {
            bytes[bit / 8 + 1] = (char)(both & 255);
        }
    }
}

size_t event_pack_hash(const char *text, size_t len, char out[EVENT_HASH_PACKED])
{
    char bytes[HASH_BYTES];
    size_t count = UUID_BYTES;

    if (len == UUID_TEXT && is_uuid(text)) {
        out[1] = MARK_UUID;
    } else if (len == UUID_HEX && is_hex(text, len)) {
        out[1] = MARK_HEX_16;
    } else if (len == HASH_HEX && is_hex(text, len)) {
        out[1] = MARK_HEX_32;
        count = HASH_BYTES;
    } else {
        return 0;
    }
    out[0] = EVENT_PIECE_SECOND;
    (void)put_bytes(bytes, text, text + len);
    put_base64(out + 2, bytes, count);
    return 2 + base64_len(count);
}

size_t event_unpack_hash(const char *packed, size_t len, char out[EVENT_HASH_TEXT],
                         size_t *out_used)
{
    char bytes[HASH_BYTES];
    const int mark = len == 0 ? 0 : packed[0];
    const size_t count = mark == MARK_HEX_32 ? HASH_BYTES : UUID_BYTES;

    if ((mark != MARK_UUID && mark != MARK_HEX_16 && mark != MARK_HEX_32) ||
        len < 1 + base64_len(count)) {
        return 0;
    }
    get_base64(bytes, count, packed + 1);
    *out_used = 1 + base64_len(count);
    return (size_t)(put_digits(out, bytes, count, mark == MARK_UUID) - out);
}

/* ---- types ---- */

static const char *const type_names[] = {
#define CODE(number, name) [number] = (name),
#include "domain/shop/event_codes.inc"
#undef CODE
};

const char *event_type_of_code(int32_t code)
{
    return code > 0 && code < (int32_t)(sizeof type_names / sizeof *type_names) ? type_names[code]
                                                                                : NULL;
}

int32_t event_type_code(const char *name)
{
    for (size_t code = 1; code < sizeof type_names / sizeof *type_names; code++) {
        if (strcmp(type_names[code], name) == 0) {
            return (int32_t)code;
        }
    }
    return 0;
}

/* ---- pieces of bodies ---- */

static const struct event_piece piece_of_code[EVENT_PIECE_CODES] = {
#define PIECE(code, text) [code] = {text, sizeof(text) - 1},
#include "domain/shop/event_pieces.inc"
#undef PIECE
};

/* In order of the texts, as the table is. */
static const unsigned char codes_by_text[] = {
#define PIECE(code, text) (code),
#include "domain/shop/event_pieces.inc"
#undef PIECE
};

struct event_piece event_piece_of(int code)
{
    assert(code >= 0 && code < EVENT_PIECE_CODES);
    return piece_of_code[code];
}

/* The first in the table whose text lies behind this one. */
static size_t first_behind(const char *text, size_t len)
{
    size_t from = 0;
    size_t to = sizeof codes_by_text;

    while (from < to) {
        size_t middle = (from + to) / 2;
        const struct event_piece *p = &piece_of_code[codes_by_text[middle]];
        int order = memcmp(p->text, text, p->len < len ? p->len : len);
        if (order > 0 || (order == 0 && p->len > len)) {
            to = middle;
        } else {
            from = middle + 1;
        }
    }
    return from;
}

int event_piece_at(const char *text, size_t len)
{
    /* What the text begins with lies before it in the order, the longest last; between them lie only pieces with the same beginning. */
    for (size_t i = first_behind(text, len); i > 0; i--) {
        const struct event_piece *p = &piece_of_code[codes_by_text[i - 1]];
        if (p->len <= len && memcmp(p->text, text, p->len) == 0) {
            return codes_by_text[i - 1];
        }
        if (p->text[0] != text[0] || len < 2 || p->text[1] != text[1]) {
            return 0;
        }
    }
    return 0;
}
