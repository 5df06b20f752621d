/* Whether to speak. Every rule is a row with a function; all of them are evaluated, the first that
 * blocks is the reason. Must not read a clock or know where the state came from. */
#include "domain/speak/policy.h"

#include "base/clock.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

typedef enum rule_outcome rule_fn(const struct policy *p, const struct policy_input *in,
                                  char *detail, size_t cap);

/* "3d0h" rather than "4320m": the two largest units, for people. */
static const char *ago(int64_t us, char *out, size_t cap)
{
    int64_t minutes = us / MINUTES(1);

    if (minutes < 60) {
        (void)snprintf(out, cap, "%lldm", (long long)minutes);
    } else if (minutes < INT64_C(48) * 60) {
        (void)snprintf(out, cap, "%lldh%02lldm", (long long)(minutes / 60),
                       (long long)(minutes % 60));
    } else {
        (void)snprintf(out, cap, "%lldd%lldh", (long long)(minutes / 1440),
                       (long long)(minutes / 60 % 24));
    }
    return out;
}

/* A device's clock may run ahead of ours: then the shopper was here just now. */
static int64_t idle_us(const struct policy_input *in)
{
    int64_t idle = in->now_us - in->shopper->last_us;
    return idle > 0 ? idle : 0;
}

static enum cart_state state_of(const struct policy *p, const struct policy_input *in)
{
    return cart_state(in->cart, in->shopper->last_us, &p->clock, in->now_us);
}

/* Of a shopper without an open cart the closed one says why there is none. A merged one says
 * nothing: its lines went on in another. */
static const struct cart *last_changed_cart(const struct shopper *s)
{
    const struct cart *last = NULL;

    for (size_t i = 0; i < s->cart_count; i++) {
        if (s->carts[i].status != CART_MERGED &&
            (last == NULL || s->carts[i].changed_us > last->changed_us)) {
            last = &s->carts[i];
        }
    }
    return last;
}

/* Whatever the others say is said of a part of what the shopper did: it may have bought since, or said no. */
static enum rule_outcome rule_unread(const struct policy *p, const struct policy_input *in,
                                     char *detail, size_t cap)
{
    (void)p;
    if (in->unread_until_us == 0) {
        (void)snprintf(detail, cap, "everything that the shopper did is known");
        return RULE_PASS;
    }
    (void)snprintf(detail, cap, "not everything that was done is folded yet: look again in %lld s",
                   (long long)((in->unread_until_us - in->now_us) / SECONDS(1)));
    return RULE_BLOCK;
}

/* An order in the same microsecond as the last change bought that change (the fold sorts a purchase behind the additions of its time), and
 * an older order is about another round. An order that took only its own lines (purchase_closes) left the others to be spoken about. Without
 * an open cart an order alone says nothing, it may be years old: only a last round that ended by buying does. 0: it has not bought. */
static int64_t bought_by_shopper_us(const struct policy_input *in)
{
    const int64_t ordered_us = in->shopper->last_order_us;
    const struct cart *cart = in->cart != NULL ? in->cart : last_changed_cart(in->shopper);
    const bool bought = cart != NULL && (in->cart != NULL ? ordered_us >= cart->changed_us &&
                                                                ordered_us > cart->left_us
                                                          : cart->status == CART_BOUGHT);

    return bought ? ordered_us : 0;
}

/* What somebody else ordered leaves the cart as it is: what lay in it then is bought, whatever came to it since. */
static int64_t bought_by_another_us(const struct policy_input *in, int64_t ordered_us)
{
    const bool bought = in->cart != NULL && ordered_us != 0 && ordered_us > in->cart->left_us &&
                        cart_held(in->cart, ordered_us);

    return bought ? ordered_us : 0;
}

static int64_t later(int64_t a_us, int64_t b_us)
{
    return a_us > b_us ? a_us : b_us;
}

/* Stands first of those that judge: of all that can be wrong with a message, one to somebody who has bought is the
 * worst. Whoever orders one of the shopper's carts buys what is in it: under another address, say. Whom the shopper may be counts as the
 * shopper. */
