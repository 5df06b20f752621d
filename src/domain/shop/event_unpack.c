/* Events of the log as they were sent. Trusts nobody to have packed what it is given: whatever the bytes, it ends within them. */
#include "base/cleanup.h"
#include "base/json/jdec.h"
#include "domain/shop/event_pack.h"

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

/* Counts, and writes where there is room; both by the same steps. */
struct sink {
    char *at; /* NULL: only counts */
    size_t len;
};

static void put(struct sink *s, const char *text, size_t len)
{
    if (s->at != NULL) {
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

/* What stands in front of the members, and behind it. */
struct front {
    const char *text;
    size_t len;
};

static const char *front_at(const char *at, const char *end, struct front *out)
{
    const char *stop = memchr(at, EVENT_PIECE_END, (size_t)(end - at));

    stop = stop == NULL ? end : stop;
    *out = (struct front){.text = at, .len = (size_t)(stop - at)};
    return stop < end ? stop + 1 : end;
}

/* A packed body, taken apart. */
struct parts {
    int flags;
    struct front cart;
    struct front name;
    struct front type; /* where the column does not know it */
    const char *members;
    const char *end;
};

static struct parts parts_of(const struct event_packed *packed)
{
    struct parts p = {.flags = packed->body[0] - EVENT_PACK_HEAD,
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

/* As it was sent: where it is shorter, from room. */
static struct front front_sent(const struct front *front, char room[EVENT_HASH_TEXT])
{
    size_t used;
    const bool packed = front->len > 0 && front->text[0] == EVENT_PIECE_SECOND;
    const size_t chars =
        packed ? event_unpack_hash(front->text + 1, front->len - 1, room, &used) : 0;

    return chars > 0 ? (struct front){.text = room, .len = chars} : *front;
}

static void put_front_member(struct sink *s, const char *opening, const struct front *front)
{
    char room[EVENT_HASH_TEXT];
    const struct front sent = front_sent(front, room);

    put_member(s, opening, sent.text, sent.len);
}

static void put_sent(struct sink *s, const struct parts *p, const struct event_form *sent)
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

void event_unpack(const struct event_packed *packed, struct arena *a, struct event_form *sent)
{
    sent->event_id = event_unpack_id(packed->id, packed->id_len, a);
    sent->type = event_type_of_code(packed->type);
    sent->body = packed->body;
    sent->body_len = packed->body_len;
    if (packed->body_len == 0 || packed->body[0] < EVENT_PACK_HEAD || packed->body[0] == '{') {
        sent->type = sent->type != NULL ? sent->type : type_in(packed->body, packed->body_len, a);
        return;
    }
    struct parts p = parts_of(packed);
    struct sink counted = {0};
    if (sent->type == NULL) {
        char room[EVENT_HASH_TEXT];
        const struct front type = front_sent(&p.type, room);
        sent->type = arena_strndup(a, type.text, type.len);
    }
    put_sent(&counted, &p, sent);
    struct sink text = {.at = arena_alloc(a, counted.len + 1)};
    put_sent(&text, &p, sent);
    text.at[text.len] = '\0';
    sent->body = text.at;
    sent->body_len = text.len;
}
