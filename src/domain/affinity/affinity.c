/* The affinity model that serves: loading with every check, and lookups by id. Ranking is affinity_rank.c, writing is affinity_file.c. */
#include "domain/affinity/affinity.h"

#include "base/mem.h"
#include "domain/affinity/affinity_internal.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

double affinity_event_weight(enum event_type type)
{
    /* In units of a view, rising with what a step commits to. They are in the schema hash: a model
     * trained with other ones is refused. */
    if (type == EVENT_PRODUCT_VIEWED) {
        return 1;
    }
    if (type == EVENT_WISHLIST_ADDED) {
        return 3;
    }
    if (type == EVENT_CART_ITEM_ADDED) {
        return 4;
    }
    /* Snapshots repeat what additions said, list views and searches name no product of the shopper's choice. */
    return type == EVENT_PURCHASE ? 6 : 0;
}

double affinity_decay(int64_t age_us)
{
    /* not above 1 for a device whose clock is ahead */
    return age_us <= 0 ? 1 : exp2(-(double)age_us / (double)AFFINITY_HALF_LIFE_US);
}

void affinity_schema(uint8_t out[SHA256_BYTES])
{
    struct hash_state h;
    const int64_t layout[] = {3 /* version of the sections */, AFFINITY_HALF_LIFE_US};
    /* Half-life and weights decide where a shopper lies: with others, fold-in would solve another
     * problem than the training did. */
    hash_begin(&h);
    hash_add(&h, layout, sizeof layout);
    for (int type = 0; type < EVENT_TYPE_COUNT; type++) {
        const double weight = affinity_event_weight((enum event_type)type);
        if (weight > 0) {
            /* by name, so that renumbering the types changes no hash */
            const char *name = event_type_name((enum event_type)type);
            hash_add(&h, name, strlen(name) + 1);
            hash_add(&h, &weight, sizeof weight);
        }
    }
    hash_end(&h, out);
}

/* ---- loading ---- */

/* Texts laid end to end: text i is the bytes from start[i] on, ended by a zero. */
static bool load_texts(const struct model_file *file, const char *text_name, const char *start_name,
                       int count, const uint8_t **out_text, const int64_t **out_start,
                       struct err *err)
{
    uint64_t len = 0;
    const uint8_t *text = NULL;
    const int64_t *start = NULL;
    if (!model_file_count(file, text_name, MODEL_U8, &len, err) ||
        !model_file_u8(file, text_name, len, &text, err) ||
        !model_file_i64(file, start_name, (uint64_t)count + 1, &start, err)) {
        return false;
    }
    /* Each text has at least its zero, within its own bounds: from here on
     * they are handed out as C strings. */
    bool ok = start[0] == 0 && start[count] == (int64_t)len;
    for (int i = 0; i < count && ok; i++) {
        ok = start[i] < start[i + 1] && start[i + 1] <= (int64_t)len &&
             text[start[i + 1] - 1] == '\0';
    }
    if (!ok) {
        return FAIL(err, ERR_INVALID, "the texts of section %s do not lie end to end", text_name);
    }
    *out_text = text;
    *out_start = start;
    return true;
}

static bool load_shape(struct affinity *m, struct err *err)
{
    const int64_t *window = NULL;
    const int32_t *shape = NULL;
    if (!model_file_i64(&m->file, "window", 2, &window, err) ||
        !model_file_i32(&m->file, "shape", 3, &shape, err)) {
        return false;
    }
    m->from_us = window[0];
    m->as_of_us = window[1];
    m->count = shape[0];
    m->trained = shape[1];
    m->categories = shape[2];
    if (m->trained < (m->is_prior ? 0 : 1) || m->count < 1 || m->count < m->trained ||
        m->categories < 1 || m->from_us > m->as_of_us) {
        return FAIL(err, ERR_INVALID,
                    "the affinity model has %d items, %d of them trained, and %d categories",
                    m->count, m->trained, m->categories);
    }
    return true;
}

