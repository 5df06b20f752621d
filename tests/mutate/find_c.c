#include "find_internal.h"

#include "base/mem.h"

#include <clang-c/CXCompilationDatabase.h>
#include <stdlib.h>
#include <string.h>

/* Parses a C file with libclang and walks over what runs: bodies of functions, without what must be constant at compile time
 * (labels, enums, sizes, static initialisers), what is never evaluated (sizeof), and whatever a macro wrote (asserts among it). */

/* ---- what all parts use ---- */

static enum CXChildVisitResult collect_child(CXCursor c, CXCursor parent, CXClientData data)
{
    struct children *out = data;
    (void)parent;
    if (out->count < CHILDREN_MAX) {
        out->rows[out->count++] = c;
    }
    return CXChildVisit_Continue;
}

struct children children_of(CXCursor c)
{
    struct children out = {.count = 0};
    (void)clang_visitChildren(c, collect_child, &out);
    return out;
}

CXCursor unwrapped(CXCursor c)
{
    for (;;) {
        enum CXCursorKind kind = clang_getCursorKind(c);
        struct children below = children_of(c);
        bool wraps =
            kind == CXCursor_UnexposedExpr || kind == CXCursor_ParenExpr ||
            (kind == CXCursor_CStyleCastExpr && clang_getCursorType(c).kind == CXType_Void);
        if (!wraps || below.count == 0) {
            return c;
        }
        c = below.rows[below.count - 1];
    }
}

static const char *owned(struct finder *f, CXString s)
{
    const char *text = clang_getCString(s);
    char *copy = arena_strdup(f->arena, text == NULL ? "" : text);
    clang_disposeString(s);
    return copy;
}

const char *callee_name(struct finder *f, CXCursor call)
{
    return owned(f, clang_getCursorSpelling(call));
}

bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static struct span extent_of(CXCursor c)
{
    CXSourceRange range = clang_getCursorExtent(c);
    unsigned begin;
    unsigned end;
    clang_getFileLocation(clang_getRangeStart(range), NULL, NULL, NULL, &begin);
    clang_getFileLocation(clang_getRangeEnd(range), NULL, NULL, NULL, &end);
    return (struct span){begin, end};
}

bool span_of(struct finder *f, CXCursor c, struct span *out)
{
    struct span s = extent_of(c);
    if (s.begin >= s.end || s.end > f->len) {
        return false;
    }
    for (size_t i = 0; i < f->macro_count; i++) {
        const struct span *m = &f->macros[i];
        bool apart = m->end <= s.begin || m->begin >= s.end;
        bool within_us =
            m->begin >= s.begin && m->end <= s.end && (m->begin > s.begin || m->end < s.end);
        if (!apart && !within_us) {
            return false;
        }
    }
    *out = s;
    return true;
}

const char *text_at(struct finder *f, size_t begin, size_t end)
{
    return one_line(f->arena, f->text, begin, end);
}

/* ---- adding ---- */

static struct mutant change(struct finder *f, const char *kind, struct span at, const char *after)
{
    return (struct mutant){.file = f->path,
                           .line = line_of(f->text, at.begin),
                           .function = f->function,
                           .kind = kind,
                           .before = text_at(f, at.begin, at.end),
                           .after = after,
                           .regions = {{at.begin, at.end, after, false}},
                           .region_count = 1};
}

void add_expression(struct finder *f, const char *kind, struct span at, const char *text)
{
    struct mutant m = change(f, kind, at, text);
    mutants_add(f->all, &m);
}

void add_statement(struct finder *f, const char *kind, struct span at)
{
    struct mutant m = change(f, kind, at, "");
    m.regions[0].statement = true;
    mutants_add(f->all, &m);
}

