/* Amounts of money: checked arithmetic in minor units, decimal text in, people's text out. Knows
 * currencies and how locales write numbers; converts nothing. */
#include "domain/shop/money.h"

#include "domain/shop/quantity.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define NBSP        "\xc2\xa0"     /* keeps an amount and its symbol on one line */
#define NARROW_NBSP "\xe2\x80\xaf" /* groups digits in French */

enum { DIGITS_MAX = 4 };

static const char currencies_without_minor[] =
    "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF";
static const char currencies_of_thousandths[] = "BHD IQD JOD KWD LYD OMR TND";
static const char currencies_of_ten_thousandths[] = "CLF UYW";

bool money_currency_valid(const char *code)
{
    size_t len = strnlen(code, 4);

    for (size_t i = 0; i < len; i++) {
        if (code[i] < 'A' || code[i] > 'Z') {
            return false;
        }
    }
    return len == 3;
}

int money_digits(const char *currency)
{
    /* Also keeps strstr honest: an empty code would be found in the first list. With three letters
     * no match runs across two codes, since a blank lies between them. */
    if (!money_currency_valid(currency)) {
        return 2;
    }
    if (strstr(currencies_without_minor, currency) != NULL) {
        return 0;
    }
    if (strstr(currencies_of_thousandths, currency) != NULL) {
        return 3;
    }
    return strstr(currencies_of_ten_thousandths, currency) != NULL ? 4 : 2;
}

bool money_add(int64_t a, int64_t b, int64_t *out)
{
    int64_t sum;

    if (__builtin_add_overflow(a, b, &sum)) {
        return false;
    }
    *out = sum;
    return true;
}

bool money_times(int64_t unit_minor, int64_t quantity, int64_t *out)
{
    int64_t product;

    if (__builtin_mul_overflow(unit_minor, quantity, &product)) {
        return false;
    }
    *out = product;
    return true;
}

bool money_of_quantity(int64_t unit_minor, int64_t quantity_milli, int64_t *out)
{
    int64_t whole;
    int64_t part;
    const int64_t half = QUANTITY_ONE / 2;

    /* Apart, so that the thousandths of a large amount do not pass the range while the amount is
     * inside it; only the part below a whole unit is ever rounded. */
    if (!money_times(unit_minor, quantity_milli / QUANTITY_ONE, &whole) ||
        !money_times(unit_minor, quantity_milli % QUANTITY_ONE, &part) ||
        !money_add(part, part < 0 ? -half : half, &part)) {
        return false;
    }
    return money_add(whole, part / QUANTITY_ONE, out);
}

/* ---- text in ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool append_digit(int64_t *value, char digit)
{
    return !__builtin_mul_overflow(*value, 10, value) &&
           !__builtin_add_overflow(*value, digit - '0', value);
}

bool money_parse(const char *text, const char *currency, int64_t *out_minor)
{
    int digits = money_digits(currency);
    int fraction = 0;
    int64_t minor = 0;
    bool round_up = false;

    /* Digit by digit and never through a double, in which 0.29 * 100 is 28.999... */
    if (!is_digit(*text)) {
        return false;
    }
    for (; is_digit(*text); text++) {
        if (!append_digit(&minor, *text)) {
            return false;
        }
    }
    if (*text == '.' && !is_digit(*++text)) {
        return false;
    }
    for (; is_digit(*text); text++, fraction++) {
        if (fraction < digits && !append_digit(&minor, *text)) {
            return false;
        }
        /* The first digit that is cut off decides; amounts here are not
         * negative, so up is away from zero. */
        if (fraction == digits) {
            round_up = *text >= '5';
        }
    }
    for (; fraction < digits; fraction++) {
        if (!append_digit(&minor, '0')) {
            return false;
        }
    }
    if (*text != '\0' || !money_add(minor, round_up, &minor) || minor > MONEY_MINOR_MAX) {
        return false;
    }
    *out_minor = minor;
    return true;
}

/* ---- text out ---- */

enum symbol_place { SYMBOL_BEFORE, SYMBOL_BEFORE_SPACE, SYMBOL_AFTER };

struct number_style {
    const char *language;
    const char *group;
    const char *decimal;
    enum symbol_place place;
};

/* The first row is for languages nobody described here. */
static const struct number_style styles[] = {
    {"en", ",", ".", SYMBOL_BEFORE},       {"cs", NBSP, ",", SYMBOL_AFTER},
    {"da", ".", ",", SYMBOL_AFTER},        {"de", ".", ",", SYMBOL_AFTER},
    {"el", ".", ",", SYMBOL_AFTER},        {"es", ".", ",", SYMBOL_AFTER},
    {"fi", NBSP, ",", SYMBOL_AFTER},       {"fr", NARROW_NBSP, ",", SYMBOL_AFTER},
    {"hu", NBSP, ",", SYMBOL_AFTER},       {"id", ".", ",", SYMBOL_BEFORE},
    {"it", ".", ",", SYMBOL_AFTER},        {"nb", NBSP, ",", SYMBOL_AFTER},
    {"nl", ".", ",", SYMBOL_BEFORE_SPACE}, {"no", NBSP, ",", SYMBOL_AFTER},
    {"pl", NBSP, ",", SYMBOL_AFTER},       {"pt", ".", ",", SYMBOL_BEFORE_SPACE},
    {"ro", ".", ",", SYMBOL_AFTER},        {"ru", NBSP, ",", SYMBOL_AFTER},
    {"sk", NBSP, ",", SYMBOL_AFTER},       {"sv", NBSP, ",", SYMBOL_AFTER},
    {"tr", ".", ",", SYMBOL_BEFORE},       {"uk", NBSP, ",", SYMBOL_AFTER},
    {"vi", ".", ",", SYMBOL_AFTER},
};

