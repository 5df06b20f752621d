/* Who wants no messages any more, in whatever way they write it, and who wants something else. */
#include "domain/shop/opt_out.h"

#include "domain/speak/language.h"
#include "support/spec.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *text;
    bool opt_out;
} messages[] = {
    {"STOP", true},
    {"stop", true},
    {"  Stop.\n", true},
    {"\"Stop!!!\"", true},
    {"\xe2\x80\x9eStopp\xe2\x80\x9c", true},
    {"stop \xf0\x9f\x9b\x91\xef\xb8\x8f", true},
    {"Please, STOP", true},
    {"Don't contact me!", true},
    {"don\xe2\x80\x99t contact me", true},
    {"opt-out", true},
    {"ARR\xc3\x8aT", true},
    {"\xc2\xa1"
     "Basta!",
     true},
    {"Aufh\xc3\xb6"
     "ren",
     true},
    {"AUFH\xc3\x96REN!", true},
    {"\xd0\xa1\xd0\xa2\xd0\x9e\xd0\x9f", true}, /* Cyrillic, in capitals */
    {"\xe5\x81\x9c\xe6\xad\xa2\xe3\x80\x82", true},
    {"Stop. Thank you", true},
    {"thanks, please STOP now", true},
    {"stop stop stop", true},
    {"No more messages, please. No more messages, please.", true},
    {"STOP\n\nSent from my iPhone", true},
    {"Abmelden bitte\r\n-- \r\nDr. Anna Muster, Musterstra\xc3\x9f"
     "e 5, a very long address that is nobody's wish",
     true},
    {"\xef\xbc\xb3\xef\xbc\xb4\xef\xbc\xaf\xef\xbc\xb0", true}, /* full width */
    {"STOP SVP", true},
    {"arr\xc3\xaatez svp", true},
    {"arre\xcc\x82tez, s'il vous pla\xc3\xaet", true}, /* a letter and its accent apart */
    {"unsubscribe me please", true},
    {"please stop sending me messages", true},
    {"no quiero m\xc3\xa1s mensajes, gracias", true},
    {"\xc4\xb0PTAL", true}, /* Turkish capitals */
    {"\xce\x94\xce\x99\xce\x91\xce\x93\xce\xa1\xce\x91\xce\xa6\xce\x97",
     true}, /* Greek ones, without accent */
    {"arretez svp", true},
    {"D\xc3\xa9sabonnement !", true},
    {"H\xc3\xb6ren Sie auf, mir zu schreiben!", true},
    {"Lassen Sie mich in Ruhe", true},
    {"remove me from your list", true},
    {"Please stop writing", true},
    {"please", false},
    {"thank you", false},
    {"no, thanks", false},
    {"Sent from my iPhone", false},
    {"please stop the delivery", false},
    {"hello\nSent from my iPhone: stop", false},
    {"", false},
    {"!!!", false},
    {"stopwatch", false},
    {"Stop, which size is this?", false},
    {"When does the sale stop?", false},
    {"please cancel my order 17", false},
    {"don't stop", false},
    {"s t o p", false},
    {"endless", false},
    {"hello", false},
};

static void a_message_that_says_nothing_else_is_an_opt_out(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(messages); i++) {
        if (opt_out_says(messages[i].text) != messages[i].opt_out) {
            fail_msg("\"%s\"", messages[i].text);
        }
    }
}

/* Every row is one that can match: folded already, and not too long. */
static void every_word_of_the_table_is_recognized(void **state)
{
    static const char *const words[] = {
#define POLITE(language, words)
#define SIGNATURE(words)
#define MAY_BE_NO(language, words)
#define OPT_OUT(language, words) words,
#include "domain/shop/opt_out_table.inc"
#undef OPT_OUT
#undef POLITE
#undef SIGNATURE
#undef MAY_BE_NO
    };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (!opt_out_says(words[i])) {
            fail_msg("\"%s\" is never recognized", words[i]);
        }
    }
}

static void every_word_of_a_no_is_told_in_a_message_that_is_none(void **state)
{
    static const char *const words[] = {
#define POLITE(language, words)
#define SIGNATURE(words)
#define OPT_OUT(language, words)
#define MAY_BE_NO(language, words) words,
#include "domain/shop/opt_out_table.inc"
#undef OPT_OUT
#undef POLITE
#undef SIGNATURE
#undef MAY_BE_NO
    };
    char text[200];
    (void)state;

    for (size_t i = 0; i < COUNT_OF(words); i++) {
        (void)snprintf(text, sizeof text, "Listen: %s, xyz!", words[i]);
        if (opt_out_says(text) || !opt_out_may_say(text)) {
            fail_msg("\"%s\"", text);
        }
    }
    assert_true(opt_out_may_say("H\xc3\xb6r auf mit dem Unsinn"));
    assert_false(opt_out_may_say("Which size is this?"));
    assert_false(opt_out_may_say("a stopwatch"));
}

/* Whoever types what the button says, or a bot that sends its label, means it. */
static void the_label_of_the_stop_button_is_one_in_every_language(void **state)
{
    static const char *const locales[] = {"en", "de",    "fr",    "es",   "it",
                                          "nl", "pl-PL", "pt-BR", "pt-PT"};
    (void)state;

    for (size_t i = 0; i < 2 * COUNT_OF(locales); i++) {
        struct speech speech;
        struct buf label = buf_make(200);
        speech_begin(&speech, locales[i / 2], "en", i % 2 != 0);
        speech_say(&speech, PHRASE_BUTTON_STOP, (const struct slot[]){{0}}, &label);
        if (!opt_out_says(buf_text(&label))) {
            fail_msg("\"%s\" is not taken for an opt-out", buf_text(&label));
        }
        speech_end(&speech);
        buf_free(&label);
    }
}

static void a_long_message_is_none(void **state)
{
    char text[4000];
    (void)state;

    memset(text, ' ', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    memcpy(text, "stop", 4);
    assert_false(opt_out_says(text));
    text[200] = '\0';
    assert_true(opt_out_says(text));
    assert_false(opt_out_says("\xff stop"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_that_says_nothing_else_is_an_opt_out),
        cmocka_unit_test(every_word_of_the_table_is_recognized),
        cmocka_unit_test(every_word_of_a_no_is_told_in_a_message_that_is_none),
        cmocka_unit_test(the_label_of_the_stop_button_is_one_in_every_language),
        cmocka_unit_test(a_long_message_is_none),
    };
    return cmocka_run_group_tests_name("opt-out words", tests, NULL, NULL);
}
