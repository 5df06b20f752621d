/* The two category files of RetailRocket: rows of the tree up to an empty line, then rows of items. Every
 * path ends, in the leaf that was asked for, whatever circles the tree has. */
#include "fuzz.h"

#include "base/cleanup.h"
#include "import/categories.h"

enum { LEVELS_MAX = 16 };

/* The levels are those of the tree where no name holds the separator itself. */
static void check_path(const char *path, const char *leaf, bool countable)
{
    size_t levels = 1;
    size_t len = strlen(path);
    size_t end = strlen(leaf);

    for (const char *at = path; (at = strstr(at, " > ")) != NULL; at += 3) {
        levels++;
    }
    DEMAND(len >= end && strcmp(path + len - end, leaf) == 0);
    DEMAND(!countable || levels <= LEVELS_MAX);
}

static void take_item(struct category_tree *tree, const struct line *line, bool countable)
{
    CLEANUP(arena_free) struct arena a = {0};
    const char *item = NULL;
    const char *category = NULL;
    struct err err = {0};

    if (!category_item_line(line, &a, &item, &category, &err)) {
        fuzz_refusal(&err);
        return;
    }
    DEMAND(item[0] != '\0' && category[0] != '\0');
    const char *path = category_path(tree, category, &a);
    check_path(path, category, countable);
    DEMAND(strcmp(path, category_path(tree, category, &a)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(category_tree_close) struct category_tree *tree = category_tree_open();
    const char *text = (const char *)data;
    const char *end = text + size;
    bool items = false;
    bool countable = size == 0 || memchr(data, '>', size) == NULL;

    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *stop = newline != NULL ? newline : end;
        struct line line = {.text = text, .len = (size_t)(stop - text), .ended = newline != NULL};
        struct err err = {0};
        if (line.len == 0) {
            items = true;
        } else if (items) {
            take_item(tree, &line, countable);
        } else if (!category_tree_line(tree, &line, &err)) {
            fuzz_refusal(&err);
        }
        text = newline != NULL ? newline + 1 : end;
    }
    return 0;
}
