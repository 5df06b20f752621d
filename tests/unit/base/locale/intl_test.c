/* ICU behind its face: tags, numbers, lists, plurals, and formatters that are lent to threads. */
#include "base/locale/intl.h"

#include "base/cleanup.h"
#include "support/spec.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define NBSP        "\u00a0"
#define NARROW_NBSP "\u202f"

static void a_locale_is_known_however_it_is_written(void **state)
{
    static const struct {
        const char *locale;
        const char *tag; /* NULL: none */
    } locales[] = {
        {"de", "de"},
        {"de-AT", "de-AT"},
        {"de_AT", "de-AT"},
        {"DE_at", "de-AT"},
        {"de_DE.UTF-8", "de-DE"},
        {"de_DE@currency=EUR", "de-DE"},
        {"iw-IL", "he-IL"},
        {"zh-hans-cn", "zh-Hans-CN"},
        {"en-US-u-hc-h12", "en-US"}, /* as browsers add */
        {"de-DE-1996", "de-DE"},     /* no spelling of ours */
        {"klingon", "klingon"},      /* well formed, if spoken by nobody */
        {"", NULL},
        {NULL, NULL},
        {"x", NULL},
        {"e n", NULL},
        {"../../etc", NULL},
        {"C", NULL},
        {"de-AT-a-very-long-tail-that-is-no-locale-at-all", NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(locales); i++) {
        char tag[INTL_TAG_MAX];
        assert_int_equal(intl_tag(locales[i].locale, tag), locales[i].tag != NULL);
        assert_string_equal(tag, locales[i].tag != NULL ? locales[i].tag : "");
    }
    assert_true(intl_is_tag("pt-BR"));
    assert_false(intl_is_tag("pt_BR"));
    assert_false(intl_is_tag("pt-BR-"));
    assert_false(intl_is_tag(""));
}

static void check_written(const char *tag, const char *expected,
                          void write(struct intl *intl, struct buf *out))
{
    CLEANUP(intl_give) struct intl *intl = intl_take(tag);
    CLEANUP(buf_free) struct buf out = buf_make(1000);

    write(intl, &out);
    assert_string_equal(buf_text(&out), expected);
}

static void write_third(struct intl *intl, struct buf *out)
{
    intl_number(intl, "1234567.350", out);
}

static void write_share(struct intl *intl, struct buf *out)
{
    intl_percent(intl, 0.126, out);
}

static void write_money(struct intl *intl, struct buf *out)
{
    intl_money(intl, "-0.5", "EUR", 2, out);
}

static void numbers_are_written_as_in_the_locale(void **state)
{
    (void)state;
    check_written("en-US", "1,234,567.35", write_third);
    check_written("de-DE", "1.234.567,35", write_third);
    check_written("en-IN", "12,34,567.35", write_third);
    check_written("fr-FR", "1" NARROW_NBSP "234" NARROW_NBSP "567,35", write_third);
    check_written("de", "13" NBSP "%", write_share);
    check_written("en", "13%", write_share);
    check_written("pl", "-0,50" NBSP "€", write_money);
}

/* Whatever the environment says: an unknown language is written as English. */
static void what_nobody_speaks_is_written_as_english(void **state)
{
    (void)state;
    check_written("klingon", "1,234,567.35", write_third);
    check_written("no locale", "1,234,567.35", write_third);
}

static void write_list(struct intl *intl, struct buf *out)
{
    intl_list(intl, (const char *const[]){"pan", "jamón", "iglú"}, 3, out);
}

static void write_pair(struct intl *intl, struct buf *out)
{
    intl_list(intl, (const char *const[]){"a", "b"}, 2, out);
}

static void write_one(struct intl *intl, struct buf *out)
{
    intl_list(intl, (const char *const[]){"a"}, 1, out);
}

static void lists_are_joined_as_in_the_locale(void **state)
{
    (void)state;
    check_written("de", "pan, jamón und iglú", write_list);
    check_written("en-US", "pan, jamón, and iglú", write_list);
    check_written("en-GB", "pan, jamón and iglú", write_list);
    check_written("es", "pan, jamón e iglú", write_list);
    check_written("es", "a y b", write_pair);
    check_written("pl", "a i b", write_pair);
    check_written("nl", "a", write_one);
}

static void plurals_have_the_forms_of_the_language(void **state)
{
    static const struct {
        const char *tag;
        double number;
        const char *category;
    } plurals[] = {
        {"en", 1, "one"},  {"en", 0, "other"}, {"fr", 0, "one"},    {"pl", 1, "one"},
        {"pl", 2, "few"},  {"pl", 5, "many"},  {"pl", 22, "few"},   {"pl", 1.5, "other"},
        {"ar", 0, "zero"}, {"ja", 1, "other"}, {"pt-BR", 1, "one"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(plurals); i++) {
        CLEANUP(intl_give) struct intl *intl = intl_take(plurals[i].tag);
        char category[INTL_CATEGORY_MAX];
        intl_plural(intl, plurals[i].number, category);
        assert_string_equal(category, plurals[i].category);
    }
}

static void texts_are_looked_at_as_people_do(void **state)
{
    (void)state;
    assert_false(intl_runs_left(""));
    assert_false(intl_runs_left("Crème brûlée 漢字 😀 12"));
    assert_true(intl_runs_left("Cup חולצה"));
    assert_true(intl_runs_left("قميص"));
    assert_false(intl_runs_left("\xD7")); /* a sequence that is cut off */
    assert_true(intl_same("TASCHE", "Tasche"));
    assert_true(intl_same("ΣΊΣΥΦΟΣ", "σίσυφος"));
    assert_false(intl_same("Tasche", "Taschen"));
    struct buf folded = buf_make(100);
    intl_fold("\uff33TOP \ufb01 e\u0301\ufe0f \u0130", &folded);
    assert_string_equal(buf_text(&folded), "stop fi \u00e9 i\u0307");
    buf_reset(&folded);
    intl_fold("", &folded);
    assert_string_equal(buf_text(&folded), "");
    buf_free(&folded);
    assert_int_equal(intl_currency_digits("JPY"), 0);
    assert_int_equal(intl_currency_digits("EUR"), 2);
}

static void accents_that_people_leave_out_do_not_count_and_those_that_make_words_do(void **state)
{
    static const char *const texts[][2] = {
        {"ARRÊTEZ", "arretez"},
        {"arre\u0302tez", "arretez"},
        {"İptal", "iptal"},
        {"ılık", "ilik"},
        {"ΔΙΑΓΡΑΦΉΣ", "διαγραφησ"},
        {"łódź", "lodz"},
        {"Øl", "ol"},
        {"Straße", "strasse"},
        {"ストップ", "ストップ"},
        {"수신거부", "수신거부"},
        {"रुकें", "रुकें"},
        {"הפסק", "הפסק"},
        {"", ""},
    };
    (void)state;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        CLEANUP(buf_free) struct buf bare = buf_make(100);
        intl_bare(texts[i][0], &bare);
        assert_string_equal(buf_text(&bare), texts[i][1]);
    }
}

/* ---- lending ---- */

static void formatters_are_kept_and_lent_again(void **state)
{
    (void)state;
    struct intl *first = intl_take("sv-SE");
    struct intl *second = intl_take("sv-SE");
    struct intl *same = first;

    assert_ptr_not_equal(first, second); /* never to two at once */
    intl_give(&first);
    assert_null(first);
    first = intl_take("sv_SE");
    assert_ptr_equal(first, same);
    intl_give(&first);
    intl_give(&second);
    intl_give(&second); /* nothing */
}

static void more_currencies_than_are_kept_are_all_written_right(void **state)
{
    static const char *const currencies[] = {"EUR", "USD", "GBP", "JPY", "PLN", "CHF", "SEK"};
    CLEANUP(intl_give) struct intl *intl = intl_take("en");
    (void)state;
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < COUNT_OF(currencies); i++) {
            CLEANUP(buf_free) struct buf two = buf_make(100);
            CLEANUP(buf_free) struct buf none = buf_make(100);
            intl_money(intl, "7.00", currencies[i], 2, &two);
            intl_money(intl, "7.00", currencies[i], 0, &none);
            assert_text_contains(buf_text(&two), "7.00");
            assert_null(strchr(buf_text(&none), '.'));
        }
    }
}

