/* Request bodies: bounded each, and bounded all together. */
#include "http/wire/body.h"

#include "base/metric.h"

#include <limits.h>
#include <zlib.h>

/* jansson's worst case measured is 79 bytes a byte of text, ordinary events take about 10. */
enum { DECODING_FACTOR = 16, INFLATE_STEP = 16384 };

bool budget_take(struct budget *b, size_t bytes)
{
    size_t used = atomic_load(&b->used);

    /* Compare and swap: adding first and taking back what is too much would for a moment refuse
     * others that fit. And no sum that could wrap: max - bytes, once bytes <= max. */
    do {
        if (bytes > b->max || used > b->max - bytes) {
            return false;
        }
    } while (!atomic_compare_exchange_weak(&b->used, &used, used + bytes));
    return true;
}

void budget_give(struct budget *b, size_t bytes)
{
    atomic_fetch_sub(&b->used, bytes);
}

struct body body_make(struct budget *budget, size_t max)
{
    return (struct body){.bytes = buf_make(max), .budget = budget};
}

void body_free(struct body *b)
{
    buf_free(&b->bytes);
    /* Called twice for a body that was answered: when the answer is sent, and when the request
     * ends. What it held is given back once. */
    if (b->charged > 0) {
        budget_give(b->budget, b->charged);
        metric_sub(METRIC_http_body_bytes, b->charged);
        b->charged = 0;
    }
}

CAN_FAIL static bool charge(struct body *b, size_t bytes, struct err *err)
{
    if (!budget_take(b->budget, bytes)) {
        return FAIL(err, ERR_BUSY, "request bodies fill their memory budget of %zu bytes",
                    b->budget->max);
    }
    b->charged += bytes;
    metric_add(METRIC_http_body_bytes, bytes);
    return true;
}

CAN_FAIL bool body_add(struct body *b, const char *bytes, size_t len, struct err *err)
{
    /* Counted as it arrives: chunks announce no length, and a gzip body grows beyond its own. Size
     * before budget, since 413 is final and 503 invites to try again. */
    if (len > b->bytes.max - b->bytes.len) {
        b->too_large = true;
        return FAIL(err, ERR_INVALID, "the body is larger than %zu bytes", b->bytes.max);
    }
    if (!charge(b, len, err)) {
        return false;
    }
    buf_add(&b->bytes, bytes, len);
    return true;
}

CAN_FAIL static bool inflate_all(struct body *in, z_stream *z, struct body *out, struct err *err)
{
    unsigned char step[INFLATE_STEP];
    int state = Z_OK;

    z->next_in = (unsigned char *)in->bytes.data;
    z->avail_in = (uInt)in->bytes.len;
    /* By small steps, so that a bomb is refused after the step that passes the limit, whatever it
     * would become. A stream that is cut off ends the loop with Z_BUF_ERROR. */
    while (state == Z_OK) {
        z->next_out = step;
        z->avail_out = sizeof step;
        state = inflate(z, Z_NO_FLUSH);
        if ((state == Z_OK || state == Z_STREAM_END) &&
            !body_add(out, (const char *)step, sizeof step - z->avail_out, err)) {
            return false;
        }
    }
    /* RFC 1952 lets members follow each other; what is behind the first would be lost here without
     * a word, so it is refused. */
    if (state != Z_STREAM_END || z->avail_in > 0) {
        return FAIL(err, ERR_INVALID, "the body is not valid gzip");
    }
    return true;
}

CAN_FAIL bool body_gunzip(struct body *b, struct err *err)
{
    enum { GZIP_ONLY = 16 };
    struct body out = body_make(b->budget, b->bytes.max);
    z_stream z = {0};

    /* 16 more than the window bits: gzip only, no raw or zlib stream guessed at (zlib.h) */
    if (b->bytes.len > UINT_MAX || inflateInit2(&z, MAX_WBITS + GZIP_ONLY) != Z_OK) {
        return FAIL(err, ERR_INTERNAL, "cannot start to inflate");
    }
    /* both bodies are charged until one is freed: the budget must cover the peak */
    bool done = inflate_all(b, &z, &out, err);
    (void)inflateEnd(&z);
    if (!done) {
        /* what was too large is the plain body: the answer is 413, not 400 */
        b->too_large = out.too_large;
        body_free(&out);
        return false;
    }
    body_free(b);
    *b = out;
    return true;
}

CAN_FAIL bool body_charge_decoding(struct body *b, struct err *err)
{
    /* less the text itself, which is charged already */
    size_t bytes = b->bytes.len * (DECODING_FACTOR - 1);

    /* one body of the largest size must get through an idle server, whatever the settings */
    return charge(b, bytes < b->budget->max / 2 ? bytes : b->budget->max / 2, err);
}
