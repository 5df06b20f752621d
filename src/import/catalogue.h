#ifndef IMPORT_CATALOGUE_H
#define IMPORT_CATALOGUE_H

#include "domain/shop/product.h"
#include "store/pg/db.h"

/* What an import has learnt about products and not yet stored: one entry a product, the newest word
 * on each member. */
struct catalogue;

struct catalogue *catalogue_open(void); /* owns */
void catalogue_close(struct catalogue **c);

/* Takes in what a row says (title, category, brand, price) as of facts->updated_us; copies it.
 * Its texts are such as the catalogue takes (product_clean). */
void catalogue_add(struct catalogue *c, const struct product *facts);
/* It should be stored before more is added. */
bool catalogue_full(const struct catalogue *c);
/* Entries in the order in which they came; borrowed until the next call. */
const struct product *catalogue_entries(const struct catalogue *c, size_t *out_count);
/* Hands all entries to the store and forgets them. */
CAN_FAIL bool catalogue_learn(struct catalogue *c, struct db *db, struct err *err);

#endif
