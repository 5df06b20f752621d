/* The reader of *.http files. A mistake in a file ends the program: it is a mistake in a test. */
#include "api/transcript.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXCHANGES_MAX = 400 };

static _Noreturn void die(const char *path, int line, const char *what)
{
    (void)fprintf(stderr, "%s:%d: %s\n", path, line, what);
    exit(1);
}

static char *read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    long len = f && fseek(f, 0, SEEK_END) == 0 ? ftell(f) : -1;
    char *text = len >= 0 ? calloc(1, (size_t)len + 1) : NULL;

    if (text == NULL || fseek(f, 0, SEEK_SET) != 0 ||
        fread(text, 1, (size_t)len, f) != (size_t)len) {
        die(path, 0, "cannot be read");
    }
    (void)fclose(f);
    return text;
}

/* Text with its words replaced; may hold NUL bytes then. */
static char *expand(const char *path, int line, const char *text, transcript_word *word, void *ctx,
                    size_t *out_len)
{
    size_t cap = strlen(text) + 1;
    size_t len = 0;
    char *out = malloc(cap);

    for (const char *p = text; out && *p;) {
        size_t plain = strstr(p, "{{") ? (size_t)(strstr(p, "{{") - p) : strlen(p);
        memcpy(out + len, p, plain);
        len += plain;
        p += plain;
        const char *end = *p ? strstr(p, "}}") : NULL;
        if (*p && end == NULL) {
            die(path, line, "{{ without }}");
        }
        if (end != NULL) {
            size_t word_len = 0;
            char *name = strndup(p + 2, (size_t)(end - p - 2));
            char *value = word(ctx, name, &word_len);
            if (value == NULL) {
                die(path, line, "a word in {{}} that nobody knows");
            }
            cap += word_len;
            char *grown = realloc(out, cap);
            if (grown == NULL) {
                abort();
            }
            out = grown;
            memcpy(out + len, value, word_len);
            len += word_len;
            free(value);
            free(name);
            p = end + 2;
        }
    }
    if (out == NULL) {
        abort();
    }
    out[len] = '\0';
    *out_len = len;
    return out;
}

struct lines {
    const char *path;
    char *next;
    int number;
};

/* The next line without its end; NULL behind the last. */
static char *take(struct lines *l)
{
    char *line = l->next;

    if (line == NULL || *line == '\0') {
        return NULL;
    }
    char *end = strchr(line, '\n');
    l->next = end ? end + 1 : NULL;
    if (end) {
        *end = '\0';
    }
    l->number++;
    return line;
}

static void take_directive(struct exchange *e, const char *line, const struct lines *l)
{
    if (strcmp(line, "@gzip") == 0) {
        e->gzip = true;
    } else if (strcmp(line, "@eventually") == 0) {
        e->eventually = true;
    } else {
        die(l->path, l->number, "a directive that nobody knows");
    }
}

static void add_header(char **list, size_t *count, char *line, const struct lines *l)
{
    if (*count == HEADERS_MAX || strchr(line, ':') == NULL) {
        die(l->path, l->number, "a header was expected");
    }
    list[(*count)++] = line;
}

/* Lines up to one that begins with `until`, joined again in place, without the newlines at their
 * end; that line in *out_stop. NULL: there are none. */
static char *take_body(struct lines *l, const char *until, char **out_stop)
{
    char *start = l->next;
    char *line;

    while ((line = take(l)) != NULL && strncmp(line, until, strlen(until)) != 0) {
        if (l->next != NULL) {
            line[strlen(line)] = '\n';
        }
    }
    *out_stop = line;
    if (start == NULL || line == start) {
        return NULL;
    }
    char *end = line ? line : start + strlen(start);
    while (end > start && end[-1] == '\n') {
        end--;
    }
    *end = '\0';
    return start;
}

/* Request line, headers, blank line, body, "HTTP status", headers, blank line, body. */
static char *take_exchange(struct lines *l, struct exchange *e)
{
    char *line = take(l);
    char *stop = NULL;

    while (line && line[0] == '@') {
        take_directive(e, line, l);
        line = take(l);
    }
    char *space = line ? strchr(line, ' ') : NULL;
    if (space == NULL) {
        die(l->path, l->number, "METHOD TARGET was expected");
    }
    *space = '\0';
    e->method = line;
    e->target = space + 1;
    while ((line = take(l)) != NULL && line[0] != '\0' && strncmp(line, "HTTP ", 5) != 0) {
        add_header(e->headers, &e->header_count, line, l);
    }
    if (line != NULL && line[0] == '\0') {
        e->body = take_body(l, "HTTP ", &line);
    }
    if (line == NULL) {
        die(l->path, l->number, "HTTP STATUS was expected");
    }
    e->status = (int)strtol(line + 5, NULL, 10);
    while ((line = take(l)) != NULL && line[0] != '\0' && strncmp(line, "### ", 4) != 0) {
        add_header(e->wanted_headers, &e->wanted_header_count, line, l);
    }
    if (line != NULL && line[0] == '\0') {
        e->wanted_body = take_body(l, "### ", &stop);
        return stop;
    }
    return line;
}

struct transcript transcript_read(const char *path, transcript_word *word, void *ctx)
{
    struct transcript t = {.text = read_file(path)};
    struct lines l = {.path = path, .next = t.text};
    char *line = take(&l);

    t.items = calloc(EXCHANGES_MAX, sizeof *t.items);
    while (line && strncmp(line, "### ", 4) != 0) {
        line = take(&l); /* what the file is about */
    }
    while (line != NULL && t.items != NULL) {
        if (t.count == EXCHANGES_MAX) {
            die(path, l.number, "too many exchanges");
        }
        struct exchange *e = &t.items[t.count++];
        e->name = line + 4;
        e->line = l.number;
        line = take_exchange(&l, e);
        size_t ignored = 0;
        e->target = expand(path, e->line, e->target, word, ctx, &ignored);
        e->body = expand(path, e->line, e->body ? e->body : "", word, ctx, &e->body_len);
        e->wanted_body =
            expand(path, e->line, e->wanted_body ? e->wanted_body : "", word, ctx, &ignored);
        for (size_t i = 0; i < e->header_count; i++) {
            e->headers[i] = expand(path, e->line, e->headers[i], word, ctx, &ignored);
        }
    }
    return t;
}

void transcript_free(struct transcript *t)
{
    for (size_t i = 0; i < t->count; i++) {
        struct exchange *e = &t->items[i];
        free(e->target);
        free(e->body);
        free(e->wanted_body);
        for (size_t k = 0; k < e->header_count; k++) {
            free(e->headers[k]);
        }
    }
    free(t->items);
    free(t->text);
    *t = (struct transcript){0};
}
