#include "find_internal.h"

#include <string.h>

/* The changes of one expression: operators, constants, conditions, arguments. */

/* ---- binary operators ---- */

struct binary {
    struct span all;
    struct span left;
    struct span right;
    size_t op; /* where the operator stands */
    char spelling[4];
    CXCursor left_cursor;
    CXCursor right_cursor;
};

/* False where the parts are not written out in this file. The right side may be a macro as a whole. */
static bool binary_of(struct finder *f, CXCursor c, struct binary *out)
{
    struct children below = children_of(c);
    if (below.count != 2 || !span_of(f, c, &out->all)) {
        return false;
    }
    CXSourceRange left = clang_getCursorExtent(below.rows[0]);
    CXSourceRange right = clang_getCursorExtent(below.rows[1]);
    unsigned offsets[4];
    clang_getFileLocation(clang_getRangeStart(left), NULL, NULL, NULL, &offsets[0]);
    clang_getFileLocation(clang_getRangeEnd(left), NULL, NULL, NULL, &offsets[1]);
    clang_getFileLocation(clang_getRangeStart(right), NULL, NULL, NULL, &offsets[2]);
    clang_getFileLocation(clang_getRangeEnd(right), NULL, NULL, NULL, &offsets[3]);
    out->left = (struct span){offsets[0], offsets[1]};
    out->right = (struct span){offsets[2], offsets[3]};
    if (out->left.begin != out->all.begin || out->left.end > out->right.begin ||
        out->right.end != out->all.end) {
        return false;
    }
    size_t at = out->left.end;
    while (at < out->right.begin && strchr("<>=!&|+-*/%^", f->text[at]) == NULL) {
        at++;
    }
    size_t n = 0;
    while (n < 3 && at + n < out->right.begin && strchr("<>=!&|+-*/%^", f->text[at + n]) != NULL) {
        out->spelling[n] = f->text[at + n];
        n++;
    }
    out->spelling[n] = '\0';
    out->op = at;
    out->left_cursor = below.rows[0];
    out->right_cursor = below.rows[1];
    return n > 0 && out->spelling[0] != '/'; /* a comment stands there, or a division */
}

static void with_operator(struct finder *f, const char *kind, const struct binary *b,
                          const char *op)
{
    add_expression(f, kind, b->all,
                   arena_printf(f->arena, "%s %s %s", text_at(f, b->left.begin, b->left.end), op,
                                text_at(f, b->right.begin, b->right.end)));
}

static bool comparison(struct finder *f, const struct binary *b)
{
    static const struct {
        const char *op;
        const char *shifted;
        const char *negated;
    } table[] = {{"<", "<=", ">="}, {"<=", "<", ">"}, {">", ">=", "<="},
                 {">=", ">", "<"},  {"==", "", "!="}, {"!=", "", "=="}};

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (strcmp(table[i].op, b->spelling) == 0) {
            with_operator(f, "comparison", b, table[i].negated);
            if (table[i].shifted[0] != '\0') {
                with_operator(f, "comparison", b, table[i].shifted);
            }
            return true;
        }
    }
    return false;
}

static bool is_logical(const struct binary *b)
{
    return strcmp(b->spelling, "&&") == 0 || strcmp(b->spelling, "||") == 0;
}

/* a && b && c is (a && b) && c: that node drops c, the inner one drops a or b. */
static bool left_is_same(struct finder *f, const struct binary *b)
{
    struct binary inner;
    CXCursor left = b->left_cursor;
    return clang_getCursorKind(left) == CXCursor_BinaryOperator && binary_of(f, left, &inner) &&
           strcmp(inner.spelling, b->spelling) == 0;
}

static void logical(struct finder *f, const struct binary *b)
{
    with_operator(f, "logic", b, b->spelling[0] == '&' ? "||" : "&&");
    add_expression(f, "condition dropped", b->all, text_at(f, b->left.begin, b->left.end));
    if (!left_is_same(f, b)) {
        add_expression(f, "condition dropped", b->all, text_at(f, b->right.begin, b->right.end));
    }
}

