#ifndef DOMAIN_SHOP_QUANTITY_H
#define DOMAIN_SHOP_QUANTITY_H

#include "base/jenc.h"

#include <stdint.h>

/* Quantities are integers of thousandths: a piece is 1000, 0.35 kg are 350. What is weighed or cut is sold by up to three
 * decimals, and sums of such integers are exact. */
enum { QUANTITY_ONE = 1000, QUANTITY_TEXT_MAX = 24 };

/* As a JSON number: "2", "0.35"; never a zero at the end of decimals. Returns out. */
char *quantity_text(int64_t milli, char out[QUANTITY_TEXT_MAX]);

void quantity_put(struct jenc *j, const char *key, int64_t milli);

/* Whole units, a part of one counting as one: 350 is 1, 2000 is 2. */
int64_t quantity_units(int64_t milli);

#endif
