/* Events as they lie in the log. Reads JSON by its marks alone: what an event may say is event_decode.c's to judge, before it comes here. */
#include "domain/shop/event_pack.h"

#include "base/clock.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

enum { MEMBERS_MAX = 40 };

/* A member of the event, as it stands in the text. */
struct member {
    const char *name; /* between the quotes */
    size_t name_len;
    const char *value; /* with its quotes or brackets */
    size_t len;
};

/* ---- reading by the marks ---- */

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static const char *past_space(const char *at, const char *end)
{
    while (at < end && is_space(*at)) {
        at++;
    }
    return at;
}

/* Behind the closing quote of the string that begins at `at`; NULL: it has none. */
static const char *past_string(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++) {
        at += *at == '\\' ? 1 : 0;
    }
    return at < end ? at + 1 : NULL;
}

/* Behind the value that begins at `at`: before the comma or bracket that ends it. NULL: it does not end. */
static const char *past_value(const char *at, const char *end)
{
    int depth = 0;

    while (at != NULL && at < end) {
        if (depth == 0 && (*at == ',' || *at == '}' || *at == ']')) {
            return at;
        }
        depth += *at == '{' || *at == '[' ? 1 : *at == '}' || *at == ']' ? -1 : 0;
        at = *at == '"' ? past_string(at, end) : at + 1;
    }
    return NULL;
}

/* One member, and behind it. NULL: there is none, or not as we know them. */
static const char *member_at(const char *at, const char *end, struct member *out)
{
    const char *name_end = at < end && *at == '"' ? past_string(at, end) : NULL;
    const char *colon = name_end == NULL ? NULL : past_space(name_end, end);

    if (colon == NULL || colon == end || *colon != ':') {
        return NULL;
    }
    const char *value = past_space(colon + 1, end);
    const char *behind = past_value(value, end);
    if (behind == NULL || behind == value) {
        return NULL;
    }
    *out = (struct member){.name = at + 1,
                           .name_len = (size_t)(name_end - at) - 2,
                           .value = value,
                           .len = (size_t)(behind - value)};
    while (is_space(out->value[out->len - 1])) {
        out->len--;
    }
    return behind;
}

/* The members of the object. False: it is none, or has too many for us. */
static bool members_of(const char *text, size_t len, struct member out[MEMBERS_MAX],
                       size_t *out_count)
{
    const char *end = text + len;
    const char *at = past_space(text, end);
    size_t count = 0;

    if (at == end || *at != '{') {
        return false;
    }
    do {
        at = count == MEMBERS_MAX ? NULL : member_at(past_space(at + 1, end), end, &out[count]);
        count++;
    } while (at != NULL && *at == ',');
    *out_count = count;
    return at != NULL && *at == '}' && past_space(at + 1, end) == end;
}

/* The member of that name. False: it stands there twice. NULL where there is none. */
static bool member_find(const struct member *members, size_t count, const char *name,
                        const struct member **out)
{
    size_t len = strlen(name);

    *out = NULL;
    for (size_t i = 0; i < count; i++) {
        if (members[i].name_len == len && memcmp(members[i].name, name, len) == 0) {
            if (*out != NULL) {
                return false;
            }
            *out = &members[i];
        }
    }
    return true;
}

/* A string without escapes: its text is what stands there. */
static bool is_bare(const struct member *m)
{
    return m->len >= 2 && m->value[0] == '"' && memchr(m->value, '\\', m->len) == NULL;
}

static bool says(const struct member *m, const char *text)
{
    size_t len = strlen(text);

    return is_bare(m) && m->len == len + 2 && memcmp(m->value + 1, text, len) == 0;
}

/* ---- times ---- */

/* How the text writes the time; 0: in a way of its own. */
static int time_style(const struct member *m, int64_t us)
{
    char text[CLOCK_TEXT_MAX];

    /* before 1970 what is left of a second is below 0 */
    if (us < 0) {
        return 0;
    }
    if (says(m, event_pack_time(us, EVENT_PACK_SECONDS, text))) {
        return EVENT_PACK_SECONDS;
    }
    return us % 1000 == 0 && says(m, event_pack_time(us, EVENT_PACK_THOUSANDS, text))
               ? EVENT_PACK_THOUSANDS
               : 0;
}

