/* Answers: JSON, text, and problems (RFC 9457). The only place that turns kinds of errors into
 * status codes. */
#include "http/wire/respond.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdatomic.h>
#include <string.h>

struct status_word {
    int status;
    const char *slug; /* of the problem type */
    const char *title;
};

static const struct status_word status_words[] = {
    {400, "invalid", "Bad Request"},
    {401, "unauthorized", "Unauthorized"},
    {403, "forbidden", "Forbidden"},
    {404, "not-found", "Not Found"},
    {405, "method-not-allowed", "Method Not Allowed"},
    {408, "late", "Request Timeout"},
    {409, "conflict", "Conflict"},
    {413, "too-large", "Content Too Large"},
    {414, "target-too-long", "URI Too Long"},
    {415, "unsupported-media-type", "Unsupported Media Type"},
    {431, "head-too-large", "Request Header Fields Too Large"},
    {502, "upstream", "Bad Gateway"},
    {503, "busy", "Service Unavailable"},
};
static const struct status_word internal_error = {500, "internal", "Internal Server Error"};
enum { STATUS_WORDS = sizeof status_words / sizeof *status_words };

static const struct status_word *status_word(int status)
{
    for (int i = 0; i < STATUS_WORDS; i++) {
        if (status_words[i].status == status) {
            return &status_words[i];
        }
    }
    return &internal_error;
}

static int status_of(enum err_kind kind)
{
    switch (kind) {
    case ERR_INVALID:
        return 400;
    case ERR_DENIED:
        return 401;
    case ERR_FORBIDDEN:
        return 403;
    case ERR_NOT_FOUND:
        return 404;
    case ERR_CONFLICT:
    case ERR_REFUSED:
        return 409;
    case ERR_BUSY:
        return 503;
    case ERR_UPSTREAM:
        return 502;
    case ERR_NONE:
    case ERR_INTERNAL:
        return 500;
    }
    return 500;
}

static void set_answer(struct request *rq, int status, const char *content_type, struct buf *body)
{
    /* a handler may have answered and then failed: the failure counts */
    buf_free(&rq->answer.body);
    rq->answer.status = status;
    rq->answer.content_type = content_type;
    rq->answer.body = *body;
    *body = (struct buf){0};
}

void answer_json(struct request *rq, int status, struct buf *body)
{
    /* half a document under a 200 would be worse than none */
    if (buf_ok(body)) {
        set_answer(rq, status, "application/json", body);
        return;
    }
    buf_free(body);
    answer_error(rq, &(struct err){.kind = ERR_INTERNAL, .text = "the answer grew too large"});
}

void answer_text(struct request *rq, const char *content_type, struct buf *body)
{
    set_answer(rq, 200, content_type, body);
}

/* A little apart for each request, so that clients turned away together do not return together. */
static int retry_after(const struct request *rq)
{
    unsigned sum = 0;

    for (const char *p = rq->request_id; *p; p++) {
        sum += (unsigned char)*p;
    }
    return 1 + (int)(sum % 3);
}

void answer_fault(struct jenc *j, const char *pointer, const char *detail)
{
    jenc_object(j, NULL);
    jenc_str(j, "pointer", pointer);
    jenc_str(j, "detail", detail);
    jenc_object_end(j);
}

static void write_faults(struct jenc *j, const struct err *err)
{
    jenc_array(j, "errors");
    answer_fault(j, err->path, err->text);
    for (int i = 0; i < err->more->count; i++) {
        answer_fault(j, err->more->all[i].path, err->more->all[i].text);
    }
    jenc_array_end(j);
}

void answer_problem(struct request *rq, const struct problem *problem)
{
    const struct status_word *word = status_word(problem->status);
    struct buf body = buf_make(ANSWER_MAX);
    struct jenc j = jenc_begin(&body);

    jenc_object(&j, NULL);
    jenc_str(&j, "type", arena_printf(&rq->arena, "urn:cartwright:problem:%s", word->slug));
    jenc_str(&j, "title", word->title);
    jenc_i64(&j, "status", problem->status);
    jenc_str(&j, "detail", problem->detail);
    if (problem->pointer != NULL && problem->pointer[0] != '\0') {
        jenc_str(&j, "pointer", problem->pointer);
    }
    if (problem->parameter != NULL && problem->parameter[0] != '\0') {
        jenc_str(&j, "parameter", problem->parameter);
    }
    if (problem->faults != NULL) {
        write_faults(&j, problem->faults);
    }
    jenc_str(&j, "request_id", rq->request_id);
    jenc_object_end(&j);
    set_answer(rq, problem->status, "application/problem+json", &body);
    /* of all answers the one that means: the same request, a little later (RFC 9110, 15.6.4) */
    if (problem->status == 503) {
        rq->answer.retry_after_s = retry_after(rq);
    }
}

void answer_error(struct request *rq, const struct err *err)
{
    int status = status_of(err->kind);

    /* A path of JSON begins with a slash; any other names a parameter of the query. */
    bool pointer = err->path[0] == '/';
    bool parameter = !pointer && err->path[0] != '\0';
    struct problem problem = {.status = status,
                              .detail = err->text,
                              .pointer = pointer ? err->path : NULL,
                              .parameter = parameter ? err->path : NULL};
    if (err->kind == ERR_INVALID && err->more != NULL && !parameter) {
        problem.faults = err;
    }
    /* The text may name tables, paths or the address of the database: it is for the log, and the
     * client gets the id to ask with. */
    if (status == 500 || status == 502) {
        log_line(LOG_ERROR, "request_failed", "request=%s trace=%s %s %s: %s", rq->request_id,
                 rq->traceparent, rq->method ? rq->method : "", err->path, err->text);
        problem.detail = "the request failed on our side; the log has it under this request_id";
        problem.parameter = NULL;
    }
    answer_problem(rq, &problem);
}

void answer_unavailable(struct request *rq, const struct err *err)
{
    static _Atomic int64_t next_us; /* an outage meets every request, and one line tells it */
    int64_t now_us = clock_monotonic_us();
    int64_t at_us = atomic_load(&next_us);

    if (now_us >= at_us && atomic_compare_exchange_strong(&next_us, &at_us, now_us + SECONDS(1))) {
        log_line(LOG_WARN, "database_away", "request=%s: %s", rq->request_id, err->text);
    }
    answer_problem(rq, &(struct problem){.status = 503, .detail = "the database does not answer"});
}

const char *status_title(int status)
{
    return status_word(status)->title;
}
