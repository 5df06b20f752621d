/* One reader of command lines: every command says what it takes as a table, and every mistake is named in the same way. */
#include "cli/options.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/err.h"
#include "base/spell.h"
#include "cli/cli.h"
#include "store/database.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPTIONS_MAX = 32 }; /* of one command, among which one that was misspelt is sought */

static const struct option_row *row_of(const struct option_row *rows, const char *name, size_t len)
{
    for (; rows->name != NULL; rows++) {
        /* whole names: what an abbreviation means would change with the next option */
        if (strlen(rows->name) == len && memcmp(rows->name, name, len) == 0) {
            return rows;
        }
    }
    return NULL;
}

/* The option or setting that was probably meant; NULL where nobody can say. */
static const char *meant(const struct option_row *rows, const char *name)
{
    const char *names[OPTIONS_MAX];
    size_t count = 0;
    for (; rows->name != NULL && count < OPTIONS_MAX; rows++) {
        names[count++] = rows->name;
    }
    const char *option = spell_nearest(name, names, count);
    return option != NULL ? option : config_nearest(name);
}

static bool refuse_unknown(const struct option_row *rows, const char *name, size_t len,
                           struct err *err)
{
    char word[61];
    (void)snprintf(word, sizeof word, "%.*s", (int)(len < 60 ? len : 60), name);
    const char *nearest = meant(rows, word);
    char flag[80] = "";
    if (nearest != NULL) {
        (void)snprintf(flag, sizeof flag, "; did you mean --%s?", nearest);
    }
    for (char *c = flag; *c != '\0'; c++) {
        *c = (char)(*c == '_' ? '-' : *c);
    }
    return FAIL(err, ERR_INVALID, "there is no option --%s%s", word, flag);
}

static bool read_whole(const struct option_row *row, const char *text, struct err *err)
{
    char *end = NULL;
    /* strtoimax tells an overflow by errno alone, and clears nothing */
    errno = 0;
    int64_t value = strtoimax(text, &end, 10);
    /* strtoimax takes leading blanks and a plus sign; a person who wrote them meant something else */
    bool number = (text[0] == '-' || (text[0] >= '0' && text[0] <= '9')) && end != text &&
                  *end == '\0' && errno == 0;
    if (!number || value < row->min || value > row->max) {
        return FAIL(err, ERR_INVALID,
                    "must be a whole number from %" PRId64 " to %" PRId64 ", not %.60s", row->min,
                    row->max, text);
    }
    *row->whole = value;
    return true;
}

static bool read_duration(const struct option_row *row, const char *text, struct err *err)
{
    int64_t us = 0;
    if (!clock_parse_duration(text, &us, err)) {
        return false;
    }
    if (us < row->min || (row->max != 0 && us > row->max)) {
        char min[CLOCK_TEXT_MAX];
        char max[CLOCK_TEXT_MAX];
        return row->max != 0 ? FAIL(err, ERR_INVALID, "must be from %s to %s, not %.60s",
                                    clock_format_duration(row->min, min),
                                    clock_format_duration(row->max, max), text)
                             : FAIL(err, ERR_INVALID, "must be %s or more, not %.60s",
                                    clock_format_duration(row->min, min), text);
    }
    *row->duration_us = us;
    return true;
}

static bool take(const struct option_row *row, const char *value, struct err *err)
{
    if (row->text != NULL) {
        *row->text = value;
        return true;
    }
    if (row->whole != NULL) {
        return read_whole(row, value, err);
    }
    if (row->time_us != NULL) {
        return clock_parse_rfc3339(value, row->time_us, err);
    }
    return read_duration(row, value, err);
}

/* argv, one argument after the other. */
struct reading {
    int argc, at;
    char **argv;
    const struct option_row *rows;
};

static bool next(struct reading *r, const char *name, const char **out, struct err *err)
{
    if (r->at + 1 >= r->argc) {
        return FAIL(err, ERR_INVALID, "--%.60s needs a value", name);
    }
    /* whatever it looks like: a value may begin with a dash */
    *out = r->argv[++r->at];
    return true;
}