static bool load_items(struct affinity *m, struct err *err)
{
    uint64_t n = (uint64_t)m->count;
    if (!load_texts(&m->file, "ids", "id_start", m->count, &m->id_text, &m->id_start, err) ||
        !load_texts(&m->file, "categories", "category_start", m->categories, &m->category_text,
                    &m->category_start, err) ||
        !model_file_f32(&m->file, "popularity", n, &m->popularity, err) ||
        !model_file_i32(&m->file, "category", n, &m->category, err) ||
        !model_file_i32(&m->file, "brand", n, &m->brand, err) ||
        !model_file_i64(&m->file, "price", n, &m->price, err) ||
        (model_file_has(&m->file, "repeat") &&
         !model_file_i64(&m->file, "repeat", n, &m->repeat, err)) ||
        (model_file_has(&m->file, "once") && !model_file_u8(&m->file, "once", n, &m->once, err)) ||
        (model_file_has(&m->file, "kind") &&
         (!model_file_i32(&m->file, "kind", n, &m->kind, err) ||
          !model_file_i32(&m->file, "sort", n, &m->sort, err)))) {
        return false;
    }
    /* Categories and brands are used as indexes from here on, and nobody asks again. The comparison
     * of popularity is written so that NaN fails it. */
    for (int i = 0; i < m->count; i++) {
        if (m->category[i] < 0 || m->category[i] >= m->categories || m->brand[i] < 0 ||
            !(m->popularity[i] >= 0)) {
            return FAIL(
                err, ERR_INVALID,
                "item %d of the affinity model has a category, brand or popularity out of range",
                i);
        }
    }
    return true;
}

/* As many rows as are trained, or as there are items. */
static bool load_placed(struct affinity *m, int k, struct err *err)
{
    uint64_t floats = 0;
    if (!model_file_count(&m->file, "factors", MODEL_F32, &floats, err)) {
        return false;
    }
    bool all = floats == (uint64_t)m->count * (uint64_t)mat_ld(k);
    if (!model_file_mat(&m->file, "factors", all ? m->count : m->trained, k, &m->placed, err)) {
        return false;
    }
    m->factors = mat_view(m->placed.data, m->trained, k, m->placed.ld);
    return true;
}

static bool load_factors(struct affinity *m, struct err *err)
{
    const int32_t *factors = NULL;
    const double *ridge = NULL;
    const float *scale = NULL;
    if (!model_file_i32(&m->file, "factor_count", 1, &factors, err) ||
        !model_file_f64(&m->file, "ridge", AFFINITY_RIDGE, &ridge, err)) {
        return false;
    }
    if (factors[0] < 1 || factors[0] > ALS_FACTORS_MAX) {
        return FAIL(err, ERR_INVALID, "the affinity model has %d factors", factors[0]);
    }
    /* The objective's constants travel with the factors: fold-in minimises the training's objective
     * for one row more (als_serve.h). */
    struct als_options options = als_defaults();
    options.factors = factors[0];
    options.reg = (float)ridge[0];
    options.reg_exponent = (float)ridge[1];
    options.unobserved_weight = (float)ridge[2];
    options.shopper_exponent = (float)ridge[3];
    return load_placed(m, factors[0], err) &&
           model_file_f32(&m->file, "spectrum", (uint64_t)factors[0], &m->spectrum, err) &&
           model_file_f32(&m->file, "item_scale", (uint64_t)m->trained, &scale, err) &&
           als_server_open(&m->factors, m->spectrum, scale, ridge[4], &options, &m->server, err);
}

/* Another processor's kernels round otherwise, so equal means equal to four digits of the largest factor. */
static bool vectors_agree(const float *a, const float *b, int count)
{
    double largest = 0;
    double difference = 0;
    for (int i = 0; i < count; i++) {
        largest = fmax(largest, fabs((double)a[i]));
        difference = fmax(difference, fabs((double)a[i] - (double)b[i]));
    }
    return difference <= 1e-4 * largest;
}

