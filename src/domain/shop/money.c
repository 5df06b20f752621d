/* Amounts of money: checked arithmetic in minor units, decimal text in, people's text out. Knows
 * currencies; how a locale writes them is ICU's. Converts nothing. */
#include "domain/shop/money.h"

#include "base/cleanup.h"
#include "domain/shop/quantity.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { DIGITS_MAX = 4, DECIMAL_MAX = 32 };

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

bool money_currency_real(const char *code)
{
    return money_currency_valid(code) && strcmp(code, "XXX") != 0 && strcmp(code, "XTS") != 0;
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

static uint64_t power_of_ten(int digits)
{
    uint64_t power = 1;

    assert(digits >= 0 && digits <= DIGITS_MAX);
    for (int i = 0; i < digits; i++) {
        power *= 10;
    }
    return power;
}

/* As many as people write: of a currency whose minor units are out of use (Iraq's fils) only where
 * there are some. */
static int digits_written(uint64_t amount, const char *currency)
{
    const int all = money_digits(currency);
    const int usual = intl_currency_digits(currency);

    return usual >= 0 && usual < all && amount % power_of_ten(all - usual) == 0 ? usual : all;
}

void money_write(int64_t minor, const char *currency, struct intl *intl, struct buf *out)
{
    char decimal[DECIMAL_MAX];
    /* negated in unsigned, where the least int64 has a magnitude */
    const uint64_t amount = minor < 0 ? 0 - (uint64_t)minor : (uint64_t)minor;

    /* In digits, "123450E-2", and never through a double, which has 53 bits. */
    (void)snprintf(decimal, sizeof decimal, "%s%" PRIu64 "E-%d", minor < 0 ? "-" : "", amount,
                   money_digits(currency));
    intl_money(intl, decimal, currency, digits_written(amount, currency), out);
}

char *money_format(int64_t minor, const char *currency, const char *locale,
                   char out[MONEY_TEXT_MAX])
{
    CLEANUP(intl_give) struct intl *intl = intl_take(locale);
    CLEANUP(buf_free) struct buf text = buf_make(MONEY_TEXT_MAX);

    money_write(minor, currency, intl, &text);
    (void)snprintf(out, MONEY_TEXT_MAX, "%s", buf_text(&text));
    return out;
}
