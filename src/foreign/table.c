/* Rows of separated text, by the columns of their format. It must not know what a field means. */
#include "foreign/table.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "foreign/encoding.h"
#include "foreign/field.h"
#include "foreign/guess.h"
#include "foreign/repeat.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Where a column is found. */
struct place {
    int source; /* 0: the file, n: the n-th lookup; -1: nowhere */
    int at;
};

struct table_reading {
    const struct table *table;
    struct repeat_table *repeats;
    struct place places[TABLE_COLUMNS_MAX];
    const char *names[TABLE_COLUMNS_MAX]; /* as the file calls them */
    char separator;                       /* 0: not known yet */
    size_t width;                         /* columns in the file; 0: not known yet */
    bool told_windows;
    size_t nth_first, nth_count;   /* of {n} */
    int (*nth)[TABLE_COLUMNS_MAX]; /* where they are; -1: nowhere */
    const struct lookup *lookups[TABLE_LOOKUPS_MAX];
    struct place keys[TABLE_LOOKUPS_MAX]; /* of each lookup */
    size_t lookup_count;
};

/* Position of "#2"; -1 for a name. */
static int by_place(const char *name)
{
    return name[0] == '#' ? (int)strtol(name + 1, NULL, 10) - 1 : -1;
}

struct table_reading *table_open(const struct table *table)
{
    assert(table->column_count <= TABLE_COLUMNS_MAX);
    struct table_reading *t = mem_alloc(sizeof *t);
    t->table = table;
    t->repeats = repeat_open();
    t->width = table->header ? 0 : table->width;
    for (size_t i = 0; i < table->column_count; i++) {
        const char *first = table->columns[i].names[0];
        bool placed = !table->header && first != NULL;
        t->places[i] = placed ? (struct place){0, by_place(first)} : (struct place){-1, -1};
        t->names[i] = first != NULL ? first : "";
    }
    return t;
}

void table_close(struct table_reading **t)
{
    if (*t != NULL) {
        repeat_close(&(*t)->repeats);
        mem_free(&(*t)->nth);
        mem_free(t);
    }
}

void table_join(struct table_reading *t, const struct lookup *lookup)
{
    assert(t->lookup_count < TABLE_LOOKUPS_MAX);
    t->lookups[t->lookup_count++] = lookup;
}

/* ---- the header ---- */

/* In the file, or in the first `count` lookups. */
static struct place place_of(const struct table_reading *t, const struct csv_row *header,
                             size_t count, const char *name)
{
    int at = csv_column(header, name);
    if (at >= 0) {
        return (struct place){0, at};
    }
    for (size_t i = 0; i < count; i++) {
        at = lookup_column(t->lookups[i], name);
        if (at >= 0) {
            return (struct place){(int)i + 1, at};
        }
    }
    return (struct place){-1, -1};
}

/* Every row finds its lookups by a column of its own, or of a lookup before. */
CAN_FAIL static bool place_keys(struct table_reading *t, const struct csv_row *header,
                                struct err *err)
{
    for (size_t i = 0; i < t->lookup_count; i++) {
        const char *key = lookup_key(t->lookups[i]);
        t->keys[i] = place_of(t, header, i, key);
        if (t->keys[i].source < 0) {
            return FAIL(err, ERR_REFUSED, "the header has no column %s, which --join names", key);
        }
    }
    return true;
}

/* A column that whoever imports named: what there is instead, so that the name meant is among them. */
CAN_FAIL static bool refuse_named(struct foreign_parser *p, const struct csv_row *header,
                                  const char *column, struct err *err)
{
    enum { SHOWN_MAX = 6 };
    const char *shown = header->field[0];

    for (size_t i = 1; i < header->count && i < SHOWN_MAX; i++) {
        shown = arena_printf(&p->scratch, "%s, %.40s", shown, header->field[i]);
    }
    return FAIL(err, ERR_REFUSED, "the header has no column %.60s, which --map names; it has %s%s",
                column, shown, header->count > SHOWN_MAX ? " ..." : "");
}

