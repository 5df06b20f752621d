/* Who may do what, and what that costs the database. The linker puts a count in place of the look-up of a key, and a clock
 * that the tests move in place of the monotonic one. */
#include "http/auth.h"

#include "base/clock.h"
#include "http/key.h"
#include "integration/store/store_spec.h"
#include "store/keys.h"
#include "store/pg/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static atomic_int lookups;
bool __real_store_key_find(struct db *db, const char *key_id, struct arena *a, struct key_row *out,
                           bool *out_found, struct err *err);
bool __wrap_store_key_find(struct db *db, const char *key_id, struct arena *a, struct key_row *out,
                           bool *out_found, struct err *err);
bool __wrap_store_key_find(struct db *db, const char *key_id, struct arena *a, struct key_row *out,
                           bool *out_found, struct err *err)
{
    atomic_fetch_add(&lookups, 1);
    return __real_store_key_find(db, key_id, a, out, out_found, err);
}

/* Somebody asks while a copy is made. */
static struct {
    struct auth *auth; /* NULL: nobody does */
    const char *header;
    int copies;
    bool served;
} meanwhile;

bool __real_store_keys_list(struct db *db, struct arena *a, struct key_row **out, size_t *out_count,
                            struct err *err);
bool __wrap_store_keys_list(struct db *db, struct arena *a, struct key_row **out, size_t *out_count,
                            struct err *err);
bool __wrap_store_keys_list(struct db *db, struct arena *a, struct key_row **out, size_t *out_count,
                            struct err *err)
{
    struct auth *auth = meanwhile.auth;
    struct err why = {0};

    if (auth != NULL && meanwhile.copies++ == 0) {
        meanwhile.served = auth_check(auth, meanwhile.header, SCOPE_READ, &why);
    }
    return __real_store_keys_list(db, a, out, out_count, err);
}

static _Atomic int64_t later_us;
int64_t __real_clock_monotonic_us(void);
int64_t __wrap_clock_monotonic_us(void);
int64_t __wrap_clock_monotonic_us(void)
{
    return __real_clock_monotonic_us() + atomic_load(&later_us);
}

/* A stored key, and its header. */
struct a_key {
    char id[KEY_ID_LEN + 1];
    char header[sizeof "Bearer " + KEY_TEXT_MAX];
};

static void header_of(const char *text, char out[sizeof "Bearer " + KEY_TEXT_MAX])
{
    (void)snprintf(out, sizeof "Bearer " + KEY_TEXT_MAX, "Bearer %s", text);
}

static struct a_key stored(unsigned scopes, int64_t expires_us)
{
    struct api_key key;
    struct a_key out;
    char text[KEY_TEXT_MAX];
    key_make(&key, text);
    struct key_row row = {.key_id = key.id,
                          .name = "spec",
                          .scopes = scopes,
                          .created_us = clock_now_us(),
                          .expires_us = expires_us};
    memcpy(row.secret_hash, key.secret_hash, sizeof row.secret_hash);
    assert_ok(store_key_put(spec.db, &row, &spec.err));
    memcpy(out.id, key.id, sizeof out.id);
    header_of(text, out.header);
    return out;
}

/* A key that nobody stored. */
static struct a_key invented(void)
{
    struct api_key key;
    struct a_key out;
    char text[KEY_TEXT_MAX];
    key_make(&key, text);
    memcpy(out.id, key.id, sizeof out.id);
    header_of(text, out.header);
    return out;
}

static struct pool *pool;

static struct auth *an_auth_of(int connections)
{
    struct auth *auth = NULL;
    assert_ok(pool_open(spec.url, spec.prepared, connections, SECONDS(10), &pool, &spec.err));
    assert_ok(auth_open(pool, &auth, &spec.err));
    atomic_store(&lookups, 0);
    return auth;
}

static struct auth *an_auth(void)
{
    return an_auth_of(2);
}

static void end(struct auth **auth)
{
    auth_close(auth);
    pool_close(&pool);
}

