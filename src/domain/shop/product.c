/* What the shop says about a product: decoded, checked, and named for people. */
#include "domain/shop/product.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/json/jdec.h"
#include "base/spell.h"
#include "domain/shop/clean_text.h"
#include "domain/shop/event.h"
#include "domain/shop/event_hints.h"
#include "domain/shop/free_form.h"
#include "domain/shop/money.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LEVEL_SEPARATOR " > "

/* ---- members ---- */

/* Tags and entities may make a name longer than it is; more than so many times is none. */
enum { UNCLEAN = 4 };

/* A text for people: cleaned, and the limit is that of what is left. */
static const char *keep_clean(struct jdec *d, const char *key, const char *text, size_t bytes_max,
                              struct arena *a)
{
    const char *clean = text == NULL || jdec_stopped(d) ? NULL : clean_text(text, a);
    size_t len = clean == NULL ? 0 : strlen(clean);

    if (len > bytes_max) {
        jdec_refuse(d, key, "must be at most %zu bytes, not %zu", bytes_max, len);
        return NULL;
    }
    /* one that cannot be seen is none */
    return clean == NULL ? NULL : arena_strdup(a, clean);
}

static const char *read_text(struct jdec *d, const char *key, size_t bytes_max, struct arena *a)
{
    return keep_clean(d, key, jdec_str_opt(d, key, UNCLEAN * bytes_max), bytes_max, a);
}

static bool is_web_address(const char *url)
{
    size_t scheme = strncasecmp(url, "http://", 7) == 0    ? 7
                    : strncasecmp(url, "https://", 8) == 0 ? 8
                                                           : 0;

    /* No host, no link. Other schemes are refused with it: a javascript: address would run in
     * whatever page shows the product. */
    return scheme > 0 && url[scheme] != '\0' && url[scheme] != '/' && strchr(url, ' ') == NULL;
}

static const char *read_url(struct jdec *d, const char *key, struct arena *a)
{
    /* "" is how feeds say that there is none */
    const char *sent = jdec_str_opt(d, key, PRODUCT_URL_MAX);
    const char *url = sent == NULL ? NULL : text_keep(d, key, clean_url(sent, a), a);

    if (url != NULL && strlen(url) > PRODUCT_URL_MAX) { /* by the scheme that it got */
        jdec_refuse(d, key, "must be at most %d bytes, not %zu", PRODUCT_URL_MAX, strlen(url));
    } else if (url != NULL && !is_web_address(url)) {
        jdec_refuse(d, key, "must be an http or https address");
    }
    return url;
}

static void read_id(struct jdec *d, const char *in_path, struct arena *a, struct product *p)
{
    p->product_id =
        in_path == NULL
            ? text_keep(d, "product_id", jdec_id(d, "product_id", EVENT_ID_MAX, a), a)
            : text_keep(d, "product_id", jdec_id_opt(d, "product_id", EVENT_ID_MAX, a), a);
    /* In the body it may be left out where the path has it; where both are there, which
     * one was meant could not be told. */
    if (in_path == NULL || jdec_stopped(d)) {
        return;
    }
    size_t len = strlen(in_path);
    if (len == 0 || len > EVENT_ID_MAX || text_has_control(in_path)) {
        jdec_refuse(d, "product_id", "must be 1 to %d bytes without control characters in the path",
                    EVENT_ID_MAX);
    } else if (p->product_id != NULL && strcmp(p->product_id, in_path) != 0) {
        jdec_refuse(d, "product_id", "must be the one in the path");
    }
    p->product_id = arena_strdup(a, in_path);
}

static void read_price(struct jdec *d, struct product *p)
{
    bool has_price;
    int64_t price = jdec_i64_opt(d, "price_minor", 0, MONEY_MINOR_MAX, &has_price);
    const char *currency = jdec_text_opt(d, "currency", 3);

    p->price_minor = MONEY_UNKNOWN;
    if (currency != NULL && !money_currency_valid(currency)) {
        jdec_refuse(d, "currency", "must be three upper-case letters");
    } else if (has_price != (currency != NULL)) {
        /* Neither says anything alone: an amount without currency can
         * be neither shown nor compared. */
        jdec_refuse(d, has_price ? "currency" : "price_minor", "is required with %s",
                    has_price ? "price_minor" : "currency");
    } else if (has_price && money_currency_real(currency)) {
        p->price_minor = price;
        (void)snprintf(p->currency, sizeof p->currency, "%s", currency);
    }
}

/* Levels sent one by one become the path they stand for. */
static const char *read_levels(struct jdec *d, struct arena *a)
{
    CLEANUP(buf_free) struct buf path = buf_make((size_t)UNCLEAN * PRODUCT_CATEGORY_MAX);
    /* One text either way: models, wishes and messages compare paths
     * and cut them at the separator. */
    size_t count = jdec_array_opt(d, "category", PRODUCT_LEVELS_MAX);

    for (size_t i = 0; i < count && !jdec_stopped(d); i++) {
        buf_add_str(&path, i == 0 ? "" : LEVEL_SEPARATOR);
        buf_add_str(&path, jdec_element_text(d, "category", i, PRODUCT_CATEGORY_MAX));
    }
    if (!buf_ok(&path)) {
        jdec_refuse(d, "category", "must be at most %d bytes in all", PRODUCT_CATEGORY_MAX);
    }
    return count == 0 ? NULL : keep_clean(d, "category", buf_text(&path), PRODUCT_CATEGORY_MAX, a);
}

