/* The four steps of one decision, one after the other, until it stands. Must not know about HTTP.
 */
#include "outreach/outreach.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/stop.h"
#include "outreach/answer.h"
#include "outreach/decide.h"
#include "outreach/gather.h"
#include "outreach/outreach_metrics.h"
#include "outreach/release.h"
#include "outreach/tell.h"

#include <assert.h>
#include <string.h>

enum { TRIES_MAX = 40 };

/* One request on its way to an answer. */
struct asking {
    struct pool *pool;
    struct db *db; /* of one try */
    struct outreach_terms terms;
    struct outreach_subject subject;
    struct arena *arena;
    enum outreach_outcome outcome;
    struct outreach_row row;      /* of every outcome but OUTREACH_UNKNOWN and OUTREACH_SHARED */
    struct joins_pending pending; /* of a try that has to wait for joins */
    const char *read_id;          /* what is only read back; NULL: nothing */
    bool withdrawn;               /* something speaks against it by now: */
    enum rule_id withdrawn_by;
};

static struct outreach_subject subject_of(const struct outreach_request *r, struct arena *a)
{
    return (struct outreach_subject){
        .key = r->customer_id != NULL    ? arena_printf(a, "c:%s", r->customer_id)
               : r->anonymous_id != NULL ? arena_printf(a, "a:%s", r->anonymous_id)
                                         : NULL,
        .cart_id = r->cart_id,
        .dry_run = r->dry_run,
        .at_us = r->at_us,
    };
}

/* Whether what was sent may still be told: a never-rule may block by now, and a message is only about
 * the cart as it was then, and as long as there is something of it to be had. */
static bool still_stands(struct asking *k, const struct decided *d, bool *out, struct err *err)
{
    bool gone = false;

    *out = !outreach_never(&d->decision) && !d->asked.sent_outdated;
    if (!*out) {
        return true;
    }
    if (!outreach_gone(k->db, d, k->arena, &gone, err)) {
        return false;
    }
    *out = !gone;
    return true;
}

/* Asking twice gets the same message. Only where that does not stand any more, the silence that was
 * just decided is told instead, under the same id; the send stays what is stored. */
static bool say_again(struct asking *k, const struct decided *d, struct err *err)
{
    bool found;
    bool stands;

    k->outcome = OUTREACH_BEFORE;
    if (!still_stands(k, d, &stands, err)) {
        return false;
    }
    if (!stands) {
        return outreach_tell(k->db, d, NULL, k->arena, &k->row, err);
    }
    if (!store_outreach_by_id(k->db, d->gathered->view.lane, d->sent->outreach_id, k->arena,
                              &k->row, &found, err)) {
        return false;
    }
    return found || FAIL(err, ERR_INTERNAL, "the outreach %s is gone", d->sent->outreach_id);
}

/* What the look says of the try. */
static enum release_step after_look(struct asking *k, const struct joins_pending *pending)
{
    k->pending = *pending;
    return pending->moved                                           ? RELEASE_CHANGED
           : pending->any || outreach_unasked(&k->subject, pending) ? RELEASE_PENDING
                                                                    : RELEASED;
}

/* What is not stored is not looked at again under locks, but it waits for joins as a send does: nobody is
 * unknown or without a cart who has just logged in with one, and nobody is told again what was read of a moment ago: what
 * was waited for may have been folded since, into what was read. Of the past everything is folded. */
static bool wait_for_joins(struct asking *k, const struct gathered *g, enum release_step *out,
                           struct err *err)
{
    struct joins_pending pending = {0};

    if (k->subject.at_us == 0 && !outreach_pending(k->db, g, k->arena, &pending, err)) {
        return false;
    }
    *out = after_look(k, &pending);
    return true;
}

/* Of a cart that is asked about by its id alone nothing is told, not even a silence, while what somebody else did with one of the same id
 * waits for the fold. */
static bool is_alone(struct asking *k, const struct gathered *g, enum release_step *out,
                     struct err *err)
{
    bool soon;

    if (!outreach_shared_soon(k->db, g, k->arena, &soon, err)) {
        return false;
    }
    *out = soon ? RELEASE_PENDING : RELEASED;
    return true;
}

/* Nobody was found, or several people. Between that look and the one at what waits, a fold may have come to it: once nothing waits, one more look is
 * the last word. Of a key the one at what waits has said as well whether anything came. */
static bool make_sure(struct asking *k, struct gathered *g, enum release_step *out, struct err *err)
{
    if (!wait_for_joins(k, g, out, err)) {
        return false;
    }
    if (*out != RELEASED || k->subject.key != NULL) {
        return true;
    }
    if (!outreach_gather(k->db, &k->subject, k->arena, g, err)) {
        return false;
    }
    *out = g->known ? RELEASE_CHANGED : RELEASED;
    k->outcome = g->view.shared ? OUTREACH_SHARED : OUTREACH_UNKNOWN;
    return true;
}

/* A silence by another rule needs no patience: what is pending could only make it a send, and then it may
 * be asked again. */
static bool could_change(const struct decided *d)
{
    return d->decision.send || d->decision.reason == RULE_EMPTY;
}

