#ifndef OUTREACH_ANSWER_H
#define OUTREACH_ANSWER_H

#include "base/config.h"
#include "base/jenc.h"
#include "domain/risk/risk.h"
#include "domain/shopper/shopper.h"
#include "domain/speak/message.h"
#include "domain/speak/policy.h"
#include "live/picks.h"
#include "store/outreach.h"

/* The JSON members that answers about shoppers, carts and outreaches share, so that the same thing
 * looks the same everywhere. */

/* "cart": {...} with its lines, computed state, total; null for NULL. products: of cart->lines,
 * same order. */
void answer_cart(struct jenc *j, const struct cart *c, const struct shopper *s,
                 const struct product *products, const struct cart_clock *clock, int64_t now_us);

/* A cart's risk as of a moment. */
struct answer_score {
    const struct risk *model; /* NULL: none */
    const struct features *x; /* NULL: no cart */
    double probability;
    struct risk_point curve[RISK_CURVE_MAX]; /* if nothing happens; the first point is the moment */
    int curve_count;
    struct risk_outlook outlook; /* against the terms */
};
/* What the shop wants of it. */
struct score_terms {
    double threshold;
    struct cart_clock clock;
};
/* Scores the cart (x is filled); what is shown of it is the same everywhere. */
struct answer_score answer_score_of(const struct risk *model, const struct shopper *s,
                                    const struct cart *c, int64_t now_us,
                                    const struct feature_context *context,
                                    const struct score_terms *terms, struct features *x);

/* "risk": {"probability","model","algorithm","horizon","reasons":[..],"curve":[..],"too_early",
 * "look_again_at","by_horizon":[..]}; null without a model or cart. */
void answer_risk(struct jenc *j, const struct answer_score *score,
                 const struct message_reader *reader);

/* "contributions": {"usual","groups":{..},"features":{..}}: all that moved the score, in logit, which
 * is that of a usual cart and the sum of the features; null without any. */
void answer_contributions(struct jenc *j, const struct answer_score *score);

/* Whoever an answer about the shopper is written for. Borrows from both. */
struct message_reader answer_reader(const struct config *config, const struct shopper *shopper);

/* "recommendations":
 * {"model","algorithm","items":[{product_id,title,price,score,source,relation,because,because_is,reason}]}. */
void answer_picks(struct jenc *j, const struct affinity *model, const struct shown_picks *shown,
                  const struct message_reader *reader);

void answer_rules(struct jenc *j, const struct decision *d);
void answer_features(struct jenc *j,
                     const struct features *x); /* "features": {name: value} without the missing */

/* The outreach as POST and GET /v1/outreach answer it; dry runs have no id. */
void answer_outreach(const struct outreach_row *row, bool dry_run, struct buf *out);
/* The same of a send against which a rule speaks by now: without its message, with the rule. */
void answer_withdrawn(const struct outreach_row *row, enum rule_id by, struct buf *out);
/* The same decision with all it was computed from: GET /v1/outreach/{id}/why. */
void answer_why(const struct outreach_row *row, struct buf *out);

#endif
