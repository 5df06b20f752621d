/* Reasons as a person would give them: facts, few, signed, in every language, and never two that contradict each other. */
#include "domain/speak/reasons.h"

#include "base/cleanup.h"
#include "base/rng.h"
#include "support/spec.h"

#include <math.h>
#include <stdio.h>

static struct features a_cart(void)
{
    struct features x = {.currency = "EUR"};

    for (int f = 0; f < FEATURE_COUNT; f++) {
        x.values[f] = feature_def((enum feature_id)f)->kind == FEATURE_NUMERIC ? (double)NAN : 0;
    }
    x.values[FEATURE_IDLE] = 700;
    x.values[FEATURE_RETURNS] = 2;
    x.values[FEATURE_ORDERS] = 0;
    x.values[FEATURE_TOTAL] = 4990;
    return x;
}

/* The reasons as lines "+ text" and "- text". */
static const char *said(const struct features *x, const double moved[FEATURE_COUNT],
                        const char *locale)
{
    static char lines[2000];
    struct told_reason told[TOLD_REASONS_MAX];
    CLEANUP(buf_free) struct buf out = buf_make(sizeof lines);
    CLEANUP(speech_end) struct speech speech;
    const int count = reasons_choose(x, moved, told);

    speech_begin(&speech, locale, "en", false);
    for (int i = 0; i < count; i++) {
        buf_add_str(&out, told[i].contribution > 0 ? "+ " : "- ");
        reason_say(&told[i], x, &speech, &out);
        buf_add_char(&out, '\n');
    }
    (void)snprintf(lines, sizeof lines, "%s", buf_text(&out));
    return lines;
}

static void the_strongest_three_are_told_with_their_sign(void **state)
{
    (void)state;
    struct features x = a_cart();
    double moved[FEATURE_COUNT] = {[FEATURE_SHIPPING] = 0.3,
                                   [FEATURE_SHIPPING_COST] = 0.3,
                                   [FEATURE_RETURNS] = -0.5,
                                   [FEATURE_ORDERS] = 0.2,
                                   [FEATURE_TOTAL] = 0.1};

    x.values[FEATURE_SHIPPING] = 1;
    x.values[FEATURE_SHIPPING_COST] = 990;
    assert_string_equal(said(&x, moved, "en"), "+ shipping of €9.90 was shown\n"
                                               "- returned to the shop twice\n"
                                               "+ has never ordered here\n");
    assert_string_equal(said(&x, moved, "de-AT"),
                        "+ Versandkosten von €\u00a09,90 wurden angezeigt\n"
                        "- ist zweimal in den Shop zurückgekehrt\n"
                        "+ hat hier noch nie bestellt\n");
}

static void what_no_person_would_give_as_a_reason_is_not_told(void **state)
{
    (void)state;
    struct features x = a_cart();
    double moved[FEATURE_COUNT] = {[FEATURE_IDLE] = 3,
                                   [FEATURE_TIMEZONE] = 2,
                                   [FEATURE_LOCAL_HOUR] = 2,
                                   [FEATURE_TASTE] = -2,
                                   [FEATURE_PAYMENT_FAILED] = 1 /* it did not fail */};

    assert_string_equal(said(&x, moved, "en"), "");
    moved[FEATURE_RETURNS] = 0.04; /* hardly anything */
    assert_string_equal(said(&x, moved, "en"), "");
    moved[FEATURE_RETURNS] = (double)NAN;
    assert_string_equal(said(&x, moved, "en"), "");
}

static void a_fact_is_told_only_in_the_direction_that_makes_sense(void **state)
{
    (void)state;
    struct features x = a_cart();
    double moved[FEATURE_COUNT] = {[FEATURE_PAYMENT_FAILED] = 1};

    x.values[FEATURE_PAYMENT_FAILED] = 1;
    assert_string_equal(said(&x, moved, "en"), "+ a payment failed\n");
    moved[FEATURE_PAYMENT_FAILED] = -1;
    assert_string_equal(said(&x, moved, "en"), "");
    moved[FEATURE_CHECKOUT] = 1;
    assert_string_equal(said(&x, moved, "en"), "+ has not come to the checkout\n");
    x.values[FEATURE_CHECKOUT] = 1;
    assert_string_equal(said(&x, moved, "en"), "+ has not finished the checkout\n");
    moved[FEATURE_CHECKOUT] = -1;
    assert_string_equal(said(&x, moved, "en"), "- came as far as the checkout\n");
}

static void a_price_that_is_too_high_is_what_some_reasons_say(void **state)
{
    static const enum reason others[] = {REASON_SHIPPING_COST, REASON_COUPON_APPLIED,
                                         REASON_NEVER_ORDERED};
    static const enum reason of_price[] = {REASON_CHEAPER, REASON_ABOVE_USUAL,
                                           REASON_COUPON_DENIED};
    struct told_reason told[TOLD_REASONS_MAX] = {{0}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        told[i].reason = others[i];
    }
    assert_false(reasons_are_about_price(told, TOLD_REASONS_MAX));
    assert_false(reasons_are_about_price(told, 0));
    for (size_t i = 0; i < COUNT_OF(of_price); i++) {
        told[2].reason = of_price[i];
        assert_true(reasons_are_about_price(told, TOLD_REASONS_MAX));
        assert_false(reasons_are_about_price(told, 2));
    }
}

