#ifndef MUTATE_FIND_INTERNAL_H
#define MUTATE_FIND_INTERNAL_H

#include "find.h"

#include <clang-c/Index.h>

/* A C file while it is searched: find_c.c walks it, find_expr.c and find_stmt.c know what may be changed. */

struct span {
    size_t begin;
    size_t end;
};

struct lock_call {
    bool unlock;
    const char *what; /* its argument */
    struct span stmt;
};

enum { LOCKS_MAX = 64, CHILDREN_MAX = 64 };

struct finder {
    struct arena *arena;
    struct mutants *all;
    const char *path;
    const char *text;
    size_t len;
    CXTranslationUnit unit;
    struct span *macros; /* what macros were expanded from, arguments included */
    size_t macro_count;
    size_t macro_cap;
    const char *function;
    struct lock_call locks[LOCKS_MAX]; /* of the function */
    int lock_count;
};

struct children {
    CXCursor rows[CHILDREN_MAX];
    int count;
};

struct children children_of(CXCursor c);
/* Below casts to void, parentheses and what the compiler adds. */
CXCursor unwrapped(CXCursor c);
/* The name of the function that is called, "" where it is none. */
const char *callee_name(struct finder *f, CXCursor call);
bool starts_with(const char *text, const char *prefix);

/* False where the cursor does not stand in the file as it is written: it comes out of a macro, or stands within one's arguments. */
bool span_of(struct finder *f, CXCursor c, struct span *out);
/* text[begin, end) as it is written. */
const char *text_at(struct finder *f, size_t begin, size_t end);

/* An expression gives way to text. */
void add_expression(struct finder *f, const char *kind, struct span at, const char *text);
void add_statement(struct finder *f, const char *kind, struct span at);
void add_lock(struct finder *f, const struct lock_call *lock,
              const struct lock_call *const *unlocks, int count);

/* What may be changed about this cursor itself, not about what is below it. */
void find_in_expression(struct finder *f, CXCursor c, CXCursor parent);
/* c is a statement of a block. */
void find_in_statement(struct finder *f, CXCursor c);
/* After a function: each lock with the unlocks that end it. */
void find_locks(struct finder *f);

#endif
