/* Visits while serving: what one shopper does now is in the next ranking for another, and a process that starts later knows it from the log. */
#include "integration/train_spec.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/rng.h"
#include "domain/shop/money.h"
#include "live/live.h"
#include "live/live_visits.h"
#include "store/models.h"
#include "support/folder.h"
#include "support/spec.h"

#include <stdio.h>
#include <stdlib.h>

/* Shoppers view one product of a ring, and the next one goes into the cart: in that order, which factors cannot tell. */
enum { PRODUCTS = 80, SHOPPERS = 1500, STEPS = 2, FOLLOWERS = 300, NEWS = 2 * FOLLOWERS };

static struct flow_bench bench;

static const char *product(int number)
{
    return arena_printf(&bench.arena, "p%d", number % PRODUCTS);
}

static void tell_ring(void)
{
    struct rng rng = rng_seed(9);
    static struct told told[SHOPPERS * STEPS];
    int count = 0;
    for (int s = 0; s < SHOPPERS; s++) {
        int at = (int)rng_below(&rng, PRODUCTS);
        const char *customer = arena_printf(&bench.arena, "c%d", s);
        for (int i = 0; i < STEPS; i++) {
            told[count++] =
                (struct told){.id = arena_printf(&bench.arena, "e%d-%d", s, i),
                              .type = i < STEPS - 1 ? "product_viewed" : "cart_item_added",
                              .customer = customer,
                              .product = product(at++),
                              .at_s = s * 2 + i};
        }
    }
    tell_all(&bench, told, (size_t)count);
}

static int open_bench(void **state)
{
    (void)state;
    flow_open(&bench, "visits");
    (void)snprintf(bench.config.data_dir, sizeof bench.config.data_dir, "%s", folder_of_run());
    tell_ring();
    fold_to_end(&bench);
    struct trained_shop t = {0};
    struct err err = {0};
    struct train_options options = quiet_options();
    options.kind = TRAIN_AFFINITY;
    folder_close(&bench.folder); /* the lanes go to those who fold with models */
    assert_true(try_training(&bench, &options, &t, &err));
    assert_string_equal(t.affinity.version, "affinity-als-2");
    return 0;
}

static int close_bench(void **state)
{
    (void)state;
    flow_close(&bench);
    return 0;
}

static struct live *opened(void)
{
    struct live *live = NULL;
    struct err err = {0};
    if (!live_open(&bench.database, &bench.config, false, &live, &err)) {
        fail_msg("live: %s", err.text);
    }
    return live;
}

/* A product among the picks of somebody who has just viewed another; score 0 and PICK_POPULAR if it is not there. */
static struct pick pick_for_viewer(struct live *live, const char *viewed, const char *wanted)
{
    CLEANUP(live_use_end) struct live_use use = live_use(live);
    const struct picks picks =
        picks_for_viewer(&bench, use.set->affinity, viewed, START_US + HOURS(2), PICKS_MAX);
    for (int i = 0; i < picks.count; i++) {
        if (strcmp(picks.items[i].product_id, wanted) == 0) {
            return picks.items[i];
        }
    }
    return (struct pick){.source = PICK_POPULAR};
}

static void assert_better(struct pick now, struct pick before)
{
    assert_int_equal(now.source, PICK_SESSION);
    assert_true(before.source != PICK_SESSION || now.score > before.score);
}

static void fold_all(struct live *live)
{
    struct folder *folder = NULL;
    struct err err = {0};
    int64_t folded = 1;
    assert_true(folder_open(&bench.database, &bench.config, live, "visits", LANES, &folder, &err));
    while (folded > 0) {
        assert_true(folder_step(folder, &folded, &err));
    }
    folder_close(&folder);
}

/* Many go from p10 to p50, which nobody ever did before. */
static void tell_news(void)
{
    static struct told told[NEWS];
    for (int s = 0; s < NEWS; s++) {
        told[s] = (struct told){.id = arena_printf(&bench.arena, "n%d", s),
                                .type = "product_viewed",
                                .customer = arena_printf(&bench.arena, "new%d", s / 2),
                                .product = s % 2 ? "p50" : "p10",
                                .at_s = 3000 + s};
    }
    tell_all(&bench, told, NEWS);
}

static void an_event_is_in_the_next_ranking_for_somebody_else(void **state)
{
    CLEANUP(live_close) struct live *live = opened();
    (void)state;
    struct pick usual = pick_for_viewer(live, "p10", "p11");
    assert_int_equal(usual.source, PICK_SESSION);
    struct pick before = pick_for_viewer(live, "p10", "p50");
    tell_news();
    struct pick unfolded = pick_for_viewer(live, "p10", "p50");
    assert_int_equal(unfolded.source, before.source);
    fold_all(live);
    struct pick after = pick_for_viewer(live, "p10", "p50");
    assert_better(after, before);
    /* Another process starts: it has the model and the log, nothing else. */
    CLEANUP(live_close) struct live *later = opened();
    assert_better(pick_for_viewer(later, "p10", "p50"), before);
}

/* In place of the linker's: something is folded when the model that is being loaded has read the log. */
static struct live *folds_meanwhile;
bool __real_live_visits_catch_up(struct db *db, const struct affinity *model,
                                 struct visit_journal *j, struct err *err);
bool __wrap_live_visits_catch_up(struct db *db, const struct affinity *model,
                                 struct visit_journal *j, struct err *err);

/* Those who view p20 go to p60, which nobody ever did before. */
static void tell_late_news(int from, int until)
{
    static struct told told[NEWS];
    int count = 0;
    for (int s = from; s < until; s++) {
        told[count++] = (struct told){.id = arena_printf(&bench.arena, "l%d", s),
                                      .type = "product_viewed",
                                      .customer = arena_printf(&bench.arena, "late%d", s / 2),
                                      .product = s % 2 ? "p60" : "p20",
                                      .at_s = 5000 + s};
    }
    tell_all(&bench, told, (size_t)count);
}

bool __wrap_live_visits_catch_up(struct db *db, const struct affinity *model,
                                 struct visit_journal *j, struct err *err)
{
    bool ok = __real_live_visits_catch_up(db, model, j, err);
    if (folds_meanwhile != NULL) {
        tell_late_news(0, NEWS);
        fold_all(folds_meanwhile);
    }
    return ok;
}

static void promote(const char *version)
{
    struct err err = {0};
    assert_true(
        store_model_promote(bench.db, "affinity", version, "promote", false, clock_now_us(), &err));
}

static void what_is_folded_while_a_model_is_being_loaded_is_known_to_it(void **state)
{
    struct err err = {0};
    bool changed = false;
    (void)state;
    CLEANUP(live_close) struct live *live = opened();
    const struct pick before = pick_for_viewer(live, "p20", "p60");
    promote("affinity-popularity-1");
    assert_true(live_refresh(live, &changed, &err));
    folds_meanwhile = live;
    promote("affinity-als-2");
    assert_true(live_refresh(live, &changed, &err));
    folds_meanwhile = NULL;
    assert_true(changed);
    assert_better(pick_for_viewer(live, "p20", "p60"), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_is_in_the_next_ranking_for_somebody_else),
        cmocka_unit_test(what_is_folded_while_a_model_is_being_loaded_is_known_to_it),
    };
    return cmocka_run_group_tests(tests, open_bench, close_bench);
}
