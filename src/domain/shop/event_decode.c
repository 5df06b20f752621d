/* The one decoder of events: JSON to struct event, refusing with a pointer whatever the fold could not
 * trust. Judges form only; what an event does is the fold's business. How the text is read is base/json/jdoc.c's. */
#include "base/clock.h"
#include "base/json/jdec.h"
#include "base/json/jdoc.h"
#include "domain/shop/event.h"
#include "domain/shop/event_hints.h"
#include "domain/shop/event_items.h"
#include "domain/shop/event_time.h"
#include "domain/shop/free_form.h"
#include "domain/shop/money.h"
#include "domain/shop/said_no.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUBJECT_MAX = 300 };

/* One event being read. */
struct reading {
    enum event_origin origin;
    const struct event_times *log; /* times settled by the log; NULL: judge and clamp occurred_at */
    bool untold;                   /* occurred_at stands there alone, and not in the document */
    int64_t received_us;
    int64_t sent_us; /* of the batch; 0: not told */
    struct arena *arena;
};

/* ---- small readers ---- */

static const char *read_id(struct jdec *d, const char *key, struct arena *a)
{
    return text_keep(d, key, jdec_id(d, key, EVENT_ID_MAX, a), a);
}

static const char *read_id_opt(struct jdec *d, const char *key, struct arena *a)
{
    return text_keep(d, key, jdec_id_opt(d, key, EVENT_ID_MAX, a), a);
}

/* ---- time ---- */

/* By how much the sender's clock is behind ours. What it shows at the moment of sending was now; further off it is set to
 * another time altogether, or the message lay somewhere. It may have lain for minutes as well: a body that is sent again as it was
 * looks like one of a clock that is behind. An addition must not get behind its order so; an order that does ends what it would. */
static int64_t read_skew(struct jdec *d, const struct reading *r, const struct event *e)
{
    bool present;
    int64_t own = jdec_time_opt(d, "sent_at", &present);
    int64_t sent_us = present ? own : r->sent_us;
    int64_t skew = r->received_us - sent_us; /* of times within 10,000 years */

    return sent_us == 0 || (skew > 0 && !event_time_ends_what_was(e)) ||
                   llabs(skew) > EVENT_SKEW_MAX_US
               ? 0
               : skew;
}

static const char *told_time(struct jdec *d)
{
    return jval_text(jval_get(d->object, "occurred_at"), d->arena);
}

static int64_t read_occurred(struct jdec *d, const struct reading *r, const struct event *e)
{
    /* Settled when the event came in, also of an order whose time could not be read. Judged again, a replay might refuse what
     * is stored. */
    if (r->log != NULL) {
        if (!r->untold) {
            jdec_pass(d, "occurred_at");
        }
        (void)read_skew(d, r, e);
        return r->log->occurred_us;
    }
    int64_t at = jdec_time(d, "occurred_at");
    int64_t skew = read_skew(d, r, e);

    if (at < EVENT_OCCURRED_MIN_US) {
        jdec_refuse(d, "occurred_at", "must not be before 2000-01-01");
    } else if (at + skew - EVENT_AHEAD_MAX_US > r->received_us) {
        /* the day is taken off `at`, of 2000 or later: added to received_us it might overflow */
        jdec_refuse(d, "occurred_at", "must not be more than 24 hours ahead");
    }
    at += event_time_lasts_us(e, told_time(d)) - 1;
    /* A clock that runs a little ahead means now: no event may lie in the future of the fold. */
    return at + skew > r->received_us ? r->received_us : at + skew;
}

/* ---- free-form objects ---- */

