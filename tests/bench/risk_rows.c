/* CSV cells to numbers and ids. */
#include "bench/risk_rows.h"

#include "base/hash.h"
#include "base/mem.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void risk_rows_free(struct risk_rows *r)
{
    mem_free(&r->kind);
    mem_free(&r->name);
    mem_free(&r->cells);
    mem_free(&r->label);
    mem_free(&r->group);
    mem_free(&r->time);
    *r = (struct risk_rows){0};
}

/* ---- values ---- */

static bool one_of(const char *text, const char *const *words)
{
    for (; *words; words++) {
        if (strcasecmp(text, *words) == 0) {
            return true;
        }
    }
    return false;
}

bool risk_text_is_missing(const char *text)
{
    static const char *const words[] = {"", "na", "n/a", "nan", "null", "none", "?", NULL};
    return one_of(text, words);
}

bool risk_text_number(const char *text, double *out)
{
    static const char *const yes[] = {"true", "yes", NULL};
    static const char *const no[] = {"false", "no", NULL};
    char *end = NULL;
    if (one_of(text, yes) || one_of(text, no)) {
        *out = one_of(text, yes);
        return true;
    }
    *out = strtod(text, &end);
    while (*end == ' ') {
        end++;
    }
    return end != text && *end == '\0';
}

static bool named(const char *name, const char *const *names, int count)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool column_is_number(const struct csv_table *t, int column, const uint8_t *trains)
{
    double ignored;
    for (int r = 0; r < t->rows; r++) {
        const char *text = csv_table_cell(t, r, column);
        if ((!trains || trains[r]) && !risk_text_is_missing(text) &&
            !risk_text_number(text, &ignored)) {
            return false;
        }
    }
    return true;
}

static uint64_t hash_of(const char *text)
{
    uint64_t h = hash_fnv64(text, strlen(text));
    return h ? h : 1;
}

/* ---- columns ---- */

static const char *path_of(const struct csv_table *t)
{
    return t->path ? t->path : "the table";
}

static bool there(const struct csv_table *t, const char *name, struct err *err)
{
    if (name && csv_table_column(t, name) < 0) {
        return FAIL(err, ERR_INVALID, "%s: there is no column '%s'", path_of(t), name);
    }
    return true;
}

static bool is_feature(const struct risk_columns *c, const char *name)
{
    return strcmp(name, c->label) != 0 && !(c->group && strcmp(name, c->group) == 0) &&
           !(c->time && strcmp(name, c->time) == 0) && !named(name, c->drop, c->drops);
}

static bool columns_check(const struct csv_table *first, const struct csv_table *second,
                          const struct risk_columns *c, struct err *err)
{
    for (const struct csv_table *t = first; t; t = t == first ? second : NULL) {
        if (!there(t, c->label, err) || !there(t, c->group, err) || !there(t, c->time, err)) {
            return false;
        }
    }
    for (int i = 0; i < c->ids + c->drops; i++) {
        if (!there(first, i < c->ids ? c->id[i] : c->drop[i - c->ids], err)) {
            return false;
        }
    }
    for (int i = 0; second && i < first->columns; i++) {
        if (is_feature(c, first->name[i]) && !there(second, first->name[i], err)) {
            return false;
        }
    }
    return true;
}

static bool fill_row(const struct csv_table *t, int row, const struct risk_columns *c,
                     struct risk_rows *out, struct err *err)
{
    const char *label = csv_table_cell(t, row, csv_table_column(t, c->label));
    double value = (double)NAN;
    if (risk_text_is_missing(label) || !risk_text_number(label, &value) ||
        (value != 0 && value != 1)) {
        return FAIL(err, ERR_INVALID, "%s: line %d: the label '%s' is '%s', which is not 0 or 1",
                    path_of(t), t->line[row], c->label, label);
    }
    out->label[row] = value > 0;
    if (c->group) {
        out->group[row] = hash_of(csv_table_cell(t, row, csv_table_column(t, c->group)));
    }
    if (c->time) {
        const char *time = csv_table_cell(t, row, csv_table_column(t, c->time));
        if (!risk_text_number(time, &out->time[row]) || !isfinite(out->time[row])) {
            return FAIL(err, ERR_INVALID, "%s: line %d: the time '%s' is '%s', which is no number",
                        path_of(t), t->line[row], c->time, time);
        }
    }
    return true;
}

static void fill_column(const struct csv_table *t, int column, int to, struct risk_rows *out)
{
    for (int r = 0; r < t->rows; r++) {
        const char *text = csv_table_cell(t, r, column);
        union learner_cell *cell = &out->cells[(size_t)r * (size_t)out->columns + (size_t)to];
        if (out->kind[to] == LEARNER_ID) {
            cell->id = risk_text_is_missing(text) ? 0 : hash_of(text);
        } else if (risk_text_is_missing(text) || !risk_text_number(text, &cell->number)) {
            out->not_numbers += !risk_text_is_missing(text);
            cell->number = (double)NAN;
        }
    }
}

