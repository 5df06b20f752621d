/* One decision about one cart, from the log to the stored row. The straight line is consider();
 * release() is the only way out and reads everything again under the lane's lock. Must not know
 * about HTTP. */
#include "outreach/decide.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/metric.h"
#include "base/stop.h"
#include "domain/speak/message.h"
#include "eventlog/view.h"
#include "outreach/answer.h"
#include "store/events.h"
#include "store/outreach.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEP = 1, ANSWER_MAX = 4 << 20, TRIES_MAX = 40, OUTREACH_ID_CHARS = 4 + 2 + 24 };

#define PENDING_WAIT_US INT64_C(50000) /* the fold looks every 100 ms */

/* Everything one decision is made of; in arena. */
struct considered {
    struct view view;
    const struct cart *cart; /* NULL: none open */
    struct product *line_products;
    struct features x;
    struct answer_score score; /* probability NaN: no model or no cart */
    struct shown_picks shown;
    struct decision decision;
    int64_t now_us;
    struct outreach_row row;
};

/* One request's means. */
struct decider {
    struct db *db;
    const struct config *config;
    const struct live_set *models;
    const struct decide_request *request;
    struct arena *arena;
};

static struct policy policy_of(const struct config *config)
{
    return (struct policy){
        .clock = {.idle_after_us = config->idle_after,
                  .abandoned_after_us = config->abandoned_after,
                  .expired_after_us = config->expired_after},
        .age_max_us = config->cart_age_max,
        .risk_threshold = config->risk_threshold,
    };
}

/* "out_" + lane as two hex digits + 24 hex digits: the lane is in the id, so that reading by id
 * asks one lane. */
static const char *outreach_id_of(int lane, const struct cart *cart, struct arena *a)
{
    uint8_t digest[SHA256_BYTES];
    char hex[SHA256_HEX];
    const char *text =
        arena_printf(a, "%d\n%s\n%lld\n%d", lane, cart->id, (long long)cart->round, STEP);

    hash_sha256(text, strlen(text), digest);
    return arena_printf(a, "out_%02x%.24s", (unsigned)lane, hash_hex(digest, sizeof digest, hex));
}

static bool outreach_id_lane(const char *id, int *out_lane)
{
    if (strlen(id) != OUTREACH_ID_CHARS || strncmp(id, "out_", 4) != 0 ||
        strspn(id + 4, "0123456789abcdef") != OUTREACH_ID_CHARS - 4) {
        return false;
    }
    char lane[3] = {id[4], id[5], '\0'};
    *out_lane = (int)strtol(lane, NULL, 16);
    return true;
}

/* The cart the request is about: the one it names if that is open, else the shopper's open cart. */
static const struct cart *cart_meant(const struct shopper *s, const char *cart_id,
                                     bool *out_changed)
{
    const struct cart *open = shopper_open_cart(s);
    const struct cart *named = cart_id != NULL ? shopper_cart(s, cart_id) : NULL;

    *out_changed = false;
    if (named == NULL || named->status == CART_MERGED) {
        return open;
    }
    if (named->status == CART_OPEN && named->via == NULL) {
        return named;
    }
    *out_changed = open != NULL && open != named;
    return NULL;
}

static const char *compose(const struct decider *d, const struct considered *c)
{
    CLEANUP(buf_free) struct buf text = buf_make(ANSWER_MAX);

    message_compose(
        &(struct message_input){
            .cart = c->cart,
            .line_products = c->line_products,
            .picks = &c->shown.picks,
            .pick_products = c->shown.products,
            .because_products = c->shown.because,
            .locale = c->view.shopper->locale,
            .shop_locale = d->config->locale,
            .shop_name = d->config->shop_name,
            .shop_url = d->config->shop_url,
            .outreach_id = c->row.outreach_id,
            .now_us = c->now_us,
            .expires_us = c->now_us + d->config->message_lifetime,
        },
        &text);
    return arena_strdup(d->arena, buf_text(&text));
}

