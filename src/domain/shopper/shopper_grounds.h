#ifndef DOMAIN_SHOPPER_SHOPPER_GROUNDS_H
#define DOMAIN_SHOPPER_SHOPPER_GROUNDS_H

#include "domain/shopper/shopper.h"

/* Joins that rest on a cart id alone (guesses), and what takes them back; for the fold only. The rules stand in shopper.h under "Identity". */

/* A guess, or what takes one back: only the whole set says what it does. */
bool grounds_are_asked(const struct event *e);

/* Moves what takes guesses back, and the guesses that it takes back, behind the other events, which keep their order. Returns how many
 * the others are. */
size_t grounds_settle(struct event *events, size_t count);

/* The grounds that stand: those of s, which is the base's copy or new, without those that events of [standing, count) take back, and
 * those of the guesses before them. In a customer that had folded a guess which is taken back, it names nobody any more. */
void grounds_collect(struct shopper *s, const struct event *events, size_t standing, size_t count,
                     struct arena *a);

/* The same as grounds_settle of some of the events of a customer whose grounds are known, as far as they are kept: a guess that was forgotten stands. False: there was
 * one. */
bool grounds_keep(const struct shopper *known, struct event *events, size_t *count);

#endif
