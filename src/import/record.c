/* Records out of lines. What a record means is the format's business. */
#include "import/record.h"

/* A quoted field of a shop's export is a note or a description. What is longer is a quote that was cut off, and looking for
 * its end must not cost the whole file for every such line. */
enum { RECORD_BYTES_MAX = 1 << 16 };

bool record_next(struct line_reader *lines, const struct csv_shape *shape, struct line *out,
                 bool *out_more, struct err *err)
{
    if (!lines_next(lines, out, out_more, err)) {
        return false;
    }
    if (!*out_more || out->too_long || !csv_stays_open(out->text, out->len, shape)) {
        return true;
    }
    const char *text = NULL;
    size_t len = 0;
    if (!lines_ahead(lines, out->len + RECORD_BYTES_MAX, &text, &len, err)) {
        return false;
    }
    struct csv_cut cut = csv_cut(text, len, shape);
    lines_widen(lines, cut.len, cut.breaks, out);
    return true;
}

bool record_of(const struct line *line, struct foreign_record *out, struct err *err)
{
    if (line->too_long) {
        return FAIL(err, ERR_INVALID, "has more than %d bytes", LINE_BYTES_MAX);
    }
    *out = (struct foreign_record){
        .text = line->text, .len = line->len, .number = line->number, .torn = !line->ended};
    return true;
}