/* The numbers may be intact and the code that reads them not: a known basket must fold in as it did in training. */
static bool self_test(const struct affinity *m, struct err *err)
{
    uint64_t count = 0;
    const int32_t *ids = NULL;
    const float *weights = NULL;
    const float *expected = NULL;
    if (!model_file_count(&m->file, "probe", MODEL_I32, &count, err)) {
        return false;
    }
    if (count < 1 || count > AFFINITY_PROBES) {
        return FAIL(err, ERR_INVALID, "the affinity model has %llu self-test items",
                    (unsigned long long)count);
    }
    if (!model_file_i32(&m->file, "probe", count, &ids, err) ||
        !model_file_f32(&m->file, "probe_weight", count, &weights, err) ||
        !model_file_f32(&m->file, "probe_factors", (uint64_t)m->factors.cols, &expected, err)) {
        return false;
    }
    float factors[ALS_FACTORS_MAX];
    const struct als_entries done = {(int)count, ids, weights};
    if (!als_fold_in(&m->server, &done, factors, err)) {
        return false;
    }
    if (!vectors_agree(expected, factors, m->factors.cols)) {
        return FAIL(err, ERR_INVALID,
                    "the affinity model's self-test shopper does not fold in as in training");
    }
    return true;
}

static bool load_sources(struct affinity *m, struct err *err)
{
    for (int s = 0; s < SOURCE_COUNT; s++) {
        if (affinity_sources[s].load && !affinity_sources[s].load(m, err)) {
            return false;
        }
    }
    return true;
}

static bool load(struct affinity *m, struct err *err)
{
    /* alone they are the score; item_load gives a share of it away */
    m->blend[SOURCE_FACTORS] = 1;
    uint8_t schema[SHA256_BYTES];
    affinity_schema(schema);
    m->is_blend = strcmp(m->file.kind, AFFINITY_KIND_BLEND) == 0;
    m->is_als = m->is_blend || strcmp(m->file.kind, AFFINITY_KIND_ALS) == 0;
    m->is_prior = strcmp(m->file.kind, AFFINITY_KIND_PRIOR) == 0;
    /* In this order: what reads indexes comes after what checked them, and nothing is
     * built for a file that is refused. */
    return model_file_expect(&m->file,
                             m->is_blend   ? AFFINITY_KIND_BLEND
                             : m->is_als   ? AFFINITY_KIND_ALS
                             : m->is_prior ? AFFINITY_KIND_PRIOR
                                           : AFFINITY_KIND_POPULARITY,
                             schema, err) &&
           load_shape(m, err) && load_items(m, err) && reason_load(m, err) && spread_load(m, err) &&
           (!m->is_als || (load_factors(m, err) && self_test(m, err))) && load_sources(m, err) &&
           affinity_index(m, err);
}

static void release(struct affinity *m)
{
    for (int s = 0; s < SOURCE_COUNT; s++) {
        if (affinity_sources[s].release) {
            affinity_sources[s].release(m);
        }
    }
    /* before the index that it searches */
    topk_share_free(&m->share);
    topk_index_free(&m->index);
    free(m->order);
    free(m->by_category);
    free(m->category_first);
    free(m->category_popularity);
    free(m->department);
    free(m->aisle);
    free(m->slots);
    free(m);
}

bool affinity_load(struct model_file *file, const char *version, struct affinity **out,
                   struct err *err)
{
    struct affinity *m = mem_alloc(sizeof *m);
    m->file = *file;
    snprintf(m->version, sizeof m->version, "%s", version);
    if (!load(m, err)) {
        /* not the file: m had a copy of the caller's struct, who still owns it */
        release(m);
        return false;
    }
    *file = (struct model_file){0};
    *out = m;
    return true;
}

void affinity_free(struct affinity **a)
{
    if (*a) {
        model_file_close(&(*a)->file);
        release(*a);
        *a = NULL;
    }
}

const char *affinity_version(const struct affinity *a)
{
    return a->version;
}

const char *affinity_algorithm(const struct affinity *a)
{
    if (a->is_blend) {
        return "blend";
    }
    if (a->is_als) {
        return "als";
    }
    return a->is_prior ? "prior" : "popularity";
}

int64_t affinity_as_of_us(const struct affinity *a)
{
    return a->as_of_us;
}

int affinity_placed(const struct affinity *a)
{
    return a->is_als ? a->placed.rows - a->trained : 0;
}

bool affinity_knows(const struct affinity *a, const char *product_id)
{
    return affinity_find(a, product_id) >= 0;
}
