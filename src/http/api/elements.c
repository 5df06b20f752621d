/* Batches in, results out: what POST /v1/events and POST /v1/products share. */
#include "http/api/elements.h"

#include "base/cleanup.h"
#include "base/jenc.h"
#include "base/json/jdec.h"
#include "base/json/jdoc.h"
#include "domain/shop/event.h"
#include "http/wire/respond.h"

#include <inttypes.h>
#include <string.h>

struct reading {
    struct request *rq;
    struct batch batch;
    const struct element_reader *reader;
    bool whole_checked; /* the body parses as one document */
};

void element_invalid(struct element *e, const struct err *err, struct arena *a)
{
    size_t more = err->more == NULL ? 0 : (size_t)err->more->count;

    e->status = "invalid";
    e->error_count = 1 + more;
    e->errors = arena_array(a, e->error_count, sizeof *e->errors);
    e->errors[0] = (struct element_fault){arena_strdup(a, err->path), arena_strdup(a, err->text)};
    for (size_t i = 0; i < more; i++) {
        e->errors[1 + i] = (struct element_fault){arena_strdup(a, err->more->all[i].path),
                                                  arena_strdup(a, err->more->all[i].text)};
    }
}

void element_refuse(struct element *e, const char *status, const char *pointer, const char *detail,
                    struct arena *a)
{
    e->status = status;
    e->error_count = 1;
    e->errors = arena_array(a, 1, sizeof *e->errors);
    e->errors[0] = (struct element_fault){pointer, detail};
}

/* Nothing is wrong with the body around an element that is past the limits of the parser. */
static bool is_past_limits(const struct piece *piece)
{
    struct err ignored = {0};

    return !jdec_check_limits(piece->text, piece->len, &ignored);
}

/* A whole object, and more behind it: lines that were sent as one document. The parser says of them only that the document goes on. */
static bool looks_like_lines(const struct buf *body)
{
    const char *text = buf_text(body);
    const char *end = strchr(text, '\n');
    const char *next = end == NULL ? "" : end + strspn(end, " \t\r\n");
    struct err ignored = {0};

    if (text[strspn(text, " \t\r\n")] != '{' || next[0] != '{') {
        return false;
    }
    CLEANUP(jdec_free) json_t *first = jdec_parse(text, (size_t)(end - text), &ignored);
    return first != NULL;
}

/* An element that does not parse: in NDJSON its own fault, in an array the fault of the body, unless
 * it is past the parser's limits or merely no object. */
CAN_FAIL static bool blame(struct reading *r, const struct piece *piece, struct element *e,
                           const struct err *cause, struct err *err)
{
    const struct buf *body = &r->rq->body.bytes;
    struct err fault = {0};

    if (r->batch.lines || (r->batch.array && is_past_limits(piece))) {
        element_invalid(e, cause, &r->rq->arena);
        return true;
    }
    /* once for the body, whose answer holds for every element */
    if (!r->whole_checked) {
        CLEANUP(jdec_free) json_t *whole = jdec_parse(body->data, body->len, err);
        if (whole == NULL && !r->batch.array && looks_like_lines(body)) {
            return FAIL(err, ERR_INVALID,
                        "these are several objects, one a line: send them as Content-Type: "
                        "application/x-ndjson, or as an array");
        }
        if (whole == NULL) {
            return false;
        }
        r->whole_checked = true;
    }
    /* The body parses, the element alone does not: only objects and arrays are taken at the root, so
     * it is a number, a text or the like. */
    (void)FAIL(&fault, ERR_INVALID, "must be an object");
    element_invalid(e, &fault, &r->rq->arena);
    return true;
}

size_t element_len(const json_t *doc, const char *beside)
{
    const json_t *list = beside != NULL ? json_object_get(doc, beside) : NULL;
    const size_t list_len = json_is_array(list) ? json_dumpb(list, NULL, 0, JSON_COMPACT) : 0;

    return json_dumpb(doc, NULL, 0, JSON_COMPACT) - list_len;
}

