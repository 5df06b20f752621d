#ifndef DOMAIN_SHOP_EVENT_H
#define DOMAIN_SHOP_EVENT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json/jval.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The native event (README, "Events"). One decoder for every road in: HTTP, SQL, import, replay. */
enum event_type {
    EVENT_UNKNOWN = 0, /* kept and counted */
#define EVENT(id, name, own) EVENT_##id,
#include "domain/shop/event_table.inc"
#undef EVENT
    EVENT_TYPE_COUNT
};

enum event_origin { ORIGIN_API, ORIGIN_SQL, ORIGIN_IMPORT, ORIGIN_DERIVED };

struct event_item {
    const char *product_id;
    const char *variant_id; /* NULL where absent, as line_id */
    const char *line_id;
    int64_t quantity_milli; /* thousandths, up to EVENT_QUANTITY_MAX units; a unit where the sender
                               left it out */
    int64_t price_minor;    /* per unit; MONEY_UNKNOWN where absent */
    char currency[4];       /* "" where absent */
};

/* [from_us, until_us): a time during which an anonymous shopper belongs to a customer. */
struct event_interval {
    int64_t from_us;  /* INT64_MIN: since ever */
    int64_t until_us; /* INT64_MAX: until further notice */
};

/* Strings are NULL where absent; they and items live in the arena of the decode. */
struct event {
    enum event_type type;
    enum event_origin origin;
    const char *type_name;
    const char *event_id;
    const char *
        sort_id; /* settles equal times: event_id, of the original for a forwarded event, of the whole one
                            for what stands in for it */
    const char *customer_id;
    const char *anonymous_id;
    const char *cart_id;
    const char *order_id;
    const char *session_id;
    int64_t occurred_us; /* effective: clamped to received_us */
    int64_t
        told_us; /* of what event_time.h moves to the end of the second or day that is told: when that began; else 0 */
    int64_t received_us;
    const char *locale; /* of context */
    const char *timezone;
    const char *device;
    const char *channel;
    const char *user_agent;
    const char *campaign;
    struct event_item *items; /* products */
    size_t item_count;
    struct event_item *adjustments; /* lines sent with a negative price (a discount, a gift card):
                                       price_minor is what a unit takes off, above 0 */
    size_t adjustment_count;
    const char *subject; /* the one free property the fold reads, by type: page_viewed .page;
                             searched .query; checkout_step .step; coupon_* .code; consent_*
                             .channel;  payment_failed .reason; NULL if absent or no string */
    bool
        opt_out; /* no messages are wanted any more; said by the sender (said_no.h: in which types), or recognized in a
                     chat_message */
    int64_t amount_minor; /* shipping_shown .cost_minor, purchase/refund .total_minor; MONEY_UNKNOWN
                             if absent */
    /* derived events only (written by the fold and the release, never accepted from outside) */
    const char *via; /* forwarded from, bound to, or an interval of this anonymous shopper */
    const struct event_interval *intervals; /* binding_set: when via belongs to customer_id */
    size_t interval_count;
    int64_t version; /* binding_set: newest wins */
    bool guessed;    /* shopper_bound: nobody said so */
    bool
        taken_back; /* shopper_named, shopper_unbound: the cart id turned out to be several people's, and joins nobody */
    bool
        stands_in; /* for the event of sort_id, which was not whole as it came: where that comes, it counts instead */
    bool lines_left_out; /* of an order: of its lines more than what they cost could not be read */
    bool id_as_number; /* an id was sent as a number, and is its digits; derived events: not said */
    int64_t round;     /* outreach_released */
    int64_t step;
};

