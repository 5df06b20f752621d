#ifndef DOMAIN_SHOP_PRODUCT_MERGE_H
#define DOMAIN_SHOP_PRODUCT_MERGE_H

#include "domain/shop/product.h"

/* What is known of a product, changed as a JSON merge patch says (RFC 7396): a member replaces the one of that name, null removes it,
 * objects are merged member by member, and what is not named stays. have NULL: nothing is known. The whole is then decoded and judged like
 * any product (product_decode, with id as that of the path). patch is borrowed. */
CAN_FAIL bool product_merge(const struct product *have, json_t *patch, const char *id,
                            struct arena *a, struct product *out, struct err *err);

#endif
