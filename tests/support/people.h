#ifndef SUPPORT_PEOPLE_H
#define SUPPORT_PEOPLE_H

/* Made-up people at made-up devices (people_make.c), and who is whom among them by what the README promises (people.c): written from its
 * words, with nothing of the program that keeps them. */
#include "base/rng.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CUSTOMERS = 3,
    BROWSERS = 3,
    CARTS = 12,
    CARTS_KEPT = 4, /* of a shopper; the longest unchanged makes room */
    DEEDS_MAX = 44,
    CART_NAME_MAX = 64,
    NOBODY = -1,
    NOTHING = -1
};
/* How long after an order its cart comes back: order_undo, of the tests that play these people. */
enum { UNDO_MINUTES = 12 };
/* Everything is received by then, some of it days after it occurred. */
enum { RECEIVED_MINUTES_MAX = 4 * 24 * 60 };

/* Something happens, each at a minute of its own, in order. */
struct person_deed {
    const char *type;
    int customer; /* NOBODY: it names none */
    int browser;  /* NOBODY: as a shop's server tells it */
    int cart;     /* NOTHING: it names none */
    int order; /* of an order, or what undoes one: the number of the deed that told that order first; NOTHING. What undoes one and names a cart
                  alone is of no order */
    int goods; /* it names the product of that deed alone; NOTHING: none, but its own where it puts one into a cart */
    int received; /* minute */
    bool arrived;
};

struct people {
    struct person_deed deeds[DEEDS_MAX]; /* number i happens at minute i */
    int count;
    int arrival[DEEDS_MAX]; /* numbers in the order in which they arrive */
    uint64_t number;        /* of the schedule: carts are called by it */
};

struct people people_make(uint64_t number, struct rng *r);

/* What the shop calls the cart. The last two tell nobody's cart apart: a short word, and one that is made of what shops call carts. */
void cart_name(const struct people *p, int cart, char out[CART_NAME_MAX]);
int cart_named(const struct people *p, const char *name); /* NOTHING: no shop calls a cart that */
bool cart_is_a_word(int cart);

/* Who a deed's doer is: a customer, or a browser that is nobody's. */
struct person {
    int customer; /* NOBODY: */
    int browser;
};
/* What has arrived counts. */
struct person person_of_deed(const struct people *p, int deed);
struct person person_at(const struct people *p, int browser, int minute); /* INT_MAX: from now on */
bool same_person(struct person x, struct person y);

/* The one thing that nobody waits for: that somebody names a cart which the other has ordered, and not named but for that, while nothing of it
 * is folded yet. Nobody looks for it in all lanes at every decision. seen: carts that the other is known to have named; NULL: nothing is known. */
bool person_is_being_joined(const struct people *p, struct person who, const bool *seen);

/* Why this person must not be spoken to at all; NULL: they may be. */
const char *not_to_be_spoken_to(const struct people *p, struct person who);
/* Why a browser that is nobody's must not be told of its cart for what was done by a customer who ordered one that it named as well; NULL: it may be,
 * as far as that goes: of what the deed put into it; NOTHING: of anything. settled: everything is folded. Says less than is promised: of
 * customers what they told themselves. */
const char *not_to_be_told_as_a_customer(const struct people *p, struct person who, int deed,
                                         bool settled);
/* May the product that the deed put into a cart be told to this person? NULL: yes; else why not. */
const char *not_to_be_told(const struct people *p, struct person who, int deed);
/* Has one other person bought the person's cart when what the deed put into it lay there? */
bool cart_was_ordered_by_another(const struct people *p, struct person who, int cart, int deed);
/* True if the person must be spoken to, once everything is folded. */
bool person_waits_for_a_message(const struct people *p, struct person who);

/* How many people have put something into a cart of that id: at least, and at most, since a person keeps but a few carts. */
struct keepers {
    int least, most;
};
struct keepers keepers_of_cart(const struct people *p, int cart);
/* Has the person had to do with a cart of that id? */
bool person_named_cart(const struct people *p, struct person who, int cart);

/* How many schedules a test runs, and the seed of the first: CARTWRIGHT_SEED (1) and CARTWRIGHT_SCHEDULES, else so many, or so many in
 * the long tests. Prints the seeds. */
struct people_seeds {
    uint64_t first;
    uint64_t count;
};
struct people_seeds people_seeds(uint64_t schedules, uint64_t schedules_long);
/* A deed that has arrived and is about the same cart or browser: whom the one deed may change something for. */
int somebody_concerned(const struct people *p, int deed, struct rng *r);
/* A cancellation that names a cart, and no order. */
bool person_deed_names_no_order(const struct person_deed *d);
/* A deed in one line. */
void person_deed_print(const struct people *p, int deed);

#endif
