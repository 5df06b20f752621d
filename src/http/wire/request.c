/* What a handler may want to know of a request: its query, its media type, its body. */
#include "http/wire/request.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/json/jdec.h"
#include "http/wire/codec.h"
#include "http/wire/respond.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void request_begin(struct request *rq, struct app *app, const char *target)
{
    struct arena arena = rq->arena;

    /* kept over all requests of a connection: its block is allocated once */
    arena_reset(&arena);
    *rq = (struct request){.app = app, .arena = arena};
    /* copied: right after this the library cuts its own at the ? and decodes it in place */
    rq->target = target ? arena_strdup(&rq->arena, target) : NULL;
    /* two clocks: durations must not see the wall clock being set, events are stamped with it */
    rq->began_us = clock_monotonic_us();
    rq->received_us = clock_now_us();
    rq->body = body_make(&app->bodies, (size_t)app->config->http_body_max);
}

void request_end(struct request *rq)
{
    body_free(&rq->body);
    buf_free(&rq->answer.body);
    rq->app = NULL;
    arena_reset(&rq->arena);
}

static bool all_in(const char *text, size_t len, const char *set)
{
    return text[0] != '\0' && strlen(text) == len && strspn(text, set) == len;
}

/* "00-<32 hex>-<16 hex>-<2 hex>", ids not all zero (W3C trace context). */
static bool is_traceparent(const char *text)
{
    const char *hex = "0123456789abcdef";

    return all_in(text, TRACEPARENT_LEN, "0123456789abcdef-") && strncmp(text, "00-", 3) == 0 &&
           strspn(text + 3, hex) == 32 && text[35] == '-' && strspn(text + 36, hex) == 16 &&
           text[52] == '-' && strspn(text + 53, hex) == 2 && strspn(text + 3, "0") < 32 &&
           strspn(text + 36, "0") < 16;
}

/* Unique in this process by its number, and between processes by 8 random bytes. */
static void make_request_id(struct app *app, char out[REQUEST_ID_MAX + 1])
{
    uint64_t number = atomic_fetch_add_explicit(&app->requests, 1, memory_order_relaxed);
    uint8_t bytes[sizeof app->process_id + sizeof number];

    memcpy(bytes, app->process_id, sizeof app->process_id);
    memcpy(bytes + sizeof app->process_id, &number, sizeof number);
    (void)hash_hex(bytes, sizeof bytes, out);
}

void request_name(struct request *rq, const char *client_id, const char *traceparent)
{
    const char *set = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:";
    size_t len = client_id ? strlen(client_id) : 0;

    /* it comes back in a header and in the log: nothing that could end a line or a string */
    if (len > 0 && len <= REQUEST_ID_MAX && strspn(client_id, set) == len) {
        memcpy(rq->request_id, client_id, len + 1);
    } else {
        make_request_id(rq->app, rq->request_id);
    }
    if (traceparent != NULL && is_traceparent(traceparent)) {
        memcpy(rq->traceparent, traceparent, TRACEPARENT_LEN + 1);
    }
}

/* ---- query ---- */

static bool listed(const char *names, const char *name)
{
    size_t len = strlen(name);

    for (const char *p = names ? names : ""; *p; p += strspn(p, " ")) {
        size_t word = strcspn(p, " ");
        if (word == len && memcmp(p, name, len) == 0) {
            return true;
        }
        p += word;
    }
    return false;
}

CAN_FAIL static bool add_param(struct request *rq, const char *text, size_t len,
                               const char *allowed, struct err *err)
{
    const char *equals = memchr(text, '=', len);
    size_t name_len = equals ? (size_t)(equals - text) : len;
    const char *value = equals ? equals + 1 : "";
    size_t value_len = equals ? len - name_len - 1 : 0;
    struct query_param p = {
        .name = codec_percent_decode(text, name_len, true, &rq->arena),
        .value = codec_percent_decode(value, value_len, true, &rq->arena),
    };

    if (p.name == NULL || p.value == NULL) {
        return FAIL(err, ERR_INVALID, "the query is not percent-coded UTF-8");
    }
    err_at(err, p.name);
    /* a filter that is misspelt and ignored would answer with everything */
    if (!listed(allowed, p.name)) {
        return FAIL(err, ERR_INVALID, "there is no such query parameter here%s%s",
                    allowed != NULL ? "; there are: " : "", allowed != NULL ? allowed : "");
    }
    /* Which of two counts, programs disagree on: what a proxy has checked must be what we use. */
    if (request_param(rq, p.name) != NULL) {
        return FAIL(err, ERR_INVALID, "must be given once");
    }
    rq->query[rq->query_count++] = p; /* listed and given once: they fit */
    err_at(err, "");
    return true;
}