static enum rule_outcome rule_buyer(const struct policy *p, const struct policy_input *in,
                                    char *detail, size_t cap)
{
    (void)p;
    const int64_t sharer_us = bought_by_another_us(in, in->sharer_ordered_us);
    const int64_t known_us =
        later(bought_by_shopper_us(in), bought_by_another_us(in, in->ordered_us));
    const int64_t bought_us = later(known_us, sharer_us);
    const char *by = sharer_us > known_us ? " by a customer who named a cart of the same id" : "";
    char when[24];

    if (bought_us == 0) {
        (void)snprintf(detail, cap, "no purchase since the cart last changed");
        return RULE_PASS;
    }
    if (bought_us > in->now_us) { /* our own clock was ahead then */
        (void)snprintf(detail, cap, "bought just now%s", by);
    } else {
        (void)snprintf(detail, cap, "bought %s ago%s",
                       ago(in->now_us - bought_us, when, sizeof when), by);
    }
    return RULE_BLOCK;
}

static enum rule_outcome rule_empty(const struct policy *p, const struct policy_input *in,
                                    char *detail, size_t cap)
{
    (void)p;
    if (in->cart == NULL || in->cart->line_count == 0) {
        (void)snprintf(detail, cap, "no open cart with items");
        return RULE_BLOCK;
    }
    const size_t lines = in->cart->line_count;
    const long long units = (long long)cart_units(in->cart);
    (void)snprintf(detail, cap, "%zu product%s, %lld unit%s", lines, lines == 1 ? "" : "s", units,
                   units == 1 ? "" : "s");
    return RULE_PASS;
}

/* Of whom nobody knows who they are, but that they had to do with the cart; until the shopper has said yes since. */
static bool is_withdrawn_elsewhere(const struct policy_input *in, int64_t withdrawn_us)
{
    bool given = false;

    for (size_t i = 0; i < in->shopper->consent_count; i++) {
        const struct consent *c = &in->shopper->consents[i];
        given = given || (c->given && c->at_us > withdrawn_us);
    }
    return withdrawn_us != 0 && !given;
}

/* A withdrawal on any channel counts for all: which one a message will take is not known here, and
 * who said no once is not asked where else it would be welcome. */
static enum rule_outcome rule_opted_out(const struct policy *p, const struct policy_input *in,
                                        char *detail, size_t cap)
{
    (void)p;
    const struct shopper *s = in->shopper;

    for (size_t i = 0; i < s->consent_count; i++) {
        /* By shopper_consent and not by the record: of a channel's and a
         * general consent the newer holds. */
        if (shopper_consent(s, s->consents[i].channel) < 0) {
            (void)snprintf(detail, cap, "consent withdrawn for %.60s", s->consents[i].channel);
            return RULE_BLOCK;
        }
    }
    if (is_withdrawn_elsewhere(in, in->withdrawn_us)) {
        (void)snprintf(detail, cap, "consent withdrawn by somebody who named the cart");
        return RULE_BLOCK;
    }
    if (is_withdrawn_elsewhere(in, in->sharer_withdrawn_us)) {
        (void)snprintf(detail, cap,
                       "consent withdrawn by a customer who named a cart of the same id");
        return RULE_BLOCK;
    }
    (void)snprintf(detail, cap,
                   s->consent_count == 0 ? "consent unknown: nothing was withdrawn"
                                         : "consent given");
    return RULE_PASS;
}

static enum rule_outcome rule_bot(const struct policy *p, const struct policy_input *in,
                                  char *detail, size_t cap)
{
    (void)p;
    (void)snprintf(detail, cap, in->shopper->bot ? "crawler agent or inhuman rate" : "human");
    return in->shopper->bot ? RULE_BLOCK : RULE_PASS;
}

static enum rule_outcome rule_many_browsers(const struct policy *p, const struct policy_input *in,
                                            char *detail, size_t cap)
{
    (void)p;
    if (in->mistaken) {
        (void)snprintf(detail, cap, "a cart id that says whose a browser is, is several people's");
        return RULE_BLOCK;
    }
    (void)snprintf(detail, cap, "%zu browser%s within 30 days, limit %d", in->browsers,
                   in->browsers == 1 ? "" : "s", BROWSERS_MAX);
    return in->browsers > BROWSERS_MAX ? RULE_BLOCK : RULE_PASS;
}

/* Imported carts are months old by the time they are read, whatever their clock says: the first
 * import of a shop must send nothing. A dry run is how such a history is looked at. */
static enum rule_outcome rule_import(const struct policy *p, const struct policy_input *in,
                                     char *detail, size_t cap)
{
    (void)p;
    if (in->cart == NULL || !in->cart->imported) {
        (void)snprintf(detail, cap, "live events");
        return RULE_PASS;
    }
    (void)snprintf(detail, cap,
                   in->dry_run ? "imported history; a dry run does not apply this rule"
                               : "imported history is never contacted");
    return in->dry_run ? RULE_NOT_APPLIED : RULE_BLOCK;
}

