/* Events of the log as they were sent. Trusts nobody to have packed what it is given: whatever the bytes, it ends within them. */
#include "domain/shop/event_unpack.h"
#include "base/cleanup.h"
#include "base/json/jdec.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

const char *event_pack_time(int64_t us, int style, char out[CLOCK_TEXT_MAX])
{
    (void)clock_format_rfc3339(us, out);
    if (style == EVENT_PACK_THOUSANDS) {
        /* ...:12Z and ...:12.345000Z alike */
        char *rest = strpbrk(out, ".Z");
        (void)snprintf(rest, CLOCK_TEXT_MAX - (size_t)(rest - out), ".%03dZ",
                       (int)(us % SECONDS(1) / 1000));
    }
    return out;
}

/* Counts, and writes what there is room for; both by the same steps. */
struct sink {
    char *at;
    size_t room; /* 0: only counts */
    size_t len;
};

static void put(struct sink *s, const char *text, size_t len)
{
    if (s->len < s->room && len <= s->room - s->len) {
        memcpy(s->at + s->len, text, len);
    }
    s->len += len;
}

static void put_text(struct sink *s, const char *text)
{
    put(s, text, strlen(text));
}

static void put_member(struct sink *s, const char *opening, const char *text, size_t len)
{
    put_text(s, opening);
    put(s, text, len);
    put_text(s, "\"");
}

/* What the code stands for; how many bytes it is. */
static size_t put_code(struct sink *s, const char *text, size_t len)
{
    char hash[EVENT_HASH_TEXT];
    size_t used = 0;
    const size_t second = len > 0 && text[0] == EVENT_PIECE_SECOND ? 1 : 0;

    if (len == second) {
        return second;
    }
    const size_t chars =
        second == 0 ? 0 : event_unpack_hash(text + second, len - second, hash, &used);
    if (chars > 0) {
        put(s, hash, chars);
        return second + used;
    }
    const int code = (unsigned char)text[second];
    const struct event_piece p =
        code < EVENT_PIECE_CODES ? event_piece_of(code) : (struct event_piece){0};
    if (p.len > 0) {
        put(s, p.text, p.len);
    }
    return second + 1;
}

static void put_expanded(struct sink *s, const char *text, const char *end)
{
    while (text < end) {
        const char *from = text;
        while (text < end && (unsigned char)*text > EVENT_PIECE_END) {
            text++;
        }
        put(s, from, (size_t)(text - from));
        text += put_code(s, text, (size_t)(end - text));
    }
}

static const char *front_at(const char *at, const char *end, struct event_front *out)
{
    const char *stop = memchr(at, EVENT_PIECE_END, (size_t)(end - at));

    stop = stop == NULL ? end : stop;
    *out = (struct event_front){.text = at, .len = (size_t)(stop - at)};
    return stop < end ? stop + 1 : end;
}

bool event_is_packed(const struct event_packed *packed)
{
    return packed->body_len > 0 && packed->body[0] >= EVENT_PACK_HEAD && packed->body[0] != '{';
}

struct event_parts event_parts_of(const struct event_packed *packed)
{
    struct event_parts p = {.flags = packed->body[0] - EVENT_PACK_HEAD,
                            .end = packed->body + packed->body_len};

    p.members = packed->body + 1;
    if (p.flags & EVENT_PACK_CART) {
        p.members = front_at(p.members, p.end, &p.cart);
    }
    if (p.flags & EVENT_PACK_NAME) {
        p.members = front_at(p.members, p.end, &p.name);
    }
    if (event_type_of_code(packed->type) == NULL) {
        p.members = front_at(p.members, p.end, &p.type);
    }
    return p;
}

struct event_front event_front_sent(const struct event_front *front, char room[EVENT_HASH_TEXT])
{
    size_t used;
    const bool packed = front->len > 0 && front->text[0] == EVENT_PIECE_SECOND;
    const size_t chars =
        packed ? event_unpack_hash(front->text + 1, front->len - 1, room, &used) : 0;

    return chars > 0 ? (struct event_front){.text = room, .len = chars} : *front;
}

// NOLINTNEXTLINE(readability-non-const-parameter): it is written to, by the sink
size_t event_expand_members(const struct event_parts *p, char *out, size_t room)
{
    struct sink s = {.at = out, .room = room};

    put_expanded(&s, p->members, p->end);
    return s.len;
}

