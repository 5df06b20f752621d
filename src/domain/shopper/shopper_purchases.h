#ifndef DOMAIN_SHOPPER_SHOPPER_PURCHASES_H
#define DOMAIN_SHOPPER_SHOPPER_PURCHASES_H

#include "domain/shopper/shopper.h"

/* The memory of what was bought (shopper.purchases), for the fold only: the same in whatever order it is told. */

void purchases_note(struct shopper *s, const char *product_id, int64_t at_us, struct arena *a);
/* What was bought from from_us to until_us, both included, was not bought after all. */
void purchases_forget(struct shopper *s, int64_t from_us, int64_t until_us);

#endif
