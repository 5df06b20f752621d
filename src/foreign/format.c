/* The table of formats, and what they share: finding columns, event ids, and writing the native
 * event. */
#include "foreign/format.h"

#include "base/cleanup.h"
#include "base/jdec.h"
#include "base/mem.h"
#include "domain/shop/money.h"

#include <assert.h>
#include <string.h>

enum {
    EVENT_JSON_MAX = 4 << 20,
    FORMAT_COUNT = 5,
};

static const struct import_format *const formats[FORMAT_COUNT] = {
    &import_retailrocket, &import_rees46, &import_taobao, &import_online_retail, &import_ndjson,
};

const struct import_format *import_format_of(const char *name)
{
    for (size_t i = 0; i < FORMAT_COUNT; i++) {
        if (strcmp(formats[i]->name, name) == 0) {
            return formats[i];
        }
    }
    return NULL;
}

const char *import_format_names(struct arena *a)
{
    const char *names = formats[0]->name;
    for (size_t i = 1; i < FORMAT_COUNT; i++) {
        names = arena_printf(a, "%s|%s", names, formats[i]->name);
    }
    return names;
}

void import_parser_open(const struct import_format *format, const char *currency,
                        struct import_sink sink, struct import_parser *out)
{
    assert(format->column_count <= IMPORT_COLUMNS_MAX);
    const char *effective = currency != NULL ? currency : format->currency;
    *out = (struct import_parser){
        .format = format,
        .sink = sink,
        .repeats = repeat_open(),
        .json = buf_make(EVENT_JSON_MAX),
        .state = format->state_bytes > 0 ? mem_alloc(format->state_bytes) : NULL,
    };
    if (effective != NULL && effective[0] != '\0') {
        assert(strlen(effective) == 3);
        memcpy(out->currency, effective, sizeof out->currency);
    }
    if (!format->header) {
        for (size_t i = 0; i < format->column_count; i++) {
            out->position[i] = (int)i;
        }
        out->width = format->column_count;
    }
}

/* Where each column is. The error names the header we know, for a file that was given to the wrong
 * format. */
static bool read_header(struct import_parser *p, const struct csv_row *header, struct err *err)
{
    const struct import_format *f = p->format;
    for (size_t i = 0; i < f->column_count; i++) {
        p->position[i] = -1;
        const char *const *names = f->columns[i].names;
        for (int n = 0; n < 3 && names[n] != NULL && p->position[i] < 0; n++) {
            p->position[i] = csv_column(header, names[n]);
            p->spelling[i] = n;
        }
        if (p->position[i] < 0 && !f->columns[i].optional) {
            return FAIL(err, ERR_REFUSED, "the header has no column %s, which %s files have",
                        names[0], f->name);
        }
    }
    p->width = header->count;
    return true;
}

static bool pick_columns(const struct import_parser *p, const struct csv_row *csv,
                         struct import_row *row, struct err *err)
{
    if (csv->count != p->width) {
        return FAIL(err, ERR_INVALID, "has %zu column%s instead of %zu", csv->count,
                    csv->count == 1 ? "" : "s", p->width);
    }
    for (size_t i = 0; i < p->format->column_count; i++) {
        row->field[i] = p->position[i] >= 0 ? csv->field[p->position[i]] : "";
    }
    return true;
}

/* A line that is no UTF-8 is taken for Latin-1, which older exports are in (a pound sign is one
 * byte there). */
static struct line as_utf8(const struct line *line, struct arena *a)
{
    size_t wide = 0;
    for (size_t i = 0; i < line->len; i++) {
        wide += (unsigned char)line->text[i] >= 0x80;
    }
    if (wide == 0) {
        return *line;
    }
    CLEANUP(jdec_free) json_t *valid = json_stringn(line->text, line->len);
    if (valid != NULL) {
        return *line;
    }
    char *text = arena_alloc(a, line->len + wide + 1);
    char *to = text;
    for (size_t i = 0; i < line->len; i++) {
        unsigned char c = (unsigned char)line->text[i];
        if (c >= 0x80) {
            *to++ = (char)(0xc0 | (c >> 6));
            c = 0x80 | (c & 0x3f);
        }
        *to++ = (char)c;
    }
    struct line out = *line;
    out.text = text;
    out.len = (size_t)(to - text);
    return out;
}

