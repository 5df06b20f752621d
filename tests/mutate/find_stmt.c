#include "find_internal.h"

#include <string.h>

/* The changes of one statement: it is dropped. Locks are dropped together with their unlocks. */

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text);
    size_t m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* Calls whose absence no test is to notice: what is freed (the leak checks of the asan preset do), what is logged, what is a hint. */
static bool nobody_would_notice(const char *name)
{
    static const char *const ends[] = {"free",   "_destroy", "PQclear", "PQfreemem",
                                       "fclose", "PQfinish", "madvise"};
    if (starts_with(name, "log_") || starts_with(name, "_mm") || starts_with(name, "__builtin")) {
        return true;
    }
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        if (ends_with(name, ends[i])) {
            return true;
        }
    }
    return false;
}

static bool is_lock(const char *name, bool *out_unlock)
{
    *out_unlock = ends_with(name, "_unlock");
    return *out_unlock || ends_with(name, "mutex_lock") || ends_with(name, "rwlock_rdlock") ||
           ends_with(name, "rwlock_wrlock");
}

static void note_lock(struct finder *f, CXCursor call, bool unlock, struct span stmt)
{
    struct span argument;
    if (f->lock_count < LOCKS_MAX && clang_Cursor_getNumArguments(call) == 1 &&
        span_of(f, clang_Cursor_getArgument(call, 0), &argument)) {
        f->locks[f->lock_count++] =
            (struct lock_call){unlock, text_at(f, argument.begin, argument.end), stmt};
    }
}

/* The unlocks that follow lock i, up to the next lock of the same. */
static int unlocks_of(const struct finder *f, int i, const struct lock_call **out)
{
    int count = 0;
    for (int j = i + 1; j < f->lock_count && count < REGIONS_MAX - 1; j++) {
        bool same = strcmp(f->locks[j].what, f->locks[i].what) == 0;
        if (same && !f->locks[j].unlock) {
            break;
        }
        if (same) {
            out[count++] = &f->locks[j];
        }
    }
    return count;
}

void find_locks(struct finder *f)
{
    for (int i = 0; i < f->lock_count; i++) {
        const struct lock_call *ends[REGIONS_MAX];
        int count = f->locks[i].unlock ? 0 : unlocks_of(f, i, ends);
        if (count > 0) {
            add_lock(f, &f->locks[i], ends, count);
        }
    }
}

/* Up to and with its semicolon. */
static bool statement_span(struct finder *f, CXCursor c, struct span *out)
{
    if (!span_of(f, c, out)) {
        return false;
    }
    while (out->end < f->len && strchr(" \t\n", f->text[out->end]) != NULL) {
        out->end++;
    }
    return out->end < f->len && f->text[out->end++] == ';';
}

static void drop_call(struct finder *f, CXCursor call, struct span at)
{
    bool unlock;
    const char *name = callee_name(f, call);
    if (is_lock(name, &unlock)) {
        note_lock(f, call, unlock, at);
    } else if (!nobody_would_notice(name)) {
        add_statement(f, "call dropped", at);
    }
}

/* = and not ==: the first operator behind the left side. */
static bool is_assignment(struct finder *f, CXCursor c)
{
    struct children below = children_of(c);
    if (clang_getCursorKind(c) == CXCursor_CompoundAssignOperator) {
        return true;
    }
    if (clang_getCursorKind(c) != CXCursor_BinaryOperator || below.count != 2) {
        return false;
    }
    unsigned at;
    clang_getFileLocation(clang_getRangeEnd(clang_getCursorExtent(below.rows[0])), NULL, NULL, NULL,
                          &at);
    while (at < f->len && strchr(" \t\n", f->text[at]) != NULL) {
        at++;
    }
    return f->text[at] == '=' && f->text[at + 1] != '=';
}

static bool is_step(struct finder *f, CXCursor c, struct span at)
{
    return clang_getCursorKind(c) == CXCursor_UnaryOperator &&
           (strncmp(f->text + at.begin, "++", 2) == 0 ||
            strncmp(f->text + at.begin, "--", 2) == 0 ||
            strncmp(f->text + at.end - 3, "++", 2) == 0 ||
            strncmp(f->text + at.end - 3, "--", 2) == 0);
}

void find_in_statement(struct finder *f, CXCursor c)
{
    struct span at;
    CXCursor inner = unwrapped(c);
    if (!clang_isExpression(clang_getCursorKind(c)) || !statement_span(f, c, &at)) {
        return;
    }
    if (clang_getCursorKind(inner) == CXCursor_CallExpr) {
        drop_call(f, inner, at);
    } else if (is_assignment(f, inner) || is_step(f, inner, at)) {
        add_statement(f, "assignment dropped", at);
    }
}