/* Whether a cart joins the shopper with whom it seems to, or is about to, is for the fold to say first. */
static bool wait_for_carts(struct asking *k, const struct decided *d, enum release_step *out,
                           struct err *err)
{
    const struct gathered *g = d->gathered;
    const bool told_again = d->sent != NULL && !outreach_never(&d->decision);
    bool soon = g->shaken && (could_change(d) || told_again);

    if (k->subject.at_us != 0) {
        return true;
    }
    if (!soon && d->decision.reason == RULE_EMPTY &&
        !outreach_joined_soon(k->db, g, k->arena, &soon, err)) {
        return false;
    }
    if (soon) {
        k->pending = (struct joins_pending){.any = true};
        *out = RELEASE_PENDING;
    }
    return true;
}

/* Waits for joins likewise; what the words need is read in the same round trip. */
static bool tell_unstored(struct asking *k, const struct decided *d, enum release_step *out,
                          struct err *err)
{
    struct release_seen seen = {0};

    if (k->subject.at_us == 0 && could_change(d)) {
        if (!outreach_look(k->db, d, k->arena, &seen, err)) {
            return false;
        }
        *out = after_look(k, &seen.pending);
    }
    return *out != RELEASED || outreach_tell(k->db, d, seen.products, k->arena, &k->row, err);
}

/* The sentence the product is: what the shopper did, whether to speak and what would help, one row
 * that makes "twice" impossible, and the words (release has them told once it is certain). *out:
 * whether that stands. */
static bool try_once(struct asking *k, enum release_step *out, struct err *err)
{
    struct gathered g;
    struct decided d;

    k->outcome = OUTREACH_UNKNOWN;
    /* The clock of each try: a decision is dated when it was considered, not when it was asked for.
     */
    k->subject.now_us = clock_now_us();
    if (!outreach_gather(k->db, &k->subject, k->arena, &g, err)) {
        return false;
    }
    if (!g.known) {
        return make_sure(k, &g, out, err);
    }
    if (!is_alone(k, &g, out, err)) {
        return false;
    }
    if (*out != RELEASED) {
        return true;
    }
    outreach_decide(&k->terms, &g, k->arena, &d);
    if (!wait_for_carts(k, &d, out, err)) {
        return false;
    }
    if (*out != RELEASED) {
        return true;
    }
    if (k->subject.dry_run || d.cart == NULL) { /* without a cart there is no row to store */
        k->outcome = d.sent != NULL && !k->subject.dry_run ? OUTREACH_BEFORE : OUTREACH_DRY;
        return tell_unstored(k, &d, out, err);
    }
    if (d.sent != NULL) {
        if (!outreach_never(&d.decision) && !wait_for_joins(k, &g, out, err)) {
            return false;
        }
        return *out != RELEASED || say_again(k, &d, err);
    }
    k->outcome = OUTREACH_NEW;
    return outreach_release(k->db, &d, k->arena, &k->row, out, &k->pending, err);
}

static bool withdraw(struct asking *k, enum rule_id by)
{
    k->withdrawn = true;
    k->withdrawn_by = by;
    return true;
}

/* Whether a message that was decided before may still be shown to whoever fetches it by its id: by the same rules by which asking for it
 * again is answered. */
static bool judge_again(struct asking *k, const struct decided *d, struct err *err)
{
    bool stands = false;

    if (outreach_never(&d->decision) || d->cart == NULL) {
        return withdraw(k, d->decision.reason);
    }
    /* the cart has gone through an order since, and is another round's */
    if (d->sent == NULL || strcmp(d->sent->outreach_id, k->read_id) != 0) {
        return withdraw(k, RULE_CART_CHANGED);
    }
    if (!still_stands(k, d, &stands, err)) {
        return false;
    }
    return stands || withdraw(k, d->asked.sent_outdated ? RULE_CART_CHANGED : RULE_SOLD_OUT);
}

/* Decides once more, and stores nothing. */
static bool try_reading(struct asking *k, enum release_step *out, struct err *err)
{
    struct gathered g;
    struct decided d;

    *out = RELEASED;
    k->withdrawn = false;
    k->subject.now_us = clock_now_us();
    if (!outreach_gather(k->db, &k->subject, k->arena, &g, err)) {
        return false;
    }
    if (!g.known) {
        return withdraw(k, RULE_EMPTY);
    }
    outreach_decide(&k->terms, &g, k->arena, &d);
    if (!outreach_never(&d.decision) && !wait_for_joins(k, &g, out, err)) {
        return false;
    }
    return *out != RELEASED || judge_again(k, &d, err);
}

/* The connection is only borrowed for the try: who waits for a fold must not keep others from theirs. */
static bool try_leased(struct asking *k, enum release_step *out, struct err *err)
{
    CLEANUP(pool_return) struct lease lease = {.pool = k->pool};

    if (!pool_lease(k->pool, &lease, err)) {
        return false;
    }
    k->db = lease.db;
    return k->read_id != NULL ? try_reading(k, out, err) : try_once(k, out, err);
}

