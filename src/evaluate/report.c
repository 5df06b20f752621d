/* The frame of a report page, its texts and its tables. Knows nothing of what is reported. */
#include "evaluate/report.h"

#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXT_MAX = 4096, PATH_TEXT_MAX = 4096 };

/* Colours are variables, so that the dark and the printed page differ in nothing else. s0 .. s5 are the series of plots: told apart
 * in grey and by those who see no red or green, by dashes and marks besides. */
static const char *const style[] = {
    ":root{color-scheme:light dark;--ink:#1c2127;--soft:#5c6670;--line:#d5dae0;--page:#fff;--card:#f5f7f9;"
    "--s0:#0b62c4;--s1:#c2410c;--s2:#2f7d32;--s3:#7b3fb0;--s4:#6b7580;--s5:#a16207}\n",
    "@media screen and (prefers-color-scheme:dark){:root{--ink:#e6e9ec;--soft:#9aa5b1;--line:#3a424b;--page:#14181c;"
    "--card:#1e242a;--s0:#6db3ff;--s1:#ff9a5c;--s2:#7bd17f;--s3:#c79bf2;--s4:#a7b0ba;--s5:#e6b84c}}\n",
    "*{box-sizing:border-box}body{margin:0 auto;max-width:72rem;padding:2rem 1.25rem;background:var(--page);color:var(--ink);"
    "font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}\n",
    "h1{font-size:1.8rem;line-height:1.2;margin:0}h2{font-size:1.25rem;margin:2.2rem 0 .5rem}p{max-width:52rem;margin:.5rem 0}\n",
    ".sub,footer,figcaption,caption{color:var(--soft);font-size:.9rem}footer{border-top:1px solid var(--line);margin-top:3rem;"
    "padding-top:.75rem}caption{text-align:left;padding-bottom:.4rem}\n",
    ".tiles{display:flex;flex-wrap:wrap;gap:.75rem;margin:1.25rem 0}.tile{background:var(--card);border-radius:.5rem;"
    "padding:.75rem 1rem;flex:1 1 11rem}.tile b{display:block;font-size:1.7rem;line-height:1.2}"
    ".tile span{color:var(--soft);font-size:.9rem}\n",
    ".scroll{overflow-x:auto;margin:.75rem 0}table{border-collapse:collapse;font-size:.92rem;font-variant-numeric:tabular-nums}"
    "th,td{padding:.3rem .8rem .3rem 0;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}"
    "th{vertical-align:bottom;color:var(--soft);font-weight:600}th:first-child,td:first-child,.words td:last-child,.words th:last-child{text-align:left}\n",
    ".figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(30rem,100%),1fr));gap:1.25rem;margin:1rem 0}"
    "figure{margin:0;max-width:44rem}figure b{font-size:1rem}svg{display:block;width:100%;height:auto}\n",
    "svg text{fill:var(--ink);font:12px system-ui,-apple-system,'Segoe UI',Roboto,Arial,sans-serif}svg .soft{fill:var(--soft)}"
    ".grid{stroke:var(--line);stroke-width:1}.axis{stroke:var(--soft);stroke-width:1}\n",
    ".ref{stroke:var(--soft);stroke-width:1.2;stroke-dasharray:3 4;fill:none}.path{fill:none;stroke-width:2.2;"
    "stroke-linejoin:round}.band{stroke:none;opacity:.16}.whisker{stroke:var(--ink);stroke-width:1.4}\n",
    ".s0{--c:var(--s0)}.s1{--c:var(--s1)}.s2{--c:var(--s2)}.s3{--c:var(--s3)}.s4{--c:var(--s4)}.s5{--c:var(--s5)}"
    ".path{stroke:var(--c)}.fill,.band{fill:var(--c)}.s1.path{stroke-dasharray:7 3}.s2.path{stroke-dasharray:2 3}"
    ".s3.path{stroke-dasharray:9 3 2 3}.s4.path{stroke-dasharray:5 5}.s5.path{stroke-dasharray:12 4}\n",
    "@media print{body{padding:0;max-width:none;font-size:12px}figure,table,.tile{break-inside:avoid}h2{break-after:avoid}"
    ".tile{border:1px solid var(--line)}.scroll{overflow:visible}*{print-color-adjust:exact}}\n",
};

