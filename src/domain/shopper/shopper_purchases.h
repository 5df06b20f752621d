#ifndef DOMAIN_SHOPPER_SHOPPER_PURCHASES_H
#define DOMAIN_SHOPPER_SHOPPER_PURCHASES_H

#include "domain/shopper/shopper.h"

/* The memory of what was bought (shopper.purchases), for the fold only: the same in whatever order it is told. */

void purchases_note(struct shopper *s, const char *product_id, int64_t at_us, struct arena *a);
/* The purchase at this index was none after all. */
void purchases_forget(struct shopper *s, size_t index);

#endif
