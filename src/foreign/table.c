/* Rows of comma-separated text, by the columns of their format. It must not know what a field
 * means. */
#include "foreign/table.h"

#include "base/cleanup.h"
#include "base/jdec.h"
#include "base/mem.h"
#include "foreign/csv.h"
#include "foreign/repeat.h"

#include <assert.h>

struct table_reading {
    struct repeat_table *repeats;
    int position[TABLE_COLUMNS_MAX]; /* of each column in the file; -1: not there */
    int spelling[TABLE_COLUMNS_MAX];
    size_t width; /* columns in the file; 0: the header has not come */
};

struct table_reading *table_open(const struct table *table)
{
    assert(table->column_count <= TABLE_COLUMNS_MAX);
    struct table_reading *t = mem_alloc(sizeof *t);
    t->repeats = repeat_open();
    /* Without a header the columns stand in the order of the table, and the first row is data. */
    if (!table->header) {
        for (size_t i = 0; i < table->column_count; i++) {
            t->position[i] = (int)i;
        }
        t->width = table->column_count;
    }
    return t;
}

void table_close(struct table_reading **t)
{
    if (*t != NULL) {
        repeat_close(&(*t)->repeats);
        mem_free(t);
    }
}

/* Where each column is. The error names the header we know, for a file that was given to the wrong
 * format. */
CAN_FAIL static bool read_header(struct foreign_parser *p, const struct csv_row *header,
                                 struct err *err)
{
    struct table_reading *t = p->reading;
    const struct table *table = p->format->table;
    for (size_t i = 0; i < table->column_count; i++) {
        t->position[i] = -1;
        const char *const *names = table->columns[i].names;
        for (int n = 0; n < 3 && names[n] != NULL && t->position[i] < 0; n++) {
            t->position[i] = csv_column(header, names[n]);
            t->spelling[i] = n;
        }
        /* Better here than as a million malformed rows. */
        if (t->position[i] < 0 && !table->columns[i].optional) {
            return FAIL(err, ERR_REFUSED, "the header has no column %s, which %s files have",
                        names[0], p->format->name);
        }
    }
    t->width = header->count;
    return true;
}

CAN_FAIL static bool pick_columns(const struct foreign_parser *p, const struct csv_row *csv,
                                  struct table_row *row, struct err *err)
{
    const struct table_reading *t = p->reading;
    /* A row of another width has lost or gained a comma somewhere: no field of it can be trusted. */
    if (csv->count != t->width) {
        return FAIL(err, ERR_INVALID, "has %zu column%s instead of %zu", csv->count,
                    csv->count == 1 ? "" : "s", t->width);
    }
    for (size_t i = 0; i < p->format->table->column_count; i++) {
        row->field[i] = t->position[i] >= 0 ? csv->field[t->position[i]] : "";
    }
    return true;
}

/* A row that is no UTF-8 is taken for Latin-1, which older exports are in (a pound sign is one byte
 * there). */
static struct foreign_record as_utf8(const struct foreign_record *record, struct arena *a)
{
    size_t wide = 0;
    for (size_t i = 0; i < record->len; i++) {
        wide += (unsigned char)record->text[i] >= 0x80;
    }
    if (wide == 0) {
        return *record;
    }
    /* jansson's own check: what passes here passes wherever the event is read again. Latin-1 that is UTF-8 as
     * well is rare: it takes an accented capital before a symbol. */
    CLEANUP(jdec_free) json_t *valid = json_stringn(record->text, record->len);
    if (valid != NULL) {
        return *record;
    }
    char *text = arena_alloc(a, record->len + wide + 1);
    char *to = text;
    for (size_t i = 0; i < record->len; i++) {
        unsigned char c = (unsigned char)record->text[i];
        if (c >= 0x80) { /* Latin-1 is the first 256 code points: two bytes each */
            *to++ = (char)(0xc0 | (c >> 6));
            c = 0x80 | (c & 0x3f);
        }
        *to++ = (char)c;
    }
    struct foreign_record out = *record;
    out.text = text;
    out.len = (size_t)(to - text);
    return out;
}

bool table_record(struct foreign_parser *p, const struct foreign_record *record, struct err *err)
{
    struct foreign_record utf8 = as_utf8(record, &p->scratch);
    struct table_reading *t = p->reading;
    struct csv_row csv;
    struct table_row row = {.number = record->number, .spelling = t->spelling};
    if (t->width == 0) {
        if (!csv_split(utf8.text, utf8.len, &p->scratch, &csv, err)) {
            /* Without its header no row of the file can be read. */
            err->kind = ERR_REFUSED;
            return false;
        }
        return read_header(p, &csv, err);
    }
    /* The id is of the bytes as they came, and malformed rows count too: whether we can read a row
     * may change with the version, and must not move the ids of its repetitions. */
    p->records++;
    repeat_event_id(t->repeats, p->format->name, record->text, record->len, row.event_id);
    return csv_split(utf8.text, utf8.len, &p->scratch, &csv, err) &&
           pick_columns(p, &csv, &row, err) && p->format->table->row(p, &row, err);
}
