/* cartwright keys: API keys, shown once and stored hashed. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/jenc.h"
#include "base/look.h"
#include "base/utf8.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "domain/shop/clean_text.h"
#include "http/key.h"
#include "store/keys.h"

#include <stdio.h>
#include <string.h>

enum { NAME_MAX_BYTES = 100, OUTPUT_MAX = 4 << 20 };

static const char usage[] =
    "keys create --name NAME --scopes LIST [--expires DURATION] [--json]\n"
    "       cartwright keys list [--json]\n"
    "       cartwright keys revoke ID\n\n"
    "LIST: any of ingest,read,outreach,admin (admin may do everything). DURATION: 90d, 12h. A key is\n"
    "printed once and stored hashed. A running server takes a new key at once, and forgets a revoked\n"
    "one within 5 seconds.";

struct options {
    const char *name;
    const char *scopes;
    int64_t lives_us;
    bool expires; /* after lives_us */
    bool json;
};

static void print_created(const struct api_key *key, const char *text, const struct key_row *row,
                          bool json)
{
    char scopes[SCOPES_TEXT_MAX];

    (void)scopes_format(row->scopes, scopes);
    if (!json) {
        /* the key alone on standard output, so that KEY=$(cartwright keys create ...) works */
        (void)printf("%s\n", text);
        (void)fprintf(stderr, "key %s \"%s\" with %s: shown once, keep it safe\n", key->id,
                      row->name, scopes);
        return;
    }
    struct buf out = buf_make(OUTPUT_MAX);
    struct jenc j = jenc_begin(&out);
    jenc_object(&j, NULL);
    jenc_str(&j, "key_id", key->id);
    jenc_str(&j, "key", text);
    jenc_str(&j, "name", row->name);
    jenc_str(&j, "scopes", scopes);
    if (row->expires_us != 0) {
        jenc_time(&j, "expires_at", row->expires_us);
    }
    jenc_object_end(&j);
    (void)puts(buf_text(&out));
    buf_free(&out);
}

CAN_FAIL static bool create(const void *options, struct db *db, char *const *words, struct err *err)
{
    const struct options *o = options;
    struct key_row row = {.name = o->name, .created_us = clock_now_us()};
    struct api_key key;
    char text[KEY_TEXT_MAX];

    (void)words;
    if (!scopes_parse(o->scopes, &row.scopes, err)) {
        return false;
    }
    row.expires_us = o->expires ? row.created_us + o->lives_us : 0;
    key_make(&key, text);
    row.key_id = key.id;
    memcpy(row.secret_hash, key.secret_hash, sizeof row.secret_hash);
    /* stored before it is shown: a key that was printed works */
    if (!store_key_put(db, &row, err)) {
        return false;
    }
    print_created(&key, text, &row, o->json);
    return true;
}

static const char *key_state(const struct key_row *row)
{
    /* first: an expired key that was revoked is revoked, somebody did that */
    if (row->revoked_us != 0) {
        return "revoked";
    }
    return row->expires_us != 0 && row->expires_us <= clock_now_us() ? "expired" : "active";
}

static void write_time_opt(struct jenc *j, const char *name, int64_t us)
{
    if (us != 0) {
        jenc_time(j, name, us);
    } else {
        jenc_null(j, name);
    }
}

static void write_row(struct jenc *j, const struct key_row *row)
{
    char scopes[SCOPES_TEXT_MAX];

    jenc_object(j, NULL);
    jenc_str(j, "key_id", row->key_id);
    jenc_str(j, "name", row->name);
    jenc_str(j, "scopes", scopes_format(row->scopes, scopes));
    jenc_str(j, "state", key_state(row));
    jenc_time(j, "created_at", row->created_us);
    write_time_opt(j, "expires_at", row->expires_us);
    write_time_opt(j, "revoked_at", row->revoked_us);
    write_time_opt(j, "last_used_at", row->last_used_us);
    jenc_object_end(j);
}

/* "-": never. */
static const char *time_word(int64_t us, char out[CLOCK_TEXT_MAX])
{
    return us != 0 ? clock_format_rfc3339(us, out) : "-";
}

static void print_head(void)
{
    (void)printf("%-16s  %-8s  %-26s  %-20s  %-20s  %-27s  %s\n", "id", "state", "scopes",
                 "created", "expires", "last used", "name");
}

static void print_row(const struct key_row *row)
{
    char scopes[SCOPES_TEXT_MAX];
    char created[CLOCK_TEXT_MAX];
    char expires[CLOCK_TEXT_MAX];
    char used[CLOCK_TEXT_MAX];

    (void)printf("%-16s  %-8s  %-26s  %-20.19s  %-20.19s  %-27.19s  %s\n", row->key_id,
                 key_state(row), scopes_format(row->scopes, scopes),
                 time_word(row->created_us, created), time_word(row->expires_us, expires),
                 time_word(row->last_used_us, used), row->name);
}

static void print_row_json(const struct key_row *row)
{
    struct buf out = buf_make(OUTPUT_MAX);
    struct jenc j = jenc_begin(&out);

    write_row(&j, row);
    (void)puts(buf_text(&out));
    buf_free(&out);
}

CAN_FAIL static bool list(const void *options, struct db *db, char *const *words, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    const struct options *o = options;
    struct key_row *rows = NULL;
    size_t count = 0;

    (void)words;
    if (!store_keys_list(db, &a, &rows, &count, err)) {
        return false;
    }
    if (!o->json) {
        print_head();
    }
    for (size_t i = 0; i < count; i++) {
        (o->json ? print_row_json : print_row)(&rows[i]);
    }
    return true;
}

CAN_FAIL static bool revoke(const void *options, struct db *db, char *const *words, struct err *err)
{
    bool found = false;

    (void)options;
    if (!store_key_revoke(db, words[0], clock_now_us(), &found, err)) {
        return false;
    }
    /* a key that is revoked already is found: doing it twice is no failure */
    if (!found) {
        return FAIL(err, ERR_NOT_FOUND, "there is no key %.100s: `cartwright keys list` shows all",
                    words[0]);
    }
    (void)printf("%s is revoked\n", words[0]);
    return true;
}

static bool create_fits(const void *options, char *const *words)
{
    const struct options *o = options;

    (void)words;
    /* it stands in lists of keys, on whosever terminal */
    return o->name != NULL && text_is_visible(o->name) && strlen(o->name) <= NAME_MAX_BYTES &&
           utf8_valid(o->name) && look_fits_a_line(o->name) && o->scopes != NULL;
}

int cmd_keys(int argc, char **argv, const struct config *config)
{
    static const struct verb_row verbs[] = {
        {"create", 0,
         "create needs --scopes, and a --name of 1 to 100 bytes of UTF-8, which must " LOOK_RULE,
         create_fits, create},
        {"list", 0, "list takes only --json", NULL, list},
        {"revoke", 1, "revoke takes the id of one key", NULL, revoke},
        {0},
    };
    struct options o = {0};
    const struct option_row rows[] = {
        {.name = "name", .text = &o.name},
        {.name = "scopes", .text = &o.scopes},
        {.name = "expires", .duration_us = &o.lives_us, .min = 1, .given = &o.expires},
        {.name = "json", .flag = &o.json},
        {0},
    };
    struct call call = {.command = "keys", .usage = usage};

    return call_read(&call, argc, argv, rows) ? call_verb(&call, config, verbs, &o)
                                              : call.exit_code;
}
