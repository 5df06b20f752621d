#ifndef DOMAIN_SHOP_EVENT_SALVAGE_H
#define DOMAIN_SHOP_EVENT_SALVAGE_H

#include "domain/shop/event.h"
#include "domain/shop/event_warnings.h"

/* An order or a no with one member that cannot be taken is an order or a no all the same: missed, its shopper gets a message that nobody
 * should. So of a purchase, a consent_withdrawn and whatever says no where that is heard (said_no.h), what is wrong is left out, and the rest counts, as
 * long as event_id, type and whose it is can be read. Of a line that is its product_id, or the line; of too many lines, all of them. Every other
 * type is refused whole: half an addition is a wrong cart.
 *
 * Whose it is: a customer that cannot be read is not left out of an order, which would fall on whoever was logged in in that browser; of a no
 * it is, since one too many costs a message. What says nobody ("undefined") is as good as absent. An identify that has only one of its ids and says no is
 * a chat_message that does.
 *
 * A time that cannot be read, or that cannot be, is when the event came in, since then it had happened; the body is then without occurred_at, so that
 * the event sent again is the same. An import knows no such time: what it tells is long ago.
 *
 * The log keeps what is left under an id of its own (event.h, EVENT_STAND_IN_PREFIX), so that the mended event is stored under the id that both were sent
 * with, and counts instead, whatever it tells (shopper_stand_ins.h). What came by SQL lies under its own id: mended, it is a conflict.
 *
 * Pure, and the same for every way in: the API and imports store what is left, and of what SQL has put into the log the rest is read. */

/* Reads the document as the way in does. */
typedef bool event_read_fn(void *ctx, struct jval doc, struct event *out, struct err *err);

/* In arena. */
struct salvaged {
    struct event event;
    const char *
        row_id; /* EVENT_STAND_IN_PREFIX ...: the event_id of its row, where it is stored; body says so */
    const char *body; /* JSON: what is left of the event as it was sent */
    struct event_warning
        warnings[EVENT_WARNINGS_MAX]; /* "left_out", then event_warnings of the rest */
    size_t warning_count;
};

/* doc is a document that read has refused, or what wraps a forwarded one. received_us: when it came in; 0: that is not when it happened. False:
 * nothing of it counts; what read said holds. */
bool event_salvage(struct jval doc, event_read_fn *read, void *ctx, int64_t received_us,
                   struct arena *a, struct salvaged *out);

#endif
