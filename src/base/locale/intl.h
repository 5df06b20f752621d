#ifndef BASE_LOCALE_INTL_H
#define BASE_LOCALE_INTL_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How a locale writes numbers, money, lists and plurals: ICU, which nothing else includes. It only
 * writes; what people type or machines send is parsed elsewhere, exactly. The machine's own locale
 * plays no part. */

enum { INTL_TAG_MAX = 40 };

/* The BCP 47 tag (language, script and region) of a locale however it is written: "de-AT" of
 * "de_AT.UTF-8", "he-IL" of "iw-IL". false: it is none; out is "" then. NULL is none. */
bool intl_tag(const char *locale, char out[INTL_TAG_MAX]);
/* Whether a text is a BCP 47 tag as it stands, as settings have to be. */
bool intl_is_tag(const char *text);
/* "pt" of "pt-BR", or ""; and "BR", or "". Of a tag. */
void intl_language(const char *tag, char out[INTL_TAG_MAX]);
void intl_region(const char *tag, char out[INTL_TAG_MAX]);

/* The formatters of one locale. Opening them costs some 300 us, so they are kept, and lent to one
 * thread at a time: a thread a connection would open them for every connection. */
struct intl;
struct intl *intl_take(const char *tag);
void intl_give(struct intl **intl); /* accepts a pointer to NULL */

/* decimal is a number as in C, "-1234.50"; all append to out. */
void intl_number(struct intl *intl, const char *decimal, struct buf *out);
/* With so many digits behind the point, of 0 to 4. */
void intl_money(struct intl *intl, const char *decimal, const char *currency, int digits,
                struct buf *out);
/* "12 %": of a share. */
void intl_percent(struct intl *intl, double share, struct buf *out);
/* "A, B and C"; Spanish "e" before i, and what else a language knows of its neighbours. */
void intl_list(struct intl *intl, const char *const *parts, size_t count, struct buf *out);
/* The CLDR category of a cardinal number: "one", "few", "other" ... */
enum { INTL_CATEGORY_MAX = 8 };
void intl_plural(struct intl *intl, double number, char out[INTL_CATEGORY_MAX]);

/* Digits that people of the currency write behind the point, by CLDR. */
int intl_currency_digits(const char *currency);
/* Whether a text has letters that run from right to left. */
bool intl_runs_left(const char *text);
/* Adds the text as it is compared: small letters, one form of each character, none that is not seen (NFKC_Casefold, Unicode 3.13). */
void intl_fold(const char *text, struct buf *out);
/* The same without the accents of Latin, Greek and Cyrillic letters, which people leave out: "arretez", "Iptal" and "İptal" alike. */
void intl_bare(const char *text, struct buf *out);
/* Whether two texts are the same but for capitals. */
bool intl_same(const char *a, const char *b);

#endif
