#include "store/models.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Models: rows, files in chunks, and the history of champions. The files' content is nobody's business here. */

/* A value travels as one message, which both sides hold whole, several times over. */
enum { CHUNK_BYTES = 1 << 20 };

/* ---- write ---- */

static bool insert_model(struct db *db, const struct model_row *m, size_t len, struct arena *a,
                         const char **out_version, struct err *err)
{
    CLEANUP(rows_clear) PGresult *rows = NULL;
    struct params p = params_make(a);
    param_text(&p, m->kind);
    param_text(&p, m->algorithm);
    param_bytes(&p, m->sha256, sizeof m->sha256);
    param_i64(&p, (int64_t)len);
    param_jsonb(&p, m->card, strlen(m->card));
    param_text(&p, m->verdict);
    param_text(&p, m->reason);
    param_time(&p, m->created_us);
    if (!db_query(db, Q_model_insert, &p, &rows, err)) {
        return false;
    }
    *out_version = row_text_copy(rows, 0, 0, a);
    return true;
}

static bool insert_chunks(struct db *db, const char *version, const char *file, size_t len,
                          struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    int32_t seq = 0;
    for (size_t at = 0; at < len; at += CHUNK_BYTES, seq++) {
        struct params p = params_make(&a);
        param_text(&p, version);
        param_i32(&p, seq);
        param_bytes(&p, file + at, len - at < CHUNK_BYTES ? len - at : CHUNK_BYTES);
        if (!db_exec(db, Q_model_chunk_insert, &p, NULL, err)) {
            return false;
        }
        /* A chunk is borrowed, not copied, but its parameters are: without this they would add up over a large file. */
        arena_reset(&a);
    }
    return true;
}

/* Ends what db_begin began, unless the transaction was the caller's. */
static bool finish(struct db *db, bool own, bool ok, struct err *err)
{
    if (!own) {
        return ok;
    }
    if (!ok) {
        db_rollback(db);
        return false;
    }
    return db_commit(db, err);
}

bool store_model_put(struct db *db, const struct model_row *m, const void *file, size_t len,
                     struct arena *a, const char **out_version, struct err *err)
{
    assert(len > 0);
    const char *version = NULL;
    /* Row and file commit together: a replica that sees the version can read all of its chunks. A caller may bring a wider transaction. */
    bool own = !db_in_transaction(db);
    db_patience(db, MODELS_PATIENCE_US);
    if (own && !db_begin(db, err)) {
        return false;
    }
    /* The number is the largest one plus 1: without the lock two trainings would take the same. */
    bool ok = db_exec(db, Q_models_lock, NULL, NULL, err) &&
              insert_model(db, m, len, a, &version, err) &&
              insert_chunks(db, version, file, len, err);
    if (!finish(db, own, ok, err)) {
        return false;
    }
    *out_version = version;
    return true;
}

static bool insert_promotion(struct db *db, const char *kind, const char *version,
                             const char *action, bool forced, int64_t now_us, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct params p = params_make(&a);
    param_text(&p, kind);
    param_text(&p, version);
    param_text(&p, action);
    param_bool(&p, forced);
    param_time(&p, now_us);
    int64_t inserted;
    if (!db_exec(db, Q_model_promotion_insert, &p, &inserted, err)) {
        return false;
    }
    /* The insert selects from model: no row means no such version of this kind. */
    return inserted == 1 ||
           FAIL(err, ERR_NOT_FOUND,
                "there is no %s model %.100s: `cartwright models list` shows all", kind, version);
}

/* A rollback is put down even to the version that serves: it takes one promotion off the stack. */
static bool serves_already(struct db *db, const char *kind, const char *version, const char *action,
                           bool *out, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct model_row champion = {0};
    bool found = false;
    if (!store_model_champion(db, kind, &a, &champion, &found, err)) {
        return false;
    }
    *out = found && strcmp(action, "promote") == 0 && strcmp(champion.version, version) == 0;
    return true;
}

bool store_model_promote(struct db *db, const char *kind, const char *version, const char *action,
                         bool forced, int64_t now_us, struct err *err)
{
    bool own = !db_in_transaction(db);
    db_patience(db, MODELS_PATIENCE_US);
    if (own && !db_begin(db, err)) {
        return false;
    }
    bool already = false;
    /* Under the lock: who serves must not change between the look and the row. */
    bool ok = db_exec(db, Q_models_lock, NULL, NULL, err) &&
              serves_already(db, kind, version, action, &already, err) &&
              (already || insert_promotion(db, kind, version, action, forced, now_us, err));
    return finish(db, own, ok, err);
}

