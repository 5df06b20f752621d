/* cartwright models: what was trained, who serves, and changing that by hand. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/jenc.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "domain/affinity/affinity_prior.h"
#include "domain/risk/risk_prior.h"
#include "store/models.h"

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
    "further back, at last to version 0, which is built in. "
    "A running server takes the change within model_poll. Exit code 3: refused.";

struct options {
    bool json;
    bool force;
};

/* ---- list ---- */

/* What is built in has its card in the program, so that figures and card cannot part; its row has what maintain found. */
static void print_card(struct jenc *j, const struct model_row *m)
{
    if (m->number > 0) {
        /* comes out of a jsonb column, so it is JSON */
        jenc_raw(j, "card", m->card, strlen(m->card));
        return;
    }
    jenc_object(j, "card");
    if (strcmp(m->kind, "risk") == 0) {
        risk_prior_card(j);
    } else {
        affinity_prior_card(j);
    }
    jenc_members(j, m->card);
    jenc_object_end(j);
}

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
    print_card(&j, m);
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

static bool list(const void *options, struct db *db, char *const *words, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    const struct options *o = options;
    struct model_row *rows = NULL;
    size_t count = 0;
    (void)words;
    if (!store_models_list(db, &a, &rows, &count, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        (o->json ? print_json : print_text)(&rows[i]);
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
    return found || FAIL(err, ERR_NOT_FOUND,
                         "there is no model %.100s: `cartwright models list` shows all", version);
}

static bool show(const void *options, struct db *db, char *const *words, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct model_row row = {0};
    (void)options;
    if (!find(db, words[0], &a, &row, err)) {
        return false;
    }
    print_json(&row);
    return true;
}

/* ---- promote, rollback ---- */

static bool promote(const void *options, struct db *db, char *const *words, struct err *err)
{
    const struct options *o = options;
    CLEANUP(arena_free) struct arena a = {0};
    struct model_row row = {0};
    if (!find(db, words[0], &a, &row, err)) {
        return false;
    }
    /* no failure, and no second promotion, which rollback would go back to */
    if (row.champion) {
        (void)printf("%s serves already\n", row.version);
        return true;
    }
    /* the gate's word stays in the row; a promotion against it is recorded as forced */
    bool refused = strcmp(row.verdict, "refused") == 0;
    if (refused && !o->force) {
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

/* Nothing was promoted before the one that serves: what was wished for is so already. */
static bool tell_first(struct db *db, const char *kind, struct arena *a, struct err *err)
{
    struct model_row first = {0};
    bool found = false;
    if (!store_model_champion(db, kind, a, &first, &found, err)) {
        return false;
    }
    /* Only where somebody emptied the table by hand. */
    if (!found) {
        return FAIL(err, ERR_REFUSED, "there is no %s model to go back to", kind);
    }
    (void)printf("%s serves, and no other model served before it\n", first.version);
    return true;
}

static bool rollback(const void *options, struct db *db, char *const *words, struct err *err)
{
    const char *kind = words[0];
    CLEANUP(arena_free) struct arena a = {0};
    const char *version = NULL;
    (void)options;
    if (!store_model_previous(db, kind, &a, &version, err)) {
        return false;
    }
    if (!version) {
        return tell_first(db, kind, &a, err);
    }
    /* a promotion like any other: replicas notice it the same way, and what was done can be read */
    if (!store_model_promote(db, kind, version, "rollback", false, clock_now_us(), err)) {
        return false;
    }
    (void)printf("%s serves\n", version);
    return true;
}

/* --json is for list, --force for promote, and no verb takes both. */
static bool fits_list(const void *options, char *const *words)
{
    const struct options *o = options;
    (void)words;
    return !o->force;
}

static bool fits_promote(const void *options, char *const *words)
{
    const struct options *o = options;
    (void)words;
    return !o->json;
}

static bool fits_show(const void *options, char *const *words)
{
    return fits_list(options, words) && fits_promote(options, words);
}

static bool fits_rollback(const void *options, char *const *words)
{
    /* before the database is asked, which would say "no model to go back to" of a misspelt kind */
    return fits_show(options, words) &&
           (strcmp(words[0], "affinity") == 0 || strcmp(words[0], "risk") == 0);
}

int cmd_models(int argc, char **argv, const struct config *config)
{
    static const struct verb_row verbs[] = {
        {"list", 0, "list takes --json only", fits_list, list},
        {"show", 1, "show takes one version", fits_show, show},
        {"promote", 1, "promote takes one version, and --force", fits_promote, promote},
        {"rollback", 1, "rollback takes affinity or risk", fits_rollback, rollback},
        {0},
    };
    struct options o = {0};
    const struct option_row rows[] = {
        {.name = "json", .flag = &o.json},
        {.name = "force", .flag = &o.force},
        {0},
    };
    struct call call = {.command = "models", .usage = usage};
    return call_read(&call, argc, argv, rows) ? call_verb(&call, config, verbs, &o)
                                              : call.exit_code;
}
