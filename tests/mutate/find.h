#ifndef MUTATE_FIND_H
#define MUTATE_FIND_H

#include "mutant.h"

/* All mutants of one file, appended in the order of its text. */

/* path is that file below root; build holds compile_commands.json of a copy of the tree at `copy`, whose headers are read. The text is
 * that below root. Dies where the file does not parse. */
void find_c(struct arena *a, const char *root, const char *copy, const char *build,
            const char *path, struct mutants *all);

/* A file of `-- name: X` blocks, read as store/pg/embed_sql.awk reads them. */
void find_sql(struct arena *a, const char *root, const char *path, struct mutants *all);

/* How many blocks a file has. */
int find_sql_count(struct arena *a, const char *root, const char *path);

#endif
