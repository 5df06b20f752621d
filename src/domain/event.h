#ifndef DOMAIN_EVENT_H
#define DOMAIN_EVENT_H

#include "base/arena.h"
#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The native event (README, "Events"). One decoder for every road in: HTTP, SQL, import, replay. */
enum event_type {
    EVENT_UNKNOWN = 0, /* kept and counted */
#define EVENT(id, name) EVENT_##id,
#include "domain/event_table.inc"
#undef EVENT
    EVENT_TYPE_COUNT
};

enum event_origin { ORIGIN_API, ORIGIN_SQL, ORIGIN_IMPORT, ORIGIN_DERIVED };

struct event_item {
    const char *product_id;
    int64_t quantity;    /* 1 .. EVENT_QUANTITY_MAX; 1 where the sender left it out */
    int64_t price_minor; /* per unit; MONEY_UNKNOWN where absent */
    char currency[4];    /* "" where absent */
};

/* Strings are NULL where absent; they and items live in the arena of the decode. */
struct event {
    enum event_type type;
    enum event_origin origin;
    const char *type_name;
    const char *event_id;
    const char *customer_id;
    const char *anonymous_id;
    const char *cart_id;
    const char *order_id;
    const char *session_id;
    int64_t occurred_us; /* effective: clamped to received_us */
    int64_t received_us;
    const char *locale; /* of context */
    const char *timezone;
    const char *device;
    const char *channel;
    const char *user_agent;
    const char *campaign;
    struct event_item *items;
    size_t item_count;
    const char *subject; /* the one free property the fold reads, by type: page_viewed .page; searched .query; checkout_step .step;
                            coupon_* .code; consent_* .channel; payment_failed .reason; NULL if absent or no string */
    int64_t amount_minor; /* shipping_shown .cost_minor, purchase/refund .total_minor; MONEY_UNKNOWN if absent */
    /* derived events only (written by the fold and the release, never accepted from outside) */
    const char *via;       /* forwarded from this anonymous shopper */
    int64_t bound_from_us; /* shopper_bound / binding_set: the interval of via that belongs to customer_id */
    int64_t bound_until_us;
    int64_t version;       /* binding_set: newest wins */
    int64_t round;         /* outreach_released */
    int64_t step;
};

enum {
    EVENT_ID_MAX = 200,
    EVENT_ITEMS_MAX = 500,
    EVENT_QUANTITY_MAX = 100000,
    EVENT_KEY_MAX = 203, /* "c:" + id */
};
#define EVENT_OCCURRED_MIN_US INT64_C(946684800000000) /* 2000-01-01 */
#define EVENT_AHEAD_MAX_US    INT64_C(86400000000)     /* clamped up to here, invalid further ahead */

const char *event_type_name(enum event_type type);
enum event_type event_type_of(const char *name); /* EVENT_UNKNOWN for a name nobody knows */

/* Decodes and validates one event. json is borrowed only during the call. Origin ORIGIN_DERIVED admits the derived types
 * (DERIVED_* rows of the table), every other origin refuses them ("is written by Cartwright itself"). On failure err->path is the
 * pointer inside this event ("/items/0/quantity"). */
CAN_FAIL bool event_decode(json_t *json, enum event_origin origin, int64_t received_us, struct arena *a, struct event *out,
                           struct err *err);
/* The same from text (one JSON object). */
CAN_FAIL bool event_decode_text(const char *text, size_t len, enum event_origin origin, int64_t received_us, struct arena *a,
                                struct event *out, struct err *err);

/* "c:" + customer_id, else "a:" + anonymous_id; in arena. */
const char *event_key(const struct event *e, struct arena *a);
/* First byte of SHA-256(key): the lane, 0 .. 255. */
int event_lane(const char *key);

#endif
