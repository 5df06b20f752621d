#include "mutant.h"

#include "base/hash.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The list of mutants, and the text they are cut from. */

bool mutant_is_distributed(const struct mutant *m)
{
    static const char folder[] = "sql/distributed/";

    return strncmp(m->file, folder, sizeof folder - 1) == 0;
}

void die(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)fputs("mutate: ", stderr);
    (void)vfprintf(stderr, fmt, args);
    (void)fputs("\n", stderr);
    va_end(args);
    exit(2);
}

char *file_text(struct arena *a, const char *path, size_t *out_len)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL || fseek(f, 0, SEEK_END) != 0) {
        die("cannot read %s", path);
    }
    long size = ftell(f);
    if (size < 0 || fseek(f, 0, SEEK_SET) != 0) {
        die("cannot read %s", path);
    }
    char *text = arena_alloc(a, (size_t)size + 1);
    if (fread(text, 1, (size_t)size, f) != (size_t)size) {
        die("cannot read %s", path);
    }
    (void)fclose(f);
    text[size] = '\0';
    *out_len = (size_t)size;
    return text;
}

/* Behind the comment that begins at text[at], or at itself where none does. */
static size_t comment_end(const char *text, size_t at, size_t end)
{
    if (at + 1 >= end || text[at] != '/') {
        return at;
    }
    if (text[at + 1] == '/') {
        while (at < end && text[at] != '\n') {
            at++;
        }
        return at;
    }
    if (text[at + 1] != '*') {
        return at;
    }
    for (at += 2; at + 1 < end && (text[at] != '*' || text[at + 1] != '/'); at++) {
    }
    return at + 2 < end ? at + 2 : end;
}

/* Behind the string or character literal that begins at text[at], or at itself where none does. */
static size_t quote_end(const char *text, size_t at, size_t end)
{
    char quote = text[at];
    if (quote != '"' && quote != '\'') {
        return at;
    }
    for (at++; at < end && text[at] != quote; at++) {
        at += text[at] == '\\' ? 1 : 0;
    }
    return at < end ? at + 1 : end;
}

char *one_line(struct arena *a, const char *text, size_t begin, size_t end)
{
    char *out = arena_alloc(a, end - begin + 2);
    size_t len = 0;
    bool space = false;

    for (size_t at = begin; at < end;) {
        size_t behind = comment_end(text, at, end);
        if (behind > at || strchr(" \t\n\r", text[at]) != NULL) {
            space = len > 0;
            at = behind > at ? behind : at + 1;
            continue;
        }
        if (space) {
            out[len++] = ' ';
            space = false;
        }
        behind = quote_end(text, at, end);
        size_t copied = behind > at ? behind - at : 1;
        memcpy(out + len, text + at, copied);
        len += copied;
        at += copied;
    }
    out[len] = '\0';
    return out;
}

int line_of(const char *text, size_t at)
{
    int line = 1;
    for (size_t i = 0; i < at; i++) {
        line += text[i] == '\n' ? 1 : 0;
    }
    return line;
}

static bool same_change(const struct mutant *a, const struct mutant *b)
{
    return strcmp(a->file, b->file) == 0 && a->region_count == b->region_count &&
           a->regions[0].begin == b->regions[0].begin && a->regions[0].end == b->regions[0].end &&
           strcmp(a->function, b->function) == 0 && strcmp(a->after, b->after) == 0;
}

void mutants_add(struct mutants *all, const struct mutant *m)
{
    for (size_t i = 0; i < all->count; i++) {
        if (same_change(&all->rows[i], m)) {
            return;
        }
    }
    if (all->count == all->cap) {
        all->cap = all->cap == 0 ? 256 : 2 * all->cap;
        all->rows = mem_grow(all->rows, all->cap, sizeof *all->rows);
    }
    all->rows[all->count++] = *m;
}

static bool same_words(const struct mutant *a, const struct mutant *b)
{
    return strcmp(a->function, b->function) == 0 && strcmp(a->before, b->before) == 0 &&
           strcmp(a->after, b->after) == 0;
}

static int in_order_of_text(const void *left, const void *right)
{
    const struct mutant *a = left;
    const struct mutant *b = right;
    size_t at_a = a->regions[0].begin;
    size_t at_b = b->regions[0].begin;
    if (a->line != b->line) { /* of two queries: each begins at 0 */
        return a->line < b->line ? -1 : 1;
    }
    return at_a != at_b ? (at_a < at_b ? -1 : 1) : strcmp(a->after, b->after);
}

void mutants_name(struct mutants *all, size_t first)
{
    char key[4096];
    qsort(all->rows + first, all->count - first, sizeof *all->rows, in_order_of_text);
    for (size_t i = first; i < all->count; i++) {
        struct mutant *m = &all->rows[i];
        m->occurrence = 1;
        for (size_t j = first; j < i; j++) {
            m->occurrence += same_words(&all->rows[j], m) ? 1 : 0;
        }
        int n = snprintf(key, sizeof key, "%s\n%s\n%s\n%s\n%d", m->file, m->function, m->before,
                         m->after, m->occurrence);
        size_t len = n < (int)sizeof key ? (size_t)n : sizeof key - 1;
        (void)snprintf(m->id, sizeof m->id, "%010" PRIx64, hash_fnv64(key, len) >> 24);
    }
}