static const struct {
    char currency[4];
    const char *symbol;
} symbols[] = {
    {"AUD", "A$"},  {"BRL", "R$"}, {"CAD", "CA$"}, {"CNY", "CN¥"}, {"CZK", "Kč"},  {"DKK", "kr."},
    {"EUR", "€"},   {"GBP", "£"},  {"HKD", "HK$"}, {"HUF", "Ft"},  {"ILS", "₪"},   {"INR", "₹"},
    {"JPY", "¥"},   {"KRW", "₩"},  {"MXN", "MX$"}, {"NOK", "kr"},  {"NZD", "NZ$"}, {"PLN", "zł"},
    {"RUB", "₽"}, {"SEK", "kr"}, {"TRY", "₺"},   {"UAH", "₴"},   {"USD", "$"},   {"VND", "₫"},
};

/* True if the locale's language subtag ("de" of "de_AT", "de-AT.UTF-8") is language. */
static bool speaks(const char *locale, const char *language)
{
    size_t len = strcspn(locale, "-_.@");

    return len == strlen(language) && strncasecmp(locale, language, len) == 0;
}

/* Two-letter region of the locale, or "". */
static const char *region_of(const char *locale)
{
    const char *rest = locale + strcspn(locale, "-_");

    return *rest == '\0' ? rest : rest + 1;
}

static struct number_style style_of(const char *locale)
{
    struct number_style style = styles[0];

    for (size_t i = 0; i < sizeof styles / sizeof styles[0]; i++) {
        if (speaks(locale, styles[i].language)) {
            style = styles[i];
        }
    }
    if (speaks(locale, "pt") && strncasecmp(region_of(locale), "PT", 2) == 0) {
        style.place = SYMBOL_AFTER; /* Brazil writes it before */
    }
    return style;
}

/* The symbol people use, the bare "$" where it is their own dollar, else the code. */
static const char *symbol_of(const char *currency, const char *locale)
{
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
        const char *symbol = symbols[i].symbol;
        size_t len = strlen(symbol);
        if (strcmp(symbols[i].currency, currency) != 0) {
            continue;
        }
        /* A national currency's code begins with its country's two letters (ISO 4217).
         * Brazil writes R$ at home, too. */
        bool own = strncasecmp(region_of(locale), currency, 2) == 0;
        return own && symbol[len - 1] == '$' && strcmp(currency, "BRL") != 0 ? "$" : symbol;
    }
    return currency;
}

static uint64_t power_of_ten(int digits)
{
    uint64_t power = 1;

    assert(digits >= 0 && digits <= DIGITS_MAX);
    for (int i = 0; i < digits; i++) {
        power *= 10;
    }
    return power;
}

/* Appends to a text that has room for everything a number can need (see money_format). */
static void add(char out[MONEY_TEXT_MAX], const char *text)
{
    size_t used = strlen(out);

    (void)snprintf(out + used, MONEY_TEXT_MAX - used, "%s", text);
}

/* "1.234.567" from 1234567. */
static void add_grouped(char out[MONEY_TEXT_MAX], uint64_t whole, const char *group)
{
    char plain[24];
    size_t len = (size_t)snprintf(plain, sizeof plain, "%" PRIu64, whole);

    for (size_t i = 0; i < len; i++) {
        add(out, i > 0 && (len - i) % 3 == 0 ? group : "");
        add(out, (char[]){plain[i], '\0'});
    }
}

static void add_fraction(char out[MONEY_TEXT_MAX], uint64_t rest, int digits)
{
    char fraction[DIGITS_MAX + 1] = {0};

    assert(digits > 0 && digits <= DIGITS_MAX);
    /* from behind, so that the zeros of 1.05 are not lost */
    for (int i = digits - 1; i >= 0; i--, rest /= 10) {
        fraction[i] = (char)('0' + rest % 10);
    }
    add(out, fraction);
}

/* The longest: minus, 19 digits, 6 separators of 3 bytes, point, symbol of 4 and its space: 45. */
char *money_format(int64_t minor, const char *currency, const char *locale,
                   char out[MONEY_TEXT_MAX])
{
    const char *where = locale == NULL ? "" : locale;
    struct number_style style = style_of(where);
    const char *symbol = symbol_of(currency, where);
    int digits = money_digits(currency);
    uint64_t unit = power_of_ten(digits);
    /* negated in unsigned, where the least int64 has a magnitude */
    uint64_t amount = minor < 0 ? 0 - (uint64_t)minor : (uint64_t)minor;

    out[0] = '\0';
    add(out, minor < 0 ? "-" : "");
    if (style.place != SYMBOL_AFTER) {
        /* A code in the place of a symbol ("CHF") would run together with the number. */
        bool parted = style.place == SYMBOL_BEFORE_SPACE || symbol == currency;
        add(out, symbol);
        add(out, parted ? NBSP : "");
    }
    add_grouped(out, amount / unit, style.group);
    if (digits > 0) {
        add(out, style.decimal);
        add_fraction(out, amount % unit, digits);
    }
    if (style.place == SYMBOL_AFTER) {
        add(out, NBSP);
        add(out, symbol);
    }
    return out;
}
