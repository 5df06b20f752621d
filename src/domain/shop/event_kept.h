#ifndef DOMAIN_SHOP_EVENT_KEPT_H
#define DOMAIN_SHOP_EVENT_KEPT_H

#include "domain/shop/event.h"
#include "domain/shop/event_pack.h"

/* An event as the log has it: what its columns say, and the body that they leave. */
struct event_kept {
    struct event_form columns;  /* but for the body, which nobody looks at */
    struct event_packed packed; /* but for the id, which is unpacked above */
    enum event_origin origin;
    int64_t received_us;
};

/* As event_decode_log of the body as it was sent, which is made of columns and members only where something is wrong with them: the event is
 * what event_kept_by_text says, and so is every fault. */
CAN_FAIL bool event_decode_kept(const struct event_kept *kept, struct arena *a, struct event *out,
                                struct err *err);
/* What does it where nothing is wrong. False says only that the text has to be asked, which may yet be taken; *out is then untouched. */
bool event_decode_columns(const struct event_kept *kept, struct arena *a, struct event *out);
/* By that text: the measure of the other. An order or a no that is refused is read without what is wrong with it (event_salvage.h). */
CAN_FAIL bool event_kept_by_text(const struct event_kept *kept, struct arena *a, struct event *out,
                                 struct err *err);

#endif
