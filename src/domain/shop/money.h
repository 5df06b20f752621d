#ifndef DOMAIN_SHOP_MONEY_H
#define DOMAIN_SHOP_MONEY_H

#include "base/locale/intl.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Amounts are integer minor units (cents) of an ISO 4217 currency. MONEY_UNKNOWN marks an absent
 * price: never 0. */
#define MONEY_MINOR_MAX INT64_C(1000000000000)
#define MONEY_UNKNOWN   INT64_C(-1)

bool money_currency_valid(const char *code); /* three upper-case letters */
/* False for the codes of no currency at all (XXX) and of tests (XTS): a price in them is none. */
bool money_currency_real(const char *code);
int money_digits(const char *currency); /* 0 for JPY, 3 for KWD, 2 for most */

/* The only places where money is added and multiplied; false on overflow or past INT64 range, *out
 * untouched. */
bool money_add(int64_t a, int64_t b, int64_t *out);
bool money_times(int64_t unit_minor, int64_t quantity, int64_t *out);
/* Of a quantity in thousandths (domain/shop/quantity.h): a line's amount, rounded to whole minor
 * units, half away from zero. A total is the sum of its rounded lines, as on a receipt. */
bool money_of_quantity(int64_t unit_minor, int64_t quantity_milli, int64_t *out);

/* Decimal text ("12.5", "1234.567") to minor units, half away from zero; false if it is no number,
 * negative or too large. */
bool money_parse(const char *text, const char *currency, int64_t *out_minor);

/* As people of the locale write it: "$1,234.50", "1.234,50 €", spaces being no-break spaces. This is
 * the only way from an amount to a text. currency is a valid code. */
void money_write(int64_t minor, const char *currency, struct intl *intl, struct buf *out);

enum { MONEY_TEXT_MAX = 160 };
/* The same for one amount, with a locale however it is written ("de-AT", "pt_BR"; none or NULL is
 * English). Returns out. */
char *money_format(int64_t minor, const char *currency, const char *locale,
                   char out[MONEY_TEXT_MAX]);

#endif
