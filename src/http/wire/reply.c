/* From an answer to bytes on the wire. */
#include "http/wire/reply.h"

#include "base/clock.h"
#include "base/metric.h"

#include <stdio.h>

static void count_answer(const struct request *rq)
{
    int status = rq->answer.status;

    /* when it is handed over: whether the client reads it, nobody here learns */
    metric_add(status < 400   ? METRIC_http_requests_2xx
               : status < 500 ? METRIC_http_requests_4xx
                              : METRIC_http_requests_5xx,
               1);
    metric_observe_us(METRIC_http_request_us, clock_monotonic_us() - rq->began_us);
}

static void add_headers(struct MHD_Response *response, const struct request *rq)
{
    const struct answer *a = &rq->answer;

    (void)MHD_add_response_header(response, "Content-Type", a->content_type);
    (void)MHD_add_response_header(response, "X-Request-Id", rq->request_id);
    /* Answers quote what clients sent and hold data of persons: no browser may guess them to be a
     * page, no cache in between keep them. */
    (void)MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    (void)MHD_add_response_header(response, "Cache-Control", "no-store");
    if (rq->traceparent[0] != '\0') {
        (void)MHD_add_response_header(response, "traceparent", rq->traceparent);
    }
    /* RFC 9110, 15.5.6: a 405 must have it; and 15.5.2: a 401 must say how to authenticate */
    if (a->allow != NULL) {
        (void)MHD_add_response_header(response, "Allow", a->allow);
    }
    if (a->status == 401) {
        (void)MHD_add_response_header(response, "WWW-Authenticate", "Bearer");
    }
    if (a->retry_after_s > 0) {
        char seconds[12];
        (void)snprintf(seconds, sizeof seconds, "%d", a->retry_after_s);
        (void)MHD_add_response_header(response, "Retry-After", seconds);
    }
    /* while draining as well: who is told in time opens the next connection elsewhere, who is cut
     * off has to guess whether the request was heard */
    if (a->close || atomic_load(&rq->app->draining)) {
        (void)MHD_add_response_header(response, "Connection", "close");
    }
}

enum MHD_Result reply_send(struct MHD_Connection *mhd, struct request *rq)
{
    struct buf *body = &rq->answer.body;

    count_answer(rq);
    /* Not copied: a buf grows by realloc, and the library frees it with free. Where it fails, the
     * body is still ours, and request_end frees it. */
    struct MHD_Response *response =
        body->data == NULL
            ? MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT)
            : MHD_create_response_from_buffer(body->len, body->data, MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        return MHD_NO;
    }
    *body = (struct buf){0}; /* the response frees it */
    add_headers(response, rq);
    enum MHD_Result queued = MHD_queue_response(mhd, (unsigned)rq->answer.status, response);
    /* our reference only: the connection holds its own until all is sent */
    MHD_destroy_response(response);
    return queued;
}