/* Only where the text is too long is it read once more, since few are so long. */
static size_t weigh(const struct reading *r, const struct piece *piece)
{
    const char *beside = r->reader->beside;
    struct err ignored = {0};

    if (piece->len <= r->reader->bytes_max || beside == NULL) {
        return piece->len;
    }
    CLEANUP(jdec_free) json_t *doc = jdec_parse(piece->text, piece->len, &ignored);
    return element_len(doc, beside);
}

/* The reader's own decoder, behind the limit that it gives. */
CAN_FAIL static bool decode(const struct reading *r, size_t index, struct jval doc, struct err *err)
{
    size_t max = r->reader->bytes_max;
    size_t len = max > 0 ? weigh(r, &r->batch.pieces[index]) : 0;

    if (len > max) {
        const char *beside = r->reader->beside;
        if (r->reader->too_long != NULL && r->reader->too_long(r->reader->ctx, index, doc)) {
            return true;
        }
        return FAIL(err, ERR_INVALID, "must have at most %zu bytes%s%s, not %zu", max,
                    beside != NULL ? " beside " : "", beside != NULL ? beside : "", len);
    }
    return r->reader->decode(r->reader->ctx, index, doc, err);
}

/* An element that parses. */
static void read_parsed(const struct reading *r, size_t index, struct jval doc, struct element *e,
                        struct err *cause)
{
    struct arena *a = &r->rq->arena;
    /* Also of an element that is refused: with its id the client finds what it sent. NULL where
     * there is none, or it is none. */
    struct jval id = jval_get(doc, r->reader->id_name);

    if (jval_is(id, JSON_INTEGER)) {
        e->id = arena_printf(a, "%" PRId64, jval_integer(id));
    } else if (jval_is(id, JSON_STRING) && jval_len(id) <= EVENT_ID_MAX) {
        e->id = id.mark != NULL ? jval_text(id, a) : arena_strdup(a, jval_text(id, a));
    }
    if (!decode(r, index, doc, cause)) {
        element_invalid(e, cause, a);
    }
}

CAN_FAIL static bool read_element(struct reading *r, size_t index, struct element *e,
                                  struct err *err)
{
    const struct piece *piece = &r->batch.pieces[index];
    struct err_more more = {.count = 0};
    struct err cause = {.more = &more};
    struct jdoc doc;

    e->text = piece->text;
    /* One at a time: a MiB of text can become 79 MiB of tree (body.c, DECODING_FACTOR). */
    bool good = r->reader->trees ? jdoc_parse(&doc, piece->text, piece->len, &cause)
                                 : jdoc_read(&doc, piece->text, piece->len, &r->rq->arena, &cause);
    if (good) {
        read_parsed(r, index, doc.root, e, &cause);
    } else {
        good = blame(r, piece, e, &cause, err);
    }
    jdoc_free(&doc);
    return good;
}

bool elements_read(struct request *rq, const struct element_reader *reader, struct elements *out)
{
    struct reading r = {.rq = rq, .reader = reader};
    struct err err = {0};

    if (!request_cut_body(rq, &r.batch)) {
        return false;
    }
    size_t count = r.batch.count;
    *out = (struct elements){.id_name = reader->id_name,
                             .items = arena_array(&rq->arena, count, sizeof *out->items),
                             .count = count};
    reader->prepare(reader->ctx, count, &rq->arena);
    for (size_t i = 0; i < count; i++) {
        if (!read_element(&r, i, &out->items[i], &err)) {
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

static void write_faults(struct jenc *j, const char *name, const struct element_fault *faults,
                         size_t count)
{
    jenc_array(j, name);
    for (size_t i = 0; i < count; i++) {
        answer_fault(j, faults[i].pointer, faults[i].detail);
    }
    jenc_array_end(j);
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
        write_faults(&j, "errors", e->errors, e->error_count);
        if (e->warning_count > 0) {
            write_faults(&j, "warnings", e->warnings, e->warning_count);
        }
        jenc_object_end(&j);
    }
    jenc_array_end(&j);
    jenc_object_end(&j);
    /* 200 even if all are invalid: the request was read, and each element has its own status */
    answer_json(rq, 200, &body);
}