CAN_FAIL bool request_read_query(struct request *rq, const char *allowed, struct err *err)
{
    const char *p = rq->target + strcspn(rq->target, "?");

    while (*p) {
        p++;
        size_t len = strcspn(p, "&");
        /* empty pairs, as in "a=1&&b=2" or a lone "?", are none */
        if (len > 0 && rq->query_count == QUERY_PARAMS_MAX) {
            return FAIL(err, ERR_INVALID, "at most %d query parameters", QUERY_PARAMS_MAX);
        }
        if (len > 0 && !add_param(rq, p, len, allowed, err)) {
            return false;
        }
        p += len;
    }
    return true;
}

const char *request_param(const struct request *rq, const char *name)
{
    for (size_t i = 0; i < rq->query_count; i++) {
        if (strcmp(rq->query[i].name, name) == 0) {
            return rq->query[i].value;
        }
    }
    return NULL;
}

CAN_FAIL bool request_param_i64(const struct request *rq, const char *name, int64_t min,
                                int64_t max, int64_t def, int64_t *out, struct err *err)
{
    const char *text = request_param(rq, name);

    if (text == NULL) {
        *out = def;
        return true;
    }
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    /* strtoll takes blanks and a plus sign as well, and a + in a query is a blank */
    bool digits = text[0] == '-' || (text[0] >= '0' && text[0] <= '9');
    if (!digits || *end != '\0' || errno != 0 || value < min || value > max) {
        return FAIL_AT(err, ERR_INVALID, name, "must be an integer between %lld and %lld",
                       (long long)min, (long long)max);
    }
    *out = value;
    return true;
}

CAN_FAIL bool request_param_enum(const struct request *rq, const char *name,
                                 const char *const *names, int count, int *out, struct err *err)
{
    const char *text = request_param(rq, name);
    struct buf list = buf_make(200);

    for (int i = 0; i < count; i++) {
        if (text != NULL && strcmp(text, names[i]) == 0) {
            buf_free(&list);
            *out = i;
            return true;
        }
        buf_printf(&list, "%s%s", i == 0 ? "" : ", ", names[i]);
    }
    if (text != NULL) {
        (void)FAIL_AT(err, ERR_INVALID, name, "must be one of %s", buf_text(&list));
    } else {
        *out = -1;
    }
    buf_free(&list);
    return text == NULL;
}

/* ---- body ---- */

static void answer_415(struct request *rq, const char *detail)
{
    answer_problem(rq, &(struct problem){.status = 415, .detail = detail});
}

static const char blanks[] = " \t";

/* Behind the value of a parameter (RFC 9110, 5.6.6), which is *out of *out_len bytes; NULL: it does not end. */
static const char *take_value(const char *at, const char **out, size_t *out_len)
{
    if (*at != '"') {
        *out = at;
        *out_len = strcspn(at, "; \t");
        return at + *out_len;
    }
    *out = ++at;
    while (*at != '\0' && *at != '"') {
        at += *at == '\\' && at[1] != '\0' ? 2 : 1;
    }
    *out_len = (size_t)(at - *out);
    return *at == '"' ? at + 1 : NULL;
}

static bool says(const char *text, size_t len, const char *word)
{
    return len == strlen(word) && strncasecmp(text, word, len) == 0;
}

/* Whether parameters leave the text UTF-8 (RFC 8259, 8.1: JSON between systems is nothing else), of which ASCII is a part. Others than
 * charset mean nothing here. */
static bool params_fit(const char *at)
{
    bool told = false;

    at += strspn(at, blanks);
    while (at != NULL && *at == ';') {
        at += 1 + strspn(at + 1, blanks);
        size_t name_len = strcspn(at, "=; \t");
        if (name_len == 0 && at[0] != '=') {
            continue; /* none between two semicolons, or behind the last */
        }
        const char *name = at;
        const char *value = NULL;
        size_t len = 0;
        at = name_len > 0 && at[name_len] == '=' ? take_value(at + name_len + 1, &value, &len)
                                                 : NULL;
        if (at != NULL && says(name, name_len, "charset")) {
            if (told || !(says(value, len, "utf-8") || says(value, len, "us-ascii"))) {
                return false;
            }
            told = true;
        }
        at = at != NULL ? at + strspn(at, blanks) : NULL;
    }
    return at != NULL && *at == '\0';
}

