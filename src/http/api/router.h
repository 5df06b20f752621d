#ifndef HTTP_API_ROUTER_H
#define HTTP_API_ROUTER_H

#include "base/err.h"
#include "http/wire/request.h"

#include <stdbool.h>
#include <stddef.h>

/* Sets rq->answer, or fails: the error is then answered as the problem of its kind. */
typedef bool route_handler(struct request *rq, struct err *err);

struct route {
    const char *method;
    const char *pattern; /* "{id}" stands for one segment */
    unsigned scope;      /* SCOPE_* that the key needs; 0: no key */
    const char *query;   /* names of the query parameters, parted by blanks */
    route_handler *handle;
};

extern const struct route routes[];
extern const size_t route_count;

/* Finds the route of rq->target for rq->method (HEAD counts as GET), reads {id} and the query.
 * False: it has answered 400, 404 or 405 itself. */
bool router_find(struct request *rq);

/* Handlers, one file a resource: api_*.c. */
route_handler api_events_post, api_products_post, api_products_list, api_product_put,
    api_product_get, api_product_patch, api_product_delete, api_carts_list, api_outreach_post,
    api_outreach_get, api_outreach_why, api_customer_get, api_customer_recommendations, api_livez,
    api_readyz, api_metrics, api_openapi;

#endif