static bool fill(const struct csv_table *t, const struct csv_table *first,
                 const struct risk_columns *c, const uint8_t *trains, struct risk_rows *out,
                 struct err *err)
{
    const size_t rows = (size_t)t->rows;
    out->rows = t->rows;
    out->kind = mem_array((size_t)first->columns, 1);
    out->name = mem_array((size_t)first->columns, sizeof *out->name);
    out->label = mem_array(rows, 1);
    out->group = c->group ? mem_array(rows, sizeof *out->group) : NULL;
    out->time = c->time ? mem_array(rows, sizeof *out->time) : NULL;
    for (int i = 0; i < first->columns; i++) {
        const char *name = first->name[i];
        if (is_feature(c, name)) {
            bool number = !named(name, c->id, c->ids) && column_is_number(first, i, trains);
            out->kind[out->columns] = number ? LEARNER_NUMBER : LEARNER_ID;
            out->name[out->columns++] = name;
        }
    }
    if (out->columns == 0 || t->rows == 0) {
        return FAIL(err, ERR_INVALID, "%s: %d rows of %d features: nothing to learn from",
                    path_of(t), t->rows, out->columns);
    }
    out->cells = mem_array(rows * (size_t)out->columns, sizeof *out->cells);
    for (int i = 0; i < out->columns; i++) {
        fill_column(t, csv_table_column(t, out->name[i]), i, out);
    }
    for (int r = 0; r < t->rows; r++) {
        if (!fill_row(t, r, c, out, err)) {
            return false;
        }
    }
    return true;
}

bool risk_rows_read(const struct csv_table *first, const struct csv_table *second,
                    const struct risk_columns *columns, const uint8_t *trains,
                    struct risk_rows out[2], struct err *err)
{
    struct risk_rows made[2] = {{0}};
    if (!columns_check(first, second, columns, err) ||
        !fill(first, first, columns, trains, &made[0], err) ||
        (second && !fill(second, first, columns, trains, &made[1], err))) {
        risk_rows_free(&made[0]);
        risk_rows_free(&made[1]);
        return false;
    }
    out[0] = made[0];
    if (second) {
        out[1] = made[1];
    }
    return true;
}

/* ---- rows ---- */

struct risk_rows risk_rows_pick(const struct risk_rows *from, const int32_t *rows, int count)
{
    const size_t columns = (size_t)from->columns;
    const size_t n = (size_t)count;
    struct risk_rows out = {.rows = count, .columns = from->columns};
    out.kind = mem_array(columns, 1);
    out.name = mem_array(columns, sizeof *out.name);
    memcpy(out.kind, from->kind, columns);
    memcpy(out.name, from->name, columns * sizeof *out.name);
    out.cells = mem_array(n * columns, sizeof *out.cells);
    out.label = mem_array(n, 1);
    out.group = from->group ? mem_array(n, sizeof *out.group) : NULL;
    out.time = from->time ? mem_array(n, sizeof *out.time) : NULL;
    for (size_t i = 0; i < n; i++) {
        size_t r = (size_t)rows[i];
        memcpy(out.cells + i * columns, from->cells + r * columns, columns * sizeof *out.cells);
        out.label[i] = from->label[r];
        if (from->group) {
            out.group[i] = from->group[r];
        }
        if (from->time) {
            out.time[i] = from->time[r];
        }
    }
    return out;
}

struct timed {
    double time;
    int32_t row;
};

static int by_time(const void *a, const void *b)
{
    const struct timed *x = a;
    const struct timed *y = b;
    if (x->time != y->time) {
        return x->time < y->time ? -1 : 1;
    }
    return (x->row > y->row) - (x->row < y->row);
}

int32_t *risk_rows_by_time(const struct risk_rows *r)
{
    struct timed *order = mem_array((size_t)r->rows, sizeof *order);
    int32_t *out = mem_array((size_t)r->rows, sizeof *out);
    for (int32_t i = 0; i < r->rows; i++) {
        order[i] = (struct timed){r->time[i], i};
    }
    qsort(order, (size_t)r->rows, sizeof *order, by_time);
    for (int i = 0; i < r->rows; i++) {
        out[i] = order[i].row;
    }
    mem_free(&order);
    return out;
}

struct learner_table risk_rows_table(const struct risk_rows *r)
{
    return (struct learner_table){.rows = r->rows,
                                  .columns = r->columns,
                                  .kind = r->kind,
                                  .cells = r->cells,
                                  .label = r->label,
                                  .group = r->group,
                                  .in_time_order = r->time != NULL};
}

static int by_group(const void *a, const void *b)
{
    const uint64_t *x = a;
    const uint64_t *y = b;
    return (*x > *y) - (*x < *y);
}

int risk_rows_unseen(const struct risk_rows *r, const struct risk_rows *seen, int32_t *rows,
                     int count)
{
    int kept = 0;
    uint64_t *sorted = mem_array((size_t)seen->rows + 1, sizeof *sorted);
    memcpy(sorted, seen->group, (size_t)seen->rows * sizeof *sorted);
    qsort(sorted, (size_t)seen->rows, sizeof *sorted, by_group);
    for (int i = 0; i < count; i++) {
        bool known =
            bsearch(&r->group[rows[i]], sorted, (size_t)seen->rows, sizeof *sorted, by_group);
        rows[kept] = rows[i];
        kept += !known;
    }
    mem_free(&sorted);
    return kept;
}
