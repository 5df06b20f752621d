/* The one reader of command lines. What it prints is looked at through standard error, as a user would. */
#include "cli/options.h"

#include "base/clock.h"
#include "cli/cli.h"
#include "domain/risk/risk.h"
#include "support/spec.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct taken {
    const char *text, *first, *second;
    int64_t whole, at_us, lives_us, horizon_us;
    bool flag, given;
    struct call call;
    bool go_on;
    char said[2000];
};

static const char usage[] = "try WORDS";

/* Reads the line as the command `try`, with what it prints on standard error kept in said. */
static struct taken read_line(const char *const *line)
{
    struct taken t = {.call = {.command = "try", .usage = usage}};
    const struct option_row rows[] = {
        {.name = "text", .text = &t.text},
        {.name = "pair", .text = &t.first, .text_2 = &t.second},
        {.name = "whole", .whole = &t.whole, .min = -5, .max = 100, .given = &t.given},
        {.name = "at", .time_us = &t.at_us},
        {.name = "lives", .duration_us = &t.lives_us, .min = 1},
        OPTION_HORIZON(&t.horizon_us),
        {.name = "flag", .flag = &t.flag},
        {0},
    };
    static char words[16][64]; /* what is taken is borrowed from argv, and looked at by the test */
    char *argv[16] = {words[0]};
    int argc = 1;
    (void)snprintf(words[0], sizeof words[0], "try");
    for (; *line != NULL; line++) {
        (void)snprintf(words[argc], sizeof words[argc], "%s", *line);
        argv[argc] = words[argc];
        argc++;
    }
    FILE *said = tmpfile();
    int kept = dup(STDERR_FILENO);
    assert_non_null(said);
    assert_true(dup2(fileno(said), STDERR_FILENO) >= 0);
    t.go_on = call_read(&t.call, argc, argv, rows);
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    rewind(said);
    t.said[fread(t.said, 1, sizeof t.said - 1, said)] = '\0';
    (void)fclose(said);
    (void)close(kept);
    return t;
}
#define LINE(...) read_line((const char *const[]){__VA_ARGS__, NULL})

static void assert_refused(struct taken t, const char *why)
{
    assert_false(t.go_on);
    assert_int_equal(t.call.exit_code, EXIT_USAGE);
    assert_text_contains(t.said, why);
    assert_text_contains(t.said, "usage: cartwright try WORDS");
}

static void an_option_takes_its_value_behind_a_blank_or_an_equals_sign(void **state)
{
    (void)state;
    struct taken t = LINE("--text", "a=b", "--whole=7");
    assert_true(t.go_on);
    assert_string_equal(t.text, "a=b");
    assert_true(t.whole == 7);
    assert_true(t.given);
    assert_string_equal(LINE("--text=").text, "");
    assert_string_equal(LINE("--text=x", "--text", "y").text, "y");
    assert_false(LINE("--text=x").given);
}

static void words_keep_their_order_wherever_options_stand(void **state)
{
    (void)state;
    struct taken t = LINE("one", "--flag", "two", "--", "--three", "--flag");
    assert_true(t.go_on);
    assert_true(t.flag);
    assert_int_equal(t.call.word_count, 4);
    assert_string_equal(t.call.words[0], "one");
    assert_string_equal(t.call.words[1], "two");
    assert_string_equal(t.call.words[2], "--three");
    assert_string_equal(t.call.words[3], "--flag");
    assert_int_equal(LINE("-").call.word_count, 1); /* standard input is a word */
    assert_false(LINE("--", "--flag").flag);
}

static void a_pair_takes_two_values(void **state)
{
    (void)state;
    struct taken t = LINE("--pair", "item.csv", "tree.csv", "word");
    assert_string_equal(t.first, "item.csv");
    assert_string_equal(t.second, "tree.csv");
    assert_int_equal(t.call.word_count, 1);
    assert_refused(LINE("--pair", "item.csv"), "--pair needs a value");
}