/* Scores, models, recommendations, cart and rules: part of every answer about the decision. */
static const char *summarize(const struct decider *d, const struct considered *c)
{
    CLEANUP(buf_free) struct buf text = buf_make(ANSWER_MAX);
    struct jenc j = jenc_begin(&text);
    struct policy policy = policy_of(d->config);
    const char *locale = c->view.shopper->locale;

    jenc_object(&j, NULL);
    jenc_str(&j, "reason_text",
             c->decision.send ? "the risk of losing the cart is high enough to speak"
                              : c->decision.rules[c->decision.reason].detail);
    answer_risk(&j, &c->score, locale);
    answer_picks(&j, d->models->affinity, &c->shown, locale, d->config->locale);
    answer_cart(&j, c->cart, c->view.shopper, c->line_products, &policy.clock, c->now_us);
    answer_rules(&j, &c->decision);
    jenc_object_end(&j);
    return arena_strdup(d->arena, buf_text(&text));
}

/* What the summary was computed from. */
static const char *explain(const struct decider *d, const struct considered *c)
{
    CLEANUP(buf_free) struct buf text = buf_make(ANSWER_MAX);
    struct jenc j = jenc_begin(&text);

    jenc_object(&j, NULL);
    jenc_time(&j, "at", c->now_us);
    jenc_i64(&j, "lane", c->view.lane);
    jenc_i64(&j, "log_offset", c->view.last_off);
    if (c->cart != NULL) {
        answer_features(&j, &c->x);
    }
    jenc_object_end(&j);
    return arena_strdup(d->arena, buf_text(&text));
}

/* The sentence the product is: what the shopper did, how likely the cart is lost, what would help,
 * whether to speak, and the words. */
static bool consider(const struct decider *d, const char *key, struct considered *c,
                     struct err *err)
{
    const struct decide_request *r = d->request;
    struct policy policy = policy_of(d->config);
    bool changed;

    c->now_us = r->at_us != 0 ? r->at_us : clock_now_us();
    if (!view_read(d->db, key, r->at_us != 0 ? r->at_us : INT64_MAX, d->arena, &c->view, err)) {
        return false;
    }
    c->cart = cart_meant(c->view.shopper, r->cart_id, &changed);
    c->score = (struct answer_score){.model = d->models->risk, .probability = (double)NAN};
    if (c->cart != NULL) {
        if (!cart_products_read(d->db, c->cart, d->arena, &c->line_products, err)) {
            return false;
        }
        c->score = answer_score_of(d->models->risk, c->view.shopper, c->cart, c->now_us,
                                   &d->models->context, d->config->risk_threshold, &c->x);
        if (!picks_show(d->db,
                        &(struct picks_wanted){d->models->affinity,
                                               {.shopper = c->view.shopper,
                                                .now_us = c->now_us,
                                                .k = (int)d->config->picks,
                                                .shelf = d->models->shelf}},
                        d->arena, &c->shown, err)) {
            return false;
        }
    }
    c->decision = policy_decide(&policy, &(struct policy_input){.shopper = c->view.shopper,
                                                                .cart = c->cart,
                                                                .step = STEP,
                                                                .risk = c->score.probability,
                                                                .now_us = c->now_us,
                                                                .dry_run = r->dry_run,
                                                                .cart_changed = changed});
    c->row = (struct outreach_row){
        .lane = c->view.lane,
        .cart_id = c->cart != NULL ? c->cart->id : NULL,
        .round = c->cart != NULL ? (int32_t)c->cart->round : 0,
        .step = STEP,
        .outreach_id = c->cart != NULL ? outreach_id_of(c->view.lane, c->cart, d->arena) : NULL,
        .key = key,
        .decision = c->decision.send ? "send" : "silence",
        .reason = rule_name(c->decision.reason),
        .decided_us = c->now_us,
    };
    c->row.summary = summarize(d, c);
    c->row.why = explain(d, c);
    c->row.message = c->decision.send ? compose(d, c) : NULL;
    return true;
}

