#include "find.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Mutants of named queries. A clause that goes leaves its parameters behind, as (clause OR true), since PostgreSQL must still learn their
 * types. The text of a query is what store/pg/embed_sql.awk embeds: no comment lines, no semicolon. */

enum { TOKENS_MAX = 2048, QUERY_LINES_MAX = 512 };

struct token {
    size_t begin;
    size_t end;
    int depth; /* of parentheses, and of CASE ... END */
};

struct query {
    struct arena *arena;
    struct mutants *all;
    const char *path;
    const char *name;
    char *text;
    size_t len;
    int lines[QUERY_LINES_MAX]; /* of the file, for each line of the text */
    int line_count;
    struct token tokens[TOKENS_MAX];
    int count;
};

/* ---- tokens ---- */

static bool is(const struct query *q, int i, const char *word)
{
    return i >= 0 && i < q->count && q->tokens[i].end - q->tokens[i].begin == strlen(word) &&
           strncasecmp(q->text + q->tokens[i].begin, word, strlen(word)) == 0;
}

static size_t token_end(const char *text, size_t at)
{
    size_t i = at;
    if (text[at] == '\'') {
        for (i++; text[i] != '\0' && text[i] != '\''; i++) {
        }
        return text[i] == '\0' ? i : i + 1;
    }
    if (isalnum((unsigned char)text[at]) || text[at] == '_' || text[at] == '$') {
        while (isalnum((unsigned char)text[i]) || (text[i] != '\0' && strchr("_$.:", text[i]))) {
            i++;
        }
        return i;
    }
    while (text[i] != '\0' && strchr("+-*/<>=~!@#%^&|`?", text[i]) != NULL) {
        i++;
    }
    return i == at ? at + 1 : i;
}

static void tokenize(struct query *q)
{
    int depth = 0;
    q->count = 0;
    for (size_t at = 0; at < q->len;) {
        if (isspace((unsigned char)q->text[at])) {
            at++;
            continue;
        }
        if (q->count == TOKENS_MAX) {
            die("%s: the query %s is too long", q->path, q->name);
        }
        size_t end = token_end(q->text, at);
        struct token *t = &q->tokens[q->count++];
        *t = (struct token){at, end, depth};
        int i = q->count - 1;
        bool closes = is(q, i, ")") || is(q, i, "]") || is(q, i, "END");
        bool opens = is(q, i, "(") || is(q, i, "[") || is(q, i, "CASE");
        t->depth = closes ? depth - 1 : depth;
        depth += opens ? 1 : closes ? -1 : 0;
        at = end;
    }
}

/* ---- adding ---- */

/* Tokens [from, to) give way to `text`; `after` is what the report shows. */
static void add(struct query *q, const char *kind, int from, int to, const char *text,
                const char *after)
{
    size_t begin = q->tokens[from].begin;
    size_t end = q->tokens[to - 1].end;
    int row = line_of(q->text, begin) - 1;
    struct mutant m = {.file = q->path,
                       .line = row < q->line_count ? q->lines[row] : 0,
                       .function = q->name,
                       .kind = kind,
                       .before = one_line(q->arena, q->text, begin, end),
                       .after = after,
                       .regions = {{begin, end, text, false}},
                       .region_count = 1};
    m.sql = arena_printf(q->arena, "%.*s%s%s", (int)begin, q->text, text, q->text + end);
    mutants_add(q->all, &m);
}

/* ---- WHERE ---- */

static bool ends_clause(const struct query *q, int i, int depth)
{
    static const char *const words[] = {"GROUP", "ORDER",  "LIMIT",  "FOR",    "RETURNING", "UNION",
                                        "ON",    "HAVING", "WINDOW", "OFFSET", "EXCEPT"};
    if (i >= q->count || q->tokens[i].depth < depth) {
        return true;
    }
    for (size_t w = 0; q->tokens[i].depth == depth && w < sizeof words / sizeof *words; w++) {
        if (is(q, i, words[w])) {
            return true;
        }
    }
    return false;
}

/* The AND of BETWEEN is none. */
static bool separates(const struct query *q, int i, int depth, bool *in_between)
{
    if (q->tokens[i].depth != depth) {
        return false;
    }
    if (is(q, i, "BETWEEN")) {
        *in_between = true;
        return false;
    }
    if (is(q, i, "AND") && *in_between) {
        *in_between = false;
        return false;
    }
    return is(q, i, "AND") || is(q, i, "OR");
}

static void drop_operand(struct query *q, int from, int to, bool of_or)
{
    const char *text = one_line(q->arena, q->text, q->tokens[from].begin, q->tokens[to - 1].end);
    add(q, "sql where", from, to,
        arena_printf(q->arena, "(%s %s)", text, of_or ? "AND false" : "OR true"),
        of_or ? "false" : "true");
}

static void where(struct query *q, int i)
{
    int depth = q->tokens[i].depth;
    int from = i + 1;
    bool in_between = false;
    bool of_or = false; /* the operand follows an OR */
    for (int j = from; j <= q->count; j++) {
        bool last = ends_clause(q, j, depth);
        if (last || separates(q, j, depth, &in_between)) {
            bool before_or = !last && is(q, j, "OR");
            drop_operand(q, from, j, of_or || before_or);
            of_or = before_or;
            from = j + 1;
        }
        if (last) {
            return;
        }
    }
}