static void what_is_wrong_is_named_with_its_option(void **state)
{
    (void)state;
    assert_refused(LINE("--colour", "red"), "there is no option --colour\n");
    assert_refused(LINE("--tex", "x"), "there is no option --tex\n");
    assert_refused(LINE("--txet", "x"), "there is no option --txet; did you mean --text?");
    assert_refused(LINE("--shop-nam=Tea"),
                   "there is no option --shop-nam; did you mean --shop-name?");
    assert_refused(LINE("--textual", "x"), "there is no option --textual");
    assert_refused(LINE("--text"), "--text needs a value");
    assert_refused(LINE("--flag=yes"), "--flag takes no value");
    assert_refused(LINE("--at", "yesterday"), "--at ");
    assert_refused(LINE("--lives", "90"), "--lives ");
    assert_refused(LINE("--lives", "0s"), "--lives must be 1us or more, not 0s");
}

static void a_whole_number_lies_within_its_bounds(void **state)
{
    (void)state;
    assert_true(LINE("--whole", "-5").whole == -5);
    assert_true(LINE("--whole", "100").whole == 100);
    static const char *const wrong[] = {"-6", "101", "",    "7x",  " 7",
                                        "+7", "1e1", "0x7", "7.0", "99999999999999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_refused(LINE("--whole", wrong[i]), "--whole must be a whole number from -5 to 100");
    }
}

static void times_and_durations_are_read(void **state)
{
    (void)state;
    assert_true(LINE("--at", "1970-01-02T00:00:00Z").at_us == DAYS(1));
    assert_true(LINE("--lives", "90d").lives_us == DAYS(90));
}

static void a_horizon_reaches_as_far_as_the_curve_of_the_risk(void **state)
{
    (void)state;
    assert_true(LINE("--horizon", "14d").horizon_us == DAYS(14));
    assert_true(LINE("--horizon", "30m").horizon_us == MINUTES(30));
    assert_refused(LINE("--horizon", "15d"), "--horizon must be from 1us to 14d, not 15d");
    assert_refused(LINE("--horizon", "0s"), "--horizon must be from 1us to 14d, not 0s");
    assert_refused(LINE("--horizon", "soon"), "--horizon ");
}

static void help_wins_over_whatever_follows_it(void **state)
{
    (void)state;
    struct taken t = LINE("--flag", "--help", "--colour");
    assert_false(t.go_on);
    assert_int_equal(t.call.exit_code, EXIT_DONE);
    assert_string_equal(t.said, "");
    assert_true(LINE("--", "--help").go_on);
}

/* ---- verbs: those that need no database to be refused ---- */

static bool never(const void *options, struct db *db, char *const *words, struct err *err)
{
    (void)options, (void)db, (void)words, (void)err;
    fail_msg("the verb ran");
    return true;
}

static bool fits_nothing(const void *options, char *const *words)
{
    (void)options, (void)words;
    return false;
}

static int verb_of(char **words, int count)
{
    static const struct verb_row verbs[] = {
        {"list", 0, "list takes nothing", NULL, never},
        {"show", 1, "show takes one name", fits_nothing, never},
        {0},
    };
    struct call call = {.command = "try", .usage = usage, .words = words, .word_count = count};
    return call_verb(&call, NULL, verbs, NULL);
}

static void a_verb_with_the_wrong_words_is_refused_before_the_database_is_touched(void **state)
{
    (void)state;
    char show[] = "show";
    char list[] = "list";
    char me[] = "me";
    char *words[] = {show, me};
    char *unknown[] = {me};
    char *too_many[] = {list, me};
    assert_int_equal(verb_of(words, 0), EXIT_USAGE);
    assert_int_equal(verb_of(unknown, 1), EXIT_USAGE);
    assert_int_equal(verb_of(too_many, 2), EXIT_USAGE);
    assert_int_equal(verb_of(words, 1), EXIT_USAGE);
    assert_int_equal(verb_of(words, 2), EXIT_USAGE); /* its options do not fit */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_option_takes_its_value_behind_a_blank_or_an_equals_sign),
        cmocka_unit_test(words_keep_their_order_wherever_options_stand),
        cmocka_unit_test(a_pair_takes_two_values),
        cmocka_unit_test(what_is_wrong_is_named_with_its_option),
        cmocka_unit_test(a_whole_number_lies_within_its_bounds),
        cmocka_unit_test(times_and_durations_are_read),
        cmocka_unit_test(a_horizon_reaches_as_far_as_the_curve_of_the_risk),
        cmocka_unit_test(help_wins_over_whatever_follows_it),
        cmocka_unit_test(a_verb_with_the_wrong_words_is_refused_before_the_database_is_touched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