static void read_context(struct jdec *d, struct arena *a, struct event *e)
{
    const struct {
        const char *key;
        const char **out;
    } members[] = {
        {"locale", &e->locale},   {"timezone", &e->timezone},     {"device", &e->device},
        {"channel", &e->channel}, {"user_agent", &e->user_agent}, {"campaign", &e->campaign},
    };
    struct jdec context;

    /* Other members are the sender's own: jdec_end is not asked. */
    if (!jdec_object_opt(d, "context", &context) ||
        !free_form_check(d, "context", context.object, EVENT_DEPTH_MAX)) {
        return;
    }
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        const char *text = jdec_str_opt(&context, members[i].key, EVENT_CONTEXT_MAX);
        /* Empty says nothing, and must not overwrite the locale or device that was seen before. */
        if (text != NULL && text[0] != '\0') {
            *members[i].out = jdec_keep(&context, text, a);
        }
    }
}

/* The one property we insist on: without a channel a consent is for all of them, so a channel that
 * cannot be read must not pass for none. */
static void read_channel(struct jdec *properties, struct arena *a, struct event *e)
{
    e->subject =
        text_keep(properties, "channel", jdec_text_opt(properties, "channel", SUBJECT_MAX), a);
}

/* A subscription that runs on: nobody has bought what lies in the cart. */
static bool is_renewal(struct jval properties)
{
    return jval_says(jval_get(properties, "kind"), "renewal");
}

/* Other properties are the sender's own: what has another type than we hoped for is not there for
 * us. */
static void read_properties(struct jdec *d, struct arena *a, struct event *e)
{
    const char *subject_key = event_subject_name(e->type);
    const char *amount_key = event_amount_name(e->type);
    struct jdec properties;

    e->amount_minor = MONEY_UNKNOWN;
    if (!jdec_object_opt(d, "properties", &properties) ||
        !free_form_check(d, "properties", properties.object, EVENT_DEPTH_MAX)) {
        return;
    }
    if (e->type == EVENT_CONSENT_GIVEN && consent_is_refused(properties.object, a)) {
        e->type = EVENT_CONSENT_WITHDRAWN;
    }
    if (e->type == EVENT_CONSENT_GIVEN || e->type == EVENT_CONSENT_WITHDRAWN) {
        read_channel(&properties, a, e);
    }
    if (e->type == EVENT_PURCHASE && is_renewal(properties.object)) {
        e->type = EVENT_RENEWAL;
    }
    if (subject_key != NULL) {
        struct jval subject = jval_get(properties.object, subject_key);
        /* 0 for whatever is no string: then it is as good as absent */
        size_t len = jval_len(subject);
        if (len > 0 && len <= SUBJECT_MAX) {
            e->subject = jdec_keep(&properties, jval_text(subject, a), a);
        } else if (e->type == EVENT_CHECKOUT_STEP && jval_is(subject, JSON_INTEGER)) {
            /* Steps come as 2 as well as "2", and are the same step. */
            e->subject = arena_printf(a, "%" PRId64, jval_integer(subject));
        }
    }
    if (amount_key != NULL) {
        int64_t minor;
        if (jdec_whole(jval_get(properties.object, amount_key), &minor) && minor >= 0 &&
            minor <= MONEY_MINOR_MAX) {
            e->amount_minor = minor;
        }
    }
}

/* Said by the sender, whose chatbot understood more than a word, or by what he calls the event, or recognized in what a shopper writes; all of them,
 * so that it counts by whatever way the event came in. */
static void read_no(struct jdec *d, struct arena *a, struct event *e)
{
    const struct jval properties = jval_get(d->object, "properties");
    bool told;
    /* in the properties is where most would put it */
    bool said = jdec_bool_opt(d, "opt_out", &told) || no_is_said(properties, a);
    bool named = e->type == EVENT_UNKNOWN && !told && e->type_name != NULL &&
                 no_is_named(e->type_name) && !no_is_denied(properties, a);

    e->opt_out = said || named || (e->type == EVENT_CHAT_MESSAGE && no_is_written(properties, a));
}

/* ---- events of the shop ---- */

static void read_type(struct jdec *d, struct arena *a, struct event *e)
{
    e->type_name = text_keep(d, "type", jdec_text(d, "type", EVENT_TYPE_MAX), a);
    e->type = e->type_name == NULL ? EVENT_UNKNOWN : event_type_of(e->type_name);
}