enum {
    EVENT_ID_MAX = 200,
    EVENT_TYPE_MAX = 64,
    EVENT_ITEMS_MAX = 2000, /* a wholesale invoice has more than a thousand lines */
    EVENT_QUANTITY_MAX = 100000,
    EVENT_CONTEXT_MAX = 300,   /* bytes of a known member of context */
    EVENT_DEPTH_MAX = 10,      /* levels of properties and of context, themselves included */
    EVENT_KEY_MAX = 203,       /* "c:" + id */
    EVENT_INTERVALS_MAX = 500, /* as many as an anonymous shopper has owners (shopper.h) */
    EVENT_STEP_MAX = 8,
};
#define EVENT_OCCURRED_MIN_US INT64_C(946684800000000) /* 2000-01-01 */
#define EVENT_AHEAD_MAX_US    INT64_C(86400000000) /* clamped up to here, invalid further ahead */
#define EVENT_SKEW_MAX_US     INT64_C(600000000) /* a clock that is further off is not corrected */

const char *event_type_name(enum event_type type); /* "unknown" for EVENT_UNKNOWN */
bool event_is_own_doing(enum event_type type);     /* of the shopper; false for EVENT_UNKNOWN */
/* The property that says what an event of a type is about, and the one that has its amount in minor units; NULL where none is read. A consent's
 * channel is no such: of it more is demanded. */
const char *event_subject_name(enum event_type type);
const char *event_amount_name(enum event_type type);
enum event_type event_type_of(const char *name);         /* EVENT_UNKNOWN for a name nobody knows */
const char *event_origin_name(enum event_origin origin); /* as in the column event.origin */
CAN_FAIL bool event_origin_of(const char *name, enum event_origin *out, struct err *err);

struct event_sent {
    int64_t sent_us;
    int64_t received_us;
};

/* Decodes and validates one event. json may have been read either way (base/json/jdoc.h), in one pass with the same arena; it
 * is read once. Origin ORIGIN_DERIVED admits only the derived types (DERIVED_* rows of the table), every other origin
 * refuses them ("is written by Cartwright itself"). On failure err->path is the pointer inside this event
 * ("/items/0/quantity"). *err must be {0} at the start.
 *
 * sent_us is when its batch was sent by the sender's clock (0: not told); the event's own sent_at goes first. Where that
 * clock is at most EVENT_SKEW_MAX_US ahead of the clock of received_us, occurred_us is corrected by the difference. Where it is behind,
 * only a purchase, a chat_message and what says no are: a body that is sent again looks the same, and nothing else may be moved later. These, an
 * order_cancelled and a refund whose occurred_at has no fraction, or one of zeros, are at the end of that second, of the day where it tells
 * midnight (event_time.h).
 *
 * A forwarded event comes out as the event it wraps (type, items, cart, times, origin), with via
 * set, customer_id its owner, event_id its own and sort_id the original's. */
CAN_FAIL bool event_decode(struct jval json, enum event_origin origin, struct event_sent sent,
                           struct arena *a, struct event *out, struct err *err);
/* The same from text (one JSON object), in one pass. */
CAN_FAIL bool event_decode_text(const char *text, size_t len, enum event_origin origin,
                                int64_t received_us, struct arena *a, struct event *out,
                                struct err *err);

/* When the log says an event happened and came in; both were settled when it was stored. */
struct event_times {
    int64_t occurred_us;
    int64_t received_us;
};
/* The same for a row of the log: the columns decide the times, and what occurred_at says in the text, if it is there, nobody
 * asks. A forwarded event keeps the received_us and the origin of its original. */
CAN_FAIL bool event_decode_stored(struct jval json, enum event_origin origin,
                                  struct event_times times, struct arena *a, struct event *out,
                                  struct err *err);
/* The same of a document without occurred_at, which the column says alone; one that has it is refused. */
CAN_FAIL bool event_decode_untold(struct jval json, enum event_origin origin,
                                  struct event_times times, struct arena *a, struct event *out,
                                  struct err *err);
CAN_FAIL bool event_decode_log(const char *text, size_t len, enum event_origin origin,
                               struct event_times times, struct arena *a, struct event *out,
                               struct err *err);

