/* Reads ids, numbers, amounts and texts from fields of tables. Times: foreign/field_time.c. */
#include "foreign/field.h"

#include "domain/shop/event.h"
#include "domain/shop/money.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS "0123456789"
#define BLANKS " \t\r\n"

static const char *trimmed(const char *text, struct arena *a)
{
    size_t len = strlen(text);
    bool blank = len > 0 && (strchr(BLANKS, text[0]) || strchr(BLANKS, text[len - 1]));
    if (!blank) {
        return text; /* nearly always, and then it costs no copy */
    }
    text += strspn(text, BLANKS);
    len = strlen(text);
    while (len > 0 && strchr(BLANKS, text[len - 1]) != NULL) {
        len--;
    }
    return arena_strndup(a, text, len);
}

/* Bytes of text that are a whole number, if it is one with nothing but .0 behind it; 0: it is not. */
static size_t whole_part(const char *text)
{
    size_t sign = text[0] == '-';
    size_t digits = strspn(text + sign, DIGITS);
    const char *rest = text + sign + digits;
    bool zeros = rest[0] == '.' && rest[1] == '0' && rest[1 + strspn(rest + 1, "0")] == '\0';
    return digits > 0 && zeros ? sign + digits : 0;
}

/* As spreadsheets and pandas write a number too long for them: 5.12411E+08. The sign tells it from
 * codes such as 12E4. */
static bool scientific(const char *text)
{
    size_t whole = strspn(text, DIGITS);
    const char *rest = text + whole;
    if (*rest == '.' || *rest == ',') {
        rest += 1 + strspn(rest + 1, DIGITS);
    }
    if (whole != 1 || (*rest != 'e' && *rest != 'E') || (rest[1] != '+' && rest[1] != '-')) {
        return false;
    }
    size_t power = strspn(rest + 2, DIGITS);
    return power > 0 && rest[2 + power] == '\0';
}

bool field_id_opt(const char *name, const char *text, struct arena *a, const char **out,
                  struct err *err)
{
    const char *id = trimmed(text, a);
    size_t whole = whole_part(id);
    /* The decoder would refuse it too, but by the name of our member, which the file's owner does not
     * know. */
    if (strlen(id) > EVENT_ID_MAX) {
        return FAIL(err, ERR_INVALID, "%s has %zu bytes, more than %d", name, strlen(id),
                    EVENT_ID_MAX);
    }
    if (scientific(id)) {
        return FAIL(err, ERR_INVALID, "%s has lost digits to scientific notation: \"%.40s\"", name,
                    id);
    }
    *out = whole > 0 ? arena_strndup(a, id, whole) : id;
    return true;
}

bool field_id(const char *name, const char *text, struct arena *a, const char **out,
              struct err *err)
{
    const char *id = NULL;
    if (!field_id_opt(name, text, a, &id, err)) {
        return false;
    }
    if (id[0] == '\0') {
        return FAIL(err, ERR_INVALID, "%s is empty", name);
    }
    *out = id;
    return true;
}

bool field_i64(const char *name, const char *text, int64_t *out, struct err *err)
{
    size_t sign = text[0] == '-';
    size_t digits = strspn(text + sign, DIGITS);
    bool whole = digits > 0 && (text[sign + digits] == '\0' || whole_part(text) > 0);
    errno = 0;
    int64_t value = whole ? strtoimax(text, NULL, 10) : 0; /* it stops at the point of 2.0 */
    if (!whole || errno != 0) {
        return FAIL(err, ERR_INVALID, "%s is no whole number: \"%.40s\"", name, text);
    }
    *out = value;
    return true;
}

bool field_milli(const char *name, const char *text, int64_t *out, struct err *err)
{
    enum { DIGITS_MAX = 12, DECIMALS = 3 };
    size_t whole = strspn(text, DIGITS);
    const char *rest = text + whole;
    bool decimal = *rest == '.' || *rest == ',';
    size_t decimals = decimal ? strspn(rest + 1, DIGITS) : 0;
    /* What is behind the third may only be zeros: 2.0000. */
    bool fine = decimals <= DECIMALS || strspn(rest + 1 + DECIMALS, "0") == decimals - DECIMALS;
    if (whole == 0 || whole > DIGITS_MAX || (decimal && decimals == 0) || !fine ||
        rest[decimal + decimals] != '\0') {
        return FAIL(err, ERR_INVALID, "%s is no number of up to three decimals: \"%.40s\"", name,
                    text);
    }
    int64_t value = strtoimax(text, NULL, 10); /* it stops at the mark */
    for (size_t i = 0; i < DECIMALS; i++) {
        value = value * 10 + (i < decimals ? rest[1 + i] - '0' : 0);
    }
    *out = value;
    return true;
}

