#include "store/keys.h"

#include <assert.h>
#include <string.h>

/* API keys. Their secrets never come here, only hashes. */

static const struct {
    unsigned bit;
    const char *name;
} scopes[] = {{SCOPE_INGEST, "ingest"},
              {SCOPE_READ, "read"},
              {SCOPE_OUTREACH, "outreach"},
              {SCOPE_ADMIN, "admin"}};

enum { SCOPE_COUNT = sizeof scopes / sizeof *scopes };

static size_t scope_names(unsigned bits, const char *out[SCOPE_COUNT])
{
    size_t n = 0;
    for (size_t i = 0; i < SCOPE_COUNT; i++) {
        if ((bits & scopes[i].bit) != 0) {
            out[n++] = scopes[i].name;
        }
    }
    return n;
}

static unsigned scope_bits(const char *const *names, size_t count)
{
    unsigned bits = 0;
    for (size_t n = 0; n < count; n++) {
        for (size_t i = 0; i < SCOPE_COUNT; i++) {
            /* A name that this program does not know (of a newer release) grants nothing. */
            bits |= strcmp(names[n], scopes[i].name) == 0 ? scopes[i].bit : 0;
        }
    }
    return bits;
}

bool store_key_put(struct db *db, const struct key_row *key, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    const char *names[SCOPE_COUNT];
    size_t name_count = scope_names(key->scopes, names);
    assert(name_count > 0);
    struct params p = params_make(&a);
    param_text(&p, key->key_id);
    param_bytes(&p, key->secret_hash, sizeof key->secret_hash);
    param_text(&p, key->name);
    param_text_array(&p, names, name_count);
    param_time(&p, key->created_us);
    param_time_opt(&p, key->expires_us);
    return db_exec(db, Q_key_put, &p, NULL, err);
}

static void read_key(const PGresult *rows, int r, struct arena *a, void *out)
{
    size_t name_count;
    const char **names = row_text_array(rows, r, 3, &name_count, a);
    struct key_row key = {
        .key_id = row_text_copy(rows, r, 0, a),
        .name = row_text_copy(rows, r, 2, a),
        .scopes = scope_bits(names, name_count),
        .created_us = row_time(rows, r, 4),
        .expires_us = row_time(rows, r, 5),
        .revoked_us = row_time(rows, r, 6),
        .last_used_us = row_time(rows, r, 7),
    };
    assert(row_len(rows, r, 1) == sizeof key.secret_hash);
    memcpy(key.secret_hash, row_bytes(rows, r, 1), sizeof key.secret_hash);
    *(struct key_row *)out = key;
}

bool store_key_find(struct db *db, const char *key_id, struct arena *a, struct key_row *out,
                    bool *out_found, struct err *err)
{
    struct db_rows keys;
    struct params p = params_make(a);
    param_text(&p, key_id);
    if (!db_list(db, Q_key_find, &p, sizeof *out, read_key, &keys, err)) {
        return false;
    }
    *out_found = keys.count == 1;
    if (*out_found) {
        *out = *(const struct key_row *)keys.all;
    }
    return true;
}

bool store_keys_list(struct db *db, struct arena *a, struct key_row **out, size_t *out_count,
                     struct err *err)
{
    struct db_rows keys;
    struct params p = params_make(a);
    if (!db_list(db, Q_keys_list, &p, sizeof **out, read_key, &keys, err)) {
        return false;
    }
    *out = keys.all;
    *out_count = keys.count;
    return true;
}

/* q: key_revoke, key_used. */
static bool stamp(struct db *db, enum query_id q, const char *key_id, int64_t now_us,
                  int64_t *out_affected, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct params p = params_make(&a);
    param_text(&p, key_id);
    param_time(&p, now_us);
    return db_exec(db, q, &p, out_affected, err);
}

bool store_key_revoke(struct db *db, const char *key_id, int64_t now_us, bool *out_found,
                      struct err *err)
{
    int64_t affected;
    if (!stamp(db, Q_key_revoke, key_id, now_us, &affected, err)) {
        return false;
    }
    /* Also where it had been revoked before: the row is written, with the time it has. */
    *out_found = affected == 1;
    return true;
}

bool store_key_used(struct db *db, const char *key_id, int64_t now_us, struct err *err)
{
    /* No row touched (used within the minute, or the key is gone) is no failure. */
    return stamp(db, Q_key_used, key_id, now_us, NULL, err);
}