static bool csv_line(struct import_parser *p, const struct line *raw, struct err *err)
{
    struct line utf8 = as_utf8(raw, &p->scratch);
    const struct line *line = &utf8;
    struct csv_row csv;
    struct import_row row = {.line = line->number};
    if (p->width == 0) {
        if (!csv_split(line->text, line->len, &p->scratch, &csv, err)) {
            err->kind = ERR_REFUSED;
            return false;
        }
        return read_header(p, &csv, err);
    }
    p->rows++;
    repeat_event_id(p->repeats, p->format->name, raw->text, raw->len, row.event_id);
    return csv_split(line->text, line->len, &p->scratch, &csv, err) &&
           pick_columns(p, &csv, &row, err) && p->format->row(p, &row, err);
}

static bool json_line(struct import_parser *p, const struct line *line, struct err *err)
{
    bool valid = false;
    p->rows++;
    return p->sink.event(p->sink.ctx, line->text, line->len, line->number, &valid, err);
}

bool import_parser_line(struct import_parser *p, const struct line *line, struct err *err)
{
    arena_reset(&p->scratch);
    if (line->too_long) {
        p->rows++;
        return FAIL(err, ERR_INVALID, "has more than %d bytes", LINE_BYTES_MAX);
    }
    if (line->len == 0) {
        return true;
    }
    bool done = p->format->columns == NULL ? json_line(p, line, err) : csv_line(p, line, err);
    p->cut_off = !done && !line->ended;
    return done;
}

bool import_parser_finish(struct import_parser *p, struct err *err)
{
    return p->format->finish == NULL || p->format->finish(p, err);
}

void import_parser_close(struct import_parser *p)
{
    if (p->format != NULL && p->format->close != NULL) {
        p->format->close(p);
    }
    repeat_close(&p->repeats);
    arena_free(&p->scratch);
    buf_free(&p->json);
    mem_free(&p->state);
    p->format = NULL;
}

struct jenc import_event_begin(struct import_parser *p, const struct import_envelope *e)
{
    buf_reset(&p->json);
    struct jenc j = jenc_begin(&p->json);
    jenc_object(&j, NULL);
    jenc_str(&j, "event_id", e->event_id);
    jenc_str(&j, "type", event_type_name(e->type));
    jenc_str_opt(&j, "customer_id", e->customer_id);
    jenc_str_opt(&j, "anonymous_id", e->anonymous_id);
    jenc_time(&j, "occurred_at", e->occurred_us);
    jenc_str_opt(&j, "order_id", e->order_id);
    jenc_str_opt(&j, "session_id", e->session_id);
    return j;
}

void import_item_add(struct jenc *j, const struct event_item *item)
{
    jenc_object(j, NULL);
    jenc_str(j, "product_id", item->product_id);
    if (item->quantity != 1) {
        jenc_i64(j, "quantity", item->quantity);
    }
    if (item->price_minor != MONEY_UNKNOWN) {
        jenc_i64(j, "price_minor", item->price_minor);
        jenc_str(j, "currency", item->currency);
    }
    jenc_object_end(j);
}

bool import_event_end(struct import_parser *p, struct jenc *j, int64_t line, bool *out_valid,
                      struct err *err)
{
    jenc_object_end(j);
    if (!buf_ok(&p->json)) {
        return FAIL(err, ERR_INVALID, "makes an event of more than %d bytes", EVENT_JSON_MAX);
    }
    return p->sink.event(p->sink.ctx, buf_text(&p->json), p->json.len, line, out_valid, err);
}

bool import_event_one(struct import_parser *p, const struct import_envelope *e,
                      const struct event_item *item, int64_t line, bool *out_valid, struct err *err)
{
    struct jenc j = import_event_begin(p, e);
    jenc_array(&j, "items");
    import_item_add(&j, item);
    jenc_array_end(&j);
    return import_event_end(p, &j, line, out_valid, err);
}
