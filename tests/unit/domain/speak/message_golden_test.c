/* Messages as shoppers read them, in every language: golden/messages/LANGUAGE.txt holds what was read and found right. Where a
 * message is to change, CARTWRIGHT_GOLDEN=FOLDER writes what it is now into FOLDER, for a person to read and compare. */
#include "domain/speak/message.h"

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "domain/shop/money.h"
#include "support/spec.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

enum { LINES = 4, PICKS = 3, FILE_MAX = 40000 };

static char ids[LINES][4] = {"p1", "p2", "p3", "p4"};

/* What a case changes of a cart of four products at 49.90, 19.95, 7.00 and 1,234.00, the first touched last. */
static const struct scene {
    const char *name;
    size_t lines, picks;
    const char *titles[LINES]; /* NULL: the usual one; "": none */
    int64_t quantities[LINES]; /* thousandths; 0: one */
    int64_t prices[LINES];     /* of the catalogue; 0: the cart's */
    bool gone[LINES];
    int64_t stock;                /* of what is not gone; 0: nobody counts */
    bool given;                   /* the first for nothing */
    int64_t card;                 /* what an adjustment takes off */
    const char *currency;         /* of the second line */
    enum pick_relation of[PICKS]; /* none: chosen together */
} scenes[] = {
    {.name = "one", .lines = 1},
    {.name = "two", .lines = 2, .picks = 1},
    {.name = "three", .lines = 3, .picks = 2},
    {.name = "four", .lines = 4, .picks = 3},
    {.name = "no titles", .lines = 2, .picks = 1, .titles = {"", "", "", ""}},
    {.name = "some titles", .lines = 3, .titles = {NULL, "", ""}},
    {.name = "one name twice", .lines = 3, .titles = {NULL, "Iglo", "IGLO"}},
    {.name = "two pieces", .lines = 1, .quantities = {2000}},
    {.name = "pieces of two", .lines = 2, .quantities = {2000, 12000}},
    {.name = "weighed", .lines = 1, .quantities = {350}},
    {.name = "gift card", .lines = 2, .card = 2000},
    {.name = "coupon", .lines = 1, .card = 500},
    {.name = "coupon and one sold out", .lines = 2, .card = 500, .gone = {false, true}},
    {.name = "coupon and dearer", .lines = 1, .card = 500, .prices = {5990}},
    {.name = "one popular", .lines = 1, .picks = 1, .of = {RELATION_POPULAR}},
    {.name = "all popular",
     .lines = 1,
     .picks = 3,
     .of = {RELATION_POPULAR, RELATION_POPULAR, RELATION_POPULAR}},
    {.name = "two popular",
     .lines = 1,
     .picks = 3,
     .of = {RELATION_POPULAR, RELATION_TASTE, RELATION_POPULAR}},
    {.name = "an alternative",
     .lines = 1,
     .picks = 3,
     .of = {RELATION_ALTERNATIVE, RELATION_SIMILAR, RELATION_NEXT}},
    {.name = "two alternatives",
     .lines = 2,
     .picks = 2,
     .of = {RELATION_ALTERNATIVE, RELATION_ALTERNATIVE}},
    {.name = "one sold out", .lines = 2, .gone = {false, true}},
    {.name = "one of them left", .lines = 3, .gone = {true, false, true}},
    {.name = "nameless sold out", .lines = 2, .titles = {NULL, ""}, .gone = {false, true}},
    {.name = "two nameless sold out",
     .lines = 3,
     .titles = {NULL, "", ""},
     .gone = {false, true, true}},
    {.name = "dearer", .lines = 1, .prices = {5990}},
    {.name = "one cheaper", .lines = 2, .prices = {0, 1500}},
    {.name = "mixed currencies", .lines = 2, .currency = "USD"},
    {.name = "fewer left", .lines = 2, .quantities = {3000}, .stock = 1},
    {.name = "fewer and dearer", .lines = 1, .quantities = {3000}, .prices = {5990}, .stock = 2},
    {.name = "a gift", .lines = 1, .given = true},
    {.name = "right to left", .lines = 2, .titles = {"חולצה (L)"}},
};