/* What the next try should know from the start; false: nothing new. Who ordered the cart, or withdrew consent, may turn out to be the shopper, so that is
 * asked when all is folded. */
static bool learn(struct asking *k)
{
    const struct outreach_subject before = k->subject;

    k->subject.due_us = k->pending.due_us;
    if (!k->pending.any) {
        k->subject.ordered_us = k->pending.ordered_us;
        k->subject.withdrawn_us = k->pending.withdrawn_us;
        k->subject.sharers = k->pending.sharers;
    }
    return k->subject.due_us != before.due_us ||
           (!k->pending.any && outreach_unasked(&before, &k->pending));
}

/* Again, as long as the shopper is faster, or somebody else was. */
static bool try_until_it_stands(struct asking *k, struct err *err)
{
    const struct config *config = k->terms.config;
    const int64_t until_us =
        clock_monotonic_us() + config->database_wait + config->database_timeout;
    enum release_step step = RELEASED;

    bool learned = false; /* then nothing has to be waited for */

    for (int i = 0; i < TRIES_MAX && (learned || clock_monotonic_us() < until_us); i++) {
        if (!try_leased(k, &step, err)) {
            return false;
        }
        if (step == RELEASED) {
            return true;
        }
        /* What changed can be decided about at once; what is pending needs the fold, which needs
         * the lanes this try has just given back. What is stale may take longer than a request: that is a decision, too. */
        learned = step == RELEASE_PENDING && learn(k);
        if (!learned && step == RELEASE_PENDING && stop_wait_us(OUTREACH_PENDING_WAIT_US)) {
            break;
        }
    }
    return FAIL(err, ERR_BUSY,
                step == RELEASE_PENDING ? OUTREACH_PENDING_TEXT
                                        : "the shopper's events kept arriving");
}

bool outreach_ask(const struct outreach_means *m, const struct outreach_request *request,
                  struct arena *a, struct buf *out, enum outreach_outcome *out_outcome,
                  struct err *err)
{
    if (!live_meet(m->live, m->pool, err)) {
        return false;
    }
    /* One set of models for all tries, so that a swap in between cannot mix two in one answer. */
    CLEANUP(live_use_end) struct live_use use = live_use(m->live);
    struct asking k = {.pool = m->pool,
                       .terms = {.config = m->config, .models = use.set},
                       .subject = subject_of(request, a),
                       .arena = a};

    assert(request->dry_run || request->at_us == 0);
    if (!try_until_it_stands(&k, err)) {
        return false;
    }
    /* Only now: a decision that did not stand was none. Of a shopper without an open cart nothing is
     * stored, which is decided all the same. */
    if (k.outcome == OUTREACH_NEW || (k.outcome == OUTREACH_DRY && !request->dry_run)) {
        outreach_metrics_count(k.row.message != NULL, k.row.reason);
    }
    if (k.outcome != OUTREACH_UNKNOWN && k.outcome != OUTREACH_SHARED) {
        answer_outreach(&k.row, request->dry_run, out);
    }
    *out_outcome = k.outcome;
    return true;
}

CAN_FAIL static bool find_row(const struct outreach_means *m, const char *outreach_id,
                              struct arena *a, struct outreach_row *out, bool *out_found,
                              struct err *err)
{
    CLEANUP(pool_return) struct lease lease = {.pool = m->pool};
    int lane;

    *out_found = false;
    /* What is no id costs no connection. */
    if (!outreach_id_lane(outreach_id, &lane)) {
        return true;
    }
    return pool_lease(m->pool, &lease, err) &&
           store_outreach_by_id(lease.db, lane, outreach_id, a, out, out_found, err);
}

/* Somebody may have bought, or said no, since a message was decided: whoever fetches it by its id is told so instead of the message. */
static bool answer_as_of_now(const struct outreach_means *m, const struct outreach_row *row,
                             struct arena *a, struct buf *out, struct err *err)
{
    if (!live_meet(m->live, m->pool, err)) {
        return false;
    }
    CLEANUP(live_use_end) struct live_use use = live_use(m->live);
    struct asking k = {.pool = m->pool,
                       .terms = {.config = m->config, .models = use.set},
                       .subject = {.key = row->key, .cart_id = row->cart_id},
                       .arena = a,
                       .read_id = row->outreach_id};

    if (!try_until_it_stands(&k, err)) {
        return false;
    }
    if (k.withdrawn) {
        answer_withdrawn(row, k.withdrawn_by, out);
    } else {
        answer_outreach(row, false, out);
    }
    return true;
}

bool outreach_read(const struct outreach_means *m, const char *outreach_id, bool why,
                   struct arena *a, struct buf *out, bool *out_found, struct err *err)
{
    struct outreach_row row;

    if (!find_row(m, outreach_id, a, &row, out_found, err)) {
        return false;
    }
    if (!*out_found) {
        return true;
    }
    if (why) {
        answer_why(&row, out);
    } else if (row.message == NULL) {
        answer_outreach(&row, false, out);
    } else {
        return answer_as_of_now(m, &row, a, out, err);
    }
    return true;
}