/* Says what is missing, and whose file this looks like. */
CAN_FAIL static bool refuse(const struct foreign_parser *p, const struct foreign_record *record,
                            const char *column, struct err *err)
{
    const char *looks = foreign_guess(record->text, record->len);
    const char *join = p->format->table->join;
    const char *hint = "";
    const char *what = "";
    if (looks != NULL && strcmp(looks, p->format->name) != 0) {
        hint = "; it looks like --format ";
        what = looks;
    } else if (join != NULL && p->reading->lookup_count == 0) {
        hint = "; other files of it say it: --join ";
        what = join;
    } else if (p->format->mapping != NULL) {
        hint = "; --map says which column is what";
    }
    return FAIL(err, ERR_REFUSED, "the header has no column %.60s, which %s files have%s%s", column,
                p->format->name, hint, what);
}

/* ---- columns that come several times ---- */

const char *table_nth_name(const char *name, size_t n, struct arena *a)
{
    const char *at = name != NULL ? strstr(name, TABLE_NTH) : NULL;
    return at != NULL
               ? arena_printf(a, "%.*s%zu%s", (int)(at - name), name, n, at + strlen(TABLE_NTH))
               : NULL;
}

/* Where the columns of this n are; false: it has none. */
static bool find_nth(const struct table_reading *t, const struct csv_row *header, size_t n,
                     struct arena *a, int out[TABLE_COLUMNS_MAX])
{
    bool any = false;
    for (size_t i = 0; i < t->table->column_count; i++) {
        const char *name = table_nth_name(t->table->columns[i].names[0], n, a);
        out[i] = name != NULL ? csv_column(header, name) : -1;
        any = any || out[i] >= 0;
    }
    return any;
}

static void place_nth(struct table_reading *t, const struct csv_row *header, struct arena *a)
{
    int at[TABLE_COLUMNS_MAX];
    t->nth_first = find_nth(t, header, 0, a, at) ? 0 : 1;
    while (find_nth(t, header, t->nth_first + t->nth_count, a, at)) {
        t->nth_count++;
    }
    if (t->nth_count > 0) {
        t->nth = mem_array(t->nth_count, sizeof *t->nth);
    }
    for (size_t n = 0; n < t->nth_count; n++) {
        (void)find_nth(t, header, t->nth_first + n, a, t->nth[n]);
    }
    /* Such a column is there if one of them is. */
    for (size_t i = 0; i < t->table->column_count; i++) {
        for (size_t n = 0; n < t->nth_count && t->places[i].source < 0; n++) {
            t->places[i] = (struct place){t->nth[n][i] >= 0 ? 0 : -1, t->nth[n][i]};
        }
    }
}

static void pick_nth(const struct table_reading *t, const struct csv_row *file, struct arena *a,
                     struct table_row *row)
{
    row->nth_first = t->nth_first;
    row->nth_count = t->nth_count;
    row->nth = t->nth_count > 0 ? arena_array(a, t->nth_count, sizeof *row->nth) : NULL;
    for (size_t n = 0; n < t->nth_count; n++) {
        for (size_t i = 0; i < t->table->column_count; i++) {
            const char *name = t->table->columns[i].names[0];
            bool several = name != NULL && strstr(name, TABLE_NTH) != NULL;
            row->nth[n][i] = several ? "" : NULL;
            if (t->nth[n][i] >= 0) {
                row->nth[n][i] = file->field[t->nth[n][i]];
            }
        }
    }
}

static void place_columns(struct table_reading *t, const struct csv_row *header)
{
    for (size_t i = 0; i < t->table->column_count; i++) {
        const char *const *names = t->table->columns[i].names;
        for (int n = 0; n < TABLE_NAMES_MAX && names[n] != NULL && t->places[i].source < 0; n++) {
            t->places[i] = place_of(t, header, t->lookup_count, names[n]);
            t->names[i] = t->places[i].source >= 0 ? names[n] : names[0];
        }
    }
}

