/* What an event is called, where it lies in the log, and how derived events are written. Reading
 * events is event_decode.c's job. */
#include "domain/shop/event.h"

#include "base/cleanup.h"
#include "base/hash.h"
#include "base/jenc.h"
#include "base/json/jdec.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const type_names[EVENT_TYPE_COUNT] = {
    [EVENT_UNKNOWN] = "unknown",
#define EVENT(id, name, own) [EVENT_##id] = (name),
#include "domain/shop/event_table.inc"
#undef EVENT
};

static const char *const origin_names[] = {
    [ORIGIN_API] = "api",
    [ORIGIN_SQL] = "sql",
    [ORIGIN_IMPORT] = "import",
    [ORIGIN_DERIVED] = "derived",
};

const char *event_type_name(enum event_type type)
{
    assert(type >= 0 && type < EVENT_TYPE_COUNT);
    return type_names[type];
}

enum event_type event_type_of(const char *name)
{
    for (size_t i = EVENT_UNKNOWN + 1; i < EVENT_TYPE_COUNT; i++) {
        if (type_names[i][0] == name[0] && strcmp(type_names[i], name) == 0) {
            return (enum event_type)i;
        }
    }
    return EVENT_UNKNOWN;
}

const char *event_origin_name(enum event_origin origin)
{
    assert(origin >= ORIGIN_API && origin <= ORIGIN_DERIVED);
    return origin_names[origin];
}

bool event_is_own_doing(enum event_type type)
{
    static const bool own_doing[EVENT_TYPE_COUNT] = {
#define EVENT(id, name, own) [EVENT_##id] = (own),
#include "domain/shop/event_table.inc"
#undef EVENT
    };

    assert(type >= 0 && type < EVENT_TYPE_COUNT);
    return own_doing[type];
}

const char *event_subject_name(enum event_type type)
{
    /* Consents are not here: the decoder is strict about theirs. */
    switch ((int)type) {
    case EVENT_PAGE_VIEWED:
        return "page";
    case EVENT_SEARCHED:
        return "query";
    case EVENT_CHECKOUT_STEP:
        return "step";
    case EVENT_COUPON_ENTERED:
    case EVENT_COUPON_APPLIED:
    case EVENT_COUPON_DENIED:
        return "code";
    case EVENT_PAYMENT_FAILED:
        return "reason";
    default:
        return NULL;
    }
}

const char *event_amount_name(enum event_type type)
{
    if (type == EVENT_SHIPPING_SHOWN) {
        return "cost_minor";
    }
    return type == EVENT_PURCHASE || type == EVENT_REFUND ? "total_minor" : NULL;
}

bool event_withdraws(const struct event *e)
{
    return e->type == EVENT_CONSENT_WITHDRAWN || e->opt_out;
}

bool event_says_consent(const struct event *e)
{
    return e->type == EVENT_CONSENT_GIVEN || event_withdraws(e);
}

const char *event_mark_opt_out(const char *text, struct arena *a)
{
    const char *open = strchr(text, '{');
    const size_t len = strlen(text);
    struct err none = {0};
    CLEANUP(jdec_free) json_t *sent = jdec_parse(text, len, &none);

    assert(open != NULL && sent != NULL); /* it was decoded */
    json_t *said = json_object_get(sent, "opt_out");
    if (json_is_true(said)) {
        return text;
    }
    if (said == NULL) {
        return arena_printf(a, "{\"opt_out\":true,%s", open + 1); /* it has other members */
    }
    /* The sender's word against the shopper's own. The member cannot stand there twice: no reader would take that. */
    (void)json_object_set_new(sent, "opt_out", json_true());
    char *marked = json_dumps(sent, JSON_COMPACT | JSON_REAL_PRECISION(17));
    assert(marked != NULL);
    text = arena_strdup(a, marked);
    free(marked);
    return text;
}

bool event_origin_of(const char *name, enum event_origin *out, struct err *err)
{
    for (size_t i = 0; i < sizeof origin_names / sizeof origin_names[0]; i++) {
        if (strcmp(origin_names[i], name) == 0) {
            *out = (enum event_origin)i;
            return true;
        }
    }
    return FAIL(err, ERR_INVALID, "origin \"%s\" is not known", name);
}

/* ---- place in the log ---- */

const char *event_key(const struct event *e, struct arena *a)
{
    /* It names both. It lies with the anonymous shopper, whose fold
     * has to learn who owns its events. */
    if (e->type == EVENT_DERIVED_SHOPPER_BOUND || e->type == EVENT_DERIVED_SHOPPER_UNBOUND) {
        return arena_printf(a, "a:%s", e->via);
    }
    /* The customer first where an event names both. The prefixes keep a customer and a browser
     * apart whose ids are the same text. */
    if (e->customer_id != NULL) {
        return arena_printf(a, "c:%s", e->customer_id);
    }
    return arena_printf(a, "a:%s", e->anonymous_id);
}

int event_lane(const char *key)
{
    uint8_t digest[SHA256_BYTES];

    /* The first byte, as the migrations compute it with get_byte(sha256(...), 0): SQL and C
     * must name the same lane for a key. */
    hash_sha256(key, strlen(key), digest);
    return digest[0];
}

