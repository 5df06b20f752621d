/* Plays every transcript (*.http) of this folder against one running program, and compares. */
#include "api/described.h"
#include "api/history.h"
#include "api/match.h"
#include "api/transcript.h"
#include "support/folder.h"
#include "support/pg_fixture.h"
#include "support/service.h"

#include <curl/curl.h>
#include <glob.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <zlib.h>

enum { ANSWER_MAX = 1 << 20, HEADS_MAX = 8192, TRIES_MAX = 200, TRY_EVERY_MS = 50 };

static const char *const scopes[] = {"ingest", "read", "outreach", "admin"};
enum { SCOPES = sizeof scopes / sizeof *scopes };

struct run {
    struct service service;
    char *url; /* of the database */
    char *keys[SCOPES];
    char *revoked;
    char *expired;
    json_t *openapi;
    int failures;
    int played;
};

struct answer {
    long status;
    char heads[HEADS_MAX];
    size_t heads_len;
    char *body; /* ANSWER_MAX */
    size_t body_len;
};

/* ---- words in {{ }} ---- */

static char *text_of(const char *text, size_t *out_len)
{
    *out_len = strlen(text);
    return strdup(text);
}

/* "1000:abc" */
static char *repeated(const char *spec, size_t *out_len)
{
    char *piece = NULL;
    unsigned long times = strtoul(spec, &piece, 10);
    size_t len = strlen(piece + 1);
    char *out = malloc(times * len + 1);

    for (unsigned long i = 0; out && i < times; i++) {
        memcpy(out + i * len, piece + 1, len);
    }
    *out_len = times * len;
    return out;
}

static char *bytes_of_hex(const char *hex, size_t *out_len)
{
    size_t len = strlen(hex) / 2;
    char *out = malloc(len + 1);

    for (size_t i = 0; out && i < len; i++) {
        char two[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        out[i] = (char)(unsigned char)strtoul(two, NULL, 16);
    }
    *out_len = len;
    return out;
}

/* Seconds from now, as RFC 3339. */
static char *time_of(const char *offset, size_t *out_len)
{
    time_t at = time(NULL) + strtol(offset, NULL, 10);
    struct tm tm;
    char text[40];

    (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&at, &tm));
    return text_of(text, out_len);
}

static char *word(void *ctx, const char *name, size_t *out_len)
{
    const struct run *run = ctx;

    for (int i = 0; i < SCOPES; i++) {
        if (strcmp(name, scopes[i]) == 0) {
            return text_of(run->keys[i], out_len);
        }
    }
    if (strcmp(name, "revoked") == 0) {
        return text_of(run->revoked, out_len);
    }
    if (strcmp(name, "expired") == 0) {
        return text_of(run->expired, out_len);
    }
    if (strncmp(name, "repeat:", 7) == 0) {
        return repeated(name + 7, out_len);
    }
    if (strncmp(name, "hex:", 4) == 0) {
        return bytes_of_hex(name + 4, out_len);
    }
    return strncmp(name, "now", 3) == 0 ? time_of(name + 3, out_len) : NULL;
}

/* ---- one exchange ---- */

static size_t keep_body(char *bytes, size_t size, size_t count, void *ctx)
{
    struct answer *a = ctx;
    size_t len = size * count;

    if (len >= ANSWER_MAX - a->body_len) {
        return 0;
    }
    memcpy(a->body + a->body_len, bytes, len);
    a->body_len += len;
    a->body[a->body_len] = '\0';
    return len;
}

static size_t keep_head(char *bytes, size_t size, size_t count, void *ctx)
{
    struct answer *a = ctx;
    size_t len = size * count;

    if (len >= 5 && strncmp(bytes, "HTTP/", 5) == 0) {
        a->heads_len = 0; /* of the final answer, not of 100 Continue */
    }
    if (len < HEADS_MAX - a->heads_len) {
        memcpy(a->heads + a->heads_len, bytes, len);
        a->heads_len += len;
        a->heads[a->heads_len] = '\0';
    }
    return len;
}

static char *gzip(const char *bytes, size_t len, size_t *out_len)
{
    enum { GZIP = 16, MEMORY = 8 };
    z_stream z = {0};

    if (deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, MAX_WBITS + GZIP, MEMORY,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        abort();
    }
    size_t max = deflateBound(&z, len);
    unsigned char *out = malloc(max);
    char *in = malloc(len + 1);
    if (out == NULL || in == NULL) {
        abort();
    }
    memcpy(in, bytes, len);
    z.next_in = (unsigned char *)in;
    z.avail_in = (uInt)len;
    z.next_out = out;
    z.avail_out = (uInt)max;
    (void)deflate(&z, Z_FINISH);
    *out_len = max - z.avail_out;
    (void)deflateEnd(&z);
    free(in);
    return (char *)out;
}