static void assert_denied(struct auth *auth, const char *header)
{
    assert_fails(auth_check(auth, header, SCOPE_READ, &spec.err), ERR_DENIED);
}

static void a_known_key_costs_no_query(void **state)
{
    (void)state;
    struct a_key key = stored(SCOPE_READ, 0);
    struct auth *auth = an_auth();
    for (int i = 0; i < 10; i++) {
        assert_ok(auth_check(auth, key.header, SCOPE_READ, &spec.err));
    }
    assert_int_equal(atomic_load(&lookups), 0);
    end(&auth);
}

static void what_is_no_key_is_denied_without_asking(void **state)
{
    (void)state;
    struct a_key key = stored(SCOPE_READ, 0);
    struct auth *auth = an_auth();
    char basic[sizeof key.header];
    char wrong[sizeof key.header];
    (void)snprintf(basic, sizeof basic, "Basic  %s", key.header + strlen("Bearer "));
    memcpy(wrong, key.header, sizeof wrong);
    char *last = wrong + strlen(wrong) - 2; /* the last digit has bits of no meaning */
    *last = *last == 'A' ? 'B' : 'A';
    assert_denied(auth, NULL);
    assert_denied(auth, "");
    assert_denied(auth, "Bearer ck_");
    assert_denied(auth, basic);
    assert_denied(auth, wrong); /* the right id, another secret */
    assert_int_equal(atomic_load(&lookups), 0);
    end(&auth);
}

static void a_key_may_what_its_scopes_say_and_admin_everything(void **state)
{
    (void)state;
    struct a_key reader = stored(SCOPE_READ, 0);
    struct a_key admin = stored(SCOPE_ADMIN, 0);
    struct auth *auth = an_auth();
    assert_ok(auth_check(auth, reader.header, SCOPE_READ, &spec.err));
    assert_fails(auth_check(auth, reader.header, SCOPE_INGEST, &spec.err), ERR_FORBIDDEN);
    assert_text_contains(spec.err.text, "ingest");
    assert_fails(auth_check(auth, reader.header, SCOPE_ADMIN, &spec.err), ERR_FORBIDDEN);
    assert_ok(auth_check(auth, admin.header, SCOPE_OUTREACH, &spec.err));
    end(&auth);
}

static void an_expired_key_is_denied(void **state)
{
    (void)state;
    struct a_key expired = stored(SCOPE_READ, clock_now_us() - 1);
    struct a_key lasting = stored(SCOPE_READ, clock_now_us() + HOURS(1));
    struct auth *auth = an_auth();
    assert_denied(auth, expired.header);
    assert_ok(auth_check(auth, lasting.header, SCOPE_READ, &spec.err));
    end(&auth);
}

static void a_new_key_works_at_once_and_is_looked_up_once(void **state)
{
    (void)state;
    struct auth *auth = an_auth();
    struct a_key key = stored(SCOPE_READ, 0);
    assert_ok(auth_check(auth, key.header, SCOPE_READ, &spec.err));
    assert_ok(auth_check(auth, key.header, SCOPE_READ, &spec.err));
    assert_int_equal(atomic_load(&lookups), 1);
    end(&auth);
}

static void a_revoked_key_works_no_longer_than_the_copy_is_fresh(void **state)
{
    (void)state;
    bool found = false;
    struct a_key key = stored(SCOPE_READ, 0);
    struct auth *auth = an_auth();
    assert_ok(store_key_revoke(spec.db, key.id, clock_now_us(), &found, &spec.err));
    assert_true(found);
    assert_ok(auth_check(auth, key.header, SCOPE_READ, &spec.err));
    atomic_fetch_add(&later_us, AUTH_FRESH_US);
    assert_denied(auth, key.header);
    end(&auth);
}