enum { THREADS = 4, ROUNDS = 300, LOCALES = 100 };

/* More locales than are kept, so that some are closed meanwhile. */
static void *write_on_a_thread(void *number)
{
    static const char *const languages[] = {"de", "fr", "pl", "es", "en"};
    long wrong = 0;

    for (int i = 0; i < ROUNDS; i++) {
        const int n = (i * 7 + *(const int *)number) % LOCALES;
        char tag[INTL_TAG_MAX];
        (void)snprintf(tag, sizeof tag, "%s-%c%c", languages[n % 5], 'A' + n / 26, 'A' + n % 26);
        CLEANUP(intl_give) struct intl *intl = intl_take(tag);
        CLEANUP(buf_free) struct buf out = buf_make(100);
        intl_number(intl, "7", &out);
        wrong += strcmp(buf_text(&out), "7") != 0;
    }
    return wrong == 0 ? NULL : number;
}

static void threads_share_them_without_meeting(void **state)
{
    pthread_t threads[THREADS];
    int numbers[THREADS];
    (void)state;
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, write_on_a_thread, &numbers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *wrong;
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
}

/* Of any length, also as long as the room that ICU is given for a part: it then ends the part without an end. */
static void what_is_too_long_for_a_language_is_no_tag(void **state)
{
    char locale[INTL_TAG_MAX + 1] = "";
    char tag[INTL_TAG_MAX];
    (void)state;
    for (size_t len = 9; len < INTL_TAG_MAX; len++) {
        memset(locale, 'p', len);
        locale[len] = '\0';
        assert_false(intl_tag(locale, tag));
        assert_string_equal(tag, "");
        memcpy(locale, "de_", 3); /* a variant of that length, or no tag at all */
        assert_true(!intl_tag(locale, tag) || strcmp(tag, "de") == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_too_long_for_a_language_is_no_tag),
        cmocka_unit_test(a_locale_is_known_however_it_is_written),
        cmocka_unit_test(numbers_are_written_as_in_the_locale),
        cmocka_unit_test(what_nobody_speaks_is_written_as_english),
        cmocka_unit_test(lists_are_joined_as_in_the_locale),
        cmocka_unit_test(plurals_have_the_forms_of_the_language),
        cmocka_unit_test(texts_are_looked_at_as_people_do),
        cmocka_unit_test(accents_that_people_leave_out_do_not_count_and_those_that_make_words_do),
        cmocka_unit_test(formatters_are_kept_and_lent_again),
        cmocka_unit_test(more_currencies_than_are_kept_are_all_written_right),
        cmocka_unit_test(threads_share_them_without_meeting),
    };
    /* another decimal sign and other words, if anybody looked */
    (void)setenv("LANG", "de_DE.UTF-8", 1);
    (void)setenv("LC_ALL", "de_DE.UTF-8", 1);
    return cmocka_run_group_tests_name("locales", tests, NULL, NULL);
}
