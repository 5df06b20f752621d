#ifndef HTTP_API_PRODUCT_MERGE_H
#define HTTP_API_PRODUCT_MERGE_H

#include "http/wire/request.h"

#include <stddef.h>

/* POST /v1/products?mode=merge. */
CAN_FAIL bool products_merge_post(struct request *rq, struct err *err);

/* Ids of a batch in order, equal ones in that of the batch; in arena. */
struct named {
    const char *id;
    size_t at; /* in the batch */
};
struct named *names_sort(const char *const *ids, size_t count, struct arena *a);

#endif
