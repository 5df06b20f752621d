#ifndef MUTATE_MUTANT_H
#define MUTATE_MUTANT_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One small change of the source, and the list of them. Everything lives in the arena of the run: the program ends with it. */

enum { REGIONS_MAX = 8, ID_BYTES = 11 };

/* What stands at [begin, end) of the file gives way to text; a statement gives way to nothing. */
struct region {
    size_t begin;
    size_t end;
    const char *text;
    bool statement;
};

struct mutant {
    const char *file; /* below the root of the tree */
    int line;
    const char *function; /* or the query */
    const char *kind;     /* "comparison", "lock", "sql where" ... */
    const char *before;   /* on one line, white space and comments made one space */
    const char *after;    /* "" where it is dropped */
    int occurrence;       /* among equals of the function, in the order of the text, from 1 */
    char id[ID_BYTES];    /* of the fields above but for the line: stays when other lines change */

    struct region regions[REGIONS_MAX]; /* of a C file */
    int region_count;
    const char *sql; /* of a query: its whole text as it becomes; NULL for C */

    bool accepted;
    int number; /* from 1 among those that were drawn, 0 otherwise */
};

struct mutants {
    struct mutant *rows;
    size_t count;
    size_t cap;
};

/* Of a query's text for a distributed database (sql/distributed). */
bool mutant_is_distributed(const struct mutant *m);

_Noreturn void die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The bytes of a file and a zero behind them; dies where it cannot be read. */
char *file_text(struct arena *a, const char *path, size_t *out_len);
/* text[begin, end) on one line, without comments. */
char *one_line(struct arena *a, const char *text, size_t begin, size_t end);
/* The number of the line that holds text[at], from 1. */
int line_of(const char *text, size_t at);

/* Appends a copy unless the same change of the same place is there already. */
void mutants_add(struct mutants *all, const struct mutant *m);
/* Gives the mutants from `first` on, which are those of one file, their occurrences and ids. */
void mutants_name(struct mutants *all, size_t first);

#endif
