#include "trial.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* What a run found, for people and as JSON lines. */

const char *verdict_name(enum verdict v)
{
    static const char *const names[] = {"killed", "timed out", "SURVIVED", "NOT REACHED",
                                        "invalid"};
    return names[v];
}

static bool is_killed(const struct trial *t)
{
    return t->verdict == KILLED || t->verdict == TIMED_OUT;
}

static void print_survivor(const struct trial *t)
{
    const struct mutant *m = &t->mutant;
    (void)printf("\n%s:%d %s #%d  [%s, %s]\n  - %s\n  + %s\n", m->file, m->line, m->function,
                 m->occurrence, m->kind, m->id, m->before, m->after);
    if (t->verdict == NOT_REACHED) {
        (void)printf("  no test reaches it\n");
        return;
    }
    (void)printf("  stayed green: %s\n", t->green[0] == '\0' ? "none was asked" : t->green);
    if (t->unasked[0] != '\0') {
        (void)printf("  not asked, for want of time: %s\n", t->unasked);
    }
}

/* The rate over the trials that fit file, or over all where it is NULL. */
static void print_rate(const struct trials *all, const char *file)
{
    int tried = 0;
    int killed = 0;
    for (int i = 0; i < all->count; i++) {
        const struct trial *t = &all->rows[i];
        if ((file == NULL || strcmp(t->mutant.file, file) == 0) && t->verdict != INVALID) {
            tried++;
            killed += is_killed(t) ? 1 : 0;
        }
    }
    if (tried > 0) {
        (void)printf("  %3d of %3d killed, %3d %%  %s\n", killed, tried, 100 * killed / tried,
                     file == NULL ? "in all" : file);
    }
}

static void save(const struct trials *all, const char *path)
{
    FILE *f = fopen(path, "w");
    if (f == NULL) {
        die("cannot write %s", path);
    }
    for (int i = 0; i < all->count; i++) {
        const struct trial *t = &all->rows[i];
        const struct mutant *m = &t->mutant;
        json_t *row =
            json_pack("{ss ss si ss si ss ss ss ss ss ss ss sf sf}", "id", m->id, "file", m->file,
                      "line", m->line, "function", m->function, "occurrence", m->occurrence, "kind",
                      m->kind, "before", m->before, "after", m->after, "verdict",
                      verdict_name(t->verdict), "killer", t->killer, "green", t->green, "unasked",
                      t->unasked, "seconds", t->seconds, "cpu_seconds", t->cpu_seconds);
        if (row == NULL || json_dumpf(row, f, JSON_COMPACT | JSON_REAL_PRECISION(4)) != 0) {
            die("cannot write %s", path);
        }
        (void)fputc('\n', f);
        json_decref(row);
    }
    if (fclose(f) != 0) {
        die("cannot write %s", path);
    }
}

int report(const struct trials *all, const char *results, double wall_seconds)
{
    int survivors = 0;
    int count[INVALID + 1] = {0};
    double cpu = 0;
    save(all, results);
    for (int i = 0; i < all->count; i++) {
        const struct trial *t = &all->rows[i];
        count[t->verdict]++;
        cpu += t->cpu_seconds;
        if (!is_killed(t) && t->verdict != INVALID) {
            survivors++;
            print_survivor(t);
        }
    }
    (void)printf("\n");
    for (int i = 0; i < all->count; i++) {
        if (i == 0 || strcmp(all->rows[i].mutant.file, all->rows[i - 1].mutant.file) != 0) {
            print_rate(all, all->rows[i].mutant.file);
        }
    }
    print_rate(all, NULL);
    (void)printf("  %d killed, %d by the time limit, %d survived, %d not reached, %d invalid\n"
                 "  %.0f s, %.0f CPU s in tests\n",
                 count[KILLED], count[TIMED_OUT], count[SURVIVED], count[NOT_REACHED],
                 count[INVALID], wall_seconds, cpu);
    return survivors;
}
