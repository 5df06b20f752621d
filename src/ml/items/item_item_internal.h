#ifndef ML_ITEMS_ITEM_ITEM_INTERNAL_H
#define ML_ITEMS_ITEM_ITEM_INTERNAL_H

#include "ml/items/item_item.h"

#include <math.h>

/* What the fast item-item model and its reference share; nobody else includes this. */

/* z_ui = sqrt(s_u) x_ui, so that G = Z'Z; rows beyond ITEM_ITEM_ROW_MAX are empty. Owned by the caller. */
struct csr item_item_scaled(const struct csr *a, const struct item_item_options *o);

/* g_ii of all items into out (n) from Z' (n, m); returns their mean over items with entries, 1 for none. */
double item_item_squares(const struct csr *by_item, double *out);

static inline double item_item_ridge(const struct item_item_options *o, double square, double mean)
{
    return (double)o->ridge * mean * pow(square / mean, (double)o->ridge_exponent);
}

static inline double item_item_target_scale(const struct item_item_options *o, double square,
                                            double mean)
{
    return pow(square / mean, -(double)o->target_exponent);
}

#endif