/* ---- packing ---- */

/* What is taken out of the members; NULL: is not there, or stays. */
struct taken {
    const struct member *id;
    const struct member *type;
    const struct member *who;
    const struct member *time;
    const struct member *cart;
    const struct member *name; /* anonymous_id or via */
    int flags;
};

/* NULL where it says null: such a member is as good as none, but goes along with the others. */
static const struct member *not_null(const struct member *m)
{
    return m != NULL && m->len == 4 && memcmp(m->value, "null", 4) == 0 ? NULL : m;
}

/* The members that every event has are what the columns say. */
static bool stand_in_columns(const struct event_form *sent, const struct taken *t)
{
    return t->id != NULL && says(t->id, sent->event_id) && t->type != NULL &&
           says(t->type, sent->type) && t->time != NULL;
}

/* False: the members are not as they should be, and the event stays as it is. */
static bool take(const struct event_form *sent, const struct member *members, size_t count,
                 struct taken *out)
{
    const bool customer = sent->key[0] == 'c';
    const struct member *own;
    const struct member *anonymous;
    const struct member *via;

    *out = (struct taken){0};
    if (!member_find(members, count, "event_id", &out->id) ||
        !member_find(members, count, "type", &out->type) ||
        !member_find(members, count, "occurred_at", &out->time) ||
        !member_find(members, count, "cart_id", &out->cart) ||
        !member_find(members, count, "customer_id", &own) ||
        !member_find(members, count, "anonymous_id", &anonymous) ||
        !member_find(members, count, "via", &via) || !stand_in_columns(sent, out)) {
        return false;
    }
    out->cart = not_null(out->cart);
    own = customer ? own : anonymous;
    if (own != NULL && says(own, sent->key + 2)) {
        out->who = own;
        out->flags |= EVENT_PACK_WHO;
    }
    /* Whom a customer's event names. In an anonymous shopper's own events the name is the shopper. */
    out->name = !customer ? NULL : not_null(anonymous) != NULL ? anonymous : not_null(via);
    out->flags |= out->name == NULL ? 0 : EVENT_PACK_NAME;
    out->flags |= out->name != NULL && out->name == via ? EVENT_PACK_VIA : 0;
    out->flags |= out->cart == NULL ? 0 : EVENT_PACK_CART;
    out->flags |= time_style(out->time, sent->occurred_us);
    return (out->name == NULL || is_bare(out->name)) && (out->cart == NULL || is_bare(out->cart));
}

static bool is_taken(const struct taken *t, const struct member *m)
{
    return m == t->id || m == t->type || m == t->who || m == t->cart || m == t->name ||
           (m == t->time && (t->flags & EVENT_PACK_TIME) != 0);
}

/* Text on its way into the packed form: without white space, and what may begin where. */
enum begins { BEGINS_NOTHING, BEGINS_PIECE, BEGINS_TEXT };
struct bare {
    char *text;
    char *begins; /* a piece not within a string: what people wrote is not looked at */
    size_t len;
};

static void bare_add(struct bare *b, char c, enum begins begins)
{
    b->text[b->len] = c;
    b->begins[b->len++] = (char)begins;
}

static void bare_value(struct bare *b, const char *text, size_t len)
{
    bool inside = false;

    for (size_t i = 0; i < len; i++) {
        if (!inside && is_space(text[i])) {
            continue;
        }
        const bool quote = text[i] == '"';
        const bool first = inside && text[i - 1] == '"' && !quote;
        bare_add(b, text[i],
                 !inside || quote ? BEGINS_PIECE
                 : first          ? BEGINS_TEXT
                                  : BEGINS_NOTHING);
        if (inside && text[i] == '\\' && i + 1 < len) {
            bare_add(b, text[++i], BEGINS_NOTHING);
        } else if (quote) {
            inside = !inside;
        }
    }
}

