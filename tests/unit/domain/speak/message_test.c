/* What a shopper reads: words, numbers, escaping, and what is left out when it is unknown. */
#include "domain/speak/message.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "domain/shop/money.h"
#include "support/spec.h"

#include <jansson.h>

static char phone[] = "p1";
static char cable[] = "p2";
static char sleeve[] = "p3";
static char cart_id[] = "c1";

static struct cart_line lines[] = {
    {.product_id = phone,
     .quantity_milli = 1000,
     .price_minor = 79900,
     .currency = "EUR",
     .touched_us = 30},
    {.product_id = cable,
     .quantity_milli = 2000,
     .price_minor = 950,
     .currency = "EUR",
     .touched_us = 20},
    {.product_id = sleeve, .quantity_milli = 1000, .price_minor = MONEY_UNKNOWN, .touched_us = 10},
};
static const struct product products[] = {
    {.product_id = phone,
     .title = "Fjord X2 phone",
     .url = "https://shop.example/p1",
     .price_minor = 79900,
     .currency = "EUR",
     .stock = -1},
    {.product_id = cable,
     .brand = "Volta",
     .category = "electronics > cable",
     .price_minor = MONEY_UNKNOWN,
     .stock = -1},
    {.product_id = sleeve, .url = "javascript:alert(1)", .price_minor = MONEY_UNKNOWN, .stock = -1},
};
static const struct product headset = {.product_id = "h1",
                                       .title = "Aria \"Pro\"\nheadset",
                                       .price_minor = 12900,
                                       .currency = "EUR",
                                       .stock = 4};

static bool informal;
static const char *shop_name = "Nordlys";
static const char *outreach_id = "out_1";

/* The message for the first `count` lines, parsed; freed by the caller. */
static json_t *message_of(const char *locale, size_t count, const struct picks *picks,
                          const struct product *pick_products, const char *shop_url)
{
    struct cart cart = {.id = cart_id, .round = 1, .lines = lines, .line_count = count};
    struct buf out = buf_make(100000);

    message_compose(
        &(struct message_input){
            .cart = &cart,
            .line_products = products,
            .picks = picks,
            .pick_products = pick_products,
            .because_products = products,
            .reader = {.locale = locale, .shop_locale = "en", .informal = informal},
            .shop_name = shop_name,
            .shop_url = shop_url,
            .outreach_id = outreach_id,
            .expires_us = DAYS(1)},
        &out);
    json_error_t why;
    json_t *parsed = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, &why);
    if (parsed == NULL) {
        fail_msg("%s in %s", why.text, buf_text(&out));
    }
    buf_free(&out);
    return parsed;
}

/* The same with one pick, the headset, or none. */
static json_t *message(const char *locale, size_t count, const struct pick *pick,
                       const char *shop_url)
{
    struct picks picks = {.count = pick != NULL ? 1 : 0};

    if (pick != NULL) {
        picks.items[0] = *pick;
    }
    return message_of(locale, count, &picks, &headset, shop_url);
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static void the_text_names_what_has_a_name_and_what_all_of_it_costs(void **state)
{
    (void)state;
    json_t *m = message("en-GB", 2, NULL, "https://shop.example/");
    json_t *cable_card = json_array_get(json_object_get(m, "cards"), 1);

    /* "Volta cable" is what half a catalogue may be called */
    assert_text_contains(text_of(m, "text"), "Fjord X2 phone and 1 more product in your cart");
    assert_text_contains(text_of(m, "text"), "€818.00 in total");
    assert_true(json_is_null(json_object_get(cable_card, "title")));
    assert_int_equal(json_integer_value(json_object_get(cable_card, "quantity")), 2);
    assert_string_equal(text_of(m, "link"), "https://shop.example/cart?outreach=out_1");
    assert_string_equal(text_of(m, "expires_at"), "1970-01-02T00:00:00Z");
    json_decref(m);
}

/* Yen have no minor unit, dinars three digits of them. */
static void totals_have_the_digits_of_their_currency(void **state)
{
    static const struct {
        const char *currency;
        int64_t price_minor, quantity_milli;
        const char *said;
    } cases[] = {
        {"JPY", 1980, 2000,
         "(\xc2\xa5"
         "3,960 in total)"},
        {"JPY", 1980, 1000,
         "(\xc2\xa5"
         "1,980)"},
        {"KWD", 12345, 1000,
         "(KWD\xc2\xa0"
         "12.345)"},
    };
    const struct cart_line euros = lines[0];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        lines[0].price_minor = cases[i].price_minor;
        lines[0].quantity_milli = cases[i].quantity_milli;
        memcpy(lines[0].currency, cases[i].currency, sizeof lines[0].currency);
        json_t *m = message("en", 1, NULL, "https://shop.example");
        assert_text_contains(text_of(m, "text"), cases[i].said);
        json_decref(m);
    }
    lines[0] = euros;
}