static bool is_derived(enum event_type type)
{
    return type == EVENT_DERIVED_SHOPPER_BOUND || type == EVENT_DERIVED_SHOPPER_UNBOUND ||
           type == EVENT_DERIVED_SHOPPER_NAMED || type == EVENT_DERIVED_BINDING_SET ||
           type == EVENT_DERIVED_FORWARDED || type == EVENT_DERIVED_OUTREACH_RELEASED;
}

static bool is_there(const struct jdec *d, const char *key)
{
    const struct jval value = jval_get(d->object, key);

    return jval_exists(value) && !jval_is(value, JSON_NULL);
}

static void check_identity(struct jdec *d, const struct event *e)
{
    /* one that is there and wrong has been told already */
    bool customer = is_there(d, "customer_id");
    bool anonymous = is_there(d, "anonymous_id");

    /* These join the two: one id alone joins nothing. */
    if (e->type == EVENT_IDENTIFY || e->type == EVENT_ALIAS) {
        if (!customer) {
            jdec_refuse(d, "customer_id", "is required for %s", e->type_name);
        }
        if (!anonymous) {
            jdec_refuse(d, "anonymous_id", "is required for %s", e->type_name);
        }
    } else if (e->type == EVENT_LOGGED_OUT && !anonymous) {
        /* It is the browser that somebody left. */
        jdec_refuse(d, "anonymous_id", "is required for %s", e->type_name);
    } else if (!customer && !anonymous) {
        jdec_refuse(d, "customer_id", "is required where there is no anonymous_id");
    }
}

static bool read_native(struct jdec *d, const struct reading *r, struct event *e)
{
    struct arena *a = r->arena;

    e->customer_id = read_id_opt(d, "customer_id", a);
    e->anonymous_id = read_id_opt(d, "anonymous_id", a);
    e->cart_id = read_id_opt(d, "cart_id", a);
    e->order_id = read_id_opt(d, "order_id", a);
    e->session_id = read_id_opt(d, "session_id", a);
    e->occurred_us = read_occurred(d, r, e);
    read_context(d, a, e);
    read_properties(d, a, e);
    event_read_items(d, a, e);
    e->id_as_number = e->id_as_number || d->numbered;
    if (no_is_heard_in(e->type)) {
        read_no(d, a, e);
    }
    if (e->opt_out && !jdec_failed(d)) {
        e->occurred_us = read_occurred(d, r, e); /* that of a no lasts */
    }
    e->told_us = event_time_began_us(e, told_time(d));
    if (!jdec_end(d) &&
        jdec_stopped(d)) { /* before the rules: a misspelt customer_id is the better answer */
        return false;
    }
    check_identity(d, e);
    return !jdec_failed(d);
}

/* ---- derived events ---- */

static int64_t read_end(struct jdec *d, const char *key, int64_t open)
{
    bool present;
    int64_t at = jdec_time_opt(d, key, &present);

    if (present && at < EVENT_OCCURRED_MIN_US) {
        jdec_refuse(d, key, "must not be before 2000-01-01");
    }
    return present ? at : open;
}

static void read_intervals(struct jdec *d, struct arena *a, struct event *e)
{
    size_t count = jdec_array(d, "intervals", EVENT_INTERVALS_MAX);
    struct event_interval *intervals = arena_array(a, count, sizeof *intervals);

    for (size_t i = 0; i < count && !jdec_failed(d); i++) {
        struct jdec interval = jdec_element(d, "intervals", i);
        intervals[i].from_us = read_end(&interval, "from", INT64_MIN);
        intervals[i].until_us = read_end(&interval, "until", INT64_MAX);
        if (!jdec_end(&interval)) {
            return;
        }
    }
    e->intervals = intervals;
    e->interval_count = count;
}

