/* cartwright models: what was trained, who serves, and changing that by hand. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/jenc.h"
#include "cli/cli.h"
#include "store/models.h"
#include "store/private/database.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

enum { LINE_MAX_BYTES = 1 << 20 };

static const char usage[] =
    "models list [--json]\n"
    "       cartwright models show VERSION\n"
    "       cartwright models promote VERSION [--force]\n"
    "       cartwright models rollback affinity|risk\n\n"
    "show prints a model as JSON, with its card: what it learnt from, how it was judged and, where maintain has checked it, its drift.\n"
    "A model that the gate refused is promoted only with --force. rollback goes back to the champion before; repeated,\n"
    "further back. A running server takes the change within model_poll. Exit code 3: refused.";

struct options {
    bool json;
    bool force;
    bool help;
};

/* False: what is wrong was printed. */
static bool read_options(int argc, char **argv, struct options *out)
{
    static const struct option longs[] = {{"json", no_argument, NULL, 'j'},
                                          {"force", no_argument, NULL, 'f'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    optind = 1;
    for (;;) {
        // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread yet
        int c = getopt_long(argc, argv, "", longs, NULL);
        switch (c) {
        case -1:
            return true;
        case 'j':
            out->json = true;
            break;
        case 'f':
            out->force = true;
            break;
        case 'h':
            out->help = true;
            break;
        default:
            return false;
        }
    }
}

/* ---- list ---- */

static void print_json(const struct model_row *m)
{
    struct buf out = buf_make(LINE_MAX_BYTES);
    struct jenc j = jenc_begin(&out);
    char hex[SHA256_HEX];
    jenc_object(&j, NULL);
    jenc_str(&j, "version", m->version);
    jenc_str(&j, "kind", m->kind);
    jenc_str(&j, "algorithm", m->algorithm);
    jenc_bool(&j, "champion", m->champion);
    jenc_str(&j, "verdict", m->verdict);
    jenc_str(&j, "reason", m->reason);
    jenc_str(&j, "sha256", hash_hex(m->sha256, sizeof m->sha256, hex));
    jenc_i64(&j, "bytes", m->bytes);
    jenc_time(&j, "created_at", m->created_us);
    if (m->promoted_us != 0) {
        jenc_time(&j, "promoted_at", m->promoted_us);
    }
    jenc_raw(&j, "card", m->card, strlen(m->card));
    jenc_object_end(&j);
    (void)puts(buf_text(&out));
    buf_free(&out);
}

static void print_text(const struct model_row *m)
{
    char created[CLOCK_TEXT_MAX];
    (void)printf("%c %-24s %-8s  %s  %s\n", m->champion ? '*' : ' ', m->version, m->verdict,
                 clock_format_rfc3339(m->created_us, created), m->reason);
}

static bool list(struct db *db, bool json, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct model_row *rows = NULL;
    size_t count = 0;
    if (!store_models_list(db, &a, &rows, &count, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (json) {
            print_json(&rows[i]);
        } else {
            print_text(&rows[i]);
        }
    }
    return true;
}

static bool find(struct db *db, const char *version, struct arena *a, struct model_row *out,
                 struct err *err)
{
    bool found = false;
    if (!store_model_find(db, version, a, out, &found, err)) {
        return false;
    }
    return found || FAIL(err, ERR_NOT_FOUND, "there is no model %.100s", version);
}

static bool show(struct db *db, const char *version, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct model_row row = {0};
    if (!find(db, version, &a, &row, err)) {
        return false;
    }
    print_json(&row);
    return true;
}

/* ---- promote, rollback ---- */

static bool promote(struct db *db, const char *version, bool force, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct model_row row = {0};
    if (!find(db, version, &a, &row, err)) {
        return false;
    }
    if (row.champion) {
        (void)printf("%s serves already\n", row.version);
        return true;
    }
    bool refused = strcmp(row.verdict, "refused") == 0;
    if (refused && !force) {
        return FAIL(err, ERR_REFUSED,
                    "%s was refused by the gate (%.150s); --force promotes it all the same",
                    row.version, row.reason);
    }
    if (!store_model_promote(db, row.kind, row.version, "promote", refused, clock_now_us(), err)) {
        return false;
    }
    (void)printf("%s serves\n", row.version);
    return true;
}

static bool rollback(struct db *db, const char *kind, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    const char *version = NULL;
    if (!store_model_previous(db, kind, &a, &version, err)) {
        return false;
    }
    if (!version) {
        return FAIL(err, ERR_REFUSED, "there is no %s model to go back to", kind);
    }
    if (!store_model_promote(db, kind, version, "rollback", false, clock_now_us(), err)) {
        return false;
    }
    (void)printf("%s serves\n", version);
    return true;
}

static const char *misuse(int argc, char **argv, const struct options *o)
{
    const char *verb = argc > 0 ? argv[0] : "";
    if (strcmp(verb, "list") == 0) {
        return argc == 1 && !o->force ? NULL : "list takes --json only";
    }
    if (strcmp(verb, "show") == 0) {
        return argc == 2 && !o->force ? NULL : "show takes one version";
    }
    if (strcmp(verb, "promote") == 0) {
        return argc == 2 && !o->json ? NULL : "promote takes one version";
    }
    if (strcmp(verb, "rollback") == 0) {
        bool kind = argc == 2 && (strcmp(argv[1], "affinity") == 0 || strcmp(argv[1], "risk") == 0);
        return kind && !o->json && !o->force ? NULL : "rollback takes affinity or risk";
    }
    return "name one of list, show, promote, rollback";
}

int cmd_models(int argc, char **argv, const struct config *config)
{
    CLEANUP(database_close) struct database database = {0};
    CLEANUP(db_close) struct db *db = NULL;
    struct options o = {0};
    struct err err = {0};
    if (!read_options(argc, argv, &o)) {
        return cli_usage("models", usage, "see above");
    }
    if (o.help) {
        return cli_usage("models", usage, NULL);
    }
    char **words = argv + optind;
    const char *problem = misuse(argc - optind, words, &o);
    if (problem) {
        return cli_usage("models", usage, problem);
    }
    if (!database_open(config, &database, &err) || !database_connect(&database, &db, &err)) {
        return cli_fail("models", &err);
    }
    bool done = strcmp(words[0], "list") == 0      ? list(db, o.json, &err)
                : strcmp(words[0], "show") == 0    ? show(db, words[1], &err)
                : strcmp(words[0], "promote") == 0 ? promote(db, words[1], o.force, &err)
                                                   : rollback(db, words[1], &err);
    return done ? EXIT_DONE : cli_fail("models", &err);
}