static void a_cart_with_an_unknown_price_names_no_total(void **state)
{
    (void)state;
    json_t *m = message("en", 3, NULL, "https://shop.example");

    assert_text_contains(text_of(m, "text"), "Fjord X2 phone and 2 more products");
    assert_null(strchr(text_of(m, "text"), '('));
    assert_null(json_object_get(json_array_get(json_object_get(m, "cards"), 2), "price"));
    json_decref(m);
}

static void a_pick_says_why_it_is_shown(void **state)
{
    (void)state;
    struct pick pick = {.product_id = "h1",
                        .source = PICK_SESSION,
                        .relation = RELATION_GOES_WITH,
                        .because = "p1"};
    json_t *m = message("de-AT", 1, &pick, "");
    json_t *card = json_array_get(json_object_get(m, "cards"), 1);

    assert_string_equal(text_of(card, "kind"), "recommendation");
    assert_string_equal(text_of(card, "source"), "session");
    assert_string_equal(text_of(card, "reason"),
                        "von anderen zusammen mit Fjord X2 phone (in Ihrem Warenkorb) gewählt");
    assert_string_equal(text_of(m, "locale"), "de-AT");
    json_decref(m);
}

/* What is said is what was found of the two products; "others chose this together" is said of nothing else. */
static void a_reason_says_what_the_relation_is_and_no_more(void **state)
{
    static const struct {
        enum pick_relation relation;
        const char *because;
        const char *words;
    } reasons[] = {
        {RELATION_GOES_WITH, "x", "others chose this together with Kettle"},
        {RELATION_NEXT, "x", "others looked at this after Kettle"},
        {RELATION_VIEWED, NULL, "you looked at this"},
        {RELATION_SIMILAR, "x", "from the same category as Kettle"},
        {RELATION_ALTERNATIVE, "x", "an alternative to Kettle (in your cart)"},
        {RELATION_POPULAR_IN, "Home > Kitchen", "popular in Kitchen"},
        {RELATION_POPULAR, NULL, "popular right now"},
        {RELATION_TASTE, NULL, "based on what you looked at"},
        {RELATION_NONE, NULL, "from our range"},
    };
    const struct product kettle = {.product_id = "x", .title = "Kettle"};
    const struct product nameless = {.product_id = "x"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(reasons); i++) {
        const struct message_reader reader = {.locale = "en", .shop_locale = "en"};
        const struct pick pick = {.product_id = "h1",
                                  .source = PICK_SESSION,
                                  .relation = reasons[i].relation,
                                  .because = reasons[i].because,
                                  .tie = TIE_VIEWED};
        CLEANUP(buf_free) struct buf out = buf_make(1000);
        CLEANUP(buf_free) struct buf without = buf_make(1000);
        message_pick_reason(&reader, &pick, &kettle, &out);
        assert_string_equal(buf_text(&out), reasons[i].words);
        message_pick_reason(&reader, &pick, &nameless, &without);
        assert_string_equal(buf_text(&without), pick_relation_is_to_product(pick.relation)
                                                    ? "based on what you looked at"
                                                    : reasons[i].words);
    }
}

/* The text alone is what a chatbot shows: what has nothing to do with the cart is not passed off as if it had. */
static void the_text_calls_a_pick_popular_where_it_is_no_more_than_that(void **state)
{
    (void)state;
    struct pick pick = {.product_id = "h1", .source = PICK_POPULAR, .relation = RELATION_POPULAR};
    json_t *m = message("en", 1, &pick, "");
    assert_text_contains(text_of(m, "text"), "Popular right now: Aria \"Pro\" headset.");
    assert_null(strstr(text_of(m, "text"), "might also like"));
    json_decref(m);
    pick.relation = RELATION_TASTE;
    m = message("en", 1, &pick, "");
    assert_null(strstr(text_of(m, "text"), "opular"));
    json_decref(m);
}