static bool is_number(CXCursor c)
{
    CXType type = clang_getCanonicalType(clang_getCursorType(c));
    return type.kind == CXType_Enum || (type.kind >= CXType_Bool && type.kind <= CXType_LongDouble);
}

/* Pointers may have a number added or subtracted on the right. */
static void sum(struct finder *f, const struct binary *b)
{
    if (is_number(b->right_cursor)) {
        bool plus = b->spelling[0] == '+';
        const char *op = b->spelling[1] == '=' ? (plus ? "-=" : "+=") : (plus ? "-" : "+");
        with_operator(f, "sum", b, op);
    }
}

static void binary(struct finder *f, CXCursor c)
{
    struct binary b;
    if (!binary_of(f, c, &b) || comparison(f, &b)) {
        return;
    }
    if (is_logical(&b)) {
        logical(f, &b);
    } else if (strcmp(b.spelling, "+") == 0 || strcmp(b.spelling, "-") == 0 ||
               strcmp(b.spelling, "+=") == 0 || strcmp(b.spelling, "-=") == 0) {
        sum(f, &b);
    }
}

/* ---- constants ---- */

/* {0}, and [3] = of an initialiser, are no numbers that are reckoned with. */
static bool only_form(struct finder *f, struct span at, CXCursor parent)
{
    size_t i = at.begin;
    while (i > 0 && strchr(" \t\n", f->text[i - 1]) != NULL) {
        i--;
    }
    int before = i > 0 ? f->text[i - 1] : 0;
    if (before == '[') {
        return clang_getCursorKind(parent) != CXCursor_ArraySubscriptExpr;
    }
    return before == '{' && f->text[at.end] == '}' && f->text[at.begin] == '0';
}

static void constant(struct finder *f, CXCursor c, CXCursor parent)
{
    struct span at;
    CXEvalResult value = clang_Cursor_Evaluate(c);
    bool zero = value != NULL && clang_EvalResult_getKind(value) == CXEval_Int &&
                clang_EvalResult_getAsLongLong(value) == 0;
    clang_EvalResult_dispose(value);
    if (span_of(f, c, &at) && !only_form(f, at, parent)) {
        const char *text = text_at(f, at.begin, at.end);
        add_expression(f, "constant", at, zero ? "1" : arena_printf(f->arena, "%s - 1", text));
    }
}

/* ---- conditions that are no comparison ---- */

static void condition(struct finder *f, CXCursor c)
{
    struct span at;
    enum CXCursorKind kind = clang_getCursorKind(unwrapped(c));
    if (kind == CXCursor_BinaryOperator || !span_of(f, c, &at)) {
        return;
    }
    const char *text = text_at(f, at.begin, at.end);
    bool negated = clang_getCursorKind(unwrapped(c)) == CXCursor_UnaryOperator && text[0] == '!';
    add_expression(f, "negation", at,
                   negated ? arena_strdup(f->arena, text + 1)
                           : arena_printf(f->arena, "!(%s)", text));
}

/* ---- calls ---- */

/* Intrinsics want constants where they want constants. */
static bool is_intrinsic(const char *name)
{
    return starts_with(name, "_mm") || starts_with(name, "__builtin") || name[0] == '\0';
}

