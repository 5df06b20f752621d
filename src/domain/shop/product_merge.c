/* A change of some members of a product. What a product may be, product.c says, once. */
#include "domain/shop/product_merge.h"

#include "base/cleanup.h"
#include "base/json/jdec.h"
#include "domain/shop/money.h"

#include <assert.h>

static void set_text(json_t *doc, const char *name, const char *text)
{
    if (text != NULL) {
        (void)json_object_set_new(doc, name, json_string(text));
    }
}

/* As it would be sent: members that are not known are not there. */
static json_t *document_of(const struct product *p)
{
    json_t *doc = json_object();

    set_text(doc, "title", p->title);
    set_text(doc, "url", p->url);
    set_text(doc, "image_url", p->image_url);
    set_text(doc, "category", p->category);
    set_text(doc, "brand", p->brand);
    if (p->price_minor != MONEY_UNKNOWN) {
        (void)json_object_set_new(doc, "price_minor", json_integer(p->price_minor));
        set_text(doc, "currency", p->currency);
    }
    if (p->stock >= 0) {
        (void)json_object_set_new(doc, "stock", json_integer(p->stock));
    }
    json_t *attributes = p->attributes != NULL ? json_loads(p->attributes, 0, NULL) : NULL;
    if (attributes != NULL) {
        (void)json_object_set_new(doc, "attributes", attributes);
    }
    return doc;
}

/* The function MergePatch of RFC 7396, 2; both are objects. No deeper than the parser lets a patch be. */
static void merge(json_t *target, json_t *patch) // NOLINT(misc-no-recursion)
{
    const char *name;
    json_t *value;

    json_object_foreach (patch, name, value) {
        json_t *old = json_object_get(target, name);
        if (json_is_null(value)) {
            (void)json_object_del(target, name);
        } else if (!json_is_object(value)) {
            (void)json_object_set(target, name, value);
        } else if (json_is_object(old)) {
            merge(old, value);
        } else {
            /* a new object is merged into nothing, which takes its nulls out */
            json_t *fresh = json_object();
            merge(fresh, value);
            (void)json_object_set_new(target, name, fresh);
        }
    }
}

bool product_merge(const struct product *have, json_t *patch, const char *id, struct arena *a,
                   struct product *out, struct err *err)
{
    if (!json_is_object(patch)) {
        return FAIL(err, ERR_INVALID, "must be an object");
    }
    CLEANUP(jdec_free) json_t *doc = have != NULL ? document_of(have) : json_object();
    assert(doc != NULL);
    merge(doc, patch);
    return product_decode(doc, id, a, out, err);
}
