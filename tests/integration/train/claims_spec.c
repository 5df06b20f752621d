#include "integration/train/claims_spec.h"
#include "integration/train_spec.h"

#include "base/clock.h"
#include "live/live.h"
#include "store/models.h"
#include "support/folder.h"
#include "support/spec.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BASKET_MAX = 16 };

struct claims claims_of(int products)
{
    const size_t n = (size_t)products;
    return (struct claims){.products = products,
                           .kind = calloc(n, sizeof(int)),
                           .carts = calloc(n, sizeof(double)),
                           .met = calloc(n * n, sizeof(double)),
                           .chance = calloc(n * n, sizeof(double)),
                           .most = -1};
}

void claims_free(struct claims *c)
{
    free(c->kind);
    free(c->carts);
    free(c->met);
    free(c->chance);
}

static double *of_pair(const struct claims *c, double *values, int a, int b)
{
    return &values[(size_t)a * (size_t)c->products + (size_t)b];
}

struct basket {
    int items[BASKET_MAX];
    int count;
};

static void end_basket(struct claims *c, struct basket *b)
{
    for (int i = 0; i < b->count && b->count > 1; i++) {
        c->carts[b->items[i]]++;
        c->tokens++;
        for (int k = 0; k < b->count; k++) {
            *of_pair(c, c->met, b->items[i], b->items[k]) += k != i;
            c->meetings += k != i;
        }
    }
    b->count = 0;
}

/* Straight from the table of events, shopper by shopper and in order of time. */
static void count_baskets(struct claims *c, struct flow_bench *bench)
{
    const char *row = text_of(
        bench,
        "SELECT string_agg(format('%s %s %s', substr(key, 4), extract(epoch FROM occurred_at)::bigint, "
        "substr(body->'items'->0->>'product_id', 2)), E'\\n' ORDER BY key, occurred_at) FROM cartwright.event "
        "WHERE type = 'cart_item_added'");
    struct basket basket = {.count = 0};
    bool *taken = calloc((size_t)c->products, sizeof *taken);
    long long shopper = -1;
    long long last_s = 0;
    while (row) {
        char *at = NULL;
        const long long who = strtoll(row, &at, 10);
        const long long at_s = strtoll(at, &at, 10);
        const long long item = strtoll(at, &at, 10);
        if (who != shopper || at_s - last_s > 1800) {
            end_basket(c, &basket);
        }
        if (who != shopper) {
            memset(taken, 0, (size_t)c->products * sizeof *taken);
        }
        if (!taken[item]) {
            taken[item] = true;
            assert_true(basket.count < BASKET_MAX);
            basket.items[basket.count++] = (int)item;
        }
        shopper = who;
        last_s = at_s;
        row = *at == '\n' ? at + 1 : NULL;
    }
    end_basket(c, &basket);
    free(taken);
}

static double upper_tail(double both, double mean)
{
    double sum = 0;
    for (int n = (int)both; n < (int)both + 60; n++) {
        sum += exp(n * log(mean) - mean - lgamma(n + 1.));
    }
    return fmin(1, sum);
}

static bool is_tested(const struct claims *c, int a, int b)
{
    return c->kind[a] != c->kind[b] && c->carts[a] >= 5 && c->carts[b] >= 5;
}

static double chance_of(struct claims *c, int a, int b)
{
    const double both = *of_pair(c, c->met, a, b);
    const double mean = c->carts[a] * c->carts[b] * c->meetings /
                        (c->tokens * (c->tokens - fmax(c->carts[a], c->carts[b])));
    return both < 5 || both <= mean ? 1 : upper_tail(both, mean);
}

static int ascending(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return (*x > *y) - (*x < *y);
}

/* Benjamini and Hochberg by their definition: a pair is claimed if some chance p, at least its own, has p <= .05 R(p) / tests. */
void claims_read(struct claims *c, struct flow_bench *b)
{
    const size_t n = (size_t)c->products;
    double *tests = calloc(n * n, sizeof *tests);
    size_t count = 0;
    count_baskets(c, b);
    for (int i = 0; i < c->products; i++) {
        for (int k = 0; k < c->products; k++) {
            *of_pair(c, c->chance, i, k) = chance_of(c, i, k);
            if (is_tested(c, i, k)) {
                tests[count++] = *of_pair(c, c->chance, i, k);
            }
        }
    }
    qsort(tests, count, sizeof *tests, ascending);
    for (size_t i = 0; i < count; i++) {
        const bool last_of_equals = i + 1 == count || tests[i + 1] > tests[i];
        if (last_of_equals && tests[i] <= .05 * (double)(i + 1) / (double)count) {
            c->most = tests[i];
        }
    }
    free(tests);
}

bool claims_has(const struct claims *c, int a, int b)
{
    return is_tested(c, a, b) && *of_pair(c, c->chance, a, b) <= c->most * (1 + 1e-9);
}

struct live *claims_serve(struct flow_bench *b)
{
    struct live *live = NULL;
    struct err err = {0};
    struct trained_shop made = {0};
    struct train_options options = quiet_options();

    options.kind = TRAIN_AFFINITY;
    if (!try_training(b, &options, &made, &err)) {
        fail_msg("train: %s", err.text);
    }
    const char *version =
        text_of(b, "SELECT version FROM cartwright.model WHERE version ~ '^affinity-(als|blend)-'");
    must(store_model_promote(b->db, "affinity", version, "promote", true, clock_now_us(), &err),
         &err);
    (void)snprintf(b->config.data_dir, sizeof b->config.data_dir, "%s", folder_of_run());
    must(live_open(&b->database, &b->config, false, &live, &err), &err);
    return live;
}