void add_lock(struct finder *f, const struct lock_call *lock,
              const struct lock_call *const *unlocks, int count)
{
    struct mutant m = change(f, "lock", lock->stmt, "");
    m.regions[0].statement = true;
    for (int i = 0; i < count && m.region_count < REGIONS_MAX; i++) {
        m.regions[m.region_count++] =
            (struct region){unlocks[i]->stmt.begin, unlocks[i]->stmt.end, "", true};
    }
    mutants_add(f->all, &m);
}

/* ---- the walk ---- */

static void walk(struct finder *f, CXCursor c, CXCursor parent);

static void walk_children(struct finder *f, CXCursor c, int from)
{
    struct children below = children_of(c);
    for (int i = from; i < below.count; i++) {
        walk(f, below.rows[i], c);
    }
}

static bool holds_statements(enum CXCursorKind kind)
{
    return kind == CXCursor_CompoundStmt || kind == CXCursor_CaseStmt ||
           kind == CXCursor_DefaultStmt || kind == CXCursor_LabelStmt;
}

static void walk_variable(struct finder *f, CXCursor c)
{
    CXCursor value = clang_Cursor_getVarDeclInitializer(c);
    if (clang_Cursor_getStorageClass(c) != CX_SC_Static && !clang_Cursor_isNull(value)) {
        walk(f, value, c);
    }
}

/* A hint changes nothing, nor does what it is about. */
static bool is_hint(struct finder *f, CXCursor c)
{
    return clang_getCursorKind(c) == CXCursor_CallExpr &&
           strstr(callee_name(f, c), "prefetch") != NULL;
}

static void walk(struct finder *f, CXCursor c, CXCursor parent)
{
    enum CXCursorKind kind = clang_getCursorKind(c);
    if (is_hint(f, c)) {
        return;
    }
    if (holds_statements(clang_getCursorKind(parent))) {
        find_in_statement(f, c);
    }
    if (clang_isExpression(kind) || kind == CXCursor_IfStmt) {
        find_in_expression(f, c, parent);
    }
    switch ((int)kind) {
    case CXCursor_UnaryExpr: /* sizeof and _Alignof */
    case CXCursor_GenericSelectionExpr:
    case CXCursor_StmtExpr:
    case CXCursor_ParmDecl:
    case CXCursor_StructDecl:
    case CXCursor_UnionDecl:
    case CXCursor_EnumDecl:
    case CXCursor_TypedefDecl:
    case CXCursor_StaticAssert:
    case CXCursor_AsmStmt:
        return;
    case CXCursor_VarDecl:
        walk_variable(f, c);
        return;
    case CXCursor_CaseStmt: /* its value, or the two ends of a range, come first */
        walk_children(f, c, children_of(c).count - 1);
        return;
    default:
        walk_children(f, c, 0);
    }
}

static void walk_function(struct finder *f, CXCursor c)
{
    struct children below = children_of(c);
    CXCursor body = below.count == 0 ? clang_getNullCursor() : below.rows[below.count - 1];
    if (clang_getCursorKind(body) == CXCursor_CompoundStmt) {
        f->function = owned(f, clang_getCursorSpelling(c));
        f->lock_count = 0;
        walk(f, body, c);
        find_locks(f);
    }
}

static void note_macro(struct finder *f, CXCursor c)
{
    if (f->macro_count == f->macro_cap) {
        f->macro_cap = f->macro_cap == 0 ? 256 : 2 * f->macro_cap;
        f->macros = mem_grow(f->macros, f->macro_cap, sizeof *f->macros);
    }
    f->macros[f->macro_count++] = extent_of(c);
}

static bool in_this_file(CXCursor c)
{
    return clang_Location_isFromMainFile(clang_getCursorLocation(c)) != 0;
}

static enum CXChildVisitResult visit_macro(CXCursor c, CXCursor parent, CXClientData data)
{
    (void)parent;
    if (clang_getCursorKind(c) == CXCursor_MacroExpansion && in_this_file(c)) {
        note_macro(data, c);
    }
    return CXChildVisit_Continue;
}

