/* ICU behind a small face. Must not decide what is said, only how it is written. */
#include "base/locale/intl.h"

#include "base/mem.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/ucurr.h>
#include <unicode/ulistformatter.h>
#include <unicode/uloc.h>
#include <unicode/unorm2.h>
#include <unicode/unumberformatter.h>
#include <unicode/upluralrules.h>
#include <unicode/ustring.h>

enum {
    KEPT_MAX = 64,
    MONEY_MAX = 4,
    WIDE_MAX = 128,
    PATTERN_MAX = 32,
    LOCALE_MAX = 160,
    PART_MAX = 16
};

/* Money of one currency with so many digits. */
struct money_writer {
    char currency[4];
    int digits;
    UNumberFormatter *writer;
};

struct intl {
    char tag[INTL_TAG_MAX];
    char locale[LOCALE_MAX]; /* as ICU calls it */
    UNumberFormatter *number, *percent;
    UFormattedNumber *result;
    UListFormatter *list;
    UPluralRules *plural;
    struct money_writer money[MONEY_MAX]; /* the one used last stands first */
};

/* Those that nobody uses, the one given back last at the end. */
static struct {
    pthread_mutex_t lock; /* guards the following */
    struct intl *all[KEPT_MAX];
    size_t count;
} kept = {.lock = PTHREAD_MUTEX_INITIALIZER};

static pthread_once_t started = PTHREAD_ONCE_INIT;

/* What ICU falls back to must not be what the environment says. */
static void start(void)
{
    UErrorCode code = U_ZERO_ERROR;

    uloc_setDefault("en", &code);
}

/* ---- tags ---- */

/* A part of a locale. False for none that fits: ICU fills a buffer to its last byte with no more than a warning, which the next call may
 * take back, and what is in it then has no end. */
typedef int32_t locale_part(const char *locale, char *out, int32_t cap, UErrorCode *code);

static bool part_of(locale_part *part, const char *locale, char *out, size_t cap)
{
    UErrorCode code = U_ZERO_ERROR;
    const int32_t len = part(locale, out, (int32_t)cap, &code);

    out[U_SUCCESS(code) && len >= 0 && (size_t)len < cap ? len : 0] = '\0';
    return U_SUCCESS(code) && len >= 0 && (size_t)len < cap;
}

/* Language, script and region of a locale, in ICU's writing, without what else may stand behind. */
static bool plain_locale(const char *locale, char out[LOCALE_MAX])
{
    char whole[LOCALE_MAX];
    char language[PART_MAX];
    char script[PART_MAX];
    char region[PART_MAX];

    if (!part_of(uloc_canonicalize, locale, whole, sizeof whole) ||
        !part_of(uloc_getLanguage, whole, language, sizeof language) ||
        !part_of(uloc_getScript, whole, script, sizeof script) ||
        !part_of(uloc_getCountry, whole, region, sizeof region)) {
        return false;
    }
    (void)snprintf(out, LOCALE_MAX, "%s%s%s%s%s", language, script[0] != '\0' ? "_" : "", script,
                   region[0] != '\0' ? "_" : "", region);
    return true;
}

bool intl_tag(const char *locale, char out[INTL_TAG_MAX])
{
    char plain[LOCALE_MAX] = "";
    UErrorCode code = U_ZERO_ERROR;

    out[0] = '\0';
    if (locale == NULL || locale[0] == '\0' || strlen(locale) >= INTL_TAG_MAX ||
        !plain_locale(locale, plain)) {
        return false;
    }
    /* strict: what has no tag is refused, not cut down to what has one */
    const int32_t len = uloc_toLanguageTag(plain, out, INTL_TAG_MAX, true, &code);
    if (U_FAILURE(code) || len <= 0 || len >= INTL_TAG_MAX || strncmp(out, "und", 3) == 0) {
        out[0] = '\0';
        return false;
    }
    return true;
}

bool intl_is_tag(const char *text)
{
    char locale[LOCALE_MAX] = "";
    int32_t parsed = 0;
    UErrorCode code = U_ZERO_ERROR;

    (void)uloc_forLanguageTag(text, locale, sizeof locale, &parsed, &code);
    return U_SUCCESS(code) && parsed > 0 && (size_t)parsed == strlen(text);
}

void intl_language(const char *tag, char out[INTL_TAG_MAX])
{
    (void)!part_of(uloc_getLanguage, tag, out, INTL_TAG_MAX);
}