/* By the shopper's last event, not the cart's last change: who is still looking around is not
 * interrupted. */
static enum rule_outcome rule_too_early(const struct policy *p, const struct policy_input *in,
                                        char *detail, size_t cap)
{
    char idle[24];
    char limit[24];

    /* rule_empty has blocked; without a cart this rule has no time to judge */
    if (in->cart == NULL) {
        return RULE_NOT_APPLIED;
    }
    enum cart_state state = state_of(p, in);
    (void)snprintf(detail, cap, "idle for %s, abandoned after %s",
                   ago(idle_us(in), idle, sizeof idle),
                   ago(p->clock.abandoned_after_us, limit, sizeof limit));
    /* an expired cart is not too early: the next rule says what it is */
    return state == STATE_ACTIVE || state == STATE_IDLE ? RULE_BLOCK : RULE_PASS;
}

static enum rule_outcome rule_expired(const struct policy *p, const struct policy_input *in,
                                      char *detail, size_t cap)
{
    char idle[24];
    char limit[24];

    if (in->cart == NULL) {
        return RULE_NOT_APPLIED;
    }
    (void)snprintf(detail, cap, "idle for %s, expired after %s",
                   ago(idle_us(in), idle, sizeof idle),
                   ago(p->clock.expired_after_us, limit, sizeof limit));
    return state_of(p, in) == STATE_EXPIRED ? RULE_BLOCK : RULE_PASS;
}

/* By the cart's last change, unlike too_early and expired: somebody who comes back daily and never
 * touches the cart has lost interest in it. The limit itself is still young enough. */
static enum rule_outcome rule_too_old(const struct policy *p, const struct policy_input *in,
                                      char *detail, size_t cap)
{
    char age[24];
    char limit[24];

    if (in->cart == NULL) {
        return RULE_NOT_APPLIED;
    }
    int64_t age_us = in->now_us - in->cart->changed_us;
    (void)snprintf(detail, cap, "the cart changed %s ago, limit %s",
                   ago(age_us > 0 ? age_us : 0, age, sizeof age),
                   ago(p->age_max_us, limit, sizeof limit));
    return age_us > p->age_max_us ? RULE_BLOCK : RULE_PASS;
}

static enum rule_outcome rule_cart_changed(const struct policy *p, const struct policy_input *in,
                                           char *detail, size_t cap)
{
    (void)p;
    (void)snprintf(detail, cap,
                   in->cart_changed    ? "the cart is not the one that was looked at"
                   : in->sent_outdated ? "the cart has changed since it was spoken about"
                                       : "the cart is as it was looked at");
    return in->cart_changed || in->sent_outdated ? RULE_BLOCK : RULE_PASS;
}

/* What the fold has seen released. The row's primary key is the last word; this rule is the one that
 * can say so in words, and that holds after a refold has numbered the rounds anew. */
static enum rule_outcome rule_already_contacted(const struct policy *p,
                                                const struct policy_input *in, char *detail,
                                                size_t cap)
{
    (void)p;
    char when[24];

    assert(in->step >= 1 && in->step <= STEPS_MAX);
    if (in->cart == NULL) {
        return RULE_NOT_APPLIED;
    }
    /* steps count from 1, a time of 0 is never */
    int64_t released_us = in->cart->released[in->step - 1];
    if (released_us == 0) {
        (void)snprintf(detail, cap, "round %lld, step %d: not contacted yet",
                       (long long)in->cart->round, in->step);
        return RULE_PASS;
    }
    (void)snprintf(detail, cap, "round %lld, step %d: contacted %s ago", (long long)in->cart->round,
                   in->step, ago(in->now_us - released_us, when, sizeof when));
    return RULE_BLOCK;
}

/* A reminder of what cannot be bought helps nobody. */
static enum rule_outcome rule_sold_out(const struct policy *p, const struct policy_input *in,
                                       char *detail, size_t cap)
{
    (void)p;
    if (in->cart == NULL) {
        return RULE_NOT_APPLIED;
    }
    (void)snprintf(detail, cap,
                   in->sold_out ? "everything in the cart is sold out"
                                : "not everything in the cart is known to be sold out");
    return in->sold_out ? RULE_BLOCK : RULE_PASS;
}