void report_escape(struct buf *out, const char *text)
{
    for (; text && *text; text++) {
        switch (*text) {
        case '&':
            buf_add_str(out, "&amp;");
            break;
        case '<':
            buf_add_str(out, "&lt;");
            break;
        case '>':
            buf_add_str(out, "&gt;");
            break;
        case '"':
            buf_add_str(out, "&quot;");
            break;
        case '\'':
            buf_add_str(out, "&#39;");
            break;
        default:
            /* The others mean nothing on a page, and most are errors in HTML even as references. */
            if ((unsigned char)*text >= 0x20 || *text == '\t' || *text == '\n') {
                buf_add_char(out, *text);
            }
        }
    }
}

static void element(struct buf *out, const char *open, const char *text, const char *close)
{
    buf_add_str(out, open);
    report_escape(out, text);
    buf_add_str(out, close);
}

void report_begin(struct buf *out, const char *title, const char *subtitle)
{
    /* The style stands in the page: a report is one file that can be mailed. */
    buf_add_str(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                     "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n");
    element(out, "<title>", title, "</title>\n<style>\n");
    for (size_t i = 0; i < sizeof style / sizeof *style; i++) {
        buf_add_str(out, style[i]);
    }
    buf_add_str(out, "</style>\n</head>\n<body>\n");
    element(out, "<header>\n<h1>", title, "</h1>\n");
    element(out, "<p class=\"sub\">", subtitle, "</p>\n</header>\n");
}

void report_end(struct buf *out, const char *footer)
{
    element(out, "<footer>", footer, "</footer>\n</body>\n</html>\n");
}

void report_heading(struct buf *out, const char *text)
{
    element(out, "<h2>", text, "</h2>\n");
}

