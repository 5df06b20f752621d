#ifndef DOMAIN_AFFINITY_AFFINITY_KIND_H
#define DOMAIN_AFFINITY_AFFINITY_KIND_H

#include "domain/affinity/affinity_file.h"

#include <stdint.h>

/* What kind of thing a product is, as its shop calls it: a category holds duvets and duvet covers, and only one of them replaces a duvet. The
 * word is the last of the title that is said in its category at least as often as everywhere else together, twice at least, and that is neither
 * the brand nor has digits: "camera" of "Optima Go compact camera", "iphone" of "iPhone 13 128 GB Black". One that ends in another of its category
 * is that one: a smartphone is a phone. With the word before it, where the two are said together twice at least, it is the sort: tote bags and camera
 * bags are bags. */

/* kind, sort (count): products of one have one number; 0: nobody can tell. category (count): numbers, 0 none. */
void affinity_kinds(const struct affinity_item *items, const int32_t *category, int count,
                    int32_t *kind, int32_t *sort);

#endif
