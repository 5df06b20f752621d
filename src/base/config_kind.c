#include "base/config_kind.h"

#include "base/address.h"
#include "base/clock.h"
#include "base/look.h"
#include "base/utf8.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const struct setting settings[CONFIG_COUNT] = {
#define SECTION(title)
#define CONFIG(member, kind, name, def, min, max, help, paragraph)                                 \
    {name, def, help, KIND_##kind, min, max, offsetof(struct config, member)},
#include "base/config_table.inc"
#undef CONFIG
#undef SECTION
};

/* What may be chosen, one blank between two words; NULL where the kind is another. */
static const char *const choices[CONFIG_COUNT] = {
#define SECTION(title)
#define CONFIG(member, kind, name, def, min, max, help, paragraph)
#define CHOICES(member, words) [CONFIG_ID_##member] = (words),
#include "base/config_table.inc"
#undef CONFIG
#undef SECTION
};

enum {
    TEXT_CAP = 512,            /* of a text member in struct config */
    MASKED_CAP = 2 * TEXT_CAP, /* a mask may be longer than what it hides */
};

CAN_FAIL static bool read_text(const struct setting *s, const char *text, void *at, struct err *err)
{
    size_t len = strlen(text);

    /* TEXT_CAP as well: the max of a row might be more than its member holds */
    if ((int64_t)len < s->min || (int64_t)len > s->max || len >= TEXT_CAP) {
        return FAIL_AT(err, ERR_INVALID, s->name,
                       "must have %" PRId64 " to %" PRId64 " bytes, not %zu", s->min, s->max, len);
    }
    /* a line feed would make two lines of one where the settings are printed */
    if (!look_fits_a_line(text)) {
        return FAIL_AT(err, ERR_INVALID, s->name, "must " LOOK_RULE);
    }
    if (!utf8_valid(text)) {
        return FAIL_AT(err, ERR_INVALID, s->name, "must be UTF-8");
    }
    memcpy(at, text, len + 1);
    return true;
}

static const char *choices_of(const struct setting *s)
{
    const char *words = choices[s - settings];

    assert(words != NULL); /* a row of kind choice without CHOICES is a mistake of the table */
    return words;
}

/* "last, never or allowed" */
static void write_choices(const struct setting *s, struct buf *out)
{
    const char *word = choices_of(s);

    while (*word != '\0') {
        size_t len = strcspn(word, " ");
        const char *rest = word + len + strspn(word + len, " ");
        buf_add(out, word, len);
        if (*rest != '\0') {
            buf_add_str(out, strchr(rest, ' ') != NULL ? ", " : " or ");
        }
        word = rest;
    }
}

CAN_FAIL static bool read_choice(const struct setting *s, const char *text, void *at,
                                 struct err *err)
{
    const size_t len = strlen(text);
    const char *word = choices_of(s);

    while (*word != '\0') {
        size_t word_len = strcspn(word, " ");
        if (word_len == len && memcmp(word, text, len) == 0) {
            memcpy(at, text, len + 1);
            return true;
        }
        word += word_len + strspn(word + word_len, " ");
    }
    struct buf allowed = buf_make(TEXT_CAP);
    write_choices(s, &allowed);
    (void)FAIL_AT(err, ERR_INVALID, s->name, "must be %s, not \"%.40s\"", buf_text(&allowed), text);
    buf_free(&allowed);
    return false;
}

CAN_FAIL static bool read_address(const struct setting *s, const char *text, void *at,
                                  struct err *err)
{
    struct address unused;

    if (!address_split(text, &unused, err)) {
        err_at(err, s->name);
        return false;
    }
    return read_text(s, text, at, err);
}

CAN_FAIL static bool read_integer(const struct setting *s, const char *text, void *at,
                                  struct err *err)
{
    char *end;

    errno = 0;
    int64_t value = strtoll(text, &end, 10);
    /* strtoll skips blanks in front; whoever quoted them meant something else */
    bool whole = strspn(text, "+-0123456789") == strlen(text) && end != text && *end == '\0';
    if (!whole || errno != 0 || value < s->min || value > s->max) {
        return FAIL_AT(err, ERR_INVALID, s->name,
                       "must be a whole number from %" PRId64 " to %" PRId64 ", not \"%.40s\"",
                       s->min, s->max, text);
    }
    memcpy(at, &value, sizeof value);
    return true;
}

CAN_FAIL static bool read_duration(const struct setting *s, const char *text, void *at,
                                   struct err *err)
{
    char low[CLOCK_TEXT_MAX];
    char high[CLOCK_TEXT_MAX];
    int64_t us;

    /* before the parser, which fills the text of a failure and leaves the path alone */
    err_at(err, s->name);
    if (!clock_parse_duration(text, &us, err)) {
        return false;
    }
    if (us < s->min || us > s->max) {
        return FAIL(err, ERR_INVALID, "must be between %s and %s, not %.40s",
                    clock_format_duration(s->min, low), clock_format_duration(s->max, high), text);
    }
    memcpy(at, &us, sizeof us);
    return true;
}

CAN_FAIL static bool read_ratio(const struct setting *s, const char *text, void *at,
                                struct err *err)
{
    char *end;
    double value = strtod(text, &end);
    /* strtod also takes blanks, hexadecimal and words such as nan. */
    bool number = strspn(text, "0123456789.eE+-") == strlen(text) && end != text && *end == '\0';

    if (!number || value < (double)s->min || value > (double)s->max) {
        return FAIL_AT(err, ERR_INVALID, s->name,
                       "must be a number from %" PRId64 " to %" PRId64 ", not \"%.40s\"", s->min,
                       s->max, text);
    }
    memcpy(at, &value, sizeof value);
    return true;
}

