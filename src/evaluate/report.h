#ifndef EVALUATE_REPORT_H
#define EVALUATE_REPORT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#include <stddef.h>

/* Pieces of a report: one HTML page that needs nothing from anywhere else (no script, no font, no picture but inline SVG), readable in light
 * and dark and on paper. Everything is appended to a buf, whose sticky failure is the only one; texts are escaped here, never by the caller. */

/* Text for HTML content and attributes: & < > " ' as entities, control characters but tab and newline left out. NULL adds nothing. */
void report_escape(struct buf *out, const char *text);

/* The page's frame: what comes between begin and end is its body. subtitle: one line on what was measured, and when. */
void report_begin(struct buf *out, const char *title, const char *subtitle);
void report_end(struct buf *out, const char *footer);

void report_heading(struct buf *out, const char *text);
/* A paragraph. */
void report_text(struct buf *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The few numbers to read first: a row of them between begin and end. */
void report_tiles_begin(struct buf *out);
void report_tile(struct buf *out, const char *value, const char *label);
void report_tiles_end(struct buf *out);
/* Figures between begin and end stand side by side where there is room. */
void report_figures_begin(struct buf *out);
void report_figures_end(struct buf *out);

/* A table filled cell by cell, row after row; the same cells as HTML or as plain text. The first column is a label, the others are numbers. Begin
 * with {.columns = ..., .column_count = ...}; owns its cells, borrows the headings. */
struct report_table {
    const char *caption; /* NULL: none */
    const char *const *columns;
    int column_count;
    bool last_is_text; /* the last column holds words */
    struct arena arena;
    const char **cells;
    size_t count;
    size_t cap;
};
void report_table_free(struct report_table *t);
void report_cell(struct report_table *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* digits after the point; "-" for what is not a finite number. */
void report_cell_number(struct report_table *t, double value, int digits);
/* A table onto what is written: as HTML, or as text. */
typedef void report_table_writer(struct buf *out, const struct report_table *t);
void report_table_html(struct buf *out, const struct report_table *t);
/* Columns parted by two spaces, a line of heads first, as wide as their widest cell (in code points). */
void report_table_text(struct buf *out, const struct report_table *t);

/* Whether report_save has a chance at the path: to be asked before hours are spent on the page. Fails as it would. */
CAN_FAIL bool report_can_save(const char *path, struct err *err);
/* Writes the page to the path at once or not at all (a temporary file beside it, renamed). Fails with ERR_INVALID, saying why. */
CAN_FAIL bool report_save(const struct buf *page, const char *path, struct err *err);

#endif