static void tell_separator(struct foreign_parser *p, int64_t number)
{
    char separator = p->reading->separator;
    if (separator != ',') {
        native_note(&p->out, number, CAUSE_SEPARATOR, "fields are separated by %s",
                    csv_separator_name(separator));
    }
}

/* A header that was refused leaves nothing behind for the next one. */
static void forget_places(struct table_reading *t)
{
    mem_free(&t->nth);
    t->nth_count = 0;
    for (size_t i = 0; i < t->table->column_count; i++) {
        t->places[i] = (struct place){-1, -1};
    }
}

/* Where each column is. The error names the header we know, for a file that was given to the wrong
 * format. */
CAN_FAIL static bool read_header(struct foreign_parser *p, const struct foreign_record *record,
                                 struct err *err)
{
    struct table_reading *t = p->reading;
    struct csv_row header;
    if (t->separator == '\0') {
        t->separator = csv_separator(record->text, record->len);
    }
    if (!csv_split(record->text, record->len, t->separator, &p->scratch, &header, err)) {
        /* Without its header no row of the file can be read. */
        err->kind = ERR_REFUSED;
        return false;
    }
    if (!place_keys(t, &header, err)) {
        return false;
    }
    forget_places(t);
    place_columns(t, &header);
    place_nth(t, &header, &p->scratch);
    for (size_t i = 0; i < t->table->column_count; i++) {
        /* Better here than as a million malformed rows. */
        const struct table_column *column = &t->table->columns[i];
        if (t->places[i].source < 0 && !column->optional && column->names[0] != NULL) {
            return column->by_hand ? refuse_named(p, &header, column->names[0], err)
                                   : refuse(p, record, column->names[0], err);
        }
    }
    t->width = header.count;
    tell_separator(p, record->number);
    return true;
}

size_t table_fits(const struct table *table, const struct csv_row *header)
{
    size_t found = 0;
    for (size_t i = 0; i < table->column_count; i++) {
        const char *const *names = table->columns[i].names;
        bool there = false;
        for (int n = 0; n < TABLE_NAMES_MAX && names[n] != NULL && !there; n++) {
            there = csv_column(header, names[n]) >= 0;
        }
        if (!there && names[0] != NULL && !table->columns[i].optional) {
            return 0;
        }
        found += there;
    }
    return found;
}

/* ---- rows ---- */

/* Excel says so in a line of its own: sep=; */
static bool separator_line(struct table_reading *t, const struct foreign_record *record)
{
    bool said = t->width == 0 && t->separator == '\0' && record->len == 5 &&
                memcmp(record->text, "sep=", 4) == 0 && strchr(",;\t|", record->text[4]) != NULL;
    if (said) {
        t->separator = record->text[4];
    }
    return said;
}

CAN_FAIL static bool find_lookups(struct foreign_parser *p, struct csv_row *rows, struct err *err)
{
    const struct table_reading *t = p->reading;
    struct arena *a = &p->scratch;
    for (size_t i = 0; i < t->lookup_count; i++) {
        const char *name = lookup_key(t->lookups[i]);
        const char *key = rows[t->keys[i].source].field[t->keys[i].at];
        if (!foreign_at(p, CAUSE_NOT_JOINED, name) || !field_id(name, key, a, &key, err)) {
            return false;
        }
        if (!lookup_find(t->lookups[i], key, a, &rows[i + 1])) {
            return FAIL(err, ERR_INVALID, "%s %.60s is in no row of %.80s", name, key,
                        lookup_file(t->lookups[i]));
        }
    }
    return true;
}