static void set_body(CURL *curl, const struct exchange *e)
{
    size_t len = e->body_len;
    char *packed = e->gzip ? gzip(e->body, len, &len) : NULL;

    (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)len);
    (void)curl_easy_setopt(curl, CURLOPT_COPYPOSTFIELDS, packed ? packed : e->body);
    free(packed);
}

static bool ask(const struct run *run, const struct exchange *e, struct answer *out)
{
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
    char url[8192];

    out->body_len = 0;
    out->body[0] = '\0';
    out->heads_len = 0;
    out->heads[0] = '\0';
    (void)snprintf(url, sizeof url, "%s%s", run->service.url, e->target);
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT, 20L);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep_body);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, out);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, keep_head);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERDATA, out);
    if (strcmp(e->method, "POST") == 0 || strcmp(e->method, "PUT") == 0 ||
        strcmp(e->method, "PATCH") == 0) {
        set_body(curl, e);
    }
    if (strcmp(e->method, "HEAD") == 0) {
        (void)curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    }
    (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, e->method);
    for (size_t i = 0; i < e->header_count; i++) {
        headers = curl_slist_append(headers, e->headers[i]);
    }
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    CURLcode code = curl_easy_perform(curl);
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &out->status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    if (code != CURLE_OK) {
        (void)snprintf(out->body, ANSWER_MAX, "curl: %s", curl_easy_strerror(code));
    }
    return code == CURLE_OK;
}

/* ---- comparing ---- */

/* The value of a header of the answer, "" where it is there and empty; NULL where it is not there. */
static char *head_value(const struct answer *a, const char *name, size_t name_len)
{
    for (const char *p = a->heads; p && *p; p = strchr(p, '\n'), p = p ? p + 1 : NULL) {
        if (strncasecmp(p, name, name_len) == 0 && p[name_len] == ':') {
            const char *value = p + name_len + 1 + strspn(p + name_len + 1, " ");
            return strndup(value, strcspn(value, "\r\n"));
        }
    }
    return NULL;
}

/* "Name: value", "Name: <any>", "Name: <none>" */
static bool head_matches(const char *wanted, const struct answer *a)
{
    size_t name_len = strcspn(wanted, ":");
    const char *value = wanted + name_len + 1 + strspn(wanted + name_len + 1, " ");
    char *got = head_value(a, wanted, name_len);
    bool matches = strcmp(value, "<none>") == 0  ? got == NULL
                   : strcmp(value, "<any>") == 0 ? got != NULL
                                                 : got != NULL && strcmp(got, value) == 0;

    free(got);
    return matches;
}

static bool body_matches(const struct exchange *e, const struct answer *a, char *why, size_t max)
{
    char path[MATCH_PATH_MAX] = "";
    json_error_t error;

    if (e->wanted_body[0] == '\0') {
        return true;
    }
    json_t *wanted = json_loads(e->wanted_body, JSON_DECODE_ANY, &error);
    if (wanted == NULL) {
        (void)snprintf(why, max, "the body differs"); /* it is plain text, a part of the answer */
        return strstr(a->body, e->wanted_body) != NULL;
    }
    json_t *got = json_loads(a->body, JSON_DECODE_ANY, NULL);
    bool matches = got != NULL && json_matches(wanted, got, path);
    (void)snprintf(why, max, got ? "the body differs at \"%s\"" : "the body is no JSON%.0s", path);
    json_decref(wanted);
    json_decref(got);
    return matches;
}

static bool matches(const struct exchange *e, const struct answer *a, char *why, size_t max)
{
    if (a->status != e->status) {
        (void)snprintf(why, max, "status %ld, wanted %d", a->status, e->status);
        return false;
    }
    for (size_t i = 0; i < e->wanted_header_count; i++) {
        if (!head_matches(e->wanted_headers[i], a)) {
            (void)snprintf(why, max, "header differs: wanted \"%s\"", e->wanted_headers[i]);
            return false;
        }
    }
    return body_matches(e, a, why, max);
}

static bool described(const struct run *run, const struct exchange *e, const struct answer *a,
                      char *why)
{
    char *type = head_value(a, "Content-Type", strlen("Content-Type"));
    struct seen seen = {.method = e->method,
                        .target = e->target,
                        .status = (int)a->status,
                        .content_type = type,
                        .body = a->body,
                        .head = strcmp(e->method, "HEAD") == 0};
    bool is = is_described(run->openapi, &seen, why);

    free(type);
    return is;
}