/* The option at r->at, with its values. */
static bool read_option(struct reading *r, struct err *err)
{
    const char *name = r->argv[r->at] + 2;
    size_t len = strcspn(name, "=");
    const char *value = name[len] == '=' ? name + len + 1 : NULL;
    const struct option_row *row = row_of(r->rows, name, len);
    if (row == NULL) {
        return refuse_unknown(r->rows, name, len, err);
    }
    /* a row with no target, or two, is a mistake of the program */
    assert((row->flag != NULL) + (row->text != NULL) + (row->whole != NULL) +
               (row->time_us != NULL) + (row->duration_us != NULL) ==
           1);
    if (row->given != NULL) {
        *row->given = true;
    }
    if (row->flag != NULL) {
        *row->flag = true;
        /* --json=off would otherwise switch it on */
        return value == NULL || FAIL(err, ERR_INVALID, "--%s takes no value", row->name);
    }
    if ((value == NULL && !next(r, row->name, &value, err)) ||
        (row->text_2 != NULL && !next(r, row->name, row->text_2, err))) {
        return false;
    }
    if (!take(row, value, err)) {
        /* copied, because the new text is written over the one it quotes */
        struct err why = *err;
        return FAIL(err, ERR_INVALID, "--%s %s", row->name, why.text);
    }
    return true;
}

/* Options are taken out, and the words move up behind argv[0]. */
static bool read_all(struct reading *r, int *out_words, bool *out_help, struct err *err)
{
    bool options_over = false;
    int words = 0;
    for (r->at = 1; r->at < r->argc && !*out_help; r->at++) {
        char *arg = r->argv[r->at];
        /* in place: a word never moves up past the argument that is being read */
        if (options_over || strncmp(arg, "--", 2) != 0) {
            r->argv[1 + words++] = arg;
        } else if (strcmp(arg, "--") == 0) {
            options_over = true;
        } else if (strcmp(arg, "--help") == 0) {
            /* ends the loop: who asks for help is not told first what is wrong behind it */
            *out_help = true;
        } else if (!read_option(r, err)) {
            return false;
        }
    }
    *out_words = words;
    return true;
}

bool call_read(struct call *call, int argc, char **argv, const struct option_row *rows)
{
    struct reading r = {.argc = argc, .argv = argv, .rows = rows};
    struct err err = {0};
    bool help = false;
    if (!read_all(&r, &call->word_count, &help, &err)) {
        call->exit_code = call_misuse(call, err.text);
        return false;
    }
    call->words = argv + 1;
    if (help) {
        call->exit_code = call_misuse(call, NULL);
    }
    return !help;
}

bool call_wordless(struct call *call)
{
    char problem[200];
    if (call->word_count == 0) {
        return true;
    }
    (void)snprintf(problem, sizeof problem,
                   "it takes options and settings only, and no word \"%.60s\"", call->words[0]);
    call->exit_code = call_misuse(call, problem);
    return false;
}

int call_misuse(const struct call *call, const char *problem)
{
    return cli_usage(call->program != NULL ? call->program : "cartwright", call->command,
                     call->usage, problem);
}

/* ---- verbs ---- */

static int no_such_verb(const struct call *call, const struct verb_row *verbs)
{
    char names[200];
    size_t len = 0;
    names[0] = '\0';
    for (const struct verb_row *v = verbs; v->name != NULL && len < sizeof names; v++) {
        /* what it would have written: the loop ends once that is past the end */
        len +=
            (size_t)snprintf(names + len, sizeof names - len, "%s%s", len > 0 ? ", " : "", v->name);
    }
    char problem[256];
    (void)snprintf(problem, sizeof problem, "name one of %s", names);
    return call_misuse(call, problem);
}

int call_verb(const struct call *call, const struct config *config, const struct verb_row *verbs,
              const void *options)
{
    CLEANUP(database_close) struct database database = {0};
    CLEANUP(db_close) struct db *db = NULL;
    struct err err = {0};
    const char *name = call->word_count > 0 ? call->words[0] : "";
    const struct verb_row *verb = verbs;
    while (verb->name != NULL && strcmp(verb->name, name) != 0) {
        verb++;
    }
    if (verb->name == NULL) {
        return no_such_verb(call, verbs);
    }
    char *const *words = call->words + 1;
    /* Before the database: a mistake in the call must not start a private PostgreSQL. */
    if (call->word_count - 1 > verb->words) {
        char problem[400];
        (void)snprintf(problem, sizeof problem, "\"%.60s\" is a word too many; %.300s",
                       words[verb->words], verb->takes);
        return call_misuse(call, problem);
    }
    if (call->word_count - 1 != verb->words ||
        (verb->fits != NULL && !verb->fits(options, words))) {
        return call_misuse(call, verb->takes);
    }
    if (!database_open(config, &database, &err) || !database_connect(&database, &db, &err)) {
        return cli_fail(call->command, &err);
    }
    if (verb->run(options, db, words, &err)) {
        return EXIT_DONE;
    }
    /* what a verb finds invalid are its words or options: exit code 2, as for any misuse */
    int code = cli_fail(call->command, &err);
    return err.kind == ERR_INVALID ? EXIT_USAGE : code;
}