static bool is_among(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* max(a, b) is max(b, a), and so are ours of that kind, whatever they are called; an array of a things of b bytes has as many as one of b of a; strcmp(a, b) == 0 is strcmp(b, a) == 0. */
static bool is_symmetric(struct finder *f, const char *name, struct span call)
{
    static const char *const always[] = {"fmax",      "fmaxf",    "fmin",        "fminf",
                                         "mem_array", "mem_wide", "arena_array", "topk_larger",
                                         "larger",    "smaller",  "latest",      "plus",
                                         "same",      "vec_add",  "vec_mul"};
    static const char *const as_equality[] = {"strcmp", "strncmp", "memcmp", "strcasecmp"};
    const char *behind = f->text + call.end + strspn(f->text + call.end, " \t\n");
    bool equality = starts_with(behind, "==") || starts_with(behind, "!=");
    return is_among(name, always, sizeof always / sizeof *always) ||
           (equality && is_among(name, as_equality, sizeof as_equality / sizeof *as_equality));
}

static void swap(struct finder *f, struct span call, CXCursor first, CXCursor second)
{
    struct span a;
    struct span b;
    unsigned offsets[4];
    CXSourceRange left = clang_getCursorExtent(first);
    CXSourceRange right = clang_getCursorExtent(second);
    clang_getFileLocation(clang_getRangeStart(left), NULL, NULL, NULL, &offsets[0]);
    clang_getFileLocation(clang_getRangeEnd(left), NULL, NULL, NULL, &offsets[1]);
    clang_getFileLocation(clang_getRangeStart(right), NULL, NULL, NULL, &offsets[2]);
    clang_getFileLocation(clang_getRangeEnd(right), NULL, NULL, NULL, &offsets[3]);
    a = (struct span){offsets[0], offsets[1]};
    b = (struct span){offsets[2], offsets[3]};
    if (a.begin <= call.begin || a.end > b.begin || b.end >= call.end || a.begin >= a.end) {
        return;
    }
    const char *one = text_at(f, a.begin, a.end);
    const char *two = text_at(f, b.begin, b.end);
    if (strcmp(one, two) != 0) {
        add_expression(f, "arguments swapped", call,
                       arena_printf(f->arena, "%s%s%s %s%s", text_at(f, call.begin, a.begin), two,
                                    text_at(f, a.end, b.begin), one, text_at(f, b.end, call.end)));
    }
}

/* a b + c is b a + c. */
static bool is_product(const char *name, int one, int other)
{
    static const char *const products[] = {"vec_fma", "vec_neg_fma", "mat_dot"};
    return one == 0 && other == 1 && is_among(name, products, sizeof products / sizeof *products);
}

/* The next parameter of the same type, with which something would change; count where there is none. */
static int like_of(CXType function, const char *name, int one, int count)
{
    const CXType mine = clang_getCanonicalType(clang_getArgType(function, (unsigned)one));
    int other = one + 1;
    while (other < count && !clang_equalTypes(mine, clang_getCanonicalType(clang_getArgType(
                                                        function, (unsigned)other)))) {
        other++;
    }
    return is_product(name, one, other) ? count : other;
}

/* Each argument with the next one whose parameter has the same type. */
static void call(struct finder *f, CXCursor c)
{
    struct span at;
    CXCursor callee = clang_getCursorReferenced(c);
    CXType type = clang_getCanonicalType(clang_getCursorType(callee));
    if (type.kind == CXType_Pointer) {
        type = clang_getPointeeType(type);
    }
    int count = clang_getNumArgTypes(type);
    const char *name = callee_name(f, c);
    if (is_intrinsic(name) || count != clang_Cursor_getNumArguments(c) || !span_of(f, c, &at) ||
        is_symmetric(f, name, at)) {
        return;
    }
    for (int i = 0; i < count; i++) {
        const int j = like_of(type, name, i, count);
        if (j < count) {
            swap(f, at, clang_Cursor_getArgument(c, (unsigned)i),
                 clang_Cursor_getArgument(c, (unsigned)j));
        }
    }
}

/* ---- the one entry ---- */

/* Whatever stands in an argument of an intrinsic is left alone as well. */
static bool belongs_to_intrinsic(struct finder *f, CXCursor parent)
{
    CXCursor c = parent;
    return clang_getCursorKind(c) == CXCursor_CallExpr && is_intrinsic(callee_name(f, c));
}

void find_in_expression(struct finder *f, CXCursor c, CXCursor parent)
{
    struct children below;
    if (belongs_to_intrinsic(f, parent)) {
        return;
    }
    switch ((int)clang_getCursorKind(c)) {
    case CXCursor_BinaryOperator:
    case CXCursor_CompoundAssignOperator:
        binary(f, c);
        break;
    case CXCursor_IntegerLiteral:
        constant(f, c, parent);
        break;
    case CXCursor_CallExpr:
        call(f, c);
        break;
    case CXCursor_IfStmt:
    case CXCursor_ConditionalOperator:
        below = children_of(c);
        if (below.count > 0) {
            condition(f, below.rows[0]);
        }
        break;
    default:
        break;
    }
}
