/* The bytes of an affinity model, for training. */
#include "domain/affinity/affinity_file.h"

#include "base/arena.h"
#include "base/cleanup.h"
#include "domain/affinity/affinity_internal.h"
#include "domain/affinity/affinity_kind.h"
#include "domain/affinity/affinity_place.h"
#include "ml/file/model_file.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Texts laid end to end, each ended by a zero. */
struct texts {
    uint8_t *text;
    int64_t *start; /* (count + 1) */
    int count;
};

static struct texts texts_lay(const char *const *all, int count, struct arena *a)
{
    struct texts t = {.count = count, .start = arena_array(a, (size_t)count + 1, sizeof *t.start)};
    for (int i = 0; i < count; i++) {
        /* with its zero, so that serving can use the file's bytes as C strings */
        t.start[i + 1] = t.start[i] + (int64_t)strlen(all[i]) + 1;
    }
    t.text = arena_alloc(a, (size_t)t.start[count] + 1);
    for (int i = 0; i < count; i++) {
        memcpy(t.text + t.start[i], all[i], (size_t)(t.start[i + 1] - t.start[i]));
    }
    return t;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Distinct names in order; number 0 is "", which stands for none. */
struct names {
    const char **all;
    int count;
    int32_t *of_item;
};

static struct names names_number(const char *const *of_items, int count, struct arena *a)
{
    struct names n = {.all = arena_array(a, (size_t)count + 1, sizeof *n.all),
                      .of_item = arena_array(a, (size_t)count, sizeof *n.of_item)};
    /* sorts before every name, so that "none" is number 0 also where all items have one */
    n.all[0] = "";
    for (int i = 0; i < count; i++) {
        n.all[i + 1] = of_items[i] ? of_items[i] : "";
    }
    /* numbers by rank and not by first sight: the same bytes in whatever order the items come */
    qsort(n.all, (size_t)count + 1, sizeof *n.all, by_text);
    n.count = 1;
    for (int i = 1; i <= count; i++) {
        if (strcmp(n.all[i], n.all[n.count - 1]) != 0) {
            n.all[n.count++] = n.all[i];
        }
    }
    for (int i = 0; i < count; i++) {
        const char *name = of_items[i] ? of_items[i] : "";
        const char **found = bsearch(&name, n.all, (size_t)n.count, sizeof *n.all, by_text);
        assert(found);
        n.of_item[i] = (int32_t)(found - n.all);
    }
    return n;
}

/* Columns of the items, as the file holds them. */
struct columns {
    struct texts ids;
    struct texts categories;
    struct names category;
    struct names brand;
    float *popularity;
    int64_t *price;
    int64_t *repeat;
    uint8_t *once;
    int32_t *kind;
    int32_t *sort;
};

static struct columns columns_of(const struct affinity_parts *parts, struct arena *a)
{
    size_t n = (size_t)parts->count;
    const char **ids = arena_array(a, n, sizeof *ids);
    const char **categories = arena_array(a, n, sizeof *categories);
    const char **brands = arena_array(a, n, sizeof *brands);
    struct columns c = {.popularity = arena_array(a, n, sizeof *c.popularity),
                        .price = arena_array(a, n, sizeof *c.price),
                        .repeat = arena_array(a, n, sizeof *c.repeat),
                        .once = arena_array(a, n, sizeof *c.once),
                        .kind = arena_array(a, n, sizeof *c.kind),
                        .sort = arena_array(a, n, sizeof *c.sort)};
    for (size_t i = 0; i < n; i++) {
        ids[i] = parts->items[i].id;
        categories[i] = parts->items[i].category;
        brands[i] = parts->items[i].brand;
        c.popularity[i] = parts->items[i].popularity;
        c.price[i] = parts->items[i].price_minor;
        c.repeat[i] = parts->items[i].repeat_us;
        c.once[i] = parts->items[i].once;
    }
    c.ids = texts_lay(ids, parts->count, a);
    c.category = names_number(categories, parts->count, a);
    c.brand = names_number(brands, parts->count, a);
    affinity_kinds(parts->items, c.category.of_item, parts->count, c.kind, c.sort);
    c.categories = texts_lay(c.category.all, c.category.count, a);
    return c;
}

static void add_texts(struct model_builder *b, const char *text_name, const char *start_name,
                      const struct texts *t)
{
    model_builder_add(b, text_name, MODEL_U8, t->text, (uint64_t)t->start[t->count]);
    model_builder_add(b, start_name, MODEL_I64, t->start, (uint64_t)t->count + 1);
}

/* What only a factor model has; borrowed by the builder until it finishes. */
struct factor_sections {
    struct mat factors; /* (trained, k) rotated, owned */
    struct mat placed;  /* these, and behind them the others that could be placed; owned */
    int32_t factor_count;
    float *spectrum; /* in arena, as are the next two */
    float *item_scale;
    float *probe_factors;
    double ridge[AFFINITY_RIDGE];
    int32_t probe[AFFINITY_PROBES];
    float probe_weight[AFFINITY_PROBES];
    int probes;
};

/* The file holds the factors as fold-in wants them: in the eigenbasis of their Gram matrix. */
static bool rotate(const struct affinity_parts *parts, struct factor_sections *s, struct arena *a,
                   struct err *err)
{
    s->factors = mat_make(parts->trained, parts->factors->cols);
    /* turned in place, and the caller's are only borrowed */
    mat_copy(parts->factors, &s->factors);
    s->spectrum = arena_array(a, (size_t)s->factors.cols, sizeof *s->spectrum);
    s->item_scale = arena_array(a, (size_t)parts->trained, sizeof *s->item_scale);
    for (int i = 0; i < parts->trained; i++) {
        s->item_scale[i] = parts->item_scale ? parts->item_scale[i] : 1;
    }
    return als_rotate(&s->factors, 1, s->spectrum, err);
}

/* What a known basket folds in to. */
static bool probe(const struct affinity_parts *parts, struct factor_sections *s, struct arena *a,
                  struct err *err)
{
    struct als_server server;
    s->probes = parts->trained < AFFINITY_PROBES ? parts->trained : AFFINITY_PROBES;
    for (int i = 0; i < s->probes; i++) {
        /* spread over the catalogue, each of another weight: exchanged rows would show */
        s->probe[i] = (int32_t)((int64_t)i * parts->trained / s->probes);
        s->probe_weight[i] = 1 + (float)i;
    }
    s->probe_factors = arena_array(a, (size_t)s->factor_count, sizeof *s->probe_factors);
    const struct als_entries done = {s->probes, s->probe, s->probe_weight};
    /* through the server, as it will be asked: item scales and ridge are in the answer */
    return als_server_open(&s->factors, s->spectrum, s->item_scale, s->ridge[4], parts->options,
                           &server, err) &&
           als_fold_in(&server, &done, s->probe_factors, err);
}

static bool add_factors(struct model_builder *b, const struct affinity_parts *parts,
                        struct factor_sections *s, struct arena *a, struct err *err)
{
    const struct als_options *o = parts->options;
    assert(o && parts->factors->rows == parts->trained);
    s->factor_count = parts->factors->cols;
    s->ridge[0] = (double)o->reg;
    s->ridge[1] = (double)o->reg_exponent;
    s->ridge[2] = (double)o->unobserved_weight;
    s->ridge[3] = (double)o->shopper_exponent;
    /* 1 where shoppers are not scaled: the server divides by it */
    s->ridge[4] = parts->shopper_mean > 0 ? parts->shopper_mean : 1;
    if (!rotate(parts, s, a, err) || !probe(parts, s, a, err)) {
        return false;
    }
    model_builder_add(b, "factor_count", MODEL_I32, &s->factor_count, 1);
    model_builder_add(b, "ridge", MODEL_F64, s->ridge, AFFINITY_RIDGE);
    /* after the probe: placed products take no part in a fold-in */
    s->placed = affinity_place(parts, &s->factors);
    model_builder_add_mat(b, "factors", &s->placed);
    model_builder_add(b, "spectrum", MODEL_F32, s->spectrum, (uint64_t)s->factor_count);
    model_builder_add(b, "item_scale", MODEL_F32, s->item_scale, (uint64_t)parts->trained);
    model_builder_add(b, "probe", MODEL_I32, s->probe, (uint64_t)s->probes);
    model_builder_add(b, "probe_weight", MODEL_F32, s->probe_weight, (uint64_t)s->probes);
    model_builder_add(b, "probe_factors", MODEL_F32, s->probe_factors, (uint64_t)s->factor_count);
    return true;
}

static void add_weights(struct model_builder *b, const struct affinity_parts *parts,
                        const float blend[2])
{
    const struct csr *w = parts->weights;
    const uint64_t entries = (uint64_t)csr_entries(w);
    assert(parts->factors && w->rows == parts->trained && w->cols == parts->trained);
    model_builder_add(b, "item_start", MODEL_I64, w->start, (uint64_t)w->rows + 1);
    model_builder_add(b, "item_target", MODEL_I32, w->column, entries);
    model_builder_add(b, "item_weight", MODEL_F32, w->weight, entries);
    model_builder_add(b, "blend", MODEL_F32, blend, 2);
}

static const char *kind_of(const struct affinity_parts *parts)
{
    if (parts->weights) {
        return AFFINITY_KIND_BLEND;
    }
    if (parts->factors) {
        return AFFINITY_KIND_ALS;
    }
    return parts->prior ? AFFINITY_KIND_PRIOR : AFFINITY_KIND_POPULARITY;
}

bool affinity_write(const struct affinity_parts *parts, struct buf *out,
                    uint8_t out_sha256[SHA256_BYTES], struct err *err)
{
    assert(parts->count >= 1 && parts->count >= parts->trained);
    assert(parts->trained >= 1 || parts->prior);
    CLEANUP(arena_free) struct arena a = {0};
    const struct columns c = columns_of(parts, &a);
    const int64_t window[2] = {parts->from_us, parts->as_of_us};
    const int32_t shape[3] = {parts->count, parts->trained, c.category.count};
    uint8_t schema[SHA256_BYTES];
    struct factor_sections factors = {0};
    affinity_schema(schema);
    struct model_builder b = model_builder_make(kind_of(parts), schema);
    model_builder_add(&b, "window", MODEL_I64, window, 2);
    model_builder_add(&b, "shape", MODEL_I32, shape, 3);
    add_texts(&b, "ids", "id_start", &c.ids);
    add_texts(&b, "categories", "category_start", &c.categories);
    model_builder_add(&b, "popularity", MODEL_F32, c.popularity, (uint64_t)parts->count);
    model_builder_add(&b, "category", MODEL_I32, c.category.of_item, (uint64_t)parts->count);
    model_builder_add(&b, "brand", MODEL_I32, c.brand.of_item, (uint64_t)parts->count);
    model_builder_add(&b, "price", MODEL_I64, c.price, (uint64_t)parts->count);
    model_builder_add(&b, "repeat", MODEL_I64, c.repeat, (uint64_t)parts->count);
    model_builder_add(&b, "once", MODEL_U8, c.once, (uint64_t)parts->count);
    model_builder_add(&b, "kind", MODEL_I32, c.kind, (uint64_t)parts->count);
    model_builder_add(&b, "sort", MODEL_I32, c.sort, (uint64_t)parts->count);
    for (int i = 0; i < parts->more_count; i++) {
        const struct affinity_section *more = &parts->more[i];
        model_builder_add(&b, more->name, more->dtype, more->data, more->count);
    }
    /* out here, as the builder borrows it until it finishes */
    const float blend[2] = {parts->item_share, parts->weight_exponent};
    if (parts->weights) {
        add_weights(&b, parts, blend);
    }
    bool ok = !parts->factors || add_factors(&b, parts, &factors, &a, err);
    if (ok) {
        model_builder_add_text(&b, "card", parts->card);
        ok = model_builder_finish(&b, out, out_sha256, err);
    }
    mat_free(&factors.factors);
    mat_free(&factors.placed);
    return ok;
}