/* ---- derived events ---- */

char *event_derived_id(const char *kind, const char *scope, const char *cause,
                       char out[EVENT_DERIVED_ID_MAX])
{
    struct hash_state hash;
    uint8_t digest[SHA256_BYTES];
    char hex[SHA256_HEX];

    assert(strlen(EVENT_DERIVED_PREFIX) + strlen(kind) + 1 + SHA256_HEX <= EVENT_DERIVED_ID_MAX);
    /* Of scope and cause alone, no clock and no counter: deriving once more, as after a crash,
     * gives the same id and is a duplicate. */
    hash_begin(&hash);
    hash_add(&hash, scope, strlen(scope) + 1); /* with its NUL: no two pairs run together */
    hash_add(&hash, cause, strlen(cause));
    hash_end(&hash, digest);
    (void)snprintf(out, EVENT_DERIVED_ID_MAX, EVENT_DERIVED_PREFIX "%s:%s", kind,
                   hash_hex(digest, sizeof digest, hex));
    return out;
}

static struct jenc begin_derived(struct buf *out, const char *id, enum event_type type)
{
    struct jenc j = jenc_begin(out);

    jenc_object(&j, NULL);
    jenc_str(&j, "event_id", id);
    jenc_str(&j, "type", event_type_name(type));
    return j;
}

enum event_type event_login_type(bool ends)
{
    return ends ? EVENT_DERIVED_SHOPPER_UNBOUND : EVENT_DERIVED_SHOPPER_BOUND;
}

void event_encode_login(struct buf *out, const struct login *l)
{
    struct jenc j = begin_derived(out, l->id, event_login_type(l->ends));

    jenc_str(&j, "customer_id", l->customer_id);
    jenc_str(&j, "via", l->via);
    jenc_time(&j, "occurred_at", l->at_us);
    if (l->guessed) {
        jenc_bool(&j, "guessed", true);
    }
    if (l->taken_back) {
        jenc_bool(&j, "taken_back", true);
    }
    jenc_str_opt(&j, "cart_id", l->cart_id);
    jenc_object_end(&j);
}

void event_encode_named(struct buf *out, const struct naming *n)
{
    struct jenc j = begin_derived(out, n->id, EVENT_DERIVED_SHOPPER_NAMED);

    jenc_str(&j, "customer_id", n->customer_id);
    jenc_str(&j, "anonymous_id", n->anonymous_id);
    jenc_str(&j, "cart_id", n->cart_id);
    jenc_time(&j, "occurred_at", n->at_us);
    if (n->taken_back) {
        jenc_bool(&j, "taken_back", true);
    }
    jenc_object_end(&j);
}

void event_encode_binding_set(struct buf *out, const struct binding_set *set)
{
    struct jenc j = begin_derived(out, set->id, EVENT_DERIVED_BINDING_SET);

    assert(set->interval_count <= EVENT_INTERVALS_MAX);
    jenc_str(&j, "customer_id", set->customer_id);
    jenc_str(&j, "via", set->via);
    jenc_i64(&j, "version", set->version);
    jenc_array(&j, "intervals");
    for (size_t i = 0; i < set->interval_count; i++) {
        jenc_object(&j, NULL);
        /* INT64_MIN and INT64_MAX are no times that could be written: an open end is left out. */
        if (set->intervals[i].from_us != INT64_MIN) {
            jenc_time(&j, "from", set->intervals[i].from_us);
        }
        if (set->intervals[i].until_us != INT64_MAX) {
            jenc_time(&j, "until", set->intervals[i].until_us);
        }
        jenc_object_end(&j);
    }
    jenc_array_end(&j);
    jenc_time(&j, "occurred_at", set->at_us);
    jenc_object_end(&j);
}

void event_encode_forwarded(struct buf *out, const struct forwarding *f)
{
    struct jenc j = begin_derived(out, f->id, EVENT_DERIVED_FORWARDED);

    jenc_str(&j, "customer_id", f->owner);
    jenc_str(&j, "via", f->via);
    jenc_str(&j, "origin", event_origin_name(f->origin));
    jenc_time(&j, "occurred_at", f->times.occurred_us);
    jenc_time(&j, "received_at", f->times.received_us);
    /* The text itself, not what we understood of it: members that
     * no decoder here reads go along. */
    jenc_raw(&j, "event", f->body, f->body_len);
    jenc_object_end(&j);
}

void event_encode_outreach_released(struct buf *out, const struct release *r)
{
    struct jenc j = begin_derived(out, r->id, EVENT_DERIVED_OUTREACH_RELEASED);

    /* Exactly one: event_key has to answer the key of the cart's
     * shopper, whose fold marks the round. */
    assert((r->customer_id == NULL) != (r->anonymous_id == NULL));
    jenc_str_opt(&j, "customer_id", r->customer_id);
    jenc_str_opt(&j, "anonymous_id", r->anonymous_id);
    jenc_str(&j, "cart_id", r->cart_id);
    jenc_i64(&j, "round", r->round);
    jenc_i64(&j, "step", r->step);
    jenc_time(&j, "occurred_at", r->at_us);
    jenc_object_end(&j);
}
