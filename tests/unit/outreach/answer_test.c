/* The JSON that answers share: every member of every object, and what stands for the unknown. */
#include "outreach/answer.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "domain/risk/risk_file.h"
#include "domain/risk/risk_prior.h"
#include "domain/shop/money.h"
#include "support/spec.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#define NOW DAYS(20000) /* 2024-10-04 */

static char shoe[] = "shoe";
static char hat[] = "hat";
static char cart_id[] = "cart-1";
static char key[] = "c:ann";

static struct buf out;
static struct jenc j;

static int setup(void **state)
{
    (void)state;
    out = buf_make(1 << 20);
    j = jenc_begin(&out);
    jenc_object(&j, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buf_free(&out);
    return 0;
}

static const char *written(void)
{
    jenc_object_end(&j);
    return buf_text(&out);
}

static const struct message_reader english = {.locale = "en"};
static const struct cart_clock shop_clock = {MINUTES(5), HOURS(1), DAYS(7)};
static struct cart_line lines[] = {
    {.product_id = hat, .quantity_milli = 2000, .price_minor = 1500, .currency = "EUR"},
    {.product_id = shoe, .quantity_milli = 1000, .price_minor = 4990, .currency = "EUR"},
};
static const struct product products[] = {{.product_id = "hat", .title = "Hat"},
                                          {.product_id = "shoe"}};

static void a_cart_is_told_with_its_lines_total_and_state(void **state)
{
    (void)state;
    const struct shopper s = {.last_us = NOW - HOURS(2)};
    const struct cart c = {.id = cart_id,
                           .round = 3,
                           .lines = lines,
                           .line_count = 2,
                           .opened_us = NOW - HOURS(4),
                           .changed_us = NOW - HOURS(3),
                           .imported = true};

    answer_cart(&j, &c, &s, products, &shop_clock, NOW);
    assert_string_equal(
        written(),
        "{\"cart\":{\"cart_id\":\"cart-1\",\"round\":3,\"state\":\"abandoned\","
        "\"opened_at\":\"2024-10-03T20:00:00Z\",\"changed_at\":\"2024-10-03T21:00:00Z\","
        "\"seen_at\":\"2024-10-03T22:00:00Z\",\"total\":{\"amount_minor\":7990,\"currency\":\"EUR\"},"
        "\"imported\":true,\"items\":["
        "{\"product_id\":\"hat\",\"title\":\"Hat\",\"quantity\":2,\"price\":{\"amount_minor\":1500,\"currency\":\"EUR\"}},"
        "{\"product_id\":\"shoe\",\"quantity\":1,\"price\":{\"amount_minor\":4990,\"currency\":\"EUR\"}}],\"adjustments\":[]}}");
}

static void an_adjustment_is_told_with_its_sign_and_apart_from_the_products(void **state)
{
    static char variant[] = "blue";
    static char line[] = "7";
    static char gift[] = "gift";
    (void)state;
    const struct shopper s = {.last_us = NOW};
    struct cart_line cheese = {.product_id = hat,
                               .variant_id = variant,
                               .line_id = line,
                               .quantity_milli = 350,
                               .price_minor = 1999,
                               .currency = "EUR"};
    struct cart_line off = {
        .product_id = gift, .quantity_milli = 1000, .price_minor = 500, .currency = "EUR"};
    const struct cart c = {.id = cart_id,
                           .round = 1,
                           .lines = &cheese,
                           .line_count = 1,
                           .adjustments = &off,
                           .adjustment_count = 1};

    answer_cart(&j, &c, &s, products, &shop_clock, NOW);
    const char *text = written();
    assert_text_contains(text, "\"total\":{\"amount_minor\":200,\"currency\":\"EUR\"}");
    assert_text_contains(text, "\"items\":[{\"product_id\":\"hat\",\"variant_id\":\"blue\","
                               "\"line_id\":\"7\",\"title\":\"Hat\",\"quantity\":0.35,");
    assert_text_contains(text, "\"adjustments\":[{\"product_id\":\"gift\",\"quantity\":1,"
                               "\"price\":{\"amount_minor\":-500,\"currency\":\"EUR\"}}]}}");
}

static void an_unknown_price_or_currency_is_null_and_so_is_the_total(void **state)
{
    (void)state;
    const struct shopper s = {.last_us = NOW};
    struct cart_line unpriced[] = {
        {.product_id = hat,
         .quantity_milli = 1000,
         .price_minor = MONEY_UNKNOWN,
         .currency = "EUR"},
        {.product_id = shoe, .quantity_milli = 1000, .price_minor = 4990}};
    const struct cart c = {.id = cart_id, .round = 1, .lines = unpriced, .line_count = 2};

    answer_cart(&j, &c, &s, products, &shop_clock, NOW);
    const char *text = written();
    assert_text_contains(text, "\"total\":null");
    assert_text_contains(text, "\"quantity\":1,\"price\":null},{");
    assert_text_contains(text, "\"quantity\":1,\"price\":null}]");
    assert_text_contains(text, "\"state\":\"active\"");
}

static void no_cart_is_null(void **state)
{
    (void)state;
    const struct shopper s = {.last_us = NOW};
    answer_cart(&j, NULL, &s, NULL, &shop_clock, NOW);
    assert_string_equal(written(), "{\"cart\":null}");
}

/* ---- risk ---- */

static struct buf model_bytes;

static struct risk *base_rate_of(double rate)
{
    struct err err = {0};
    struct model_file file;
    struct risk *r = NULL;
    uint8_t sha256[SHA256_BYTES];
    const struct risk_window window = {
        .from_us = NOW - DAYS(9), .as_of_us = NOW, .horizon_us = DAYS(1)};

    if (!risk_write_base_rate(rate, &window, "{}", &model_bytes, sha256, &err) ||
        !model_file_view(model_bytes.data, model_bytes.len, &file, &err) ||
        !risk_load(&file, "risk-base_rate-1", &r, &err)) {
        fail_msg("%s", err.text);
    }
    return r;
}

static const struct score_terms terms = {.threshold = 0.2,
                                         .clock = {.abandoned_after_us = HOURS(1)}};

/* What a model of much data would say; false: the model is asked. */
static bool is_said;
bool __wrap_risk_contributions(const struct risk *r, const struct features *x,
                               double parts[FEATURE_COUNT]);
bool __real_risk_contributions(const struct risk *r, const struct features *x,
                               double parts[FEATURE_COUNT]);
bool __wrap_risk_contributions(const struct risk *r, const struct features *x,
                               double parts[FEATURE_COUNT])
{
    if (!is_said) {
        return __real_risk_contributions(r, x, parts);
    }
    memset(parts, 0, FEATURE_COUNT * sizeof *parts);
    parts[FEATURE_SHIPPING_COST] = 0.75;
    parts[FEATURE_REMOVES] = 0.01; /* too little to be told */
    parts[FEATURE_PAYMENT_INFO] = -1.5;
    return true;
}

static void a_score_is_told_with_its_model_curve_and_horizons(void **state)
{
    (void)state;
    struct risk *r = base_rate_of(0.25);
    const struct shopper s = {.key = key, .last_us = NOW - HOURS(2)};
    const struct cart c = {
        .id = cart_id, .round = 1, .lines = lines, .line_count = 2, .changed_us = NOW - HOURS(2)};
    const struct feature_context context = {0};
    struct features x;
    const struct answer_score score = answer_score_of(r, &s, &c, NOW, &context, &terms, &x);

    assert_true(fabs(score.probability - 0.25) < 1e-9);
    assert_ptr_equal(score.x, &x);
    assert_true(score.curve_count > 0);
    assert_false(score.outlook.too_early);
    answer_risk(&j, &score, &english);
    const char *text = written();
    assert_text_contains(
        text, "{\"risk\":{\"probability\":0.25,\"horizon\":\"1d\",\"model\":\"risk-base_rate-1\","
              "\"algorithm\":\"base_rate\",\"too_early\":false,\"look_again_at\":null,\"curve\":["
              "{\"at\":\"2024-10-04T00:00:00Z\",\"probability\":0.25}");
    assert_text_contains(
        text, "\"by_horizon\":[{\"within\":\"1d\",\"no_purchase\":0.25}],\"reasons\":[]}}");
    risk_free(&r);
    buf_free(&model_bytes);
}

static void a_model_without_contributions_says_that_it_has_none(void **state)
{
    (void)state;
    struct risk *r = base_rate_of(0.25);
    struct features x = {0};
    const struct answer_score score = {.model = r, .x = &x};

    answer_contributions(&j, &score);
    answer_contributions(&j, &(struct answer_score){0});
    assert_string_equal(written(), "{\"contributions\":null,\"contributions\":null}");
    risk_free(&r);
    buf_free(&model_bytes);
}

static void the_strongest_reasons_come_first_each_with_what_it_is_about(void **state)
{
    (void)state;
    struct risk *r = base_rate_of(0.25);
    struct features x = {.currency = "EUR"};
    const struct answer_score score = {.model = r, .x = &x, .probability = 0.25};

    x.values[FEATURE_SHIPPING_COST] = 490;
    x.values[FEATURE_PAYMENT_INFO] = x.values[FEATURE_REMOVES] = 1;
    is_said = true;
    answer_risk(&j, &score, &english);
    is_said = false;
    assert_text_contains(
        written(),
        "\"reasons\":[{\"group\":\"payment\",\"feature\":\"payment_info\",\"effect\":\"lowers\",\"contribution\":-1.5,"
        "\"text\":\"payment details were entered\"},"
        "{\"group\":\"shipping\",\"feature\":\"shipping_cost\",\"effect\":\"raises\",\"contribution\":0.75,"
        "\"text\":\"shipping of €4.90 was shown\"}]}}");
    risk_free(&r);
    buf_free(&model_bytes);
}

/* Every group and every feature, by name, with its part of the sum. */
static void contributions_are_told_by_group_and_by_feature(void **state)
{
    (void)state;
    CLEANUP(risk_free) struct risk *r = risk_prior_make(DAYS(1));
    struct features x = {0};
    double parts[FEATURE_COUNT];
    const struct answer_score score = {.model = r, .x = &x};
    double sum = 0;

    x.values[FEATURE_IDLE] = 3600;
    assert_true(risk_contributions(r, &x, parts));
    assert_true(parts[FEATURE_IDLE] != 0);
    answer_contributions(&j, &score);
    json_t *whole = json_loads(written(), 0, NULL);
    const json_t *told = json_object_get(whole, "contributions");
    assert_true(json_number_value(json_object_get(told, "usual")) == risk_usual_logit(r));
    const json_t *features = json_object_get(told, "features");
    const json_t *groups = json_object_get(told, "groups");
    assert_int_equal(json_object_size(features), FEATURE_COUNT);
    assert_int_equal(json_object_size(groups), GROUP_COUNT);
    for (int i = 0; i < FEATURE_COUNT; i++) {
        const char *name = feature_def((enum feature_id)i)->name;
        assert_true(json_number_value(json_object_get(features, name)) == parts[i]);
        sum += parts[i];
    }
    for (int i = 0; i < GROUP_COUNT; i++) {
        const char *name = feature_group_name((enum feature_group)i);
        sum -= json_number_value(json_object_get(groups, name));
    }
    assert_true(fabs(sum) < 1e-9);
    json_decref(whole);
}

static void a_time_to_look_again_is_told(void **state)
{
    (void)state;
    struct risk *r = base_rate_of(0.25);
    struct features x = {0};
    const struct answer_score score = {
        .model = r,
        .x = &x,
        .probability = 0.25,
        .curve = {{.at_us = NOW, .probability = 0.5},
                  {.at_us = NOW + HOURS(1), .probability = 0.75}},
        .curve_count = 2,
        .outlook = {.too_early = true, .look_again_us = NOW + MINUTES(30)}};

    answer_risk(&j, &score, &english);
    assert_text_contains(written(),
                         "\"too_early\":true,\"look_again_at\":\"2024-10-04T00:30:00Z\",\"curve\":["
                         "{\"at\":\"2024-10-04T00:00:00Z\",\"probability\":0.5},"
                         "{\"at\":\"2024-10-04T01:00:00Z\",\"probability\":0.75}]");
    risk_free(&r);
    buf_free(&model_bytes);
}

static void without_a_model_the_features_are_there_and_the_score_is_not(void **state)
{
    (void)state;
    const struct shopper s = {.key = key, .last_us = NOW - HOURS(2)};
    const struct cart c = {.id = cart_id, .round = 1, .lines = lines, .line_count = 2};
    const struct feature_context context = {0};
    struct features x;
    const struct answer_score score = answer_score_of(NULL, &s, &c, NOW, &context, &terms, &x);

    assert_true(isnan(score.probability));
    assert_int_equal(score.curve_count, 0);
    assert_ptr_equal(score.x, &x);
    assert_true(x.values[FEATURE_LINES] == 2);
    answer_risk(&j, &score, &english);
    assert_string_equal(written(), "{\"risk\":null}");
}

static void without_a_cart_there_is_no_risk_whatever_the_model(void **state)
{
    (void)state;
    struct risk *r = base_rate_of(0.25);
    const struct answer_score score = {.model = r};

    answer_risk(&j, &score, &english);
    assert_string_equal(written(), "{\"risk\":null}");
    risk_free(&r);
    buf_free(&model_bytes);
}

static void features_are_told_by_name_without_those_that_are_missing(void **state)
{
    (void)state;
    struct features x = {0};

    for (int f = 0; f < FEATURE_COUNT; f++) {
        x.values[f] = (double)NAN;
    }
    x.values[FEATURE_LINES] = 2;
    x.ids[FEATURE_DEVICE] = "phone";
    answer_features(&j, &x);
    const char *text = written();
    assert_text_contains(text, "{\"features\":{\"");
    assert_text_contains(text, "\"lines\":2");
    assert_text_contains(text, "\"device\":\"phone\"");
    assert_null(strstr(text, "null"));
    assert_int_equal(strlen(text), strlen("{\"features\":{\"lines\":2,\"device\":\"phone\"}}"));
}

/* ---- picks and rules ---- */

static void picks_are_told_in_their_order_with_what_they_are_due_to(void **state)
{
    (void)state;
    struct product shown_products[] = {
        {.product_id = "sock", .title = "Sock", .price_minor = 300, .currency = "EUR"},
        {.product_id = "belt", .price_minor = MONEY_UNKNOWN}};
    struct product because[] = {{.product_id = "shoe", .title = "Shoe"}, {.product_id = "belt"}};
    const struct shown_picks shown = {.picks = {.count = 2,
                                                .items = {{.product_id = "sock",
                                                           .score = 1.5,
                                                           .source = PICK_SESSION,
                                                           .relation = RELATION_GOES_WITH,
                                                           .because = "shoe",
                                                           .tie = TIE_CART},
                                                          {.product_id = "belt",
                                                           .score = 0.5,
                                                           .source = PICK_POPULAR,
                                                           .relation = RELATION_POPULAR}}},
                                      .products = shown_products,
                                      .because = because};

    answer_picks(&j, NULL, &shown, &(struct message_reader){.locale = "en", .shop_locale = "de"});
    assert_string_equal(
        written(),
        "{\"recommendations\":{\"model\":null,\"algorithm\":null,\"items\":["
        "{\"product_id\":\"sock\",\"title\":\"Sock\",\"price\":{\"amount_minor\":300,\"currency\":\"EUR\"},\"score\":1.5,"
        "\"source\":\"session\",\"relation\":\"goes_with\",\"because\":\"shoe\",\"because_is\":\"in_cart\",\"reason\":\"others chose this together with Shoe (in your cart)\"},"
        "{\"product_id\":\"belt\",\"price\":null,\"score\":0.5,\"source\":\"popular\",\"relation\":\"popular\",\"reason\":\"popular right now\"}]}}");
}

static void every_rule_is_told_with_its_outcome(void **state)
{
    (void)state;
    struct decision d = {
        .rules = {[RULE_BOT] = {.outcome = RULE_BLOCK, .detail = "beep"},
                  [RULE_RISK] = {.outcome = RULE_NOT_APPLIED, .detail = "no open cart"}}};

    answer_rules(&j, &d);
    const char *text = written();
    assert_text_contains(
        text,
        "{\"rules\":[{\"rule\":\"unread\",\"outcome\":\"pass\",\"detail\":\"\"},{\"rule\":\"buyer\",\"outcome\":\"pass\",\"detail\":\"\"},{\"rule\":\"empty\"");
    assert_text_contains(text, "{\"rule\":\"bot\",\"outcome\":\"block\",\"detail\":\"beep\"}");
    assert_text_contains(
        text, "{\"rule\":\"risk\",\"outcome\":\"not_applied\",\"detail\":\"no open cart\"}]}");
}

/* ---- outreaches ---- */

#define a_row(...)                                                                                 \
    ((struct outreach_row){.lane = 3,                                                              \
                           .cart_id = cart_id,                                                     \
                           .round = 2,                                                             \
                           .step = 1,                                                              \
                           .outreach_id = "out_1",                                                 \
                           .key = "c:ann",                                                         \
                           .decision = "send",                                                     \
                           .reason = "risk",                                                       \
                           .decided_us = NOW,                                                      \
                           .summary = "{\"s\":1}",                                                 \
                           .why = "{\"w\":2}",                                                     \
                           .message = "{\"text\":\"hi\"}",                                         \
                           __VA_ARGS__})

static void expect_outreach(struct outreach_row row, bool dry_run, const char *text)
{
    struct buf got = buf_make(1 << 16);
    answer_outreach(&row, dry_run, &got);
    assert_string_equal(buf_text(&got), text);
    buf_free(&got);
}

static void an_outreach_is_told_whole(void **state)
{
    (void)state;
    expect_outreach(
        a_row(), false,
        "{\"outreach_id\":\"out_1\",\"decision\":\"send\",\"reason\":\"risk\",\"dry_run\":false,\"decided_at\":\"2024-10-04T00:00:00Z\","
        "\"customer_id\":\"ann\",\"cart_id\":\"cart-1\",\"round\":2,\"step\":1,\"message\":{\"text\":\"hi\"},\"s\":1}");
}

static void a_dry_run_has_no_id_and_an_anonymous_shopper_another_name(void **state)
{
    (void)state;
    expect_outreach(
        a_row(.key = "a:x"), true,
        "{\"outreach_id\":null,\"decision\":\"send\",\"reason\":\"risk\",\"dry_run\":true,\"decided_at\":\"2024-10-04T00:00:00Z\","
        "\"anonymous_id\":\"x\",\"cart_id\":\"cart-1\",\"round\":2,\"step\":1,\"message\":{\"text\":\"hi\"},\"s\":1}");
}

static void without_a_cart_there_is_no_round_and_no_message(void **state)
{
    (void)state;
    expect_outreach(
        a_row(.cart_id = NULL, .message = NULL, .outreach_id = NULL), false,
        "{\"outreach_id\":null,\"decision\":\"send\",\"reason\":\"risk\",\"dry_run\":false,\"decided_at\":\"2024-10-04T00:00:00Z\","
        "\"customer_id\":\"ann\",\"cart_id\":null,\"message\":null,\"s\":1}");
}

static void why_has_all_it_was_computed_from(void **state)
{
    (void)state;
    const struct outreach_row row = a_row();
    struct buf got = buf_make(1 << 16);
    answer_why(&row, &got);
    assert_string_equal(
        buf_text(&got),
        "{\"outreach_id\":\"out_1\",\"decision\":\"send\",\"reason\":\"risk\",\"decided_at\":\"2024-10-04T00:00:00Z\",\"s\":1,\"w\":2}");
    buf_free(&got);
}

#define ANSWER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ANSWER_TEST(a_cart_is_told_with_its_lines_total_and_state),
        ANSWER_TEST(an_adjustment_is_told_with_its_sign_and_apart_from_the_products),
        ANSWER_TEST(an_unknown_price_or_currency_is_null_and_so_is_the_total),
        ANSWER_TEST(no_cart_is_null),
        ANSWER_TEST(a_score_is_told_with_its_model_curve_and_horizons),
        ANSWER_TEST(the_strongest_reasons_come_first_each_with_what_it_is_about),
        ANSWER_TEST(contributions_are_told_by_group_and_by_feature),
        ANSWER_TEST(a_model_without_contributions_says_that_it_has_none),
        ANSWER_TEST(a_time_to_look_again_is_told),
        ANSWER_TEST(without_a_model_the_features_are_there_and_the_score_is_not),
        ANSWER_TEST(without_a_cart_there_is_no_risk_whatever_the_model),
        ANSWER_TEST(features_are_told_by_name_without_those_that_are_missing),
        ANSWER_TEST(picks_are_told_in_their_order_with_what_they_are_due_to),
        ANSWER_TEST(every_rule_is_told_with_its_outcome),
        ANSWER_TEST(an_outreach_is_told_whole),
        ANSWER_TEST(a_dry_run_has_no_id_and_an_anonymous_shopper_another_name),
        ANSWER_TEST(without_a_cart_there_is_no_round_and_no_message),
        ANSWER_TEST(why_has_all_it_was_computed_from),
    };
    return cmocka_run_group_tests_name("answers", tests, NULL, NULL);
}
