/* One loop over two libraries: read packed bytes, unpack, until there is text or the end. A file may be several packed
 * ones, one behind the other (cat a.gz b.gz, zstd of several frames). */
#include "import/unpack.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum { PACKED_BYTES = 1 << 16 };

struct unpack {
    unpack_read_fn *read;
    void *ctx;
    z_stream *gzip; /* one of both */
    ZSTD_DCtx *zstd;
    unsigned char in[PACKED_BYTES];
    size_t at, end;
    bool at_eof;
    bool inside; /* a member or frame has begun and not ended */
};

static void out_of_memory(void)
{
    abort(); /* as everywhere: base/mem.h */
}

struct unpack *unpack_open(const char *head, size_t len, unpack_read_fn *read, void *ctx)
{
    bool gzip = len >= 3 && memcmp(head, "\x1f\x8b\x08", 3) == 0;
    bool zstd = len >= 4 && memcmp(head, "\x28\xb5\x2f\xfd", 4) == 0;
    if (!gzip && !zstd) {
        return NULL;
    }
    struct unpack *u = mem_alloc(sizeof *u);
    u->read = read;
    u->ctx = ctx;
    if (zstd) {
        u->zstd = ZSTD_createDCtx();
    } else {
        u->gzip = mem_alloc(sizeof *u->gzip);
    }
    enum { GZIP = 16 }; /* its header, and no other */
    if (zstd ? u->zstd == NULL : inflateInit2(u->gzip, GZIP + MAX_WBITS) != Z_OK) {
        out_of_memory();
    }
    return u;
}

void unpack_close(struct unpack **u)
{
    if (*u != NULL) {
        if ((*u)->gzip != NULL) {
            (void)inflateEnd((*u)->gzip);
        }
        mem_free(&(*u)->gzip);
        (void)ZSTD_freeDCtx((*u)->zstd);
        mem_free(u);
    }
}

const char *unpack_name(const struct unpack *u)
{
    return u->gzip != NULL ? "gzip" : "zstd";
}

CAN_FAIL static bool fill(struct unpack *u, struct err *err)
{
    size_t got = 0;
    if (!u->read(u->ctx, (char *)u->in, sizeof u->in, &got, err)) {
        return false;
    }
    u->at = 0;
    u->end = got;
    u->at_eof = got == 0;
    return true;
}

CAN_FAIL static bool step_gzip(struct unpack *u, ZSTD_outBuffer *out, struct err *err)
{
    z_stream *z = u->gzip;
    z->next_in = u->in + u->at;
    z->avail_in = (uInt)(u->end - u->at);
    z->next_out = out->dst;
    z->avail_out = out->size < PACKED_BYTES ? (uInt)out->size : PACKED_BYTES;
    uInt room = z->avail_out;
    int said = inflate(z, Z_NO_FLUSH);
    u->at = u->end - z->avail_in;
    out->pos = room - z->avail_out;
    if (said == Z_STREAM_END) {
        u->inside = false;
        return inflateReset(z) == Z_OK || FAIL(err, ERR_INTERNAL, "zlib cannot begin again");
    }
    if (said != Z_OK && said != Z_BUF_ERROR) {
        return FAIL(err, ERR_INVALID, "is damaged: %.60s", z->msg != NULL ? z->msg : "not gzip");
    }
    return true;
}

CAN_FAIL static bool step_zstd(struct unpack *u, ZSTD_outBuffer *out, struct err *err)
{
    ZSTD_inBuffer in = {u->in, u->end, u->at};
    size_t said = ZSTD_decompressStream(u->zstd, out, &in);
    u->at = in.pos;
    if (ZSTD_isError(said)) {
        /* also a window above 128 MiB (zstd --long=31), which would be more memory than we want to hold */
        return FAIL(err, ERR_INVALID, "is damaged: %.80s", ZSTD_getErrorName(said));
    }
    u->inside = said != 0;
    return true;
}

bool unpack_read(struct unpack *u, char *to, size_t cap, size_t *out_got, struct err *err)
{
    ZSTD_outBuffer out = {.size = cap}; /* for either library */
    out.dst = to;
    while (out.pos == 0) {
        if (u->at == u->end && !u->at_eof && !fill(u, err)) {
            return false;
        }
        bool more = u->at < u->end;
        bool began = u->inside;
        if (!more && !began) {
            break;
        }
        u->inside = true;
        if (!(u->gzip != NULL ? step_gzip(u, &out, err) : step_zstd(u, &out, err))) {
            return false;
        }
        /* Without input the library can only give what it still holds. */
        if (!more && out.pos == 0 && u->inside) {
            return FAIL(err, ERR_INVALID, "breaks off: the %s in it has no end", unpack_name(u));
        }
    }
    *out_got = out.pos;
    return true;
}
