/* Events of the log, decoded from where they lie: columns become members of the document as they are, and only what is left of the body is read as
 * text. Takes nothing that the text of the whole would not be taken for (tests/fuzz/kept_fuzz.c). */
#include "domain/shop/event_kept.h"

#include "base/json/jdoc.h"
#include "domain/shop/event_salvage.h"
#include "domain/shop/event_unpack.h"

#include <string.h>

enum { ROOM = 2048 }; /* most bodies need a third */

/* One that came by SQL, which nobody has judged. */
struct stored {
    enum event_origin origin;
    struct event_times times;
    struct arena *arena;
};

static bool read_stored(void *ctx, struct jval doc, struct event *out, struct err *err)
{
    const struct stored *s = ctx;

    return event_decode_stored(doc, s->origin, s->times, s->arena, out, err);
}

/* What is left of it must lie where it does: whoever it names, the fold of this key reads it. */
static bool salvage(const struct event_kept *kept, const struct event_form *sent, struct arena *a,
                    struct event *out)
{
    struct stored s = {
        .origin = kept->origin,
        .times = {.occurred_us = kept->columns.occurred_us, .received_us = kept->received_us},
        .arena = a};
    struct salvaged left;
    struct err unseen = {0};
    struct jdoc doc;
    const bool good = jdoc_read(&doc, sent->body, sent->body_len, a, &unseen) &&
                      event_salvage(doc.root, read_stored, &s, 0, a, &left) &&
                      strcmp(event_key(&left.event, a), kept->columns.key) == 0;

    if (good) {
        *out = left.event;
    }
    jdoc_free(&doc);
    return good;
}

bool event_kept_by_text(const struct event_kept *kept, struct arena *a, struct event *out,
                        struct err *err)
{
    const struct event_times times = {.occurred_us = kept->columns.occurred_us,
                                      .received_us = kept->received_us};
    struct event_form sent = kept->columns;

    event_unpack_body(&kept->packed, a, &sent);
    if (event_decode_log(sent.body, sent.body_len, kept->origin, times, a, out, err)) {
        return true;
    }
    if (!salvage(kept, &sent, a, out)) {
        return false;
    }
    *err = (struct err){.more = err->more};
    return true;
}

/* ---- the document ---- */

/* Texts of members that are shorter in the log. */
struct fronts {
    char cart[EVENT_HASH_TEXT];
    char name[EVENT_HASH_TEXT];
};

static bool put_front(struct jmarks *m, const char *name, const struct event_front *front,
                      char room[EVENT_HASH_TEXT])
{
    const struct event_front sent = event_front_sent(front, room);

    return jmarks_member(m, name, sent.text, sent.len);
}

static bool put_columns(struct jmarks *m, const struct event_form *columns,
                        const struct event_parts *p, struct fronts *fronts)
{
    const char *key = columns->key;
    const char *who = key[0] == 'c' ? "customer_id" : "anonymous_id";
    const char *name = p->flags & EVENT_PACK_VIA ? "via" : "anonymous_id";

    return jmarks_member(m, "event_id", columns->event_id, strlen(columns->event_id)) &&
           jmarks_member(m, "type", columns->type, strlen(columns->type)) &&
           ((p->flags & EVENT_PACK_WHO) == 0 || jmarks_member(m, who, key + 2, strlen(key + 2))) &&
           ((p->flags & EVENT_PACK_CART) == 0 || put_front(m, "cart_id", &p->cart, fronts->cart)) &&
           ((p->flags & EVENT_PACK_NAME) == 0 || put_front(m, name, &p->name, fronts->name));
}

/* What is left of the body, as text: in room, or where that is too small, in arena. */
static const char *rest_of(const struct event_parts *p, char room[ROOM], struct arena *a,
                           size_t *out_len)
{
    *out_len = event_expand_members(p, room, ROOM);
    if (*out_len <= ROOM) {
        return room;
    }
    char *text = arena_alloc(a, *out_len);
    (void)event_expand_members(p, text, *out_len);
    return text;
}

/* In the text a comma stands before the members, unless there is nothing but their bracket. */
static bool is_list(const struct event_parts *p, const char *rest, size_t len)
{
    return len > 0 && rest[0] == (p->end - p->members == 1 ? '}' : '"');
}

/* ---- the event ---- */

bool event_decode_columns(const struct event_kept *kept, struct arena *a, struct event *out)
{
    const struct event_times times = {.occurred_us = kept->columns.occurred_us,
                                      .received_us = kept->received_us};
    struct err unseen = {0};
    struct jmarks marks;
    struct fronts fronts;
    char room[ROOM];
    size_t len;

    if (!event_is_packed(&kept->packed)) {
        return false;
    }
    const struct event_parts p = event_parts_of(&kept->packed);
    const bool untold = (p.flags & EVENT_PACK_TIME) != 0;
    const char *rest = rest_of(&p, room, a, &len);
    if (!is_list(&p, rest, len)) {
        return false;
    }
    jmarks_begin(&marks);
    bool good =
        put_columns(&marks, &kept->columns, &p, &fronts) && jmarks_rest(&marks, rest, len, a);
    const struct jval doc = {.mark = marks.all};
    good = good && (untold ? event_decode_untold : event_decode_stored)(doc, kept->origin, times, a,
                                                                        out, &unseen);
    jmarks_free(&marks);
    return good;
}

bool event_decode_kept(const struct event_kept *kept, struct arena *a, struct event *out,
                       struct err *err)
{
    return event_decode_columns(kept, a, out) || event_kept_by_text(kept, a, out, err);
}