static void while_one_makes_the_copy_anew_the_others_are_served_from_the_old_one(void **state)
{
    (void)state;
    struct a_key key = stored(SCOPE_READ, 0);
    struct auth *auth = an_auth();
    atomic_fetch_add(&later_us, AUTH_FRESH_US);
    meanwhile.auth = auth;
    meanwhile.header = key.header;
    meanwhile.copies = 0;
    assert_ok(auth_check(auth, key.header, SCOPE_READ, &spec.err));
    meanwhile.auth = NULL;
    assert_true(meanwhile.served);
    assert_int_equal(meanwhile.copies, 1);
    end(&auth);
}

static void a_flood_of_invented_ids_asks_the_database_a_hundred_times_and_no_more(void **state)
{
    (void)state;
    struct a_key key = stored(SCOPE_READ, 0);
    struct auth *auth = an_auth();
    for (int i = 0; i < 150; i++) {
        assert_denied(auth, invented().header);
    }
    assert_int_equal(atomic_load(&lookups), 100);
    assert_ok(auth_check(auth, key.header, SCOPE_READ, &spec.err)); /* who is known is served */
    atomic_fetch_add(&later_us, AUTH_FRESH_US);
    struct a_key fresh = stored(SCOPE_READ, 0);
    assert_ok(auth_check(auth, fresh.header, SCOPE_READ, &spec.err));
    assert_denied(auth, invented().header);
    assert_int_equal(atomic_load(&lookups),
                     101); /* the copy has the fresh one; the count began anew */
    end(&auth);
}

static void a_flood_keeps_no_new_key_waiting(void **state)
{
    (void)state;
    struct auth *auth = an_auth();
    for (int i = 0; i < 150; i++) {
        assert_denied(auth, invented().header);
    }
    struct a_key fresh = stored(SCOPE_READ, 0);
    assert_denied(auth, fresh.header); /* the copy was made just now */
    atomic_fetch_add(&later_us, 250000);
    assert_ok(auth_check(auth, fresh.header, SCOPE_READ, &spec.err));
    for (int i = 0; i < 150; i++) { /* the flood goes on, and buys nothing by it */
        assert_denied(auth, invented().header);
    }
    assert_int_equal(atomic_load(&lookups), 100);
    end(&auth);
}

/* The copy is made anew five times a second; the count of look-ups is not. */
static void a_flood_that_goes_on_is_counted_anew_where_a_copy_would_be_too_old(void **state)
{
    (void)state;
    struct auth *auth = an_auth();
    atomic_fetch_add(&later_us, AUTH_FRESH_US);
    for (int i = 0; i < 150; i++) { /* two seconds, and what the machine takes for it */
        atomic_fetch_add(&later_us, i >= 110 && i % 5 == 0 ? 250000 : 0);
        assert_denied(auth, invented().header);
    }
    assert_int_equal(atomic_load(&lookups), 100);
    for (int i = 0; i < 150; i++) { /* five more */
        atomic_fetch_add(&later_us, i < 20 ? 250000 : 0);
        assert_denied(auth, invented().header);
    }
    assert_int_equal(atomic_load(&lookups), 200);
    end(&auth);
}

/* With another secret behind its id. */
static struct a_key guessed(const struct a_key *key)
{
    struct a_key out = invented();
    memcpy(out.id, key->id, sizeof out.id);
    char *id = strstr(out.header, "ck_");
    memcpy(id, key->id, strlen(key->id));
    return out;
}

static void who_knows_the_id_alone_does_not_use_the_key(void **state)
{
    (void)state;
    struct a_key key = stored(SCOPE_READ, 0);
    struct auth *auth = an_auth();
    assert_denied(auth, guessed(&key).header);
    atomic_fetch_add(&later_us, AUTH_FRESH_US);
    assert_denied(auth, guessed(&key).header);
    assert_int_equal(
        sql_number("SELECT count(*) FROM cartwright.api_key WHERE last_used_at IS NOT NULL"), 0);
    end(&auth);
}

