/* Changes of a part of a product: PATCH, POST ?mode=merge, and DELETE. What is known is read under a lock, changed
 * (domain/shop/product_merge.h), and written back in the same transaction. */
#include "http/api/product_merge.h"

#include "base/cleanup.h"
#include "base/jenc.h"
#include "base/json/jdec.h"
#include "domain/shop/event.h"
#include "domain/shop/free_form.h"
#include "domain/shop/product_merge.h"
#include "http/api/elements.h"
#include "http/api/router.h"
#include "http/wire/respond.h"
#include "store/products.h"

#include <stdlib.h>
#include <string.h>

enum { TRIES = 3 };

static int by_id(const void *x, const void *y)
{
    const struct named *a = x;
    const struct named *b = y;
    int id = strcmp(a->id, b->id);

    return id != 0 ? id : a->at < b->at ? -1 : 1;
}

struct named *names_sort(const char *const *ids, size_t count, struct arena *a)
{
    struct named *names = arena_array(a, count, sizeof *names);

    for (size_t i = 0; i < count; i++) {
        names[i] = (struct named){.id = ids[i], .at = i};
    }
    if (count > 0) {
        qsort(names, count, sizeof *names, by_id);
    }
    return names;
}

/* ---- many ---- */

/* Patches of one request. */
struct merging {
    struct arena *arena;
    const char **ids;
    size_t *element; /* patch i is this element */
    size_t count;
    struct named *names;     /* of all patches, by id */
    struct product *changed; /* what is to be written, one an id */
    bool *is_new;
    size_t changed_count;
};

static void prepare(void *ctx, size_t count, struct arena *a)
{
    struct merging *m = ctx;

    m->arena = a;
    m->ids = arena_array(a, count, sizeof *m->ids);
    m->element = arena_array(a, count, sizeof *m->element);
}

/* Only the id: what the whole is, shows when it is merged. */
static bool decode(void *ctx, size_t index, struct jval doc, struct err *err)
{
    struct merging *m = ctx;
    struct jdec d = jdec_root_of(doc, m->arena, err);
    const char *id =
        text_keep(&d, "product_id", jdec_id(&d, "product_id", EVENT_ID_MAX, m->arena), m->arena);

    if (jdec_failed(&d)) {
        return false;
    }
    m->ids[m->count] = id;
    m->element[m->count++] = index;
    return true;
}

/* One patch on top of have (NULL: nothing is known). False: it is invalid, and told so. */
static bool merge_one(const struct merging *m, struct element *e, const char *id,
                      const struct product *have, struct product *out)
{
    struct err_more more = {.count = 0};
    struct err err = {.more = &more};
    CLEANUP(jdec_free) json_t *doc = jdec_parse(e->text, strlen(e->text), &err);

    e->error_count = 0; /* of an earlier try */
    if (doc == NULL || !product_merge(have, doc, id, m->arena, out, &err)) {
        element_invalid(e, &err, m->arena);
        return false;
    }
    e->status = have == NULL ? "created" : "updated";
    return true;
}

/* The patches of one id, in their order, each on top of the one before. Returns how many there are. */
static size_t merge_id(struct merging *m, size_t from, const struct product *known,
                       struct elements *elements)
{
    const char *id = m->names[from].id;
    const struct product *have = known;
    size_t end = from;

    for (; end < m->count && strcmp(m->names[end].id, id) == 0; end++) {
        struct element *e = &elements->items[m->element[m->names[end].at]];
        struct product *next = arena_alloc(m->arena, sizeof *next);
        have = merge_one(m, e, id, have, next) ? next : have;
    }
    if (have != known) {
        m->changed[m->changed_count] = *have;
        m->is_new[m->changed_count++] = known == NULL;
    }
    return end - from;
}

static void merge_all(struct merging *m, const struct product *known, size_t known_count,
                      struct elements *elements)
{
    size_t k = 0;

    m->changed_count = 0;
    /* both are in the order of ids */
    for (size_t i = 0; i < m->count;) {
        while (k < known_count && strcmp(known[k].product_id, m->names[i].id) < 0) {
            k++;
        }
        bool is_known = k < known_count && strcmp(known[k].product_id, m->names[i].id) == 0;
        i += merge_id(m, i, is_known ? &known[k] : NULL, elements);
    }
}

