#ifndef DOMAIN_SPEAK_POLICY_H
#define DOMAIN_SPEAK_POLICY_H

#include "domain/shopper/shopper.h"

/* Whether to speak: hard rules first, then risk. Pure; every rule is always evaluated so that "why"
 * is complete. Rules in order: unread, buyer, empty, opted_out, bot, many_browsers, import, cart_changed, too_early,
 * expired, too_old, sold_out, already_contacted, recently_contacted, risk. The first that blocks is the reason. */
/* One who uses more browsers in so short a time is many people (a call centre, a kiosk), and nobody knows whose cart it is. No settings:
 * a release holds the lanes of as many. */
enum { BROWSERS_MAX = 64 };
#define BROWSERS_WITHIN_US INT64_C(2592000000000) /* 30 days */

enum rule_outcome { RULE_PASS, RULE_BLOCK, RULE_NOT_APPLIED };

enum rule_id {
#define RULE(id, name, words) RULE_##id,
#include "domain/speak/rule_table.inc"
#undef RULE
    RULE_COUNT
};

struct rule_result {
    enum rule_outcome outcome;
    char detail[160]; /* with the numbers: "idle for 12m, abandoned after 60m" */
};

struct policy {
    struct cart_clock clock;
    int64_t age_max_us;       /* 7 days since the cart last changed */
    int64_t contact_pause_us; /* between two messages to one shopper */
    double risk_threshold;
};

struct policy_input {
    const struct shopper *shopper;
    const struct cart *cart; /* NULL: none open */
    int step;                /* 1 */
    double risk;             /* NaN: no model */
    int64_t now_us;
    int64_t
        unread_until_us; /* the shopper is not known to the end, which may be over then; 0: it is */
    int64_t ordered_us;  /* when somebody else ordered one of the shopper's carts; 0: nobody did */
    int64_t withdrawn_us; /* or withdrew consent, naming one of them */
    int64_t
        sharer_ordered_us; /* when a customer last bought, whatever, that the shopper may be: both named a cart id of several people; 0: none has */
    int64_t sharer_withdrawn_us; /* or withdrew consent, and has not given it anew; 0: none did */
    size_t browsers;             /* that the shopper was named with within BROWSERS_WITHIN_US */
    bool mistaken;      /* a browser was taken for the shopper's by a cart id of several people */
    bool dry_run;       /* the import rule is not applied */
    bool cart_changed;  /* the caller named a round or cart that is no longer the open one */
    bool sent_outdated; /* what was sent about this round and step was about other lines */
    bool sold_out; /* nothing in the cart can be had; where the catalogue was not read, false */
};

struct decision {
    bool send;
    enum rule_id reason; /* the first rule that blocked; RULE_RISK when it sends */
    int64_t
        look_again_us; /* when the reason may be gone; 0: it is not the time that it waits for */
    struct rule_result rules[RULE_COUNT];
};

struct decision policy_decide(const struct policy *p, const struct policy_input *in);
const char *rule_name(enum rule_id id);
const char *rule_words(enum rule_id id); /* one clause for people */
const char *rule_outcome_name(enum rule_outcome o);

#endif
