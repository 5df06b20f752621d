/* cartwright keys: API keys, shown once and stored hashed. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/jenc.h"
#include "cli/cli.h"
#include "http/key.h"
#include "store/keys.h"
#include "store/private/database.h"

#include <getopt.h>
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
    const char *expires;
    bool json;
    bool help;
};

/* False: what is wrong was printed. */
static bool read_options(int argc, char **argv, struct options *out)
{
    static const struct option longs[] = {
        {"name", required_argument, NULL, 'n'},    {"scopes", required_argument, NULL, 's'},
        {"expires", required_argument, NULL, 'e'}, {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0},
    };
    int c;

    optind = 1;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread yet */
    while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        switch (c) {
        case 'n':
            out->name = optarg;
            break;
        case 's':
            out->scopes = optarg;
            break;
        case 'e':
            out->expires = optarg;
            break;
        case 'j':
            out->json = true;
            break;
        case 'h':
            out->help = true;
            break;
        default:
            return false;
        }
    }
    return true;
}

static void print_created(const struct api_key *key, const char *text, const struct key_row *row,
                          bool json)
{
    char scopes[SCOPES_TEXT_MAX];

    (void)scopes_format(row->scopes, scopes);
    if (!json) {
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

CAN_FAIL static bool create(struct db *db, const struct options *o, struct err *err)
{
    struct key_row row = {.name = o->name, .created_us = clock_now_us()};
    struct api_key key;
    char text[KEY_TEXT_MAX];
    int64_t lives_us = 0;

    if (!scopes_parse(o->scopes, &row.scopes, err)) {
        return false;
    }
    if (o->expires != NULL && !clock_parse_duration(o->expires, &lives_us, err)) {
        err_at(err, "expires");
        return false;
    }
    row.expires_us = o->expires != NULL ? row.created_us + lives_us : 0;
    key_make(&key, text);
    row.key_id = key.id;
    memcpy(row.secret_hash, key.secret_hash, sizeof row.secret_hash);
    if (!store_key_put(db, &row, err)) {
        return false;
    }
    print_created(&key, text, &row, o->json);
    return true;
}

static const char *key_state(const struct key_row *row)
{
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

CAN_FAIL static bool list(struct db *db, bool json, struct err *err)
{
    struct arena a = {0};
    struct key_row *rows = NULL;
    size_t count = 0;

    bool read = store_keys_list(db, &a, &rows, &count, err);
    for (size_t i = 0; read && i < count; i++) {
        char scopes[SCOPES_TEXT_MAX];
        char created[CLOCK_TEXT_MAX];
        if (json) {
            struct buf out = buf_make(OUTPUT_MAX);
            struct jenc j = jenc_begin(&out);
            write_row(&j, &rows[i]);
            (void)puts(buf_text(&out));
            buf_free(&out);
        } else {
            (void)printf("%s  %-8s  %-26s  %s  %s\n", rows[i].key_id, key_state(&rows[i]),
                         scopes_format(rows[i].scopes, scopes),
                         clock_format_rfc3339(rows[i].created_us, created), rows[i].name);
        }
    }
    arena_free(&a);
    return read;
}

CAN_FAIL static bool revoke(struct db *db, const char *key_id, struct err *err)
{
    bool found = false;

    if (!store_key_revoke(db, key_id, clock_now_us(), &found, err)) {
        return false;
    }
    if (!found) {
        return FAIL(err, ERR_NOT_FOUND, "there is no key %s", key_id);
    }
    (void)printf("%s is revoked\n", key_id);
    return true;
}

/* What is wrong with the words of the command; NULL: nothing. */
static const char *misuse(const char *verb, const struct options *o, int rest)
{
    if (strcmp(verb, "create") == 0) {
        if (o->name == NULL || o->name[0] == '\0' || strlen(o->name) > NAME_MAX_BYTES) {
            return "--name is needed, with 1 to 100 bytes";
        }
        return o->scopes == NULL ? "--scopes is needed" : rest != 0 ? "too many arguments" : NULL;
    }
    if (strcmp(verb, "list") == 0) {
        return rest != 0 ? "too many arguments" : NULL;
    }
    if (strcmp(verb, "revoke") == 0) {
        return rest != 1 ? "the id of one key is needed" : NULL;
    }
    return "create, list or revoke is needed";
}

int cmd_keys(int argc, char **argv, const struct config *config)
{
    CLEANUP(database_close) struct database database = {0};
    CLEANUP(db_close) struct db *db = NULL;
    struct options o = {0};
    struct err err = {0};

    if (!read_options(argc, argv, &o)) {
        return cli_usage("keys", usage, "see above");
    }
    if (o.help) {
        return cli_usage("keys", usage, NULL);
    }
    const char *verb = optind < argc ? argv[optind] : "";
    const char *problem = misuse(verb, &o, argc - optind - 1);
    if (problem != NULL) {
        return cli_usage("keys", usage, problem);
    }
    if (!database_open(config, &database, &err) || !database_connect(&database, &db, &err)) {
        return cli_fail("keys", &err);
    }
    bool done = strcmp(verb, "create") == 0 ? create(db, &o, &err)
                : strcmp(verb, "list") == 0 ? list(db, o.json, &err)
                                            : revoke(db, argv[optind + 1], &err);
    if (!done) {
        int code = cli_fail("keys", &err);
        return err.kind == ERR_INVALID ? EXIT_USAGE : code;
    }
    return EXIT_DONE;
}
