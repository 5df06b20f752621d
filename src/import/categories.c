/* The category tree of a shop that tells it in two files. */
#include "import/categories.h"

#include "base/mem.h"
#include "foreign/csv.h"
#include "foreign/field.h"

#include <stdlib.h>
#include <string.h>

enum { LEVELS_MAX = 16 };

struct branch {
    const char *child;
    const char *parent; /* "" for a root */
    size_t said;        /* row, so that the first of two wins after sorting */
};

struct category_tree {
    struct arena arena;
    struct branch *branches;
    size_t count, cap;
    bool sorted;
};

struct category_tree *category_tree_open(void)
{
    return mem_alloc(sizeof(struct category_tree));
}

void category_tree_close(struct category_tree **t)
{
    if (*t != NULL) {
        arena_free(&(*t)->arena);
        mem_free(&(*t)->branches);
        mem_free(t);
    }
}

/* The first two columns; more may follow. */
static bool pair(const struct line *line, struct arena *a, const char *what,
                 const char *out[static 2], struct err *err)
{
    struct csv_row row;
    if (line->too_long) {
        return FAIL(err, ERR_INVALID, "has more than %d bytes", LINE_BYTES_MAX);
    }
    if (!csv_split(line->text, line->len, ',', a, &row, err)) {
        return false;
    }
    if (row.count < 2) {
        return FAIL(err, ERR_INVALID, "has no second column");
    }
    /* Of the second column only the caller knows whether it may be empty: a root has no parent. */
    return field_id(what, row.field[0], a, &out[0], err) &&
           field_id_opt("parent", row.field[1], a, &out[1], err);
}

bool category_tree_line(struct category_tree *t, const struct line *line, struct err *err)
{
    const char *said[2];
    if (!pair(line, &t->arena, "category", said, err)) {
        return false;
    }
    if (t->count == t->cap) {
        t->cap = t->cap > 0 ? t->cap * 2 : 1024;
        t->branches = mem_grow(t->branches, t->cap, sizeof *t->branches);
    }
    t->branches[t->count] = (struct branch){said[0], said[1], t->count};
    t->count++;
    t->sorted = false;
    return true;
}

static int by_child(const void *a, const void *b)
{
    const struct branch *x = a;
    const struct branch *y = b;
    int order = strcmp(x->child, y->child);
    /* qsort keeps no order among equals */
    return order != 0 ? order : (x->said > y->said) - (x->said < y->said);
}

static const char *parent_of(const struct category_tree *t, const char *child)
{
    /* The lower bound, which of several parents is the one said first. */
    size_t low = 0;
    size_t high = t->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(t->branches[middle].child, child) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool found = low < t->count && strcmp(t->branches[low].child, child) == 0;
    return found ? t->branches[low].parent : "";
}

const char *category_path(struct category_tree *t, const char *leaf, struct arena *a)
{
    /* At the first question, when the tree file has been read. */
    if (!t->sorted && t->count > 0) {
        qsort(t->branches, t->count, sizeof *t->branches, by_child);
        t->sorted = true;
    }
    const char *level[LEVELS_MAX] = {leaf};
    size_t depth = 1;
    for (const char *up = parent_of(t, leaf); up[0] != '\0'; up = parent_of(t, up)) {
        /* A tree this deep is a circle too, as far as anybody who reads the path is concerned. */
        bool circle = depth == LEVELS_MAX;
        for (size_t i = 0; i < depth && !circle; i++) {
            circle = strcmp(level[i], up) == 0;
        }
        if (circle) {
            break;
        }
        level[depth++] = up;
    }
    /* Climbed from the leaf, written from the root. */
    const char *path = level[depth - 1];
    for (size_t i = depth - 1; i > 0; i--) {
        path = arena_printf(a, "%s > %s", path, level[i - 1]);
    }
    return path;
}

bool category_item_line(const struct line *line, struct arena *a, const char **out_item,
                        const char **out_category, struct err *err)
{
    const char *said[2];
    if (!pair(line, a, "item", said, err) || !field_id("category", said[1], a, &said[1], err)) {
        return false;
    }
    *out_item = said[0];
    *out_category = said[1];
    return true;
}
