#ifndef ML_ITEMS_ITEM_ITEM_INTERNAL_H
#define ML_ITEMS_ITEM_ITEM_INTERNAL_H

#include "ml/items/item_item.h"
#include "ml/linear/mat.h"
#include "ml/topk/topk.h"

#include <math.h>

/* What the files of the fast item-item model and its reference share; nobody else includes this. */

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

/* One entry of a shopper within a neighbourhood. */
struct item_item_member {
    int32_t neighbour; /* 0 .. K-1 */
    float value;
};

/* Of one thread. Between targets: together and members_of all zero. */
struct item_item_scratch {
    float *together;       /* (n) g_ij with the target */
    int32_t *met;          /* (n) items that occur with it */
    float *cosine;         /* (n) of met */
    struct topk_hit *hits; /* (K) */
    int32_t *neighbours;   /* (K) ascending */
    int32_t *members_of;   /* (m) entries of a shopper in the neighbourhood, then where they end */
    int32_t *shoppers;     /* (m) those that have some */
    struct item_item_member *members; /* (members_cap) shopper by shopper */
    struct mat gram;                  /* (K, K) */
    float *solved;                    /* (K) */
    int failed_target;                /* -1 */
    struct err err;
};

struct item_item_job {
    const struct item_item_options *options;
    struct csr z;    /* (m, n) */
    struct csr zt;   /* (n, m) */
    double *squares; /* (n) g_ii */
    double mean_square;
    int neighbours; /* of the options, at most n */
    int kept;
    struct item_item_scratch *scratch; /* (threads) */
    /* Out, by target: */
    int32_t *count;  /* (n) */
    int32_t *source; /* (n, kept) ascending */
    float *weight;   /* (n, kept) */
};

/* The weights into the target, or the scratch says that it failed. */
void item_item_solve_target(const struct item_item_job *j, struct item_item_scratch *s, int target);

#endif