/* *out_done false: somebody else has described a product that was new here, between the look and the writing. */
CAN_FAIL static bool try_merge(struct request *rq, struct merging *m, struct elements *elements,
                               bool *out_done, struct err *err)
{
    CLEANUP(pool_return) struct lease lease = {.pool = rq->app->pool};
    bool *created = arena_array(m->arena, m->count, sizeof *created);
    struct product *known = NULL;
    size_t known_count = 0;

    if (!pool_lease(rq->app->pool, &lease, err) || !db_begin(lease.db, err) ||
        !store_products_lock(lease.db, m->ids, m->count, m->arena, &known, &known_count, err)) {
        return false;
    }
    merge_all(m, known, known_count, elements);
    if (!store_products_put(lease.db, m->changed, m->changed_count, rq->received_us, created,
                            err)) {
        return false;
    }
    for (size_t i = 0; i < m->changed_count; i++) {
        if (m->is_new[i] && !created[i]) {
            *out_done = false;
            return true; /* the lease takes the transaction back */
        }
    }
    *out_done = true;
    return db_commit(lease.db, err);
}

CAN_FAIL bool products_merge_post(struct request *rq, struct err *err)
{
    struct merging m = {0};
    struct element_reader reader = {
        .id_name = "product_id", .prepare = prepare, .decode = decode, .ctx = &m};
    struct elements elements;
    bool done = false;

    if (!elements_read(rq, &reader, &elements)) {
        return true;
    }
    m.names = names_sort(m.ids, m.count, m.arena);
    m.changed = arena_array(m.arena, m.count, sizeof *m.changed);
    m.is_new = arena_array(m.arena, m.count, sizeof *m.is_new);
    for (int i = 0; i < TRIES && !done; i++) {
        if (!try_merge(rq, &m, &elements, &done, err)) {
            return false;
        }
    }
    if (!done) {
        return FAIL(err, ERR_BUSY, "others describe the same products at this moment");
    }
    elements_answer(rq, &elements);
    return true;
}

/* ---- one ---- */

static void answer_status(struct request *rq, const char *status)
{
    struct buf body = buf_make(ANSWER_MAX);
    struct jenc j = jenc_begin(&body);

    jenc_object(&j, NULL);
    jenc_str(&j, "product_id", rq->id);
    jenc_str(&j, "status", status);
    jenc_object_end(&j);
    answer_json(rq, 200, &body);
}

CAN_FAIL static bool change(struct request *rq, json_t *patch, struct err *err)
{
    CLEANUP(pool_return) struct lease lease = {.pool = rq->app->pool};
    struct product *known = NULL;
    struct product next;
    size_t count = 0;

    if (!pool_lease(rq->app->pool, &lease, err) || !db_begin(lease.db, err) ||
        !store_products_lock(lease.db, &rq->id, 1, &rq->arena, &known, &count, err)) {
        return false;
    }
    /* A patch says what differs, and here is nothing it could differ from: PUT describes. */
    if (count == 0) {
        return FAIL(err, ERR_NOT_FOUND, "nothing describes this product (now)");
    }
    return product_merge(known, patch, rq->id, &rq->arena, &next, err) &&
           store_products_put(lease.db, &next, 1, rq->received_us, NULL, err) &&
           db_commit(lease.db, err);
}

CAN_FAIL bool api_product_patch(struct request *rq, struct err *err)
{
    CLEANUP(jdec_free) json_t *patch = NULL;

    if (!request_json(rq, &patch)) {
        return true;
    }
    if (!change(rq, patch, err)) {
        return false;
    }
    answer_status(rq, "updated");
    return true;
}

CAN_FAIL bool api_product_delete(struct request *rq, struct err *err)
{
    CLEANUP(pool_return) struct lease lease = {.pool = rq->app->pool};
    bool found = false;

    if (!pool_lease(rq->app->pool, &lease, err) ||
        !store_products_delete(lease.db, rq->id, rq->received_us, &found, err)) {
        return false;
    }
    if (!found) {
        return FAIL(err, ERR_NOT_FOUND, "nothing describes this product (now)");
    }
    answer_status(rq, "deleted");
    return true;
}
