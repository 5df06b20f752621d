#ifndef MUTATE_DRAW_H
#define MUTATE_DRAW_H

#include "mutant.h"

/* Which mutants are tried. */

/* Marks what the list accepts. Returns how many entries fit nothing in the files that were read: each is printed to stderr as stale. */
int accepted_apply(struct arena *a, const char *path, struct mutants *all);

/* Numbers n of those that are not accepted, without replacement; each file's share is that of its mutants. The order within a file is
 * that of a hash of seed and id: an edit elsewhere, or an entry more in the list, leaves the rest of the draw as it was. */
void draw(struct mutants *all, int n, uint64_t seed);
/* Numbers those with one of the ids ("a1b2..., c3d4..."); dies where one is not there. */
void draw_ids(struct mutants *all, const char *ids);

#endif
