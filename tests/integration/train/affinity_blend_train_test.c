/* A log in which neighbourhoods of products tell more than a few factors: training chooses the blend, stores it, and it serves. */
#include "integration/train_spec.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/rng.h"
#include "domain/shop/money.h"
#include "live/live.h"
#include "store/models.h"
#include "support/folder.h"
#include "support/spec.h"

#include <stdio.h>
#include <stdlib.h>

/* Shoppers come for two groups of products that go together, and have to do with each product of them once, viewing one and carting the next. */
enum { GROUPS = 30, SIZE = 4, SHOPPERS = 400, STEPS = 2 * SIZE, FACTORS = 8 };

static struct flow_bench bench;

static const char *product(int number)
{
    return arena_printf(&bench.arena, "p%d", number);
}

static void tell_shopper(struct rng *rng, int shopper, struct told out[STEPS])
{
    int products[STEPS];
    int group = (int)rng_below(rng, GROUPS);
    int other = (group + 1 + (int)rng_below(rng, GROUPS - 1)) % GROUPS;
    int64_t at_s = (int64_t)rng_below(rng, 40000);
    for (int i = 0; i < STEPS; i++) {
        products[i] = (i < SIZE ? group : other) * SIZE + i % SIZE;
    }
    for (int i = 0; i < STEPS; i++) {
        int swap = i + (int)rng_below(rng, (uint64_t)(STEPS - i));
        int mine = products[swap];
        products[swap] = products[i];
        at_s += 2000 + (int64_t)rng_below(rng, 6000);
        out[i] = (struct told){.id = arena_printf(&bench.arena, "e%d-%d", shopper, i),
                               .type = i % 2 ? "cart_item_added" : "product_viewed",
                               .customer = arena_printf(&bench.arena, "c%d", shopper),
                               .product = product(mine),
                               .at_s = at_s};
    }
}

static void tell_groups(void)
{
    static struct told told[SHOPPERS * STEPS];
    struct rng rng = rng_seed(21);
    for (int s = 0; s < SHOPPERS; s++) {
        tell_shopper(&rng, s, told + (ptrdiff_t)s * STEPS);
    }
    tell_all(&bench, told, COUNT_OF(told));
}

static struct train_result trained(void)
{
    struct trained_shop t = {0};
    struct err err = {0};
    struct train_options options = quiet_options();
    options.kind = TRAIN_AFFINITY;
    if (!try_training(&bench, &options, &t, &err)) {
        fail_msg("%s", err.text);
    }
    return t.affinity;
}

static int open_bench(void **state)
{
    (void)state;
    flow_open(&bench, "blend");
    (void)snprintf(bench.config.data_dir, sizeof bench.config.data_dir, "%s", folder_of_run());
    bench.config.factors = FACTORS;
    tell_groups();
    fold_to_end(&bench);
    return 0;
}

static int close_bench(void **state)
{
    (void)state;
    flow_close(&bench);
    return 0;
}

static void the_blend_is_chosen_stored_and_serves(void **state)
{
    CLEANUP(live_close) struct live *live = NULL;
    struct err err = {0};
    int of_group = 0;
    (void)state;
    struct train_result made = trained();
    assert_string_equal(made.version, "affinity-blend-2");
    assert_true(made.promoted);
    assert_text_contains(row_of_model(&bench, "affinity-blend-2").card, "\"item_share\"");
    assert_true(live_open(&bench.database, &bench.config, false, &live, &err));
    CLEANUP(live_use_end) struct live_use use = live_use(live);
    assert_string_equal(affinity_version(use.set->affinity), "affinity-blend-2");
    assert_string_equal(affinity_algorithm(use.set->affinity), "blend");
    for (int g = 0; g < GROUPS; g++) {
        struct picks p = picks_for_viewer(&bench, use.set->affinity, product(g * SIZE),
                                          START_US + HOURS(30), SIZE);
        for (int i = 0; i < p.count; i++) {
            long number = strtol(p.items[i].product_id + 1, NULL, 10);
            of_group += number / SIZE == g && number % SIZE != 0;
        }
    }
    assert_in_range(of_group, GROUPS * (SIZE - 1) * 9 / 10, GROUPS * (SIZE - 1));
}

static void the_same_log_gives_the_same_blend(void **state)
{
    (void)state;
    (void)trained();
    assert_memory_equal(row_of_model(&bench, "affinity-blend-2").sha256,
                        row_of_model(&bench, "affinity-blend-4").sha256, SHA256_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_blend_is_chosen_stored_and_serves),
        cmocka_unit_test(the_same_log_gives_the_same_blend),
    };
    return cmocka_run_group_tests(tests, open_bench, close_bench);
}