/* When the shopper may be spoken to again; 0: now. About any cart: two open carts are still one person. */
static int64_t pause_until_us(const struct policy *p, const struct policy_input *in)
{
    int64_t until_us = in->shopper->contacted_us + p->contact_pause_us;

    return in->shopper->contacted_us != 0 && in->now_us < until_us ? until_us : 0;
}

static enum rule_outcome rule_recently_contacted(const struct policy *p,
                                                 const struct policy_input *in, char *detail,
                                                 size_t cap)
{
    char since[24];
    char pause[24];

    if (in->shopper->contacted_us == 0) {
        (void)snprintf(detail, cap, "the shopper was never contacted");
        return RULE_PASS;
    }
    (void)snprintf(detail, cap, "the shopper was contacted %s ago, pause %s",
                   ago(in->now_us - in->shopper->contacted_us, since, sizeof since),
                   ago(p->contact_pause_us, pause, sizeof pause));
    return pause_until_us(p, in) != 0 ? RULE_BLOCK : RULE_PASS;
}

/* Stands last: the rules before it forbid, this one weighs. No model is no licence: silence until
 * there is one. */
static enum rule_outcome rule_risk(const struct policy *p, const struct policy_input *in,
                                   char *detail, size_t cap)
{
    if (in->cart == NULL) {
        return RULE_NOT_APPLIED;
    }
    if (isnan(in->risk)) {
        (void)snprintf(detail, cap, "no risk model serves");
        return RULE_BLOCK;
    }
    (void)snprintf(detail, cap, "risk %.3f, threshold %.3f", in->risk, p->risk_threshold);
    return in->risk >= p->risk_threshold ? RULE_PASS : RULE_BLOCK;
}

static rule_fn *const rule_functions[RULE_COUNT] = {
    [RULE_UNREAD] = rule_unread,
    [RULE_BUYER] = rule_buyer,
    [RULE_EMPTY] = rule_empty,
    [RULE_OPTED_OUT] = rule_opted_out,
    [RULE_BOT] = rule_bot,
    [RULE_MANY_BROWSERS] = rule_many_browsers,
    [RULE_IMPORT] = rule_import,
    [RULE_TOO_EARLY] = rule_too_early,
    [RULE_EXPIRED] = rule_expired,
    [RULE_TOO_OLD] = rule_too_old,
    [RULE_CART_CHANGED] = rule_cart_changed,
    [RULE_ALREADY_CONTACTED] = rule_already_contacted,
    [RULE_SOLD_OUT] = rule_sold_out,
    [RULE_RECENTLY_CONTACTED] = rule_recently_contacted,
    [RULE_RISK] = rule_risk,
};

struct decision policy_decide(const struct policy *p, const struct policy_input *in)
{
    struct decision d = {.send = true, .reason = RULE_RISK};

    assert(in->shopper != NULL);
    for (int i = 0; i < RULE_COUNT; i++) {
        struct rule_result *r = &d.rules[i];
        /* what a rule says that has no cart to look at */
        (void)snprintf(r->detail, sizeof r->detail, "no open cart");
        r->outcome = rule_functions[i](p, in, r->detail, sizeof r->detail);
        /* The rest is evaluated all the same: "why" shows every rule, not only the reason. */
        if (r->outcome == RULE_BLOCK && d.send) {
            d.send = false;
            d.reason = (enum rule_id)i;
        }
    }
    if (d.reason == RULE_RECENTLY_CONTACTED) {
        d.look_again_us = pause_until_us(p, in);
    } else if (d.reason == RULE_UNREAD) {
        d.look_again_us = in->unread_until_us;
    }
    return d;
}

const char *rule_name(enum rule_id id)
{
    static const char *const names[RULE_COUNT] = {
#define RULE(id, name, words) [RULE_##id] = (name),
#include "domain/speak/rule_table.inc"
#undef RULE
    };
    assert((unsigned)id < RULE_COUNT);
    return names[id];
}

const char *rule_words(enum rule_id id)
{
    static const char *const words[RULE_COUNT] = {
#define RULE(id, name, text) [RULE_##id] = (text),
#include "domain/speak/rule_table.inc"
#undef RULE
    };
    assert((unsigned)id < RULE_COUNT);
    return words[id];
}

const char *rule_outcome_name(enum rule_outcome o)
{
    switch (o) {
    case RULE_PASS:
        return "pass";
    case RULE_BLOCK:
        return "block";
    case RULE_NOT_APPLIED:
        break;
    }
    return "not_applied";
}