/* Withdraws consent; a shopper who writes "stop" does. */
bool event_withdraws(const struct event *e);
bool event_says_consent(const struct event *e); /* gives or withdraws it */
/* The body to store of an event with opt_out: as sent (text, one JSON object that decodes), and its member opt_out true, so that it
 * counts even when the words have moved elsewhere. text itself where it says so, else in arena. */
const char *event_mark_opt_out(const char *text, struct arena *a);

/* Key of the log and of the shopper: "c:" + customer_id, else "a:" + anonymous_id; in arena. A
 * shopper_bound lies with the anonymous shopper it binds. */
const char *event_key(const struct event *e, struct arena *a);
/* First byte of SHA-256(key): the lane, 0 .. 255. */
int event_lane(const char *key);

/* ---- derived events: their ids and bodies ---- */

/* Every derived event's id begins so, and no other's may: such ids can be foretold, and a shop that
 * took one first would make the derived event a duplicate. */
#define EVENT_DERIVED_PREFIX "cartwright:"

/* Of what is left of an event that was not whole, under which it lies in the log: event_derived_id("left", its key, the id it was sent with), which its
 * member stands_for has. Only the log may say so. The whole one lies beside it, under its own id. */
#define EVENT_STAND_IN_PREFIX EVENT_DERIVED_PREFIX "left:"

/* EVENT_DERIVED_PREFIX, kind ("fwd", at most 8 bytes), a colon and 64 hex digits of
 * SHA-256(scope, NUL, cause): what was derived once from a cause has the same id the next time, and
 * is a duplicate. Returns out. */
enum { EVENT_DERIVED_ID_MAX = 85 };
char *event_derived_id(const char *kind, const char *scope, const char *cause,
                       char out[EVENT_DERIVED_ID_MAX]);

/* Each of these appends one JSON object to out. */

/* Goes to a:<via>: from at_us on, via is the customer, or (ends) no longer is. */
struct login {
    const char *id;
    const char *customer_id;
    const char *via;
    int64_t at_us;
    bool ends;
    bool guessed;        /* nobody said so: both had to do with one cart */
    bool taken_back;     /* and others as well: what was guessed by it never was (ends) */
    const char *cart_id; /* guessed, or taken back: that cart's; NULL: not known */
};
enum event_type event_login_type(bool ends);
void event_encode_login(struct buf *out, const struct login *l);

/* Goes to c:<customer_id>: something that neither sent, a cart that both had to do with, says that they
 * were one, or (taken_back), since others had to do with it as well, that it never said so. */
struct naming {
    const char *id;
    const char *customer_id;
    const char *anonymous_id;
    const char *cart_id;
    int64_t at_us;
    bool taken_back;
};
void event_encode_named(struct buf *out, const struct naming *n);

/* Goes to c:<customer_id>: all intervals in which via belongs to it (none: no longer any). */
struct binding_set {
    const char *id;
    const char *customer_id;
    const char *via;
    int64_t version;
    const struct event_interval *intervals;
    size_t interval_count; /* at most EVENT_INTERVALS_MAX */
    int64_t at_us;
};
void event_encode_binding_set(struct buf *out, const struct binding_set *set);

/* Goes to c:<owner>: an event of via, as it was sent (body) and stored (origin, times). */
struct forwarding {
    const char *id; /* event_derived_id("fwd", owner's key, original id) */
    const char *owner;
    const char *via;
    const char *body; /* the original's JSON, trusted */
    size_t body_len;
    enum event_origin origin;
    struct event_times times;
};
void event_encode_forwarded(struct buf *out, const struct forwarding *f);
/* Goes to the cart's shopper; exactly one of customer_id and anonymous_id. */
struct release {
    const char *id;
    const char *customer_id;
    const char *anonymous_id;
    const char *cart_id;
    int64_t round;
    int64_t step; /* 1 .. EVENT_STEP_MAX */
    int64_t at_us;
};
void event_encode_outreach_released(struct buf *out, const struct release *r);

#endif