static const struct {
    const char *file;
    const char *locale;
    bool informal;
} readers[] = {
    {"en", "en-GB", false},         {"de", "de-DE", false},
    {"de-informal", "de-DE", true}, {"fr", "fr-FR", false},
    {"fr-informal", "fr-FR", true}, {"es", "es-ES", false},
    {"es-informal", "es-ES", true}, {"it", "it-IT", false},
    {"it-informal", "it-IT", true}, {"nl", "nl-NL", false},
    {"nl-informal", "nl-NL", true}, {"pl", "pl-PL", false},
    {"pl-informal", "pl-PL", true}, {"pt-BR", "pt-BR", false},
    {"pt-PT", "pt-PT", false},      {"pt-PT-informal", "pt-PT", true},
};

static const char *const usual_titles[LINES] = {"Kamera X2", "Iglo", "Tasche", "Schrank"};
static const char *const pick_titles[PICKS] = {"Sofa", "Regal", "Stehlampe"};
static const int64_t usual_prices[LINES] = {4990, 1995, 700, 123400};

static struct cart_line line_of(const struct scene *s, size_t i)
{
    struct cart_line line = {.product_id = ids[i],
                             .quantity_milli = s->quantities[i] != 0 ? s->quantities[i] : 1000,
                             .price_minor = usual_prices[i],
                             .currency = "EUR",
                             .touched_us = 100 - (int64_t)i};

    if (i == 0 && s->given) {
        line.price_minor = 0;
    }
    if (i == 1 && s->currency != NULL) {
        (void)snprintf(line.currency, sizeof line.currency, "%s", s->currency);
    }
    return line;
}

static struct product product_of(const struct scene *s, size_t i, const struct cart_line *line)
{
    const char *title = s->titles[i] != NULL ? s->titles[i] : usual_titles[i];
    struct product p = {.product_id = ids[i],
                        .title = title[0] != '\0' ? title : NULL,
                        .brand = "Volta",
                        .category = "toys > things",
                        .price_minor = s->prices[i] != 0 ? s->prices[i] : line->price_minor,
                        .priced_us = HOURS(1),
                        .price_before = MONEY_UNKNOWN,
                        .stock = s->gone[i]      ? 0
                                 : s->stock != 0 ? s->stock
                                                 : -1};

    memcpy(p.currency, line->currency, sizeof p.currency);
    return p;
}