/* "application/json; charset=utf-8": the type without its parameters, and whether those are fine. */
static bool media_is(const char *value, const char *type)
{
    size_t len = strcspn(value, "; \t");

    /* RFC 9110, 8.3.1: the type in any case */
    return says(value, len, type) && params_fit(value + len);
}

bool request_take_media(struct request *rq, const char *content_type, const char *encoding)
{
    /* No type is refused like a foreign one: a page of another site may post those without a CORS
     * preflight, JSON it may not. */
    rq->lines = content_type && media_is(content_type, "application/x-ndjson");
    /* RFC 7396, 4: what a PATCH calls its body; here plain JSON says the same */
    bool merge = content_type && strcmp(rq->method, "PATCH") == 0 &&
                 media_is(content_type, "application/merge-patch+json");
    if (!rq->lines && !merge && !(content_type && media_is(content_type, "application/json"))) {
        answer_415(
            rq,
            "Content-Type must be application/json, in UTF-8; where several are posted at once, application/x-ndjson has one a line");
        return false;
    }
    rq->gzip = encoding && strcasecmp(encoding, "gzip") == 0;
    if (encoding && !rq->gzip && strcasecmp(encoding, "identity") != 0) {
        answer_415(rq, "Content-Encoding must be gzip or absent");
        return false;
    }
    return true;
}

static bool refuse_body(struct request *rq, const struct err *err)
{
    if (rq->body.too_large) {
        answer_problem(rq, &(struct problem){.status = 413, .detail = err->text});
    } else {
        answer_error(rq, err);
    }
    return false;
}

/* A byte order mark, which PowerShell and .NET write in front: RFC 8259, 8.1 lets a reader pass over it. */
static void drop_mark(struct buf *text)
{
    enum { MARK = 3 };

    if (text->len >= MARK && memcmp(text->data, "\xef\xbb\xbf", MARK) == 0) {
        text->len -= MARK;
        memmove(text->data, text->data + MARK, text->len + 1); /* with its NUL */
    }
}

/* By its mark, or by the NUL beside its first character, which is of ASCII in all JSON. */
static bool is_utf16(const struct buf *text)
{
    return text->len >= 2 &&
           (memcmp(text->data, "\xff\xfe", 2) == 0 || memcmp(text->data, "\xfe\xff", 2) == 0 ||
            (text->data[0] == '\0') != (text->data[1] == '\0'));
}

/* Makes the body the text that is to be read: inflated, charged, without its byte order mark. */
CAN_FAIL static bool prepare_text(struct request *rq, struct err *err)
{
    const struct buf *text = &rq->body.bytes;

    /* In this order: the plain size is known first, what parsing it may cost is charged next, and
     * only then is it looked at. */
    if ((rq->gzip && !body_gunzip(&rq->body, err)) || !body_charge_decoding(&rq->body, err)) {
        return false;
    }
    if (text->len >= 2 && memcmp(text->data, "\x1f\x8b", 2) == 0) {
        return FAIL(err, ERR_INVALID, "the body is gzip%s",
                    rq->gzip ? " within gzip"
                             : ", which the header Content-Encoding: gzip must say");
    }
    if (is_utf16(text)) {
        return FAIL(err, ERR_INVALID, "the body is UTF-16, and must be UTF-8");
    }
    drop_mark(&rq->body.bytes);
    return true;
}

bool request_cut_body(struct request *rq, struct batch *out)
{
    struct err err = {0};
    size_t max = (size_t)rq->app->config->batch_max;

    if (!prepare_text(rq, &err) || !batch_cut(rq->body.bytes.data, rq->body.bytes.len, rq->lines,
                                              max, &rq->arena, out, &err)) {
        return refuse_body(rq, &err);
    }
    if (out->over) {
        /* 413 for too many as for too much: the same batch will not fit the next time either */
        rq->body.too_large = true;
        (void)FAIL(&err, ERR_INVALID, "the batch has more than %zu elements", max);
        return refuse_body(rq, &err);
    }
    return true;
}

bool request_json(struct request *rq, json_t **out)
{
    struct err err = {0};

    if (rq->lines) {
        answer_415(rq, "Content-Type must be application/json: only one is taken here");
        return false;
    }
    if (!prepare_text(rq, &err)) {
        return refuse_body(rq, &err);
    }
    json_t *doc = jdec_parse(buf_text(&rq->body.bytes), rq->body.bytes.len, &err);
    if (doc == NULL) {
        return refuse_body(rq, &err);
    }
    *out = doc;
    return true;
}