static bool read_binding(struct jdec *d, const struct reading *r, struct event *e)
{
    e->customer_id = read_id(d, "customer_id", r->arena);
    e->via = read_id(d, "via", r->arena);
    e->occurred_us = read_occurred(d, r, e);
    if (e->type == EVENT_DERIVED_SHOPPER_BOUND) {
        e->guessed = jdec_bool_opt(d, "guessed", NULL);
        e->cart_id = read_id_opt(d, "cart_id", r->arena);
    }
    if (e->type == EVENT_DERIVED_SHOPPER_UNBOUND) {
        e->taken_back = jdec_bool_opt(d, "taken_back", NULL);
        e->cart_id = read_id_opt(d, "cart_id", r->arena);
    }
    if (e->type == EVENT_DERIVED_BINDING_SET) {
        e->version = jdec_i64(d, "version", 1, INT64_MAX);
        read_intervals(d, r->arena, e);
    }
    return jdec_end(d);
}

static bool read_named(struct jdec *d, const struct reading *r, struct event *e)
{
    e->customer_id = read_id(d, "customer_id", r->arena);
    e->anonymous_id = read_id(d, "anonymous_id", r->arena);
    e->cart_id = read_id_opt(d, "cart_id", r->arena); /* releases of before named none */
    e->occurred_us = read_occurred(d, r, e);
    e->taken_back = jdec_bool_opt(d, "taken_back", NULL);
    return jdec_end(d);
}

static bool read_release(struct jdec *d, const struct reading *r, struct event *e)
{
    e->customer_id = read_id_opt(d, "customer_id", r->arena);
    e->anonymous_id = read_id_opt(d, "anonymous_id", r->arena);
    e->cart_id = read_id(d, "cart_id", r->arena);
    e->round = jdec_i64(d, "round", 1, INT64_MAX);
    e->step = jdec_i64(d, "step", 1, EVENT_STEP_MAX);
    e->occurred_us = read_occurred(d, r, e);
    check_identity(d, e);
    return jdec_end(d);
}

static bool read_any(struct jdec *d, const struct reading *r, struct event *e);

/* Reads the original with its own origin and times, then puts the wrapper's names on it. */
static bool read_forwarded(struct jdec *d, const struct reading *r, struct event *e)
{
    /* in the order of enum event_origin: the index is the value */
    static const char *const origins[] = {"api", "sql", "import", "derived"};
    struct event_times times = {0};
    const char *event_id = e->event_id;
    const char *owner = read_id(d, "customer_id", r->arena);
    const char *via = read_id(d, "via", r->arena);
    size_t origin = jdec_enum(d, "origin", origins, sizeof origins / sizeof origins[0]);

    times.occurred_us = read_occurred(d, r, e);
    times.received_us = jdec_time(d, "received_at");
    /* With its own origin, so that imported history stays imported with its owner too:
     * never late, and never contacted. */
    struct reading inner = {.origin = (enum event_origin)origin,
                            .log = &times,
                            .received_us = times.received_us,
                            .arena = r->arena};
    struct jdec original = jdec_object(d, "event");
    struct event whole = {0};
    if (!read_any(&original, &inner, &whole)) {
        return false;
    }
    /* A release belongs to a cart and moves with it; what binds
     * keys is about the key it lies at. */
    if (is_derived(whole.type) && whole.type != EVENT_DERIVED_OUTREACH_RELEASED) {
        jdec_refuse(&original, "type", "must not be %s", whole.type_name);
    }
    /* sort_id stays the original's: forwarded or not, an event has the
     * same place in the fold's order */
    *e = whole;
    e->event_id = event_id;
    e->customer_id = owner;
    e->via = via;
    return jdec_end(d);
}

static bool begins_with(const char *id, const char *prefix)
{
    return id != NULL && strncmp(id, prefix, strlen(prefix)) == 0;
}

