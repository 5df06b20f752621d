/* Which properties say that no messages are wanted. What follows from it is the decoder's and the fold's business. */
#include "domain/shop/said_no.h"

#include "base/spell.h"
#include "domain/shop/opt_out.h"

#include <string.h>
#include <strings.h>

static const char *const said[] = {
#define SAID(name) name,
#define NEARLY(name)
#define YES(name)
#include "domain/shop/said_no_table.inc"
#undef SAID
#undef NEARLY
#undef YES
};

static const char *const nearly[] = {
#define SAID(name)
#define NEARLY(name) name,
#define YES(name)
#include "domain/shop/said_no_table.inc"
#undef SAID
#undef NEARLY
#undef YES
};

static const char *const yes[] = {
#define SAID(name)
#define NEARLY(name)
#define YES(name) name,
#include "domain/shop/said_no_table.inc"
#undef SAID
#undef NEARLY
#undef YES
};
#define COUNT(names) (sizeof(names) / sizeof *(names))

/* ---- values ---- */

static bool is_word(struct jval v, const char *const *words, size_t count, struct arena *a)
{
    enum { WORD_MAX = 20 };

    if (!jval_is(v, JSON_STRING) || jval_len(v) > WORD_MAX) {
        return false;
    }
    const char *text = jval_text(v, a);
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(text, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* As chatbots write it. */
static bool says_yes(struct jval v, struct arena *a)
{
    static const char *const words[] = {"true", "yes", "y", "1", "on"};

    return jval_is(v, JSON_TRUE) || (jval_is(v, JSON_INTEGER) && jval_integer(v) == 1) ||
           is_word(v, words, COUNT(words), a);
}

static bool says_nothing(struct jval v, struct arena *a)
{
    static const char *const words[] = {"", "false", "no", "n", "0", "off", "null", "none"};

    return jval_is(v, JSON_FALSE) || jval_is(v, JSON_NULL) ||
           (jval_is(v, JSON_INTEGER) && jval_integer(v) == 0) || is_word(v, words, COUNT(words), a);
}

/* What only somebody's no is called. */
static bool says_gone(struct jval v, struct arena *a)
{
    static const char *const words[] = {
        "unsubscribed", "unsubscribe", "opted_out",      "opted out",      "opted-out", "optedout",
        "opt_out",      "opt-out",     "do_not_contact", "not_subscribed", "dnc"};

    return is_word(v, words, COUNT(words), a);
}

/* The answer of whoever was asked whether they want messages. */
static bool says_no_to_it(struct jval v, struct arena *a)
{
    static const char *const words[] = {
        "false",   "no",       "n",       "0",           "off",      "denied",
        "deny",    "declined", "decline", "rejected",    "refused",  "withdrawn",
        "revoked", "disagree", "never",   "not_granted", "disabled", "inactive"};

    return jval_is(v, JSON_FALSE) || (jval_is(v, JSON_INTEGER) && jval_integer(v) == 0) ||
           is_word(v, words, COUNT(words), a) || says_gone(v, a);
}

/* ---- names ---- */

static char small(char c)
{
    return (char)(c | 0x20); /* of letters */
}

/* How the names of the table begin. Nearly every name of a property begins otherwise, and is looked for no further. */
static bool may_say_no(const char *name)
{
    static const char pairs[][3] = {"op", "is", "ha", "gl", "ma", "un", "do", "no",
                                    "st", "em", "sm", "pu", "su", "ac", "co"};

    for (size_t i = 0; i < COUNT(pairs); i++) {
        if (pairs[i][0] == small(name[0]) && pairs[i][1] == small(name[1])) {
            return true;
        }
    }
    return false;
}

static bool begins_alike(const char *name, const char *one)
{
    return one[0] == small(name[0]) && one[1] == small(name[1]);
}

static bool is_one_of(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (begins_alike(name, names[i]) && spell_same(names[i], name)) {
            return true;
        }
    }
    return false;
}

/* A slip of the hand, behind the first letters: to look for it among all names would cost more than the rest of what is told of an event. */
static bool is_slip(const char *name)
{
    enum { SLIPS = 2 };
    const size_t len = strlen(name);
    const char *near[COUNT(said)];
    size_t count = 0;

    for (size_t i = 0; i < COUNT(said); i++) {
        const size_t said_len = strlen(said[i]);
        if (begins_alike(name, said[i]) && said_len <= len + SLIPS && len <= said_len + SLIPS) {
            near[count++] = said[i];
        }
    }
    return spell_nearest(name, near, count) != NULL;
}

/* ---- what names are made of ---- */

/* Whoever is asked for one of these, and says no, may want no messages; so may of whom one of those is told. Letters alone: "e-mail opt-in" is
 * emailoptin. */
static const char *const wishes[] = {"optin",   "optedin",     "consent",
                                     "subscri", "marketing",   "newsletter",
                                     "gdpr",    "contactable", "permission"};
static const char *const refusals[] = {"optout",   "optedout",  "unsub", "donot",
                                       "dnc",      "nocontact", "spam",  "complain",
                                       "suppress", "blacklist"};
/* And of types. */
static const char *const ends[] = {"revok",           "redact",         "gdprdelete",
                                   "erasure",         "consentdenied",  "consentdeclined",
                                   "consentrejected", "consentrefused", "consentwithdr"};

static bool has_part(const char *name, const char *const *parts, size_t count)
{
    enum { LETTERS_MAX = 100 };
    char letters[LETTERS_MAX];
    size_t len = 0;

    for (const char *c = name; *c != '\0' && len < LETTERS_MAX - 1; c++) {
        if (small(*c) >= 'a' && small(*c) <= 'z') {
            letters[len++] = small(*c);
        }
    }
    letters[len] = '\0';
    for (size_t i = 0; i < count; i++) {
        if (strstr(letters, parts[i]) != NULL) {
            return true;
        }
    }
    return false;
}

/* {"state": "unsubscribed"} */
static bool says_no_inside(struct jval value, struct arena *a)
{
    struct jwalk walk = jwalk_begin(value);
    bool no = false;

    while (!no && jwalk_next(&walk)) {
        no = says_no_to_it(walk.value, a);
    }
    return no;
}

/* What is asked where the event itself is the answer. */
static bool is_answer(const char *name)
{
    static const char *const names[] = {"granted",  "given",   "consented", "accepted", "agreed",
                                        "allowed",  "status",  "state",     "value",    "answer",
                                        "decision", "enabled", "active",    "checked",  "opted"};
    bool found = false;

    for (size_t i = 0; i < COUNT(names) && !found; i++) {
        found = spell_same(names[i], name);
    }
    return found;
}

/* By what the name is made of; values first, since most are neither a no nor a yes. */
static bool may_be_no(const char *name, struct jval value, struct arena *a)
{
    if (says_gone(value, a)) {
        return true;
    }
    if (says_no_to_it(value, a) || (jval_is(value, JSON_OBJECT) && says_no_inside(value, a))) {
        return has_part(name, wishes, COUNT(wishes)) && !has_part(name, refusals, COUNT(refusals));
    }
    return says_yes(value, a) && has_part(name, refusals, COUNT(refusals));
}

static enum no_sign sign_by_list(const char *name, struct jval value, struct arena *a)
{
    if (is_one_of(name, said, COUNT(said))) {
        return says_yes(value, a)       ? NO_SIGN_SAID
               : says_nothing(value, a) ? NO_SIGN_NONE
                                        : NO_SIGN_UNCLEAR;
    }
    if (is_one_of(name, nearly, COUNT(nearly))) {
        return says_nothing(value, a) ? NO_SIGN_NONE : NO_SIGN_UNCLEAR;
    }
    if (is_one_of(name, yes, COUNT(yes))) {
        return jval_is(value, JSON_NULL) || !says_nothing(value, a) ? NO_SIGN_NONE
                                                                    : NO_SIGN_UNCLEAR;
    }
    return says_yes(value, a) && is_slip(name) ? NO_SIGN_UNCLEAR : NO_SIGN_NONE;
}

enum no_sign no_sign_of(const char *name, struct jval value, struct arena *a)
{
    const enum no_sign sign = may_say_no(name) ? sign_by_list(name, value, a) : NO_SIGN_NONE;

    return sign == NO_SIGN_NONE && may_be_no(name, value, a) ? NO_SIGN_UNCLEAR : sign;
}

bool consent_is_refused(struct jval properties, struct arena *a)
{
    struct jwalk walk = jwalk_begin(properties);

    while (jval_is(properties, JSON_OBJECT) && jwalk_next(&walk)) {
        const char *name = jwalk_name(&walk, a);
        const bool answers = is_answer(name) && says_no_to_it(walk.value, a);
        if (answers || no_sign_of(name, walk.value, a) != NO_SIGN_NONE) {
            return true;
        }
    }
    return false;
}

bool no_is_said(struct jval properties, struct arena *a)
{
    struct jwalk walk = jwalk_begin(properties);

    while (jval_is(properties, JSON_OBJECT) && jwalk_next(&walk)) {
        if (says_yes(walk.value, a) && is_one_of(jwalk_name(&walk, a), said, COUNT(said))) {
            return true;
        }
    }
    return false;
}

bool no_is_denied(struct jval properties, struct arena *a)
{
    struct jwalk walk = jwalk_begin(properties);

    while (jval_is(properties, JSON_OBJECT) && jwalk_next(&walk)) {
        const char *name = jwalk_name(&walk, a);
        if (may_say_no(name) &&
            ((is_one_of(name, said, COUNT(said)) && says_nothing(walk.value, a)) ||
             (is_one_of(name, yes, COUNT(yes)) && says_yes(walk.value, a)))) {
            return true;
        }
    }
    return false;
}

bool no_is_named(const char *type)
{
    return may_say_no(type) && is_one_of(type, said, COUNT(said));
}

bool no_may_be_named(const char *type)
{
    return has_part(type, refusals, COUNT(refusals)) || has_part(type, ends, COUNT(ends));
}

/* ---- what was written ---- */

static const char *const texts[] = {"text", "message", "body"};

static bool says_no(struct jval v, struct arena *a)
{
    return jval_is(v, JSON_STRING) && opt_out_says(jval_text(v, a));
}

bool no_is_written(struct jval properties, struct arena *a)
{
    for (size_t i = 0; i < COUNT(texts); i++) {
        const struct jval told = jval_get(properties, texts[i]);
        bool no = says_no(told, a);
        for (size_t n = 0; n < COUNT(texts) && jval_is(told, JSON_OBJECT); n++) {
            no = no || says_no(jval_get(told, texts[n]), a);
        }
        if (no) {
            return true;
        }
    }
    return false;
}

bool message_is_there(struct jval properties)
{
    bool is_text = false;

    for (size_t i = 0; i < COUNT(texts); i++) {
        const struct jval told = jval_get(properties, texts[i]);
        is_text = is_text || jval_is(told, JSON_STRING);
        for (size_t n = 0; n < COUNT(texts) && jval_is(told, JSON_OBJECT); n++) {
            is_text = is_text || jval_is(jval_get(told, texts[n]), JSON_STRING);
        }
    }
    return is_text;
}

bool no_is_heard_in(enum event_type type)
{
    return type == EVENT_CHAT_MESSAGE || type == EVENT_IDENTIFY || type == EVENT_ALIAS ||
           type == EVENT_UNKNOWN;
}
