/* Writes native events. It must not know from where they come, nor judge them: the decoder behind the
 * sink does, by the rules of every road in. */
#include "foreign/native.h"

#include "base/cleanup.h"
#include "domain/shop/money.h"
#include "domain/shop/quantity.h"

#include <stdarg.h>
#include <stdio.h>

enum { EVENT_JSON_MAX = 4 << 20 };

struct native_writer native_open(struct native_sink sink)
{
    return (struct native_writer){.sink = sink, .json = buf_make(EVENT_JSON_MAX)};
}

void native_close(struct native_writer *w)
{
    buf_free(&w->json);
}

struct jenc native_begin(struct native_writer *w, const struct native_envelope *e)
{
    buf_reset(&w->json);
    struct jenc j = jenc_begin(&w->json);
    jenc_object(&j, NULL);
    /* The log compares bodies under the same id: a member more than last year would make a second import
     * of an old file all conflicts. */
    jenc_str(&j, "event_id", e->event_id);
    jenc_str(&j, "type", event_type_name(e->type));
    jenc_str_opt(&j, "customer_id", e->customer_id);
    jenc_str_opt(&j, "anonymous_id", e->anonymous_id);
    jenc_time(&j, "occurred_at", e->occurred_us);
    jenc_str_opt(&j, "order_id", e->order_id);
    jenc_str_opt(&j, "session_id", e->session_id);
    jenc_str_opt(&j, "cart_id", e->cart_id);
    return j;
}

void native_item_unread(struct jenc *j, const struct event_item *item,
                        const struct native_unread *unread)
{
    jenc_object(j, NULL);
    jenc_str(j, "product_id", item->product_id);
    jenc_str_opt(j, "quantity", unread->quantity);
    /* One is what the decoder assumes anyway: not written, for the millions of rows that say nothing
     * else. */
    if (unread->quantity == NULL && item->quantity_milli != QUANTITY_ONE) {
        quantity_put(j, "quantity", item->quantity_milli);
    }
    jenc_str_opt(j, "price_minor", unread->price);
    if (unread->price == NULL && item->price_minor != MONEY_UNKNOWN) {
        jenc_i64(j, "price_minor", item->price_minor);
        jenc_str(j, "currency", item->currency);
    }
    jenc_object_end(j);
}

bool native_goes_on(enum event_type type, const char *text, const char **out, struct err *err)
{
    if (type != EVENT_PURCHASE) {
        return false;
    }
    *out = text;
    *err = (struct err){.more = err->more};
    return true;
}

void native_item(struct jenc *j, const struct event_item *item)
{
    native_item_unread(j, item, &(struct native_unread){0});
}

bool native_end(struct native_writer *w, struct jenc *j, int64_t number, bool *out_valid,
                struct err *err)
{
    jenc_object_end(j);
    /* A buf that overflowed holds a part of the event: never hand that on. */
    if (!buf_ok(&w->json)) {
        return FAIL(err, ERR_INVALID, "makes an event of more than %d bytes", EVENT_JSON_MAX);
    }
    return w->sink.event(w->sink.ctx, buf_text(&w->json), w->json.len, number, out_valid, err);
}

bool native_one(struct native_writer *w, const struct native_envelope *e,
                const struct event_item *item, int64_t number, bool *out_valid, struct err *err)
{
    struct jenc j = native_begin(w, e);
    jenc_array(&j, "items");
    native_item(&j, item);
    jenc_array_end(&j);
    return native_end(w, &j, number, out_valid, err);
}

bool native_product(struct native_writer *w, const struct product *facts, struct err *err)
{
    /* A title that is too long is no reason to lose the price that came with it. */
    CLEANUP(arena_free) struct arena a = {0}; /* most names are clean, and take none of it */
    struct product valid = *facts;
    product_clean(&valid, &a);
    return w->sink.product(w->sink.ctx, &valid, err);
}

void native_note(const struct native_writer *w, int64_t number, enum cause cause, const char *fmt,
                 ...)
{
    char text[200];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (w->sink.note != NULL) {
        w->sink.note(w->sink.ctx, number, cause, text);
    }
}