static void some_picks_are_popular_and_some_fit(void **state)
{
    static const struct product picked[] = {{.product_id = "a", .title = "Cup"},
                                            {.product_id = "b", .title = "Kettle"},
                                            {.product_id = "c", .title = "Lamp"}};
    static const struct {
        enum pick_relation of[3];
        const char *words;
    } cases[] = {
        {{RELATION_POPULAR, RELATION_POPULAR, RELATION_POPULAR},
         ". Popular right now: Cup, Kettle, and Lamp."},
        {{RELATION_SIMILAR, RELATION_POPULAR, RELATION_TASTE},
         ". You might also like Cup and Lamp. Popular right now: Kettle."},
        {{RELATION_ALTERNATIVE, RELATION_POPULAR, RELATION_TASTE},
         ". You might also like Lamp. Popular right now: Kettle. As an alternative to Fjord X2 phone: Cup."},
        {{RELATION_SIMILAR, RELATION_NEXT, RELATION_TASTE}, "Cup, Kettle, and Lamp."},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct picks picks = {.count = 3};
        for (int k = 0; k < 3; k++) {
            picks.items[k] =
                (struct pick){.product_id = picked[k].product_id, .relation = cases[i].of[k]};
        }
        json_t *m = message_of("en", 1, &picks, picked, "");
        assert_text_contains(text_of(m, "text"), cases[i].words);
        json_decref(m);
    }
}

/* Neither in the text nor among the cards is what would replace the cart passed off as an addition. */
static void alternatives_come_last_and_are_called_so(void **state)
{
    static const struct product picked[] = {{.product_id = "a", .title = "Cup"},
                                            {.product_id = "b", .title = "Kettle"}};
    struct picks picks = {
        .count = 2,
        .items = {{.product_id = "a", .relation = RELATION_ALTERNATIVE, .because = "p1"},
                  {.product_id = "b", .relation = RELATION_TASTE}}};
    (void)state;
    json_t *m = message_of("en", 1, &picks, picked, "");
    json_t *cards = json_object_get(m, "cards");
    assert_string_equal(text_of(json_array_get(cards, 1), "title"), "Kettle");
    assert_string_equal(text_of(json_array_get(cards, 2), "title"), "Cup");
    assert_string_equal(text_of(json_array_get(cards, 2), "reason"),
                        "an alternative to Fjord X2 phone (in your cart)");
    json_decref(m);
}

static void titles_stay_on_one_line_and_survive_quotes(void **state)
{
    (void)state;
    struct pick pick = {.product_id = "h1", .source = PICK_POPULAR, .relation = RELATION_POPULAR};
    json_t *m = message("en", 1, &pick, "");
    json_t *card = json_array_get(json_object_get(m, "cards"), 1);

    assert_string_equal(text_of(card, "title"), "Aria \"Pro\" headset");
    assert_string_equal(text_of(card, "reason"), "popular right now");
    json_decref(m);
}

static void only_web_addresses_are_linked(void **state)
{
    (void)state;
    json_t *m = message("en", 3, NULL, "ftp://shop.example");

    assert_null(json_object_get(m, "link"));
    assert_null(json_object_get(json_array_get(json_object_get(m, "cards"), 2), "url"));
    json_decref(m);
}

