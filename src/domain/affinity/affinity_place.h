#ifndef DOMAIN_AFFINITY_AFFINITY_PLACE_H
#define DOMAIN_AFFINITY_AFFINITY_PLACE_H

#include "domain/affinity/affinity_file.h"
#include "ml/linear/mat.h"

/* Products without interactions are placed among the others by what the catalogue tells of them: categories (the whole path and its first step),
 * brand, price band, and pairs of these (ml/als/side_factors.h). */

/* Factors of all items, (count, k): the trained as they are, behind them the others (zero for one without category and brand); owned by the caller. Just the trained, (trained, k), where
 * there are no others, or where what is known of products does not foretell the factors of those that are trained. */
struct mat affinity_place(const struct affinity_parts *parts, const struct mat *trained);

#endif
