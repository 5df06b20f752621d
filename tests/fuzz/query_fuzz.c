/* Request targets: those that pass the guard are read as a query and, percent by percent, as an id. What
 * comes out is UTF-8, allowed and given once, and says the same when it is coded and read again. The
 * parts behind the target, parted by newlines, are an X-Request-Id, a traceparent and a cursor. */
#include "fuzz.h"

#include "base/cleanup.h"
#include "base/utf8.h"
#include "http/wire/codec.h"
#include "http/wire/guard.h"
#include "http/wire/request.h"

static const char allowed[] = "state order limit cursor k category price_min price_max";

static struct app *an_app(void)
{
    static struct config config = {.http_body_max = 1024};
    static struct app app = {.config = &config, .bodies = {.max = 1 << 20}};
    return &app;
}

/* Cuts the text at the next newline; NULL where nothing is left. */
static char *next_part(char **rest)
{
    char *part = *rest;
    char *newline = part != NULL ? strchr(part, '\n') : NULL;
    if (newline != NULL) {
        *newline = '\0';
    }
    *rest = newline != NULL ? newline + 1 : NULL;
    return part;
}

static void add_coded(struct buf *out, const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        buf_printf(out, "%%%02x", *p);
    }
}

static bool is_clean(const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        if (*p < 0x20 || *p == 0x7f) {
            return false;
        }
    }
    return utf8_valid(text);
}

/* Codes every byte of what was read, and reads it again. */
static void read_again(const struct request *rq)
{
    CLEANUP(buf_free) struct buf target = buf_make(1 << 20);
    struct request again = {0};
    struct err err = {0};

    buf_add_str(&target, "/v1/carts?");
    for (size_t i = 0; i < rq->query_count; i++) {
        buf_add_str(&target, i > 0 ? "&" : "");
        add_coded(&target, rq->query[i].name);
        buf_add_char(&target, '=');
        add_coded(&target, rq->query[i].value);
    }
    request_begin(&again, rq->app, buf_text(&target));
    DEMAND(target.len > 4000 || guard_target(again.target, &err));
    DEMAND(request_read_query(&again, allowed, &err));
    DEMAND(again.query_count == rq->query_count);
    for (size_t i = 0; i < rq->query_count; i++) {
        DEMAND(strcmp(again.query[i].name, rq->query[i].name) == 0);
        DEMAND(strcmp(again.query[i].value, rq->query[i].value) == 0);
    }
    request_end(&again);
    arena_free(&again.arena);
}

static void check_params(const struct request *rq)
{
    static const char *const states[] = {"active", "idle", "abandoned"};
    struct err err = {0};
    int64_t limit = 0;
    int state = 0;

    if (request_param_i64(rq, "limit", 1, 1000, 100, &limit, &err)) {
        DEMAND(limit >= 1 && limit <= 1000);
        DEMAND(request_param(rq, "limit") != NULL || limit == 100);
    } else {
        fuzz_refusal(&err);
        DEMAND(strcmp(err.path, "limit") == 0);
    }
    err = (struct err){0};
    if (request_param_enum(rq, "state", states, 3, &state, &err)) {
        const char *given = request_param(rq, "state");
        DEMAND(given == NULL ? state == -1 : strcmp(given, states[state]) == 0);
    } else {
        fuzz_refusal(&err);
    }
}

static void check_query(struct request *rq)
{
    struct err err = {0};

    if (!request_read_query(rq, allowed, &err)) {
        fuzz_refusal(&err);
        return;
    }
    DEMAND(rq->query_count <= QUERY_PARAMS_MAX);
    for (size_t i = 0; i < rq->query_count; i++) {
        DEMAND(strstr(allowed, rq->query[i].name) != NULL);
        DEMAND(request_param(rq, rq->query[i].name) == rq->query[i].value);
        DEMAND(is_clean(rq->query[i].value));
    }
    check_params(rq);
    read_again(rq);
}

/* For who takes coded slashes for slashes as well. */
static bool has_dot_segment(const char *id)
{
    for (const char *p = id;; p++) {
        size_t len = strcspn(p, "/\\");
        if ((len == 1 && p[0] == '.') || (len == 2 && strncmp(p, "..", 2) == 0)) {
            return true;
        }
        p += len;
        if (*p == '\0') {
            return false;
        }
    }
}

/* The segments of the path, each as if it were an id. */
static void check_path(struct request *rq)
{
    size_t path_len = strcspn(rq->target, "?");

    for (size_t at = 1; at <= path_len;) {
        size_t len = strcspn(rq->target + at, "/?");
        const char *id = codec_percent_decode(rq->target + at, len, false, &rq->arena);
        if (id != NULL) {
            DEMAND(is_clean(id) && strlen(id) <= len);
            DEMAND(!has_dot_segment(id));
        }
        at += len + 1;
    }
}

static void check_names(struct request *rq, const char *id, const char *traceparent)
{
    request_name(rq, id, traceparent);
    DEMAND(rq->request_id[0] != '\0' && is_clean(rq->request_id));
    DEMAND(strpbrk(rq->request_id, " \"\\<>,;=") == NULL);
    DEMAND(rq->traceparent[0] == '\0' || strcmp(rq->traceparent, traceparent) == 0);
    DEMAND(rq->traceparent[0] == '\0' || strlen(rq->traceparent) == TRACEPARENT_LEN);
}

static void check_cursor(const char *cursor, struct arena *a)
{
    const char *decoded = codec_base64_text(cursor, a);
    const char *coded = codec_base64(cursor, strlen(cursor), a);

    /* One text has one code: a cursor that was altered is never taken for another one. */
    DEMAND(decoded == NULL || strcmp(codec_base64(decoded, strlen(decoded), a), cursor) == 0);
    DEMAND(decoded == NULL || utf8_valid(decoded));
    DEMAND(!utf8_valid(cursor) || strcmp(codec_base64_text(coded, a), cursor) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    char *rest = text;
    const char *target = next_part(&rest);
    const char *id = next_part(&rest);
    const char *traceparent = next_part(&rest);
    const char *cursor = next_part(&rest);
    struct request rq = {0};
    struct err err = {0};

    request_begin(&rq, an_app(), target);
    check_names(&rq, id, traceparent);
    if (cursor != NULL) {
        check_cursor(cursor, &rq.arena);
    }
    if (guard_target(rq.target, &err)) {
        check_path(&rq);
        check_query(&rq);
    } else {
        fuzz_refusal(&err);
    }
    request_end(&rq);
    arena_free(&rq.arena);
    mem_free(&text);
    return 0;
}