static enum CXChildVisitResult visit_function(CXCursor c, CXCursor parent, CXClientData data)
{
    (void)parent;
    if (clang_getCursorKind(c) == CXCursor_FunctionDecl && clang_isCursorDefinition(c) &&
        in_this_file(c)) {
        walk_function(data, c);
    }
    return CXChildVisit_Continue;
}

/* ---- parsing ---- */

/* What the build gives the compiler for this file, without the compiler and the file. Returns how many. */
static int arguments_of(struct arena *a, const char *build, const char *file, const char **out,
                        int max)
{
    CXCompilationDatabase_Error error;
    CXCompilationDatabase db = clang_CompilationDatabase_fromDirectory(build, &error);
    if (error != CXCompilationDatabase_NoError) {
        die("no compile_commands.json in %s", build);
    }
    CXCompileCommands commands = clang_CompilationDatabase_getCompileCommands(db, file);
    if (clang_CompileCommands_getSize(commands) == 0) {
        die("%s is not compiled", file);
    }
    CXCompileCommand command = clang_CompileCommands_getCommand(commands, 0);
    int count = 0;
    for (unsigned i = 0; i < clang_CompileCommand_getNumArgs(command) && count < max; i++) {
        CXString arg = clang_CompileCommand_getArg(command, i);
        const char *text = clang_getCString(arg);
        if (starts_with(text, "-") && strcmp(text, "-c") != 0 && strcmp(text, "-o") != 0 &&
            strcmp(text, "--") != 0) {
            out[count++] = arena_strdup(a, text);
            bool takes_next = strcmp(text, "-isystem") == 0 || strcmp(text, "-include") == 0;
            if (takes_next && count < max) {
                CXString next = clang_CompileCommand_getArg(command, ++i);
                out[count++] = arena_strdup(a, clang_getCString(next));
                clang_disposeString(next);
            }
        }
        clang_disposeString(arg);
    }
    clang_CompileCommands_dispose(commands);
    clang_CompilationDatabase_dispose(db);
    return count;
}

static void refuse_errors(CXTranslationUnit unit)
{
    for (unsigned i = 0; i < clang_getNumDiagnostics(unit); i++) {
        CXDiagnostic d = clang_getDiagnostic(unit, i);
        if (clang_getDiagnosticSeverity(d) >= CXDiagnostic_Error) {
            CXString text = clang_formatDiagnostic(d, CXDiagnostic_DisplaySourceLocation);
            die("%s", clang_getCString(text));
        }
        clang_disposeDiagnostic(d);
    }
}

void find_c(struct arena *a, const char *root, const char *copy, const char *build,
            const char *path, struct mutants *all)
{
    enum { ARGUMENTS_MAX = 128 };
    const char *arguments[ARGUMENTS_MAX];
    struct finder f = {.arena = a, .all = all, .path = path};
    f.text = file_text(a, arena_printf(a, "%s/%s", root, path), &f.len);
    const char *file = arena_printf(a, "%s/%s", copy, path);
    int count = arguments_of(a, build, file, arguments, ARGUMENTS_MAX - 1);
    arguments[count++] = "-Wno-everything"; /* warnings were for the build that is not mutated */

    struct CXUnsavedFile now = {file, f.text, f.len};
    CXIndex index = clang_createIndex(0, 0);
    enum CXErrorCode code =
        clang_parseTranslationUnit2(index, file, arguments, count, &now, 1,
                                    CXTranslationUnit_DetailedPreprocessingRecord, &f.unit);
    if (code != CXError_Success) {
        die("libclang cannot parse %s", path);
    }
    refuse_errors(f.unit);
    size_t first = all->count;
    CXCursor top = clang_getTranslationUnitCursor(f.unit);
    (void)clang_visitChildren(top, visit_macro, &f);
    (void)clang_visitChildren(top, visit_function, &f);
    mutants_name(all, first);
    free(f.macros);
    clang_disposeTranslationUnit(f.unit);
    clang_disposeIndex(index);
}
