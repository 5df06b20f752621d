#ifndef OUTREACH_DECIDE_H
#define OUTREACH_DECIDE_H

#include "base/config.h"
#include "domain/speak/policy.h"
#include "live/live.h"
#include "live/picks.h"
#include "outreach/answer.h"
#include "outreach/gather.h"

/* Second step: whether to speak about which cart, and what would help. Pure: no database, no clock.
 */

/* What the shop wants, and the models that serve; borrowed. */
struct outreach_terms {
    const struct config *config;
    const struct live_set *models;
};

/* In arena; borrows the terms and what was gathered. */
struct decided {
    const struct outreach_terms *terms;
    const struct gathered *gathered;
    const struct cart
        *cart; /* NULL: none open; then no score or picks, nothing to store, and no id but
                                that of what was sent about the last one */
    int step;
    const char *subject; /* as in the row; without a cart that of the last one */
    const char *outreach_id;
    const struct sent *sent; /* what this step of the round was spoken about with; NULL: not yet */
    struct features x;
    struct answer_score score; /* probability NaN: no model or no cart */
    struct picks_asked picks;  /* ranked; whether they can be shown the catalogue says */
    const char *cart_digest;   /* of its lines */
    struct policy_input asked; /* what the rules were asked about */
    struct decision decision;
};

void outreach_decide(const struct outreach_terms *terms, const struct gathered *g, struct arena *a,
                     struct decided *out);

/* The same with what the catalogue says of the cart's lines (in order), which is read last of all:
 * nobody is spoken to about what is sold out. */
struct decided outreach_in_stock(const struct decided *d, const struct product *products);

/* A shopper who bought, opted out or turned out to be a bot, or many people, gets nothing any more, not even
 * what was decided before; nor does who may have done so (unread). */
bool outreach_never(const struct decision *decision);

/* The lane an outreach id names, so that reading by id asks one lane; false: it is no such id. */
bool outreach_id_lane(const char *id, int *out_lane);

struct score_terms outreach_score_terms(const struct config *config);

#endif