static void put_front_member(struct sink *s, const char *opening, const struct event_front *front)
{
    char room[EVENT_HASH_TEXT];
    const struct event_front sent = event_front_sent(front, room);

    put_member(s, opening, sent.text, sent.len);
}

static void put_sent(struct sink *s, const struct event_parts *p, const struct event_form *sent)
{
    char time[CLOCK_TEXT_MAX];

    put_member(s, "{\"event_id\":\"", sent->event_id, strlen(sent->event_id));
    put_member(s, ",\"type\":\"", sent->type, strlen(sent->type));
    if (p->flags & EVENT_PACK_WHO) {
        put_member(s, sent->key[0] == 'c' ? ",\"customer_id\":\"" : ",\"anonymous_id\":\"",
                   sent->key + 2, strlen(sent->key + 2));
    }
    if (p->flags & EVENT_PACK_TIME) {
        (void)event_pack_time(sent->occurred_us, p->flags & EVENT_PACK_TIME, time);
        put_member(s, ",\"occurred_at\":\"", time, strlen(time));
    }
    if (p->flags & EVENT_PACK_CART) {
        put_front_member(s, ",\"cart_id\":\"", &p->cart);
    }
    if (p->flags & EVENT_PACK_NAME) {
        put_front_member(s, p->flags & EVENT_PACK_VIA ? ",\"via\":\"" : ",\"anonymous_id\":\"",
                         &p->name);
    }
    if (p->end - p->members > 1) { /* more than the bracket */
        put_text(s, ",");
    }
    put_expanded(s, p->members, p->end);
}

/* The type of a plain body whose column says only that it is none of the known ones. */
static const char *type_in(const char *body, size_t len, struct arena *a)
{
    struct err unseen = {0};
    CLEANUP(jdec_free) json_t *doc = jdec_parse(body, len, &unseen);
    const char *type = json_string_value(json_object_get(doc, "type"));

    return type == NULL ? "" : arena_strdup(a, type);
}

/* A type that no code stands for. */
static const char *type_of_body(const struct event_packed *packed, struct arena *a)
{
    char room[EVENT_HASH_TEXT];

    if (!event_is_packed(packed)) {
        return type_in(packed->body, packed->body_len, a);
    }
    const struct event_parts p = event_parts_of(packed);
    const struct event_front type = event_front_sent(&p.type, room);
    return arena_strndup(a, type.text, type.len);
}

void event_unpack_head(const struct event_packed *packed, struct arena *a, struct event_form *sent)
{
    sent->event_id = event_unpack_id(packed->id, packed->id_len, a);
    sent->type = event_type_of_code(packed->type);
    if (sent->type == NULL) {
        sent->type = type_of_body(packed, a);
    }
}

bool event_packed_may_name(const struct event_packed *packed)
{
    static const char member[] = "\"anonymous_id\"";

    if (!event_is_packed(packed)) {
        return memmem(packed->body, packed->body_len, member, sizeof member - 1) != NULL;
    }
    /* What is no null was taken out of the members. */
    const int flags = packed->body[0] - EVENT_PACK_HEAD;
    return (flags & (EVENT_PACK_NAME | EVENT_PACK_VIA)) == EVENT_PACK_NAME;
}

size_t event_unpacked_len(const struct event_packed *packed, const struct event_form *sent)
{
    struct sink counted = {0};

    if (!event_is_packed(packed)) {
        return packed->body_len;
    }
    const struct event_parts p = event_parts_of(packed);
    put_sent(&counted, &p, sent);
    return counted.len;
}

void event_unpack_body(const struct event_packed *packed, struct arena *a, struct event_form *sent)
{
    sent->body = packed->body;
    sent->body_len = event_unpacked_len(packed, sent);
    if (!event_is_packed(packed)) {
        return;
    }
    const struct event_parts p = event_parts_of(packed);
    struct sink text = {.at = arena_alloc(a, sent->body_len + 1), .room = sent->body_len};
    put_sent(&text, &p, sent);
    text.at[text.len] = '\0';
    sent->body = text.at;
}

void event_unpack(const struct event_packed *packed, struct arena *a, struct event_form *sent)
{
    event_unpack_head(packed, a, sent);
    event_unpack_body(packed, a, sent);
}