static void an_amount_without_a_currency_is_not_told(void **state)
{
    (void)state;
    struct features x = a_cart();
    double moved[FEATURE_COUNT] = {[FEATURE_SHIPPING] = 1, [FEATURE_TOTAL] = 1};

    x.values[FEATURE_SHIPPING] = 1;
    x.values[FEATURE_SHIPPING_COST] = 990;
    x.currency[0] = '\0';
    assert_string_equal(said(&x, moved, "en"), "+ shipping costs were shown\n");
}

static void free_shipping_speaks_for_buying(void **state)
{
    (void)state;
    struct features x = a_cart();
    double moved[FEATURE_COUNT] = {[FEATURE_SHIPPING_COST] = -1};

    x.values[FEATURE_SHIPPING] = 1;
    x.values[FEATURE_SHIPPING_COST] = 0;
    assert_string_equal(said(&x, moved, "pl"), "- dostawa jest bezpłatna\n");
}

/* Which of two reasons would say the opposite of each other. */
static bool contradict(enum reason a, enum reason b)
{
    static const enum reason pairs[][2] = {{REASON_NEVER_ORDERED, REASON_ORDERED},
                                           {REASON_NEVER_ORDERED, REASON_SENT_BACK},
                                           {REASON_SHIPPING_FREE, REASON_SHIPPING},
                                           {REASON_SHIPPING_FREE, REASON_SHIPPING_COST},
                                           {REASON_CHECKOUT_NONE, REASON_CHECKOUT_LEFT},
                                           {REASON_CHECKOUT_NONE, REASON_CHECKOUT_STARTED},
                                           {REASON_CHECKOUT_LEFT, REASON_CHECKOUT_STARTED},
                                           {REASON_COUPON_DENIED, REASON_COUPON_APPLIED},
                                           {REASON_NEVER_ORDERED, REASON_ABOVE_USUAL}};

    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        if ((pairs[i][0] == a && pairs[i][1] == b) || (pairs[i][0] == b && pairs[i][1] == a)) {
            return true;
        }
    }
    return false;
}

/* Carts at random, as far as their facts go together: who never ordered sent nothing back. */
static void scatter(struct rng *r, struct features *x, double moved[FEATURE_COUNT])
{
    *x = a_cart();
    for (int f = 0; f < FEATURE_COUNT; f++) {
        const enum feature_kind kind = feature_def((enum feature_id)f)->kind;
        moved[f] = rng_unit(r) * 2 - 1;
        if (kind != FEATURE_ID) {
            x->values[f] = (double)rng_below(r, kind == FEATURE_FLAG ? 2 : 4);
        }
    }
    if (x->values[FEATURE_ORDERS] == 0) {
        x->values[FEATURE_REFUNDS] = 0;
        x->values[FEATURE_TOTAL_TO_ORDER] = (double)NAN;
    }
    if (x->values[FEATURE_SHIPPING] == 0) {
        x->values[FEATURE_SHIPPING_COST] = (double)NAN;
    }
}

static void no_two_reasons_contradict_each_other_nor_their_numbers(void **state)
{
    struct rng r = rng_seed(7);
    int told_at_all = 0;
    (void)state;
    for (int n = 0; n < 20000; n++) {
        struct features x;
        double moved[FEATURE_COUNT];
        struct told_reason told[TOLD_REASONS_MAX];
        scatter(&r, &x, moved);
        const int count = reasons_choose(&x, moved, told);
        assert_true(count <= TOLD_REASONS_MAX);
        told_at_all += count > 0;
        for (int i = 0; i < count; i++) {
            assert_true(i == 0 || fabs(told[i].contribution) <= fabs(told[i - 1].contribution));
            for (int k = 0; k < i; k++) {
                assert_false(contradict(told[i].reason, told[k].reason));
                assert_true(told[i].feature != told[k].feature);
            }
        }
    }
    assert_true(told_at_all > 19000);
}

static void every_language_has_words_for_every_reason(void **state)
{
    static const char *const locales[] = {"en", "de", "fr",    "es",   "it",
                                          "nl", "pl", "pt-BR", "pt-PT"};
    struct features x = a_cart();
    (void)state;
    for (size_t i = 0; i < COUNT_OF(locales) * REASON_COUNT; i++) {
        CLEANUP(speech_end) struct speech speech;
        CLEANUP(buf_free) struct buf out = buf_make(1000);
        const struct told_reason told = {(enum reason)(i % REASON_COUNT), FEATURE_TOTAL, 1};
        speech_begin(&speech, locales[i / REASON_COUNT], "en", false);
        reason_say(&told, &x, &speech, &out);
        assert_true(out.len > 5);
        assert_null(strpbrk(buf_text(&out), "{}#"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_strongest_three_are_told_with_their_sign),
        cmocka_unit_test(what_no_person_would_give_as_a_reason_is_not_told),
        cmocka_unit_test(a_fact_is_told_only_in_the_direction_that_makes_sense),
        cmocka_unit_test(a_price_that_is_too_high_is_what_some_reasons_say),
        cmocka_unit_test(an_amount_without_a_currency_is_not_told),
        cmocka_unit_test(free_shipping_speaks_for_buying),
        cmocka_unit_test(no_two_reasons_contradict_each_other_nor_their_numbers),
        cmocka_unit_test(every_language_has_words_for_every_reason),
    };
    return cmocka_run_group_tests_name("reasons", tests, NULL, NULL);
}
