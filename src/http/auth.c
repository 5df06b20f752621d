/* Checks API keys against a copy of the table that is at most AUTH_FRESH_US old. */
#include "http/auth.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/key.h"
#include "store/keys.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Look-ups of ids that the copy does not know, per AUTH_FRESH_US: new keys work at once, and a flood
 * of invented ids costs the database next to nothing. Beyond it the copy itself is made anew, this often: it has the new
 * keys as well, and no flood keeps them waiting for longer. */
enum { LOOKUPS_MAX = 100 };
#define FLOOD_FRESH_US INT64_C(200000)

struct entry {
    char id[KEY_ID_LEN + 1];
    uint8_t secret_hash[SHA256_BYTES];
    unsigned scopes;
    int64_t expires_us; /* 0: never */
    int64_t revoked_us;
    bool used; /* since the copy was made */
};

struct auth {
    struct pool *pool;
    pthread_mutex_t lock; /* guards all below; a leaf lock, never held over I/O */
    struct entry *entries;
    size_t count;
    int64_t loaded_us;  /* monotonic */
    int64_t counted_us; /* monotonic: since when look-ups are counted */
    int lookups;
    bool loading; /* a thread is about it */
};

static struct entry entry_of(const struct key_row *row)
{
    struct entry e = {
        .scopes = row->scopes, .expires_us = row->expires_us, .revoked_us = row->revoked_us};

    memcpy(e.id, row->key_id, strnlen(row->key_id, KEY_ID_LEN));
    memcpy(e.secret_hash, row->secret_hash, sizeof e.secret_hash);
    return e;
}

/* Swaps a fresh copy of the table in; the old one is the caller's to free. */
CAN_FAIL static bool load(struct auth *auth, struct db *db, struct entry **out_old,
                          size_t *out_old_count, struct err *err)
{
    struct arena a = {0};
    struct key_row *rows = NULL;
    size_t count = 0;

    if (!store_keys_list(db, &a, &rows, &count, err)) {
        arena_free(&a);
        return false;
    }
    /* built outside of the lock, under which nothing is allocated; + 1, so that an empty table has
     * a copy as well */
    struct entry *entries = mem_array(count + 1, sizeof *entries);
    for (size_t i = 0; i < count; i++) {
        entries[i] = entry_of(&rows[i]);
    }
    arena_free(&a);
    (void)pthread_mutex_lock(&auth->lock);
    *out_old = auth->entries;
    *out_old_count = auth->count;
    auth->entries = entries;
    auth->count = count;
    (void)pthread_mutex_unlock(&auth->lock);
    return true;
}

/* The fresh copy, and word to the database which keys were used meanwhile. */
CAN_FAIL static bool reload(struct auth *auth, struct err *err)
{
    CLEANUP(pool_return) struct lease lease = {.pool = auth->pool};
    CLEANUP(mem_free) struct entry *old = NULL;
    size_t count = 0;

    if (!pool_lease(auth->pool, &lease, err) || !load(auth, lease.db, &old, &count, err)) {
        return false;
    }
    /* Only now that it is out of use: as long as it was the copy, find could mark a key in it. */
    for (size_t i = 0; i < count; i++) {
        if (old[i].used && !store_key_used(lease.db, old[i].id, clock_now_us(), err)) {
            return false;
        }
    }
    return true;
}

/* True for the one thread that shall load now: the copy is older than that. */
static bool load_is_due(struct auth *auth, int64_t age_us)
{
    int64_t now_us = clock_monotonic_us();

    (void)pthread_mutex_lock(&auth->lock);
    /* one loads, the others go on with the old copy and do not wait */
    bool due = !auth->loading && now_us - auth->loaded_us >= age_us;
    auth->loading = auth->loading || due;
    (void)pthread_mutex_unlock(&auth->lock);
    return due;
}

/* A failure leaves the old copy in use: without the database no handler gets far anyway. */
static void refresh(struct auth *auth, int64_t age_us)
{
    struct err err = {0};

    if (!load_is_due(auth, age_us)) {
        return;
    }
    if (!reload(auth, &err)) {
        log_line(LOG_WARN, "keys_not_refreshed", "%s", err.text);
    }
    /* After a failure as well: the next try is AUTH_FRESH_US away, or every request would wait for
     * a database that does not answer. */
    (void)pthread_mutex_lock(&auth->lock);
    auth->loaded_us = clock_monotonic_us();
    /* The count of a window: under a flood it runs on, or each of these loads would buy the flood a hundred look-ups. */
    if (auth->loaded_us - auth->counted_us >= AUTH_FRESH_US) {
        auth->lookups = 0;
        auth->counted_us = auth->loaded_us;
    }
    auth->loading = false;
    (void)pthread_mutex_unlock(&auth->lock);
}

CAN_FAIL bool auth_open(struct pool *pool, struct auth **out, struct err *err)
{
    struct auth *auth = mem_alloc(sizeof *auth);

    auth->pool = pool;
    (void)pthread_mutex_init(&auth->lock, NULL);
    if (!reload(auth, err)) {
        auth_close(&auth);
        return false;
    }
    auth->loaded_us = auth->counted_us = clock_monotonic_us();
    *out = auth;
    return true;
}

