#include "unit/domain/affinity/affinity_spec.h"

#include <stdio.h>

void must(bool ok, const struct err *err)
{
    if (!ok) {
        fail_msg("%s", err->text);
    }
}

void taste_items(char (*ids)[TASTE_ID_MAX], struct affinity_item *items, int count)
{
    for (int i = 0; i < count; i++) {
        (void)snprintf(ids[i], sizeof ids[i], "%c%d", i < TASTE ? 'a' : i < TASTED ? 'b' : 'n', i);
        items[i] = (struct affinity_item){
            .id = ids[i],
            .category = i < TASTE ? "shoes" : "hats",
            .brand = i % 2 ? "odd" : "even",
            .price_minor = 1000 + 100 * i,
            .popularity = i < TASTED ? (float)(100 - i) : 0,
        };
    }
}

struct csr taste_purchases(void)
{
    struct err err = {0};
    struct triple triples[TASTE_SHOPPERS * TASTE];
    struct csr matrix = {0};
    size_t count = 0;

    for (int s = 0; s < TASTE_SHOPPERS; s++) {
        for (int i = 0; i < TASTE; i++) {
            if ((s * 7 + i * 5) % 11 > 2) { /* nobody has everything */
                triples[count++] = (struct triple){s, i + (s % 2 ? TASTE : 0), 1};
            }
        }
    }
    must(csr_build(TASTE_SHOPPERS, TASTED, triples, count, &matrix, &err), &err);
    return matrix;
}

struct als_options taste_als_options(void)
{
    struct als_options o = als_defaults();

    o.factors = TASTE_FACTORS;
    o.sweeps = 30;
    o.reg = 0.05F;
    o.shopper_exponent = 0;
    o.item_exponent = 0;
    return o;
}

void write_affinity(const struct affinity_parts *parts, struct buf *out)
{
    struct err err = {0};
    uint8_t sha256[SHA256_BYTES];

    must(affinity_write(parts, out, sha256, &err), &err);
}

bool try_loading(const struct buf *bytes, struct affinity **out, struct err *err)
{
    struct model_file file = {0};

    return model_file_view(bytes->data, bytes->len, &file, err) &&
           affinity_load(&file, "affinity-1", out, err);
}

struct affinity *loaded(const struct buf *bytes)
{
    struct err err = {0};
    struct affinity *a = NULL;

    must(try_loading(bytes, &a, &err), &err);
    return a;
}

void keep_ids(struct picks *picks, struct arena *a)
{
    for (int i = 0; i < picks->count; i++) {
        struct pick *p = &picks->items[i];
        p->product_id = arena_strdup(a, p->product_id);
        p->because = p->because ? arena_strdup(a, p->because) : NULL;
    }
}
