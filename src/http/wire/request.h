#ifndef HTTP_WIRE_REQUEST_H
#define HTTP_WIRE_REQUEST_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "http/wire/app.h"
#include "http/wire/batch.h"
#include "http/wire/body.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct route;

enum { QUERY_PARAMS_MAX = 8, REQUEST_ID_MAX = 64, TRACEPARENT_LEN = 55 };

struct query_param {
    const char *name;
    const char *value;
};

/* What a handler answers. */
struct answer {
    int status; /* 0: nothing yet */
    struct buf body;
    const char *content_type;
    const char *allow; /* of a 405 */
    int retry_after_s; /* of a 503 */
    bool close;
};

/* One request from its first line to its answer; lives in its connection and is used again. Text is
 * in the arena. */
struct request {
    struct app *app;
    struct arena arena;
    const char *method;
    const char *target; /* as sent */
    const struct route *route;
    const char *id; /* the decoded {id} of the path */
    struct query_param query[QUERY_PARAMS_MAX];
    size_t query_count;
    bool lines; /* NDJSON */
    bool gzip;
    struct body body;
    struct answer answer;
    int64_t began_us; /* monotonic */
    int64_t received_us;
    char request_id[REQUEST_ID_MAX + 1];
    char traceparent[TRACEPARENT_LEN + 1]; /* "" where the client sent none that is valid */
};

void request_begin(struct request *rq, struct app *app, const char *target);
void request_end(struct request *rq); /* keeps the arena's first block */

/* Header values; NULL where absent. */
void request_name(struct request *rq, const char *client_id, const char *traceparent);

/* Splits the query, and refuses what is not in allowed ("state limit"), or comes twice. */
CAN_FAIL bool request_read_query(struct request *rq, const char *allowed, struct err *err);
const char *request_param(const struct request *rq, const char *name); /* NULL where absent */
CAN_FAIL bool request_param_i64(const struct request *rq, const char *name, int64_t min,
                                int64_t max, int64_t def, int64_t *out, struct err *err);
/* Index of the value in names, -1 where absent. */
CAN_FAIL bool request_param_enum(const struct request *rq, const char *name,
                                 const char *const *names, int count, int *out, struct err *err);

/* Whether the body is JSON, NDJSON, gzip: what its headers say. Answers 415 where it is neither. */
bool request_take_media(struct request *rq, const char *content_type, const char *encoding);

/* The whole body: inflated, charged, cut. Answers itself (400, 413, 503) where that fails. */
bool request_cut_body(struct request *rq, struct batch *out);

/* One JSON document, for handlers that take no batch; the caller owns *out. */
bool request_json(struct request *rq, json_t **out);

#endif
