/* Lifts: what they change in a ranking, and what they leave alone. Held against the rule written once more over a plain ranking. */
#include "domain/affinity/affinity_spread.h"

#include "base/cleanup.h"
#include "base/rng.h"
#include "ml/als/als_serve.h"
#include "ml/linear/csr.h"
#include "unit/domain/affinity/affinity_spec.h"
#include "unit/domain/an_event.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* More products than are looked at for lifting. */
enum { TRAINED = 160, ITEMS = TRAINED + 5, ROWS = 300, FACTORS = 8, SHOPPERS = 150 };

static struct world {
    char ids[ITEMS][16];
    struct affinity_item items[ITEMS];
    float log_lift[SPREAD_LENGTHS * ITEMS];
    struct buf plain; /* without lifts */
    struct buf lifted;
    struct arena arena;
} w;

static void make_items(struct rng *r)
{
    for (int i = 0; i < ITEMS; i++) {
        (void)snprintf(w.ids[i], sizeof w.ids[i], "p%d", i);
        w.items[i] = (struct affinity_item){.id = w.ids[i],
                                            .category = i % 3 ? "shoes" : "hats",
                                            .brand = i % 2 ? "odd" : "even",
                                            .price_minor = 1000 + 10 * i,
                                            .popularity = (float)(TRAINED > i ? TRAINED - i : 0)};
    }
    for (int i = 0; i < SPREAD_LENGTHS * ITEMS; i++) {
        w.log_lift[i] = rng_below(r, 2) ? (float)(rng_unit(r) * (double)SPREAD_MOST) : 0;
    }
}

static void write_model(const struct mat *factors, const struct als_options *options, bool lifts,
                        struct buf *out)
{
    const struct affinity_section more = affinity_spread_section(w.log_lift, ITEMS);
    const struct affinity_parts parts = {.items = w.items,
                                         .count = ITEMS,
                                         .trained = TRAINED,
                                         .factors = factors,
                                         .options = options,
                                         .from_us = 1,
                                         .as_of_us = 2,
                                         .card = "{}",
                                         .more = &more,
                                         .more_count = lifts};
    write_affinity(&parts, out);
}

static int build_world(void **state)
{
    static struct triple triples[ROWS * 8];
    struct rng r = rng_seed(5);
    struct err err = {0};
    struct csr matrix = {0};
    struct mat shoppers = {0};
    struct mat factors = {0};
    struct als_options options = als_defaults();
    (void)state;
    make_items(&r);
    for (int i = 0; i < ROWS * 8; i++) {
        /* neighbours are liked together */
        const int near = i / 8 % TRAINED + (int)rng_below(&r, 12);
        triples[i] = (struct triple){i / 8, near % TRAINED, 1};
    }
    options.factors = FACTORS;
    options.sweeps = 6;
    must(csr_build(ROWS, TRAINED, triples, COUNT_OF(triples), &matrix, &err) &&
             als_train(&matrix, &options, &shoppers, &factors, &err),
         &err);
    write_model(&factors, &options, false, &w.plain);
    write_model(&factors, &options, true, &w.lifted);
    csr_free(&matrix);
    mat_free(&shoppers);
    mat_free(&factors);
    return 0;
}

static int free_world(void **state)
{
    (void)state;
    buf_free(&w.plain);
    buf_free(&w.lifted);
    return 0;
}

static int forget(void **state)
{
    (void)state;
    arena_free(&w.arena);
    forget_events();
    return 0;
}

static const struct shopper *random_shopper(struct rng *r)
{
    struct event events[6];
    const size_t count = 1 + rng_below(r, 6);
    for (size_t i = 0; i < count; i++) {
        events[i] = an_event(EVENT_PRODUCT_VIEWED, .at = (int64_t)i + 1,
                             .sku = w.ids[rng_below(r, TRAINED)]);
    }
    return shopper_fold_all(NULL, "c:anna", events, count, INT64_MAX, &w.arena);
}

static bool no_sevens(void *ctx, const char *product_id)
{
    (void)ctx;
    return strchr(product_id, '7') == NULL;
}

static struct pick_wish random_wish(struct rng *r)
{
    return (struct pick_wish){.shopper = random_shopper(r),
                              .now_us = TEST_DAY_US + HOURS(1),
                              .k = 1 + (int)rng_below(r, 20),
                              .keep = rng_below(r, 2) ? no_sevens : NULL};
}

static int number_of(const char *id)
{
    return (int)strtol(id + 1, NULL, 10);
}

static double by_score(const struct pick *p, const float *log_lift)
{
    (void)log_lift;
    return p->score;
}

static double by_lifted_score(const struct pick *p, const float *log_lift)
{
    return p->score * exp((double)log_lift[number_of(p->product_id)]);
}

/* Places [from, to) by falling key; equals keep their order. */
static void sort_plainly(struct picks *p, int from, int to,
                         double (*key)(const struct pick *, const float *), const float *log_lift)
{
    for (int i = from + 1; i < to; i++) {
        const struct pick moved = p->items[i];
        int at = i;
        for (; at > from && key(&p->items[at - 1], log_lift) < key(&moved, log_lift); at--) {
            p->items[at] = p->items[at - 1];
        }
        p->items[at] = moved;
    }
}

/* The rule: of the hundred best by score the first stays and the others go by score times lift, as it is for lists of k; the best k of that stand in
 * the order of their scores. */
static void lift_plainly(struct picks *p, int k)
{
    const float *log_lift = w.log_lift + (k <= 5 ? 0 : ITEMS);
    int count = 0;
    while (count < p->count && count < 100 && p->items[count].source <= PICK_NEW) {
        count++;
    }
    sort_plainly(p, 1, count, by_lifted_score, log_lift);
    sort_plainly(p, 0, k < count ? k : count, by_score, log_lift);
}

