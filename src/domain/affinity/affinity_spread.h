#ifndef DOMAIN_AFFINITY_AFFINITY_SPREAD_H
#define DOMAIN_AFFINITY_AFFINITY_SPREAD_H

#include "domain/affinity/affinity_file.h"

/* Spreading picks over the catalogue: a model file may hold a lift for each product, by which its score is multiplied among the first SPREAD_DEPTH
 * candidates of a shopper. The first of them is picked whatever is lifted; the other picks are the best by lifted score, and all
 * of them stand in the order of their scores, which are not changed. Lifts come from training (ml/items/exposure.h): a product that hardly anybody
 * would be shown is shown to those whom it suits nearly as well as what else would stand there, at the end of their lists. */
enum { SPREAD_DEPTH = 100, SPREAD_KEPT = 1, AFFINITY_SPREAD_SECTIONS = 1 };
/* No lift is larger: a product may pass others of twice its score. */
#define SPREAD_MOST 0.69315F

/* How much is seen of a list decides who has to be lifted: short ones are a message's, long ones a page's. */
enum spread_length { SPREAD_SHORT, SPREAD_LONG, SPREAD_LENGTHS };
/* Of the lists that training lifts for. */
static inline int spread_places(enum spread_length length)
{
    return length == SPREAD_SHORT ? 3 : 10;
}
static inline enum spread_length spread_length_of(int k)
{
    return k <= 5 ? SPREAD_SHORT : SPREAD_LONG;
}

/* Whether any product of the model has a lift. */
bool affinity_spreads(const struct affinity *m);

/* The section of a model with so many items, for affinity_parts.more; log_lift (SPREAD_LENGTHS, count) 0 .. SPREAD_MOST, borrowed. */
struct affinity_section affinity_spread_section(const float *log_lift, int count);

/* ---- for training ---- */

/* Other lifts than the file's, borrowed by the model as long as it is used; NULL: none. */
void affinity_spread_set(struct affinity *m, const float *log_lift);
int affinity_count(const struct affinity *m);

/* The first SPREAD_DEPTH candidates of a wish by score alone, those of a score above 0. Returns how many; 0 where the model finds none. */
struct scored_item {
    int32_t item;
    float score;
};
int affinity_scored(const struct affinity *m, const struct pick_wish *wish,
                    struct scored_item out[SPREAD_DEPTH]);

#endif
