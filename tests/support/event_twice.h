#ifndef SUPPORT_EVENT_TWICE_H
#define SUPPORT_EVENT_TWICE_H

#include "domain/shop/event.h"
#include "domain/shop/event_kept.h"

/* How an event is to be decoded. */
struct event_road {
    enum event_origin origin;
    bool stored; /* as a row of the log, of these times; else as it comes in, sent so */
    struct event_times times;
    struct event_sent sent;
    bool ids_asked;          /* placeholders are refused first, as where it comes in */
    const char *ids_allowed; /* of them */
};

/* By jansson's tree, the plain reader that the one pass is held against; as event_decode_text and event_decode_log. */
CAN_FAIL bool event_decode_plain(const char *text, size_t len, const struct event_road *road,
                                 struct arena *a, struct event *out, struct err *err);

/* Decodes the text in one pass to *out and *err, and once more by jansson's tree. NULL where both said the same: taken
 * or refused, every field, every fault in its order (of all, where err->more is set). Else in what they differ, in
 * arena. */
const char *event_decode_twice(const char *text, size_t len, const struct event_road *road,
                               struct arena *a, bool *out_taken, struct event *out,
                               struct err *err);

/* The same of an event of the log: from columns and members, and by the text of the whole. *out_by_columns: whether the text was not needed. */
const char *event_kept_twice(const struct event_kept *kept, struct arena *a, bool *out_by_columns,
                             bool *out_taken, struct event *out);

/* For tests of what events mean: event_decode_text and event_decode_log, and the program ends with 1 where the two
 * readers differ. */
CAN_FAIL bool event_text_twice(const char *text, size_t len, enum event_origin origin,
                               int64_t received_us, struct arena *a, struct event *out,
                               struct err *err);
CAN_FAIL bool event_log_twice(const char *text, size_t len, enum event_origin origin,
                              struct event_times times, struct arena *a, struct event *out,
                              struct err *err);

#endif
