#include "draw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads the list of accepted mutants. An entry:
 *
 *   src/domain/shopper/cart_state.c seen_us 1
 *   - the text before
 *   + the text after, or nothing where it is dropped
 *   Why no test can, or need, tell the two apart.
 */

struct entry {
    char file[256];
    char function[128];
    int occurrence;
    const char *before;
    const char *after;
    bool reasoned;
    int line;
};

static bool fits(const struct entry *e, const struct mutant *m)
{
    return strcmp(e->file, m->file) == 0 && strcmp(e->function, m->function) == 0 &&
           e->occurrence == m->occurrence && strcmp(e->before, m->before) == 0 &&
           strcmp(e->after, m->after) == 0;
}

static bool was_read(const struct entry *e, const struct mutants *all)
{
    for (size_t i = 0; i < all->count; i++) {
        if (strcmp(all->rows[i].file, e->file) == 0) {
            return true;
        }
    }
    return false;
}

/* 1 where the entry is stale. */
static int apply(const char *path, const struct entry *e, struct mutants *all)
{
    bool found = false;
    if (e->before == NULL || e->after == NULL || !e->reasoned) {
        die("%s:%d: an entry has a line of file, function and occurrence, one that begins with -, "
            "one with +, and a reason",
            path, e->line);
    }
    for (size_t i = 0; i < all->count; i++) {
        if (fits(e, &all->rows[i])) {
            all->rows[i].accepted = found = true;
        }
    }
    if (found || !was_read(e, all)) {
        return 0;
    }
    (void)fprintf(stderr, "%s:%d: stale, nothing in %s is like this any more: %s -> %s\n", path,
                  e->line, e->file, e->before, e->after);
    return 1;
}

static void read_head(const char *path, const char *line, struct entry *e)
{
    char occurrence[16] = "";
    char *end = occurrence;
    if (sscanf(line, "%255s %127s %15s", e->file, e->function, occurrence) == 3) {
        e->occurrence = (int)strtol(occurrence, &end, 10);
    }
    if (e->occurrence < 1 || *end != '\0') {
        die("%s:%d: must be FILE FUNCTION OCCURRENCE", path, e->line);
    }
}

static const char *behind_mark(const char *line)
{
    return line[1] == ' ' ? line + 2 : line + 1;
}

int accepted_apply(struct arena *a, const char *path, struct mutants *all)
{
    size_t len;
    int number = 0;
    int stale = 0;
    bool open = false;
    struct entry e = {.before = NULL};
    char *text = file_text(a, path, &len);

    for (char *line; (line = strsep(&text, "\n")) != NULL;) {
        number++;
        if (line[0] == '#') {
            continue;
        }
        if (line[0] == '\0') {
            stale += open ? apply(path, &e, all) : 0;
            open = false;
        } else if (!open) {
            e = (struct entry){.line = number};
            read_head(path, line, &e);
            open = true;
        } else if (line[0] == '-' && e.before == NULL) {
            e.before = behind_mark(line);
        } else if (line[0] == '+' && e.after == NULL) {
            e.after = behind_mark(line);
        } else {
            e.reasoned = true;
        }
    }
    return stale + (open ? apply(path, &e, all) : 0);
}
