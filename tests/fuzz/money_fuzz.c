/* Amounts: a text of currency, space and decimal number against another way to read it; any 64 bits as an amount
 * in the writing of any locale, from which the same digits must be read again. */
#include "fuzz.h"

#include "base/utf8.h"
#include "domain/shop/money.h"

#include <unicode/uchar.h>
#include <unicode/ustring.h>

/* What the text is worth in minor units, half away from zero; -1 where it is no number or
 * more than is allowed. */
static int64_t exactly(const char *text, int digits)
{
    int64_t value = 0;
    int fraction = -1; /* digits behind the point so far */
    size_t whole = strspn(text, "0123456789");
    size_t rest = text[whole] == '.' ? strspn(text + whole + 1, "0123456789") : 0;
    size_t len = whole + (text[whole] == '.' ? rest + 1 : 0);

    if (whole == 0 || text[len] != '\0' || (text[whole] == '.' && rest == 0)) {
        return -1;
    }
    for (const char *p = text; *p != '\0' && fraction < digits; p++) {
        if (*p == '.') {
            fraction = 0;
            if (digits == 0) {
                break;
            }
            continue;
        }
        value = value * 10 + (*p - '0');
        fraction += fraction >= 0;
        if (value > MONEY_MINOR_MAX) { /* and what follows only makes it more */
            return -1;
        }
    }
    for (int i = fraction < 0 ? 0 : fraction; i < digits; i++) {
        value *= 10;
    }
    bool up = rest > (size_t)digits && text[whole + 1 + (size_t)digits] >= '5';
    value += up;
    return value > MONEY_MINOR_MAX ? -1 : value;
}

static void check_text(char *text)
{
    char *space = strchr(text, ' ');
    int64_t minor = -7;

    if (space == NULL) {
        return;
    }
    *space = '\0';
    int64_t want = exactly(space + 1, money_digits(text));
    bool taken = money_parse(space + 1, text, &minor);
    DEMAND(taken == (want >= 0));
    DEMAND(taken ? minor == want : minor == -7);
}

/* The value of a decimal digit of any script at p, -1 if there is none; *out_len: its bytes. */
static int digit_at(const char *p, size_t *out_len)
{
    UChar32 points[2] = {0};
    UChar wide[4];
    int32_t len = 0;
    UErrorCode error = U_ZERO_ERROR;

    *out_len = utf8_length((const unsigned char *)p, strlen(p));
    DEMAND(*out_len > 0);
    (void)u_strFromUTF8(wide, 4, &len, p, (int32_t)*out_len, &error);
    (void)u_strToUTF32(points, 2, NULL, wide, len, &error);
    return u_charType(points[0]) == U_DECIMAL_DIGIT_NUMBER ? u_charDigitValue(points[0]) : -1;
}

/* The digits of a text are those of the number, whatever stands between them; minor units that are
 * out of use may be left out where they are none. */
static void check_digits(const char *text, const char *symbol, int64_t minor, int digits)
{
    char plain[40];
    uint64_t amount = minor < 0 ? 0 - (uint64_t)minor : (uint64_t)minor;
    size_t len = 0;
    DEMAND(digits >= 0 && digits <= 4);
    (void)snprintf(plain, sizeof plain, "%0*llu", digits + 1, (unsigned long long)amount);

    const char *want = plain;
    const bool minus = strstr(text, "-") != NULL || strstr(text, "\u2212") != NULL;
    DEMAND(minus == (minor < 0));
    const char *code = strstr(text, symbol);
    for (const char *p = text; *p != '\0'; p += len) {
        const int digit = digit_at(p, &len);
        bool in_code = code != NULL && p >= code && p < code + strlen(symbol);
        if (digit >= 0 && !in_code) {
            DEMAND('0' + digit == *want);
            want++;
        }
    }
    DEMAND(strspn(want, "0") == strlen(want) && strlen(want) <= (size_t)digits);
}

/* 8 bytes of amount, 3 of currency, the rest a locale. */
static void check_writing(const uint8_t *data, size_t size)
{
    char out[MONEY_TEXT_MAX];
    char currency[4] = "";
    int64_t minor = 0;
    int64_t sum = 0;

    if (size < sizeof minor + 3) {
        return;
    }
    memcpy(&minor, data, sizeof minor);
    for (size_t i = 0; i < 3; i++) {
        currency[i] = (char)('A' + data[sizeof minor + i] % 26);
    }
    DEMAND(money_currency_valid(currency));
    char *locale = fuzz_text(data + sizeof minor + 3, size - sizeof minor - 3);
    DEMAND(money_format(minor, currency, locale, out) == out);
    DEMAND(strlen(out) < MONEY_TEXT_MAX - 1 && utf8_valid(out));
    check_digits(out, currency, minor, money_digits(currency));
    DEMAND(!money_add(minor, minor, &sum) || sum == minor * 2);
    DEMAND(!money_times(minor, 3, &sum) || sum / 3 == minor);
    mem_free(&locale);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    check_text(text);
    mem_free(&text);
    check_writing(data, size);
    return 0;
}