void intl_region(const char *tag, char out[INTL_TAG_MAX])
{
    (void)!part_of(uloc_getCountry, tag, out, INTL_TAG_MAX);
}

/* ---- lending ---- */

static UNumberFormatter *writer_open(const char *locale, const char *skeleton)
{
    UChar wide[WIDE_MAX];
    int32_t len = 0;
    UErrorCode code = U_ZERO_ERROR;

    (void)u_strFromUTF8(wide, WIDE_MAX, &len, skeleton, -1, &code);
    UNumberFormatter *writer = unumf_openForSkeletonAndLocale(wide, len, locale, &code);
    assert(U_SUCCESS(code)); /* the skeletons are ours */
    return writer;
}

static void close_all(struct intl *i)
{
    unumf_close(i->number);
    unumf_close(i->percent);
    unumf_closeResult(i->result);
    ulistfmt_close(i->list);
    uplrules_close(i->plural);
    for (int m = 0; m < MONEY_MAX; m++) {
        unumf_close(i->money[m].writer); /* accepts NULL */
    }
    mem_free(&i);
}

/* A tag comes from a shopper: whatever ICU will not open is written as English. */
static struct intl *open_all(const char *tag)
{
    struct intl *i = mem_alloc(sizeof *i);
    UErrorCode code = U_ZERO_ERROR;

    (void)snprintf(i->tag, sizeof i->tag, "%s", tag);
    (void)uloc_forLanguageTag(tag, i->locale, sizeof i->locale, NULL, &code);
    i->number = writer_open(i->locale, "");
    i->percent = writer_open(i->locale, "percent scale/100 .");
    i->result = unumf_openResult(&code);
    i->list = ulistfmt_openForType(i->locale, ULISTFMT_TYPE_AND, ULISTFMT_WIDTH_WIDE, &code);
    i->plural = uplrules_open(i->locale, &code);
    if (U_FAILURE(code)) {
        assert(strcmp(tag, "en") != 0);
        close_all(i);
        return open_all("en");
    }
    return i;
}

/* Closes the gap that one leaves. Under the lock. */
static struct intl *take_at(size_t place)
{
    struct intl *taken = kept.all[place];

    kept.count--;
    for (size_t i = place; i < kept.count; i++) {
        kept.all[i] = kept.all[i + 1];
    }
    return taken;
}

/* NULL: none of the locale is there. The one given back last comes first. */
static struct intl *kept_take(const char *tag)
{
    struct intl *found = NULL;

    (void)pthread_mutex_lock(&kept.lock);
    for (size_t n = kept.count; n > 0 && found == NULL; n--) {
        if (strcmp(kept.all[n - 1]->tag, tag) == 0) {
            found = take_at(n - 1);
        }
    }
    (void)pthread_mutex_unlock(&kept.lock);
    return found;
}

struct intl *intl_take(const char *tag)
{
    char checked[INTL_TAG_MAX];

    (void)pthread_once(&started, start);
    if (!intl_tag(tag, checked)) {
        (void)snprintf(checked, sizeof checked, "en");
    }
    struct intl *found = kept_take(checked);
    return found != NULL ? found : open_all(checked);
}

void intl_give(struct intl **intl)
{
    struct intl *oldest = NULL;

    if (*intl == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&kept.lock);
    if (kept.count == KEPT_MAX) {
        oldest = take_at(0);
    }
    kept.all[kept.count++] = *intl;
    (void)pthread_mutex_unlock(&kept.lock);
    *intl = NULL;
    if (oldest != NULL) {
        close_all(oldest);
    }
}

/* ---- writing ---- */

/* What ICU wrote, as UTF-8: three bytes for each unit suffice. */
static void add_wide(struct buf *out, const UChar *wide, int32_t len)
{
    char *text = mem_array((size_t)len + 1, 3);
    int32_t bytes = 0;
    UErrorCode code = U_ZERO_ERROR;

    (void)u_strToUTF8WithSub(text, 3 * (len + 1), &bytes, wide, len, 0xFFFD, NULL, &code);
    assert(U_SUCCESS(code));
    buf_add(out, text, (size_t)bytes);
    mem_free(&text);
}

