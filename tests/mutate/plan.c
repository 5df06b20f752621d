#include "apply.h"
#include "draw.h"
#include "find.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first half of ./dev mutate (tests/mutate/mutate.sh calls it): finds the mutants of files, draws, and writes the mutated sources.
 *
 *   mutate_plan --root DIR --copy DIR --build DIR --out DIR --accepted FILE [--n N] [--seed S] [--only IDS] [--list]
 *               --queries FILE,FILE... FILE...
 */

struct options {
    const char *root;
    const char *copy;
    const char *build;
    const char *out;
    const char *accepted;
    const char *only;
    const char *queries;
    int n;
    uint64_t seed;
    bool list;
};

/* Returns the index of the first file. */
static int read_options(int argc, char **argv, struct options *o)
{
    const struct {
        const char *name;
        const char **value;
    } texts[] = {{"--root", &o->root},      {"--copy", &o->copy}, {"--build", &o->build},
                 {"--out", &o->out},        {"--only", &o->only}, {"--accepted", &o->accepted},
                 {"--queries", &o->queries}};
    int i = 1;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        bool known = strcmp(argv[i], "--list") == 0;
        o->list = o->list || known;
        for (size_t t = 0; t < sizeof texts / sizeof *texts && i + 1 < argc && !known; t++) {
            if (strcmp(argv[i], texts[t].name) == 0) {
                *texts[t].value = argv[++i];
                known = true;
            }
        }
        if (!known && i + 1 < argc && strcmp(argv[i], "--n") == 0) {
            o->n = (int)strtol(argv[++i], NULL, 10);
            known = o->n > 0;
        } else if (!known && i + 1 < argc && strcmp(argv[i], "--seed") == 0) {
            o->seed = strtoull(argv[++i], NULL, 10);
            known = true;
        }
        if (!known) {
            die("what is %s?", argv[i]);
        }
    }
    return i;
}

static bool is_sql(const char *path)
{
    size_t len = strlen(path);
    return len > 4 && strcmp(path + len - 4, ".sql") == 0;
}

static int count_queries(struct arena *a, const struct options *o)
{
    int count = 0;
    char *rest = arena_strdup(a, o->queries);
    for (char *path; (path = strsep(&rest, ",")) != NULL;) {
        count += *path == '\0' ? 0 : find_sql_count(a, o->root, path);
    }
    return count;
}

static void print_list(const struct mutants *all)
{
    for (size_t i = 0; i < all->count; i++) {
        const struct mutant *m = &all->rows[i];
        (void)printf("%s %s:%d %s #%d %s%s\n  - %s\n  + %s\n", m->id, m->file, m->line, m->function,
                     m->occurrence, m->kind, m->accepted ? ", accepted" : "", m->before, m->after);
    }
}

static void print_counts(const struct mutants *all)
{
    size_t accepted = 0;
    size_t drawn = 0;
    size_t files = 0;
    for (size_t i = 0; i < all->count; i++) {
        accepted += all->rows[i].accepted ? 1 : 0;
        drawn += all->rows[i].number > 0 ? 1 : 0;
        files += i == 0 || strcmp(all->rows[i].file, all->rows[i - 1].file) != 0 ? 1 : 0;
    }
    (void)fprintf(stderr, "%zu mutants in %zu files, %zu of them accepted; %zu drawn\n", all->count,
                  files, accepted, drawn);
}

int main(int argc, char **argv)
{
    struct arena arena = {0};
    struct mutants all = {0};
    struct options o = {.root = ".", .copy = ".", .build = "build/dev", .n = 120, .seed = 1};
    o.queries = "";
    int first = read_options(argc, argv, &o);
    for (int i = first; i < argc; i++) {
        if (is_sql(argv[i])) {
            find_sql(&arena, o.root, argv[i], &all);
        } else {
            find_c(&arena, o.root, o.copy, o.build, argv[i], &all);
        }
    }
    int stale = o.accepted == NULL ? 0 : accepted_apply(&arena, o.accepted, &all);
    if (o.only != NULL) {
        draw_ids(&all, o.only);
    } else {
        draw(&all, o.n, o.seed);
    }
    print_counts(&all);
    if (o.list) {
        print_list(&all);
    } else {
        apply(&arena, o.root, o.out, &all, count_queries(&arena, &o));
    }
    mem_free(&all.rows);
    arena_free(&arena);
    return stale > 0 ? 3 : 0;
}