/* Appends outreach_released to the cart's own lane, in the open transaction. */
static bool append_released(const struct decider *d, const struct considered *c, struct err *err)
{
    CLEANUP(buf_free) struct buf body = buf_make(4000);
    const char *id = arena_printf(d->arena, EVENT_DERIVED_PREFIX "released:%s", c->row.outreach_id);
    bool customer = c->row.key[0] == 'c';
    enum append_status status;

    event_encode_outreach_released(&body, &(struct release){
                                              .id = id,
                                              .customer_id = customer ? c->row.key + 2 : NULL,
                                              .anonymous_id = customer ? NULL : c->row.key + 2,
                                              .cart_id = c->row.cart_id,
                                              .round = c->row.round,
                                              .step = c->row.step,
                                              .at_us = c->now_us,
                                          });
    struct event_row row = {.event_id = id,
                            .key = c->row.key,
                            .type = event_type_name(EVENT_DERIVED_OUTREACH_RELEASED),
                            .occurred_us = c->now_us,
                            .body = buf_text(&body)};
    if (!store_events_append(d->db, &row, 1, ORIGIN_DERIVED, c->now_us, &status, err)) {
        return false;
    }
    if (status != APPEND_STORED) {
        return FAIL(err, ERR_INTERNAL, "the release of %s was in the log before its row",
                    c->row.outreach_id);
    }
    return true;
}

/* ---- release ---- */

enum release_step { RELEASED, CHANGED, SENT_BEFORE, PENDING };

/* The anonymous shoppers that are this customer: what they did counts, wherever it lies. */
static struct joins joins_of(const struct decider *d, const struct considered *c)
{
    const struct shopper *s = c->view.shopper;
    const char **vias = arena_array(d->arena, s->binding_count + 1, sizeof *vias);

    for (size_t i = 0; i < s->binding_count; i++) {
        vias[i] = s->bindings[i].other;
    }
    bool customer = c->row.key[0] == 'c';
    return (struct joins){.lane = c->view.lane,
                          .key = c->row.key,
                          .vias = vias,
                          .via_count = customer ? s->binding_count : 0};
}

/* Locks every lane an event about this shopper could come from, so that what is read next stands until commit. *out tells what is new. */
static bool look_again(const struct decider *d, const struct considered *c, enum release_step *out,
                       struct err *err)
{
    const struct joins joins = joins_of(d, c);
    int32_t *lanes;
    size_t count;
    int64_t last_off;
    bool pending = false;

    if (!store_join_lanes(d->db, &joins, d->arena, &lanes, &count, err) ||
        !store_lanes_lock(d->db, lanes, count, err) ||
        !store_events_last_off(d->db, c->view.lane, c->row.key, &last_off, err) ||
        (c->decision.send && !store_joins_pending(d->db, &joins, &pending, err))) {
        return false;
    }
    *out = last_off != c->view.last_off ? CHANGED : pending ? PENDING : RELEASED;
    return true;
}

/* Nothing new of this shopper since it was considered, no send for the primary key; then row and event
 * commit together. The caller rolls back on anything but RELEASED. */
static bool release(const struct decider *d, struct considered *c, enum release_step *out,
                    struct err *err)
{
    bool stored;

    if (!db_begin(d->db, err) || !look_again(d, c, out, err)) {
        return false;
    }
    if (*out != RELEASED) {
        return true;
    }
    if (!store_outreach_put(d->db, &c->row, &stored, err)) {
        return false;
    }
    if (!stored) {
        *out = SENT_BEFORE;
        return true;
    }
    return (!c->decision.send || append_released(d, c, err)) && db_commit(d->db, err);
}

/* A shopper who bought, opted out or turned out to be a bot gets nothing any more, not even what was decided before. */
static bool never(const struct decision *decision)
{
    return !decision->send && (decision->reason == RULE_BUYER ||
                               decision->reason == RULE_OPTED_OUT || decision->reason == RULE_BOT);
}

/* The send that is there already for the cart's round, or *out_found false. Where a never-rule blocks by now, the silence that was just
 * considered stands in for it, under the same id. */
static bool sent_before(const struct decider *d, struct considered *c, bool *out_found,
                        struct err *err)
{
    struct outreach_row row;
    bool found;

    if (!store_outreach_by_key(d->db, c->view.lane, c->row.cart_id, c->row.round, STEP, d->arena,
                               &row, &found, err)) {
        return false;
    }
    *out_found = found && strcmp(row.decision, "send") == 0;
    if (*out_found && !never(&c->decision)) {
        c->row = row;
    }
    return true;
}

