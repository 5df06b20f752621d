#ifndef HTTP_WIRE_RESPOND_H
#define HTTP_WIRE_RESPOND_H

#include "base/err.h"
#include "base/jenc.h"
#include "http/wire/request.h"

/* Takes the buffer over. */
void answer_json(struct request *rq, int status, struct buf *body);
void answer_text(struct request *rq, const char *content_type, struct buf *body);

/* RFC 9457. pointer: JSON pointer into the body, NULL or "" for none; parameter likewise. */
struct problem {
    int status;
    const char *detail;
    const char *pointer;
    const char *parameter;
    const struct err *faults; /* all of a body, the first of which is told above; NULL: none */
};
void answer_problem(struct request *rq, const struct problem *problem);

/* The problem of the error's kind, with all that err->more has; logs what is a defect or an outage of
 * ours. */
void answer_error(struct request *rq, const struct err *err);

/* What is wrong with one member of a body, as an element of "errors". */
void answer_fault(struct jenc *j, const char *pointer, const char *detail);

/* 503 for a failure of the database, to somebody without a key: its words, which may name sockets, hosts and
 * roles, go to the log, at most once a second. */
void answer_unavailable(struct request *rq, const struct err *err);

const char *status_title(int status);

enum { ANSWER_MAX = 16 << 20 };

#endif
