#ifndef SUPPORT_PEOPLE_H
#define SUPPORT_PEOPLE_H

/* Made-up people at made-up devices, and who is whom among them by what the README promises: written from its words, with nothing of
 * the program that keeps them. */
#include "base/rng.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CUSTOMERS = 3, BROWSERS = 3, DEEDS_MAX = 40, NOBODY = -1, NOTHING = -1 };
/* How long after an order its cart comes back: order_undo, of the tests that play these people. */
enum { UNDO_MINUTES = 12 };

/* Something happens, each at a minute of its own, in order. */
struct person_deed {
    const char *type;
    int customer; /* NOBODY: it names none */
    int browser;
    bool
        of_cart; /* it names cart_of(browser or, where it names none, the browser whose orders the customer's server tells) */
    int order; /* of an order, or what undoes one: the number of the deed that told that order first; NOTHING */
    int goods; /* it names the product of that deed alone; NOTHING: none, but its own where it puts one into a cart */
    bool arrived;
};

struct people {
    struct person_deed deeds[DEEDS_MAX]; /* number i happens at minute i */
    int count;
    int arrival[DEEDS_MAX]; /* numbers in the order in which they arrive */
};

struct people people_make(struct rng *r);

/* Who a deed's doer is: a customer, or a browser that is nobody's. */
struct person {
    int customer; /* NOBODY: */
    int browser;
};
/* What has arrived counts. */
struct person person_of_deed(const struct people *p, int deed);
struct person person_at(const struct people *p, int browser, int minute); /* INT_MAX: from now on */
bool same_person(struct person x, struct person y);

bool person_opted_out(const struct people *p, struct person who);
/* May the product that the deed put into a cart be told to this person? NULL: yes; else why not. */
const char *not_to_be_told(const struct people *p, struct person who, int deed);
/* True if the person must be spoken to, once everything is folded. */
bool person_waits_for_a_message(const struct people *p, struct person who);

/* How many schedules a test runs, and the seed of the first: CARTWRIGHT_SEED (1) and CARTWRIGHT_SCHEDULES, else so many, or so many in
 * the long tests. Prints the seeds. */
struct people_seeds {
    uint64_t first;
    uint64_t count;
};
struct people_seeds people_seeds(uint64_t schedules, uint64_t schedules_long);

/* Whose orders of that browser's cart a server may tell. */
int customer_of_cart(int browser);

#endif