/* ---- read ---- */

static void read_model(const PGresult *rows, int r, struct arena *a, void *out)
{
    struct model_row m = {
        .version = row_text_copy(rows, r, 0, a),
        .kind = row_text_copy(rows, r, 1, a),
        .algorithm = row_text_copy(rows, r, 2, a),
        .number = row_i32(rows, r, 3),
        .bytes = row_i64(rows, r, 5),
        .card = row_text_copy(rows, r, 6, a),
        .verdict = row_text_copy(rows, r, 7, a),
        .reason = row_text_copy(rows, r, 8, a),
        .created_us = row_time(rows, r, 9),
        .champion = row_bool(rows, r, 10),
        .promoted_us = row_time(rows, r, 11),
    };
    /* A CHECK of the table says so. */
    assert(row_len(rows, r, 4) == sizeof m.sha256);
    memcpy(m.sha256, row_bytes(rows, r, 4), sizeof m.sha256);
    *(struct model_row *)out = m;
}

bool store_models_list(struct db *db, struct arena *a, struct model_row **out, size_t *out_count,
                       struct err *err)
{
    struct db_rows models;
    struct params p = params_make(a);
    /* NULL: no version is asked for, so all of them. */
    param_text(&p, NULL);
    if (!db_list(db, Q_models_read, &p, sizeof **out, read_model, &models, err)) {
        return false;
    }
    *out = models.all;
    *out_count = models.count;
    return true;
}

/* q: models_read by version, model_champion by kind. */
static bool read_one(struct db *db, enum query_id q, const char *name, struct arena *a,
                     struct model_row *out, bool *out_found, struct err *err)
{
    struct db_rows models;
    struct params p = params_make(a);
    param_text(&p, name);
    if (!db_list(db, q, &p, sizeof *out, read_model, &models, err)) {
        return false;
    }
    *out_found = models.count == 1;
    if (*out_found) {
        *out = *(const struct model_row *)models.all;
    }
    return true;
}

bool store_model_find(struct db *db, const char *version, struct arena *a, struct model_row *out,
                      bool *out_found, struct err *err)
{
    return read_one(db, Q_models_read, version, a, out, out_found, err);
}

bool store_model_champion(struct db *db, const char *kind, struct arena *a, struct model_row *out,
                          bool *out_found, struct err *err)
{
    return read_one(db, Q_model_champion, kind, a, out, out_found, err);
}

struct file {
    char *bytes;
    size_t len;
};

static bool add_chunk(void *ctx, const PGresult *row, struct err *err)
{
    (void)err;
    struct file *f = ctx;
    size_t n = row_len(row, 0, 0);
    f->bytes = mem_grow(f->bytes, f->len + n, 1);
    memcpy(f->bytes + f->len, row_bytes(row, 0, 0), n);
    f->len += n;
    return true;
}

bool store_model_file(struct db *db, const char *version, void **out_bytes, size_t *out_len,
                      struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct file f = {0};
    struct params p = params_make(&a);
    param_text(&p, version);
    bool ok = db_stream(db, Q_model_chunks, &p, add_chunk, &f, err);
    /* Every model has at least one byte (CHECK), so nothing is no model rather than an empty one. */
    if (ok && f.len == 0) {
        ok = FAIL(err, ERR_NOT_FOUND,
                  "there is no model %.100s: `cartwright models list` shows all", version);
    }
    if (!ok) {
        free(f.bytes);
        return false;
    }
    *out_bytes = f.bytes;
    *out_len = f.len;
    return true;
}

bool store_model_previous(struct db *db, const char *kind, struct arena *a,
                          const char **out_version, struct err *err)
{
    CLEANUP(rows_clear) PGresult *rows = NULL;
    struct params p = params_make(a);
    param_text(&p, kind);
    if (!db_query(db, Q_model_promotions, &p, &rows, err)) {
        return false;
    }
    /* The history as a stack: a promotion is put on top, a rollback takes the top off. */
    int *stack = arena_array(a, (size_t)PQntuples(rows) + 1, sizeof *stack);
    int depth = 0;
    for (int r = 0; r < PQntuples(rows); r++) {
        if (strcmp(row_text(rows, r, 1), "promote") == 0) {
            stack[depth++] = r;
        } else if (depth > 0) {
            depth--;
        }
    }
    *out_version = depth < 2 ? NULL : row_text_copy(rows, stack[depth - 2], 0, a);
    return true;
}
