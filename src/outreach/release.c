/* The transaction in which a decision becomes true. Must not decide: what it sees is either what
 * was decided about, or a reason to decide again. */
#include "outreach/release.h"

#include "base/cleanup.h"
#include "outreach/tell.h"
#include "store/lanes.h"

#include <assert.h>

/* All others wait while lanes are held: of more it is asked first, without them, whether anything is pending. */
enum { LANES_HELD_FEW = 8 };

static void take_lane(struct release_look *look, bool has[LANES], int lane)
{
    if (!has[lane]) {
        has[lane] = true;
        look->lanes[look->lane_count++] = lane;
    }
}

/* Every lane from which something could come that changes the decision. A silence needs its own alone, where the shopper's events and
 * the row are: what a browser does could only make it a send, or another silence. A send needs those of the anonymous shoppers that join
 * the shopper as well: one of them may have bought. Of very many, collected in years, those that were named last: what another one does after the
 * look is as if it came after the message. */
static void take_lanes(const struct decided *d, struct arena *a, struct release_look *look)
{
    const struct gathered *g = d->gathered;
    const size_t few = g->via_count < BROWSERS_MAX ? g->via_count : BROWSERS_MAX;
    const size_t vias = d->decision.send ? few : 0;
    bool has[LANES] = {false};

    look->lanes = arena_array(a, LANES, sizeof *look->lanes);
    take_lane(look, has, g->view.lane);
    for (size_t i = 0; i < vias; i++) {
        take_lane(look, has, event_lane(arena_printf(a, "a:%s", g->vias[i])));
    }
}

/* Whether it can be said without a lock that a send will have to wait. */
static bool must_wait(struct db *db, const struct release_look *look, struct arena *a,
                      struct joins_pending *out, struct err *err)
{
    *out = (struct joins_pending){0};
    return look->lane_count <= LANES_HELD_FEW || store_joins_pending(db, &look->joins, a, out, err);
}

/* Locks, and looks at all that rules may change their mind about. Nothing is appended to these
 * lanes any more until commit, and the fold, which carries what a browser did to its customer,
 * needs the customer's lane for that: so what is seen here stands. The vias are those gathered: one
 * that was not known then came by an event of the shopper's own, and that shows as a change. What lies
 * in lanes that nobody could know of counts as it was at this look.
 *
 * The catalogue rides along, so that the words cost no further round trip while the lanes are held.
 */
static bool look_again(struct db *db, const struct decided *d, struct arena *a,
                       struct release_seen *seen, struct err *err)
{
    const struct gathered *g = d->gathered;
    struct release_look look = {.joins = outreach_joins(g)};

    *seen = (struct release_seen){0};
    take_lanes(d, a, &look);
    if (!must_wait(db, &look, a, &seen->pending, err)) {
        return false;
    }
    if (seen->pending.any) {
        return true;
    }
    look.ids = outreach_tell_ids(d, a, &look.id_count);
    return store_release_begin(db, &look, a, seen, err);
}

bool outreach_look(struct db *db, const struct decided *d, struct arena *a,
                   struct release_seen *out, struct err *err)
{
    struct release_look look = {.joins = outreach_joins(d->gathered)};

    *out = (struct release_seen){0};
    look.ids = outreach_tell_ids(d, a, &look.id_count);
    return store_look(db, &look, a, out, err);
}

/* Tells the log of a send, in the lane of the cart's own shopper. */
static struct outreach_event released_event(const struct outreach_row *row, struct buf *body,
                                            struct arena *a)
{
    const char *id = arena_printf(a, EVENT_DERIVED_PREFIX "released:%s", row->outreach_id);
    const bool customer = row->key[0] == 'c';

    event_encode_outreach_released(body, &(struct release){
                                             .id = id,
                                             .customer_id = customer ? row->key + 2 : NULL,
                                             .anonymous_id = customer ? NULL : row->key + 2,
                                             .cart_id = row->cart_id,
                                             .round = row->round,
                                             .step = row->step,
                                             .at_us = row->decided_us,
                                         });
    return (struct outreach_event){.event_id = id, .body = buf_text(body)};
}

/* Row and event are one statement: a send is in the log if and only if its row is there. */
static bool store(struct db *db, const struct outreach_row *row, struct arena *a, bool *out_stored,
                  struct err *err)
{
    CLEANUP(buf_free) struct buf body = buf_make(4000);

    if (row->message == NULL) {
        return store_outreach_put(db, row, NULL, out_stored, err);
    }
    const struct outreach_event event = released_event(row, &body, a);
    return store_outreach_put(db, row, &event, out_stored, err);
}

/* A silence needs no patience: what is pending could only make it a send, and then it may be asked
 * again. */
static enum release_step verdict(const struct decided *d, const struct release_seen *seen)
{
    /* Changed comes first: what is pending about a shopper who has moved on is asked again anyway.
     */
    if (seen->pending.moved) {
        return RELEASE_CHANGED;
    }
    /* That somebody else ordered the cart, or opted out, or may be the shopper, must have been asked of the rules. */
    const bool unasked = outreach_unasked(&d->gathered->subject, &seen->pending);
    return d->decision.send && (seen->pending.any || unasked) ? RELEASE_PENDING : RELEASED;
}

static bool run(struct db *db, const struct decided *d, struct arena *a,
                struct outreach_row *out_row, enum release_step *out,
                struct joins_pending *out_pending, struct err *err)
{
    struct release_seen seen;
    struct outreach_row row;
    bool stored;

    if (!look_again(db, d, a, &seen, err)) {
        return false;
    }
    *out = verdict(d, &seen);
    *out_pending = seen.pending;
    if (*out != RELEASED) {
        return true;
    }
    /* Under the locks, but only for a decision that stands: a try that loses writes no JSON. */
    if (!outreach_tell(db, d, seen.products, a, &row, err) || !store(db, &row, a, &stored, err)) {
        return false;
    }
    /* Nobody who takes the lanes can have been faster; somebody who writes SQL by hand can. */
    if (!stored) {
        *out = RELEASE_SENT;
        return true;
    }
    *out_row = row;
    return db_commit(db, err);
}

bool outreach_release(struct db *db, const struct decided *d, struct arena *a,
                      struct outreach_row *out_row, enum release_step *out,
                      struct joins_pending *out_pending, struct err *err)
{
    assert(d->cart != NULL && !d->gathered->subject.dry_run);
    bool ok = run(db, d, a, out_row, out, out_pending, err);
    if (!ok || *out != RELEASED) {
        db_rollback(db); /* the lanes are needed by others while this one thinks again */
    }
    return ok;
}