void report_text(struct buf *out, const char *fmt, ...)
{
    char text[TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    element(out, "<p>", text, "</p>\n");
}

void report_tiles_begin(struct buf *out)
{
    buf_add_str(out, "<div class=\"tiles\">\n");
}

void report_tile(struct buf *out, const char *value, const char *label)
{
    element(out, "<div class=\"tile\"><b>", value, "</b>");
    element(out, "<span>", label, "</span></div>\n");
}

void report_tiles_end(struct buf *out)
{
    buf_add_str(out, "</div>\n");
}

void report_figures_begin(struct buf *out)
{
    buf_add_str(out, "<div class=\"figures\">\n");
}

void report_figures_end(struct buf *out)
{
    buf_add_str(out, "</div>\n");
}

/* ---- tables ---- */

void report_table_free(struct report_table *t)
{
    arena_free(&t->arena);
    free(t->cells);
    t->cells = NULL;
    t->count = t->cap = 0;
}

static void add_cell(struct report_table *t, const char *text)
{
    if (t->count == t->cap) {
        t->cap = t->cap ? t->cap * 2 : 64;
        /* Texts lie in the arena, so that growing moves pointers only. */
        t->cells = mem_grow(t->cells, t->cap, sizeof *t->cells);
    }
    t->cells[t->count++] = arena_strdup(&t->arena, text);
}

void report_cell(struct report_table *t, const char *fmt, ...)
{
    char text[TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    add_cell(t, text);
}

void report_cell_number(struct report_table *t, double value, int digits)
{
    if (isfinite(value)) {
        report_cell(t, "%.*f", digits, value);
    } else {
        add_cell(t, "-");
    }
}

void report_table_html(struct buf *out, const struct report_table *t)
{
    assert(t->column_count > 0);
    buf_add_str(out, t->last_is_text ? "<div class=\"scroll\"><table class=\"words\">\n"
                                     : "<div class=\"scroll\"><table>\n");
    if (t->caption) {
        element(out, "<caption>", t->caption, "</caption>\n");
    }
    buf_add_str(out, "<thead><tr>");
    for (int c = 0; c < t->column_count; c++) {
        element(out, "<th scope=\"col\">", t->columns[c], "</th>");
    }
    buf_add_str(out, "</tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < t->count; i++) {
        bool first = i % (size_t)t->column_count == 0;
        bool last = (i + 1) % (size_t)t->column_count == 0 || i + 1 == t->count;
        element(out, first ? "<tr><td>" : "<td>", t->cells[i], last ? "</td></tr>\n" : "</td>");
    }
    buf_add_str(out, "</tbody>\n</table></div>\n");
}

static int width_of(const char *text)
{
    int width = 0;
    for (; *text; text++) {
        width += ((unsigned char)*text & 0xc0) != 0x80; /* not for the rest of a code point */
    }
    return width;
}

static int column_width(const struct report_table *t, int column)
{
    int width = width_of(t->columns[column]);
    for (size_t i = (size_t)column; i < t->count; i += (size_t)t->column_count) {
        int cell = width_of(t->cells[i]);
        width = cell > width ? cell : width;
    }
    return width;
}

static void text_cell(struct buf *out, const struct report_table *t, int column, const char *text)
{
    /* Measured anew for each cell: tables have some dozen rows. */
    int space = column_width(t, column) - width_of(text);
    bool last = column + 1 == t->column_count;
    if (last && t->last_is_text) {
        buf_printf(out, "  %s", text);
    } else if (column == 0) {
        buf_printf(out, "%s%*s", text, last ? 0 : space, "");
    } else {
        buf_printf(out, "  %*s%s", space, "", text);
    }
    if (last) {
        buf_add_char(out, '\n');
    }
}

void report_table_text(struct buf *out, const struct report_table *t)
{
    assert(t->column_count > 0);
    if (t->caption) {
        buf_printf(out, "%s\n", t->caption);
    }
    for (int c = 0; c < t->column_count; c++) {
        text_cell(out, t, c, t->columns[c]);
    }
    for (size_t i = 0; i < t->count; i++) {
        text_cell(out, t, (int)(i % (size_t)t->column_count), t->cells[i]);
    }
    /* A last row that was left incomplete still ends its line. */
    if (t->count % (size_t)t->column_count != 0) {
        buf_add_char(out, '\n');
    }
}

/* ---- the file ---- */

static bool write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno != EINTR) {
            return false;
        }
        bytes += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

/* What is no ordinary file (a pipe, /dev/stdout) is written to, not replaced. */
static bool is_special(const char *path)
{
    struct stat there;
    return stat(path, &there) == 0 && !S_ISREG(there.st_mode);
}

bool report_can_save(const char *path, struct err *err)
{
    char folder[PATH_TEXT_MAX];
    const char *slash = strrchr(path, '/');
    int length = slash == NULL ? 0 : (int)(slash - path);
    if (strlen(path) >= sizeof folder) {
        return FAIL(err, ERR_INVALID, "the path of the report is too long");
    }
    (void)snprintf(folder, sizeof folder, "%.*s", length, path);
    const char *where = slash == NULL ? "." : length == 0 ? "/" : folder;
    return is_special(path) || access(where, W_OK | X_OK) == 0 ||
           FAIL(err, ERR_INVALID, "cannot write %.150s: %s", path, err_words(errno));
}

bool report_save(const struct buf *page, const char *path, struct err *err)
{
    char temporary[PATH_TEXT_MAX];
    bool special = is_special(path);
    /* Beside the page, since rename works within one file system only; the process's number keeps
     * two runs out of one another's file. */
    int length = special ? snprintf(temporary, sizeof temporary, "%s", path)
                         : snprintf(temporary, sizeof temporary, "%s.%ld", path, (long)getpid());
    if (!buf_ok(page)) {
        return FAIL(err, ERR_INTERNAL, "the report is larger than %zu bytes", page->max);
    }
    if (length < 0 || (size_t)length >= sizeof temporary) {
        return FAIL(err, ERR_INVALID, "the path of the report is too long");
    }
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) {
        return FAIL(err, ERR_INVALID, "cannot write %.150s: %s", path, err_words(errno));
    }
    /* Synced before it gets its name: after a power cut the name would else stand for an empty
     * file. */
    int problem = write_all(fd, page->data, page->len) && (special || fsync(fd) == 0) ? 0 : errno;
    /* Some file systems (NFS) tell only here that the disk is full. What failed first is told. */
    if (close(fd) != 0 && problem == 0) {
        problem = errno;
    }
    if (problem == 0 && !special && rename(temporary, path) != 0) {
        problem = errno;
    }
    if (problem == 0) {
        return true;
    }
    if (!special) {
        (void)unlink(temporary);
    }
    return FAIL(err, ERR_INVALID, "cannot write %.150s: %s", path, err_words(problem));
}
