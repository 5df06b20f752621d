#ifndef DOMAIN_SHOP_PRODUCT_H
#define DOMAIN_SHOP_PRODUCT_H

#include "base/arena.h"
#include "base/err.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct product {
    const char *product_id;
    const char *title; /* NULL: never described; message and API fall back to the id */
    const char *url;
    const char *image_url;
    int64_t price_minor;  /* MONEY_UNKNOWN */
    char currency[4];     /* "" unknown */
    const char *category; /* path, levels parted by " > "; NULL */
    const char *brand;
    int64_t stock;          /* -1: not tracked */
    const char *attributes; /* JSON object text; "{}" where none were sent */
    int64_t updated_us;     /* 0: not said by the decoder */
    int64_t priced_us;      /* when the price became this one; 0: not known, or not asked for */
    int64_t price_before;   /* where priced_us is known: the one before, MONEY_UNKNOWN: none */
    int64_t priced_before_us;
};

enum {
    PRODUCT_TITLE_MAX = 500, /* bytes, as the following */
    PRODUCT_URL_MAX = 2000,
    PRODUCT_CATEGORY_MAX = 500, /* the whole path */
    PRODUCT_LEVELS_MAX = 10,
    PRODUCT_BRAND_MAX = 200,
    PRODUCT_ATTRIBUTES_MAX = 16384,
    PRODUCT_ATTRIBUTES_DEPTH = 10, /* levels */
};
#define PRODUCT_STOCK_MAX INT64_C(1000000000)

/* Decodes and validates one product; product_id_in_path (PUT) may be NULL; where both are there they
 * must agree. title, category and brand are cleaned (clean_text.h), and none where nothing of them can be
 * seen. URLs only http(s), "" is none. price_minor and currency come together. Members: product_id title url
 * image_url price_minor currency category (string "A > B" or array of strings) brand stock
 * attributes{}. *err must be {0} at the start; on failure err->path is the pointer inside this product. */
CAN_FAIL bool product_decode(json_t *json, const char *product_id_in_path, struct arena *a,
                             struct product *out, struct err *err);

/* Cleans title, category and brand as product_decode does (clean_text.h), and takes out those that it would
 * refuse: too long for the catalogue. For what foreign sources say, which must not lose its price for it. In
 * arena, or borrowed as they were. */
void product_clean(struct product *p, struct arena *a);

/* Whether a title names nothing: blank, the id once more where that is a code, or a word that programs write where they have none ("undefined", "N/A", "-"). */
bool product_title_is_none(const char *title, const char *product_id);

/* Whether the shop says that none is left. Where stock is not tracked, it does not. */
static inline bool product_sold_out(const struct product *p)
{
    return p->stock == 0;
}

/* Title, else brand + last word of the category (or whichever of the two is known), else the id. In
 * arena or borrowed from the product. */
const char *product_title(const struct product *p, struct arena *a);

#endif
