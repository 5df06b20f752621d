#ifndef FOLD_FOLD_TURN_H
#define FOLD_FOLD_TURN_H

#include "store/events.h"
#include "store/lanes.h"

/* Whose turn it is where there is more to fold than a batch takes. Of a few events of every lane each is another shopper's, read and written for one
 * event; of many events of a few lanes the shoppers come again and again, and are written once. So as long as most lanes have more than
 * their share of a batch, ever fewer are asked at once, in turn; as soon as they have not, more are again, and all where nothing waits for long. One lane
 * with a long backlog (a shopper of very many events) changes nothing for the others. For fold.c only; zero it at the start. */
struct fold_turn {
    int less; /* halvings of the lanes asked at once; 0: all are */
    int next; /* the lane from which on */
};

enum { TURN_LANES_LEAST = 4 };

/* Of the n leased lanes, in ascending order, those whose turn it is: to the front of lanes. Returns how many. */
int turn_take(struct fold_turn *t, struct lane_lease *lanes, int n);
/* What came of them, by lane; most: as many events as were asked for. False: nothing, but there are lanes that were not asked: all are next. */
bool turn_came(struct fold_turn *t, const struct log_event *events, size_t count, int most);

#endif