static bool decide_once(const struct decider *d, const char *key, struct considered *c,
                        enum decide_outcome *out_outcome, enum release_step *out_step,
                        struct err *err)
{
    bool found = false;

    *out_step = RELEASED;
    *out_outcome = DECIDED_BEFORE;
    if (!consider(d, key, c, err)) {
        return false;
    }
    if (c->cart == NULL) {
        /* Without a cart there is no row to store. */
        *out_outcome = c->view.known ? DECIDED_DRY : DECIDED_UNKNOWN;
        return true;
    }
    if (!sent_before(d, c, &found, err) || found) {
        return found;
    }
    *out_outcome = DECIDED_NEW;
    bool ok = release(d, c, out_step, err);
    if (!ok || *out_step != RELEASED) {
        db_rollback(d->db);
    }
    return ok;
}

static bool decide_and_store(const struct decider *d, const char *key, struct considered *c,
                             enum decide_outcome *out_outcome, struct err *err)
{
    enum release_step step;

    for (int i = 0; i < TRIES_MAX; i++) {
        if (!decide_once(d, key, c, out_outcome, &step, err)) {
            return false;
        }
        if (step == RELEASED) {
            if (*out_outcome == DECIDED_NEW) {
                metric_add(c->decision.send ? METRIC_outreach_send : METRIC_outreach_silence, 1);
            }
            return true;
        }
        if (step == PENDING && stop_wait_us(PENDING_WAIT_US)) {
            break;
        }
    }
    return FAIL(err, ERR_BUSY,
                step == PENDING ? "what the shopper did before logging in is still being joined"
                                : "the shopper's events kept arriving");
}

bool decide_outreach(const struct decide_means *m, const struct decide_request *request,
                     struct arena *a, struct buf *out, enum decide_outcome *out_outcome,
                     struct err *err)
{
    CLEANUP(pool_return) struct lease lease = {.pool = m->pool};
    CLEANUP(live_hold_end) struct live_hold hold = live_hold(m->live);
    struct decider d = {.config = m->config, .models = hold.set, .request = request, .arena = a};
    struct considered *c = arena_alloc(a, sizeof *c);
    const char *key = NULL;

    assert(request->dry_run || request->at_us == 0);
    if (!pool_lease(m->pool, &lease, err)) {
        return false;
    }
    d.db = lease.db;
    if (!view_resolve(d.db, request->customer_id, request->anonymous_id, request->cart_id, a, &key,
                      err)) {
        return false;
    }
    if (key == NULL) {
        *out_outcome = DECIDED_UNKNOWN;
        return true;
    }
    if (request->dry_run) {
        if (!consider(&d, key, c, err)) {
            return false;
        }
        /* Somebody not seen yet at that time is no stranger. */
        bool stranger = !c->view.known && request->at_us == 0;
        *out_outcome = stranger ? DECIDED_UNKNOWN : DECIDED_DRY;
        if (!stranger) {
            answer_outreach(&c->row, true, out);
        }
        return true;
    }
    if (!decide_and_store(&d, key, c, out_outcome, err)) {
        return false;
    }
    if (*out_outcome != DECIDED_UNKNOWN) {
        answer_outreach(&c->row, false, out);
    }
    return true;
}

bool decide_read(const struct decide_means *m, const char *outreach_id, bool why, struct arena *a,
                 struct buf *out, bool *out_found, struct err *err)
{
    CLEANUP(pool_return) struct lease lease = {.pool = m->pool};
    struct outreach_row row;
    int lane;

    if (!outreach_id_lane(outreach_id, &lane)) {
        *out_found = false;
        return true;
    }
    if (!pool_lease(m->pool, &lease, err) ||
        !store_outreach_by_id(lease.db, lane, outreach_id, a, &row, out_found, err)) {
        return false;
    }
    if (!*out_found) {
        return true;
    }
    if (why) {
        answer_why(&row, out);
    } else {
        answer_outreach(&row, false, out);
    }
    return true;
}
