#ifndef HTTP_API_ELEMENTS_H
#define HTTP_API_ELEMENTS_H

#include "base/json/jval.h"
#include "http/wire/request.h"

struct element_fault {
    const char *pointer; /* into the element */
    const char *detail;
};

/* Bodies of many elements, and one result for each: {"results":[{"index","<id>","status","errors"}]},
 * with "warnings" where there are any.
 * Good elements pass though others are bad; only a body that cannot be read as a whole is 400. */
struct element {
    const char *id;     /* in arena; NULL: unknown */
    char *text;         /* as sent, NUL-terminated; borrowed from the body */
    const char *status; /* "invalid", or what the handler made of it; NULL: not yet */
    struct element_fault *errors;
    size_t error_count;
    struct element_fault *warnings; /* of one that was taken */
    size_t warning_count;
};
struct elements {
    const char *id_name; /* member that names an element: "event_id" */
    struct element *items;
    size_t count;
};

/* How a body is read. */
struct element_reader {
    const char *id_name;
    size_t bytes_max; /* of one element; 0: as many as the body may have */
    const char *
        beside; /* a list of which the decoder bounds every element: it does not count. NULL: none */
    /* Told how many elements there will be, before the first. */
    void (*prepare)(void *ctx, size_t count, struct arena *a);
    bool
        trees; /* decode takes trees apart (doc.tree); else they are read in one pass, with the arena */
    /* Decodes element number index of the batch; a failure makes it invalid, with all that err->more took. */
    bool (*decode)(void *ctx, size_t index, struct jval doc, struct err *err);
    /* Takes what it can of an element of more bytes; false: it is invalid. NULL: all of them are. */
    bool (*too_long)(void *ctx, size_t index, struct jval doc);
    void *ctx;
};

/* How many bytes of an element count: without blanks, and without the list that does not (NULL: none). */
size_t element_len(const json_t *doc, const char *beside);

/* Cuts the body and has each element decoded. False: it has answered. */
bool elements_read(struct request *rq, const struct element_reader *reader, struct elements *out);

/* Makes an element invalid, with all that err says and err->more; copied. */
void element_invalid(struct element *e, const struct err *err, struct arena *a);
/* Refuses an element for one reason that its decoder could not know; texts borrowed. */
void element_refuse(struct element *e, const char *status, const char *pointer, const char *detail,
                    struct arena *a);

/* 200 with the results. */
void elements_answer(struct request *rq, const struct elements *elements);

#endif
