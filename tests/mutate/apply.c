#include "apply.h"

#include "base/buf.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Writes the mutated sources. Only one change is on at a time, so a changed text is the original one throughout; what is nested in an
 * expression lives on in the branch that is not changed. */

enum { SOURCE_BYTES_MAX = 64 << 20 };

struct edit {
    struct region r;
    int number;
};

struct edits {
    struct edit *rows;
    size_t count;
};

static void write_file(const char *path, const char *text, size_t len)
{
    char folder[4096];
    (void)snprintf(folder, sizeof folder, "%s", path);
    for (char *slash = strchr(folder + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
            die("cannot make %s", folder);
        }
        *slash = '/';
    }
    FILE *f = fopen(path, "wb");
    if (f == NULL || fwrite(text, 1, len, f) != len || fclose(f) != 0) {
        die("cannot write %s", path);
    }
}

/* Outer ones first. */
static int outside_in(const void *left, const void *right)
{
    const struct edit *a = left;
    const struct edit *b = right;
    if (a->r.begin != b->r.begin) {
        return a->r.begin < b->r.begin ? -1 : 1;
    }
    if (a->r.end != b->r.end) {
        return a->r.end > b->r.end ? -1 : 1;
    }
    return a->number - b->number;
}

static struct edits edits_of(struct arena *a, const struct mutants *all, const char *file)
{
    struct edits out = {arena_array(a, all->count * REGIONS_MAX + 1, sizeof *out.rows), 0};
    for (size_t i = 0; i < all->count; i++) {
        const struct mutant *m = &all->rows[i];
        for (int r = 0; m->number > 0 && strcmp(m->file, file) == 0 && r < m->region_count; r++) {
            out.rows[out.count++] = (struct edit){m->regions[r], m->number};
        }
    }
    qsort(out.rows, out.count, sizeof *out.rows, outside_in);
    return out;
}

/* text[begin, end) with the edits from *next on that lie in it. (Not recursive: an edit that is open waits on a stack.) */
static void render(struct buf *out, const char *text, size_t len, const struct edits *edits)
{
    enum { DEPTH_MAX = 256 };
    const struct edit *open[DEPTH_MAX];
    int depth = 0;
    size_t next = 0;
    for (size_t at = 0; at <= len; at++) {
        while (depth > 0 && open[depth - 1]->r.end == at) {
            depth--;
            buf_add_str(out, open[depth]->r.statement ? " }" : "))");
        }
        for (; next < edits->count && edits->rows[next].r.begin == at; next++) {
            const struct edit *e = &edits->rows[next];
            if (depth == DEPTH_MAX) {
                die("changes are nested too deeply");
            }
            open[depth++] = e;
            if (e->r.statement) {
                buf_printf(out, "if (!mutant_is(%d)) { ", e->number);
            } else {
                buf_printf(out, "(mutant_is(%d) ? (%s) : (", e->number, e->r.text);
            }
        }
        if (at < len) {
            buf_add_char(out, text[at]);
        }
    }
}

static void apply_c(struct arena *a, const char *root, const char *out_dir,
                    const struct mutants *all, const char *file)
{
    size_t len;
    struct buf out = buf_make(SOURCE_BYTES_MAX);
    const char *text = file_text(a, arena_printf(a, "%s/%s", root, file), &len);
    struct edits edits = edits_of(a, all, file);
    buf_printf(&out, "#include \"mutant.h\"\n#line 1 \"%s\"\n", file);
    render(&out, text, len, &edits);
    /* how `run` knows which programs link it */
    buf_add_str(&out, "\n__attribute__((used)) static const char mutated_mark[] = "
                      "\"file of a mutated build\";\n");
    if (!buf_ok(&out)) {
        die("%s becomes too long", file);
    }
    write_file(arena_printf(a, "%s/%s", out_dir, file), buf_text(&out), out.len);
    buf_free(&out);
}

static void apply_sql(struct arena *a, const char *out_dir, const struct mutants *all, int queries)
{
    struct buf table = buf_make(SOURCE_BYTES_MAX);
    buf_printf(&table, "%d\n", queries);
    for (size_t i = 0; i < all->count; i++) {
        const struct mutant *m = &all->rows[i];
        if (m->number > 0 && m->sql != NULL) {
            const char *mark = mutant_is_distributed(m) ? "*" : "";
            const char *text =
                arena_printf(a, "%d\n%s%s\n%s\n", queries, mark, m->function, m->sql);
            write_file(arena_printf(a, "%s/sql/%d", out_dir, m->number), text, strlen(text));
            buf_printf(&table, "%d %s%s\n", m->number, mark, m->function);
        }
    }
    write_file(arena_printf(a, "%s/sql/table", out_dir), buf_text(&table), table.len);
    buf_free(&table);
}

static void apply_plan(struct arena *a, const char *out_dir, const struct mutants *all)
{
    struct buf plan = buf_make(SOURCE_BYTES_MAX);
    for (size_t i = 0; i < all->count; i++) {
        const struct mutant *m = &all->rows[i];
        if (m->number == 0) {
            continue;
        }
        json_t *row =
            json_pack("{si ss ss si ss ss ss ss si}", "number", m->number, "id", m->id, "file",
                      m->file, "line", m->line, "function", m->function, "kind", m->kind, "before",
                      m->before, "after", m->after, "occurrence", m->occurrence);
        if (row == NULL ||
            (m->sql != NULL && json_object_set_new(row, "sql", json_string(m->sql)) != 0)) {
            die("%s:%d: not UTF-8", m->file, m->line);
        }
        char *line = json_dumps(row, JSON_COMPACT);
        buf_add_str(&plan, line);
        buf_add_char(&plan, '\n');
        free(line);
        json_decref(row);
    }
    write_file(arena_printf(a, "%s/plan.jsonl", out_dir), buf_text(&plan), plan.len);
    buf_free(&plan);
}

void apply(struct arena *a, const char *root, const char *out, const struct mutants *all,
           int queries)
{
    const char *last = "";
    for (size_t i = 0; i < all->count; i++) {
        const struct mutant *m = &all->rows[i];
        if (m->number > 0 && m->sql == NULL && strcmp(m->file, last) != 0) {
            last = m->file;
            apply_c(a, root, out, all, m->file);
        }
    }
    apply_sql(a, out, all, queries);
    apply_plan(a, out, all);
}
