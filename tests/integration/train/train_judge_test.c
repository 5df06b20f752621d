/* Who is judged of the later window, and by what: what they had to do with by then, and what they chose after it. */
#include "train/affinity/train_affinity.h"

#include "base/clock.h"
#include "domain/shop/money.h"
#include "integration/flow_spec.h"
#include "support/spec.h"

#include <string.h>

enum { CUT_S = 100 };

static struct flow_bench bench;
static struct buf file;
static struct affinity *catalogue;

static int begin(void **state)
{
    static const char *const ids[] = {"shoe", "hat", "sock"};
    struct affinity_item items[COUNT_OF(ids)];
    struct affinity_parts parts = {.items = items,
                                   .count = COUNT_OF(ids),
                                   .trained = COUNT_OF(ids),
                                   .from_us = START_US - DAYS(10),
                                   .as_of_us = START_US,
                                   .card = "{}"};
    struct trained made = {.made = true};
    struct err err = {0};
    (void)state;

    flow_open(&bench, "judge");
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        items[i] = (struct affinity_item){
            .id = ids[i], .price_minor = MONEY_UNKNOWN, .popularity = 9.0F - (float)i};
    }
    if (!affinity_write(&parts, &made.bytes, made.sha256, &err) ||
        !affinity_model_open(&made, "catalogue", &catalogue, &err)) {
        fail_msg("%s", err.text);
    }
    file = made.bytes;
    return 0;
}

static int end(void **state)
{
    (void)state;
    affinity_free(&catalogue);
    buf_free(&file);
    flow_close(&bench);
    return 0;
}

static int forget(void **state)
{
    (void)state;
    forget_everything(&bench);
    return 0;
}

/* Ids in the order in which they were met. */
static const char *ids_of(const struct id_table *ids)
{
    const char *text = "";

    for (int32_t i = 0; i < ids->count; i++) {
        text = arena_printf(&bench.arena, "%s%s%s", text, i == 0 ? "" : " ", ids->texts[i]);
    }
    return text;
}

static bool note_case(void *ctx, const struct judged_case *c)
{
    const char **text = ctx;

    *text = arena_printf(&bench.arena, "%sknew %s, chose %s, new %s; ", *text, ids_of(c->known),
                         ids_of(c->chosen), ids_of(c->chosen_new));
    return true;
}

static const char *cases(void)
{
    const struct training t = {.config = &bench.config, .db = bench.db};
    const struct judged_window window = {.cut_us = START_US + SECONDS(CUT_S),
                                         .until_us = START_US + 10 * SECONDS(CUT_S),
                                         .catalogue = catalogue};
    const char *text = "";
    struct err err = {0};

    if (!affinity_judge_cases(&t, &window, note_case, &text, &err)) {
        fail_msg("%s", err.text);
    }
    return text;
}

static void what_was_chosen_after_the_cut_is_new_unless_it_was_known_by_then(void **state)
{
    static const struct told events[] = {
        {.id = "1", .type = "product_viewed", .customer = "y", .product = "shoe", .at_s = 1},
        {.id = "2", .type = "product_viewed", .customer = "y", .product = "hat", .at_s = CUT_S},
        {.id = "3", .type = "purchase", .customer = "y", .product = "shoe", .at_s = CUT_S + 1},
        {.id = "4", .type = "purchase", .customer = "y", .product = "sock", .at_s = CUT_S + 90},
    };
    (void)state;
    tell_all(&bench, events, COUNT_OF(events));
    assert_string_equal(cases(), "knew shoe hat, chose shoe sock, new sock; ");
}

/* A shop that tells carts as a whole: buying what lay there is no discovery that any model could foretell. */
static void what_lay_in_a_cart_that_was_told_as_a_whole_was_known(void **state)
{
    static const struct told events[] = {
        {.id = "1", .type = "cart_snapshot", .customer = "y", .product = "shoe", .at_s = 1},
        {.id = "2", .type = "checkout_started", .customer = "y", .product = "shoe", .at_s = 2},
        {.id = "3", .type = "product_viewed", .customer = "y", .product = "hat", .at_s = CUT_S},
        {.id = "4", .type = "cart_snapshot", .customer = "y", .product = "sock", .at_s = CUT_S + 1},
        {.id = "5", .type = "purchase", .customer = "y", .product = "shoe", .at_s = CUT_S + 2},
        {.id = "6", .type = "purchase", .customer = "y", .product = "sock", .at_s = CUT_S + 90},
    };
    (void)state;
    tell_all(&bench, events, COUNT_OF(events));
    assert_string_equal(cases(), "knew shoe hat, chose shoe sock, new sock; ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_was_chosen_after_the_cut_is_new_unless_it_was_known_by_then,
                                  forget),
        cmocka_unit_test_teardown(what_lay_in_a_cart_that_was_told_as_a_whole_was_known, forget),
    };
    return cmocka_run_group_tests_name("judge", tests, begin, end);
}