static void the_locale_is_a_tag_and_that_of_the_words(void **state)
{
    static const struct {
        const char *shoppers, *written;
        const char *words;
    } locales[] = {
        {"tlh", "en", "You left"},
        {"de_CH.UTF-8", "de-CH", "In Ihrem Warenkorb"},
        {"pt", "pt", "Você"}, /* CLDR: Portuguese is Brazil's where nothing is said */
        {"pt_BR", "pt-BR", "Você"},
        {"pt-PT", "pt-PT", "Ainda tem"},
        {"pt-AO", "pt-AO", "Ainda tem"},
        {"den", "en", "You left"}, /* Slavey, not German */
        {"../de", "en", "You left"},
        {NULL, "en", "You left"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(locales); i++) {
        json_t *m = message(locales[i].shoppers, 1, NULL, "");
        assert_string_equal(text_of(m, "locale"), locales[i].written);
        assert_text_contains(text_of(m, "text"), locales[i].words);
        json_decref(m);
    }
}

static void a_shop_without_a_name_is_ours_in_every_language(void **state)
{
    (void)state;
    shop_name = "";
    json_t *en = message("en", 1, NULL, "");
    json_t *de = message("de", 1, NULL, "");

    assert_text_contains(text_of(en, "disclosure"), "at our shop");
    assert_text_contains(text_of(de, "disclosure"), "in unserem Shop");
    shop_name = "Nordlys";
    json_decref(en);
    json_decref(de);
}

static void a_message_that_is_not_stored_links_to_no_outreach(void **state)
{
    (void)state;
    outreach_id = NULL;
    json_t *m = message("en", 1, NULL, "https://shop.example");

    assert_string_equal(text_of(m, "link"), "https://shop.example/cart");
    outreach_id = "out_1";
    json_decref(m);
}

static void an_address_is_linked_to_only_where_it_has_scheme_and_host(void **state)
{
    (void)state;
    assert_true(message_url_safe("https://shop.example"));
    assert_true(message_url_safe("http://localhost:8080/shop"));
    assert_false(message_url_safe(NULL));
    assert_false(message_url_safe(""));
    assert_false(message_url_safe("shop.example"));
    assert_false(message_url_safe("ftp://shop.example"));
    assert_false(message_url_safe("https://"));
    assert_false(message_url_safe("https:///cart"));
    assert_false(message_url_safe("https://?q"));
    assert_false(message_url_safe("https://shop.example/a b"));
    assert_false(message_url_safe("https://shop.example/\"onclick"));
}

static void check_filled(const char *locale, size_t count, const struct pick *pick)
{
    json_t *m = message(locale, count, pick, "https://shop.example");
    char *dump = json_dumps(json_object_get(m, "cards"), 0);
    assert_null(strchr(text_of(m, "text"), '{'));
    assert_null(strchr(text_of(m, "disclosure"), '{'));
    assert_text_contains(text_of(m, "disclosure"), "Nordlys");
    assert_null(strstr(dump, "{because}"));
    free(dump);
    json_decref(m);
}

static void every_language_fills_every_template(void **state)
{
    (void)state;
    const char *const locales[] = {"en", "de", "fr", "es", "it", "nl", "pl", "pt-BR", "pt-PT"};
    enum { RELATIONS = RELATION_GOES_WITH + 1 };
    const enum pick_tie ties[] = {TIE_NONE, TIE_CART, TIE_BOUGHT, TIE_VIEWED};

    for (size_t i = 0; i < 2 * COUNT_OF(locales); i++) {
        informal = i >= COUNT_OF(locales);
        for (size_t s = 0; s < RELATIONS * COUNT_OF(ties); s++) {
            struct pick pick = {.product_id = "h1",
                                .relation = (enum pick_relation)(s % RELATIONS),
                                .because = "p1",
                                .tie = ties[s / RELATIONS]};
            check_filled(locales[i % COUNT_OF(locales)], 1 + s % 3, &pick);
        }
    }
    informal = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_names_what_has_a_name_and_what_all_of_it_costs),
        cmocka_unit_test(totals_have_the_digits_of_their_currency),
        cmocka_unit_test(a_cart_with_an_unknown_price_names_no_total),
        cmocka_unit_test(a_pick_says_why_it_is_shown),
        cmocka_unit_test(a_reason_says_what_the_relation_is_and_no_more),
        cmocka_unit_test(the_text_calls_a_pick_popular_where_it_is_no_more_than_that),
        cmocka_unit_test(some_picks_are_popular_and_some_fit),
        cmocka_unit_test(alternatives_come_last_and_are_called_so),
        cmocka_unit_test(titles_stay_on_one_line_and_survive_quotes),
        cmocka_unit_test(only_web_addresses_are_linked),
        cmocka_unit_test(the_locale_is_a_tag_and_that_of_the_words),
        cmocka_unit_test(a_shop_without_a_name_is_ours_in_every_language),
        cmocka_unit_test(a_message_that_is_not_stored_links_to_no_outreach),
        cmocka_unit_test(an_address_is_linked_to_only_where_it_has_scheme_and_host),
        cmocka_unit_test(every_language_fills_every_template),
    };
    return cmocka_run_group_tests_name("messages", tests, NULL, NULL);
}