static json_t *message_of(const struct scene *s, const char *locale, bool informal)
{
    struct cart_line lines[LINES];
    struct product products[LINES];
    struct product pick_products[PICKS];
    struct picks picks = {.count = (int)s->picks};
    CLEANUP(buf_free) struct buf out = buf_make(100000);

    for (size_t i = 0; i < LINES; i++) {
        lines[i] = line_of(s, i);
        products[i] = product_of(s, i, &lines[i]);
    }
    for (size_t i = 0; i < PICKS; i++) {
        static const enum pick_tie ties[PICKS] = {TIE_CART, TIE_BOUGHT, TIE_VIEWED};
        pick_products[i] = (struct product){.product_id = "q",
                                            .title = s->titles[0] == NULL ? pick_titles[i] : NULL,
                                            .stock = 3,
                                            .price_minor = MONEY_UNKNOWN};
        picks.items[i] =
            (struct pick){.product_id = "q",
                          .source = PICK_SESSION,
                          .relation = s->of[i] != RELATION_NONE ? s->of[i] : RELATION_GOES_WITH,
                          .because = i == 0 ? ids[0] : "elsewhere",
                          .tie = ties[i]};
    }
    struct cart_line card = {
        .product_id = ids[0], .quantity_milli = 1000, .price_minor = s->card, .currency = "EUR"};
    const struct cart cart = {.round = 1,
                              .lines = lines,
                              .line_count = s->lines,
                              .adjustments = &card,
                              .adjustment_count = s->card > 0};
    message_compose(&(struct message_input){.cart = &cart,
                                            .line_products = products,
                                            .picks = &picks,
                                            .pick_products = pick_products,
                                            .because_products = products,
                                            .reader = {locale, "en", informal},
                                            .shop_name = s->lines == 1 ? "" : "Nordlys",
                                            .shop_url = "https://shop.example",
                                            .expires_us = DAYS(1)},
                    &out);
    json_t *m = json_loads(buf_text(&out), JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(m);
    return m;
}

static void add_member(struct buf *out, const char *label, const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    if (text != NULL) {
        buf_printf(out, "  %s: %s\n", label, text);
    }
}

/* A message as text: what is said, and once a file what is said in every message. */
static void add_message(struct buf *out, const struct scene *s, const json_t *m)
{
    const json_t *item;
    size_t i;

    buf_printf(out, "%s\n", s->name);
    add_member(out, "text", m, "text");
    json_array_foreach (json_object_get(m, "cards"), i, item) {
        add_member(out, "note", item, "note");
        add_member(out, "reason", item, "reason");
    }
    if (s == &scenes[0] || s == &scenes[1]) {
        add_member(out, "disclosure", m, "disclosure");
    }
    json_array_foreach (json_object_get(m, "buttons"), i, item) {
        if (s == &scenes[0]) {
            add_member(out, "button", item, "label");
        }
    }
}

static void read_golden(const char *file, char text[FILE_MAX])
{
    struct arena a = {0};
    const char *root = getenv("CARTWRIGHT_SOURCE");
    CLEANUP(file_close)
    FILE *in = fopen(
        arena_printf(&a, "%s/tests/golden/messages/%s.txt", root != NULL ? root : ".", file), "re");

    memset(text, 0, FILE_MAX);
    if (in != NULL) {
        (void)fread(text, 1, FILE_MAX - 1, in);
    }
    arena_free(&a);
}

static void write_golden(const char *folder, const char *file, const char *text)
{
    struct arena a = {0};
    FILE *out = fopen(arena_printf(&a, "%s/%s.txt", folder, file), "we");

    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
    arena_free(&a);
}

/* The first line that differs is shown. */
static void check_same(const char *file, const char *now, const char *golden)
{
    size_t at = 0;
    size_t line = 0;

    if (strcmp(now, golden) == 0) {
        return;
    }
    for (size_t i = 0; now[i] != '\0' && now[i] == golden[i]; i++) {
        line += now[i] == '\n';
        at = now[i] == '\n' ? i + 1 : at;
    }
    fail_msg("%s.txt:%zu is\n%.*s\nand should be\n%.*s", file, line + 1,
             (int)strcspn(now + at, "\n"), now + at, (int)strcspn(golden + at, "\n"), golden + at);
}

static void every_message_reads_as_it_was_found_right(void **state)
{
    static char golden[FILE_MAX];
    const char *folder = getenv("CARTWRIGHT_GOLDEN");
    (void)state;
    for (size_t r = 0; r < COUNT_OF(readers); r++) {
        CLEANUP(buf_free) struct buf now = buf_make(FILE_MAX);
        for (size_t s = 0; s < COUNT_OF(scenes); s++) {
            json_t *m = message_of(&scenes[s], readers[r].locale, readers[r].informal);
            add_message(&now, &scenes[s], m);
            json_decref(m);
        }
        assert_true(buf_ok(&now));
        if (folder != NULL) {
            write_golden(folder, readers[r].file, buf_text(&now));
            continue;
        }
        read_golden(readers[r].file, golden);
        check_same(readers[r].file, buf_text(&now), golden);
    }
}

static void check_fit(const char *text)
{
    static const char *const never[] = {"p1", "p2", "Volta", "things", "{",
                                        "}",  "  ", "( ",    "plural"};

    for (size_t n = 0; n < COUNT_OF(never); n++) {
        if (strstr(text, never[n]) != NULL) {
            fail_msg("\"%s\" in: %s", never[n], text);
        }
    }
}

/* Whatever the language: no id, no brand with a category, no slot left over. */
static void no_message_shows_what_no_shop_would_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(readers) * COUNT_OF(scenes); i++) {
        json_t *m = message_of(&scenes[i % COUNT_OF(scenes)], readers[i / COUNT_OF(scenes)].locale,
                               readers[i / COUNT_OF(scenes)].informal);
        check_fit(json_string_value(json_object_get(m, "text")));
        json_decref(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_reads_as_it_was_found_right),
        cmocka_unit_test(no_message_shows_what_no_shop_would_say),
    };
    return cmocka_run_group_tests_name("messages in every language", tests, NULL, NULL);
}
