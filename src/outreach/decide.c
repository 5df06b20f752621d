/* From what was gathered to a decision. Must not read anything, nor put a word of it into JSON. */
#include "outreach/decide.h"

#include "base/cleanup.h"
#include "base/hash.h"
#include "domain/speak/cart_today.h"
#include "domain/speak/reasons.h"
#include "store/outreach.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_STEP = 1, OUTREACH_ID_CHARS = 4 + 2 + 24, DIGESTED_MAX = 64 << 20 };

struct score_terms outreach_score_terms(const struct config *config)
{
    return (struct score_terms){config->risk_threshold, cart_clock_of(config)};
}

static struct policy policy_of(const struct config *config)
{
    return (struct policy){
        .clock = cart_clock_of(config),
        .age_max_us = config->cart_age_max,
        .contact_pause_us = config->contact_pause,
        .risk_threshold = config->risk_threshold,
    };
}

/* "out_" + lane as two hex digits + 24 hex digits of what the primary key is made of: the same
 * decision has the same id, whoever makes it. */
static const char *outreach_id_of(const struct decided *d, struct arena *a)
{
    const struct view *v = &d->gathered->view;
    uint8_t digest[SHA256_BYTES];
    char hex[SHA256_HEX];
    const char *text = arena_printf(a, "%d\n%s\n%s\n%lld\n%d", v->lane, v->key, d->subject,
                                    (long long)d->cart->round, d->step);

    hash_sha256(text, strlen(text), digest);
    return arena_printf(a, "out_%02x%.24s", (unsigned)v->lane,
                        hash_hex(digest, sizeof digest, hex));
}

bool outreach_id_lane(const char *id, int *out_lane)
{
    if (strlen(id) != OUTREACH_ID_CHARS || strncmp(id, "out_", 4) != 0 ||
        strspn(id + 4, "0123456789abcdef") != OUTREACH_ID_CHARS - 4) {
        return false;
    }
    char lane[3] = {id[4], id[5], '\0'};
    *out_lane = (int)strtol(lane, NULL, 16);
    return true;
}

/* The cart the request is about: the one it names if that is open, else the shopper's open cart. A
 * cart that belongs to a browser the customer has not been joined with yet (via) is not the
 * customer's to be spoken to about. */
static const struct cart *cart_meant(const struct shopper *s, const struct outreach_subject *asked,
                                     bool *out_changed)
{
    const char *cart_id = asked->cart_id;
    const struct cart *open = shopper_open_cart(s);
    const struct cart *named = cart_id != NULL ? shopper_cart(s, cart_id) : NULL;

    *out_changed = false;
    /* Who was named beside the cart may not have it, and is told of no other one. */
    const bool elsewhere = named == NULL && cart_id != NULL && asked->key != NULL;
    if (!elsewhere && (named == NULL || named->status == CART_MERGED)) {
        return open;
    }
    if (!elsewhere && named->status == CART_OPEN && named->via == NULL) {
        return named;
    }
    /* It is closed. Another one may be open, but the caller looked at this one: silence, and the
     * rule cart_changed says why. */
    *out_changed = open != NULL;
    return NULL;
}

/* Only what is exactly this step of this round: a refold may have numbered the rounds anew, and
 * then the rules say so (already_contacted). */
static const struct sent *sent_before(const struct decided *d, const struct cart *cart)
{
    const struct shopper_rows *rows = &d->gathered->view.rows;

    for (size_t i = 0; i < rows->sent_count; i++) {
        const struct sent *sent = &rows->sent[i];
        if (strcmp(sent->subject, d->subject) == 0 && sent->round == cart->round &&
            sent->step == d->step) {
            return sent;
        }
    }
    return NULL;
}

static void put_lines(struct jenc *j, const struct cart_line *lines, size_t count)
{
    jenc_array(j, NULL);
    for (size_t i = 0; i < count; i++) {
        jenc_array(j, NULL);
        jenc_str(j, NULL, lines[i].product_id);
        jenc_str(j, NULL, lines[i].variant_id);
        jenc_str(j, NULL, lines[i].line_id);
        jenc_i64(j, NULL, lines[i].quantity_milli);
        jenc_i64(j, NULL, lines[i].price_minor);
        jenc_str(j, NULL, lines[i].currency);
        jenc_array_end(j);
    }
    jenc_array_end(j);
}

/* What a message about the cart says of it: another digest, another message. Not by time: what
 * happened before a decision may arrive after it. */
static const char *cart_digest(const struct cart *cart, struct arena *a)
{
    CLEANUP(buf_free) struct buf text = buf_make(DIGESTED_MAX);
    struct jenc j = jenc_begin(&text);
    uint8_t digest[SHA256_BYTES];
    char hex[SHA256_HEX];

    jenc_array(&j, NULL);
    put_lines(&j, cart->lines, cart->line_count);
    put_lines(&j, cart->adjustments, cart->adjustment_count);
    jenc_array_end(&j);
    assert(buf_ok(&text));
    hash_sha256(buf_text(&text), text.len, digest);
    return arena_strdup(a, hash_hex(digest, sizeof digest, hex));
}