static void bare_members(struct bare *b, const struct member *members, size_t count,
                         const struct taken *t)
{
    for (size_t i = 0; i < count; i++) {
        const struct member *m = &members[i];
        if (!is_taken(t, m)) {
            if (b->len > 0) {
                bare_add(b, ',', BEGINS_PIECE);
            }
            bare_value(b, m->name - 1, m->name_len + 2);
            bare_add(b, ':', BEGINS_PIECE);
            bare_value(b, m->value, m->len);
        }
    }
    bare_add(b, '}', BEGINS_PIECE);
}

/* What can be written shorter from here on, behind *at; returns how much of the text that is. */
static size_t put_shorter(char **at, const char *text, size_t len, enum begins begins)
{
    if (begins == BEGINS_TEXT) {
        char packed[EVENT_HASH_PACKED];
        const char *quote = memchr(text, '"', len);
        const size_t chars = quote == NULL ? 0 : (size_t)(quote - text);
        const size_t bytes = event_pack_hash(text, chars, packed);
        memcpy(*at, packed, bytes);
        *at += bytes;
        return bytes == 0 ? 0 : chars;
    }
    const int code = begins == BEGINS_PIECE ? event_piece_at(text, len) : 0;
    if (code > EVENT_PIECE_SECOND) {
        *(*at)++ = EVENT_PIECE_SECOND;
    }
    if (code != 0) {
        *(*at)++ = (char)code;
    }
    return event_piece_of(code).len;
}

/* Writes codes where pieces stand; behind what was written. No longer than the text. */
static char *put_pieces(char *at, const struct bare *b)
{
    for (size_t i = 0; i < b->len;) {
        const size_t shorter = put_shorter(&at, b->text + i, b->len - i, (enum begins)b->begins[i]);
        if (shorter == 0) {
            *at++ = b->text[i];
        }
        i += shorter == 0 ? 1 : shorter;
    }
    return at;
}

static char *put_front(char *at, const struct member *m)
{
    char packed[EVENT_HASH_PACKED];

    if (m != NULL) {
        const size_t shorter = event_pack_hash(m->value + 1, m->len - 2, packed);
        const size_t len = shorter > 0 ? shorter : m->len - 2;
        memcpy(at, shorter > 0 ? packed : m->value + 1, len);
        at += len;
        *at++ = EVENT_PIECE_END;
    }
    return at;
}

static bool pack_body(const struct event_form *sent, struct arena *a, struct event_packed *out)
{
    struct member members[MEMBERS_MAX];
    size_t count;
    struct taken t;

    if (!members_of(sent->body, sent->body_len, members, &count) ||
        !take(sent, members, count, &t)) {
        return false;
    }
    /* Nothing gets longer: every member that is kept loses its quotes or stays, and pieces are longer than their codes. */
    size_t room = sent->body_len + 4;
    char *packed = arena_alloc(a, room);
    struct bare b = {.text = arena_alloc(a, room), .begins = arena_alloc(a, room)};
    bare_members(&b, members, count, &t);
    packed[0] = (char)(EVENT_PACK_HEAD + t.flags);
    char *end = put_front(put_front(packed + 1, t.cart), t.name);
    end = put_front(end, out->type == 0 ? t.type : NULL);
    end = put_pieces(end, &b);
    *end = '\0';
    out->body = packed;
    out->body_len = (size_t)(end - packed);
    return true;
}

void event_pack(const struct event_form *sent, struct arena *a, struct event_packed *out)
{
    out->id = event_pack_id(sent->event_id, a, &out->id_len);
    out->type = event_type_code(sent->type);
    if (!pack_body(sent, a, out)) {
        const char *open = memchr(sent->body, '{', sent->body_len);
        assert(open != NULL);
        out->body = open;
        out->body_len = sent->body_len - (size_t)(open - sent->body);
    }
}
