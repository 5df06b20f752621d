#ifndef HTTP_API_ELEMENTS_H
#define HTTP_API_ELEMENTS_H

#include "http/wire/request.h"

#include <jansson.h>

/* Bodies of many elements, and one result for each: {"results":[{"index","<id>","status","errors"}]}.
 * Good elements pass though others are bad; only a body that cannot be read as a whole is 400. */
struct element {
    const char *id;      /* in arena; NULL: unknown */
    char *text;          /* as sent, NUL-terminated; borrowed from the body */
    const char *status;  /* "invalid", or what the handler made of it; NULL: not yet */
    const char *pointer; /* of what is wrong; NULL: nothing is */
    const char *detail;
};
struct elements {
    const char *id_name; /* member that names an element: "event_id" */
    struct element *items;
    size_t count;
};

/* Decodes element number index of the batch; a failure makes it invalid. */
typedef bool element_decode(void *ctx, size_t index, json_t *doc, struct err *err);

/* Cuts the body and has each element decoded. prepare is told how many there will be, before the
 * first. False: it has answered. */
typedef void elements_prepare(void *ctx, size_t count, struct arena *a);
bool elements_read(struct request *rq, const char *id_name, elements_prepare *prepare,
                   element_decode *decode, void *ctx, struct elements *out);

/* 200 with the results. */
void elements_answer(struct request *rq, const struct elements *elements);

#endif