/* ---- amounts ---- */

enum { AMOUNT_MAX = 40 }; /* bytes of its text */

/* Whether the groups of three behind each mark are all that the part of len bytes has: 1,234,567. */
static bool grouped(const char *text, size_t len, char mark)
{
    size_t first = strspn(text, DIGITS);
    if (first < 1 || first > 3) {
        return false;
    }
    for (size_t at = first; at < len; at += 4) {
        if (text[at] != mark || at + 4 > len || strspn(text + at + 1, DIGITS) < 3) {
            return false;
        }
    }
    return true;
}

/* The mark before the decimals of an amount with a comma or several points in it; NULL: it has none. False: it could
 * be either. */
static bool decimal_mark(const char *text, const char **out)
{
    const char *comma = strrchr(text, ',');
    const char *point = strrchr(text, '.');
    *out = NULL;
    if (comma == NULL) {
        return true; /* 1.234.567: thousands alone */
    }
    bool many = strchr(text, ',') != comma;
    if (point != NULL) {
        *out = comma > point ? comma : point; /* the last of both */
    } else if (!many) {
        *out = comma;
    }
    return point != NULL || many || strlen(comma + 1) != 3; /* 1,234 */
}

/* Writes such an amount with a point and without groups. False: it is no amount, or could be two. */
static bool plain_amount(const char *text, char out[AMOUNT_MAX])
{
    const char *decimal = NULL;
    if (strlen(text) >= AMOUNT_MAX || !decimal_mark(text, &decimal)) {
        return false;
    }
    size_t whole = decimal != NULL ? (size_t)(decimal - text) : strlen(text);
    size_t first = strspn(text, DIGITS);
    /* One mark cannot be both: 1,234,50. */
    bool both = decimal != NULL && first < whole && text[first] == *decimal;
    if (both || (first < whole && !grouped(text, whole, text[first]))) {
        return false;
    }
    size_t to = 0;
    for (size_t i = 0; i < whole; i++) {
        if (strchr(",.", text[i]) == NULL) {
            out[to++] = text[i];
        }
    }
    if (decimal != NULL) {
        out[to++] = '.';
        memcpy(out + to, decimal + 1, strlen(decimal + 1));
        to += strlen(decimal + 1);
    }
    out[to] = '\0';
    return true;
}

bool field_amount(const char *name, const char *text, const char *currency, int64_t *out,
                  struct err *err)
{
    char plain[AMOUNT_MAX] = "";
    const char *point = strchr(text, '.');
    bool marked = strchr(text, ',') != NULL || (point != NULL && strchr(point + 1, '.') != NULL);
    if (marked && !plain_amount(text, plain)) {
        return FAIL(err, ERR_INVALID, "%s is no amount, or could be two: \"%.40s\"", name, text);
    }
    if (!money_parse(marked ? plain : text, currency, out)) {
        return FAIL(err, ERR_INVALID, "%s is no amount: \"%.40s\"", name, text);
    }
    return true;
}

/* ---- text ---- */

const char *field_text(const char *text, struct arena *a)
{
    const char *clean = trimmed(text, a);
    if (strpbrk(clean, "\t\r\n") == NULL) {
        return clean;
    }
    char *out = arena_strdup(a, clean);
    char *to = out;
    for (const char *p = clean; *p != '\0';) {
        size_t run = strspn(p, BLANKS);
        /* Two blanks side by side stay as they are: they are not what a title must not have. */
        bool folded = run > 0 && strcspn(p, "\t\r\n") < run;
        *to = *p;
        if (folded) {
            *to = ' ';
        }
        to++;
        p += folded ? run : 1;
    }
    *to = '\0';
    return out;
}
