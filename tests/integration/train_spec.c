#include "integration/train_spec.h"

#include "base/clock.h"
#include "base/rng.h"
#include "domain/shop/money.h"
#include "support/spec.h"

#include <math.h>

enum { GROUPS = 6, GROUP_PRODUCTS = 12, EVENTS_A_SHOPPER = 8 };

struct visit {
    struct flow_bench *b;
    const struct shop *shop;
    struct rng rng;
    struct event_row *rows;
    size_t count;
    int shopper;
    int64_t at_s;
};

static void tell(struct visit *v, const char *type, const char *product)
{
    const struct told t = {
        .id = arena_printf(&v->b->arena, "e%d-%zu", v->shopper, v->count),
        .type = type,
        .customer = arena_printf(&v->b->arena, "shopper%d", v->shopper),
        .at_s = v->at_s,
        .product = product,
        .price_minor = product ? 2000 : 0,
    };
    v->rows[v->count++] = row_of(v->b, &t);
    v->at_s += 30;
}

static const char *a_product(struct visit *v)
{
    int group = v->shop->taste ? v->shopper % GROUPS : (int)rng_below(&v->rng, GROUPS);
    return arena_printf(&v->b->arena, "p%d-%d", group, (int)rng_below(&v->rng, GROUP_PRODUCTS));
}

static void visit_shop(struct visit *v)
{
    bool shipping = rng_below(&v->rng, 2) == 0;
    double lost = shipping ? .85 : .15;
    const char *chosen = a_product(v);
    for (int i = 0; i < 3; i++) {
        tell(v, "product_viewed", a_product(v));
    }
    tell(v, "cart_item_added", chosen);
    if (shipping) {
        tell(v, "shipping_shown", NULL);
    }
    tell(v, "product_viewed", a_product(v));
    if (!v->shop
             ->effect) { /* memoryless: however long it has been idle, half of the carts are bought within half an hour */
        v->at_s += (int64_t)(-log(1 - rng_unit(&v->rng)) / log(2) * 1800);
        tell(v, "purchase", chosen);
    } else if (rng_unit(&v->rng) >= lost) {
        v->at_s += (int64_t)rng_below(&v->rng, 600);
        tell(v, "purchase", chosen);
    }
}

void open_shop(struct flow_bench *b, const struct shop *shop)
{
    struct visit v = {.b = b, .shop = shop, .rng = rng_seed(shop->seed)};
    v.rows = arena_array(&b->arena, (size_t)shop->shoppers * EVENTS_A_SHOPPER, sizeof *v.rows);
    for (v.shopper = 0; v.shopper < shop->shoppers; v.shopper++) {
        v.at_s = (int64_t)v.shopper * SHOPPER_STEP_S;
        visit_shop(&v);
    }
    append(b, v.rows, v.count);
}

struct train_options quiet_options(void)
{
    return (struct train_options){.kind = TRAIN_ALL,
                                  .as_of_us = INT64_MAX,
                                  .seed = 1,
                                  .horizon_us = MINUTES(30),
                                  .ahead_rows_max = QUIET_AHEAD_ROWS,
                                  .json = true};
}

bool try_training(struct flow_bench *b, const struct train_options *options,
                  struct trained_shop *out, struct err *err)
{
    struct train_options quiet = *options;
    quiet.out = fopen("/dev/null", "w");
    assert_non_null(quiet.out);
    b->config.factors = 16;
    bool ok = train_run(&b->database, &b->config, &quiet, &out->affinity, &out->risk, err);
    (void)fclose(quiet.out);
    return ok;
}

struct trained_shop train_shop(struct flow_bench *b, uint64_t seed)
{
    struct trained_shop t = {0};
    struct err err = {0};
    struct train_options options = quiet_options();
    options.seed = seed;
    if (!try_training(b, &options, &t, &err)) {
        fail_msg("train: %s", err.text);
    }
    return t;
}

struct model_row row_of_model(struct flow_bench *b, const char *version)
{
    struct model_row row = {0};
    struct err err = {0};
    bool found = false;
    assert_true(store_model_find(b->db, version, &b->arena, &row, &found, &err));
    assert_true(found);
    return row;
}

struct picks picks_for_viewer(struct flow_bench *b, const struct affinity *a, const char *viewed,
                              int64_t at_us, int k)
{
    struct event_item item = {
        .product_id = viewed, .quantity_milli = 1000, .price_minor = MONEY_UNKNOWN};
    struct event e = {.event_id = "now",
                      .sort_id = "now",
                      .type = EVENT_PRODUCT_VIEWED,
                      .type_name = "product_viewed",
                      .customer_id = "somebody",
                      .occurred_us = at_us,
                      .received_us = at_us,
                      .items = &item,
                      .item_count = 1};
    struct picks picks;
    const struct shopper *s = shopper_fold_all(NULL, "c:somebody", &e, 1, INT64_MAX, &b->arena);
    affinity_rank(a, s, at_us, k, NULL, NULL, &picks);
    return picks;
}