/* The caller frees it. */
static UChar *wide_of(const char *text, int32_t *out_len)
{
    const int32_t room = (int32_t)strlen(text) + 1; /* no text has more units than bytes */
    UChar *wide = mem_array((size_t)room, sizeof *wide);
    UErrorCode code = U_ZERO_ERROR;

    (void)u_strFromUTF8WithSub(wide, room, out_len, text, -1, 0xFFFD, NULL, &code);
    assert(U_SUCCESS(code));
    return wide;
}

static void add_result(struct intl *i, struct buf *out)
{
    UChar wide[WIDE_MAX];
    char text[3 * WIDE_MAX];
    int32_t bytes = 0;
    UErrorCode code = U_ZERO_ERROR;
    const int32_t len = unumf_resultToString(i->result, wide, WIDE_MAX, &code);

    (void)u_strToUTF8(text, (int32_t)sizeof text, &bytes, wide, len, &code);
    assert(U_SUCCESS(code)); /* no number has so many digits */
    buf_add(out, text, (size_t)bytes);
}

static void write_decimal(struct intl *i, const UNumberFormatter *writer, const char *decimal,
                          struct buf *out)
{
    UErrorCode code = U_ZERO_ERROR;

    unumf_formatDecimal(writer, decimal, -1, i->result, &code);
    assert(U_SUCCESS(code));
    add_result(i, out);
}

void intl_number(struct intl *i, const char *decimal, struct buf *out)
{
    write_decimal(i, i->number, decimal, out);
}

void intl_percent(struct intl *i, double share, struct buf *out)
{
    UErrorCode code = U_ZERO_ERROR;

    unumf_formatDouble(i->percent, share, i->result, &code);
    assert(U_SUCCESS(code));
    add_result(i, out);
}

static const UNumberFormatter *money_writer(struct intl *i, const char *currency, int digits)
{
    char skeleton[PATTERN_MAX];
    int m = 0;

    while (m < MONEY_MAX - 1 && i->money[m].writer != NULL &&
           (strcmp(i->money[m].currency, currency) != 0 || i->money[m].digits != digits)) {
        m++;
    }
    struct money_writer found = i->money[m];
    if (found.writer == NULL || strcmp(found.currency, currency) != 0 || found.digits != digits) {
        unumf_close(found.writer); /* the one not used for longest */
        found = (struct money_writer){.digits = digits};
        (void)snprintf(found.currency, sizeof found.currency, "%s", currency);
        (void)snprintf(skeleton, sizeof skeleton, "currency/%s .%.*s", found.currency, digits,
                       "0000");
        found.writer = writer_open(i->locale, skeleton);
    }
    memmove(&i->money[1], &i->money[0], (size_t)m * sizeof *i->money);
    i->money[0] = found;
    return found.writer;
}

void intl_money(struct intl *i, const char *decimal, const char *currency, int digits,
                struct buf *out)
{
    assert(digits >= 0 && digits <= 4 && strlen(currency) == 3);
    write_decimal(i, money_writer(i, currency, digits), decimal, out);
}

void intl_list(struct intl *i, const char *const *parts, size_t count, struct buf *out)
{
    enum { PARTS_MAX = 16 };
    UChar *wide[PARTS_MAX];
    const UChar *parts_wide[PARTS_MAX];
    int32_t lens[PARTS_MAX];
    int32_t room = 1;
    UErrorCode code = U_ZERO_ERROR;

    assert(count <= PARTS_MAX);
    for (size_t p = 0; p < count; p++) {
        wide[p] = wide_of(parts[p], &lens[p]);
        parts_wide[p] = wide[p];
        room += lens[p] + PATTERN_MAX; /* the longest "and" and its commas */
    }
    UChar *joined = mem_array((size_t)room, sizeof *joined);
    const int32_t len =
        ulistfmt_format(i->list, parts_wide, lens, (int32_t)count, joined, room, &code);
    assert(U_SUCCESS(code));
    add_wide(out, joined, len);
    for (size_t p = 0; p < count; p++) {
        mem_free(&wide[p]);
    }
    mem_free(&joined);
}

void intl_plural(struct intl *i, double number, char out[INTL_CATEGORY_MAX])
{
    UChar wide[WIDE_MAX];
    UErrorCode code = U_ZERO_ERROR;
    const int32_t len = uplrules_select(i->plural, number, wide, WIDE_MAX, &code);

    (void)u_strToUTF8(out, INTL_CATEGORY_MAX, NULL, wide, len, &code);
    assert(U_SUCCESS(code));
}