/* The ids of derived events can be foretold: nobody else may take one first. */
static void read_event_id(struct jdec *d, const struct reading *r, struct event *e)
{
    e->event_id = read_id(d, "event_id", r->arena);
    e->sort_id = e->event_id;
    if (r->origin == ORIGIN_DERIVED || !begins_with(e->event_id, EVENT_DERIVED_PREFIX)) {
        return;
    }
    e->stands_in = r->log != NULL && begins_with(e->event_id, EVENT_STAND_IN_PREFIX);
    if (e->stands_in) {
        e->sort_id = read_id(d, "stands_for", r->arena);
        e->lines_left_out = jdec_bool_opt(d, "lines_left_out", NULL);
    } else {
        jdec_refuse(d, "event_id", "must not begin with " EVENT_DERIVED_PREFIX);
    }
}

static bool read_any(struct jdec *d, const struct reading *r, struct event *e)
{
    e->origin = r->origin;
    e->received_us = r->received_us;
    e->amount_minor = MONEY_UNKNOWN;
    read_event_id(d, r, e);
    read_type(d, r->arena, e);
    if (jdec_stopped(d)) {
        return false;
    }
    /* Both ways: nobody outside may write a release or a binding, and
     * none of ours is a shop's event. */
    if (is_derived(e->type) != (r->origin == ORIGIN_DERIVED)) {
        jdec_refuse(d, "type",
                    is_derived(e->type) ? "is written by Cartwright itself"
                                        : "must be that of a derived event");
        return false;
    }
    if (!is_derived(e->type)) {
        return read_native(d, r, e);
    }
    if (e->type == EVENT_DERIVED_FORWARDED) {
        return read_forwarded(d, r, e);
    }
    if (e->type == EVENT_DERIVED_SHOPPER_NAMED) {
        return read_named(d, r, e);
    }
    return e->type == EVENT_DERIVED_OUTREACH_RELEASED ? read_release(d, r, e)
                                                      : read_binding(d, r, e);
}

/* ---- the ways in ---- */

CAN_FAIL static bool decode(struct jval json, const struct reading *r, struct event *out,
                            struct err *err)
{
    struct jdec d = jdec_root_of(json, r->arena, err);
    struct event e = {0};

    d.hint = event_member_hint;
    if (!read_any(&d, r, &e)) {
        return false;
    }
    *out = e;
    return true;
}

bool event_decode(struct jval json, enum event_origin origin, struct event_sent sent,
                  struct arena *a, struct event *out, struct err *err)
{
    struct reading r = {
        .origin = origin, .received_us = sent.received_us, .sent_us = sent.sent_us, .arena = a};

    return decode(json, &r, out, err);
}

bool event_decode_stored(struct jval json, enum event_origin origin, struct event_times times,
                         struct arena *a, struct event *out, struct err *err)
{
    struct reading r = {
        .origin = origin, .log = &times, .received_us = times.received_us, .arena = a};

    return decode(json, &r, out, err);
}

bool event_decode_untold(struct jval json, enum event_origin origin, struct event_times times,
                         struct arena *a, struct event *out, struct err *err)
{
    struct reading r = {.origin = origin,
                        .log = &times,
                        .untold = true,
                        .received_us = times.received_us,
                        .arena = a};

    return decode(json, &r, out, err);
}

bool event_decode_text(const char *text, size_t len, enum event_origin origin, int64_t received_us,
                       struct arena *a, struct event *out, struct err *err)
{
    struct event_sent sent = {.received_us = received_us};
    struct jdoc doc;
    bool good =
        jdoc_read(&doc, text, len, a, err) && event_decode(doc.root, origin, sent, a, out, err);

    jdoc_free(&doc);
    return good;
}

bool event_decode_log(const char *text, size_t len, enum event_origin origin,
                      struct event_times times, struct arena *a, struct event *out, struct err *err)
{
    struct jdoc doc;
    bool good = jdoc_read(&doc, text, len, a, err) &&
                event_decode_stored(doc.root, origin, times, a, out, err);

    jdoc_free(&doc);
    return good;
}
