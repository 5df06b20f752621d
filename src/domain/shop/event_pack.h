#ifndef DOMAIN_SHOP_EVENT_PACK_H
#define DOMAIN_SHOP_EVENT_PACK_H

#include "base/arena.h"
#include "base/clock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How an event lies in the log: in a fifth of the bytes that were sent. What stands in columns (id, type, shopper, time) leaves the body, white space
 * as well, and what is written often is a byte. Pure functions; SQL that reads the same form is in sql/migrations/0031_log_bytes.sql.
 *
 * A body is either plain, JSON as it was sent, which begins with '{' (plain SQL writes such), or packed:
 *   a head, '@' and flags: how occurred_at was written (EVENT_PACK_TIME), whose members were taken out (EVENT_PACK_WHO), which texts follow;
 *   the text of cart_id and a byte 31, with EVENT_PACK_CART; the text of anonymous_id, or with EVENT_PACK_VIA of via, and a byte 31, with
 *   EVENT_PACK_NAME: they stand in front so that SQL finds them, and indexes can be built over them; where the column knows no code for it, the type
 *   and a byte 31;
 *   the other members and '}', where codes stand for pieces (event_pieces.inc).
 * A text that is a UUID or a hash is shorter (event_pack_hash), in front as well as among the members.
 * Heads from '!' to '?' are kept for another form. */
enum {
    EVENT_PACK_HEAD = '@',
    EVENT_PACK_TIME = 3,      /* 0: occurred_at is among the members; */
    EVENT_PACK_SECONDS = 1,   /* it is the column, with six decimals or, on a whole second, none; */
    EVENT_PACK_THOUSANDS = 2, /* it is the column, with three decimals */
    EVENT_PACK_WHO = 4,       /* customer_id, or anonymous_id, is the key without its prefix */
    EVENT_PACK_CART = 8,
    EVENT_PACK_NAME = 16,
    EVENT_PACK_VIA = 32,
};

/* An event as it was sent: what its columns say, and the body with everything. */
struct event_form {
    const char *event_id;
    const char *key;
    const char *type;
    int64_t occurred_us;
    const char *body; /* one JSON object */
    size_t body_len;
};

/* The same event in the log, beside key and occurred_us. */
struct event_packed {
    const char *id; /* bytes: event_pack_id */
    size_t id_len;
    int32_t type; /* event_codes.inc; 0: stands in the body */
    const char *body;
    size_t body_len;
};

/* In arena, or where the body stays as it is, borrowed. The body is trusted to be JSON: it was decoded. */
void event_pack(const struct event_form *sent, struct arena *a, struct event_packed *out);
/* The reverse, whatever the order of members and the white space were: fills event_id, type and body from the packed form and from the key and
 * occurred_us that *sent has. In arena, or borrowed from the packed form. A body that nobody packed comes out as no JSON. */
void event_unpack(const struct event_packed *packed, struct arena *a, struct event_form *sent);
/* The same in two steps: id and type, and then, where somebody asks for it, the body. */
void event_unpack_head(const struct event_packed *packed, struct arena *a, struct event_form *sent);
void event_unpack_body(const struct event_packed *packed, struct arena *a, struct event_form *sent);
/* Bytes of that body. */
size_t event_unpacked_len(const struct event_packed *packed, const struct event_form *sent);
bool event_is_packed(const struct event_packed *packed); /* else its body is plain */
/* False of a customer's event that has no anonymous_id, but for one that is null. */
bool event_packed_may_name(const struct event_packed *packed);

/* A time as occurred_at writes it in that style, or where it is neither, as EVENT_PACK_SECONDS does. Returns out. */
const char *event_pack_time(int64_t us, int style, char out[CLOCK_TEXT_MAX]);

/* Ids are kept as bytes: a tag (0: text; 1: ends in a UUID; 2: in 32 hex digits; 3: in 64), what stands before those as text, and they as 16 or 32
 * bytes. In arena. */
char *event_pack_id(const char *id, struct arena *a, size_t *out_len);
const char *event_unpack_id(const char *id, size_t len, struct arena *a);

int32_t event_type_code(const char *name);    /* 0: has none */
const char *event_type_of_code(int32_t code); /* NULL: there is none */

/* What a code stands for (event_pieces.inc); len 0: for nothing. */
struct event_piece {
    const char *text;
    size_t len;
};
enum { EVENT_PIECE_SECOND = 30, EVENT_PIECE_END = 31, EVENT_PIECE_CODES = 127 };
struct event_piece event_piece_of(int code);
/* Code of the longest piece that the text begins with; 0: none. */
int event_piece_at(const char *text, size_t len);

/* A text that is a UUID, or 32 or 64 hex digits, all of it and in small letters: a byte 30, a mark and base64. Returns how many bytes that is; 0: it
 * is none of them. */
enum { EVENT_HASH_TEXT = 64, EVENT_HASH_PACKED = 2 + 43 };
size_t event_pack_hash(const char *text, size_t len, char out[EVENT_HASH_PACKED]);
/* What stands for it behind the byte 30. Returns the length of the text; *out_used: how many bytes were read. 0: it is no hash. */
size_t event_unpack_hash(const char *packed, size_t len, char out[EVENT_HASH_TEXT],
                         size_t *out_used);

#endif