/* Of rows without a digest the time tells. */
static bool is_outdated(const struct decided *d)
{
    if (d->sent == NULL || d->cart == NULL) {
        return false;
    }
    return d->sent->cart_digest != NULL ? strcmp(d->sent->cart_digest, d->cart_digest) != 0
                                        : d->cart->changed_us > d->sent->decided_us;
}

/* Whether the price is what makes the shopper hesitate: the cart was denied a coupon, whatever the model makes of that, or a reason that is given
 * for the risk is the price. */
static bool is_about_price(const struct answer_score *score)
{
    double contributions[FEATURE_COUNT];
    struct told_reason told[TOLD_REASONS_MAX];

    if (score->x != NULL && score->x->values[FEATURE_COUPON_DENIED] == 1) {
        return true;
    }
    return score->model != NULL && score->x != NULL &&
           risk_contributions(score->model, score->x, contributions) &&
           reasons_are_about_price(told, reasons_choose(score->x, contributions, told));
}

/* How likely the cart is lost, and what would help. */
static void weigh(struct decided *d, struct arena *a)
{
    const struct gathered *g = d->gathered;
    const struct live_set *models = d->terms->models;
    const struct score_terms terms = outreach_score_terms(d->terms->config);

    /* Even a decision that will be silence gets all of this: it is stored, and "why" shows it. */
    d->subject = arena_printf(a, OUTREACH_OF_CART "%s", d->cart->id);
    d->outreach_id = outreach_id_of(d, a);
    d->sent = sent_before(d, d->cart);
    d->cart_digest = cart_digest(d->cart, a);
    d->score = answer_score_of(models->risk, g->view.shopper, d->cart, g->now_us, &models->context,
                               &terms, &d->x);
    struct picks_wanted want = {.model = models->affinity,
                                .wish = {.shopper = g->view.shopper,
                                         .now_us = g->now_us,
                                         .k = (int)d->terms->config->picks,
                                         .shelf = models->shelf,
                                         .cart = d->cart,
                                         .about_price = is_about_price(&d->score)}};
    picks_wish_of_shop(d->terms->config, &want.wish);
    picks_ask(&want, a, &d->picks);
}

/* Which cart was spoken about, if there is none to speak about any more: the answer has its id. */
static void remember(struct decided *d, struct arena *a)
{
    const struct shopper *s = d->gathered->view.shopper;
    const char *cart_id = d->gathered->subject.cart_id;
    const struct cart *last = cart_id != NULL ? shopper_cart(s, cart_id) : NULL;

    for (size_t i = 0; i < s->cart_count && cart_id == NULL; i++) {
        if (last == NULL || s->carts[i].changed_us > last->changed_us) {
            last = &s->carts[i];
        }
    }
    if (last != NULL) {
        d->subject = arena_printf(a, OUTREACH_OF_CART "%s", last->id);
        d->sent = sent_before(d, last);
    }
    d->outreach_id = d->sent != NULL ? d->sent->outreach_id : NULL;
}

void outreach_decide(const struct outreach_terms *terms, const struct gathered *g, struct arena *a,
                     struct decided *out)
{
    const struct policy policy = policy_of(terms->config);
    bool changed;

    *out = (struct decided){.terms = terms, .gathered = g, .step = FIRST_STEP};
    out->cart = cart_meant(g->view.shopper, &g->subject, &changed);
    /* NaN is what the rules take for "no model"; without a cart they do not come to the risk. */
    out->score = (struct answer_score){.model = terms->models->risk, .probability = (double)NAN};
    if (out->cart != NULL) {
        weigh(out, a);
    } else {
        remember(out, a);
    }
    out->asked = (struct policy_input){.shopper = g->view.shopper,
                                       .cart = out->cart,
                                       .step = out->step,
                                       .risk = out->score.probability,
                                       .now_us = g->now_us,
                                       .unread_until_us = g->unread_until_us,
                                       .ordered_us = g->subject.ordered_us,
                                       .withdrawn_us = g->subject.withdrawn_us,
                                       .sharer_ordered_us = g->sharers.ordered_us,
                                       .sharer_withdrawn_us = g->sharers.withdrawn_us,
                                       .browsers = g->browsers,
                                       .mistaken = g->mistaken,
                                       .dry_run = g->subject.dry_run,
                                       .cart_changed = changed,
                                       .sent_outdated = is_outdated(out)};
    out->decision = policy_decide(&policy, &out->asked);
    /* What the risk would allow sooner, a pause does not. */
    if (out->decision.look_again_us > out->score.outlook.look_again_us) {
        out->score.outlook.look_again_us = out->decision.look_again_us;
    }
}

struct decided outreach_in_stock(const struct decided *d, const struct product *products)
{
    const struct policy policy = policy_of(d->terms->config);
    struct decided now = *d;

    if (d->cart != NULL && cart_gone(d->cart, products)) {
        now.asked.sold_out = true;
        now.decision = policy_decide(&policy, &now.asked);
    }
    return now;
}

bool outreach_never(const struct decision *decision)
{
    return !decision->send && (decision->reason == RULE_UNREAD || decision->reason == RULE_BUYER ||
                               decision->reason == RULE_OPTED_OUT || decision->reason == RULE_BOT ||
                               decision->reason == RULE_MANY_BROWSERS);
}