/* ---- the other clauses ---- */

static int clause_end(const struct query *q, int i)
{
    int depth = q->tokens[i].depth;
    int j = i + 1;
    while (!ends_clause(q, j, depth)) {
        j++;
    }
    return j;
}

static void locking(struct query *q, int i)
{
    int end = i + 2;
    bool skips = false;
    while (end < q->count && q->tokens[end].depth == q->tokens[i].depth) {
        skips = skips || is(q, end, "SKIP");
        end++;
    }
    add(q, "sql lock", i, end, "", "");
    if (skips) {
        add(q, "sql skip locked", end - 2, end, "", "");
    }
}

static void limit(struct query *q, int i)
{
    int end = clause_end(q, i);
    const char *value = one_line(q->arena, q->text, q->tokens[i + 1].begin, q->tokens[end - 1].end);
    add(q, "sql limit", i, end, arena_printf(q->arena, "LIMIT greatest(%s, 1000000000)", value),
        "");
}

static void comparison(struct query *q, int i)
{
    static const char *const pairs[][2] = {{"<", "<="}, {"<=", "<"}, {">", ">="}, {">=", ">"}};
    for (size_t p = 0; p < sizeof pairs / sizeof *pairs; p++) {
        if (i > 0 && i + 1 < q->count && is(q, i, pairs[p][0])) {
            const char *left =
                one_line(q->arena, q->text, q->tokens[i - 1].begin, q->tokens[i - 1].end);
            const char *right =
                one_line(q->arena, q->text, q->tokens[i + 1].begin, q->tokens[i + 1].end);
            const char *text = arena_printf(q->arena, "%s %s %s", left, pairs[p][1], right);
            add(q, "sql comparison", i - 1, i + 2, text, text);
        }
    }
}

static void find_in_query(struct query *q)
{
    tokenize(q);
    for (int i = 0; i < q->count; i++) {
        if (is(q, i, "WHERE")) {
            where(q, i);
        } else if (is(q, i, "ORDER") && is(q, i + 1, "BY")) {
            add(q, "sql order", i, clause_end(q, i), "", "");
        } else if (is(q, i, "LIMIT")) {
            limit(q, i);
        } else if (is(q, i, "FOR") && (is(q, i + 1, "UPDATE") || is(q, i + 1, "SHARE"))) {
            locking(q, i);
        } else if (is(q, i, "DESC")) {
            add(q, "sql direction", i, i + 1, "", "");
        } else {
            comparison(q, i);
        }
    }
}

/* ---- the file ---- */

static void end_query(struct query *q)
{
    while (q->len > 0 && strchr("; \t\n", q->text[q->len - 1]) != NULL) {
        q->len--;
    }
    q->text[q->len] = '\0';
    if (q->name != NULL) {
        find_in_query(q);
    }
}

static void begin_query(struct query *q, const char *line, size_t len)
{
    char name[128] = "";
    const char *copy = arena_strndup(q->arena, line, len);
    (void)sscanf(copy, "-- name: %127s", name);
    end_query(q);
    q->name = arena_strdup(q->arena, name);
    q->len = 0;
    q->line_count = 0;
}

static void add_line(struct query *q, const char *line, size_t len, int number)
{
    if (q->name == NULL || len == 0 || q->line_count == QUERY_LINES_MAX) {
        return;
    }
    memcpy(q->text + q->len, line, len);
    q->len += len;
    q->text[q->len++] = '\n';
    q->lines[q->line_count++] = number;
}

static bool is_comment(const char *line, size_t len)
{
    size_t i = 0;
    while (i < len && (line[i] == ' ' || line[i] == '\t')) {
        i++;
    }
    return i + 1 < len && line[i] == '-' && line[i + 1] == '-';
}

void find_sql(struct arena *a, const char *root, const char *path, struct mutants *all)
{
    size_t len;
    int number = 0;
    size_t first = all->count;
    const char *text = file_text(a, arena_printf(a, "%s/%s", root, path), &len);
    struct query *q = arena_alloc(a, sizeof *q);
    *q = (struct query){.arena = a, .all = all, .path = path};
    q->text = arena_alloc(a, len + 2);
    for (const char *line = text; *line != '\0';) {
        size_t n = strcspn(line, "\n");
        number++;
        if (strncmp(line, "-- name: ", 9) == 0) {
            begin_query(q, line, n);
        } else if (!is_comment(line, n)) {
            add_line(q, line, n, number);
        }
        line += n + (line[n] == '\n' ? 1 : 0);
    }
    end_query(q);
    mutants_name(all, first);
}

int find_sql_count(struct arena *a, const char *root, const char *path)
{
    size_t len;
    int count = 0;
    const char *text = file_text(a, arena_printf(a, "%s/%s", root, path), &len);
    for (const char *at = text; at != NULL; at = strchr(at, '\n')) {
        at += *at == '\n' ? 1 : 0;
        count += strncmp(at, "-- name: ", 9) == 0 ? 1 : 0;
        if (*at == '\0') {
            break;
        }
    }
    return count;
}