void auth_close(struct auth **auth)
{
    if (*auth != NULL) {
        (void)pthread_mutex_destroy(&(*auth)->lock);
        free((*auth)->entries);
        free(*auth);
        *auth = NULL;
    }
}

/* Copies the entry out. */
static bool find(struct auth *auth, const char *id, struct entry *out)
{
    bool found = false;

    (void)pthread_mutex_lock(&auth->lock);
    for (size_t i = 0; i < auth->count && !found; i++) {
        if (strcmp(auth->entries[i].id, id) == 0) {
            /* copied, because the entries may be swapped and freed once the lock is given back */
            *out = auth->entries[i];
            found = true;
        }
    }
    (void)pthread_mutex_unlock(&auth->lock);
    return found;
}

/* The key was shown with its secret. */
static void mark_used(struct auth *auth, const char *id)
{
    (void)pthread_mutex_lock(&auth->lock);
    for (size_t i = 0; i < auth->count; i++) {
        auth->entries[i].used = auth->entries[i].used || strcmp(auth->entries[i].id, id) == 0;
    }
    (void)pthread_mutex_unlock(&auth->lock);
}

/* Whether the database may be asked for an id that the copy does not know: it may be a key made a second ago, or an attempt to make
 * us ask. */
static bool may_look_up(struct auth *auth)
{
    (void)pthread_mutex_lock(&auth->lock);
    bool may = auth->lookups < LOOKUPS_MAX;
    auth->lookups += may ? 1 : 0;
    (void)pthread_mutex_unlock(&auth->lock);
    return may;
}

static void remember(struct auth *auth, const struct entry *e)
{
    (void)pthread_mutex_lock(&auth->lock);
    size_t count = auth->count;
    (void)pthread_mutex_unlock(&auth->lock);

    /* not under the lock, so what was seen under it may be over: looked at again below */
    struct entry *grown = mem_array(count + 1, sizeof *grown);
    (void)pthread_mutex_lock(&auth->lock);
    bool unchanged = auth->count == count;
    if (unchanged) {
        memcpy(grown, auth->entries, count * sizeof *grown);
        grown[count] = *e;
        struct entry *before = auth->entries;
        auth->entries = grown;
        auth->count++;
        grown = before;
    } /* else someone was faster: the next request asks again */
    (void)pthread_mutex_unlock(&auth->lock);
    free(grown);
}

CAN_FAIL static bool ask(struct auth *auth, const char *id, struct entry *out, bool *out_found,
                         struct err *err)
{
    CLEANUP(pool_return) struct lease lease = {.pool = auth->pool};
    struct arena a = {0};
    struct key_row row;
    bool found = false;

    bool asked =
        pool_lease(auth->pool, &lease, err) && store_key_find(lease.db, id, &a, &row, &found, err);
    if (asked && found) {
        *out = entry_of(&row);
        remember(auth, out);
    }
    arena_free(&a);
    *out_found = found;
    return asked;
}

/* The key of that id, in the copy or in the database. A failure of the database is ours and no 401: the key may be right. */
CAN_FAIL static bool key_of(struct auth *auth, const char *id, struct entry *out, bool *out_found,
                            struct err *err)
{
    refresh(auth, AUTH_FRESH_US);
    *out_found = find(auth, id, out);
    if (*out_found) {
        return true;
    }
    if (may_look_up(auth)) {
        return ask(auth, id, out, out_found, err);
    }
    refresh(auth, FLOOD_FRESH_US);
    *out_found = find(auth, id, out);
    return true;
}

CAN_FAIL static bool may(const struct entry *e, unsigned scope, struct err *err)
{
    char names[SCOPES_TEXT_MAX];

    if ((e->scopes & (scope | SCOPE_ADMIN)) != 0) {
        return true;
    }
    return FAIL(err, ERR_FORBIDDEN, "the API key lacks the scope \"%s\"",
                scopes_format(scope, names));
}

CAN_FAIL bool auth_check(struct auth *auth, const char *authorization, unsigned scope,
                         struct err *err)
{
    enum { BEARER_LEN = 7 };
    struct api_key key;
    struct entry e = {0};

    if (authorization == NULL) {
        return FAIL(err, ERR_DENIED, "an API key is needed: Authorization: Bearer ck_...");
    }
    if (strncasecmp(authorization, "Bearer ", BEARER_LEN) != 0) {
        return FAIL(err, ERR_DENIED,
                    "Authorization must be the word Bearer and the API key: Bearer ck_...");
    }
    bool parsed = key_parse(authorization + BEARER_LEN, &key);
    bool found = false;
    if (parsed && !key_of(auth, key.id, &e, &found, err)) {
        return false;
    }
    int64_t now_us = clock_now_us();
    /* One answer for all of it, and the secrets compared in constant time: neither which ids exist
     * nor how much of a secret is right can be learnt from here. */
    if (!found || !hash_equal(key.secret_hash, e.secret_hash, SHA256_BYTES) || e.revoked_us != 0 ||
        (e.expires_us != 0 && e.expires_us <= now_us)) {
        return FAIL(err, ERR_DENIED, "the API key is unknown, revoked or expired");
    }
    mark_used(auth, key.id); /* only now: who knows an id alone is not its owner */
    return may(&e, scope, err);
}