CAN_FAIL static bool read_flag(const struct setting *s, const char *text, void *at, struct err *err)
{
    bool on = strcmp(text, "on") == 0 || strcmp(text, "true") == 0;

    if (!on && strcmp(text, "off") != 0 && strcmp(text, "false") != 0) {
        return FAIL_AT(err, ERR_INVALID, s->name, "must be on, off, true or false, not \"%.40s\"",
                       text);
    }
    memcpy(at, &on, sizeof on);
    return true;
}

/* Hides "://user:SECRET@" up to the last @, which is at least what libpq takes for the password. */
static size_t mask_user(const char *text, size_t i, struct buf *out)
{
    const char *at = strrchr(text + i, '@');
    const char *colon = strchr(text + i, ':');

    if (at == NULL || colon == NULL || colon > at) {
        return i;
    }
    buf_add(out, text + i, (size_t)(colon - (text + i)) + 1);
    buf_add_str(out, "***");
    return (size_t)(at - text);
}

/* Hides the value after "password" in `password = 'a b'` or `&password=ab`; i is behind the word.
 */
static size_t mask_value(const char *text, size_t i, bool url, struct buf *out)
{
    size_t start = i + strspn(text + i, " ");

    if (text[start] != '=') {
        return i;
    }
    start++;
    start += strspn(text + start, " ");
    buf_add(out, text + i, start - i);
    buf_add_str(out, "***");
    bool quoted = text[start] == '\'';
    size_t end = start + quoted;
    /* libpq takes the character behind a backslash as it is, in quotes and outside of them; in a
     * URL the value ends at the & as well. */
    while (text[end] != '\0' &&
           (quoted ? text[end] != '\'' : text[end] != ' ' && !(url && text[end] == '&'))) {
        end += text[end] == '\\' && text[end + 1] != '\0' ? 2 : 1;
    }
    return end + (quoted && text[end] != '\0');
}

static void write_masked(const char *text, struct buf *out)
{
    bool url = strstr(text, "://") != NULL;

    for (size_t i = 0; text[i] != '\0';) {
        if (strncmp(text + i, "://", 3) == 0) {
            buf_add_str(out, "://");
            i = mask_user(text, i + 3, out);
        } else if (strncasecmp(text + i, "password", 8) == 0) {
            buf_add(out, text + i, 8);
            i = mask_value(text, i + 8, url, out);
        } else {
            buf_add_char(out, text[i++]);
        }
    }
}

static void write_text(const void *at, struct buf *out)
{
    struct buf masked = buf_make(MASKED_CAP);
    write_masked(at, &masked);
    const char *text = buf_text(&masked);
    size_t len = masked.len;
    /* what the reader of the file would cut: a comment, or blanks at the ends */
    bool plain =
        len > 0 && strpbrk(text, "#\"\\") == NULL && text[0] != ' ' && text[len - 1] != ' ';

    if (plain) {
        buf_add_str(out, text);
    } else {
        buf_add_char(out, '"');
        for (; *text != '\0'; text++) {
            if (*text == '"' || *text == '\\') {
                buf_add_char(out, '\\');
            }
            buf_add_char(out, *text);
        }
        buf_add_char(out, '"');
    }
    buf_free(&masked);
}

static void write_integer(const void *at, struct buf *out)
{
    buf_printf(out, "%" PRId64, *(const int64_t *)at);
}

static void write_duration(const void *at, struct buf *out)
{
    char text[CLOCK_TEXT_MAX];

    buf_add_str(out, clock_format_duration(*(const int64_t *)at, text));
}

static void write_ratio(const void *at, struct buf *out)
{
    /* 15 digits give back what was typed: 0.1, not 0.10000000000000001 */
    buf_printf(out, "%.15g", *(const double *)at);
}

static void write_flag(const void *at, struct buf *out)
{
    buf_add_str(out, *(const bool *)at ? "on" : "off");
}

static const struct {
    const char *word;
    bool (*read)(const struct setting *s, const char *text, void *at, struct err *err);
    void (*write)(const void *at, struct buf *out);
} kinds[] = {
    [KIND_text] = {"TEXT", read_text, write_text},
    [KIND_choice] = {"WORD", read_choice, write_text},
    [KIND_address] = {"HOST:PORT", read_address, write_text},
    [KIND_integer] = {"N", read_integer, write_integer},
    [KIND_duration] = {"TIME", read_duration, write_duration},
    [KIND_ratio] = {"RATIO", read_ratio, write_ratio},
    [KIND_flag] = {"on|off", read_flag, write_flag},
};

const char *config_kind_word(enum config_kind kind)
{
    return kinds[kind].word;
}

bool config_value_read(const struct setting *s, const char *text, struct config *config,
                       struct err *err)
{
    return kinds[s->kind].read(s, text, (char *)config + s->offset, err);
}

void config_value_write(const struct setting *s, const struct config *config, struct buf *out)
{
    kinds[s->kind].write((const char *)config + s->offset, out);
}

void config_bounds_write(const struct setting *s, struct buf *out)
{
    char low[CLOCK_TEXT_MAX];
    char high[CLOCK_TEXT_MAX];

    switch (s->kind) {
    case KIND_text:
        buf_printf(out, "%" PRId64 " to %" PRId64 " bytes", s->min, s->max);
        break;
    case KIND_choice:
        write_choices(s, out);
        break;
    case KIND_address:
        buf_add_str(out, "HOST:PORT, the port 0 to 65535");
        break;
    case KIND_duration:
        buf_printf(out, "%s to %s", clock_format_duration(s->min, low),
                   clock_format_duration(s->max, high));
        break;
    case KIND_integer:
    case KIND_ratio:
        buf_printf(out, "%" PRId64 " to %" PRId64, s->min, s->max);
        break;
    case KIND_flag:
        buf_add_str(out, "on or off");
        break;
    }
}