/* ---- facts ---- */

int intl_currency_digits(const char *currency)
{
    UChar wide[4] = {0};
    UErrorCode code = U_ZERO_ERROR;

    u_charsToUChars(currency, wide, (int32_t)strnlen(currency, 3));
    const int32_t digits = ucurr_getDefaultFractionDigits(wide, &code);
    return U_SUCCESS(code) ? digits : 2;
}

bool intl_runs_left(const char *text)
{
    enum { FIRST_BYTE = 0xD6 }; /* of U+0590, where the scripts that do begin */
    int32_t len = 0;
    int32_t count = 0;
    bool found = false;
    UErrorCode code = U_ZERO_ERROR;
    const unsigned char *p = (const unsigned char *)text;

    while (*p != '\0' && *p < FIRST_BYTE) {
        p++;
    }
    if (*p == '\0') {
        return false;
    }
    UChar *wide = wide_of(text, &len);
    UChar32 *points = mem_array((size_t)len + 1, sizeof *points);
    (void)u_strToUTF32(points, len + 1, &count, wide, len, &code);
    assert(U_SUCCESS(code)); /* what was no UTF-8 has been replaced */
    for (int32_t i = 0; i < count && !found; i++) {
        const UCharDirection direction = u_charDirection(points[i]);
        found = direction == U_RIGHT_TO_LEFT || direction == U_RIGHT_TO_LEFT_ARABIC;
    }
    mem_free(&points);
    mem_free(&wide);
    return found;
}

/* One normal form after the other; owned. No character of any becomes more than eighteen (Unicode Standard Annex 15, table 6). */
static UChar *normal(const UNormalizer2 *form, UChar *wide, int32_t *len)
{
    UErrorCode code = U_ZERO_ERROR;
    const int32_t room = 18 * *len + 1;
    UChar *out = mem_array((size_t)room, sizeof *out);

    *len = unorm2_normalize(form, wide, *len, out, room, &code);
    assert(U_SUCCESS(code));
    mem_free(&wide);
    return out;
}

static UChar *folded(const char *text, int32_t *len)
{
    UErrorCode code = U_ZERO_ERROR;
    const UNormalizer2 *form = unorm2_getNFKCCasefoldInstance(&code);

    assert(U_SUCCESS(code));
    return normal(form, wide_of(text, len), len);
}

void intl_fold(const char *text, struct buf *out)
{
    int32_t len = 0;
    UChar *wide = folded(text, &len);

    add_wide(out, wide, len);
    mem_free(&wide);
}

/* Letters that are no letter with an accent, and typed as if they were. */
static UChar plain_letter(UChar c)
{
    static const UChar letters[][2] = {{0x131, 'i'}, {0x142, 'l'}, {0xf8, 'o'}};

    for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++) {
        if (letters[i][0] == c) {
            return letters[i][1];
        }
    }
    return c;
}

/* Without combining diacritical marks; those of other scripts make other words, and stay. */
static int32_t without_accents(UChar *wide, int32_t len)
{
    enum { FIRST = 0x300, LAST = 0x36f };
    int32_t len_kept = 0;

    for (int32_t i = 0; i < len; i++) {
        if (wide[i] < FIRST || wide[i] > LAST) {
            wide[len_kept++] = plain_letter(wide[i]);
        }
    }
    return len_kept;
}

void intl_bare(const char *text, struct buf *out)
{
    UErrorCode code = U_ZERO_ERROR;
    const UNormalizer2 *apart = unorm2_getNFDInstance(&code);
    const UNormalizer2 *together = unorm2_getNFCInstance(&code);
    int32_t len = 0;
    UChar *wide = folded(text, &len);

    assert(U_SUCCESS(code));
    wide = normal(apart, wide, &len);
    len = without_accents(wide, len);
    wide = normal(together, wide, &len);
    add_wide(out, wide, len);
    mem_free(&wide);
}

bool intl_same(const char *a, const char *b)
{
    int32_t len = 0;
    UChar *wide_a = wide_of(a, &len);
    UChar *wide_b = wide_of(b, &len);
    const bool same = u_strcasecmp(wide_a, wide_b, U_FOLD_CASE_DEFAULT) == 0;

    mem_free(&wide_a);
    mem_free(&wide_b);
    return same;
}
