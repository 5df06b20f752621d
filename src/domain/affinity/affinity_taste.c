/* A cart in the factor space of an affinity model, for the features of risk. Must not rank. */
#include "domain/affinity/affinity_taste.h"

#include "domain/affinity/affinity_internal.h"
#include "domain/shopper/cart.h"

#include <assert.h>
#include <math.h>

/* A sum of directions. */
struct direction {
    double sum[ALS_FACTORS_MAX];
    int count;
};

/* False for a product without factors, or with factors that are all zero. */
static bool direction_add(const struct affinity *m, const char *product_id, double weight,
                          struct direction *d)
{
    int item = product_id != NULL ? affinity_find(m, product_id) : -1;
    double square = 0;

    /* not placed ones: their direction was guessed from the catalogue */
    if (item < 0 || item >= m->trained) {
        return false;
    }
    const float *f = mat_row(&m->factors, item);
    /* in double: the length is divided by, and these numbers are learnt from */
    for (int i = 0; i < m->factors.cols; i++) {
        square += (double)f[i] * (double)f[i];
    }
    if (!(square > 0)) {
        return false;
    }
    /* to length 1: a popular product's long factors would drown the others */
    double scale = weight / sqrt(square);
    for (int i = 0; i < m->factors.cols; i++) {
        d->sum[i] += scale * (double)f[i];
    }
    d->count++;
    return true;
}

static double dot(const double *a, const double *b, int n)
{
    double sum = 0;

    for (int i = 0; i < n; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}

/* Rounding may leave a cosine just outside of its range. */
static double clamp(double cosine)
{
    return fmin(fmax(cosine, -1), 1);
}

static void add_others(const struct affinity *m, const struct shopper *s, const struct cart *c,
                       int64_t now_us, struct direction *others)
{
    for (size_t i = 0; i < s->recent_count; i++) {
        const struct recent_event *e = &s->recent[i];
        double weight = affinity_event_weight(e->type);
        if (weight > 0 && e->product_id != NULL && !cart_has(c, e->product_id)) {
            (void)direction_add(m, e->product_id, weight * affinity_decay(now_us - e->at_us),
                                others);
        }
    }
}

struct affinity_taste affinity_taste_of(const struct affinity *m, const struct shopper *s,
                                        const struct cart *c, int64_t now_us)
{
    struct affinity_taste out = {(double)NAN, (double)NAN, (double)NAN};
    struct direction cart = {0};
    struct direction others = {0};
    const int k = m->factors.cols;

    if (!m->is_als || c->line_count == 0) {
        return out;
    }
    assert(k <= ALS_FACTORS_MAX);
    for (size_t i = 0; i < c->line_count; i++) {
        (void)direction_add(m, c->lines[i].product_id, 1, &cart);
    }
    out.known = (double)cart.count / (double)c->line_count;
    double square = dot(cart.sum, cart.sum, k);
    /* |sum of n unit vectors|^2 = n + 2 (sum of the cosines of pairs): all n (n - 1) / 2
     * pairs for the price of one sum. */
    if (cart.count >= 2) {
        double n = cart.count;
        out.coherence = clamp((square - n) / (n * (n - 1)));
    }
    add_others(m, s, c, now_us, &others);
    /* the cosine does not change with how many products either sum has */
    double length = sqrt(square * dot(others.sum, others.sum, k));
    if (cart.count > 0 && others.count > 0 && length > 0) {
        out.fit = clamp(dot(cart.sum, others.sum, k) / length);
    }
    return out;
}
