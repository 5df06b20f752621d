/* Batches in, results out: what POST /v1/events and POST /v1/products share. */
#include "http/api/elements.h"

#include "base/cleanup.h"
#include "base/jdec.h"
#include "base/jenc.h"
#include "domain/shop/event.h"
#include "http/wire/respond.h"

#include <string.h>

struct reading {
    struct request *rq;
    struct batch batch;
    element_decode *decode;
    void *ctx;
    bool whole_checked; /* the body parses as one document */
};

static void refuse(struct element *e, const struct err *err, struct arena *a)
{
    e->status = "invalid";
    e->pointer = arena_strdup(a, err->path);
    e->detail = arena_strdup(a, err->text);
}

/* Nothing is wrong with the body around an element that is past the limits of the parser. */
static bool is_past_limits(const struct piece *piece)
{
    struct err ignored = {0};

    return !jdec_check_limits(piece->text, piece->len, &ignored);
}

/* An element that does not parse: in NDJSON its own fault, in an array the fault of the body, unless
 * it is past the parser's limits or merely no object. */
CAN_FAIL static bool blame(struct reading *r, const struct piece *piece, struct element *e,
                           const struct err *cause, struct err *err)
{
    const struct buf *body = &r->rq->body.bytes;
    struct err fault = {0};

    if (r->batch.lines || (r->batch.array && is_past_limits(piece))) {
        refuse(e, cause, &r->rq->arena);
        return true;
    }
    /* once for the body, whose answer holds for every element */
    if (!r->whole_checked) {
        CLEANUP(jdec_free) json_t *whole = jdec_parse(body->data, body->len, err);
        if (whole == NULL) {
            return false;
        }
        r->whole_checked = true;
    }
    /* The body parses, the element alone does not: jansson takes only objects and arrays at the
     * root, so it is a number, a text or the like. */
    (void)FAIL(&fault, ERR_INVALID, "must be an object");
    refuse(e, &fault, &r->rq->arena);
    return true;
}

CAN_FAIL static bool read_element(struct reading *r, size_t index, const char *id_name,
                                  struct element *e, struct err *err)
{
    const struct piece *piece = &r->batch.pieces[index];
    struct err cause = {0};

    e->text = piece->text;
    /* One tree at a time: a MiB of text can become 79 MiB of them (body.c, DECODING_FACTOR). */
    CLEANUP(jdec_free) json_t *doc = jdec_parse(piece->text, piece->len, &cause);
    if (doc == NULL) {
        return blame(r, piece, e, &cause, err);
    }
    /* Also of an element that is refused: with its id the client finds what it sent. NULL where
     * there is none, or it is no string. */
    const char *id = json_string_value(json_object_get(doc, id_name));
    if (id != NULL && strlen(id) <= EVENT_ID_MAX) {
        e->id = arena_strdup(&r->rq->arena, id);
    }
    if (!r->decode(r->ctx, index, doc, &cause)) {
        refuse(e, &cause, &r->rq->arena);
    }
    return true;
}

bool elements_read(struct request *rq, const char *id_name, elements_prepare *prepare,
                   element_decode *decode, void *ctx, struct elements *out)
{
    struct reading r = {.rq = rq, .decode = decode, .ctx = ctx};
    struct err err = {0};

    if (!request_cut_body(rq, &r.batch)) {
        return false;
    }
    size_t count = r.batch.count;
    *out = (struct elements){.id_name = id_name,
                             .items = arena_array(&rq->arena, count, sizeof *out->items),
                             .count = count};
    prepare(ctx, count, &rq->arena);
    for (size_t i = 0; i < count; i++) {
        if (!read_element(&r, i, id_name, &out->items[i], &err)) {
            answer_error(rq, &err);
            return false;
        }
    }
    /* Only now: a body that cannot be read was parsed again as a whole. */
    for (size_t i = 0; i < count; i++) {
        /* over what parted the pieces, or the NUL that every buf ends with */
        r.batch.pieces[i].text[r.batch.pieces[i].len] = '\0';
    }
    return true;
}

void elements_answer(struct request *rq, const struct elements *elements)
{
    struct buf body = buf_make(ANSWER_MAX);
    struct jenc j = jenc_begin(&body);

    jenc_object(&j, NULL);
    jenc_array(&j, "results");
    for (size_t i = 0; i < elements->count; i++) {
        const struct element *e = &elements->items[i];
        jenc_object(&j, NULL);
        jenc_i64(&j, "index", (int64_t)i);
        jenc_str(&j, elements->id_name, e->id);
        jenc_str(&j, "status", e->status);
        write_errors(&j, e->pointer, e->detail);
        jenc_object_end(&j);
    }
    jenc_array_end(&j);
    jenc_object_end(&j);
    /* 200 even if all are invalid: the request was read, and each element has its own status */
    answer_json(rq, 200, &body);
}
