/* Rows that wait for whether their order is whole. */
#include "foreign/kept_rows.h"

enum { KEPT_BYTES_MAX = 1 << 18 };

struct kept_row {
    struct kept_row *next;
    const char *text;
    size_t len;
};

bool kept_rows_add(struct kept_rows *h, struct arena *a, const struct native_writer *out,
                   const char *text, size_t len, struct err *err)
{
    if (out->sink.row == NULL) {
        return true;
    }
    if (h->spoilt) {
        return out->sink.row(out->sink.ctx, text, len, err);
    }
    if (h->bytes + len > KEPT_BYTES_MAX) {
        return true; /* a file of one "order" must not lie in memory */
    }
    struct kept_row *row = arena_alloc(a, sizeof *row);
    *row = (struct kept_row){.text = arena_strndup(a, text, len), .len = len};
    if (h->last != NULL) {
        h->last->next = row;
    } else {
        h->first = row;
    }
    h->last = row;
    h->bytes += len;
    return true;
}

bool kept_rows_spoil(struct kept_rows *h, const struct native_writer *out, struct err *err)
{
    const struct kept_row *row = h->first;
    h->first = h->last = NULL;
    h->spoilt = true;
    for (; row != NULL; row = row->next) {
        if (!out->sink.row(out->sink.ctx, row->text, row->len, err)) {
            return false;
        }
    }
    return true;
}
