#ifndef DOMAIN_SHOP_SAID_NO_H
#define DOMAIN_SHOP_SAID_NO_H

#include "base/json/jval.h"
#include "domain/shop/event.h"

/* A no that is said in properties, where names and values are the sender's own. A no that is not heard is the worst that can happen, a false one costs a message: so
 * whatever clearly is one is taken, and what may be one is told. */
enum no_sign {
    NO_SIGN_NONE,
    NO_SIGN_SAID,   /* by its name and value a no */
    NO_SIGN_UNCLEAR /* perhaps: of one channel, misspelt, made of such words, or with a value that is neither yes nor no */
};
enum no_sign no_sign_of(const char *name, struct jval value, struct arena *a);

/* Whether one of them is NO_SIGN_SAID. */
bool no_is_said(struct jval properties, struct arena *a);

/* Whether one of them says the opposite: a name of NO_SIGN_SAID that is false, or a consent that is true. */
bool no_is_denied(struct jval properties, struct arena *a);
/* Whether an event of a type that nobody knows is a no by its name: what such a property is called, a type is called as well. */
bool no_is_named(const char *type);

/* Whether such a type may be a no by what its name is made of: "Marked Email as Spam". */
bool no_may_be_named(const char *type);

/* Whether a consent_given says in its properties that it is none: "granted": false, "opt_out": true. What may be a no is no yes. */
bool consent_is_refused(struct jval properties, struct arena *a);

/* Whether what a shopper writes says so, as a whole message (opt_out.h): the member text of a chat_message's properties, or where another
 * chatbot's message would be, message and body, or one of these inside of one of these. */
bool no_is_written(struct jval properties, struct arena *a);
/* Whether any of them is a text, so that a no would have been read. */
bool message_is_there(struct jval properties);

/* Where a no is heard: in what is said by or of a person, and does nothing to a cart. What changes one may come too late to count, and has no half that
 * counts by itself. */
bool no_is_heard_in(enum event_type type);

#endif