static void the_database_hears_which_keys_were_used_when_the_copy_is_made_anew(void **state)
{
    (void)state;
    struct a_key used = stored(SCOPE_READ, 0);
    struct a_key unused = stored(SCOPE_READ, 0);
    struct auth *auth = an_auth();
    assert_ok(auth_check(auth, used.header, SCOPE_READ, &spec.err));
    assert_int_equal(
        sql_number("SELECT count(*) FROM cartwright.api_key WHERE last_used_at IS NOT NULL"), 0);
    atomic_fetch_add(&later_us, AUTH_FRESH_US);
    assert_ok(auth_check(auth, used.header, SCOPE_READ, &spec.err));
    assert_string_equal(
        sql_text("SELECT key_id FROM cartwright.api_key WHERE last_used_at IS NOT NULL"), used.id);
    assert_true(strcmp(used.id, unused.id) != 0);
    end(&auth);
}

/* ---- many at once ---- */

/* Fewer look-ups than make a flood, whatever the order in which they come. */
enum { THREADS = 4, CHECKS = 200, INVENTED = 10, NEW_KEYS = 30 };

struct asker {
    struct auth *auth;
    const char *header; /* of a key that is known */
    pthread_t thread;
    bool served; /* always, and never with an invented key */
};

/* The copy is made anew every tenth time. */
static void *ask_often(void *arg)
{
    struct asker *a = arg;
    a->served = true;
    for (int i = 0; a->served && i < CHECKS; i++) {
        struct err err = {0};
        if (i % (CHECKS / INVENTED) == 0) {
            a->served = !auth_check(a->auth, invented().header, SCOPE_READ, &err);
        }
        if (i % 10 == 0) {
            atomic_fetch_add(&later_us, AUTH_FRESH_US);
        }
        a->served = a->served && auth_check(a->auth, a->header, SCOPE_READ, &err);
    }
    return NULL;
}

/* A wait for a connection would end early by the clock that the threads move. */
static void connect_all(void)
{
    struct lease leases[THREADS + 1];
    for (int i = 0; i <= THREADS; i++) {
        assert_ok(pool_lease(pool, &leases[i], &spec.err));
    }
    for (int i = 0; i <= THREADS; i++) {
        pool_return(&leases[i]);
    }
}

static void new_keys_work_at_once_while_many_ask_and_the_copy_is_made_anew(void **state)
{
    (void)state;
    struct asker askers[THREADS];
    struct a_key key = stored(SCOPE_READ, 0);
    struct auth *auth = an_auth_of(THREADS + 1);
    connect_all();
    for (int i = 0; i < THREADS; i++) {
        askers[i] = (struct asker){.auth = auth, .header = key.header};
        assert_int_equal(pthread_create(&askers[i].thread, NULL, ask_often, &askers[i]), 0);
    }
    for (int i = 0; i < NEW_KEYS; i++) {
        assert_ok(auth_check(auth, stored(SCOPE_READ, 0).header, SCOPE_READ, &spec.err));
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(askers[i].thread, NULL), 0);
        assert_true(askers[i].served);
    }
    end(&auth);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SPEC_TEST(a_known_key_costs_no_query),
        SPEC_TEST(what_is_no_key_is_denied_without_asking),
        SPEC_TEST(a_key_may_what_its_scopes_say_and_admin_everything),
        SPEC_TEST(an_expired_key_is_denied),
        SPEC_TEST(a_new_key_works_at_once_and_is_looked_up_once),
        SPEC_TEST(a_revoked_key_works_no_longer_than_the_copy_is_fresh),
        SPEC_TEST(while_one_makes_the_copy_anew_the_others_are_served_from_the_old_one),
        SPEC_TEST(a_flood_of_invented_ids_asks_the_database_a_hundred_times_and_no_more),
        SPEC_TEST(a_flood_keeps_no_new_key_waiting),
        SPEC_TEST(a_flood_that_goes_on_is_counted_anew_where_a_copy_would_be_too_old),
        SPEC_TEST(who_knows_the_id_alone_does_not_use_the_key),
        SPEC_TEST(the_database_hears_which_keys_were_used_when_the_copy_is_made_anew),
        SPEC_TEST(new_keys_work_at_once_while_many_ask_and_the_copy_is_made_anew),
    };
    return RUN_BOTH_WAYS(tests);
}