static void play(struct run *run, const char *path, const struct exchange *e, struct answer *a)
{
    char why[WHY_MAX] = "";
    bool passed = false;

    for (int i = 0; !passed && i < (e->eventually ? TRIES_MAX : 1); i++) {
        (void)(i > 0 && poll(NULL, 0, TRY_EVERY_MS));
        passed = ask(run, e, a) && matches(e, a, why, sizeof why);
    }
    passed = passed && described(run, e, a, why);
    run->played++;
    if (!passed) {
        run->failures++;
        (void)printf("%s:%d: %s\n  %s\n  %s%s\n", path, e->line, e->name, why, a->heads, a->body);
    }
}

/* ---- the program under test ---- */

static void make_keys(struct run *run)
{
    const char *const create[] = {"keys",  "create",    "--name", "short", "--scopes",
                                  "admin", "--expires", "250us",  NULL};
    char *text = NULL;

    for (int i = 0; i < SCOPES; i++) {
        run->keys[i] = service_key(run->url, scopes[i]);
    }
    run->revoked = service_key(run->url, "admin");
    char *id = strndup(run->revoked, strcspn(run->revoked, "."));
    const char *const revoke[] = {"keys", "revoke", id, NULL};
    if (program_run(run->url, revoke, NULL, NULL) != 0 ||
        program_run(run->url, create, NULL, &text) != 0) {
        (void)fprintf(stderr, "keys cannot be made\n");
        exit(1);
    }
    text[strcspn(text, "\n")] = '\0';
    run->expired = text;
    free(id);
}

static void play_file(struct run *run, const char *path)
{
    static char body[ANSWER_MAX];
    struct answer answer = {.body = body};
    struct transcript t = transcript_read(path, word, run);

    for (size_t i = 0; i < t.count; i++) {
        play(run, path, &t.items[i], &answer);
    }
    transcript_free(&t);
}

static json_t *load_description(void)
{
    char path[1000];

    (void)snprintf(path, sizeof path, "%s/src/http/openapi.json", getenv("CARTWRIGHT_SOURCE"));
    json_t *doc = json_load_file(path, 0, NULL);
    if (doc == NULL) {
        (void)fprintf(stderr, "%s cannot be read\n", path);
        exit(1);
    }
    return doc;
}

/* Every transcript in the folder. */
static void play_all(struct run *run, const char *folder)
{
    char pattern[1000];
    glob_t files = {0};

    (void)snprintf(pattern, sizeof pattern, "%s/tests/%s/*.http", getenv("CARTWRIGHT_SOURCE"),
                   folder);
    if (glob(pattern, 0, NULL, &files) != 0) {
        (void)fprintf(stderr, "no transcripts: %s\n", pattern);
        run->failures++;
    }
    for (size_t i = 0; i < files.gl_pathc; i++) {
        play_file(run, files.gl_pathv[i]);
    }
    globfree(&files);
}

static void train_on_history(struct run *run)
{
    const char *const import[] = {"import", "--format", "ndjson", "-", NULL};
    const char *const train[] = {"train", "all", NULL};

    if (program_run(run->url, import, history_ndjson(), NULL) != 0 ||
        program_run(run->url, train, NULL, NULL) != 0) {
        (void)printf("the history cannot be imported, or nothing learnt from it\n");
        run->failures++;
    }
}

int main(void)
{
    const char *const flags[] = {"--http-body-max",   "65536",         "--batch-max", "50",
                                 "--event-bytes-max", "16384",         "--fold-poll", "10ms",
                                 "--data-dir",        folder_of_run(), NULL};
    struct run run = {.url = pg_fixture_database("api"), .openapi = load_description()};

    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    make_keys(&run);
    run.service = service_start(run.url, flags);
    play_all(&run, "api");
    train_on_history(&run);
    play_all(&run, "api/trained");
    int code = service_stop(&run.service);
    if (code != 0) {
        (void)printf("the program ended with %d\n", code);
        run.failures++;
    }
    (void)printf("%d exchanges, %d failed\n", run.played, run.failures);
    for (int i = 0; i < SCOPES; i++) {
        free(run.keys[i]);
    }
    free(run.revoked);
    free(run.expired);
    json_decref(run.openapi);
    pg_fixture_drop(run.url);
    curl_global_cleanup();
    return run.failures == 0 && run.played > 0 ? 0 : 1;
}
