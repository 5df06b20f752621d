/* Old carts, new model. Must not touch anything but scores. */
#include "live/rescore.h"

#include "base/cleanup.h"
#include "domain/risk/features.h"
#include "eventlog/shopper_log.h"
#include "store/scores.h"

#include <stdio.h>
#include <string.h>

enum { BATCH = 500 };

/* A cart's score. Where the document has no such open cart, or is of an older binary (the next fold mends it), the score matches no row. */
static void score(const struct live_set *models, const struct unscored *u, int64_t now_us,
                  struct arena *a, struct cart_score *out)
{
    struct shopper *s;
    struct features x;
    struct err unreadable;

    *out = (struct cart_score){.lane = u->lane, .key = u->key, .cart_id = u->cart_id};
    if (!shopper_from_doc(u->key, u->doc, a, &s, &unreadable)) {
        return;
    }
    const struct cart *cart = shopper_cart(s, u->cart_id);
    if (cart != NULL && cart->status == CART_OPEN) {
        /* Not before the last event, though our clock may be behind the shop's: idle times are
         * never negative. */
        features_of(s, cart, now_us > s->last_us ? now_us : s->last_us, &models->context, &x);
        out->risk = risk_probability(models->risk, &x);
        out->seen_us = s->last_us;
    }
}

static void walk_to(struct rescore *r, const struct unscored *last)
{
    r->lane = last->lane;
    (void)snprintf(r->key, sizeof r->key, "%s", last->key);
    (void)snprintf(r->cart_id, sizeof r->cart_id, "%s", last->cart_id);
}

bool rescore_step(struct rescore *r, struct db *db, struct live *live, const struct config *config,
                  int64_t now_us, int64_t *out_scored, struct err *err)
{
    CLEANUP(live_use_end) struct live_use use = live_use(live);
    CLEANUP(arena_free) struct arena a = {0};
    const struct risk *model = use.set->risk;
    struct unscored *carts;
    size_t count;

    if (model == NULL || (r->done && strcmp(r->version, risk_version(model)) == 0)) {
        return true;
    }
    /* Begun anew: what the walk has passed is scored by the model before. -1 lies before every
     * lane. */
    if (strcmp(r->version, risk_version(model)) != 0) {
        *r = (struct rescore){.lane = -1};
        (void)snprintf(r->version, sizeof r->version, "%s", risk_version(model));
    }
    const struct unscored_query query = {
        .model = r->version,
        .seen_from_us = now_us - config->expired_after,
        .after = {.lane = r->lane, .key = r->key, .cart_id = r->cart_id},
        .limit = BATCH,
    };
    if (!store_carts_unscored(db, &query, &a, &carts, &count, err)) {
        return false;
    }
    struct cart_score *scores = arena_array(&a, count + 1, sizeof *scores);
    for (size_t i = 0; i < count; i++) {
        score(use.set, &carts[i], now_us, &a, &scores[i]);
    }
    if (count > 0 && !store_carts_score(db, r->version, now_us, scores, count, err)) {
        return false;
    }
    /* Carts that come meanwhile are scored by the fold, with the same model. */
    r->done = count < BATCH;
    if (count > 0) {
        /* By what was read, not by what was scored: a cart that matches no row would be read for
         * ever. */
        walk_to(r, &carts[count - 1]);
    }
    if (out_scored != NULL) {
        *out_scored = (int64_t)count;
    }
    return true;
}