CAN_FAIL static bool pick_columns(struct foreign_parser *p, struct csv_row *rows,
                                  struct table_row *row, struct err *err)
{
    const struct table_reading *t = p->reading;
    (void)foreign_at(p, CAUSE_BAD_ROW, "");
    /* A row of another width has lost or gained a comma somewhere: no field of it can be trusted. */
    if (rows[0].count != t->width) {
        return FAIL(err, ERR_INVALID, "has %zu column%s instead of %zu", rows[0].count,
                    rows[0].count == 1 ? "" : "s", t->width);
    }
    for (size_t i = 0; i < t->table->column_count; i++) {
        const struct place *place = &t->places[i];
        if (place->source == 0 && (size_t)place->at >= t->width) {
            return FAIL(err, ERR_INVALID, "has %zu column%s, and none is %s", t->width,
                        t->width == 1 ? "" : "s", t->names[i]);
        }
        row->field[i] = place->source >= 0 ? rows[place->source].field[place->at] : "";
    }
    return true;
}

static void settle_separator(struct foreign_parser *p, const struct foreign_record *record)
{
    struct table_reading *t = p->reading;
    struct csv_row row;
    struct err unread = {0};
    char seen = csv_separator(record->text, record->len);
    /* Without a header the first row that fits says it; a broken one in front of it does not. */
    if (csv_split(record->text, record->len, seen, &p->scratch, &row, &unread) &&
        (t->width == 0 || row.count == t->width)) {
        t->separator = seen;
        t->width = row.count;
        tell_separator(p, record->number);
    }
}

/* A first row that cannot be read, of a format without header, may be the header of another one. */
CAN_FAIL static bool judge_first(struct foreign_parser *p, const struct foreign_record *record,
                                 bool done, struct err *err)
{
    const char *looks = NULL;
    if (!done && p->records == 1 && !p->format->table->header && err->kind == ERR_INVALID) {
        looks = foreign_guess(record->text, record->len);
    }
    if (looks == NULL || strcmp(looks, p->format->name) == 0) {
        return done;
    }
    p->records = 0; /* it was none */
    return FAIL(err, ERR_REFUSED, "is no row of %s files; it looks like --format %s",
                p->format->name, looks);
}

bool table_record(struct foreign_parser *p, const struct foreign_record *record, struct err *err)
{
    struct table_reading *t = p->reading;
    bool windows = false;
    struct err failed = {0};
    struct foreign_record utf8 = encoding_utf8(record, &p->scratch, &windows);
    struct csv_row rows[1 + TABLE_LOOKUPS_MAX];
    struct table_row row = {
        .number = record->number, .name = t->names, .raw = record->text, .raw_len = record->len};
    if (windows && !t->told_windows) {
        native_note(&p->out, record->number, CAUSE_WINDOWS_1252,
                    "is no UTF-8, and read as Windows-1252");
        t->told_windows = true;
    }
    if (separator_line(t, &utf8)) {
        return true;
    }
    if (t->table->header && t->width == 0) {
        return read_header(p, &utf8, err);
    }
    if (t->separator == '\0') {
        settle_separator(p, &utf8);
    }
    /* The id is of the bytes as they came, and malformed rows count too: whether we can read a row
     * may change with the version, and must not move the ids of its repetitions. */
    p->records++;
    table_event_id(p, record->text, record->len, row.event_id);
    char separator = ',';
    if (t->separator != '\0') {
        separator = t->separator;
    }
    bool done = csv_split(utf8.text, utf8.len, separator, &p->scratch, &rows[0], err) &&
                find_lookups(p, rows, err) && pick_columns(p, rows, &row, err);
    if (done) {
        pick_nth(t, &rows[0], &p->scratch, &row);
        done = t->table->row(p, &row, err);
    } else if (p->cause == CAUSE_BAD_ROW && t->table->unread != NULL &&
               !t->table->unread(p, &failed)) {
        *err = failed;
        return false;
    }
    return judge_first(p, &utf8, done, err);
}

void table_event_id(struct foreign_parser *p, const char *text, size_t len, char out[SHA256_HEX])
{
    repeat_event_id(p->reading->repeats, p->format->name, text, len, out);
}

struct csv_shape table_shape(const struct table_reading *t)
{
    return (struct csv_shape){.rows = true, .separator = t->separator, .width = t->width};
}
