#ifndef MUTATE_APPLY_H
#define MUTATE_APPLY_H

#include "mutant.h"

/* Writes what was drawn: each C file with its changes as `mutant_is(17) ? (...) : (...)` to out/FILE, each query to out/sql/NUMBER,
 * the table of changed queries to out/sql/table, and the list to out/plan.jsonl. queries: how many the tree has. */
void apply(struct arena *a, const char *root, const char *out, const struct mutants *all,
           int queries);

#endif
