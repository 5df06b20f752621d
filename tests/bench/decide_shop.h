/* The shop that the decision benchmark serves: a large catalogue, factors for all of it, and carts. */
#ifndef BENCH_DECIDE_SHOP_H
#define BENCH_DECIDE_SHOP_H

#include "bench/load_client.h"
#include "ml/linear/mat.h"

#include <stddef.h>

enum { SHOP_PRODUCTS = 100000, SHOP_FACTORS = 64, SHOP_CARTS = 4000 }; /* of bench_decide */

struct shop_size {
    int products; /* a multiple of 1,000 */
    int factors;
};

/* Trains an affinity model on a synthetic log of the whole catalogue, and makes it the champion.
 * Returns its item factors (products, factors), owned by the caller. */
struct mat decide_shop_model(const char *database_url, const struct shop_size *size);

/* Posts the catalogue and the carts, a cart being a shopper who was here two hours ago, to the service at the port, and waits until
 * all is folded. */
void decide_shop_fill(int port, const char *database_url, const char *key,
                      const struct shop_size *size);

/* POST /v1/outreach as a dry run, for customer number i of SHOP_CARTS. */
struct load_request decide_shop_question(const char *key, size_t i);

#endif