static const char *read_category(struct jdec *d, struct arena *a)
{
    if (jval_is(jval_get(d->object, "category"), JSON_ARRAY)) {
        return read_levels(d, a);
    }
    return read_text(d, "category", PRODUCT_CATEGORY_MAX, a);
}

static void free_text(char **text)
{
    free(*text);
}

static const char *read_attributes(struct jdec *d, struct arena *a)
{
    json_t *tree = jdec_tree_opt(d, "attributes");

    if (tree == NULL ||
        !free_form_check(d, "attributes", jval_of_tree(tree), PRODUCT_ATTRIBUTES_DEPTH)) {
        return "{}";
    }
    /* Sorted: the same attributes are the same text in whatever order they were sent. */
    CLEANUP(free_text) char *text = json_dumps(tree, JSON_COMPACT | JSON_SORT_KEYS);
    size_t len = text == NULL ? 0 : strlen(text);
    if (len == 0 || len > PRODUCT_ATTRIBUTES_MAX) {
        jdec_refuse(d, "attributes", "must be at most %d bytes, not %zu", PRODUCT_ATTRIBUTES_MAX,
                    len);
        return "{}";
    }
    return arena_strdup(a, text);
}

/* Of an event "id" is its own; of a product, the product's. */
static const char *member_hint(const char *unknown)
{
    return spell_same(unknown, "id") ? "product_id" : event_member_hint(unknown);
}

bool product_decode(json_t *json, const char *product_id_in_path, struct arena *a,
                    struct product *out, struct err *err)
{
    struct jdec d = jdec_root(json, err);
    struct product p = {0};
    bool has_stock;

    d.hint = member_hint;
    read_id(&d, product_id_in_path, a, &p);
    p.title = read_text(&d, "title", PRODUCT_TITLE_MAX, a);
    p.title = p.title == NULL || product_title_is_none(p.title, p.product_id) ? NULL : p.title;
    p.url = read_url(&d, "url", a);
    p.image_url = read_url(&d, "image_url", a);
    read_price(&d, &p);
    p.category = read_category(&d, a);
    p.brand = read_text(&d, "brand", PRODUCT_BRAND_MAX, a);
    p.stock = jdec_i64_opt(&d, "stock", 0, PRODUCT_STOCK_MAX, &has_stock);
    /* 0 is sold out; a shop that sends no stock does not count it, and everything is for sale. */
    p.stock = has_stock ? p.stock : -1;
    p.attributes = read_attributes(&d, a);
    if (!jdec_end(&d)) {
        return false;
    }
    *out = p;
    return true;
}

/* NULL where the API would refuse it. */
static const char *clean_or_none(const char *text, size_t bytes_max, struct arena *a)
{
    if (text == NULL || strlen(text) > UNCLEAN * bytes_max) {
        return NULL;
    }
    const char *clean = clean_text(text, a);
    return clean != NULL && strlen(clean) <= bytes_max ? clean : NULL;
}

void product_clean(struct product *p, struct arena *a)
{
    p->title = clean_or_none(p->title, PRODUCT_TITLE_MAX, a);
    p->title = p->title == NULL || product_title_is_none(p->title, p->product_id) ? NULL : p->title;
    p->category = clean_or_none(p->category, PRODUCT_CATEGORY_MAX, a);
    p->brand = clean_or_none(p->brand, PRODUCT_BRAND_MAX, a);
}

/* ---- names ---- */

/* As ids look: with a digit and without a blank. Products known by their title alone have it as their id. */
static bool is_code(const char *text)
{
    return strpbrk(text, "0123456789") != NULL && strpbrk(text, " \t") == NULL;
}

bool product_title_is_none(const char *title, const char *product_id)
{
    /* Fewer than for ids (placeholder_table.inc): "True" and "Object" are perfumes and toys. */
    static const char *const none[] = {"undefined",
                                       "null",
                                       "nil",
                                       "nan",
                                       "none",
                                       "n/a",
                                       "na",
                                       "#n/a",
                                       "#null!",
                                       "#value!",
                                       "(null)",
                                       "(none)",
                                       "(not set)",
                                       "not set",
                                       "[object object]",
                                       "<null>",
                                       "untitled",
                                       "no title",
                                       "no name",
                                       "unnamed",
                                       "unknown",
                                       "unknown product",
                                       "product",
                                       "item",
                                       "title",
                                       "name",
                                       "tbd",
                                       "?",
                                       "??",
                                       "-",
                                       "--",
                                       ".",
                                       "\\N"};
    const char *first = title + strspn(title, " \t\r\n");

    if (first[0] == '\0' ||
        (product_id != NULL && strcmp(first, product_id) == 0 && is_code(first))) {
        return true;
    }
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        if (strcasecmp(first, none[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* What follows the last level separator, dot, slash or space. */
static const char *last_word(const char *category)
{
    const char *word = category;

    for (const char *at = category; *at != '\0'; at++) {
        /* a separator at the end leaves no empty word behind */
        if (strchr(" >./", *at) != NULL && at[1] != '\0') {
            word = at + 1;
        }
    }
    return word;
}

const char *product_title(const struct product *p, struct arena *a)
{
    if (p->title != NULL) {
        return p->title;
    }
    if (p->brand != NULL && p->category != NULL) {
        return arena_printf(a, "%s %s", p->brand, last_word(p->category));
    }
    if (p->category != NULL) {
        return last_word(p->category);
    }
    return p->brand != NULL ? p->brand : p->product_id;
}