static void a_lifted_ranking_is_the_plain_one_sorted_anew(void **state)
{
    CLEANUP(affinity_free) struct affinity *a = loaded(&w.lifted);
    struct rng r = rng_seed(1);
    int moved = 0;
    (void)state;
    assert_true(affinity_spreads(a));
    for (int i = 0; i < SHOPPERS; i++) {
        struct pick_wish wish = random_wish(&r);
        struct picks lifted;
        struct picks plain;
        affinity_recommend(a, &wish, &lifted);
        assert_int_equal(lifted.count, wish.k);
        wish.by_score = true;
        wish.k = PICKS_MAX;
        affinity_recommend(a, &wish, &plain);
        assert_string_equal(lifted.items[0].product_id, plain.items[0].product_id);
        for (int n = 0; n < lifted.count; n++) {
            moved += strcmp(lifted.items[n].product_id, plain.items[n].product_id) != 0;
        }
        lift_plainly(&plain, lifted.count);
        for (int n = 0; n < lifted.count; n++) {
            assert_string_equal(lifted.items[n].product_id, plain.items[n].product_id);
            assert_true(lifted.items[n].score == plain.items[n].score);
        }
    }
    assert_true(moved > SHOPPERS); /* else nothing was tested */
}

static void many_at_once_are_lifted_as_each_alone(void **state)
{
    CLEANUP(affinity_free) struct affinity *a = loaded(&w.lifted);
    static struct pick_wish wishes[SHOPPERS];
    static struct picks together[SHOPPERS];
    struct rng r = rng_seed(2);
    (void)state;
    for (int i = 0; i < SHOPPERS; i++) {
        wishes[i] = random_wish(&r);
        wishes[i].by_score = i % 7 == 0;
    }
    affinity_recommend_many(a, wishes, SHOPPERS, 2, together);
    for (int i = 0; i < SHOPPERS; i++) {
        struct picks alone;
        affinity_recommend(a, &wishes[i], &alone);
        assert_int_equal(together[i].count, alone.count);
        for (int n = 0; n < alone.count; n++) {
            assert_string_equal(together[i].items[n].product_id, alone.items[n].product_id);
        }
    }
}

static void a_file_without_lifts_ranks_by_score(void **state)
{
    CLEANUP(affinity_free) struct affinity *plain = loaded(&w.plain);
    CLEANUP(affinity_free) struct affinity *lifted = loaded(&w.lifted);
    struct rng r = rng_seed(3);
    (void)state;
    assert_false(affinity_spreads(plain));
    assert_int_equal(affinity_count(plain), ITEMS);
    affinity_spread_set(lifted, NULL);
    assert_false(affinity_spreads(lifted));
    for (int i = 0; i < SHOPPERS; i++) {
        const struct pick_wish wish = random_wish(&r);
        struct picks p;
        struct picks q;
        affinity_recommend(plain, &wish, &p);
        affinity_recommend(lifted, &wish, &q);
        assert_int_equal(p.count, q.count);
        for (int n = 0; n < p.count; n++) {
            assert_string_equal(p.items[n].product_id, q.items[n].product_id);
        }
    }
}

static void what_training_is_told_is_the_ranking_by_score(void **state)
{
    CLEANUP(affinity_free) struct affinity *a = loaded(&w.lifted);
    struct rng r = rng_seed(4);
    (void)state;
    for (int i = 0; i < SHOPPERS; i++) {
        struct scored_item found[SPREAD_DEPTH];
        struct pick_wish wish = random_wish(&r);
        struct picks p;
        const int count = affinity_scored(a, &wish, found);
        wish.k = PICKS_MAX;
        wish.by_score = true;
        affinity_recommend(a, &wish, &p);
        assert_true(count > 3);
        for (int n = 0; n < count; n++) {
            assert_string_equal(w.ids[found[n].item], p.items[n].product_id);
            assert_true((double)found[n].score == p.items[n].score && found[n].score > 0);
        }
    }
}

static void assert_refused(float lift)
{
    CLEANUP(buf_free) struct buf bytes = {0};
    struct err err = {0};
    struct model_file file = {0};
    struct affinity *a = NULL;
    uint8_t sha256[SHA256_BYTES];
    float lies[SPREAD_LENGTHS * ITEMS] = {0};
    lies[SPREAD_LENGTHS * ITEMS - 1] = lift;
    must(model_file_view(w.lifted.data, w.lifted.len, &file, &err), &err);
    struct model_builder b = model_builder_make(file.kind, file.schema);
    for (int i = 0; i < file.count; i++) {
        const struct model_section *s = &file.sections[i];
        model_builder_add(&b, s->name, s->dtype, strcmp(s->name, "log_lift") == 0 ? lies : s->data,
                          s->count);
    }
    must(model_builder_finish(&b, &bytes, sha256, &err) &&
             model_file_view(bytes.data, bytes.len, &file, &err),
         &err);
    assert_false(affinity_load(&file, "affinity-1", &a, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_text_contains(err.text, "lift");
}

static void lifts_that_are_none_are_refused(void **state)
{
    (void)state;
    assert_refused(-0.01F);
    assert_refused(SPREAD_MOST * 1.01F);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_lifted_ranking_is_the_plain_one_sorted_anew, forget),
        cmocka_unit_test_teardown(many_at_once_are_lifted_as_each_alone, forget),
        cmocka_unit_test_teardown(a_file_without_lifts_ranks_by_score, forget),
        cmocka_unit_test_teardown(what_training_is_told_is_the_ranking_by_score, forget),
        cmocka_unit_test(lifts_that_are_none_are_refused),
    };
    return cmocka_run_group_tests_name("spreading picks", tests, build_world, free_world);
}
