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
    enum { WORD_MAX = 5 };

    for (size_t i = 0; i < count && jval_is(v, JSON_STRING) && jval_len(v) <= WORD_MAX; i++) {
        if (strcasecmp(jval_text(v, a), words[i]) == 0) {
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

enum no_sign no_sign_of(const char *name, struct jval value, struct arena *a)
{
    if (!may_say_no(name)) {
        return NO_SIGN_NONE;
    }
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
